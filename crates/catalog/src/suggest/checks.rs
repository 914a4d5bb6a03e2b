//! Every rule of every tool is read, run and held against what its page says.

use std::{collections::BTreeMap, path::PathBuf};

use domain::{
    Tool,
    audit::{Code, Outcome},
    catalogue::{Hints, KnownArgument, KnownServer, KnownTool, Origin},
    tools::ToolClass,
};
use policy::{Call, Counters, Decision, Engine, GrantFacts, Policy, check};

use super::{Suggestion, document, guard, questions, suggestions, words::Pace};
use crate::{Subject, classify, starter::is_nameable};

const GRANT: GrantFacts<'static> = GrantFacts {
    label: "agent",
    identity: None,
    labels: &[],
};
const SECOND_MS: u64 = 1000;

fn tool(name: &str, class: ToolClass, args: &[(&str, &str)]) -> KnownTool {
    let arguments = args.iter().map(|(path, kind)| KnownArgument {
        path: (*path).to_owned(),
        kind: (!kind.is_empty()).then(|| (*kind).to_owned()),
        required: false,
    });
    KnownTool {
        name: name.to_owned(),
        description: None,
        does: None,
        note: None,
        args: Some(arguments.collect()),
        hints: Hints::default(),
        class,
        risk: class.risk(),
        signals: Vec::new(),
        confidence: 0.9,
        corrected: false,
    }
}

fn server(name: &str) -> KnownServer {
    KnownServer::named("s", name, Origin::Imported)
}

/// The decision on the last of so many calls with the first of the rule's own arguments.
fn decide(
    counters: &mut Counters,
    engine: &Engine,
    tool: &str,
    args: &str,
    times: u64,
    now_ms: u64,
) -> Decision {
    let bounds = json::Bounds {
        bytes_max: 64 * 1024,
        depth_max: 32,
    };
    let document = json::Document::parse(args.as_bytes(), bounds).expect("JSON");
    let call = Call {
        tool,
        arguments: Some(document.root()),
        grant: GRANT,
        class: None,
        now_unix_ms: now_ms,
    };
    counters.decide_repeated(engine, &call, times)
}

/// Arguments that pass every check of a rule: those of its last test, which is about the limit.
fn passing_args(document: &str) -> String {
    let document: serde_json::Value = serde_json::from_str(document).expect("JSON");
    let tests = document["tests"].as_array().expect("tests");
    let args = tests.last().and_then(|test| test.get("args"));
    args.map_or_else(|| "{}".to_owned(), ToString::to_string)
}

/// Nothing is wrong with a rule, its tests pass, and the engine does what is said.
fn keeps_its_promise(tool: &KnownTool, rule: &Suggestion) {
    let report = check(&rule.document, None);
    let at = || format!("{} {}\n{}", tool.name, rule.id, rule.document);
    assert!(report.valid, "{}\n{:#?}", at(), report.faults);
    assert!(
        report.warnings.is_empty(),
        "{}\n{:#?}",
        at(),
        report.warnings
    );
    let policy = Policy::parse(&rule.document).expect("it is valid");
    assert_eq!(policy.not_available(), []);
    let engine = Engine::compile(&policy, None);
    let mut counters = Counters::new();
    let args = passing_args(&rule.document);
    let mut call = |times| decide(&mut counters, &engine, &tool.name, &args, times, 0);
    let pace = match rule.id {
        "recommended" => Pace::usual(tool.class),
        "limit" => Some(Pace::narrow(tool.class)),
        _ => None,
    };
    let name = &tool.name;
    if let Some(pace) = pace {
        let max = pace.rate.max;
        assert!(
            rule.explanation
                .starts_with(&format!("Lets {max} calls of {name} ")),
            "{}",
            at()
        );
        assert_eq!(call(max).outcome, Outcome::Allow, "{}", at());
        assert_eq!(call(1).code, Code::RateLimited, "{}", at());
    } else if rule.id == "hide" {
        assert_eq!(call(1).code, Code::Hidden, "{}", at());
    } else {
        assert!(
            rule.explanation
                .starts_with(&format!("Refuses every call of {name}")),
            "{}",
            at()
        );
        assert_eq!(call(1).code, Code::Denied, "{}", at());
    }
    let other = format!("{}x", &name[1..]);
    if other != *name && other.parse::<domain::ToolName>().is_ok() {
        let decision = decide(&mut Counters::new(), &engine, &other, "{}", 1, 0);
        assert_eq!(
            decision.code,
            Code::DefaultDeny,
            "it speaks of no other tool: {}",
            at()
        );
    }
}

fn all_of_it(server: &KnownServer, tool: &KnownTool) {
    let rules = suggestions(tool);
    assert_eq!(rules.is_empty(), !is_nameable(&tool.name), "{}", tool.name);
    for rule in &rules {
        keeps_its_promise(tool, rule);
    }
    let asked = questions(server, tool);
    assert!(asked.len() >= 5);
    for question in &asked {
        assert!(question.question.ends_with('?'), "{question:?}");
        assert!(
            question.answer.ends_with(['.', '!', '?', '。']),
            "{question:?}"
        );
        assert!(!question.answer.contains(" . "), "{question:?}");
        assert!(!question.answer.contains(" . "), "{question:?}");
        for wrong in [
            "a execute",
            "an read",
            "an write",
            "an destructive",
            "an financial",
        ] {
            assert!(
                !question.answer.contains(&format!(" {wrong} ")),
                "{question:?}"
            );
        }
        if let Some(id) = question.rule {
            assert!(rules.iter().any(|it| it.id == id), "{question:?}");
        }
    }
}

#[test]
fn what_is_known_of_arguments_shapes_the_rule() {
    use ToolClass::{Execute, Financial, Read, Write};
    let mut shell = tool(
        "run_shell",
        Execute,
        &[("command", "string"), ("sql", "string")],
    );
    shell.risk = domain::tools::Risk::Critical;
    for (tool, refused, passed) in [
        (
            tool("read_file", Read, &[("params.path", "string")]),
            vec![
                r#"{"params":{"path":"a/../b"}}"#,
                r#"{"params":{"path":".."}}"#,
                r#"{"params":{"path":"a\\..\\b"}}"#,
                r#"{"params":{"path":["a"]}}"#,
                r#"{"params":{"path":"/root/.aws/credentials"}}"#,
                r#"{"params":{"path":".env"}}"#,
                r#"{"params":{"Path":"a/../b"}}"#,
            ],
            vec![
                r#"{"params":{"path":"docs/a..b.md"}}"#,
                r#"{"params":{"path":"environment.md"}}"#,
                r#"{"params":{}}"#,
            ],
        ),
        (
            tool("fetch", Read, &[("url", "string")]),
            vec![
                r#"{"url":"http://127.0.0.1/"}"#,
                r#"{"url":"http://2130706433/"}"#,
                r#"{"url":"http://0x7f.1/"}"#,
                r#"{"url":"http://localhost/"}"#,
                r#"{"url":"HTTP://10.0.0.1/"}"#,
                r#"{"url":"http://172.20.1.1/"}"#,
                r#"{"url":"http://[::1]/"}"#,
                r#"{"url":"http://[::ffff:a00:1]/"}"#,
                r#"{"url":"https://example.com@10.0.0.1/"}"#,
                r#"{"url":"file:///etc/passwd"}"#,
                r#"{"url":"http://metadata.google.internal/"}"#,
            ],
            vec![
                r#"{"url":"https://example.com/?q=http://127.0.0.1/"}"#,
                r#"{"url":"https://10.example.com/"}"#,
                r#"{"url":"http://172.32.1.1/"}"#,
                "{}",
            ],
        ),
        (
            tool(
                "deploy",
                Execute,
                &[("branch", "string"), ("force", "boolean")],
            ),
            vec![
                "{}",
                r#"{"branch":"main"}"#,
                r#"{"branch":"refs/heads/Main"}"#,
                r#"{"branch":"release/1.2"}"#,
                r#"{"branch":" master"}"#,
                r#"{"branch":"a","force":true}"#,
                r#"{"branch":"a","force":"true"}"#,
            ],
            vec![
                r#"{"branch":"maintenance"}"#,
                r#"{"branch":"a","force":false}"#,
            ],
        ),
        (
            shell,
            vec![
                r#"{"command":"ls","sql":"DELETE FROM t"}"#,
                r#"{"command":"ls","sql":"SELECT 1; DROP TABLE t"}"#,
                r#"{"command":"ls && rm x","sql":"SELECT 1"}"#,
                r#"{"command":"echo $(id)","sql":"SELECT 1"}"#,
                r#"{"command":"ls"}"#,
            ],
            vec![r#"{"command":"ls -la","sql":"  select a\nfrom t"}"#],
        ),
        (
            tool("move_file", Write, &[("path", "object")]),
            vec![],
            vec![r#"{"path":{}}"#],
        ),
    ] {
        let [recommended, ..] = &suggestions(&tool)[..] else {
            panic!("it can be named")
        };
        keeps_its_promise(&tool, recommended);
        let engine = Engine::compile(&Policy::parse(&recommended.document).expect("valid"), None);
        let decide = |args| decide(&mut Counters::new(), &engine, &tool.name, args, 1, 0);
        for args in refused {
            assert_eq!(
                decide(args).outcome,
                Outcome::Deny,
                "{args}\n{}",
                recommended.document
            );
        }
        for args in passed {
            assert_eq!(
                decide(args).outcome,
                Outcome::Allow,
                "{args}\n{}",
                recommended.document
            );
        }
    }
    let pay = tool("pay", Financial, &[("amount", "number")]);
    let limit = super::suggestion(&pay, "limit").expect("there is one");
    assert!(
        limit.explanation.ends_with(
            "So each grant spends at most 500 in a day, where amount is the whole price."
        )
    );
    let engine = Engine::compile(&Policy::parse(&limit.document).expect("valid"), None);
    for (args, outcome) in [
        (r#"{"amount":100}"#, Outcome::Allow),
        (r#"{"amount":100.01}"#, Outcome::Deny),
        (r#"{"amount":-1}"#, Outcome::Deny),
        (r#"{"amount":"1"}"#, Outcome::Deny),
        ("{}", Outcome::Deny),
    ] {
        let decision = decide(&mut Counters::new(), &engine, "pay", args, 1, 0);
        assert_eq!(decision.outcome, outcome, "{args}");
    }
}

/// The day's bound holds when the short one has let more through.
#[test]
fn a_day_has_its_bound() {
    for class in ToolClass::ALL {
        let tool = tool("t", class, &[]);
        let limit = super::suggestion(&tool, "limit").expect("there is one");
        let engine = Engine::compile(&Policy::parse(&limit.document).expect("valid"), None);
        let pace = Pace::narrow(class);
        let (mut counters, mut passed) = (Counters::new(), 0);
        for step in 0..23 * 60 {
            let now_ms = step * 60 * SECOND_MS;
            while decide(&mut counters, &engine, "t", "{}", 1, now_ms).outcome == Outcome::Allow {
                passed += 1;
            }
        }
        assert_eq!(Some(passed), pace.a_day, "{class}");
    }
}

#[test]
fn hostile_names_get_rules_that_name_them_or_none() {
    let long = "x".repeat(129);
    for name in [
        "get\"quoted\"\\",
        "a/b~c",
        "tests",
        "version",
        "get_*",
        "**",
        "not callable",
        "",
        "gét",
        &long,
        "\u{202e}evil",
        "a\nb",
        "<script>",
        "..",
        "{{x}}",
    ] {
        for class in ToolClass::ALL {
            all_of_it(
                &server("<b>"),
                &tool(name, class, &[("a.b", "string"), ("path", "string")]),
            );
        }
    }
}

#[test]
fn a_counter_for_a_day_is_the_tools_own() {
    let long = |end: char| format!("{}{end}", "x".repeat(100));
    let pace = Pace::narrow(ToolClass::Read);
    let named = |name: &str| {
        let text = document::opened(name, &pace, &[]);
        let text: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        text["tools"][name]["limits"][0]["counter"].to_string()
    };
    assert_eq!(named("get_x"), "\"get_x_day\"");
    assert_ne!(named(&long('a')), named(&long('b')));
    assert_ne!(named("a/b"), named("ab"));
}

#[test]
fn every_shipped_tool_has_rules_that_hold() {
    for shipped in crate::shipped() {
        for tool in &shipped.tools {
            all_of_it(&shipped.server, tool);
        }
    }
    for shipped in crate::servers() {
        for known in &shipped.tools {
            let args: Vec<(&str, &str)> = known
                .arguments
                .iter()
                .map(|it| (it.path.as_str(), ""))
                .collect();
            all_of_it(
                &server(&shipped.name),
                &tool(&known.name, known.class, &args),
            );
        }
    }
}

/// Where the catalogue's data is, which the repository does not hold.
fn data() -> Option<PathBuf> {
    let named = std::env::var_os("TOLLGATE_SHARED").map(PathBuf::from);
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    [named, Some(beside)]
        .into_iter()
        .flatten()
        .map(|folder| folder.join("catalog"))
        .find(|folder| folder.is_dir())
}

fn read_tool(listed: &serde_json::Value) -> KnownTool {
    let text = |name: &str| listed.get(name).and_then(serde_json::Value::as_str);
    let name = text("name").expect("a name");
    let args = listed.get("args").and_then(serde_json::Value::as_array);
    let args: Option<Vec<(&str, &str)>> = args.map(|all| {
        let one = all.iter().map(|arg| {
            let part = |at: usize| arg[at].as_str().unwrap_or_default();
            (part(0), part(1))
        });
        one.collect()
    });
    let said = classify(&Subject {
        name,
        description: text("description"),
        args: args.iter().flatten().map(|(name, _)| *name).collect(),
        schema: None,
        annotations: listed.get("annotations"),
    });
    let mut known = tool(name, said.class, args.as_deref().unwrap_or_default());
    known.risk = said.risk;
    known.confidence = said.confidence;
    if args.is_none() {
        known.args = None;
    }
    known
}

/// All tools of the data, on as many threads as there are processors.
#[test]
fn every_tool_of_the_data_has_rules_that_hold() {
    let Some(folder) = data() else {
        eprintln!("skipped: there is no shared/catalog");
        return;
    };
    let mut lines = Vec::new();
    for file in ["servers", "platform-metorial", "platform-composio"] {
        let path = folder.join(format!("{file}.jsonl"));
        let text = std::fs::read_to_string(path).expect("it is there");
        lines.extend(text.lines().map(str::to_owned));
    }
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let counted: Vec<BTreeMap<bool, usize>> = std::thread::scope(|scope| {
        let shares = lines.chunks(lines.len().div_ceil(threads * 8));
        let running: Vec<_> = shares
            .map(|share| scope.spawn(move || of_lines(share)))
            .collect();
        running
            .into_iter()
            .map(|it| it.join().expect("no rule fails"))
            .collect()
    });
    let sum = |nameable| -> usize { counted.iter().filter_map(|it| it.get(&nameable)).sum() };
    assert!(sum(true) > 70_000, "{} tools", sum(true));
    eprintln!("{} tools can be named, {} cannot", sum(true), sum(false));
}

fn of_lines(lines: &[String]) -> BTreeMap<bool, usize> {
    let mut counted = BTreeMap::new();
    for line in lines {
        let entry: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let server = server(entry["name"].as_str().unwrap_or_default());
        for listed in entry["tools"].as_array().into_iter().flatten() {
            let tool = read_tool(listed);
            all_of_it(&server, &tool);
            *counted.entry(is_nameable(&tool.name)).or_default() += 1;
        }
    }
    counted
}

/// A rule put on a server with an inventory has no more to warn of.
#[test]
fn with_an_inventory_nothing_is_odd_either() {
    let tool = tool("get_x", ToolClass::Read, &[("path", "string")]);
    let inventory = [Tool {
        name: "get_x".to_owned(),
        title: None,
        description: None,
        definition: "{}".to_owned(),
        class: Some(ToolClass::Read),
    }];
    for rule in suggestions(&tool) {
        let report = check(&rule.document, Some(&inventory));
        assert!(report.valid && report.warnings.is_empty(), "{report:#?}");
    }
    assert_eq!(guard::guards(&tool).len(), 1);
}
