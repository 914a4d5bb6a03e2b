//! What became of a policy: what its versions changed, and what its rules in shadow would have done.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{EventId, PolicyId, audit::Code};
use policy::{ChangeKind, Effect};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    path::Path,
    problem::ApiError,
    query::{self, Limit, Query},
    schema::{self, Time},
};
use crate::{actions::examine, state::Console};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(diff))
        .routes(routes!(shadow))
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

/// Of which time, and in how many parts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShadowQuery {
    /// Not before; a day before `to` where it is left out.
    #[param(value_type = Option<Time>)]
    from: Option<Time>,
    /// Before; now where it is left out.
    #[param(value_type = Option<Time>)]
    to: Option<Time>,
    /// Into how many equal bins, 1 to 200.
    #[serde(default = "one_bin_an_hour")]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 24)]
    bins: Limit,
}

const fn one_bin_an_hour() -> Limit {
    Limit::new(24)
}

/// What the rules in shadow of a policy, in any of its versions, would have done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "from": "2026-11-25T02:30:00Z", "to": "2026-11-26T02:30:00Z", "rules": [{
        "rule": "/tools/rerun_workflow/deny_if/0", "code": "deny_if", "total": 3, "grants": 1,
        "bins": [0, 3], "last": "evt_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
        "last_at": "2026-11-26T02:12:00Z", "last_version": 4}]}))]
pub(crate) struct ShadowReport {
    /// As asked, or later where there were more calls than are looked through.
    from: Time,
    to: Time,
    /// Only rules that would have done anything.
    rules: Vec<ShadowedRule>,
}

/// What one rule would have done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShadowedRule {
    /// Its pointer in the versions of that time.
    rule: String,
    /// What it would have refused with.
    #[schema(value_type = schema::Code)]
    code: Code,
    /// How many calls it would have refused or held.
    total: i64,
    /// How many grants made those calls.
    grants: i64,
    /// The calls by time, oldest first.
    bins: Vec<i64>,
    /// The newest of the calls.
    #[schema(value_type = schema::EventId)]
    last: EventId,
    last_at: Time,
    /// The policy's version then.
    last_version: Option<i32>,
}

impl From<store::audit::ShadowRule> for ShadowedRule {
    fn from(rule: store::audit::ShadowRule) -> Self {
        Self {
            rule: rule.rule,
            code: rule.code,
            total: rule.total,
            grants: rule.grants,
            bins: rule.bins,
            last: rule.last,
            last_at: Time(rule.last_at),
            last_version: rule.last_version,
        }
    }
}

/// Count what rules in shadow would have done.
#[utoipa::path(get, path = "/policies/{id}/shadow", tag = "policies",
    params(("id" = schema::PolicyId, Path), ShadowQuery),
    responses((status = 200, description = "The counts.", body = ShadowReport)))]
async fn shadow(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<PolicyId>,
    Query(query): Query<ShadowQuery>,
) -> Result<Response, ApiError> {
    let (from, to) = query::span(query.from, query.to)?;
    let hits = examine::shadow(&console, &scope, id, (from, to), query.bins.get()).await?;
    Ok(Json(ShadowReport {
        from: Time(hits.from),
        to: Time(to),
        rules: hits.rules.into_iter().map(ShadowedRule::from).collect(),
    })
    .into_response())
}
