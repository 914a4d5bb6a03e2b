//! The buckets in memory, for one process.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::{
    Bucket, Buckets, NOT_CHARGED, Proof, RECEIPT_LIFE, Receipt, Short, Taken, Unavailable,
    fingerprint,
    window::{Slots, Span, micros},
};

/// Enough that calls of different grants seldom meet.
const SHARDS: usize = 64;
/// A shard forgets its idle buckets this often, in microseconds, or when it has doubled.
const SWEEP_EVERY_US: u64 = 60_000_000;
/// Below this many buckets a shard is not swept early.
const SWEEP_ABOVE: usize = 64;

/// Token buckets in this process's memory. Time is the monotonic clock, so nothing that happens to
/// the machine's date matters; everything is forgotten when the process ends.
pub struct Local {
    shards: Box<[Mutex<Shard>]>,
    hasher: foldhash::quality::RandomState,
    receipts: AtomicU64,
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
}

#[derive(Default)]
struct Shard {
    buckets: HashMap<Box<str>, State, foldhash::quality::RandomState>,
    sweep_at_us: u64,
    sweep_above: usize,
    used: Used,
}

/// Later than any time.
const NEVER: u64 = u64::MAX;

/// One bucket.
struct State {
    span: Span,
    spent: Slots,
    /// Tokens given back on an upstream's word alone.
    believed: Slots,
}

/// The receipts that were used, in two generations, so that each is remembered for at least
/// [`RECEIPT_LIFE`] and none for more than twice that.
#[derive(Default)]
struct Used {
    recent: HashSet<u128, foldhash::quality::RandomState>,
    older: HashSet<u128, foldhash::quality::RandomState>,
    rotate_at_us: u64,
}

type Guards<'a> = SmallVec<[(usize, MutexGuard<'a, Shard>); 4]>;

impl Local {
    /// Empty: every bucket is full.
    #[must_use]
    pub fn new() -> Self {
        let start = Instant::now();
        Self::with_clock(move || micros(start.elapsed()))
    }

    /// The same, by another clock: microseconds since some moment, never fewer than before.
    #[must_use]
    pub fn with_clock(clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: foldhash::quality::RandomState::default(),
            receipts: AtomicU64::new(0),
            clock: Box::new(clock),
        }
    }

    /// How many buckets are kept. Idle ones are forgotten in time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().buckets.len())
            .sum()
    }

    /// Whether no bucket is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Locks the shards of all buckets, lowest first, so that two calls never wait for each other.
    /// The second value says where each bucket's shard is among them.
    fn lock(&self, buckets: &[Bucket]) -> (Guards<'_>, SmallVec<[usize; 4]>) {
        use std::hash::BuildHasher;
        let shard_of = |bucket: &Bucket| {
            let hash = self.hasher.hash_one(bucket.key.as_str());
            usize::try_from(hash % SHARDS as u64).expect("a remainder below 64 fits")
        };
        let of_bucket: SmallVec<[usize; 4]> = buckets.iter().map(shard_of).collect();
        let mut order = of_bucket.clone();
        order.sort_unstable();
        order.dedup();
        let guards: Guards<'_> = order
            .iter()
            .map(|&index| (index, self.shards[index].lock()))
            .collect();
        let place = |index: &usize| {
            order
                .binary_search(index)
                .expect("every bucket's shard is among those locked")
        };
        let places = of_bucket.iter().map(place).collect();
        (guards, places)
    }

    fn take_now(&self, buckets: &[Bucket]) -> Taken {
        let (mut guards, places) = self.lock(buckets);
        // Read under the locks: a bucket's slots are then charged in the order of time.
        let now = (self.clock)();
        // Which bucket refuses the longest, and until when; for ever is later than everything.
        let mut worst: Option<(usize, u64)> = None;
        let mut left = SmallVec::new();
        let mut short = Short::new();
        for (index, (bucket, &place)) in buckets.iter().zip(&places).enumerate() {
            let (spent, fits_at) = guards[place].1.look(bucket, now);
            left.push(bucket.holds().saturating_sub(spent));
            if fits_at > now && bucket.shadow {
                short.push(index);
            } else if fits_at > now && worst.is_none_or(|(_, at)| fits_at > at) {
                worst = Some((index, fits_at));
            }
        }
        if let Some((refused, at)) = worst {
            let wait = || Duration::from_millis((at - now).div_ceil(1000));
            return Taken::Wait {
                refused,
                retry_after: (at < NEVER).then(wait),
                left,
                short,
            };
        }
        let mut slots = SmallVec::from_elem(NOT_CHARGED, buckets.len());
        for shadow in [false, true] {
            for (index, (bucket, &place)) in buckets.iter().zip(&places).enumerate() {
                let of_key = |(other, slot): (&Bucket, &u64)| {
                    *slot != NOT_CHARGED && other.key == bucket.key
                };
                if bucket.shadow == shadow
                    && !short.contains(&index)
                    && !buckets.iter().zip(&slots).any(of_key)
                {
                    slots[index] = guards[place].1.charge(bucket, now);
                }
            }
        }
        for ((bucket, &place), left) in buckets.iter().zip(&places).zip(&mut left) {
            *left = bucket
                .holds()
                .saturating_sub(guards[place].1.spent(&bucket.key));
        }
        Taken::Charged(Receipt {
            left,
            short,
            slots,
            id: u128::from(self.receipts.fetch_add(1, Ordering::Relaxed)),
            charged_at_us: now,
            fingerprint: fingerprint(buckets),
        })
    }

    fn give_back_now(&self, buckets: &[Bucket], receipt: &Receipt, proof: Proof) -> bool {
        let (mut guards, places) = self.lock(buckets);
        let now = (self.clock)();
        let Some(&home) = places.first() else {
            return false;
        };
        if !receipt.is_good_for(buckets, now) || guards[home].1.used.contains(receipt.id, now) {
            return false;
        }
        let mut gifts: SmallVec<[u64; 4]> = SmallVec::new();
        for (index, (bucket, &place)) in buckets.iter().zip(&places).enumerate() {
            let Some(state) = guards[place].1.buckets.get_mut(bucket.key.as_str()) else {
                gifts.push(0);
                continue;
            };
            state.spent.expire(state.span, now);
            state.believed.expire(state.span, now);
            let mut gift = state.spent.count(receipt.slots[index]).min(bucket.cost);
            let believed = state.believed.total().saturating_add(gift);
            if proof == Proof::UpstreamSays && believed > bucket.holds() {
                if !bucket.shadow {
                    return false;
                }
                gift = 0;
            }
            gifts.push(gift);
        }
        if gifts.iter().all(|&gift| gift == 0) {
            return false;
        }
        for (index, (bucket, &place)) in buckets.iter().zip(&places).enumerate() {
            let Some(state) = guards[place].1.buckets.get_mut(bucket.key.as_str()) else {
                continue;
            };
            state.spent.remove(receipt.slots[index], gifts[index]);
            if proof == Proof::UpstreamSays {
                state.believed.add(state.span.slot_at(now), gifts[index]);
            }
        }
        guards[home].1.used.insert(receipt.id);
        true
    }
}

impl Shard {
    /// What is spent of a bucket, and when the call fits: now, later or [`NEVER`].
    fn look(&mut self, bucket: &Bucket, now: u64) -> (u64, u64) {
        let mut state = self.buckets.get_mut(bucket.key.as_str());
        if let Some(state) = &mut state {
            state.spent.expire(state.span, now);
        }
        let spent = state.as_ref().map_or(0, |state| state.spent.total());
        let over = spent
            .saturating_add(bucket.cost)
            .saturating_sub(bucket.holds());
        let fits_at = match state {
            _ if !bucket.could_ever_fit() => NEVER,
            Some(state) if over > 0 => state.spent.back_at(state.span, over).unwrap_or(NEVER),
            _ => now,
        };
        (spent, fits_at)
    }

    fn spent(&self, key: &str) -> u64 {
        self.buckets.get(key).map_or(0, |state| state.spent.total())
    }

    /// Spends tokens of one bucket, and says in which slot.
    fn charge(&mut self, bucket: &Bucket, now: u64) -> u64 {
        let cost = bucket.cost;
        if let Some(state) = self.buckets.get_mut(bucket.key.as_str()) {
            let slot = state.span.slot_at(now);
            state.spent.add(slot, cost);
            return slot;
        }
        let span = Span::new(bucket.window);
        let slot = span.slot_at(now);
        if cost > 0 {
            self.sweep(now);
            let mut state = State {
                span,
                spent: Slots::default(),
                believed: Slots::default(),
            };
            state.spent.add(slot, cost);
            self.buckets.insert(bucket.key.as_str().into(), state);
        }
        slot
    }

    /// Forgets the buckets that are full again. Each sweep is paid for by as many new buckets as
    /// it may look at, or by a minute's time.
    fn sweep(&mut self, now: u64) {
        if self.buckets.len() < self.sweep_above.max(SWEEP_ABOVE) && now < self.sweep_at_us {
            return;
        }
        self.buckets.retain(|_, state| {
            state.spent.expire(state.span, now);
            state.believed.expire(state.span, now);
            !(state.spent.is_empty() && state.believed.is_empty())
        });
        self.sweep_above = self.buckets.len() * 2;
        self.sweep_at_us = now + SWEEP_EVERY_US;
    }
}

impl Used {
    fn contains(&mut self, id: u128, now: u64) -> bool {
        if now >= self.rotate_at_us {
            self.older = std::mem::take(&mut self.recent);
            self.rotate_at_us = now + micros(RECEIPT_LIFE);
        }
        self.recent.contains(&id) || self.older.contains(&id)
    }

    fn insert(&mut self, id: u128) {
        self.recent.insert(id);
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Buckets for Local {
    async fn take(&self, buckets: &[Bucket]) -> Result<Taken, Unavailable> {
        Ok(self.take_now(buckets))
    }

    async fn give_back(
        &self,
        buckets: &[Bucket],
        receipt: &Receipt,
        proof: Proof,
    ) -> Result<bool, Unavailable> {
        Ok(self.give_back_now(buckets, receipt, proof))
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }
}
