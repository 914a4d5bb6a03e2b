//! What commands print.

use std::io::{self, Write};

/// How a command prints its result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Prints to standard output. A reader that went away is none of our business.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
    let _ = out.flush();
}

/// Prints one JSON document.
pub(crate) fn say_json(value: &serde_json::Value) {
    say(&format!("{value:#}"));
}

/// Prints an error to standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "tollgate: {text}");
}
