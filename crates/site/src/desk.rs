//! Where documents are judged: away from the async threads, a few at once.

use std::{panic::resume_unwind, sync::Arc};

use tokio::sync::Semaphore;

/// More wait for their turn already than there are places.
#[derive(Debug)]
pub struct Full;

/// A desk with its few places.
#[derive(Debug)]
pub struct Desk {
    permits: Arc<Semaphore>,
    places: Semaphore,
}

impl Desk {
    /// Where `at_once` pieces of work are done together and `waiting` more may wait for their turn.
    #[must_use]
    pub fn new(at_once: usize, waiting: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(at_once)),
            places: Semaphore::new(at_once + waiting),
        }
    }

    /// Does the work on a thread that may be kept busy. A panic in it goes on here.
    ///
    /// # Errors
    /// [`Full`] where too many wait already.
    pub async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Full> {
        let _place = self.places.try_acquire().map_err(|_| Full)?;
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
        let desk = Arc::new(Desk::new(2, 3));
        let (hold, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let waiting: Vec<_> = (0..5)
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
        assert!(matches!(desk.work(|| ()).await, Err(Full)));
        drop(hold);
        for waited in waiting {
            assert!(waited.await.expect("no panic"));
        }
        assert!(desk.work(|| ()).await.is_ok(), "and has a place afterwards");
    }
}
