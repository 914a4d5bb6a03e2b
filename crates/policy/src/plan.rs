//! What is known of a tool before any call of it.

use std::collections::HashSet;

use domain::{Tool, ToolName};
use json::{Bounds, Document};

use crate::{
    evaluate::{Annotation, ToolFacts},
    fold::{Key, fold},
    glob::Glob,
    limit::{Limit, LimitScope, Mode, Refill},
    path::Path,
    rules::{Block, Rules},
};

/// A tool's definition is upstream's own text: read within these bounds or not at all.
const DEFINITION_BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 128,
};

/// Everything about one tool that no argument can change.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) standing: Standing,
    /// Which entry of `tools` applies.
    pub(crate) block: Option<usize>,
    /// One for each bucket a call spends from.
    pub(crate) limits: Vec<Limit>,
    pub(crate) facts: ToolFacts,
}

/// Whether a tool is there for the grant, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Shown; rules decide.
    Ruled,
    /// Taken away by this entry of `hide`.
    Hidden(usize),
    /// Not in the inventory, or posing as a tool that is refused.
    Unknown,
    /// In no block, and the default is deny.
    DefaultDeny,
}

impl Rules {
    /// The entry of `hide` that takes the tool away.
    pub(crate) fn hidden_by(&self, tool: &str) -> Option<usize> {
        self.hide.iter().position(|glob| glob.matches(tool))
    }

    /// The entry of `tools` that applies: the exact name, else the glob with the longest literal
    /// text, of equals the lexicographically first.
    pub(crate) fn block_for(&self, tool: &str) -> Option<usize> {
        let matching = self
            .tools
            .iter()
            .enumerate()
            .filter(|(_, (glob, _))| glob.matches(tool));
        matching
            .min_by_key(|(_, (glob, _))| {
                let literal = std::cmp::Reverse(glob.literal_length());
                (
                    !(glob.is_exact() && glob.text() == tool),
                    literal,
                    glob.text(),
                )
            })
            .map(|(at, _)| at)
    }

    /// The plan for a tool of which nothing but the name is known.
    pub(crate) fn plan(&self, tool: &str) -> Plan {
        let block = self.block_for(tool);
        let standing = match (self.hidden_by(tool), block, self.default_allow) {
            (Some(at), _, _) => Standing::Hidden(at),
            (None, None, false) => Standing::DefaultDeny,
            _ => Standing::Ruled,
        };
        let limits = match standing {
            Standing::Ruled => self.limits(tool, block),
            _ => Vec::new(),
        };
        Plan {
            standing,
            block,
            limits,
            facts: ToolFacts::default(),
        }
    }

    /// The block's limits, then those of `all_tools`, each bucket once. Where both name the same
    /// bucket the smaller `max` refuses first, so it alone is kept.
    fn limits(&self, tool: &str, block: Option<usize>) -> Vec<Limit> {
        let mut merged: Vec<Limit> = Vec::new();
        let block = block.map(|at| &self.tools[at].1);
        for block in block.into_iter().chain([&self.all_tools]) {
            for limit in block.limits.iter().cloned().chain(rate(block, tool)) {
                match merged.iter_mut().find(|other| other.same_bucket(&limit)) {
                    Some(other) if other.max <= limit.max => {}
                    Some(other) => *other = limit,
                    None => merged.push(limit),
                }
            }
        }
        merged
    }

    /// The plans for the tools of an inventory. A tool that an upstream adds under a name that
    /// looks or reads like that of a hidden or refused one must not slip past the rule (wire.md,
    /// section 2, 5), and one whose name no call can use is not there.
    pub(crate) fn plan_inventory<'t>(&self, inventory: &'t [Tool]) -> Vec<(&'t str, Plan)> {
        let mut plans: Vec<_> = inventory
            .iter()
            .map(|tool| (tool.name.as_str(), self.plan(&tool.name)))
            .collect();
        let refused = self.refused_names(&plans);
        for ((name, plan), tool) in plans.iter_mut().zip(inventory) {
            plan.facts = self.facts(tool);
            let hidden = matches!(plan.standing, Standing::Hidden(_));
            let named = plan.block.is_some_and(|at| self.tools[at].0.is_exact());
            let poses = !named && !self.refuses(plan) && refused.contains(&fold(name));
            if !hidden && (poses || name.parse::<ToolName>().is_err()) {
                plan.standing = Standing::Unknown;
            }
        }
        plans
    }

    /// Whether the tool's own block refuses each call of it.
    fn refuses(&self, plan: &Plan) -> bool {
        plan.block.is_some_and(|at| self.tools[at].1.deny)
    }

    /// The folded names of tools that are hidden or refused: those the document names, and those
    /// of the inventory that its globs reach.
    fn refused_names(&self, plans: &[(&str, Plan)]) -> HashSet<String> {
        let hidden = self
            .hide
            .iter()
            .filter(|glob| glob.is_exact())
            .map(Glob::text);
        let denied = self
            .tools
            .iter()
            .filter(|(glob, block)| glob.is_exact() && block.deny)
            .map(|(glob, _)| glob.text());
        let reached = plans
            .iter()
            .filter(|(_, plan)| matches!(plan.standing, Standing::Hidden(_)) || self.refuses(plan))
            .map(|(name, _)| *name);
        hidden.chain(denied).chain(reached).map(fold).collect()
    }

    /// What the rules can ask of the tool: its class and the annotations that any path names.
    pub(crate) fn facts(&self, tool: &Tool) -> ToolFacts {
        let mut facts = ToolFacts {
            class: tool.class,
            annotations: Vec::new(),
        };
        let mut hints = self.annotations().peekable();
        if hints.peek().is_none() {
            return facts;
        }
        if let Ok(document) = Document::parse(tool.definition.as_bytes(), DEFINITION_BOUNDS) {
            for hint in hints {
                if facts.annotations.iter().all(|(name, _)| *name != hint.text) {
                    let found = Annotation::resolve(document.root(), hint);
                    facts.annotations.push((hint.text.clone(), found));
                }
            }
        }
        facts
    }

    fn annotations(&self) -> impl Iterator<Item = &Key> {
        let blocks = self
            .tools
            .iter()
            .map(|(_, block)| block)
            .chain([&self.all_tools]);
        blocks
            .flat_map(|block| block.require.iter().chain(&block.deny_if))
            .flat_map(|check| &check.conditions)
            .filter_map(|condition| match &condition.path {
                Path::ToolAnnotation(hint) => Some(hint),
                _ => None,
            })
    }
}

/// `rate_limit` as the limit it is short for.
pub(crate) fn rate(block: &Block, tool: &str) -> Option<Limit> {
    block.rate.map(|rate| Limit {
        counter: format!("{tool}_rate"),
        rule: format!("{}/rate_limit", block.pointer),
        window_ms: rate.window_ms,
        max: rate.max,
        scope: LimitScope::Grant,
        refill: Refill::Sliding,
        per: None,
        cost: None,
        on_deny: None,
        mode: Mode::Enforce,
    })
}
