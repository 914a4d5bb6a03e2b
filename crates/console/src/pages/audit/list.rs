//! The audit log's list.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::audit::Code;
use store::{PageRequest, grants::Grant, servers::Server};
use time::{Duration, OffsetDateTime};

use super::{
    Line,
    filter::{Asked, Chip},
};
use crate::{
    pages::{Html, Page, chart::Chart, filters, path::Query},
    session::{Shell, Viewer},
    state::Console,
};

const ROWS: u16 = 50;

#[derive(Template)]
#[template(path = "audit/list.html")]
struct AuditPage {
    shell: Shell,
    asked: Asked,
    bad: Vec<&'static str>,
    chips: Vec<Chip>,
    chart: Chart,
    events: Vec<Line>,
    next: Option<String>,
    servers: Vec<Server>,
    grants: Vec<Grant>,
}

/// The outcomes one can filter by: the query's field and value, and the word.
const OUTCOMES: [(&str, &str, &str); 4] = [
    ("outcome", "allow", "Allowed"),
    ("outcome", "deny", "Refused"),
    ("code", "rate_limited", "Limited"),
    ("outcome", "approval", "Waiting"),
];

impl AuditPage {
    /// The outcome chips: address, whether it is set, and the word.
    fn outcomes(&self) -> Vec<(String, bool, &'static str)> {
        let (outcome, code) = (self.asked.outcome.as_str(), self.asked.code.as_str());
        let cleared = Asked {
            outcome: String::new(),
            code: String::new(),
            ..self.asked.clone()
        };
        OUTCOMES
            .into_iter()
            .map(|(field, value, word)| {
                let set = match field {
                    "code" => code == value,
                    _ => outcome == value && code.is_empty(),
                };
                (cleared.with(field, if set { "" } else { value }), set, word)
            })
            .collect()
    }

    /// The chip for what a rule in shadow would have refused: address, and whether it is set.
    fn in_shadow(&self) -> (String, bool) {
        let set = !self.asked.shadow.is_empty();
        (self.asked.with("shadow", if set { "" } else { "yes" }), set)
    }

    fn codes(&self) -> &'static [Code] {
        Code::ALL
    }
}

/// `GET /audit` lists decisions, newest first.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Page {
    let (db, scope) = (&console.db, &viewer.scope);
    let (filter, bad) = asked.filter();
    let now = OffsetDateTime::now_utc();
    let to = filter.to.unwrap_or(now);
    let from = filter.from.unwrap_or(to - Duration::DAY);
    let bins = if from < to {
        store::audit::histogram(db, scope, &filter, from, to, 48).await?
    } else {
        Vec::new()
    };
    let request = PageRequest {
        limit: ROWS,
        after: asked.after,
    };
    let page = store::audit::list(db, scope, &filter, request).await?;
    let all = || PageRequest {
        limit: 200,
        after: None,
    };
    let servers = store::servers::list(db, scope, all()).await?.items;
    let grants = store::grants::list(db, scope, filter.server, all())
        .await?
        .items;

    let name_of = |id: &str| {
        let server = servers.iter().find(|server| server.id.to_string() == id);
        let grant = grants.iter().find(|grant| grant.id.to_string() == id);
        server
            .map(|s| s.name.to_string())
            .or(grant.map(|g| g.label.to_string()))
    };
    let ranged = Asked {
        from: String::new(),
        to: String::new(),
        ..asked.clone()
    };
    Ok(Html(AuditPage {
        shell: viewer.shell("audit"),
        chips: asked.chips(name_of),
        chart: Chart::new(&bins, to, &ranged.query()),
        next: page
            .next
            .map(|id| format!("/audit?{}&after={}", asked.query(), id.simple())),
        events: page.items.into_iter().map(Line::from).collect(),
        asked,
        bad,
        servers,
        grants,
    })
    .into_response())
}
