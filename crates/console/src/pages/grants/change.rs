//! Changing a grant: its label, identity and policy; pausing, resuming, revoking; its token.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use domain::{GrantId, Identity, Label, PolicyId};
use serde::Deserialize;
use store::grants::GrantEdit;

use super::show::{EditForm, GrantPage};
use crate::{
    actions::{self, ActionError, grants::Issued},
    pages::{Html, Page, PageError, fields::Faults, path::Id},
    session::{Form, GrantManager, Shell, Viewer},
    state::Console,
};

#[derive(Deserialize)]
pub(super) struct Edited {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    identity: Option<String>,
    #[serde(default)]
    policy: Option<String>,
    revision: i32,
}

/// `POST /grants/{grant}` saves label, identity and policy, as far as the form has them: whoever may
/// only attach policies is shown only that field. The action asks for what each needs.
pub(super) async fn edit(
    State(console): State<Console>,
    member: Viewer,
    Id(id): Id<GrantId>,
    Form(form): Form<Edited>,
) -> Page {
    let mut faults = Faults::default();
    let label = form
        .label
        .as_deref()
        .and_then(|text| faults.parse::<Label>("label", text.trim()));
    let identity = form
        .identity
        .as_deref()
        .map(|text| faults.parse_optional::<Identity>("identity", text.trim()));
    let policy = form
        .policy
        .as_deref()
        .map(|text| faults.parse_optional::<PolicyId>("policy", text));
    let mut raced = false;
    if faults.is_empty() {
        let edit = GrantEdit {
            label,
            identity,
            labels: None,
            policy,
        };
        let revision = Some(form.revision);
        match actions::grants::update(&console, &member.scope, id, revision, edit).await {
            Ok(_) => {
                return Ok(Redirect::to(&format!("/grants/{id}?done=grant-saved")).into_response());
            }
            Err(ActionError::Stale) => raced = true,
            Err(error) => faults = Faults::from_action(error)?,
        }
    }
    let grant = store::grants::get(&console.db, &member.scope, id).await?;
    let page =
        GrantPage::load(&console, &member.scope, member.shell("grants"), grant, None).await?;
    let typed = EditForm {
        label: form.label.unwrap_or_default(),
        identity: form.identity.unwrap_or_default(),
        policy: form.policy.unwrap_or_default(),
    };
    Ok(page.with(typed, faults, raced))
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /grants/{grant}/pause` refuses its calls until it is resumed.
pub(super) async fn pause(
    State(console): State<Console>,
    manager: GrantManager,
    Id(id): Id<GrantId>,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    actions::grants::pause(&console, &manager.scope, id, None).await?;
    Ok(Redirect::to(&format!("/grants/{id}?done=grant-paused")).into_response())
}

/// `POST /grants/{grant}/resume` lets it work again.
pub(super) async fn resume(
    State(console): State<Console>,
    manager: GrantManager,
    Id(id): Id<GrantId>,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    actions::grants::resume(&console, &manager.scope, id, None).await?;
    Ok(Redirect::to(&format!("/grants/{id}?done=grant-resumed")).into_response())
}

/// `POST /grants/{grant}/revoke` ends it for good.
pub(super) async fn revoke(
    State(console): State<Console>,
    manager: GrantManager,
    Id(id): Id<GrantId>,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    actions::grants::revoke(&console, &manager.scope, id, None).await?;
    Ok(Redirect::to(&format!("/grants/{id}?done=grant-revoked")).into_response())
}

#[derive(Deserialize)]
pub(super) struct Rotation {
    #[serde(default)]
    overlap_seconds: u64,
}

/// `POST /grants/{grant}/rotate` makes the next token, and shows it this once.
pub(super) async fn rotate(
    State(console): State<Console>,
    manager: GrantManager,
    Id(id): Id<GrantId>,
    Form(form): Form<Rotation>,
) -> Page {
    let overlap = Duration::from_secs(form.overlap_seconds);
    let issued = actions::grants::rotate(&console, &manager.scope, id, None, overlap).await?;
    token_page(&console, &manager.scope, manager.shell("grants"), issued).await
}

/// `POST /grants/{grant}/reveal` shows the present token again, which is an admin event.
pub(super) async fn reveal(
    State(console): State<Console>,
    manager: GrantManager,
    Id(id): Id<GrantId>,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    let issued = actions::grants::reveal(&console, &manager.scope, id).await?;
    token_page(&console, &manager.scope, manager.shell("grants"), issued).await
}

async fn token_page(
    console: &Console,
    scope: &domain::Scope,
    shell: Shell,
    issued: Issued,
) -> Result<axum::response::Response, PageError> {
    // The row as the lists read it, with its use and its server's name.
    let grant = store::grants::get(&console.db, scope, issued.grant.id).await?;
    let page = GrantPage::load(console, scope, shell, grant, Some(issued.token)).await?;
    Ok(Html(page).into_response())
}
