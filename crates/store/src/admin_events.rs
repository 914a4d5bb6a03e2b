//! Admin events: one for each change of state, written by the function that makes the change, in
//! the same transaction.

use domain::{Actor, AdminEventId, Scope};
use time::OffsetDateTime;

use crate::{Db, Page, PageRequest, Result};

#[derive(Debug, Clone)]
pub struct AdminEvent {
    pub id: AdminEventId,
    pub at: OffsetDateTime,
    pub actor: Option<Actor>,
    pub actor_label: String,
    /** Such as `grant.revoke`. */
    pub action: String,
    /** The prefixed id of what was changed. */
    pub target: String,
    pub target_label: String,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
}

pub async fn list(db: &Db, scope: &Scope, page: PageRequest) -> Result<Page<AdminEvent>> {
    todo!()
}
