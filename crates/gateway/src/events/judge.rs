//! What becomes of each event.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use domain::audit::Settled;
use upstream::{
    UpstreamError,
    sse::{Event, Parser},
};

use super::Treat;
use crate::{
    caller::Caller,
    clock::unix_ms,
    collect::broken,
    forward::{outcome, say},
    list::{self, LIST_BYTES_MAX},
    refusal::Fault,
    result_max::ResultMax,
    scan::{Found, Scan, same_id},
    session::Session,
    settle::Settle,
    turn::Turn,
};

/// The longest event that is held; a list or a result can be one.
const EVENT_BYTES_MAX: usize = LIST_BYTES_MAX;
/// How many requests of the server are answered on one stream; more are dropped in silence, so that
/// a server cannot make the gateway talk without end.
const ANSWERED_MAX: u32 = 256;

/// What is known of a stream, apart from its bytes.
pub(super) struct Core {
    turn: Turn,
    treat: Treat,
    session: Option<Session>,
    parser: Parser,
    events: Vec<Event>,
    settle: Settle,
    answered: u32,
    /// An event id was passed on, with which the client can ask for the rest.
    resumable: bool,
}

impl Core {
    pub(super) fn new(turn: Turn, settle: Settle, treat: Treat, session: Option<Session>) -> Self {
        let held = turn.result_max.as_ref().map(ResultMax::held_bytes_max);
        Self {
            turn,
            treat,
            session,
            parser: Parser::new(held.unwrap_or(EVENT_BYTES_MAX)),
            events: Vec::new(),
            settle,
            answered: 0,
            resumable: false,
        }
    }

    pub(super) fn is_sessions(&self) -> bool {
        self.treat == Treat::Session
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settle.is_done()
    }

    /// Whether the upstream is listened to when the client has gone, so that the outcome is known.
    pub(super) fn outlives_its_client(&mut self) -> bool {
        if self.is_sessions() {
            // That is how such a stream ends.
            self.settle.record(Settled::Ok);
        }
        !self.turn.is_stateless() && !self.settle.is_done()
    }

    /// Asks the routes of now whether the grant is still good, and tells a changed list. False ends
    /// the stream.
    pub(super) fn is_still_good(&mut self, ready: &mut VecDeque<Bytes>) -> bool {
        let gateway = Arc::clone(&self.turn.gateway);
        let Some(now) = self.turn.caller.again(&gateway.table.load(), unix_ms()) else {
            // Revoked, paused or expired: nothing more may be seen.
            self.settle.record(Settled::Interrupted);
            return false;
        };
        if self.is_sessions() && self.sees_other_tools(&now) {
            let told = r#"data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
            ready.push_back(Bytes::from(format!("{told}\n\n")));
        }
        self.turn.caller = now;
        if self.is_sessions() && gateway.is_closing() {
            self.part("the gateway is shutting down", ready);
            return false;
        }
        true
    }

    /// Ends a session's stream with a comment.
    pub(super) fn part(&mut self, why: &str, ready: &mut VecDeque<Bytes>) {
        ready.push_back(Bytes::from(format!(": {why}\n\n")));
        self.settle.record(Settled::Ok);
    }

    fn sees_other_tools(&self, now: &Caller) -> bool {
        let before = &self.turn.caller.grant;
        let unchanged = match (before.policy.engine(), now.grant.policy.engine()) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if unchanged {
            return false;
        }
        let names = |caller: &Caller| {
            let shown = caller.grant.server.tools.iter();
            let mut shown: Vec<_> = shown
                .filter(|name| caller.grant.policy.shows(name))
                .cloned()
                .collect();
            shown.sort_unstable();
            shown
        };
        names(&self.turn.caller) != names(now)
    }

    /// Takes bytes in and appends what passes. False where the stream cannot be read on.
    pub(super) fn absorb(&mut self, data: &[u8], ready: &mut VecDeque<Bytes>) -> bool {
        self.settle.bytes += data.len() as u64;
        let mut events = std::mem::take(&mut self.events);
        let good = self.parser.push(data, &mut events).is_ok();
        let mut open = true;
        for event in events.drain(..) {
            open = open && self.judge(&event, ready);
        }
        self.events = events;
        if open && !good {
            let fault = match &self.turn.result_max {
                Some(max) => Fault::TooLarge(max.clone()),
                None => Fault::Invalid("an event of it is too long".into()),
            };
            self.fault(&fault, ready);
        }
        open && good
    }

    /// The stream ended, by itself or by an error.
    pub(super) fn finish(&mut self, error: Option<&UpstreamError>, ready: &mut VecDeque<Bytes>) {
        let parser = std::mem::replace(&mut self.parser, Parser::new(0));
        if error.is_none()
            && let Some(event) = parser.finish()
        {
            self.judge(&event, ready);
        }
        if self.is_sessions() {
            let settled = error.map_or(Settled::Ok, |error| broken(error).settled());
            self.settle.record(settled);
        } else if !self.settle.is_done() {
            // A server may hang up and be asked for the rest (MCP 2025-11-25, "Polling").
            if self.resumable && error.is_none() {
                self.settle.record(Settled::Interrupted);
            } else {
                self.fault(&error.map_or(Fault::Broken, broken), ready);
            }
        }
    }

    /// Whether the stream goes on after this event.
    fn judge(&mut self, event: &Event, ready: &mut VecDeque<Bytes>) -> bool {
        if event.event.as_deref().is_some_and(|kind| kind != "message") {
            return true;
        }
        // A server opens a resumable stream with an id and no data.
        if event.data.is_empty() {
            self.write(event, "", ready);
            return true;
        }
        let Some(found) = Scan::whole(event.data.as_bytes()) else {
            return self.unreadable(ready);
        };
        match (&found.method, &found.id) {
            (Some(method), Some(id)) => self.decline(method, id),
            (Some(method), None) => {
                if !method.starts_with(b"\"notifications/tasks") {
                    self.write(event, &event.data, ready);
                }
            }
            (None, _) => return self.answer(event, &found, ready),
        }
        true
    }

    /// An event that is no message. On the stream of a list it ends the stream: who knows what a
    /// client would read in it.
    fn unreadable(&mut self, ready: &mut VecDeque<Bytes>) -> bool {
        if matches!(self.treat, Treat::List(_)) {
            self.fault(
                &Fault::Invalid("its list of tools cannot be read".into()),
                ready,
            );
            return false;
        }
        true
    }

    fn answer(&mut self, event: &Event, found: &Found, ready: &mut VecDeque<Bytes>) -> bool {
        let id = match &self.treat {
            Treat::Answer(id) | Treat::List(id) => id.clone(),
            // A replay may hold a list, whatever it was the answer to.
            Treat::Session if found.tools => return self.replayed_list(event, ready),
            Treat::Session => {
                if found.result != found.error && !found.is_unfinished() {
                    let withheld = self.too_large(found).map(|fault| {
                        let error = self.turn.fault_result(found.id.as_deref(), &fault);
                        String::from_utf8_lossy(&error).into_owned()
                    });
                    self.write(event, withheld.as_deref().unwrap_or(&event.data), ready);
                }
                return true;
            }
        };
        let own = found
            .id
            .as_deref()
            .is_some_and(|answered| same_id(answered, &id));
        let nameless = found.id.as_deref().is_none_or(|id| id == b"null");
        if !(own || found.error && nameless) {
            return true;
        }
        match outcome(found, &id) {
            Err(fault) => {
                self.fault(&fault, ready);
                return false;
            }
            Ok((settled, proof)) => {
                if let Some(fault) = self.too_large(found) {
                    if let Some(proof) = proof {
                        self.settle.give_back_later(proof);
                    }
                    self.fault(&fault, ready);
                    return false;
                }
                let mut data = None;
                if matches!(self.treat, Treat::List(_)) {
                    let grant = &self.turn.caller.grant;
                    match list::filter(event.data.as_bytes(), grant, self.turn.is_stateless()) {
                        Ok(filtered) => {
                            if filtered.news {
                                self.turn.gateway.refresh(&grant.server, unix_ms());
                            }
                            data = Some(filtered.text);
                        }
                        Err(_) => {
                            let what = "its list of tools cannot be read";
                            self.fault(&Fault::Invalid(what.into()), ready);
                            return false;
                        }
                    }
                }
                if let Some(proof) = proof {
                    self.settle.give_back_later(proof);
                }
                // On record before the client can see it.
                self.settle.record(settled);
                self.write(event, data.as_deref().unwrap_or(&event.data), ready);
            }
        }
        true
    }

    /// Why an answer is withheld for its size, if it is.
    fn too_large(&self, found: &Found) -> Option<Fault> {
        let max = self.turn.result_max.as_ref();
        max.filter(|max| !max.lets_through(found))
            .map(|max| Fault::TooLarge(max.clone()))
    }

    fn replayed_list(&mut self, event: &Event, ready: &mut VecDeque<Bytes>) -> bool {
        match list::filter(
            event.data.as_bytes(),
            &self.turn.caller.grant,
            self.turn.is_stateless(),
        ) {
            Ok(filtered) => {
                self.write(event, &filtered.text, ready);
                true
            }
            Err(_) => {
                self.settle.record(Settled::Invalid);
                false
            }
        }
    }

    /// A request of the server: the client never sees it. A `ping` is answered, since the client is
    /// there; everything else is declined, so that the server need not wait.
    fn decline(&mut self, method: &[u8], id: &[u8]) {
        self.answered += 1;
        let (Some(session), Ok(runtime)) =
            (self.session.clone(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        if self.turn.is_stateless() || self.answered > ANSWERED_MAX {
            return;
        }
        let body = if method == b"\"ping\"" {
            let id = String::from_utf8_lossy(id);
            Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
        } else {
            let text = "This client cannot be asked through the gateway.";
            crate::answers::error(Some(id), crate::message::METHOD_NOT_FOUND, text, None)
        };
        let gateway = Arc::clone(&self.turn.gateway);
        let server = Arc::clone(&self.turn.caller.grant.server);
        runtime.spawn(async move {
            if let Some(way) = &server.way {
                say(way, &session, body, gateway.settings.first_byte).await;
            }
        });
    }

    /// Ends the stream's request with what went wrong, in its place on the stream.
    pub(super) fn fault(&mut self, fault: &Fault, ready: &mut VecDeque<Bytes>) {
        self.settle.record(fault.settled());
        if self.is_sessions() {
            return;
        }
        let body = self.turn.fault_message(fault);
        let mut out = Vec::with_capacity(body.len() + 8);
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&body);
        out.extend_from_slice(b"\n\n");
        ready.push_back(out.into());
    }

    /// Writes an event: its id sealed, its data on one line. A line break in JSON is only ever
    /// white space.
    fn write(&mut self, event: &Event, data: &str, ready: &mut VecDeque<Bytes>) {
        let mut out = String::with_capacity(data.len() + 64);
        if let (Some(id), Some(session)) = (&event.id, &self.session) {
            let keys = self.turn.gateway.keys.load();
            let (server, grant) = (
                self.turn.caller.grant.server.id,
                self.turn.caller.grant_id(),
            );
            let max = self.turn.result_max.as_ref().map(|max| max.bytes);
            let sealed = keys
                .as_ref()
                .and_then(|keys| session.seal_event(id, max, &keys.keyring, server, grant));
            if let Some(sealed) = sealed {
                out.push_str("id: ");
                out.push_str(&sealed);
                out.push('\n');
                self.resumable = true;
            }
        }
        if let Some(retry) = event.retry {
            out.push_str(&format!("retry: {retry}\n"));
        }
        if data.is_empty() && out.is_empty() {
            return;
        }
        out.push_str("data: ");
        let from = out.len();
        out.push_str(data);
        if out[from..].contains(['\n', '\r']) {
            let flat = out[from..].replace(['\n', '\r'], " ");
            out.truncate(from);
            out.push_str(&flat);
        }
        out.push_str("\n\n");
        ready.push_back(out.into());
    }
}
