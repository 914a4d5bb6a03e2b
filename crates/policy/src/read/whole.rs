//! What shows only in the document as a whole: places that disagree, or undo each other.

use std::collections::HashMap;

use super::{At, Reader, block::Place, bypassed, chosen, field::Fields};
use crate::{
    codes::{COUNTER_DISAGREES, HIDDEN_ANYWAY, TOO_MANY},
    limit::{Limit, LimitScope, Refill},
    path::Path,
    rules::{Block, Rules},
};

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
