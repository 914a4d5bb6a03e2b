//! `initialize` and `server/discover`: what the gateway blocks is taken off what each side says it
//! can do, so that neither asks for it.

use json::{Bounds, Document, Kind, Value};

use crate::{
    edit::{Member, object},
    era::{lesser_capabilities, replaced, without_tasks},
    list::{ANSWER_DEPTH_MAX, cache_members, ttl},
    session::client_line,
};

/// The longest answer to a handshake, in bytes; instructions can be long.
pub(crate) const HANDSHAKE_BYTES_MAX: usize = 1 << 20;

/// A client's `initialize`: its `params` written anew, where something is taken off its
/// capabilities, and its name and version.
pub(crate) fn request(params: Option<Value<'_>>) -> (Option<String>, Option<String>) {
    let Some(params) = params else {
        return (None, None);
    };
    let lesser = params.get("capabilities").and_then(lesser_capabilities);
    let client = params.get("clientInfo").map(|info| {
        let text = |key| info.get(key).and_then(Value::as_str).unwrap_or_default();
        client_line(&text("name"), &text("version"))
    });
    (
        lesser.map(|text| replaced(params, "capabilities", &text)),
        client,
    )
}

/// How an answer is to be changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adjust {
    /// Whether prompts, resources and completions are let through.
    pub(crate) others: bool,
    /// Whether a stream exists on which a changed list can be told.
    pub(crate) tells_changes: bool,
    pub(crate) stateless: bool,
}

/// An upstream's answer to a handshake.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Adjusted {
    pub(crate) text: String,
    /// The version agreed on; empty for an error.
    pub(crate) version: String,
    pub(crate) is_error: bool,
}

/// Adjusts an upstream's answer to the request with this id. None where it is none.
pub(crate) fn answer(message: &[u8], id: &[u8], adjust: Adjust) -> Option<Adjusted> {
    let bounds = Bounds {
        bytes_max: HANDSHAKE_BYTES_MAX,
        depth_max: ANSWER_DEPTH_MAX,
    };
    let doc = Document::parse(message, bounds).ok()?;
    let root = doc.root();
    let answered = root
        .get("id")
        .is_some_and(|own| crate::scan::same_id(own.raw().as_bytes(), id));
    if let Some(error) = root.get("error") {
        let text = root.raw().to_owned();
        return (error.kind() == Kind::Object).then_some(Adjusted {
            text,
            version: String::new(),
            is_error: true,
        });
    }
    let result = root
        .get("result")
        .filter(|result| answered && result.kind() == Kind::Object)?;
    let version = result
        .get("protocolVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let ttl = ttl(result);
    let added = if adjust.stateless {
        cache_members(result, &ttl)
    } else {
        Vec::new()
    };
    let ask = |name: &str, value: Value<'_>| match name {
        "capabilities" => Member::Replace(capabilities(value, adjust)),
        "cacheScope" if adjust.stateless => Member::Replace("\"private\"".to_owned()),
        "ttlMs" if adjust.stateless => Member::Replace(ttl.clone()),
        _ => Member::Keep,
    };
    let text = replaced(root, "result", &object(result, ask, &added));
    Some(Adjusted {
        text,
        version: version.into_owned(),
        is_error: false,
    })
}

fn capabilities(value: Value<'_>, adjust: Adjust) -> String {
    let ask = |name: &str, value: Value<'_>| match name {
        "tasks" => Member::Drop,
        "prompts" | "resources" | "completions" if !adjust.others => Member::Drop,
        "extensions" => Member::Replace(without_tasks(value)),
        "tools" if adjust.tells_changes => {
            let rest = |name: &str, _: Value<'_>| match name {
                "listChanged" => Member::Drop,
                _ => Member::Keep,
            };
            Member::Replace(object(value, rest, &[("listChanged", "true")]))
        }
        _ => Member::Keep,
    };
    object(value, ask, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADJUST: Adjust = Adjust {
        others: false,
        tells_changes: true,
        stateless: false,
    };

    #[test]
    fn what_is_blocked_is_taken_off_both_sides_and_the_rest_is_kept() {
        let text = r#"{"protocolVersion":"2025-11-25","capabilities":{"sampling":{},"elicitation":{"url":{}},"roots":{},"tasks":{},"experimental":{"x":1}},"clientInfo":{"name":"c","version":"2"},"vendor":1.0}"#;
        let bounds = Bounds {
            bytes_max: 4096,
            depth_max: 8,
        };
        let doc = Document::parse(text.as_bytes(), bounds).expect("JSON");
        let (params, client) = request(Some(doc.root()));
        let expected = r#"{"protocolVersion":"2025-11-25","capabilities":{"experimental":{"x":1}},"clientInfo":{"name":"c","version":"2"},"vendor":1.0}"#;
        assert_eq!(params.as_deref(), Some(expected));
        assert_eq!(client.as_deref(), Some("c 2"));

        let said = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"list":{}},"prompts":{},"logging":{}},"instructions":"x"}}"#;
        let adjusted = answer(said.as_bytes(), b"0", ADJUST).expect("an answer");
        assert_eq!(adjusted.version, "2025-11-25");
        assert_eq!(
            adjusted.text,
            r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"logging":{}},"instructions":"x"}}"#
        );
    }

    #[test]
    fn an_answer_to_something_else_is_none() {
        for said in [
            r#"{"id":1,"result":{}}"#,
            r#"{"id":0,"result":[]}"#,
            "{}",
            "x",
            r#"{"id":0,"error":1}"#,
        ] {
            assert_eq!(answer(said.as_bytes(), b"0", ADJUST), None, "{said}");
        }
    }

    #[test]
    fn what_may_be_cached_of_a_discovery_is_private_and_short() {
        let adjust = Adjust {
            others: true,
            tells_changes: false,
            stateless: true,
        };
        let said = r#"{"jsonrpc":"2.0","id":"d","result":{"capabilities":{"extensions":{"io.modelcontextprotocol/tasks":{},"x":{}}},"ttlMs":3600000,"cacheScope":"public"}}"#;
        let text = answer(said.as_bytes(), br#""d""#, adjust)
            .expect("an answer")
            .text;
        assert_eq!(
            text,
            r#"{"jsonrpc":"2.0","id":"d","result":{"capabilities":{"extensions":{"x":{}}},"ttlMs":5000,"cacheScope":"private"}}"#
        );
    }
}
