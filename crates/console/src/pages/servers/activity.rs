//! A server's activity: the newest of its audit log.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::ServerId;
use store::{PageRequest, audit::Filter};
use time::{Duration, OffsetDateTime};

use super::head::Head;
use crate::{
    pages::{Html, Page, audit::Line, chart::Chart, filters, path::Id},
    session::{Shell, Viewer},
    state::Console,
};

/// How many events the tab shows; the audit log has the rest.
const ROWS: u16 = 25;

#[derive(Template)]
#[template(path = "servers/activity.html")]
struct ActivityPage {
    shell: Shell,
    head: Head,
    chart: Chart,
    events: Vec<Line>,
}

/// `GET /servers/{server}/activity` shows the last 24 hours and the newest decisions.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<ServerId>,
) -> Page {
    let head = Head::load(&console, &viewer.scope, id, "activity").await?;
    let filter = Filter {
        server: Some(id),
        ..Filter::default()
    };
    let now = OffsetDateTime::now_utc();
    let bins = store::audit::histogram(
        &console.db,
        &viewer.scope,
        &filter,
        now - Duration::DAY,
        now,
        48,
    )
    .await?;
    let request = PageRequest {
        limit: ROWS,
        after: None,
    };
    let events = store::audit::list(&console.db, &viewer.scope, &filter, request)
        .await?
        .items;
    Ok(Html(ActivityPage {
        shell: viewer.shell("servers"),
        chart: Chart::new(&bins, now, &format!("server={id}")),
        events: events.into_iter().map(Line::from).collect(),
        head,
    })
    .into_response())
}
