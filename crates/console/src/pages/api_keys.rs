//! Keys of the admin API.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::{ApiKeyId, Label, Role};
use secrecy::ExposeSecret;
use serde::Deserialize;
use store::api_keys::ApiKey;
use time::{Duration, OffsetDateTime};

use super::{
    Html, Page, PageError,
    cursor::Cursor,
    fields::Faults,
    filters,
    path::{Id, Query},
};
use crate::{
    actions::{self, Expiry},
    routes::Routes,
    session::{Form, Manager, Shell},
    state::Console,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/api-keys", show)
        .post("/api-keys", create)
        .post("/api-keys/{key}/revoke", revoke)
}

#[derive(Template)]
#[template(path = "api_keys.html")]
struct ApiKeys {
    shell: Shell,
    public_url: String,
    keys: Vec<ApiKey>,
    next: Option<String>,
    form: NewKey,
    faults: Faults,
    /// The secret, in the answer to what just made it.
    secret: Option<String>,
    now: OffsetDateTime,
}

impl ApiKeys {
    fn roles(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("viewer", "Viewer: look"),
            ("policy_manager", "Policy manager: write policies"),
            ("admin", "Admin: everything but what owners keep"),
        ]
    }

    fn word(&self, key: &ApiKey) -> &'static str {
        if key.revoked_at.is_some() {
            "revoked"
        } else if key.expires_at.is_some_and(|at| at <= self.now) {
            "expired"
        } else {
            "active"
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NewKey {
    label: String,
    role: String,
    expiry: String,
}

/// `GET /api-keys` lists them.
async fn show(
    State(console): State<Console>,
    manager: Manager,
    Query(cursor): Query<Cursor>,
) -> Page {
    let page = load(&console, &manager, &cursor).await?;
    Ok(Html(page).into_response())
}

async fn load(console: &Console, manager: &Manager, cursor: &Cursor) -> Result<ApiKeys, PageError> {
    let page = store::api_keys::list(&console.db, &manager.scope, cursor.request()).await?;
    Ok(ApiKeys {
        shell: manager.shell("keys"),
        public_url: console.settings.public_url.clone(),
        keys: page.items,
        next: page
            .next
            .map(|id| format!("/api-keys?after={}", id.simple())),
        form: NewKey {
            role: "policy_manager".to_owned(),
            expiry: "90".to_owned(),
            ..NewKey::default()
        },
        faults: Faults::default(),
        secret: None,
        now: OffsetDateTime::now_utc(),
    })
}

/// `POST /api-keys` makes a key, and shows its secret this once.
async fn create(
    State(console): State<Console>,
    manager: Manager,
    Form(form): Form<NewKey>,
) -> Page {
    let mut faults = Faults::default();
    let label = faults.parse::<Label>("label", form.label.trim());
    let role = faults.parse::<Role>("role", &form.role);
    let expiry = match form.expiry.as_str() {
        "never" => Expiry::Never,
        days => match days.parse::<u16>() {
            Ok(days) => Expiry::At(OffsetDateTime::now_utc() + Duration::days(days.into())),
            Err(_) => Expiry::Default,
        },
    };
    let again = async |faults: Faults| -> Result<Response, PageError> {
        let page = load(&console, &manager, &Cursor::default()).await?;
        let page = ApiKeys {
            form,
            faults,
            ..page
        };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
    };
    let (Some(label), Some(role)) = (label, role) else {
        return again(faults).await;
    };
    match actions::api_keys::create(&console, &manager.scope, &label, role, expiry).await {
        Ok(created) => {
            let page = load(&console, &manager, &Cursor::default()).await?;
            let secret = Some(created.secret.expose_secret().to_owned());
            Ok((StatusCode::CREATED, Html(ApiKeys { secret, ..page })).into_response())
        }
        Err(error) => again(Faults::from_action(error)?).await,
    }
}

#[derive(Deserialize)]
struct Nothing {}

/// `POST /api-keys/{key}/revoke` ends a key at once.
async fn revoke(
    State(console): State<Console>,
    manager: Manager,
    Id(id): Id<ApiKeyId>,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    actions::api_keys::revoke(&console, &manager.scope, id).await?;
    Ok(Redirect::to("/api-keys?done=key-revoked").into_response())
}
