//! The dashboard. A module per page or family of pages; each handler reads like the sentence above
//! it: gates and forms first, then one action or read, then one answer.

mod account;
mod admin_events;
mod api_keys;
mod audit;
mod chart;
mod contact;
mod cursor;
mod error;
mod fields;
mod filters;
mod grants;
mod landing;
mod members;
mod overview;
mod path;
mod policies;
mod put;
pub(crate) mod rail;
pub(crate) mod scan;
mod servers;
mod settings;

pub(crate) use account::reset_link;
pub(crate) use contact::Post;
pub(crate) use error::PageError;
pub(crate) use landing::send_on;

use axum::{
    Router,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
};

use tower_http::catch_panic::CatchPanicLayer;

use crate::{routes::Routes, session, state::Console};

pub(crate) use site::Html;

/// What a handler answers.
pub(crate) type Page = Result<Response, PageError>;

fn all() -> Routes {
    let routes = Routes::default();
    let routes = account::routes(routes);
    let routes = contact::routes(routes);
    let routes = overview::routes(routes);
    let routes = servers::routes(routes);
    let routes = scan::routes(routes);
    let routes = policies::routes(routes);
    let routes = put::routes(routes);
    let routes = grants::routes(routes);
    let routes = audit::routes(routes);
    let routes = members::routes(routes);
    let routes = admin_events::routes(routes);
    let routes = api_keys::routes(routes);
    settings::routes(routes)
}

/// Every page, with the guard in front.
pub(crate) fn router(console: &Console) -> Router {
    let (pages, _) = all().into_parts();
    pages
        .method_not_allowed_fallback(not_found)
        // A connection that just ends would tell nobody anything. The panic's own hook logs it.
        .layer(CatchPanicLayer::custom(|_| {
            PageError::Broken.into_response()
        }))
        .layer(from_fn_with_state(console.clone(), session::guard))
        .fallback(not_found)
        .with_state(console.clone())
}

/// Every page's method and path, for the test that walks them all.
pub(crate) fn routes() -> Vec<(String, String)> {
    all().into_parts().1
}

async fn not_found() -> PageError {
    PageError::NotFound
}
