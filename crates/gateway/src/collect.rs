//! Reading an upstream's answer, whole where it is small.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::timeout;
use upstream::{Answer, UpstreamError};

use crate::{gateway::Settings, refusal::Fault};

/// Answers up to this size are read whole before the client sees any of them, so that what is wrong
/// with them can still be said, and their outcome is on record before they are answered.
pub(crate) const SMALL_BYTES_MAX: usize = 256 << 10;

/// How far reading came.
pub(crate) enum Collected {
    Whole(Bytes),
    /// It is larger than it may be to be held: what was read, and the rest.
    Large(Vec<Bytes>, Answer),
}

/// The deadlines of one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) silence: Duration,
    end: Instant,
}

impl Deadlines {
    pub(crate) fn from(settings: &Settings) -> Self {
        Self {
            silence: settings.silence,
            end: Instant::now() + settings.total,
        }
    }

    /// How long to wait for the next piece.
    pub(crate) fn wait(&self) -> Duration {
        self.silence
            .min(self.end.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }
}

/// Reads until the end or until there is more than `max`.
pub(crate) async fn collect(
    mut answer: Answer,
    max: usize,
    deadlines: Deadlines,
) -> Result<Collected, Fault> {
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut length = 0;
    loop {
        let frame = match timeout(deadlines.wait(), answer.frame()).await {
            Err(_) => return Err(Fault::Timeout),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(broken(&error)),
            Ok(Some(Ok(frame))) => frame,
        };
        if let Ok(data) = frame.into_data() {
            length += data.len();
            pieces.push(data);
        }
        if length > max {
            return Ok(Collected::Large(pieces, answer));
        }
    }
    Ok(Collected::Whole(joined(pieces, length)))
}

fn joined(mut pieces: Vec<Bytes>, length: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.swap_remove(0);
    }
    let mut all = BytesMut::with_capacity(length);
    for piece in pieces {
        all.extend_from_slice(&piece);
    }
    all.freeze()
}

/// What an error of the way out means once the request was sent, or before.
pub(crate) fn broken(error: &UpstreamError) -> Fault {
    use upstream::NotSent;
    match error {
        // Addresses and certificates are the organisation's business, not the agent's.
        UpstreamError::NotSent(why) => Fault::Unreachable(match why {
            NotSent::Dns => "its name does not resolve",
            NotSent::Refused(_) => "its address may not be dialled",
            NotSent::PlainHttp(_) => "its credential may not go over plain http",
            NotSent::Connect => "it does not accept connections",
            NotSent::Tls(_) => "its TLS handshake failed",
            NotSent::Timeout(_) => "connecting took too long",
            NotSent::Busy(_) => "too many connections to it are open",
        }),
        UpstreamError::Broken(_) => Fault::Broken,
        UpstreamError::Invalid(_) => Fault::Invalid("it is not HTTP".into()),
        UpstreamError::Timeout(_) => Fault::Timeout,
    }
}
