//! Policies and their versions.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{Capability, Name, PolicyId, ServerId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::policies::{PolicyInfo, Version as VersionRow};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{Body, DocumentText, present},
    caller::Caller,
    etag::{IfMatch, created, tagged},
    path::Path,
    problem::ApiError,
    query::{List, PageQuery, Query},
    schema::{self, Time},
};
use crate::{
    actions::{self, ActionError},
    state::Console,
};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, rename, delete))
        .routes(routes!(versions, add_version))
        .routes(routes!(version))
        .routes(routes!(publish))
}

/// A policy: a named document on a server, in versions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "server_id": "srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "name": "CI agents",
    "published_version": 1, "latest_version": 2, "grant_count": 3, "revision": 2,
    "created_at": "2026-11-26T02:30:00Z", "updated_at": "2026-11-26T02:31:00Z"
}))]
pub(crate) struct Policy {
    #[schema(value_type = schema::PolicyId)]
    id: PolicyId,
    #[schema(value_type = schema::ServerId)]
    server_id: ServerId,
    #[schema(value_type = String)]
    name: Name,
    /// The version that decides; null where none was published yet.
    published_version: Option<i32>,
    latest_version: i32,
    /// How many live grants use it.
    grant_count: i64,
    /// Raised by each edit; the number in the ETag.
    revision: i32,
    created_at: Time,
    updated_at: Time,
}

impl Policy {
    fn of(row: PolicyInfo) -> Self {
        Self {
            id: row.id,
            server_id: row.server,
            name: row.name,
            published_version: row.published_version,
            latest_version: row.latest_version,
            grant_count: row.grant_count,
            revision: row.revision,
            created_at: Time(row.created_at),
            updated_at: Time(row.updated_at),
        }
    }

    fn answer(row: PolicyInfo) -> Response {
        tagged(row.revision, Self::of(row))
    }
}

/// One immutable version of a policy.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "version": 1, "published": true,
    "note": "Ten reruns a minute", "created_by": "usr_0198f0c27d6a7c10a4b2f1b3c5d7e9f2",
    "created_at": "2026-11-26T02:30:00Z",
    "document": {"version": "1", "default": "deny", "tools": {"rerun_workflow": {}}}
}))]
pub(crate) struct PolicyVersion {
    #[schema(value_type = schema::PolicyId)]
    policy_id: PolicyId,
    version: i32,
    /// Whether this is the version that decides.
    published: bool,
    note: Option<String>,
    /// The member who made it; null where they are gone.
    #[schema(value_type = Option<schema::UserId>)]
    created_by: Option<UserId>,
    created_at: Time,
    /// The document, byte for byte as its author wrote it.
    #[schema(value_type = schema::AnyJson)]
    document: Box<RawValue>,
}

impl PolicyVersion {
    fn of(row: VersionRow) -> Result<Self, ApiError> {
        let document = RawValue::from_string(row.document)
            .map_err(|error| ActionError::Broken(Box::new(error)))?;
        Ok(Self {
            policy_id: row.policy,
            version: row.version,
            published: row.published,
            note: row.note,
            created_by: row.created_by,
            created_at: Time(row.created_at),
            document,
        })
    }
}

/// A policy to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "CI agents", "publish": true,
    "document": {"version": "1", "default": "deny", "tools": {"rerun_workflow": {"limits": [
        {"counter": "rerun_workflow_rate", "window": "minute", "max": 10, "scope": "grant"}]}}}
}))]
pub(crate) struct NewPolicy {
    #[schema(value_type = String, min_length = 1, max_length = 80)]
    name: Name,
    /// The document, as an object or as a string that holds its text.
    #[schema(value_type = schema::AnyJson)]
    document: DocumentText,
    /// Whether version 1 decides at once.
    #[serde(default)]
    publish: bool,
}

/// A new name for a policy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Release agents"}))]
pub(crate) struct PolicyEdit {
    #[schema(value_type = String, min_length = 1, max_length = 80)]
    name: Name,
}

/// The next version of a policy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "document": {"version": "1", "default": "deny"}, "note": "Close everything for the freeze"
}))]
pub(crate) struct NewVersion {
    /// The document, as an object or as a string that holds its text.
    #[schema(value_type = schema::AnyJson)]
    document: DocumentText,
    /// Why, in at most 500 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 500)]
    note: Option<String>,
}

/// Which version shall decide.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 2}))]
pub(crate) struct Publish {
    #[schema(minimum = 1)]
    version: i32,
}

/// List a server's policies.
///
/// Newest first.
#[utoipa::path(get, path = "/servers/{id}/policies", tag = "policies",
    params(("id" = schema::ServerId, Path), PageQuery),
    responses((status = 200, description = "One page of policies.", body = List<Policy>)))]
async fn list(
    State(console): State<Console>,
    caller: Caller,
    Path(server): Path<ServerId>,
    Query(page): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    store::servers::get(&console.db, scope, server).await?;
    let page = store::policies::list(&console.db, scope, server, page.request()).await?;
    Ok(Json(List::of(page, Policy::of)).into_response())
}

/// Make a policy on a server.
///
/// A document that is not valid is refused with every fault at its place.
#[utoipa::path(post, path = "/servers/{id}/policies", tag = "policies", request_body = NewPolicy,
    params(("id" = schema::ServerId, Path)),
    responses((status = 201, description = "The new policy.", body = Policy)))]
async fn create(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(server): Path<ServerId>,
    Body(new): Body<NewPolicy>,
) -> Result<Response, ApiError> {
    let document = new.document.as_str();
    let row = actions::policies::create(&console, &scope, server, &new.name, document, new.publish)
        .await?;
    Ok(created(
        &format!("/policies/{}", row.id),
        Some(row.revision),
        Policy::of(row),
    ))
}

/// Read a policy.
#[utoipa::path(get, path = "/policies/{id}", tag = "policies",
    params(("id" = schema::PolicyId, Path)),
    responses((status = 200, description = "The policy.", body = Policy)))]
async fn get(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<PolicyId>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    Ok(Policy::answer(
        store::policies::get(&console.db, scope, id).await?,
    ))
}

/// Rename a policy.
#[utoipa::path(patch, path = "/policies/{id}", tag = "policies", request_body = PolicyEdit,
    params(("id" = schema::PolicyId, Path), IfMatch),
    responses((status = 200, description = "The policy as it is now.", body = Policy)))]
async fn rename(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<PolicyId>,
    IfMatch(revision): IfMatch,
    Body(edit): Body<PolicyEdit>,
) -> Result<Response, ApiError> {
    let row = actions::policies::rename(&console, &scope, id, revision, &edit.name).await?;
    Ok(Policy::answer(row))
}

/// Delete a policy.
///
/// Refused with 409 while a live grant uses it.
#[utoipa::path(delete, path = "/policies/{id}", tag = "policies",
    params(("id" = schema::PolicyId, Path), IfMatch),
    responses(
        (status = 204, description = "It is gone."),
        (status = 409, description = "A live grant uses it.",
            body = super::problem::Problem, content_type = "application/problem+json"),
    ))]
async fn delete(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<PolicyId>,
    IfMatch(revision): IfMatch,
) -> Result<StatusCode, ApiError> {
    actions::policies::delete(&console, &scope, id, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List a policy's versions.
///
/// Newest first, each with its document.
#[utoipa::path(get, path = "/policies/{id}/versions", tag = "policies",
    params(("id" = schema::PolicyId, Path), PageQuery),
    responses((status = 200, description = "One page of versions.", body = List<PolicyVersion>)))]
async fn versions(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<PolicyId>,
    Query(page): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    store::policies::get(&console.db, scope, id).await?;
    let page = store::policies::versions(&console.db, scope, id, page.request()).await?;
    Ok(Json(List::try_of(page, PolicyVersion::of)?).into_response())
}

/// Read one version of a policy.
#[utoipa::path(get, path = "/policies/{id}/versions/{version}", tag = "policies",
    params(("id" = schema::PolicyId, Path), ("version" = i32, Path, minimum = 1)),
    responses((status = 200, description = "The version.", body = PolicyVersion)))]
async fn version(
    State(console): State<Console>,
    caller: Caller,
    Path((id, version)): Path<(PolicyId, i32)>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    let row = store::policies::version(&console.db, scope, id, version).await?;
    Ok(Json(PolicyVersion::of(row)?).into_response())
}

/// Add a version to a policy.
///
/// It decides nothing until it is published.
#[utoipa::path(post, path = "/policies/{id}/versions", tag = "policies",
    request_body = NewVersion, params(("id" = schema::PolicyId, Path), IfMatch),
    responses((status = 201, description = "The new version.", body = PolicyVersion)))]
async fn add_version(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<PolicyId>,
    IfMatch(revision): IfMatch,
    Body(new): Body<NewVersion>,
) -> Result<Response, ApiError> {
    let (document, note) = (new.document.as_str(), new.note.as_deref());
    let row =
        actions::policies::add_version(&console, &scope, id, revision, document, note).await?;
    let path = format!("/policies/{id}/versions/{}", row.version);
    Ok(created(&path, None, PolicyVersion::of(row)?))
}

/// Publish a version of a policy.
///
/// Publishing an older version is the roll-back. Every gateway decides by it within a second. The
/// document is checked again first.
#[utoipa::path(post, path = "/policies/{id}/publish", tag = "policies", request_body = Publish,
    params(("id" = schema::PolicyId, Path), IfMatch),
    responses((status = 200, description = "The policy as it is now.", body = Policy)))]
async fn publish(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<PolicyId>,
    IfMatch(revision): IfMatch,
    Body(publish): Body<Publish>,
) -> Result<Response, ApiError> {
    let row = actions::policies::publish(&console, &scope, id, revision, publish.version).await?;
    Ok(Policy::answer(row))
}
