//! Step 10 of an evaluation: calls in flight and limits, all together.

use domain::audit::{Charge, Code, Shadow};

use super::shelf::{Key, Shelf};
use crate::{
    decision::Decision,
    engine::{Call, Pass, Refusal},
    limit::{Concurrent, Limit, Mode},
};

/// What one limit asks of a call, and what it found.
#[derive(Debug)]
pub(super) struct Demand<'p> {
    pub(super) limit: &'p Limit,
    key: Key,
    /// Tokens; of limits that share a bucket, the most that any of them asks for.
    pub(super) cost: u64,
    /// Whether the bucket is charged through this limit; another takes nothing from it.
    charges: bool,
    /// Tokens left after the call, or when it was refused.
    pub(super) left: u64,
    /// Why the call does not fit.
    pub(super) short: Option<Short>,
}

/// What a limit that does not let through lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    /// How long until the same call would fit; none where waiting does not help.
    pub(super) wait_ms: Option<u64>,
    /// Whether what is lacking is room for one more bucket, not a token.
    pub(super) of_buckets: bool,
}

/// What became of the last of several calls.
#[derive(Debug)]
pub(super) struct Settled<'p> {
    /// Why it is refused, and how long until it would fit.
    pub(super) refusal: Option<(Refusal<'p>, Option<u64>)>,
    pub(super) demands: Vec<Demand<'p>>,
    pub(super) concurrent: &'p [Concurrent],
    /// Calls in flight when it came.
    pub(super) in_flight: u64,
}

/// Makes the same call so many times within one instant, all in flight together.
pub(super) fn settle<'p>(
    shelf: &mut Shelf,
    pass: &'p Pass<'_>,
    call: &Call<'_>,
    now_ms: u64,
    times: u64,
) -> Settled<'p> {
    let mut demands = demands(pass, call);
    let fits = look(shelf, &mut demands, call, now_ms);
    // Once one call is refused so is every later one of the same instant: nothing changes.
    let enforced = demands.iter().zip(&fits);
    let enforced = enforced.filter(|(demand, _)| demand.limit.mode == Mode::Enforce);
    let places = pass.concurrent.iter();
    let places = places.filter(|concurrent| concurrent.mode == Mode::Enforce);
    let before = enforced
        .map(|(_, fits)| *fits)
        .chain(places.map(|concurrent| concurrent.max))
        .fold(times.saturating_sub(1), u64::min);
    for (demand, fits) in demands.iter().zip(fits) {
        demand.spend(shelf, before.min(fits), call, now_ms);
    }
    look(shelf, &mut demands, call, now_ms);
    let refusal = too_many_in_flight(&pass.concurrent, call, before)
        .map(|refusal| (refusal, None))
        .or_else(|| over_limit(&demands, call));
    if refusal.is_none() {
        for demand in &mut demands {
            demand.charges &= demand.short.is_none();
            demand.spend(shelf, 1, call, now_ms);
        }
        for demand in &mut demands {
            demand.left = shelf.look(demand.limit, &demand.key, 0, now_ms).left;
        }
    }
    Settled {
        refusal,
        demands,
        concurrent: &pass.concurrent,
        in_flight: before,
    }
}

/// Enforced limits first, so that a bucket is charged through one of them if it can be.
fn demands<'p>(pass: &'p Pass<'_>, call: &Call<'_>) -> Vec<Demand<'p>> {
    let mut demands: Vec<Demand<'_>> = pass
        .spends()
        .map(|spend| Demand {
            limit: spend.limit,
            key: Key::of(&spend, call.grant),
            cost: spend.cost,
            charges: true,
            left: 0,
            short: None,
        })
        .collect();
    demands.sort_by_key(|demand| demand.limit.mode == Mode::Shadow);
    for at in 1..demands.len() {
        let (before, rest) = demands.split_at_mut(at);
        rest[0].charges = !before.iter().any(|other| other.shares(&rest[0]));
    }
    let costs: Vec<u64> = demands
        .iter()
        .map(|demand| demand.shared_cost(&demands))
        .collect();
    for (demand, cost) in demands.iter_mut().zip(costs) {
        demand.cost = cost;
    }
    demands
}

/// Notes what each limit has left and lacks, and says how often the call fits.
fn look(shelf: &mut Shelf, demands: &mut [Demand<'_>], call: &Call<'_>, now_ms: u64) -> Vec<u64> {
    let mut opened: Vec<&str> = Vec::new();
    let mut fits = Vec::with_capacity(demands.len());
    for demand in demands {
        let limit = demand.limit;
        let look = shelf.look(limit, &demand.key, demand.cost, now_ms);
        let mut room_at = now_ms;
        if limit.per.is_some() && look.full && demand.charges && demand.cost > 0 {
            opened.push(&limit.counter);
            let more = opened
                .iter()
                .filter(|counter| **counter == limit.counter)
                .count();
            room_at = shelf.room_at(&limit.counter, call.grant.label, more, now_ms);
        }
        let fits_at = look.fits_at.map(|at| at.max(room_at));
        demand.left = look.left;
        demand.short = (fits_at != Some(now_ms)).then(|| Short {
            wait_ms: fits_at.map(|at| at - now_ms),
            of_buckets: look.fits_at == Some(now_ms),
        });
        fits.push(match demand.short {
            Some(_) => 0,
            None => look.left.checked_div(demand.cost).unwrap_or(u64::MAX),
        });
    }
    fits
}

impl Demand<'_> {
    fn shares(&self, other: &Self) -> bool {
        self.limit.counter == other.limit.counter && self.key == other.key
    }

    /// The most that any limit of the same bucket asks for, in shadow or not as this one.
    fn shared_cost(&self, all: &[Self]) -> u64 {
        let sharing = all.iter().filter(|other| other.shares(self));
        let alike = sharing.filter(|other| other.limit.mode == self.limit.mode);
        alike.map(|other| other.cost).fold(self.cost, u64::max)
    }

    /// Takes the tokens of so many calls, where the bucket is charged through this limit.
    fn spend(&self, shelf: &mut Shelf, times: u64, call: &Call<'_>, now_ms: u64) {
        if self.charges {
            let tokens = self.cost.saturating_mul(times);
            shelf.spend(self.limit, &self.key, tokens, call.grant.label, now_ms);
        }
    }
}

fn too_many_in_flight<'p>(
    concurrent: &'p [Concurrent],
    call: &Call<'_>,
    in_flight: u64,
) -> Option<Refusal<'p>> {
    concurrent
        .iter()
        .find(|one| one.mode == Mode::Enforce && in_flight >= one.max)
        .map(|one| one.refusal(call.tool))
}

/// Of several limits that do not let through, the one that does so the longest refuses; of equals
/// the first.
fn over_limit<'p>(demands: &[Demand<'p>], call: &Call<'_>) -> Option<(Refusal<'p>, Option<u64>)> {
    let mut worst: Option<(&Demand<'p>, Short)> = None;
    for demand in demands.iter().filter(|it| it.limit.mode == Mode::Enforce) {
        let wait = |short: Short| short.wait_ms.unwrap_or(u64::MAX);
        if let Some(short) = demand.short
            && worst.is_none_or(|(_, longest)| wait(short) > wait(longest))
        {
            worst = Some((demand, short));
        }
    }
    worst.map(|(Demand { limit, .. }, short)| {
        let refusal = match short.of_buckets {
            true => limit.too_many_buckets(call.tool, short.wait_ms),
            false => limit.refusal(call.tool, short.wait_ms),
        };
        (refusal, short.wait_ms)
    })
}

impl Settled<'_> {
    /// The decision, given what shadow rules would have done before.
    pub(super) fn decision(self, mut shadow: Vec<Shadow>) -> Decision {
        shadow.extend(self.shadow());
        let charges = self.charges();
        let (decision, retry_after_ms) = match self.refusal {
            Some((refusal, wait_ms)) => (Decision::refused(refusal, shadow), wait_ms),
            None => (Decision::allowed(shadow), None),
        };
        Decision {
            charges,
            retry_after_ms,
            ..decision
        }
    }

    /// What shadow rules would have done.
    fn shadow(&self) -> impl Iterator<Item = Shadow> {
        let places = self.concurrent.iter();
        let places = places.filter(|it| it.mode == Mode::Shadow && self.in_flight >= it.max);
        let limits = self.demands.iter();
        let limits = limits.filter(|it| it.limit.mode == Mode::Shadow && it.short.is_some());
        let shadow = |code, rule: &str| Shadow {
            code,
            rule: rule.to_owned(),
        };
        places
            .map(move |it| shadow(Code::TooManyInFlight, &it.rule))
            .chain(limits.map(move |it| shadow(Code::RateLimited, &it.limit.rule)))
    }

    /// What each limit was charged; where the call is refused, what those that refuse would take.
    fn charges(&self) -> Vec<Charge> {
        let refused = self.refusal.is_some();
        let listed = self.demands.iter().filter(|it| match it.limit.mode {
            Mode::Enforce => true,
            Mode::Shadow => it.charges && !refused,
        });
        listed
            .map(|demand| Charge {
                counter: demand.limit.counter.clone(),
                rule: demand.limit.rule.clone(),
                cost: if demand.charges { demand.cost } else { 0 },
                max: demand.limit.max,
                left: demand.left,
                window_ms: demand.limit.window_ms,
            })
            .collect()
    }
}
