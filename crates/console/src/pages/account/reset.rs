//! A new password for someone who forgot theirs.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use domain::{Email, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::{Db, StoreError, accounts::TokenPurpose};

use super::sign_up::CheckMail;
use crate::{
    mail::Letter,
    pages::{Html, Page, PageError, fields::Faults, path::Query},
    passwords::NewPassword,
    session::{Address, Form, FormKey, Key},
    state::Console,
};

/// How long a link to set a new password works.
const LIVES: Duration = Duration::from_secs(60 * 60);

/// A link with which the account's owner sets a new password, once, within an hour; none where
/// there is no such account. For the command line, where mail reaches nobody.
///
/// # Errors
/// Postgres failed.
pub(crate) async fn link(
    db: &Db,
    public_url: &str,
    email: &Email,
) -> Result<Option<SecretString>, StoreError> {
    let key = Key::generate();
    let user =
        store::accounts::start_token(db, email, TokenPurpose::ResetPassword, key.hash(), LIVES)
            .await?;
    Ok(user.map(|_| format!("{public_url}/reset/set?token={}", key.text()).into()))
}

#[derive(Template)]
#[template(path = "account/reset.html")]
struct AskPage {
    frame: site::Frame,
    csrf: String,
    email: String,
    faults: Faults,
    mail: bool,
}

/// `GET /reset` asks for the address, or says whom to ask where mail reaches nobody.
pub(super) async fn ask(State(console): State<Console>, form_key: FormKey) -> Page {
    Ok(Html(AskPage {
        frame: console.frame(),
        csrf: form_key.token(),
        email: String::new(),
        faults: Faults::default(),
        mail: console.mailer.reaches(),
    })
    .into_response())
}

#[derive(Deserialize)]
pub(super) struct Forgotten {
    email: String,
}

/// `POST /reset` mails a link if there is such an account; the answer is the same if not.
pub(super) async fn send(
    State(console): State<Console>,
    form_key: FormKey,
    Address(address): Address,
    Form(form): Form<Forgotten>,
) -> Page {
    let mail = console.mailer.reaches();
    let mut faults = Faults::default();
    let email = faults.parse::<Email>("email", form.email.trim());
    let again = |faults| {
        let page = AskPage {
            frame: console.frame(),
            csrf: form_key.token(),
            email: form.email.clone(),
            faults,
            mail,
        };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
    };
    let Some(email) = email.filter(|_| mail) else {
        return again(faults);
    };
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
    // All of it beside the answer, whose time therefore does not tell whether there is an account.
    let (frame, to) = (console.frame(), email.clone());
    tokio::spawn(async move {
        let email = to;
        let link = match link(&console.db, &console.settings.public_url, &email).await {
            Ok(Some(link)) => link,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a link to set a new password could not be made"
                );
                return;
            }
        };
        let letter = Letter {
            to: &email,
            reply_to: None,
            subject: "Set a new Tollgate password",
            text: format!(
                "Open this link to set a new password. It works once, for an hour:\n\n{}\n\nIf \
                     you did not ask for it, there is nothing to do; your password is unchanged.\n",
                link.expose_secret()
            ),
        };
        if let Err(error) = console.mailer.send(letter).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a letter was not sent"
            );
        }
    });
    let what = "If it has an account, the letter holds a link to set a new password. It works for an hour.";
    Ok(Html(CheckMail {
        frame,
        email: email.to_string(),
        what,
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "account/set_password.html")]
struct SetPage {
    frame: site::Frame,
    csrf: String,
    token: Option<String>,
    faults: Faults,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Token {
    token: String,
}

/// `GET /reset/set?token=…` shows the form for the new password.
pub(super) async fn show(
    State(console): State<Console>,
    form_key: FormKey,
    Query(Token { token }): Query<Token>,
) -> Page {
    let good = match Key::parse(&token) {
        Some(key) => {
            store::accounts::token_is_good(&console.db, TokenPurpose::ResetPassword, key.hash())
                .await?
        }
        None => false,
    };
    let token = good.then_some(token);
    Ok(Html(SetPage {
        frame: console.frame(),
        csrf: form_key.token(),
        token,
        faults: Faults::default(),
    })
    .into_response())
}

#[derive(Deserialize)]
pub(super) struct NewOne {
    token: String,
    password: SecretString,
}

/// `POST /reset/set` sets the password and ends every session of the account.
pub(super) async fn submit(
    State(console): State<Console>,
    form_key: FormKey,
    Form(form): Form<NewOne>,
) -> Page {
    let password = match NewPassword::parse(form.password.expose_secret(), "") {
        Ok(password) => password,
        Err(error) => {
            let mut faults = Faults::default();
            faults.add("password", error);
            let page = SetPage {
                frame: console.frame(),
                csrf: form_key.token(),
                token: Some(form.token),
                faults,
            };
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let used = use_token(&console, &form.token, password).await?;
    match used {
        Some((user, hash)) => {
            store::accounts::set_password(&console.db, user, None, &hash).await?;
            // The link reached the owner of the address, which is what confirming it asks.
            store::accounts::mark_verified(&console.db, user).await?;
            Ok(Redirect::to("/sign-in?done=password-set").into_response())
        }
        None => {
            let page = SetPage {
                frame: console.frame(),
                csrf: form_key.token(),
                token: None,
                faults: Faults::default(),
            };
            Ok((StatusCode::GONE, Html(page)).into_response())
        }
    }
}

/// Whose password the token sets, and the new one's hash; none where the token is not good.
async fn use_token(
    console: &Console,
    token: &str,
    password: NewPassword,
) -> Result<Option<(UserId, String)>, PageError> {
    let Some(key) = Key::parse(token) else {
        return Ok(None);
    };
    // Looked at first, because a hash is dear and anybody can send a token that is none.
    let purpose = TokenPurpose::ResetPassword;
    if !store::accounts::token_is_good(&console.db, purpose, key.hash()).await? {
        return Ok(None);
    }
    // Hashed before the token is used up, so that nothing that can fail stands between the two.
    let hash = console.passwords.hash(password).await?;
    match store::accounts::use_token(&console.db, purpose, key.hash()).await {
        Ok(user) => Ok(Some((user, hash))),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
