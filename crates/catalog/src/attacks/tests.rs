//! Every entry is whole, and every rule does what its page says.

use std::collections::BTreeSet;

use domain::tools::ToolClass;
use policy::{Policy, check};
use serde_json::Value;

use super::*;

/// A year, a month or a day that there is.
fn is_date(text: &str) -> bool {
    let whole = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let parts: Vec<u32> = whole.split('-').filter_map(|it| it.parse().ok()).collect();
    matches!(parts[..], [2024..2100, 1..=12, 1..=31]) && whole.len() == 10
}

fn is_slug(text: &str) -> bool {
    let letters = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    letters && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

fn is_cve(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts[..], ["CVE", year, number] if digits(year) && digits(number))
}

/// The ids of everything that the classifier says of a tool.
fn signal_ids() -> BTreeSet<String> {
    let rules: toml::Table = include_str!("../../data/rules.toml").parse().expect("TOML");
    let tables =
        ["rule", "step", "hidden"].map(|name| rules[name].as_array().expect("a list").clone());
    tables
        .into_iter()
        .flatten()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn every_entry_is_whole() {
    let signals = signal_ids();
    let mut ids = BTreeSet::new();
    for attack in attacks() {
        let id = &attack.id;
        assert!(is_slug(id) && ids.insert(id), "{id}");
        assert!(is_slug(&attack.class), "{id}");
        assert!(attack.date.as_deref().is_none_or(is_date), "{id}");
        assert!(
            attack.date.is_some() || attack.status == Status::Pattern,
            "{id}"
        );
        assert!(attack.cve.iter().all(|it| is_cve(it)), "{id}");
        assert!(
            attack.affected.as_deref().is_none_or(|it| !it.is_empty()),
            "{id}"
        );
        assert!(
            (2..=4).contains(&attack.how.len()),
            "{id}: {} paragraphs",
            attack.how.len()
        );
        assert!(
            !attack.needs.is_empty() && !attack.controls.is_empty(),
            "{id}"
        );
        assert!(!attack.sources.is_empty(), "{id}");
        assert!(
            attack.sources.iter().all(|it| it.starts_with("https://")),
            "{id}"
        );
        let prose = [
            &attack.how,
            &attack.needs,
            &attack.stopped,
            &attack.not_stopped,
            &attack.helps,
        ];
        for text in prose
            .into_iter()
            .flatten()
            .chain([&attack.name, &attack.summary])
        {
            assert!(
                !text.trim().is_empty() && text.trim() == text,
                "{id}: {text}"
            );
            assert!(!text.contains('!') && !text.contains('\n'), "{id}: {text}");
        }
        for signal in &attack.signals {
            assert!(
                signals.contains(signal),
                "{id}: no tool has the signal {signal}"
            );
        }
    }
}

#[test]
fn what_is_said_of_stopping_agrees_with_itself() {
    for attack in attacks() {
        let id = &attack.id;
        assert_eq!(attack.stopped.is_empty(), attack.stops == Stops::No, "{id}");
        let left = attack.not_stopped.is_empty();
        assert!(
            !left || attack.stops == Stops::Yes,
            "{id}: something is left"
        );
        if attack.stops == Stops::No {
            assert!(attack.rule.is_none() && !attack.helps.is_empty(), "{id}");
        } else {
            assert!(
                attack.available().next().is_some(),
                "{id}: by which feature?"
            );
        }
    }
}

#[test]
fn the_folder_has_the_files_that_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/attacks");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|file| {
            file.expect("it can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let read: BTreeSet<String> = data::FILES
        .iter()
        .map(|(id, _)| format!("{id}.toml"))
        .collect();
    assert_eq!(there, read);
    for (id, text) in data::FILES {
        assert!(text.starts_with(&format!("id = \"{id}\"\n")), "{id}");
    }
}

/// A rule that cannot be published, warns, or does not do what its tests say has no place here.
/// The first test is the attack's own call, and is refused; some honest call is let through.
fn wrong_with(attack: &Attack, rule: &AttackRule) -> Vec<String> {
    let report = check(&rule.document, None);
    let said = report.faults.iter().chain(&report.warnings);
    let mut wrong: Vec<String> = said
        .map(|it| {
            format!(
                "{}: {} at {}: {}",
                attack.id, it.code, it.pointer, it.detail
            )
        })
        .collect();
    let Ok(policy) = Policy::parse(&rule.document) else {
        return wrong;
    };
    let document: Value = serde_json::from_str(&rule.document).expect("it is valid");
    let tests = document["tests"].as_array().cloned().unwrap_or_default();
    let expects = |test: &Value| test["expect"].as_str().unwrap_or_default().to_owned();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{}: {what}", attack.id));
        }
    };
    demand(policy.not_available().is_empty(), "it cannot be published");
    demand(document["default"] == "deny", "the default is deny");
    demand(tests.len() >= 2, "it has tests");
    demand(
        tests.first().is_some_and(|it| expects(it) != "allow"),
        "the attack comes first",
    );
    demand(
        tests.iter().any(|it| expects(it) == "allow"),
        "honest use passes",
    );
    let named = tests
        .iter()
        .filter(|it| expects(it) != "allow")
        .all(|it| it["rule"].is_string());
    demand(named, "each refusal names its rule");
    demand(
        attack.call_is_told_of(),
        "the page names the tool that the attack calls",
    );
    wrong
}

#[test]
fn every_rule_does_what_it_says() {
    let rules = attacks()
        .iter()
        .filter_map(|it| Some((it, it.rule.as_ref()?)));
    let wrong: Vec<String> = rules
        .flat_map(|(attack, rule)| wrong_with(attack, rule))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same call under a policy that lets everything through passes: so it is the rule that refuses.
#[test]
fn without_the_rule_the_attack_passes() {
    let open = r#"{ "version": "1", "default": "allow" }"#;
    for attack in attacks() {
        let Some(rule) = &attack.rule else { continue };
        let call = rule.call();
        let mut document: Value = serde_json::from_str(open).expect("JSON");
        document["tests"] = serde_json::json!([
            { "name": "it passes", "tool": call.tool, "args": call.arguments, "expect": "allow" }
        ]);
        assert!(check(&document.to_string(), None).valid, "{}", attack.id);
    }
}

/// A feature that Tollgate does not have yet is told apart by what can be published.
#[test]
fn available_is_what_can_be_published() {
    let with = |field: &str| {
        format!(r#"{{ "version": "1", "default": "deny", "tools": {{ "t": {{ {field} }} }} }}"#)
    };
    let spend = r#""limits": [{ "counter": "c", "window": "day", "max": 9, "cost": "args.a" }]"#;
    for (control, field) in [
        (
            Control::RateLimit,
            r#""rate_limit": { "max": 1, "window": "hour" }"#,
        ),
        (
            Control::ArgumentRule,
            r#""require": [{ "conditions": [{ "path": "args.a", "op": "eq", "value": 1 }] }]"#,
        ),
        (Control::HideTool, r#""action": "deny""#),
        (Control::SpendLimit, spend),
        (Control::RequireApproval, r#""action": "require_approval""#),
    ] {
        let policy = Policy::parse(&with(field)).expect("it is valid");
        assert_eq!(
            policy.not_available().is_empty(),
            control.available(),
            "{control:?}"
        );
    }
}

fn tool(name: &str, class: ToolClass, signals: &[&str]) -> domain::catalogue::KnownTool {
    let signal = |id: &&str| domain::catalogue::Signal {
        id: (*id).to_owned(),
        words: String::new(),
    };
    domain::catalogue::KnownTool {
        name: name.to_owned(),
        description: None,
        does: None,
        note: None,
        args: None,
        hints: domain::catalogue::Hints::default(),
        class,
        risk: class.risk(),
        signals: signals.iter().map(signal).collect(),
        confidence: 1.0,
        corrected: false,
    }
}

#[test]
fn a_tool_meets_its_attacks_by_class_and_name_or_signal() {
    let ids = |tool| {
        attacks_on(None, &tool)
            .iter()
            .map(|it| it.id.as_str())
            .collect::<Vec<_>>()
    };
    let by_name = ids(tool("send_message", ToolClass::Write, &[]));
    assert!(
        by_name.contains(&"whatsapp-mcp-exfiltration"),
        "{by_name:?}"
    );
    let by_signal = ids(tool("xyz", ToolClass::Financial, &["moves_money"]));
    assert!(by_signal.contains(&"refund-injection"), "{by_signal:?}");
    // The class must fit as well, and what has neither name nor signal is on no page.
    assert_eq!(
        ids(tool("xyz", ToolClass::Read, &["moves_money"])),
        Vec::<&str>::new()
    );
    assert_eq!(ids(tool("xyz", ToolClass::Read, &[])), Vec::<&str>::new());
    for any in attacks_on_any() {
        assert!(
            !any.meets(None, &tool("xyz", ToolClass::Execute, &["shell_command"])),
            "{}",
            any.id
        );
    }
    assert!(attacks_on_any().iter().any(|it| it.id == "rug-pull"));
}

/// A tool of a shipped server, with the attacks that its page lists.
fn shipped(slug: &str, name: &str) -> Vec<&'static str> {
    let entries = crate::shipped();
    let entry = entries.iter().find(|it| it.server.slug == slug);
    let entry = entry.unwrap_or_else(|| panic!("{slug} is not shipped"));
    let mut named = entry.tools.iter().filter(|it| it.name == name);
    let tool = named.next().unwrap_or_else(|| panic!("{slug}: {name}"));
    let found = attacks_on(Some(&entry.server), tool);
    found.iter().map(|it| it.id.as_str()).collect()
}

/// What a customer reads on ten well-known tools: what belongs there, and what does not.
#[test]
fn well_known_tools_have_the_attacks_that_make_sense() {
    for (slug, name, expected) in [
        (
            "circleci",
            "rerun_workflow",
            &["retry-storm", "runaway-loop"][..],
        ),
        (
            "filesystem",
            "read_text_file",
            &["filesystem-escape", "insecure-credential-storage"],
        ),
        (
            "filesystem",
            "write_file",
            &["curxecute", "filesystem-escape"],
        ),
        ("github-reference", "push_files", &["force-push"]),
        (
            "slack-reference",
            "slack_post_message",
            &[
                "slack-link-unfurl",
                "github-toxic-flow",
                "whatsapp-mcp-exfiltration",
                "bulk-mail",
            ],
        ),
        (
            "postgres-reference",
            "query",
            &["postgres-readonly-bypass", "supabase-lethal-trifecta"],
        ),
        (
            "fetch",
            "fetch",
            &[
                "azure-mcp-ssrf",
                "runaway-loop",
                "jira-cursor-hijack",
                "fetch-exfiltration",
            ],
        ),
        (
            "playwright",
            "browser_navigate",
            &["playwright-origin", "fetch-exfiltration"],
        ),
        ("desktop-commander", "start_process", &["shell-rm-rf"]),
        (
            "mongodb",
            "drop-database",
            &["replit-db-deletion", "scope-creep"],
        ),
        ("git", "git_add", &["git-server-chain"]),
        (
            "figma-developer",
            "get_figma_data",
            &["figma-framelink-rce"],
        ),
        ("time", "get_current_time", &[]),
    ] {
        let mut found = shipped(slug, name);
        let mut expected = expected.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{slug}: {name}");
    }
}

#[test]
fn a_flaw_of_one_product_stays_with_it() {
    let figma = |package: &str| {
        let mut server = domain::catalogue::KnownServer::clone(&crate::shipped()[0].server);
        server.packages = vec![package.to_owned()];
        server
    };
    let read = tool("get_figma_data", ToolClass::Read, &["url_input"]);
    let on = |server: Option<&domain::catalogue::KnownServer>| {
        let found = attacks_on(server, &read);
        found.iter().any(|it| it.id == "figma-framelink-rce")
    };
    assert!(on(Some(&figma("npm:figma-developer-mcp"))));
    assert!(!on(Some(&figma("npm:other"))) && !on(None));
    // Where the entry says why, tools of others are open to it too.
    let sql = tool("ask", ToolClass::Execute, &["raw_query"]);
    let found = attacks_on(None, &sql);
    let elsewhere = found.iter().find(|it| it.id == "neon-remote-exploit");
    assert!(elsewhere.is_some_and(|it| it.why.is_some()));
}

/// What is a flaw of servers says which versions, and a sentence stands beside each name that a
/// reader would take for another product's.
#[test]
fn flaws_of_products_say_whose_they_are() {
    for attack in attacks() {
        let id = &attack.id;
        assert!(
            attack.servers.is_empty() || attack.affected.is_some(),
            "{id}"
        );
        let known = |it: &str| {
            ["npm:", "pypi:", "oci:", "https://"]
                .iter()
                .any(|kind| it.starts_with(kind))
        };
        assert!(attack.servers.iter().all(|it| known(it)), "{id}");
        let nothing = attack.classes.is_empty();
        assert!(
            !nothing || attack.is_on_any(),
            "{id}: through no tool, but through some"
        );
        let few = attack
            .signal_classes
            .iter()
            .all(|it| attack.classes.contains(it));
        assert!(few, "{id}");
        assert!(
            attack.signal_classes.is_empty() || !attack.signals.is_empty(),
            "{id}"
        );
    }
}

#[test]
fn related_attacks_are_others() {
    for attack in attacks() {
        let related = related(attack);
        assert!(
            related.len() <= 6 && related.iter().all(|it| it.id != attack.id),
            "{}",
            attack.id
        );
    }
}

impl Attack {
    /// Whether the page names the tool that its rule's example calls, so that both speak of one thing.
    fn call_is_told_of(&self) -> bool {
        let Some(rule) = &self.rule else { return true };
        let tool = rule.call().tool;
        self.tools.contains(&tool)
            || self
                .how
                .iter()
                .chain([&rule.explanation])
                .any(|text| text.contains(&tool))
    }
}
