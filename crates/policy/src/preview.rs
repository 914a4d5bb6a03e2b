//! What a policy does to each tool before anybody calls it.

mod compare;
mod partial;

use domain::{Tool, ToolClass, audit::Code};
use serde::Serialize;

pub use self::compare::{PreviewChange, compare_previews};
use self::partial::{Facts, Refuses};
use crate::{
    engine::{Call, Engine, GrantFacts, Verdict},
    limit::{Limit, Mode},
    plan,
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
    };
    if let Verdict::Refuse(refusal) = engine.judge(call).verdict {
        let hidden = match refusal.code {
            Code::Hidden | Code::UnknownTool | Code::DefaultDeny => true,
            Code::Denied => false,
            _ => return ruled(engine.rules(), tool, call, preview),
        };
        preview.rule = refusal.rule.map(Into::into);
        if !hidden {
            preview.verdict = ToolVerdict::Refused;
        }
        return preview;
    }
    ruled(engine.rules(), tool, call, preview)
}

/// A tool that rules decide on.
fn ruled(rules: &Rules, tool: &Tool, call: &Call<'_>, mut preview: ToolPreview) -> ToolPreview {
    let applies = rules.applies(&tool.name, tool.class);
    let mut blocks = applies.blocks(rules);
    blocks.push(&rules.all_tools);
    let facts = Facts {
        call,
        tool: &rules.facts(tool),
    };
    preview.limits = limits_in_words(&blocks, &tool.name);
    let approvals: Vec<_> = partial::approvals(&blocks, &facts).collect();
    preview.approval = approvals.first().map(|(it, _)| words::approval(it));
    for (rule, refuses) in partial::refusals(&blocks, &facts) {
        match refuses {
            Refuses::Always => {
                preview.verdict = ToolVerdict::Refused;
                preview.rule = Some(rule);
                preview.depends_on.clear();
                return preview;
            }
            Refuses::Depends => preview.depends_on.push(rule),
            Refuses::Never => {}
        }
    }
    let held = approvals.iter().find(|(_, held)| *held == Refuses::Always);
    if let Some((approval, _)) = held {
        preview.verdict = ToolVerdict::Approval;
        preview.rule = Some(approval.rule.clone());
        return preview;
    }
    let asked = approvals.into_iter().map(|(it, _)| it.rule.clone());
    preview.depends_on.extend(asked);
    preview.rule = Some(applies.pointer(rules));
    preview.verdict = match preview.depends_on.is_empty() {
        true => ToolVerdict::Allowed,
        false => ToolVerdict::Depends,
    };
    preview
}

/// Each bucket once, by the limit that refuses first.
fn limits_in_words(blocks: &[&Block], tool: &str) -> Vec<String> {
    let mut buckets: Vec<Limit> = Vec::new();
    for limit in blocks.iter().flat_map(|block| limits(block, tool)) {
        match buckets.iter_mut().find(|other| other.same_bucket(&limit)) {
            Some(other) if stricter(&limit, other) => *other = limit,
            Some(_) => {}
            None => buckets.push(limit),
        }
    }
    let concurrent = blocks.iter().filter_map(|block| block.concurrent.as_ref());
    let words = buckets.iter().map(words::limit);
    words.chain(concurrent.map(words::concurrent)).collect()
}

/// An enforced limit before one in shadow, then the smaller.
fn stricter(one: &Limit, other: &Limit) -> bool {
    let rank = |limit: &Limit| (limit.mode == Mode::Shadow, limit.max);
    rank(one) < rank(other)
}

/// A block's limits for one tool, `rate_limit` among them.
pub(crate) fn limits(block: &Block, tool: &str) -> impl Iterator<Item = Limit> {
    let named = block.limits.iter().cloned();
    named.chain(plan::rate(block, tool))
}
