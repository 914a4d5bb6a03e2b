//! What shows only in the document as a whole: places that disagree, or undo each other.

use std::collections::{BTreeMap, HashMap};

use domain::ToolName;
use json::Value;

use super::{At, Reader, block::Place, field::Fields};
use crate::{
    codes::{
        ARGUMENT_UNCONSTRAINED, CLASS_BYPASSED, COUNTER_DISAGREES, HIDDEN_ANYWAY, LIMIT_UNBOUNDED,
        TOO_MANY,
    },
    limit::{Argument, Limit, LimitScope, Mode, Refill},
    path::Path,
    rules::{Block, Check, Op, Rules},
};

/// A warning names at most so many tools.
const TOOLS_NAMED_MAX: usize = 5;

/// Bytes of the tests' arguments, times conditions that may look at them. The slowest patterns take
/// tens of nanoseconds for each, so all tests of a document run within a second or two.
const TEST_WORK_MAX: usize = 64 << 20;

/// Notes all of it.
pub(super) fn look(
    reader: &mut Reader<'_>,
    document: &Fields<'_>,
    rules: &Rules,
    limits: &[Place<'_>],
) {
    agree(reader, limits);
    chosen_by_the_agent(reader, rules, limits);
    tests_take_long(reader, document, rules);
    if let Some(tools) = document.get("tools") {
        hidden_anyway(reader, tools, rules);
        classes_bypassed(reader, tools, rules);
    }
}

/// A document could have its tests look at hundreds of megabytes whenever it is checked.
fn tests_take_long(reader: &mut Reader<'_>, document: &Fields<'_>, rules: &Rules) {
    let Some(at) = document.get("tests") else {
        return;
    };
    let conditions = |block: &Block| {
        let checks = block.require.iter().chain(&block.deny_if);
        let when = block.approval.as_ref().and_then(|it| it.when.as_ref());
        checks.map(|check| check.conditions.len()).sum::<usize>() + when.map_or(0, |it| it.len())
    };
    // A call meets its tool's own block or, at most, those of all classes.
    let of_classes = rules.classes.iter().map(|(_, block)| conditions(block));
    let of_tools = rules.tools.iter().map(|(_, block)| conditions(block));
    let met = conditions(&rules.all_tools) + of_tools.fold(of_classes.sum(), usize::max);
    let arguments = rules.tests.iter().filter_map(|case| case.args.as_ref());
    let bytes: usize = arguments.map(|text| text.len()).sum();
    if bytes.saturating_mul(met) > TEST_WORK_MAX {
        let detail = format!(
            "the tests have {bytes} bytes of arguments together, and a call may meet {met} \
             conditions; at most {TEST_WORK_MAX} are allowed when the two are multiplied"
        );
        reader.fault(TOO_MANY, at, detail);
    }
}

/// Limits on one bucket agree on what it holds and what a call costs.
fn agree(reader: &mut Reader<'_>, limits: &[Place<'_>]) {
    type Bucket<'l> = (&'l str, u64, LimitScope, Refill, Option<&'l Path>);
    let mut first: HashMap<Bucket<'_>, &Place<'_>> = HashMap::new();
    for place in limits {
        let limit = &place.limit;
        let bucket = (
            limit.counter.as_str(),
            limit.window_ms,
            limit.scope,
            limit.refill,
            limit.per.as_ref().map(|per| &per.path),
        );
        let earlier = *first.entry(bucket).or_insert(place);
        let cost = |limit: &Limit| limit.cost.as_ref().map(|cost| cost.path.clone());
        let same_cost = cost(&earlier.limit) == cost(limit);
        let differs = match (earlier.limit.max == limit.max, same_cost) {
            (true, true) => continue,
            (false, _) => format!(
                "`max` is {} there and {} here",
                earlier.limit.max, limit.max
            ),
            (true, false) => "`cost` is another one there".to_owned(),
        };
        let detail = format!(
            "this spends from the same bucket as {}, so both must say the same: {differs}",
            earlier.at.pointer
        );
        reader.fault(COUNTER_DISAGREES, &place.at, detail);
    }
}

/// The agent chooses the arguments, so it chooses the bucket that `per` names and the tokens that
/// `cost` takes. Something that it does not choose must bound both.
fn chosen_by_the_agent(reader: &mut Reader<'_>, rules: &Rules, limits: &[Place<'_>]) {
    let blocks: HashMap<&str, &Block> = rules
        .classes
        .iter()
        .map(|(_, block)| block)
        .chain(rules.tools.iter().map(|(_, block)| block))
        .map(|block| (block.pointer.as_str(), block))
        .collect();
    for place in limits {
        let limit = &place.limit;
        let arguments = [("per", &limit.per), ("cost", &limit.cost)];
        if arguments.iter().all(|(_, argument)| argument.is_none()) {
            continue;
        }
        let own = blocks.get(place.block.as_str()).copied();
        let applying = || own.into_iter().chain([&rules.all_tools]);
        if !applying().any(has_plain_limit) {
            let detail = "the agent chooses the argument, so nothing bounds its calls as a whole; \
                          add a limit without `per` and `cost` to this block or to `all_tools`";
            reader.warn(LIMIT_UNBOUNDED, &place.at, detail);
        }
        for (name, argument) in arguments {
            let (Some(argument), Some(value)) = (argument, place.at.value.get(name)) else {
                continue;
            };
            if !applying().any(|block| constrains(block, argument)) {
                let detail = format!(
                    "no `require` says what `{}` may be, so the agent may choose any value",
                    argument.text()
                );
                reader.warn(ARGUMENT_UNCONSTRAINED, &place.at.child(name, value), detail);
            }
        }
    }
}

/// Whether the block has a limit that takes one token for every call, whatever its arguments.
fn has_plain_limit(block: &Block) -> bool {
    let plain =
        |limit: &Limit| limit.mode == Mode::Enforce && limit.per.is_none() && limit.cost.is_none();
    block.rate.is_some() || block.limits.iter().any(plain)
}

/// Whether some `require` narrows the argument down; that it is there, or is not this or that,
/// leaves it any value.
fn constrains(block: &Block, argument: &Argument) -> bool {
    let narrows = |op: &Op| {
        !matches!(
            op,
            Op::Exists(_) | Op::OneOf { negate: true, .. } | Op::Matches { negate: true, .. }
        )
    };
    block
        .require
        .iter()
        .filter(|check| check.mode == Mode::Enforce)
        .flat_map(|check| &check.conditions)
        .any(|condition| condition.path == argument.path && narrows(&condition.op))
}

fn hidden_anyway(reader: &mut Reader<'_>, tools: &At<'_>, rules: &Rules) {
    for (glob, block) in rules.tools.iter().filter(|(glob, _)| glob.is_exact()) {
        if rules.hidden_by(glob.text()).is_some() {
            let place = At {
                value: tools.value.get(glob.text()).unwrap_or(tools.value),
                pointer: block.pointer.clone(),
            };
            let detail = "`hide` takes this tool away, so its block never applies";
            reader.warn(HIDDEN_ANYWAY, &place, detail);
        }
    }
}

/// A glob goes before a class, so a tool that it happens to match is no longer held by what its
/// class asks. An exact name is a choice; a glob may be an accident.
fn classes_bypassed(reader: &mut Reader<'_>, tools: &At<'_>, rules: &Rules) {
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
