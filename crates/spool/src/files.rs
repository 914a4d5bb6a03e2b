//! The folder: names, the lock, and the note of what was shipped.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A place between two records: the segment's number and the byte in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// Takes the folder for this process, for as long as the file is open.
pub(crate) fn lock(dir: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let file = private()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!(
                "another process is using the audit spool in {}",
                dir.display()
            ),
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// For this user's eyes only: the records say who called what.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

pub(crate) fn segment_path(dir: &Path, segment: u64) -> PathBuf {
    dir.join(format!("{segment:08}.jsonl"))
}

/// The segments in the folder, oldest first.
pub(crate) fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        let digits = number.filter(|n| n.len() >= 8 && n.bytes().all(|b| b.is_ascii_digit()));
        found.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Opens a segment to append to. Every write lands at the end, whatever else is open.
pub(crate) fn open_segment(dir: &Path, segment: u64) -> io::Result<File> {
    private()
        .create(true)
        .append(true)
        .read(true)
        .open(segment_path(dir, segment))
}

/// Keeps lines that cannot be read, so that a person can.
pub(crate) fn set_aside(dir: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = private()
        .create(true)
        .append(true)
        .open(dir.join("damaged.txt"))?;
    file.write_all(line)?;
    file.write_all(b"\n")?;
    file.sync_data()
}

/// Reads the note of what was shipped; none where it is absent or says something else.
pub(crate) fn read_position(dir: &Path) -> io::Result<Option<Position>> {
    let text = match fs::read(dir.join("shipped")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let parse = |text: &str| {
        let (segment, offset) = text.strip_suffix('\n')?.split_once(' ')?;
        Some(Position {
            segment: segment.parse().ok()?,
            offset: offset.parse().ok()?,
        })
    };
    Ok(std::str::from_utf8(&text).ok().and_then(parse))
}

/// Replaces the note in one step. It reaches the disk with the next sync: losing it costs only
/// shipping again, and this runs where waiting for a disk would hold up calls.
pub(crate) fn write_position(dir: &Path, position: Position) -> io::Result<()> {
    let temporary = dir.join("shipped.new");
    let mut file = private()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&temporary)?;
    file.write_all(format!("{} {}\n", position.segment, position.offset).as_bytes())?;
    fs::rename(&temporary, dir.join("shipped"))
}

/// Makes names and the note of what was shipped survive a power cut.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    match File::open(dir.join("shipped")) {
        Ok(note) => note.sync_data()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    File::open(dir)?.sync_all()
}
