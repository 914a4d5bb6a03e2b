//! Globs that take tools away from stricter class blocks.

use std::collections::BTreeMap;

use domain::ToolName;
use json::Value;

use super::{At, Reader};
use crate::{
    codes::CLASS_BYPASSED,
    limit::Mode,
    rules::{Block, Check, Rules},
};

/// A warning names at most so many tools.
const TOOLS_NAMED_MAX: usize = 5;

/// A glob goes before a class, so a tool that it happens to match is no longer held by what its
/// class asks. An exact name is a choice; a glob may be an accident.
pub(super) fn look(reader: &mut Reader<'_>, tools: &At<'_>, rules: &Rules) {
    let Some(inventory) = reader.inventory else {
        return;
    };
    if rules.classes.is_empty() {
        return;
    }
    let mut taken: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    for tool in inventory {
        // What no call can name is never let through.
        if tool.name.parse::<ToolName>().is_err() || rules.hidden_by(&tool.name).is_some() {
            continue;
        }
        let glob = rules.entry_for(&tool.name);
        let Some(glob) = glob.filter(|&at| !rules.tools[at].0.is_exact()) else {
            continue;
        };
        for (at, (class, _)) in rules.classes.iter().enumerate() {
            // A tool without a class is held by all of them.
            if tool.class.is_none_or(|own| own == *class) {
                taken.entry((glob, at)).or_default().push(&tool.name);
            }
        }
    }
    for ((glob, class), names) in taken {
        let (glob, block) = &rules.tools[glob];
        let (class, stricter) = &rules.classes[class];
        let asked = asks(block);
        let lost: Vec<&str> = asks(stricter)
            .into_iter()
            .filter(|kind| !asked.contains(kind))
            .collect();
        if lost.is_empty() || block.deny {
            continue;
        }
        let detail = format!(
            "takes {} away from the block of class `{class}`, which has {} and this block has not",
            named(&names),
            ticked(&lost),
        );
        let place = At {
            value: key(tools.value, glob.text()).unwrap_or(tools.value),
            pointer: block.pointer.clone(),
        };
        reader.warn(CLASS_BYPASSED, &place, detail);
    }
}

/// What of its fields a block holds calls with.
fn asks(block: &Block) -> Vec<&'static str> {
    let enforced = |checks: &[Check]| checks.iter().any(|check| check.mode == Mode::Enforce);
    let limited =
        block.rate.is_some() || block.limits.iter().any(|limit| limit.mode == Mode::Enforce);
    let approval = block.approval.as_ref();
    let concurrent = block.concurrent.as_ref();
    [
        ("action: deny", block.deny),
        ("require", enforced(&block.require)),
        ("deny_if", enforced(&block.deny_if)),
        (
            "approval",
            approval.is_some_and(|it| it.mode == Mode::Enforce),
        ),
        ("limits", limited),
        ("validate", block.validate.is_some()),
        (
            "concurrent",
            concurrent.is_some_and(|it| it.mode == Mode::Enforce),
        ),
        ("max_result_bytes", block.max_result_bytes.is_some()),
    ]
    .into_iter()
    .filter(|(_, asked)| *asked)
    .map(|(kind, _)| kind)
    .collect()
}

fn key<'d>(object: Value<'d>, name: &str) -> Option<Value<'d>> {
    let found = object.entries().find(|(key, _)| key.is(name));
    found.map(|(key, _)| key)
}

fn named(tools: &[&str]) -> String {
    match tools.len().checked_sub(TOOLS_NAMED_MAX) {
        Some(more @ 1..) => format!(
            "{} and {more} more tools",
            ticked(&tools[..TOOLS_NAMED_MAX])
        ),
        _ => ticked(tools),
    }
}

fn ticked(words: &[&str]) -> String {
    let ticked: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    ticked.join(", ")
}
