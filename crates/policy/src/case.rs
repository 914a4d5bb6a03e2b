//! A test inside a policy: `policy.md`, section 6.

use domain::ToolClass;

/// One test, as its author wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Its place in the document, `/tests/0`.
    pub(crate) pointer: String,
    /// Its offset in the text.
    pub(crate) offset: usize,
    pub(crate) name: String,
    pub(crate) tool: String,
    /// A JSON object as it was written; none where the call has no arguments.
    pub(crate) args: Option<Box<str>>,
    pub(crate) grant: CaseGrant,
    /// When the call is made, in milliseconds since 1970; none where the author does not say.
    pub(crate) at_unix_ms: Option<u64>,
    /// How often the call is made within one instant. The last is looked at.
    pub(crate) repeat: u64,
    /// The tool's class, in place of the inventory's.
    pub(crate) class: Option<ToolClass>,
    pub(crate) expect: Expect,
    /// The rule that must have decided.
    pub(crate) rule: Option<String>,
}

/// The grant that makes a test's call.
#[derive(Debug, Clone, Default)]
pub(crate) struct CaseGrant {
    pub(crate) label: Option<String>,
    pub(crate) identity: Option<String>,
    pub(crate) labels: Vec<(String, String)>,
}

/// What a test expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Allow,
    Deny,
    /// Refused exactly as a tool that does not exist.
    Hide,
    /// Held for a person.
    Approval,
}

impl Expect {
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("allow", Self::Allow),
        ("deny", Self::Deny),
        ("hide", Self::Hide),
        ("approval", Self::Approval),
    ];
}
