//! Whether one condition is stricter than another.

use std::{cmp::Ordering, collections::BTreeSet};

use json::{Decimal, Value};

use super::{Effect, same};
use crate::rules::{Condition, Op};

/// A condition, as it is understood and as it is written.
#[derive(Clone, Copy)]
pub(super) struct Written<'d> {
    pub(super) condition: &'d Condition,
    pub(super) json: Value<'d>,
}

/// Which of a check's two senses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// Lets through where all conditions are true.
    Require,
    /// Lets through where one is false.
    DenyIf {
        /// And where nothing stands at any of their paths.
        missing_passes: bool,
    },
}

/// What replacing a check's conditions does. A call satisfies more conditions less often, and makes
/// one of more conditions false more often.
pub(super) fn effect(old: &[Written<'_>], new: &[Written<'_>], sense: Sense) -> Effect {
    let mut added: Vec<Written<'_>> = new.to_vec();
    let mut removed = Vec::new();
    for one in old {
        match added
            .iter()
            .position(|it| same(Some(it.json), Some(one.json)))
        {
            Some(at) => drop(added.remove(at)),
            None => removed.push(*one),
        }
    }
    let mut effects = Vec::new();
    removed.retain(|one| {
        let pair = added
            .iter()
            .position(|it| alike(one.condition, it.condition));
        pair.inspect(|&at| effects.push(replaced(*one, added.remove(at), sense)))
            .is_none()
    });
    let more = match sense {
        Sense::Require => Effect::Tightens,
        Sense::DenyIf { .. } => Effect::Loosens,
    };
    effects.push(match (added.is_empty(), removed.is_empty()) {
        (true, true) => Effect::Neutral,
        // No conditions at all always hold.
        _ if old.is_empty() => more,
        _ if new.is_empty() => opposite(more),
        // One more may be false, which passes, or true, which a missing path does not excuse.
        _ if sense == MISSING_PASSES => Effect::Unclear,
        (false, true) => more,
        (true, false) => opposite(more),
        (false, false) => Effect::Unclear,
    });
    effects.into_iter().collect()
}

const MISSING_PASSES: Sense = Sense::DenyIf {
    missing_passes: true,
};

const fn opposite(effect: Effect) -> Effect {
    match effect {
        Effect::Loosens => Effect::Tightens,
        Effect::Tightens => Effect::Loosens,
        other => other,
    }
}

/// How a set of calls is to another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Same,
    Smaller,
    Larger,
    Unknown,
}

/// What became of the calls for which a condition is true, and of those for which it is false.
struct Became {
    true_for: Set,
    false_for: Set,
}

impl Became {
    /// True for fewer calls, and false for at least as many.
    const NARROWER: Self = Self {
        true_for: Set::Smaller,
        false_for: Set::Larger,
    };
    const WIDER: Self = Self {
        true_for: Set::Larger,
        false_for: Set::Smaller,
    };
    const SAME: Self = Self {
        true_for: Set::Same,
        false_for: Set::Same,
    };
    const UNKNOWN: Self = Self {
        true_for: Set::Unknown,
        false_for: Set::Unknown,
    };

    /// Of one that orders what it lets through: the smaller its value the narrower.
    fn by(order: Ordering) -> Self {
        match order {
            Ordering::Less => Self::NARROWER,
            Ordering::Equal => Self::SAME,
            Ordering::Greater => Self::WIDER,
        }
    }

    /// Of one whose list became a subset or a superset.
    fn subset(smaller: bool, larger: bool) -> Self {
        match (smaller, larger) {
            (true, true) => Self::SAME,
            (true, false) => Self::NARROWER,
            (false, true) => Self::WIDER,
            (false, false) => Self::UNKNOWN,
        }
    }
}

/// What replacing one condition by another on the same path does.
fn replaced(old: Written<'_>, new: Written<'_>, sense: Sense) -> Effect {
    let became = became(old, new);
    let passes = match sense {
        Sense::Require => became.true_for,
        Sense::DenyIf { .. } => became.false_for,
    };
    match passes {
        Set::Same => Effect::Neutral,
        Set::Smaller => Effect::Tightens,
        Set::Larger => Effect::Loosens,
        Set::Unknown => Effect::Unclear,
    }
}

/// Whether the two ask something of the same kind of the same place.
fn alike(old: &Condition, new: &Condition) -> bool {
    let kind = |condition: &Condition| match condition.op_text {
        "lt" | "lte" => "at most",
        "gt" | "gte" => "at least",
        "eq" | "in" => "one of",
        "neq" | "not_in" => "none of",
        other => other,
    };
    old.path == new.path && kind(old) == kind(new)
}

fn became(old: Written<'_>, new: Written<'_>) -> Became {
    let (Some(was), Some(is)) = (old.json.get("value"), new.json.get("value")) else {
        return Became::UNKNOWN;
    };
    match (&old.condition.op, &new.condition.op) {
        _ if old.condition.op_text == new.condition.op_text && same(Some(was), Some(is)) => {
            Became::SAME
        }
        (Op::Order { .. }, Op::Order { .. }) => bound(old, new, was, is),
        (Op::OneOf { negate, .. }, Op::OneOf { .. }) => one_of(&values(old), &values(new), *negate),
        (Op::StartsWith(was), Op::StartsWith(is)) => {
            Became::subset(is.starts_with(&**was), was.starts_with(&**is))
        }
        (Op::EndsWith(was), Op::EndsWith(is)) => {
            Became::subset(is.ends_with(&**was), was.ends_with(&**is))
        }
        (Op::LengthAtMost(was), Op::LengthAtMost(is)) => Became::by(is.cmp(was)),
        (Op::Cidr(was), Op::Cidr(is)) => {
            let inside = |these: &[ipnet::IpNet], those: &[ipnet::IpNet]| {
                these
                    .iter()
                    .all(|one| those.iter().any(|it| it.contains(one)))
            };
            Became::subset(inside(is, was), inside(was, is))
        }
        (Op::HostIn(was), Op::HostIn(is)) => {
            let inside = |these: &[_], those: &[_]| these.iter().all(|one| those.contains(one));
            Became::subset(inside(is, was), inside(was, is))
        }
        _ => Became::UNKNOWN,
    }
}

/// Two bounds on the same side. Values are compared as decimals and as doubles, so a claim holds
/// only where these do not differ.
fn bound(old: Written<'_>, new: Written<'_>, was: Value<'_>, is: Value<'_>) -> Became {
    let (Ok(exactly_was), Ok(exactly_is)) = (Decimal::read(was.raw()), Decimal::read(is.raw()))
    else {
        return Became::UNKNOWN;
    };
    let (Ok(nearly_was), Ok(nearly_is)) = (was.raw().parse::<f64>(), is.raw().parse::<f64>())
    else {
        return Became::UNKNOWN;
    };
    let or_equal = |it: Written<'_>| it.condition.op_text.ends_with('e');
    let upper = new.condition.op_text.starts_with('l');
    let order = match exactly_is.cmp(&exactly_was) {
        Ordering::Equal => {
            // Of equal bounds the one that leaves its value out is the narrower.
            return Became::by(or_equal(new).cmp(&or_equal(old)));
        }
        order => order,
    };
    if or_equal(new) != or_equal(old) && nearly_is.partial_cmp(&nearly_was) != Some(order) {
        return Became::UNKNOWN;
    }
    Became::by(if upper { order } else { order.reverse() })
}

/// Values of a JSON type that the list has none of are undecided, so a list that loses or gains a
/// type is not simply false for more or fewer calls.
fn one_of(was: &[Value<'_>], is: &[Value<'_>], negate: bool) -> Became {
    let set = |values: &[Value<'_>]| -> BTreeSet<String> {
        values.iter().map(|value| value.canonical()).collect()
    };
    let has = |values: &[Value<'_>], kind| values.iter().any(|value| value.kind() == kind);
    let (was_set, is_set) = (set(was), set(is));
    let mut became = Became::subset(is_set.is_subset(&was_set), was_set.is_subset(&is_set));
    let same_kinds =
        was.iter().all(|it| has(is, it.kind())) && is.iter().all(|it| has(was, it.kind()));
    if !same_kinds {
        became.false_for = Set::Unknown;
    }
    match negate {
        true => Became {
            true_for: became.false_for,
            false_for: became.true_for,
        },
        false => became,
    }
}

/// What `eq`, `neq`, `in` or `not_in` compares with.
fn values(written: Written<'_>) -> Vec<Value<'_>> {
    let Some(value) = written.json.get("value") else {
        return Vec::new();
    };
    match written.condition.op_text {
        "in" | "not_in" => value.elements().collect(),
        _ => vec![value],
    }
}
