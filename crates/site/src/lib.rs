//! The public site: what anyone can read without signing in. The first page, the catalogue of servers
//! and tools, the attack database, the manual.
//!
//! Nothing here knows of organisations, sessions or cookies, so every page is the same for everyone
//! and may be cached. Pages that change something (sign-up, the contact form) are the console's.

mod attacks;
mod catalogue;
pub mod demo;
mod desk;
mod edition;
mod error;
mod filters;
mod frame;
mod html;
mod landing;
pub mod lines;
pub mod links;
pub mod manual;
mod routes;
mod sitemap;
mod state;
pub mod statics;
pub mod text;

pub use desk::{Desk, Full};
pub use error::SiteError;
pub use frame::Frame;
pub use html::Html;
pub use routes::RoutesOf;
pub use state::{Needs, Settings};

use axum::{
    Router,
    http::Uri,
    response::{IntoResponse, Response},
};
use state::Site;

fn all() -> routes::Routes {
    let routes = routes::Routes::default();
    let routes = landing::routes(routes);
    let routes = demo::routes(routes);
    let routes = manual::routes(routes);
    attacks::routes(sitemap::routes(catalogue::routes(routes)))
}

/// Every public page and static file.
pub fn router(needs: Needs) -> Router {
    let (pages, _) = all().into_parts();
    pages
        .route("/static/{hash}/{name}", axum::routing::get(statics::get))
        .route("/favicon.ico", axum::routing::get(statics::favicon))
        .with_state(Site::new(needs))
}

/// Every page, as (method, path pattern), for the test that walks them all.
#[must_use]
pub fn routes() -> Vec<(String, String)> {
    all().into_parts().1
}

/// Whether an address asks for a list that is searched for: those cost Postgres the most.
#[must_use]
pub fn asks_for_a_list(uri: &Uri) -> bool {
    let path = uri.path();
    let path = path.strip_suffix(".md").unwrap_or(path);
    let groups = ["/catalog/classes/", "/catalog/risks/"];
    path == "/catalog" || groups.iter().any(|group| path.starts_with(group))
}

/// What someone is told who asks too often: in a page, or in what a script puts into one.
#[must_use]
pub fn too_often(uri: &Uri, retry_after_s: u32) -> Response {
    let error = SiteError::TooOften { retry_after_s };
    match uri.path() {
        "/demo" => error.into_fragment(),
        _ => error.into_response(),
    }
}
