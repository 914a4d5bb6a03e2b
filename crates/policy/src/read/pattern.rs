//! Patterns, within a budget of memory.

use std::collections::HashMap;

use regex::RegexBuilder;

use super::{At, Reader, check::Sense};
use crate::{
    codes::{BAD_REGEX, REGEX_TOO_LARGE, TEXT_TOO_LONG, UNANCHORED_PATTERN},
    effort::PATTERNS,
    language::PATTERN_CHARS_MAX,
    rules::Pattern,
};

/// All patterns of a document together, tries that did not fit included, since they cost time.
/// Without it, a document of 256 KiB could take gigabytes, and minutes.
const SIZE_SUM_MAX: usize = 16 << 20;
/// What a pattern may cache per thread while it runs.
const CACHE_MAX: usize = 256 << 10;

/// What is left of a document's memory for patterns, and those it has had already.
pub(super) struct Budget {
    left: usize,
    known: HashMap<String, Pattern>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left: SIZE_SUM_MAX,
            known: HashMap::new(),
        }
    }
}

impl Budget {
    /// Compiles a pattern, once for all places that have it.
    fn compile(&mut self, text: &str) -> Result<Pattern, (&'static str, String)> {
        if let Some(pattern) = self.known.get(text) {
            return Ok(pattern.clone());
        }
        // It is counted with the smallest size it fits in.
        for (size, price) in PATTERNS {
            let Some(left) = self.left.checked_sub(size) else {
                let detail = "the document's patterns together need too much memory; a class such \
                              as [a-z] needs far less than \\w or \\p{L}";
                return Err((REGEX_TOO_LARGE, detail.to_owned()));
            };
            self.left = left;
            match RegexBuilder::new(text)
                .size_limit(size)
                .dfa_size_limit(CACHE_MAX)
                .build()
            {
                Ok(regex) => {
                    let pattern = Pattern { regex, price };
                    self.known.insert(text.to_owned(), pattern.clone());
                    return Ok(pattern);
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => {
                    // The engine's text is a drawing of several lines; its last says what is wrong.
                    let text = error.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    return Err((
                        BAD_REGEX,
                        last.strip_prefix("error: ").unwrap_or(last).to_owned(),
                    ));
                }
            }
        }
        Err((
            REGEX_TOO_LARGE,
            "the pattern needs more than 1 MiB when compiled".to_owned(),
        ))
    }
}

/// A pattern: the syntax and the linear time of the `regex` crate, Unicode, unanchored.
pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>, sense: Sense) -> Option<Pattern> {
    let text = reader.string(at)?;
    if text.chars().count() > PATTERN_CHARS_MAX {
        let detail = format!("a pattern has at most {PATTERN_CHARS_MAX} characters");
        reader.fault(TEXT_TOO_LONG, at, detail);
        return None;
    }
    match reader.patterns.compile(&text) {
        Ok(pattern) => {
            if sense == Sense::Require && !(text.starts_with('^') && text.ends_with('$')) {
                let detail = "the pattern may match anywhere in the text, so other text before \
                              or after it is let through; begin it with ^ and end it with $";
                reader.warn(UNANCHORED_PATTERN, at, detail);
            }
            Some(pattern)
        }
        Err((code, detail)) => {
            reader.fault(code, at, detail).got(at.value);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small document cannot make the engine hold gigabytes of compiled patterns.
    #[test]
    fn patterns_share_one_budget() {
        let mut budget = Budget {
            left: 100 << 10,
            known: HashMap::new(),
        };
        assert!(budget.compile("^[0-9a-f-]{36}$").is_ok());
        assert_eq!(budget.left, 96 << 10);
        assert!(
            budget.compile("^[0-9a-f-]{36}$").is_ok(),
            "the same pattern is free"
        );
        assert_eq!(budget.left, 96 << 10);
        for (text, code) in [("(", BAD_REGEX), (r"^\w{60}$", REGEX_TOO_LARGE)] {
            assert_eq!(
                budget.compile(text).map_err(|(code, _)| code).err(),
                Some(code)
            );
        }
        assert_eq!(budget.left, 8 << 10, "tries that did not fit are counted");
        budget.left = 3 << 10;
        assert!(budget.compile("a").is_err());
        assert!(budget.compile("^[0-9a-f-]{36}$").is_ok());
    }
}
