//! Where documents are judged: away from the async threads, a few at once.
//!
//! A policy may be 256 KiB long with 500 tests against 2,000 tools, so reading one can take longer
//! than a connection should be kept waiting for.

use crate::actions::ActionError;

/// How many documents are judged at once.
const AT_ONCE: usize = 4;
/// How many more may wait for their turn. Whoever comes then is told to come again.
const WAITING: usize = 64;

/// The desk, with its few places.
pub(crate) struct Desk(site::Desk);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(site::Desk::new(AT_ONCE, WAITING))
    }

    /// Does the work on a thread that may be kept busy. A panic in it goes on here.
    ///
    /// # Errors
    /// `Throttled` where too many wait already.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ActionError> {
        let done = self.0.work(job).await;
        done.map_err(|site::Full| ActionError::Throttled { retry_after_s: 1 })
    }
}
