//! From bytes to something that can be decided: the body is read strictly, its era and session are
//! known, its headers agree with it, and what will be forwarded is fixed before it is judged.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use json::{Bounds, Document, FaultKind, Value};
use policy::{Call, GrantFacts, Judgement};

use crate::{
    caller::Keys,
    envelope::{as_judged, call_envelope, envelope},
    era::{self, Era},
    handshake,
    headers::{self, PROTOCOL_VERSION, SESSION_ID},
    message::{self, DEPTH_MAX, Malformed, Message, PARSE_ERROR, Shape},
    refusal::Refusal,
    routes::GrantPolicy,
    session::{EventMark, Session},
    share::Held,
    turn::Turn,
};

/// What kind of thing is asked, by how its answer is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    List,
    Initialize,
    Discover,
    /// Relayed as it comes.
    Relay,
    Notification,
}

/// What is sent to the upstream if it is let through.
pub(crate) struct Outgoing {
    pub(crate) kind: Kind,
    pub(crate) body: Bytes,
    /// What the request's body counts for, as long as it is held.
    pub(crate) held: Option<Held>,
    pub(crate) session: Option<Session>,
    /// MCP headers, made from the body.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// A request that was read, and judged where a policy judges it.
pub(crate) struct Asked<'e> {
    pub(crate) out: Outgoing,
    pub(crate) judgement: Option<Judgement<'e>>,
}

/// Reads a body.
pub(crate) fn read<'e>(
    turn: &mut Turn,
    request: &HeaderMap,
    body: &Bytes,
    policy: &'e GrantPolicy,
    keys: &Keys,
    now_ms: u64,
) -> Result<Asked<'e>, Refusal> {
    let bounds = Bounds {
        bytes_max: turn.gateway.settings.body_bytes_max,
        depth_max: DEPTH_MAX,
    };
    let doc = Document::parse(body, bounds).map_err(|fault| match fault.kind {
        FaultKind::TooLong => Refusal::TooLarge,
        _ => Refusal::Malformed(Malformed {
            code: PARSE_ERROR,
            text: format!("The body is not strict JSON: {fault}").into(),
        }),
    })?;
    let message = message::read(doc.root(), body, &mut turn.id).map_err(Refusal::Malformed)?;
    if message.shape == Shape::Response {
        // No request of a server ever reaches a client, so there is nothing to answer.
        turn.method = "response".into();
        return Err(Refusal::Response);
    }
    turn.method = known(&message.method);
    turn.era = era::of(&message, request).map_err(Refusal::Malformed)?;
    let session = match turn.era {
        Era::Session if message.method != "initialize" => session(turn, request, keys)?,
        Era::Session | Era::Stateless => None,
    };
    let meta = message.params.and_then(|params| params.get("_meta"));
    turn.client = match &session {
        Some(session) => Some(session.client.clone()).filter(|client| !client.is_empty()),
        None => era::client(meta),
    };
    let mut asked = match message.shape {
        Shape::Notification => notification(turn, &message, session.as_ref(), body)?,
        Shape::Request | Shape::Response => ask(
            turn,
            &message,
            session.as_ref(),
            request,
            body,
            policy,
            now_ms,
        )?,
    };
    mcp_headers(turn, &mut asked.out, session.as_ref(), request)?;
    asked.out.session = session;
    Ok(asked)
}

/// The session that the request presents, if any.
pub(crate) fn session(
    turn: &Turn,
    request: &HeaderMap,
    keys: &Keys,
) -> Result<Option<Session>, Refusal> {
    let Some(sealed) = headers::one(request, &SESSION_ID)
        .map_err(|_| Refusal::Malformed(message::invalid("Mcp-Session-Id stands twice")))?
    else {
        return Ok(None);
    };
    let server = &turn.caller.grant.server;
    let grant = turn.caller.grant_id();
    Session::unseal(sealed, &keys.keyring, server.id, grant, server.origin())
        .map(Some)
        .ok_or(Refusal::Session)
}

/// Methods are nearly always one of these; the rest are kept as they came.
fn known(method: &str) -> Cow<'static, str> {
    const KNOWN: [&str; 6] = [
        "tools/call",
        "tools/list",
        "initialize",
        "ping",
        "notifications/initialized",
        "server/discover",
    ];
    match KNOWN.iter().find(|known| **known == method) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(method.to_owned()),
    }
}

fn ask<'e>(
    turn: &mut Turn,
    message: &Message<'_>,
    session: Option<&Session>,
    request: &HeaderMap,
    body: &Bytes,
    policy: &'e GrantPolicy,
    now_ms: u64,
) -> Result<Asked<'e>, Refusal> {
    let stateless = turn.is_stateless();
    let kind = match &*message.method {
        "tools/call" => return call(turn, message, request, body, policy, now_ms),
        "tools/list" => Kind::List,
        "initialize" if !stateless => {
            let (text, client) = handshake::request(message.params);
            turn.client = client;
            let body = text.map_or_else(
                || as_judged(turn, message, body),
                |params| envelope(turn, message, Some(&params)),
            );
            return Ok(plain(Kind::Initialize, body));
        }
        "server/discover" if stateless => Kind::Discover,
        "ping" if !stateless => Kind::Relay,
        "logging/setLevel" if !stateless && session.is_some() => Kind::Relay,
        "prompts/list"
        | "prompts/get"
        | "resources/list"
        | "resources/templates/list"
        | "resources/read"
        | "completion/complete"
            if policy.allows_by_default() =>
        {
            Kind::Relay
        }
        "resources/subscribe" | "resources/unsubscribe"
            if policy.allows_by_default() && session.is_some() =>
        {
            Kind::Relay
        }
        _ => return Err(Refusal::Method),
    };
    let continues = |params: Value<'_>| {
        params.get("inputResponses").is_some() || params.get("requestState").is_some()
    };
    if message.params.is_some_and(continues) {
        return Err(Refusal::Continuation);
    }
    let mut headers = Vec::new();
    if stateless {
        let name = era::name_header(&message.method, message.params, request);
        if let Some(value) = name.map_err(Refusal::Malformed)? {
            headers.push((headers::NAME, value));
        }
    }
    let lesser = message
        .params
        .filter(|_| stateless)
        .and_then(era::without_blocked);
    let body = match &lesser {
        Some(params) => envelope(turn, message, Some(params)),
        None => as_judged(turn, message, body),
    };
    let mut asked = plain(kind, body);
    asked.out.headers = headers;
    Ok(asked)
}

fn call<'e>(
    turn: &mut Turn,
    message: &Message<'_>,
    request: &HeaderMap,
    body: &Bytes,
    policy: &'e GrantPolicy,
    now_ms: u64,
) -> Result<Asked<'e>, Refusal> {
    let stateless = turn.is_stateless();
    let call = message::tool_call(message.params, stateless).map_err(Refusal::Malformed)?;
    let name = turn.tool.insert(call.name.clone().into_owned()).as_str();
    let grant = &turn.caller.grant;
    let mut headers = Vec::new();
    let mut body = match (message.plain, &call.name) {
        (true, Cow::Borrowed(_)) => body.clone(),
        _ => call_envelope(
            turn.id.as_ref(),
            name,
            call.arguments,
            call.meta.map(Value::raw),
        ),
    };
    if stateless {
        let named = era::name_header(&message.method, message.params, request);
        headers.extend(
            named
                .map_err(Refusal::Malformed)?
                .map(|value| (headers::NAME, value)),
        );
        // Of a tool that the list does not show, not even its headers may be learned.
        let tied = grant
            .server
            .tied
            .get(name)
            .filter(|_| policy.shows(name))
            .map(|tied| &**tied)
            .unwrap_or_default();
        let (params, unknown) =
            era::param_values(tied, call.arguments, request).map_err(Refusal::Malformed)?;
        headers.extend(params);
        if unknown {
            turn.gateway.refresh(&grant.server, now_ms);
        }
        if let Some(meta) = message.params.and_then(era::meta_without_blocked) {
            body = call_envelope(turn.id.as_ref(), name, call.arguments, Some(&meta));
        }
    }
    if call.task {
        return Err(Refusal::Task);
    }
    if call.continues {
        return Err(Refusal::Continuation);
    }
    let engine = match policy {
        GrantPolicy::None => return Err(Refusal::NoPolicy),
        GrantPolicy::Unreadable(_) => return Err(Refusal::PolicyUnreadable),
        GrantPolicy::Ready(compiled) => &compiled.engine,
    };
    let judgement = engine.judge(&Call {
        tool: name,
        arguments: call.arguments,
        grant: GrantFacts {
            label: grant.route.label.as_str(),
            identity: grant.route.identity.as_ref().map(domain::Identity::as_str),
            labels: &grant.route.labels,
        },
        class: None,
        now_unix_ms: now_ms,
    });
    let out = Outgoing {
        kind: Kind::Call,
        body,
        held: None,
        session: None,
        headers,
    };
    Ok(Asked {
        out,
        judgement: Some(judgement),
    })
}

/// Notifications come from a closed list; two of them speak of a request in a session.
fn notification(
    turn: &Turn,
    message: &Message<'_>,
    session: Option<&Session>,
    body: &Bytes,
) -> Result<Asked<'static>, Refusal> {
    let passes = match &*message.method {
        "notifications/initialized" | "notifications/roots/list_changed" => !turn.is_stateless(),
        "notifications/cancelled" | "notifications/progress" => session.is_some(),
        _ => false,
    };
    if !passes {
        return Err(Refusal::Notification);
    }
    Ok(plain(Kind::Notification, as_judged(turn, message, body)))
}

fn plain(kind: Kind, body: Bytes) -> Asked<'static> {
    Asked {
        out: Outgoing {
            kind,
            body,
            held: None,
            session: None,
            headers: Vec::new(),
        },
        judgement: None,
    }
}

/// The MCP headers for the upstream, from the body and the session alone.
fn mcp_headers(
    turn: &Turn,
    out: &mut Outgoing,
    session: Option<&Session>,
    request: &HeaderMap,
) -> Result<(), Refusal> {
    let put = |name, text: &str| HeaderValue::from_str(text).ok().map(|value| (name, value));
    match turn.era {
        Era::Stateless => {
            out.headers
                .push((PROTOCOL_VERSION, HeaderValue::from_static(era::STATELESS)));
            out.headers.extend(put(headers::METHOD, &turn.method));
        }
        Era::Session => {
            // The header was found to be one of the known revisions when the era was read.
            let header = headers::one(request, &PROTOCOL_VERSION).ok().flatten();
            let version = header.or(session.map(|session| session.version.as_str()));
            if let Some(version) = version.filter(|_| out.kind != Kind::Initialize) {
                out.headers.extend(put(PROTOCOL_VERSION, version));
            }
            if let Some(session) = session {
                out.headers
                    .push(put(SESSION_ID, &session.upstream_id).ok_or(Refusal::Session)?);
            }
        }
    }
    out.headers
        .extend(headers::traceparent(request).map(|value| (headers::TRACEPARENT, value)));
    Ok(())
}

/// What stands behind `Last-Event-ID`, if the request has one.
pub(crate) fn last_event(
    turn: &Turn,
    request: &HeaderMap,
    session: &Session,
    keys: &Keys,
) -> Result<Option<EventMark>, Refusal> {
    let Some(sealed) =
        headers::one(request, &headers::LAST_EVENT_ID).map_err(|_| Refusal::Event)?
    else {
        return Ok(None);
    };
    let (server, grant) = (turn.caller.grant.server.id, turn.caller.grant_id());
    session
        .unseal_event(sealed, &keys.keyring, server, grant)
        .map(Some)
        .ok_or(Refusal::Event)
}
