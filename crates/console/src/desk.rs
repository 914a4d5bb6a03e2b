//! Where documents are judged: away from the async threads, a few at once.
//!
//! A policy may be 256 KiB long with 500 tests against 2,000 tools, so reading one can take longer
//! than a connection should be kept waiting for.

use std::{panic::resume_unwind, sync::Arc};

use tokio::sync::Semaphore;

use crate::actions::ActionError;

/// How many documents are judged at once.
const AT_ONCE: usize = 4;
/// How many more may wait for their turn. Whoever comes then is told to come again.
const WAITING: usize = 64;

/// The desk, with its few places.
pub(crate) struct Desk {
    permits: Arc<Semaphore>,
    places: Semaphore,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            places: Semaphore::new(AT_ONCE + WAITING),
        }
    }

    /// Does the work on a thread that may be kept busy. A panic in it goes on here.
    ///
    /// # Errors
    /// `Throttled` where too many wait already.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ActionError> {
        let _place = self
            .places
            .try_acquire()
            .map_err(|_| ActionError::Throttled { retry_after_s: 1 })?;
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("never closed");
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job()
        });
        match done.await {
            Ok(done) => Ok(done),
            Err(error) => resume_unwind(error.into_panic()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn whoever_comes_when_all_places_are_taken_is_told_to_come_again() {
        let desk = Arc::new(Desk::new());
        let (hold, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let waiting: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|_| {
                let (desk, held) = (Arc::clone(&desk), Arc::clone(&held));
                tokio::spawn(async move {
                    desk.work(move || held.lock().expect("not poisoned").recv().is_ok())
                        .await
                        .is_ok()
                })
            })
            .collect();
        while desk.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = desk.work(|| ()).await;
        assert!(matches!(refused, Err(ActionError::Throttled { .. })));
        drop(hold);
        for waited in waiting {
            assert!(waited.await.expect("no panic"));
        }
        assert!(desk.work(|| ()).await.is_ok(), "and has a place afterwards");
    }
}
