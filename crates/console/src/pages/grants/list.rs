//! The lists of grants: all, and one server's.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::ServerId;

use super::Row;
use crate::{
    pages::{
        Html, Page,
        cursor::Cursor,
        filters,
        path::{Id, Query},
        servers::Head,
    },
    session::{Shell, Viewer},
    state::Console,
};

#[derive(Template)]
#[template(path = "grants/list.html")]
struct ListPage {
    shell: Shell,
    grants: Vec<Row>,
    next: Option<String>,
    with_server: bool,
}

/// `GET /grants` lists those of every server, newest first.
pub(super) async fn all(
    State(console): State<Console>,
    viewer: Viewer,
    Query(cursor): Query<Cursor>,
) -> Page {
    let page = store::grants::list(&console.db, &viewer.scope, None, cursor.request()).await?;
    Ok(Html(ListPage {
        shell: viewer.shell("grants"),
        next: page.next.map(|id| format!("/grants?after={}", id.simple())),
        grants: page.items.into_iter().map(Row::from).collect(),
        with_server: true,
    })
    .into_response())
}

#[derive(Template)]
#[template(path = "grants/of_server.html")]
struct OfServer {
    shell: Shell,
    head: Head,
    grants: Vec<Row>,
    next: Option<String>,
    with_server: bool,
}

/// `GET /servers/{server}/grants` lists one server's.
pub(super) async fn of_server(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<ServerId>,
    Query(cursor): Query<Cursor>,
) -> Page {
    let head = Head::load(&console, &viewer.scope, id, "grants").await?;
    let page = store::grants::list(&console.db, &viewer.scope, Some(id), cursor.request()).await?;
    Ok(Html(OfServer {
        shell: viewer.shell("servers"),
        next: page
            .next
            .map(|after| format!("/servers/{id}/grants?after={}", after.simple())),
        grants: page.items.into_iter().map(Row::from).collect(),
        head,
        with_server: false,
    })
    .into_response())
}
