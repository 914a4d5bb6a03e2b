//! What the JSON editor asks while someone types: what is wrong with the text, and what the server
//! has that a rule could name. Answered in JSON, to the page's own script.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{ServerId, ToolClass};
use policy::Fault;
use serde::{Deserialize, Serialize};

use crate::{
    actions::{self, ActionError, examine, subject::Rules},
    pages::{PageError, path::Id},
    session::{Form, Viewer},
    state::Console,
};

/// How many faults, and how many warnings, are answered. A document of 256 KiB can have tens of
/// thousands, and nobody reads on.
const FAULTS_MAX: usize = 100;

#[derive(Deserialize)]
pub(super) struct Text {
    document: String,
}

/// What is wrong with a text.
#[derive(Serialize)]
struct Lint {
    /// Whether it could be saved and published.
    publishable: bool,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    tests: Vec<Test>,
}

/// One test in it.
#[derive(Serialize)]
struct Test {
    pointer: String,
    name: String,
    passed: bool,
    expected: String,
    got: String,
}

/// `POST /servers/{server}/policies/lint` says what is wrong with a text. Nothing is stored.
pub(super) async fn lint(
    State(console): State<Console>,
    viewer: Viewer,
    Id(server): Id<ServerId>,
    Form(Text { document }): Form<Text>,
) -> Result<Response, PageError> {
    let found = examine::check(&console, &viewer.scope, &document, Some(server)).await?;
    let first = |faults: Vec<Fault>| faults.into_iter().take(FAULTS_MAX).collect();
    let test = |test: policy::TestOutcome| Test {
        pointer: test.pointer,
        name: test.name,
        passed: test.passed,
        expected: test.expected,
        got: test.got,
    };
    Ok(Json(Lint {
        publishable: found.hindrances.is_empty(),
        faults: first(found.report.faults),
        warnings: first(found.report.warnings),
        tests: found.tests.into_iter().map(test).collect(),
    })
    .into_response())
}

#[derive(Deserialize)]
pub(super) struct Pasted {
    document: String,
    rule: String,
}

/// A text with what was pasted merged into it, or why it cannot be.
#[derive(Serialize)]
#[serde(untagged)]
enum Both {
    Merged { document: String, said: String },
    Refused { refused: String },
}

/// `POST /servers/{server}/policies/merge` puts a pasted policy into a text. Nothing is stored.
pub(super) async fn merge(
    State(console): State<Console>,
    viewer: Viewer,
    Id(server): Id<ServerId>,
    Form(Pasted { document, rule }): Form<Pasted>,
) -> Result<Response, PageError> {
    let whole = Rules::Document(&document);
    let both = actions::merge::merge(&console, &viewer.scope, whole, Some(server), &rule).await;
    let both = match both {
        Ok(both) => Both::Merged {
            said: both.said(),
            document: both.document,
        },
        Err(error @ (ActionError::Fields(_) | ActionError::Policy(_))) => Both::Refused {
            refused: error.to_string(),
        },
        Err(error) => return Err(error.into()),
    };
    Ok(Json(both).into_response())
}

/// What a server has that a rule could name.
#[derive(Serialize)]
struct Facts {
    tools: Vec<ToolFacts>,
}

#[derive(Serialize)]
struct ToolFacts {
    name: String,
    class: Option<ToolClass>,
    /// What its `inputSchema` says can stand in its arguments.
    paths: Vec<PathFacts>,
}

#[derive(Serialize)]
struct PathFacts {
    path: String,
    /// The JSON types, joined by `or`; empty where the schema does not say.
    #[serde(rename = "type")]
    kind: String,
}

/// `GET /servers/{server}/policies/facts` answers the server's tools and their arguments.
pub(super) async fn facts(
    State(console): State<Console>,
    viewer: Viewer,
    Id(server): Id<ServerId>,
) -> Result<Response, PageError> {
    let tools = actions::policies::inventory(&console, &viewer.scope, server)
        .await?
        .unwrap_or_default();
    let facts = |tool: domain::Tool| ToolFacts {
        paths: policy::builder::argument_paths(&tool.definition)
            .into_iter()
            .map(|field| PathFacts {
                path: field.path,
                kind: field.kind,
            })
            .collect(),
        name: tool.name,
        class: tool.class,
    };
    let answer = console
        .desk
        .work(move || tools.into_iter().map(facts).collect());
    let tools = answer.await?;
    Ok(Json(Facts { tools }).into_response())
}
