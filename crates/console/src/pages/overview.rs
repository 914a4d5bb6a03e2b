//! The overview: is everything all right, and what to do next.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::audit::Outcome;
use store::{
    PageRequest,
    audit::Filter,
    grants::{Grant, GrantState},
    servers::Server,
};
use time::{Duration, OffsetDateTime};

use super::{Html, Page, audit::Line, chart::Chart, filters};
use crate::{
    routes::Routes,
    session::{Shell, Viewer},
    state::Console,
};

/// How many refusals and servers the overview shows.
const REFUSALS: u16 = 8;
const SERVERS: u16 = 20;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/overview", show)
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    shell: Shell,
    chart: Chart,
    servers: Vec<Server>,
    grants: Vec<Grant>,
    refusals: Vec<Line>,
    next: Option<Next>,
}

/// The one thing to do now.
struct Next {
    title: String,
    why: &'static str,
    link: String,
    button: &'static str,
}

impl Overview {
    fn live(&self) -> usize {
        self.grants
            .iter()
            .filter(|grant| grant.state == GrantState::Active)
            .count()
    }

    fn attention(&self) -> usize {
        self.servers
            .iter()
            .filter(|server| server.discovery_error.is_some())
            .count()
    }

    /// Refused for whatever reason, limits included.
    fn stopped(&self) -> i64 {
        self.chart.refused() + self.chart.limited()
    }

    fn sentence(&self) -> String {
        let attention = match self.attention() {
            0 => String::new(),
            1 => " 1 server needs attention.".to_owned(),
            n => format!(" {n} servers need attention."),
        };
        match (self.chart.total(), self.stopped()) {
            (0, _) => format!("No calls in the last 24 hours.{attention}"),
            (1, 0) => format!("1 call in the last 24 hours, allowed.{attention}"),
            (n, 0) => format!("{n} calls in the last 24 hours, all allowed.{attention}"),
            (n, stopped) => {
                format!("{stopped} of {n} calls refused in the last 24 hours.{attention}")
            }
        }
    }
}

/// What stands between this organisation and its first decided call.
fn next(shell: &Shell, servers: &[Server], grants: &[Grant]) -> Option<Next> {
    let Some(server) = servers.first() else {
        return shell.manages_servers().then(|| Next {
            title: "Add the first server".to_owned(),
            why: "Give the address of an MCP server that an agent of yours uses. Its tools are listed \
                  right away.",
            link: "/servers/new".to_owned(),
            button: "Add server",
        });
    };
    if let Some(server) = servers
        .iter()
        .find(|server| server.discovery_error.is_some())
    {
        return Some(Next {
            title: format!("{} needs attention", server.name),
            why: "Its tools could not be listed. Its page says why, and what to do.",
            link: format!("/servers/{}", server.id),
            button: "Open server",
        });
    }
    if grants.is_empty() {
        return Some(Next {
            title: format!("Let an agent reach {}", server.name),
            why: "Write a policy, issue a grant and paste a snippet into the agent's client: the \
                  server's page leads through it.",
            link: format!("/servers/{}", server.id),
            button: "Go on",
        });
    }
    let waiting = grants
        .iter()
        .find(|g| g.state == GrantState::Active && g.last_used_at.is_none());
    let used = grants.iter().any(|grant| grant.last_used_at.is_some());
    match waiting {
        Some(grant) if !used => Some(Next {
            title: format!("Waiting for the first call of {}", grant.label),
            why: "Set up the agent's client with the grant's token and address.",
            link: format!("/grants/{}", grant.id),
            button: "Set up the client",
        }),
        _ => None,
    }
}

/// `GET /overview` shows traffic, servers and refusals of the last 24 hours.
async fn show(State(console): State<Console>, viewer: Viewer) -> Page {
    let (db, scope) = (&console.db, &viewer.scope);
    let now = OffsetDateTime::now_utc();
    let calls = Filter::calls();
    let bins = store::audit::histogram(db, scope, &calls, now - Duration::DAY, now, 48).await?;
    let refused = Filter {
        outcome: Some(Outcome::Deny),
        ..calls
    };
    let first = |limit| PageRequest { limit, after: None };
    let refusals = store::audit::list(db, scope, &refused, first(REFUSALS))
        .await?
        .items;
    let servers = store::servers::list(db, scope, first(SERVERS)).await?.items;
    let grants = store::grants::list(db, scope, None, first(200))
        .await?
        .items;
    let shell = viewer.shell("overview");
    Ok(Html(Overview {
        chart: Chart::new(&bins, now, ""),
        refusals: refusals.into_iter().map(Line::from).collect(),
        next: next(&shell, &servers, &grants),
        shell,
        servers,
        grants,
    })
    .into_response())
}
