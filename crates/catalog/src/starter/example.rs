//! Arguments that a schema probably accepts, for the tests of a starter.

use serde_json::{Map, Value, json};

/// Deeper schemas are not followed: a recursive one has no end.
const DEPTH_MAX: u8 = 8;

/// Arguments with all that the tool's `inputSchema` requires. A guess that the engine then checks:
/// patterns and references are not followed.
pub(super) fn arguments(definition: &str) -> Option<Value> {
    let definition: Value = serde_json::from_str(definition).ok()?;
    let example = of(definition.get("inputSchema")?, DEPTH_MAX)?;
    example.is_object().then_some(example)
}

fn of(schema: &Value, depth: u8) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    for given in ["const", "default"] {
        if let Some(value) = schema.get(given) {
            return Some(value.clone());
        }
    }
    for list in ["enum", "examples"] {
        if let Some(value) = schema.get(list).and_then(|list| list.get(0)) {
            return Some(value.clone());
        }
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(choice).and_then(|list| list.get(0)) {
            return of(first, depth);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(several)) => several.first()?.as_str()?,
        Some(one) => one.as_str()?,
        None => "object",
    };
    let least = |name| schema.get(name).and_then(Value::as_u64).unwrap_or(0);
    Some(match kind {
        "object" => object(schema, depth)?,
        "array" => {
            let items = usize::try_from(least("minItems"))
                .ok()
                .filter(|n| *n < 16)?;
            match items {
                0 => json!([]),
                _ => Value::Array(vec![of(schema.get("items")?, depth)?; items]),
            }
        }
        "string" => text(schema, least("minLength"))?,
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(false),
        "null" => Value::Null,
        _ => return None,
    })
}

fn object(schema: &Value, depth: u8) -> Option<Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let mut members = Map::new();
    for name in required.into_iter().flatten() {
        let name = name.as_str()?;
        let member = schema.get("properties").and_then(|all| all.get(name));
        let value = match member {
            Some(member) => of(member, depth)?,
            None => json!("example"),
        };
        members.insert(name.to_owned(), value);
    }
    Some(Value::Object(members))
}

fn text(schema: &Value, least: u64) -> Option<Value> {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("uuid") => "8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11",
        Some("uri" | "url") => "https://example.com/",
        Some("email") => "someone@example.com",
        Some("date") => "2026-01-05",
        Some("date-time") => "2026-01-05T12:00:00Z",
        _ => "example",
    };
    let least = usize::try_from(least).ok().filter(|n| *n < 256)?;
    let missing = least.saturating_sub(text.len());
    Some(Value::from(text.to_owned() + &"e".repeat(missing)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_schema_requires_is_there() {
        for (schema, expected) in [
            (json!({}), Some(json!({}))),
            (
                json!({ "type": "object", "required": ["a", "n"], "properties": {
                "a": { "type": "string", "minLength": 9 }, "n": { "minimum": 3, "type": "integer" },
                "unasked": { "type": "string" } } }),
                Some(json!({ "a": "exampleee", "n": 3 })),
            ),
            (
                json!({ "required": ["p"], "properties": { "p": { "type": "object",
                "required": ["kind", "list"], "properties": { "kind": { "enum": ["x", "y"] },
                "list": { "type": "array", "minItems": 1, "items": { "type": "boolean" } } } } } }),
                Some(json!({ "p": { "kind": "x", "list": [false] } })),
            ),
            (
                json!({ "required": ["u"], "properties": { "u": { "type": "string", "format": "uuid" } } }),
                Some(json!({ "u": "8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11" })),
            ),
            (json!({ "type": "array" }), None),
            (
                json!({ "required": ["x"], "properties": { "x": { "type": "colour" } } }),
                None,
            ),
        ] {
            let definition = json!({ "name": "t", "inputSchema": schema }).to_string();
            assert_eq!(arguments(&definition), expected, "{schema}");
        }
        assert_eq!(arguments("{}"), None);
        assert_eq!(arguments("no JSON"), None);
    }

    #[test]
    fn a_schema_without_end_has_no_example() {
        let mut schema = json!({ "type": "string" });
        for _ in 0..20 {
            schema = json!({ "type": "object", "required": ["x"], "properties": { "x": schema } });
        }
        let definition = json!({ "name": "t", "inputSchema": schema }).to_string();
        assert_eq!(arguments(&definition), None);
    }
}
