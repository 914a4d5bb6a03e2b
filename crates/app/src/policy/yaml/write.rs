//! JSON text as YAML that a person would write.

use std::fmt::Write as _;

use json::{Kind, Value};

use super::scalar::{self, Plain};

/// Containers of scalars that fit into so many characters stand in one line.
const LINE_CHARS_MAX: usize = 90;

/// The same document as YAML; read again, it is the same JSON. At most as deep as the bounds that
/// the document was read with.
pub(in super::super) fn from_json(root: Value<'_>) -> String {
    let mut out = String::new();
    match flow(root, 0) {
        Some(line) if root.is_empty() => out += &line,
        _ => block(root, 0, &mut out),
    }
    out.push('\n');
    out
}

/// Each member or element on a line of its own. The first begins where `out` ends.
fn block(value: Value<'_>, indent: usize, out: &mut String) {
    let mut first = true;
    let mut line = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    for (key, value) in value.members() {
        line(out);
        text(&key, out);
        out.push(':');
        match flow(value, indent + key.chars().count()) {
            Some(short) => {
                out.push(' ');
                *out += &short;
            }
            None => {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent + 2));
                block(value, indent + 2, out);
            }
        }
    }
    for value in value.elements() {
        line(out);
        *out += "- ";
        match flow(value, indent + 2) {
            Some(short) => *out += &short,
            None => block(value, indent + 2, out),
        }
    }
    if value.kind() != Kind::Object && value.kind() != Kind::Array {
        scalar_text(value, out);
    }
}

/// The value in one line: a scalar, or a short container of scalars.
fn flow(value: Value<'_>, indent: usize) -> Option<String> {
    let scalar = |value: Value<'_>| !matches!(value.kind(), Kind::Array | Kind::Object);
    let mut out = String::new();
    match value.kind() {
        Kind::Array if value.elements().all(scalar) => {
            let items = value.elements().map(|item| (None, item));
            join('[', items, ']', &mut out);
        }
        Kind::Object if value.members().all(|(_, value)| scalar(value)) => {
            let members = value.members().map(|(key, value)| (Some(key), value));
            join('{', members, '}', &mut out);
        }
        Kind::Array | Kind::Object => return None,
        _ => {
            scalar_text(value, &mut out);
            return Some(out);
        }
    }
    (value.is_empty() || indent + out.chars().count() <= LINE_CHARS_MAX).then_some(out)
}

fn join<'d>(
    open: char,
    parts: impl Iterator<Item = (Option<std::borrow::Cow<'d, str>>, Value<'d>)>,
    close: char,
    out: &mut String,
) {
    out.push(open);
    for (at, (key, value)) in parts.enumerate() {
        *out += if at > 0 { ", " } else { "" };
        if let Some(key) = key {
            text(&key, out);
            *out += ": ";
        }
        scalar_text(value, out);
    }
    out.push(close);
}

fn scalar_text(value: Value<'_>, out: &mut String) {
    match value.as_str() {
        Some(string) => text(&string, out),
        None => *out += value.raw(),
    }
}

/// A text without quotes where every reader takes it for the same text.
fn text(text: &str, out: &mut String) {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./ ".contains(c))
        && !text.ends_with(' ')
        && scalar::read(text) == Plain::Text;
    if plain {
        *out += text;
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => *out += "\\\"",
            '\\' => *out += "\\\\",
            '\n' => *out += "\\n",
            '\t' => *out += "\\t",
            c if c.is_control() || domain::names::is_invisible(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
