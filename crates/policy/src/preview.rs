//! What a policy does to each tool before anybody calls it.

mod partial;

use domain::{Tool, ToolClass, audit::Code};
use serde::Serialize;

use self::partial::{Facts, Refuses};
use crate::{
    engine::{Call, Engine, GrantFacts, Verdict},
    plan::Standing,
    restrictions::Restrictions,
    rules::{Block, Rules},
    words,
};

/// What a grant may do with one tool, as far as it does not hang on arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolPreview {
    /// The tool.
    pub tool: String,
    /// Its class.
    pub class: Option<ToolClass>,
    /// What becomes of a call.
    pub verdict: ToolVerdict,
    /// The rule that gives the verdict, as a pointer; the block where no single rule does.
    pub rule: Option<String>,
    /// Rules that still look at arguments, as pointers. Of a tool that every call of is refused:
    /// none.
    pub depends_on: Vec<String>,
    /// Its limits and its places in flight, in words: `10 a minute`, `3 at once`.
    pub limits: Vec<String>,
    /// Who must approve a call, in words: `an admin, within 30 minutes`. Where `depends_on` names
    /// the rule, only calls with certain arguments.
    pub approval: Option<String>,
    /// The limits and places as numbers, to compare.
    #[serde(skip)]
    needs: Restrictions,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolVerdict {
    /// Not in the list, and refused as if it did not exist.
    Hidden,
    /// In the list, and every call is refused.
    Refused,
    /// Refused, held or forwarded by its arguments.
    Depends,
    /// Held for a person, where nothing refuses it before.
    Approval,
    /// Forwarded whatever its arguments, within its limits.
    Allowed,
}

/// The verdict on each of the tools for one grant at one time, in the order given.
///
/// Conditions on the grant, the tool and the time are decided; a rule that looks at arguments makes
/// a tool depend on it, unless it always or never refuses whatever they are.
#[must_use]
pub fn preview(
    engine: &Engine,
    tools: &[Tool],
    grant: GrantFacts<'_>,
    now_unix_ms: u64,
) -> Vec<ToolPreview> {
    tools
        .iter()
        .map(|tool| {
            let call = Call {
                tool: &tool.name,
                arguments: None,
                grant,
                class: tool.class,
                now_unix_ms,
            };
            one(engine, tool, &call)
        })
        .collect()
}

fn one(engine: &Engine, tool: &Tool, call: &Call<'_>) -> ToolPreview {
    let mut preview = ToolPreview {
        tool: tool.name.clone(),
        class: tool.class,
        verdict: ToolVerdict::Hidden,
        rule: None,
        depends_on: Vec::new(),
        limits: Vec::new(),
        approval: None,
        needs: Restrictions::none(),
    };
    let rules = engine.rules();
    engine.look(&tool.name, tool.class, |plan| match plan.standing {
        Standing::Hidden(at) => preview.rule = Some(format!("/hide/{at}")),
        Standing::Unknown => {}
        Standing::DefaultDeny => preview.rule = Some("/default".to_owned()),
        Standing::Ruled => {
            let blocks: Vec<&Block> = rules.applying(&plan.blocks).collect();
            let no_schema = no_schema(engine, &blocks, call);
            let facts = Facts {
                call,
                plan,
                no_schema,
            };
            ruled(rules, &blocks, &facts, &mut preview);
        }
    });
    preview
}

/// The `validate` that refuses because the tool's schema cannot be used: the same for every call.
fn no_schema(engine: &Engine, blocks: &[&Block], call: &Call<'_>) -> Option<String> {
    if blocks.iter().all(|block| block.validate.is_none()) {
        return None;
    }
    match engine.judge(call).verdict {
        Verdict::Refuse(refusal) if refusal.code == Code::SchemaUnavailable => {
            refusal.rule.map(Into::into)
        }
        _ => None,
    }
}

/// A tool that rules decide on.
fn ruled(rules: &Rules, blocks: &[&Block], facts: &Facts<'_>, preview: &mut ToolPreview) {
    let plan = facts.plan;
    let limits = plan.needs.limits.iter().map(words::limit);
    let places = plan.needs.concurrent.iter().map(words::concurrent);
    preview.limits = limits.chain(places).collect();
    for limit in &plan.needs.limits {
        preview.needs.limit(limit);
    }
    for places in &plan.needs.concurrent {
        preview.needs.concurrent(places);
    }
    for (rule, refuses) in partial::refusals(blocks, facts) {
        match refuses {
            Refuses::Always => {
                preview.verdict = ToolVerdict::Refused;
                preview.rule = Some(rule);
                preview.depends_on.clear();
                return;
            }
            Refuses::Depends => preview.depends_on.push(rule),
            Refuses::Never => {}
        }
    }
    let approvals = partial::approvals(blocks, facts);
    let asked = approvals.iter().map(|(it, _)| (*it).clone());
    preview.approval = asked
        .reduce(|all, one| all.and(&one))
        .map(|all| words::approval(&all));
    let held = approvals.iter().find(|(_, held)| *held == Refuses::Always);
    if let Some((approval, _)) = held {
        preview.verdict = ToolVerdict::Approval;
        preview.rule = Some(approval.rule.clone());
        return;
    }
    let asked = approvals.iter().map(|(it, _)| it.rule.clone());
    preview.depends_on.extend(asked);
    preview.rule = Some(rules.pointer(&plan.blocks).to_owned());
    preview.verdict = match preview.depends_on.is_empty() {
        true => ToolVerdict::Allowed,
        false => ToolVerdict::Depends,
    };
}
