//! Issuing a grant.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::IntoResponse};
use domain::{Identity, Label, PolicyId, ServerId};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::show::GrantPage;
use crate::{
    actions::{
        self, Expiry,
        grants::{Labels, NewGrant},
    },
    pages::{Html, Page, fields::Faults, path::Id, servers::Head},
    session::{Form, GrantManager, Shell},
    state::Console,
};

/// The choices of expiry: what the form sends, what it says.
const EXPIRIES: [(&str, &str); 6] = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("180", "180 days"),
    ("365", "365 days"),
    ("never", "No expiry"),
];

#[derive(Template)]
#[template(path = "grants/issue.html")]
struct IssuePage {
    shell: Shell,
    head: Head,
    form: NewForm,
    faults: Faults,
}

impl IssuePage {
    fn expiries(&self) -> &'static [(&'static str, &'static str)] {
        &EXPIRIES
    }
}

#[derive(Deserialize)]
pub(super) struct NewForm {
    label: String,
    #[serde(default)]
    identity: String,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    expiry: String,
}

/// `GET /servers/{server}/grants/new` shows the form.
pub(super) async fn show(
    State(console): State<Console>,
    manager: GrantManager,
    Id(id): Id<ServerId>,
) -> Page {
    let head = Head::load(&console, &manager.scope, id, "grants").await?;
    let form = NewForm {
        label: String::new(),
        identity: String::new(),
        policy: head
            .first_policy()
            .map(|policy| policy.id.to_string())
            .unwrap_or_default(),
        expiry: "90".to_owned(),
    };
    let shell = manager.shell("servers");
    Ok(Html(IssuePage {
        shell,
        head,
        form,
        faults: Faults::default(),
    })
    .into_response())
}

/// `POST /servers/{server}/grants/new` issues it, and shows its token this once.
pub(super) async fn submit(
    State(console): State<Console>,
    manager: GrantManager,
    Id(id): Id<ServerId>,
    Form(form): Form<NewForm>,
) -> Page {
    let mut faults = Faults::default();
    let label = faults.parse::<Label>("label", form.label.trim());
    let identity = faults.parse_optional::<Identity>("identity", form.identity.trim());
    let policy = faults.parse_optional::<PolicyId>("policy", &form.policy);
    let expiry = match form.expiry.as_str() {
        "" => Expiry::Default,
        "never" => Expiry::Never,
        days => match days.parse::<u16>() {
            Ok(days) => Expiry::At(OffsetDateTime::now_utc() + Duration::days(days.into())),
            Err(_) => {
                faults.add("expiry", "is not one of the choices");
                Expiry::Default
            }
        },
    };
    if let (Some(label), true) = (label, faults.is_empty()) {
        let new = NewGrant {
            label,
            identity,
            labels: Labels::default(),
            policy,
            expiry,
        };
        match actions::grants::issue(&console, &manager.scope, id, new).await {
            Ok(issued) => {
                let shell = manager.shell("grants");
                let token = Some(issued.token);
                let page =
                    GrantPage::load(&console, &manager.scope, shell, issued.grant, token).await?;
                return Ok((StatusCode::CREATED, Html(page)).into_response());
            }
            Err(error) => faults = Faults::from_action(error)?,
        }
    }
    let head = Head::load(&console, &manager.scope, id, "grants").await?;
    let page = IssuePage {
        shell: manager.shell("servers"),
        head,
        form,
        faults,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}
