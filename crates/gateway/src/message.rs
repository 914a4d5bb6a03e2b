//! One JSON-RPC message, read so that nobody can read it differently.
//!
//! Source: JSON-RPC 2.0; `wire.md`, section 2.4; `mcp-facts.md`, section 6, which measured what
//! real servers do with odd bodies.

use std::borrow::Cow;

use bytes::Bytes;
use json::{Kind, Value};

/// The deepest nesting that is read.
pub(crate) const DEPTH_MAX: u16 = 64;
/// The longest string that is an id, in bytes as written.
const ID_BYTES_MAX: usize = 256;
/// The longest method name.
const METHOD_BYTES_MAX: usize = 128;

/// Why a message is not one that the gateway reads: a JSON-RPC code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) code: i32,
    pub(crate) text: Cow<'static, str>,
}

pub(crate) const PARSE_ERROR: i32 = -32700;
pub(crate) const INVALID_REQUEST: i32 = -32600;
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
pub(crate) const INVALID_PARAMS: i32 = -32602;
pub(crate) const INTERNAL_ERROR: i32 = -32603;
pub(crate) const HEADER_MISMATCH: i32 = -32020;
pub(crate) const UNSUPPORTED_VERSION: i32 = -32022;

pub(crate) fn invalid(text: impl Into<Cow<'static, str>>) -> Malformed {
    Malformed {
        code: INVALID_REQUEST,
        text: text.into(),
    }
}

pub(crate) fn bad_params(text: impl Into<Cow<'static, str>>) -> Malformed {
    Malformed {
        code: INVALID_PARAMS,
        text: text.into(),
    }
}

/// A message that has the shape of one.
#[derive(Debug)]
pub(crate) struct Message<'d> {
    pub(crate) shape: Shape,
    pub(crate) method: Cow<'d, str>,
    pub(crate) params: Option<Value<'d>>,
    /// Whether the names of the envelope and of `params`, and the method, are written without
    /// escapes, so that the bytes themselves can be forwarded.
    pub(crate) plain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Request,
    Notification,
    Response,
}

/// Names that a loose parser could take another name for.
const KNOWN: &[&str] = &[
    "jsonrpc",
    "id",
    "method",
    "params",
    "result",
    "error",
    "name",
    "arguments",
    "task",
    "_meta",
    "uri",
    "cursor",
    "taskId",
    "inputResponses",
    "requestState",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "requestId",
    "progressToken",
    "level",
    "ref",
    "argument",
    "context",
];

/// Reads the envelope. `id` is set as soon as a good one is seen, so that a later fault can be
/// answered to it.
pub(crate) fn read<'d>(
    root: Value<'d>,
    body: &Bytes,
    id: &mut Option<Bytes>,
) -> Result<Message<'d>, Malformed> {
    if root.kind() == Kind::Array {
        return Err(invalid(
            "batches are not accepted: send one message per request",
        ));
    }
    if root.kind() != Kind::Object {
        return Err(invalid("a message is a JSON object"));
    }
    if let Some(value) = root.get("id")
        && is_id(value)
    {
        *id = Some(body.slice(value.span()));
    }
    let (mut version, mut method, mut params, mut has_id, mut answers) =
        (None, None, None, None, 0);
    let mut plain = true;
    for (key, value) in root.members() {
        plain &= matches!(key, Cow::Borrowed(_));
        match &*key {
            "jsonrpc" => version = Some(value),
            "id" => has_id = Some(value),
            "method" => method = Some(value),
            "params" => params = Some(value),
            "result" | "error" => answers += 1,
            _ => {
                return Err(invalid(
                    "the message has a member that JSON-RPC does not have",
                ));
            }
        }
    }
    if !version.is_some_and(|v| v.is("2.0")) {
        return Err(invalid("jsonrpc must be \"2.0\""));
    }
    if has_id.is_some() && id.is_none() {
        return Err(invalid(
            "id must be a string of at most 256 bytes or an integer",
        ));
    }
    let Some(method) = method else {
        if answers == 1 && has_id.is_some() && params.is_none() {
            let method = Cow::Borrowed("");
            return Ok(Message {
                shape: Shape::Response,
                method,
                params: None,
                plain,
            });
        }
        return Err(invalid("the message is neither a request nor a response"));
    };
    if answers > 0 {
        return Err(invalid(
            "a message has either a method or a result, never both",
        ));
    }
    let Some(method) = method.as_str() else {
        return Err(invalid("method must be a string"));
    };
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'.' | b'-');
    if method.is_empty() || method.len() > METHOD_BYTES_MAX || !method.bytes().all(fine) {
        return Err(invalid("method is not the name of one"));
    }
    plain &= matches!(method, Cow::Borrowed(_));
    let shape = match (has_id.is_some(), method.starts_with("notifications/")) {
        (true, false) => Shape::Request,
        (false, true) => Shape::Notification,
        (true, true) => return Err(invalid("a notification has no id")),
        (false, false) => return Err(invalid("a request needs an id")),
    };
    if let Some(params) = params {
        if params.kind() != Kind::Object {
            return Err(invalid("params must be an object"));
        }
        for (key, value) in params.members() {
            plain &= matches!(key, Cow::Borrowed(_));
            if poses(&key) {
                return Err(bad_params(
                    "params has a name that could be taken for another",
                ));
            }
            if &*key == "_meta" && value.kind() != Kind::Object {
                return Err(bad_params("params._meta must be an object"));
            }
        }
    }
    Ok(Message {
        shape,
        method,
        params,
        plain,
    })
}

fn is_id(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::String => value.raw().len() <= ID_BYTES_MAX + 2,
        // The text of an integer that every JSON reader holds exactly, or at least as a number.
        Kind::Number => value.raw().parse::<i64>().is_ok() && value.raw() != "-0",
        Kind::Null | Kind::Bool | Kind::Array | Kind::Object => false,
    }
}

/// Whether a name is none that is known but becomes one after a cut at NUL or case folding, or is
/// not plain ASCII, which no name of the protocol is.
fn poses(key: &str) -> bool {
    if !key.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return true;
    }
    !KNOWN.contains(&key) && KNOWN.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// What a `tools/call` names.
#[derive(Debug)]
pub(crate) struct ToolCall<'d> {
    pub(crate) name: Cow<'d, str>,
    pub(crate) arguments: Option<Value<'d>>,
    pub(crate) meta: Option<Value<'d>>,
    pub(crate) task: bool,
    /// It has `inputResponses` or `requestState`.
    pub(crate) continues: bool,
}

/// Reads the parameters of a `tools/call`. `stateless` says which era's members there may be.
pub(crate) fn tool_call<'d>(
    params: Option<Value<'d>>,
    stateless: bool,
) -> Result<ToolCall<'d>, Malformed> {
    let params = params.ok_or_else(|| bad_params("tools/call needs params.name"))?;
    let (mut name, mut arguments, mut meta) = (None, None, None);
    let (mut task, mut continues) = (false, false);
    for (key, value) in params.members() {
        match &*key {
            "name" => name = Some(value),
            "arguments" => arguments = Some(value),
            "_meta" => meta = Some(value),
            "task" if !stateless => task = true,
            "inputResponses" | "requestState" if stateless => continues = true,
            _ => {
                return Err(bad_params(
                    "tools/call has a parameter that is not accepted",
                ));
            }
        }
    }
    let name = name
        .and_then(Value::as_str)
        .ok_or_else(|| bad_params("params.name must be a string"))?;
    if !(1..=128).contains(&name.len()) || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad_params(
            "params.name must be 1 to 128 printable ASCII characters without blanks",
        ));
    }
    if arguments.is_some_and(|value| value.kind() != Kind::Object) {
        return Err(bad_params("params.arguments must be an object"));
    }
    Ok(ToolCall {
        name,
        arguments,
        meta,
        task,
        continues,
    })
}
