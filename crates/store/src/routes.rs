//! What the gateway reads: versions of all organisations, one organisation's snapshot, and the
//! notifications between the two.

use domain::{OrgId, ServerId, routes::Snapshot};

use crate::{Db, Result};

/// Every organisation with its `config_version`, in one query.
pub async fn versions(db: &Db) -> Result<Vec<(OrgId, i64)>> {
    todo!()
}
/// One organisation, read in one repeatable-read transaction; none where it is gone.
pub async fn snapshot(db: &Db, org: OrgId) -> Result<Option<Snapshot>> {
    todo!()
}

/// A connection that hears of changes.
pub struct Changes {
    inner: (),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An organisation's configuration was raised to a version.
    Config(OrgId, i64),
    /// A gateway met a tool that its inventory does not have.
    Refresh(ServerId),
    /// The set of verifying keys or data keys changed.
    Keys,
}

impl Changes {
    pub async fn listen(url: &str) -> Result<Self> {
        todo!()
    }
    /// Waits for the next change. An error means the connection broke: listen again, and compare
    /// all versions, since notifications may have been missed.
    pub async fn next(&mut self) -> Result<Change> {
        todo!()
    }
}

/// Asks whichever process discovers to refresh a server's inventory (from the gateway's role).
pub async fn request_refresh(db: &Db, server: ServerId) -> Result<()> {
    todo!()
}
