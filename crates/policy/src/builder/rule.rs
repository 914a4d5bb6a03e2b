//! What a form holds of each kind of rule.
//!
//! A form is read from the text only where it holds all that stands there: what is unknown, or of a
//! type that the language has no use for, has no form, so that replacing a rule by what was read
//! loses nothing. Written back, only the members that differ are touched.

mod read;
mod write;

use domain::ToolClass;

pub(in crate::builder) use write::object;

use crate::limit::{Approvers, LimitScope, Mode, Refill};

/// A rule of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// An entry of `require` or `deny_if`.
    Check(Sense, Check),
    /// An entry of `limits`.
    Limit(LimitForm),
    /// `rate_limit`.
    Rate(RateForm),
    /// `concurrent`.
    Concurrent(ConcurrentForm),
    /// `validate`.
    Validate(Validation),
    /// `max_result_bytes`.
    ResultBytes(u64),
    /// `approval`.
    Approval(ApprovalForm),
}

/// Which of its two senses a check has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Each must hold.
    Require,
    /// None may hold.
    DenyIf,
}

/// A check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// All of these together.
    pub conditions: Vec<Clause>,
    /// What the agent is told.
    pub on_deny: Option<String>,
    /// Whether a `deny_if` check passes where a path of it is missing.
    pub missing_passes: bool,
    /// Whether it refuses.
    pub mode: Mode,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Where it looks.
    pub path: String,
    /// The operator's name.
    pub op: String,
    /// The value as a JSON text.
    pub value: String,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitForm {
    /// The counter's name.
    pub counter: String,
    /// How long a token is gone.
    pub window: Window,
    /// Tokens.
    pub max: u64,
    /// Whose bucket it is.
    pub scope: LimitScope,
    /// The argument that gives each of its values a bucket of its own.
    pub per: Option<String>,
    /// The argument that is spent instead of 1.
    pub cost: Option<String>,
    /// How tokens come back.
    pub refill: Refill,
    /// What the agent is told.
    pub on_deny: Option<String>,
    /// Whether it refuses.
    pub mode: Mode,
}

/// `rate_limit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateForm {
    /// Calls.
    pub max: u64,
    /// In how long a time.
    pub window: Window,
}

/// A window as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// `second`, `minute`, `hour`, `day` or `week`.
    Named(String),
    /// So many seconds.
    Seconds(u64),
}

/// `concurrent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcurrentForm {
    /// Calls at once.
    pub max: u64,
    /// Whose calls are counted together.
    pub scope: LimitScope,
    /// Whether it refuses.
    pub mode: Mode,
}

/// `validate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// Against the whole of the tool's `inputSchema`.
    Schema,
    /// That what it requires is there.
    RequiredArguments,
}

/// `approval`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApprovalForm {
    /// Which calls; every one where there is no list.
    pub when: Option<Vec<Clause>>,
    /// How long it waits, such as `30m`.
    pub timeout: Option<String>,
    /// What whoever answers is told.
    pub reason: Option<String>,
    /// Who may answer.
    pub approvers: Approvers,
    /// Whether those behind the grant may not answer.
    pub four_eyes: bool,
    /// How many must approve; 1 where it is none.
    pub quorum: Option<u64>,
    /// Whether it holds the call.
    pub mode: Mode,
}

/// An entry of `tests`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestForm {
    /// What it shows.
    pub name: String,
    /// The tool that is called.
    pub tool: String,
    /// The arguments, a JSON object.
    pub args: Option<String>,
    /// The grant's label.
    pub label: Option<String>,
    /// The grant's identity.
    pub identity: Option<String>,
    /// The grant's labels.
    pub labels: Vec<(String, String)>,
    /// When, as RFC 3339 has it.
    pub at: Option<String>,
    /// How often; 1 where it is none.
    pub repeat: Option<u64>,
    /// The tool's class instead of the inventory's.
    pub class: Option<ToolClass>,
    /// `allow`, `deny`, `hide` or `approval`.
    pub expect: String,
    /// The rule that must have decided, as a pointer.
    pub rule: Option<String>,
}

/// A member as it is to be written.
pub(in crate::builder) struct Member {
    pub(in crate::builder) key: &'static str,
    /// None where it is absent.
    pub(in crate::builder) json: Option<String>,
    /// What its absence means; such a member stays where an author wrote it.
    pub(in crate::builder) default: Option<&'static str>,
    /// Whether it is a list of conditions, which are written one by one.
    pub(in crate::builder) clauses: Option<Vec<Clause>>,
}

impl Sense {
    /// The list that such checks stand in.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::DenyIf => "deny_if",
        }
    }
}

impl Rule {
    /// The member of a block that it stands in, and whether that is a list.
    pub(in crate::builder) const fn home(&self) -> (&'static str, bool) {
        match self {
            Self::Check(sense, _) => (sense.key(), true),
            Self::Limit(_) => ("limits", true),
            Self::Rate(_) => ("rate_limit", false),
            Self::Concurrent(_) => ("concurrent", false),
            Self::Validate(_) => ("validate", false),
            Self::ResultBytes(_) => ("max_result_bytes", false),
            Self::Approval(_) => ("approval", false),
        }
    }

    /// Whether it only records.
    #[must_use]
    pub const fn mode(&self) -> Option<Mode> {
        match self {
            Self::Check(_, check) => Some(check.mode),
            Self::Limit(limit) => Some(limit.mode),
            Self::Concurrent(concurrent) => Some(concurrent.mode),
            Self::Approval(approval) => Some(approval.mode),
            Self::Rate(_) | Self::Validate(_) | Self::ResultBytes(_) => None,
        }
    }
}

impl TestForm {
    /// The words for what a test expects.
    pub const EXPECTS: [&'static str; 4] = ["allow", "deny", "hide", "approval"];
}

impl Window {
    /// The window that a person means by a word or by a number of seconds.
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        let typed = typed.trim();
        match typed.parse() {
            Ok(seconds) => Self::Seconds(seconds),
            Err(_) => Self::Named(typed.to_owned()),
        }
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Seconds(seconds) => write!(f, "{seconds}"),
        }
    }
}
