//! Signing in and out.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Email, UserId};
use secrecy::SecretString;
use serde::Deserialize;
use store::StoreError;

use super::{carried, local, redirect_with, verify};
use crate::{
    pages::{Html, Page, PageError, path::Query},
    session::{self, Address, Form, FormKey, Key, SignedIn},
    settings::SignUp,
    state::Console,
};

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInPage {
    frame: site::Frame,
    csrf: String,
    email: String,
    next: String,
    fault: Option<String>,
    notice: Option<&'static str>,
    sign_up: bool,
}

impl SignInPage {
    fn carried(&self) -> String {
        carried(&self.next)
    }
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// `GET /sign-in` shows the form, or goes on where someone is signed in already.
pub(super) async fn show(
    State(console): State<Console>,
    signed_in: Result<SignedIn, PageError>,
    form_key: FormKey,
    Query(wanted): Query<Wanted>,
) -> Response {
    if signed_in.is_ok() {
        return redirect_with(local(&wanted.next), []);
    }
    let notice = match wanted.done.as_str() {
        "password-set" => {
            Some("Your new password is set. Every session was ended; sign in with it.")
        }
        "verified" => Some("Your address is confirmed. Sign in."),
        _ => None,
    };
    Html(SignInPage {
        frame: console.frame(),
        csrf: form_key.token(),
        email: String::new(),
        next: wanted.next,
        fault: None,
        notice,
        sign_up: console.settings.sign_up == SignUp::Open,
    })
    .into_response()
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in` opens a session. An unknown address and a wrong password get the same answer
/// after the same time.
pub(super) async fn submit(
    State(console): State<Console>,
    headers: HeaderMap,
    form_key: FormKey,
    Address(address): Address,
    Form(form): Form<SignIn>,
) -> Page {
    let again = |status: StatusCode, fault: String| {
        let page = SignInPage {
            frame: console.frame(),
            csrf: form_key.token(),
            email: form.email.clone(),
            next: form.next.clone(),
            fault: Some(fault),
            notice: None,
            sign_up: console.settings.sign_up == SignUp::Open,
        };
        Ok((status, Html(page)).into_response())
    };
    const WRONG: &str = "That address and password do not belong together.";

    let Ok(email) = form.email.trim().parse::<Email>() else {
        return again(StatusCode::UNPROCESSABLE_ENTITY, WRONG.to_owned());
    };
    match store::accounts::count_attempt(&console.db, &email, address).await {
        Ok(()) => {}
        Err(StoreError::Throttled { retry_after_s }) => {
            let fault = format!("Too many attempts. Try again in {}.", wait(retry_after_s));
            let mut response = again(StatusCode::TOO_MANY_REQUESTS, fault)?;
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, retry_after_s.into());
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    }
    let found = store::accounts::credentials(&console.db, &email).await?;
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let right = console
        .passwords
        .verify(form.password.clone(), hash)
        .await?;
    let Some(found) = found.filter(|_| right) else {
        return again(StatusCode::UNPROCESSABLE_ENTITY, WRONG.to_owned());
    };
    // The count stays here: whoever signed up with somebody else's address knows the password, and
    // each attempt is a letter to them.
    if console.mailer.confirms() && found.email_verified_at.is_none() {
        verify::send(&console, &email, &form.next).await?;
        return again(
            StatusCode::FORBIDDEN,
            "Confirm your address first. A new link is on its way to you.".to_owned(),
        );
    }
    let cookie = match open_session(&console, &headers, found.user, &found.password_hash).await {
        Ok(cookie) => cookie,
        // The password was changed since it was looked at.
        Err(StoreError::NotFound) => {
            return again(StatusCode::UNPROCESSABLE_ENTITY, WRONG.to_owned());
        }
        Err(error) => return Err(error.into()),
    };
    store::accounts::clear_attempts(&console.db, &email).await?;
    Ok(redirect_with(local(&form.next), [cookie]))
}

/// A session under a new id, for who has proven the password with that hash; the one that the
/// browser had before ends.
///
/// # Errors
/// `NotFound` where the password is no longer that one.
pub(super) async fn open_session(
    console: &Console,
    headers: &HeaderMap,
    user: UserId,
    proven: &str,
) -> Result<HeaderValue, StoreError> {
    let key = Key::generate();
    store::sessions::create(&console.db, user, proven, key.hash(), session::LIVES).await?;
    if let Some(old) = session::present(headers, console.settings.https()) {
        store::sessions::end(&console.db, old.hash()).await?;
    }
    Ok(session::set_session(&key, console.settings.https()))
}

fn wait(seconds: u32) -> String {
    if seconds < 90 {
        format!("{seconds} s")
    } else {
        format!("{} min", seconds.div_ceil(60))
    }
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /sign-out` ends the session.
pub(super) async fn sign_out(
    State(console): State<Console>,
    signed_in: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    store::sessions::end(&console.db, signed_in.key.hash()).await?;
    Ok(redirect_with(
        "/",
        [session::clear_session(console.settings.https())],
    ))
}
