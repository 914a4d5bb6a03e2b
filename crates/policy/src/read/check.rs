//! Checks and their conditions.

use super::{At, Reader, field::Fields, op, quoted};
use crate::{
    codes::{BAD_PATH, NOTHING_REQUIRED, UNKNOWN_ANNOTATION},
    language::{CONDITION, DENY_IF, Missing, REQUIRE},
    nearest::nearest,
    path::Path,
    rules::{Check, Condition},
};

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
    let object = match sense {
        Sense::Require => &REQUIRE,
        Sense::DenyIf => &DENY_IF,
    };
    let fields = reader.object(at, object)?;
    let on_deny = fields.get("on_deny").and_then(|at| reader.told(at));
    let mode = reader.word(&fields, "mode").unwrap_or_default();
    let missing_passes = match sense {
        Sense::Require => false,
        Sense::DenyIf => reader.word(&fields, "missing") == Some(Missing::Pass),
    };
    let at = fields.get("conditions")?;
    let conditions = conditions(reader, &fields, "conditions", sense);
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
pub(super) fn conditions(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    name: &str,
    sense: Sense,
) -> Vec<Condition> {
    let list = reader.list(fields, name);
    list.iter()
        .filter_map(|at| condition(reader, at, sense))
        .collect()
}

fn condition(reader: &mut Reader<'_>, at: &At<'_>, sense: Sense) -> Option<Condition> {
    let fields = reader.object(at, &CONDITION)?;
    let path_at = fields.get("path");
    let path = path_at.and_then(|at| path(reader, at));
    let operator = fields.get("op").and_then(|at| op::operator(reader, at));
    let (operator, value) = (operator?, fields.get("value")?);
    // The value is checked also where the path is at fault.
    let op = op::read(reader, operator, value, path.as_ref(), sense);
    Some(Condition {
        path: path?,
        op: op?,
        path_text: path_at
            .and_then(|at| at.value.as_str())
            .unwrap_or_default()
            .into(),
        op_text: operator.name,
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
