//! The documented line format of a catalogue: one JSON object a server (`docs/catalogue.md`).

use domain::catalogue::{KnownServer, KnownTool, Origin};

/// A line that is no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadEntry(pub String);

/// Reads a line and classifies its tools; no tools where it is not scanned yet.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_entry(
    _line: &str,
    _origin: Origin,
) -> Result<(KnownServer, Option<Vec<KnownTool>>), BadEntry> {
    Err(BadEntry("is not read yet".to_owned()))
}

/// Writes a server as such a line, without the line's end.
#[must_use]
pub fn write_entry(_server: &KnownServer, _tools: Option<&[KnownTool]>) -> String {
    String::new()
}
