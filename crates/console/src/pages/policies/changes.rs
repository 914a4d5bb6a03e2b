//! What changed between two documents, rule by rule, as pages show it.

use policy::{Change, ChangeKind, Effect, Policy};

use crate::actions::subject::Subject;

/// Changes, each with its mark.
#[derive(Debug, Default)]
pub(crate) struct Changes(pub(crate) Vec<Change>);

impl Changes {
    /// What the newer document changes of the older, or of nothing. None where one of them is no
    /// policy.
    pub(crate) fn between(old: Option<&str>, new: &Subject) -> Option<Self> {
        let old = old.map(Policy::parse).transpose().ok()?;
        let new_policy = new.policy().ok()?;
        let changes = policy::diff(old.as_ref(), &new_policy, new.tools.as_deref());
        Some(Self(changes))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Shown<'_>> {
        self.0.iter().map(Shown)
    }

    /// How many of each effect, in words; the gravest first.
    pub(crate) fn tally(&self) -> Vec<(&'static str, String)> {
        [
            Effect::Loosens,
            Effect::Unclear,
            Effect::Tightens,
            Effect::Neutral,
        ]
        .into_iter()
        .filter_map(|effect| {
            let n = self
                .0
                .iter()
                .filter(|change| change.effect == effect)
                .count();
            let words = match (effect, n) {
                (_, 0) => return None,
                (Effect::Loosens, 1) => "1 loosens".to_owned(),
                (Effect::Loosens, n) => format!("{n} loosen"),
                (Effect::Tightens, 1) => "1 tightens".to_owned(),
                (Effect::Tightens, n) => format!("{n} tighten"),
                (Effect::Unclear, n) => format!("{n} unclear"),
                (Effect::Neutral, n) => format!("{n} neutral"),
            };
            Some((class(effect), words))
        })
        .collect()
    }
}

const fn class(effect: Effect) -> &'static str {
    match effect {
        Effect::Loosens => "loosens",
        Effect::Tightens => "tightens",
        Effect::Neutral => "neutral",
        Effect::Unclear => "unclear",
    }
}

/// One change.
pub(crate) struct Shown<'c>(&'c Change);

impl Shown<'_> {
    pub(crate) const fn class(&self) -> &'static str {
        class(self.0.effect)
    }

    /// The effect in a word.
    pub(crate) const fn word(&self) -> &'static str {
        match self.0.effect {
            Effect::Loosens => "loosens",
            Effect::Tightens => "tightens",
            Effect::Neutral => "no decision changes",
            Effect::Unclear => "cannot be said",
        }
    }

    pub(crate) const fn kind(&self) -> &'static str {
        match self.0.kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Changed => "changed",
        }
    }

    pub(crate) fn pointer(&self) -> &str {
        &self.0.pointer
    }

    pub(crate) fn sentence(&self) -> &str {
        &self.0.sentence
    }

    pub(crate) fn before(&self) -> Option<&str> {
        self.0.before.as_deref()
    }

    pub(crate) fn after(&self) -> Option<&str> {
        self.0.after.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(effect: Effect) -> Change {
        Change {
            pointer: "/default".to_owned(),
            kind: ChangeKind::Changed,
            effect,
            sentence: String::new(),
            before: None,
            after: None,
        }
    }

    #[test]
    fn effects_are_counted_the_gravest_first() {
        let changes = [
            Effect::Tightens,
            Effect::Neutral,
            Effect::Loosens,
            Effect::Tightens,
        ];
        let tally = Changes(changes.map(change).to_vec()).tally();
        let words: Vec<_> = tally.iter().map(|(_, words)| words.as_str()).collect();
        assert_eq!(words, ["1 loosens", "2 tighten", "1 neutral"]);
        assert_eq!(Changes::default().tally(), []);
    }
}
