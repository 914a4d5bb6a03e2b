//! Rules to put on a tool, and what people ask about it: made from the facts, true for that tool.
//!
//! Class and risk decide how often a tool may be called; arguments whose meaning is known by their
//! names get checks. A rule is shown only where it is valid as it stands, so nothing that a person
//! would have to fill in first (the hosts of a company, the ids of a project) is in one.

mod arguments;
#[cfg(test)]
mod checks;
mod document;
mod guard;
mod questions;
mod words;

use domain::{
    catalogue::KnownTool,
    tools::{Risk, ToolClass},
};

pub use self::questions::{Question, questions};
use self::{guard::Guard, words::Pace};
use crate::starter::is_nameable;

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
pub fn suggestions(tool: &KnownTool) -> Vec<Suggestion> {
    if !is_nameable(&tool.name) {
        return Vec::new();
    }
    vec![recommended(tool), limit(tool), block(tool), hide(tool)]
}

/// One of them.
#[must_use]
pub fn suggestion(tool: &KnownTool, id: &str) -> Option<Suggestion> {
    suggestions(tool).into_iter().find(|one| one.id == id)
}

/// What suits an agent at work and stops one that runs away; a tool that deletes for good or moves
/// money is refused.
fn recommended(tool: &KnownTool) -> Suggestion {
    let (name, id) = ("Recommended", "recommended");
    let Some(pace) = Pace::usual(tool.class) else {
        let why = match tool.class {
            ToolClass::Financial => "because it moves money or makes an obligation to pay",
            _ => "because what it removes cannot simply be brought back",
        };
        return Suggestion {
            explanation: format!("Refuses every call of {}, {why}.", tool.name),
            document: document::refused(&tool.name, words::reason(tool.class)),
            name,
            id,
        };
    };
    let guards = guard::guards(tool);
    Suggestion {
        explanation: words::explanation(&tool.name, &pace, &guards),
        document: document::opened(&tool.name, &pace, &guards),
        name,
        id,
    }
}

/// Fewer calls, and a bound on the day; of a tool that costs money, a bound on the amount as well.
fn limit(tool: &KnownTool) -> Suggestion {
    let pace = Pace::narrow(tool.class);
    let guards: Vec<Guard<'_>> = guard::amounts(tool).collect();
    let mut explanation = words::explanation(&tool.name, &pace, &guards);
    if let [amount] = &guards[..]
        && let Some(most) = amount.most_in_a_day(&pace)
    {
        explanation.push(' ');
        explanation.push_str(&most);
    }
    Suggestion {
        id: "limit",
        name: "Limit",
        explanation,
        document: document::opened(&tool.name, &pace, &guards),
    }
}

fn block(tool: &KnownTool) -> Suggestion {
    Suggestion {
        id: "block",
        name: "Block",
        explanation: format!(
            "Refuses every call of {} and tells the agent so; it still sees the tool in its list.",
            tool.name
        ),
        document: document::refused(&tool.name, "This tool is blocked by policy."),
    }
}

fn hide(tool: &KnownTool) -> Suggestion {
    Suggestion {
        id: "hide",
        name: "Hide",
        explanation: format!(
            "Takes {} out of the agent's list; a call of it is answered as that of a tool which \
             does not exist.",
            tool.name
        ),
        document: document::hidden(&tool.name),
    }
}

/// Whether the tool runs whatever its caller writes.
fn runs_anything(tool: &KnownTool) -> bool {
    tool.class == ToolClass::Execute && tool.risk == Risk::Critical
}
