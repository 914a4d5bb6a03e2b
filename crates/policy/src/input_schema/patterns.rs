//! What the patterns of schemas may take together.

use std::collections::HashMap;

use jsonschema::PatternCache;
use regex::RegexBuilder;

use super::survey::Unusable;
use crate::effort::{PATTERN, PATTERNS};

/// The most memory that one compiled pattern may take.
pub(super) const SIZE_MAX: usize = 256 << 10;
/// All patterns of a server's schemas together, tries that did not fit included: an upstream could
/// otherwise take gigabytes and minutes with one list of tools.
const SIZE_SUM_MAX: usize = 16 << 20;
/// Patterns for names in one schema: each name is tried against each of them.
const OF_NAMES_MAX: usize = 16;

/// What is left of the memory for a server's schemas, and the patterns they have had already, each
/// compiled once for all of them.
pub(crate) struct Patterns {
    left: usize,
    known: HashMap<Box<str>, usize>,
    pub(super) compiled: PatternCache,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            left: SIZE_SUM_MAX,
            known: HashMap::new(),
            compiled: PatternCache::new(),
        }
    }
}

impl Patterns {
    /// Counts a pattern before the library compiles it. The library spells it anew for the same
    /// engine, so this is near enough; one that the engine cannot read as it stands is counted with
    /// the most there can be. Gives what looking at a byte costs with it.
    pub(super) fn take(&mut self, pattern: &str) -> Result<usize, Unusable> {
        if let Some(price) = self.known.get(pattern) {
            return Ok(*price);
        }
        let mut most = PATTERN;
        for (size, price) in PATTERNS.into_iter().filter(|(size, _)| *size <= SIZE_MAX) {
            most = price;
            self.left = self
                .left
                .checked_sub(size)
                .ok_or("the patterns of the server's schemas need too much memory")?;
            if RegexBuilder::new(pattern).size_limit(size).build().is_ok() {
                break;
            }
        }
        self.known.insert(pattern.into(), most);
        Ok(most)
    }

    /// Bounds the patterns that names are tried against.
    pub(super) fn of_names(&self, count: usize) -> Result<(), Unusable> {
        match count <= OF_NAMES_MAX {
            true => Ok(()),
            false => Err("it has too many patterns for names"),
        }
    }
}
