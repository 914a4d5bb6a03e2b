//! The words that the classifier knows, by the groups they are in.

use std::collections::{BTreeMap, HashMap};

use domain::tools::ToolClass;
use foldhash::fast::FixedState;
use serde::Deserialize;

use crate::words::words;

/// Some of the groups of `data/rules.toml`, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Groups([u128; 3]);

impl Groups {
    pub(super) const NONE: Self = Self([0; 3]);

    /// The group of this number alone; nothing where there are fewer than that.
    fn nth(number: usize) -> Option<Self> {
        let mut groups = Self::NONE;
        *groups.0.get_mut(number / 128)? = 1 << (number % 128);
        Some(groups)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0[0] & other.0[0] != 0 || self.0[1] & other.0[1] != 0 || self.0[2] & other.0[2] != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0[0] == 0 && self.0[1] == 0 && self.0[2] == 0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self([
            self.0[0] | other.0[0],
            self.0[1] | other.0[1],
            self.0[2] | other.0[2],
        ])
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self([
            self.0[0] & !other.0[0],
            self.0[1] & !other.0[1],
            self.0[2] & !other.0[2],
        ])
    }
}

impl FromIterator<Self> for Groups {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        all.into_iter().fold(Self::NONE, Self::with)
    }
}

/// A group of verbs of one class.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerbGroup {
    class: ToolClass,
    #[serde(default)]
    noun_too: bool,
    #[serde(default)]
    soft: bool,
    #[serde(default)]
    last_resort: bool,
    #[serde(default)]
    within: bool,
    words: String,
}

/// A group's words, separated by white space.
pub(super) type Listed = BTreeMap<String, String>;

/// As many letters follow a verb that is written together with the next word: `updated` has none.
const SHORTEST_GLUED: usize = 3;

type Map<V> = HashMap<Box<str>, V, FixedState>;

/// What is known of a word: its groups, and those of the phrases that begin with it.
#[derive(Debug, Default)]
struct Entry {
    groups: Groups,
    phrases: Vec<(Vec<String>, Groups)>,
}

#[derive(Debug, Default)]
pub(super) struct Lexicon {
    words: Map<Entry>,
    args: Map<Groups>,
    endings: Map<Groups>,
    bits: HashMap<String, Groups>,
    /// Verbs that are looked for within a text.
    parts: Vec<(Box<str>, Groups)>,
    /// The verbs of each class.
    classes: Vec<(ToolClass, Groups)>,
    /// All groups of verbs.
    pub(super) verbs: Groups,
    /// Verbs that are as often nouns.
    pub(super) noun_too: Groups,
    /// Verbs that say little by themselves.
    pub(super) soft: Groups,
    /// The verbs that follow a noun in names such as `task_create`.
    pub(super) plain_verbs: Groups,
    /// Verbs for all that they may be nouns, where a name begins with them.
    pub(super) openers: Groups,
    /// Verbs that only announce another one, as `allows` does.
    pub(super) helpers: Groups,
    /// Verbs that are written together with what follows.
    glue: Vec<Box<str>>,
    /// How nouns end.
    noun_endings: Vec<Box<str>>,
    /// Stands for the verb where there is none.
    pub(super) none: Groups,
    /// Verbs that count only where there is no other.
    pub(super) last_resort: Groups,
}

impl Lexicon {
    pub(super) fn new(
        verbs: &BTreeMap<String, VerbGroup>,
        listed: &Listed,
        args: &Listed,
        endings: &Listed,
        parts: &Listed,
    ) -> Self {
        let mut lexicon = Self::default();
        for (name, group) in verbs {
            let bit = lexicon.bit(name);
            lexicon.verbs = lexicon.verbs.with(bit);
            lexicon.classes.push((group.class, bit));
            if group.noun_too {
                lexicon.noun_too = lexicon.noun_too.with(bit);
            }
            if group.soft {
                lexicon.soft = lexicon.soft.with(bit);
            }
            if group.last_resort {
                lexicon.last_resort = lexicon.last_resort.with(bit);
            }
            if group.within {
                let parts = group.words.split_whitespace();
                lexicon.parts.extend(parts.map(|part| (part.into(), bit)));
            } else {
                lexicon.learn(&group.words, bit);
            }
        }
        for (name, group) in listed {
            let bit = lexicon.bit(name);
            lexicon.learn(group, bit);
        }
        let each = |name: &str| -> Vec<Box<str>> {
            let words = parts.get(name).map(|words| words.split_whitespace());
            words.into_iter().flatten().map(Into::into).collect()
        };
        lexicon.glue = each("glued");
        lexicon.noun_endings = each("noun_ending");
        lexicon.none = lexicon.bit("none");
        lexicon.plain_verbs = lexicon.group("v_crud").unwrap_or_default();
        lexicon.helpers = lexicon.group("helper").unwrap_or_default();
        lexicon.openers = lexicon.group("v_opener").unwrap_or_default();
        for (name, group) in args {
            let bit = lexicon.bit(&format!("{name}_arg"));
            for word in group.split_whitespace() {
                add(&mut lexicon.args, &words(word).join("_"), bit);
            }
        }
        for (name, group) in endings {
            let bit = lexicon.bit(&format!("{name}_arg"));
            for word in group.split_whitespace() {
                add(&mut lexicon.endings, word, bit);
            }
        }
        lexicon
    }

    /// The bit of a group, a new one for a new name.
    fn bit(&mut self, name: &str) -> Groups {
        let next = Groups::nth(self.bits.len()).expect("at most 384 groups");
        *self.bits.entry(name.to_owned()).or_insert(next)
    }

    /// The groups of this name and no other; nothing where there is none.
    pub(super) fn group(&self, name: &str) -> Option<Groups> {
        self.bits.get(name).copied()
    }

    fn learn(&mut self, listed: &str, bit: Groups) {
        for listed in listed.split_whitespace() {
            let mut parts = words(listed);
            if parts.is_empty() {
                continue;
            }
            let first = parts.remove(0);
            let entry = self.words.entry(first.into()).or_default();
            if parts.is_empty() {
                entry.groups = entry.groups.with(bit);
            } else if let Some(known) = entry.phrases.iter_mut().find(|(rest, _)| *rest == parts) {
                known.1 = known.1.with(bit);
            } else {
                entry.phrases.push((parts, bit));
            }
        }
    }

    /// The groups of the word that stands first in `rest`, and of the phrase it begins; with
    /// whether it was found only without an ending, such as that of `orders` or `deletes`.
    pub(super) fn look_up(&self, rest: &[String]) -> (Groups, bool) {
        let Some((word, after)) = rest.split_first() else {
            return (Groups::NONE, false);
        };
        if let Some(entry) = self.words.get(word.as_str()) {
            // `orders` has a meaning of its own, and that of the noun `order`.
            let one = word.strip_suffix('s').and_then(|one| self.words.get(one));
            let noun = one.map_or(Groups::NONE, |one| one.groups.without(self.verbs));
            return (entry.groups_before(after).with(noun), false);
        }
        for stem in stems(word) {
            if let Some(entry) = self.words.get(stem.as_ref()) {
                return (entry.groups_before(after), true);
            }
        }
        // `retrigger` and `unshare`: what is done again or undone, where only the plain verb is known.
        let plain = |before| self.words.get(word.strip_prefix(before)?);
        let undone = |entry: &&Entry| self.class_of(entry.groups) == Some(ToolClass::Write);
        let again = plain("re").filter(|entry| entry.groups.meets(self.verbs));
        let verb = again.or_else(|| plain("un").filter(undone));
        (verb.map_or(Groups::NONE, |entry| entry.groups), false)
    }

    /// Whether an unknown word looks like a noun that only names something, as `amortisation` does.
    pub(super) fn looks_like_noun(&self, word: &str) -> bool {
        let mut endings = self.noun_endings.iter();
        endings.any(|ending| word.len() > ending.len() + 2 && word.ends_with(&**ending))
    }

    /// The verb that a word of several begins with, such as `gettokenholders`; that of `updated` is none.
    pub(super) fn glued(&self, word: &str) -> Groups {
        let found = self.glue.iter().find(|verb| {
            let rest = word.strip_prefix(&***verb);
            rest.is_some_and(|rest| rest.len() >= SHORTEST_GLUED)
        });
        let entry = found.and_then(|verb| self.words.get(verb));
        entry.map_or(Groups::NONE, |entry| entry.groups)
    }

    /// The groups of an argument with this name.
    pub(super) fn argument(&self, name: &str) -> Groups {
        let words = words(name);
        let whole = self.args.get(words.join("_").as_str());
        let last = words
            .last()
            .and_then(|last| self.endings.get(last.as_str()));
        whole.into_iter().chain(last).copied().collect()
    }

    /// The worst of the verbs that stand within a text which is not written in words.
    pub(super) fn within(&self, text: &str) -> Option<(&str, Groups)> {
        let found = self.parts.iter().filter(|(part, _)| text.contains(&**part));
        let worst = found.max_by_key(|&&(_, groups)| self.class_of(groups))?;
        Some((&worst.0, worst.1))
    }

    /// The worst class of the verbs in these groups.
    pub(super) fn class_of(&self, groups: Groups) -> Option<ToolClass> {
        let classes = self.classes.iter().filter(|(_, verbs)| verbs.meets(groups));
        classes.map(|&(class, _)| class).max()
    }
}

impl Entry {
    fn groups_before(&self, after: &[String]) -> Groups {
        let phrases = self.phrases.iter().filter(|(rest, _)| {
            rest.iter()
                .zip(after)
                .filter(|(a, b)| a == b || b.strip_suffix('s') == Some(a))
                .count()
                == rest.len()
        });
        phrases
            .map(|&(_, groups)| groups)
            .fold(self.groups, Groups::with)
    }
}

fn add(map: &mut Map<Groups>, word: &str, bit: Groups) {
    let groups = map.entry(word.into()).or_default();
    *groups = groups.with(bit);
}

/// What `searches`, `copies`, `running` and `writing` may come from.
pub(super) fn stems(word: &str) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    use std::borrow::Cow::{self, Borrowed, Owned};
    let ing = word.strip_suffix("ing").filter(|stem| stem.len() > 2);
    let doubled = ing.filter(|stem| {
        let mut ends = stem.bytes().rev();
        ends.next() == ends.next()
    });
    let all: [Option<Cow<'_, str>>; 6] = [
        word.strip_suffix('s').map(Borrowed),
        word.strip_suffix("es").map(Borrowed),
        word.strip_suffix("ies")
            .map(|stem| Owned(format!("{stem}y"))),
        ing.map(Borrowed),
        ing.map(|stem| Owned(format!("{stem}e"))),
        doubled
            .and_then(|stem| stem.get(..stem.len() - 1))
            .map(Borrowed),
    ];
    all.into_iter().flatten()
}
