//! Confirming an address.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use domain::Email;
use serde::Deserialize;
use store::{StoreError, accounts::TokenPurpose};

use super::carried;
use crate::{
    mail::Letter,
    pages::{Html, Page, PageError, path::Query},
    session::{Form, FormKey, Key},
    state::Console,
};

/// How long a mailed link to confirm an address works.
const LIVES: Duration = Duration::from_secs(24 * 60 * 60);

/// Mails a link that confirms the address, and leads on to `next` where that is a page of ours. The letter is sent beside the answer, whose time
/// therefore does not tell whether there was one.
pub(super) async fn send(console: &Console, email: &Email, next: &str) -> Result<(), PageError> {
    let key = Key::generate();
    let purpose = TokenPurpose::VerifyEmail;
    if store::accounts::start_token(&console.db, email, purpose, key.hash(), LIVES)
        .await?
        .is_some()
    {
        let (console, email) = (console.clone(), email.clone());
        let next = carried(next).replacen('?', "&", 1);
        tokio::spawn(async move {
            let link = format!(
                "{}/verify?token={}{next}",
                console.settings.public_url,
                key.text()
            );
            let letter = Letter {
                to: &email,
                reply_to: None,
                subject: "Confirm your address for Tollgate",
                text: format!(
                    "Open this link to confirm your address. It works once, for a day:\n\n{link}\n\n\
                     If you did not sign up, there is nothing to do.\n"
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
    Ok(())
}

#[derive(Template)]
#[template(path = "account/verify.html")]
struct VerifyPage {
    frame: site::Frame,
    csrf: String,
    token: Option<String>,
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    token: String,
    next: String,
}

/// `GET /verify?token=…` shows a button, because mail scanners follow links.
pub(super) async fn show(
    State(console): State<Console>,
    form_key: FormKey,
    Query(Token { token, next }): Query<Token>,
) -> Page {
    let good = match Key::parse(&token) {
        Some(key) => {
            store::accounts::token_is_good(&console.db, TokenPurpose::VerifyEmail, key.hash())
                .await?
        }
        None => false,
    };
    Ok(Html(VerifyPage {
        frame: console.frame(),
        csrf: form_key.token(),
        token: good.then_some(token),
        next,
    })
    .into_response())
}

/// `POST /verify` confirms the address.
pub(super) async fn submit(
    State(console): State<Console>,
    form_key: FormKey,
    Form(Token { token, next }): Form<Token>,
) -> Page {
    let used = match Key::parse(&token) {
        Some(key) => {
            store::accounts::use_token(&console.db, TokenPurpose::VerifyEmail, key.hash()).await
        }
        None => Err(StoreError::NotFound),
    };
    match used {
        Ok(user) => {
            store::accounts::mark_verified(&console.db, user).await?;
            let next = carried(&next).replacen('?', "&", 1);
            Ok(Redirect::to(&format!("/sign-in?done=verified{next}")).into_response())
        }
        Err(StoreError::NotFound) => {
            let page = VerifyPage {
                frame: console.frame(),
                csrf: form_key.token(),
                token: None,
                next,
            };
            Ok((StatusCode::GONE, Html(page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
