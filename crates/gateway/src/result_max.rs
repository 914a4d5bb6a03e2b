//! `max_result_bytes`: how large a tool's result may be.
//!
//! What counts is the result as it stands in the answer: the bytes of the value of `result` (or
//! `error`) as JSON text in UTF-8, white space inside it included, the message around it not. A
//! larger one is replaced whole, and never cut.

use crate::scan::Found;

/// What is held of an answer beyond its result: the message around it, and on a stream the
/// notifications before it, which pass one by one.
const AROUND_BYTES_MAX: usize = 64 << 10;

/// The largest result that is relayed to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultMax {
    pub(crate) bytes: u64,
    /// The rule's pointer; none on a stream that is picked up again, which remembers the size alone.
    pub(crate) rule: Option<String>,
}

impl ResultMax {
    /// The most of an answer that is held to find out how large its result is.
    pub(crate) fn held_bytes_max(&self) -> usize {
        usize::try_from(self.bytes)
            .unwrap_or(usize::MAX)
            .saturating_add(AROUND_BYTES_MAX)
    }

    pub(crate) fn lets_through(&self, found: &Found) -> bool {
        found.outcome_bytes <= self.bytes
    }
}
