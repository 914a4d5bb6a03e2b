//! One multiplexed connection, kept up by a task of its own.
//!
//! While it is down, callers are told so at once instead of each waiting for a time-out, and the
//! task tries again on its own. A command is never sent twice: whether the first one ran is not
//! known, and a limit must not be counted twice for one call.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, ProtocolVersion, PushInfo,
    PushKind, RedisError, aio::MultiplexedConnection,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after a failed attempt; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(25);
/// The longest pause, and so about how long after its return Redis is used again.
const PAUSE_MAX: Duration = Duration::from_millis(400);
/// Redis unheard of for this long after a command means that the connection is dead, even if
/// nothing has closed it. A little less than what a caller waits, so that the error is seen.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(225);
/// Commands that wait to be written; a burst beyond it waits in its callers.
const PIPELINE_MAX: usize = 1024;

#[derive(Clone)]
enum State {
    /// The first attempt is under way; callers may wait for it.
    Opening,
    Up {
        connection: MultiplexedConnection,
        number: u64,
    },
    Down,
}

pub(super) struct Link {
    state: watch::Receiver<State>,
    /// Numbers of connections that were seen to fail.
    broken: mpsc::UnboundedSender<u64>,
    task: JoinHandle<()>,
}

impl Link {
    /// Starts to connect.
    ///
    /// # Errors
    /// A URL that cannot be used.
    pub(super) fn open(url: &str) -> Result<Self, RedisError> {
        let client = client(url)?;
        let (publish, state) = watch::channel(State::Opening);
        let (broken, failures) = mpsc::unbounded_channel();
        let task = tokio::spawn(keep_up(client, publish, failures, broken.clone()));
        Ok(Self {
            state,
            broken,
            task,
        })
    }

    /// Waits until the first attempt has ended, at most so long.
    pub(super) async fn first_attempt(&self, wait: Duration) {
        let mut state = self.state.clone();
        // Either way the caller goes on: what it finds is in the state.
        let _ = timeout(
            wait,
            state.wait_for(|state| !matches!(state, State::Opening)),
        )
        .await;
    }

    async fn current(&self) -> Option<(MultiplexedConnection, u64)> {
        let mut state = self.state.clone();
        let state = state
            .wait_for(|state| !matches!(state, State::Opening))
            .await;
        match state.as_deref() {
            Ok(State::Up { connection, number }) => Some((connection.clone(), *number)),
            Ok(State::Opening | State::Down) | Err(_) => None,
        }
    }

    /// Sends one command, once.
    pub(super) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, RedisError> {
        let Some((mut connection, number)) = self.current().await else {
            return Err((ErrorKind::Io, "not connected to Redis").into());
        };
        let answer = cmd.query_async(&mut connection).await;
        if answer.as_ref().is_err_and(is_fatal) {
            // Only fails when the task is gone, and then so is this.
            let _ = self.broken.send(number);
        }
        answer
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a connection that answered so should be given up. The first half counts an old primary
/// that now is a replica: its name may lead to the new one.
fn is_fatal(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_io_error()
}

/// Reads the URL. RESP3, because only there does a lost connection make itself heard.
fn client(url: &str) -> Result<Client, RedisError> {
    let refuse = |reason: &'static str| Err((ErrorKind::InvalidClientConfig, reason).into());
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("rediss" | "valkeys") => {
            // `redis` takes the process's default and panics without one, as where two are
            // compiled in. Fails where one is set.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        Some("redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix") => {}
        Some("redis+cluster" | "rediss+cluster") => {
            return refuse("Redis clusters are not supported yet; name one primary with redis://");
        }
        Some("redis+sentinel" | "rediss+sentinel") => {
            return refuse("Redis sentinels are not supported yet; name the primary with redis://");
        }
        Some(_) => return refuse("the Redis URL's scheme must be redis, rediss or unix"),
        None => return refuse("the Redis URL is not a URL, such as redis://127.0.0.1:6379"),
    }
    let info = Client::open(url)?.get_connection_info().clone();
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(settings))
}

/// Connects, waits for the connection to fail, and begins again, for as long as the link lives.
async fn keep_up(
    client: Client,
    publish: watch::Sender<State>,
    mut failures: mpsc::UnboundedReceiver<u64>,
    broken: mpsc::UnboundedSender<u64>,
) {
    let mut pause = PAUSE_MIN;
    let mut told = false;
    for number in 0_u64.. {
        let lost = broken.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_pipeline_buffer_size(PIPELINE_MAX)
            .set_push_sender(move |push: PushInfo| match push.kind {
                PushKind::Disconnection => lost.send(number),
                _ => Ok(()),
            });
        match client
            .get_multiplexed_async_connection_with_config(&config)
            .await
        {
            Ok(connection) => {
                tracing::info!("connected to Redis");
                (pause, told) = (PAUSE_MIN, false);
                publish.send_replace(State::Up { connection, number });
                while failures.recv().await.is_some_and(|failed| failed != number) {}
                publish.send_replace(State::Down);
                tracing::warn!("the connection to Redis is lost; limits cannot be checked");
            }
            Err(error) => {
                publish.send_replace(State::Down);
                if !told {
                    tracing::warn!(%error, "Redis cannot be reached; limits cannot be checked");
                    told = true;
                }
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}
