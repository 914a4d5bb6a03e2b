//! Tests in a policy: checked here, run in a later release.

use json::Kind;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{At, Reader, document::CLASSES};
use crate::codes::{BAD_GLOB, BAD_VALUE};

const TESTS_MAX: usize = 500;
const REPEAT_MAX: u64 = 10_000;

pub(super) fn read(reader: &mut Reader<'_>, at: &At<'_>) {
    for at in reader.list(at, TESTS_MAX) {
        one(reader, &at);
    }
}

fn one(reader: &mut Reader<'_>, at: &At<'_>) {
    let known = [
        "name", "tool", "args", "grant", "at", "repeat", "class", "expect", "rule",
    ];
    let Some(fields) = reader.object(at, &known) else {
        return;
    };
    if let Some(at) = reader.required(&fields, "name") {
        reader.text(at);
    }
    if let Some(at) = reader.required(&fields, "tool")
        && let Some(name) = reader.string(at)
        && let Err(bad) = name.parse::<domain::ToolName>()
    {
        reader
            .fault(BAD_GLOB, at, format!("a tool's name {bad}"))
            .got(at.value);
    }
    if let Some(at) = fields.get("args") {
        reader.expect(at, Kind::Object);
    }
    if let Some(at) = fields.get("grant") {
        grant(reader, at);
    }
    if let Some(at) = fields.get("at")
        && let Some(text) = reader.string(at)
        && OffsetDateTime::parse(&text, &Rfc3339).is_err()
    {
        let detail = "must be a time as RFC 3339 has it, such as 2026-01-05T09:00:00Z";
        reader.fault(BAD_VALUE, at, detail).got(at.value);
    }
    if let Some(at) = fields.get("repeat") {
        reader.whole(at, 1..=REPEAT_MAX);
    }
    if let Some(at) = fields.get("class") {
        reader.word(at, &CLASSES.map(|class| (class, ())));
    }
    if let Some(at) = reader.required(&fields, "expect") {
        reader.word(
            at,
            &[("allow", ()), ("deny", ()), ("hide", ()), ("approval", ())],
        );
    }
    if let Some(at) = fields.get("rule")
        && let Some(rule) = reader.string(at)
        && !rule.starts_with('/')
    {
        reader
            .fault(BAD_VALUE, at, "must be a pointer, which begins with /")
            .got(at.value);
    }
}

fn grant(reader: &mut Reader<'_>, at: &At<'_>) {
    let Some(fields) = reader.object(at, &["label", "labels", "identity"]) else {
        return;
    };
    for name in ["label", "identity"] {
        if let Some(at) = fields.get(name) {
            reader.string(at);
        }
    }
    if let Some(at) = fields.get("labels")
        && reader.expect(at, Kind::Object).is_some()
    {
        for (key, value) in at.value.members() {
            reader.string(&at.child(&key, value));
        }
    }
}
