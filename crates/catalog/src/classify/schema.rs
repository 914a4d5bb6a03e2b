//! What a tool's input schema says of its arguments.

use serde_json::Value;

/// The arguments and their schemas. Where all stand inside one object, such as `params`, those in it
/// come too.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let inner = named(schema).flat_map(|(_, property)| named(property));
    named(schema).chain(inner)
}

fn named(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let all = properties.into_iter().flatten();
    all.map(|(name, property)| (name.as_str(), property))
}

/// The values that a property may have, where the schema lists them.
pub(super) fn choices(property: &Value) -> impl Iterator<Item = &str> {
    let listed = property.get("enum").and_then(Value::as_array);
    let only = property.get("const");
    listed
        .into_iter()
        .flatten()
        .chain(only)
        .filter_map(Value::as_str)
}

/// All text that a schema holds, names of properties too, at whatever depth.
pub(super) fn texts(schema: &Value) -> Vec<&str> {
    let (mut texts, mut open) = (Vec::new(), vec![schema]);
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => texts.push(text.as_str()),
            Value::Array(all) => open.extend(all),
            Value::Object(all) => {
                texts.extend(all.keys().map(String::as_str));
                open.extend(all.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    texts
}
