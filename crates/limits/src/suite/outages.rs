//! What Redis does that memory cannot: die, hang, forget, and be shared.

use super::*;

impl RedisServer {
    /// Ends it with SIGKILL; what it knew is gone.
    fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Starts it again, empty, at the same address.
    fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.child = Self::spawn(&self.socket());
        self.wait();
    }

    fn signal(&self, signal: &str) {
        let mut kill = std::process::Command::new("kill");
        let done = kill.arg(signal).arg(self.child.id().to_string()).status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "kill {signal} works"
        );
    }
}

fn call() -> [Bucket; 1] {
    [bucket("rerun", 10, 1, MINUTE)]
}

/// Asks until it is answered, at most so long.
async fn recovery(redis: &Redis) {
    let start = Instant::now();
    while redis.take(&call()).await.is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "it does not recover"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn two_limiters_share_one_count() {
    let server = RedisServer::start();
    let first = Arc::new(Redis::connect(&server.url()).await.expect("a good URL"));
    let second = Arc::new(Redis::connect(&server.url()).await.expect("a good URL"));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let redis = Arc::clone(if n % 2 == 0 { &first } else { &second });
        tasks.spawn(async move { matches!(take(&*redis, &call()).await, Taken::Charged(_)) });
    }
    assert_eq!(
        tasks
            .join_all()
            .await
            .into_iter()
            .filter(|&charged| charged)
            .count(),
        10
    );
}

#[tokio::test]
async fn a_dead_redis_is_said_at_once_and_a_new_one_is_found() {
    let mut server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    charge(&redis, &call()).await;
    server.kill();
    let mut waited = Duration::ZERO;
    for attempt in 0..20 {
        let start = Instant::now();
        let answer = redis.take(&call()).await;
        waited += start.elapsed();
        assert!(answer.is_err(), "attempt {attempt}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        waited < 4 * TAKE_TIMEOUT,
        "{waited:?} for 20 calls is not at once"
    );
    assert!(redis.ping().await.is_err());
    server.start_again();
    recovery(&redis).await;
    assert!(redis.ping().await.is_ok());
}

/// A restart between two calls is noticed without the second one failing.
#[tokio::test]
async fn a_lost_connection_is_noticed_by_itself() {
    let mut server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    charge(&redis, &call()).await;
    server.kill();
    server.start_again();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    charge(&redis, &call()).await;
}

#[tokio::test]
async fn a_silent_redis_is_waited_for_no_longer_than_promised() {
    let server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    charge(&redis, &call()).await;
    server.signal("-STOP");
    let start = Instant::now();
    for _ in 0..8 {
        let answer = redis.take(&call()).await;
        assert!(answer.is_err(), "{answer:?}");
    }
    // Half as long again, because the machine may be busy.
    assert!(
        start.elapsed() < 12 * TAKE_TIMEOUT,
        "{:?} for 8 calls",
        start.elapsed()
    );
    server.signal("-CONT");
    recovery(&redis).await;
}

/// A listener that is no Redis with TLS: tried again and again, and never trusted.
#[tokio::test]
async fn a_tls_url_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let redis = tokio::spawn(async move {
        Redis::connect(&format!("rediss://localhost:{port}"))
            .await
            .expect("a good URL")
    });
    for attempt in 0..3 {
        let accepted = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        assert!(
            accepted.is_ok_and(|stream| stream.is_ok()),
            "attempt {attempt}"
        );
    }
    let redis = redis.await.expect("no panic");
    assert!(matches!(
        redis.take(&call()).await,
        Err(Unavailable(Some(_)))
    ));
}

/// A fail-over: the server answers, but takes no writes until it is primary again.
#[tokio::test]
async fn a_replica_is_unavailable_until_it_is_primary() {
    let server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    charge(&redis, &call()).await;
    let replica_of =
        |host: &str, port: &str| redis::cmd("REPLICAOF").arg(host).arg(port).to_owned();
    redis
        .command::<()>(&replica_of("127.0.0.1", "1"))
        .await
        .expect("Redis is up");
    for _ in 0..5 {
        assert!(redis.take(&call()).await.is_err());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    redis
        .command::<()>(&replica_of("NO", "ONE"))
        .await
        .expect("Redis is up");
    recovery(&redis).await;
}

#[tokio::test]
async fn a_gateway_starts_before_its_redis() {
    let mut server = RedisServer::start();
    server.kill();
    let redis = Redis::connect(&server.url())
        .await
        .expect("an absent server is no bad URL");
    assert!(matches!(
        redis.take(&call()).await,
        Err(Unavailable(Some(_)))
    ));
    server.start_again();
    recovery(&redis).await;
}

#[tokio::test]
async fn a_take_is_one_round_trip_and_a_forgotten_script_is_sent_again() {
    let server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    charge(&redis, &call()).await;
    let reset = redis::cmd("CONFIG").arg("RESETSTAT").to_owned();
    redis.command::<()>(&reset).await.expect("Redis is up");
    for _ in 0..5 {
        charge(&redis, &call()).await;
    }
    let info = redis::cmd("INFO").arg("commandstats").to_owned();
    let stats: String = redis.command(&info).await.expect("Redis is up");
    assert!(stats.contains("cmdstat_evalsha:calls=5,"), "{stats}");
    assert!(
        !stats.contains("cmdstat_eval:") && !stats.contains("cmdstat_script"),
        "{stats}"
    );

    let flush = redis::cmd("SCRIPT").arg("FLUSH").to_owned();
    redis.command::<()>(&flush).await.expect("Redis is up");
    let receipt = charge(&redis, &call()).await;
    assert_eq!(receipt.left.to_vec(), [3]);
    assert!(gives(&redis, &call(), &receipt, Proof::NothingSent).await);
}

#[tokio::test]
async fn every_key_is_ours_lies_on_one_node_and_expires() {
    let server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    let receipt = charge(&redis, &call()).await;
    charge(&redis, &call()).await;
    assert!(gives(&redis, &call(), &receipt, Proof::UpstreamSays).await);
    let keys: Vec<String> = redis
        .command(redis::cmd("KEYS").arg("*"))
        .await
        .expect("Redis is up");
    assert_eq!(
        keys.len(),
        3,
        "the bucket, what was believed, and the receipt: {keys:?}"
    );
    for key in keys {
        assert!(
            key.starts_with("tollgate:1:") && key.contains("{org_1}:"),
            "{key}"
        );
        let ttl_ms: u64 = redis
            .command(redis::cmd("PTTL").arg(&key))
            .await
            .expect("it expires");
        let most = if key.contains("used:") {
            RECEIPT_LIFE + 2 * TAKE_TIMEOUT
        } else {
            MINUTE + 2 * SLOT
        };
        assert!(Duration::from_millis(ttl_ms) <= most, "{key}: {ttl_ms}");
    }
}

/// What an agent can choose of a bucket's name (`per`) cannot reach another kind of key.
#[tokio::test]
async fn no_bucket_is_taken_for_what_was_believed() {
    let server = RedisServer::start();
    let redis = Redis::connect(&server.url()).await.expect("a good URL");
    let receipt = charge(&redis, &call()).await;
    assert!(gives(&redis, &call(), &receipt, Proof::UpstreamSays).await);
    let keys: Vec<String> = redis
        .command(redis::cmd("KEYS").arg("*"))
        .await
        .expect("Redis is up");
    assert!(
        keys.iter().all(|key| !key.starts_with("tollgate:1:{")),
        "{keys:?}"
    );
}

/// A clock that steps back holds tokens longer, and never frees one early.
#[tokio::test]
async fn a_clock_that_steps_back_frees_nothing() {
    for back in [SLOT / 2, SLOT * 5, MINUTE * 2, MINUTE * 60 * 24 * 365] {
        let world = RedisWorld::new().await;
        let call = [bucket("rerun", 2, 1, MINUTE)];
        charge(&*world.store, &call).await;
        charge(&*world.store, &call).await;
        let stepped = world.now_us() - crate::window::micros(back);
        world.set_clock(stepped).await;
        let (_, told, _) = refusal(&*world.store, &call).await;
        let told = told.expect("it will fit");
        assert!(
            told >= MINUTE && told <= 2 * MINUTE + 2 * SLOT,
            "{back:?}: {told:?}"
        );
        world.wait(MINUTE).await;
        refusal(&*world.store, &call).await;
        world.set_clock(stepped).await;
        world.wait(told).await;
        charge(&*world.store, &call).await;
    }
}

/// What is spent while the clock is behind is dated by the newest time that was seen, so putting the
/// clock right frees nothing early.
#[tokio::test]
async fn a_clock_that_is_put_right_frees_nothing_early() {
    let world = RedisWorld::new().await;
    let call = [bucket("rerun", 2, 1, MINUTE)];
    charge(&*world.store, &call).await;
    let before = world.now_us();
    let late = 20 * SLOT;
    world.set_clock(before - crate::window::micros(late)).await;
    charge(&*world.store, &call).await;
    world.set_clock(before).await;
    world.wait(MINUTE - late / 2).await;
    refusal(&*world.store, &call).await;
    world.wait(late / 2 + SLOT).await;
    charge(&*world.store, &call).await;
}
