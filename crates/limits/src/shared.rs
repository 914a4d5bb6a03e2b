//! The buckets in Redis, shared by every gateway.

mod link;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use redis::{ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind};
use smallvec::SmallVec;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    Bucket, Buckets, MAX_TOKENS, NOT_CHARGED, Proof, RECEIPT_LIFE, Receipt, Short, TAKE_TIMEOUT,
    Taken, Unavailable, fingerprint, window::micros,
};
use link::Link;

/// What every key starts with. The number is that of the layout. A bucket's key follows, which
/// begins with a brace; what else is kept has a word before the brace, so that no name of a bucket,
/// which agents can influence, is ever taken for it.
const PREFIX: &str = "tollgate:1:";

/// Token buckets in Redis 7 or Valkey. Time is Redis's own, because gateways' clocks differ.
///
/// Keys expire by themselves once their bucket is full again. Redis must not evict them under
/// memory pressure (`maxmemory-policy noeviction`), or limits are forgotten.
pub struct Redis {
    link: Link,
    take: Source,
    give_back: Source,
    receipts: AtomicU64,
    /// Random, so that no two gateways make the same receipt.
    first_receipt: u128,
    start: Instant,
}

/// A script and its name in Redis.
struct Source {
    code: String,
    hash: String,
}

impl Redis {
    /// Connects to `redis://`, `rediss://` or `unix://`, waiting up to a second for the first
    /// answer. An unreachable Redis is no error here: every call is answered [`Unavailable`] at
    /// once until it is there, and then works. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`Unavailable`] when the URL is not one that can be used; the source says why.
    pub async fn connect(url: &str) -> Result<Self, Unavailable> {
        let link = Link::open(url).map_err(|error| Unavailable(Some(error)))?;
        let store = Self::over(link, include_str!("shared/common.lua"));
        store.link.first_attempt(Duration::from_secs(1)).await;
        Ok(store)
    }

    fn over(link: Link, common: &str) -> Self {
        Self {
            link,
            take: Source::new(common, include_str!("shared/take.lua")),
            give_back: Source::new(common, include_str!("shared/give_back.lua")),
            receipts: AtomicU64::new(0),
            first_receipt: Uuid::now_v7().as_u128(),
            start: Instant::now(),
        }
    }

    /// As [`Redis::connect`], but the scripts read the time (µs) from a key that the test sets.
    #[cfg(test)]
    pub(crate) async fn with_clock_key(url: &str, key: &str) -> Self {
        let real = "redis.call('TIME')";
        let common = include_str!("shared/common.lua");
        assert!(common.contains(real), "the script asks Redis for the time");
        let common = common.replace(real, &format!("{{0, redis.call('GET', '{key}')}}"));
        let store = Self::over(Link::open(url).expect("a good URL"), &common);
        store.link.first_attempt(Duration::from_secs(1)).await;
        store
    }

    #[cfg(test)]
    pub(crate) async fn command<T: FromRedisValue>(
        &self,
        cmd: &redis::Cmd,
    ) -> Result<T, Unavailable> {
        within_timeout(self.link.query(cmd)).await
    }

    /// Runs a script by its hash: one round trip, or two when Redis does not know it yet.
    async fn run<T: FromRedisValue>(
        &self,
        source: &Source,
        keys: &[String],
        args: &[u64],
    ) -> Result<T, RedisError> {
        let command = |name: &str, script: &str| {
            let mut cmd = redis::cmd(name);
            cmd.arg(script).arg(keys.len()).arg(keys).arg(args);
            cmd
        };
        match self.link.query(&command("EVALSHA", &source.hash)).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.link.query(&command("EVAL", &source.code)).await
            }
            answer => answer,
        }
    }
}

impl Source {
    fn new(common: &str, body: &str) -> Self {
        let code = format!("{common}{body}");
        let hash = Script::new(&code).get_hash().to_owned();
        Self { code, hash }
    }
}

impl Buckets for Redis {
    async fn take(&self, buckets: &[Bucket]) -> Result<Taken, Unavailable> {
        let keys: Vec<String> = buckets
            .iter()
            .map(|b| format!("{PREFIX}{}", b.key))
            .collect();
        let mut args: Vec<u64> = buckets.iter().flat_map(numbers).collect();
        args.extend(in_shadow(buckets));
        // Before asking, so that a receipt never seems younger than the charge.
        let charged_at_us = micros(self.start.elapsed());
        let reply: Vec<i64> = within_timeout(self.run(&self.take, &keys, &args)).await?;
        let serial = u128::from(self.receipts.fetch_add(1, Ordering::Relaxed));
        read_taken(&reply, buckets, |left, short, slots| Receipt {
            left,
            short,
            slots,
            id: self.first_receipt.wrapping_add(serial),
            charged_at_us,
            fingerprint: fingerprint(buckets),
        })
        .ok_or_else(|| {
            let kind = ErrorKind::UnexpectedReturnType;
            Unavailable(Some((kind, "the script answered something else").into()))
        })
    }

    async fn give_back(
        &self,
        buckets: &[Bucket],
        receipt: &Receipt,
        proof: Proof,
    ) -> Result<bool, Unavailable> {
        let Some(first) = buckets.first() else {
            return Ok(false);
        };
        if !receipt.is_good_for(buckets, micros(self.start.elapsed())) {
            return Ok(false);
        }
        let mut keys = vec![format!("{PREFIX}used:{}{:x}", tag(&first.key), receipt.id)];
        let life_ms = RECEIPT_LIFE + 2 * TAKE_TIMEOUT;
        let life_ms = u64::try_from(life_ms.as_millis()).expect("a quarter of an hour fits");
        let mut args = vec![u64::from(proof == Proof::UpstreamSays), life_ms];
        for (bucket, &slot) in buckets.iter().zip(&receipt.slots) {
            keys.push(format!("{PREFIX}{}", bucket.key));
            keys.push(format!("{PREFIX}believed:{}", bucket.key));
            args.extend(numbers(bucket));
            args.push(slot);
        }
        args.extend(in_shadow(buckets));
        let given: u8 = within_timeout(self.run(&self.give_back, &keys, &args)).await?;
        Ok(given == 1)
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        within_timeout(self.link.query(&redis::cmd("PING"))).await
    }
}

/// Max, cost and window as the scripts read them. A cost that can never fit is cut to one that
/// cannot either, because Lua's numbers are doubles.
fn numbers(bucket: &Bucket) -> [u64; 3] {
    [
        bucket.holds(),
        bucket.cost.min(MAX_TOKENS + 1),
        micros(bucket.window).clamp(1, 1 << 50),
    ]
}

/// The places of the buckets in shadow.
fn in_shadow(buckets: &[Bucket]) -> impl Iterator<Item = u64> {
    let places = (0..).zip(buckets);
    places.filter(|(_, bucket)| bucket.shadow).map(|(at, _)| at)
}

/// The part of a key that chooses the node of a cluster, its braces included, and a colon.
fn tag(key: &str) -> String {
    let inner = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    inner.map_or_else(String::new, |(tag, _)| format!("{{{tag}}}:"))
}

/// Reads the answer of `take.lua`.
fn read_taken(
    reply: &[i64],
    buckets: &[Bucket],
    receipt: impl FnOnce(SmallVec<[u64; 4]>, Short, SmallVec<[u64; 4]>) -> Receipt,
) -> Option<Taken> {
    let number = |value: &i64| u64::try_from(*value).ok();
    match reply {
        [1, rest @ ..] if rest.len() == 2 * buckets.len() => {
            let slots = rest.iter().step_by(2);
            let short = (0..).zip(slots.clone()).filter(|(_, slot)| **slot == -2);
            let short = short.map(|(at, _)| at).collect();
            let slots = slots.map(|slot| number(slot).unwrap_or(NOT_CHARGED));
            let left = rest
                .iter()
                .skip(1)
                .step_by(2)
                .map(number)
                .collect::<Option<_>>()?;
            Some(Taken::Charged(receipt(left, short, slots.collect())))
        }
        [0, refused, wait_ms, left @ ..] if left.len() == buckets.len() => {
            let left: SmallVec<[u64; 4]> = left.iter().map(number).collect::<Option<_>>()?;
            let short = |(bucket, left): (&Bucket, &u64)| {
                bucket.shadow && !(bucket.could_ever_fit() && bucket.cost <= *left)
            };
            let short = (0..)
                .zip(buckets.iter().zip(&left))
                .filter(|(_, both)| short(*both));
            Some(Taken::Wait {
                refused: usize::try_from(*refused)
                    .ok()
                    .filter(|&index| index < buckets.len())?,
                retry_after: number(wait_ms).map(Duration::from_millis),
                short: short.map(|(at, _)| at).collect(),
                left,
            })
        }
        _ => None,
    }
}

async fn within_timeout<T>(
    answer: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, Unavailable> {
    match timeout(TAKE_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(|error| Unavailable(Some(error))),
        Err(_) => Err(Unavailable(None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_receipt_lies_beside_its_buckets() {
        assert_eq!(tag("{org_1}:grant:gr_2:reruns:60s:sliding"), "{org_1}:");
        assert_eq!(tag("no braces"), "");
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_used_is_refused_with_a_reason() {
        for (url, reason) in [
            ("redis+cluster://a:1,b:2", "clusters"),
            ("redis+sentinel://a:1/main", "sentinels"),
            ("http://localhost", "scheme"),
            ("nonsense", "not a URL"),
        ] {
            let error = Redis::connect(url)
                .await
                .err()
                .expect(url)
                .0
                .expect("a reason");
            assert!(error.to_string().contains(reason), "{url}: {error}");
        }
    }
}
