//! The contact form: to whoever runs this installation.

mod deliver;
mod form;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use store::StoreError;

pub(crate) use deliver::Post;
use form::Typed;

use super::{Html, Page, fields::Faults};
use crate::{
    routes::Routes,
    session::{Address, Form, FormKey},
    state::Console,
};

const ABOUT: &str =
    "Write to the people who run this Tollgate: questions, reports, corrections of the catalogue.";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/contact", show)
        .post("/contact", submit)
        .get("/contact/sent", sent)
}

#[derive(Template)]
#[template(path = "contact/form.html")]
struct ContactPage {
    frame: site::Frame,
    csrf: String,
    typed: Typed,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "contact/sent.html")]
struct SentPage {
    frame: site::Frame,
}

fn page(console: &Console, form_key: &FormKey, typed: Typed, faults: Faults) -> Response {
    let frame = console.settings.site().frame("/contact");
    Html(ContactPage {
        frame: frame.titled("Contact").about(ABOUT),
        csrf: form_key.token(),
        typed,
        faults,
    })
    .into_response()
}

/// `GET /contact` shows the form.
async fn show(State(console): State<Console>, form_key: FormKey) -> Response {
    page(&console, &form_key, Typed::default(), Faults::default())
}

/// `POST /contact` stores the message and has it mailed, beside the answer.
async fn submit(
    State(console): State<Console>,
    form_key: FormKey,
    Address(address): Address,
    Form(typed): Form<Typed>,
) -> Page {
    // Whoever fills a field that nobody sees is a program, and is told nothing.
    if !typed.left_empty.is_empty() {
        return Ok(Redirect::to("/contact/sent").into_response());
    }
    let message = match typed.read() {
        Ok(message) => message,
        Err(faults) => {
            let page = page(&console, &form_key, typed, faults);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let stored = match store::contact::count_message(&console.db, address).await {
        Ok(()) => store::contact::add(&console.db, &message).await,
        Err(error) => Err(error),
    };
    let (status, wait_s, fault) = match stored {
        Ok(_) => {
            deliver::in_background(&console);
            return Ok(Redirect::to("/contact/sent").into_response());
        }
        Err(StoreError::Throttled { retry_after_s }) => (
            StatusCode::TOO_MANY_REQUESTS,
            retry_after_s,
            format!(
                "Too many messages came in. Send it again in {} min.",
                retry_after_s.div_ceil(60)
            ),
        ),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a message could not be stored"
            );
            let fault = "The message could not be stored. Send it again in a moment.";
            (StatusCode::SERVICE_UNAVAILABLE, 5, fault.to_owned())
        }
    };
    let mut faults = Faults::default();
    faults.add("form", fault);
    let mut answer = page(&console, &form_key, typed, faults);
    *answer.status_mut() = status;
    let wait = HeaderValue::from(wait_s);
    answer.headers_mut().insert(header::RETRY_AFTER, wait);
    Ok(answer)
}

/// `GET /contact/sent` confirms.
async fn sent(State(console): State<Console>) -> Response {
    let frame = console.frame().titled("Message received");
    Html(SentPage { frame }).into_response()
}
