//! Which block decides for which tool, looked up once for the whole document.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use domain::{Tool, ToolClass};
use json::Value;

use super::{
    outline::{HiddenBy, LeftTo},
    place::Place,
};
use crate::glob::Glob;

/// The names of a document, to be asked about.
pub(super) struct Deciders<'d> {
    tools: HashMap<&'d str, &'d Tool>,
    blocks: HashMap<String, Value<'d>>,
    globs: Vec<(Glob, Value<'d>)>,
    classes: Vec<(ToolClass, Value<'d>)>,
    hidden: HashSet<String>,
    hiding: Vec<Glob>,
    /// How many of the inventory's tools each block decides for that does not name them.
    counts: HashMap<Place, usize>,
}

impl<'d> Deciders<'d> {
    pub(super) fn new(root: Value<'d>, inventory: &'d [Tool]) -> Self {
        let tools = || root.get("tools").into_iter().flat_map(Value::members);
        let hide = || root.get("hide").into_iter().flat_map(Value::elements);
        let globs = tools().filter_map(|(key, block)| {
            let glob = Glob::parse(&key).ok().filter(|glob| !glob.is_exact())?;
            Some((glob, block))
        });
        let mut globs: Vec<_> = globs.collect();
        // The closest first: policy.md, section 1.
        globs.sort_by_key(|(glob, _)| (Reverse(glob.literal_length()), glob.text().to_owned()));
        let class = |class: ToolClass| Some((class, root.get("classes")?.get(class.as_str())?));
        let names = || hide().filter_map(Value::as_str);
        let mut deciders = Self {
            tools: inventory
                .iter()
                .map(|tool| (tool.name.as_str(), tool))
                .collect(),
            blocks: tools()
                .map(|(key, block)| (key.into_owned(), block))
                .collect(),
            globs,
            classes: ToolClass::ALL.into_iter().filter_map(class).collect(),
            hidden: names().map(Into::into).collect(),
            hiding: names()
                .filter_map(|name| Glob::parse(&name).ok())
                .filter(|glob| !glob.is_exact())
                .collect(),
            counts: HashMap::new(),
        };
        deciders.count(inventory);
        deciders
    }

    pub(super) fn tool(&self, name: &str) -> Option<&'d Tool> {
        self.tools.get(name).copied()
    }

    /// The entry of `tools` of this very name.
    pub(super) fn block(&self, name: &str) -> Option<Value<'d>> {
        self.blocks.get(name).copied()
    }

    /// What of `hide` takes a name away.
    pub(super) fn hidden_by(&self, name: &str) -> Option<HiddenBy> {
        if self.hidden.contains(name) {
            return Some(HiddenBy::Name);
        }
        let glob = self.hiding.iter().find(|glob| glob.matches(name))?;
        Some(HiddenBy::Glob(glob.text().to_owned()))
    }

    /// What decides for a tool that no entry names, and the blocks that do.
    pub(super) fn left(&self, tool: &Tool) -> (LeftTo, Vec<Value<'d>>) {
        let close = self.globs.iter().find(|(glob, _)| glob.matches(&tool.name));
        if let Some((glob, block)) = close {
            return (LeftTo::Glob(glob.text().to_owned()), vec![*block]);
        }
        let its = |class: ToolClass| tool.class.is_none_or(|its| its == class);
        let blocks = self.classes.iter().filter(|(class, _)| its(*class));
        let blocks: Vec<_> = blocks.map(|(_, block)| *block).collect();
        match tool.class {
            _ if blocks.is_empty() => (LeftTo::Default, blocks),
            Some(class) => (LeftTo::Class(class), blocks),
            None => (LeftTo::EveryClass, blocks),
        }
    }

    /// How many of the inventory's tools a block decides for that does not name them.
    pub(super) fn tools_of(&self, place: &Place) -> usize {
        self.counts.get(place).copied().unwrap_or(0)
    }

    fn count(&mut self, inventory: &[Tool]) {
        let mut counts: HashMap<Place, usize> = HashMap::new();
        let mut one = |place| *counts.entry(place).or_default() += 1;
        for tool in inventory {
            one(Place::AllTools);
            if self.blocks.contains_key(&tool.name) {
                continue;
            }
            match self.left(tool).0 {
                LeftTo::Glob(glob) => one(Place::Tool(glob)),
                // Of a class that has no block yet: those that a block would decide for.
                _ => match tool.class {
                    Some(class) => one(Place::Class(class)),
                    None => ToolClass::ALL
                        .map(Place::Class)
                        .into_iter()
                        .for_each(&mut one),
                },
            }
        }
        self.counts = counts;
    }
}
