//! What rules forbid, as far as it can be compared without knowing a call.

use std::collections::BTreeMap;

use crate::{
    diff::Effect,
    limit::{Argument, Concurrent, Limit, Mode},
};

/// What rules forbid together: each key one restriction, with its number where it has one, the
/// smaller the stricter. None where every call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restrictions(Option<BTreeMap<String, u64>>);

impl Restrictions {
    /// Every call passes.
    pub(crate) const fn none() -> Self {
        Self(Some(BTreeMap::new()))
    }

    /// No call passes.
    pub(crate) const fn everything() -> Self {
        Self(None)
    }

    /// Adds a restriction; of two with one key the stricter stays.
    pub(crate) fn forbid(&mut self, key: String, number: u64) {
        if let Some(all) = &mut self.0 {
            let least = all.entry(key).or_insert(number);
            *least = number.min(*least);
        }
    }

    /// Adds a limit that is enforced. Its key is what names the bucket, and what a call takes.
    pub(crate) fn limit(&mut self, limit: &Limit) {
        let path = |it: &Option<Argument>| it.as_ref().map(|it| it.path.clone());
        let (per, cost) = (path(&limit.per), path(&limit.cost));
        let Limit {
            counter,
            window_ms,
            scope,
            refill,
            ..
        } = limit;
        if limit.mode == Mode::Enforce {
            let key = format!("limit {counter} {window_ms} {scope:?} {refill:?} {per:?} {cost:?}");
            self.forbid(key, limit.max);
        }
    }

    /// Adds places in flight that are enforced.
    pub(crate) fn concurrent(&mut self, concurrent: &Concurrent) {
        if concurrent.mode == Mode::Enforce {
            self.forbid(format!("concurrent {:?}", concurrent.scope), concurrent.max);
        }
    }

    /// What putting other restrictions in place of these does.
    pub(crate) fn to(&self, new: &Self) -> Effect {
        let (old, new) = match (&self.0, &new.0) {
            (None, None) => return Effect::Neutral,
            (None, Some(_)) => return Effect::Loosens,
            (Some(_), None) => return Effect::Tightens,
            (Some(old), Some(new)) => (old, new),
        };
        let gone = old.iter().map(|(key, was)| match new.get(key) {
            None => Effect::Loosens,
            Some(is) => Effect::of_bound(*was, *is),
        });
        let fresh = new.keys().filter(|key| !old.contains_key(*key));
        gone.chain(fresh.map(|_| Effect::Tightens)).collect()
    }
}

/// All of several blocks that must let through together.
impl FromIterator<Self> for Restrictions {
    fn from_iter<I: IntoIterator<Item = Self>>(several: I) -> Self {
        let mut all = Self::none();
        for one in several {
            let Some(one) = one.0 else {
                return Self::everything();
            };
            for (key, number) in one {
                all.forbid(key, number);
            }
        }
        all
    }
}
