//! The way to the upstream and what its answer means. Takes a [`Permit`], sends once, settles once.
//!
//! Source: `wire.md`, section 5, whose table is `heard` and `refused` here, row by row.

mod handshake;
mod session;
mod uncancelled;

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use domain::audit::Settled;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, VIA},
};
use http_body_util::Full;
use limits::Proof;
use upstream::{Answer, Upstream};

use crate::{
    admit::Permit,
    answers::{EVENT_STREAM, JSON},
    collect::{Collected, Deadlines, SMALL_BYTES_MAX, broken, collect},
    events::{self, Treat},
    list::{self, LIST_BYTES_MAX},
    read::{Kind, Outgoing},
    refusal::{Fault, TRANSPORT},
    relay::Relay,
    result_max::ResultMax,
    routes::Way,
    scan::{Found, Scan, same_id},
    settle::Settle,
    turn::Turn,
};
use handshake::handshake;

pub(crate) use session::{delete, say, stream};
pub(crate) use uncancelled::Uncancelled;

/// Statuses that say the request was turned away before anything ran: `policy.md`, section 4.
const TURNED_AWAY: [u16; 7] = [401, 403, 404, 405, 413, 415, 429];

/// Sends a message and brings its answer back.
pub(crate) async fn message(turn: Turn, permit: Permit, out: Outgoing) -> Response<Body> {
    let mut settle = permit.spend();
    let way = match way(&turn) {
        Ok(way) => way,
        Err(fault) => return fail(&turn, settle, &fault, Some(Proof::NothingSent)).await,
    };
    let request = post(&way, out.body.clone(), &out.headers);
    let first_byte = turn.gateway.settings.first_byte;
    let response = match way.upstream.send(request, first_byte).await {
        Ok(response) => response,
        Err(error) => {
            let fault = broken(&error);
            let unsent = matches!(fault, Fault::Unreachable(_)).then_some(Proof::NothingSent);
            tracing::debug!(event.id = %turn.event, %error, "no answer");
            return fail(&turn, settle, &fault, unsent).await;
        }
    };
    settle.status = Some(response.status().as_u16());
    if response.status().is_success() {
        heard(turn, settle, out, response).await
    } else {
        refused(turn, settle, out, response).await
    }
}

fn way(turn: &Turn) -> Result<WayOut, Fault> {
    let way = turn.caller.grant.server.way.as_ref();
    let way = way.ok_or(Fault::Unreachable("its address cannot be used"))?;
    let Way { upstream, headers } = way.clone();
    Ok(WayOut {
        upstream,
        headers: headers.ok_or(Fault::Credential(None))?,
    })
}

/// A way with its credential at hand.
pub(crate) struct WayOut {
    upstream: Arc<Upstream>,
    headers: HeaderMap,
}

/// Only what stands here goes to an upstream; nothing is copied from the client's headers. The
/// upstream's own `Host` is set where the connection is.
fn post(way: &WayOut, body: Bytes, mcp: &[(HeaderName, HeaderValue)]) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    let mut headers = way.headers.clone();
    headers.reserve(mcp.len() + 4);
    headers.insert(CONTENT_TYPE, JSON);
    common(&mut headers);
    for (name, value) in mcp {
        headers.insert(name, value.clone());
    }
    *request.headers_mut() = headers;
    request
}

fn common(headers: &mut HeaderMap) {
    const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(ACCEPT, BOTH);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(VIA, HeaderValue::from_static("1.1 tollgate"));
}

/// Records a fault and says it.
async fn fail(
    turn: &Turn,
    mut settle: Settle,
    fault: &Fault,
    proof: Option<Proof>,
) -> Response<Body> {
    if let Some(proof) = proof {
        settle.give_back(proof).await;
    }
    settle.record(fault.settled());
    let server = &turn.caller.grant.server;
    tracing::info!(event.id = %turn.event, server.id = %server.id, code = fault.code().0, "no answer relayed");
    turn.fault(fault)
}

/// The upstream answered with something other than success.
async fn refused(
    turn: Turn,
    mut settle: Settle,
    out: Outgoing,
    response: Response<Answer>,
) -> Response<Body> {
    let status = response.status();
    let turned_away = TURNED_AWAY
        .contains(&status.as_u16())
        .then_some(Proof::UpstreamSays);
    // Relayed, these would make the client sign in to the wrong party, or follow.
    if matches!(status.as_u16(), 401 | 403) {
        return fail(
            &turn,
            settle,
            &Fault::Credential(Some(status.as_u16())),
            turned_away,
        )
        .await;
    }
    if status.is_redirection() || status.is_informational() {
        let fault = Fault::Invalid(format!("it redirects (HTTP {})", status.as_u16()).into());
        return fail(&turn, settle, &fault, None).await;
    }
    let body = if content(&response) == Content::Json {
        let deadlines = Deadlines::from(&turn.gateway.settings);
        match collect(response.into_body(), SMALL_BYTES_MAX, deadlines).await {
            Ok(Collected::Whole(body)) => Some(body),
            Ok(Collected::Large(..)) | Err(_) => None,
        }
    } else {
        None
    };
    let error = body.filter(|body| Scan::whole(body).is_some_and(|found| is_error(&found)));
    let code = error
        .as_ref()
        .and_then(|body| Scan::whole(body))
        .and_then(|found| found.code);
    let unknown_method = (code == Some(-32601)).then_some(Proof::UpstreamSays);
    if let Some(proof) = turned_away.or(unknown_method) {
        settle.give_back(proof).await;
    }
    if let Some(body) = error {
        settle.bytes = body.len() as u64;
        settle.record(Settled::RpcError);
        return turn.answer(status, Some(JSON), body.into());
    }
    // A dead session, said without JSON-RPC: the client starts again.
    if status == StatusCode::NOT_FOUND && out.session.is_some() {
        settle.record(Settled::RpcError);
        let text = "There is no such session; start again with initialize.";
        let body = crate::answers::error(turn.id.as_deref(), TRANSPORT, text, None);
        return turn.answer(status, Some(JSON), body.into());
    }
    let fault = Fault::Invalid(format!("HTTP {} without a JSON-RPC error", status.as_u16()).into());
    fail(&turn, settle, &fault, None).await
}

fn is_error(found: &Found) -> bool {
    found.error && !found.result && found.method.is_none()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Json,
    Events,
    Other,
}

fn content(response: &Response<Answer>) -> Content {
    let said = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = said
        .and_then(|text| text.split(';').next())
        .unwrap_or_default()
        .trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Content::Json
    } else if kind.eq_ignore_ascii_case("text/event-stream") {
        Content::Events
    } else {
        Content::Other
    }
}

/// The upstream answered with success.
async fn heard(
    turn: Turn,
    mut settle: Settle,
    out: Outgoing,
    response: Response<Answer>,
) -> Response<Body> {
    if out.kind == Kind::Notification {
        settle.record(Settled::Ok);
        return turn.answer(StatusCode::ACCEPTED, None, Body::empty());
    }
    let status = response.status();
    match (content(&response), out.kind) {
        (Content::Other, _) => {
            let fault = Fault::Invalid("it is neither JSON nor an event stream".into());
            fail(&turn, settle, &fault, None).await
        }
        (content, Kind::Initialize | Kind::Discover) => {
            handshake(turn, settle, out, response, content == Content::Events).await
        }
        (Content::Json, Kind::List) => page(turn, settle, response).await,
        (Content::Json, _) => json(turn, settle, status, response.into_body()).await,
        (Content::Events, kind) => {
            let id = turn.id.clone().unwrap_or_default();
            let treat = if kind == Kind::List {
                Treat::List(id)
            } else {
                Treat::Answer(id)
            };
            let answer = turn.answer(status, Some(EVENT_STREAM), Body::empty());
            let source = response.into_body();
            let stream = events::Stream::new(turn, settle, treat, out.session, source);
            answer.map(|_| Body::new(stream))
        }
    }
}

/// One JSON answer, relayed as it came once it is known to be one.
async fn json(
    turn: Turn,
    mut settle: Settle,
    status: StatusCode,
    answer: Answer,
) -> Response<Body> {
    let deadlines = Deadlines::from(&turn.gateway.settings);
    let max = turn.result_max.as_ref();
    let held = max.map_or(SMALL_BYTES_MAX, ResultMax::held_bytes_max);
    let body = match (collect(answer, held, deadlines).await, max) {
        (Err(fault), _) => return fail(&turn, settle, &fault, None).await,
        (Ok(Collected::Large(pieces, _)), Some(max)) => {
            settle.bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
            return withhold(&turn, settle, max, None).await;
        }
        (Ok(Collected::Large(pieces, rest)), None) => {
            let id = turn.id.clone().unwrap_or_default();
            let relay = Relay::new(pieces, rest, id, deadlines, settle, turn.is_stateless());
            return turn.answer(status, Some(JSON), Body::new(relay));
        }
        (Ok(Collected::Whole(body)), _) => body,
    };
    settle.bytes = body.len() as u64;
    let known = Scan::whole(&body)
        .ok_or(Fault::Invalid("it is not a JSON-RPC message".into()))
        .and_then(|found| {
            let id = turn.id.as_deref().unwrap_or_default();
            outcome(&found, id).map(|outcome| (found, outcome))
        });
    match (known, max) {
        (Err(fault), _) => fail(&turn, settle, &fault, None).await,
        (Ok((found, (_, proof))), Some(max)) if !max.lets_through(&found) => {
            withhold(&turn, settle, max, proof).await
        }
        (Ok((_, (settled, proof))), _) => {
            if let Some(proof) = proof {
                settle.give_back(proof).await;
            }
            settle.record(settled);
            turn.answer(status, Some(JSON), body.into())
        }
    }
}

/// The answer is larger than a rule lets through: the client gets an error in its place.
async fn withhold(
    turn: &Turn,
    settle: Settle,
    max: &ResultMax,
    proof: Option<Proof>,
) -> Response<Body> {
    fail(turn, settle, &Fault::TooLarge(max.clone()), proof).await
}

/// What one message says became of the request with this id, and whether it is proof that nothing
/// ran.
pub(crate) fn outcome(found: &Found, id: &[u8]) -> Result<(Settled, Option<Proof>), Fault> {
    let own = found
        .id
        .as_deref()
        .is_some_and(|answered| same_id(answered, id));
    let nameless = found
        .id
        .as_deref()
        .is_none_or(|answered| answered == b"null");
    if found.method.is_some() || found.result == found.error {
        return Err(Fault::Invalid("it is not the answer to a request".into()));
    }
    if !(own || found.error && nameless) {
        return Err(Fault::Invalid("it answers another request".into()));
    }
    if found.error {
        let proof = (found.code == Some(-32601)).then_some(Proof::UpstreamSays);
        return Ok((Settled::RpcError, proof));
    }
    if found.is_unfinished() {
        let what = "it asks for more input or made a task, which is not relayed";
        return Err(Fault::Invalid(what.into()));
    }
    Ok((
        if found.is_error {
            Settled::ToolError
        } else {
            Settled::Ok
        },
        None,
    ))
}

/// A page of tools as JSON.
async fn page(turn: Turn, mut settle: Settle, response: Response<Answer>) -> Response<Body> {
    let status = response.status();
    let deadlines = Deadlines::from(&turn.gateway.settings);
    let body = match collect(response.into_body(), LIST_BYTES_MAX, deadlines).await {
        Ok(Collected::Whole(body)) => body,
        Ok(Collected::Large(..)) => {
            let fault = Fault::Invalid("its list of tools is too long".into());
            return fail(&turn, settle, &fault, None).await;
        }
        Err(fault) => return fail(&turn, settle, &fault, None).await,
    };
    settle.bytes = body.len() as u64;
    let id = turn.id.as_deref().unwrap_or_default();
    let known = Scan::whole(&body)
        .ok_or(Fault::Invalid("it is not a JSON-RPC message".into()))
        .and_then(|found| outcome(&found, id));
    let (settled, filtered) = match known {
        Err(fault) => return fail(&turn, settle, &fault, None).await,
        Ok((settled, _)) => (
            settled,
            list::filter(&body, &turn.caller.grant, turn.is_stateless()),
        ),
    };
    let Ok(filtered) = filtered else {
        let fault = Fault::Invalid("its list of tools cannot be read".into());
        return fail(&turn, settle, &fault, None).await;
    };
    if filtered.news {
        turn.gateway
            .refresh(&turn.caller.grant.server, crate::clock::unix_ms());
    }
    settle.record(settled);
    turn.answer(status, Some(JSON), filtered.text.into())
}
