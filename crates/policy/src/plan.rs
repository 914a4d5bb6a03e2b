//! What is known of a tool before any call of it.

use std::{collections::HashSet, sync::Arc};

use domain::{Tool, ToolClass, ToolName};
use json::{Bounds, Document};

use crate::{
    evaluate::{Annotation, ToolFacts},
    fold::{Key, fold},
    glob::Glob,
    input_schema::{InputSchema, Patterns},
    limit::{Concurrent, Limit, LimitScope, Mode, Refill, ResultLimit},
    path::Path,
    rules::{Block, Place, Rules, Validate},
};

/// A tool's definition is upstream's own text: read within these bounds or not at all.
pub(crate) const DEFINITION_BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 128,
};

/// Everything about one tool that no argument can change.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) standing: Standing,
    /// The blocks that apply beside `all_tools`: none, one, or every class block.
    pub(crate) blocks: Vec<Place>,
    pub(crate) needs: Needs,
    pub(crate) facts: ToolFacts,
    /// The tool's `inputSchema`, where any block that could apply asks for it.
    pub(crate) schema: Option<Arc<InputSchema>>,
}

/// What a call takes if nothing refuses it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Needs {
    /// One for each bucket it spends from.
    pub(crate) limits: Vec<Limit>,
    /// Whether any of them looks at arguments for what it takes.
    pub(crate) measured: bool,
    pub(crate) concurrent: Vec<Concurrent>,
    pub(crate) max_result: Option<ResultLimit>,
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
    /// Without a block, and the default is deny.
    DefaultDeny,
}

impl Rules {
    /// The entry of `hide` that takes the tool away.
    pub(crate) fn hidden_by(&self, tool: &str) -> Option<usize> {
        self.hide.iter().position(|glob| glob.matches(tool))
    }

    /// The entry of `tools` that applies: the exact name, else the glob with the longest literal
    /// text, of equals the lexicographically first.
    pub(crate) fn entry_for(&self, tool: &str) -> Option<usize> {
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

    /// The plan for a tool of which nothing but the name is known, and perhaps its class.
    pub(crate) fn plan(&self, tool: &str, class: Option<ToolClass>) -> Plan {
        let blocks = self.blocks_for(tool, class);
        let standing = match (self.hidden_by(tool), blocks.is_empty(), self.default_allow) {
            (Some(at), _, _) => Standing::Hidden(at),
            (None, true, false) => Standing::DefaultDeny,
            _ => Standing::Ruled,
        };
        let needs = match standing {
            Standing::Ruled => self.needs(tool, &blocks),
            _ => Needs::default(),
        };
        Plan {
            standing,
            blocks,
            needs,
            facts: ToolFacts {
                class,
                annotations: Vec::new(),
            },
            schema: None,
        }
    }

    /// The entry of `tools`, else the class's block. A tool without a class could be of any, so
    /// every class block applies to it.
    pub(crate) fn blocks_for(&self, tool: &str, class: Option<ToolClass>) -> Vec<Place> {
        if let Some(at) = self.entry_for(tool) {
            return vec![Place::Tool(at)];
        }
        let classes = self.classes.iter().enumerate();
        classes
            .filter(|(_, (of, _))| class.is_none_or(|class| class == *of))
            .map(|(at, _)| Place::Class(at))
            .collect()
    }

    /// The blocks at these places, and after them `all_tools`.
    pub(crate) fn applying(&self, places: &[Place]) -> impl Iterator<Item = &Block> {
        let own = places.iter().map(|place| self.block(*place));
        own.chain([&self.all_tools])
    }

    fn needs(&self, tool: &str, places: &[Place]) -> Needs {
        let mut needs = Needs::default();
        for block in self.applying(places) {
            for limit in block.limits.iter().cloned().chain(rate(block, tool)) {
                needs.spend(limit);
            }
            needs.concurrent.extend(block.concurrent.clone());
            let own = block.max_result_bytes.map(|bytes| ResultLimit {
                rule: format!("{}/max_result_bytes", block.pointer),
                bytes,
            });
            let both = needs.max_result.into_iter().chain(own);
            needs.max_result = both.min_by_key(|max| max.bytes);
        }
        let measured = |limit: &Limit| limit.per.is_some() || limit.cost.is_some();
        needs.measured = needs.limits.iter().any(measured);
        needs
    }

    /// The plans for the tools of an inventory. A tool that an upstream adds under a name that
    /// looks or reads like that of a hidden or refused one must not slip past the rule (wire.md,
    /// section 2, 5), and one whose name no call can use is not there.
    pub(crate) fn plan_inventory<'t>(&self, inventory: &'t [Tool]) -> Vec<(&'t str, Plan)> {
        let mut plans: Vec<_> = inventory
            .iter()
            .map(|tool| (tool.name.as_str(), self.plan(&tool.name, tool.class)))
            .collect();
        let refused = self.refused_names(&plans);
        // In the order of the inventory, so that what is left for one schema is the same everywhere.
        let mut patterns = Patterns::default();
        for ((name, plan), tool) in plans.iter_mut().zip(inventory) {
            plan.facts = self.facts(tool);
            plan.schema = self.schema(tool);
            self.ready(plan, &mut patterns);
            let hidden = matches!(plan.standing, Standing::Hidden(_));
            let poses = !self.names(plan) && !self.refuses(plan) && refused.contains(&fold(name));
            if !hidden && (poses || name.parse::<ToolName>().is_err()) {
                plan.standing = Standing::Unknown;
            }
        }
        plans
    }

    /// Whether an entry of `tools` names the tool exactly.
    fn names(&self, plan: &Plan) -> bool {
        matches!(plan.blocks[..], [Place::Tool(at)] if self.tools[at].0.is_exact())
    }

    /// Whether a block of the tool's own refuses each call of it.
    fn refuses(&self, plan: &Plan) -> bool {
        plan.blocks.iter().any(|place| self.block(*place).deny)
    }

    /// The folded names of tools that are hidden or refused: those the document names, and those
    /// of the inventory that its globs and classes reach.
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

    /// The tool's schema, where a block asks for it that applies to the tool, or that would if its
    /// class were another.
    fn schema(&self, tool: &Tool) -> Option<Arc<InputSchema>> {
        let entry = self.entry_for(&tool.name);
        let own: Vec<Place> = match entry {
            Some(at) => vec![Place::Tool(at)],
            None => (0..self.classes.len()).map(Place::Class).collect(),
        };
        let asked = self.applying(&own).any(|block| block.validate.is_some());
        asked.then(|| Arc::new(InputSchema::of(tool)))
    }

    /// Compiles the schema where a block that applies wants all of it, so that no call waits.
    fn ready(&self, plan: &Plan, patterns: &mut Patterns) {
        let mut blocks = self.applying(&plan.blocks);
        if let Some(schema) = &plan.schema
            && blocks.any(|block| block.validate == Some(Validate::Schema))
        {
            schema.compile(patterns);
        }
    }

    /// What the rules can ask of the tool: its class and the annotations that any path names.
    pub(crate) fn facts(&self, tool: &Tool) -> ToolFacts {
        ToolFacts {
            class: tool.class,
            annotations: annotations(tool, &mut self.annotations()),
        }
    }

    fn annotations(&self) -> impl Iterator<Item = &Key> {
        self.every_block()
            .flat_map(Block::conditions)
            .filter_map(|condition| match &condition.path {
                Path::ToolAnnotation(hint) => Some(hint),
                _ => None,
            })
    }
}

impl Needs {
    /// Adds a limit, each bucket once. Where two rules name one bucket, a rule that is enforced
    /// counts before one in shadow, and of two the smaller `max`, which refuses first. Where what
    /// they take differs (a `rate_limit` may meet a `cost`), neither can stand for the other.
    fn spend(&mut self, limit: Limit) {
        let strictness = |limit: &Limit| (limit.mode == Mode::Shadow, limit.max);
        match self
            .limits
            .iter_mut()
            .find(|other| other.same_bucket(&limit) && other.same_cost(&limit))
        {
            Some(other) if strictness(other) <= strictness(&limit) => {}
            Some(other) => *other = limit,
            None => self.limits.push(limit),
        }
    }
}

/// What the upstream's hints of these names are.
fn annotations(tool: &Tool, hints: &mut dyn Iterator<Item = &Key>) -> Vec<(Box<str>, Annotation)> {
    let mut annotations: Vec<(Box<str>, Annotation)> = Vec::new();
    let Some(first) = hints.next() else {
        return annotations;
    };
    let document = Document::parse(tool.definition.as_bytes(), DEFINITION_BOUNDS);
    for hint in std::iter::once(first).chain(hints) {
        if annotations.iter().all(|(name, _)| *name != hint.text) {
            let found = match &document {
                Ok(document) => Annotation::resolve(document.root(), hint),
                Err(_) => Annotation::Wrong,
            };
            annotations.push((hint.text.clone(), found));
        }
    }
    annotations
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
