//! The list of servers.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use store::servers::Server;

use crate::{
    pages::{Html, Page, cursor::Cursor, filters, path::Query},
    session::{Shell, Viewer},
    state::Console,
};

#[derive(Template)]
#[template(path = "servers/list.html")]
struct ListPage {
    shell: Shell,
    servers: Vec<Server>,
    next: Option<String>,
    first: bool,
}

/// `GET /servers` lists them, newest first.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Query(cursor): Query<Cursor>,
) -> Page {
    let page = store::servers::list(&console.db, &viewer.scope, cursor.request()).await?;
    Ok(Html(ListPage {
        shell: viewer.shell("servers"),
        next: page
            .next
            .map(|id| format!("/servers?after={}", id.simple())),
        servers: page.items,
        first: cursor.is_first(),
    })
    .into_response())
}
