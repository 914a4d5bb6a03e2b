//! The audit log: what agents asked for and what was decided.

use std::net::IpAddr;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    Capability, EventId, GrantId, PolicyId, ServerId,
    audit::{Code, Outcome, Settled},
};
use serde::{Deserialize, Serialize};
use store::audit::{AuditEvent as Row, Filter};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    path::Path,
    problem::ApiError,
    query::{self, Cursor, Limit, List, Query, page},
    schema::{self, Time},
};
use crate::state::Console;

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(stats))
        .routes(routes!(get))
}

/// One decision and, where the call was forwarded and is over, what became of it. Names are as they
/// were then.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "evt_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "at": "2026-11-26T02:30:00.123Z",
    "server_id": "srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "server_name": "CircleCI",
    "grant_id": "gr_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "grant_label": "Nightly fixer",
    "identity": "ci-runner", "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "policy_name": "CI agents", "policy_version": 1, "method": "tools/call",
    "tool": "rerun_workflow", "outcome": "deny", "code": "rate_limited",
    "rule": "/tools/rerun_workflow/limits/rerun_workflow_rate",
    "message": "rerun_workflow is over its limit; try again in 42 s",
    "charges": [{"counter": "rerun_workflow_rate", "rule":
        "/tools/rerun_workflow/limits/rerun_workflow_rate", "cost": 1, "max": 10, "left": 0,
        "window_ms": 60000}],
    "shadow": [{"code": "deny_if", "rule": "/all_tools/deny_if/0"}],
    "retry_after_ms": 41870, "failed_open": false, "client": "claude-code 2.1",
    "address": "203.0.113.9", "request_bytes": 211, "decided_us": 38, "snapshot_age_ms": 120,
    "settlement": null
}))]
pub(crate) struct AuditEvent {
    #[schema(value_type = schema::EventId)]
    pub id: EventId,
    pub at: Time,
    #[schema(value_type = schema::ServerId)]
    pub server_id: ServerId,
    pub server_name: String,
    #[schema(value_type = schema::GrantId)]
    pub grant_id: GrantId,
    pub grant_label: String,
    pub identity: Option<String>,
    #[schema(value_type = Option<schema::PolicyId>)]
    pub policy_id: Option<PolicyId>,
    pub policy_name: Option<String>,
    pub policy_version: Option<i32>,
    /// Such as `tools/call`; empty where the message could not be read.
    pub method: String,
    pub tool: Option<String>,
    #[schema(value_type = schema::Outcome)]
    pub outcome: Outcome,
    #[schema(value_type = schema::Code)]
    pub code: Code,
    /// Which rule decided, as a pointer into the policy.
    pub rule: Option<String>,
    /// The sentence the agent was told; empty where it was let through.
    pub message: String,
    pub charges: Vec<Charge>,
    /// What rules in shadow would have done, in the order of evaluation; at most 32.
    pub shadow: Vec<Shadow>,
    /// How long until the same call would have fit.
    pub retry_after_ms: Option<u64>,
    /// Whether limits could not be checked and the server is set to let calls through then.
    pub failed_open: bool,
    /// What the client calls itself.
    pub client: Option<String>,
    /// Where the request came from.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    pub request_bytes: u64,
    /// From the request's last byte to the decision, in microseconds.
    pub decided_us: u64,
    /// How old the configuration was, in milliseconds.
    pub snapshot_age_ms: u64,
    /// Null where nothing was forwarded, or the call is not over.
    pub settlement: Option<Settlement>,
}

/// What one limit was charged, or why it refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Charge {
    counter: String,
    /// The rule's pointer in its policy.
    rule: String,
    /// Tokens the call takes.
    cost: u64,
    /// Tokens the bucket holds when full.
    max: u64,
    /// Tokens left after the call, or when it was refused.
    left: u64,
    window_ms: u64,
}

impl From<domain::audit::Charge> for Charge {
    fn from(charge: domain::audit::Charge) -> Self {
        Self {
            counter: charge.counter,
            rule: charge.rule,
            cost: charge.cost,
            max: charge.max,
            left: charge.left,
            window_ms: charge.window_ms,
        }
    }
}

/// What a rule in shadow would have done, had it been enforced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Shadow {
    /// The kind of refusal; `approval_required` where it would have held the call.
    #[schema(value_type = schema::Code)]
    pub code: Code,
    /// The rule's pointer in its policy.
    pub rule: String,
}

impl From<domain::audit::Shadow> for Shadow {
    fn from(shadow: domain::audit::Shadow) -> Self {
        Self {
            code: shadow.code,
            rule: shadow.rule,
        }
    }
}

/// What became of a forwarded call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Settlement {
    #[schema(value_type = schema::Settled)]
    pub settled: Settled,
    /// The upstream's HTTP status, where it gave one.
    pub status: Option<u16>,
    /// From sending the request to the end of the answer, in microseconds.
    pub upstream_us: u64,
    pub response_bytes: u64,
    /// Whether the charge was given back, because the call is known not to have run.
    pub given_back: bool,
}

impl From<Row> for AuditEvent {
    fn from(row: Row) -> Self {
        let decision = row.decision;
        Self {
            id: decision.id,
            at: Time(row.at),
            server_id: decision.server,
            server_name: decision.server_name,
            grant_id: decision.grant,
            grant_label: decision.grant_label,
            identity: decision.identity,
            policy_id: decision.policy,
            policy_name: decision.policy_name,
            policy_version: decision.policy_version,
            method: decision.method,
            tool: decision.tool,
            outcome: decision.outcome,
            code: decision.code,
            rule: decision.rule,
            message: decision.message,
            charges: decision.charges.into_iter().map(Charge::from).collect(),
            shadow: decision.shadow.into_iter().map(Shadow::from).collect(),
            retry_after_ms: decision.retry_after_ms,
            failed_open: decision.failed_open,
            client: decision.client,
            address: decision.address,
            request_bytes: decision.request_bytes,
            decided_us: decision.decided_us,
            snapshot_age_ms: decision.snapshot_age_ms,
            settlement: row.settlement.map(|settlement| Settlement {
                settled: settlement.settled,
                status: settlement.status,
                upstream_us: settlement.upstream_us,
                response_bytes: settlement.response_bytes,
                given_back: settlement.given_back,
            }),
        }
    }
}

/// Which events, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    #[param(value_type = Option<schema::ServerId>)]
    server: Option<ServerId>,
    #[param(value_type = Option<schema::GrantId>)]
    grant: Option<GrantId>,
    /// Who the grant acted for, exactly.
    identity: Option<String>,
    /// The tool, exactly.
    tool: Option<String>,
    #[param(value_type = Option<schema::Outcome>)]
    outcome: Option<Outcome>,
    #[param(value_type = Option<schema::Code>)]
    code: Option<Code>,
    /// The earliest moment, included.
    from: Option<Time>,
    /// The latest moment, excluded.
    to: Option<Time>,
    /// A part of the tool, the grant's label, the server's name or the message.
    q: Option<String>,
    /// Only what a rule in shadow would have refused or held.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    shadow: bool,
    /// How many items, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Which events are counted, and how finely.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsQuery {
    #[param(value_type = Option<schema::ServerId>)]
    server: Option<ServerId>,
    #[param(value_type = Option<schema::GrantId>)]
    grant: Option<GrantId>,
    /// Who the grant acted for, exactly.
    identity: Option<String>,
    /// The tool, exactly.
    tool: Option<String>,
    #[param(value_type = Option<schema::Outcome>)]
    outcome: Option<Outcome>,
    #[param(value_type = Option<schema::Code>)]
    code: Option<Code>,
    /// Where counting begins; 24 hours before `to` unless said.
    from: Option<Time>,
    /// Where counting ends; now unless said.
    to: Option<Time>,
    /// A part of the tool, the grant's label, the server's name or the message.
    q: Option<String>,
    /// Only what a rule in shadow would have refused or held.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    shadow: bool,
    /// Into how many equal bins, 1 to 200.
    #[serde(default = "one_bin_an_hour")]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 24)]
    bins: Limit,
}

const fn one_bin_an_hour() -> Limit {
    Limit::new(24)
}

/// Counts of decisions over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "from": "2026-11-25T02:30:00Z", "to": "2026-11-26T02:30:00Z",
    "bins": [{"from": "2026-11-25T02:30:00Z", "allowed": 10, "refused": 1, "limited": 1,
              "waiting": 0}]
}))]
pub(crate) struct Stats {
    from: Time,
    to: Time,
    /// Oldest first; each lasts until the next begins.
    bins: Vec<Bin>,
}

/// How many were decided which way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bin {
    from: Time,
    allowed: i64,
    /// Refused for any other reason than a limit.
    refused: i64,
    /// Refused by a limit.
    limited: i64,
    /// Held for a person.
    waiting: i64,
}

/// List audit events.
///
/// Newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "One page of events.", body = List<AuditEvent>)))]
async fn list(
    State(console): State<Console>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    let page = page(query.limit, query.cursor);
    let filter = Filter {
        method: None,
        server: query.server,
        grant: query.grant,
        identity: query.identity,
        tool: query.tool,
        outcome: query.outcome,
        code: query.code,
        from: query.from.map(|Time(at)| at),
        to: query.to.map(|Time(at)| at),
        q: query.q,
        shadow: query.shadow,
    };
    let page = store::audit::list(&console.db, scope, &filter, page).await?;
    Ok(Json(List::of(page, AuditEvent::from)).into_response())
}

/// Read an audit event.
#[utoipa::path(get, path = "/audit/{id}", tag = "audit",
    params(("id" = schema::EventId, Path)),
    responses((status = 200, description = "The event.", body = AuditEvent)))]
async fn get(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<EventId>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    let row = store::audit::get(&console.db, scope, id).await?;
    Ok(Json(AuditEvent::from(row)).into_response())
}

/// Count audit events over time.
#[utoipa::path(get, path = "/audit/stats", tag = "audit", params(StatsQuery),
    responses((status = 200, description = "The counts.", body = Stats)))]
async fn stats(
    State(console): State<Console>,
    caller: Caller,
    Query(query): Query<StatsQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    let (from, to) = query::span(query.from, query.to)?;
    let filter = Filter {
        method: None,
        server: query.server,
        grant: query.grant,
        identity: query.identity,
        tool: query.tool,
        outcome: query.outcome,
        code: query.code,
        from: Some(from),
        to: Some(to),
        q: query.q,
        shadow: query.shadow,
    };
    let bins = query.bins.get();
    let bins = store::audit::histogram(&console.db, scope, &filter, from, to, bins).await?;
    let bins = bins.into_iter().map(|bin| Bin {
        from: Time(bin.from),
        allowed: bin.allowed,
        refused: bin.refused,
        limited: bin.limited,
        waiting: bin.waiting,
    });
    Ok(Json(Stats {
        from: Time(from),
        to: Time(to),
        bins: bins.collect(),
    })
    .into_response())
}
