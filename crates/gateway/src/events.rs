//! Event streams: each event is read by the standard, judged, and written anew.
//!
//! What passes is one `message` event a time with JSON on one line. A server's requests never reach
//! the client (sampling, elicitation and roots are off); answers to other requests than the
//! stream's are dropped; lists are filtered wherever they come by; event ids travel sealed.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::audit::Settled;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Interval, MissedTickBehavior, interval_at, timeout};
use upstream::{
    Answer, UpstreamError,
    sse::{Event, Parser},
};

use crate::{
    caller::Caller,
    clock::unix_ms,
    collect::{Deadlines, broken},
    forward::{self, outcome},
    gateway::Gateway,
    list::{self, LIST_BYTES_MAX},
    refusal::Fault,
    relay::BrokeOff,
    scan::{Found, Scan, same_id},
    session::Session,
    settle::Settle,
    turn::Turn,
};

/// The longest event that is held; a list or a result can be one.
const EVENT_BYTES_MAX: usize = LIST_BYTES_MAX;
/// How long a stream may be quiet before a comment keeps it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a stream asks whether its grant is still good.
const TICK: Duration = Duration::from_secs(1);
/// How many requests of the server are answered on one stream; more are dropped in silence, so that
/// a server cannot make the gateway talk without end.
const ANSWERED_MAX: u32 = 256;

/// What a stream carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Treat {
    /// The answer to the request with this id.
    Answer(Bytes),
    /// The same, and it is a page of tools.
    List(Bytes),
    /// A session's own stream: notifications, and what is replayed.
    Session,
}

/// A stream on its way through, as fast as the client takes it.
pub(crate) struct Stream {
    /// None once it has ended and everything was written.
    source: Option<Answer>,
    core: Option<Box<Core>>,
    ready: VecDeque<Bytes>,
    tick: Interval,
    wrote: Instant,
    heard: Instant,
    deadlines: Deadlines,
}

/// What is known of a stream, apart from its bytes.
struct Core {
    gateway: Arc<Gateway>,
    caller: Caller,
    stateless: bool,
    treat: Treat,
    session: Option<Session>,
    parser: Parser,
    events: Vec<Event>,
    settle: Settle,
    answered: u32,
}

impl Stream {
    pub(crate) fn new(
        turn: &Turn,
        settle: Settle,
        treat: Treat,
        session: Option<Session>,
        source: Answer,
    ) -> Self {
        let mut tick = interval_at(tokio::time::Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let core = Core {
            gateway: Arc::clone(&turn.gateway),
            caller: turn.caller.clone(),
            stateless: turn.is_stateless(),
            treat,
            session,
            parser: Parser::new(EVENT_BYTES_MAX),
            events: Vec::new(),
            settle,
            answered: 0,
        };
        Self {
            source: Some(source),
            core: Some(Box::new(core)),
            ready: VecDeque::new(),
            tick,
            wrote: Instant::now(),
            heard: Instant::now(),
            deadlines: Deadlines::from(&turn.gateway.settings),
        }
    }

    /// What a second's passing means. False ends the stream.
    fn ticked(&mut self) -> bool {
        let Some(core) = &mut self.core else {
            return false;
        };
        let Some(changed) = core.caller.again(&core.gateway.table.load(), unix_ms()) else {
            // Revoked, paused or expired: nothing more may be seen.
            core.settle.record(Settled::Interrupted);
            return false;
        };
        let session = core.treat == Treat::Session;
        if session && core.sees_other_tools(&changed) {
            let told = r#"data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
            self.ready.push_back(Bytes::from(format!("{told}\n\n")));
        }
        core.caller = changed;
        if session && core.gateway.is_closing() {
            self.ready
                .push_back(Bytes::from_static(b": the gateway is shutting down\n\n"));
            core.settle.record(Settled::Ok);
            return false;
        }
        if !session && (self.heard.elapsed() >= self.deadlines.silence || self.deadlines.is_over())
        {
            core.settle.record(Settled::Timeout);
            return false;
        }
        if self.ready.is_empty() && self.wrote.elapsed() >= KEEP_ALIVE {
            self.ready
                .push_back(Bytes::from_static(b": keep-alive\n\n"));
        }
        true
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let this = &mut *self;
        loop {
            if let Some(bytes) = this.ready.pop_front() {
                this.wrote = Instant::now();
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            let (Some(source), Some(core)) = (&mut this.source, &mut this.core) else {
                return Poll::Ready(None);
            };
            // The tick comes first, so that a busy stream cannot outrun a revocation.
            if this.tick.poll_tick(cx).is_ready() {
                if !this.ticked() {
                    this.source = None;
                }
                continue;
            }
            match Pin::new(source).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    this.heard = Instant::now();
                    if let Ok(data) = frame.into_data()
                        && !core.absorb(&data, &mut this.ready)
                    {
                        this.source = None;
                    }
                }
                Poll::Ready(last) => {
                    core.finish(last.and_then(Result::err).as_ref(), &mut this.ready);
                    this.source = None;
                }
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let (Some(mut source), Some(mut core)) = (self.source.take(), self.core.take()) else {
            return;
        };
        if core.treat == Treat::Session {
            // Its client went away, which is how such a stream ends.
            core.settle.record(Settled::Ok);
        }
        // In the stateless era closing the stream is the cancellation.
        if core.stateless || core.settle.is_done() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let deadlines = self.deadlines;
        runtime.spawn(async move {
            let mut unread = VecDeque::new();
            while !core.settle.is_done() {
                unread.clear();
                match timeout(deadlines.wait(), source.frame()).await {
                    Err(_) => return core.settle.record(Settled::Timeout),
                    Ok(Some(Ok(frame))) => {
                        if frame
                            .data_ref()
                            .is_some_and(|data| !core.absorb(data, &mut unread))
                        {
                            return;
                        }
                    }
                    Ok(last) => {
                        return core.finish(last.and_then(Result::err).as_ref(), &mut unread);
                    }
                }
            }
        });
    }
}

impl Core {
    fn sees_other_tools(&self, now: &Caller) -> bool {
        let before = &self.caller.grant;
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
        names(&self.caller) != names(now)
    }

    /// Takes bytes in and appends what passes. False where the stream cannot be read on.
    fn absorb(&mut self, data: &[u8], ready: &mut VecDeque<Bytes>) -> bool {
        self.settle.bytes += data.len() as u64;
        let mut events = std::mem::take(&mut self.events);
        let good = self.parser.push(data, &mut events).is_ok();
        let mut open = true;
        for event in events.drain(..) {
            open = open && self.judge(&event, ready);
        }
        self.events = events;
        if open && !good {
            self.fault(&Fault::Invalid("an event of it is too long".into()), ready);
        }
        open && good
    }

    /// The stream ended, by itself or by an error.
    fn finish(&mut self, error: Option<&UpstreamError>, ready: &mut VecDeque<Bytes>) {
        let parser = std::mem::replace(&mut self.parser, Parser::new(0));
        if error.is_none()
            && let Some(event) = parser.finish()
        {
            self.judge(&event, ready);
        }
        let settled = match error {
            None if self.treat == Treat::Session => Settled::Ok,
            None => Settled::Interrupted,
            Some(error) => broken(error).settled(),
        };
        self.settle.record(settled);
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
                    self.write(event, &event.data, ready);
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
                let mut data = None;
                if matches!(self.treat, Treat::List(_)) || found.tools {
                    let grant = &self.caller.grant;
                    match list::filter(event.data.as_bytes(), grant, self.stateless) {
                        Ok(filtered) => {
                            if filtered.news {
                                self.gateway.refresh(&grant.server, unix_ms());
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

    fn replayed_list(&mut self, event: &Event, ready: &mut VecDeque<Bytes>) -> bool {
        match list::filter(event.data.as_bytes(), &self.caller.grant, self.stateless) {
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
        if self.stateless || self.answered > ANSWERED_MAX {
            return;
        }
        let body = if method == b"\"ping\"" {
            let id = String::from_utf8_lossy(id);
            Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
        } else {
            let text = "This client cannot be asked through the gateway.";
            crate::answers::error(Some(id), crate::message::METHOD_NOT_FOUND, text, None)
        };
        let gateway = Arc::clone(&self.gateway);
        let server = Arc::clone(&self.caller.grant.server);
        runtime.spawn(async move {
            if let Some(way) = &server.way {
                forward::say(way, &session, body, gateway.settings.first_byte).await;
            }
        });
    }

    /// Ends the stream's request with what went wrong, in its place on the stream.
    fn fault(&mut self, fault: &Fault, ready: &mut VecDeque<Bytes>) {
        self.settle.record(fault.settled());
        if let Treat::Answer(id) | Treat::List(id) = &self.treat {
            let message = fault.message(&self.caller.grant.server.name);
            let data = format!(
                r#"{{"source":"upstream","code":"{}","decision_id":"{}"}}"#,
                fault.code().0,
                self.settle.event()
            );
            let body = crate::answers::error(Some(id), -32603, &message, Some(&data));
            let mut out = Vec::with_capacity(body.len() + 8);
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&body);
            out.extend_from_slice(b"\n\n");
            ready.push_back(out.into());
        }
    }

    /// Writes an event: its id sealed, its data on one line. A line break in JSON is only ever
    /// white space.
    fn write(&self, event: &Event, data: &str, ready: &mut VecDeque<Bytes>) {
        let mut out = String::with_capacity(data.len() + 64);
        if let (Some(id), Some(session)) = (&event.id, &self.session) {
            let keys = self.gateway.keys.load();
            let (server, grant) = (self.caller.grant.server.id, self.caller.grant_id());
            let sealed = keys
                .as_ref()
                .and_then(|keys| session.seal_event(id, &keys.keyring, server, grant));
            if let Some(sealed) = sealed {
                out.push_str("id: ");
                out.push_str(&sealed);
                out.push('\n');
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

/// The message that answers the request with this id, out of a stream; what comes before it is not
/// relayed.
pub(crate) async fn first_answer(
    mut source: Answer,
    id: &[u8],
    bytes_max: usize,
    deadlines: Deadlines,
) -> Result<Bytes, Fault> {
    let none = || Fault::Invalid("its stream ends without an answer".into());
    let mut parser = Parser::new(bytes_max);
    let mut events = Vec::new();
    let mut seen = 0;
    loop {
        let frame = match timeout(deadlines.wait(), source.frame()).await {
            Err(_) => return Err(Fault::Timeout),
            Ok(Some(Err(error))) => return Err(broken(&error)),
            Ok(Some(Ok(frame))) => Some(frame),
            Ok(None) => None,
        };
        let last = frame.is_none();
        match frame.map(Frame::into_data) {
            Some(Ok(data)) => {
                seen += data.len();
                parser.push(&data, &mut events).map_err(|_| none())?;
            }
            Some(Err(_)) => continue,
            None => {
                let ended = std::mem::replace(&mut parser, Parser::new(0));
                events.extend(ended.finish());
            }
        }
        for event in events.drain(..) {
            let answers = Scan::whole(event.data.as_bytes()).is_some_and(|found| {
                found.method.is_none()
                    && found
                        .id
                        .as_deref()
                        .is_some_and(|answered| same_id(answered, id))
            });
            if answers {
                return Ok(event.data.into());
            }
        }
        if last || seen > 4 * bytes_max {
            return Err(none());
        }
    }
}
