//! One server's connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, Version, header};
use http_body_util::Full;
use parking_lot::Mutex;

use crate::{
    answer::Answer,
    dial::Dialler,
    error::{NotSent, UpstreamError},
    link::{Link, Slot},
    url::UpstreamUrl,
};

/// How many connections may be open to one server at once, busy and idle.
pub const CONNECTIONS_MAX: usize = 8192;
/// How many idle connections are kept for one server.
pub const IDLE_MAX: usize = 512;
/// How long an idle connection is kept. A server that says it keeps them for less is believed.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often idle connections are looked through for old and closed ones.
const SWEEP_EVERY: Duration = Duration::from_secs(15);

/// One server's pool of keep-alive HTTP/1.1 connections.
pub struct Upstream {
    dialler: Dialler,
    url: UpstreamUrl,
    idle: Mutex<Idle>,
    open: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Idle {
    /// The one used last is at the end and taken first, so that the others can grow old.
    #[expect(
        clippy::vec_box,
        reason = "a link is large and moves between here and its answers"
    )]
    links: Vec<Box<Link>>,
    /// Whether a task looks through them.
    swept: bool,
}

impl Upstream {
    /// A pool without connections: the first one is made when it is needed.
    #[must_use]
    pub fn new(dialler: Dialler, url: UpstreamUrl) -> Arc<Self> {
        Arc::new(Self {
            dialler: dialler.for_one(),
            url,
            idle: Mutex::default(),
            open: Arc::default(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    /// How this server's addresses are dialled.
    #[must_use]
    pub fn dialler(&self) -> &Dialler {
        &self.dialler
    }

    /// How many connections are open now, busy and idle.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Sends one request, once, and waits for the head of its response.
    ///
    /// The request's target and `Host` are set from the URL; the caller sets every other header. A
    /// pooled connection found dead before a byte was sent is replaced; nothing is ever sent twice.
    /// `first_byte` bounds the wait for the response's head, from a connection being there.
    ///
    /// Dropping the future, or the [`Answer`] before its end, closes the connection.
    ///
    /// Over plain http, a request with any header that Tollgate itself does not write is taken to
    /// carry a credential, and goes only to an address that the operator allowed.
    ///
    /// # Errors
    /// [`UpstreamError`]; only [`UpstreamError::NotSent`] says that the server saw nothing.
    pub async fn send(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
        first_byte: Duration,
    ) -> Result<Response<Answer>, UpstreamError> {
        *request.uri_mut() = self.url.target().clone();
        *request.version_mut() = Version::HTTP_11;
        request
            .headers_mut()
            .insert(header::HOST, self.url.host_header().clone());
        let secret = self.url.is_plain_http() && carries_credential(request.headers());
        while let Some(link) = self.take_idle(secret) {
            match self.exchange(link, request, first_byte).await? {
                Exchanged::Answered(response) => return Ok(response),
                Exchanged::Unsent(back) => request = back,
            }
        }
        let slot = Slot::take(&self.open, CONNECTIONS_MAX).ok_or(NotSent::Busy(CONNECTIONS_MAX))?;
        let link = Link::open(self.dialler.dial(&self.url, secret).await?, slot).await?;
        match self.exchange(Box::new(link), request, first_byte).await? {
            Exchanged::Answered(response) => Ok(response),
            Exchanged::Unsent(_) => Err(NotSent::Connect.into()),
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        mut link: Box<Link>,
        request: Request<Full<Bytes>>,
        first_byte: Duration,
    ) -> Result<Exchanged, UpstreamError> {
        match tokio::time::timeout(first_byte, link.exchange(request)).await {
            Ok(Ok(response)) => {
                link.note_keep_alive(response.headers());
                let home = Arc::clone(self);
                let response = response.map(|body| Answer::new(body, link, home));
                Ok(Exchanged::Answered(response))
            }
            Ok(Err(mut error)) => match error.take_message() {
                Some(request) => Ok(Exchanged::Unsent(request)),
                None => Err(error.into_error().into()),
            },
            Err(_) => Err(UpstreamError::Timeout(first_byte)),
        }
    }

    /// Takes an idle connection that can be used, and drops those on the way that cannot.
    fn take_idle(&self, secret: bool) -> Option<Box<Link>> {
        let now = Instant::now();
        loop {
            let mut link = {
                let mut idle = self.idle.lock();
                let at = idle
                    .links
                    .iter()
                    .rposition(|link| !secret || link.is_trusted())?;
                idle.links.remove(at)
            };
            if link.is_ready(now) {
                return Some(link);
            }
        }
    }

    /// Takes a connection back whose answer was read to its end.
    pub(crate) fn give_back(self: &Arc<Self>, mut link: Box<Link>) {
        link.set_idle(Instant::now());
        let mut idle = self.idle.lock();
        if idle.links.len() >= IDLE_MAX {
            return;
        }
        idle.links.push(link);
        if idle.swept {
            return;
        }
        // Outside a runtime, which is only when the process ends, nothing needs sweeping.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        idle.swept = true;
        drop(idle);
        let pool = Arc::downgrade(self);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(pool) = pool.upgrade() else { break };
                if !pool.sweep(Instant::now()) {
                    break;
                }
            }
        });
    }

    /// Closes the idle connections that are old or were closed by the server. False when none is
    /// left, and with it the need to come again.
    fn sweep(&self, now: Instant) -> bool {
        let mut idle = self.idle.lock();
        let gone: Vec<_> = idle
            .links
            .extract_if(.., |link| !link.is_ready(now))
            .collect();
        idle.swept = !idle.links.is_empty();
        let swept = idle.swept;
        // Closing sockets takes a while, and nobody should wait for it.
        drop(idle);
        drop(gone);
        swept
    }
}

/// What became of a request on one connection.
enum Exchanged {
    Answered(Response<Answer>),
    /// The connection was dead before a byte of it was written.
    Unsent(Request<Full<Bytes>>),
}

/// Whether a request has a header that is none of those Tollgate writes of itself. Whatever header a
/// team's credential travels in, it is not one of these.
fn carries_credential(headers: &HeaderMap) -> bool {
    const PLAIN: [HeaderName; 7] = [
        header::HOST,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::ACCEPT,
        header::ACCEPT_ENCODING,
        header::USER_AGENT,
        header::VIA,
    ];
    const PLAIN_TOO: [&str; 7] = [
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "mcp-session-id",
        "last-event-id",
        "traceparent",
        "tracestate",
    ];
    headers.keys().any(|name| {
        !PLAIN.contains(name)
            && !PLAIN_TOO.contains(&name.as_str())
            && !name.as_str().starts_with("mcp-param-")
    })
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
