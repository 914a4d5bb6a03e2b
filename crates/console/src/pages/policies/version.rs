//! One version of a policy, compared with another; renaming, deleting.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect},
};
use domain::{Name, PolicyId, Scope};
use serde::Deserialize;
use store::{
    policies::{PolicyInfo, Version},
    servers::Server,
};

use site::lines::Lines;

use super::{changes::Changes, diff::Compared};
use crate::{
    actions::{
        self,
        subject::{Rules, Subject},
    },
    pages::{
        Html, Page, PageError, filters,
        path::{Id, Query},
    },
    session::{Editor, Form, Shell, Viewer},
    state::Console,
};

/// How many versions can be chosen to compare with.
const CHOICES: u16 = 100;

#[derive(Template)]
#[template(path = "policies/version.html")]
struct VersionPage {
    shell: Shell,
    server: Server,
    policy: PolicyInfo,
    version: Version,
    lines: Vec<(usize, String, bool)>,
    rule: Option<String>,
    /// The version that it is compared with.
    against: Option<Compare>,
    /// The other versions, newest first.
    others: Vec<i32>,
}

/// What the version changes of another.
struct Compare {
    version: i32,
    /// By rule; none where one of them is no policy to this release.
    changes: Option<Changes>,
    /// By line.
    compared: Compared,
}

impl VersionPage {
    fn is_in_force(&self, version: &i32) -> bool {
        self.policy.published_version == Some(*version)
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    rule: Option<String>,
    against: Option<i32>,
}

/// `GET /policies/{policy}/versions/{version}` shows the document as it was written, with the lines
/// of the rule in `?rule=` marked, and what it changes of the version in `?against=`: unless said,
/// the one in force, or of that the one before it.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    Query(asked): Query<Asked>,
) -> Page {
    let Path((id, number)) = path.map_err(|_| PageError::NotFound)?;
    let id: PolicyId = id.parse().map_err(|_| PageError::NotFound)?;
    let number: i32 = number.parse().map_err(|_| PageError::NotFound)?;
    let scope = &viewer.scope;
    let policy = store::policies::get(&console.db, scope, id).await?;
    let version = store::policies::version(&console.db, scope, id, number).await?;
    let server = store::servers::get(&console.db, scope, policy.server).await?;
    let in_force = policy
        .published_version
        .filter(|published| *published != number);
    let other = asked
        .against
        .or(in_force)
        .or((number > 1).then_some(number - 1));
    let against = match other.filter(|other| *other != number) {
        Some(other) => Some(compare(&console, scope, &policy, &version, other).await?),
        None => None,
    };
    let marked = asked.rule.as_deref();
    let marked = marked.and_then(|rule| Lines::of(&version.document).span(rule));
    let lines = version.document.trim_end().split('\n').enumerate();
    let lines = lines.map(|(at, text)| {
        let number = at + 1;
        let hit = marked.is_some_and(|(from, to)| (from..=to).contains(&number));
        (number, text.to_owned(), hit)
    });
    let newest = policy.latest_version;
    let others = (1..=newest).rev().take(usize::from(CHOICES));
    Ok(Html(VersionPage {
        shell: viewer.shell("servers"),
        lines: lines.collect(),
        others: others.filter(|other| *other != number).collect(),
        server,
        policy,
        version,
        rule: asked.rule.filter(|_| marked.is_some()),
        against,
    })
    .into_response())
}

async fn compare(
    console: &Console,
    scope: &Scope,
    policy: &PolicyInfo,
    version: &Version,
    other: i32,
) -> Result<Compare, PageError> {
    let old = store::policies::version(&console.db, scope, policy.id, other).await?;
    let rules = Rules::Document(&version.document);
    let subject = Subject::load(console, scope, rules, Some(policy.server)).await?;
    let work = move || Compare {
        version: other,
        changes: Changes::between(Some(&old.document), &subject),
        compared: Compared::between(&old.document, &subject.document),
    };
    Ok(console.desk.work(work).await?)
}

#[derive(Deserialize)]
pub(super) struct Rename {
    name: String,
}

/// `POST /policies/{policy}/rename` gives it another name.
pub(super) async fn rename(
    State(console): State<Console>,
    editor: Editor,
    Id(id): Id<PolicyId>,
    Form(form): Form<Rename>,
) -> Page {
    let name: Name = form
        .name
        .trim()
        .parse()
        .map_err(|error| PageError::Conflict(format!("The name {error}")))?;
    actions::policies::rename(&console, &editor.scope, id, None, &name).await?;
    Ok(Redirect::to(&format!("/policies/{id}?done=policy-renamed")).into_response())
}

#[derive(Deserialize)]
pub(super) struct Delete {
    revision: Option<i32>,
}

/// `POST /policies/{policy}/delete` deletes a policy that no live grant uses.
pub(super) async fn delete(
    State(console): State<Console>,
    editor: Editor,
    Id(id): Id<PolicyId>,
    Form(form): Form<Delete>,
) -> Page {
    let policy = store::policies::get(&console.db, &editor.scope, id).await?;
    actions::policies::delete(&console, &editor.scope, id, form.revision).await?;
    let to = format!("/servers/{}/policies?done=policy-deleted", policy.server);
    Ok(Redirect::to(&to).into_response())
}
