//! The top of a server's pages: the sentence, the strip of first steps, and the tabs.

use domain::{Scope, ServerId};
use store::{
    PageRequest,
    audit::{self, Filter},
    grants::{Grant, GrantState},
    policies::PolicyInfo,
    servers::Server,
};
use time::{Duration, OffsetDateTime};

use crate::{actions, pages::PageError, state::Console};

/// How many policies and grants of a server a page looks at.
const LOOKED_AT_MAX: u16 = 200;

/// What the head of a server's page is made of.
pub(crate) struct Head {
    pub(crate) server: Server,
    pub(crate) proxy_url: String,
    pub(crate) policies: Vec<PolicyInfo>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) refused_1h: i64,
    pub(crate) allowed_1h: i64,
    pub(crate) tab: &'static str,
}

/// The state of a server, in one word and its chip.
pub(crate) fn word_for(server: &Server) -> (&'static str, &'static str) {
    if server.discovery_error.is_some() {
        ("attention", "needs attention")
    } else if server.discovered_at.is_none() {
        ("draft", "not connected yet")
    } else {
        ("active", "connected")
    }
}

/// How far one of the first steps is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Done,
    Now,
    Later,
}

impl Step {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Now => "now",
            Self::Later => "later",
        }
    }

    pub(crate) fn is_done(self) -> bool {
        self == Self::Done
    }

    pub(crate) fn is_now(self) -> bool {
        self == Self::Now
    }
}

impl Head {
    /// # Errors
    /// `NotFound` where the server is not this organisation's.
    pub(crate) async fn load(
        console: &Console,
        scope: &Scope,
        id: ServerId,
        tab: &'static str,
    ) -> Result<Self, PageError> {
        let server = store::servers::get(&console.db, scope, id).await?;
        let all = || PageRequest {
            limit: LOOKED_AT_MAX,
            after: None,
        };
        let policies = store::policies::list(&console.db, scope, id, all())
            .await?
            .items;
        let grants = store::grants::list(&console.db, scope, Some(id), all())
            .await?
            .items;
        let now = OffsetDateTime::now_utc();
        let filter = Filter {
            server: Some(id),
            ..Filter::calls()
        };
        let from = now - Duration::HOUR;
        let bins = audit::histogram(&console.db, scope, &filter, from, now, 1).await?;
        Ok(Self {
            proxy_url: actions::servers::proxy_url(console, id),
            refused_1h: bins.iter().map(|bin| bin.refused + bin.limited).sum(),
            allowed_1h: bins.iter().map(|bin| bin.allowed).sum(),
            server,
            policies,
            grants,
            tab,
        })
    }

    pub(crate) fn state(&self) -> (&'static str, &'static str) {
        word_for(&self.server)
    }

    fn published(&self) -> impl Iterator<Item = &PolicyInfo> {
        self.policies
            .iter()
            .filter(|policy| policy.published_version.is_some())
    }

    fn live(&self) -> impl Iterator<Item = &Grant> {
        self.grants
            .iter()
            .filter(|grant| grant.state == GrantState::Active)
    }

    fn called(&self) -> bool {
        self.grants.iter().any(|grant| grant.last_used_at.is_some())
    }

    /// The state in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let tools = match self.server.tool_count {
            _ if self.server.discovered_at.is_none() => {
                return "Not connected yet: its tools are not known, so no policy can be checked \
                        against them."
                    .to_owned();
            }
            1 => "1 tool".to_owned(),
            n => format!("{n} tools"),
        };
        let live = self.live().count();
        let agents = if live == 1 {
            "1 grant".to_owned()
        } else {
            format!("{live} grants")
        };
        let mut published = self.published();
        let first = match (published.next(), published.next()) {
            (None, _) => format!("{tools}, no published policy: every call is refused"),
            (Some(only), None) => format!(
                "Enforcing {} v{} on {tools} for {agents}",
                only.name,
                only.published_version.unwrap_or_default()
            ),
            (Some(_), Some(_)) => {
                format!(
                    "Enforcing {} policies on {tools} for {agents}",
                    self.published().count()
                )
            }
        };
        let calls = self.allowed_1h + self.refused_1h;
        let last = match (calls, self.refused_1h) {
            (0, _) => "no calls in the last hour".to_owned(),
            (n, 0) => format!("{n} calls in the last hour, none refused"),
            (n, refused) => format!("{refused} of {n} calls refused in the last hour"),
        };
        format!("{first}; {last}.")
    }

    /// The strip of first steps, until all are done.
    pub(crate) fn steps(&self) -> Option<[Step; 4]> {
        let facts = [
            self.server.discovered_at.is_some(),
            self.published().next().is_some(),
            self.grants.iter().any(|grant| grant.revoked_at.is_none()),
            self.called(),
        ];
        if facts.iter().all(|done| *done) {
            return None;
        }
        let now = facts.iter().position(|done| !done);
        let mut steps = [Step::Later; 4];
        for (at, done) in facts.into_iter().enumerate() {
            steps[at] = match () {
                () if done => Step::Done,
                () if Some(at) == now => Step::Now,
                () => Step::Later,
            };
        }
        Some(steps)
    }

    /// The policy that a new rule or grant most likely means.
    pub(crate) fn first_policy(&self) -> Option<&PolicyInfo> {
        self.published().next().or_else(|| self.policies.first())
    }

    /// The grant that is waiting for its first call.
    pub(crate) fn waiting_grant(&self) -> Option<&Grant> {
        self.live().next()
    }

    pub(crate) fn current(&self, tab: &str) -> &'static str {
        if self.tab == tab {
            " aria-current=\"page\""
        } else {
            ""
        }
    }
}
