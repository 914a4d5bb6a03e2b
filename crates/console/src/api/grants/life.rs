//! What becomes of a grant once it is issued: pausing, rotating, showing its token again.

use std::time::Duration;

use axum::{extract::State, response::Response};
use domain::GrantId;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        body::{MaybeBody, NoFields},
        caller::Caller,
        etag::IfMatch,
        path::Path,
        problem::ApiError,
        schema,
    },
    Grant, GrantWithToken,
};
use crate::{actions, state::Console};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(rotate))
        .routes(routes!(reveal))
}

/// How a grant's token is replaced.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_seconds": 3600}))]
pub(crate) struct Rotate {
    /// How long the old token works on, at most a day; not at all where it is left out.
    #[serde(default)]
    #[schema(maximum = 86400)]
    overlap_seconds: u64,
}

/// Pause a grant.
///
/// Its calls are refused until it is resumed.
#[utoipa::path(post, path = "/grants/{id}/pause", tag = "grants",
    params(("id" = schema::GrantId, Path), IfMatch),
    responses((status = 200, description = "The grant as it is now.", body = Grant)))]
async fn pause(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<GrantId>,
    IfMatch(revision): IfMatch,
    MaybeBody(NoFields {}): MaybeBody<NoFields>,
) -> Result<Response, ApiError> {
    Ok(Grant::answer(
        actions::grants::pause(&console, &scope, id, revision).await?,
    ))
}

/// Resume a grant.
#[utoipa::path(post, path = "/grants/{id}/resume", tag = "grants",
    params(("id" = schema::GrantId, Path), IfMatch),
    responses((status = 200, description = "The grant as it is now.", body = Grant)))]
async fn resume(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<GrantId>,
    IfMatch(revision): IfMatch,
    MaybeBody(NoFields {}): MaybeBody<NoFields>,
) -> Result<Response, ApiError> {
    Ok(Grant::answer(
        actions::grants::resume(&console, &scope, id, revision).await?,
    ))
}

/// Rotate a grant's token.
///
/// The answer holds the new token. The old one stops working at once, or after the overlap.
#[utoipa::path(post, path = "/grants/{id}/rotate", tag = "grants", request_body = Rotate,
    params(("id" = schema::GrantId, Path), IfMatch),
    responses((status = 200, description = "The grant and its new token.", body = GrantWithToken)))]
async fn rotate(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<GrantId>,
    IfMatch(revision): IfMatch,
    MaybeBody(rotate): MaybeBody<Rotate>,
) -> Result<Response, ApiError> {
    let overlap = Duration::from_secs(rotate.overlap_seconds);
    let issued = actions::grants::rotate(&console, &scope, id, revision, overlap).await?;
    Ok(GrantWithToken::answer(&console, issued))
}

/// Reveal a grant's token.
///
/// Signs the present token again. That it was shown, and to whom, is an admin event.
#[utoipa::path(post, path = "/grants/{id}/reveal", tag = "grants",
    params(("id" = schema::GrantId, Path)),
    responses((status = 200, description = "The grant and its token.", body = GrantWithToken)))]
async fn reveal(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<GrantId>,
    MaybeBody(NoFields {}): MaybeBody<NoFields>,
) -> Result<Response, ApiError> {
    let issued = actions::grants::reveal(&console, &scope, id).await?;
    Ok(GrantWithToken::answer(&console, issued))
}
