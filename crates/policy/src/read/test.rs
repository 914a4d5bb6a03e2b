//! Tests in a policy.

use json::Kind;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{At, Reader, field::Fields};
use crate::{
    case::{Case, CaseGrant, Expect},
    codes::{BAD_GLOB, BAD_VALUE},
    language::{TEST, TEST_GRANT},
};

/// The document's tests.
pub(super) fn read(reader: &mut Reader<'_>, document: &Fields<'_>) -> Vec<Case> {
    let list = reader.list(document, "tests");
    list.iter().filter_map(|at| one(reader, at)).collect()
}

fn one(reader: &mut Reader<'_>, at: &At<'_>) -> Option<Case> {
    let fields = reader.object(at, &TEST)?;
    let name = fields.get("name").and_then(|at| reader.text(at));
    let tool = fields.get("tool").and_then(|at| tool(reader, at));
    let args = fields.get("args").and_then(|at| {
        reader.expect(at, Kind::Object)?;
        Some(at.value.raw().into())
    });
    let grant = fields.get("grant").and_then(|at| grant(reader, at));
    let at_unix_ms = fields.get("at").and_then(|at| instant(reader, at));
    let repeat = reader.whole(&fields, "repeat");
    let class = reader.word(&fields, "class");
    let expect = reader.word(&fields, "expect");
    let rule = fields.get("rule").and_then(|at| rule(reader, at));
    if let (Some(name), Some(at)) = (&tool, fields.get("tool"))
        && expect != Some(Expect::Hide)
    {
        reader.known_tool(at, name);
    }
    Some(Case {
        pointer: at.pointer.clone(),
        offset: at.value.span().start,
        name: name?,
        tool: tool?,
        args,
        grant: grant.unwrap_or_default(),
        at_unix_ms,
        repeat: repeat.unwrap_or(1),
        class,
        expect: expect?,
        rule,
    })
}

fn tool(reader: &mut Reader<'_>, at: &At<'_>) -> Option<String> {
    let name = reader.string(at)?;
    if let Err(bad) = name.parse::<domain::ToolName>() {
        reader
            .fault(BAD_GLOB, at, format!("a tool's name {bad}"))
            .got(at.value);
        return None;
    }
    Some(name)
}

/// A time after 1970, in milliseconds.
fn instant(reader: &mut Reader<'_>, at: &At<'_>) -> Option<u64> {
    let text = reader.string(at)?;
    let ms = OffsetDateTime::parse(&text, &Rfc3339)
        .ok()
        .and_then(|time| u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok());
    if ms.is_none() {
        let detail = "must be a time after 1970 as RFC 3339 has it, such as 2026-01-05T09:00:00Z";
        reader.fault(BAD_VALUE, at, detail).got(at.value);
    }
    ms
}

fn rule(reader: &mut Reader<'_>, at: &At<'_>) -> Option<String> {
    let rule = reader.string(at)?;
    if !rule.starts_with('/') {
        reader
            .fault(BAD_VALUE, at, "must be a pointer, which begins with /")
            .got(at.value);
        return None;
    }
    Some(rule)
}

fn grant(reader: &mut Reader<'_>, at: &At<'_>) -> Option<CaseGrant> {
    let fields = reader.object(at, &TEST_GRANT)?;
    let mut text = |name| fields.get(name).and_then(|at| reader.string(at));
    let (label, identity) = (text("label"), text("identity"));
    let mut labels = Vec::new();
    if let Some(at) = fields.get("labels")
        && reader.expect(at, Kind::Object).is_some()
    {
        for (key, value) in at.value.members() {
            if let Some(text) = reader.string(&at.child(&key, value)) {
                labels.push((key.into_owned(), text));
            }
        }
    }
    Some(CaseGrant {
        label,
        identity,
        labels,
    })
}
