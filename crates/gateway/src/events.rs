//! Event streams: each event is read by the standard, judged, and written anew.
//!
//! What passes is one `message` event a time with JSON on one line. A server's requests never reach
//! the client (sampling, elicitation and roots are off); answers to other requests than the
//! stream's are dropped; lists are filtered wherever they come by; event ids travel sealed.

mod judge;

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Interval, MissedTickBehavior, interval_at, timeout};
use upstream::{Answer, sse::Parser};

use crate::{
    collect::{Deadlines, broken},
    refusal::Fault,
    relay::BrokeOff,
    scan::{Scan, same_id},
    session::Session,
    settle::Settle,
    turn::Turn,
};
use judge::Core;

/// How long a stream may be quiet before a comment keeps it open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a stream asks whether its grant is still good.
const TICK: Duration = Duration::from_secs(1);
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

impl Stream {
    pub(crate) fn new(
        turn: Turn,
        settle: Settle,
        treat: Treat,
        session: Option<Session>,
        source: Answer,
    ) -> Self {
        let mut tick = interval_at(tokio::time::Instant::now() + TICK, TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadlines = Deadlines::from(&turn.gateway.settings);
        let core = Core::new(turn, settle, treat, session);
        Self {
            source: Some(source),
            core: Some(Box::new(core)),
            ready: VecDeque::new(),
            tick,
            wrote: Instant::now(),
            heard: Instant::now(),
            deadlines,
        }
    }

    /// What a second's passing means. False ends the stream.
    fn ticked(&mut self) -> bool {
        let Some(core) = &mut self.core else {
            return false;
        };
        if !core.is_still_good(&mut self.ready) {
            return false;
        }
        if core.is_sessions() && self.deadlines.is_over() {
            // Its client opens another. One that never ended would keep its record open, and with
            // it every file of the spool since it began.
            core.part("this stream has lasted as long as one may", &mut self.ready);
            return false;
        }
        let over = self.heard.elapsed() >= self.deadlines.silence || self.deadlines.is_over();
        if over && !core.is_sessions() {
            core.fault(&Fault::Timeout, &mut self.ready);
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
        // In the stateless era closing the stream is the cancellation.
        if !core.outlives_its_client() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let deadlines = self.deadlines;
        runtime.spawn(async move {
            let mut unread = VecDeque::new();
            while !core.is_settled() {
                unread.clear();
                if deadlines.is_over() {
                    return core.fault(&Fault::Timeout, &mut unread);
                }
                match timeout(deadlines.wait(), source.frame()).await {
                    Err(_) => return core.fault(&Fault::Timeout, &mut unread),
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
