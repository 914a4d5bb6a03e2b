//! Counters of the rule whose names are taken.

use std::collections::{BTreeMap, HashSet};

use super::{Merge, MergeError, Target, block_at};
use crate::{
    builder::{
        operator::quoted,
        place::{Place, steps},
        text::Text,
    },
    language::COUNTER_CHARS_MAX,
    limit::{Limit, Mode},
    policy::Policy,
    rules::{Block, Rules},
};

impl Merge<'_> {
    /// The rule with other names for the counters that would disagree with one of the document.
    pub(super) fn rename_counters(
        &mut self,
        text: String,
        parsed: Policy,
        targets: &[Target],
    ) -> Result<(String, Policy), MergeError> {
        let uses = uses(&parsed.rules, targets);
        let mut taken: HashSet<String> = uses.keys().cloned().collect();
        let mut edited = None;
        for (counter, uses) in &uses {
            let name = self.free_name(counter, uses, &taken);
            if name == *counter {
                continue;
            }
            taken.insert(name.clone());
            let text = edited.get_or_insert(Text::new(&text)?);
            self.rename(text, &parsed.rules, counter, &name)?;
            self.note(format!(
                "The rule's counter `{counter}` counts as `{name}` here: the policy has a \
                 `{counter}` that counts otherwise."
            ));
        }
        let Some(edited) = edited else {
            return Ok((text, parsed));
        };
        let text = edited.into_string();
        let parsed = Policy::parse(&text).map_err(MergeError::Rule)?;
        Ok((text, parsed))
    }

    fn rename(
        &mut self,
        text: &mut Text,
        rule: &Rules,
        from: &str,
        to: &str,
    ) -> Result<(), MergeError> {
        for block in rule.every_block() {
            let Some(at) = block.limits.iter().position(|limit| limit.counter == from) else {
                continue;
            };
            let mut place = steps(&block.pointer).unwrap_or_default();
            place.extend(["limits".to_owned(), at.to_string()]);
            text.set(&place, "counter", &quoted(to))?;
            let was = format!("{}/limits/{from}", block.pointer);
            let is = format!("{}/limits/{to}", block.pointer);
            self.moved.insert((was, String::new()), is);
        }
        Ok(())
    }

    /// The first of `calls`, `calls_2`, `calls_3` that goes together with what is here.
    pub(super) fn free_name(
        &self,
        counter: &str,
        uses: &[(Place, Limit)],
        taken: &HashSet<String>,
    ) -> String {
        let numbered = (2..).map(|number: u32| {
            let end = format!("_{number}");
            let stem = &counter[..counter.len().min(COUNTER_CHARS_MAX - end.len())];
            format!("{stem}{end}")
        });
        let free = numbered.filter(|name| !taken.contains(name));
        let mut names = std::iter::once(counter.to_owned()).chain(free);
        let found = names.find(|name| uses.iter().all(|(to, limit)| self.fits(name, to, limit)));
        found.unwrap_or_else(|| counter.to_owned())
    }

    /// Whether a limit can stand in a block with its counter called so.
    fn fits(&self, name: &str, to: &Place, limit: &Limit) -> bool {
        let limit = Limit {
            counter: name.to_owned(),
            ..limit.clone()
        };
        if let Some(own) = block_at(&self.rules, to).and_then(|block| named(block, name)) {
            return covers(own, &limit);
        }
        let everywhere = self.rules.every_block().flat_map(|block| &block.limits);
        everywhere
            .filter(|own| own.same_bucket(&limit))
            .all(|own| own.max == limit.max && own.same_cost(&limit))
    }
}

/// The limit of a block that has this counter.
pub(super) fn named<'b>(block: &'b Block, counter: &str) -> Option<&'b Limit> {
    block.limits.iter().find(|limit| limit.counter == counter)
}

/// Whether what is there refuses whatever the other would.
pub(super) fn covers(own: &Limit, other: &Limit) -> bool {
    own.same_bucket(other)
        && own.max == other.max
        && own.same_cost(other)
        && (own.mode == Mode::Enforce || other.mode == Mode::Shadow)
}

/// The limits of the rule by counter, each with the places it goes to.
fn uses(rule: &Rules, targets: &[Target]) -> BTreeMap<String, Vec<(Place, Limit)>> {
    let mut uses: BTreeMap<String, Vec<(Place, Limit)>> = BTreeMap::new();
    for target in targets {
        let block = rule
            .every_block()
            .find(|block| block.pointer == target.from);
        for limit in block.into_iter().flat_map(|block| &block.limits) {
            let uses = uses.entry(limit.counter.clone()).or_default();
            uses.push((target.to.clone(), limit.clone()));
        }
    }
    uses
}
