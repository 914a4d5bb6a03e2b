//! What one take costs, in memory and over a round trip to Redis.

#[path = "../testing/redis_server.rs"]
mod redis_server;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use limits::{Bucket, Buckets, Local, Redis};

fn call(counters: usize) -> Vec<Bucket> {
    (0..counters)
        .map(|counter| Bucket {
            key: format!("{{org_bench}}:grant:gr_bench:counter_{counter}:60s:sliding"),
            max: 1_000_000_000_000,
            cost: 1,
            window: Duration::from_secs(60),
            shadow: false,
        })
        .collect()
}

fn take(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let server = redis_server::RedisServer::start();
    let redis = runtime
        .block_on(Redis::connect(&server.url()))
        .expect("a good URL");
    let local = Local::new();
    for counters in [1, 3] {
        let buckets = call(counters);
        c.bench_function(&format!("local take, {counters}"), |b| {
            b.iter(|| {
                runtime
                    .block_on(local.take(black_box(&buckets)))
                    .expect("in memory")
            });
        });
        c.bench_function(&format!("redis take, {counters}"), |b| {
            b.iter(|| {
                runtime
                    .block_on(redis.take(black_box(&buckets)))
                    .expect("it runs")
            });
        });
    }
}

criterion_group!(benches, take);
criterion_main!(benches);
