//! What changed between two documents, rule by rule.

use domain::Tool;
use serde::Serialize;

use crate::policy::Policy;

/// One rule that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The rule, as a pointer into the newer document, or into the older where it was removed.
    pub pointer: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Whether more calls pass now.
    pub effect: Effect,
    /// In a sentence.
    pub sentence: String,
    /// The rule's JSON before; none where it is new.
    pub before: Option<String>,
    /// The rule's JSON now; none where it is gone.
    pub after: Option<String>,
}

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only in the newer document.
    Added,
    /// Only in the older.
    Removed,
    /// In both, and not the same.
    Changed,
}

/// Whether more calls pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Calls that were refused may pass now.
    Loosens,
    /// Calls that passed may be refused now.
    Tightens,
    /// No decision changes: texts and tests.
    Neutral,
    /// Cannot be said.
    Unclear,
}

/// Everything that differs, in the order of the newer document; removals last. Without an older
/// document everything is new. With an inventory, rules that move a tool from one block to another
/// are told by tool.
#[must_use]
pub fn diff(_old: Option<&Policy>, _new: &Policy, _inventory: Option<&[Tool]>) -> Vec<Change> {
    Vec::new()
}
