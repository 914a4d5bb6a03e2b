//! The loop that carries audit events from the spool to Postgres. It never drops one.

use std::{sync::Arc, time::Duration};

use spool::{Batch, Shipper, SpoolError};
use store::Db;

use super::{health::Counts, outage::Outage};

/// Records in one transaction.
const BATCH_MAX: usize = 500;
/// How long a batch that is not full waits for more: long enough that most calls end within it and
/// are one row, short enough that nobody looking at the audit log notices.
const GATHER: Duration = Duration::from_millis(50);
/// Between attempts: doubling from the first to the last.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LAST: Duration = Duration::from_secs(5);

/// Ships until the spool is closed and empty.
pub(super) async fn run(mut shipper: Shipper, db: Db, counts: Arc<Counts>) {
    let mut outage = Outage::new("storing audit events");
    let mut reading = Outage::new("reading the audit spool");
    let mut retry = RETRY_FIRST;
    loop {
        let done = match gather(&mut shipper).await {
            Ok(None) => return,
            Ok(Some(batch)) => match store::audit::insert(&db, &batch.records).await {
                Ok(()) => {
                    outage.over();
                    let shipped = batch.records.len();
                    let marked = shipper.shipped(batch);
                    if marked.is_ok() {
                        counts.shipped.add(shipped as u64);
                    }
                    marked
                }
                Err(error) => {
                    counts.ship_failures.add(1);
                    outage.failed(&error);
                    tokio::time::sleep(retry).await;
                    retry = (retry * 2).min(RETRY_LAST);
                    continue;
                }
            },
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => {
                reading.over();
                retry = RETRY_FIRST;
            }
            Err(error) => {
                reading.failed(&error);
                tokio::time::sleep(retry).await;
                retry = (retry * 2).min(RETRY_LAST);
            }
        }
    }
}

/// What there is, or a little later what there is then: a batch that was not marked as shipped is
/// read again, longer.
async fn gather(shipper: &mut Shipper) -> Result<Option<Batch>, SpoolError> {
    match shipper.next(BATCH_MAX).await? {
        Some(batch) if batch.records.len() < BATCH_MAX => {
            drop(batch);
            tokio::time::sleep(GATHER).await;
            shipper.next(BATCH_MAX).await
        }
        full_or_end => Ok(full_or_end),
    }
}
