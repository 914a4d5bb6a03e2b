//! Rules as sentences. What stands between backticks is quoted from the document.

use super::{
    operator::{Operator, Takes},
    rule::{
        ApprovalForm, Check, Clause, ConcurrentForm, LimitForm, Rule, Sense, TestForm, Validation,
        Window,
    },
};
use crate::{
    limit::{Approvers, LimitScope, Refill},
    message,
};

/// Quoted values are cut to this many characters.
const VALUE_CHARS_MAX: usize = 60;
/// Of a list so many values are quoted.
const VALUES_MAX: usize = 4;

pub(super) fn of(rule: &Rule) -> String {
    match rule {
        Rule::Check(Sense::Require, check) => required(check),
        Rule::Check(Sense::DenyIf, check) => refused(check),
        Rule::Limit(limit) => limited(limit),
        Rule::Rate(rate) => format!(
            "at most {} {} for each grant",
            rate.max,
            window(&rate.window)
        ),
        Rule::Concurrent(concurrent) => at_once(concurrent),
        Rule::Validate(Validation::Schema) => {
            "validate the arguments against the tool's schema".to_owned()
        }
        Rule::Validate(Validation::RequiredArguments) => {
            "require every argument that the tool's schema requires".to_owned()
        }
        Rule::ResultBytes(bytes) => format!("replace results over {}", size(*bytes)),
        Rule::Approval(approval) => held(approval),
    }
}

pub(super) fn of_test(test: &TestForm) -> String {
    let times = match test.repeat {
        Some(times) => format!(" called {times} times at once"),
        None => String::new(),
    };
    let rule = match &test.rule {
        Some(rule) => format!(" by `{}`", cut(rule)),
        None => String::new(),
    };
    let outcome = match test.expect.as_str() {
        "allow" => "is allowed",
        "deny" => "is refused",
        "hide" => "is hidden",
        _ => "is held for approval",
    };
    format!("`{}`{times} {outcome}{rule}", cut(&test.tool))
}

fn required(check: &Check) -> String {
    match check.conditions.as_slice() {
        [] => "require nothing".to_owned(),
        conditions => format!("require that {}", all(conditions)),
    }
}

fn refused(check: &Check) -> String {
    let missing = match check.missing_passes {
        true => "; where it is missing the call passes",
        false => "",
    };
    match check.conditions.as_slice() {
        [] => "refuse every call".to_owned(),
        conditions => format!("refuse if {}{missing}", all(conditions)),
    }
}

fn limited(limit: &LimitForm) -> String {
    let what = match &limit.cost {
        Some(cost) => format!("{} of `{}`", limit.max, cut(cost)),
        None => limit.max.to_string(),
    };
    let per = match &limit.per {
        Some(per) => format!(" and each value of `{}`", cut(per)),
        None => String::new(),
    };
    let refill = match limit.refill {
        Refill::Sliding => "",
        Refill::Steady => ", coming back evenly",
        Refill::Calendar => ", coming back all at once with the calendar",
    };
    let window = window(&limit.window);
    let whose = whose(limit.scope);
    format!("at most {what} {window} {whose}{per}{refill}")
}

fn at_once(concurrent: &ConcurrentForm) -> String {
    format!(
        "at most {} at once {}",
        concurrent.max,
        whose(concurrent.scope)
    )
}

const fn whose(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Grant => "for each grant",
        LimitScope::Server => "for the whole server",
        LimitScope::Org => "for the whole organisation",
        LimitScope::Session => "for each session",
        LimitScope::Identity => "for each identity",
    }
}

fn held(approval: &ApprovalForm) -> String {
    let mut sentence = match approval.when.as_deref() {
        None => "hold every call for approval".to_owned(),
        Some([]) => "hold every call for approval".to_owned(),
        Some(when) => format!("hold for approval if {}", all(when)),
    };
    if approval.approvers == Approvers::Admin {
        sentence.push_str(" by an admin");
    }
    if let Some(quorum) = approval.quorum {
        sentence.push_str(&format!(", by {quorum} people"));
    }
    if approval.four_eyes {
        sentence.push_str(", never by whoever is behind the grant");
    }
    if let Some(timeout) = &approval.timeout {
        sentence.push_str(&format!(", for at most {}", cut(timeout)));
    }
    sentence
}

fn all(conditions: &[Clause]) -> String {
    let sentences: Vec<String> = conditions.iter().map(condition).collect();
    sentences.join(" and ")
}

fn condition(clause: &Clause) -> String {
    let path = cut(&clause.path);
    let Some(operator) = Operator::named(&clause.op) else {
        return format!("`{path}` `{}` `{}`", cut(&clause.op), cut(&clause.value));
    };
    if operator.takes == Takes::Boolean {
        let is = if clause.value == "false" {
            "absent"
        } else {
            "present"
        };
        return format!("`{path}` is {is}");
    }
    let typed = operator
        .typed(&clause.value)
        .unwrap_or_else(|| clause.value.clone());
    let values: Vec<&str> = match operator.takes {
        Takes::Many | Takes::Texts => typed.lines().collect(),
        _ => vec![typed.as_str()],
    };
    let shown: Vec<String> = values
        .iter()
        .take(VALUES_MAX)
        .map(|it| format!("`{}`", cut(it)))
        .collect();
    let more = match values.len().saturating_sub(VALUES_MAX) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("`{path}` {} {}{more}", operator.words, shown.join(", "))
}

fn window(window: &Window) -> String {
    let seconds = match window {
        Window::Seconds(seconds) => *seconds,
        Window::Named(name) => match name.as_str() {
            "second" => 1,
            "minute" => 60,
            "hour" => 3600,
            "day" => 86_400,
            "week" => 604_800,
            other => return format!("per `{}`", cut(other)),
        },
    };
    message::window(seconds.saturating_mul(1000))
}

fn size(bytes: u64) -> String {
    match bytes {
        n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 && n.is_multiple_of(1 << 10) => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}

/// A text cut to a readable length; a backtick in it would end the quotation.
pub(super) fn cut(text: &str) -> String {
    let text = text.replace('`', "'");
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
