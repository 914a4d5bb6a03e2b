//! The thread that makes what was written survive a power cut.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{files, writer::Shared};

/// Between a record and the sync that covers it lies about this, and not more.
const SYNC_EVERY: Duration = Duration::from_millis(100);

pub(crate) fn start(shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let owner = Arc::clone(&shared);
    let thread = thread::Builder::new()
        .name("spool-sync".into())
        .spawn(move || run(&shared))?;
    owner.syncing_thread.get_or_init(|| thread.thread().clone());
    Ok(thread)
}

fn run(shared: &Shared) {
    let mut failing = false;
    loop {
        let ending = shared.ending.load(Ordering::Acquire);
        if !shared.dirty.load(Ordering::Acquire) {
            if ending {
                return;
            }
            // The first record after a sync unparks.
            thread::park();
            continue;
        }
        if !ending {
            wait(shared);
        }
        shared.dirty.store(false, Ordering::Release);
        match sync(shared) {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::error!(%error, "the audit spool cannot be synced to disk");
                }
                if ending {
                    return;
                }
                failing = true;
                shared.dirty.store(true, Ordering::Release);
            }
        }
    }
}

/// Lets records gather, unless the process ends.
fn wait(shared: &Shared) {
    let until = Instant::now() + SYNC_EVERY;
    while !shared.ending.load(Ordering::Acquire) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::park_timeout(left);
    }
}

fn sync(shared: &Shared) -> io::Result<()> {
    let files = shared.take_unsynced();
    let synced = files.iter().try_for_each(|file| file.sync_data());
    match synced.and_then(|()| files::sync_folder(&shared.dir)) {
        Ok(()) => Ok(()),
        Err(error) => {
            shared.sync_again(files);
            Err(error)
        }
    }
}
