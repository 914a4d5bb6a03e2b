//! One call, tried on the text in the editor: what would be decided, and every step to it.

mod arguments;

use domain::audit::{Code, Outcome};
use policy::{Decision, Step, StepResult, builder::ArgumentField};
use store::grants::Grant;
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use site::lines::Lines;

use super::{super::draft::Fields, Offered, caller};
use crate::actions::{
    ActionError,
    decide::{self, Caller},
    subject::Subject,
};

/// Arguments longer than this are not read: as much as a policy may have.
const ARGUMENTS_BYTES_MAX: usize = 256 * 1024;
/// The fields of a tool's arguments that the form has.
const FIELDS_MAX: usize = 60;

/// The call, as the form says.
pub(crate) struct Asked {
    tool: String,
    /// Whether the arguments are typed as JSON; none where the form does not say.
    as_json: Option<bool>,
    json: String,
    /// Path and text of each argument's field.
    typed: Vec<(String, String)>,
    picked: String,
    label: String,
    caller: Caller,
    at: String,
    now: OffsetDateTime,
}

impl Asked {
    pub(super) fn of(fields: &Fields, grants: &[Grant], now: OffsetDateTime) -> Self {
        let text = |name| fields.get(name).trim().to_owned();
        let (picked, label) = (text("try_grant"), text("try_label"));
        Self {
            tool: text("try_tool"),
            as_json: match fields.get("try_with") {
                "json" => Some(true),
                "fields" => Some(false),
                _ => None,
            },
            json: text("try_args"),
            typed: fields
                .starting("arg:")
                .map(|(path, typed)| (path.to_owned(), typed.to_owned()))
                .collect(),
            caller: caller(grants, &picked, &label),
            picked,
            label,
            at: text("try_at"),
            now,
        }
    }
}

/// The pane.
pub(crate) struct Trial {
    pub(crate) offered: Vec<Offered>,
    pub(crate) tools: Vec<String>,
    pub(crate) tool: String,
    pub(crate) as_json: bool,
    /// The arguments as JSON, typed or made from the fields.
    pub(crate) json: String,
    pub(crate) fields: Vec<(ArgumentField, String)>,
    pub(crate) picked: String,
    pub(crate) label: String,
    pub(crate) at: String,
    pub(crate) outcome: Tried,
}

/// What came of it.
pub(crate) enum Tried {
    /// No tool is named yet.
    Nothing,
    /// The document has faults, so nothing can be decided.
    Unreadable,
    /// The call cannot be read: which part, and why.
    Unclear(String),
    Judged(Judged),
}

/// A decision with the way to it.
pub(crate) struct Judged {
    pub(crate) tool: String,
    pub(crate) decision: Decision,
    pub(crate) rule_line: Option<usize>,
    pub(crate) steps: Vec<(Step, Option<usize>)>,
}

impl Trial {
    pub(super) fn of(
        subject: &Subject,
        readable: bool,
        asked: Asked,
        offered: Vec<Offered>,
        lines: &Lines<'_>,
    ) -> Self {
        let tools = subject.tools.as_deref().unwrap_or_default();
        let definition = tools.iter().find(|tool| tool.name == asked.tool);
        let known: Vec<_> = definition
            .map(|tool| policy::builder::argument_paths(&tool.definition))
            .unwrap_or_default()
            .into_iter()
            .filter(|field| !field.has_fields)
            .take(FIELDS_MAX)
            .collect();
        let typed = |path: &str| {
            let found = asked.typed.iter().find(|(of, _)| of == path);
            found.map_or_else(String::new, |(_, text)| text.clone())
        };
        let fields: Vec<_> = known
            .into_iter()
            .map(|field| {
                let text = typed(&field.path);
                (field, text)
            })
            .collect();
        let as_json = asked.as_json.unwrap_or(!asked.json.is_empty()) || fields.is_empty();
        let json = if as_json {
            asked.json.clone()
        } else {
            arguments::of(&fields)
        };
        let outcome = match (asked.tool.is_empty(), readable) {
            (true, _) => Tried::Nothing,
            (false, false) => Tried::Unreadable,
            (false, true) => tried(subject, &asked, &json, lines),
        };
        Self {
            offered,
            tools: tools.iter().map(|tool| tool.name.clone()).collect(),
            as_json,
            json,
            fields,
            outcome,
            tool: asked.tool,
            picked: asked.picked,
            label: asked.label,
            at: asked.at,
        }
    }
}

impl Trial {
    /// A value that the schema names, as it is typed into a field: without the quotes of a string.
    pub(crate) fn unquoted(&self, value: &str) -> String {
        serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
    }
}

fn tried(subject: &Subject, asked: &Asked, json: &str, lines: &Lines<'_>) -> Tried {
    let at = match moment(&asked.at, asked.now) {
        Some(at) => at,
        None => return Tried::Unclear("The time must be like 2026-01-05T12:00".to_owned()),
    };
    if json.len() > ARGUMENTS_BYTES_MAX {
        return Tried::Unclear("The arguments are longer than 256 KiB".to_owned());
    }
    if !(json.is_empty() || json.starts_with('{')) {
        return Tried::Unclear("The arguments must be a JSON object".to_owned());
    }
    let call = decide::Asked {
        tool: asked.tool.clone(),
        arguments: (!json.is_empty()).then(|| json.to_owned()),
        caller: asked.caller.clone(),
        class: None,
        at,
    };
    match decide::judge(subject, &call) {
        Ok(explained) => Tried::Judged(Judged {
            rule_line: explained
                .decision
                .rule
                .as_ref()
                .and_then(|rule| lines.at(rule)),
            decision: explained.decision,
            steps: explained
                .steps
                .into_iter()
                .map(|step| {
                    let line = step.rule.as_ref().and_then(|rule| lines.at(rule));
                    (step, line)
                })
                .collect(),
            tool: asked.tool.clone(),
        }),
        Err(ActionError::Fields(faults)) => {
            let said = faults
                .into_iter()
                .map(|fault| match fault.pointer.as_str() {
                    "/at" => format!("The time {}", fault.detail),
                    _ => format!(
                        "The arguments are not JSON that everyone reads alike: {}",
                        fault.detail
                    ),
                });
            Tried::Unclear(said.collect::<Vec<_>>().join("; "))
        }
        Err(other) => Tried::Unclear(other.to_string()),
    }
}

/// The time of the call: what the field says, in UTC, or now where it is empty.
fn moment(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    if text.is_empty() {
        return Some(now);
    }
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let text = text.trim_end_matches('Z');
    PrimitiveDateTime::parse(text, minutes)
        .or_else(|_| PrimitiveDateTime::parse(text, seconds))
        .ok()
        .map(PrimitiveDateTime::assume_utc)
}

impl Judged {
    /// The decision in a sentence; quotes in backticks.
    pub(crate) fn sentence(&self) -> String {
        let tool = &self.tool;
        match (self.decision.outcome, self.decision.code) {
            (Outcome::Allow, _) => format!("allowed: `{tool}` would be called"),
            (Outcome::Approval, _) => format!("held: a person must approve this call of `{tool}`"),
            (Outcome::Deny, Code::Hidden | Code::UnknownTool | Code::DefaultDeny) => {
                format!("refused: for this grant there is no tool `{tool}`")
            }
            (Outcome::Deny, _) => format!("refused: {}", self.decision.message),
        }
    }

    pub(crate) const fn class(&self) -> &'static str {
        match (self.decision.outcome, self.decision.code) {
            (Outcome::Allow, _) => "allowed",
            (Outcome::Approval, _) => "waiting",
            (Outcome::Deny, Code::RateLimited | Code::TooManyInFlight) => "limited",
            (Outcome::Deny, _) => "refused",
        }
    }

    /// A step's class and word; in shadow it only would have.
    pub(crate) const fn result(&self, step: &Step) -> (&'static str, &'static str) {
        match (step.result, step.shadow) {
            (StepResult::Passes, _) => ("allowed", "passes"),
            (StepResult::Refuses, false) => ("refused", "refuses"),
            (StepResult::Refuses, true) => ("shadow", "would refuse"),
            (StepResult::Holds, false) => ("waiting", "holds"),
            (StepResult::Holds, true) => ("shadow", "would hold"),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_is_what_browsers_send_and_people_write() {
        let now = datetime!(2026-11-26 10:00 UTC);
        assert_eq!(moment("", now), Some(now));
        let noon = Some(datetime!(2026-01-05 12:00 UTC));
        for text in [
            "2026-01-05T12:00",
            "2026-01-05T12:00:00",
            "2026-01-05T12:00:00Z",
        ] {
            assert_eq!(moment(text, now), noon, "{text}");
        }
        for bad in ["noon", "2026-13-01T00:00", "2026-01-05 12:00"] {
            assert_eq!(moment(bad, now), None, "{bad}");
        }
    }
}
