//! The checks of `require` and `deny_if`. Their order decides which refusal is told and nothing
//! else, so checks are matched by what they say.

use json::Value;

use super::{
    Effect,
    block::Pair,
    condition::{self, Sense, Written},
    same,
};
use crate::{limit::Mode, message, rules::Check};

type Found<'d> = (&'d Check, Value<'d>);

/// The checks of one field.
pub(super) fn compare(pair: &mut Pair<'_, '_, '_>, field: &'static str) {
    let (before, after) = (pair.old.field(field), pair.new.field(field));
    if same(before, after) {
        return;
    }
    let noted = pair.changes.0.len();
    let mut old: Vec<Found<'_>> = pair.old.checks(field);
    let mut new: Vec<Found<'_>> = pair.new.checks(field);
    take_pairs(&mut old, &mut new, |a, b| same(Some(a.1), Some(b.1)));
    let mut pairs = take_pairs(&mut old, &mut new, |a, b| {
        same(a.1.get("conditions"), b.1.get("conditions"))
    });
    pairs.extend(take_pairs(&mut old, &mut new, |a, b| paths(a) == paths(b)));
    for (old, new) in pairs {
        changed(pair, field, old, new);
    }
    for (check, json) in new {
        let effect = if refuses(field, check) {
            Effect::Tightens
        } else {
            Effect::Neutral
        };
        let shadow = shadow(check);
        let words = format!("{}{shadow}", says(field, check));
        pair.say(check.pointer.clone(), effect, &words, None, Some(json));
    }
    for (check, json) in old {
        let effect = if refuses(field, check) {
            Effect::Loosens
        } else {
            Effect::Neutral
        };
        let words = format!("no longer {}{}", says(field, check), shadow(check));
        pair.say(check.pointer.clone(), effect, &words, Some(json), None);
    }
    if pair.changes.0.len() == noted && before.is_some() && after.is_some() {
        let pointer = format!("{}/{field}", pair.new.block.pointer);
        let words = format!("the checks of `{field}` are in another order");
        pair.say(pointer, Effect::Neutral, &words, before, after);
    }
}

/// Takes out of both lists what goes together.
fn take_pairs<'o, 'n>(
    old: &mut Vec<Found<'o>>,
    new: &mut Vec<Found<'n>>,
    alike: impl Fn(&Found<'o>, &Found<'n>) -> bool,
) -> Vec<(Found<'o>, Found<'n>)> {
    let mut pairs = Vec::new();
    old.retain(|one| match new.iter().position(|other| alike(one, other)) {
        Some(at) => {
            pairs.push((*one, new.remove(at)));
            false
        }
        None => true,
    });
    pairs
}

fn paths(found: &Found<'_>) -> Vec<String> {
    let conditions = found.0.conditions.iter();
    let mut paths: Vec<String> = conditions.map(|it| it.path_text.clone()).collect();
    paths.sort();
    paths
}

/// Whether the check ever refuses a call.
fn refuses(field: &str, check: &Check) -> bool {
    check.mode == Mode::Enforce && (field == "deny_if" || !check.conditions.is_empty())
}

fn shadow(check: &Check) -> &'static str {
    match check.mode {
        Mode::Enforce => "",
        Mode::Shadow => " (in shadow)",
    }
}

/// "requires that args.a is 1".
fn says(field: &str, check: &Check) -> String {
    match (field, check.conditions.is_empty()) {
        ("require", true) => "requires nothing".to_owned(),
        ("require", false) => format!("requires that {}", message::all(&check.conditions)),
        (_, true) => "refused by a check that always holds".to_owned(),
        (_, false) => format!("refused where {}", message::all(&check.conditions)),
    }
}

fn changed(pair: &mut Pair<'_, '_, '_>, field: &str, old: Found<'_>, new: Found<'_>) {
    let (was, is) = (old.0, new.0);
    let mut parts = Vec::new();
    let conditions_same = same(old.1.get("conditions"), new.1.get("conditions"));
    parts.push(match conditions_same {
        true => says(field, is),
        false => format!("{}; before, {}", says(field, is), says(field, was)),
    });
    if was.mode != is.mode {
        parts.push(match is.mode {
            Mode::Enforce => "enforced now, no longer in shadow".to_owned(),
            Mode::Shadow => "in shadow now, so it refuses nothing".to_owned(),
        });
    }
    if was.missing_passes != is.missing_passes {
        parts.push(match is.missing_passes {
            true => "a call without these arguments passes now".to_owned(),
            false => "a call without these arguments is refused now".to_owned(),
        });
    }
    if was.on_deny != is.on_deny {
        parts.push("with another text".to_owned());
    }
    let effect = effect(field, old, new);
    pair.say(
        is.pointer.clone(),
        effect,
        &parts.join("; "),
        Some(old.1),
        Some(new.1),
    );
}

/// What became of the check.
fn effect(field: &str, old: Found<'_>, new: Found<'_>) -> Effect {
    let (was, is) = (old.0, new.0);
    match (was.mode, is.mode) {
        (Mode::Shadow, Mode::Shadow) => return Effect::Neutral,
        (Mode::Shadow, Mode::Enforce) => return Effect::Tightens,
        (Mode::Enforce, Mode::Shadow) => return Effect::Loosens,
        (Mode::Enforce, Mode::Enforce) => {}
    }
    // First the conditions as if `missing` had been so before, then `missing`.
    let sense = match field {
        "require" => Sense::Require,
        _ => Sense::DenyIf {
            missing_passes: was.missing_passes,
        },
    };
    let missing = Effect::of_bound(was.missing_passes.into(), is.missing_passes.into());
    condition::effect(&written(old), &written(new), sense).and(missing)
}

fn written<'d>((check, json): Found<'d>) -> Vec<Written<'d>> {
    let list = json.get("conditions");
    let list = list.into_iter().flat_map(Value::elements);
    let conditions = check.conditions.iter().zip(list);
    conditions
        .map(|(condition, json)| Written { condition, json })
        .collect()
}
