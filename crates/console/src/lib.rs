//! Dashboard and admin API: two doors to the same few actions.
//!
//! [`router`] is everything a person or a program reaches of the control plane: pages for people,
//! `/api/v1` for programs. Both parse what they are given, prove what the caller may do, and call
//! the same functions in `actions`; neither writes to `store` by itself.

#![recursion_limit = "256"]

mod actions;
mod agents;
mod api;
mod catalogue;
mod desk;
mod headers;
mod mail;
mod openapi;
mod pages;
mod passwords;
mod routes;
mod session;
mod settings;
mod state;
mod throttle;

pub use passwords::{BadPassword, hash_password};
pub use settings::{Mail, Settings, SignUp};
pub use state::{DECISIONS_A_MINUTE, Needs, READS_A_MINUTE};

use site::{manual, statics};
use state::Console;

/// Pages, static files and the admin API.
///
/// The peer's address is read from `axum::extract::ConnectInfo<SocketAddr>` in the request's
/// extensions; without it, sign-in is throttled by account alone.
pub fn router(needs: Needs) -> axum::Router {
    let public = site::router(site::Needs {
        db: needs.db.clone(),
        settings: needs.settings.site(),
    });
    let console = Console::new(needs);
    let send_on = axum::middleware::from_fn_with_state(console.clone(), pages::send_on);
    let throttled = axum::middleware::from_fn_with_state(console.clone(), throttle::public);
    let public = public.route_layer(send_on).route_layer(throttled);
    pages::router(&console)
        .merge(api::router(&console))
        .merge(agents::router(&console))
        .merge(public)
        .layer(axum::middleware::from_fn_with_state(
            console,
            headers::secure,
        ))
}

/// The OpenAPI 3.1 document, pretty-printed JSON, as committed in `docs/openapi.json`.
#[must_use]
pub fn openapi() -> String {
    openapi::text()
}

/// Every route, as (method, path pattern), for the test that walks them all.
#[must_use]
pub fn routes() -> Vec<(String, String)> {
    let mut routes = pages::routes();
    routes.extend(api::routes());
    routes.extend(site::routes());
    routes
}

/// Discovers one server's tools and stores them: what the background refresh calls.
///
/// # Errors
/// Only where Postgres fails; an upstream that cannot be asked is stored as a sentence.
pub async fn refresh(
    db: &store::Db,
    keyring: &vault::Keyring,
    dialler: &upstream::Dialler,
    server: domain::ServerId,
) -> Result<(), store::StoreError> {
    actions::discovery::refresh(db, keyring, dialler, server).await
}

/// A link with which the account's owner sets a new password, once, within an hour; none where
/// there is no such account. For the command line, where mail reaches nobody.
///
/// # Errors
/// Postgres failed.
pub async fn reset_link(
    db: &store::Db,
    public_url: &str,
    email: &domain::Email,
) -> Result<Option<secrecy::SecretString>, store::StoreError> {
    pages::reset_link(db, public_url, email).await
}
