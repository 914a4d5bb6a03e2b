//! One bucket, and how its tokens come back.

use std::collections::VecDeque;

use crate::limit::Refill;

/// A sliding bucket remembers so many moments at which tokens were spent; then it merges those of
/// one sixtieth of the window, which brings them down to 61.
const MOMENTS_MAX: usize = 1024;
const SLOTS: u64 = 60;
/// Monday, 1970-01-05T00:00Z, in milliseconds since 1970.
const FIRST_MONDAY_MS: u64 = 4 * 86_400_000;

/// What was spent of one bucket and has not come back. How many tokens the bucket holds is no part
/// of it: each limit that names it has its own `max`.
///
/// Times are milliseconds since 1970 and never go back.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    window_ms: u64,
    spent: Spent,
}

#[derive(Debug, Clone)]
enum Spent {
    /// When tokens were spent and how many, oldest first.
    Sliding {
        moments: VecDeque<(u64, u64)>,
        sum: u64,
    },
    /// What is owed, in tokens times the window's milliseconds, so that nothing is ever rounded:
    /// `per_ms` of it comes back each millisecond, which is the `max` of the limit that spent last.
    Steady { owed: u128, per_ms: u64, at_ms: u64 },
    /// Everything comes back at the boundary.
    Calendar { boundary_ms: u64, sum: u64 },
}

impl Bucket {
    /// A full one.
    pub(super) fn new(refill: Refill, window_ms: u64) -> Self {
        let spent = match refill {
            Refill::Sliding => Spent::Sliding {
                moments: VecDeque::new(),
                sum: 0,
            },
            Refill::Steady => Spent::Steady {
                owed: 0,
                per_ms: 0,
                at_ms: 0,
            },
            Refill::Calendar => Spent::Calendar {
                boundary_ms: 0,
                sum: 0,
            },
        };
        Self { window_ms, spent }
    }

    /// Takes back what has come back by now.
    pub(super) fn advance(&mut self, now_ms: u64) {
        match &mut self.spent {
            Spent::Sliding { moments, sum } => {
                while let Some(&(at_ms, tokens)) = moments.front()
                    && at_ms + self.window_ms <= now_ms
                {
                    *sum -= tokens;
                    moments.pop_front();
                }
            }
            Spent::Steady {
                owed,
                per_ms,
                at_ms,
            } => {
                let back = u128::from(now_ms.saturating_sub(*at_ms)) * u128::from(*per_ms);
                *owed = owed.saturating_sub(back);
                *at_ms = now_ms;
            }
            Spent::Calendar { boundary_ms, sum } => {
                if *boundary_ms <= now_ms {
                    *sum = 0;
                }
            }
        }
    }

    /// Whole tokens left of `max`.
    pub(super) fn left(&self, max: u64) -> u64 {
        match self.spent {
            Spent::Sliding { sum, .. } | Spent::Calendar { sum, .. } => max.saturating_sub(sum),
            Spent::Steady { owed, .. } => {
                let spent = owed.div_ceil(u128::from(self.window_ms));
                max.saturating_sub(u64::try_from(spent).unwrap_or(u64::MAX))
            }
        }
    }

    /// When so many tokens of `max` are there: now, later, or none where they never are.
    pub(super) fn fits_at(&self, max: u64, cost: u64, now_ms: u64) -> Option<u64> {
        if max == 0 || cost > max {
            return None;
        }
        Some(self.owes_at_most(max - cost, now_ms))
    }

    /// When everything spent has come back.
    pub(super) fn full_at(&self, now_ms: u64) -> u64 {
        self.owes_at_most(0, now_ms)
    }

    /// The first moment from now on at which at most so many tokens are still spent.
    fn owes_at_most(&self, tokens: u64, now_ms: u64) -> u64 {
        match &self.spent {
            Spent::Sliding { moments, sum } => {
                let mut still = *sum;
                let mut fits_at = now_ms;
                let mut oldest_first = moments.iter();
                while still > tokens
                    && let Some(&(at_ms, back)) = oldest_first.next()
                {
                    still -= back;
                    fits_at = at_ms + self.window_ms;
                }
                fits_at
            }
            Spent::Steady { owed, per_ms, .. } => {
                let allowed = u128::from(tokens) * u128::from(self.window_ms);
                let wait = match owed.saturating_sub(allowed) {
                    0 => 0,
                    over => over.div_ceil(u128::from(*per_ms)),
                };
                now_ms.saturating_add(u64::try_from(wait).unwrap_or(u64::MAX))
            }
            Spent::Calendar { boundary_ms, sum } => match *sum > tokens {
                true => *boundary_ms,
                false => now_ms,
            },
        }
    }

    /// Spends tokens that are there.
    pub(super) fn spend(&mut self, max: u64, tokens: u64, now_ms: u64) {
        if tokens == 0 {
            return;
        }
        match &mut self.spent {
            Spent::Sliding { moments, sum } => {
                *sum += tokens;
                match moments.back_mut() {
                    Some((at_ms, count)) if *at_ms >= now_ms => *count += tokens,
                    _ => moments.push_back((now_ms, tokens)),
                }
                if moments.len() > MOMENTS_MAX {
                    merge(moments, self.window_ms / SLOTS);
                }
            }
            Spent::Steady {
                owed,
                per_ms,
                at_ms,
            } => {
                *owed += u128::from(tokens) * u128::from(self.window_ms);
                *per_ms = max;
                *at_ms = now_ms;
            }
            Spent::Calendar { boundary_ms, sum } => {
                *sum += tokens;
                *boundary_ms = boundary_after(now_ms, self.window_ms);
            }
        }
    }
}

/// Merges moments of one slot into the slot's latest, so that a token comes back at most a slot
/// late and never early. Slots lie on a fixed grid, so merging again adds no lateness.
fn merge(moments: &mut VecDeque<(u64, u64)>, slot_ms: u64) {
    let slot_ms = slot_ms.max(1);
    let mut merged: VecDeque<(u64, u64)> = VecDeque::with_capacity(MOMENTS_MAX + 1);
    for (at_ms, tokens) in moments.drain(..) {
        match merged.back_mut() {
            Some(last) if last.0 / slot_ms == at_ms / slot_ms => {
                *last = (at_ms, last.1 + tokens);
            }
            _ => merged.push_back((at_ms, tokens)),
        }
    }
    *moments = merged;
}

/// The first boundary after now, of those that lie a window apart from the first Monday on, either
/// way.
fn boundary_after(now_ms: u64, window_ms: u64) -> u64 {
    let since = i128::from(now_ms) - i128::from(FIRST_MONDAY_MS);
    let window = i128::from(window_ms);
    let next = i128::from(FIRST_MONDAY_MS) + (since.div_euclid(window) + 1) * window;
    u64::try_from(next).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens spent at thousands of moments take little room, and come back late by a sixtieth of
    /// the window at most, and never early.
    #[test]
    fn a_sliding_bucket_stays_small() {
        let window_ms = 60_000;
        let mut bucket = Bucket::new(Refill::Sliding, window_ms);
        for now_ms in (0..600_000).step_by(7) {
            bucket.advance(now_ms);
            bucket.spend(1_000_000, 1, now_ms);
            let exact = now_ms.min(window_ms - 1) / 7 + 1;
            let held = 1_000_000 - bucket.left(1_000_000);
            let late = held.checked_sub(exact).expect("no token is back early");
            assert!(late <= 1000 / 7 + 1, "{late} tokens late at {now_ms}");
            let Spent::Sliding { moments, .. } = &bucket.spent else {
                panic!("it was made sliding")
            };
            assert!(moments.len() <= MOMENTS_MAX);
        }
    }

    /// 10^12 tokens in 31 days, the most that a policy can ask for, do not overflow.
    #[test]
    fn the_largest_bucket_is_counted_exactly() {
        let (max, window_ms) = (1_000_000_000_000, 2_678_400_000);
        for refill in [Refill::Sliding, Refill::Steady, Refill::Calendar] {
            let mut bucket = Bucket::new(refill, window_ms);
            bucket.spend(max, max, 1);
            assert_eq!(bucket.left(max), 0);
            let back_at = bucket.fits_at(max, max, 1).expect("it fits in time");
            bucket.advance(back_at - 1);
            assert_ne!(bucket.left(max), max);
            bucket.advance(back_at);
            assert_eq!(bucket.left(max), max);
        }
    }
}
