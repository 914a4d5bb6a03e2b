//! What a tool's `inputSchema` says can stand in its arguments: offered where a path is asked for,
//! and in the form that tries a call.
//!
//! The schema is upstream's own text, so everything is bounded: how deep, how many, how long.

use std::fmt::Write as _;

use json::{Bounds, Document, Kind, Value};

/// A definition is read within these bounds or not at all.
const BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 128,
};
/// So many fields are offered at most.
const FIELDS_MAX: usize = 200;
/// A field is looked for so many steps deep.
const STEPS_MAX: usize = 6;
/// References and alternatives are followed so many times on the way to one field.
const TURNS_MAX: usize = 8;
/// So many values of an `enum` are offered.
const VALUES_MAX: usize = 50;
/// Longer descriptions are cut.
const DESCRIPTION_CHARS_MAX: usize = 200;
/// Schemas that are looked at for one tool: references let a short text describe endlessly much.
const VISITS_MAX: usize = 2_000;

/// One place in a tool's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentField {
    /// The path as a condition takes it: `args.params.branch`, `args.items[*].price`.
    pub path: String,
    /// The same, step by step, without `args`.
    pub steps: Vec<ArgumentStep>,
    /// The JSON types that the schema allows, joined by `or`; empty where it does not say.
    pub kind: String,
    /// What the upstream says of it, cut to 200 characters. Untrusted text.
    pub description: Option<String>,
    /// The values of `enum` or `const` as JSON texts, at most 50.
    pub values: Vec<String>,
    /// Whether the object that holds it requires it.
    pub required: bool,
    /// Whether fields within it are listed after it.
    pub has_fields: bool,
}

/// One step of a path into arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentStep {
    /// A member of an object.
    Key(String),
    /// Each element of a list.
    Each,
}

/// The places in a tool's arguments that its `inputSchema` names, outer before inner and in the
/// schema's order; at most 200, at most 6 steps deep. References within the schema are followed,
/// others are not. A definition that cannot be read has none.
#[must_use]
pub fn argument_paths(definition: &str) -> Vec<ArgumentField> {
    let Ok((document, _)) = Document::parse_noting_duplicates(definition.as_bytes(), BOUNDS) else {
        return Vec::new();
    };
    let Some(schema) = document.root().get("inputSchema") else {
        return Vec::new();
    };
    let mut walk = Walk {
        root: schema,
        found: Vec::new(),
        visits: VISITS_MAX,
    };
    walk.members(schema, &[], TURNS_MAX);
    walk.found
}

struct Walk<'d> {
    root: Value<'d>,
    found: Vec<ArgumentField>,
    visits: usize,
}

impl<'d> Walk<'d> {
    /// The fields of an object that this schema describes, directly or by the schemas it is made of.
    fn members(&mut self, schema: Value<'d>, steps: &[ArgumentStep], turns: usize) {
        if steps.len() >= STEPS_MAX {
            return;
        }
        let Some(left) = self.visits.checked_sub(1) else {
            return;
        };
        self.visits = left;
        let required = schema.get("required");
        for (name, field) in schema.get("properties").into_iter().flat_map(members) {
            let needed = required.is_some_and(|list| list.elements().any(|it| it.is(&name)));
            self.field(field, steps, ArgumentStep::Key(name), needed);
        }
        if let Some(items) = schema.get("items").filter(|it| it.kind() == Kind::Object)
            && !steps.is_empty()
        {
            self.field(items, steps, ArgumentStep::Each, false);
        }
        let Some(turns) = turns.checked_sub(1) else {
            return;
        };
        for part in self.parts(schema) {
            self.members(part, steps, turns);
        }
    }

    fn field(
        &mut self,
        schema: Value<'d>,
        outer: &[ArgumentStep],
        step: ArgumentStep,
        required: bool,
    ) {
        let mut steps = outer.to_vec();
        steps.push(step);
        let path = path(&steps);
        // Alternatives often describe one field twice.
        if self.found.len() >= FIELDS_MAX || self.found.iter().any(|it| it.path == path) {
            return;
        }
        let mut facts = Facts::default();
        self.facts(schema, TURNS_MAX, &mut facts);
        let at = self.found.len();
        self.found.push(ArgumentField {
            path,
            steps: steps.clone(),
            kind: facts.kinds.join(" or "),
            description: facts.description,
            values: facts.values,
            required,
            has_fields: false,
        });
        self.members(schema, &steps, TURNS_MAX);
        self.found[at].has_fields = self.found.len() > at + 1;
    }

    /// What the schema says of the value itself.
    fn facts(&mut self, schema: Value<'d>, turns: usize, facts: &mut Facts) {
        let Some(left) = self.visits.checked_sub(1) else {
            return;
        };
        self.visits = left;
        if let Some(kind) = schema.get("type") {
            let one = kind.as_str().into_iter();
            let many = kind.elements().filter_map(Value::as_str);
            for kind in one.chain(many).take(7) {
                if !facts.kinds.iter().any(|known| *known == kind) {
                    facts.kinds.push(kind.into_owned());
                }
            }
        }
        if facts.description.is_none() {
            let text = schema.get("description").and_then(Value::as_str);
            facts.description = text.map(|text| text.chars().take(DESCRIPTION_CHARS_MAX).collect());
        }
        let values = schema.get("enum").into_iter().flat_map(Value::elements);
        for value in values.chain(schema.get("const")) {
            if facts.values.len() < VALUES_MAX {
                facts.values.push(value.raw().to_owned());
            }
        }
        let Some(turns) = turns.checked_sub(1) else {
            return;
        };
        for part in self.parts(schema) {
            self.facts(part, turns, facts);
        }
    }

    /// The schemas that a schema is made of: what it refers to, and its alternatives.
    fn parts(&self, schema: Value<'d>) -> Vec<Value<'d>> {
        let referred = schema.get("$ref").and_then(Value::as_str);
        let referred = referred.and_then(|text| self.within(&text));
        let alternatives = ["allOf", "anyOf", "oneOf"]
            .into_iter()
            .filter_map(|key| schema.get(key))
            .flat_map(Value::elements);
        referred.into_iter().chain(alternatives).collect()
    }

    /// What a reference within the schema leads to.
    fn within(&self, reference: &str) -> Option<Value<'d>> {
        let pointer = reference.strip_prefix('#')?;
        let mut value = self.root;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            value = match value.kind() {
                Kind::Array => value.elements().nth(step.parse().ok()?)?,
                _ => value.get(&step)?,
            };
        }
        Some(value)
    }
}

#[derive(Default)]
struct Facts {
    kinds: Vec<String>,
    description: Option<String>,
    values: Vec<String>,
}

fn members<'d>(object: Value<'d>) -> impl Iterator<Item = (String, Value<'d>)> {
    object
        .members()
        .map(|(name, value)| (name.into_owned(), value))
}

/// The path as a condition takes it.
fn path(steps: &[ArgumentStep]) -> String {
    let mut text = "args".to_owned();
    for step in steps {
        match step {
            ArgumentStep::Each => text.push_str("[*]"),
            ArgumentStep::Key(key) if is_plain(key) => {
                let _ = write!(text, ".{key}");
            }
            ArgumentStep::Key(key) => {
                text.push('[');
                json::quote(key, &mut text);
                text.push(']');
            }
        }
    }
    text
}

/// Whether a key stands in a path without quotes.
fn is_plain(key: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || ".[]\"*".contains(c);
    !key.is_empty() && !key.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    fn paths(schema: &str) -> Vec<String> {
        let definition = format!("{{\"name\":\"t\",\"inputSchema\":{schema}}}");
        let found = argument_paths(&definition);
        for field in &found {
            assert!(Path::parse(&field.path).is_ok(), "{}", field.path);
        }
        found.into_iter().map(|field| field.path).collect()
    }

    #[test]
    fn nested_arguments_are_found_with_what_is_said_of_them() {
        let definition = r##"{ "inputSchema": { "type": "object", "required": ["params"],
            "properties": { "params": { "$ref": "#/$defs/p" } },
            "$defs": { "p": { "type": "object", "required": ["branch"], "properties": {
                "branch": { "type": ["string", "null"], "description": "Which one",
                            "enum": ["main", "dev"] },
                "a.b c": { "type": "number" },
                "items": { "type": "array", "items": { "properties": { "price": {} } } } } } } } }"##;
        let found = argument_paths(definition);
        let paths: Vec<_> = found.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "args.params",
                "args.params.branch",
                "args.params[\"a.b c\"]",
                "args.params.items",
                "args.params.items[*]",
                "args.params.items[*].price",
            ]
        );
        assert!(found[0].required && found[0].has_fields && found[0].kind == "object");
        let branch = &found[1];
        assert!(branch.required && !branch.has_fields);
        assert_eq!(branch.kind, "string or null");
        assert_eq!(branch.description.as_deref(), Some("Which one"));
        assert_eq!(branch.values, ["\"main\"", "\"dev\""]);
        assert_eq!(
            branch.steps,
            [
                ArgumentStep::Key("params".to_owned()),
                ArgumentStep::Key("branch".to_owned())
            ]
        );
    }

    #[test]
    fn alternatives_are_gathered_and_said_once() {
        let schema = r#"{ "anyOf": [{ "properties": { "a": { "type": "string" } } },
            { "properties": { "a": {}, "b": { "oneOf": [{ "const": 1 }, { "const": 2 }] } } }] }"#;
        assert_eq!(paths(schema), ["args.a", "args.b"]);
        let found = argument_paths(&format!("{{\"inputSchema\":{schema}}}"));
        assert_eq!(found[1].values, ["1", "2"]);
    }

    #[test]
    fn what_goes_round_or_is_endless_ends() {
        assert_eq!(paths(r##"{ "$ref": "#" }"##), [""; 0]);
        let round = paths(r##"{ "properties": { "a": { "$ref": "#" } } }"##);
        assert_eq!(round.len(), STEPS_MAX);
        let doubling = r##"{ "properties": { "a": { "$ref": "#" }, "b": { "$ref": "#" },
            "c": { "anyOf": [{ "$ref": "#" }, { "$ref": "#" }, { "$ref": "#" }] } } }"##;
        assert!(paths(doubling).len() <= FIELDS_MAX);
        let many: Vec<String> = (0..1000).map(|n| format!("\"p{n}\":{{}}")).collect();
        let many = format!("{{\"properties\":{{{}}}}}", many.join(","));
        assert_eq!(paths(&many).len(), FIELDS_MAX);
    }

    #[test]
    fn what_is_no_schema_has_no_fields() {
        for text in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"inputSchema":true}"#,
            r#"{"inputSchema":{"properties":[1],"items":1,"$ref":1,"anyOf":{},"required":1}}"#,
            r#"{"inputSchema":{"$ref":"https://example.com/x"}}"#,
            r##"{"inputSchema":{"$ref":"#/nowhere/9"}}"##,
        ] {
            assert_eq!(argument_paths(text), [], "{text}");
        }
    }
}
