//! Configurations as people have them, and as attackers would.

use std::{collections::BTreeMap, time::Instant};

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

/// The same shapes are stripped in the browser (`tests/browser/scan.test.mjs`).
const SHAPES: &str = include_str!("../../../../tests/browser/scan-shapes.json");

#[derive(Deserialize)]
struct Shape {
    name: String,
    text: String,
    secrets: Vec<String>,
    servers: Option<BTreeMap<String, Value>>,
}

fn shapes() -> Vec<Shape> {
    serde_json::from_str(SHAPES).expect("the shapes are JSON")
}

fn servers(stripped: &str) -> BTreeMap<String, Value> {
    let mut whole: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_str(stripped).expect("strict JSON");
    whole.remove("mcpServers").expect("the servers")
}

fn debug(stack: &Stack) -> String {
    let known = vec![None; stack.mentions.len()];
    let report = report::report(stack, &known, "");
    let json = serde_json::to_string(&report).expect("JSON");
    format!("{stack:?}{json}{}", stack.text())
}

#[test]
fn every_shape_is_read_and_nothing_secret_survives() {
    for shape in shapes() {
        let stack = read(&shape.text).unwrap_or_else(|fault| panic!("{}: {fault}", shape.name));
        let all = debug(&stack);
        for secret in &shape.secrets {
            assert!(shape.text.contains(secret), "{}: {secret}", shape.name);
            assert!(!all.contains(secret), "{}: {secret} in {all}", shape.name);
        }
        if let Some(expected) = shape.servers {
            assert_eq!(servers(&stack.text()), expected, "{}", shape.name);
        }
        let again = strip(&stack.text()).expect("what is written is read");
        assert_eq!(again, stack.text(), "{}: stripping again", shape.name);
    }
}

#[test]
fn a_fault_says_where_and_quotes_nothing() {
    for (text, line, column) in [
        ("{\n  \"mcpServers\": {\n    hunter2\n  }\n}", 3, 5),
        ("{\"mcpServers\": {\"a\": {\"command\": \"hunter2", 1, 42),
        ("[mcp_servers.a]\nenv = { A = \"hunter2 }\n", 2, 0),
        ("", 1, 1),
        ("hunter2 is my password", 1, 0),
        ("{\"a\": \"hunter2\"}", 1, 1),
        ("\"a\": {\"command\": \"x\" \"hunter2\"}", 1, 22),
    ] {
        let fault = read(text).expect_err("no configuration");
        assert_eq!(fault.line, line, "{text}: {fault}");
        assert!(column == 0 || fault.column == column, "{text}: {fault}");
        assert!(!fault.to_string().contains("hunter2"), "{fault}");
    }
}

#[test]
fn what_is_too_much_is_refused_or_cut_quickly() {
    let commas = format!("[{}]", ",".repeat(BYTES_MAX - 2));
    let deep = format!("{}{}", "{\"mcp\":".repeat(10_000), "}".repeat(10_000));
    let lists = "[".repeat(BYTES_MAX);
    let toml_deep = format!("a = {}", "[".repeat(BYTES_MAX / 2));
    let toml_inline = format!("a = {}", "{a=".repeat(50_000));
    let comments = "/*".repeat(BYTES_MAX / 2);
    let slashes = "/".repeat(BYTES_MAX);
    let long = format!("{{\"command\": \"{}\"}}", "a ".repeat(100_000));
    let wrapped = format!("{{\"command\": \"{}\"}}", "sh -c ".repeat(30_000));
    let dense = format!("{{\"url\": \"https://a/{}\"}}", "a1/".repeat(80_000));
    let colons = format!("{{\"url\": \"https://a/{}\"}}", "-=:".repeat(80_000));
    let start = Instant::now();
    for text in [
        commas,
        deep,
        lists,
        toml_deep,
        toml_inline,
        comments,
        slashes,
        long,
        wrapped,
        dense,
        colons,
    ] {
        let _ = read(&text);
    }
    let fault = read(&" ".repeat(BYTES_MAX + 1)).expect_err("too long");
    assert!(fault.detail.contains("256 KiB"));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());

    let entries: serde_json::Map<String, Value> = (0..2_000)
        .map(|n| {
            (
                format!("s{n}"),
                json!({"command": "npx", "args": [format!("p{n}")]}),
            )
        })
        .collect();
    let many = read(&json!({"mcpServers": entries}).to_string()).expect("servers");
    assert_eq!(many.mentions.len(), MENTIONS_MAX);
    assert_eq!(many.left_out, 2_000 - MENTIONS_MAX);
}

#[test]
fn one_name_in_several_projects_stays_apart() {
    let project =
        |package: &str| json!({"mcpServers": {"x": {"command": "npx", "args": [package]}}});
    let text = json!({"projects": {"/a": project("a"), "/b": project("b"), "/c": project("a")}});
    let stack = read(&text.to_string()).expect("servers");
    let names: Vec<_> = stack.mentions.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["x", "x (2)"]);
    assert_eq!(strip(&stack.text()).expect("again"), stack.text());
}

#[test]
fn a_repository_an_address_and_a_package_are_looked_up_as_the_catalogue_may_have_them() {
    let stack = read("pypi:mcp-server-time\nhttps://a.example.com/mcp/").expect("two");
    let names: Vec<_> = stack.mentions.iter().flat_map(Mention::names).collect();
    assert!(names.contains(&"https://a.example.com/mcp".to_owned()));
    assert!(names.contains(&"https://a.example.com/mcp/".to_owned()));
    assert!(names.contains(&"pypi:mcp_server_time".to_owned()));
}

#[test]
fn words_are_not_taken_for_keys_and_keys_are() {
    for word in [
        "mcp-server-circleci",
        "server-sequential-thinking",
        "modelcontextprotocol",
        "streamable-http",
        "secret-scanner-mcp",
        "key-value-store",
        "sk-learn-mcp-server",
        "npm_package_search",
        "2025-11-25",
        "get_latest_pipeline_status",
        "awslabs.aws-documentation-mcp-server",
        "firecrawl-mcp-server-2",
    ] {
        assert!(!secret::looks_secret(word), "{word}");
    }
    for key in [
        "sk-1234567890abcdef",
        "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "xoxb-1234567890",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9",
        "Bearer eyJhbGciOiJIUzI1NiJ9",
        "0123456789abcdef0123456789abcdef",
        "9f8e7d6c-1234-4abc-8def-001122334455",
        "token=Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
        "12345678901234567890",
    ] {
        assert!(secret::looks_secret(key), "{key}");
    }
}

/// A value that no name, package or path could be by chance.
fn value() -> impl Strategy<Value = String> {
    "[A-Za-z0-9+/=_.:@ -]{0,24}".prop_map(|text| format!("Zz9{text}9zZ"))
}

fn tree(value: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "mcpServers",
        "servers",
        "mcp",
        "projects",
        "context_servers",
        "env",
        "headers",
        "args",
        "a",
        "b",
        "inputs",
        "default",
        "metadata",
        "environment",
        "cwd",
        "type",
    ]);
    value.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|pairs| {
                let pairs = pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(pairs.collect())
            }),
        ]
    })
}

/// Every text of a tree that stands under a key that holds secrets.
fn secrets(value: &Value, inside: bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) if inside => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| secrets(one, inside, found)),
        Value::Object(map) => {
            for (key, value) in map {
                let holds = [
                    "env",
                    "headers",
                    "inputs",
                    "default",
                    "metadata",
                    "environment",
                    "cwd",
                ];
                secrets(value, inside || holds.contains(&key.as_str()), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_value_beside_a_server_survives(
        env in prop::collection::vec(("[A-Z_]{1,12}", value()), 0..5),
        headers in prop::collection::vec(("[A-Za-z-]{1,12}", value()), 0..5),
        rest in prop::collection::vec(value(), 0..6),
        query in value(),
    ) {
        let map = |pairs: &[(String, String)]| -> Value {
            let pairs = pairs.iter().map(|(k, v)| (k.clone(), Value::from(v.clone())));
            Value::Object(pairs.collect())
        };
        let mut args = vec!["-y".to_owned(), "some-package".to_owned()];
        args.extend(rest.iter().cloned());
        let query = query.replace(['@', '/'], "");
        let text = json!({"mcpServers": {
            "local": {"command": "npx", "args": args, "env": map(&env)},
            "remote": {"url": format!("https://u:{query}@h.example.com/mcp?k={query}#{query}"),
                "headers": map(&headers)},
        }}).to_string();
        let stack = read(&text).expect("servers");
        let all = debug(&stack);
        let values = env.iter().chain(&headers).map(|(_, value)| value).chain(&rest).chain([&query]);
        for value in values {
            prop_assert!(!all.contains(value.as_str()), "{value} in {all}");
        }
        prop_assert_eq!(strip(&stack.text()).expect("again"), stack.text());
    }

    #[test]
    fn no_tree_gives_away_its_secrets(tree in tree(value().prop_map(Value::from).boxed())) {
        let mut found = Vec::new();
        secrets(&tree, false, &mut found);
        if let Ok(stack) = read(&tree.to_string()) {
            let all = debug(&stack);
            for secret in found {
                prop_assert!(!all.contains(&secret), "{secret} in {all}");
            }
            prop_assert_eq!(strip(&stack.text()).expect("again"), stack.text());
        }
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(text in "[\\x00-\\x7fé{}\\[\\]\",:/*\\\\ \n]{0,200}") {
        if let Ok(stack) = read(&text) {
            prop_assert_eq!(strip(&stack.text()).expect("again"), stack.text());
        }
    }
}

/// What the report says a stack of these shipped servers is open to.
fn open_to(slugs: &[&str]) -> Vec<String> {
    let known = slugs.iter().map(|slug| {
        let all = crate::shipped();
        let one = all.iter().find(|it| it.server.slug == *slug);
        let one = one.unwrap_or_else(|| panic!("{slug} is not shipped"));
        Some(report::Known {
            server: one.server.clone(),
            tools: Some(one.tools.clone().into()),
        })
    });
    let known: Vec<_> = known.collect();
    let stack = Stack {
        mentions: slugs.iter().map(|_| Mention::default()).collect(),
        left_out: 0,
    };
    let report = report::report(&stack, &known, "https://tollgate.example");
    report.attacks.into_iter().map(|it| it.id).collect()
}

/// CircleCI's tools take addresses and paths, and are no tools of Azure's and no file server.
#[test]
fn a_flaw_of_one_product_is_not_said_of_another() {
    let circleci = open_to(&["circleci"]);
    assert!(circleci.contains(&"retry-storm".to_owned()), "{circleci:?}");
    for other in ["azure-mcp-ssrf", "filesystem-escape"] {
        assert!(!circleci.contains(&other.to_owned()), "{circleci:?}");
    }
    let both = open_to(&["circleci", "filesystem"]);
    assert!(both.contains(&"filesystem-escape".to_owned()), "{both:?}");
}
