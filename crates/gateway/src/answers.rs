//! Answers as bytes: what the gateway says itself, and the headers that every answer has.

use axum::body::Body;
use bytes::Bytes;
use domain::EventId;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use json::quote;

use crate::{
    cors::Browser,
    headers::DECISION,
    refusal::{Door, TRANSPORT},
};

pub(crate) const METHODS: &str = "POST, GET, DELETE, OPTIONS";
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// An answer with the headers that all have. What an upstream says never decides any of them.
pub(crate) fn with_headers(
    status: StatusCode,
    content_type: Option<HeaderValue>,
    event: Option<EventId>,
    browser: &Browser,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(8);
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, content_type);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    if let Some(event) = event {
        headers.insert(DECISION, decision_header(event));
    }
    browser.mark(headers);
    response
}

fn decision_header(event: EventId) -> HeaderValue {
    HeaderValue::from_str(&event.to_string()).expect("an id is printable ASCII")
}

/// The answer at the door.
pub(crate) fn door(door: Door, browser: &Browser) -> Response<Body> {
    let (status, text) = door.voice();
    let body = error(None, TRANSPORT, text, None);
    let mut response = with_headers(status, Some(JSON), None, browser, body.into());
    let headers = response.headers_mut();
    match door {
        Door::NoToken => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Door::BadToken => {
            let challenge = "Bearer error=\"invalid_token\"";
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        Door::Throttled { wait_s } => retry_after(headers, wait_s),
        Door::Busy => retry_after(headers, 1),
        Door::Stale => retry_after(headers, 5),
        Door::Method => {
            headers.insert(ALLOW, HeaderValue::from_static(METHODS));
        }
        Door::NoSuchPath => {}
    }
    response
}

pub(crate) fn retry_after(headers: &mut HeaderMap, seconds: u64) {
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
}

/// A JSON-RPC error. `id` and `data` are JSON text.
pub(crate) fn error(id: Option<&[u8]>, code: i32, message: &str, data: Option<&str>) -> Bytes {
    let mut out = open(id, message.len() + data.map_or(0, str::len));
    out.push_str("\"error\":{\"code\":");
    out.push_str(&code.to_string());
    out.push_str(",\"message\":");
    quote(message, &mut out);
    if let Some(data) = data {
        out.push_str(",\"data\":");
        out.push_str(data);
    }
    out.push_str("}}");
    out.into()
}

/// A tool's result that says it failed, so that the model reads why. `decision` is JSON text.
pub(crate) fn tool_error(id: Option<&[u8]>, text: &str, decision: &str, stateless: bool) -> Bytes {
    let mut out = open(id, text.len() + decision.len());
    out.push_str("\"result\":{\"content\":[{\"type\":\"text\",\"text\":");
    quote(text, &mut out);
    out.push_str("}],\"isError\":true,");
    if stateless {
        // Without it clients of that era refuse the result.
        out.push_str("\"resultType\":\"complete\",");
    }
    out.push_str("\"_meta\":{\"tollgate/decision\":");
    out.push_str(decision);
    out.push_str("}}}");
    out.into()
}

fn open(id: Option<&[u8]>, inside: usize) -> String {
    let mut out = String::with_capacity(inside + 192);
    out.push_str("{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id.and_then(|id| std::str::from_utf8(id).ok()) {
        out.push_str("\"id\":");
        out.push_str(id);
        out.push(',');
    }
    out
}
