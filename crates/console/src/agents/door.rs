//! What every request to the server for agents passes first: who asks how often, from which page,
//! and whether the body is JSON that everyone would read alike.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{actions::ActionError, session::Address, state::Console, throttle::neighbourhood};

/// The largest body: a configuration of 256 KiB, as a JSON string, in its envelope.
pub(super) const BODY_BYTES_MAX: usize = 600 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The deepest nesting of a request.
const DEPTH_MAX: u16 = 64;

/// Lets a request in, or answers it.
pub(super) async fn enter(
    State(console): State<Console>,
    Address(address): Address,
    request: Request,
    next: Next,
) -> Response {
    if foreign(request.headers(), &console.settings.public_url) {
        return refused(
            StatusCode::FORBIDDEN,
            -32600,
            "This origin is not allowed here",
        );
    }
    if let Some(address) = address
        && let Err(ActionError::Throttled { retry_after_s }) =
            console.readers.take(neighbourhood(address))
    {
        let text = format!("Too many requests; try again in {retry_after_s} s");
        let mut response = refused(StatusCode::TOO_MANY_REQUESTS, -32600, &text);
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, retry_after_s.into());
        return response;
    }
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    match read(request).await {
        Ok(request) => next.run(request).await,
        Err(response) => *response,
    }
}

/// Whether a page of another site asks. Clients that are no browsers say no origin.
fn foreign(headers: &HeaderMap, public_url: &str) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    origins.any(|origin| origin.as_bytes() != public_url.as_bytes())
}

/// The request with its body read and looked at.
async fn read(request: Request) -> Result<Request, Box<Response>> {
    let refuse = |status, code, text: &str| Err(Box::new(refused(status, code, text)));
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        let text = "The body must not be compressed";
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, -32600, text);
    }
    let bytes = match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            let text = "The body is too large, or broke off";
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, -32600, text);
        }
        Err(_) => {
            let text = "The body took too long to arrive";
            return refuse(StatusCode::REQUEST_TIMEOUT, -32600, text);
        }
    };
    let bounds = json::Bounds {
        bytes_max: BODY_BYTES_MAX,
        depth_max: DEPTH_MAX,
    };
    match json::Document::parse(&bytes, bounds) {
        Err(fault) => {
            let text = format!("The body is not JSON that everyone reads alike: {fault}");
            return refuse(StatusCode::BAD_REQUEST, -32700, &text);
        }
        Ok(document) if document.root().kind() != json::Kind::Object => {
            let text = "The body must be one JSON-RPC message; batches are not taken";
            return refuse(StatusCode::BAD_REQUEST, -32600, text);
        }
        Ok(_) => {}
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn refused(status: StatusCode, code: i32, text: &str) -> Response {
    let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": text}});
    (status, axum::Json(error)).into_response()
}
