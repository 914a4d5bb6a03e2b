//! Comparing all that stands for a tool when another block applies to it.

use domain::{Tool, ToolClass};
use json::Value;

use super::{side::Side, side::View};
use crate::{glob::Glob, limit::Mode, plan, restrictions::Restrictions, rules::Check};

/// What stands for the tool in the name of a `rate_limit`'s counter. No counter has a blank.
const EACH_TOOL: &str = "each tool's ";

/// What one block forbids.
pub(super) fn forbids(view: View<'_>) -> Restrictions {
    let block = view.block;
    if block.deny {
        return Restrictions::everything();
    }
    let mut all = Restrictions::none();
    for field in ["require", "deny_if"] {
        for (check, written) in view.checks(field) {
            let idle = field == "require" && check.conditions.is_empty();
            if check.mode == Mode::Enforce && !idle {
                all.forbid(format!("{field} {}", conditions(check, written)), 0);
            }
        }
    }
    let approval = block.approval.as_ref();
    if approval.is_some_and(|it| it.mode == Mode::Enforce) {
        let written = view.field("approval").map(Value::canonical);
        all.forbid(format!("approval {}", written.unwrap_or_default()), 0);
    }
    for limit in block.limits.iter().chain(&plan::rate(block, EACH_TOOL)) {
        all.limit(limit);
    }
    if let Some(concurrent) = &block.concurrent {
        all.concurrent(concurrent);
    }
    if let Some(validate) = block.validate {
        all.forbid(format!("validate {validate:?}"), 0);
    }
    if let Some(bytes) = block.max_result_bytes {
        all.forbid("max_result_bytes".to_owned(), bytes);
    }
    all
}

fn conditions(check: &Check, written: Value<'_>) -> String {
    let conditions = written.get("conditions").map(Value::canonical);
    let missing = if check.missing_passes {
        "missing passes"
    } else {
        ""
    };
    format!("{} {missing}", conditions.unwrap_or_default())
}

/// Everything that may stand in `side` for the tools to which the entry `glob` applies in the
/// other document, with how people call it.
pub(super) fn instead<'s>(
    glob: &Glob,
    side: &'s Side<'_>,
    other: &Side<'_>,
    inventory: Option<&[Tool]>,
) -> Vec<(String, &'s Restrictions)> {
    let entry = |at: usize| (named(side, at), side.restrictions(at));
    if glob.is_exact() {
        if let Some(at) = side.rules.entry_for(glob.text()) {
            return vec![entry(at)];
        }
        let known = inventory.and_then(|all| all.iter().find(|tool| tool.name == glob.text()));
        return match known {
            Some(tool) => vec![left(side, tool.class)],
            None => any_class(side, inventory),
        };
    }
    // An entry that is in both documents and closer than this one has its tools in both.
    let mut globs: Vec<usize> = (0..side.rules.tools.len())
        .filter(|&at| {
            let candidate = &side.rules.tools[at].0;
            let stays = other.entry(candidate.text()).is_some();
            !candidate.is_exact()
                && candidate.overlaps(glob)
                && !(stays && candidate.by_closeness(glob).is_lt())
        })
        .collect();
    globs.sort_by(|&a, &b| side.rules.tools[a].0.by_closeness(&side.rules.tools[b].0));
    let whole = globs
        .iter()
        .position(|&at| side.rules.tools[at].0.matches(glob.text()));
    globs.truncate(whole.map_or(globs.len(), |at| at + 1));
    let rest = match whole {
        Some(_) => Vec::new(),
        None => any_class(side, inventory),
    };
    globs.into_iter().map(entry).chain(rest).collect()
}

/// Whatever may stand for a tool of which nothing is known.
fn any_class<'s>(
    side: &'s Side<'_>,
    inventory: Option<&[Tool]>,
) -> Vec<(String, &'s Restrictions)> {
    if side.rules.classes.is_empty() {
        return vec![left(side, None)];
    }
    let classes = ToolClass::ALL.map(Some).into_iter();
    let unclassed = may_be_unclassed(inventory).then_some(None);
    let mut all: Vec<(String, &Restrictions)> = classes
        .chain(unclassed)
        .map(|class| left(side, class))
        .collect();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

/// Whether there may be a tool without a class, for which all class blocks stand together.
pub(super) fn may_be_unclassed(inventory: Option<&[Tool]>) -> bool {
    inventory.is_none_or(|all| all.iter().any(|tool| tool.class.is_none()))
}

fn left<'s>(side: &'s Side<'_>, class: Option<ToolClass>) -> (String, &'s Restrictions) {
    let restrictions = side.left_to(class);
    let name = match class {
        _ if side.rules.classes.is_empty() => default(side),
        None => "all classes".to_owned(),
        Some(class) if side.class(class).is_none() => default(side),
        Some(class) => format!("class `{class}`"),
    };
    (name, restrictions)
}

pub(super) fn default(side: &Side<'_>) -> String {
    match side.rules.default_allow {
        true => "the default (allow)".to_owned(),
        false => "the default (deny)".to_owned(),
    }
}

fn named(side: &Side<'_>, at: usize) -> String {
    format!("`{}`", side.rules.tools[at].0.text())
}
