//! The JSON Schema (2020-12) of the language, for editors: served at `/schemas/policy-1.json` and
//! kept in `docs/policy-1.schema.json`.

use serde_json::{Map, Value, json};

use crate::language::{
    BLOCK, COUNTER_CHARS_MAX, DOCUMENT, LENGTH_MAX, OBJECTS, OPERATORS, Object, Operand,
    PATTERN_CHARS_MAX, REQUIRED_ARGS, TEXT_CHARS_MAX, TOOLS_MAX, Takes, VALUES_MAX,
    WINDOW_SECONDS_MAX, WINDOWS,
};

/// The schema as JSON text. It accepts every document that [`crate::Policy::parse`] does, and
/// refuses what that refuses but for what a schema cannot say: duplicate keys, sizes of the whole,
/// numbers written with a point, patterns and paths that are not well formed, what hangs on two
/// places at once.
#[must_use]
pub fn json_schema() -> String {
    let mut schema = object(&DOCUMENT);
    let definitions = OBJECTS
        .iter()
        .filter(|object| object.name != DOCUMENT.name)
        .map(|object| (key(object), Value::Object(self::object(object))));
    schema.insert(
        "$schema".into(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    schema.insert("$id".into(), "urn:tollgate:policy-1".into());
    schema.insert("title".into(), "Tollgate policy, version 1".into());
    schema.insert("$defs".into(), Value::Object(definitions.collect()));
    let mut text = format!("{:#}", Value::Object(schema));
    text.push('\n');
    text
}

/// The object's name among the definitions.
fn key(object: &Object) -> String {
    object.name.replace(' ', "_")
}

fn object(object: &Object) -> Map<String, Value> {
    let properties: Map<String, Value> = object
        .fields
        .iter()
        .map(|field| {
            let mut schema = takes(field.takes);
            schema.insert("description".into(), field.doc.into());
            (field.name.to_owned(), Value::Object(schema))
        })
        .collect();
    let required = object.fields.iter().filter(|field| field.required);
    let required: Vec<&str> = required.map(|field| field.name).collect();
    let mut schema = map(json!({
        "title": object.name,
        "description": object.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    }));
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    if properties_hang_on_operator(object) {
        schema.insert("allOf".into(), operands().into());
    }
    if object.name == BLOCK.name {
        // `require_approval` is short for `approval`, so there is no place for both.
        let both = json!({
            "properties": { "action": { "const": "require_approval" } },
            "required": ["action", "approval"],
        });
        schema.insert("not".into(), both);
    }
    schema
}

fn properties_hang_on_operator(object: &Object) -> bool {
    object
        .fields
        .iter()
        .any(|field| matches!(field.takes, Takes::Operator))
}

/// What `value` is for each kind of operator.
fn operands() -> Vec<Value> {
    let mut kinds: Vec<Operand> = Vec::new();
    for operator in &OPERATORS {
        if operator.operand != Operand::Any && !kinds.contains(&operator.operand) {
            kinds.push(operator.operand);
        }
    }
    kinds
        .into_iter()
        .map(|kind| {
            let names: Vec<&str> = OPERATORS
                .iter()
                .filter(|operator| operator.operand == kind)
                .map(|operator| operator.name)
                .collect();
            json!({
                "if": { "properties": { "op": { "enum": names } }, "required": ["op"] },
                "then": { "properties": { "value": operand(kind) } },
            })
        })
        .collect()
}

fn operand(kind: Operand) -> Value {
    let list = |items: Value| json!({ "type": "array", "minItems": 1, "maxItems": VALUES_MAX, "items": items });
    match kind {
        Operand::Any => json!({}),
        Operand::Values => list(json!({})),
        Operand::Number => json!({ "type": "number" }),
        Operand::Bool => json!({ "type": "boolean" }),
        Operand::Pattern => json!({ "type": "string", "maxLength": PATTERN_CHARS_MAX }),
        Operand::String => json!({ "type": "string" }),
        Operand::Length => whole(0, LENGTH_MAX),
        Operand::Ranges | Operand::Hosts => list(json!({ "type": "string" })),
    }
}

/// The schema of what stands at a place.
fn takes(takes: Takes) -> Map<String, Value> {
    map(match takes {
        Takes::Version => json!({ "const": "1" }),
        Takes::Text => json!({ "type": "string", "maxLength": TEXT_CHARS_MAX }),
        Takes::Told => {
            json!({ "type": "string", "maxLength": TEXT_CHARS_MAX, "pattern": "\\S" })
        }
        Takes::String => json!({ "type": "string" }),
        Takes::Bool => json!({ "type": "boolean" }),
        Takes::True => json!({ "const": true }),
        Takes::Whole { min, max } => whole(min, max),
        Takes::Word(words) => json!({ "enum": words() }),
        Takes::Window => {
            let names = WINDOWS.map(|(name, _)| name);
            json!({ "anyOf": [{ "enum": names }, whole(1, WINDOW_SECONDS_MAX)] })
        }
        Takes::Duration => json!({ "type": "string", "pattern": "^[1-9][0-9]{0,6}[smhd]$" }),
        Takes::Counter => {
            let pattern = format!("^[A-Za-z0-9_.:-]{{1,{COUNTER_CHARS_MAX}}}$");
            json!({ "type": "string", "pattern": pattern })
        }
        Takes::Path => json!({ "type": "string", "pattern": PATH, "examples": PATHS }),
        Takes::Argument => {
            json!({ "type": "string", "pattern": "^args[.\\[]", "examples": ["args.account"] })
        }
        Takes::Operator => {
            let names: Vec<&str> = OPERATORS.iter().map(|operator| operator.name).collect();
            // Not of the standard; editors show one beside each name.
            let docs: Vec<&str> = OPERATORS.iter().map(|operator| operator.doc).collect();
            json!({ "enum": names, "enumDescriptions": docs })
        }
        Takes::Operand => json!({}),
        Takes::ToolName => json!({ "type": "string", "pattern": TOOL_NAME }),
        Takes::Glob => glob(),
        Takes::Instant => {
            json!({ "type": "string", "format": "date-time", "pattern": "^[0-9]{4}-" })
        }
        Takes::Pointer => json!({ "type": "string", "pattern": "^/" }),
        Takes::Arguments => json!({ "type": "object" }),
        Takes::Labels => {
            json!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
        Takes::Validate => json!({ "anyOf": [{ "const": "schema" }, reference(&REQUIRED_ARGS)] }),
        Takes::Object(object) => reference(object),
        Takes::AllTools => json!({
            "allOf": [
                reference(&BLOCK),
                { "properties": { "action": { "not": { "const": "allow" } } } },
            ],
        }),
        Takes::Tools => json!({
            "type": "object",
            "propertyNames": glob(),
            "maxProperties": TOOLS_MAX,
            "additionalProperties": reference(&BLOCK),
        }),
        Takes::List { of, max } => {
            json!({ "type": "array", "maxItems": max, "items": self::takes(*of) })
        }
    })
}

/// Printable ASCII, as [`domain::ToolName`] has it.
const TOOL_NAME: &str = "^[!-~]{1,128}$";
const PATH: &str = "^(args|(grant|tool|time)[.\\[])";
const PATHS: [&str; 9] = [
    "args.name",
    "args.items[*].name",
    "grant.label",
    "grant.identity",
    "tool.name",
    "tool.class",
    "tool.annotations.readOnlyHint",
    "time.utc.hour",
    "time.utc.weekday",
];

fn glob() -> Value {
    json!({ "type": "string", "pattern": TOOL_NAME, "not": { "pattern": "\\*\\*" } })
}

fn whole(min: u64, max: u64) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": max })
}

fn reference(object: &Object) -> Value {
    json!({ "$ref": format!("#/$defs/{}", key(object)) })
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => unreachable!("every schema above is an object"),
    }
}
