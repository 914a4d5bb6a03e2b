//! What the folder holds when it is opened.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    os::unix::fs::FileExt,
    path::Path,
};

use domain::{
    EventId, OrgId,
    audit::{Outcome, Settled, Settlement},
};
use serde::Deserialize;

use crate::files::{self, Position};

/// What was found.
pub(crate) struct Found {
    /// The newest segment, to append to, and its length.
    pub(crate) newest: u64,
    pub(crate) file: File,
    pub(crate) len: u64,
    pub(crate) oldest: u64,
    /// Up to here everything was shipped.
    pub(crate) position: Position,
    /// Records after that.
    pub(crate) backlog: u64,
    /// Calls let through whose outcome is not recorded, and the segment of the decision.
    pub(crate) open: HashMap<EventId, (OrgId, u64), foldhash::fast::RandomState>,
}

/// As much of a record as is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Glance {
    Decided {
        id: EventId,
        org: OrgId,
        outcome: Outcome,
    },
    Settled {
        id: EventId,
    },
}

impl Found {
    /// The settlements of calls that nobody can settle any more.
    pub(crate) fn interrupted(&self) -> Vec<Settlement> {
        let settlement = |(&id, &(org, _)): (&EventId, &(OrgId, u64))| Settlement {
            id,
            org,
            settled: Settled::Interrupted,
            status: None,
            upstream_us: 0,
            response_bytes: 0,
            given_back: false,
        };
        let mut all: Vec<_> = self.open.iter().map(settlement).collect();
        all.sort_unstable_by_key(|settlement| settlement.id);
        all
    }
}

/// Reads every segment once.
pub(crate) fn scan(dir: &Path) -> io::Result<Found> {
    let segments = files::segments(dir)?;
    let (oldest, newest) = match (segments.first(), segments.last()) {
        (Some(&oldest), Some(&newest)) => (oldest, newest),
        _ => {
            // The note outlives its segments; a new one must not fall behind it.
            let next = files::read_position(dir)?.map_or(1, |position| position.segment + 1);
            (next, next)
        }
    };
    let file = files::open_segment(dir, newest)?;
    let len = cut_torn_tail(dir, newest, &file)?;
    let position = trusted_position(dir, &segments)?.unwrap_or(Position {
        segment: oldest,
        offset: 0,
    });
    let mut open = HashMap::default();
    let mut backlog = 0;
    for segment in segments {
        each_line(dir, segment, |offset, line| {
            backlog += u64::from(Position { segment, offset } >= position);
            match serde_json::from_slice(line) {
                Ok(Glance::Decided {
                    id,
                    org,
                    outcome: Outcome::Allow,
                }) => {
                    open.insert(id, (org, segment));
                }
                Ok(Glance::Settled { id }) => {
                    open.remove(&id);
                }
                // What cannot be read is reported when it is shipped.
                Ok(Glance::Decided { .. }) | Err(_) => {}
            }
        })?;
    }
    Ok(Found {
        newest,
        file,
        len,
        oldest,
        position,
        backlog,
        open,
    })
}

fn each_line(dir: &Path, segment: u64, mut each: impl FnMut(u64, &[u8])) -> io::Result<()> {
    let mut reader =
        BufReader::with_capacity(1 << 18, File::open(files::segment_path(dir, segment))?);
    let (mut offset, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        each(offset, &line);
        offset += read as u64;
    }
}

/// Cuts what follows the last line break, and answers the length.
fn cut_torn_tail(dir: &Path, segment: u64, file: &File) -> io::Result<u64> {
    let len = file.metadata()?.len();
    let mut whole = 0;
    each_line(dir, segment, |offset, line| {
        if line.ends_with(b"\n") {
            whole = offset + line.len() as u64;
        }
    })?;
    if whole < len {
        tracing::warn!(
            segment,
            bytes = len - whole,
            "the last record was not written whole: cut"
        );
        file.set_len(whole)?;
    }
    Ok(whole)
}

/// The note of what was shipped, if it points between two records of a segment that is there.
fn trusted_position(dir: &Path, segments: &[u64]) -> io::Result<Option<Position>> {
    let Some(position) = files::read_position(dir)? else {
        return Ok(None);
    };
    if !segments.contains(&position.segment) {
        return Ok(None);
    }
    let segment = File::open(files::segment_path(dir, position.segment))?;
    let mut before = [0];
    let between = match position.offset.checked_sub(1) {
        None => true,
        Some(last) => segment.read_at(&mut before, last)? == 1 && before == *b"\n",
    };
    Ok(between.then_some(position))
}
