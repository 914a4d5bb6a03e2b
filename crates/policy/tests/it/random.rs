//! Random documents, grown from the whole language, and calls that meet their rules.

use domain::{Tool, ToolClass};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::common::tool;

/// Tools, two of which a lenient reader could take for one another.
pub(crate) const NAMES: [&str; 6] = ["get_a", "get_b", "run", "drop_db", "drop-db", "x"];
const GLOBS: [&str; 10] = [
    "get_a",
    "get_*",
    "*",
    "run",
    "drop_db",
    "drop-db",
    "drop*",
    "*_b",
    "g*a",
    "elsewhere",
];

/// One of these values.
fn one(values: Value) -> BoxedStrategy<Value> {
    let Value::Array(values) = values else {
        unreachable!("it is given a list")
    };
    select(values).boxed()
}

/// An object with some of these fields.
fn fields(fields: Vec<(&'static str, f64, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let start = Just(Map::new()).boxed();
    fields
        .into_iter()
        .fold(start, |object, (name, often, value)| {
            let value = match often < 1.0 {
                true => prop::option::weighted(often, value).boxed(),
                false => value.prop_map(Some).boxed(),
            };
            (object, value)
                .prop_map(move |(mut object, value)| {
                    object.extend(value.map(|value| (name.to_owned(), value)));
                    object
                })
                .boxed()
        })
        .prop_map(Value::Object)
        .boxed()
}

fn list(of: BoxedStrategy<Value>, length: std::ops::Range<usize>) -> BoxedStrategy<Value> {
    prop::collection::vec(of, length)
        .prop_map(Value::Array)
        .boxed()
}

fn condition() -> BoxedStrategy<Value> {
    let scalar = || one(json!(["a", "ab", "1", 1, 2, "1.0", true, 42]));
    let path = one(json!([
        "args.a",
        "args.a",
        "args.b",
        "args.list[*]",
        "args.list[*].k",
        "args.a.k",
        "grant.label",
        "args.missing"
    ]));
    let test = prop_oneof![
        (one(json!(["eq", "neq"])), scalar()),
        (one(json!(["in", "not_in"])), list(scalar(), 1..4)),
        (
            one(json!(["lt", "lte", "gt", "gte"])),
            one(json!([1, 1.5, 2, 42]))
        ),
        (one(json!(["exists"])), one(json!([true, false]))),
        (one(json!(["regex", "not_regex"])), one(json!(["^a$", "a"]))),
        (
            one(json!(["starts_with", "ends_with", "contains"])),
            one(json!(["a", "ab", ""]))
        ),
        (one(json!(["length_lte"])), one(json!([0, 1, 2]))),
        (
            one(json!(["cidr"])),
            one(json!([
                ["10.0.0.0/8"],
                ["10.1.0.0/16"],
                ["10.0.0.0/8", "::/0"]
            ]))
        ),
        (
            one(json!(["host_in"])),
            one(json!([
                ["a.test"],
                ["*.a.test", "a.test"],
                ["a.test", "a.test:8443"]
            ]))
        ),
    ];
    (path, test)
        // What the grant's label can never be is a fault.
        .prop_map(|(path, (op, value))| match path.as_str() {
            Some("grant.label") => json!({ "path": path, "op": "in", "value": ["a", "ci-runner"] }),
            _ => json!({ "path": path, "op": op, "value": value }),
        })
        .boxed()
}

fn check(sense: &str) -> BoxedStrategy<Value> {
    let mut all = vec![
        ("conditions", 1.0, list(condition(), 0..3)),
        ("mode", 0.2, one(json!(["enforce", "shadow"]))),
        ("on_deny", 0.2, one(json!(["No.", "Never."]))),
    ];
    if sense == "deny_if" {
        all.push(("missing", 0.3, one(json!(["pass"]))));
    }
    fields(all)
}

fn limit() -> BoxedStrategy<Value> {
    fields(vec![
        ("counter", 1.0, one(json!(["c", "d"]))),
        ("window", 1.0, one(json!(["minute", "hour", 60]))),
        ("max", 1.0, one(json!([0, 1, 2, 3]))),
        ("scope", 0.2, one(json!(["grant", "server"]))),
        ("refill", 0.2, one(json!(["sliding", "steady", "calendar"]))),
        ("per", 0.2, one(json!(["args.a", "args.b"]))),
        ("cost", 0.2, one(json!(["args.a", "args.b"]))),
        ("mode", 0.2, one(json!(["enforce", "shadow"]))),
    ])
}

fn approval() -> BoxedStrategy<Value> {
    fields(vec![
        ("when", 0.5, list(condition(), 0..3)),
        ("timeout", 0.3, one(json!(["30m", "1h"]))),
        ("approvers", 0.3, one(json!(["admin", "policy_manager"]))),
        ("four_eyes", 0.3, one(json!([true, false]))),
        ("quorum", 0.3, one(json!([1, 2]))),
        ("mode", 0.3, one(json!(["enforce", "shadow"]))),
    ])
}

fn block(all_tools: bool) -> BoxedStrategy<Value> {
    let actions = match all_tools {
        true => json!(["deny"]),
        false => json!(["allow", "deny", "require_approval"]),
    };
    fields(vec![
        ("action", 0.2, one(actions)),
        ("reason", 0.1, one(json!(["So.", "Thus."]))),
        ("require", 0.3, list(check("require"), 0..3)),
        ("deny_if", 0.3, list(check("deny_if"), 0..3)),
        ("approval", 0.15, approval()),
        ("limits", 0.25, list(limit(), 0..2)),
        (
            "rate_limit",
            0.2,
            fields(vec![
                ("max", 1.0, one(json!([0, 1, 5]))),
                ("window", 1.0, one(json!(["minute", 60, "hour"]))),
            ]),
        ),
        (
            "validate",
            0.2,
            one(json!(["schema", { "required_args": true }])),
        ),
        (
            "concurrent",
            0.15,
            fields(vec![
                ("max", 1.0, one(json!([0, 1, 2]))),
                (
                    "scope",
                    0.3,
                    one(json!(["grant", "server", "identity", "org", "session"])),
                ),
                ("mode", 0.2, one(json!(["enforce", "shadow"]))),
            ]),
        ),
        ("max_result_bytes", 0.1, one(json!([1000, 2000]))),
    ])
}

/// Documents, most of them valid.
pub(crate) fn document() -> BoxedStrategy<Value> {
    let class = |class: ToolClass| (class.as_str(), 0.4, block(false));
    let tool = |glob| (glob, 0.2, block(false));
    fields(vec![
        ("version", 1.0, one(json!(["1"]))),
        ("default", 1.0, one(json!(["allow", "deny"]))),
        ("description", 0.2, one(json!(["One.", "Two."]))),
        ("hide", 0.3, list(one(json!(GLOBS)), 0..2)),
        ("all_tools", 0.3, block(true)),
        (
            "classes",
            0.4,
            fields([ToolClass::Read, ToolClass::Execute].map(class).into()),
        ),
        ("tools", 0.9, fields(GLOBS.map(tool).into())),
    ])
}

/// A document, and one that is mostly the same.
pub(crate) fn two_documents() -> impl Strategy<Value = (Value, Value)> {
    let choices = prop::collection::vec(prop::bool::weighted(0.1), 3..40);
    (document(), document(), choices).prop_map(|(old, other, choices)| {
        let new = mix(&old, &other, &mut choices.iter().copied().cycle());
        (old, new)
    })
}

/// The first with parts of the second.
fn mix(old: &Value, other: &Value, from_other: &mut impl Iterator<Item = bool>) -> Value {
    if from_other.next() == Some(true) {
        return other.clone();
    }
    match (old, other) {
        (Value::Object(old), Value::Object(other)) => {
            let mut mixed = Map::new();
            for (key, value) in old {
                match other.get(key) {
                    Some(other) => drop(mixed.insert(key.clone(), mix(value, other, from_other))),
                    None if from_other.next() == Some(true) => {}
                    None => drop(mixed.insert(key.clone(), value.clone())),
                }
            }
            for (key, value) in other {
                if !old.contains_key(key) && from_other.next() == Some(true) {
                    mixed.insert(key.clone(), value.clone());
                }
            }
            Value::Object(mixed)
        }
        (Value::Array(old), Value::Array(other)) => {
            let mut mixed: Vec<Value> = old
                .iter()
                .enumerate()
                .filter_map(|(at, value)| match other.get(at) {
                    Some(other) => Some(mix(value, other, from_other)),
                    None => (from_other.next() != Some(true)).then(|| value.clone()),
                })
                .collect();
            let more = other.iter().skip(old.len());
            mixed.extend(more.filter(|_| from_other.next() == Some(true)).cloned());
            Value::Array(mixed)
        }
        _ => old.clone(),
    }
}

/// Some of the tools, with classes and schemas, or no inventory.
pub(crate) fn inventory() -> impl Strategy<Value = Vec<Tool>> {
    let class = prop::option::weighted(0.8, select(vec![ToolClass::Read, ToolClass::Execute]));
    let schema = select(vec![
        r#","inputSchema":{"type":"object","required":["a"]}"#,
        r#","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}}"#,
        r#","inputSchema":{"$ref":"https://a.test/schema"}"#,
        "",
    ]);
    let names = prop::sample::subsequence(NAMES.to_vec(), 1..=NAMES.len());
    (names, prop::collection::vec((class, schema), NAMES.len())).prop_map(|(names, facts)| {
        let tools = names.iter().zip(facts).map(|(name, (class, schema))| Tool {
            class,
            definition: format!("{{\"name\":{name:?}{schema}}}"),
            ..tool(name)
        });
        tools.collect()
    })
}

/// Arguments as JSON text.
pub(crate) fn arguments() -> impl Strategy<Value = String> {
    let value = one(json!([
        "a", "ab", "b", "1", 1, 2, 1.5, 0, 42, true, null, [], [1], ["a", 1], {}, { "k": 1 },
        [{ "k": 1 }, { "k": "a" }], "10.0.0.1", "10.1.2.3", "https://a.test/x",
        "https://b.a.test:8443/"
    ]));
    fields(vec![
        ("a", 0.7, value.clone()),
        ("b", 0.4, value.clone()),
        ("A", 0.05, value.clone()),
        ("list", 0.4, value),
    ])
    .prop_map(|arguments| arguments.to_string())
}
