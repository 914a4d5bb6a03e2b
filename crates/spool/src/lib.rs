//! The audit spool: records are appended to a file before anything is forwarded, and shipped from
//! there to Postgres.

use std::{path::Path, sync::Arc};
use domain::audit::Record;

/// The spool could not be written; the call must not be forwarded.
#[derive(Debug, thiserror::Error)]
#[error("the audit spool cannot be written")]
pub struct SpoolError(#[from] pub std::io::Error);

/// The writing end. One per process; cheap to share.
pub struct Spool {}
/// The reading end, for the loop that ships.
pub struct Shipper {}
pub struct Batch { pub records: Vec<Record> }

/// Opens the folder, takes its lock (one process a folder), and finds what was not shipped. Decisions to allow whose settlement is missing get one that says `interrupted`.
pub fn open(dir: &Path) -> Result<(Arc<Spool>, Shipper), SpoolError> { todo!() }
impl Spool {
    /// When this returns, the record survives the death of the process: it is in the file. About a microsecond or two; `fsync` follows within 100 ms.
    pub fn append(&self, record: &Record) -> Result<(), SpoolError> { todo!() }
    /// Records appended and not yet shipped, for `/readyz` and metrics.
    pub fn backlog(&self) -> u64 { todo!() }
}
impl Shipper {
    /// Waits for records (at most `max`), or for the spool to be closed and empty: then `None`.
    pub async fn next(&mut self, max: usize) -> Result<Option<Batch>, SpoolError> { todo!() }
    /// Marks the batch as stored. Without it, the next call answers the same records again.
    pub fn shipped(&mut self, batch: Batch) -> Result<(), SpoolError> { todo!() }
}
