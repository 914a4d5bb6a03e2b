//! What became of a policy over its versions: what changed by rule.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::PolicyId;
use policy::{ChangeKind, Effect};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Caller, path::Path, problem::ApiError, query::Query, schema};
use crate::{actions::examine, state::Console};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(diff))
}

/// Which versions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Between {
    /// The older one; the published one where it is left out.
    #[param(minimum = 1)]
    from: Option<i32>,
    /// The newer one; the newest where it is left out.
    #[param(minimum = 1)]
    to: Option<i32>,
}

/// What one version changes of another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from": 1, "to": 2, "changes": [{
    "pointer": "/tools/rerun_workflow/limits/rerun_workflow_rate", "kind": "changed",
    "effect": "tightens", "sentence": "10 a minute becomes 5 a minute",
    "before": "{\"max\":10}", "after": "{\"max\":5}"}]}))]
pub(crate) struct Difference {
    from: i32,
    to: i32,
    changes: Vec<RuleChange>,
}

/// One rule that differs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleChange {
    /// Where it is in the newer version, or was in the older.
    pointer: String,
    /// `added`, `removed` or `changed`.
    #[schema(value_type = String)]
    kind: ChangeKind,
    /// `loosens`: more calls may pass; `tightens`; `neutral`: no decision changes; `unclear`: it
    /// cannot be said.
    #[schema(value_type = String)]
    effect: Effect,
    /// In a sentence.
    sentence: String,
    /// The rule's JSON before; null where it is new.
    before: Option<String>,
    /// The rule's JSON now; null where it is gone.
    after: Option<String>,
}

impl From<policy::Change> for RuleChange {
    fn from(change: policy::Change) -> Self {
        Self {
            pointer: change.pointer,
            kind: change.kind,
            effect: change.effect,
            sentence: change.sentence,
            before: change.before,
            after: change.after,
        }
    }
}

/// Compare two versions of a policy.
///
/// By rule, and of each change whether it loosens or tightens.
#[utoipa::path(get, path = "/policies/{id}/diff", tag = "policies",
    params(("id" = schema::PolicyId, Path), Between),
    responses((status = 200, description = "What changed.", body = Difference)))]
async fn diff(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<PolicyId>,
    Query(asked): Query<Between>,
) -> Result<Response, ApiError> {
    let (from, to, changes) = examine::diff(&console, &scope, id, asked.from, asked.to).await?;
    Ok(Json(Difference {
        from,
        to,
        changes: changes.into_iter().map(RuleChange::from).collect(),
    })
    .into_response())
}
