//! Patterns, within a budget of memory.

use regex::{Regex, RegexBuilder};

use super::{At, Reader, check::Sense};
use crate::codes::{BAD_REGEX, REGEX_TOO_LARGE, TEXT_TOO_LONG, UNANCHORED_PATTERN};

const PATTERN_CHARS_MAX: usize = 1000;
/// A compiled pattern is counted with the smallest of these it fits in. The largest is enough for
/// hundreds of repetitions of a Unicode class.
const SIZES: [usize; 4] = [16 << 10, 64 << 10, 256 << 10, 1 << 20];
/// All patterns of a document together. Without it, a document of 256 KiB could take gigabytes.
const SIZE_SUM_MAX: usize = 64 << 20;
/// What a pattern may cache per thread while it runs.
const CACHE_MAX: usize = 256 << 10;

/// What is left of a document's memory for patterns.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(SIZE_SUM_MAX)
    }
}

/// A pattern: the syntax and the linear time of the `regex` crate, Unicode, unanchored.
pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>, sense: Sense) -> Option<Regex> {
    let text = reader.string(at)?;
    if text.chars().count() > PATTERN_CHARS_MAX {
        let detail = format!("a pattern has at most {PATTERN_CHARS_MAX} characters");
        reader.fault(TEXT_TOO_LONG, at, detail);
        return None;
    }
    for size in SIZES {
        if size > reader.patterns.0 {
            let detail = "the document's patterns together need more than 64 MiB";
            reader.fault(REGEX_TOO_LARGE, at, detail);
            return None;
        }
        match RegexBuilder::new(&text)
            .size_limit(size)
            .dfa_size_limit(CACHE_MAX)
            .build()
        {
            Ok(pattern) => {
                reader.patterns.0 -= size;
                if sense == Sense::Require && !(text.starts_with('^') && text.ends_with('$')) {
                    let detail = "the pattern may match anywhere in the text, so other text \
                                  before or after it is let through; begin it with ^ and end it \
                                  with $";
                    reader.warn(UNANCHORED_PATTERN, at, detail);
                }
                return Some(pattern);
            }
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => {
                // The engine's text is a drawing of several lines; its last says what is wrong.
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                let detail = last.strip_prefix("error: ").unwrap_or(last).to_owned();
                reader.fault(BAD_REGEX, at, detail).got(at.value);
                return None;
            }
        }
    }
    reader.fault(
        REGEX_TOO_LARGE,
        at,
        "the pattern needs more than 1 MiB when compiled",
    );
    None
}
