//! The first page is public and the same for everyone, except that whoever is signed in goes on.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    session::{self, SignedIn},
    state::Console,
};

/// In front of the public pages: `GET /` without a query leads to the overview where someone is
/// signed in. With a query it is a link to a decision of the demonstration, which they may see.
pub(crate) async fn send_on(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    let first = request.method() == Method::GET
        && request.uri().path() == "/"
        && request.uri().query().is_none();
    if !first || session::present(request.headers(), console.settings.https()).is_none() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match SignedIn::from_request_parts(&mut parts, &console).await {
        Ok(_) => Redirect::to("/overview").into_response(),
        Err(_) => next.run(Request::from_parts(parts, body)).await,
    }
}
