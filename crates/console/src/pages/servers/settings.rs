//! A server's settings: editing and deleting it.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use domain::{Name, ServerId, Slug};
use serde::Deserialize;
use upstream::UpstreamUrl;

use super::{
    head::Head,
    headers::{self, Fields, field},
};
use crate::{
    actions::{self, ActionError, servers::Edit},
    pages::{Html, Page, fields::Faults, filters, path::Id},
    session::{Form, ServerManager, Shell, Viewer},
    state::Console,
};

#[derive(Template)]
#[template(path = "servers/settings.html")]
struct SettingsPage {
    shell: Shell,
    head: Head,
    name: String,
    slug: String,
    upstream_url: String,
    fail_open: bool,
    header_names: Vec<String>,
    faults: Faults,
    /// Someone else saved while this was being typed.
    raced: bool,
    mine: bool,
}

/// `GET /servers/{server}/settings` shows what can be changed.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<ServerId>,
) -> Page {
    let head = Head::load(&console, &viewer.scope, id, "settings").await?;
    let shell = viewer.shell("servers");
    let server = &head.server;
    Ok(Html(SettingsPage {
        name: server.name.to_string(),
        slug: server.slug.to_string(),
        upstream_url: server.upstream_url.clone(),
        fail_open: server.fail_open,
        header_names: vec![String::new()],
        faults: Faults::default(),
        raced: false,
        mine: server.credential_set_by == Some(viewer.session().user),
        shell,
        head,
    })
    .into_response())
}

/// `POST /servers/{server}/settings` saves them. Where someone else saved first, both are shown.
pub(super) async fn submit(
    State(console): State<Console>,
    manager: ServerManager,
    Id(id): Id<ServerId>,
    Form(fields): Form<Fields>,
) -> Page {
    let mut faults = Faults::default();
    let name = faults.parse::<Name>("name", field(&fields, "name").trim());
    let slug = faults.parse::<Slug>("slug", field(&fields, "slug").trim());
    let url = match UpstreamUrl::parse(field(&fields, "upstream_url").trim()) {
        Ok(url) => Some(url),
        Err(error) => {
            faults.add("upstream_url", error);
            None
        }
    };
    let replaced = headers::parse(&fields, &mut faults);
    let remove = !field(&fields, "remove_credential").is_empty();
    if remove && replaced.is_some() {
        faults.add("headers", "can be removed or replaced, not both");
    }
    let fail_open = !field(&fields, "fail_open").is_empty();
    let revision = field(&fields, "revision").parse().ok();

    let mut raced = false;
    if let (Some(name), Some(slug), Some(url), true) = (name, slug, url, faults.is_empty()) {
        let before = store::servers::get(&console.db, &manager.scope, id).await?;
        let edit = Edit {
            name: Some(name),
            slug: Some(slug),
            upstream_url: Some(url),
            headers: match (replaced, remove) {
                (Some(headers), _) => Some(Some(headers)),
                (None, true) => Some(None),
                (None, false) => None,
            },
            fail_open: Some(fail_open),
        };
        match actions::servers::edit(&console, &manager.scope, id, revision, edit).await {
            Ok(server) => {
                let lost =
                    !remove && server.header_names.is_empty() && !before.header_names.is_empty();
                let done = if lost {
                    "credential-removed"
                } else {
                    "server-saved"
                };
                return Ok(
                    Redirect::to(&format!("/servers/{id}/settings?done={done}")).into_response()
                );
            }
            Err(ActionError::Stale) => raced = true,
            Err(error) => faults = Faults::from_action(error)?,
        }
    }
    let head = Head::load(&console, &manager.scope, id, "settings").await?;
    let names = headers::names(&fields);
    let status = if raced {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = SettingsPage {
        shell: manager.shell("servers"),
        name: field(&fields, "name").to_owned(),
        slug: field(&fields, "slug").to_owned(),
        upstream_url: field(&fields, "upstream_url").to_owned(),
        fail_open,
        header_names: if names.is_empty() {
            vec![String::new()]
        } else {
            names
        },
        faults,
        raced,
        mine: head.server.credential_set_by == Some(manager.session().user),
        head,
    };
    Ok((status, Html(page)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Confirmed {
    name: String,
    revision: i32,
}

/// `POST /servers/{server}/delete` deletes it, once its name has been typed.
pub(super) async fn delete(
    State(console): State<Console>,
    manager: ServerManager,
    Id(id): Id<ServerId>,
    Form(form): Form<Confirmed>,
) -> Page {
    let server = store::servers::get(&console.db, &manager.scope, id).await?;
    if form.name.trim() != server.name.as_str() {
        let head = Head::load(&console, &manager.scope, id, "settings").await?;
        let mut faults = Faults::default();
        faults.add("confirm", "is not the server's name; nothing was deleted");
        let page = SettingsPage {
            shell: manager.shell("servers"),
            name: server.name.to_string(),
            slug: server.slug.to_string(),
            upstream_url: server.upstream_url.clone(),
            fail_open: server.fail_open,
            header_names: vec![String::new()],
            faults,
            raced: false,
            mine: server.credential_set_by == Some(manager.session().user),
            head,
        };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
    }
    actions::servers::delete(&console, &manager.scope, id, Some(form.revision)).await?;
    Ok(Redirect::to("/servers?done=server-deleted").into_response())
}
