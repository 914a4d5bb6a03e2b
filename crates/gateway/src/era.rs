//! Which era a message speaks, read from its body, and whether its headers say the same.
//!
//! Source: MCP 2026-07-28, "Transports"; `mcp-facts.md`, section 3b.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use json::{Kind, Value};

use crate::{
    edit::{Member, object},
    headers::{self, METHOD, NAME, PARAM_PREFIX, PROTOCOL_VERSION, decode, encode},
    message::{HEADER_MISMATCH, INVALID_PARAMS, Malformed, Message, Shape, UNSUPPORTED_VERSION},
};

/// The revision of the stateless era.
pub(crate) const STATELESS: &str = "2026-07-28";
/// Revisions that a session may speak, newest first. The oldest two were made for another
/// transport, and clients agree on them over this one too.
pub(crate) const SESSIONS: [&str; 5] = [
    "2025-11-25",
    "2025-06-18",
    "2025-03-26",
    "2024-11-05",
    "2024-10-07",
];

const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";

/// How client and upstream speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2025-11-25 and before: a handshake, and sessions.
    Session,
    /// 2026-07-28: every request for itself.
    Stateless,
}

/// The era of a message. A valid `_meta` of the stateless era decides, whatever the method.
pub(crate) fn of(message: &Message<'_>, headers: &HeaderMap) -> Result<Era, Malformed> {
    let header = headers::one(headers, &PROTOCOL_VERSION)
        .map_err(|_| mismatch("MCP-Protocol-Version stands twice"))?;
    let meta = message.params.and_then(|params| params.get("_meta"));
    let Some(version) = meta.and_then(|meta| meta.get(VERSION_KEY)) else {
        return match header {
            None => Ok(Era::Session),
            Some(known) if SESSIONS.contains(&known) => Ok(Era::Session),
            // Of notifications neither `_meta` nor headers are required.
            Some(STATELESS) if message.shape == Shape::Notification => Ok(Era::Stateless),
            Some(STATELESS) => Err(Malformed {
                code: INVALID_PARAMS,
                text: "params._meta lacks io.modelcontextprotocol/protocolVersion".into(),
            }),
            Some(_) => Err(unsupported()),
        };
    };
    let Some(version) = version.as_str() else {
        return Err(Malformed {
            code: INVALID_PARAMS,
            text: "the protocol version in params._meta must be a string".into(),
        });
    };
    if version != STATELESS {
        return Err(unsupported());
    }
    if message.shape == Shape::Request {
        let capabilities = meta.and_then(|meta| meta.get(CAPABILITIES_KEY));
        if capabilities.is_none_or(|value| value.kind() != Kind::Object) {
            return Err(Malformed {
                code: INVALID_PARAMS,
                text: "params._meta lacks io.modelcontextprotocol/clientCapabilities".into(),
            });
        }
        if header != Some(STATELESS) {
            return Err(mismatch(
                "MCP-Protocol-Version does not say what params._meta says",
            ));
        }
        agree(headers, &METHOD, &message.method, "Mcp-Method")?;
    }
    Ok(Era::Stateless)
}

fn unsupported() -> Malformed {
    Malformed {
        code: UNSUPPORTED_VERSION,
        text: "unsupported protocol version".into(),
    }
}

fn mismatch(text: impl Into<Cow<'static, str>>) -> Malformed {
    Malformed {
        code: HEADER_MISMATCH,
        text: text.into(),
    }
}

/// Refuses a header that is missing, stands twice or differs from the body.
pub(crate) fn agree(
    headers: &HeaderMap,
    name: &HeaderName,
    body: &str,
    shown: &str,
) -> Result<(), Malformed> {
    let header = headers::one(headers, name).ok().flatten();
    if header.is_some_and(|value| value == body || decode(value).as_deref() == Some(body)) {
        return Ok(());
    }
    Err(mismatch(format!("{shown} does not say what the body says")))
}

/// The member of `params` that `Mcp-Name` mirrors, where the method has one.
pub(crate) fn named<'d>(method: &str, params: Option<Value<'d>>) -> Option<Cow<'d, str>> {
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return None,
    };
    params?.get(member)?.as_str()
}

/// Checks `Mcp-Name` where the method has one. The same name goes on to the upstream.
pub(crate) fn name_header(
    method: &str,
    params: Option<Value<'_>>,
    headers: &HeaderMap,
) -> Result<Option<HeaderValue>, Malformed> {
    let Some(name) = named(method, params) else {
        return Ok(None);
    };
    agree(headers, &NAME, &name, "Mcp-Name")?;
    Ok(Some(encode(&name)))
}

/// One argument that a tool's definition ties to a header (`x-mcp-header`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParamHeader {
    pub(crate) header: HeaderName,
    pub(crate) path: Vec<String>,
}

/// The headers that a tool's definition ties to its arguments. What is annotated in a way that the
/// specification does not have is left out, and its header is then unknown.
pub(crate) fn param_headers(definition: &str) -> Box<[ParamHeader]> {
    // Nearly no tool has one, and definitions can be long.
    if !definition.contains("x-mcp-header") {
        return Box::default();
    }
    let bounds = json::Bounds {
        bytes_max: 1 << 20,
        depth_max: 64,
    };
    let mut found = Vec::new();
    if let Ok(doc) = json::Document::parse(definition.as_bytes(), bounds)
        && let Some(schema) = doc.root().get("inputSchema")
    {
        walk(schema, &mut Vec::new(), &mut found);
    }
    found.into_boxed_slice()
}

fn walk(schema: Value<'_>, path: &mut Vec<String>, found: &mut Vec<ParamHeader>) {
    let Some(properties) = schema.get("properties") else {
        return;
    };
    for (name, property) in properties.members() {
        path.push(name.into_owned());
        if let Some(tied) = property.get("x-mcp-header").and_then(Value::as_str)
            && let Ok(header) = format!("{PARAM_PREFIX}{tied}").parse::<HeaderName>()
        {
            found.push(ParamHeader {
                header,
                path: path.clone(),
            });
        }
        walk(property, path, found);
        path.pop();
    }
}

/// What goes to the upstream as `Mcp-Param-*`, made from the body, and whether the request had one
/// that the tool's definition does not know.
pub(crate) type Params = (Vec<(HeaderName, HeaderValue)>, bool);

/// Checks every `Mcp-Param-*` header against the argument it mirrors.
pub(crate) fn param_values(
    tied: &[ParamHeader],
    arguments: Option<Value<'_>>,
    headers: &HeaderMap,
) -> Result<Params, Malformed> {
    let mut out = Vec::new();
    for tie in tied {
        let value = tie
            .path
            .iter()
            .try_fold(arguments, |at, step| Some(at?.get(step)))
            .flatten();
        let shown = tie.header.as_str();
        let header = headers::one(headers, &tie.header)
            .map_err(|_| mismatch(format!("{shown} stands twice")))?;
        let same = match (value.map(|v| (v, v.kind())), header) {
            (None | Some((_, Kind::Null | Kind::Array | Kind::Object)), header) => header.is_none(),
            (Some((value, Kind::Number)), Some(text)) => same_number(value.raw(), text),
            (Some((value, Kind::Bool)), Some(text)) => value.raw() == text,
            (Some((value, Kind::String)), Some(text)) => {
                decode(text).is_some_and(|text| value.is(&text))
            }
            (Some(_), None) => false,
        };
        if !same {
            return Err(mismatch(format!(
                "{shown} does not say what the argument says"
            )));
        }
        if let Some(value) = value {
            match value.kind() {
                Kind::String => {
                    out.push((
                        tie.header.clone(),
                        encode(&value.as_str().unwrap_or_default()),
                    ));
                }
                Kind::Number | Kind::Bool => out.push((tie.header.clone(), encode(value.raw()))),
                Kind::Null | Kind::Array | Kind::Object => {}
            }
        }
    }
    let unknown = headers.keys().any(|name| {
        name.as_str().starts_with(PARAM_PREFIX) && !tied.iter().any(|tie| tie.header == *name)
    });
    Ok((out, unknown))
}

fn same_number(body: &str, header: &str) -> bool {
    if body == header {
        return true;
    }
    match (body.parse::<i128>(), header.parse::<i128>()) {
        (Ok(body), Ok(header)) => body == header,
        _ => match (body.parse::<f64>(), header.parse::<f64>()) {
            (Ok(body), Ok(header)) => body.is_finite() && body == header,
            _ => false,
        },
    }
}

/// The client's own name and version, where `_meta` gives them.
pub(crate) fn client(meta: Option<Value<'_>>) -> Option<String> {
    let info = meta?.get(CLIENT_KEY)?;
    let text = |key| info.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(crate::session::client_line(&text("name"), &text("version")))
}

/// `params` with what the gateway blocks taken off the client's capabilities in `_meta`: an
/// upstream that cannot know of them does not ask. None where there is nothing to take off.
pub(crate) fn without_blocked(params: Value<'_>) -> Option<String> {
    let meta = meta_without_blocked(params)?;
    Some(replaced(params, "_meta", &meta))
}

/// The `_meta` of these `params` with the same taken off.
pub(crate) fn meta_without_blocked(params: Value<'_>) -> Option<String> {
    let meta = params.get("_meta")?;
    let lesser = lesser_capabilities(meta.get(CAPABILITIES_KEY)?)?;
    Some(replaced(meta, CAPABILITIES_KEY, &lesser))
}

/// An object with the text of one member replaced.
pub(crate) fn replaced(value: Value<'_>, member: &str, text: &str) -> String {
    let keep = |name: &str, _: Value<'_>| {
        if name == member {
            Member::Replace(text.to_owned())
        } else {
            Member::Keep
        }
    };
    object(value, keep, &[])
}

/// The extension that makes tasks of calls.
const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Client capabilities without those that let an upstream ask the client for something (sampling,
/// elicitation, roots) or make tasks. None where they have none of these.
pub(crate) fn lesser_capabilities(capabilities: Value<'_>) -> Option<String> {
    const BLOCKED: [&str; 4] = ["sampling", "elicitation", "roots", "tasks"];
    let extensions = capabilities.get("extensions");
    let tasks = extensions.is_some_and(|extensions| extensions.get(TASKS_EXTENSION).is_some());
    if !tasks && !BLOCKED.iter().any(|name| capabilities.get(name).is_some()) {
        return None;
    }
    Some(object(
        capabilities,
        |name, value| match name {
            name if BLOCKED.contains(&name) => Member::Drop,
            "extensions" if tasks => Member::Replace(without_tasks(value)),
            _ => Member::Keep,
        },
        &[],
    ))
}

/// An object of extensions without the one for tasks.
pub(crate) fn without_tasks(extensions: Value<'_>) -> String {
    object(
        extensions,
        |name, _| {
            if name == TASKS_EXTENSION {
                Member::Drop
            } else {
                Member::Keep
            }
        },
        &[],
    )
}
