//! Audit events: written by the gateway's role, read by the console's.

use domain::{
    EventId, GrantId, Scope, ServerId,
    audit::{Code, Decision, Outcome, Record, Settlement},
};
use time::OffsetDateTime;

use crate::{Db, Page, PageRequest, Result};

/// Inserts a batch, idempotently by event id: one row where the outcome is known within the batch,
/// else a decision row, and later a row in the outcomes table. Never updates anything. `db` is the
/// gateway's.
pub async fn insert(db: &Db, batch: &[Record]) -> Result<()> {
    todo!()
}

/// An event as it is read: the decision joined with its outcome, if there is one yet.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    pub at: OffsetDateTime,
    pub decision: Decision,
    pub settlement: Option<Settlement>,
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub server: Option<ServerId>,
    pub grant: Option<GrantId>,
    pub identity: Option<String>,
    pub tool: Option<String>,
    pub outcome: Option<Outcome>,
    pub code: Option<Code>,
    pub from: Option<OffsetDateTime>,
    pub to: Option<OffsetDateTime>,
    /** Substring of tool, grant label, server name or message. */
    pub q: Option<String>,
}

/// Newest first.
pub async fn list(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Page<AuditEvent>> {
    todo!()
}
pub async fn get(db: &Db, scope: &Scope, id: EventId) -> Result<AuditEvent> {
    todo!()
}

/// Counts by time and outcome, for the histogram and the overview.
#[derive(Debug, Clone)]
pub struct Bin {
    pub from: OffsetDateTime,
    pub allowed: i64,
    pub refused: i64,
    pub limited: i64,
    pub waiting: i64,
}
/// `bins` equal bins between `from` and `to`.
pub async fn histogram(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    from: OffsetDateTime,
    to: OffsetDateTime,
    bins: u16,
) -> Result<Vec<Bin>> {
    todo!()
}
