//! Writing forms, member by member.

use super::{
    ApprovalForm, Check, Clause, ConcurrentForm, LimitForm, Member, RateForm, Rule, Sense,
    TestForm, Validation, Window,
};
use crate::{
    builder::operator::quoted,
    limit::{Approvers, LimitScope, Mode, Refill},
};

impl Rule {
    /// Its members; none of a rule that is a plain value.
    pub(in crate::builder) fn members(&self) -> Option<Vec<Member>> {
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
    pub(in crate::builder) fn json(&self) -> String {
        match self {
            Self::Validate(Validation::Schema) => "\"schema\"".to_owned(),
            Self::Validate(Validation::RequiredArguments) => "{\"required_args\":true}".to_owned(),
            Self::ResultBytes(bytes) => bytes.to_string(),
            _ => object(&self.members().unwrap_or_default()),
        }
    }
}

/// Members that are there, as an object.
pub(in crate::builder) fn object(members: &[Member]) -> String {
    let there = members.iter().filter_map(|member| {
        let json = member.json.as_ref()?;
        Some(format!("{}:{json}", quoted(member.key)))
    });
    format!("{{{}}}", there.collect::<Vec<_>>().join(","))
}

impl Check {
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
    pub(in crate::builder) fn members(&self) -> Vec<Member> {
        vec![
            text("path", Some(&self.path)),
            text("op", Some(&self.op)),
            member("value", Some(self.value.clone()), None),
        ]
    }
}

impl LimitForm {
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
    fn members(&self) -> Vec<Member> {
        vec![
            member("max", Some(self.max.to_string()), None),
            member("window", Some(self.window.json()), None),
        ]
    }
}

impl ConcurrentForm {
    fn members(&self) -> Vec<Member> {
        let max = member("max", Some(self.max.to_string()), None);
        vec![max, scope(self.scope), mode(self.mode)]
    }
}

impl ApprovalForm {
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
    pub(in crate::builder) fn members(&self) -> Vec<Member> {
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

impl Window {
    fn json(&self) -> String {
        match self {
            Self::Named(name) => quoted(name),
            Self::Seconds(seconds) => seconds.to_string(),
        }
    }
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
