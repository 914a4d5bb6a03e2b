//! Where the rule's blocks go, and the entries that are made for them.

use domain::ToolClass;

use super::{Merge, MergeError, Target, block_at};
use crate::{
    builder::place::{Place, steps},
    glob::Glob,
    rules::Rules,
};

impl Merge<'_> {
    /// Makes an entry for each tool that other rules of the document apply to, with those rules in
    /// it, and says where each block of the rule goes.
    pub(super) fn make_room(&mut self, rule: &Rules) -> Result<Vec<Target>, MergeError> {
        let mut targets = Vec::new();
        let old = std::sync::Arc::clone(&self.rules);
        let placed = self.places(&old, rule)?;
        for (at, (glob, block)) in rule.tools.iter().enumerate() {
            let mut to = |place| {
                targets.push(Target {
                    from: block.pointer.clone(),
                    to: place,
                });
            };
            if placed[at] {
                to(Place::Tool(glob.text().to_owned()));
            }
            if glob.is_exact() {
                continue;
            }
            for (own, _) in &old.tools {
                if own.is_exact() && rule.entry_for(own.text()) == Some(at) {
                    to(Place::Tool(own.text().to_owned()));
                } else if !own.is_exact() && own.text() != glob.text() && own.overlaps(glob) {
                    let closer = own.by_closeness(glob).is_lt();
                    if closer
                        && rule
                            .tools
                            .iter()
                            .all(|(other, _)| other.text() != own.text())
                    {
                        self.note(format!(
                            "`{}` goes before `{}` and keeps its own rules.",
                            own.text(),
                            glob.text()
                        ));
                    }
                }
            }
        }
        for (class, block) in &rule.classes {
            targets.push(Target {
                from: block.pointer.clone(),
                to: Place::Class(*class),
            });
            if !old.tools.is_empty() {
                self.note(format!(
                    "The rule's block for the class `{class}` does not reach tools with an entry \
                     of their own."
                ));
            }
        }
        targets.push(Target {
            from: rule.all_tools.pointer.clone(),
            to: Place::AllTools,
        });
        Ok(targets)
    }

    /// Which of the rule's tools have a place, the closest globs first: a glob that matches a tool
    /// which was left out would take it from the rules that it has here, so it stays out too.
    fn places(&mut self, old: &Rules, rule: &Rules) -> Result<Vec<bool>, MergeError> {
        let mut order: Vec<_> = rule
            .tools
            .iter()
            .map(|(glob, _)| glob)
            .enumerate()
            .collect();
        order.sort_by(|(_, one), (_, other)| one.by_closeness(other));
        let mut placed = vec![false; order.len()];
        let mut out: Vec<&Glob> = Vec::new();
        for (at, glob) in order {
            let first = out
                .iter()
                .find(|out| !glob.is_exact() && out.overlaps(glob));
            if let Some(first) = first {
                self.note(format!(
                    "`{}` was left out too: it would take `{}` out of the rules that it has here.",
                    glob.text(),
                    first.text()
                ));
                continue;
            }
            let hidden = [rule, old]
                .iter()
                .any(|it| it.hidden_by(glob.text()).is_some());
            placed[at] = self.has_place(old, rule, glob)?;
            if !placed[at] && !hidden {
                out.push(glob);
            }
        }
        Ok(placed)
    }

    /// Whether a tool's block has a place: it is there, or nothing stands against it.
    fn has_place(&mut self, old: &Rules, rule: &Rules, glob: &Glob) -> Result<bool, MergeError> {
        let name = glob.text();
        if old.tools.iter().any(|(own, _)| own.text() == name) {
            return Ok(true);
        }
        if let Some(hidden) = old.hidden_by(name) {
            let by = old.hide[hidden].text();
            self.note(match by == name {
                true => format!("`{name}` is hidden here and stays so; its rules were left out."),
                false => format!(
                    "`{name}` is hidden here by `{by}` and stays so; its rules were left out."
                ),
            });
            return Ok(false);
        }
        if rule.hidden_by(name).is_some() {
            self.note(format!(
                "The rule hides `{name}`, so its rules for it were left out."
            ));
            return Ok(false);
        }
        let applied = match glob.is_exact() {
            true => self.applied_to(old, name),
            false => self.applied_under(old, glob),
        };
        match &applied[..] {
            [] => Ok(true),
            [first, others @ ..] => self.copied(name, first, others),
        }
    }

    /// The blocks that applied to a tool without an entry of its own, as pointers.
    fn applied_to(&self, old: &Rules, name: &str) -> Vec<String> {
        let tools = self.inventory.into_iter().flatten();
        let class = tools
            .filter(|tool| tool.name == name)
            .find_map(|tool| tool.class);
        let places = old.blocks_for(name, class);
        let blocks = places.iter().map(|place| old.block(*place).pointer.clone());
        blocks.collect()
    }

    /// The same for whatever a new glob takes from other globs and from classes.
    fn applied_under(&self, old: &Rules, glob: &Glob) -> Vec<String> {
        let looser = |own: &Glob| !own.is_exact() && glob.by_closeness(own).is_lt();
        let tools = old.tools.iter();
        let mut globs: Vec<_> = tools
            .filter(|(own, _)| looser(own) && own.overlaps(glob))
            .collect();
        globs.sort_by(|(one, _), (other, _)| one.by_closeness(other));
        // One that matches whatever the new glob does goes before what is looser still, and
        // before classes. A star of the new glob can only meet a star of that one.
        let whole = globs.iter().position(|(own, _)| own.matches(glob.text()));
        globs.truncate(whole.map_or(globs.len(), |at| at + 1));
        let mut blocks: Vec<String> = globs
            .iter()
            .map(|(_, block)| block.pointer.clone())
            .collect();
        if whole.is_some() {
            return blocks;
        }
        // Closer entries do not count: one that an earlier merge made would change the answer.
        let by_class = |name: &str| {
            !old.tools
                .iter()
                .any(|(own, _)| looser(own) && own.matches(name))
        };
        let held = |class: ToolClass| match self.inventory {
            None => true,
            Some(tools) => tools.iter().any(|tool| {
                glob.matches(&tool.name)
                    && tool.class.is_none_or(|own| own == class)
                    && by_class(&tool.name)
            }),
        };
        let classes = old.classes.iter().filter(|(class, _)| held(*class));
        blocks.extend(classes.map(|(_, block)| block.pointer.clone()));
        blocks
    }

    /// Makes an entry with all that these blocks ask; says whether that can be written.
    fn copied(&mut self, name: &str, first: &str, others: &[String]) -> Result<bool, MergeError> {
        let before = (self.text.clone(), self.rules.clone(), self.moved.clone());
        let place = Place::Tool(name.to_owned());
        let raw = |merge: &Self, pointer: &str| {
            let at = steps(pointer).unwrap_or_default();
            merge.text.get(&at, |block| block.raw().to_owned())
        };
        let Some(block) = raw(self, first)? else {
            return Ok(true);
        };
        self.text.ensure(&["tools".to_owned()])?;
        self.text.set(&["tools".to_owned()], name, &block)?;
        self.look_again()?;
        for other in others {
            let (Some(json), Some(from)) = (raw(self, other)?, Place::of(other)) else {
                continue;
            };
            let rules = self.rules.clone();
            let Some(from) = block_at(&rules, &from) else {
                continue;
            };
            let said = self.union_text(&place, from, &json)?;
            if !said.clashes.is_empty() || self.look_again().is_err() {
                (self.text, self.rules, self.moved) = before;
                self.note(format!(
                    "`{name}` was left out: several blocks apply to it here, and they cannot be \
                     written as one. Give it an entry by hand first."
                ));
                return Ok(false);
            }
        }
        if others.is_empty() {
            self.follow(name, first)?;
        }
        let words = match others {
            [] => format!("what `{}` asks", Self::shown(first)),
            _ => "what the blocks that applied to it ask".to_owned(),
        };
        self.note(format!(
            "`{name}` gets an entry of its own, which keeps {words} and adds the rule."
        ));
        Ok(true)
    }

    fn shown(pointer: &str) -> String {
        let last = steps(pointer).and_then(|steps| steps.last().cloned());
        last.unwrap_or_default()
    }

    /// Tests of a tool that name a rule of the block it had name the copy.
    fn follow(&mut self, name: &str, block: &str) -> Result<(), MergeError> {
        let (own, from) = (Place::Tool(name.to_owned()).pointer(), format!("{block}/"));
        let list = ["tests".to_owned()];
        for at in 0..self.text.len(&list)? {
            let test = ["tests".to_owned(), at.to_string()];
            let rule = self.text.get(&test, |test| {
                let is_its = test.get("tool").is_some_and(|tool| tool.is(name));
                let rule = test
                    .get("rule")
                    .and_then(|rule| Some(rule.as_str()?.into_owned()));
                rule.filter(|_| is_its)
            })?;
            let rest = rule
                .flatten()
                .and_then(|it| Some(it.strip_prefix(&from)?.to_owned()));
            if let Some(rest) = rest {
                let rule = crate::builder::operator::quoted(&format!("{own}/{rest}"));
                self.text.set(&test, "rule", &rule)?;
            }
        }
        Ok(())
    }
}
