//! What a form holds of each kind of rule.
//!
//! A form is read from the text only where it holds all that stands there: what is unknown, or of a
//! type that the language has no use for, has no form, so that replacing a rule by what was read
//! loses nothing. Written back, only the members that differ are touched.

use std::borrow::Cow;

use domain::ToolClass;
use json::{Kind, Value};

use super::operator::{Operator, quoted};
use crate::{
    case::Expect,
    language::{self, Object, Words},
    limit::{Approvers, LimitScope, Mode, Refill},
};

/// A rule of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// An entry of `require` or `deny_if`.
    Check(Sense, Check),
    /// An entry of `limits`.
    Limit(LimitForm),
    /// `rate_limit`.
    Rate(RateForm),
    /// `concurrent`.
    Concurrent(ConcurrentForm),
    /// `validate`.
    Validate(Validation),
    /// `max_result_bytes`.
    ResultBytes(u64),
    /// `approval`.
    Approval(ApprovalForm),
}

/// Which of its two senses a check has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// Each must hold.
    Require,
    /// None may hold.
    DenyIf,
}

/// A check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// All of these together.
    pub conditions: Vec<Clause>,
    /// What the agent is told.
    pub on_deny: Option<String>,
    /// Whether a `deny_if` check passes where a path of it is missing.
    pub missing_passes: bool,
    /// Whether it refuses.
    pub mode: Mode,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Where it looks.
    pub path: String,
    /// The operator's name.
    pub op: String,
    /// The value as a JSON text.
    pub value: String,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitForm {
    /// The counter's name.
    pub counter: String,
    /// How long a token is gone.
    pub window: Window,
    /// Tokens.
    pub max: u64,
    /// Whose bucket it is.
    pub scope: LimitScope,
    /// The argument that gives each of its values a bucket of its own.
    pub per: Option<String>,
    /// The argument that is spent instead of 1.
    pub cost: Option<String>,
    /// How tokens come back.
    pub refill: Refill,
    /// What the agent is told.
    pub on_deny: Option<String>,
    /// Whether it refuses.
    pub mode: Mode,
}

/// `rate_limit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateForm {
    /// Calls.
    pub max: u64,
    /// In how long a time.
    pub window: Window,
}

/// A window as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// `second`, `minute`, `hour`, `day` or `week`.
    Named(String),
    /// So many seconds.
    Seconds(u64),
}

/// `concurrent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcurrentForm {
    /// Calls at once.
    pub max: u64,
    /// Whose calls are counted together.
    pub scope: LimitScope,
    /// Whether it refuses.
    pub mode: Mode,
}

/// `validate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// Against the whole of the tool's `inputSchema`.
    Schema,
    /// That what it requires is there.
    RequiredArguments,
}

/// `approval`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApprovalForm {
    /// Which calls; every one where there is no list.
    pub when: Option<Vec<Clause>>,
    /// How long it waits, such as `30m`.
    pub timeout: Option<String>,
    /// What whoever answers is told.
    pub reason: Option<String>,
    /// Who may answer.
    pub approvers: Approvers,
    /// Whether those behind the grant may not answer.
    pub four_eyes: bool,
    /// How many must approve; 1 where it is none.
    pub quorum: Option<u64>,
    /// Whether it holds the call.
    pub mode: Mode,
}

/// An entry of `tests`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestForm {
    /// What it shows.
    pub name: String,
    /// The tool that is called.
    pub tool: String,
    /// The arguments, a JSON object.
    pub args: Option<String>,
    /// The grant's label.
    pub label: Option<String>,
    /// The grant's identity.
    pub identity: Option<String>,
    /// The grant's labels.
    pub labels: Vec<(String, String)>,
    /// When, as RFC 3339 has it.
    pub at: Option<String>,
    /// How often; 1 where it is none.
    pub repeat: Option<u64>,
    /// The tool's class instead of the inventory's.
    pub class: Option<ToolClass>,
    /// `allow`, `deny`, `hide` or `approval`.
    pub expect: String,
    /// The rule that must have decided, as a pointer.
    pub rule: Option<String>,
}

/// A member as it is to be written.
pub(super) struct Member {
    pub(super) key: &'static str,
    /// None where it is absent.
    pub(super) json: Option<String>,
    /// What its absence means; such a member stays where an author wrote it.
    pub(super) default: Option<&'static str>,
    /// Whether it is a list of conditions, which are written one by one.
    pub(super) clauses: Option<Vec<Clause>>,
}

impl Sense {
    /// The list that such checks stand in.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::DenyIf => "deny_if",
        }
    }
}

impl Rule {
    /// The member of a block that it stands in, and whether that is a list.
    pub(super) const fn home(&self) -> (&'static str, bool) {
        match self {
            Self::Check(sense, _) => (sense.key(), true),
            Self::Limit(_) => ("limits", true),
            Self::Rate(_) => ("rate_limit", false),
            Self::Concurrent(_) => ("concurrent", false),
            Self::Validate(_) => ("validate", false),
            Self::ResultBytes(_) => ("max_result_bytes", false),
            Self::Approval(_) => ("approval", false),
        }
    }

    /// The rule that a member, or an element of it, is; none where a form cannot hold all of it.
    pub(super) fn read(home: &str, value: Value<'_>) -> Option<Self> {
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

    /// Its members; none of a rule that is a plain value.
    pub(super) fn members(&self) -> Option<Vec<Member>> {
        match self {
            Self::Check(sense, check) => Some(check.members(*sense)),
            Self::Limit(limit) => Some(limit.members()),
            Self::Rate(rate) => Some(rate.members()),
            Self::Concurrent(concurrent) => Some(concurrent.members()),
            Self::Approval(approval) => Some(approval.members()),
            Self::Validate(_) | Self::ResultBytes(_) => None,
        }
    }

    /// The rule as a JSON text.
    pub(super) fn json(&self) -> String {
        match self {
            Self::Validate(Validation::Schema) => "\"schema\"".to_owned(),
            Self::Validate(Validation::RequiredArguments) => "{\"required_args\":true}".to_owned(),
            Self::ResultBytes(bytes) => bytes.to_string(),
            _ => object(&self.members().unwrap_or_default()),
        }
    }

    /// Whether it only records.
    #[must_use]
    pub const fn mode(&self) -> Option<Mode> {
        match self {
            Self::Check(_, check) => Some(check.mode),
            Self::Limit(limit) => Some(limit.mode),
            Self::Concurrent(concurrent) => Some(concurrent.mode),
            Self::Approval(approval) => Some(approval.mode),
            Self::Rate(_) | Self::Validate(_) | Self::ResultBytes(_) => None,
        }
    }
}

/// Members that are there, as an object.
pub(super) fn object(members: &[Member]) -> String {
    let there = members.iter().filter_map(|member| {
        let json = member.json.as_ref()?;
        Some(format!("{}:{json}", quoted(member.key)))
    });
    format!("{{{}}}", there.collect::<Vec<_>>().join(","))
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

    fn members(&self, sense: Sense) -> Vec<Member> {
        let mut members = vec![
            conditions("conditions", Some(&self.conditions)),
            text("on_deny", self.on_deny.as_deref()),
        ];
        if sense == Sense::DenyIf {
            let missing = self.missing_passes.then(|| "\"pass\"".to_owned());
            members.push(member("missing", missing, None));
        }
        members.push(mode(self.mode));
        members
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

    pub(super) fn members(&self) -> Vec<Member> {
        vec![
            text("path", Some(&self.path)),
            text("op", Some(&self.op)),
            member("value", Some(self.value.clone()), None),
        ]
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

    fn members(&self) -> Vec<Member> {
        let refill = (self.refill != Refill::Sliding).then(|| quoted(self.refill.as_str()));
        vec![
            text("counter", Some(&self.counter)),
            member("window", Some(self.window.json()), None),
            member("max", Some(self.max.to_string()), None),
            scope(self.scope),
            text("per", self.per.as_deref()),
            text("cost", self.cost.as_deref()),
            member("refill", refill, Some("\"sliding\"")),
            text("on_deny", self.on_deny.as_deref()),
            mode(self.mode),
        ]
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

    fn members(&self) -> Vec<Member> {
        vec![
            member("max", Some(self.max.to_string()), None),
            member("window", Some(self.window.json()), None),
        ]
    }
}

impl Window {
    /// The window that a person means by a word or by a number of seconds.
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        let typed = typed.trim();
        match typed.parse() {
            Ok(seconds) => Self::Seconds(seconds),
            Err(_) => Self::Named(typed.to_owned()),
        }
    }

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

    fn json(&self) -> String {
        match self {
            Self::Named(name) => quoted(name),
            Self::Seconds(seconds) => seconds.to_string(),
        }
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Seconds(seconds) => write!(f, "{seconds}"),
        }
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

    fn members(&self) -> Vec<Member> {
        let max = member("max", Some(self.max.to_string()), None);
        vec![max, scope(self.scope), mode(self.mode)]
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

    fn members(&self) -> Vec<Member> {
        let approvers =
            (self.approvers != Approvers::default()).then(|| quoted(self.approvers.as_str()));
        let quorum = self.quorum.filter(|&quorum| quorum != 1);
        vec![
            conditions("when", self.when.as_deref()),
            text("timeout", self.timeout.as_deref()),
            text("reason", self.reason.as_deref()),
            member("approvers", approvers, Some("\"policy_manager\"")),
            member(
                "four_eyes",
                self.four_eyes.then(|| "true".to_owned()),
                Some("false"),
            ),
            member("quorum", quorum.map(|it| it.to_string()), Some("1")),
            mode(self.mode),
        ]
    }
}

impl TestForm {
    /// The words for what a test expects.
    pub const EXPECTS: [&'static str; 4] = ["allow", "deny", "hide", "approval"];

    pub(super) fn read(value: Value<'_>) -> Option<Self> {
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

    pub(super) fn members(&self) -> Vec<Member> {
        let repeat = self.repeat.filter(|&repeat| repeat != 1);
        let class = self.class.map(|class| quoted(class.as_str()));
        vec![
            text("name", Some(&self.name)),
            text("tool", Some(&self.tool)),
            member("args", self.args.clone(), Some("{}")),
            member("grant", self.grant(), Some("{}")),
            text("at", self.at.as_deref()),
            member("repeat", repeat.map(|it| it.to_string()), Some("1")),
            member("class", class, None),
            text("expect", Some(&self.expect)),
            text("rule", self.rule.as_deref()),
        ]
    }

    fn grant(&self) -> Option<String> {
        let labels = (!self.labels.is_empty()).then(|| {
            let pairs = self.labels.iter();
            let pairs = pairs.map(|(key, value)| format!("{}:{}", quoted(key), quoted(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        });
        let members = [
            text("label", self.label.as_deref()),
            member("labels", labels, None),
            text("identity", self.identity.as_deref()),
        ];
        (members.iter().any(|member| member.json.is_some())).then(|| object(&members))
    }
}

fn labels_of(labels: Value<'_>) -> Option<Vec<(String, String)>> {
    let pair = |(key, value): (Cow<'_, str>, Value<'_>)| {
        Some((key.into_owned(), value.as_str()?.into_owned()))
    };
    (labels.kind() == Kind::Object && !labels.is_empty())
        .then(|| labels.members().map(pair).collect())?
}

fn member(key: &'static str, json: Option<String>, default: Option<&'static str>) -> Member {
    Member {
        key,
        json,
        default,
        clauses: None,
    }
}

fn text(key: &'static str, text: Option<&str>) -> Member {
    member(key, text.map(quoted), None)
}

fn mode(mode: Mode) -> Member {
    let json = (mode == Mode::Shadow).then(|| "\"shadow\"".to_owned());
    member("mode", json, Some("\"enforce\""))
}

fn scope(scope: LimitScope) -> Member {
    let json = (scope != LimitScope::Grant).then(|| quoted(scope.as_str()));
    member("scope", json, Some("\"grant\""))
}

fn conditions(key: &'static str, clauses: Option<&[Clause]>) -> Member {
    let json = clauses.map(|clauses| {
        let all: Vec<_> = clauses
            .iter()
            .map(|clause| object(&clause.members()))
            .collect();
        format!("[{}]", all.join(","))
    });
    Member {
        clauses: clauses.map(<[Clause]>::to_vec),
        ..member(key, json, None)
    }
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
