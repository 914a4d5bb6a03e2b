//! What people are shown: untrusted text with its invisible parts visible, and colours on a
//! terminal alone.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
    io::{IsTerminal, stdout},
};

use domain::names::is_invisible;
use policy::Fault;

use super::source::Source;

/// So many faults and warnings of a file are shown to people; programs get all.
const SHOWN_MAX: usize = 100;
/// So much of a line is shown before and after the place that is meant.
const BEFORE_CHARS: usize = 60;
const AFTER_CHARS: usize = 40;

/// A text whose control, bidirectional, zero-width and tag characters are shown as marks, so that it
/// can neither drive a terminal nor pose as another text.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| c.is_control() || is_invisible(c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) {
            let _ = write!(out, "<U+{:04X}>", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// How a word is set off from the text around it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Bad,
    Odd,
    Quiet,
    Strong,
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Colours where standard output is a terminal and nobody asked for none.
    ///
    /// Source: no-color.org.
    pub(crate) fn new() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(stdout().is_terminal() && !unwanted && !dumb)
    }

    pub(crate) fn tone(self, tone: Tone, text: impl Display) -> String {
        if !self.0 {
            return text.to_string();
        }
        let code = match tone {
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Odd => 33,
            Tone::Quiet => 2,
            Tone::Strong => 1,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Adds what is wrong and what is odd, each with the line it stands in.
pub(super) fn faults(out: &mut String, paint: Paint, source: &Source, tone: Tone, list: &[Fault]) {
    let lines = lines(source.text());
    for fault in list.iter().take(SHOWN_MAX) {
        one(out, paint, source.name(), &lines, tone, fault);
    }
    if let Some(more) = list.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        let _ = writeln!(out, "… and {more} more of these");
    }
}

fn one(out: &mut String, paint: Paint, name: &str, lines: &[&str], tone: Tone, fault: &Fault) {
    let place = format!("{}:{}:{}", visible(name), fault.line, fault.column);
    let _ = writeln!(
        out,
        "{}: {}: {}",
        paint.tone(Tone::Strong, place),
        paint.tone(tone, fault.code),
        visible(&fault.detail)
    );
    let line = (fault.line as usize).checked_sub(1);
    let margin = fault.line.to_string();
    let blank = " ".repeat(margin.len());
    if let Some(line) = line.and_then(|line| lines.get(line)) {
        let (text, caret) = excerpt(line, (fault.column as usize).saturating_sub(1));
        let bar = paint.tone(Tone::Quiet, format!("  {margin} |"));
        let _ = writeln!(out, "{bar} {text}");
        let bar = paint.tone(Tone::Quiet, format!("  {blank} |"));
        let _ = writeln!(out, "{bar} {}{}", " ".repeat(caret), paint.tone(tone, "^"));
    }
    if !fault.pointer.is_empty() {
        let at = format!("  {blank} = at {}", visible(&fault.pointer));
        let _ = writeln!(out, "{}", paint.tone(Tone::Quiet, at));
    }
    if let Some(hint) = &fault.hint {
        let _ = writeln!(out, "  {blank} = perhaps {}", visible(hint));
    }
}

/// The part of a line around a column, from 0, and where in it the column is.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    let from = column.saturating_sub(BEFORE_CHARS);
    let part = |skip: usize, take: usize| {
        let part: String = line.chars().skip(skip).take(take).collect();
        visible(&part.replace('\t', " ")).into_owned()
    };
    let before = part(from, column - from);
    let after = part(column, AFTER_CHARS);
    let left = if from > 0 { "…" } else { "" };
    let right = if line.chars().count() > column + AFTER_CHARS {
        "…"
    } else {
        ""
    };
    let caret = left.chars().count() + before.chars().count();
    (format!("{left}{before}{after}{right}"), caret)
}

/// Lines end with LF, CR or CR LF, as positions count them.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        let ending = if rest[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + ending..];
    }
    lines.push(rest);
    lines
}

/// `1 fault`, `2 faults`.
pub(crate) fn count(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_marked() {
        assert_eq!(visible("plain é 漢"), "plain é 漢");
        assert_eq!(
            visible("a\x1b[31mb\u{202e}c\u{200b}\r\n\u{e0041}\u{9b}"),
            "a<U+001B>[31mb<U+202E>c<U+200B><U+000D><U+000A><U+E0041><U+009B>"
        );
    }

    #[test]
    fn the_caret_stands_below_what_is_meant() {
        assert_eq!(excerpt("\t\"a\": 1", 6), (" \"a\": 1".to_owned(), 6));
        assert_eq!(excerpt("a\u{202e}b", 2), ("a<U+202E>b".to_owned(), 9));
        assert_eq!(excerpt("", 0), (String::new(), 0));
        let long = "x".repeat(200);
        let (text, caret) = excerpt(&long, 100);
        assert_eq!((text.chars().count(), caret), (102, 61));
    }

    #[test]
    fn lines_are_those_that_positions_count() {
        assert_eq!(lines("a\nb\r\nc\rd\n"), ["a", "b", "c", "d", ""]);
    }
}
