//! A server's first tab: its tools.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use domain::{ServerId, ToolClass};
use serde::Deserialize;
use store::servers::InventoryTool;

use super::head::Head;
use crate::{
    actions::{
        self, ActionError,
        judged::{Judged, corrections, judged},
    },
    pages::{Html, Page, PageError, filters, path::Id},
    session::{Form, ServerManager, Shell, Viewer},
    state::Console,
};

#[derive(Template)]
#[template(path = "servers/tools.html")]
struct ToolsPage {
    shell: Shell,
    head: Head,
    tools: Option<Vec<(InventoryTool, Option<Judged>)>>,
}

impl ToolsPage {
    fn classes(&self) -> &'static [ToolClass] {
        &ToolClass::ALL
    }

    fn has_class(&self, entry: &InventoryTool, class: &ToolClass) -> bool {
        entry.tool.class == Some(*class)
    }
}

/// `GET /servers/{server}` shows the server and its tools.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<ServerId>,
) -> Page {
    let head = Head::load(&console, &viewer.scope, id, "tools").await?;
    let tools = store::servers::tools(&console.db, &viewer.scope, id).await?;
    let catalog = head.server.catalog.clone();
    let corrections = corrections(&console.db, catalog.as_ref()).await?;
    let judge = |entry: InventoryTool| {
        let judged = judged(catalog.as_ref(), &corrections, &entry);
        (entry, judged)
    };
    let tools = tools.map(|tools| tools.into_iter().map(judge).collect());
    Ok(Html(ToolsPage {
        shell: viewer.shell("servers"),
        head,
        tools,
    })
    .into_response())
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /servers/{server}/discover` asks the server for its tools again.
pub(super) async fn discover(
    State(console): State<Console>,
    manager: ServerManager,
    Id(id): Id<ServerId>,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    let done = match actions::discovery::discover(&console, &manager.scope, id).await {
        Ok(_) => "?done=discovered",
        // The sentence is stored with the server, and the page shows it.
        Err(ActionError::Upstream(_)) => "",
        Err(error) => return Err(error.into()),
    };
    Ok(Redirect::to(&format!("/servers/{id}{done}")).into_response())
}

#[derive(Deserialize)]
pub(super) struct Class {
    tool: String,
    class: String,
}

/// `POST /servers/{server}/class` sets the class that a tool counts as here.
pub(super) async fn set_class(
    State(console): State<Console>,
    manager: ServerManager,
    Id(id): Id<ServerId>,
    Form(form): Form<Class>,
) -> Page {
    let class: ToolClass = form.class.parse().map_err(|_| PageError::BadForm)?;
    actions::servers::set_class(&console, &manager.scope, id, &form.tool, class).await?;
    Ok(Redirect::to(&format!("/servers/{id}?done=class-set")).into_response())
}
