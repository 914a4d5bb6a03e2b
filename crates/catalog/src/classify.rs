//! What a tool does, by what it says of itself: its class, its risk, and why, in words.
//!
//! Pure and deterministic. The rules are data, `data/rules.toml`. What the server hints at in
//! annotations can only raise what the words say, because the upstream writes both.

#[cfg(test)]
mod evaluation;
mod hints;
mod lexicon;
mod line;
mod reading;
mod rules;
mod schema;
#[cfg(test)]
mod tests;

use domain::tools::{Risk, Tool, ToolClass};
use serde::Serialize;
use serde_json::Value;

pub use self::line::{BadLine, classify_line};
use self::{reading::Reading, rules::RULES};
use crate::server;

/// What is known of a tool.
#[derive(Debug, Clone, Default)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// What the server says it does.
    pub description: Option<&'a str>,
    /// The names of its arguments, in any order, where they are known without a schema.
    pub args: Vec<&'a str>,
    /// The JSON Schema of its arguments.
    pub schema: Option<&'a Value>,
    /// The server's hints, as MCP has them.
    pub annotations: Option<&'a Value>,
}

/// What a tool is taken for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// The worst that its normal use does.
    pub class: ToolClass,
    /// How much harm that is.
    pub risk: Risk,
    /// What speaks for it, in words.
    pub signals: Vec<String>,
    /// How sure that is, from 0 to 1: 0.9 for a clear verb, 0.3 where nothing is known.
    pub confidence: f32,
}

/// The class of a tool: the catalogue's where it knows the server and the tool, else
/// [`classify`]'s. A member's correction (`tool.class`) is the caller's to prefer.
#[must_use]
pub fn class_of(server_slug: Option<&str>, tool: &Tool) -> ToolClass {
    let known = server_slug
        .and_then(server)
        .and_then(|server| server.tool(&tool.name));
    if let Some(known) = known {
        return known.class;
    }
    let definition: Value = serde_json::from_str(&tool.definition).unwrap_or_default();
    let subject = Subject {
        name: &tool.name,
        description: tool.description.as_deref(),
        args: Vec::new(),
        schema: definition.get("inputSchema"),
        annotations: definition.get("annotations"),
    };
    classify(&subject).class
}

/// What a tool that nobody has looked at is taken for.
#[must_use]
pub fn classify(subject: &Subject<'_>) -> Classification {
    let reading = Reading::new(subject, &RULES.lexicon);
    let (class, confidence, why) = by_words(&reading);
    let mut risk = class.risk();
    let mut moved = false;
    let mut signals = vec![why];
    for step in RULES.steps.iter().filter(|step| step.fits(class, &reading)) {
        signals.push(step.signal.clone());
        if !moved && step.risk != 0 {
            risk = moved_by(risk, step.risk);
            moved = true;
        }
    }
    let said = Classification {
        class,
        risk,
        signals,
        confidence,
    };
    hints::raise(said, subject.annotations)
}

fn moved_by(risk: Risk, step: i8) -> Risk {
    match (risk, step > 0) {
        (Risk::Low, true) if step > 1 => Risk::High,
        (Risk::Low, true) | (Risk::High, false) => Risk::Medium,
        (Risk::Medium, true) | (Risk::Critical, false) => Risk::High,
        (Risk::High | Risk::Critical, true) => Risk::Critical,
        (Risk::Low | Risk::Medium, false) => Risk::Low,
    }
}

/// The class by the words alone, how sure it is, and why.
fn by_words(reading: &Reading) -> (ToolClass, f32, String) {
    let lexicon = &RULES.lexicon;
    let (class, confidence, why) = by_verb(reading);
    match lexicon.class_of(reading.actions) {
        Some(worst) if worst > class => (worst, 0.7, "offers several actions".to_owned()),
        _ => (class, confidence, why),
    }
}

fn by_verb(reading: &Reading) -> (ToolClass, f32, String) {
    let lexicon = &RULES.lexicon;
    if let Some(rule) = RULES.first(reading) {
        return (rule.class, 0.9, rule.why.clone());
    }
    let named = lexicon.class_of(reading.verb);
    let told = lexicon.class_of(reading.lead);
    let by_lead = |class: ToolClass| {
        let verb = reading.lead_word.as_deref().unwrap_or_default();
        (class, 0.7, format!("its description says “{verb}”"))
    };
    let result = reading.plural
        || reading
            .last
            .meets(lexicon.group("result").unwrap_or_default());
    match (named, told) {
        (Some(_), Some(told))
            if (reading.doubtful || reading.verb.meets(lexicon.soft))
                && !reading.lead.meets(lexicon.soft) =>
        {
            by_lead(told)
        }
        (Some(_), None) if reading.doubtful && result => (
            ToolClass::Read,
            0.6,
            "its name is that of a result".to_owned(),
        ),
        (Some(class), told) => {
            let verb = reading.verb_word.as_deref().unwrap_or_default();
            let sure = if told.is_none_or(|told| told == class) {
                0.9
            } else {
                0.75
            };
            (class, sure, format!("its name says “{verb}”"))
        }
        (None, Some(told)) => by_lead(told),
        (None, None) if result => (
            ToolClass::Read,
            0.6,
            "its name is that of a result".to_owned(),
        ),
        (None, None) => (
            ToolClass::Write,
            0.3,
            "nothing says that it only reads".to_owned(),
        ),
    }
}
