//! The writing end.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{JoinHandle, Thread},
};

use domain::{
    EventId,
    audit::{Outcome, Record},
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    SpoolError,
    files::{self, Position},
    recover::Found,
    sync,
};

/// The writing end. One per process; cheap to share.
pub struct Spool {
    pub(crate) shared: Arc<Shared>,
    syncer: Option<JoinHandle<()>>,
}

/// What both ends and the syncing thread hold.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    segment_bytes: u64,
    tail: Mutex<Tail>,
    /// Wakes the shipper.
    pub(crate) grown: Notify,
    pub(crate) closed: AtomicBool,
    /// Set when something was written and not yet synced.
    pub(crate) dirty: AtomicBool,
    /// Set when the syncing thread should end.
    pub(crate) ending: AtomicBool,
    pub(crate) backlog: AtomicU64,
    pub(crate) syncing_thread: OnceLock<Thread>,
    /// Held, not read: the folder is this process's until it is closed.
    _lock: File,
}

/// The end of the newest segment.
struct Tail {
    file: Arc<File>,
    segment: u64,
    len: u64,
    /// A record was written in part and could not be cut off yet.
    torn: bool,
    /// Segments that were followed by a new one before they were synced.
    unsynced: Vec<Arc<File>>,
    open: OpenCalls,
}

/// Calls let through and not settled, by the segment of their decision.
#[derive(Default)]
struct OpenCalls {
    segment_of: HashMap<EventId, u64, foldhash::fast::RandomState>,
    in_segment: BTreeMap<u64, u64>,
}

thread_local! {
    /// Records are serialised here, outside the lock, into memory that is used again.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Spool {
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let syncer = sync::start(Arc::clone(&shared))?;
        Ok(Self {
            shared,
            syncer: Some(syncer),
        })
    }

    /// When this returns, the record survives the death of the process: it is in the file. A few
    /// microseconds; `fdatasync` follows within about 100 ms, by a thread of its own.
    ///
    /// # Errors
    /// [`SpoolError`] where it could not be written, such as on a full disk. Nothing of it is left
    /// in the file, and the next record is tried anew.
    pub fn append(&self, record: &Record) -> Result<(), SpoolError> {
        LINE.with_borrow_mut(|line| {
            line.clear();
            serde_json::to_writer(&mut *line, record).map_err(io::Error::from)?;
            line.push(b'\n');
            self.shared.write(record, line)
        })?;
        self.shared.wake_syncer();
        self.shared.grown.notify_one();
        Ok(())
    }

    /// Records appended and not yet shipped, for `/readyz` and metrics.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        self.shared.backlog.load(Ordering::Relaxed)
    }

    /// Calls let through whose outcome was not appended yet.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.shared.tail.lock().open.segment_of.len()
    }

    /// Lets the shipper end once everything was shipped. What is appended later is still safe, and
    /// is shipped by the next process if not by this one.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.grown.notify_one();
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
        self.shared.ending.store(true, Ordering::Release);
        if let Some(syncer) = self.syncer.take() {
            syncer.thread().unpark();
            // It has logged whatever went wrong.
            let _ = syncer.join();
        }
    }
}

impl Shared {
    pub(crate) fn new(dir: &Path, segment_bytes: u64, lock: File, found: Found) -> Self {
        let mut open = OpenCalls::default();
        for (&id, &(_, segment)) in &found.open {
            open.begin(id, segment);
        }
        Self {
            dir: dir.to_owned(),
            segment_bytes,
            tail: Mutex::new(Tail {
                file: Arc::new(found.file),
                segment: found.newest,
                len: found.len,
                torn: false,
                unsynced: Vec::new(),
                open,
            }),
            grown: Notify::new(),
            closed: AtomicBool::new(false),
            dirty: AtomicBool::new(true),
            ending: AtomicBool::new(false),
            backlog: AtomicU64::new(found.backlog),
            syncing_thread: OnceLock::new(),
            _lock: lock,
        }
    }

    fn write(&self, record: &Record, line: &[u8]) -> io::Result<()> {
        let mut tail = self.tail.lock();
        if tail.torn {
            tail.file.set_len(tail.len)?;
            tail.torn = false;
        }
        if tail.len >= self.segment_bytes {
            let next = tail.segment + 1;
            let file = Arc::new(files::open_segment(&self.dir, next)?);
            let full = std::mem::replace(&mut tail.file, file);
            tail.unsynced.push(full);
            tail.segment = next;
            tail.len = 0;
        }
        // One call to `write` where the system takes the record whole, as it does but for a disk
        // that fills up.
        if let Err(error) = (&*tail.file).write_all(line) {
            tail.torn = tail.file.set_len(tail.len).is_err();
            return Err(error);
        }
        tail.len += line.len() as u64;
        // Under the lock, or the shipper might count it down before it is counted up.
        self.backlog.fetch_add(1, Ordering::Relaxed);
        let segment = tail.segment;
        match record {
            Record::Decided(decision) if decision.outcome == Outcome::Allow => {
                tail.open.begin(decision.id, segment);
            }
            Record::Decided(_) => {}
            Record::Settled(settlement) => tail.open.end(settlement.id),
        }
        Ok(())
    }

    pub(crate) fn wake_syncer(&self) {
        if !self.dirty.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.syncing_thread.get()
        {
            thread.unpark();
        }
    }

    /// Where the last whole record ends.
    pub(crate) fn end(&self) -> Position {
        let tail = self.tail.lock();
        Position {
            segment: tail.segment,
            offset: tail.len,
        }
    }

    /// Every segment before this one may go, once it was shipped.
    pub(crate) fn needed_from(&self) -> u64 {
        let tail = self.tail.lock();
        tail.open
            .in_segment
            .keys()
            .next()
            .map_or(tail.segment, |&first| first.min(tail.segment))
    }

    /// The files to sync. If that fails they are given back with [`Shared::sync_again`].
    pub(crate) fn take_unsynced(&self) -> Vec<Arc<File>> {
        let mut tail = self.tail.lock();
        let mut files = std::mem::take(&mut tail.unsynced);
        files.push(Arc::clone(&tail.file));
        files
    }

    pub(crate) fn sync_again(&self, mut files: Vec<Arc<File>>) {
        let mut tail = self.tail.lock();
        files.retain(|file| !Arc::ptr_eq(file, &tail.file));
        tail.unsynced.append(&mut files);
    }
}

impl OpenCalls {
    fn begin(&mut self, id: EventId, segment: u64) {
        if let Entry::Vacant(place) = self.segment_of.entry(id) {
            place.insert(segment);
            *self.in_segment.entry(segment).or_default() += 1;
        }
    }

    fn end(&mut self, id: EventId) {
        if let Some(segment) = self.segment_of.remove(&id)
            && let Some(calls) = self.in_segment.get_mut(&segment)
        {
            *calls -= 1;
            if *calls == 0 {
                self.in_segment.remove(&segment);
            }
        }
    }
}
