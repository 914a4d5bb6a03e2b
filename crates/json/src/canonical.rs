//! One fixed spelling for each value.

use std::{borrow::Cow, fmt::Write as _};

use crate::{
    decimal::Decimal,
    value::{Kind, Value},
};

/// A container that is being written, and what of it is still to come, last first.
enum Open<'d> {
    Array(Vec<Value<'d>>),
    Object(Vec<(Cow<'d, str>, Value<'d>)>),
}

impl Value<'_> {
    /// The value in one fixed spelling: the order of keys (UTF-16 units) and the escaping of RFC
    /// 8785, no blanks, and numbers as exact decimals, where the RFC would round them to doubles
    /// and so give two different numbers one spelling. A number whose exponent is beyond ±10¹⁵
    /// stays as it was written. Without recursion, so that depth costs no stack.
    #[must_use]
    pub fn canonical(self) -> String {
        let mut out = String::with_capacity(self.raw().len());
        let mut open: Vec<Open<'_>> = Vec::new();
        begin(self, &mut out, &mut open);
        while let Some(container) = open.last_mut() {
            let mid = !out.ends_with(['[', '{']);
            let next = match container {
                Open::Array(rest) => rest.pop().map(|value| (None, value)),
                Open::Object(rest) => rest.pop().map(|(key, value)| (Some(key), value)),
            };
            let Some((key, value)) = next else {
                out.push(if matches!(container, Open::Array(_)) {
                    ']'
                } else {
                    '}'
                });
                open.pop();
                continue;
            };
            if mid {
                out.push(',');
            }
            if let Some(key) = key {
                quote(&key, &mut out);
                out.push(':');
            }
            begin(value, &mut out, &mut open);
        }
        out
    }
}

/// Writes a scalar, or opens a container.
fn begin<'d>(value: Value<'d>, out: &mut String, open: &mut Vec<Open<'d>>) {
    match value.kind() {
        Kind::Null | Kind::Bool => out.push_str(value.raw()),
        Kind::String => quote(&value.as_str().unwrap_or_default(), out),
        Kind::Number => match Decimal::read(value.raw()) {
            Ok(number) => write!(out, "{number}").expect("writing to a String does not fail"),
            Err(_) => out.push_str(value.raw()),
        },
        Kind::Array => {
            let mut rest: Vec<_> = value.elements().collect();
            rest.reverse();
            out.push('[');
            open.push(Open::Array(rest));
        }
        Kind::Object => {
            let mut rest: Vec<_> = value.members().collect();
            rest.sort_by(|(a, _), (b, _)| b.encode_utf16().cmp(a.encode_utf16()));
            out.push('{');
            open.push(Open::Object(rest));
        }
    }
}

/// Appends a string with its quotes, escaped as RFC 8785, section 3.2.2.2, has it.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a String does not fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
