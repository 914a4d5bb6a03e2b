//! What is forwarded of a message: its own bytes, or its envelope written anew around text that
//! travels as it came.

use bytes::Bytes;
use json::{Value, quote};

use crate::{message::Message, turn::Turn};

/// The bytes themselves, where their envelope cannot be read another way; else written anew.
pub(crate) fn as_judged(turn: &Turn, message: &Message<'_>, body: &Bytes) -> Bytes {
    if message.plain {
        body.clone()
    } else {
        envelope(turn, message, message.params.map(Value::raw))
    }
}

pub(crate) fn envelope(turn: &Turn, message: &Message<'_>, params: Option<&str>) -> Bytes {
    let mut out = opening(
        turn.id.as_ref(),
        &message.method,
        params.map_or(0, str::len),
    );
    if let Some(params) = params {
        out.push_str(",\"params\":");
        out.push_str(params);
    }
    out.push('}');
    out.into()
}

pub(crate) fn call_envelope(
    id: Option<&Bytes>,
    name: &str,
    arguments: Option<Value<'_>>,
    meta: Option<&str>,
) -> Bytes {
    let inside = arguments.map_or(0, |v| v.raw().len()) + meta.map_or(0, str::len);
    let mut out = opening(id, "tools/call", inside + 160);
    out.push_str(",\"params\":{\"name\":");
    quote(name, &mut out);
    if let Some(arguments) = arguments {
        out.push_str(",\"arguments\":");
        out.push_str(arguments.raw());
    }
    if let Some(meta) = meta {
        out.push_str(",\"_meta\":");
        out.push_str(meta);
    }
    out.push_str("}}");
    out.into()
}

fn opening(id: Option<&Bytes>, method: &str, inside: usize) -> String {
    let mut out = String::with_capacity(inside + 128);
    out.push_str("{\"jsonrpc\":\"2.0\"");
    if let Some(id) = id.and_then(|id| std::str::from_utf8(id).ok()) {
        out.push_str(",\"id\":");
        out.push_str(id);
    }
    out.push_str(",\"method\":");
    quote(method, &mut out);
    out
}
