//! Audit events: written by the gateway's role, read by the console's.

mod read;
mod shadow;
mod write;

use domain::{
    EventId, GrantId, ServerId,
    audit::{Code, Decision, Outcome, Settlement},
};
use time::OffsetDateTime;

pub use read::{get, histogram, list};
pub use shadow::{ShadowHits, ShadowRule, shadow};
pub use write::insert;

/// An event as it is read: the decision joined with its outcome, if there is one yet.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// When it was decided, to the millisecond: the id's own time.
    pub at: OffsetDateTime,
    /// What was decided.
    pub decision: Decision,
    /// What became of it; none for a refusal, and for a call still under way.
    pub settlement: Option<Settlement>,
}

/// Which events are asked for; everything that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// For this server.
    pub server: Option<ServerId>,
    /// Made with this grant.
    pub grant: Option<GrantId>,
    /// On behalf of exactly this identity.
    pub identity: Option<String>,
    /// Of exactly this method, such as `tools/call`.
    pub method: Option<String>,
    /// Of exactly this tool.
    pub tool: Option<String>,
    /// Decided so.
    pub outcome: Option<Outcome>,
    /// For this reason.
    pub code: Option<Code>,
    /// Not before this moment.
    pub from: Option<OffsetDateTime>,
    /// Before this moment.
    pub to: Option<OffsetDateTime>,
    /// Substring of tool, grant label, server name or message, in any case.
    pub q: Option<String>,
    /// Only what a shadow rule would have refused or held.
    pub shadow: bool,
}

impl Filter {
    /// Calls of tools alone, without what clients ask beside them.
    #[must_use]
    pub fn calls() -> Self {
        Self {
            method: Some("tools/call".into()),
            ..Self::default()
        }
    }
}

/// Counts by time and outcome, for the histogram and the overview.
#[derive(Debug, Clone)]
pub struct Bin {
    /// The bin's beginning; it ends where the next one begins.
    pub from: OffsetDateTime,
    /// Let through.
    pub allowed: i64,
    /// Refused for what was asked.
    pub refused: i64,
    /// Refused for how often it was asked.
    pub limited: i64,
    /// Held for a person.
    pub waiting: i64,
}

/// The time that an event's id carries.
pub(crate) fn time_of(id: EventId) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(id.unix_ms()) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
