//! Comparing all that stands for a tool when another block applies to it.

use std::collections::BTreeMap;

use domain::{Tool, ToolClass};
use json::Value;

use super::{Effect, side::Side, side::View};
use crate::{
    glob::Glob,
    limit::{Limit, Mode},
    rules::{Check, Validate},
};

/// What a block or several together forbid: each key one restriction, with its number where it
/// has one, the smaller the stricter. None where every call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Restrictions(Option<BTreeMap<String, u64>>);

impl Restrictions {
    /// Every call passes.
    pub(super) const fn none() -> Self {
        Self(Some(BTreeMap::new()))
    }

    /// No call passes.
    pub(super) const fn everything() -> Self {
        Self(None)
    }

    /// Those of one block that are enforced.
    pub(super) fn of(view: View<'_>) -> Self {
        let block = view.block;
        if block.deny {
            return Self::everything();
        }
        let mut all = BTreeMap::new();
        for field in ["require", "deny_if"] {
            for (check, written) in view.checks(field) {
                if check.mode == Mode::Enforce
                    && !(field == "require" && check.conditions.is_empty())
                {
                    all.insert(format!("{field} {}", conditions(check, written)), 0);
                }
            }
        }
        if block
            .approval
            .as_ref()
            .is_some_and(|it| it.mode == Mode::Enforce)
        {
            let written = view.field("approval").map(Value::canonical);
            all.insert(
                format!("approval {}", written.unwrap_or("{}".to_owned())),
                0,
            );
        }
        for limit in block.limits.iter().filter(|it| it.mode == Mode::Enforce) {
            all.insert(bucket(limit), limit.max);
        }
        if let Some(rate) = block.rate {
            all.insert(format!("rate_limit {}", rate.window_ms), rate.max);
        }
        if let Some(validate) = block.validate {
            all.insert("required_args".to_owned(), 0);
            if validate == Validate::Schema {
                all.insert("schema".to_owned(), 0);
            }
        }
        if let Some(it) = block
            .concurrent
            .as_ref()
            .filter(|it| it.mode == Mode::Enforce)
        {
            all.insert(format!("concurrent {:?}", it.scope), it.max);
        }
        if let Some(bytes) = block.max_result_bytes {
            all.insert("max_result_bytes".to_owned(), bytes);
        }
        Self(Some(all))
    }

    /// Whether a tool for which `new` stands in place of these passes more calls.
    pub(super) fn to(&self, new: &Self) -> Effect {
        let (old, new) = match (&self.0, &new.0) {
            (None, None) => return Effect::Neutral,
            (None, Some(_)) => return Effect::Loosens,
            (Some(_), None) => return Effect::Tightens,
            (Some(old), Some(new)) => (old, new),
        };
        let gone = old.iter().map(|(key, was)| match new.get(key) {
            None => Effect::Loosens,
            Some(is) => Effect::of_bound(*was, *is),
        });
        let fresh = new.keys().filter(|key| !old.contains_key(*key));
        gone.chain(fresh.map(|_| Effect::Tightens)).collect()
    }
}

/// All of several blocks that must let through together.
impl FromIterator<Self> for Restrictions {
    fn from_iter<I: IntoIterator<Item = Self>>(several: I) -> Self {
        let mut all = BTreeMap::new();
        for one in several {
            let Some(one) = one.0 else {
                return Self::everything();
            };
            for (key, value) in one {
                let least = all.entry(key).or_insert(value);
                *least = value.min(*least);
            }
        }
        Self(Some(all))
    }
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

/// What names the bucket that a limit spends from, and how much a call spends.
fn bucket(limit: &Limit) -> String {
    let argument = |it: &Option<crate::limit::Argument>| it.as_ref().map(|it| it.path.clone());
    let (per, cost) = (argument(&limit.per), argument(&limit.cost));
    let Limit {
        counter,
        window_ms,
        scope,
        refill,
        ..
    } = limit;
    format!("limit {counter} {window_ms} {scope:?} {refill:?} {per:?} {cost:?}")
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
