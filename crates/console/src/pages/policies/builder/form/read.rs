//! From what was typed to the rule that is meant.

use policy::{
    Approvers, Mode,
    builder::{ApprovalForm, Check, Clause, Operator, TestForm, Window},
};

use super::{ABSENT, Typed};
use crate::pages::fields::Faults;

pub(super) fn read_check(typed: &Typed, faults: &mut Faults) -> Check {
    Check {
        conditions: clauses(typed, faults),
        on_deny: text(typed, "on_deny"),
        missing_passes: typed.get("missing") == "pass",
        mode: mode(typed),
    }
}

pub(super) fn read_approval(typed: &Typed, faults: &mut Faults) -> ApprovalForm {
    let when = clauses(typed, faults);
    let quorum = match typed.get("quorum").trim() {
        "" => None,
        _ => whole(typed, "quorum", faults),
    };
    ApprovalForm {
        when: (!when.is_empty()).then_some(when),
        timeout: text(typed, "timeout"),
        reason: text(typed, "reason"),
        approvers: Approvers::named(typed.get("approvers")).unwrap_or_default(),
        four_eyes: typed.get("four_eyes") == "yes",
        quorum,
        mode: mode(typed),
    }
}

/// The conditions; a row in which nothing is typed is none.
fn clauses(typed: &Typed, faults: &mut Faults) -> Vec<Clause> {
    let mut clauses = Vec::new();
    for index in 0..typed.rows().max(1) {
        let [path, op, value] = typed.clause(index);
        let path = path.trim();
        if path.is_empty() && value.trim().is_empty() {
            continue;
        }
        if path.is_empty() {
            faults.add(&format!("c{index}.path"), "is missing");
        }
        let (op, value) = match op {
            ABSENT => ("exists", "false"),
            "exists" => ("exists", "true"),
            _ => (op, value),
        };
        let Some(operator) = Operator::named(op) else {
            faults.add(&format!("c{index}.op"), "is missing");
            continue;
        };
        match operator.read(value) {
            Ok(value) => clauses.push(Clause {
                path: path.to_owned(),
                op: op.to_owned(),
                value,
            }),
            Err(why) => faults.add(&format!("c{index}.value"), why),
        }
    }
    clauses
}

pub(super) fn read_test(typed: &Typed, faults: &mut Faults) -> Option<TestForm> {
    let repeat = match typed.get("repeat").trim() {
        "" => None,
        _ => whole(typed, "repeat", faults),
    };
    let mut labels = Vec::new();
    for line in typed
        .get("labels")
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        match line.split_once('=') {
            Some((key, value)) => labels.push((key.trim().to_owned(), value.trim().to_owned())),
            None => faults.add("labels", "must be written as key=value, one a line"),
        }
    }
    let args = text(typed, "args");
    if args.as_ref().is_some_and(|args| !is_object(args)) {
        faults.add("args", "must be a JSON object");
    }
    for field in ["name", "tool"] {
        if typed.get(field).trim().is_empty() {
            faults.add(field, "is missing");
        }
    }
    let expect = typed.get("expect");
    if !TestForm::EXPECTS.contains(&expect) {
        faults.add("expect", "is missing");
    }
    Some(TestForm {
        name: typed.get("name").trim().to_owned(),
        tool: typed.get("tool").trim().to_owned(),
        args,
        label: text(typed, "label"),
        identity: text(typed, "identity"),
        labels,
        at: text(typed, "at"),
        repeat,
        class: typed.get("class").parse().ok(),
        expect: expect.to_owned(),
        rule: text(typed, "rule"),
    })
}

fn is_object(text: &str) -> bool {
    let bounds = json::Bounds {
        bytes_max: 256 * 1024,
        depth_max: 32,
    };
    json::Document::parse(text.as_bytes(), bounds)
        .is_ok_and(|document| document.root().kind() == json::Kind::Object)
}

pub(super) fn text(typed: &Typed, name: &str) -> Option<String> {
    let text = typed.get(name).trim();
    (!text.is_empty()).then(|| text.replace("\r\n", "\n"))
}

pub(super) fn mode(typed: &Typed) -> Mode {
    Mode::named(typed.get("mode")).unwrap_or_default()
}

pub(super) fn whole(typed: &Typed, name: &str, faults: &mut Faults) -> Option<u64> {
    let number = typed.get(name).trim().parse().ok();
    if number.is_none() {
        faults.add(name, "must be a whole number");
    }
    number
}

pub(super) fn window(typed: &Typed, faults: &mut Faults) -> Option<Window> {
    let window = typed.get("window").trim();
    if window.is_empty() {
        faults.add("window", "is missing");
        return None;
    }
    Some(Window::parse(window))
}
