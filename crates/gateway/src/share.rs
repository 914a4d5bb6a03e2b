//! One grant's share of what the gateway holds at once, so that no single token can take it all:
//! neither the connections to a server, by streams and calls that never end, nor the memory, by
//! bodies that are sent faster than they are answered.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Requests of one grant that may be open at once, streams included: a quarter of what the gateway
/// takes in all, and of the connections that may be open to one server.
pub(crate) const AT_ONCE_MAX: usize = 2_048;
/// Bytes of request bodies that are held for one grant at once. One body always fits.
pub(crate) const BODIES_BYTES_MAX: usize = 128 << 20;

/// What one grant has open. Outlives snapshots, as its requests do.
#[derive(Debug, Default)]
pub(crate) struct Share {
    pub(crate) requests: AtomicUsize,
    pub(crate) body_bytes: AtomicUsize,
}

/// A place among a grant's open requests; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Share>);

impl Place {
    pub(crate) fn take(share: &Arc<Share>) -> Option<Self> {
        let place = Self(Arc::clone(share));
        // The new count is held before it is judged, so no race lets one too many through.
        (share.requests.fetch_add(1, Ordering::Relaxed) < AT_ONCE_MAX).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The bytes of one body; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    share: Arc<Share>,
    bytes: usize,
}

impl Held {
    pub(crate) fn nothing(share: &Arc<Share>) -> Self {
        Self {
            share: Arc::clone(share),
            bytes: 0,
        }
    }

    /// Counts more bytes. False where the share is spent.
    pub(crate) fn more(&mut self, bytes: usize, body_bytes_max: usize) -> bool {
        self.bytes += bytes;
        let before = self.share.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= BODIES_BYTES_MAX.max(body_bytes_max)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.share
            .body_bytes
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
