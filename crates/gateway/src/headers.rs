//! Header values: reading the ones that are single, and the ones that mirror a body.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const DECISION: HeaderName = HeaderName::from_static("tollgate-decision");
pub(crate) const PARAM_PREFIX: &str = "mcp-param-";

/// A header that must not stand twice: who reads the first and who reads the last would differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unclear;

/// The one value of a header, without blanks around it.
pub(crate) fn one<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(|text| Some(text.trim_matches([' ', '\t'])))
            .map_err(|_| Unclear),
        _ => Err(Unclear),
    }
}

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// The text that a mirrored header stands for (MCP 2026-07-28, "Value Encoding"). None where the
/// Base64 form is not one.
pub(crate) fn decode(value: &str) -> Option<String> {
    match value
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
    {
        Some(inner) => String::from_utf8(BASE64_STANDARD.decode(inner).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

/// The header that mirrors a text: plain where that is safe, else Base64.
pub(crate) fn encode(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|b| matches!(b, b' '..=b'~'))
        && text.trim() == text
        && !text.is_empty()
        && !text.starts_with(OPEN);
    let value = if plain {
        HeaderValue::from_str(text)
    } else {
        HeaderValue::from_str(&format!("{OPEN}{}{CLOSE}", BASE64_STANDARD.encode(text)))
    };
    value.expect("printable ASCII is a header value")
}

/// A W3C trace context that looks like one: two, 32, 16 and two lower-case hexadecimal digits.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<HeaderValue> {
    let text = one(headers, &TRACEPARENT).ok()??;
    let shape: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = text
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    (hex && shape == [2, 32, 16, 2])
        .then(|| HeaderValue::from_str(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrored_values_survive_the_round_trip_and_carry_nothing_else() {
        for text in [
            "plain",
            "file:///a b",
            "é",
            " x",
            "a\r\nX: y",
            "=?base64?YQ==?=",
            "",
            "\0",
        ] {
            let value = encode(text);
            let shown = value.to_str().expect("ASCII");
            assert!(!shown.contains(['\r', '\n']));
            assert_eq!(decode(shown).as_deref(), Some(text));
        }
        assert_eq!(decode("=?base64?%%?="), None);
        assert_eq!(
            decode("=?BASE64?YQ==?=").as_deref(),
            Some("=?BASE64?YQ==?=")
        );
    }

    #[test]
    fn a_header_that_stands_twice_is_unclear() {
        let mut headers = HeaderMap::new();
        assert_eq!(one(&headers, &NAME), Ok(None));
        headers.append(NAME, HeaderValue::from_static("\ta "));
        assert_eq!(one(&headers, &NAME), Ok(Some("a")));
        headers.append(NAME, HeaderValue::from_static("a"));
        assert_eq!(one(&headers, &NAME), Err(Unclear));
    }
}
