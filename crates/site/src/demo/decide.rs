//! One call, judged by the engine that judges calls of agents.

use std::ops::RangeInclusive;

use domain::{
    ToolName,
    audit::{Charge, Code, Outcome as Decided},
};
use json::{Bounds, Document};
use policy::{Call, Counters, Decision, Engine, Fault, GrantFacts, Policy};

use super::ask::{ARGUMENTS_BYTES_MAX, Asked, CALLS_MAX, POLICY_BYTES_MAX};
use crate::lines::Lines;

/// As deep as arguments of agents may be.
const DEPTH_MAX: u16 = 64;
/// The moment of every call, so that an address always shows the same decision: Monday, 5 January
/// 2026, noon in UTC.
const NOW_UNIX_MS: u64 = 1_767_614_400_000;
/// How many faults of a policy are shown.
const FAULTS_MAX: usize = 3;
/// How many lines of the deciding rule are shown.
const LINES_MAX: usize = 14;

/// What came of it.
pub(crate) enum Outcome {
    /// The policy is none: its first faults, and how many more there are.
    Faulty(Vec<Fault>, usize),
    /// The call cannot be read, in a sentence.
    Unclear(String),
    /// It was decided.
    Judged(Box<Judged>),
}

/// A decision, as it is shown.
pub(crate) struct Judged {
    pub(crate) tool: String,
    pub(crate) call: u32,
    pub(crate) decision: Decision,
    /// The lines of the rule that decided, numbered.
    pub(crate) rule: Vec<(usize, String)>,
    /// How many more lines it has.
    pub(crate) more: usize,
}

pub(super) fn decide(asked: &Asked) -> Outcome {
    match judge(asked) {
        Ok(judged) => Outcome::Judged(Box::new(judged)),
        Err(other) => other,
    }
}

fn judge(asked: &Asked) -> Result<Judged, Outcome> {
    let Some(number) = asked.call else {
        return Err(unclear(format!(
            "The number of the call is a whole number from 1 to {CALLS_MAX}."
        )));
    };
    let tool: ToolName = asked
        .tool
        .parse()
        .map_err(|error| unclear(format!("The tool's name {error}.")))?;
    if asked.policy.len() > POLICY_BYTES_MAX {
        return Err(unclear(
            "The policy is longer than 8 KiB, which is as much as is tried here.".to_owned(),
        ));
    }
    let policy = Policy::parse(&asked.policy).map_err(faulty)?;
    let arguments = arguments(&asked.arguments)?;
    let engine = Engine::compile(&policy, None);
    let call = Call {
        tool: tool.as_str(),
        arguments: arguments.as_ref().map(Document::root),
        grant: GrantFacts {
            label: "ci-runner",
            identity: None,
            labels: &[],
        },
        class: None,
        now_unix_ms: NOW_UNIX_MS,
    };
    let mut counters = Counters::new();
    for _ in 1..number {
        counters.decide(&engine, &call);
    }
    let decision = counters.decide(&engine, &call);
    let (rule, more) = excerpt(&asked.policy, decision.rule.as_deref());
    Ok(Judged {
        tool: asked.tool.clone(),
        call: number,
        decision,
        rule,
        more,
    })
}

fn unclear(sentence: String) -> Outcome {
    Outcome::Unclear(sentence)
}

fn faulty(mut faults: Vec<Fault>) -> Outcome {
    let more = faults.len().saturating_sub(FAULTS_MAX);
    faults.truncate(FAULTS_MAX);
    Outcome::Faulty(faults, more)
}

/// The arguments, read as strictly as an agent's; none where there are none.
fn arguments(text: &str) -> Result<Option<Document<'_>>, Outcome> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > ARGUMENTS_BYTES_MAX {
        return Err(unclear(
            "The arguments are longer than 4 KiB, which is as much as is tried here.".to_owned(),
        ));
    }
    if !text.starts_with('{') {
        return Err(unclear(
            "The arguments are a JSON object, in braces.".to_owned(),
        ));
    }
    let bounds = Bounds {
        bytes_max: ARGUMENTS_BYTES_MAX,
        depth_max: DEPTH_MAX,
    };
    Document::parse(text.as_bytes(), bounds)
        .map(Some)
        .map_err(|fault| {
            unclear(format!(
                "The arguments are not JSON that everyone reads alike: {fault}."
            ))
        })
}

fn excerpt(policy: &str, rule: Option<&str>) -> (Vec<(usize, String)>, usize) {
    let Some((first, last)) = rule.and_then(|rule| Lines::of(policy).span(rule)) else {
        return (Vec::new(), 0);
    };
    let wanted: RangeInclusive<usize> = first..=last.min(first + LINES_MAX - 1);
    let lines = policy
        .split('\n')
        .enumerate()
        .map(|(at, line)| (at + 1, line));
    let shown = lines
        .filter(|(number, _)| wanted.contains(number))
        .map(|(number, line)| (number, line.chars().take(200).collect()))
        .collect();
    (shown, last.saturating_sub(*wanted.end()))
}

impl Judged {
    /// The colour and the word.
    pub(crate) const fn verdict(&self) -> (&'static str, &'static str) {
        match (self.decision.outcome, self.decision.code) {
            (Decided::Allow, _) => ("allowed", "Allowed"),
            (Decided::Approval, _) => ("waiting", "Held for a person"),
            (Decided::Deny, Code::RateLimited | Code::TooManyInFlight) => ("limited", "Refused"),
            (Decided::Deny, _) => ("refused", "Refused"),
        }
    }

    /// What happens, in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let tool = &self.tool;
        match (self.decision.outcome, self.decision.code) {
            (Decided::Allow, _) => format!("Call {} of {tool} goes to the server.", self.call),
            (Decided::Approval, _) => {
                format!(
                    "Call {} of {tool} waits until a person approves it.",
                    self.call
                )
            }
            (Decided::Deny, Code::Hidden | Code::UnknownTool | Code::DefaultDeny) => {
                format!("For this agent there is no tool {tool}. The server hears nothing of it.")
            }
            (Decided::Deny, _) => {
                format!("Call {} of {tool} never reaches the server.", self.call)
            }
        }
    }

    /// The fullest limit, and whether it is small enough to be drawn.
    pub(crate) fn meter(&self) -> Option<&Charge> {
        self.decision
            .charges
            .iter()
            .filter(|charge| charge.max <= 40)
            .min_by_key(|charge| charge.left)
    }
}
