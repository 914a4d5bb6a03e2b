//! Limits, places in flight and approvals.

use json::Value;

use super::{
    Effect,
    block::Pair,
    condition::{self, Sense, Written},
    elements, same,
};
use crate::{
    limit::{Approval, Approvers, Argument, Concurrent, Limit, LimitScope, Mode},
    message, plan, words,
};

/// What switching a rule on or off does; none where it refuses in both documents.
fn switched(was: Mode, is: Mode) -> Option<Effect> {
    match (was, is) {
        (Mode::Enforce, Mode::Enforce) => None,
        (Mode::Shadow, Mode::Shadow) => Some(Effect::Neutral),
        (Mode::Shadow, Mode::Enforce) => Some(Effect::Tightens),
        (Mode::Enforce, Mode::Shadow) => Some(Effect::Loosens),
    }
}

/// A rule that is only in one document.
fn alone(mode: Mode, effect: Effect) -> Effect {
    match mode {
        Mode::Enforce => effect,
        Mode::Shadow => Effect::Neutral,
    }
}

/// `limits`, matched by counter; a limit that only has another name is the same under a new one.
pub(super) fn limits(pair: &mut Pair<'_, '_, '_>) {
    let (before, after) = (pair.old.field("limits"), pair.new.field("limits"));
    if same(before, after) {
        return;
    }
    let noted = pair.changes.0.len();
    let mut old: Vec<_> = pair.old.block.limits.iter().zip(elements(before)).collect();
    let mut new: Vec<_> = pair.new.block.limits.iter().zip(elements(after)).collect();
    for by_name in [true, false] {
        old.retain(|(was, before)| {
            let twin = new.iter().position(|(is, _)| match by_name {
                true => was.counter == is.counter,
                false => renamed(was, is),
            });
            let Some((is, after)) = twin.map(|at| new.remove(at)) else {
                return true;
            };
            if !same(Some(*before), Some(after)) {
                limit(pair, was, is, Some(*before), Some(after));
            }
            false
        });
    }
    for (is, json) in new {
        let words = format!("at most {}", words::limit(is));
        let effect = alone(is.mode, Effect::Tightens);
        pair.say(is.rule.clone(), effect, &words, None, Some(json));
    }
    for (was, json) in old {
        let words = format!("no longer at most {}", words::limit(was));
        let effect = alone(was.mode, Effect::Loosens);
        pair.say(was.rule.clone(), effect, &words, Some(json), None);
    }
    if pair.changes.0.len() == noted && before.is_some() && after.is_some() {
        let pointer = format!("{}/limits", pair.new.block.pointer);
        let words = "the limits are in another order";
        pair.say(pointer, Effect::Neutral, words, before, after);
    }
}

fn renamed(was: &Limit, is: &Limit) -> bool {
    let renamed = Limit {
        counter: is.counter.clone(),
        ..was.clone()
    };
    renamed.same_bucket(is) && was.max == is.max && path(&was.cost) == path(&is.cost)
}

fn path(argument: &Option<Argument>) -> Option<&crate::path::Path> {
    argument.as_ref().map(|it| &it.path)
}

/// `rate_limit`, as the limit it is short for.
pub(super) fn rate_limit(pair: &mut Pair<'_, '_, '_>) {
    let (before, after) = (pair.old.field("rate_limit"), pair.new.field("rate_limit"));
    if same(before, after) {
        return;
    }
    match (
        plan::rate(pair.old.block, ""),
        plan::rate(pair.new.block, ""),
    ) {
        (Some(was), Some(is)) => limit(pair, &was, &is, before, after),
        (None, Some(is)) => {
            let words = format!("at most {}", words::limit(&is));
            pair.say(is.rule, Effect::Tightens, &words, None, after);
        }
        (Some(was), None) => {
            let words = format!("no longer at most {}", words::limit(&was));
            pair.say(was.rule, Effect::Loosens, &words, before, None);
        }
        (None, None) => {}
    }
}

/// A limit that is in both documents and not the same.
fn limit(
    pair: &mut Pair<'_, '_, '_>,
    was: &Limit,
    is: &Limit,
    before: Option<Value<'_>>,
    after: Option<Value<'_>>,
) {
    let bucket = (was.window_ms, was.scope, was.refill) == (is.window_ms, is.scope, is.refill)
        && path(&was.per) == path(&is.per);
    let cost = path(&was.cost) == path(&is.cost);
    let mut parts = Vec::new();
    let rate = |limit: &Limit| words::limit(limit);
    if bucket && cost && was.max != is.max {
        let window = message::window(is.window_ms);
        parts.push(format!(
            "at most {} {window} instead of {}",
            is.max, was.max
        ));
    } else if rate(was) != rate(is) {
        parts.push(format!("at most {} instead of {}", rate(is), rate(was)));
    } else {
        parts.push(format!("still at most {}", rate(is)));
    }
    if was.counter != is.counter {
        parts.push(format!(
            "counted by {} instead of {}",
            is.counter, was.counter
        ));
    }
    if !bucket || was.counter != is.counter {
        parts.push("nothing of the new bucket is spent yet".to_owned());
    }
    if was.on_deny != is.on_deny {
        parts.push("with another text".to_owned());
    }
    let effect = limit_effect(was, is, bucket, cost);
    pair.say(is.rule.clone(), effect, &parts.join("; "), before, after);
}

/// Another bucket is one of which nothing is spent yet, which loosens. With `per` and `cost` a call
/// whose argument cannot be used is refused, and what a call takes is up to the argument.
fn limit_effect(was: &Limit, is: &Limit, same_bucket: bool, same_cost: bool) -> Effect {
    if let Some(effect) = switched(was.mode, is.mode) {
        return effect;
    }
    let new_bucket = match (path(&was.per), path(&is.per)) {
        _ if same_bucket && was.counter == is.counter => Effect::Neutral,
        (was, Some(is)) if was != Some(is) => Effect::Unclear,
        _ => Effect::Loosens,
    };
    let cost = if same_cost {
        Effect::Neutral
    } else {
        Effect::Unclear
    };
    let effect = Effect::of_bound(was.max, is.max);
    new_bucket.and(cost).and(effect)
}

pub(super) fn concurrent(pair: &mut Pair<'_, '_, '_>) {
    let (before, after) = (pair.old.field("concurrent"), pair.new.field("concurrent"));
    if same(before, after) {
        return;
    }
    let (old, new) = (pair.old, pair.new);
    match (&old.block.concurrent, &new.block.concurrent) {
        (Some(was), Some(is)) => {
            let words = format!(
                "at most {} instead of {}",
                words::concurrent(is),
                words::concurrent(was)
            );
            let effect = concurrent_effect(was, is);
            pair.say(is.rule.clone(), effect, &words, before, after);
        }
        (None, Some(is)) => {
            let words = format!("at most {}", words::concurrent(is));
            let effect = alone(is.mode, Effect::Tightens);
            pair.say(is.rule.clone(), effect, &words, None, after);
        }
        (Some(was), None) => {
            let words = format!("no longer at most {}", words::concurrent(was));
            let effect = alone(was.mode, Effect::Loosens);
            pair.say(was.rule.clone(), effect, &words, before, None);
        }
        (None, None) => {}
    }
}

/// Calls of more grants counted together leave less room for each.
fn concurrent_effect(was: &Concurrent, is: &Concurrent) -> Effect {
    use LimitScope::{Grant, Identity, Org, Server, Session};
    if let Some(effect) = switched(was.mode, is.mode) {
        return effect;
    }
    let width = |scope| match scope {
        Session => 0,
        Grant => 1,
        Server | Identity => 2,
        Org => 3,
    };
    let scope = match (was.scope, is.scope) {
        (Server, Identity) | (Identity, Server) => Effect::Unclear,
        (was, is) => Effect::of_bound(width(is), width(was)),
    };
    scope.and(Effect::of_bound(was.max, is.max))
}

pub(super) fn approval(pair: &mut Pair<'_, '_, '_>) {
    let (old, new) = (pair.old, pair.new);
    let json = |view: super::side::View<'_>| view.field("approval").is_some();
    let asks = |approval: &Option<Approval>| approval.as_ref().map(|it| it.rule.clone());
    let field = |has: bool| if has { "approval" } else { "action" };
    let before = old.field(field(json(old)));
    let after = new.field(field(json(new)));
    let before = before.filter(|_| old.block.approval.is_some());
    let after = after.filter(|_| new.block.approval.is_some());
    if same(before, after) {
        return;
    }
    let rule = asks(&new.block.approval).or(asks(&old.block.approval));
    let Some(rule) = rule else { return };
    let (effect, words) = match (&old.block.approval, &new.block.approval) {
        (None, Some(is)) => (alone(is.mode, Effect::Tightens), asked(is)),
        (Some(was), None) => (
            alone(was.mode, Effect::Loosens),
            format!("no longer {}", asked(was)),
        ),
        (Some(was), Some(is)) => {
            let words = match asked(was) == asked(is) {
                true => format!("{}, on other terms", asked(is)),
                false => format!("{}; before, {}", asked(is), asked(was)),
            };
            (approval_effect((was, before), (is, after)), words)
        }
        (None, None) => return,
    };
    pair.say(rule, effect, &words, before, after);
}

/// "held for an admin, within 30 minutes, where args.a is 1".
fn asked(approval: &Approval) -> String {
    let when = approval.when.as_deref().unwrap_or_default();
    let who = words::approval(approval);
    match when.is_empty() {
        true => format!("held for {who}"),
        false => format!("held for {who}, where {}", message::all(when)),
    }
}

fn approval_effect(
    (was, before): (&Approval, Option<Value<'_>>),
    (is, after): (&Approval, Option<Value<'_>>),
) -> Effect {
    if let Some(effect) = switched(was.mode, is.mode) {
        return effect;
    }
    let sense = Sense::DenyIf {
        missing_passes: false,
    };
    let when = condition::effect(&when(was, before), &when(is, after), sense);
    let admin = |it: &Approval| u64::from(it.approvers != Approvers::Admin);
    let eyes = |it: &Approval| u64::from(!it.four_eyes);
    let timeout = match (was.timeout_ms, is.timeout_ms) {
        (Some(was), Some(is)) => Effect::of_bound(was, is),
        (was, is) if was == is => Effect::Neutral,
        _ => Effect::Unclear,
    };
    when.and(Effect::of_bound(admin(was), admin(is)))
        .and(Effect::of_bound(eyes(was), eyes(is)))
        .and(Effect::of_bound(is.quorum, was.quorum))
        .and(timeout)
}

fn when<'d>(approval: &'d Approval, written: Option<Value<'d>>) -> Vec<Written<'d>> {
    let conditions = approval.when.as_deref().unwrap_or_default();
    let json = written.and_then(|written| written.get("when"));
    let json = json.into_iter().flat_map(Value::elements);
    let both = conditions.iter().zip(json);
    both.map(|(condition, json)| Written { condition, json })
        .collect()
}
