//! One of the two documents: what it means beside how it is written.

use std::{cell::OnceCell, collections::HashMap};

use domain::ToolClass;
use json::Value;

use super::moved::forbids;
use crate::{
    restrictions::Restrictions,
    rules::{Block, Check, Rules},
};

/// A document.
pub(super) struct Side<'d> {
    pub(super) rules: &'d Rules,
    pub(super) root: Option<Value<'d>>,
    /// The entries of `tools` by their text.
    entries: HashMap<&'d str, usize>,
    blocks: Vec<Value<'d>>,
    /// What each entry of `tools` forbids, once somebody has asked.
    forbids: Vec<OnceCell<Restrictions>>,
    /// What stands for tools that no entry matches: of each class, then of none.
    left: [OnceCell<Restrictions>; ToolClass::ALL.len() + 1],
}

/// A block, as it is understood and as it is written.
#[derive(Clone, Copy)]
pub(super) struct View<'d> {
    pub(super) block: &'d Block,
    pub(super) json: Option<Value<'d>>,
}

impl<'d> Side<'d> {
    pub(super) fn new(rules: &'d Rules, root: Option<Value<'d>>) -> Self {
        let tools = root.and_then(|root| root.get("tools"));
        let blocks = tools.iter().flat_map(|tools| tools.members());
        let entries = rules.tools.iter().enumerate();
        Self {
            rules,
            root,
            entries: entries.map(|(at, (glob, _))| (glob.text(), at)).collect(),
            blocks: blocks.map(|(_, block)| block).collect(),
            forbids: vec![OnceCell::new(); rules.tools.len()],
            left: Default::default(),
        }
    }

    /// One of the document's own fields.
    pub(super) fn field(&self, name: &str) -> Option<Value<'d>> {
        self.root.and_then(|root| root.get(name))
    }

    pub(super) fn all_tools(&self) -> View<'d> {
        View {
            block: &self.rules.all_tools,
            json: self.field("all_tools"),
        }
    }

    /// The place of an entry of `tools`.
    pub(super) fn entry(&self, name: &str) -> Option<usize> {
        self.entries.get(name).copied()
    }

    /// An entry of `tools`.
    pub(super) fn tool(&self, at: usize) -> View<'d> {
        View {
            block: &self.rules.tools[at].1,
            json: self.blocks.get(at).copied(),
        }
    }

    pub(super) fn class(&self, class: ToolClass) -> Option<View<'d>> {
        let (_, block) = self.rules.classes.iter().find(|(of, _)| *of == class)?;
        let json = self.field("classes").and_then(|it| it.get(class.as_str()));
        Some(View { block, json })
    }

    /// What an entry of `tools` forbids.
    pub(super) fn restrictions(&self, at: usize) -> &Restrictions {
        self.forbids[at].get_or_init(|| forbids(self.tool(at)))
    }

    /// What stands for a tool of this class that no entry of `tools` matches.
    pub(super) fn left_to(&self, class: Option<ToolClass>) -> &Restrictions {
        let at = class.map_or(ToolClass::ALL.len(), |class| class as usize);
        self.left[at].get_or_init(|| {
            let of = |it: &ToolClass| class.is_none_or(|class| class == *it);
            let classes = ToolClass::ALL.into_iter().filter(of);
            let views: Vec<View<'_>> = classes.filter_map(|it| self.class(it)).collect();
            match views.is_empty() {
                true if self.rules.default_allow => Restrictions::none(),
                true => Restrictions::everything(),
                false => views.into_iter().map(forbids).collect(),
            }
        })
    }
}

impl<'d> View<'d> {
    pub(super) fn field(&self, name: &str) -> Option<Value<'d>> {
        self.json.and_then(|json| json.get(name))
    }

    /// The checks of `require` or of `deny_if`.
    pub(super) fn checks(&self, field: &str) -> Vec<(&'d Check, Value<'d>)> {
        let checks = match field {
            "require" => &self.block.require,
            _ => &self.block.deny_if,
        };
        let written = self.field(field);
        let written = written.iter().flat_map(|list| list.elements());
        checks.iter().zip(written).collect()
    }
}
