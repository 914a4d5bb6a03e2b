//! Looking on while a call is judged.

use json::{Kind, Value};

use crate::{
    effort::{Effort, STEP},
    engine::Call,
    evaluate::{self, Join, Operand, ToolFacts},
    path::{Path, Segment},
    read::quoted,
    rules::Condition,
    steps::{ConditionStep, Step},
    truth::Truth,
};

/// Who looks on. There is one way through the steps of a judgement; whoever only wants the verdict
/// looks on as `()`, which never asks what a step was, so that it costs nothing.
pub(crate) trait Watch {
    /// Something was looked at. The effort is for looking at what the verdict did not need.
    fn see(&mut self, step: impl FnOnce(&Effort) -> Step);
}

impl Watch for () {
    #[inline(always)]
    fn see(&mut self, _: impl FnOnce(&Effort) -> Step) {}
}

/// Writes every step down.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) steps: Vec<Step>,
    effort: Effort,
}

impl Watch for Recorder {
    fn see(&mut self, step: impl FnOnce(&Effort) -> Step) {
        self.steps.push(step(&self.effort));
    }
}

/// Conditions one by one. `before` is the effort that was left before they were judged, so that
/// each comes to what it came to then; those after the first that is false were not needed then,
/// and are looked at with the effort of whoever looks on.
pub(crate) fn conditions(
    conditions: &[Condition],
    join: Join,
    call: &Call<'_>,
    tool: &ToolFacts,
    before: &Effort,
    looks: &Effort,
) -> Vec<ConditionStep> {
    let mut effort = before;
    let steps = conditions.iter().map(|condition| {
        let truth = evaluate::condition(condition, join, call, tool, effort);
        if truth == Truth::False {
            effort = looks;
        }
        ConditionStep {
            path: condition.path_text.clone(),
            op: condition.op_text,
            value: condition.value_text.clone(),
            found: found(&condition.path, call, tool, looks),
            truth: match truth {
                Truth::True => "true",
                Truth::False => "false",
                Truth::Missing => "missing",
                Truth::Wrong => "undecided",
            },
        }
    });
    steps.collect()
}

/// What stands at a path, or in its way, as JSON of a readable length. None where nothing does, or
/// where the path leads to many places.
fn found(path: &Path, call: &Call<'_>, tool: &ToolFacts, looks: &Effort) -> Option<String> {
    match (path, call.arguments) {
        (Path::Args(steps), Some(arguments)) => {
            standing(arguments, steps, looks).map(|value| quoted(value.raw()))
        }
        _ => evaluate::outside(path, call, tool, |operand| match operand {
            Operand::Text(text) => {
                let mut json = String::new();
                json::quote(text, &mut json);
                Some(quoted(&json))
            }
            Operand::Bool(known) => Some(known.to_string()),
            Operand::Number(number) => Some(quoted(number)),
            Operand::Json(value) => Some(quoted(value.raw())),
            Operand::Opaque | Operand::Missing | Operand::Wrong => None,
        }),
    }
}

fn standing<'a>(from: Value<'a>, steps: &[Segment], looks: &Effort) -> Option<Value<'a>> {
    steps.iter().try_fold(from, |here, step| {
        let all = STEP
            .saturating_mul(here.len())
            .saturating_add(here.span().len());
        match step {
            _ if !looks.spend(all) => None,
            Segment::Key(key) if here.kind() == Kind::Object => here.get(&key.text),
            Segment::Index(index) if here.kind() == Kind::Array => {
                here.elements().nth(*index as usize)
            }
            Segment::Each => None,
            _ => Some(here),
        }
    })
}
