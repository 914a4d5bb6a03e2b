//! What changed between two documents, rule by rule.
//!
//! Each change says whether it loosens or tightens, and only where that is certain for every call:
//! where all changes tighten or are neutral, no call passes that the older document refused or
//! held, and where all loosen or are neutral, none is refused or held that passed.

mod block;
mod check;
mod condition;
mod document;
mod moved;
mod side;
mod spend;

use domain::Tool;
use json::{Document, Value};
use serde::Serialize;

use crate::{policy::Policy, read::BOUNDS};

/// One rule that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The rule, as a pointer into the newer document, or into the older where it was removed.
    pub pointer: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Whether more calls pass now.
    pub effect: Effect,
    /// In a sentence.
    pub sentence: String,
    /// The rule's JSON before, as it was written; none where it is new.
    pub before: Option<String>,
    /// The rule's JSON now, as it was written; none where it is gone.
    pub after: Option<String>,
}

/// What happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only in the newer document.
    Added,
    /// Only in the older.
    Removed,
    /// In both, and not the same.
    Changed,
}

/// Whether more calls pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Calls that were refused or held may pass now; none that passed is refused. Also what starts
    /// a bucket from which nothing is spent yet.
    Loosens,
    /// Calls that passed may be refused or held now; none that was refused passes.
    Tightens,
    /// No decision changes: texts, tests, and what only records.
    Neutral,
    /// Cannot be said, or both.
    Unclear,
}

impl Effect {
    /// Of two changes together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Neutral, other) => other,
            (one, Self::Neutral) => one,
            (one, other) if one == other => one,
            _ => Self::Unclear,
        }
    }

    /// Of a number that bounds what passes.
    pub(crate) const fn of_bound(was: u64, is: u64) -> Self {
        if was < is {
            Self::Loosens
        } else if was > is {
            Self::Tightens
        } else {
            Self::Neutral
        }
    }
}

impl FromIterator<Effect> for Effect {
    fn from_iter<I: IntoIterator<Item = Self>>(effects: I) -> Self {
        effects.into_iter().fold(Self::Neutral, Self::and)
    }
}

/// Everything that differs, in the order of the newer document; removals last. Empty where the
/// canonical forms are equal, so formatting alone is no change. Without an older document
/// everything is new, and nothing passed before.
///
/// With an inventory, rules that move a tool from one block to another are told by tool, and
/// effects are certain for the tools it has, as long as their classes stay.
#[must_use]
pub fn diff(old: Option<&Policy>, new: &Policy, inventory: Option<&[Tool]>) -> Vec<Change> {
    let nothing = Policy::parse(r#"{"version":"1","default":"deny"}"#).expect("a valid document");
    let known = "the text was read when the policy was made";
    let text = |policy: &Policy| policy.text().to_owned();
    let (old_text, new_text) = (old.map(text).unwrap_or_default(), new.text());
    let old_document = old.map(|_| Document::parse(old_text.as_bytes(), BOUNDS).expect(known));
    let new_document = Document::parse(new_text.as_bytes(), BOUNDS).expect(known);
    let old_root = old_document.as_ref().map(Document::root);
    let new_root = Some(new_document.root());
    if same(old_root, new_root) {
        return Vec::new();
    }
    let old = side::Side::new(&old.unwrap_or(&nothing).rules, old_root);
    let new = side::Side::new(&new.rules, new_root);
    let mut changes = Changes::default();
    document::compare(&old, &new, inventory, &mut changes);
    if changes.0.is_empty() {
        let sentence = "Written differently; means the same.".to_owned();
        changes.push(String::new(), Effect::Neutral, sentence, old_root, new_root);
    }
    changes.in_order()
}

/// Whether both are there and have the same canonical form, or neither is there.
fn same(old: Option<Value<'_>>, new: Option<Value<'_>>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.raw() == new.raw() || old.canonical() == new.canonical(),
        (old, new) => old.is_none() && new.is_none(),
    }
}

/// The elements of a list that may not be there.
fn elements(list: Option<Value<'_>>) -> Vec<Value<'_>> {
    list.into_iter().flat_map(Value::elements).collect()
}

/// What was found, with where it stands.
#[derive(Default)]
struct Changes(Vec<(usize, Change)>);

impl Changes {
    fn push(
        &mut self,
        pointer: String,
        effect: Effect,
        sentence: String,
        before: Option<Value<'_>>,
        after: Option<Value<'_>>,
    ) {
        let kind = match (before, after) {
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        let raw = |value: Value<'_>| value.raw().to_owned();
        let at = after.or(before);
        let at = at.map_or(usize::MAX, |value| value.span().start);
        let change = Change {
            pointer,
            kind,
            effect,
            sentence,
            before: before.map(raw),
            after: after.map(raw),
        };
        self.0.push((at, change));
    }

    /// In the order of the newer document, removals in the order of the older.
    fn in_order(mut self) -> Vec<Change> {
        self.0
            .sort_by_key(|(at, change)| (change.kind == ChangeKind::Removed, *at));
        self.0.into_iter().map(|(_, change)| change).collect()
    }
}
