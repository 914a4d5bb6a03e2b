//! The audit spool: records are appended to a file before anything is forwarded, and shipped from
//! there to Postgres.
//!
//! A folder holds a `lock` (one process a folder), segments `00000001.jsonl`, `00000002.jsonl`, …
//! of about 16 MiB with one record a line, and `shipped`, which says up to where they were stored.
//! Two ends share it: [`Spool`] writes, [`Shipper`] reads.
//!
//! **Invariants.** A record that [`Spool::append`] acknowledged is in a file, whole. A segment is
//! deleted only when it and all before it were shipped, no call decided in it is still open, and it
//! is not the newest; so what remains always holds the settlement of every decision that remains,
//! if there is one. Losing or doubting `shipped` only means shipping again, which is idempotent by
//! the event's id.

mod files;
mod recover;
mod shipper;
mod sync;
mod writer;

#[cfg(test)]
mod suite;

use std::{path::Path, sync::Arc};

pub use shipper::{Batch, Shipper};
pub use writer::Spool;

/// A segment that has grown to this is followed by a new one.
const SEGMENT_BYTES: u64 = 16 << 20;

/// The spool could not be written; the call must not be forwarded.
#[derive(Debug, thiserror::Error)]
#[error("the audit spool cannot be written")]
pub struct SpoolError(#[from] pub std::io::Error);

/// Opens the folder (made if need be, for this user only), takes its lock, and finds what was not
/// shipped. A last line that was not written whole is cut off: nobody was told that it was safe.
/// Decisions to allow whose settlement is missing get one that says `interrupted`, because the
/// process that knew more is dead.
///
/// # Errors
/// [`SpoolError`] where the folder cannot be made, read or written, or another process has it.
pub fn open(dir: &Path) -> Result<(Arc<Spool>, Shipper), SpoolError> {
    open_with(dir, SEGMENT_BYTES)
}

fn open_with(dir: &Path, segment_bytes: u64) -> Result<(Arc<Spool>, Shipper), SpoolError> {
    let lock = files::lock(dir)?;
    let found = recover::scan(dir)?;
    let (position, oldest) = (found.position, found.oldest);
    let interrupted = found.interrupted();
    let shared = Arc::new(writer::Shared::new(dir, segment_bytes, lock, found));
    let spool = Spool::start(Arc::clone(&shared))?;
    if !interrupted.is_empty() {
        let calls = interrupted.len();
        tracing::warn!(
            calls,
            "calls were open when the last process ended; their outcome is lost"
        );
    }
    for settlement in interrupted {
        spool.append(&domain::audit::Record::Settled(settlement))?;
    }
    Ok((Arc::new(spool), Shipper::new(shared, position, oldest)))
}
