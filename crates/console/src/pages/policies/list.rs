//! A server's policies.

use std::collections::HashSet;

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::{PolicyId, ServerId};

use super::shadow;
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
    /// The policies of which a rule in force only records.
    shadowing: HashSet<PolicyId>,
}

/// `GET /servers/{server}/policies` lists them.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<ServerId>,
) -> Page {
    let head = Head::load(&console, &viewer.scope, id, "policies").await?;
    let documents = store::policies::naming_shadow(&console.db, &viewer.scope, id).await?;
    let shadowing = move || {
        let has = |(id, text): &(PolicyId, String)| shadow::is_in(text).then_some(*id);
        documents.iter().filter_map(has).collect()
    };
    let shadowing = console.desk.work(shadowing).await?;
    Ok(Html(ListPage {
        shell: viewer.shell("servers"),
        head,
        shadowing,
    })
    .into_response())
}
