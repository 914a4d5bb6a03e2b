//! One block in both documents.

use json::Value;

use super::{Changes, Effect, check, same, side::View, spend};
use crate::rules::Validate;

/// A block that is in both documents, and the changes found in it.
pub(super) struct Pair<'c, 'o, 'n> {
    pub(super) old: View<'o>,
    pub(super) new: View<'n>,
    /// What it is about, to begin a sentence: "`run_pipeline`", "Class `read`", "Every tool".
    pub(super) subject: String,
    pub(super) changes: &'c mut Changes,
}

impl Pair<'_, '_, '_> {
    /// Notes a change. Where the block refuses every call in one of the documents, its action alone
    /// decides what passes.
    pub(super) fn say(
        &mut self,
        pointer: String,
        effect: Effect,
        words: &str,
        before: Option<Value<'_>>,
        after: Option<Value<'_>>,
    ) {
        let decides = !self.old.block.deny && !self.new.block.deny;
        let effect = if decides { effect } else { Effect::Neutral };
        self.note(pointer, effect, words, before, after);
    }

    fn note(
        &mut self,
        pointer: String,
        effect: Effect,
        words: &str,
        before: Option<Value<'_>>,
        after: Option<Value<'_>>,
    ) {
        let sentence = format!("{}: {words}.", self.subject);
        self.changes.push(pointer, effect, sentence, before, after);
    }

    /// Everything that differs.
    pub(super) fn compare(mut self) {
        if same(self.old.json, self.new.json) {
            return;
        }
        let before = self.changes.0.len();
        self.action();
        check::compare(&mut self, "require");
        check::compare(&mut self, "deny_if");
        spend::approval(&mut self);
        spend::limits(&mut self);
        spend::rate_limit(&mut self);
        spend::concurrent(&mut self);
        self.validate();
        self.max_result_bytes();
        self.reason();
        if self.changes.0.len() == before {
            let (old, new) = (self.old.json, self.new.json);
            let words = "written differently, means the same";
            self.note(
                self.new.block.pointer.clone(),
                Effect::Neutral,
                words,
                old,
                new,
            );
        }
    }

    fn action(&mut self) {
        let (old, new) = (self.old, self.new);
        let (before, after) = (old.field("action"), new.field("action"));
        let (effect, words) = match (old.block.deny, new.block.deny) {
            (false, true) => (Effect::Tightens, "refused now, whatever the arguments"),
            (true, false) => (Effect::Loosens, "no longer refused outright"),
            _ => return,
        };
        let pointer = format!("{}/action", new.block.pointer);
        self.note(pointer, effect, words, before, after);
    }

    fn validate(&mut self) {
        let (old, new) = (self.old, self.new);
        let (before, after) = (old.field("validate"), new.field("validate"));
        let (was, is) = (old.block.validate, new.block.validate);
        let (effect, words) = match (was, is) {
            _ if was == is => return,
            (None, None) => return,
            (Some(_), None) => (
                Effect::Loosens,
                "the arguments are no longer checked against the schema",
            ),
            // A schema may take null for an argument that is required, which is as good as absent.
            (_, Some(Validate::Schema)) => (
                if was.is_none() {
                    Effect::Tightens
                } else {
                    Effect::Unclear
                },
                "all arguments are checked against the schema",
            ),
            (_, Some(Validate::RequiredArguments)) => (
                if was.is_none() {
                    Effect::Tightens
                } else {
                    Effect::Unclear
                },
                "that the required arguments are there is checked against the schema",
            ),
        };
        let pointer = format!("{}/validate", new.block.pointer);
        self.say(pointer, effect, words, before, after);
    }

    fn max_result_bytes(&mut self) {
        let (old, new) = (self.old, self.new);
        let (before, after) = (old.field("max_result_bytes"), new.field("max_result_bytes"));
        let (was, is) = (old.block.max_result_bytes, new.block.max_result_bytes);
        let (effect, words) = match (was, is) {
            _ if was == is => return,
            (None, Some(is)) => (Effect::Tightens, format!("a result has at most {is} bytes")),
            (Some(was), None) => (
                Effect::Loosens,
                format!("a result may have more than {was} bytes"),
            ),
            (Some(was), Some(is)) => (
                Effect::of_bound(was, is),
                format!("a result has at most {is} bytes instead of {was}"),
            ),
            (None, None) => return,
        };
        let pointer = format!("{}/max_result_bytes", new.block.pointer);
        self.say(pointer, effect, &words, before, after);
    }

    fn reason(&mut self) {
        let (old, new) = (self.old, self.new);
        let (before, after) = (old.field("reason"), new.field("reason"));
        if !same(before, after) {
            let words = "another text for the refusal";
            let pointer = format!("{}/reason", new.block.pointer);
            self.say(pointer, Effect::Neutral, words, before, after);
        }
    }
}
