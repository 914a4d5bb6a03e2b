//! First policies for a server, from its tools' classes: three whole documents to choose from.

mod example;
mod probe;
mod tests;
mod words;
mod write;

use domain::tools::{Tool, ToolClass};

use self::probe::Probe;

/// Beyond so many tools a list that names each is no longer read by anybody, so the document has a
/// block for each class instead.
const LISTED_MAX: usize = 500;
/// A listed document may take half of what a policy may be long: its authors will add to it.
const LISTED_BYTES_MAX: usize = 128 * 1024;

/// A policy to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// Names it in URLs and forms: `read_only`, `recommended` or `locked_down`.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What it does to the tools of this server, in a few sentences.
    pub explanation: String,
    /// The whole document, valid for this server, nothing in it that cannot be published, and with
    /// tests that pass.
    pub document: String,
}

/// The three starters for a server's tools, the usual one first. The same tools in the same order
/// give the same documents.
#[must_use]
pub fn starters(tools: &[Tool]) -> [Starter; 3] {
    let offer = Offer::new(tools);
    [Variant::Recommended, Variant::ReadOnly, Variant::LockedDown].map(|variant| Starter {
        id: variant.id(),
        name: variant.name(),
        explanation: words::explanation(variant, &offer),
        document: tests::document(variant, &offer),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Recommended,
    ReadOnly,
    LockedDown,
}

impl Variant {
    const fn id(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::ReadOnly => "read_only",
            Self::LockedDown => "locked_down",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Recommended => "Recommended",
            Self::ReadOnly => "Read only",
            Self::LockedDown => "Locked down",
        }
    }

    /// Whether it lets calls of such a tool through. What cannot be undone and what costs money
    /// never is by itself, nor a tool of which nobody has said what it does.
    fn opens(self, class: Option<ToolClass>) -> bool {
        match self {
            Self::Recommended => class.and_then(a_minute).is_some(),
            Self::ReadOnly => class == Some(ToolClass::Read),
            Self::LockedDown => false,
        }
    }
}

/// Calls a minute that suit an agent at work and stop one that runs away.
pub(crate) const fn a_minute(class: ToolClass) -> Option<u64> {
    match class {
        ToolClass::Read => Some(60),
        ToolClass::Write => Some(30),
        ToolClass::Execute => Some(10),
        ToolClass::Destructive | ToolClass::Financial => None,
    }
}

/// The tools as a document has them: mildest class first, tools without a class last.
struct Offer<'t> {
    inventory: &'t [Tool],
    groups: Vec<(Option<ToolClass>, Vec<&'t Tool>)>,
    /// Tools that no rule can name: no call can either, or the name has a star.
    unnameable: Vec<&'t Tool>,
    probe: Probe<'t>,
    /// Whether each tool has an entry of its own.
    listed: bool,
}

impl<'t> Offer<'t> {
    fn new(inventory: &'t [Tool]) -> Self {
        let mut seen = std::collections::HashSet::new();
        let (nameable, unnameable): (Vec<&Tool>, Vec<&Tool>) = inventory
            .iter()
            .filter(|tool| seen.insert(&tool.name))
            .partition(|tool| is_nameable(&tool.name));
        let classes = ToolClass::ALL.map(Some).into_iter().chain([None]);
        let groups = classes
            .map(|class| {
                let of = nameable.iter().filter(|tool| tool.class == class);
                (class, of.copied().collect::<Vec<_>>())
            })
            .filter(|(_, of)| !of.is_empty());
        let mut offer = Self {
            inventory,
            groups: groups.collect(),
            unnameable,
            probe: Probe::new(&nameable),
            listed: nameable.len() <= LISTED_MAX,
        };
        let longest = write::document(Variant::LockedDown, &offer, &[]).len();
        offer.listed &= longest <= LISTED_BYTES_MAX;
        offer
    }
}

/// Whether an entry of `tools` can mean this tool and no other.
pub(crate) fn is_nameable(name: &str) -> bool {
    !name.contains('*') && name.parse::<domain::ToolName>().is_ok()
}

#[cfg(test)]
mod checks {
    use policy::{Engine, Policy, ToolPreview, ToolVerdict, check, preview};

    use super::*;
    use crate::class_of;

    fn circleci() -> Vec<Tool> {
        let tools = crate::circleci_tools().iter().map(|definition| {
            let mut tool = Tool {
                name: definition["name"].as_str().expect("a name").to_owned(),
                title: None,
                description: None,
                definition: definition.to_string(),
                class: None,
            };
            tool.class = Some(class_of(Some("circleci"), &tool));
            tool
        });
        tools.collect()
    }

    /// Nothing is wrong with a starter, its tests pass, and the engine does what was promised.
    fn keeps_its_promise(starter: &Starter, tools: &[Tool]) -> Vec<ToolPreview> {
        let report = check(&starter.document, Some(tools));
        assert!(report.valid, "{}\n{:#?}", starter.document, report.faults);
        assert!(report.warnings.is_empty(), "{:#?}", report.warnings);
        let policy = Policy::parse(&starter.document).expect("it is valid");
        assert_eq!(policy.not_available(), []);
        for outcome in policy.run_tests(Some(tools)) {
            assert!(outcome.passed, "{outcome:#?}\n{}", starter.document);
        }
        let engine = Engine::compile(&policy, Some(tools));
        preview(&engine, tools, probe::GRANT, 0)
    }

    #[test]
    fn circleci_gets_three_policies_that_keep_their_promises() {
        let tools = circleci();
        let [recommended, read_only, locked_down] = starters(&tools);
        let validated = |tool: &str| format!("\"{tool}\": {{ \"validate\": \"schema\"");
        for preview in keeps_its_promise(&recommended, &tools) {
            let expected = match preview.class {
                Some(ToolClass::Read) => (ToolVerdict::Allowed, "60 a minute"),
                Some(ToolClass::Write) => (ToolVerdict::Allowed, "30 a minute"),
                _ if recommended.document.contains(&validated(&preview.tool)) => {
                    (ToolVerdict::Depends, "10 a minute")
                }
                _ => (ToolVerdict::Allowed, "10 a minute"),
            };
            assert_eq!(
                (preview.verdict, preview.limits[0].as_str()),
                expected,
                "{preview:?}"
            );
        }
        for preview in keeps_its_promise(&read_only, &tools) {
            let reads = preview.class == Some(ToolClass::Read);
            let expected = if reads {
                ToolVerdict::Allowed
            } else {
                ToolVerdict::Refused
            };
            assert_eq!(preview.verdict, expected, "{preview:?}");
        }
        for preview in keeps_its_promise(&locked_down, &tools) {
            assert_eq!(preview.verdict, ToolVerdict::Refused, "{preview:?}");
        }
    }

    fn tool(name: &str, class: Option<ToolClass>) -> Tool {
        Tool {
            name: name.to_owned(),
            title: None,
            description: None,
            definition: serde_json::json!({ "name": name }).to_string(),
            class,
        }
    }

    /// What no starter lets through: what cannot be undone, what costs, what nobody knows.
    fn never_opens_too_much(tools: &[Tool]) -> [Starter; 3] {
        let starters = starters(tools);
        for starter in &starters {
            for preview in keeps_its_promise(starter, tools) {
                let may_pass = match starter.id {
                    "recommended" => preview.class.and_then(a_minute).is_some(),
                    "read_only" => preview.class == Some(ToolClass::Read),
                    _ => false,
                };
                let passes = !matches!(preview.verdict, ToolVerdict::Refused | ToolVerdict::Hidden);
                assert!(may_pass || !passes, "{}: {preview:?}", starter.id);
                if preview.class == Some(ToolClass::Read) && is_nameable(&preview.tool) {
                    assert_eq!(passes, may_pass, "{}: {preview:?}", starter.id);
                }
            }
        }
        starters
    }

    #[test]
    fn strange_names_and_tools_without_a_class_stay_refused() {
        let read = Some(ToolClass::Read);
        let [recommended, ..] = never_opens_too_much(&[
            tool("get/x~y", read),
            tool("get\"quoted\"\\", read),
            tool("get_*", read),
            tool("**", read),
            tool("not callable", read),
            tool("", read),
            tool("gét", read),
            tool(&"x".repeat(129), read),
            tool("Get_X", read),
            tool("get-x", Some(ToolClass::Destructive)),
            tool("pay", Some(ToolClass::Financial)),
            tool("unknown", None),
            tool("unknown", None),
        ]);
        assert!(
            recommended
                .explanation
                .contains("1 tool has no class yet: refused.")
        );
        assert!(
            recommended
                .explanation
                .contains("6 tools have names that no rule can give")
        );
        assert!(recommended.explanation.contains("require_approval"));
        never_opens_too_much(&[]);
    }

    #[test]
    fn a_huge_server_gets_rules_by_class() {
        let classes = ToolClass::ALL.map(Some).into_iter().chain([None]);
        let classes: Vec<_> = classes.collect();
        let many = |count: usize, length: usize| -> Vec<Tool> {
            (0..count)
                .map(|n| tool(&format!("{n:_>length$}"), classes[n % classes.len()]))
                .collect()
        };
        for (tools, listed) in [
            (many(LISTED_MAX, 8), true),
            (many(LISTED_MAX + 1, 8), false),
            (many(1000, 128), false),
            (many(300, 128), true),
        ] {
            for starter in starters(&tools) {
                assert!(starter.document.len() <= LISTED_BYTES_MAX + 8 * 1024);
                assert_eq!(starter.document.contains("\"tools\": {"), listed);
                if starter.id == "recommended" {
                    keeps_its_promise(&starter, &tools);
                }
            }
        }
    }

    #[test]
    fn the_same_tools_give_the_same_documents() {
        assert_eq!(starters(&circleci()), starters(&circleci()));
    }
}
