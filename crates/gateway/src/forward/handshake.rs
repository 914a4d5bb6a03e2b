//! The answer to `initialize` and `server/discover`.

use axum::body::Body;
use domain::audit::Settled;
use http::{HeaderValue, Response};
use upstream::Answer;

use super::fail;
use crate::{
    answers::JSON,
    collect::{Collected, Deadlines, collect},
    events,
    handshake::{self, Adjust, HANDSHAKE_BYTES_MAX},
    headers::SESSION_ID,
    read::{Kind, Outgoing},
    refusal::Fault,
    session::Session,
    settle::Settle,
    turn::Turn,
};

/// The answer to `initialize` or `server/discover`, as one JSON message whatever it came as: the
/// version that was agreed on has to be known before the session is sealed.
pub(super) async fn handshake(
    turn: Turn,
    mut settle: Settle,
    out: Outgoing,
    response: Response<Answer>,
    events: bool,
) -> Response<Body> {
    let status = response.status();
    let deadlines = Deadlines::from(&turn.gateway.settings);
    let upstream_id = match response.headers().get(SESSION_ID) {
        Some(id) if out.kind == Kind::Initialize => id.to_str().ok().map(str::to_owned),
        _ => None,
    };
    let id = turn.id.as_deref().unwrap_or_default();
    let body = if events {
        events::first_answer(response.into_body(), id, HANDSHAKE_BYTES_MAX, deadlines).await
    } else {
        match collect(response.into_body(), HANDSHAKE_BYTES_MAX, deadlines).await {
            Ok(Collected::Whole(body)) => Ok(body),
            Ok(Collected::Large(..)) => Err(Fault::Invalid("it is too long".into())),
            Err(fault) => Err(fault),
        }
    };
    let body = match body {
        Ok(body) => body,
        Err(fault) => return fail(&turn, settle, &fault, None).await,
    };
    settle.bytes = body.len() as u64;
    let adjust = Adjust {
        others: turn.caller.grant.policy.allows_by_default(),
        tells_changes: upstream_id.is_some(),
        stateless: turn.is_stateless(),
    };
    let Some(adjusted) = handshake::answer(&body, id, adjust) else {
        let fault = Fault::Invalid("its answer to the handshake cannot be read".into());
        return fail(&turn, settle, &fault, None).await;
    };
    let sealed = match upstream_id.filter(|_| !adjusted.is_error) {
        None => None,
        Some(upstream_id) => match seal(&turn, upstream_id, &adjusted.version) {
            Some(value) => Some(value),
            None => {
                let fault = Fault::Invalid("its session id cannot be relayed".into());
                return fail(&turn, settle, &fault, None).await;
            }
        },
    };
    settle.record(if adjusted.is_error {
        Settled::RpcError
    } else {
        Settled::Ok
    });
    let mut response = turn.answer(status, Some(JSON), adjusted.text.into());
    if let Some(sealed) = sealed {
        response.headers_mut().insert(SESSION_ID, sealed);
    }
    response
}

fn seal(turn: &Turn, upstream_id: String, version: &str) -> Option<HeaderValue> {
    let keys = turn.gateway.keys.load();
    let server = &turn.caller.grant.server;
    let session = Session {
        upstream_id,
        origin: server.origin().to_owned(),
        version: version
            .chars()
            .filter(char::is_ascii_graphic)
            .take(32)
            .collect(),
        client: turn.client.clone().unwrap_or_default(),
        began_ms: crate::clock::unix_ms(),
    };
    let sealed = session.seal(&keys.as_ref()?.keyring, server.id, turn.caller.grant_id())?;
    HeaderValue::from_str(&sealed).ok()
}
