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
