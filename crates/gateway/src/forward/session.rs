//! What exists only inside a session: its stream, its end, and answers on a client's behalf.

use axum::body::Body;
use bytes::Bytes;
use domain::audit::Settled;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header::ACCEPT};
use http_body_util::Full;

use super::{Content, WayOut, common, content, fail, post, way};
use crate::{
    admit::Permit,
    answers::{EVENT_STREAM, JSON},
    collect::broken,
    events::{self, Treat},
    headers::{LAST_EVENT_ID, PROTOCOL_VERSION, SESSION_ID},
    refusal::{Fault, TRANSPORT},
    routes::Way,
    session::Session,
    settle::Settle,
    turn::Turn,
};

/// `GET`: the session's own stream.
pub(crate) async fn stream(
    turn: Turn,
    permit: Permit,
    session: Session,
    last_event: Option<String>,
) -> Response<Body> {
    let mut settle = permit.spend();
    let way = match way(&turn) {
        Ok(way) => way,
        Err(fault) => return fail(&turn, settle, &fault, None).await,
    };
    let mut request = in_session(&way, Method::GET, &session);
    request.headers_mut().insert(ACCEPT, EVENT_STREAM);
    if let Some(event) = last_event {
        match HeaderValue::from_str(&event) {
            Ok(event) => request.headers_mut().insert(LAST_EVENT_ID, event),
            Err(_) => {
                return fail(
                    &turn,
                    settle,
                    &Fault::Invalid("its event id cannot be sent".into()),
                    None,
                )
                .await;
            }
        };
    }
    let first_byte = turn.gateway.settings.first_byte;
    let response = match way.upstream.send(request, first_byte).await {
        Ok(response) => response,
        Err(error) => return fail(&turn, settle, &broken(&error), None).await,
    };
    let status = response.status();
    settle.status = Some(status.as_u16());
    match status.as_u16() {
        200..300 if content(&response) == Content::Events => {
            let answer = turn.answer(StatusCode::OK, Some(EVENT_STREAM), Body::empty());
            let source = response.into_body();
            let stream = events::Stream::new(turn, settle, Treat::Session, Some(session), source);
            answer.map(|_| Body::new(stream))
        }
        401 | 403 => {
            fail(
                &turn,
                settle,
                &Fault::Credential(Some(status.as_u16())),
                None,
            )
            .await
        }
        // Most servers have no such stream, which clients take for what it is.
        400 | 404 | 405 => plain(&turn, settle, status),
        _ => {
            let fault =
                Fault::Invalid(format!("HTTP {} without an event stream", status.as_u16()).into());
            fail(&turn, settle, &fault, None).await
        }
    }
}

/// `DELETE`: the client ends its session.
pub(crate) async fn delete(turn: Turn, permit: Permit, session: Session) -> Response<Body> {
    let mut settle = permit.spend();
    let way = match way(&turn) {
        Ok(way) => way,
        Err(fault) => return fail(&turn, settle, &fault, None).await,
    };
    let request = in_session(&way, Method::DELETE, &session);
    let first_byte = turn.gateway.settings.first_byte;
    let response = match way.upstream.send(request, first_byte).await {
        Ok(response) => response,
        Err(error) => return fail(&turn, settle, &broken(&error), None).await,
    };
    let status = response.status();
    settle.status = Some(status.as_u16());
    match status.as_u16() {
        200..300 => {
            settle.record(Settled::Ok);
            turn.answer(StatusCode::NO_CONTENT, None, Body::empty())
        }
        401 | 403 => {
            fail(
                &turn,
                settle,
                &Fault::Credential(Some(status.as_u16())),
                None,
            )
            .await
        }
        400 | 404 | 405 => plain(&turn, settle, status),
        _ => {
            let fault = Fault::Invalid(format!("HTTP {}", status.as_u16()).into());
            fail(&turn, settle, &fault, None).await
        }
    }
}

/// An upstream's 400, 404 or 405, in our words.
fn plain(turn: &Turn, mut settle: Settle, status: StatusCode) -> Response<Body> {
    settle.record(Settled::RpcError);
    let text = match status {
        StatusCode::METHOD_NOT_ALLOWED => "The server does not do this.",
        _ => "The server knows no such session; start again with initialize.",
    };
    let body = crate::answers::error(None, TRANSPORT, text, None);
    let mut response = turn.answer(status, Some(JSON), body.into());
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = HeaderValue::from_static("POST, OPTIONS");
        response.headers_mut().insert(http::header::ALLOW, allowed);
    }
    response
}

fn in_session(way: &WayOut, method: Method, session: &Session) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    let mut headers = way.headers.clone();
    common(&mut headers);
    session_headers(&mut headers, session);
    *request.headers_mut() = headers;
    request
}

fn session_headers(headers: &mut HeaderMap, session: &Session) {
    // Both were header values before they were sealed.
    for (name, text) in [
        (SESSION_ID, &session.upstream_id),
        (PROTOCOL_VERSION, &session.version),
    ] {
        if let Ok(value) = HeaderValue::from_str(text)
            && !text.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

/// Sends the answer to a server's request, on a client's behalf, and does not wait for thanks.
pub(crate) async fn say(
    way: &Way,
    session: &Session,
    body: Bytes,
    first_byte: std::time::Duration,
) {
    let Way {
        upstream,
        headers: Some(headers),
    } = way.clone()
    else {
        return;
    };
    let mut request = post(&WayOut { upstream, headers }, body, &[]);
    session_headers(request.headers_mut(), session);
    if let Err(error) = way.upstream.send(request, first_byte).await {
        tracing::debug!(%error, "a server's request could not be answered");
    }
}
