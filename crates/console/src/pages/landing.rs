//! The first page.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{Html, PageError};
use crate::{routes::Routes, session::SignedIn, settings::SignUp, state::Console};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/", show)
}

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    frame: site::Frame,
    open: bool,
}

/// `GET /` says what Tollgate is, or goes to the overview where someone is signed in.
async fn show(State(console): State<Console>, signed_in: Result<SignedIn, PageError>) -> Response {
    match signed_in {
        Ok(_) => Redirect::to("/overview").into_response(),
        Err(_) => Html(Landing {
            frame: console
                .settings
                .site()
                .frame("/")
                .titled("Decide what agents may call"),
            open: console.settings.sign_up == SignUp::Open,
        })
        .into_response(),
    }
}
