//! One request, from the door to its answer.

use std::{borrow::Cow, net::IpAddr, sync::Arc, time::Instant};

use axum::{body::Body, extract::Request};
use bytes::{Bytes, BytesMut};
use domain::EventId;
use http::{
    HeaderMap, HeaderValue, Method, Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
    request::Parts,
};
use http_body_util::BodyExt;
use tokio::time::{Duration, timeout};

use crate::{
    admit::{Ask, admit},
    answers,
    caller::{Keys, Proven, address_of},
    clock::unix_ms,
    cors::{self, Browser},
    era::Era,
    forward::{self, Uncancelled},
    gateway::Gateway,
    message::invalid,
    read::{self, Kind, read},
    refusal::{Door, Refusal},
    result_max::ResultMax,
    route::Target,
    share::{Held, Place},
    turn::Turn,
};

/// How long a request's body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read away, so that the client sees the answer instead of
/// a broken connection.
const DISCARD_BYTES_MAX: u64 = 64 << 20;

pub(crate) async fn answer(
    gateway: Arc<Gateway>,
    request: Request,
    peer: Option<IpAddr>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let browser = Browser::of(&parts.headers, &gateway.place);
    let Some(target) =
        Target::parse(&parts.uri).filter(|_| gateway.place.is_here(&parts.uri, &parts.headers))
    else {
        return answers::door(Door::NoSuchPath, &browser);
    };
    match parts.method {
        Method::POST | Method::GET | Method::DELETE => {}
        Method::OPTIONS => return cors::preflight(&parts.headers, &browser),
        _ => return answers::door(Door::Method, &browser),
    }
    let now_ms = unix_ms();
    let staleness = gateway
        .staleness()
        .filter(|age| *age <= gateway.settings.staleness_max);
    let (Some(staleness), Some(keys)) = (staleness, gateway.keys.load_full()) else {
        return answers::door(Door::Stale, &browser);
    };
    let address = address_of(peer, &parts.headers, &gateway.settings.trusted_proxies);
    let proven = Proven::read(&parts.headers, &keys, &gateway.throttle, address, now_ms);
    let proven = match proven {
        Ok(proven) => proven,
        Err(door) => return answers::door(door, &browser),
    };
    gateway.catch_up(&proven, now_ms).await;
    let (caller, found) = {
        let table = gateway.table.load();
        let caller = match proven.stand(&table, &gateway.throttle, now_ms) {
            Ok(caller) => caller,
            Err(door) => return answers::door(door, &browser),
        };
        let server = match target {
            Target::Id(id) => Some(id),
            Target::Slugs(org, server) => table
                .slugs
                .get(org)
                .and_then(|org| table.orgs.get(org))
                .and_then(|routes| routes.by_slug.get(server))
                .copied(),
        };
        let found = server == Some(caller.grant.server.id);
        (caller, found)
    };
    let place = Place::take(&caller.grant.share).map(Arc::new);
    let turn = Turn {
        gateway,
        place,
        caller,
        event: EventId::generate(),
        arrived: Instant::now(),
        snapshot_age_ms: u64::try_from(staleness.as_millis()).unwrap_or(u64::MAX),
        request_bytes: 0,
        method: Cow::Borrowed(""),
        tool: None,
        client: None,
        era: Era::Session,
        id: None,
        shadow: Vec::new(),
        result_max: None,
        browser,
    };
    if !found {
        return turn.refuse(Refusal::WrongServer);
    }
    if matches!(turn.browser, Browser::Refused) {
        return turn.refuse(Refusal::Origin);
    }
    if turn.place.is_none() {
        return turn.refuse(Refusal::Busy);
    }
    match parts.method {
        Method::POST => post(turn, &keys, &parts, body).await,
        _ => in_session(turn, &keys, &parts).await,
    }
}

/// A message.
async fn post(mut turn: Turn, keys: &Keys, parts: &Parts, body: Body) -> Response<Body> {
    let mut held = Held::nothing(&turn.caller.grant.share);
    let body = match whole(&turn, &parts.headers, body, &mut held).await {
        Ok(body) => body,
        Err(refusal) => return turn.refuse(refusal),
    };
    turn.arrived = Instant::now();
    turn.request_bytes = body.len() as u64;
    // A body may take its time, and what the head was let in by may have ended meanwhile: a grant
    // is judged by the routes, and the clock, of when its request is whole.
    let now_ms = unix_ms();
    if let Err(door) = turn.stand_again(now_ms) {
        return answers::door(door, &turn.browser);
    }
    // The policy is held here, because the judgement borrows from it while the limits are asked.
    let grant = Arc::clone(&turn.caller.grant);
    let mut asked = match read(
        &mut turn,
        &parts.headers,
        &body,
        &grant.policy,
        keys,
        now_ms,
    ) {
        Ok(asked) => asked,
        Err(refusal) => return turn.refuse(refusal),
    };
    let ask = match (asked.judgement, asked.out.kind) {
        (Some(judgement), _) => Ask::Call(judgement),
        (None, Kind::Initialize) => Ask::Initialize,
        (None, _) => Ask::Other,
    };
    let permit = match admit(&mut turn, ask).await {
        Ok(permit) => permit,
        Err(refusal) => {
            if matches!(refusal, Refusal::Unknown { .. }) {
                turn.gateway.refresh(&grant.server, now_ms);
            }
            return turn.refuse(refusal);
        }
    };
    asked.out.held = Some(held);
    let uncancelled = asked.out.kind == Kind::Call && !turn.is_stateless();
    let forwarded = forward::message(turn, permit, asked.out);
    if uncancelled {
        Uncancelled::new(forwarded).await
    } else {
        forwarded.await
    }
}

/// `GET` and `DELETE`, which exist only inside a session.
async fn in_session(mut turn: Turn, keys: &Keys, parts: &Parts) -> Response<Body> {
    turn.method = if parts.method == Method::GET {
        "GET"
    } else {
        "DELETE"
    }
    .into();
    let session = match read::session(&turn, &parts.headers, keys) {
        Ok(Some(session)) => session,
        Ok(None) => return turn.refuse(Refusal::NoSession),
        Err(refusal) => return turn.refuse(refusal),
    };
    turn.client = Some(session.client.clone()).filter(|client| !client.is_empty());
    let last_event = match read::last_event(&turn, &parts.headers, &session, keys) {
        Ok(event) => event,
        Err(refusal) => return turn.refuse(refusal),
    };
    let bytes = last_event.as_ref().and_then(|event| event.result_bytes_max);
    turn.result_max = bytes.map(|bytes| ResultMax { bytes, rule: None });
    let permit = match admit(&mut turn, Ask::Other).await {
        Ok(permit) => permit,
        Err(refusal) => return turn.refuse(refusal),
    };
    if parts.method == Method::GET {
        forward::stream(turn, permit, session, last_event.map(|event| event.id)).await
    } else {
        forward::delete(turn, permit, session).await
    }
}

/// The body in one piece, if its headers and its length allow it. What comes in one piece is not
/// copied.
async fn whole(
    turn: &Turn,
    headers: &HeaderMap,
    body: Body,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    let max = turn.gateway.settings.body_bytes_max;
    let said = said_length(headers);
    if said.is_some_and(|said| said > max as u64) {
        discard(body).await;
        return Err(Refusal::TooLarge);
    }
    if !is_json(headers) {
        return Err(Refusal::MediaType);
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::Malformed(invalid(
            "a body with a Content-Encoding is not read",
        )));
    }
    if said.is_some() && headers.contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::Malformed(invalid(
            "Content-Length and Transfer-Encoding contradict",
        )));
    }
    match timeout(BODY_TIMEOUT, gather(body, max, held)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(Gathered::TooLarge(rest))) => {
            discard(rest).await;
            Err(Refusal::TooLarge)
        }
        Ok(Err(Gathered::Busy)) => Err(Refusal::Busy),
        Ok(Err(Gathered::Broken)) | Err(_) => Err(Refusal::Unfinished),
    }
}

enum Gathered {
    TooLarge(Body),
    /// The grant's bodies together are more than are held for one.
    Busy,
    Broken,
}

async fn gather(mut body: Body, max: usize, held: &mut Held) -> Result<Bytes, Gathered> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Gathered::Broken)?.into_data() else {
            continue;
        };
        if first.len().max(more.len()) + data.len() > max {
            return Err(Gathered::TooLarge(body));
        }
        if !held.more(data.len(), max) {
            return Err(Gathered::Busy);
        }
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() {
        first
    } else {
        more.freeze()
    })
}

/// Reads a body away, within reason.
async fn discard(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read > DISCARD_BYTES_MAX {
                break;
            }
        }
    };
    let _ = timeout(Duration::from_secs(5), reading).await;
}

fn said_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the one `Content-Type` is JSON, in UTF-8 if it says.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(one), None) = (types.next(), types.next()) else {
        return false;
    };
    one == HeaderValue::from_static("application/json")
        || one.to_str().is_ok_and(|text| {
            let mut parts = text.split(';').map(str::trim);
            parts
                .next()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
                && parts.all(|part| {
                    part.split_once('=').is_some_and(|(name, value)| {
                        name.eq_ignore_ascii_case("charset")
                            && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
                    })
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_in_utf_8_is_read() {
        let check = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_TYPE, HeaderValue::from_str(value).expect("a value"));
            }
            is_json(&headers)
        };
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(check(&[good]), "{good}");
        }
        for bad in [
            &[][..],
            &["text/plain"],
            &["application/json; charset=utf-16"],
            &["application/json; v=1"],
            &["application/jsonp"],
            &["application/json;"],
            &["application/json", "application/json"],
        ] {
            assert!(!check(bad), "{bad:?}");
        }
    }
}
