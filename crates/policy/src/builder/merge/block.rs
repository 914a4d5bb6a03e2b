//! One block of the rule into one block here.

use std::collections::HashSet;

use json::{Document, Value};

use super::{
    Merge, MergeError, Target, block_at,
    counters::{covers, named},
};
use crate::{
    builder::{
        edit::{EditError, is_for_every_call},
        operator::quoted,
        place::{Place, steps},
    },
    language::{COUNTER_CHARS_MAX, WINDOWS},
    limit::{Limit, LimitScope, Mode, Refill},
    read::{BOUNDS, escape},
    rules::{Block, Rate, Rules},
};

/// What came of combining two blocks, in sentences.
#[derive(Default)]
pub(super) struct Said {
    /// What changed for calls that the one here decided.
    told: Vec<String>,
    /// What cannot be combined.
    pub(super) clashes: Vec<String>,
}

impl Merge<'_> {
    /// Every block of the rule to its places.
    pub(super) fn blocks(
        &mut self,
        source: Value<'_>,
        rule: &Rules,
        targets: &[Target],
    ) -> Result<(), MergeError> {
        self.look_again()?;
        for target in targets {
            let at = steps(&target.from).unwrap_or_default();
            let from = rule
                .every_block()
                .find(|block| block.pointer == target.from);
            let (Some(json), Some(from)) = (super::super::text::walk(source, &at), from) else {
                continue;
            };
            let said = self.union(&target.to, from, json)?;
            said.told
                .into_iter()
                .chain(said.clashes)
                .for_each(|it| self.note(it));
        }
        Ok(())
    }

    /// The same for a block that is a text.
    pub(super) fn union_text(
        &mut self,
        to: &Place,
        from: &Block,
        json: &str,
    ) -> Result<Said, MergeError> {
        let block = Document::parse(json.as_bytes(), BOUNDS)
            .map_err(|fault| EditError::unreadable(json, fault))?;
        self.union(to, from, block.root())
    }

    fn union(&mut self, to: &Place, from: &Block, json: Value<'_>) -> Result<Said, MergeError> {
        self.prefixes.push((from.pointer.clone(), to.pointer()));
        let here = to.steps();
        if self.text.get(&here, |_| ())?.is_none() {
            if let Some((key, outer)) = here.split_last() {
                self.text.ensure(outer)?;
                self.text.set(outer, key, json.raw())?;
            }
            return Ok(Said::default());
        }
        let rules = self.rules.clone();
        let nothing = Block::default();
        let own = block_at(&rules, to).unwrap_or(&nothing);
        let mut union = Union {
            merge: self,
            to,
            here,
            own,
            from,
            said: Said::default(),
        };
        union.all(json)?;
        Ok(union.said)
    }
}

struct Union<'m, 'i, 'r> {
    merge: &'m mut Merge<'i>,
    to: &'r Place,
    here: Vec<String>,
    /// What is here, before.
    own: &'r Block,
    from: &'r Block,
    said: Said,
}

impl Union<'_, '_, '_> {
    fn all(&mut self, json: Value<'_>) -> Result<(), MergeError> {
        self.action(json)?;
        for (key, value) in json.members() {
            match &*key {
                "require" | "deny_if" => self.checks(&key, value)?,
                "limits" => self.limits(value)?,
                "rate_limit" => self.rate()?,
                "approval" => self.approval(value.raw())?,
                "validate" => self.one_of_a_kind("validate", value)?,
                "concurrent" => self.concurrent(value)?,
                "max_result_bytes" => self.result_bytes(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What the block is called in a note.
    fn name(&self) -> String {
        match self.to {
            Place::AllTools => "`all_tools`".to_owned(),
            Place::Class(class) => format!("The class `{class}`"),
            Place::Tool(name) => format!("`{name}`"),
        }
    }

    fn tell(&mut self, words: &str) {
        let name = self.name();
        self.said.told.push(format!("{name} {words}"));
    }

    fn clash(&mut self, words: &str) {
        let name = self.name();
        self.said.clashes.push(format!("{name} {words}"));
    }

    fn member(&self, key: &str) -> Vec<String> {
        self.here.iter().cloned().chain([key.to_owned()]).collect()
    }

    fn action(&mut self, json: Value<'_>) -> Result<(), MergeError> {
        let reason = json.get("reason");
        match (self.own.deny, self.from.deny) {
            (true, false) => self.tell(
                "is refused here and stays so, though the rule would let calls through; its \
                 limits and checks were added.",
            ),
            (false, true) => {
                self.merge.text.set(&self.here, "action", "\"deny\"")?;
                self.tell("was let through here under its rules and is refused now.");
            }
            _ => {}
        }
        if let (true, Some(reason)) = (self.from.deny, reason) {
            let own = self.merge.text.canonical(&self.member("reason"))?;
            match own {
                None => self.merge.text.set(&self.here, "reason", reason.raw())?,
                Some(own) if own == reason.canonical() => {}
                Some(_) => self.tell("keeps its own reason for refusing."),
            }
        }
        let held = json.get("action");
        if held.is_some_and(|action| action.is("require_approval")) {
            self.approval("{}")?;
        }
        Ok(())
    }

    /// Checks that are not here yet go behind those that are.
    fn checks(&mut self, list: &str, checks: Value<'_>) -> Result<(), MergeError> {
        let at = self.member(list);
        for (index, check) in checks.elements().enumerate() {
            let there = self.merge.text.get(&at, |own| {
                own.elements().position(|own| same_check(own, check))
            })?;
            let position = match there.flatten() {
                Some(position) => position,
                None => {
                    self.merge.text.push(&self.here, list, check.raw())?;
                    self.merge.text.len(&at)? - 1
                }
            };
            self.moved(&format!("{list}/{index}"), &format!("{list}/{position}"));
        }
        Ok(())
    }

    fn limits(&mut self, limits: Value<'_>) -> Result<(), MergeError> {
        let both = self.from.limits.iter().zip(limits.elements());
        for (limit, json) in both {
            match named(self.own, &limit.counter) {
                None => self.merge.text.push(&self.here, "limits", json.raw())?,
                Some(own) if covers(own, limit) => {}
                Some(_) => {
                    let words = format!(
                        "has a limit with the counter `{}` already; the rule's was left out.",
                        limit.counter
                    );
                    self.clash(&words);
                }
            }
        }
        Ok(())
    }

    /// A block has one `rate_limit`. Of two with the same window the lower number stays; another
    /// window makes a limit of its own, where one can say the same.
    fn rate(&mut self) -> Result<(), MergeError> {
        let Some(rate) = self.from.rate else {
            return Ok(());
        };
        let Some(own) = self.own.rate else {
            let json = format!(
                "{{\"max\":{},\"window\":{}}}",
                rate.max,
                window(rate.window_ms)
            );
            return Ok(self.merge.text.set(&self.here, "rate_limit", &json)?);
        };
        if own.max <= rate.max && own.window_ms >= rate.window_ms {
            return Ok(());
        }
        if own.window_ms == rate.window_ms {
            let at = self.member("rate_limit");
            self.merge.text.set(&at, "max", &rate.max.to_string())?;
            self.tell(&format!(
                "has a rate limit of {} now, which was {}.",
                rate.max, own.max
            ));
            return Ok(());
        }
        match self.to {
            Place::Tool(name) if !name.contains('*') && is_counter(name) => {
                self.rate_as_limit(name, rate)
            }
            _ => {
                self.clash("has a rate limit over another time already; the rule's was left out.");
                Ok(())
            }
        }
    }

    fn rate_as_limit(&mut self, name: &str, rate: Rate) -> Result<(), MergeError> {
        let limit = Limit {
            counter: format!("{name}_rate"),
            rule: String::new(),
            window_ms: rate.window_ms,
            max: rate.max,
            scope: LimitScope::Grant,
            refill: Refill::Sliding,
            per: None,
            cost: None,
            on_deny: None,
            mode: Mode::Enforce,
        };
        self.merge.look_again()?;
        let uses = [(self.to.clone(), limit)];
        let counter = self
            .merge
            .free_name(&uses[0].1.counter, &uses, &HashSet::new());
        self.moved("rate_limit", &format!("limits/{}", escape(&counter)));
        let rules = self.merge.rules.clone();
        if block_at(&rules, self.to).is_some_and(|own| named(own, &counter).is_some()) {
            return Ok(());
        }
        let json = format!(
            "{{\"counter\":{},\"window\":{},\"max\":{}}}",
            quoted(&counter),
            window(rate.window_ms),
            rate.max
        );
        self.merge.text.push(&self.here, "limits", &json)?;
        Ok(())
    }

    fn approval(&mut self, json: &str) -> Result<(), MergeError> {
        let short = self.merge.text.get(&self.member("action"), |action| {
            action.is("require_approval")
        })?;
        let own = match short {
            Some(true) => Some("{}".to_owned()),
            _ => self.merge.text.canonical(&self.member("approval"))?,
        };
        let Some(own) = own else {
            return Ok(self.merge.text.set(&self.here, "approval", json)?);
        };
        let wanted = parsed(json)?;
        let same = wanted.root().canonical() == own;
        let covered = wanted.root().is_empty() && is_for_every_call(parsed(&own)?.root());
        if !same && !covered {
            self.clash("is held for approval in its own way already; the rule's was left out.");
        }
        Ok(())
    }

    fn one_of_a_kind(&mut self, key: &str, value: Value<'_>) -> Result<(), MergeError> {
        let own = self.merge.text.canonical(&self.member(key))?;
        match own {
            None => self.merge.text.set(&self.here, key, value.raw())?,
            Some(own) if own == value.canonical() => {}
            Some(_) => self.clash(&format!("has `{key}` already; the rule's was left out.")),
        }
        Ok(())
    }

    fn concurrent(&mut self, value: Value<'_>) -> Result<(), MergeError> {
        let both = self
            .own
            .concurrent
            .as_ref()
            .zip(self.from.concurrent.as_ref());
        match both {
            Some((own, new)) if own.scope == new.scope && own.mode == new.mode => {
                if new.max < own.max {
                    let at = self.member("concurrent");
                    self.merge.text.set(&at, "max", &new.max.to_string())?;
                    self.tell(&format!(
                        "has at most {} calls in flight now, which were {}.",
                        new.max, own.max
                    ));
                }
                Ok(())
            }
            _ => self.one_of_a_kind("concurrent", value),
        }
    }

    fn result_bytes(&mut self, value: Value<'_>) -> Result<(), MergeError> {
        match (self.own.max_result_bytes, self.from.max_result_bytes) {
            (Some(own), Some(new)) if own <= new => Ok(()),
            _ => Ok(self
                .merge
                .text
                .set(&self.here, "max_result_bytes", value.raw())?),
        }
    }

    fn moved(&mut self, was: &str, is: &str) {
        let to = self.to.pointer();
        let key = (format!("{}/{was}", self.from.pointer), to.clone());
        self.merge.moved.insert(key, format!("{to}/{is}"));
    }
}

/// Whether the one here refuses all that the other does.
fn same_check(own: Value<'_>, other: Value<'_>) -> bool {
    let part = |check: Value<'_>, key| check.get(key).map(Value::canonical);
    let shadow = |check: Value<'_>| check.get("mode").is_some_and(|mode| mode.is("shadow"));
    part(own, "conditions") == part(other, "conditions")
        && part(own, "missing") == part(other, "missing")
        && (!shadow(own) || shadow(other))
}

fn parsed(json: &str) -> Result<Document<'_>, MergeError> {
    let parsed = Document::parse(json.as_bytes(), BOUNDS);
    Ok(parsed.map_err(|fault| EditError::unreadable(json, fault))?)
}

/// A window as it is written.
fn window(ms: u64) -> String {
    let seconds = ms / 1000;
    let named = WINDOWS.iter().find(|(_, length)| *length == seconds);
    named.map_or_else(|| seconds.to_string(), |(name, _)| quoted(name))
}

/// Whether a tool's rate can be written as a counter of its own.
fn is_counter(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    name.len() + "_rate".len() <= COUNTER_CHARS_MAX && name.chars().all(plain)
}
