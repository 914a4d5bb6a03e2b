//! The step before publishing: what it would change, and for whom.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::{PolicyId, Scope};
use policy::Fault;
use serde::Deserialize;
use store::{PageRequest, grants::Grant, policies::PolicyInfo, servers::Server};

use super::{changes::Changes, editor::EditorPage};
use crate::{
    actions::{
        self, ActionError, examine, preview as previews,
        subject::{Rules, Subject},
    },
    pages::{
        Html, Page, PageError, filters,
        path::{Id, Query},
    },
    session::{Editor, Form, Shell},
    state::Console,
};

/// How many of the grants are named.
const NAMED: usize = 12;

#[derive(Template)]
#[template(path = "policies/review.html")]
pub(super) struct ReviewPage {
    shell: Shell,
    server: Server,
    /// None while the policy is being made.
    policy: Option<PolicyInfo>,
    what: What,
    /// What publishing changes of the version in force, by rule; none where that cannot be said.
    changes: Option<Changes>,
    /// What keeps it from being published.
    hindrances: Vec<Fault>,
    /// Some of the live grants that have the policy.
    grants: Vec<Grant>,
}

/// What is to be published.
enum What {
    /// The text of the editor, which becomes the next version by that.
    Draft {
        name: String,
        document: String,
        note: String,
        revision: Option<i32>,
        base: Option<i32>,
    },
    Version(i32),
}

impl ReviewPage {
    /// For what is in the editor.
    pub(super) async fn of_draft(console: &Console, scope: &Scope, page: EditorPage) -> Page {
        let rules = Rules::Document(&page.draft.document);
        let subject = Subject::load(console, scope, rules, Some(page.server.id)).await?;
        let what = What::Draft {
            name: page.draft.name,
            document: page.draft.document,
            note: page.draft.note,
            revision: page.draft.revision,
            base: page.draft.base,
        };
        let place = (page.server, page.policy);
        Self::answer(console, scope, page.shell, place, what, subject).await
    }

    async fn answer(
        console: &Console,
        scope: &Scope,
        shell: Shell,
        (server, policy): (Server, Option<PolicyInfo>),
        what: What,
        subject: Subject,
    ) -> Page {
        let (mut published, mut grants) = (None, Vec::new());
        if let Some(policy) = &policy {
            published = previews::published(console, scope, policy).await?;
            grants = with_policy(console, scope, policy).await?;
        }
        let work = move || {
            let changes = Changes::between(published.as_deref(), &subject);
            (changes, examine::hindrances(&subject))
        };
        let (changes, hindrances) = console.desk.work(work).await?;
        let status = if hindrances.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        let page = Self {
            shell,
            server,
            policy,
            what,
            changes,
            hindrances,
            grants,
        };
        Ok((status, Html(page)).into_response())
    }

    /// What is published, in words.
    fn title(&self) -> String {
        match (&self.what, &self.policy) {
            (What::Draft { name, .. }, None) => format!("Publish {name}"),
            (What::Draft { .. }, Some(policy)) => {
                format!("Publish {} v{}", policy.name, policy.latest_version + 1)
            }
            (What::Version(version), Some(policy)) if self.is_rollback() => {
                format!("Roll {} back to v{version}", policy.name)
            }
            (What::Version(version), Some(policy)) => {
                format!("Publish {} v{version}", policy.name)
            }
            (What::Version(version), None) => format!("Publish v{version}"),
        }
    }

    fn is_rollback(&self) -> bool {
        let published = self
            .policy
            .as_ref()
            .and_then(|policy| policy.published_version);
        matches!((&self.what, published), (What::Version(version), Some(published)) if *version < published)
    }

    fn sentence(&self) -> String {
        let in_force = match self
            .policy
            .as_ref()
            .and_then(|policy| policy.published_version)
        {
            Some(version) => format!("It takes the place of version {version}"),
            None => "Nothing of it is in force yet".to_owned(),
        };
        let grants = match self.affected() {
            0 => "no grant has the policy, so no call changes".to_owned(),
            1 => "1 grant has the policy and follows within a second".to_owned(),
            n => format!("{n} grants have the policy and follow within a second"),
        };
        format!("{in_force}; {grants}.")
    }

    fn named(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter().take(NAMED)
    }

    /// How many live grants have the policy.
    fn affected(&self) -> usize {
        let count = self.policy.as_ref().map_or(0, |policy| policy.grant_count);
        usize::try_from(count).unwrap_or_default()
    }

    fn unnamed(&self) -> usize {
        self.affected().saturating_sub(self.named().count())
    }

    /// Where the buttons lead.
    fn action(&self) -> String {
        match (&self.what, &self.policy) {
            (What::Version(_), Some(policy)) => format!("/policies/{}/publish", policy.id),
            (_, Some(policy)) => format!("/policies/{}", policy.id),
            (_, None) => format!("/servers/{}/policies/new", self.server.id),
        }
    }
}

/// Live grants that have the policy, among the newest 200 of the server; for their names only.
async fn with_policy(
    console: &Console,
    scope: &Scope,
    policy: &PolicyInfo,
) -> Result<Vec<Grant>, PageError> {
    let request = PageRequest {
        limit: 200,
        after: None,
    };
    let grants = store::grants::list(&console.db, scope, Some(policy.server), request).await?;
    let has = |grant: &Grant| grant.policy == Some(policy.id) && previews::is_live(grant);
    Ok(grants.items.into_iter().filter(has).collect())
}

#[derive(Deserialize)]
pub(super) struct Asked {
    version: i32,
}

/// `GET /policies/{policy}/publish?version=` shows what publishing a stored version would change.
pub(super) async fn review(
    State(console): State<Console>,
    editor: Editor,
    Id(id): Id<PolicyId>,
    Query(asked): Query<Asked>,
) -> Page {
    of_version(&console, &editor, id, asked.version).await
}

async fn of_version(console: &Console, editor: &Editor, id: PolicyId, version: i32) -> Page {
    let scope = &editor.scope;
    let policy = store::policies::get(&console.db, scope, id).await?;
    let server = store::servers::get(&console.db, scope, policy.server).await?;
    let subject = Subject::load(console, scope, Rules::Version(id, version), None).await?;
    let shell = editor.shell("servers");
    let place = (server, Some(policy));
    ReviewPage::answer(
        console,
        scope,
        shell,
        place,
        What::Version(version),
        subject,
    )
    .await
}

#[derive(Deserialize)]
pub(super) struct Publish {
    version: i32,
    revision: Option<i32>,
}

/// `POST /policies/{policy}/publish` puts a version in force; an older one is the roll-back.
pub(super) async fn publish(
    State(console): State<Console>,
    editor: Editor,
    Id(id): Id<PolicyId>,
    Form(form): Form<Publish>,
) -> Result<Response, PageError> {
    let (revision, version) = (form.revision, form.version);
    match actions::policies::publish(&console, &editor.scope, id, revision, version).await {
        Ok(_) => {
            let to = format!("/policies/{id}?done=policy-published");
            Ok(Redirect::to(&to).into_response())
        }
        // The page says what stands in the way, at its place.
        Err(ActionError::Policy(_)) => of_version(&console, &editor, id, version).await,
        Err(other) => Err(other.into()),
    }
}
