//! Asking what a document means: `/policies/check` and `/policies/decide`.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    Identity, Label, PolicyId, ServerId,
    audit::{Code, Outcome},
};
use policy::GrantFacts;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    audit::Charge,
    body::{Body, DocumentText, Verbatim, present},
    caller::Caller,
    problem::ApiError,
    schema::{self, Time},
};
use crate::{
    actions::{
        self, ActionError,
        decide::{Question, Rules},
        grants::Labels,
    },
    state::Console,
};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(decide))
}

/// A document to check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "document": {"version": "1", "default": "deny", "tools": {"rerun_workflw": {}}},
    "server_id": "srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1"
}))]
pub(crate) struct Check {
    /// The document, as an object or as a string that holds its text.
    #[schema(value_type = schema::AnyJson)]
    document: DocumentText,
    /// The server whose tools the rules should name.
    #[serde(default)]
    #[schema(value_type = Option<schema::ServerId>)]
    server_id: Option<ServerId>,
}

/// All that is wrong, and all that is odd.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"valid": true, "faults": [], "warnings": [{
    "pointer": "/tools/rerun_workflw", "line": 1, "column": 50, "code": "unknown_tool",
    "detail": "the server has no such tool", "got": "rerun_workflw", "hint": "rerun_workflow"}]}))]
pub(crate) struct Report {
    /// Whether it could be published.
    valid: bool,
    /// What must be changed first.
    faults: Vec<Fault>,
    /// What is allowed and probably not meant.
    warnings: Vec<Fault>,
}

/// One thing at its place in the document's text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// RFC 6901.
    pointer: String,
    /// From 1.
    line: u32,
    /// From 1, in characters.
    column: u32,
    /// What it is, for a program.
    code: &'static str,
    /// What it is, for a person.
    detail: String,
    /// What stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<String>,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl From<policy::Fault> for Fault {
    fn from(fault: policy::Fault) -> Self {
        Self {
            pointer: fault.pointer,
            line: fault.line,
            column: fault.column,
            code: fault.code,
            detail: fault.detail,
            got: fault.got,
            hint: fault.hint,
        }
    }
}

/// A call to be judged, by a document or by a stored policy's published version.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "tool": "rerun_workflow",
    "args": {"params": {"workflowId": "8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11"}},
    "grant": {"label": "Nightly fixer", "labels": {"team": "platform"}},
    "at": "2026-11-26T02:30:00Z"
}))]
pub(crate) struct Decide {
    /// A document, as an object or as a string; this or `policy_id`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::AnyJson>)]
    document: Option<DocumentText>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<PolicyId>,
    /// The server whose tools there are; a stored policy brings its own.
    #[serde(default)]
    #[schema(value_type = Option<schema::ServerId>)]
    server_id: Option<ServerId>,
    /// The tool that is called.
    tool: String,
    /// The call's arguments; left out, the call has none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    args: Option<Verbatim>,
    /// What the policy is told of the grant.
    #[serde(default)]
    grant: GrantSketch,
    /// When; now where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<Time>)]
    at: Option<Time>,
}

/// A grant as a policy sees it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantSketch {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    label: Option<Label>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    identity: Option<Identity>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// What would be decided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "outcome": "allow", "code": "allowed", "rule": null, "message": "", "shadow": [],
    "charges": [{"counter": "rerun_workflow_rate", "rule":
        "/tools/rerun_workflow/limits/rerun_workflow_rate", "cost": 1, "max": 10, "left": 9,
        "window_ms": 60000}]
}))]
pub(crate) struct Decision {
    #[schema(value_type = schema::Outcome)]
    outcome: Outcome,
    #[schema(value_type = schema::Code)]
    code: Code,
    /// Which rule decided, as a pointer into the policy.
    rule: Option<String>,
    /// The sentence the agent would be told; empty where the call is let through.
    message: String,
    /// What shadow rules would have done.
    #[schema(value_type = Vec<schema::AnyJson>)]
    shadow: Vec<domain::audit::Shadow>,
    /// What each limit would be charged.
    charges: Vec<Charge>,
    /// How long until the same call would fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// Check a policy document.
///
/// Says everything that is wrong at once, each with its place. Nothing is stored. With a server,
/// rules for tools that it does not have are warnings.
#[utoipa::path(post, path = "/policies/check", tag = "policies", request_body = Check,
    responses((status = 200, description = "What was found, valid or not.", body = Report)))]
async fn check(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(check): Body<Check>,
) -> Result<Response, ApiError> {
    let document = check.document.as_str();
    let report = actions::policies::check(&console, &scope, document, check.server_id).await?;
    Ok(Json(Report {
        valid: report.valid,
        faults: report.faults.into_iter().map(Fault::from).collect(),
        warnings: report.warnings.into_iter().map(Fault::from).collect(),
    })
    .into_response())
}

/// Decide one call.
///
/// Against counters that nothing was spent from, by the engine that the gateway uses. Nothing is
/// called, charged or recorded.
#[utoipa::path(post, path = "/policies/decide", tag = "policies", request_body = Decide,
    responses((status = 200, description = "The decision.", body = Decision)))]
async fn decide(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(asked): Body<Decide>,
) -> Result<Response, ApiError> {
    let rules = match (&asked.document, asked.policy_id) {
        (Some(document), None) => Rules::Document(document.as_str()),
        (None, Some(id)) => Rules::Policy(id),
        (Some(_), Some(_)) => {
            return Err(ApiError::field(
                "/policy_id",
                "does not go together with document",
            ));
        }
        (None, None) => return Err(ApiError::field("/document", "or policy_id is required")),
    };
    let arguments = asked.args.as_ref().map(Verbatim::text);
    if arguments.is_some_and(|text| !text.starts_with('{')) {
        return Err(ApiError::field("/args", "must be an object"));
    }
    let labels = Labels::parse(asked.grant.labels)
        .map_err(|faults| {
            let below = |fault: actions::FieldFault| actions::FieldFault {
                pointer: format!("/grant{}", fault.pointer),
                ..fault
            };
            ActionError::Fields(faults.into_iter().map(below).collect())
        })?
        .into_pairs();
    let question = Question {
        rules,
        server: asked.server_id,
        tool: &asked.tool,
        arguments,
        grant: GrantFacts {
            label: asked.grant.label.as_ref().map_or("", Label::as_str),
            identity: asked.grant.identity.as_ref().map(Identity::as_str),
            labels: &labels,
        },
        at: asked.at.map_or_else(OffsetDateTime::now_utc, |Time(at)| at),
    };
    let decision = actions::decide::decide(&console, &scope, question).await?;
    Ok(Json(Decision {
        outcome: decision.outcome,
        code: decision.code,
        rule: decision.rule,
        message: decision.message,
        shadow: decision.shadow,
        charges: decision.charges.into_iter().map(Charge::from).collect(),
        retry_after_ms: decision.retry_after_ms,
    })
    .into_response())
}
