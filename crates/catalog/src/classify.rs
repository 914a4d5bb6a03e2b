//! A first, explainable classifier: the verbs in a tool's name, its description where the name says
//! nothing, and annotations, which can only raise the class because the upstream writes them.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::LazyLock,
};

use domain::tools::{Tool, ToolClass};
use serde::Deserialize;
use serde_json::Value;

use crate::{server, words::words};

/// How far into a description a verb is looked for. Later words describe results and cautions.
const DESCRIPTION_WORDS: usize = 8;

/// A class and what it was derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The class.
    pub class: ToolClass,
    /// Why.
    pub because: Because,
}

/// What a class was derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// This verb in the name.
    Name(String),
    /// A verb in the name that moves what this word of it stands for.
    Money(String),
    /// This verb at the beginning of the description.
    Description(String),
    /// This annotation.
    Annotation(&'static str),
    /// Nothing is known, so it is not taken for harmless.
    Nothing,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(verb) => write!(f, "the name says “{verb}”"),
            Self::Money(word) => write!(f, "the name is about a change to “{word}”"),
            Self::Description(verb) => write!(f, "the description says “{verb}”"),
            Self::Annotation(hint) => write!(f, "the server says {hint}"),
            Self::Nothing => f.write_str("nothing says that it only reads"),
        }
    }
}

/// The class of a tool: the catalogue's where it knows the server and the tool, else
/// [`classify`]'s. A member's correction (`tool.class`) is the caller's to prefer.
#[must_use]
pub fn class_of(server_slug: Option<&str>, tool: &Tool) -> ToolClass {
    let known = server_slug
        .and_then(server)
        .and_then(|server| server.tool(&tool.name));
    if let Some(known) = known {
        return known.class;
    }
    let definition: Option<Value> = serde_json::from_str(&tool.definition).ok();
    let annotations = definition
        .as_ref()
        .and_then(|definition| definition.get("annotations"));
    classify(&tool.name, tool.description.as_deref(), annotations)
}

/// The class of a tool that nobody has looked at. Deterministic; prefers the worse of two readings.
#[must_use]
pub fn classify(name: &str, description: Option<&str>, annotations: Option<&Value>) -> ToolClass {
    explain(name, description, annotations).class
}

/// As [`classify`], with the reason.
#[must_use]
pub fn explain(name: &str, description: Option<&str>, annotations: Option<&Value>) -> Verdict {
    let mut verdict = by_name(name)
        .or_else(|| description.and_then(by_description))
        .unwrap_or(Verdict {
            class: ToolClass::Write,
            because: Because::Nothing,
        });
    let hint = |name| {
        annotations
            .and_then(|all| all.get(name))
            .and_then(Value::as_bool)
    };
    for (hinted, class, says) in [
        (
            hint("readOnlyHint") == Some(false),
            ToolClass::Write,
            "readOnlyHint: false",
        ),
        (
            hint("destructiveHint") == Some(true),
            ToolClass::Destructive,
            "destructiveHint: true",
        ),
    ] {
        if hinted && class > verdict.class {
            verdict = Verdict {
                class,
                because: Because::Annotation(says),
            };
        }
    }
    verdict
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerbsFile {
    read: Vec<String>,
    write: Vec<String>,
    execute: Vec<String>,
    destructive: Vec<String>,
    financial: Vec<String>,
    also_nouns: HashSet<String>,
    money: HashSet<String>,
    moves_money: HashSet<String>,
}

struct Verbs {
    class_of: HashMap<String, ToolClass>,
    /// Verbs that are as often nouns: they count only where a name begins or ends with them.
    also_nouns: HashSet<String>,
    /// What makes a change financial.
    money: HashSet<String>,
    /// The verbs that then change it. Others, such as `update`, only change the record of it.
    moves_money: HashSet<String>,
}

static VERBS: LazyLock<Verbs> = LazyLock::new(|| {
    let file: VerbsFile =
        serde_json::from_str(include_str!("../data/verbs.json")).expect("a test reads the verbs");
    let classes = [
        (file.read, ToolClass::Read),
        (file.write, ToolClass::Write),
        (file.execute, ToolClass::Execute),
        (file.destructive, ToolClass::Destructive),
        (file.financial, ToolClass::Financial),
    ];
    let class_of = classes
        .into_iter()
        .flat_map(|(verbs, class)| verbs.into_iter().map(move |v| (v, class)));
    Verbs {
        class_of: class_of.collect(),
        also_nouns: file.also_nouns,
        money: file.money,
        moves_money: file.moves_money,
    }
});

fn by_name(name: &str) -> Option<Verdict> {
    let words = words(name);
    let last = words.len().checked_sub(1)?;
    let several = words.iter().any(|word| word == "or" || word == "and");
    // A name that begins with reading only reads, whatever it reads about: `get_deleted_run`.
    if let Some(ToolClass::Read) = VERBS.class_of.get(&words[0])
        && !several
    {
        return Some(Verdict {
            class: ToolClass::Read,
            because: Because::Name(words[0].clone()),
        });
    }
    let money = words.iter().find(|word| VERBS.money.contains(*word));
    if let Some(money) = money
        && words
            .iter()
            .any(|word| VERBS.moves_money.contains(word) && word != money)
    {
        let because = Because::Money(money.clone());
        return Some(Verdict {
            class: ToolClass::Financial,
            because,
        });
    }
    let verbs = words
        .iter()
        .enumerate()
        .filter(|&(at, word)| at == 0 || at == last || several || !VERBS.also_nouns.contains(word));
    let classed = verbs.filter_map(|(_, word)| Some((*VERBS.class_of.get(word)?, word)));
    let (class, verb) = classed.max_by_key(|&(class, _)| class)?;
    Some(Verdict {
        class,
        because: Because::Name(verb.clone()),
    })
}

fn by_description(description: &str) -> Option<Verdict> {
    let words = words(description);
    let first = words.iter().take(DESCRIPTION_WORDS).filter_map(|word| {
        let stem = stems(word).find_map(|stem| VERBS.class_of.get_key_value(stem))?;
        Some((*stem.1, stem.0))
    });
    let (class, verb) = first.max_by_key(|&(class, _)| class)?;
    Some(Verdict {
        class,
        because: Because::Description(verb.clone()),
    })
}

/// A word of a description as it is and without the endings of `returns` and `searches`.
fn stems(word: &str) -> impl Iterator<Item = &str> {
    [Some(word), word.strip_suffix('s'), word.strip_suffix("es")]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use ToolClass::{Destructive, Execute, Financial, Read, Write};

    #[test]
    fn a_verb_has_one_class() {
        let file: VerbsFile =
            serde_json::from_str(include_str!("../data/verbs.json")).expect("readable");
        let all = [
            file.read,
            file.write,
            file.execute,
            file.destructive,
            file.financial,
        ];
        let mut seen = HashSet::new();
        for verb in all.iter().flatten() {
            assert!(seen.insert(verb), "{verb} has two classes");
        }
    }

    #[test]
    fn the_verb_decides() {
        for (name, class) in [
            ("get_test_run", Read),
            ("list_orders", Read),
            ("search-deleted-files", Read),
            ("get_or_create_user", Write),
            ("createIssue", Write),
            ("send_email", Write),
            ("rerun_workflow", Execute),
            ("browser_click", Execute),
            ("jira_delete_issue", Destructive),
            ("scene_delete", Destructive),
            ("drop_table", Destructive),
            ("place_order", Financial),
            ("create_payment_link", Financial),
            ("cancelSubscription", Financial),
            ("stripe_refund", Financial),
            ("update_payment_method", Write),
            ("frobnicate", Write),
            ("", Write),
        ] {
            let verdict = explain(name, None, None);
            assert_eq!(verdict.class, class, "{name}: {}", verdict.because);
        }
    }

    #[test]
    fn a_description_is_asked_where_the_name_says_nothing() {
        assert_eq!(
            classify("whereabouts", Some("Returns where it is."), None),
            Read
        );
        assert_eq!(
            classify("janitor", Some("Deletes old files and lists them"), None),
            Destructive
        );
        // But it cannot talk a name down.
        assert_eq!(
            classify("delete_all", Some("Only reads, returns a list"), None),
            Destructive
        );
    }

    #[test]
    fn annotations_only_raise() {
        let harmless = json!({"readOnlyHint": true, "destructiveHint": false});
        assert_eq!(classify("delete_file", None, Some(&harmless)), Destructive);
        assert_eq!(
            classify("pay_invoice", None, Some(&json!({"destructiveHint": true}))),
            Financial
        );
        assert_eq!(
            classify("get_file", None, Some(&json!({"destructiveHint": true}))),
            Destructive
        );
        assert_eq!(
            classify("get_file", None, Some(&json!({"readOnlyHint": false}))),
            Write
        );
        for rubbish in [
            json!(null),
            json!([]),
            json!("destructive"),
            json!({"readOnlyHint": 0}),
        ] {
            assert_eq!(classify("get_file", None, Some(&rubbish)), Read);
        }
    }

    fn tool(name: &str, definition: &str) -> Tool {
        Tool {
            name: name.to_owned(),
            title: None,
            description: None,
            definition: definition.to_owned(),
            class: None,
        }
    }

    /// CircleCI marks it destructive, and the catalogue knows better; of a server that it does not
    /// know, the mark is believed.
    #[test]
    fn the_catalogue_knows_better_than_a_hint() {
        let marked = r#"{"name":"find_flaky_tests","annotations":{"destructiveHint":true}}"#;
        let flaky = tool("find_flaky_tests", marked);
        assert_eq!(class_of(Some("circleci"), &flaky), Read);
        assert_eq!(class_of(None, &flaky), Destructive);
        assert_eq!(class_of(Some("unknown"), &flaky), Destructive);
        assert_eq!(
            class_of(Some("circleci"), &tool("delete_project", "{}")),
            Destructive
        );
        assert_eq!(class_of(None, &tool("get_it", "not json")), Read);
    }

    /// Against tools that a person has labelled, where they are at hand: `TOLLGATE_SHARED` names
    /// the folder that holds `catalog/labels-dev.jsonl`.
    #[test]
    fn harmful_tools_are_rarely_called_read() {
        #[derive(Deserialize)]
        struct Labelled {
            tool: String,
            description: Option<String>,
            annotations: Option<Value>,
            category: ToolClass,
        }
        let shared = std::env::var_os("TOLLGATE_SHARED").map(std::path::PathBuf::from);
        let file = shared.map(|shared| shared.join("catalog/labels-dev.jsonl"));
        let Some(text) = file.and_then(|file| std::fs::read_to_string(file).ok()) else {
            println!("skipped: TOLLGATE_SHARED names no folder with catalog/labels-dev.jsonl");
            return;
        };
        let (mut harmful, mut missed, mut right, mut all) = (0, Vec::new(), 0, 0);
        for line in text.lines() {
            let row: Labelled = serde_json::from_str(line).expect("a labelled tool");
            let said = explain(
                &row.tool,
                row.description.as_deref(),
                row.annotations.as_ref(),
            );
            all += 1;
            right += usize::from(said.class == row.category);
            if row.category >= Execute {
                harmful += 1;
                if said.class == Read {
                    missed.push(row.tool);
                }
            }
        }
        println!("{right} of {all} right; of {harmful} harmful, called read: {missed:?}");
        assert!(harmful > 50, "only {harmful} harmful tools are labelled");
        assert!(missed.len() * 25 <= harmful, "more than 4 %: {missed:?}");
        assert!(right * 10 >= all * 7, "only {right} of {all} are right");
    }
}
