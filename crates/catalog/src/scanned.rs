//! A tool as its server lists it, as the catalogue keeps it.

use domain::{
    Tool,
    catalogue::{Hints, KnownArgument, KnownTool},
    names::is_invisible,
};
use serde_json::Value;

use crate::classification_of;

/// How much of a description is kept, in characters.
const DESCRIPTION_CHARS_MAX: usize = 200;
/// How many arguments are kept of a tool, and how deep they may lie.
const ARGUMENTS_MAX: usize = 200;
const DEPTH_MAX: usize = 6;
/// How many properties are looked at: references let a small schema describe any number.
const PROPERTIES_MAX: usize = 2_000;

/// What a listed tool is: facts from its definition, class and risk as [`classification_of`] has
/// them. `server_slug` names the server where the catalogue knows it.
#[must_use]
pub fn scanned(server_slug: Option<&str>, tool: &Tool) -> KnownTool {
    let definition: Value = serde_json::from_str(&tool.definition).unwrap_or_default();
    let said = classification_of(server_slug, tool);
    let description = tool.description.as_deref().map(one_line);
    KnownTool {
        name: tool.name.clone(),
        description: description.filter(|text| !text.is_empty()),
        does: None,
        note: None,
        args: definition.get("inputSchema").map(arguments),
        hints: hints(definition.get("annotations")),
        class: said.class,
        risk: said.risk,
        signals: said.signals,
        confidence: said.confidence,
        corrected: false,
    }
}

/// The start of a text of others, in one line, with nothing invisible in it.
fn one_line(text: &str) -> String {
    let shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let seen = shown
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c));
    seen.take(DESCRIPTION_CHARS_MAX).collect()
}

/// Only what has the type that MCP gives it.
fn hints(annotations: Option<&Value>) -> Hints {
    let says = |name| annotations?.get(name)?.as_bool();
    Hints {
        read_only_hint: says("readOnlyHint"),
        destructive_hint: says("destructiveHint"),
        idempotent_hint: says("idempotentHint"),
        open_world_hint: says("openWorldHint"),
    }
}

/// The arguments that a schema names, as the paths that policies use, without `args.`: what lies
/// inside an object comes in its place (`params.workflowId`), what lies inside an array's elements
/// after it (`files[*].path`). `required` is what the object that holds it says.
#[must_use]
pub fn arguments(schema: &Value) -> Vec<KnownArgument> {
    let mut walk = Walk {
        root: schema,
        looked_at: 0,
        list: Vec::new(),
    };
    walk.properties(schema, "", DEPTH_MAX);
    walk.list
}

struct Walk<'s> {
    root: &'s Value,
    looked_at: usize,
    list: Vec<KnownArgument>,
}

impl<'s> Walk<'s> {
    fn properties(&mut self, schema: &'s Value, before: &str, depth_left: usize) {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        for (name, property) in named(schema).into_iter().flatten() {
            if self.list.len() >= ARGUMENTS_MAX || self.looked_at >= PROPERTIES_MAX {
                return;
            }
            self.looked_at += 1;
            let property = resolved(self.root, property);
            let path = join(before, name);
            if depth_left > 0 && holds_its_own(property) {
                self.properties(property, &path, depth_left - 1);
                continue;
            }
            self.list.push(KnownArgument {
                path: path.clone(),
                kind: kind(property),
                required: is_required(name),
            });
            if let Some(items) = property.get("items").filter(|_| depth_left > 0) {
                let each = format!("{path}[*]");
                self.properties(resolved(self.root, items), &each, depth_left - 1);
            }
        }
    }
}

/// Whether what is inside says all: some arguments, or certainly none.
fn holds_its_own(schema: &Value) -> bool {
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    named(schema).is_some_and(|inside| closed || !inside.is_empty())
}

fn named(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// The schema that is meant: what a reference within the document names, and of alternatives the
/// one that is not null. Followed a few times, since a reference may lead to itself.
fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut here = schema;
    for _ in 0..4 {
        let target = here.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|target| root.pointer(target.strip_prefix('#')?));
        let Some(next) = target.or_else(|| only_choice(here)) else {
            break;
        };
        here = next;
    }
    here
}

fn only_choice(schema: &Value) -> Option<&Value> {
    let all = ["anyOf", "oneOf", "allOf"]
        .iter()
        .find_map(|key| schema.get(key)?.as_array())?;
    let mut choices = all
        .iter()
        .filter(|one| one.get("type").is_none_or(|kind| kind != "null"));
    let choice = choices.next()?;
    choices.next().is_none().then_some(choice)
}

/// The JSON type, where it is one.
fn kind(schema: &Value) -> Option<String> {
    let one = |kind: &Value| kind.as_str().map(str::to_owned);
    match schema.get("type") {
        Some(Value::Array(all)) => {
            let mut kinds = all.iter().filter(|kind| *kind != "null");
            let kind = kinds.next()?;
            kinds.next().is_none().then(|| one(kind))?
        }
        Some(kind) => one(kind),
        None => None,
    }
}

/// A step of a path, quoted where the name has what a path means something by.
fn join(before: &str, name: &str) -> String {
    let special = |c: char| c.is_whitespace() || c.is_control() || ".[]\"*".contains(c);
    if name.is_empty() || name.contains(special) {
        format!("{before}[{}]", Value::from(name))
    } else if before.is_empty() {
        name.to_owned()
    } else {
        format!("{before}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(schema: &Value) -> Vec<String> {
        let list = arguments(schema);
        let show = |argument: KnownArgument| {
            let kind = argument.kind.as_deref().unwrap_or("?").to_owned();
            let mark = if argument.required { "!" } else { "" };
            format!("{}{mark}: {kind}", argument.path)
        };
        list.into_iter().map(show).collect()
    }

    #[test]
    fn what_lies_inside_is_named_by_its_path() {
        let schema = json!({
            "type": "object", "required": ["files", "mode"],
            "properties": {
                "mode": { "type": ["string", "null"] },
                "files": { "type": "array", "items": { "$ref": "#/$defs/File" } },
                "params": { "anyOf": [{ "type": "null" }, {
                    "type": "object", "required": ["id"],
                    "properties": { "id": { "type": "string" }, "a.b": {} } }] },
                "any": { "anyOf": [{ "type": "string" }, { "type": "number" }] },
                "open": { "type": "object", "properties": {} },
                "empty": { "type": "object", "properties": {}, "additionalProperties": false }
            },
            "$defs": { "File": { "type": "object", "properties": { "path": { "type": "string" } } } }
        });
        let mut found = paths(&schema);
        found.sort();
        assert_eq!(
            found,
            [
                "any: ?",
                "files!: array",
                "files[*].path: string",
                "mode!: string",
                "open: object",
                "params.id!: string",
                "params[\"a.b\"]: ?",
            ]
        );
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let schema = json!({
            "properties": { "a": { "$ref": "#" }, "b": { "$ref": "#/properties/b" } }
        });
        assert!(arguments(&schema).len() <= ARGUMENTS_MAX);
        for odd in [
            json!(null),
            json!([]),
            json!({"properties": 1, "required": {}}),
        ] {
            assert_eq!(paths(&odd), [""; 0]);
        }
    }

    /// References multiply: six levels of a thousand would be 10^18 properties.
    #[test]
    fn a_small_schema_that_multiplies_ends() {
        let level = |next: &str| {
            let names = (0..1000).map(|n| (format!("p{n}"), json!({ "$ref": next })));
            json!({ "properties": names.collect::<serde_json::Map<_, _>>() })
        };
        let mut schema = level("#/$defs/d1");
        schema["$defs"] = json!({
            "d1": level("#/$defs/d2"), "d2": level("#/$defs/d3"), "d3": level("#/$defs/d4"),
            "d4": level("#/$defs/d5"), "d5": level("#/$defs/none"),
            "none": { "properties": {}, "additionalProperties": false }
        });
        assert_eq!(paths(&schema), [""; 0]);
    }

    #[test]
    fn a_description_is_cut_and_has_nothing_invisible() {
        let long = format!("a\n\n b\u{202e}\u{1b}[31m{}", "é".repeat(300));
        let shown = one_line(&long);
        assert_eq!(shown.chars().count(), DESCRIPTION_CHARS_MAX);
        assert!(shown.starts_with("a b[31mé"), "{shown}");
    }
}
