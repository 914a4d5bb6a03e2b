//! The reading end.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    sync::{Arc, atomic::Ordering},
};

use domain::audit::Record;

use crate::{
    SpoolError,
    files::{self, Position},
    writer::Shared,
};

/// Read at once, unless a single record is longer.
const READ_BYTES: usize = 1 << 20;

/// The reading end, for the loop that ships.
pub struct Shipper {
    shared: Arc<Shared>,
    /// Up to here everything was shipped.
    position: Position,
    /// The oldest segment that was not deleted.
    oldest: u64,
    /// The segment being read, kept open.
    reading: Option<(u64, File)>,
    buffer: Vec<u8>,
}

/// Records to store, in the order in which they were appended.
#[derive(Debug)]
pub struct Batch {
    /// At least one.
    pub records: Vec<Record>,
    start: Position,
    end: Position,
    /// How many lines that was, damaged ones included.
    lines: u64,
}

impl Shipper {
    pub(crate) fn new(shared: Arc<Shared>, position: Position, oldest: u64) -> Self {
        Self {
            shared,
            position,
            oldest,
            reading: None,
            buffer: Vec::new(),
        }
    }

    /// Waits for records (at most `max`), or for the spool to be closed and empty: then `None`.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`SpoolError`] where a segment cannot be read.
    pub async fn next(&mut self, max: usize) -> Result<Option<Batch>, SpoolError> {
        loop {
            let end = self.shared.end();
            let readable = if self.position.segment < end.segment {
                self.length_of_older()?
            } else {
                end.offset
            };
            if self.position.offset < readable {
                let batch = self.read(readable, max.max(1))?;
                if !batch.records.is_empty() {
                    return Ok(Some(batch));
                }
                self.shipped(batch)?;
            } else if self.position.segment < end.segment {
                self.position = Position {
                    segment: self.position.segment + 1,
                    offset: 0,
                };
                self.remember()?;
            } else if self.shared.closed.load(Ordering::Acquire) {
                return Ok(None);
            } else {
                self.shared.grown.notified().await;
            }
        }
    }

    /// Marks the batch as stored. Without it, the next call answers the same records again. A batch
    /// that was marked before changes nothing.
    ///
    /// # Errors
    /// [`SpoolError`] where that cannot be noted down. This process goes on behind the batch all the
    /// same; the next one might ship it again.
    #[expect(clippy::needless_pass_by_value, reason = "a batch is marked once")]
    pub fn shipped(&mut self, batch: Batch) -> Result<(), SpoolError> {
        if batch.start != self.position {
            return Ok(());
        }
        self.position = batch.end;
        self.shared
            .backlog
            .fetch_sub(batch.lines, Ordering::Relaxed);
        self.remember()
    }

    /// Notes the position down, and deletes what nobody needs.
    fn remember(&mut self) -> Result<(), SpoolError> {
        files::write_position(&self.shared.dir, self.position)?;
        self.shared.wake_syncer();
        let needed_from = self.position.segment.min(self.shared.needed_from());
        while self.oldest < needed_from {
            match fs::remove_file(files::segment_path(&self.shared.dir, self.oldest)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                Ok(()) | Err(_) => self.oldest += 1,
            }
        }
        Ok(())
    }

    /// The length of a segment that grows no more; nothing where someone has removed it.
    fn length_of_older(&mut self) -> io::Result<u64> {
        match fs::metadata(files::segment_path(&self.shared.dir, self.position.segment)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let segment = self.position.segment;
                tracing::error!(segment, "a segment of the audit spool is gone");
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads up to `max` records before `readable`, all of the segment of the position.
    fn read(&mut self, readable: u64, max: usize) -> io::Result<Batch> {
        let start = self.position;
        let file = match self.reading.take() {
            Some((segment, file)) if segment == start.segment => file,
            _ => File::open(files::segment_path(&self.shared.dir, start.segment))?,
        };
        let left = usize::try_from(readable - start.offset).unwrap_or(usize::MAX);
        let mut wanted = READ_BYTES.min(left);
        let whole = loop {
            self.buffer.resize(wanted, 0);
            file.read_exact_at(&mut self.buffer, start.offset)?;
            match self.buffer.iter().rposition(|&byte| byte == b'\n') {
                Some(last) => break last + 1,
                None if wanted == left => break left,
                None => wanted = (wanted * 2).min(left),
            }
        };
        self.reading = Some((start.segment, file));
        let mut batch = Batch {
            records: Vec::new(),
            start,
            end: start,
            lines: 0,
        };
        for line in self.buffer[..whole]
            .split_inclusive(|&byte| byte == b'\n')
            .take(max)
        {
            match serde_json::from_slice(line) {
                Ok(record) => batch.records.push(record),
                Err(error) => {
                    let Position { segment, offset } = batch.end;
                    tracing::error!(%error, segment, offset, "a record cannot be read: set aside");
                    files::set_aside(&self.shared.dir, line.trim_ascii_end())?;
                }
            }
            batch.lines += 1;
            batch.end.offset += line.len() as u64;
        }
        Ok(batch)
    }
}
