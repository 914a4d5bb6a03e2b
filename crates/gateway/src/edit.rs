//! Writing an object anew with a few members changed. Everything else keeps its place and its text.

use json::{Kind, Value, quote};

/// What becomes of a member.
pub(crate) enum Member {
    Keep,
    Drop,
    /// JSON text that stands in its place.
    Replace(String),
}

/// The object with each member asked about, and `added` (name and JSON text) behind the rest. A
/// value that is no object is written as an empty one with what is added.
pub(crate) fn object(
    value: Value<'_>,
    mut ask: impl FnMut(&str, Value<'_>) -> Member,
    added: &[(&str, &str)],
) -> String {
    let mut out = String::with_capacity(value.raw().len() + 64);
    out.push('{');
    let mut put = |name: &str, text: &str| {
        if out.len() > 1 {
            out.push(',');
        }
        quote(name, &mut out);
        out.push(':');
        out.push_str(text);
    };
    if value.kind() == Kind::Object {
        for (name, member) in value.members() {
            match ask(&name, member) {
                Member::Keep => put(&name, member.raw()),
                Member::Drop => {}
                Member::Replace(text) => put(&name, &text),
            }
        }
    }
    for (name, text) in added {
        put(name, text);
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_keeps_its_text_and_place() {
        let text = r#"{"a": 1.50, "b": [1, 2], "c": {"x": 9007199254740993}}"#;
        let bounds = json::Bounds {
            bytes_max: 1024,
            depth_max: 8,
        };
        let doc = json::Document::parse(text.as_bytes(), bounds).expect("JSON");
        let edited = object(
            doc.root(),
            |name, _| match name {
                "a" => Member::Keep,
                "b" => Member::Drop,
                _ => Member::Keep,
            },
            &[("d", "true")],
        );
        assert_eq!(edited, r#"{"a":1.50,"c":{"x": 9007199254740993},"d":true}"#);
    }
}
