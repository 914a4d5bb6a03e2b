//! Known tools as the tools of a server's inventory, for which policies are made.

use domain::{
    catalogue::{KnownArgument, KnownTool},
    tools::Tool,
};
use serde_json::{Map, Value, json};

/// What a server with this tool would list, as far as that is known.
pub(super) fn inventory_tool(known: &KnownTool) -> Tool {
    let mut definition = json!({ "name": known.name });
    if let Some(args) = &known.args {
        definition["inputSchema"] = schema(args);
    }
    Tool {
        name: known.name.clone(),
        title: None,
        description: known.description.clone(),
        definition: definition.to_string(),
        class: Some(known.class),
    }
}

/// The JSON Schema of the arguments. It says no more than what is known, so it is open.
fn schema(args: &[KnownArgument]) -> Value {
    let mut root = Map::new();
    for arg in args {
        let steps: Vec<&str> = arg.path.split('.').collect();
        put(&mut root, &steps, arg);
    }
    root.insert("type".to_owned(), "object".into());
    Value::Object(root)
}

fn put(object: &mut Map<String, Value>, steps: &[&str], arg: &KnownArgument) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    if arg.required {
        let required = object.entry("required").or_insert_with(|| json!([]));
        if let Some(list) = required.as_array_mut()
            && !list.iter().any(|known| known == step)
        {
            list.push((*step).into());
        }
    }
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    let Some(properties) = properties.as_object_mut() else {
        return;
    };
    let property = properties.entry(*step).or_insert_with(|| json!({}));
    let Some(property) = property.as_object_mut() else {
        return;
    };
    match rest.is_empty() {
        false => {
            property.insert("type".to_owned(), "object".into());
            put(property, rest, arg);
        }
        true => {
            let kind = arg.kind.as_deref().and_then(json_type);
            if let Some(kind) = kind {
                property.entry("type").or_insert_with(|| kind.into());
            }
        }
    }
}

/// The type, where it is one of JSON Schema's; `array<string>` is an array.
fn json_type(kind: &str) -> Option<&str> {
    let outer = kind.split('<').next()?;
    [
        "string", "number", "integer", "boolean", "array", "object", "null",
    ]
    .contains(&outer)
    .then_some(outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arg(path: &str, kind: &str, required: bool) -> KnownArgument {
        KnownArgument {
            path: path.to_owned(),
            kind: Some(kind.to_owned()),
            required,
        }
    }

    #[test]
    fn paths_become_nested_objects() {
        let args = [
            arg("params.workflowId", "string", true),
            arg("params.fromFailed", "boolean", false),
            arg("tags", "array<string>", false),
            arg("any", "any", true),
        ];
        let wanted = json!({
            "type": "object",
            "required": ["params", "any"],
            "properties": {
                "params": {
                    "type": "object",
                    "required": ["workflowId"],
                    "properties": {
                        "workflowId": { "type": "string" },
                        "fromFailed": { "type": "boolean" },
                    },
                },
                "tags": { "type": "array" },
                "any": {},
            },
        });
        assert_eq!(schema(&args), wanted);
    }
}
