//! How often someone may ask, counted in memory by window, for what needs no account.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{actions::ActionError, session::Address, state::Console};

/// So many are counted apart; whoever comes beyond them shares one count.
const COUNTED_MAX: usize = 10_000;

/// A count for each of many, in windows of one length.
pub(crate) struct Throttle<K> {
    max: u32,
    window: Duration,
    counts: Mutex<HashMap<Option<K>, Count>>,
}

struct Count {
    since: Instant,
    asked: u32,
}

impl<K: Eq + Hash> Throttle<K> {
    /// At most `max` in a `window`, for each.
    pub(crate) fn new(max: u32, window: Duration) -> Self {
        Self {
            max,
            window,
            counts: Mutex::default(),
        }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// `Throttled` where these were too many.
    pub(crate) fn take(&self, key: K) -> Result<(), ActionError> {
        self.take_at(key, Instant::now())
    }

    fn take_at(&self, key: K, now: Instant) -> Result<(), ActionError> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Some(key);
        if counts.len() >= COUNTED_MAX && !counts.contains_key(&key) {
            counts.retain(|_, count| now.duration_since(count.since) < self.window);
            if counts.len() >= COUNTED_MAX {
                key = None;
            }
        }
        let fresh = Count {
            since: now,
            asked: 0,
        };
        let count = counts.entry(key).or_insert(fresh);
        let age = now.duration_since(count.since);
        if age >= self.window {
            (count.since, count.asked) = (now, 0);
        } else if count.asked >= self.max {
            let left = self.window.saturating_sub(age).as_secs_f64().ceil();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a window is minutes"
            )]
            return Err(ActionError::Throttled {
                retry_after_s: (left as u32).max(1),
            });
        }
        count.asked += 1;
        Ok(())
    }
}

/// Lets an address have so many decisions of the first page's demonstration, and so many lists of the
/// catalogue, as many as through the API.
pub(crate) async fn public(
    State(console): State<Console>,
    Address(address): Address,
    request: Request,
    next: Next,
) -> Response {
    let counted = if site::demo::asks_for_one(request.uri()) {
        Some(&console.decisions)
    } else if site::asks_for_a_list(request.uri()) {
        Some(&console.readers)
    } else {
        None
    };
    if let (Some(counted), Some(address)) = (counted, address)
        && let Err(ActionError::Throttled { retry_after_s }) = counted.take(neighbourhood(address))
    {
        return site::too_often(request.uri(), retry_after_s);
    }
    next.run(request).await
}

/// What is counted of an address: of IPv6 the network, because one household has all of it.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_for_the_next_window_and_holds_nobody_else_up() {
        let throttle = Throttle::new(2, Duration::from_secs(60));
        let start = Instant::now();
        let at = |key: u8, seconds| {
            let taken = throttle.take_at(key, start + Duration::from_secs(seconds));
            match taken {
                Ok(()) => None,
                Err(ActionError::Throttled { retry_after_s }) => Some(retry_after_s),
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!((at(1, 0), at(1, 0)), (None, None));
        assert_eq!(at(1, 20), Some(40));
        assert_eq!(at(2, 20), None);
        assert_eq!(at(1, 60), None);
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_memory_and_is_throttled_together() {
        let throttle = Throttle::new(1, Duration::from_secs(60));
        let now = Instant::now();
        for key in 0..COUNTED_MAX {
            assert!(throttle.take_at(key, now).is_ok());
        }
        assert!(
            throttle.take_at(COUNTED_MAX, now).is_ok(),
            "the first of the rest"
        );
        assert!(throttle.take_at(COUNTED_MAX + 1, now).is_err());
        let counted = throttle.counts.lock().expect("not poisoned").len();
        assert_eq!(counted, COUNTED_MAX + 1);
        let later = now + Duration::from_secs(61);
        assert!(throttle.take_at(COUNTED_MAX + 1, later).is_ok());
    }

    #[test]
    fn one_network_is_one_neighbour() {
        let of = |text: &str| neighbourhood(text.parse().expect("an address")).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
