//! One connection, driven by whoever uses it.
//!
//! hyper splits a connection into a handle and a future that does the reading and writing. The
//! usual way is a task for the future; here the request that uses the connection polls it. A call
//! then costs no switch to another task and back, and dropping a request is closing its connection,
//! with nobody else to tell. An idle connection is looked at when it is taken out again.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{Builder, Connection, SendRequest},
    },
};
use hyper_util::rt::TokioIo;
use tokio::task::coop::unconstrained;

use crate::{
    dial::{Dialled, Stream},
    error::UpstreamError,
    pool::IDLE_TIMEOUT,
};

/// How long a response's head may be, and a chunked answer's trailers, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How much of an answer is read ahead of its reader, in bytes.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

pub(crate) struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// None once the connection has ended.
    connection: Option<Connection<TokioIo<Stream>, Full<Bytes>>>,
    trusted: bool,
    /// How long the server keeps it open when idle, as far as it said.
    idle_max: Duration,
    idle_since: Instant,
    _slot: Slot,
}

/// A place among the connections that may be open to one server; given back when dropped.
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    pub(crate) fn take(open: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let slot = Self(Arc::clone(open));
        // The new count is held before it is judged, so no race lets one too many through.
        (open.fetch_add(1, Ordering::Relaxed) < max).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

type Unsent = TrySendError<Request<Full<Bytes>>>;

impl Link {
    pub(crate) async fn open(dialled: Dialled, slot: Slot) -> Result<Self, UpstreamError> {
        let (sender, connection) = Builder::new()
            .max_buf_size(BUFFER_BYTES_MAX)
            .max_header_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(dialled.stream))
            .await?;
        Ok(Self {
            sender,
            connection: Some(connection),
            trusted: dialled.trusted,
            idle_max: IDLE_TIMEOUT,
            idle_since: Instant::now(),
            _slot: slot,
        })
    }

    /// Whether a credential may be sent over it.
    pub(crate) fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Reads and writes what can be. Returns whether the connection is still there.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(connection) = &mut self.connection {
            // An error that concerns a request reaches it by its own way.
            if Pin::new(connection).poll(cx).is_ready() {
                self.connection = None;
            }
        }
        self.connection.is_some()
    }

    /// Sends a request and waits for the head of its response. The error gives the request back
    /// where not a byte of it was written.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unsent> {
        // The response is made by driving the connection, here below, so it need not wake anyone;
        // and it may not be told to come back later by a waker that does nothing.
        let mut response = pin!(unconstrained(self.sender.try_send_request(request)));
        std::future::poll_fn(|cx| {
            if let Some(connection) = &mut self.connection
                && Pin::new(connection).poll(cx).is_ready()
            {
                self.connection = None;
            }
            response
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
    }

    /// Notes what a response says of how long its connection is kept (`Keep-Alive: timeout=5`). One
    /// second less is believed, because a request that meets a closing connection is lost.
    pub(crate) fn note_keep_alive(&mut self, headers: &HeaderMap) {
        let seconds = headers.get("keep-alive").and_then(|value| {
            let mut parameters = value.to_str().ok()?.split(',');
            let timeout = parameters.find_map(|part| {
                let (name, seconds) = part.split_once('=')?;
                name.trim()
                    .eq_ignore_ascii_case("timeout")
                    .then(|| seconds.trim())
            });
            timeout?.parse::<u64>().ok()
        });
        if let Some(seconds) = seconds {
            self.idle_max = IDLE_TIMEOUT.min(Duration::from_secs(seconds.saturating_sub(1)));
        }
    }

    pub(crate) fn set_idle(&mut self, now: Instant) {
        self.idle_since = now;
    }

    /// Whether an idle connection can take a request: not too old, not closed by the server
    /// meanwhile, and with nothing read that nobody asked for.
    pub(crate) fn is_ready(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.idle_since) >= self.idle_max {
            return false;
        }
        let looked = std::future::poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(())
        });
        let _ = pin!(unconstrained(looked)).poll(&mut Context::from_waker(Waker::noop()));
        self.connection.is_some() && self.sender.is_ready()
    }
}
