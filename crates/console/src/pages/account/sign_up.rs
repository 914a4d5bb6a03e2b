//! Signing up.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use domain::Email;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::StoreError;

use super::{carried, local, redirect_with, sign_in::open_session, verify};
use crate::{
    mail::Letter,
    pages::{Html, Page, PageError, fields::Faults, filters, path::Query},
    passwords::NewPassword,
    session::{Address, Form, FormKey, SignedIn},
    settings::SignUp,
    state::Console,
};

#[derive(Template)]
#[template(path = "account/sign_up.html")]
struct SignUpPage {
    frame: site::Frame,
    csrf: String,
    email: String,
    next: String,
    faults: Faults,
    mode: SignUp,
}

impl SignUpPage {
    fn carried(&self) -> String {
        carried(&self.next)
    }
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "account/check_mail.html")]
pub(super) struct CheckMail {
    pub(super) frame: site::Frame,
    pub(super) email: String,
    pub(super) what: &'static str,
}

/// `GET /sign-up` shows the form, or says why there is none.
pub(super) async fn show(
    State(console): State<Console>,
    signed_in: Result<SignedIn, PageError>,
    form_key: FormKey,
    Query(Wanted { next }): Query<Wanted>,
) -> Response {
    if signed_in.is_ok() {
        return redirect_with(local(&next), []);
    }
    Html(SignUpPage {
        frame: console.frame(),
        csrf: form_key.token(),
        email: String::new(),
        next,
        faults: Faults::default(),
        mode: console.settings.sign_up,
    })
    .into_response()
}

#[derive(Deserialize)]
pub(super) struct NewAccount {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// `POST /sign-up` makes an account. Where mail is sent, the answer is the same for an address that
/// has one already, and its owner is told by mail.
pub(super) async fn submit(
    State(console): State<Console>,
    headers: HeaderMap,
    form_key: FormKey,
    Address(address): Address,
    Form(form): Form<NewAccount>,
) -> Page {
    let again = |faults: Faults| {
        let page = SignUpPage {
            frame: console.frame(),
            csrf: form_key.token(),
            email: form.email.clone(),
            next: form.next.clone(),
            faults,
            mode: console.settings.sign_up,
        };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
    };
    if console.settings.sign_up != SignUp::Open {
        return again(Faults::default());
    }
    let mut faults = Faults::default();
    let email = faults.parse::<Email>("email", form.email.trim());
    let password = match NewPassword::parse(form.password.expose_secret(), form.email.trim()) {
        Ok(password) => Some(password),
        Err(error) => {
            faults.add("password", error);
            None
        }
    };
    let (Some(email), Some(password)) = (email, password) else {
        return again(faults);
    };

    // Making accounts is bounded like guessing passwords is: each costs a hash, and maybe a letter.
    match store::accounts::count_attempt(&console.db, &email, address).await {
        Ok(()) => {}
        Err(StoreError::Throttled { retry_after_s }) => {
            faults.add(
                "email",
                format!("was tried too often; try again in {retry_after_s} s"),
            );
            return again(faults);
        }
        Err(error) => return Err(error.into()),
    }
    let hash = console.passwords.hash(password).await?;
    if !console.mailer.confirms() {
        return match store::accounts::create(&console.db, &email, &hash, true).await {
            Ok(user) => {
                store::accounts::clear_attempts(&console.db, &email).await?;
                let cookie = open_session(&console, &headers, user, &hash).await?;
                Ok(redirect_with(
                    &format!("/welcome{}", carried(&form.next)),
                    [cookie],
                ))
            }
            Err(StoreError::Taken { .. }) => {
                faults.add("email", "has an account already; sign in instead");
                again(faults)
            }
            Err(error) => Err(error.into()),
        };
    }
    // Beside the answer, whose time therefore does not tell whether there was an account: making one
    // takes longer than finding one.
    let (frame, to, next) = (console.frame(), email.clone(), form.next);
    tokio::spawn(async move {
        let done = match store::accounts::create(&console.db, &to, &hash, false).await {
            Ok(_) => verify::send(&console, &to, &next).await,
            Err(StoreError::Taken { .. }) => {
                tell_of_account(&console, &to);
                Ok(())
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = done {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "an account was not made"
            );
        }
    });
    let what = "Open the link in it to confirm your address, then sign in. It works for a day.";
    Ok(Html(CheckMail {
        frame,
        email: email.to_string(),
        what,
    })
    .into_response())
}

fn tell_of_account(console: &Console, email: &Email) {
    let (console, email) = (console.clone(), email.clone());
    tokio::spawn(async move {
        let url = &console.settings.public_url;
        let letter = Letter {
            to: &email,
            reply_to: None,
            subject: "You have a Tollgate account already",
            text: format!(
                "Someone, probably you, tried to sign up at {url} with this address, which has an \
                 account already.\n\nSign in: {url}/sign-in\nForgotten password: {url}/reset\n\nIf \
                 it was not you, there is nothing to do.\n"
            ),
        };
        if let Err(error) = console.mailer.send(letter).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a letter was not sent"
            );
        }
    });
}
