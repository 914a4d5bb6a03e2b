//! Checks and their conditions.

use super::{At, Reader, op, quoted};
use crate::{
    codes::{BAD_PATH, NOTHING_REQUIRED, UNKNOWN_ANNOTATION},
    nearest::nearest,
    path::Path,
    rules::{Check, Condition},
};

const CONDITIONS_MAX: usize = 32;
/// Source: MCP 2025-11-25, `ToolAnnotations`.
const ANNOTATIONS: [&str; 5] = [
    "title",
    "readOnlyHint",
    "destructiveHint",
    "idempotentHint",
    "openWorldHint",
];

/// Which of its two senses a check has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    Require,
    DenyIf,
}

pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>, sense: Sense) -> Option<Check> {
    // `missing` is known in both senses, so that its fault can say where it belongs.
    let known: &[&str] = match sense {
        Sense::Require => &["conditions", "on_deny", "mode"],
        Sense::DenyIf => &["conditions", "on_deny", "mode", "missing"],
    };
    let fields = reader.object(at, known)?;
    let on_deny = fields.get("on_deny").and_then(|at| reader.told(at));
    let mode = reader.mode(&fields);
    let missing_passes = fields
        .get("missing")
        .and_then(|at| reader.word(at, &[("pass", true)]))
        .unwrap_or(false);
    let at = reader.required(&fields, "conditions")?;
    let conditions = conditions(reader, at, sense);
    if sense == Sense::Require && at.value.is_empty() {
        reader.warn(
            NOTHING_REQUIRED,
            at,
            "without conditions this check always holds",
        );
    }
    let pointer = fields.object().pointer.clone();
    Some(Check {
        pointer,
        conditions,
        on_deny,
        missing_passes,
        mode,
    })
}

/// A list of conditions that hold together.
pub(super) fn conditions(reader: &mut Reader<'_>, at: &At<'_>, sense: Sense) -> Vec<Condition> {
    let list = reader.list(at, CONDITIONS_MAX);
    list.iter()
        .filter_map(|at| condition(reader, at, sense))
        .collect()
}

fn condition(reader: &mut Reader<'_>, at: &At<'_>, sense: Sense) -> Option<Condition> {
    let fields = reader.object(at, &["path", "op", "value"])?;
    let path_at = reader.required(&fields, "path");
    let path = path_at.and_then(|at| path(reader, at));
    let name = reader
        .required(&fields, "op")
        .and_then(|at| op::name(reader, at));
    let value = reader.required(&fields, "value");
    let (name, value) = (name?, value?);
    // The value is checked also where the path is at fault.
    let op = op::read(reader, name, value, path.as_ref(), sense);
    Some(Condition {
        path: path?,
        op: op?,
        path_text: path_at
            .and_then(|at| at.value.as_str())
            .unwrap_or_default()
            .into(),
        op_text: name,
        value_text: quoted(value.value.raw()),
    })
}

/// A path into arguments, grant, tool or time.
pub(super) fn path(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Path> {
    let text = reader.string(at)?;
    match Path::parse(&text) {
        Ok(path) => {
            if let Path::ToolAnnotation(hint) = &path
                && !ANNOTATIONS.contains(&&*hint.text)
            {
                let near = nearest(&hint.text, ANNOTATIONS);
                let detail = "MCP defines no such annotation, so it may always be missing";
                reader.warn(UNKNOWN_ANNOTATION, at, detail).hint(near);
            }
            Some(path)
        }
        Err((detail, hint)) => {
            reader.fault(BAD_PATH, at, detail).got(at.value).hint(hint);
            None
        }
    }
}
