//! Every step of an evaluation, for people who ask why.

use serde::Serialize;

/// One step: a rule that was looked at, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which step of `policy.md`, section 7.
    pub stage: Stage,
    /// The rule, as a pointer; none for a step that no rule gives, such as the inventory.
    pub rule: Option<String>,
    /// Whether the rule only records.
    pub shadow: bool,
    /// What came of it.
    pub result: StepResult,
    /// In a sentence.
    pub detail: String,
    /// Of a check: each condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionStep>,
}

/// A step of `policy.md`, section 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Steps 2 and 4: hidden, unknown, no block, or which block applies.
    Tool,
    /// Step 5.
    Action,
    /// Step 6.
    Validate,
    /// Step 7.
    Require,
    /// Step 8.
    DenyIf,
    /// Step 9.
    Approval,
    /// Step 10.
    Concurrent,
    /// Step 10.
    Limit,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// It lets the call through.
    Passes,
    /// It refuses the call, or would, in shadow.
    Refuses,
    /// It holds the call for a person, or would, in shadow.
    Holds,
}

/// One condition of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionStep {
    /// The path as it was written.
    pub path: String,
    /// The operator.
    pub op: &'static str,
    /// The value as it was written, cut to a readable length.
    pub value: String,
    /// What stands at the path, or in its way, as JSON cut to a readable length; none where nothing
    /// does, or where the path leads to many places.
    pub found: Option<String>,
    /// `true`, `false`, `missing` or `undecided`.
    pub truth: &'static str,
}
