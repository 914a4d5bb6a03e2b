//! What commands print.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use serde::Serialize;

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
    say(&escaped(&format!("{value:#}")));
}

/// Prints anything as one JSON document.
pub(crate) fn say_json_of(value: &impl Serialize) -> anyhow::Result<()> {
    say(&json_of(value, true)?);
    Ok(())
}

/// Anything as JSON text, over several lines or in one.
pub(crate) fn json_of(value: &impl Serialize, pretty: bool) -> anyhow::Result<String> {
    let text = if pretty {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    Ok(escaped(&text?))
}

/// The same JSON with what cannot be seen written as escapes, since it may reach a terminal: text
/// of others could reorder or rewrite what is shown there. A raw control character is no part of a
/// string, and one that returns the carriage is a blank as good as any.
pub(crate) fn escaped(json: &str) -> String {
    let hidden =
        |c: char| (c.is_control() && c != '\n' && c != '\t') || domain::names::is_invisible(c);
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\r' {
            out.push(' ');
        } else if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Prints an error to standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "tollgate: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_shows_what_cannot_be_seen_and_means_the_same() {
        let text = "a\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{e0041}é\n\u{200b}";
        for pretty in [true, false] {
            let json = json_of(&[text], pretty).unwrap();
            assert!(
                json.chars()
                    .all(|c| c == '\n' || c == 'é' || c.is_ascii_graphic() || c == ' ')
            );
            let [back]: [String; 1] = serde_json::from_str(&json).unwrap();
            assert_eq!(back, text);
        }
    }
}
