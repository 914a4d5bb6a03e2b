//! A policy compiled against one server's inventory, and the order in which it judges.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use domain::{
    Tool, ToolClass,
    audit::{Code, Shadow},
};

use crate::{
    amount::Amount,
    judge,
    limit::{Approval, Concurrent, Limit, ResultLimit},
    plan::{Plan, Standing},
    policy::Policy,
    rules::Rules,
    steps::Step,
    watch::{Recorder, Watch},
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
    /// A person's answer. Without a usable one the call is held. Where several rules want one, it
    /// is one answer that has all that any of them wants.
    pub approval: Option<Cow<'e, Approval>>,
    /// Tokens, of all these or of none: one of each, unless [`Pass::spends`] says otherwise. Those
    /// in shadow are charged where there is a token, and never refuse.
    pub limits: Cow<'e, [Limit]>,
    /// For each limit, where any of them has `per` or `cost`.
    pub(crate) amounts: Box<[Amount]>,
    /// A place among the calls in flight, in each of these. Those in shadow never refuse.
    pub concurrent: Cow<'e, [Concurrent]>,
    /// The largest result that is relayed; the smallest of those that apply.
    pub max_result: Option<Cow<'e, ResultLimit>>,
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
            plans.insert(glob.text().into(), rules.plan(glob.text(), None));
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
            None => self.improvised(tool, None).standing,
        };
        standing == Standing::Ruled
    }

    /// The document as it is understood.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What is known of a tool before any call of it.
    pub(crate) fn look<T>(
        &self,
        tool: &str,
        class: Option<ToolClass>,
        look: impl FnOnce(&Plan) -> T,
    ) -> T {
        match self.plans.get(tool) {
            Some(plan) if class.is_none_or(|class| plan.facts.class == Some(class)) => look(plan),
            _ => look(&self.improvised(tool, class)),
        }
    }

    /// Whether the document's `default` is allow.
    #[must_use]
    pub fn allows_by_default(&self) -> bool {
        self.rules.default_allow
    }

    /// Judges one call: the order of `policy.md`, section 7. The first refusal wins.
    ///
    /// A call whose `per` or `cost` cannot be used is refused also where it would first be held for
    /// an approval: nobody is asked about a call that cannot be made.
    #[must_use]
    pub fn judge<'e>(&'e self, call: &Call<'_>) -> Judgement<'e> {
        self.watched(call, &mut ())
    }

    /// The same, with every step up to the verdict. What the limits and the calls in flight come to
    /// is not among them: that is [`crate::Counters::explain`].
    #[must_use]
    pub fn explain<'e>(&'e self, call: &Call<'_>) -> (Judgement<'e>, Vec<Step>) {
        let mut recorder = Recorder::default();
        let judgement = self.watched(call, &mut recorder);
        (judgement, recorder.steps)
    }

    fn watched<'e>(&'e self, call: &Call<'_>, watch: &mut impl Watch) -> Judgement<'e> {
        if let Some(plan) = self.plans.get(call.tool)
            && call
                .class
                .is_none_or(|class| plan.facts.class == Some(class))
        {
            let needs = Cow::Borrowed(&plan.needs);
            return judge::judge(&self.rules, plan, needs, call, watch);
        }
        let mut plan = self.improvised(call.tool, call.class);
        let needs = Cow::Owned(std::mem::take(&mut plan.needs));
        judge::judge(&self.rules, &plan, needs, call, watch)
    }

    /// The plan for a name that has none, or for another class than the inventory's.
    fn improvised(&self, tool: &str, class: Option<ToolClass>) -> Plan {
        let known = self.plans.get(tool);
        let mut plan = self.rules.plan(tool, class);
        let unknown = known.map_or(self.inventory_known, |known| {
            known.standing == Standing::Unknown
        });
        if unknown && !matches!(plan.standing, Standing::Hidden(_)) {
            plan.standing = Standing::Unknown;
        }
        if let Some(known) = known {
            plan.facts.annotations.clone_from(&known.facts.annotations);
            plan.schema.clone_from(&known.schema);
        }
        plan
    }
}
