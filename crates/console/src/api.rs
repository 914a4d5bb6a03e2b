//! The admin API under `/api/v1`: the actions as a program reaches them.
//!
//! A handler reads like the sentence above it: extractors prove who is calling and what was sent,
//! one action or one read follows, one answer goes back. Every refusal is an [`ApiError`], and
//! [`envelope`] writes it out. The OpenAPI document comes from the same registrations as the routes.

mod api_keys;
mod audit;
mod body;
mod caller;
mod catalogue;
mod envelope;
mod etag;
mod export;
mod fault;
mod grants;
mod history;
mod organisation;
mod path;
mod policies;
mod problem;
mod query;
mod rules;
pub(crate) mod schema;
mod servers;
mod strict;
mod tools;

use axum::{Router, middleware, routing::any};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::state::Console;

pub(crate) use problem::{ApiError, Problem};

/// Where the admin API lives.
pub(crate) const BASE: &str = "/api/v1";

/// Every operation, with its place in the OpenAPI document.
pub(crate) fn operations() -> OpenApiRouter<Console> {
    let operations = OpenApiRouter::default()
        .merge(servers::router())
        .merge(tools::router())
        .merge(policies::router())
        .merge(rules::router())
        .merge(history::router())
        .merge(grants::router())
        .merge(audit::router())
        .merge(export::router())
        .merge(organisation::router())
        .merge(api_keys::router())
        .merge(catalogue::router());
    OpenApiRouter::default().nest(BASE, operations)
}

/// The whole of `/api`, unknown paths included, and `/openapi.json`.
pub(crate) fn router(console: &Console) -> Router {
    let (router, document) = operations().split_for_parts();
    let known = strict::Known::of(&document);
    let nothing_here = any(async || ApiError::NotFound);
    let api = router
        .route("/api", nothing_here.clone())
        .route("/api/", nothing_here.clone())
        .route("/api/{*rest}", nothing_here)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(
            known,
            strict::refuse_unknown,
        ))
        .layer(CatchPanicLayer::custom(ApiError::from_panic))
        .layer(middleware::from_fn(envelope::envelop));
    api.merge(crate::openapi::router())
        .with_state(console.clone())
}

/// Every route, as (method, path pattern).
pub(crate) fn routes() -> Vec<(String, String)> {
    let (_, document) = operations().split_for_parts();
    crate::openapi::operations_of(&document)
        .map(|(method, path, _)| (method.to_string(), path.to_owned()))
        .collect()
}
