//! What the patterns of schemas may take together.

use std::collections::HashSet;

use jsonschema::PatternCache;
use regex::RegexBuilder;

use super::survey::Unusable;

/// A pattern is counted with the smallest of these that it fits in when compiled.
const SIZES: [usize; 3] = [16 << 10, 64 << 10, SIZE_MAX];
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
    known: HashSet<Box<str>>,
    pub(super) compiled: PatternCache,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            left: SIZE_SUM_MAX,
            known: HashSet::new(),
            compiled: PatternCache::new(),
        }
    }
}

impl Patterns {
    /// Counts a pattern before the library compiles it. The library spells it anew for the same
    /// engine, so this is near enough; one that the engine cannot read as it stands is counted with
    /// the most there can be.
    pub(super) fn take(&mut self, pattern: &str) -> Result<(), Unusable> {
        if self.known.contains(pattern) {
            return Ok(());
        }
        for size in SIZES {
            self.left = self
                .left
                .checked_sub(size)
                .ok_or("the patterns of the server's schemas need too much memory")?;
            match RegexBuilder::new(pattern).size_limit(size).build() {
                Err(regex::Error::CompiledTooBig(_)) => {}
                Ok(_) => break,
                Err(_) => {
                    self.left = self.left.saturating_sub(SIZE_MAX);
                    break;
                }
            }
        }
        self.known.insert(pattern.into());
        Ok(())
    }

    /// Bounds the patterns that names are tried against.
    pub(super) fn of_names(&self, count: usize) -> Result<(), Unusable> {
        match count <= OF_NAMES_MAX {
            true => Ok(()),
            false => Err("it has too many patterns for names"),
        }
    }
}
