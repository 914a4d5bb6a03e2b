//! What a call must spend before it is forwarded.

use std::borrow::Cow;

use domain::audit::Code;

use crate::{engine::Refusal, message};

/// One bucket that a call takes a token from, as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The counter's name. With scope, window and refill it names the bucket.
    pub counter: String,
    /// The rule's pointer in its policy, such as `/tools/x/limits/calls`.
    pub rule: String,
    /// The window, in milliseconds.
    pub window_ms: u64,
    /// Tokens the bucket holds when full; 0 refuses always.
    pub max: u64,
    /// Whose bucket it is.
    pub scope: LimitScope,
    /// How tokens come back.
    pub refill: Refill,
    /// The author's text for a refusal.
    pub on_deny: Option<String>,
}

impl Limit {
    /// The refusal when the bucket has no token; `retry_after_ms` is none where waiting never
    /// helps. The message gives the wait in whole seconds, rounded up.
    #[must_use]
    pub fn refusal(&self, tool: &str, retry_after_ms: Option<u64>) -> Refusal<'_> {
        Refusal {
            code: Code::RateLimited,
            rule: Some(Cow::Borrowed(&self.rule)),
            message: message::limited(self, tool, retry_after_ms).into(),
        }
    }

    /// Whether both take their tokens from one bucket.
    pub(crate) fn same_bucket(&self, other: &Self) -> bool {
        (&self.counter, self.window_ms, self.scope, self.refill)
            == (&other.counter, other.window_ms, other.scope, other.refill)
    }
}

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitScope {
    /// Each grant has its own.
    Grant,
    /// All grants of a server share it.
    Server,
    /// All grants of the organisation share it.
    Org,
    /// Each session has its own.
    Session,
    /// All grants of one identity share it.
    Identity,
}

/// How tokens come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refill {
    /// Each one window after it was spent.
    Sliding,
    /// Evenly.
    Steady,
    /// All at once at the window's next boundary.
    Calendar,
}
