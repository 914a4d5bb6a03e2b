//! What is wrong with arguments, in words that name the argument and never quote what it says.

use json::{Kind, Value};
use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind},
};

use super::Unsound;
use crate::{number, read::quoted};

/// The least that the deepest value stands in, and whether each number is one that the schema's
/// reader, which has integers of 64 bits and doubles, takes for what it is.
pub(super) fn exact(arguments: Value<'_>) -> Result<usize, Unsound> {
    let mut deepest = 0;
    let mut left = vec![(arguments, 1)];
    while let Some((value, depth)) = left.pop() {
        deepest = deepest.max(depth);
        match value.kind() {
            Kind::Number if !number::survives(value.raw()) => {
                let what = "the arguments have a number that not every reader takes for the same";
                return Err(Unsound::Invalid(what.to_owned()));
            }
            Kind::Array => left.extend(value.elements().map(|inner| (inner, depth + 1))),
            Kind::Object => left.extend(value.members().map(|(_, inner)| (inner, depth + 1))),
            _ => {}
        }
    }
    Ok(deepest)
}

/// The path of a top-level argument.
pub(super) fn named(name: &str) -> String {
    let mut path = "args".to_owned();
    push(&mut path, name);
    quoted(&path)
}

/// What is wrong and where.
pub(super) fn fault(arguments: Value<'_>, error: &ValidationError<'_>) -> String {
    let path = path(arguments, error.instance_path().as_str());
    let (path, kind) = (quoted(&path), error.kind());
    use ValidationErrorKind as Is;
    let what = match kind {
        Is::Required { property } => {
            let mut missing = path;
            push(&mut missing, property.as_str().unwrap_or_default());
            return format!("{} is missing", quoted(&missing));
        }
        Is::Type { kind } => format!("must be {}", types(kind)),
        Is::Enum { options } => format!("must be one of {}", quoted(&options.to_string())),
        Is::Constant { expected_value } => {
            format!("must be {}", quoted(&expected_value.to_string()))
        }
        Is::AdditionalProperties { unexpected } | Is::UnevaluatedProperties { unexpected } => {
            let first = unexpected.first().map_or("", |name| name);
            let mut odd = path;
            push(&mut odd, first);
            return format!("{} is not an argument of it", quoted(&odd));
        }
        Is::Maximum { limit } => format!("must be at most {limit}"),
        Is::Minimum { limit } => format!("must be at least {limit}"),
        Is::ExclusiveMaximum { limit } => format!("must be below {limit}"),
        Is::ExclusiveMinimum { limit } => format!("must be above {limit}"),
        Is::MaxLength { limit } => format!("must have at most {limit} characters"),
        Is::MinLength { limit } => format!("must have at least {limit} characters"),
        Is::MaxItems { limit } => format!("must have at most {limit} elements"),
        Is::MinItems { limit } => format!("must have at least {limit} elements"),
        Is::Pattern { pattern } => format!("must match {}", quoted(pattern)),
        Is::UniqueItems => "must not have an element twice".to_owned(),
        Is::AnyOf { .. } | Is::OneOfNotValid { .. } => {
            "must be one of the kinds that it allows".to_owned()
        }
        _ => format!("must satisfy `{}`", quoted(kind.keyword())),
    };
    format!("{path} {what}")
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => a(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            let kinds: Vec<&str> = kinds.iter().map(a).collect();
            kinds.join(" or ")
        }
    }
}

const fn a(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

/// A JSON Pointer as a policy writes the path.
fn path(arguments: Value<'_>, pointer: &str) -> String {
    let mut path = "args".to_owned();
    let mut here = Some(arguments);
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        match here.filter(|value| value.kind() == Kind::Array) {
            Some(array) => {
                path.push_str(&format!("[{name}]"));
                here = name.parse().ok().and_then(|at| array.elements().nth(at));
            }
            None => {
                push(&mut path, &name);
                here = here.and_then(|object| object.get(&name));
            }
        }
    }
    path
}

/// Adds a key, in quotes where a path needs them.
fn push(path: &mut String, key: &str) {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if !key.is_empty() && key.chars().all(plain) {
        path.push('.');
        path.push_str(key);
    } else {
        path.push('[');
        json::quote(key, path);
        path.push(']');
    }
}
