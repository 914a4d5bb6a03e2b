//! Merging a rule into a policy.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{PolicyId, ServerId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{
    body::{Body, DocumentText, present},
    caller::Caller,
    history::RuleChange,
    problem::ApiError,
    schema,
};
use crate::{
    actions::{self, subject::Rules},
    state::Console,
};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(merge))
}

/// A rule, and what to merge it into.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "rule": {"rerun_workflow": {"rate_limit": {"max": 10, "window": "minute"}}}
}))]
pub(crate) struct Merge {
    /// A document, as an object or as a string; this or `policy_id`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::AnyJson>)]
    document: Option<DocumentText>,
    /// A stored policy: its newest version, published or not.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<PolicyId>,
    /// The server whose tools there are; a stored policy brings its own. It gives tools their
    /// classes, so that one which a class block held keeps that block's rules.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::ServerId>)]
    server_id: Option<ServerId>,
    /// A policy, or a part of one: its fields, or entries of `tools`. As an object or as a string.
    #[schema(value_type = schema::AnyJson)]
    rule: DocumentText,
}

/// The policy with the rule in it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "document": "{ \"version\": \"1\", \"default\": \"deny\", \"tools\": { \"rerun_workflow\": { \"rate_limit\": { \"max\": 10, \"window\": \"minute\" } } } }",
    "notes": [],
    "changes": [{"pointer": "/tools/rerun_workflow", "kind": "added", "effect": "loosens",
        "sentence": "`rerun_workflow` has rules of its own: 10 a minute; before, the default applied.",
        "before": null, "after": {"rate_limit": {"max": 10, "window": "minute"}}}]
}))]
pub(crate) struct Merged {
    /// The whole document as text: every byte outside of what was added is as it was.
    document: String,
    /// What to know about how they were combined, and what was left out, in sentences.
    notes: Vec<String>,
    /// What the rule changes, by rule.
    changes: Vec<RuleChange>,
}

/// Merge a rule into a policy.
///
/// Restrictions are added to what is there; nothing is removed or loosened, and merging twice is
/// merging once. Nothing is stored: save the answer's `document` as the next version.
#[utoipa::path(post, path = "/policies/merge", tag = "policies", request_body = Merge,
    responses((status = 200, description = "Both together.", body = Merged)))]
async fn merge(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(merge): Body<Merge>,
) -> Result<Response, ApiError> {
    let version = match merge.policy_id {
        Some(id) if merge.document.is_none() => {
            let newest = store::policies::get(&console.db, &scope, id).await?;
            Some(newest.latest_version)
        }
        _ => None,
    };
    let rules: Rules<'_> = super::rules(merge.document.as_ref(), merge.policy_id, version)?;
    let rule = merge.rule.as_str();
    let both = actions::merge::merge(&console, &scope, rules, merge.server_id, rule).await?;
    Ok(Json(Merged {
        document: both.document,
        notes: both.notes,
        changes: both.changes.into_iter().map(RuleChange::from).collect(),
    })
    .into_response())
}
