//! What a policy does to each tool before anybody calls it.

use domain::{Tool, ToolClass};
use serde::Serialize;

use crate::engine::{Engine, GrantFacts};

/// What a grant may do with one tool, as far as it does not hang on arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolPreview {
    /// The tool.
    pub tool: String,
    /// Its class.
    pub class: Option<ToolClass>,
    /// What becomes of a call.
    pub verdict: ToolVerdict,
    /// The rule that gives the verdict, as a pointer; the block where no single rule does.
    pub rule: Option<String>,
    /// Rules that still look at arguments, as pointers.
    pub depends_on: Vec<String>,
    /// Its limits in words: `10 a minute`.
    pub limits: Vec<String>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolVerdict {
    /// Not in the list, and refused as if it did not exist.
    Hidden,
    /// In the list or not, but every call is refused.
    Refused,
    /// Refused or not by its arguments.
    Depends,
    /// Held for a person.
    Approval,
    /// Forwarded, within its limits.
    Allowed,
}

/// The verdict on each of the tools for one grant at one time, in the order given.
#[must_use]
pub fn preview(
    _engine: &Engine,
    _tools: &[Tool],
    _grant: GrantFacts<'_>,
    _now_unix_ms: u64,
) -> Vec<ToolPreview> {
    Vec::new()
}
