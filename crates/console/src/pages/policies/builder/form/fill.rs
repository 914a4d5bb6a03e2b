//! From a rule to what a person would have typed.

use policy::builder::{ApprovalForm, Check, LimitForm};

use super::Typed;

pub(super) fn fill_check(typed: &mut Typed, check: &Check) {
    typed.put_clauses(&check.conditions);
    typed.put_some("on_deny", check.on_deny.as_ref());
    typed.put_some("missing", check.missing_passes.then_some("pass"));
    typed.put("mode", check.mode.as_str());
}

pub(super) fn fill_limit(typed: &mut Typed, limit: &LimitForm) {
    typed.put("counter", limit.counter.as_str());
    typed.put("window", limit.window.to_string());
    typed.put("max", limit.max.to_string());
    typed.put("scope", limit.scope.as_str());
    typed.put_some("per", limit.per.as_ref());
    typed.put_some("cost", limit.cost.as_ref());
    typed.put("refill", limit.refill.as_str());
    typed.put_some("on_deny", limit.on_deny.as_ref());
    typed.put("mode", limit.mode.as_str());
}

pub(super) fn fill_approval(typed: &mut Typed, approval: &ApprovalForm) {
    typed.put_clauses(approval.when.as_deref().unwrap_or_default());
    typed.put_some("timeout", approval.timeout.as_ref());
    typed.put_some("reason", approval.reason.as_ref());
    typed.put("approvers", approval.approvers.as_str());
    typed.put_some("four_eyes", approval.four_eyes.then_some("yes"));
    typed.put_some("quorum", approval.quorum);
    typed.put("mode", approval.mode.as_str());
}
