//! What would change between two previews.

use serde::Serialize;

use super::{ToolPreview, ToolVerdict};
use crate::diff::Effect;

/// One tool to which another policy would do something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewChange {
    /// The tool.
    pub tool: String,
    /// What becomes of it now; none for a tool that only the later preview has.
    pub before: Option<ToolPreview>,
    /// What would become of it; none for a tool that only the earlier preview has.
    pub after: Option<ToolPreview>,
    /// Whether more of its calls would pass, as far as verdicts and limits tell.
    pub effect: Effect,
    /// In a sentence.
    pub sentence: String,
}

/// The tools whose verdict, limits, approval or deciding rules differ, in the order of `after`;
/// tools that it does not have come last. What differs inside a rule that stays in its place is for
/// [`crate::diff`] to tell.
#[must_use]
pub fn compare_previews(before: &[ToolPreview], after: &[ToolPreview]) -> Vec<PreviewChange> {
    let find = |list: &[ToolPreview], tool: &str| {
        let found = list.iter().find(|preview| preview.tool == tool);
        found.cloned()
    };
    let now = after
        .iter()
        .map(|after| (find(before, &after.tool), Some(after.clone())));
    let gone = before
        .iter()
        .filter(|before| find(after, &before.tool).is_none())
        .map(|before| (Some(before.clone()), None));
    now.chain(gone)
        .filter_map(|(before, after)| change(before, after))
        .collect()
}

fn change(before: Option<ToolPreview>, after: Option<ToolPreview>) -> Option<PreviewChange> {
    let either = after.as_ref().or(before.as_ref())?;
    let tool = either.tool.clone();
    let (effect, sentence) = match (&before, &after) {
        (Some(before), Some(after)) if same(before, after) => return None,
        (Some(before), Some(after)) => (effect(before, after), sentence(before, after)),
        (None, Some(after)) => (Effect::Neutral, format!("`{tool}` is new: {}.", say(after))),
        (_, None) => (Effect::Neutral, format!("`{tool}` is no longer there.")),
    };
    Some(PreviewChange {
        tool,
        before,
        after,
        effect,
        sentence,
    })
}

fn same(before: &ToolPreview, after: &ToolPreview) -> bool {
    before.limits == after.limits && same_rules(before, after)
}

fn effect(before: &ToolPreview, after: &ToolPreview) -> Effect {
    let open = |preview: &ToolPreview| match preview.verdict {
        ToolVerdict::Hidden | ToolVerdict::Refused => 0,
        ToolVerdict::Depends | ToolVerdict::Approval => 1,
        ToolVerdict::Allowed => 2,
    };
    match (open(before), open(after)) {
        (0, 0) => Effect::Neutral,
        (before, after) if before < after => Effect::Loosens,
        (before, after) if before > after => Effect::Tightens,
        _ if same_rules(before, after) => before.needs.to(&after.needs),
        _ => Effect::Unclear,
    }
}

/// Whether all but limits and places is the same.
fn same_rules(before: &ToolPreview, after: &ToolPreview) -> bool {
    before.verdict == after.verdict
        && before.approval == after.approval
        && before.depends_on == after.depends_on
}

fn sentence(before: &ToolPreview, after: &ToolPreview) -> String {
    let tool = &after.tool;
    let (was, is) = (say(before), say(after));
    match was == is {
        true => format!("`{tool}`: {is}, by other rules."),
        false => format!("`{tool}`: {is} instead of {was}."),
    }
}

/// "allowed, 10 a minute".
fn say(preview: &ToolPreview) -> String {
    let who = preview.approval.as_deref().unwrap_or("a person");
    let verdict = match preview.verdict {
        ToolVerdict::Hidden => return "hidden".to_owned(),
        ToolVerdict::Refused => return "refused".to_owned(),
        ToolVerdict::Depends => "decided by its arguments".to_owned(),
        ToolVerdict::Approval => format!("held for {who}"),
        ToolVerdict::Allowed => "allowed".to_owned(),
    };
    let limits = preview.limits.iter().cloned();
    let words: Vec<String> = std::iter::once(verdict).chain(limits).collect();
    words.join(", ")
}
