//! How much of a call is looked at.

use std::cell::Cell;

/// What judging one call may cost, in bytes looked at once. An agent chooses the arguments, and a
/// body of 4 MiB against a few thousand conditions would keep a processor busy for seconds. Sixteen
/// bodies of that size, looked through whole, fit.
const EFFORT_MAX: u64 = 64 << 20;
/// What looking at one member or element costs, whatever is in it.
pub(crate) const STEP: usize = 16;
/// What holding a value against one entry of a list of ranges or hosts costs.
pub(crate) const ENTRY: usize = 4;
/// How many times dearer a byte is to a small pattern than to a comparison.
pub(crate) const PATTERN: usize = 4;

/// By the size that a compiled pattern fits in: what looking at a byte costs. On texts made for it
/// the engine visits much of the pattern at each byte, for up to about 20 ns of each unit. The
/// largest is enough for hundreds of repetitions of a Unicode class.
pub(crate) const PATTERNS: [(usize, usize); 5] = [
    (4 << 10, PATTERN),
    (16 << 10, 4 * PATTERN),
    (64 << 10, 16 * PATTERN),
    (256 << 10, 64 * PATTERN),
    // So large a pattern no longer stays in a processor's cache.
    (1 << 20, 1024 * PATTERN),
];

/// What is left to spend on one call. Once it is spent nothing more is looked at, and what was not
/// looked at is undecided, which both senses of a check refuse. Counted and not timed, so that the
/// same call has the same verdict everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Effort {
    left: Cell<u64>,
    /// What a byte costs that may be looked at by a pattern.
    pub(crate) pattern: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self::of(EFFORT_MAX)
    }
}

impl Effort {
    /// An effort of so many bytes.
    pub(crate) const fn of(bytes: u64) -> Self {
        Self {
            left: Cell::new(bytes),
            pattern: PATTERN,
        }
    }

    /// The same, with patterns at this price.
    pub(crate) const fn with_pattern(self, price: usize) -> Self {
        Self {
            pattern: price,
            ..self
        }
    }

    /// False where there is not enough left; then nothing is.
    pub(crate) fn spend(&self, cost: usize) -> bool {
        let cost = u64::try_from(cost).unwrap_or(u64::MAX);
        let left = self.left.get().checked_sub(cost);
        self.left.set(left.unwrap_or(0));
        left.is_some_and(|left| left > 0)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
