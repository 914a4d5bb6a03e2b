//! Reading forms: none where a form cannot hold all that stands there.

use std::borrow::Cow;

use json::{Kind, Value};

use super::{
    ApprovalForm, Check, Clause, ConcurrentForm, LimitForm, RateForm, Rule, Sense, TestForm,
    Validation, Window,
};
use crate::{
    builder::operator::Operator,
    case::Expect,
    language::{self, Object, Words},
    limit::{LimitScope, Mode, Refill},
};

impl Rule {
    /// The rule that a member, or an element of it, is; none where a form cannot hold all of it.
    pub(in crate::builder) fn read(home: &str, value: Value<'_>) -> Option<Self> {
        match home {
            "require" => {
                Check::read(value, Sense::Require).map(|it| Self::Check(Sense::Require, it))
            }
            "deny_if" => Check::read(value, Sense::DenyIf).map(|it| Self::Check(Sense::DenyIf, it)),
            "limits" => LimitForm::read(value).map(Self::Limit),
            "rate_limit" => RateForm::read(value).map(Self::Rate),
            "concurrent" => ConcurrentForm::read(value).map(Self::Concurrent),
            "validate" => Validation::read(value).map(Self::Validate),
            "max_result_bytes" => whole(value).map(Self::ResultBytes),
            "approval" => ApprovalForm::read(value).map(Self::Approval),
            _ => None,
        }
    }
}

impl Check {
    fn read(value: Value<'_>, sense: Sense) -> Option<Self> {
        let mut fields = match sense {
            Sense::Require => Fields::of(value, &language::REQUIRE)?,
            Sense::DenyIf => Fields::of(value, &language::DENY_IF)?,
        };
        let check = Self {
            conditions: clauses(value.get("conditions")?)?,
            on_deny: fields.text("on_deny"),
            missing_passes: fields.word::<language::Missing>("missing").is_some(),
            mode: fields.mode(),
        };
        fields.whole.then_some(check)
    }
}

impl Clause {
    fn read(value: Value<'_>) -> Option<Self> {
        Fields::of(value, &language::CONDITION)?;
        let text = |key| value.get(key)?.as_str().map(Cow::into_owned);
        let clause = Self {
            path: text("path")?,
            op: text("op")?,
            value: value.get("value")?.raw().to_owned(),
        };
        // A value that nobody could type has no form.
        Operator::named(&clause.op)?.typed(&clause.value)?;
        Some(clause)
    }
}

impl LimitForm {
    fn read(value: Value<'_>) -> Option<Self> {
        let mut fields = Fields::of(value, &language::LIMIT)?;
        let limit = Self {
            counter: value.get("counter")?.as_str()?.into_owned(),
            window: Window::read(value.get("window")?)?,
            max: whole(value.get("max")?)?,
            scope: fields.scope(),
            per: fields.text("per"),
            cost: fields.text("cost"),
            refill: fields.word("refill").unwrap_or(Refill::Sliding),
            on_deny: fields.text("on_deny"),
            mode: fields.mode(),
        };
        fields.whole.then_some(limit)
    }
}

impl RateForm {
    fn read(value: Value<'_>) -> Option<Self> {
        Fields::of(value, &language::RATE_LIMIT)?;
        Some(Self {
            max: whole(value.get("max")?)?,
            window: Window::read(value.get("window")?)?,
        })
    }
}

impl ConcurrentForm {
    fn read(value: Value<'_>) -> Option<Self> {
        let mut fields = Fields::of(value, &language::CONCURRENT)?;
        let concurrent = Self {
            max: whole(value.get("max")?)?,
            scope: fields.scope(),
            mode: fields.mode(),
        };
        fields.whole.then_some(concurrent)
    }
}

impl Validation {
    fn read(value: Value<'_>) -> Option<Self> {
        if value.is("schema") {
            return Some(Self::Schema);
        }
        Fields::of(value, &language::REQUIRED_ARGS)?;
        (value.get("required_args")?.as_bool()?).then_some(Self::RequiredArguments)
    }
}

impl ApprovalForm {
    fn read(value: Value<'_>) -> Option<Self> {
        let mut fields = Fields::of(value, &language::APPROVAL)?;
        let when = match value.get("when") {
            Some(when) => Some(clauses(when)?),
            None => None,
        };
        let approval = Self {
            when,
            timeout: fields.text("timeout"),
            reason: fields.text("reason"),
            approvers: fields.word("approvers").unwrap_or_default(),
            four_eyes: fields.read("four_eyes", Value::as_bool).unwrap_or(false),
            quorum: fields.read("quorum", whole).filter(|&quorum| quorum != 1),
            mode: fields.mode(),
        };
        fields.whole.then_some(approval)
    }
}

impl TestForm {
    pub(in crate::builder) fn read(value: Value<'_>) -> Option<Self> {
        let mut fields = Fields::of(value, &language::TEST)?;
        let mut test = Self {
            name: value.get("name")?.as_str()?.into_owned(),
            tool: value.get("tool")?.as_str()?.into_owned(),
            args: fields.read("args", |args| {
                (args.kind() == Kind::Object).then(|| args.raw().to_owned())
            }),
            at: fields.text("at"),
            repeat: fields.read("repeat", whole).filter(|&repeat| repeat != 1),
            class: fields.word("class"),
            expect: value.get("expect")?.as_str()?.into_owned(),
            rule: fields.text("rule"),
            ..Self::default()
        };
        if !Expect::WORDS.iter().any(|(word, _)| *word == test.expect) {
            return None;
        }
        if let Some(grant) = value.get("grant") {
            let mut inner = Fields::of(grant, &language::TEST_GRANT)?;
            test.label = inner.text("label");
            test.identity = inner.text("identity");
            if let Some(labels) = grant.get("labels") {
                test.labels = labels_of(labels)?;
            }
            fields.whole &= inner.whole;
        }
        fields.whole.then_some(test)
    }
}

impl Window {
    fn read(value: Value<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Number => whole(value).map(Self::Seconds),
            // A text that is a number would be written back as one.
            _ => match Self::parse(&value.as_str()?) {
                named if value.as_str()? == named.to_string() => match named {
                    Self::Named(_) => Some(named),
                    Self::Seconds(_) => None,
                },
                _ => None,
            },
        }
    }
}

fn labels_of(labels: Value<'_>) -> Option<Vec<(String, String)>> {
    let pair = |(key, value): (Cow<'_, str>, Value<'_>)| {
        Some((key.into_owned(), value.as_str()?.into_owned()))
    };
    (labels.kind() == Kind::Object && !labels.is_empty())
        .then(|| labels.members().map(pair).collect())?
}

fn clauses(list: Value<'_>) -> Option<Vec<Clause>> {
    (list.kind() == Kind::Array).then(|| list.elements().map(Clause::read).collect())?
}

/// A whole number, written without point or exponent.
fn whole(value: Value<'_>) -> Option<u64> {
    value.as_number()?.parse().ok()
}

/// The members of an object, as long as each is what a form can hold.
struct Fields<'d> {
    value: Value<'d>,
    whole: bool,
}

impl<'d> Fields<'d> {
    fn of(value: Value<'d>, object: &Object) -> Option<Self> {
        let fits = value.kind() == Kind::Object
            && value
                .entries()
                .all(|(key, _)| object.names().any(|name| key.is(name)));
        fits.then_some(Self { value, whole: true })
    }

    /// What is made of a member; one of which nothing is made spoils the whole.
    fn read<T>(&mut self, key: &str, read: impl FnOnce(Value<'d>) -> Option<T>) -> Option<T> {
        let made = read(self.value.get(key)?);
        self.whole &= made.is_some();
        made
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.read(key, |value| value.as_str().map(Cow::into_owned))
    }

    fn word<T: Words>(&mut self, key: &str) -> Option<T> {
        self.read(key, |value| {
            let found = T::WORDS.iter().find(|(word, _)| value.is(word));
            found.map(|(_, meant)| *meant)
        })
    }

    fn mode(&mut self) -> Mode {
        self.word("mode").unwrap_or_default()
    }

    fn scope(&mut self) -> LimitScope {
        self.word("scope").unwrap_or(LimitScope::Grant)
    }
}
