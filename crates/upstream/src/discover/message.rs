//! The shape of an answer.

use domain::names::is_invisible;
use json::{Bounds, Document, Kind, Value};

use super::{DiscoverError, LISTING_BYTES_MAX};
use crate::error::UpstreamError;

/// How deep an answer may be nested; schemas of tools nest more than calls do.
const DEPTH_MAX: u16 = 128;

/// Why one request got no result.
#[derive(Debug)]
pub(super) enum Failed {
    Upstream(UpstreamError),
    /// 401 or 403.
    Credential(u16),
    /// A status that is no success, without a message.
    Status {
        method: &'static str,
        status: u16,
    },
    /// A JSON-RPC error.
    Rpc {
        method: &'static str,
        code: i64,
        message: String,
    },
    /// Anything else.
    NotMcp {
        method: &'static str,
        detail: String,
    },
}

impl Failed {
    /// Whether a server of the other era could have answered so. One that asks for a credential,
    /// does not answer or fails by itself would do the same again.
    pub(super) fn may_be_the_era(&self) -> bool {
        match self {
            Self::Rpc { .. } => true,
            Self::Status { status, .. } => (400..500).contains(status),
            Self::Upstream(_) | Self::Credential(_) | Self::NotMcp { .. } => false,
        }
    }
}

impl From<UpstreamError> for Failed {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}

impl From<Failed> for DiscoverError {
    fn from(failed: Failed) -> Self {
        let (method, detail) = match failed {
            Failed::Upstream(error) => return Self::Upstream(error),
            Failed::Credential(status) => return Self::Credential(status),
            Failed::Status { method, status } => (method, format!("HTTP {status}")),
            Failed::Rpc {
                method,
                code,
                message,
            } => (method, format!("error {code}, {message}")),
            Failed::NotMcp { method, detail } => (method, detail),
        };
        Self::NotMcp { method, detail }
    }
}

fn parse(text: &[u8]) -> Result<Document<'_>, String> {
    let bounds = Bounds {
        bytes_max: LISTING_BYTES_MAX,
        depth_max: DEPTH_MAX,
    };
    Document::parse(text, bounds).map_err(|fault| format!("its JSON is not valid: {fault}"))
}

/// What a message is to someone who waits for the answer to request `id`.
pub(super) enum Heard {
    /// The answer: a result, or an error that may leave the id out.
    Answer,
    /// Some other message: a notification, a request, an answer to nobody.
    Other,
}

/// Judges one message by its envelope.
pub(super) fn hear(text: &[u8], id: u64) -> Result<Heard, String> {
    let document = parse(text)?;
    let root = document.root();
    if root.kind() != Kind::Object {
        return Err(format!("it is {}, not one object", root.kind().a()));
    }
    if !root.get("jsonrpc").is_some_and(|version| version.is("2.0")) {
        return Err("it is not a JSON-RPC 2.0 message".to_owned());
    }
    let ours = match root.get("id") {
        Some(value) if value.kind() == Kind::Null => root.get("error").is_some(),
        Some(value) => value.as_number() == Some(id.to_string().as_str()),
        None => root.get("error").is_some(),
    };
    let shape = (root.get("method"), root.get("result"), root.get("error"));
    match shape {
        (None, Some(_), None) | (None, None, Some(_)) if ours => Ok(Heard::Answer),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            Err("it is a request and a response at once".to_owned())
        }
        (None, None, None) => Err("it has neither a result nor an error".to_owned()),
        _ => Ok(Heard::Other),
    }
}

/// Hands the result of an answer that was heard to `read`.
pub(super) fn with_result<T>(
    method: &'static str,
    text: &[u8],
    read: impl FnOnce(Value<'_>) -> Result<T, String>,
) -> Result<T, Failed> {
    let not_mcp = |detail| Failed::NotMcp { method, detail };
    let document = parse(text).map_err(not_mcp)?;
    let root = document.root();
    if let Some(error) = root.get("error") {
        let code = error.get("code").and_then(Value::as_number);
        let code = code.and_then(|code| code.parse().ok());
        let code = code.ok_or_else(|| not_mcp("its error has no code".to_owned()))?;
        let message = error
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default();
        return Err(Failed::Rpc {
            method,
            code,
            message: clean(&message, 200),
        });
    }
    let result = root
        .get("result")
        .filter(|result| result.kind() == Kind::Object);
    let result = result.ok_or_else(|| not_mcp("its result is not an object".to_owned()))?;
    read(result).map_err(not_mcp)
}

/// Untrusted text for a sentence: nothing invisible in it, and at most `chars_max` long.
pub(super) fn clean(text: &str, chars_max: usize) -> String {
    let visible = |c: char| {
        if c.is_control() || is_invisible(c) {
            '\u{FFFD}'
        } else {
            c
        }
    };
    let mut cut: String = text.chars().take(chars_max).map(visible).collect();
    if text.chars().nth(chars_max).is_some() {
        cut.push('…');
    }
    cut
}
