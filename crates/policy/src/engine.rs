//! A policy compiled against one server's inventory, and the order in which it judges.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use domain::{
    Tool, ToolClass,
    audit::{Code, Shadow},
};

use crate::{
    effort::Effort,
    evaluate::{self, Join, ToolFacts},
    limit::{Approval, Concurrent, Limit},
    message,
    plan::{Plan, Standing},
    policy::Policy,
    rules::{Block, Check, Rules},
    truth::Truth,
};

/// A policy compiled against one server's inventory: one look-up per call.
#[derive(Debug)]
pub struct Engine {
    rules: Arc<Rules>,
    /// Each tool of the inventory, and each that an entry of `tools` names exactly.
    plans: HashMap<Box<str>, Plan, foldhash::fast::RandomState>,
    /// Whether a name that has no plan is unknown. Without an inventory nobody can say.
    inventory_known: bool,
}

/// One call to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The tool's name, byte for byte as it was called.
    pub tool: &'a str,
    /// The arguments exactly as they will be forwarded; none where the call has none.
    pub arguments: Option<json::Value<'a>>,
    /// Whose call it is.
    pub grant: GrantFacts<'a>,
    /// The tool's class, in place of the inventory's; none of the gateway's calls has one.
    pub class: Option<ToolClass>,
    /// Now, in milliseconds since 1970 in UTC.
    pub now_unix_ms: u64,
}

/// What a policy can ask of a grant.
#[derive(Debug, Clone, Copy)]
pub struct GrantFacts<'a> {
    /// Its label.
    pub label: &'a str,
    /// Who it acts for.
    pub identity: Option<&'a str>,
    /// Its labels.
    pub labels: &'a [(String, String)],
}

/// What was decided, and what shadow rules would have done.
#[derive(Debug, Clone)]
pub struct Judgement<'e> {
    /// What was decided.
    pub verdict: Verdict<'e>,
    /// Each shadow rule that would have refused or held the call, in the order of evaluation up to
    /// the refusal, if there is one.
    pub shadow: Vec<Shadow>,
}

/// What was decided.
#[derive(Debug, Clone)]
pub enum Verdict<'e> {
    /// Not to be forwarded.
    Refuse(Refusal<'e>),
    /// Let through once what it asks for is there.
    Pass(Pass<'e>),
}

/// What a call that no rule refuses still needs.
#[derive(Debug, Clone)]
pub struct Pass<'e> {
    /// A person's answer. Without a usable one the call is held.
    pub approval: Option<&'e Approval>,
    /// Tokens, of all these or of none: one of each, unless [`Pass::spends`] says otherwise.
    pub limits: Cow<'e, [Limit]>,
    /// For each limit, where any of them has `per` or `cost`.
    amounts: Box<[Amount]>,
    /// A place among the calls in flight, in each of these.
    pub concurrent: Cow<'e, [Concurrent]>,
    /// The largest result that is relayed, in bytes; the smallest of those that apply.
    pub max_result_bytes: Option<u64>,
}

#[derive(Debug, Clone)]
struct Amount {
    cost: u64,
    per: Option<Box<str>>,
}

/// What one limit takes for this call.
#[derive(Debug, Clone, Copy)]
pub struct Spend<'p> {
    /// The limit.
    pub limit: &'p Limit,
    /// How many tokens.
    pub cost: u64,
    /// Whose bucket, where each value of an argument has its own: the value's canonical JSON.
    pub per: Option<&'p str>,
}

impl Pass<'_> {
    /// What each limit takes, in the order of [`Pass::limits`].
    pub fn spends(&self) -> impl Iterator<Item = Spend<'_>> {
        self.limits.iter().enumerate().map(|(at, limit)| {
            let amount = self.amounts.get(at);
            Spend {
                limit,
                cost: amount.map_or(1, |amount| amount.cost),
                per: amount.and_then(|amount| amount.per.as_deref()),
            }
        })
    }
}

/// Why a call is refused.
#[derive(Debug, Clone)]
pub struct Refusal<'e> {
    /// The kind of refusal.
    pub code: Code,
    /// The rule, as a pointer into the document; none for a tool the server does not have.
    pub rule: Option<Cow<'e, str>>,
    /// What the model reads.
    pub message: Cow<'e, str>,
}

impl Engine {
    /// Compiles a policy. With an inventory, names outside it are unknown unless an entry of
    /// `tools` names them exactly; without one, only `hide` can make a tool unknown.
    #[must_use]
    pub fn compile(policy: &Policy, inventory: Option<&[Tool]>) -> Self {
        let rules = Arc::clone(&policy.rules);
        let mut plans = HashMap::default();
        for (glob, _) in rules.tools.iter().filter(|(glob, _)| glob.is_exact()) {
            plans.insert(glob.text().into(), rules.plan(glob.text()));
        }
        if let Some(inventory) = inventory {
            plans.extend(
                rules
                    .plan_inventory(inventory)
                    .into_iter()
                    .map(|(name, plan)| (name.into(), plan)),
            );
        }
        Self {
            rules,
            plans,
            inventory_known: inventory.is_some(),
        }
    }

    /// Whether `tools/list` shows the tool: neither hidden nor unknown nor left to a default of
    /// deny.
    #[must_use]
    pub fn shows(&self, tool: &str) -> bool {
        let standing = match self.plans.get(tool) {
            Some(plan) => plan.standing,
            None if self.inventory_known => Standing::Unknown,
            None => self.rules.plan(tool).standing,
        };
        standing == Standing::Ruled
    }

    /// The document as it is understood.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether the document's `default` is allow.
    #[must_use]
    pub fn allows_by_default(&self) -> bool {
        self.rules.default_allow
    }

    /// Judges one call: the order of `policy.md`, section 7. The first refusal wins.
    #[must_use]
    pub fn judge<'e>(&'e self, call: &Call<'_>) -> Judgement<'e> {
        if let Some(plan) = self.plans.get(call.tool) {
            return judgement(
                self.refuse(plan.standing, plan.block, &plan.facts, call),
                Cow::Borrowed(&plan.limits),
            );
        }
        let mut plan = self.rules.plan(call.tool);
        if self.inventory_known && !matches!(plan.standing, Standing::Hidden(_)) {
            plan.standing = Standing::Unknown;
        }
        judgement(
            self.refuse(plan.standing, plan.block, &plan.facts, call),
            Cow::Owned(plan.limits),
        )
    }

    fn refuse(
        &self,
        standing: Standing,
        block: Option<usize>,
        facts: &ToolFacts,
        call: &Call<'_>,
    ) -> Option<Refusal<'_>> {
        let unknown = |code, rule: Option<Cow<'static, str>>| {
            Some(Refusal {
                code,
                rule,
                message: message::unknown(call.tool).into(),
            })
        };
        match standing {
            Standing::Hidden(at) => {
                return unknown(Code::Hidden, Some(format!("/hide/{at}").into()));
            }
            Standing::Unknown => return unknown(Code::UnknownTool, None),
            Standing::DefaultDeny => return unknown(Code::DefaultDeny, Some("/default".into())),
            Standing::Ruled => {}
        }
        let effort = Effort::new();
        let own = block.map(|at| &self.rules.tools[at].1);
        let blocks = || own.into_iter().chain([&self.rules.all_tools]);
        blocks()
            .find(|block| block.deny)
            .map(|block| denied(block, call.tool))
            .or_else(|| {
                blocks()
                    .flat_map(|block| &block.require)
                    .find(|check| {
                        evaluate::check(check, Join::All, call, facts, &effort) != Truth::True
                    })
                    .map(|check| {
                        let words = || message::required(call.tool, check);
                        failed(Code::RequireFailed, check, words)
                    })
            })
            .or_else(|| {
                blocks()
                    .flat_map(|block| &block.deny_if)
                    .find(|check| fires(check, call, facts, &effort))
                    .map(|check| {
                        let words = || message::denied_if(call.tool, check);
                        failed(Code::DenyIf, check, words)
                    })
            })
    }
}

fn judgement<'e>(refusal: Option<Refusal<'e>>, limits: Cow<'e, [Limit]>) -> Judgement<'e> {
    let verdict = match refusal {
        Some(refusal) => Verdict::Refuse(refusal),
        None => Verdict::Pass(Pass {
            approval: None,
            limits,
            amounts: Box::default(),
            concurrent: Cow::Borrowed(&[]),
            max_result_bytes: None,
        }),
    };
    Judgement {
        verdict,
        shadow: Vec::new(),
    }
}

/// A `deny_if` check fires on true and on undecided. With `missing: pass` it lets pass what is
/// undecided only because nothing stands at its paths; a condition that is true, wrongly typed or
/// ambiguous keeps it from passing, and so does one that was not looked at.
fn fires(check: &Check, call: &Call<'_>, facts: &ToolFacts, effort: &Effort) -> bool {
    match evaluate::check(check, Join::Any, call, facts, effort) {
        Truth::False => false,
        Truth::True | Truth::Wrong => true,
        Truth::Missing => {
            !check.missing_passes
                || evaluate::any_true(check, call, facts, effort)
                || effort.is_spent()
        }
    }
}

fn denied<'e>(block: &'e Block, tool: &str) -> Refusal<'e> {
    Refusal {
        code: Code::Denied,
        rule: Some(format!("{}/action", block.pointer).into()),
        message: match &block.reason {
            Some(reason) => Cow::Borrowed(reason),
            None => message::denied(tool).into(),
        },
    }
}

fn failed<'e>(code: Code, check: &'e Check, words: impl FnOnce() -> String) -> Refusal<'e> {
    Refusal {
        code,
        rule: Some(Cow::Borrowed(&check.pointer)),
        message: match &check.on_deny {
            Some(text) => Cow::Borrowed(text),
            None => words().into(),
        },
    }
}
