//! What a document does to each tool, for each grant, and what of that is new.

use domain::{Capability, GrantId, PolicyId, Scope, ServerId};
use policy::{Change, Effect, Policy, ToolPreview};
use store::{
    PageRequest,
    grants::{Grant, GrantState},
    policies::PolicyInfo,
};
use time::OffsetDateTime;

use super::{
    ActionError, Result,
    decide::{Caller, unix_ms},
    require,
    subject::{Rules, Subject},
};
use crate::state::Console;

/// For how many grants at most one preview is made.
pub(crate) const GRANTS_MAX: u16 = 50;

/// One tool, under the document and under the published version.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub now: ToolPreview,
    /// None where nothing is published to compare with.
    pub published: Option<ToolPreview>,
    /// Whether publishing the document could change a decision on this tool.
    pub changes: bool,
}

/// All tools for one grant.
#[derive(Debug, Clone)]
pub(crate) struct Preview {
    /// None for a grant that is only imagined.
    pub grant: Option<GrantId>,
    pub caller: Caller,
    pub lines: Vec<Line>,
}

/// For whom.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    /// The live grants that have the policy, or one called `test` where none has.
    All,
    One(GrantId),
    Imagined(Caller),
}

/// What is to be previewed.
#[derive(Debug, Clone)]
pub(crate) struct Asked<'a> {
    pub rules: Rules<'a>,
    /// Whose tools there are. A policy brings its own server.
    pub server: Option<ServerId>,
    /// The policy whose version in force it is compared with.
    pub policy: Option<PolicyId>,
    pub whose: Whose,
    pub at: OffsetDateTime,
}

/// Previews a document or a stored version.
pub(crate) async fn preview(
    console: &Console,
    scope: &Scope,
    mut asked: Asked<'_>,
) -> Result<Vec<Preview>> {
    require(scope, Capability::See)?;
    let now_unix_ms = unix_ms(asked.at)?;
    let mut in_force = None;
    if let Some(id) = asked.policy {
        let info = store::policies::get(&console.db, scope, id).await?;
        if asked.server.is_some_and(|server| server != info.server) {
            let detail = "is not the policy's server";
            return Err(ActionError::field("/server_id", detail));
        }
        asked.server = Some(info.server);
        in_force = published(console, scope, &info).await?;
    }
    let subject = Subject::load(console, scope, asked.rules, asked.server).await?;
    let whose = callers(console, scope, asked.server, asked.policy, asked.whose).await?;
    let work = move || {
        let policy = subject.policy()?;
        let base = Base::new(&subject, &policy, in_force.as_deref());
        let of = |(grant, caller): (Option<GrantId>, Caller)| Preview {
            lines: lines(&subject, &policy, &base, &caller, now_unix_ms),
            grant,
            caller,
        };
        Ok(whose.into_iter().map(of).collect())
    };
    console.desk.work(work).await?
}

/// The version in force and what the document changes of it.
pub(crate) struct Base {
    policy: Option<Policy>,
    changes: Vec<Change>,
}

impl Base {
    /// A published document that this release cannot read is as none.
    pub(crate) fn new(subject: &Subject, policy: &Policy, published: Option<&str>) -> Self {
        let base = published.and_then(|text| Policy::parse(text).ok());
        let changes = match &base {
            Some(base) => policy::diff(Some(base), policy, subject.tools.as_deref()),
            None => Vec::new(),
        };
        Self {
            policy: base,
            changes,
        }
    }

    /// Whether a rule that still looks at calls of the tool decides differently now. What is decided
    /// before anybody calls, [`differs`] sees.
    fn touches(&self, tool: &ToolPreview) -> bool {
        let within = |a: &str, b: &str| {
            a.strip_prefix(b)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let deciding = |change: &&Change| change.effect != Effect::Neutral;
        self.changes.iter().filter(deciding).any(|change| {
            let mut rules = tool.depends_on.iter();
            rules.any(|rule| within(rule, &change.pointer) || within(&change.pointer, rule))
        })
    }
}

/// Each tool for one caller, in the inventory's order.
pub(crate) fn lines(
    subject: &Subject,
    policy: &Policy,
    base: &Base,
    caller: &Caller,
    now_unix_ms: u64,
) -> Vec<Line> {
    let Some(tools) = subject.tools.as_deref() else {
        return Vec::new();
    };
    let of = |policy: &Policy| {
        policy::preview(&subject.engine(policy), tools, caller.facts(), now_unix_ms)
    };
    let now = of(policy);
    let Some(published) = &base.policy else {
        let line = |now| Line {
            now,
            published: None,
            changes: false,
        };
        return now.into_iter().map(line).collect();
    };
    now.into_iter()
        .zip(of(published))
        .map(|(now, published)| Line {
            changes: differs(&now, &published) || base.touches(&now),
            now,
            published: Some(published),
        })
        .collect()
}

/// Whether the two say different things of a tool. Which rule says it is no difference by itself.
fn differs(a: &ToolPreview, b: &ToolPreview) -> bool {
    (a.verdict, &a.limits, &a.depends_on) != (b.verdict, &b.limits, &b.depends_on)
}

/// The document in force, if there is one.
pub(crate) async fn published(
    console: &Console,
    scope: &Scope,
    policy: &PolicyInfo,
) -> Result<Option<String>> {
    let Some(version) = policy.published_version else {
        return Ok(None);
    };
    let version = store::policies::version(&console.db, scope, policy.id, version).await?;
    Ok(Some(version.document))
}

async fn callers(
    console: &Console,
    scope: &Scope,
    server: Option<ServerId>,
    policy: Option<PolicyId>,
    whose: Whose,
) -> Result<Vec<(Option<GrantId>, Caller)>> {
    match whose {
        Whose::Imagined(caller) => Ok(vec![(None, caller)]),
        Whose::One(id) => {
            let grant = store::grants::get(&console.db, scope, id).await?;
            if server.is_some_and(|server| server != grant.server) {
                let detail = "is a grant of another server";
                return Err(ActionError::field("/grant_id", detail));
            }
            Ok(vec![(Some(id), caller_of(&grant))])
        }
        Whose::All => {
            let grants = live(console, scope, server, policy).await?;
            if grants.is_empty() {
                return Ok(vec![(None, nobody())]);
            }
            let each = grants.iter().take(usize::from(GRANTS_MAX));
            Ok(each
                .map(|grant| (Some(grant.id), caller_of(grant)))
                .collect())
        }
    }
}

/// The grant of whom nothing is known; the same that tests have.
pub(crate) fn nobody() -> Caller {
    Caller {
        label: "test".to_owned(),
        ..Caller::default()
    }
}

pub(crate) fn caller_of(grant: &Grant) -> Caller {
    Caller {
        label: grant.label.as_str().to_owned(),
        identity: grant.identity.as_ref().map(|who| who.as_str().to_owned()),
        labels: grant.labels.clone(),
    }
}

/// Whether the grant can call, or could again.
pub(crate) fn is_live(grant: &Grant) -> bool {
    matches!(grant.state, GrantState::Active | GrantState::Paused)
}

/// The newest live grants that have the policy.
async fn live(
    console: &Console,
    scope: &Scope,
    server: Option<ServerId>,
    policy: Option<PolicyId>,
) -> Result<Vec<Grant>> {
    let (Some(server), Some(policy)) = (server, policy) else {
        return Ok(Vec::new());
    };
    let request = PageRequest {
        limit: 200,
        after: None,
    };
    let grants = store::grants::list(&console.db, scope, Some(server), request).await?;
    let has = |grant: &Grant| grant.policy == Some(policy) && is_live(grant);
    Ok(grants.items.into_iter().filter(has).collect())
}
