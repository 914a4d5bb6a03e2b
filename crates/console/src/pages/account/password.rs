//! One's own account: the password.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::StoreError;

use super::{redirect_with, sign_in::open_session};
use crate::{
    pages::{Html, Page, fields::Faults},
    passwords::NewPassword,
    session::{Address, Form, Shell, Viewer},
    state::Console,
};

const WRONG: &str = "is not right";

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    shell: Shell,
    faults: Faults,
}

/// `GET /account` shows who is signed in.
pub(super) async fn show(viewer: Viewer) -> Page {
    Ok(Html(AccountPage {
        shell: viewer.shell("account"),
        faults: Faults::default(),
    })
    .into_response())
}

#[derive(Deserialize)]
pub(super) struct Change {
    present: SecretString,
    password: SecretString,
}

/// `POST /account` changes the password, which ends every session but this browser's, whose id
/// changes.
pub(super) async fn submit(
    State(console): State<Console>,
    viewer: Viewer,
    headers: HeaderMap,
    Address(address): Address,
    Form(form): Form<Change>,
) -> Page {
    let email = &viewer.session().email;
    let mut faults = Faults::default();
    let password = match NewPassword::parse(form.password.expose_secret(), email.as_str()) {
        Ok(password) => Some(password),
        Err(error) => {
            faults.add("password", error);
            None
        }
    };
    let mut proven = None;
    // A stolen session must not be able to guess the password, so this counts as signing in does.
    match store::accounts::count_attempt(&console.db, email, address).await {
        Ok(()) => {
            let found = store::accounts::credentials(&console.db, email).await?;
            let hash = found.map(|found| found.password_hash);
            if console.passwords.verify(form.present, hash.clone()).await? {
                proven = hash;
            } else {
                faults.add("present", WRONG);
            }
        }
        Err(StoreError::Throttled { retry_after_s }) => {
            faults.add(
                "present",
                format!("was tried too often; try again in {retry_after_s} s"),
            );
        }
        Err(error) => return Err(error.into()),
    }
    let again = |faults| {
        let page = AccountPage {
            shell: viewer.shell("account"),
            faults,
        };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
    };
    let (Some(password), Some(proven), true) = (password, proven, faults.is_empty()) else {
        return again(faults);
    };
    let hash = console.passwords.hash(password).await?;
    let user = viewer.session().user;
    match store::accounts::set_password(&console.db, user, Some(&proven), &hash).await {
        Ok(()) => {}
        // Someone, maybe its owner, set another one since it was looked at.
        Err(StoreError::NotFound) => {
            faults.add("present", WRONG);
            return again(faults);
        }
        Err(error) => return Err(error.into()),
    }
    store::accounts::clear_attempts(&console.db, email).await?;
    let cookie = open_session(&console, &headers, user, &hash).await?;
    Ok(redirect_with("/account?done=password-changed", [cookie]))
}
