//! Token buckets: one Lua script, and all the Redis there is; and the same buckets in memory.

use std::{future::Future, time::Duration};
use smallvec::SmallVec;

/// One bucket that a call wants tokens from.
#[derive(Debug, Clone)]
pub struct Bucket { /** What names it, without the installation's prefix: `{org_…}:grant:gr_…:counter:60s:sliding`. */ pub key: String, pub max: u64, pub cost: u64, pub window: Duration }

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Charged(Receipt),
    /// Nothing was charged. `refused` is the index of the bucket that refused (the one with the longest wait); no wait where `cost > max`.
    Wait { refused: usize, retry_after: Option<Duration>, left: SmallVec<[u64; 4]> },
}
/// What was charged, so that it can be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt { pub left: SmallVec<[u64; 4]>, charged_at_us: u64 }

/// The counter store failed or said nothing for [`TAKE_TIMEOUT`]. No promise was made, so the call must not be forwarded.
#[derive(Debug, thiserror::Error)]
#[error("limits cannot be checked right now")]
pub struct Unavailable(#[source] pub Option<redis::RedisError>);
pub const TAKE_TIMEOUT: Duration = Duration::from_millis(250);

/// How much proof there is that a call did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof { /** Not a byte was sent. */ NothingSent, /** The upstream says so; at most `max` a window are believed. */ UpstreamSays }

/// Both stores keep the same promise; the same tests run against both.
pub trait Buckets: Send + Sync {
    fn take(&self, buckets: &[Bucket]) -> impl Future<Output = Result<Taken, Unavailable>> + Send;
    /// True where the tokens were given back.
    fn give_back(&self, buckets: &[Bucket], receipt: &Receipt, proof: Proof) -> impl Future<Output = Result<bool, Unavailable>> + Send;
    fn ping(&self) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The store that the configuration chose.
pub enum Limiter { Local(Local), Redis(Redis) }
pub struct Local {}
pub struct Redis {}
impl Local { pub fn new() -> Self { todo!() } }
impl Redis { pub async fn connect(url: &str) -> Result<Self, Unavailable> { todo!() } }
