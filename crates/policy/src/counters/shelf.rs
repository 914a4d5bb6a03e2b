//! Where the buckets are kept.

use std::collections::HashMap;

use super::bucket::Bucket;
use crate::{
    engine::{GrantFacts, Spend},
    limit::{Limit, LimitScope, Refill},
    path::Path,
};

/// Buckets with `per` that are not full, for one counter: of a grant, and of the organisation.
const GRANT_BUCKETS_MAX: usize = 1000;
const ORG_BUCKETS_MAX: usize = 10_000;

/// Which bucket of a counter: `policy.md`, section 4, "counter".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    subject: Subject,
    window_ms: u64,
    refill: Refill,
    per: Option<(Path, Box<str>)>,
}

/// Whose bucket it is, or whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Grant(Box<str>),
    Identity(Box<str>),
    Server,
    Org,
}

impl Subject {
    /// There are no sessions here, so a session's is the grant's, as everywhere in the stateless
    /// era; and so is an identity's where none is set.
    fn of(scope: LimitScope, grant: GrantFacts<'_>) -> Self {
        match (scope, grant.identity) {
            (LimitScope::Server, _) => Self::Server,
            (LimitScope::Org, _) => Self::Org,
            (LimitScope::Identity, Some(identity)) => Self::Identity(identity.into()),
            _ => Self::Grant(grant.label.into()),
        }
    }
}

impl Key {
    pub(super) fn of(spend: &Spend<'_>, grant: GrantFacts<'_>) -> Self {
        let limit = spend.limit;
        let per = limit.per.as_ref().zip(spend.per);
        Self {
            subject: Subject::of(limit.scope, grant),
            window_ms: limit.window_ms,
            refill: limit.refill,
            per: per.map(|(argument, value)| (argument.path.clone(), value.into())),
        }
    }
}

/// The buckets of every counter. A full one need not be kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf(HashMap<String, Counter>);

#[derive(Debug, Clone, Default)]
struct Counter {
    buckets: HashMap<Key, Kept>,
    /// How many of the buckets with `per` each grant has opened; those that are full again are
    /// among them until a sweep.
    opened: HashMap<Box<str>, usize>,
}

#[derive(Debug, Clone)]
struct Kept {
    bucket: Bucket,
    /// The grant that took the first token of it.
    opened_by: Box<str>,
}

/// One bucket as a limit sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Whole tokens left of the limit's `max`.
    pub(super) left: u64,
    /// When the cost fits; none where it never does.
    pub(super) fits_at: Option<u64>,
    /// Whether it is full.
    pub(super) full: bool,
}

impl Shelf {
    pub(super) fn look(&mut self, limit: &Limit, key: &Key, cost: u64, now_ms: u64) -> Look {
        let counter = self.0.get_mut(&limit.counter);
        let kept = counter.and_then(|counter| counter.buckets.get_mut(key));
        let fresh;
        let bucket = match kept {
            Some(kept) => {
                kept.bucket.advance(now_ms);
                &kept.bucket
            }
            None => {
                fresh = Bucket::new(limit.refill, limit.window_ms);
                &fresh
            }
        };
        Look {
            left: bucket.left(limit.max),
            fits_at: bucket.fits_at(limit.max, cost, now_ms),
            full: bucket.full_at(now_ms) == now_ms,
        }
    }

    /// When there is room for so many more buckets of a counter with `per`.
    pub(super) fn room_at(&mut self, counter: &str, grant: &str, more: usize, now_ms: u64) -> u64 {
        let Some(counter) = self.0.get_mut(counter) else {
            return now_ms;
        };
        if counter.has_room(grant, more) {
            return now_ms;
        }
        counter.sweep(now_ms);
        if counter.has_room(grant, more) {
            return now_ms;
        }
        let live = || counter.buckets.iter().filter(|(key, _)| key.per.is_some());
        let full_at = |(_, kept): (_, &Kept)| kept.bucket.full_at(now_ms);
        let of_grant = live().filter(|(_, kept)| *kept.opened_by == *grant);
        let grant_at = free_at(
            of_grant.map(full_at).collect(),
            more,
            GRANT_BUCKETS_MAX,
            now_ms,
        );
        let org_at = free_at(live().map(full_at).collect(), more, ORG_BUCKETS_MAX, now_ms);
        grant_at.max(org_at)
    }

    /// Takes tokens that [`Shelf::look`] has said are there.
    pub(super) fn spend(
        &mut self,
        limit: &Limit,
        key: &Key,
        tokens: u64,
        grant: &str,
        now_ms: u64,
    ) {
        if tokens == 0 {
            return;
        }
        let counter = self.0.entry(limit.counter.clone()).or_default();
        // One that is full again is opened anew, by whoever comes now.
        if let Some(kept) = counter.buckets.get_mut(key) {
            kept.bucket.advance(now_ms);
            if kept.bucket.full_at(now_ms) > now_ms {
                return kept.bucket.spend(limit.max, tokens, now_ms);
            }
            counter.forget(key);
        }
        let mut bucket = Bucket::new(limit.refill, limit.window_ms);
        bucket.spend(limit.max, tokens, now_ms);
        counter.open(key, bucket, grant);
    }
}

impl Counter {
    fn has_room(&self, grant: &str, more: usize) -> bool {
        let of_grant = self.opened.get(grant).copied().unwrap_or(0);
        let of_org: usize = self.opened.values().sum();
        of_grant + more <= GRANT_BUCKETS_MAX && of_org + more <= ORG_BUCKETS_MAX
    }

    fn open(&mut self, key: &Key, bucket: Bucket, grant: &str) {
        if key.per.is_some() {
            *self.opened.entry(grant.into()).or_default() += 1;
        }
        let opened_by = grant.into();
        self.buckets.insert(key.clone(), Kept { bucket, opened_by });
    }

    fn forget(&mut self, key: &Key) {
        if let Some(kept) = self.buckets.remove(key)
            && key.per.is_some()
            && let Some(count) = self.opened.get_mut(&kept.opened_by)
        {
            *count -= 1;
        }
    }

    /// Forgets the buckets that are full again.
    fn sweep(&mut self, now_ms: u64) {
        self.opened.clear();
        self.buckets.retain(|key, kept| {
            kept.bucket.advance(now_ms);
            let live = kept.bucket.full_at(now_ms) > now_ms;
            if live && key.per.is_some() {
                *self.opened.entry(kept.opened_by.clone()).or_default() += 1;
            }
            live
        });
    }
}

/// When enough of what is taken is free again for `more` beside it.
fn free_at(mut taken_until: Vec<u64>, more: usize, max: usize, now_ms: u64) -> u64 {
    let over = (taken_until.len() + more).saturating_sub(max);
    taken_until.sort_unstable();
    match over.checked_sub(1) {
        None => now_ms,
        Some(last) => taken_until.get(last).copied().unwrap_or(u64::MAX),
    }
}
