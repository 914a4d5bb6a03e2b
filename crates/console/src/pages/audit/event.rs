//! The whole of one decision.

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use domain::{
    EventId,
    audit::{Charge, Decision, Settlement, Shadow},
};
use store::audit::AuditEvent;
use time::OffsetDateTime;

use super::{Kind, code_in_words, settled_in_words, what, would_have};
use crate::{
    pages::{Html, Page, filters, path::Id},
    session::{Shell, Viewer},
    state::Console,
};

#[derive(Template)]
#[template(path = "audit/event.html")]
struct EventPage {
    shell: Shell,
    at: OffsetDateTime,
    kind: Kind,
    what: String,
    decision: Decision,
    settlement: Option<Settlement>,
}

impl EventPage {
    /// What happened, before anything else is said.
    fn sentence(&self) -> String {
        let d = &self.decision;
        let who = d.identity.as_deref().unwrap_or(&d.grant_label);
        match self.kind {
            Kind::Allowed => match &self.settlement {
                Some(_) => format!("Allowed for {who}, and {} answered.", d.server_name),
                None => format!("Allowed for {who}; what became of it is not known yet."),
            },
            Kind::Failed => {
                let end = self
                    .settlement
                    .as_ref()
                    .map_or("", |s| settled_in_words(s.settled));
                format!("Allowed for {who}, but {end}.")
            }
            Kind::Waiting => format!("Held until a person answers, for {who}."),
            Kind::Limited | Kind::Refused if d.message.is_empty() => {
                format!("Refused for {who}: {}.", code_in_words(d.code))
            }
            Kind::Limited | Kind::Refused => format!("Refused for {who}: {}", d.message),
        }
    }

    fn code(&self) -> &'static str {
        code_in_words(self.decision.code)
    }

    fn would_have(&self, hit: &Shadow) -> &'static str {
        would_have(hit)
    }

    fn because(&self, hit: &Shadow) -> &'static str {
        code_in_words(hit.code)
    }

    fn settled(&self) -> &'static str {
        self.settlement
            .as_ref()
            .map_or("", |settlement| settled_in_words(settlement.settled))
    }

    /// How long until the same call would have fitted, in whole seconds, rounded up as the agent
    /// was told.
    fn retry(&self) -> Option<String> {
        self.decision
            .retry_after_ms
            .map(|ms| filters::natural(ms.div_ceil(1000) * 1_000_000))
    }

    /// Width of the spent part of a meter that is 100 wide.
    fn spent(&self, charge: &Charge) -> u64 {
        let spent = charge.max.saturating_sub(charge.left);
        spent
            .saturating_mul(100)
            .checked_div(charge.max)
            .unwrap_or(100)
    }

    fn window(&self, charge: &Charge) -> String {
        window(charge.window_ms)
    }
}

fn window(ms: u64) -> String {
    match ms / 1000 {
        1 => "a second".to_owned(),
        60 => "a minute".to_owned(),
        3_600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        604_800 => "a week".to_owned(),
        s => format!("in {s} s"),
    }
}

/// `GET /audit/{event}` shows one decision with everything that was recorded of it.
pub(super) async fn show(
    State(console): State<Console>,
    viewer: Viewer,
    Id(id): Id<EventId>,
) -> Page {
    let event = store::audit::get(&console.db, &viewer.scope, id).await?;
    let kind = Kind::of(&event);
    let AuditEvent {
        at,
        decision,
        settlement,
    } = event;
    let what = what(decision.tool.clone(), decision.method.clone());
    let shell = viewer.shell("audit");
    Ok(Html(EventPage {
        shell,
        at,
        kind,
        what,
        decision,
        settlement,
    })
    .into_response())
}
