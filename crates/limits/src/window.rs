//! A sliding window, exactly, in at most 62 numbers.
//!
//! Time is cut into slots of a sixtieth of the window. A bucket remembers how many tokens were
//! spent in each slot, and a slot's tokens come back together when the slot's END lies a whole
//! window in the past. A token spent at any moment of a slot is so returned strictly more than one
//! window later (never early) and at most one slot more than that (a sixtieth late), and the memory
//! does not grow with `max`.

use std::{collections::VecDeque, time::Duration};

/// Slots in a window.
const SLOTS: u64 = 60;

/// A duration in whole microseconds; more than half a million years count as that.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros())
        .unwrap_or(u64::MAX)
        .min(1 << 62)
}

/// A window and how it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    window_us: u64,
    slot_us: u64,
}

impl Span {
    pub(crate) fn new(window: Duration) -> Self {
        let window_us = micros(window).max(1);
        Self {
            window_us,
            slot_us: (window_us / SLOTS).max(1),
        }
    }

    pub(crate) fn slot_at(self, now_us: u64) -> u64 {
        now_us / self.slot_us
    }

    /// When the tokens spent in a slot are there again.
    pub(crate) fn back_at(self, slot: u64) -> u64 {
        (slot + 1)
            .saturating_mul(self.slot_us)
            .saturating_add(self.window_us)
    }
}

/// Tokens by the slot they were counted in, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    counts: VecDeque<(u64, u64)>,
    total: u64,
}

impl Slots {
    /// Forgets what has come back.
    pub(crate) fn expire(&mut self, span: Span, now_us: u64) {
        while let Some(&(slot, count)) = self.counts.front() {
            if span.back_at(slot) > now_us {
                break;
            }
            self.total -= count;
            self.counts.pop_front();
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Counts tokens in a slot no older than the newest.
    pub(crate) fn add(&mut self, slot: u64, tokens: u64) {
        if tokens == 0 {
            return;
        }
        self.total += tokens;
        match self.counts.back_mut() {
            Some((last, count)) if *last >= slot => *count += tokens,
            _ => self.counts.push_back((slot, tokens)),
        }
    }

    /// Takes up to `tokens` out of a slot, and says how many there were to take.
    pub(crate) fn remove(&mut self, slot: u64, tokens: u64) -> u64 {
        let removed = tokens.min(self.count(slot));
        if removed > 0 {
            self.total -= removed;
            for entry in self.counts.iter_mut().filter(|(at, _)| *at == slot) {
                entry.1 -= removed;
            }
            self.counts.retain(|&(_, count)| count > 0);
        }
        removed
    }

    pub(crate) fn count(&self, slot: u64) -> u64 {
        self.counts
            .iter()
            .find(|(at, _)| *at == slot)
            .map_or(0, |&(_, count)| count)
    }

    /// When `tokens` of those counted now will have come back; none where there are fewer.
    pub(crate) fn back_at(&self, span: Span, tokens: u64) -> Option<u64> {
        let mut back = 0;
        self.counts.iter().find_map(|&(slot, count)| {
            back += count;
            (back >= tokens).then(|| span.back_at(slot))
        })
    }

    /// Whether nothing is counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_any_length_needs_at_most_62_slots() {
        for window_us in [
            1_000_000,
            1_000_059,
            60_000_000,
            59_999_999,
            2_678_400_000_000,
        ] {
            let span = Span::new(Duration::from_micros(window_us));
            let mut slots = Slots::default();
            let mut most = 0;
            for step in 0..500 {
                let now = 7_777_777 + step * span.slot_us;
                slots.expire(span, now);
                slots.add(span.slot_at(now), 1);
                most = most.max(slots.len());
            }
            assert!(most <= 62, "{window_us} µs needs {most}");
        }
    }

    #[test]
    fn a_slot_is_never_given_back_more_than_it_holds() {
        let mut slots = Slots::default();
        slots.add(5, 3);
        slots.add(6, 1);
        assert_eq!(slots.remove(5, 10), 3);
        assert_eq!(slots.remove(5, 10), 0);
        assert_eq!((slots.total(), slots.len()), (1, 1));
    }
}
