//! What a tool does, by what it says of itself: its class, its risk, and why, in words.
//!
//! Pure and deterministic. The rules are data, `data/rules.toml`. What the server hints at in
//! annotations can only raise what the words say, because the upstream writes both.

#[cfg(test)]
mod evaluation;
mod hidden;
mod hints;
mod lexicon;
mod line;
#[cfg(test)]
mod properties;
mod reading;
mod rules;
mod schema;
mod signal;
#[cfg(test)]
mod tests;

use domain::{
    catalogue::KnownTool,
    tools::{Risk, Tool, ToolClass},
};
use serde::Serialize;
use serde_json::Value;

pub use self::{
    line::{BadLine, classify_line},
    rules::rules_fingerprint,
    signal::Signal,
};
use self::{reading::Reading, rules::RULES};
use crate::shipped_tool;

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
    /// What speaks for it, the reason of the class first; of each kind one.
    pub signals: Vec<Signal>,
    /// How sure that is, from 0 to 1: 0.9 for a clear verb, 0.3 where nothing is known.
    pub confidence: f32,
}

/// The class of a tool, as [`classification_of`] has it. A member's correction (`tool.class`) is the
/// caller's to prefer.
#[must_use]
pub fn class_of(server_slug: Option<&str>, tool: &Tool) -> ToolClass {
    match known(server_slug, tool) {
        Some(known) => known.class,
        None => classification_of(None, tool).class,
    }
}

/// What a server's tool is taken for: what the catalogue's entry says where it knows the server and
/// the tool, else what [`classify`] makes of it.
#[must_use]
pub fn classification_of(server_slug: Option<&str>, tool: &Tool) -> Classification {
    let definition: Value = serde_json::from_str(&tool.definition).unwrap_or_default();
    let subject = Subject {
        name: &tool.name,
        description: tool.description.as_deref(),
        args: Vec::new(),
        schema: definition.get("inputSchema"),
        annotations: definition.get("annotations"),
    };
    let Some(known) = known(server_slug, tool) else {
        return classify(&subject);
    };
    let why = signal::new("catalogue", "the catalogue knows this tool");
    let reading = Reading::new(&subject, &RULES.lexicon);
    let said = by_steps((known.class, 1.0, why), &reading, &subject);
    Classification {
        risk: known.risk,
        ..said
    }
}

fn known(server_slug: Option<&str>, tool: &Tool) -> Option<&'static KnownTool> {
    shipped_tool(server_slug?, &tool.name)
}

/// What a tool that nobody has looked at is taken for.
#[must_use]
pub fn classify(subject: &Subject<'_>) -> Classification {
    let reading = Reading::new(subject, &RULES.lexicon);
    let said = by_steps(by_words(&reading), &reading, subject);
    hints::raise(said, subject.annotations)
}

/// A class, how sure it is, and why.
type Verdict = (ToolClass, f32, Signal);

/// The risk of the class, and all that is worth saying.
fn by_steps(
    (class, confidence, why): Verdict,
    reading: &Reading,
    subject: &Subject<'_>,
) -> Classification {
    let steps = || RULES.steps.iter().filter(|step| step.fits(class, reading));
    let by = steps().map(|step| step.risk).find(|by| *by != 0);
    let mut signals = vec![why];
    for step in steps() {
        signal::add(&mut signals, &step.signal);
    }
    for hidden in RULES.hidden.seen(subject) {
        signal::add(&mut signals, hidden);
    }
    Classification {
        class,
        risk: by.map_or(class.risk(), |by| moved_by(class.risk(), by)),
        signals,
        confidence,
    }
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
fn by_words(reading: &Reading) -> Verdict {
    let lexicon = &RULES.lexicon;
    let (class, confidence, why) = by_verb(reading);
    match lexicon.class_of(reading.actions) {
        Some(worst) if worst > class => {
            let why = signal::new("several_actions", "offers several actions");
            (worst, 0.7, why)
        }
        _ => (class, confidence, why),
    }
}

fn by_verb(reading: &Reading) -> Verdict {
    let lexicon = &RULES.lexicon;
    if let Some(rule) = RULES.first(reading) {
        return (rule.class, 0.9, rule.why.clone());
    }
    let named = lexicon.class_of(reading.verb);
    let told = lexicon.class_of(reading.lead);
    let by_lead = |class: ToolClass| {
        let verb = reading.lead_word.as_deref().unwrap_or_default();
        let why = signal::new("description_says", format!("its description says “{verb}”"));
        (class, 0.7, why)
    };
    let by_result = || {
        let why = signal::new("names_result", "its name is that of a result");
        (ToolClass::Read, 0.6, why)
    };
    let told_last = |group: &str| reading.last.meets(lexicon.group(group).unwrap_or_default());
    let things = reading.known && told_last("thing");
    let result = reading.plural || reading.noun || told_last("result") || things;
    // `app_refresh_token` may well refresh it, and `app_refresh_status` tells.
    // An index that a name ends with is one, and is not made.
    let noun = !reading.amid && told_last("result");
    let surely = reading.plural || noun || told_last("told") || told_last("told_end");
    match (named, told) {
        (Some(_), Some(told)) if reading.amid => by_lead(told),
        (Some(_), Some(told))
            if (reading.doubtful || reading.verb.meets(lexicon.soft))
                && !reading.lead.meets(lexicon.soft) =>
        {
            by_lead(told)
        }
        (Some(_), None) if reading.doubtful && surely => by_result(),
        (Some(class), told) => {
            let verb = reading.verb_word.as_deref().unwrap_or_default();
            let sure = if told.is_none_or(|told| told == class) {
                0.9
            } else {
                0.75
            };
            let why = signal::new("name_says", format!("its name says “{verb}”"));
            (class, sure, why)
        }
        (None, Some(told)) => by_lead(told),
        (None, None) if result => by_result(),
        (None, None) => (
            ToolClass::Write,
            0.3,
            signal::new("nothing_known", "nothing says that it only reads"),
        ),
    }
}
