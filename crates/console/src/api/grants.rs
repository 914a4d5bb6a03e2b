//! Grants: an agent's permission to call one server.

mod life;

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{Capability, GrantId, Identity, Label, PolicyId, ServerId, UserId};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use store::grants::{Grant as Row, GrantState as RowState};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{Body, present},
    caller::Caller,
    etag::{IfMatch, created, tagged},
    path::Path,
    problem::ApiError,
    query::{List, PageQuery, Query},
    schema::{self, Time},
};
use crate::{
    actions::{
        self, ActionError, Expiry,
        grants::{Issued, Labels},
    },
    state::Console,
};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, issue))
        .routes(routes!(get, update, revoke))
        .merge(life::router())
}

/// A grant, without its token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "gr_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "server_id": "srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "server_name": "CircleCI",
    "label": "Nightly fixer", "identity": "ci-runner", "labels": {"team": "platform"},
    "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "policy_name": "CI agents",
    "state": "active", "token_version": 1, "issued_at": "2026-11-26T02:30:00Z",
    "expires_at": "2027-02-24T02:30:00Z", "paused_at": null, "revoked_at": null,
    "created_by": "usr_0198f0c27d6a7c10a4b2f1b3c5d7e9f2", "created_at": "2026-11-26T02:30:00Z",
    "last_used_at": null, "last_client": null, "calls_24h": 0, "refusals_24h": 0, "revision": 1
}))]
pub(crate) struct Grant {
    #[schema(value_type = schema::GrantId)]
    id: GrantId,
    /// The one server it works for.
    #[schema(value_type = schema::ServerId)]
    server_id: ServerId,
    server_name: String,
    #[schema(value_type = String)]
    label: Label,
    /// Who it acts for.
    #[schema(value_type = Option<String>)]
    identity: Option<Identity>,
    /// Free labels that policies can compare.
    labels: BTreeMap<String, String>,
    /// Its policy; without one every call is refused.
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<PolicyId>,
    policy_name: Option<String>,
    state: GrantState,
    /// Which token is accepted; raised by rotating.
    token_version: i32,
    /// When the present token was signed.
    issued_at: Time,
    /// When it ends; null is never.
    expires_at: Option<Time>,
    paused_at: Option<Time>,
    revoked_at: Option<Time>,
    /// Who issued it; null where they are gone.
    #[schema(value_type = Option<schema::UserId>)]
    created_by: Option<UserId>,
    created_at: Time,
    /// Its latest request.
    last_used_at: Option<Time>,
    /// What that request's client calls itself.
    last_client: Option<String>,
    /// Requests judged in the last 24 hours.
    calls_24h: i64,
    /// How many of those were refused.
    refusals_24h: i64,
    /// Raised by each edit; the number in the ETag.
    revision: i32,
}

/// What a grant's token is worth now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GrantState {
    /// It works.
    Active,
    /// It is refused until it is resumed.
    Paused,
    /// Its time is over.
    Expired,
    /// It was ended for good.
    Revoked,
}

/// A grant with its token.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "gr_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "server_id": "srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "server_name": "CircleCI",
    "label": "Nightly fixer", "identity": "ci-runner", "labels": {"team": "platform"},
    "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "policy_name": "CI agents",
    "state": "active", "token_version": 1, "issued_at": "2026-11-26T02:30:00Z",
    "expires_at": "2027-02-24T02:30:00Z", "paused_at": null, "revoked_at": null,
    "created_by": "usr_0198f0c27d6a7c10a4b2f1b3c5d7e9f2", "created_at": "2026-11-26T02:30:00Z",
    "last_used_at": null, "last_client": null, "calls_24h": 0, "refusals_24h": 0, "revision": 1,
    "token": "tg_eyJ…", "proxy_url":
        "https://tollgate.example/mcp/srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1/mcp"
}))]
pub(crate) struct GrantWithToken {
    #[serde(flatten)]
    grant: Grant,
    /// The bearer token. It is not stored; `reveal` signs it again.
    token: String,
    /// Where the agent's client is pointed.
    proxy_url: String,
}

impl From<Row> for Grant {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            server_id: row.server,
            server_name: row.server_name,
            label: row.label,
            identity: row.identity,
            labels: row.labels.into_iter().collect(),
            policy_id: row.policy,
            policy_name: row.policy_name,
            state: match row.state {
                RowState::Active => GrantState::Active,
                RowState::Paused => GrantState::Paused,
                RowState::Expired => GrantState::Expired,
                RowState::Revoked => GrantState::Revoked,
            },
            token_version: row.token_version,
            issued_at: Time(row.issued_at),
            expires_at: row.expires_at.map(Time),
            paused_at: row.paused_at.map(Time),
            revoked_at: row.revoked_at.map(Time),
            created_by: row.created_by,
            created_at: Time(row.created_at),
            last_used_at: row.last_used_at.map(Time),
            last_client: row.last_client,
            calls_24h: row.calls_24h,
            refusals_24h: row.refusals_24h,
            revision: row.revision,
        }
    }
}

impl Grant {
    fn answer(row: Row) -> Response {
        tagged(row.revision, Self::from(row))
    }
}

impl GrantWithToken {
    fn of(console: &Console, issued: Issued) -> Self {
        Self {
            proxy_url: actions::servers::proxy_url(console, issued.grant.server),
            grant: issued.grant.into(),
            token: issued.token.expose_secret().to_owned(),
        }
    }

    fn answer(console: &Console, issued: Issued) -> Response {
        tagged(issued.grant.revision, Self::of(console, issued))
    }
}

/// A grant to issue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "label": "Nightly fixer", "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "identity": "ci-runner", "labels": {"team": "platform"}, "expires_at": "2027-01-31T00:00:00Z"
}))]
pub(crate) struct NewGrant {
    /// What people call it: 1 to 80 visible characters.
    #[schema(value_type = String, min_length = 1, max_length = 80)]
    label: Label,
    /// A policy of the same server. Without one every call is refused.
    #[serde(default)]
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<PolicyId>,
    /// Who it acts for.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 120)]
    identity: Option<Identity>,
    /// At most 32 labels that policies can compare.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// When it ends: 90 days from now where it is left out, at most one year. Null is never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
}

/// Changes to a grant; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Nightly fixer", "policy_id": null}))]
pub(crate) struct GrantEdit {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80)]
    label: Option<Label>,
    /// Null detaches the policy, after which every call is refused.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<Option<PolicyId>>,
    /// Null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 120)]
    identity: Option<Option<Identity>>,
    /// Replaces all labels.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    labels: Option<BTreeMap<String, String>>,
}

/// When a credential ends, as a body says it: left out, null or a time.
pub(crate) fn expiry(expires_at: Option<Option<Time>>) -> Expiry {
    match expires_at {
        None => Expiry::Default,
        Some(None) => Expiry::Never,
        Some(Some(Time(at))) => Expiry::At(at),
    }
}

fn labels(pairs: BTreeMap<String, String>) -> Result<Labels, ActionError> {
    Labels::parse(pairs).map_err(ActionError::Fields)
}

/// List a server's grants.
///
/// Newest first, revoked and expired ones included.
#[utoipa::path(get, path = "/servers/{id}/grants", tag = "grants",
    params(("id" = schema::ServerId, Path), PageQuery),
    responses((status = 200, description = "One page of grants.", body = List<Grant>)))]
async fn list(
    State(console): State<Console>,
    caller: Caller,
    Path(server): Path<ServerId>,
    Query(page): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    store::servers::get(&console.db, scope, server).await?;
    let page = store::grants::list(&console.db, scope, Some(server), page.request()).await?;
    Ok(Json(List::of(page, Grant::from)).into_response())
}

/// Issue a grant.
///
/// The answer holds the token, to be given to one agent.
#[utoipa::path(post, path = "/servers/{id}/grants", tag = "grants", request_body = NewGrant,
    params(("id" = schema::ServerId, Path)),
    responses((status = 201, description = "The grant and its token.", body = GrantWithToken)))]
async fn issue(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(server): Path<ServerId>,
    Body(new): Body<NewGrant>,
) -> Result<Response, ApiError> {
    let new = actions::grants::NewGrant {
        label: new.label,
        identity: new.identity,
        labels: labels(new.labels)?,
        policy: new.policy_id,
        expiry: expiry(new.expires_at),
    };
    let issued = actions::grants::issue(&console, &scope, server, new).await?;
    let (id, revision) = (issued.grant.id, issued.grant.revision);
    let body = GrantWithToken::of(&console, issued);
    Ok(created(&format!("/grants/{id}"), Some(revision), body))
}

/// Read a grant.
#[utoipa::path(get, path = "/grants/{id}", tag = "grants",
    params(("id" = schema::GrantId, Path)),
    responses((status = 200, description = "The grant.", body = Grant)))]
async fn get(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<GrantId>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    Ok(Grant::answer(
        store::grants::get(&console.db, scope, id).await?,
    ))
}

/// Edit a grant.
///
/// Attaching or detaching a policy needs the right to edit policies; the rest, to manage grants.
#[utoipa::path(patch, path = "/grants/{id}", tag = "grants", request_body = GrantEdit,
    params(("id" = schema::GrantId, Path), IfMatch),
    responses((status = 200, description = "The grant as it is now.", body = Grant)))]
async fn update(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<GrantId>,
    IfMatch(revision): IfMatch,
    Body(edit): Body<GrantEdit>,
) -> Result<Response, ApiError> {
    let edit = store::grants::GrantEdit {
        label: edit.label,
        identity: edit.identity,
        labels: edit.labels.map(labels).transpose()?.map(Labels::into_pairs),
        policy: edit.policy_id,
    };
    let row = actions::grants::update(&console, &scope, id, revision, edit).await?;
    Ok(Grant::answer(row))
}

/// Revoke a grant.
///
/// For good, and on every gateway within a second. The grant stays in the list.
#[utoipa::path(delete, path = "/grants/{id}", tag = "grants",
    params(("id" = schema::GrantId, Path), IfMatch),
    responses((status = 204, description = "It is revoked.")))]
async fn revoke(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<GrantId>,
    IfMatch(revision): IfMatch,
) -> Result<StatusCode, ApiError> {
    actions::grants::revoke(&console, &scope, id, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}
