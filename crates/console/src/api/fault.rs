//! From what `serde` says of a field to a pointer and a sentence.

use serde_path_to_error::{Error, Segment};

use crate::actions::{FieldFault, escape};

/// The longest part of somebody's text that is said back.
const QUOTE_CHARACTERS_MAX: usize = 300;

/// The field at fault, as an RFC 6901 pointer, and what is wrong with it.
pub(crate) fn locate<E: std::fmt::Display>(error: &Error<E>) -> FieldFault {
    let mut pointer = String::new();
    let mut last = "";
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                last = key;
                pointer.push_str(&escape(key));
            }
            Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    // serde_json adds where it stood; the pointer says it better.
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    if let Some(name) = text
        .strip_prefix("missing field `")
        .and_then(|t| t.strip_suffix('`'))
    {
        return FieldFault::new(format!("{pointer}/{}", escape(name)), "is required");
    }
    if text.starts_with("unknown field `") {
        // The path already ends with the unknown key, which may hold any text.
        let detail = match known_fields(text, last) {
            Some(known) => format!("is not a known field; known: {known}"),
            None => "is not a known field".to_owned(),
        };
        return FieldFault::new(pointer, detail);
    }
    if let Some(name) = text
        .strip_prefix("duplicate field `")
        .and_then(|t| t.strip_suffix('`'))
    {
        return FieldFault::new(format!("/{}", escape(name)), "is there more than once");
    }
    FieldFault::new(
        pointer,
        text.chars().take(QUOTE_CHARACTERS_MAX).collect::<String>(),
    )
}

/// The list at the end of "unknown field `x`, expected one of `a`, `b`".
fn known_fields<'t>(text: &'t str, unknown: &str) -> Option<&'t str> {
    let rest = text
        .strip_prefix("unknown field `")?
        .strip_prefix(unknown)?;
    let rest = rest.strip_prefix("`, expected ")?;
    Some(rest.strip_prefix("one of ").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::Name;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their parsing is looked at")]
    struct Outer {
        name: Name,
        inner: Option<Inner>,
        list: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their parsing is looked at")]
    struct Inner {
        map: BTreeMap<String, u8>,
    }

    fn fault(text: &str) -> (String, String) {
        let mut reader = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, Outer>(&mut reader).expect_err(text);
        let fault = locate(&error);
        (fault.pointer, fault.detail)
    }

    #[test]
    fn every_fault_knows_its_place() {
        for (text, pointer, detail) in [
            ("{}", "/name", "is required"),
            (r#"{"name":"a","inner":{}}"#, "/inner/map", "is required"),
            (
                r#"{"name":"a","inner":{"map":{"x/y":-1}}}"#,
                "/inner/map/x~1y",
                "invalid value: integer `-1`, expected u8",
            ),
            (
                r#"{"name":"a","list":[1,"b"]}"#,
                "/list/1",
                "invalid type: string \"b\", expected u8",
            ),
            (
                r#"{"name":5}"#,
                "/name",
                "invalid type: integer `5`, expected a string",
            ),
            (r#"{"name":""}"#, "/name", "must be 1 to 80 characters long"),
            (
                r#"{"name":"a","nmae":1}"#,
                "/nmae",
                "is not a known field; known: `name`, `inner`, `list`",
            ),
            (
                r#"{"name":"a","inner":{"mop":1}}"#,
                "/inner/mop",
                "is not a known field; known: `map`",
            ),
            (
                r#"{"name":"a","a`, b~/c":1}"#,
                "/a`, b~0~1c",
                "is not a known field; known: `name`, `inner`, `list`",
            ),
        ] {
            assert_eq!(
                fault(text),
                (pointer.to_owned(), detail.to_owned()),
                "{text}"
            );
        }
    }
}
