//! Which tools no rule names, and which rules name no tool.

use domain::{Tool, ToolClass};
use serde::Serialize;

use crate::{
    engine::Engine, glob::Glob, nearest::nearest, plan::Standing, policy::Policy, rules::Place,
};

/// What a policy and an inventory have not got in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Tools that neither `tools` nor `hide` names, left to their class or to the default.
    pub tools_without_rule: Vec<UnruledTool>,
    /// Entries of `tools`, `hide` and `classes` that match no tool.
    pub rules_without_tool: Vec<IdleRule>,
}

/// A tool that no rule names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnruledTool {
    /// The tool.
    pub tool: String,
    /// Its class.
    pub class: Option<ToolClass>,
    /// What decides instead, as a pointer: a class block, `/classes` for all of them together
    /// where the tool has no class, or `/default`.
    pub left_to: String,
    /// Whether any call of it can pass: false where the tool cannot be called at all, and where a
    /// block's action is deny.
    pub allowed: bool,
}

/// A rule that matches no tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdleRule {
    /// The rule, as a pointer.
    pub pointer: String,
    /// The name, glob or class.
    pub name: String,
    /// The tool that was probably meant.
    pub nearest: Option<String>,
}

/// Compares the rules' names with the tools, in the order of the inventory and of the document.
#[must_use]
pub fn coverage(policy: &Policy, inventory: &[Tool]) -> Coverage {
    Coverage {
        tools_without_rule: unruled(policy, inventory),
        rules_without_tool: idle(policy, inventory),
    }
}

fn unruled(policy: &Policy, inventory: &[Tool]) -> Vec<UnruledTool> {
    let rules = &policy.rules;
    let engine = Engine::compile(policy, Some(inventory));
    let tools = inventory.iter().filter_map(|tool| {
        let places = rules.blocks_for(&tool.name, tool.class);
        let named = matches!(places[..], [Place::Tool(_)]);
        if named || rules.hidden_by(&tool.name).is_some() {
            return None;
        }
        let left_to = rules.pointer(&places).to_owned();
        Some(UnruledTool {
            tool: tool.name.clone(),
            class: tool.class,
            left_to,
            allowed: can_pass(&engine, tool),
        })
    });
    tools.collect()
}

/// Whether a call of the tool gets as far as the rules that look at it.
fn can_pass(engine: &Engine, tool: &Tool) -> bool {
    engine.look(&tool.name, tool.class, |plan| {
        let mut blocks = engine.rules().applying(&plan.blocks);
        plan.standing == Standing::Ruled && !blocks.any(|block| block.deny)
    })
}

fn idle(policy: &Policy, inventory: &[Tool]) -> Vec<IdleRule> {
    let rules = &policy.rules;
    let hide = rules.hide.iter().enumerate();
    let hide = hide.map(|(at, glob)| (format!("/hide/{at}"), glob));
    let tools = rules.tools.iter();
    let tools = tools.map(|(glob, block)| (block.pointer.clone(), glob));
    let unmatched = |(pointer, glob): (String, &Glob)| {
        let used = inventory.iter().any(|tool| glob.matches(&tool.name));
        (!used).then(|| IdleRule {
            pointer,
            name: glob.text().to_owned(),
            nearest: near(glob, inventory),
        })
    };
    let mut idle: Vec<IdleRule> = hide.filter_map(unmatched).collect();
    let left = inventory.iter();
    let left: Vec<Place> = left
        .flat_map(|tool| rules.blocks_for(&tool.name, tool.class))
        .collect();
    for (at, (class, block)) in rules.classes.iter().enumerate() {
        if !left.contains(&Place::Class(at)) {
            idle.push(IdleRule {
                pointer: block.pointer.clone(),
                name: class.as_str().to_owned(),
                nearest: None,
            });
        }
    }
    idle.extend(tools.filter_map(unmatched));
    idle
}

fn near(glob: &Glob, inventory: &[Tool]) -> Option<String> {
    let names = inventory.iter().map(|tool| tool.name.as_str());
    glob.is_exact()
        .then(|| nearest(glob.text(), names))
        .flatten()
        .map(str::to_owned)
}
