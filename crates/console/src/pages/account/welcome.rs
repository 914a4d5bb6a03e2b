//! Organisations of one's own: making the first or another one, and going from one to the other.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use domain::{Name, OrgId, Slug};
use serde::Deserialize;

use super::{local, redirect_with};
use crate::{
    pages::{Html, Page, PageError, fields::Faults, path::Query},
    session::{self, Form, SignedIn},
    state::Console,
};

#[derive(Template)]
#[template(path = "account/welcome.html")]
struct WelcomePage {
    frame: site::Frame,
    csrf: String,
    email: String,
    name: String,
    next: String,
    first: bool,
    faults: Faults,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

/// `GET /welcome` asks what the organisation is called.
pub(super) async fn show(
    State(console): State<Console>,
    signed_in: SignedIn,
    Query(Wanted { next }): Query<Wanted>,
) -> Page {
    Ok(Html(WelcomePage {
        frame: console.frame(),
        csrf: signed_in.key.form_token(),
        email: signed_in.session.email.to_string(),
        name: String::new(),
        next,
        first: signed_in.session.memberships.is_empty(),
        faults: Faults::default(),
    })
    .into_response())
}

#[derive(Deserialize)]
pub(super) struct NewOrganisation {
    name: String,
    #[serde(default)]
    next: String,
}

/// `POST /welcome` makes it, with the signed-in person as its owner.
pub(super) async fn submit(
    State(console): State<Console>,
    signed_in: SignedIn,
    Form(form): Form<NewOrganisation>,
) -> Page {
    let mut faults = Faults::default();
    let Some(name) = faults.parse::<Name>("name", form.name.trim()) else {
        let page = WelcomePage {
            frame: console.frame(),
            csrf: signed_in.key.form_token(),
            email: signed_in.session.email.to_string(),
            name: form.name,
            next: form.next,
            first: signed_in.session.memberships.is_empty(),
            faults,
        };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    };
    let slug = Slug::suggest(name.as_str(), "team");
    let made =
        store::organisations::create(&console.db, signed_in.session.user, &name, &slug).await?;
    let cookie = session::set_org(made.org, console.settings.https());
    let next = match form.next.as_str() {
        "" => "/overview?done=organisation-made",
        next => local(next),
    };
    Ok(redirect_with(next, [cookie]))
}

#[derive(Deserialize)]
pub(super) struct Switch {
    organisation: String,
}

/// `POST /organisations/switch` looks at another of one's organisations from now on.
pub(super) async fn switch(
    State(console): State<Console>,
    signed_in: SignedIn,
    Form(form): Form<Switch>,
) -> Page {
    let wanted: OrgId = form.organisation.parse().map_err(|_| PageError::NotFound)?;
    if !signed_in
        .session
        .memberships
        .iter()
        .any(|membership| membership.org == wanted)
    {
        return Err(PageError::NotFound);
    }
    Ok(redirect_with(
        "/overview",
        [session::set_org(wanted, console.settings.https())],
    ))
}
