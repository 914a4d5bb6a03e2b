//! Looking at servers' tools again when a gateway meets a name it does not know.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use domain::ServerId;
use store::Db;
use tokio::{sync::mpsc, task::JoinSet};
use tracing::warn;

use super::{ConsoleParts, Stop};

/// A server is asked at most this often, however many unknown names are called.
const EVERY: Duration = Duration::from_secs(5);
/// Servers asked at once.
const AT_ONCE: usize = 8;
/// Wishes that wait; more are dropped, and come again with the next call.
const WAITING_MAX: usize = 1_024;
/// The longest a server may hold one of the places.
const EACH_MAX: Duration = Duration::from_secs(60);

/// Where wishes are sent and where they come out.
pub(super) fn channel() -> (mpsc::Sender<ServerId>, mpsc::Receiver<ServerId>) {
    mpsc::channel(WAITING_MAX)
}

/// Who discovers.
#[derive(Clone)]
pub(super) enum Refresher {
    /// This process, which has the console.
    Here(ConsoleParts),
    /// Another one, told through Postgres.
    Elsewhere(Db),
}

impl Refresher {
    async fn refresh(self, server: ServerId) {
        let done = match &self {
            Self::Here(c) => console::refresh(&c.db, &c.keyring, &c.dialler, server).await,
            Self::Elsewhere(db) => store::routes::request_refresh(db, server).await,
        };
        if let Err(error) = done {
            warn!(server.id = %server, error = &error as &dyn std::error::Error, "cannot refresh a server's tools");
        }
    }
}

/// Serves the wishes until the end.
pub(super) async fn run(
    refresher: Refresher,
    mut wanted: mpsc::Receiver<ServerId>,
    mut stopped: Stop,
) {
    let mut last = Last::default();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            wish = wanted.recv(), if running.len() < AT_ONCE => {
                let Some(server) = wish else { return };
                if last.may_ask(server, Instant::now()) {
                    let refresher = refresher.clone();
                    running.spawn(async move {
                        let _ = tokio::time::timeout(EACH_MAX, refresher.refresh(server)).await;
                    });
                }
            }
            Some(_) = running.join_next() => {}
            () = stopped.asked() => return,
        }
    }
}

/// When each server was asked last.
#[derive(Debug, Default)]
struct Last(HashMap<ServerId, Instant>);

impl Last {
    fn may_ask(&mut self, server: ServerId, now: Instant) -> bool {
        if self
            .0
            .get(&server)
            .is_some_and(|last| now.duration_since(*last) < EVERY)
        {
            return false;
        }
        // What is older says nothing any more.
        if self.0.len() >= WAITING_MAX {
            self.0.retain(|_, last| now.duration_since(*last) < EVERY);
        }
        self.0.insert(server, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_once_in_five_seconds_and_others_do_not_wait() {
        let (mut last, start) = (Last::default(), Instant::now());
        let (a, b) = (ServerId::generate(), ServerId::generate());
        assert!(last.may_ask(a, start));
        assert!(!last.may_ask(a, start + Duration::from_millis(4_999)));
        assert!(last.may_ask(b, start));
        assert!(last.may_ask(a, start + EVERY));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut last, start) = (Last::default(), Instant::now());
        for _ in 0..WAITING_MAX {
            last.may_ask(ServerId::generate(), start);
        }
        last.may_ask(ServerId::generate(), start + EVERY);
        assert_eq!(last.0.len(), 1);
    }
}
