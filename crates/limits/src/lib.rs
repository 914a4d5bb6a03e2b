//! Token buckets: one Lua script to take and one to give back, all the Redis there is, and the
//! same buckets in memory.
//!
//! Start at [`Buckets`], the promise; [`Local`] and [`Redis`] both keep it, and one suite of tests
//! (`suite.rs`) is run against each. How a sliding window is kept exactly in at most 62 numbers is
//! told in `window.rs`.

mod local;
mod shared;
mod window;

#[cfg(test)]
#[path = "../testing/redis_server.rs"]
mod redis_server;
#[cfg(test)]
mod suite;

use std::{
    future::Future,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use smallvec::SmallVec;

pub use local::Local;
pub use shared::Redis;

/// How long a caller waits for the counter store in all, reconnecting included. After that the
/// answer is [`Unavailable`].
pub const TAKE_TIMEOUT: Duration = Duration::from_millis(250);

/// How long after a charge its receipt can be used. A store must remember which receipts were
/// used, so it cannot be for ever; whether a call ran is known long before this.
pub const RECEIPT_LIFE: Duration = Duration::from_secs(900);

/// The largest `max` a bucket can have (`policy.md`, section 4); a larger one counts as this. Lua
/// counts in doubles, which are exact far beyond it.
pub const MAX_TOKENS: u64 = 1_000_000_000_000;

/// One bucket that a call wants tokens from. It holds `max` tokens, and a token comes back one
/// `window` after it was spent (at most a sixtieth of the window later, never earlier).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// What names it, without the installation's prefix:
    /// `{org_…}:grant:gr_…:counter:60s:sliding`. The part in braces must be the same for all
    /// buckets of a call: it keeps them on one node of a cluster.
    pub key: String,
    /// Tokens the bucket holds when full. Zero denies always. Not part of the bucket's identity:
    /// callers with another `max` spend from the same bucket and are each held to their own.
    pub max: u64,
    /// Tokens the call takes. Above `max` it can never be let through.
    pub cost: u64,
    /// How long a spent token stays away. Part of the bucket's identity, so it belongs in `key`.
    pub window: Duration,
    /// It never refuses: where it has too few tokens the call is let through without taking any.
    pub shadow: bool,
}

/// The buckets in shadow that had too few tokens, by their index in the call, lowest first.
pub type Short = SmallVec<[usize; 2]>;

/// What [`Buckets::take`] answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Every bucket was charged, but for those in shadow that had too few tokens.
    Charged(Receipt),
    /// Nothing was charged.
    Wait {
        /// The index of the bucket that refused; of several, the one with the longest wait.
        refused: usize,
        /// How long until the same call would fit if nobody else calls, in whole milliseconds,
        /// rounded up. None where it never will: `cost` is above `max`, or `max` is zero.
        retry_after: Option<Duration>,
        /// What each bucket holds, in the order of the call.
        left: SmallVec<[u64; 4]>,
        /// The buckets in shadow that had too few tokens besides.
        short: Short,
    },
}

/// What was charged, so that it can be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What each bucket still holds, in the order of the call.
    pub left: SmallVec<[u64; 4]>,
    /// The buckets in shadow that had too few tokens, so that nothing was taken from them.
    pub short: Short,
    /// The slot that each bucket was charged in, or [`NOT_CHARGED`].
    slots: SmallVec<[u64; 4]>,
    /// Unlike any other receipt's.
    id: u128,
    /// By the monotonic clock of the store that made it, in microseconds.
    charged_at_us: u64,
    /// Of the buckets' names, windows and costs, so that only what was charged is given back.
    fingerprint: u64,
}

/// No slot has this number; no token is in it.
const NOT_CHARGED: u64 = u64::MAX;

/// The counter store failed or said nothing for [`TAKE_TIMEOUT`]. No promise was made, so the call
/// must not be forwarded. Tokens may have been spent; they are never spent twice.
#[derive(Debug, thiserror::Error)]
#[error("limits cannot be checked right now")]
pub struct Unavailable(#[source] pub Option<redis::RedisError>);

/// How much proof there is that a call did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Not a byte was sent.
    NothingSent,
    /// The upstream says so; at most `max` tokens a window and bucket are believed.
    UpstreamSays,
}

/// Both stores keep the same promise; the same tests run against both.
pub trait Buckets: Send + Sync {
    /// Charges all buckets or none, in one step that no other caller can come between. Buckets in
    /// shadow come along: each is charged if the call goes through and it has the tokens.
    ///
    /// A bucket named twice is charged once, by what is not in shadow if there is any. In no interval of length `window` are more than `max`
    /// tokens of a bucket spent, however many gateways ask. Time is the store's own.
    ///
    /// # Errors
    /// [`Unavailable`] when the store fails or is silent: the call must not be forwarded.
    fn take(&self, buckets: &[Bucket]) -> impl Future<Output = Result<Taken, Unavailable>> + Send;

    /// Undoes a charge. `buckets` are those of the [`Buckets::take`] that made the receipt.
    ///
    /// True where tokens were given back. False, and nothing is changed, where the receipt was
    /// used before, is older than [`RECEIPT_LIFE`], or is not for these buckets; where an upstream
    /// has been believed for `max` tokens of a bucket in this window already (one in shadow keeps
    /// its own charge then, and no other); and where there is
    /// nothing to give because every token came back by itself.
    ///
    /// # Errors
    /// [`Unavailable`] when the store fails or is silent. The charge may have been undone or not;
    /// asking again with the same receipt is safe.
    fn give_back(
        &self,
        buckets: &[Bucket],
        receipt: &Receipt,
        proof: Proof,
    ) -> impl Future<Output = Result<bool, Unavailable>> + Send;

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`Unavailable`] where it does not, within [`TAKE_TIMEOUT`].
    fn ping(&self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The store that the configuration chose.
pub enum Limiter {
    /// In this process; for one machine.
    Local(Local),
    /// Shared by every gateway.
    Redis(Redis),
}

impl Buckets for Limiter {
    async fn take(&self, buckets: &[Bucket]) -> Result<Taken, Unavailable> {
        match self {
            Self::Local(local) => local.take(buckets).await,
            Self::Redis(redis) => redis.take(buckets).await,
        }
    }

    async fn give_back(
        &self,
        buckets: &[Bucket],
        receipt: &Receipt,
        proof: Proof,
    ) -> Result<bool, Unavailable> {
        match self {
            Self::Local(local) => local.give_back(buckets, receipt, proof).await,
            Self::Redis(redis) => redis.give_back(buckets, receipt, proof).await,
        }
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        match self {
            Self::Local(local) => local.ping().await,
            Self::Redis(redis) => redis.ping().await,
        }
    }
}

impl Bucket {
    /// `max` as the stores count it.
    fn holds(&self) -> u64 {
        self.max.min(MAX_TOKENS)
    }

    /// Whether the same call could fit at some other time.
    fn could_ever_fit(&self) -> bool {
        self.max > 0 && self.cost <= self.holds()
    }
}

impl Receipt {
    /// Whether the receipt can still be used for these buckets at `now_us` of its store's clock.
    fn is_good_for(&self, buckets: &[Bucket], now_us: u64) -> bool {
        let age = Duration::from_micros(now_us.saturating_sub(self.charged_at_us));
        age <= RECEIPT_LIFE
            && self.slots.len() == buckets.len()
            && self.fingerprint == fingerprint(buckets)
    }
}

fn fingerprint(buckets: &[Bucket]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for bucket in buckets {
        hasher.write(bucket.key.as_bytes());
        hasher.write_u64(bucket.cost);
        hasher.write_u64(window::micros(bucket.window));
        hasher.write_u8(u8::from(bucket.shadow));
    }
    hasher.finish()
}
