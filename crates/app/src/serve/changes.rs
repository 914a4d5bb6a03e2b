//! Hearing of changes: one listening connection, made again when it breaks.

use std::time::Duration;

use domain::ServerId;
use secrecy::{ExposeSecret, SecretString};
use store::routes::{Change, Changes};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Stop, outage::Outage};

/// Changes that wait to be looked at. Where more come, the sender waits and Postgres keeps them.
const WAITING_MAX: usize = 1_024;
/// Between two attempts to listen.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// A notification.
    Change(Change),
    /// Listening began, so whatever changed before was not heard: compare everything.
    Began,
}

/// The end that is read.
pub(super) struct Hearer(mpsc::Receiver<Heard>);

impl Hearer {
    /// Starts the task that listens.
    pub(super) fn start(url: SecretString, tasks: &mut JoinSet<()>, mut stopped: Stop) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tasks.spawn(async move {
            tokio::select! {
                () = listen(&url, &sender) => {}
                () = stopped.asked() => {}
            }
        });
        Self(receiver)
    }

    /// The next thing; pending forever once the listening task is gone, which is at the end only.
    pub(super) async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }

    /// For a process without a gateway: passes the wishes of gateways elsewhere on.
    pub(super) async fn refreshes_only(
        mut self,
        refresh: mpsc::Sender<ServerId>,
        mut stopped: Stop,
    ) {
        loop {
            tokio::select! {
                heard = self.next() => pass_on(heard, &refresh),
                () = stopped.asked() => return,
            }
        }
    }
}

/// Hands a wish to refresh a server to whoever does it.
pub(super) fn pass_on(heard: Heard, refresh: &mpsc::Sender<ServerId>) {
    if let Heard::Change(Change::Refresh(server)) = heard {
        // A full queue has enough to do, and a wish is repeated by the next call.
        let _ = refresh.try_send(server);
    }
}

/// Ends when nobody reads any more.
async fn listen(url: &SecretString, sender: &mpsc::Sender<Heard>) {
    let mut outage = Outage::new("listening for changes");
    loop {
        match Changes::listen(url.expose_secret()).await {
            Ok(mut changes) => {
                outage.over();
                if sender.send(Heard::Began).await.is_err() {
                    return;
                }
                let error = loop {
                    match changes.next().await {
                        Ok(change) => {
                            if sender.send(Heard::Change(change)).await.is_err() {
                                return;
                            }
                        }
                        Err(error) => break error,
                    }
                };
                outage.failed(&error);
            }
            Err(error) => _ = outage.failed(&error),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}
