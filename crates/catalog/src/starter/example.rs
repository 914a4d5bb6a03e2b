//! Arguments that a schema probably accepts, for the tests of a starter.

use serde_json::{Map, Value, json};

/// Deeper schemas are not followed: a recursive one has no end.
const DEPTH_MAX: u8 = 8;

/// How many values an example has at most, and how many bytes of them the schema may give: lists of
/// lists multiply what a schema says once.
const VALUES_MAX: usize = 500;
const BYTES_MAX: usize = 16 << 10;

/// Arguments with all that the tool's `inputSchema` requires. A guess that the engine then checks:
/// patterns and references are not followed. None where it would be large.
pub(super) fn arguments(definition: &str) -> Option<Value> {
    let definition: Value = serde_json::from_str(definition).ok()?;
    let mut example = Example {
        values_left: VALUES_MAX,
        bytes_left: BYTES_MAX,
    };
    let arguments = example.of(definition.get("inputSchema")?, DEPTH_MAX)?;
    arguments.is_object().then_some(arguments)
}

/// One example, and how much larger it may get.
struct Example {
    values_left: usize,
    bytes_left: usize,
}

impl Example {
    fn of(&mut self, schema: &Value, depth: u8) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        self.values_left = self.values_left.checked_sub(1)?;
        for given in ["const", "default"] {
            if let Some(value) = schema.get(given) {
                return self.given(value);
            }
        }
        for list in ["enum", "examples"] {
            if let Some(value) = schema.get(list).and_then(|list| list.get(0)) {
                return self.given(value);
            }
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            if let Some(first) = schema.get(choice).and_then(|list| list.get(0)) {
                return self.of(first, depth);
            }
        }
        let kind = match schema.get("type") {
            Some(Value::Array(several)) => several.first()?.as_str()?,
            Some(one) => one.as_str()?,
            None => "object",
        };
        let least = |name| schema.get(name).and_then(Value::as_u64).unwrap_or(0);
        Some(match kind {
            "object" => self.object(schema, depth)?,
            "array" => self.array(schema, least("minItems"), depth)?,
            "string" => self.given(&text(schema, least("minLength"))?)?,
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "boolean" => json!(false),
            "null" => Value::Null,
            _ => return None,
        })
    }

    /// A value of the schema's own.
    fn given(&mut self, value: &Value) -> Option<Value> {
        let bytes = value.to_string().len();
        self.bytes_left = self.bytes_left.checked_sub(bytes)?;
        Some(value.clone())
    }

    fn array(&mut self, schema: &Value, least: u64, depth: u8) -> Option<Value> {
        let length = usize::try_from(least).ok().filter(|n| *n < 16)?;
        let mut elements = Vec::new();
        for _ in 0..length {
            elements.push(self.of(schema.get("items")?, depth)?);
        }
        Some(Value::Array(elements))
    }

    fn object(&mut self, schema: &Value, depth: u8) -> Option<Value> {
        let required = schema.get("required").and_then(Value::as_array);
        let mut members = Map::new();
        for name in required.into_iter().flatten() {
            let name = name.as_str()?;
            self.bytes_left = self.bytes_left.checked_sub(name.len())?;
            let member = schema.get("properties").and_then(|all| all.get(name));
            let value = match member {
                Some(member) => self.of(member, depth)?,
                None => self.given(&json!("example"))?,
            };
            members.insert(name.to_owned(), value);
        }
        Some(Value::Object(members))
    }
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

    /// A list of lists of lists has millions of elements, and each may be a text of the schema's.
    #[test]
    fn a_schema_that_multiplies_has_no_example() {
        for element in [
            json!({ "const": "x".repeat(1024) }),
            json!({ "type": "null" }),
        ] {
            let mut schema = element;
            for _ in 0..6 {
                schema = json!({ "type": "array", "minItems": 15, "items": schema });
            }
            let schema = json!({ "required": ["a"], "properties": { "a": schema } });
            let definition = json!({ "name": "t", "inputSchema": schema }).to_string();
            assert_eq!(arguments(&definition), None);
        }
    }
}
