//! Rules to put on a tool, and what people ask about it: made from the facts, true for that tool.

use domain::catalogue::{KnownServer, KnownTool};

/// A rule for one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Names it in URLs: `recommended`, `limit`, `block`, `hide`.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it does to this tool, in a sentence or two.
    pub explanation: String,
    /// A whole policy with a rule for this tool and no other, and with tests that pass: what is
    /// copied, and what is merged into a policy.
    pub document: String,
}

/// The rules to put on a tool, the recommended one first; none where no rule can name it.
#[must_use]
pub fn suggestions(_tool: &KnownTool) -> Vec<Suggestion> {
    Vec::new()
}

/// One of them.
#[must_use]
pub fn suggestion(tool: &KnownTool, id: &str) -> Option<Suggestion> {
    suggestions(tool).into_iter().find(|one| one.id == id)
}

/// A question about a tool, with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked: "How do I limit rerun_workflow?".
    pub question: String,
    /// The answer: plain sentences, without markup.
    pub answer: String,
    /// The rule that the answer speaks of: an id of [`Suggestion`].
    pub rule: Option<&'static str>,
}

/// What people ask about a tool.
#[must_use]
pub fn questions(_server: &KnownServer, _tool: &KnownTool) -> Vec<Question> {
    Vec::new()
}
