//! A large JSON answer on its way through, piece by piece, as fast as the client takes it.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use domain::audit::Settled;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep, timeout};
use upstream::Answer;

use crate::{
    collect::{Deadlines, broken},
    forward::outcome,
    scan::Scan,
    settle::Settle,
};

/// Why an answer breaks off. The client sees a connection that ends too early, never a whole
/// message that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct BrokeOff;

pub(crate) struct Relay {
    /// What was read before it was known to be large.
    read: VecDeque<Bytes>,
    /// None at its end.
    rest: Option<Answer>,
    watch: Watch,
    sleep: Pin<Box<Sleep>>,
    /// Whether a client that goes away cancels the call.
    cancels: bool,
}

/// What goes by, and what it turns out to be.
struct Watch {
    scan: Option<Scan>,
    id: Bytes,
    deadlines: Deadlines,
    settle: Settle,
}

impl Watch {
    /// False where the bytes are known to be no answer, or one that is not relayed, and where they
    /// have come for as long as they may: a server that never pauses runs into no other deadline.
    fn see(&mut self, bytes: &Bytes) -> bool {
        self.settle.bytes += bytes.len() as u64;
        if self.deadlines.is_over() {
            self.settle.record(Settled::Timeout);
            return false;
        }
        let Some(scan) = &mut self.scan else {
            return false;
        };
        scan.push(bytes);
        let good = !scan.is_bad() && !scan.found().is_unfinished();
        if !good {
            self.settle.record(Settled::Invalid);
        }
        good
    }

    /// The outcome, at the end of the bytes.
    fn end(&mut self) -> bool {
        let found = self.scan.take().and_then(Scan::finish);
        let known = found.and_then(|found| outcome(&found, &self.id).ok());
        let (settled, good) = match known {
            Some((settled, proof)) => {
                if let Some(proof) = proof {
                    self.settle.give_back_later(proof);
                }
                (settled, true)
            }
            None => (Settled::Invalid, false),
        };
        self.settle.record(settled);
        good
    }
}

impl Relay {
    pub(crate) fn new(
        read: Vec<Bytes>,
        rest: Answer,
        id: Bytes,
        deadlines: Deadlines,
        settle: Settle,
        cancels: bool,
    ) -> Self {
        let watch = Watch {
            scan: Some(Scan::new()),
            id,
            deadlines,
            settle,
        };
        let sleep = Box::pin(sleep(deadlines.wait()));
        Self {
            read: read.into(),
            rest: Some(rest),
            watch,
            sleep,
            cancels,
        }
    }

    fn pass(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        if self.watch.see(&bytes) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        self.rest = None;
        Poll::Ready(Some(Err(BrokeOff)))
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let this = &mut *self;
        if let Some(bytes) = this.read.pop_front() {
            return this.pass(bytes);
        }
        loop {
            let Some(rest) = &mut this.rest else {
                return Poll::Ready(None);
            };
            let Poll::Ready(frame) = Pin::new(rest).poll_frame(cx) else {
                ready!(this.sleep.as_mut().poll(cx));
                this.watch.settle.record(Settled::Timeout);
                this.rest = None;
                return Poll::Ready(Some(Err(BrokeOff)));
            };
            let next = Instant::now() + this.watch.deadlines.wait();
            this.sleep.as_mut().reset(next);
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => return this.pass(bytes),
                    Err(_trailers) => continue,
                },
                Some(Err(error)) => {
                    this.watch.settle.record(broken(&error).settled());
                    this.rest = None;
                    return Poll::Ready(Some(Err(BrokeOff)));
                }
                None => {
                    this.rest = None;
                    return Poll::Ready(if this.watch.end() {
                        None
                    } else {
                        Some(Err(BrokeOff))
                    });
                }
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if self.cancels || self.watch.settle.is_done() {
            return;
        }
        // In the session era a lost connection cancels nothing, so the outcome is waited for.
        let (Some(mut rest), Ok(runtime)) =
            (self.rest.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let read = std::mem::take(&mut self.read);
        let id = self.watch.id.clone();
        let deadlines = self.watch.deadlines;
        let Some(scan) = self.watch.scan.take() else {
            return;
        };
        let Some(settle) = self.watch.settle.take() else {
            return;
        };
        let mut watch = Watch {
            scan: Some(scan),
            id,
            deadlines,
            settle,
        };
        runtime.spawn(async move {
            for bytes in read {
                if !watch.see(&bytes) {
                    return;
                }
            }
            loop {
                match timeout(deadlines.wait(), rest.frame()).await {
                    Err(_) => return watch.settle.record(Settled::Timeout),
                    Ok(Some(Err(error))) => return watch.settle.record(broken(&error).settled()),
                    Ok(None) => {
                        watch.end();
                        return;
                    }
                    Ok(Some(Ok(frame))) => {
                        if frame.data_ref().is_some_and(|bytes| !watch.see(bytes)) {
                            return;
                        }
                    }
                }
            }
        });
    }
}
