//! Limits whose bucket or cost the agent chooses.

use std::collections::HashMap;

use super::{Reader, block::Place};
use crate::{
    codes::{ARGUMENT_UNCONSTRAINED, LIMIT_UNBOUNDED},
    limit::{Argument, Limit, Mode},
    rules::{Block, Op, Rules},
};

/// The agent chooses the arguments, so it chooses the bucket that `per` names and the tokens that
/// `cost` takes. Something that it does not choose must bound both.
pub(super) fn look(reader: &mut Reader<'_>, rules: &Rules, limits: &[Place<'_>]) {
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
