//! The form of one rule or test: what is typed into it, and the rule that this means.

mod fill;
mod read;

use policy::{
    Fault, LimitScope, Refill,
    builder::{
        At, Clause, ConcurrentForm, LimitForm, Operator, Place, RateForm, Rule, Sense, TestForm,
        Validation,
    },
};

use fill::{fill_approval, fill_check, fill_limit};
use read::{mode, read_approval, read_check, read_test, text, whole, window};

use super::super::draft::Fields;
use crate::pages::fields::Faults;

/// More conditions than a check may have are not read.
const CLAUSES_MAX: usize = 32;
/// The operator that asks for an absent value: `exists` with `false`.
const ABSENT: &str = "absent";

/// A kind of rule, by the member of a block that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Kind {
    pub(super) key: &'static str,
    /// "Add a …".
    pub(super) noun: &'static str,
    /// What it does, in a sentence.
    pub(super) help: &'static str,
    /// Whether the gateway does not enforce it yet: see `not_available.rs` of the policy crate.
    pub(super) later: bool,
    /// Whether it is offered for a block.
    offered: bool,
}

const fn kind(key: &'static str, noun: &'static str, help: &'static str) -> Kind {
    Kind {
        key,
        noun,
        help,
        later: false,
        offered: true,
    }
}

/// Every kind that has a form.
const KINDS: [Kind; 9] = [
    kind(
        "require",
        "requirement",
        "The call is refused unless all of this holds.",
    ),
    kind(
        "deny_if",
        "refusal",
        "The call is refused if all of this holds, or where that cannot be told.",
    ),
    kind(
        "limits",
        "limit",
        "So many calls, or so much of an argument, in a window of time.",
    ),
    kind(
        "validate",
        "validation",
        "The arguments are compared with the tool's own schema.",
    ),
    kind(
        "max_result_bytes",
        "result size",
        "A larger result is replaced by an error.",
    ),
    Kind {
        later: true,
        ..kind(
            "approval",
            "approval",
            "The call waits until a person has answered.",
        )
    },
    Kind {
        later: true,
        ..kind(
            "concurrent",
            "limit of calls at once",
            "So many calls in flight at the same time.",
        )
    },
    Kind {
        offered: false,
        ..kind(
            "rate_limit",
            "rate limit",
            "So many calls in a window of time, counted for each tool apart.",
        )
    },
    Kind {
        offered: false,
        ..kind(
            "tests",
            "test",
            "A call, and what must become of it. A policy whose tests fail is not published.",
        )
    },
];

impl Kind {
    pub(super) fn named(key: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.key == key)
    }

    /// Those that a block can be given.
    pub(super) fn offered() -> impl Iterator<Item = Self> {
        KINDS.into_iter().filter(|kind| kind.offered)
    }
}

/// A form that is open.
pub(in super::super) struct RuleForm {
    pub(super) kind: Kind,
    /// The block that the rule is to be added to, or the rule or test that is edited.
    pub(super) pointer: String,
    /// What stood there when the form was opened; empty for a new rule.
    pub(super) mark: String,
    pub(super) typed: Typed,
    pub(super) faults: Faults,
}

/// What is typed into a form, by field.
#[derive(Default)]
pub(super) struct Typed(Vec<(String, String)>);

/// A condition as it is typed.
pub(super) struct ClauseTyped {
    pub(super) index: usize,
    pub(super) path: String,
    pub(super) op: String,
    pub(super) value: String,
    pub(super) fault: Option<String>,
}

impl Typed {
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn put(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    fn put_some(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(name, value.to_string());
        }
    }

    fn clause(&self, index: usize) -> [&str; 3] {
        ["path", "op", "value"].map(|part| self.get(&format!("c{index}.{part}")))
    }

    fn put_clauses(&mut self, clauses: &[Clause]) {
        for (index, clause) in clauses.iter().enumerate() {
            let typed = Operator::named(&clause.op).and_then(|op| op.typed(&clause.value));
            let (op, value) = match (clause.op.as_str(), clause.value.as_str()) {
                ("exists", "false") => (ABSENT, String::new()),
                ("exists", _) => ("exists", String::new()),
                (op, _) => (op, typed.unwrap_or_default()),
            };
            self.put(format!("c{index}.path"), clause.path.as_str());
            self.put(format!("c{index}.op"), op);
            self.put(format!("c{index}.value"), value);
        }
        self.put("rows", clauses.len().to_string());
    }

    fn rows(&self) -> usize {
        self.get("rows").parse().unwrap_or(1).min(CLAUSES_MAX)
    }
}

impl RuleForm {
    /// The form that was sent, if one was open.
    pub(super) fn sent(fields: &Fields) -> Option<Self> {
        let (key, pointer) = fields.get("b.form").split_once(' ')?;
        let typed = fields.starting("r.");
        Some(Self {
            kind: Kind::named(key)?,
            pointer: pointer.to_owned(),
            mark: fields.get("b.mark").to_owned(),
            typed: Typed(
                typed
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect(),
            ),
            faults: Faults::default(),
        })
    }

    /// An empty form for a new rule in a block.
    pub(super) fn fresh(kind: Kind, pointer: &str) -> Self {
        let mut typed = Typed::default();
        match kind.key {
            "limits" => {
                typed.put("max", "10");
                typed.put("window", "minute");
            }
            "approval" => typed.put("rows", "0"),
            "tests" => {
                if let Some(Place::Tool(tool)) = Place::of(pointer) {
                    typed.put("tool", tool);
                }
                typed.put("expect", "deny");
            }
            _ => {}
        }
        Self::of(kind, pointer, "", typed)
    }

    /// The form of a rule that is there; none where the form would not send the same rule back.
    pub(super) fn of_rule(pointer: &str, mark: &str, rule: &Rule) -> Option<Self> {
        let mut typed = Typed::default();
        let key = match rule {
            Rule::Check(sense, check) => {
                fill_check(&mut typed, check);
                sense.key()
            }
            Rule::Limit(limit) => {
                fill_limit(&mut typed, limit);
                "limits"
            }
            Rule::Rate(rate) => {
                typed.put("max", rate.max.to_string());
                typed.put("window", rate.window.to_string());
                "rate_limit"
            }
            Rule::Concurrent(concurrent) => {
                typed.put("max", concurrent.max.to_string());
                typed.put("scope", concurrent.scope.as_str());
                typed.put("mode", concurrent.mode.as_str());
                "concurrent"
            }
            Rule::Validate(Validation::Schema) => {
                typed.put("validate", "schema");
                "validate"
            }
            Rule::Validate(Validation::RequiredArguments) => {
                typed.put("validate", "required");
                "validate"
            }
            Rule::ResultBytes(bytes) => {
                typed.put("bytes", bytes.to_string());
                "max_result_bytes"
            }
            Rule::Approval(approval) => {
                fill_approval(&mut typed, approval);
                "approval"
            }
        };
        let mut form = Self::of(Kind::named(key)?, pointer, mark, typed);
        (form.rule().as_ref() == Some(rule)).then_some(form)
    }

    /// The form of a test that is there, on the same terms.
    pub(super) fn of_test(pointer: &str, mark: &str, test: &TestForm) -> Option<Self> {
        let mut typed = Typed::default();
        typed.put("name", test.name.as_str());
        typed.put("tool", test.tool.as_str());
        typed.put_some("args", test.args.as_ref());
        typed.put_some("label", test.label.as_ref());
        typed.put_some("identity", test.identity.as_ref());
        let labels: Vec<String> = test
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        typed.put("labels", labels.join("\n"));
        typed.put_some("at", test.at.as_ref());
        typed.put_some("repeat", test.repeat);
        typed.put_some("class", test.class);
        typed.put("expect", test.expect.as_str());
        typed.put_some("rule", test.rule.as_ref());
        let mut form = Self::of(Kind::named("tests")?, pointer, mark, typed);
        (form.test().as_ref() == Some(test)).then_some(form)
    }

    /// As a browser will send it back: a field of one line holds one line.
    fn of(kind: Kind, pointer: &str, mark: &str, mut typed: Typed) -> Self {
        for (name, value) in &mut typed.0 {
            let long = LONG.contains(&name.as_str()) || name.ends_with(".value");
            if !long {
                value.retain(|c| c != '\n' && c != '\r');
            }
        }
        Self {
            kind,
            pointer: pointer.to_owned(),
            mark: mark.to_owned(),
            typed,
            faults: Faults::default(),
        }
    }

    /// Whether it is for a rule that is there already.
    pub(super) fn edits(&self) -> bool {
        !self.mark.is_empty()
    }

    pub(super) fn at(&self) -> At {
        At {
            pointer: self.pointer.clone(),
            mark: Some(self.mark.clone()),
        }
    }

    pub(super) fn clauses(&self) -> Vec<ClauseTyped> {
        // An approval without conditions holds every call, so its form begins without any.
        let least = usize::from(self.kind.key != "approval");
        let rows = 0..self.typed.rows().max(least);
        let clause = |index| {
            let [path, op, value] = self.typed.clause(index).map(str::to_owned);
            let parts = ["path", "op", "value"];
            let fault = parts.iter().find_map(|part| {
                let wrong = self.faults.of(&format!("c{index}.{part}"))?;
                Some(format!("The {part} {wrong}"))
            });
            ClauseTyped {
                index,
                path,
                op,
                value,
                fault,
            }
        };
        rows.map(clause).collect()
    }

    /// One more condition.
    pub(super) fn more(&mut self) {
        let rows = (self.clauses().len() + 1).min(CLAUSES_MAX);
        self.typed.0.retain(|(key, _)| key != "rows");
        self.typed.put("rows", rows.to_string());
    }

    /// Without one of the conditions.
    pub(super) fn fewer(&mut self, index: usize) {
        let rows = self.clauses();
        let mut kept = Typed::default();
        for (at, row) in rows.iter().filter(|row| row.index != index).enumerate() {
            kept.put(format!("c{at}.path"), row.path.as_str());
            kept.put(format!("c{at}.op"), row.op.as_str());
            kept.put(format!("c{at}.value"), row.value.as_str());
        }
        kept.put("rows", rows.len().saturating_sub(1).to_string());
        let conditions = |key: &str| key == "rows" || (key.starts_with('c') && key.contains('.'));
        self.typed.0.retain(|(key, _)| !conditions(key));
        self.typed.0.extend(kept.0);
    }

    /// Gives a limit's counter this name, where it was given none.
    pub(super) fn name_counter(&mut self, name: String) {
        if self.kind.key == "limits" && self.typed.get("counter").trim().is_empty() {
            self.typed.0.retain(|(key, _)| key != "counter");
            self.typed.put("counter", name);
        }
    }

    /// The rule that is meant; what is wrong with the fields is kept otherwise.
    pub(super) fn rule(&mut self) -> Option<Rule> {
        let mut faults = Faults::default();
        let rule = self.read(&mut faults);
        let whole = faults.is_empty();
        self.faults = faults;
        rule.filter(|_| whole)
    }

    fn read(&self, faults: &mut Faults) -> Option<Rule> {
        let typed = &self.typed;
        Some(match self.kind.key {
            "require" => Rule::Check(Sense::Require, read_check(typed, faults)),
            "deny_if" => Rule::Check(Sense::DenyIf, read_check(typed, faults)),
            "limits" => Rule::Limit(LimitForm {
                counter: typed.get("counter").trim().to_owned(),
                window: window(typed, faults)?,
                max: whole(typed, "max", faults)?,
                scope: LimitScope::named(typed.get("scope")).unwrap_or(LimitScope::Grant),
                per: text(typed, "per"),
                cost: text(typed, "cost"),
                refill: Refill::named(typed.get("refill")).unwrap_or(Refill::Sliding),
                on_deny: text(typed, "on_deny"),
                mode: mode(typed),
            }),
            "rate_limit" => Rule::Rate(RateForm {
                max: whole(typed, "max", faults)?,
                window: window(typed, faults)?,
            }),
            "concurrent" => Rule::Concurrent(ConcurrentForm {
                max: whole(typed, "max", faults)?,
                scope: LimitScope::named(typed.get("scope")).unwrap_or(LimitScope::Grant),
                mode: mode(typed),
            }),
            "validate" if typed.get("validate") == "required" => {
                Rule::Validate(Validation::RequiredArguments)
            }
            "validate" => Rule::Validate(Validation::Schema),
            "max_result_bytes" => Rule::ResultBytes(whole(typed, "bytes", faults)?),
            "approval" => Rule::Approval(read_approval(typed, faults)),
            _ => return None,
        })
    }

    /// The test that is meant.
    pub(super) fn test(&mut self) -> Option<TestForm> {
        let mut faults = Faults::default();
        let test = read_test(&self.typed, &mut faults);
        let whole = faults.is_empty();
        self.faults = faults;
        test.filter(|_| whole)
    }

    /// Keeps what a check of the whole document found of this rule, at its field where it has one.
    pub(super) fn found(&mut self, rule: &str, faults: &[Fault]) {
        for fault in faults {
            let inside = fault.pointer.strip_prefix(rule).unwrap_or_default();
            let steps: Vec<&str> = inside.split('/').skip(1).collect();
            let said = match &fault.hint {
                Some(hint) => format!("{}; nearest: {hint}", fault.detail),
                None => fault.detail.clone(),
            };
            match steps.as_slice() {
                ["conditions" | "when", index, part, ..] => {
                    self.faults
                        .add(&format!("c{index}.{part}"), format!("is not right: {said}"));
                }
                [field, ..] if FIELDS.contains(field) => {
                    self.faults.add(field, format!("is not right: {said}"));
                }
                [] if self.kind.key == "max_result_bytes" => {
                    self.faults.add("bytes", format!("is not right: {said}"));
                }
                _ => self.faults.add("form", said),
            }
        }
    }
}

/// The fields of more than one line.
const LONG: [&str; 4] = ["on_deny", "reason", "args", "labels"];
/// The fields that have their own place for a fault.
const FIELDS: [&str; 14] = [
    "counter", "max", "window", "per", "cost", "on_deny", "timeout", "reason", "quorum", "name",
    "tool", "args", "at", "rule",
];
