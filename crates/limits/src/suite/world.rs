//! The stores under a clock that the test moves, and the macro that runs a test against both.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{Buckets, Local, Redis, redis_server::RedisServer};

/// A store whose clock the test moves.
pub(super) trait World {
    type Store: Buckets + 'static;
    async fn new() -> Self;
    fn store(&self) -> &Arc<Self::Store>;
    async fn set_clock(&self, now_us: u64);
    fn now_us(&self) -> u64;

    async fn wait(&self, time: Duration) {
        self.set_clock(self.now_us() + crate::window::micros(time))
            .await;
    }
}

/// A moment in 2026, inside a slot.
const START_US: u64 = 1_790_000_000_123_456;

pub(super) struct LocalWorld {
    clock: Arc<AtomicU64>,
    pub(super) store: Arc<Local>,
}

impl World for LocalWorld {
    type Store = Local;

    async fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(START_US));
        let read = Arc::clone(&clock);
        let store = Local::with_clock(move || read.load(Ordering::Relaxed));
        Self {
            clock,
            store: Arc::new(store),
        }
    }

    fn store(&self) -> &Arc<Local> {
        &self.store
    }

    async fn set_clock(&self, now_us: u64) {
        self.clock.store(now_us, Ordering::Relaxed);
    }

    fn now_us(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }
}

pub(super) struct RedisWorld {
    clock: AtomicU64,
    pub(super) store: Arc<Redis>,
    _server: RedisServer,
}

impl World for RedisWorld {
    type Store = Redis;

    async fn new() -> Self {
        let server = RedisServer::start();
        let store = Redis::with_clock_key(&server.url(), "clock").await;
        let world = Self {
            clock: AtomicU64::new(0),
            store: Arc::new(store),
            _server: server,
        };
        world.set_clock(START_US).await;
        world
    }

    fn store(&self) -> &Arc<Redis> {
        &self.store
    }

    async fn set_clock(&self, now_us: u64) {
        self.clock.store(now_us, Ordering::Relaxed);
        let set = redis::cmd("SET").arg("clock").arg(now_us).to_owned();
        self.store.command::<()>(&set).await.expect("Redis is up");
    }

    fn now_us(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }
}

/// Each test is run as `in_memory::…` and as `in_redis::…`.
macro_rules! both {
    ($($(#[$doc:meta])* async fn $name:ident($world:ident) $body:block)*) => {
        mod promise {
            use super::*;
            $($(#[$doc])* pub(super) async fn $name<W: World>($world: &W) $body)*
        }
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                use super::{LocalWorld, World};
                super::promise::$name(&LocalWorld::new().await).await;
            })*
        }
        mod in_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                use super::{RedisWorld, World};
                super::promise::$name(&RedisWorld::new().await).await;
            })*
        }
    };
}
