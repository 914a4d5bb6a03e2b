//! Deciding one call.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    PolicyId, ServerId, ToolClass,
    audit::{Code, Outcome},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        audit::Charge,
        body::{Body, DocumentText, Verbatim, present},
        caller::Caller,
        problem::ApiError,
        schema::{self, Time},
    },
    GrantSketch,
};
use crate::{
    actions::decide::{self, Asked},
    state::Console,
};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(decide))
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
    /// Which version of the policy; the published one where it is left out.
    #[serde(default, deserialize_with = "present")]
    version: Option<i32>,
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
    /// The tool's class, in place of the one that the server's inventory gives it.
    #[serde(default)]
    #[schema(value_type = Option<schema::ToolClass>)]
    class: Option<ToolClass>,
    /// Whether the answer says each step of the evaluation.
    #[serde(default)]
    explain: bool,
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
    /// With `explain`: everything that was looked at, in the order of evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    steps: Option<Vec<Step>>,
}

impl From<policy::Decision> for Decision {
    fn from(decision: policy::Decision) -> Self {
        Self {
            outcome: decision.outcome,
            code: decision.code,
            rule: decision.rule,
            message: decision.message,
            shadow: decision.shadow,
            charges: decision.charges.into_iter().map(Charge::from).collect(),
            retry_after_ms: decision.retry_after_ms,
            steps: None,
        }
    }
}

/// A rule that was looked at, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    /// `tool`, `action`, `validate`, `require`, `deny_if`, `approval`, `concurrent` or `limit`.
    #[schema(value_type = String)]
    stage: policy::Stage,
    /// The rule, as a pointer; null for a step that no rule gives.
    rule: Option<String>,
    /// Whether the rule only records.
    shadow: bool,
    /// `passes`, `refuses` or `holds`.
    #[schema(value_type = String)]
    result: policy::StepResult,
    /// In a sentence.
    detail: String,
    /// Of a check: each condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    conditions: Vec<ConditionStep>,
}

/// One condition of a check.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConditionStep {
    path: String,
    op: &'static str,
    /// As it is written in the policy.
    value: String,
    /// What stands at the path, as JSON, cut to a readable length; null where nothing does.
    found: Option<String>,
    /// `true`, `false`, `missing` or `undecided`.
    truth: &'static str,
}

impl From<policy::Step> for Step {
    fn from(step: policy::Step) -> Self {
        let condition = |condition: policy::ConditionStep| ConditionStep {
            path: condition.path,
            op: condition.op,
            value: condition.value,
            found: condition.found,
            truth: condition.truth,
        };
        Self {
            stage: step.stage,
            rule: step.rule,
            shadow: step.shadow,
            result: step.result,
            detail: step.detail,
            conditions: step.conditions.into_iter().map(condition).collect(),
        }
    }
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
    Body(body): Body<Decide>,
) -> Result<Response, ApiError> {
    let rules = super::rules(body.document.as_ref(), body.policy_id, body.version)?;
    let arguments = body.args.as_ref().map(|args| args.text().to_owned());
    if arguments
        .as_ref()
        .is_some_and(|text| !text.starts_with('{'))
    {
        return Err(ApiError::field("/args", "must be an object"));
    }
    let asked = Asked {
        tool: body.tool,
        arguments,
        caller: body.grant.caller()?,
        class: body.class,
        at: body.at.map_or_else(OffsetDateTime::now_utc, |Time(at)| at),
    };
    let explained = decide::decide(&console, &scope, rules, body.server_id, asked).await?;
    let steps = explained.steps.into_iter().map(Step::from);
    Ok(Json(Decision {
        steps: body.explain.then(|| steps.collect()),
        ..Decision::from(explained.decision)
    })
    .into_response())
}
