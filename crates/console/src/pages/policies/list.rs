//! A server's policies.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::ServerId;

use crate::{
    pages::{Html, Page, filters, path::Id, servers::Head},
    session::{Shell, Viewer},
    state::Console,
};

#[derive(Template)]
#[template(path = "policies/list.html")]
struct ListPage {
    shell: Shell,
    head: Head,
}

/// `GET /servers/{server}/policies` lists them.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<ServerId>,
) -> Page {
    let head = Head::load(&console, &viewer.scope, id, "policies").await?;
    Ok(Html(ListPage {
        shell: viewer.shell("servers"),
        head,
    })
    .into_response())
}
