//! What shows only in the document as a whole: places that disagree, or undo each other.

use std::collections::HashMap;

use super::{At, Reader, block::Place, bypassed, chosen, field::Fields};
use crate::{
    codes::{COUNTER_DISAGREES, HIDDEN_ANYWAY, TOO_MANY},
    limit::{LimitScope, Refill},
    path::Path,
    rules::{Block, Condition, Rules},
};

/// What all tests of a document may look at, in bytes: as long as half a call may take.
const TEST_WORK_MAX: usize = 32 << 20;

/// Notes all of it.
pub(super) fn look(
    reader: &mut Reader<'_>,
    document: &Fields<'_>,
    rules: &Rules,
    limits: &[Place<'_>],
) {
    agree(reader, limits);
    chosen::look(reader, rules, limits);
    tests_take_long(reader, document, rules);
    if let Some(tools) = document.get("tools") {
        hidden_anyway(reader, tools, rules);
        bypassed::look(reader, tools, rules);
    }
}

/// A document could have its tests look at hundreds of megabytes whenever it is checked.
fn tests_take_long(reader: &mut Reader<'_>, document: &Fields<'_>, rules: &Rules) {
    let Some(at) = document.get("tests") else {
        return;
    };
    let work = rules.tests.iter().map(|case| {
        let places = rules.blocks_for(&case.tool, case.class);
        let conditions = rules.applying(&places).flat_map(Block::conditions);
        let bytes = case.args.as_ref().map_or(0, |text| text.len());
        bytes.saturating_mul(conditions.map(looks).sum())
    });
    let work = work.fold(0, usize::saturating_add);
    if work > TEST_WORK_MAX {
        let detail = format!(
            "the tests would look at {work} bytes: the arguments of each, times what the \
             conditions that they meet may look at; at most {TEST_WORK_MAX} are allowed"
        );
        reader.fault(TOO_MANY, at, detail);
    }
}

/// How often a condition may look at one byte of the arguments: on the way to the value, for the
/// value, and for each entry of the list that it is held against.
fn looks(condition: &Condition) -> usize {
    let (times, entries) = condition.op.work();
    1 + times + entries
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
        let same_cost = earlier.limit.same_cost(limit);
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
