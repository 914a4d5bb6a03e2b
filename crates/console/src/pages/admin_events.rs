//! Admin events: who changed what.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use store::admin_events::AdminEvent;

use super::{Html, Page, cursor::Cursor, filters, path::Query};
use crate::{
    routes::Routes,
    session::{EventReader, Shell},
    state::Console,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/admin-events", show)
}

#[derive(Template)]
#[template(path = "admin_events.html")]
struct AdminEvents {
    shell: Shell,
    events: Vec<AdminEvent>,
    next: Option<String>,
}

impl AdminEvents {
    /// Where the changed thing is now, if it has a page.
    fn link(&self, target: &str) -> Option<String> {
        let folder = match target.split_once('_')?.0 {
            "srv" => "servers",
            "pol" => "policies",
            "gr" => "grants",
            _ => return None,
        };
        Some(format!("/{folder}/{target}"))
    }

    fn pretty(&self, value: &serde_json::Value) -> String {
        serde_json::to_string_pretty(value).unwrap_or_default()
    }
}

/// `GET /admin-events` lists changes, newest first.
async fn show(
    State(console): State<Console>,
    reader: EventReader,
    Query(cursor): Query<Cursor>,
) -> Page {
    let page = store::admin_events::list(&console.db, &reader.scope, cursor.request()).await?;
    Ok(Html(AdminEvents {
        shell: reader.shell("events"),
        events: page.items,
        next: page
            .next
            .map(|id| format!("/admin-events?after={}", id.simple())),
    })
    .into_response())
}
