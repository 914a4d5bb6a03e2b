//! What a call must spend before it is forwarded.

use std::borrow::Cow;

use domain::audit::Code;

use crate::{engine::Refusal, message, path::Path, rules::Condition};

/// Whether a rule refuses, or only says that it would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// It refuses.
    #[default]
    Enforce,
    /// It never refuses; what it would have done is recorded on the decision.
    Shadow,
}

/// One bucket that a call takes tokens from, as a policy names it.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The counter's name. With scope, window, refill and `per` it names the bucket.
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
    /// The argument that gives each of its values a bucket of its own.
    pub per: Option<Argument>,
    /// The argument whose whole number is spent instead of 1.
    pub cost: Option<Argument>,
    /// The author's text for a refusal.
    pub on_deny: Option<String>,
    /// Whether it refuses.
    pub mode: Mode,
}

/// A path that leads to one argument.
#[derive(Debug, Clone)]
pub struct Argument {
    pub(crate) text: Box<str>,
    pub(crate) path: Path,
}

impl Argument {
    /// The path as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// How many calls may be in flight at once.
#[derive(Debug, Clone)]
pub struct Concurrent {
    /// The rule's pointer in its policy.
    pub rule: String,
    /// Calls at once; 0 refuses always.
    pub max: u64,
    /// Whose calls are counted together.
    pub scope: LimitScope,
    /// Whether it refuses.
    pub mode: Mode,
}

/// How large a result may be that is relayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultLimit {
    /// The rule's pointer in its policy.
    pub rule: String,
    /// The result's length as JSON text.
    pub bytes: u64,
}

/// That a person must answer a call before it is forwarded: `policy.md`, section 5.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The rule's pointer in its policy: the block's `/approval`, or `/action` where it is short
    /// for it.
    pub rule: String,
    pub(crate) when: Option<std::sync::Arc<[Condition]>>,
    /// How long it waits for an answer, in milliseconds; none where the document does not say.
    pub timeout_ms: Option<u64>,
    /// What whoever answers is told.
    pub reason: Option<String>,
    /// Who may answer.
    pub approvers: Approvers,
    /// Whether those behind the grant may not answer.
    pub four_eyes: bool,
    /// How many must approve.
    pub quorum: u64,
    /// Whether it holds the call.
    pub mode: Mode,
}

impl Approval {
    /// One approval that is enough for both rules, since a call is asked about once: whatever
    /// either of them asks for. It has the first one's pointer, and its reason where it has one.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let timeouts = [self.timeout_ms, other.timeout_ms];
        Self {
            rule: self.rule.clone(),
            when: self.when.clone(),
            timeout_ms: timeouts.into_iter().flatten().min(),
            reason: self.reason.as_ref().or(other.reason.as_ref()).cloned(),
            approvers: self.approvers.min(other.approvers),
            four_eyes: self.four_eyes || other.four_eyes,
            quorum: self.quorum.max(other.quorum),
            mode: self.mode,
        }
    }
}

/// The least role that may answer an approval, strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Approvers {
    /// Admins and owners.
    Admin,
    /// Whoever may edit policies.
    #[default]
    PolicyManager,
}

impl Limit {
    /// The refusal when the bucket has too few tokens; `retry_after_ms` is none where waiting never
    /// helps. The message gives the wait in whole seconds, rounded up.
    #[must_use]
    pub fn refusal(&self, tool: &str, retry_after_ms: Option<u64>) -> Refusal<'_> {
        Refusal {
            code: Code::RateLimited,
            rule: Some(Cow::Borrowed(&self.rule)),
            message: message::limited(self, tool, retry_after_ms).into(),
        }
    }

    /// The refusal when the argument of `per` has too many values at once.
    #[must_use]
    pub fn too_many_buckets(&self, tool: &str, retry_after_ms: Option<u64>) -> Refusal<'_> {
        Refusal {
            code: Code::RateLimited,
            rule: Some(Cow::Borrowed(&self.rule)),
            message: message::too_many_buckets(self, tool, retry_after_ms).into(),
        }
    }

    /// Whether both take their tokens from one bucket.
    pub(crate) fn same_bucket(&self, other: &Self) -> bool {
        let per = |limit: &Self| limit.per.as_ref().map(|per| per.path.clone());
        (&self.counter, self.window_ms, self.scope, self.refill)
            == (&other.counter, other.window_ms, other.scope, other.refill)
            && per(self) == per(other)
    }

    /// Whether both take as much of it for any call.
    pub(crate) fn same_cost(&self, other: &Self) -> bool {
        let cost = |limit: &Self| limit.cost.as_ref().map(|cost| cost.path.clone());
        cost(self) == cost(other)
    }
}

impl Concurrent {
    /// The refusal when as many calls as there may be are in flight.
    #[must_use]
    pub fn refusal(&self, tool: &str) -> Refusal<'_> {
        Refusal {
            code: Code::TooManyInFlight,
            rule: Some(Cow::Borrowed(&self.rule)),
            message: message::too_many_in_flight(self, tool).into(),
        }
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
