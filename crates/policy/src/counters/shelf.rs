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
pub(super) struct Shelf(HashMap<String, HashMap<Key, Kept>>);

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
        let kept = self.0.get_mut(&limit.counter);
        let kept = kept.and_then(|all| all.get_mut(key));
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
        let Some(all) = self.0.get_mut(counter) else {
            return now_ms;
        };
        if all.len() + more <= GRANT_BUCKETS_MAX {
            return now_ms;
        }
        all.retain(|_, kept| {
            kept.bucket.advance(now_ms);
            kept.bucket.full_at(now_ms) > now_ms
        });
        let live = || all.iter().filter(|(key, _)| key.per.is_some());
        let full_at = |kept: &Kept| kept.bucket.full_at(now_ms);
        let of_org = live().map(|(_, kept)| full_at(kept)).collect();
        let of_grant = live().filter(|(_, kept)| *kept.opened_by == *grant);
        let of_grant = of_grant.map(|(_, kept)| full_at(kept)).collect();
        let org_at = free_at(of_org, more, ORG_BUCKETS_MAX, now_ms);
        org_at.max(free_at(of_grant, more, GRANT_BUCKETS_MAX, now_ms))
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
        let all = self.0.entry(limit.counter.clone()).or_default();
        let kept = all.entry(key.clone()).or_insert_with(|| Kept {
            bucket: Bucket::new(limit.refill, limit.window_ms),
            opened_by: grant.into(),
        });
        kept.bucket.advance(now_ms);
        if kept.bucket.full_at(now_ms) == now_ms {
            kept.opened_by = grant.into();
        }
        kept.bucket.spend(limit.max, tokens, now_ms);
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
