//! One version of a policy; publishing, renaming, deleting.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect},
};
use domain::{Name, PolicyId};
use json::{Document, Value};
use serde::Deserialize;
use store::{
    policies::{PolicyInfo, Version},
    servers::Server,
};

use super::diff::{self, Line};
use crate::{
    actions,
    pages::{
        Html, Page, PageError, filters,
        path::{Id, Query},
    },
    session::{Editor, Form, Shell, Viewer},
    state::Console,
};

#[derive(Template)]
#[template(path = "policies/version.html")]
struct VersionPage {
    shell: Shell,
    server: Server,
    policy: PolicyInfo,
    version: Version,
    lines: Vec<(usize, String, bool)>,
    rule: Option<String>,
    /// The version in force, where it is another one.
    in_force: Option<Version>,
}

impl VersionPage {
    /// What publishing this version would change, with the sign and class of each line.
    fn changes(&self) -> Vec<(&'static str, &'static str, String)> {
        let Some(in_force) = &self.in_force else {
            return Vec::new();
        };
        diff::between(&in_force.document, &self.version.document)
            .into_iter()
            .map(|line| match line {
                Line::Same(text) => ("", "same", text.to_owned()),
                Line::Gone(text) => ("−", "gone", text.to_owned()),
                Line::New(text) => ("+", "new", text.to_owned()),
                Line::Skipped(1) => ("", "skipped", "1 line the same".to_owned()),
                Line::Skipped(n) => ("", "skipped", format!("{n} lines the same")),
            })
            .collect()
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    rule: Option<String>,
}

/// `GET /policies/{policy}/versions/{version}` shows the document as it was written, with the lines
/// of the rule in `?rule=` marked.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    path: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    Query(asked): Query<Asked>,
) -> Page {
    let Path((id, number)) = path.map_err(|_| PageError::NotFound)?;
    let id: PolicyId = id.parse().map_err(|_| PageError::NotFound)?;
    let number: i32 = number.parse().map_err(|_| PageError::NotFound)?;
    let policy = store::policies::get(&console.db, &viewer.scope, id).await?;
    let version = store::policies::version(&console.db, &viewer.scope, id, number).await?;
    let server = store::servers::get(&console.db, &viewer.scope, policy.server).await?;
    let marked = asked
        .rule
        .as_deref()
        .and_then(|rule| lines_of(&version.document, rule));
    let lines = version
        .document
        .trim_end()
        .split('\n')
        .enumerate()
        .map(|(at, text)| {
            let number = at + 1;
            let hit = marked.is_some_and(|(from, to)| (from..=to).contains(&number));
            (number, text.to_owned(), hit)
        })
        .collect();
    let rule = asked.rule.filter(|_| marked.is_some());
    let in_force = match policy
        .published_version
        .filter(|published| *published != number)
    {
        Some(other) => Some(store::policies::version(&console.db, &viewer.scope, id, other).await?),
        None => None,
    };
    let shell = viewer.shell("servers");
    Ok(Html(VersionPage {
        shell,
        server,
        policy,
        version,
        lines,
        rule,
        in_force,
    })
    .into_response())
}

/// The first and last line of what a rule's pointer points at. A pointer names limits by their
/// counters, and checks by their index.
fn lines_of(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let bounds = json::Bounds {
        bytes_max: 256 * 1024,
        depth_max: 32,
    };
    let document = Document::parse(text.as_bytes(), bounds).ok()?;
    let mut value: Value<'_> = document.root();
    for segment in pointer.strip_prefix('/')?.split('/') {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        let within = value;
        value = within
            .get(&segment)
            .or_else(|| {
                within
                    .elements()
                    .find(|e| e.get("counter").is_some_and(|name| name.is(&segment)))
            })
            .or_else(|| within.elements().nth(segment.parse().ok()?))?;
    }
    let line = |offset| usize::try_from(json::position(text, offset).line).ok();
    Some((line(value.span().start)?, line(value.span().end)?))
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
) -> Page {
    actions::policies::publish(&console, &editor.scope, id, form.revision, form.version).await?;
    Ok(Redirect::to(&format!("/policies/{id}?done=policy-published")).into_response())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_in_the_text_that_was_written() {
        let text = "{\n  \"tools\": {\n    \"a/b\": {\n      \"limits\": [\n        { \"counter\": \"x\" },\n        {\n          \"counter\": \"y\"\n        }\n      ]\n    }\n  }\n}";
        assert_eq!(lines_of(text, "/tools/a~1b/limits/y"), Some((6, 8)));
        assert_eq!(lines_of(text, "/tools/a~1b/limits/0"), Some((5, 5)));
        assert_eq!(lines_of(text, "/tools/zz"), None);
        assert_eq!(lines_of(text, "tools"), None);
        assert_eq!(lines_of("nonsense", "/a"), None);
    }
}
