//! What can be said of a rule while the arguments are not known.

use crate::{
    effort::Effort,
    engine::Call,
    evaluate::{self, Join},
    limit::{Approval, Mode},
    path::Path,
    plan::Plan,
    rules::{Block, Check, Condition},
    truth::Truth,
};

/// Whether a rule refuses, or holds, a call of which all but the arguments is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refuses {
    /// Whatever the arguments.
    Always,
    Never,
    /// By the arguments.
    Depends,
}

/// What is known: a call without its arguments, and the tool.
pub(super) struct Facts<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) plan: &'a Plan,
    /// The `validate` for which there is no schema that can be used, so that no arguments pass.
    pub(super) no_schema: Option<String>,
}

impl Facts<'_> {
    /// Whether the condition holds; none where it looks at arguments.
    fn truth(&self, condition: &Condition, join: Join) -> Option<Truth> {
        let facts = &self.plan.facts;
        let known = !matches!(condition.path, Path::Args(_));
        known.then(|| evaluate::condition(condition, join, self.call, facts, &Effort::default()))
    }

    /// A `require` check lets through only what is true.
    fn require(&self, check: &Check) -> Refuses {
        let truths = check.conditions.iter().map(|it| self.truth(it, Join::All));
        let mut refuses = Refuses::Never;
        for truth in truths {
            match truth {
                Some(Truth::True) => {}
                Some(_) => return Refuses::Always,
                None => refuses = Refuses::Depends,
            }
        }
        refuses
    }

    /// A `deny_if` check, or an approval's `when`, fires on everything but false, and with
    /// `missing: pass` not where all there is to say is that nothing stands at its paths.
    fn fires(&self, conditions: &[Condition], missing_passes: bool) -> Refuses {
        let truths = conditions.iter().map(|it| self.truth(it, Join::Any));
        let truths: Vec<Option<Truth>> = truths.collect();
        if truths.contains(&Some(Truth::False)) {
            return Refuses::Never;
        }
        if truths.contains(&None) {
            return Refuses::Depends;
        }
        let nothing_there = truths.iter().all(|truth| *truth == Some(Truth::Missing));
        match missing_passes && nothing_there && !truths.is_empty() {
            true => Refuses::Never,
            false => Refuses::Always,
        }
    }
}

/// Each enforced rule that can refuse a call, in the order of evaluation.
pub(super) fn refusals<'a>(
    blocks: &'a [&Block],
    facts: &'a Facts<'a>,
) -> impl Iterator<Item = (String, Refuses)> + 'a {
    let each = || blocks.iter().copied();
    let action = each()
        .filter(|block| block.deny)
        .map(|block| (format!("{}/action", block.pointer), Refuses::Always));
    let validate = each().filter(|block| block.validate.is_some());
    let validate = validate.map(|block| {
        let rule = format!("{}/validate", block.pointer);
        let always = facts.no_schema.as_ref() == Some(&rule);
        let refuses = if always {
            Refuses::Always
        } else {
            Refuses::Depends
        };
        (rule, refuses)
    });
    let require = enforced(each().flat_map(|block| &block.require))
        .map(|check| (check.pointer.clone(), facts.require(check)));
    let deny_if = enforced(each().flat_map(|block| &block.deny_if)).map(|check| {
        let refuses = facts.fires(&check.conditions, check.missing_passes);
        (check.pointer.clone(), refuses)
    });
    let needs = &facts.plan.needs;
    let concurrent = needs.concurrent.iter();
    let concurrent = concurrent
        .filter(|it| it.mode == Mode::Enforce && it.max == 0)
        .map(|it| (it.rule.clone(), Refuses::Always));
    let limits = needs.limits.iter();
    let limits = limits
        .filter(|limit| limit.mode == Mode::Enforce)
        .map(|limit| {
            let refuses = match limit.max {
                0 => Refuses::Always,
                _ if limit.per.is_some() || limit.cost.is_some() => Refuses::Depends,
                _ => Refuses::Never,
            };
            (limit.rule.clone(), refuses)
        });
    let checks = action.chain(validate).chain(require).chain(deny_if);
    checks.chain(concurrent).chain(limits)
}

/// Each enforced approval that a call may need, and whether it holds it.
pub(super) fn approvals<'a>(
    blocks: &[&'a Block],
    facts: &Facts<'_>,
) -> Vec<(&'a Approval, Refuses)> {
    let approvals = blocks.iter().filter_map(|block| block.approval.as_ref());
    approvals
        .filter(|approval| approval.mode == Mode::Enforce)
        .map(|approval| {
            let when = approval.when.as_deref().unwrap_or_default();
            (approval, facts.fires(when, false))
        })
        .filter(|(_, holds)| *holds != Refuses::Never)
        .collect()
}

fn enforced<'c>(checks: impl Iterator<Item = &'c Check>) -> impl Iterator<Item = &'c Check> {
    checks.filter(|check| check.mode == Mode::Enforce)
}
