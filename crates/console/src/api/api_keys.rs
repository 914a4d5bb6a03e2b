//! Keys of this API.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{ApiKeyId, Capability, Label, Role, UserId};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{Body, present},
    caller::Caller,
    etag::created,
    grants::expiry,
    path::Path,
    problem::ApiError,
    query::{List, PageQuery, Query},
    schema::{self, Time},
};
use crate::{actions, state::Console};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "key_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "label": "Terraform", "role": "admin",
    "created_by": "usr_0198f0c27d6a7c10a4b2f1b3c5d7e9f2", "created_at": "2026-11-26T02:30:00Z",
    "expires_at": "2027-02-24T02:30:00Z", "last_used_at": null, "revoked_at": null
}))]
pub(crate) struct ApiKey {
    #[schema(value_type = schema::ApiKeyId)]
    id: ApiKeyId,
    #[schema(value_type = String)]
    label: Label,
    /// What it may do at most; never more than its maker may at the time.
    #[schema(value_type = schema::Role)]
    role: Role,
    #[schema(value_type = schema::UserId)]
    created_by: UserId,
    created_at: Time,
    /// When it ends; null is never.
    expires_at: Option<Time>,
    last_used_at: Option<Time>,
    revoked_at: Option<Time>,
}

impl From<store::api_keys::ApiKey> for ApiKey {
    fn from(row: store::api_keys::ApiKey) -> Self {
        Self {
            id: row.id,
            label: row.label,
            role: row.role,
            created_by: row.created_by,
            created_at: Time(row.created_at),
            expires_at: row.expires_at.map(Time),
            last_used_at: row.last_used_at.map(Time),
            revoked_at: row.revoked_at.map(Time),
        }
    }
}

/// An API key with its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "key_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "label": "Terraform", "role": "admin",
    "created_by": "usr_0198f0c27d6a7c10a4b2f1b3c5d7e9f2", "created_at": "2026-11-26T02:30:00Z",
    "expires_at": "2027-02-24T02:30:00Z", "last_used_at": null, "revoked_at": null,
    "secret": "tg_key_…"
}))]
pub(crate) struct ApiKeyWithSecret {
    #[serde(flatten)]
    key: ApiKey,
    /// What is sent as the bearer token. It is shown this once.
    secret: String,
}

/// An API key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Terraform", "role": "admin"}))]
pub(crate) struct NewApiKey {
    #[schema(value_type = String, min_length = 1, max_length = 80)]
    label: Label,
    /// At most the maker's own, and never owner.
    #[schema(value_type = schema::Role)]
    role: Role,
    /// When it ends: 90 days from now where it is left out, at most one year. Null is never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
}

/// List API keys.
///
/// Newest first, without their secrets.
#[utoipa::path(get, path = "/api-keys", tag = "organisation", params(PageQuery),
    responses((status = 200, description = "One page of keys.", body = List<ApiKey>)))]
async fn list(
    State(console): State<Console>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::ManageOrganisation)?;
    let page = store::api_keys::list(&console.db, scope, page.request()).await?;
    Ok(Json(List::of(page, ApiKey::from)).into_response())
}

/// Make an API key.
///
/// Members make keys, in the console. A key cannot make keys, because they could outlive its own
/// revocation; asked with a key, the answer is 403.
#[utoipa::path(post, path = "/api-keys", tag = "organisation", request_body = NewApiKey,
    responses((status = 201, description = "The key and its secret.", body = ApiKeyWithSecret)))]
async fn create(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(new): Body<NewApiKey>,
) -> Result<Response, ApiError> {
    let expiry = expiry(new.expires_at);
    let made = actions::api_keys::create(&console, &scope, &new.label, new.role, expiry).await?;
    let path = format!("/api-keys/{}", made.key.id);
    let secret = made.secret.expose_secret().to_owned();
    Ok(created(
        &path,
        None,
        ApiKeyWithSecret {
            key: made.key.into(),
            secret,
        },
    ))
}

/// Revoke an API key.
///
/// At once. A key may revoke itself.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "organisation",
    params(("id" = schema::ApiKeyId, Path)),
    responses((status = 204, description = "It is revoked.")))]
async fn revoke(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    actions::api_keys::revoke(&console, &scope, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
