//! The rules of `data/rules.toml`: what a pair of words means, and what moves the risk.

use std::{collections::BTreeMap, sync::LazyLock};

use domain::tools::ToolClass;
use serde::Deserialize;

use super::{
    hidden::{Hidden, HiddenText},
    lexicon::{Groups, Lexicon, Listed, VerbGroup},
    reading::Reading,
    signal::{self, Signal},
};

const TEXT: &str = include_str!("../../data/rules.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    verbs: BTreeMap<String, VerbGroup>,
    words: Listed,
    args: Listed,
    endings: Listed,
    parts: Listed,
    rule: Vec<RuleText>,
    step: Vec<StepText>,
    hidden: Vec<HiddenText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    id: String,
    class: ToolClass,
    why: String,
    when: WhenText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    id: String,
    words: String,
    #[serde(default)]
    risk: i8,
    #[serde(default)]
    classes: Vec<ToolClass>,
    when: WhenText,
}

/// Groups by name, separated by white space.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct WhenText {
    verb: String,
    object: String,
    last: String,
    name: String,
    says: String,
    text: String,
    lead: String,
    arg: String,
    not: Option<Box<WhenText>>,
}

/// A condition on what was read of a tool. A part that names no group holds.
#[derive(Debug, Default)]
struct When {
    verb: Groups,
    object: Groups,
    last: Groups,
    name: Groups,
    says: Groups,
    text: Groups,
    lead: Groups,
    arg: Groups,
    not: Option<Box<When>>,
}

impl When {
    fn new(text: &WhenText, lexicon: &Lexicon) -> Self {
        let groups = |names: &str, suffix: &str| -> Groups {
            let group = |name: &str| {
                let group = lexicon.group(&format!("{name}{suffix}"));
                group.unwrap_or_else(|| panic!("no group is named {name}{suffix}"))
            };
            names.split_whitespace().map(group).collect()
        };
        Self {
            verb: groups(&text.verb, ""),
            object: groups(&text.object, ""),
            last: groups(&text.last, ""),
            name: groups(&text.name, ""),
            says: groups(&text.says, ""),
            text: groups(&text.text, ""),
            lead: groups(&text.lead, ""),
            arg: groups(&text.arg, "_arg"),
            not: text
                .not
                .as_ref()
                .map(|not| Box::new(Self::new(not, lexicon))),
        }
    }

    fn parts(&self, reading: &Reading) -> [(Groups, Groups); 8] {
        [
            (self.verb, reading.verb),
            (self.object, reading.object),
            (self.last, reading.last),
            (self.name, reading.name),
            (self.says, reading.says),
            (self.text, reading.name.with(reading.says)),
            (self.lead, reading.lead),
            (self.arg, reading.args),
        ]
    }

    fn holds(&self, reading: &Reading) -> bool {
        let all = self.parts(reading);
        let refused = self.not.as_ref().is_some_and(|not| {
            let any = not.parts(reading);
            any.iter().any(|(wanted, found)| found.meets(*wanted))
        });
        !refused
            && all
                .iter()
                .all(|(wanted, found)| wanted.is_empty() || found.meets(*wanted))
    }
}

/// A pair of words that means something else than its verb alone.
pub(super) struct Rule {
    pub(super) class: ToolClass,
    pub(super) why: Signal,
    when: When,
}

/// Something that is worth saying of a tool, and may move its risk.
pub(super) struct Step {
    pub(super) signal: Signal,
    /// One up or down, two up, or none.
    pub(super) risk: i8,
    /// Of which classes it is said; of every one where it names none.
    classes: Vec<ToolClass>,
    when: When,
}

impl Step {
    pub(super) fn fits(&self, class: ToolClass, reading: &Reading) -> bool {
        let asked = self.classes.is_empty() || self.classes.contains(&class);
        asked && self.when.holds(reading)
    }
}

pub(super) struct Rules {
    pub(super) lexicon: Lexicon,
    rules: Vec<Rule>,
    pub(super) steps: Vec<Step>,
    pub(super) hidden: Hidden,
}

impl Rules {
    fn new(text: &str) -> Self {
        let file: File = toml::from_str(text)
            .unwrap_or_else(|error| panic!("{}: {:?}", error.message(), error.span()));
        let lexicon = Lexicon::new(
            &file.verbs,
            &file.words,
            &file.args,
            &file.endings,
            &file.parts,
        );
        let rule = |rule: RuleText| Rule {
            when: When::new(&rule.when, &lexicon),
            class: rule.class,
            why: signal::new(&rule.id, rule.why),
        };
        let step = |step: StepText| Step {
            when: When::new(&step.when, &lexicon),
            signal: signal::new(&step.id, step.words),
            risk: step.risk,
            classes: step.classes,
        };
        Self {
            rules: file.rule.into_iter().map(rule).collect(),
            steps: file.step.into_iter().map(step).collect(),
            hidden: Hidden::new(file.hidden),
            lexicon,
        }
    }

    /// The first rule that fits.
    pub(super) fn first(&self, reading: &Reading) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.when.holds(reading))
    }
}

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(TEXT));

/// Stands for the rules as this release has them: whoever keeps classifications keeps it beside them,
/// and classifies again where it differs. The same on every machine.
#[must_use]
pub const fn rules_fingerprint() -> u64 {
    fingerprint(TEXT.as_bytes(), fingerprint(VERSION.as_bytes(), FNV_OFFSET))
}

/// The code that reads the rules changes with it.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a of 64 bits, which is no secret and no seal: it only has to differ.
const fn fingerprint(mut bytes: &[u8], mut hash: u64) -> u64 {
    while let [first, rest @ ..] = bytes {
        hash = (hash ^ *first as u64).wrapping_mul(FNV_PRIME);
        bytes = rest;
    }
    hash
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use toml::{Table, Value};

    /// The groups that the code asks for by name.
    const BY_CODE: [&str; 8] = [
        "result", "thing", "told_end", "actions", "v_manage", "v_crud", "v_opener", "helper",
    ];

    fn file() -> Table {
        include_str!("../../data/rules.toml")
            .parse()
            .expect("the rules are TOML")
    }

    fn table<'a>(file: &'a Table, name: &str) -> &'a Table {
        file[name].as_table().expect(name)
    }

    #[test]
    fn a_verb_is_in_one_group() {
        let file = file();
        let mut group_of = BTreeMap::new();
        for (group, verbs) in table(&file, "verbs") {
            for verb in verbs["words"].as_str().expect("words").split_whitespace() {
                let other = group_of.insert(verb.to_owned(), group.clone());
                assert_eq!(other, None, "{verb} is in {group} too");
            }
        }
        assert!(group_of.len() > 300);
    }

    /// An id is a promise: whoever keeps signals finds them by it.
    #[test]
    fn ids_are_plain() {
        let file = file();
        let mut ids = 0;
        for list in ["rule", "step", "hidden"] {
            for entry in file[list].as_array().expect(list) {
                let id = entry["id"].as_str().expect("an id");
                let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
                assert!(id.len() > 3 && id.chars().all(plain), "{id}");
                ids += 1;
            }
        }
        assert!(ids > 80);
    }

    #[test]
    fn the_fingerprint_is_that_of_the_published_function() {
        use super::{FNV_OFFSET, fingerprint};
        assert_eq!(fingerprint(b"", FNV_OFFSET), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"a", FNV_OFFSET), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fingerprint(b"foobar", FNV_OFFSET), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_group_is_asked_for() {
        fn names(value: &Value, asked: &mut BTreeSet<String>) {
            match value {
                Value::String(text) => asked.extend(text.split_whitespace().map(str::to_owned)),
                Value::Array(all) => all.iter().for_each(|value| names(value, asked)),
                Value::Table(all) => all.values().for_each(|value| names(value, asked)),
                _ => {}
            }
        }
        let file = file();
        let mut asked = BTreeSet::from(BY_CODE.map(str::to_owned));
        names(&file["rule"], &mut asked);
        names(&file["step"], &mut asked);
        for groups in ["words", "args"] {
            for group in table(&file, groups).keys() {
                assert!(asked.contains(group), "no rule asks for {group}");
            }
        }
    }
}
