//! The JSON Schema and the parser agree.

use std::collections::BTreeSet;

use policy::{check, json_schema};
use serde_json::{Value, json};

use crate::table;

/// The kept file is what the tables of the language give.
#[test]
fn the_kept_schema_is_the_generated_one() {
    let kept: Value = serde_json::from_str(include_str!("../../../../docs/policy-1.schema.json"))
        .expect("the file is JSON");
    let generated: Value = serde_json::from_str(&json_schema()).expect("the schema is JSON");
    assert!(
        kept == generated,
        "`make schema` writes docs/policy-1.schema.json anew"
    );
}

/// Editors show what each thing is, and underline what is unknown.
#[test]
fn everything_is_described_and_nothing_else_allowed() {
    let schema: Value = serde_json::from_str(&json_schema()).expect("the schema is JSON");
    let definitions = schema["$defs"].as_object().expect("there are definitions");
    let mut objects = vec![&schema];
    objects.extend(definitions.values());
    assert!(objects.len() > 10);
    for object in objects {
        assert!(object["title"].is_string() && object["description"].is_string());
        assert_eq!(object["additionalProperties"], false, "{object}");
        let properties = object["properties"].as_object().expect("it has properties");
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{name}");
        }
    }
}

/// What a schema cannot say, so that it lets through what the parser does not. All else is found by
/// both, and what the parser takes the schema takes.
const BEYOND_A_SCHEMA: [(&str, &str); 13] = [
    ("test_failed", "the calls must be decided"),
    ("bad_json", "the text is no JSON at all"),
    ("duplicate_key", "a JSON value has each key once"),
    ("too_deep", "schemas do not count levels"),
    (
        "bad_path",
        "the grammar of paths is more than a pattern should be",
    ),
    ("bad_regex", "no pattern tells good patterns from bad ones"),
    ("regex_too_large", "it hangs on the compiled size"),
    ("bad_cidr", "it hangs on the bits of the address"),
    ("bad_host", "so do addresses, and ports have bounds"),
    ("counter_twice", "it compares two places"),
    ("counter_disagrees", "it compares two places"),
    (
        "out_of_range",
        "1.0 is an integer to a schema; 400 digits and 31 days are beyond a pattern",
    ),
    (
        "bad_value",
        "what a path can never have, and calendar dates",
    ),
];

#[test]
fn schema_and_parser_agree() {
    let schema = serde_json::from_str(&json_schema()).expect("the schema is JSON");
    let schema = jsonschema::draft202012::new(&schema).expect("it is a schema");
    let mut documents: Vec<String> = table::rows().into_iter().map(|row| row.document).collect();
    let everything: Value = serde_json::from_str(EVERYTHING).expect("it is JSON");
    mutations(&everything, &mut |document| {
        documents.push(document.to_string());
    });
    let (mut good, mut bad) = (0, 0);
    let mut beyond = BTreeSet::new();
    for text in &documents {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        let report = check(text, None);
        let codes: BTreeSet<&str> = report.faults.iter().map(|fault| fault.code).collect();
        match (report.valid, schema.is_valid(&value)) {
            (true, true) => good += 1,
            (false, false) => bad += 1,
            (true, false) => {
                let error = schema.validate(&value).expect_err("it is not valid");
                panic!(
                    "the schema refuses {text}: {} {error}",
                    error.instance_path()
                );
            }
            (false, true) => {
                let unsaid = |code: &&str| !BEYOND_A_SCHEMA.iter().any(|(known, _)| known == code);
                assert!(
                    !codes.iter().any(unsaid),
                    "the schema takes {text}: {codes:?}"
                );
                beyond.extend(codes);
            }
        }
    }
    assert!(
        good > 100 && bad > 500,
        "{good} good and {bad} bad documents"
    );
    assert!(beyond.len() > 6, "{beyond:?}");
}

/// Every field of the language, once.
const EVERYTHING: &str = r#"{
    "version": "1", "default": "deny", "description": "d", "hide": ["x_*", "y"],
    "all_tools": { "action": "deny", "reason": "r" },
    "classes": { "read": {}, "write": {}, "execute": {}, "destructive": {}, "financial": {} },
    "tools": {
        "t": {
            "action": "allow",
            "require": [{ "conditions": [
                { "path": "args.a", "op": "regex", "value": "^a$" },
                { "path": "args.n", "op": "lte", "value": 5 },
                { "path": "args.u", "op": "host_in", "value": ["example.com"] }],
                "on_deny": "o", "mode": "enforce" }],
            "deny_if": [{ "conditions": [
                { "path": "args.a", "op": "eq", "value": 1 },
                { "path": "args.b", "op": "in", "value": ["a"] },
                { "path": "args.c", "op": "exists", "value": true },
                { "path": "args.d", "op": "starts_with", "value": "a" },
                { "path": "args.e", "op": "length_lte", "value": 5 },
                { "path": "args.f", "op": "cidr", "value": ["10.0.0.0/8"] }],
                "on_deny": "o", "mode": "shadow", "missing": "pass" }],
            "approval": {
                "when": [{ "path": "args.a", "op": "gt", "value": 1 }], "timeout": "30m",
                "reason": "r", "approvers": "admin", "four_eyes": true, "quorum": 2,
                "mode": "enforce" },
            "limits": [{
                "counter": "c", "window": "hour", "max": 5, "scope": "grant", "per": "args.a",
                "cost": "args.b", "refill": "steady", "on_deny": "o", "mode": "shadow" }],
            "rate_limit": { "max": 5, "window": 60 },
            "validate": { "required_args": true },
            "concurrent": { "max": 3, "scope": "org", "mode": "enforce" },
            "max_result_bytes": 1000
        },
        "u_*": { "validate": "schema" }
    },
    "tests": [{
        "name": "n", "tool": "zzz", "args": { "a": 1 },
        "grant": { "label": "l", "labels": { "k": "v" }, "identity": "i" },
        "at": "2026-01-05T09:00:00Z", "repeat": 1, "class": "read", "expect": "deny",
        "rule": "/all_tools/action" }]
}"#;

/// The document itself, and every one that differs from it at one place.
fn mutations(document: &Value, each: &mut dyn FnMut(&Value)) {
    each(document);
    let mut pointers = Vec::new();
    walk(document, String::new(), &mut pointers);
    for pointer in pointers {
        let mut edit = |change: &mut dyn FnMut(&mut Value)| {
            let mut copy = document.clone();
            change(copy.pointer_mut(&pointer).expect("it was walked"));
            each(&copy);
        };
        for other in others() {
            edit(&mut |value| *value = other.clone());
        }
        edit(&mut |value| match value {
            Value::Object(members) => drop(members.insert("misspelt".into(), json!({}))),
            Value::Array(list) => list.clear(),
            Value::String(text) => text.push('s'),
            other => *other = json!([other.clone()]),
        });
        let present = document.pointer(&pointer).expect("it was walked");
        for name in present
            .as_object()
            .into_iter()
            .flat_map(|members| members.keys())
        {
            edit(&mut |value| drop(value.as_object_mut().map(|members| members.remove(name))));
        }
        if let Some([first, ..]) = present.as_array().map(Vec::as_slice) {
            for count in [33, 65, 501] {
                edit(&mut |value| *value = vec![first.clone(); count].into());
            }
        }
    }
}

fn walk(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(key, value)| walk(value, format!("{pointer}/{key}"), pointers)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, value)| walk(value, format!("{pointer}/{index}"), pointers)),
        _ => {}
    }
    pointers.push(pointer);
}

/// A value of each type, the largest and the smallest numbers, and words that other fields take.
fn others() -> [Value; 16] {
    let long = "x".repeat(1001);
    [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(3_000_000),
        json!(10_000_000_000_000_u64),
        json!(""),
        json!("a b"),
        json!("deny"),
        json!("minute"),
        json!("args.x"),
        json!(long),
        json!([]),
        json!({}),
    ]
}
