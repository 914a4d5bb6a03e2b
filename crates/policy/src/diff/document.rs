//! The document's own fields.

use std::collections::HashSet;

use super::{
    Changes, Effect,
    block::Pair,
    elements, moved, same,
    side::{Side, View},
};
use crate::{limit::Mode, plan, plan::Standing, words};
use domain::{Tool, ToolClass};

/// So many tools are named in a sentence; of more, how many more there are.
const NAMED_MAX: usize = 5;

/// Everything that differs.
pub(super) fn compare(
    old: &Side<'_>,
    new: &Side<'_>,
    inventory: Option<&[Tool]>,
    changes: &mut Changes,
) {
    description(old, new, changes);
    default(old, new, inventory, changes);
    hide(old, new, inventory, changes);
    Pair {
        old: old.all_tools(),
        new: new.all_tools(),
        subject: "Every tool".to_owned(),
        changes,
    }
    .compare();
    for class in ToolClass::ALL {
        self::class(old, new, class, inventory, changes);
    }
    tools(old, new, inventory, changes);
    posers(old, new, inventory, changes);
    tests(old, new, changes);
}

/// Tools whose names are like those of refused ones, and that nothing else has told of: refusing a
/// tool takes such a one away, whatever its own rules say.
fn posers(old: &Side<'_>, new: &Side<'_>, inventory: Option<&[Tool]>, changes: &mut Changes) {
    let Some(inventory) = inventory else { return };
    let standings = |side: &Side<'_>| -> Vec<Standing> {
        let plans = side.rules.plan_inventory(inventory).into_iter();
        plans.map(|(_, plan)| plan.standing).collect()
    };
    let told: Effect = changes.0.iter().map(|(_, change)| change.effect).collect();
    let both = standings(old).into_iter().zip(standings(new));
    for (tool, standing) in inventory.iter().zip(both) {
        let (effect, words) = match standing {
            (Standing::Ruled, Standing::Unknown) => {
                (Effect::Tightens, "cannot be called any more: its name is")
            }
            (Standing::Unknown, Standing::Ruled) => {
                (Effect::Loosens, "can be called: its name is no longer")
            }
            _ => continue,
        };
        if told.and(effect) == told {
            continue;
        }
        let sentence = format!(
            "`{}` {words} like that of a tool that is refused.",
            tool.name
        );
        let places = new.rules.blocks_for(&tool.name, tool.class);
        let pointer = new.rules.pointer(&places).to_owned();
        changes.push(pointer, effect, sentence, None, None);
    }
}

fn description(old: &Side<'_>, new: &Side<'_>, changes: &mut Changes) {
    let (before, after) = (old.field("description"), new.field("description"));
    if !same(before, after) {
        let sentence = "The description is another one.".to_owned();
        let pointer = "/description".to_owned();
        changes.push(pointer, Effect::Neutral, sentence, before, after);
    }
}

fn default(old: &Side<'_>, new: &Side<'_>, inventory: Option<&[Tool]>, changes: &mut Changes) {
    let (before, after) = (old.field("default"), new.field("default"));
    if same(before, after) {
        return;
    }
    let (effect, words) = match (old.rules.default_allow, new.rules.default_allow) {
        (false, true) => (Effect::Loosens, "allowed"),
        (true, false) => (Effect::Tightens, "refused, as if they did not exist"),
        (_, true) => (Effect::Neutral, "allowed"),
        (_, false) => (Effect::Neutral, "refused, as if they did not exist"),
    };
    let left = inventory
        .into_iter()
        .flatten()
        .filter(|tool| new.rules.blocks_for(&tool.name, tool.class).is_empty());
    let sentence = format!(
        "Tools that no rule names are {words}{}.",
        names(left.map(|tool| tool.name.as_str()))
    );
    changes.push("/default".to_owned(), effect, sentence, before, after);
}

fn hide(old: &Side<'_>, new: &Side<'_>, inventory: Option<&[Tool]>, changes: &mut Changes) {
    let (before, after) = (old.field("hide"), new.field("hide"));
    if same(before, after) {
        return;
    }
    let noted = changes.0.len();
    let texts = |side: &Side<'_>| -> HashSet<String> {
        side.rules
            .hide
            .iter()
            .map(|glob| glob.text().to_owned())
            .collect()
    };
    let (old_texts, new_texts) = (texts(old), texts(new));
    for (at, (glob, json)) in new.rules.hide.iter().zip(elements(after)).enumerate() {
        if !old_texts.contains(glob.text()) {
            let sentence = format!("`{}` is hidden{}.", glob.text(), reached(glob, inventory));
            changes.push(
                format!("/hide/{at}"),
                Effect::Tightens,
                sentence,
                None,
                Some(json),
            );
        }
    }
    for (at, (glob, json)) in old.rules.hide.iter().zip(elements(before)).enumerate() {
        if !new_texts.contains(glob.text()) {
            let tools = reached(glob, inventory);
            let sentence = format!("`{}` is no longer hidden{tools}.", glob.text());
            changes.push(
                format!("/hide/{at}"),
                Effect::Loosens,
                sentence,
                Some(json),
                None,
            );
        }
    }
    if changes.0.len() == noted {
        let sentence = "`hide` is written differently, means the same.".to_owned();
        changes.push("/hide".to_owned(), Effect::Neutral, sentence, before, after);
    }
}

/// The tools that a glob reaches; nothing for a plain name, which says so itself.
fn reached(glob: &crate::glob::Glob, inventory: Option<&[Tool]>) -> String {
    let tools = inventory.into_iter().flatten();
    let reached = tools.filter(|tool| !glob.is_exact() && glob.matches(&tool.name));
    names(reached.map(|tool| tool.name.as_str()))
}

fn class(
    old: &Side<'_>,
    new: &Side<'_>,
    class: ToolClass,
    inventory: Option<&[Tool]>,
    changes: &mut Changes,
) {
    let (was, is) = (old.class(class), new.class(class));
    if let (Some(was), Some(is)) = (was, is) {
        return Pair {
            old: was,
            new: is,
            subject: format!("Class `{class}`"),
            changes,
        }
        .compare();
    }
    let Some(either) = is.or(was) else { return };
    let mut effect = old.left_to(Some(class)).to(new.left_to(Some(class)));
    if moved::may_be_unclassed(inventory) {
        effect = effect.and(old.left_to(None).to(new.left_to(None)));
    }
    let left = inventory
        .into_iter()
        .flatten()
        .filter(|tool| tool.class == Some(class) && new.rules.entry_for(&tool.name).is_none());
    let tools = names(left.map(|tool| tool.name.as_str()));
    let sentence = match is {
        Some(is) => format!(
            "Class `{class}` has rules: {}{tools}; before, {} applied.",
            summary(is),
            moved::default(old)
        ),
        None => format!(
            "Class `{class}` has no rules any more; {} applies{tools}.",
            moved::default(new)
        ),
    };
    let (before, after) = (was.and_then(|it| it.json), is.and_then(|it| it.json));
    changes.push(
        either.block.pointer.clone(),
        effect,
        sentence,
        before,
        after,
    );
}

fn tools(old: &Side<'_>, new: &Side<'_>, inventory: Option<&[Tool]>, changes: &mut Changes) {
    for (at, (glob, block)) in new.rules.tools.iter().enumerate() {
        let is = new.tool(at);
        if let Some(before) = old.entry(glob.text()) {
            let (was, subject) = (old.tool(before), format!("`{}`", glob.text()));
            Pair {
                old: was,
                new: is,
                subject,
                changes,
            }
            .compare();
            continue;
        }
        let before = moved::instead(glob, old, new, inventory);
        let now = new.restrictions(at);
        let effect = before.iter().map(|(_, was)| was.to(now)).collect();
        let sentence = format!(
            "`{}` has rules of its own: {}{}; before, {} applied.",
            glob.text(),
            summary(is),
            applied(new, at, inventory),
            or(before.iter().map(|(name, _)| name.as_str())),
        );
        changes.push(block.pointer.clone(), effect, sentence, None, is.json);
    }
    for (at, (glob, block)) in old.rules.tools.iter().enumerate() {
        if new.entry(glob.text()).is_some() {
            continue;
        }
        let after = moved::instead(glob, new, old, inventory);
        let was = old.restrictions(at);
        let effect = after.iter().map(|(_, now)| was.to(now)).collect();
        let sentence = format!(
            "`{}` has no rules of its own any more{}; {} applies.",
            glob.text(),
            applied(old, at, inventory),
            or(after.iter().map(|(name, _)| name.as_str())),
        );
        changes.push(
            block.pointer.clone(),
            effect,
            sentence,
            old.tool(at).json,
            None,
        );
    }
}

/// The tools of the inventory to which a glob's entry applies.
fn applied(side: &Side<'_>, at: usize, inventory: Option<&[Tool]>) -> String {
    let tools = inventory.into_iter().flatten();
    let of = tools.filter(|tool| {
        !side.rules.tools[at].0.is_exact() && side.rules.entry_for(&tool.name) == Some(at)
    });
    names(of.map(|tool| tool.name.as_str()))
}

/// "refused", or "allowed, at most 10 a minute, after 2 checks".
fn summary(view: View<'_>) -> String {
    let block = view.block;
    if block.deny {
        return "refused".to_owned();
    }
    let mut parts = vec!["allowed".to_owned()];
    let limits = block.limits.iter().cloned().chain(plan::rate(block, ""));
    parts.extend(limits.map(|limit| format!("at most {}", words::limit(&limit))));
    let checks = block.require.len() + block.deny_if.len() + usize::from(block.validate.is_some());
    match checks {
        0 => {}
        1 => parts.push("after 1 check".to_owned()),
        _ => parts.push(format!("after {checks} checks")),
    }
    if let Some(approval) = block
        .approval
        .as_ref()
        .filter(|it| it.mode == Mode::Enforce)
    {
        parts.push(format!("held for {}", words::approval(approval)));
    }
    parts.join(", ")
}

/// " (`a`, `b` and 3 more)", or nothing.
fn names<'t>(tools: impl Iterator<Item = &'t str>) -> String {
    let all: Vec<&str> = tools.collect();
    let named: Vec<String> = all
        .iter()
        .take(NAMED_MAX)
        .map(|it| format!("`{it}`"))
        .collect();
    match all.len().saturating_sub(NAMED_MAX) {
        _ if all.is_empty() => String::new(),
        0 => format!(" ({})", named.join(", ")),
        more => format!(" ({} and {more} more)", named.join(", ")),
    }
}

/// "`get_*`, class `read` or the default (deny)".
fn or<'t>(names: impl Iterator<Item = &'t str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// Tests decide nothing. They are matched by name, of equal names in their order.
fn tests(old: &Side<'_>, new: &Side<'_>, changes: &mut Changes) {
    let (before, after) = (old.field("tests"), new.field("tests"));
    if same(before, after) {
        return;
    }
    let noted = changes.0.len();
    let mut was: Vec<_> = old.rules.tests.iter().zip(elements(before)).collect();
    for (case, json) in new.rules.tests.iter().zip(elements(after)) {
        let twin = was.iter().position(|(other, _)| other.name == case.name);
        let twin = twin.map(|at| was.remove(at).1);
        if same(twin, Some(json)) {
            continue;
        }
        let what = if twin.is_some() {
            "is another one"
        } else {
            "is new"
        };
        let sentence = format!("The test “{}” {what}.", case.name);
        changes.push(
            case.pointer.clone(),
            Effect::Neutral,
            sentence,
            twin,
            Some(json),
        );
    }
    for (case, json) in was {
        let sentence = format!("The test “{}” is gone.", case.name);
        changes.push(
            case.pointer.clone(),
            Effect::Neutral,
            sentence,
            Some(json),
            None,
        );
    }
    if changes.0.len() == noted {
        let sentence = "The tests are in another order.".to_owned();
        changes.push(
            "/tests".to_owned(),
            Effect::Neutral,
            sentence,
            before,
            after,
        );
    }
}
