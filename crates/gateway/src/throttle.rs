//! Failed authentications per address, counted in memory and bounded. Successes are never counted,
//! so a busy agent is never slowed.

use std::{collections::HashMap, net::IpAddr};

use parking_lot::Mutex;

/// Failures that one address may make in one window before it is asked to wait.
const FAILURES_MAX: u32 = 60;
/// The window, in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// Addresses remembered at once. When full, the windows that are over go first, then all of them:
/// an attacker with that many addresses is not held back by this in any case.
const ADDRESSES_MAX: usize = 16_384;

#[derive(Clone, Copy)]
struct Window {
    began_ms: u64,
    failures: u32,
}

#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<IpAddr, Window, foldhash::fast::RandomState>>);

impl Throttle {
    /// Seconds to wait, where the address has spent its failures.
    pub(crate) fn wait_s(&self, address: IpAddr, now_ms: u64) -> Option<u64> {
        let windows = self.0.lock();
        let window = windows.get(&subject(address))?;
        let left_ms = (window.began_ms + WINDOW_MS).checked_sub(now_ms)?;
        (window.failures >= FAILURES_MAX && left_ms > 0).then(|| left_ms.div_ceil(1000))
    }

    /// Counts one failure.
    pub(crate) fn failed(&self, address: IpAddr, now_ms: u64) {
        let mut windows = self.0.lock();
        if windows.len() >= ADDRESSES_MAX {
            windows.retain(|_, window| window.began_ms + WINDOW_MS > now_ms);
            if windows.len() >= ADDRESSES_MAX {
                windows.clear();
            }
        }
        let window = windows.entry(subject(address)).or_insert(Window {
            began_ms: now_ms,
            failures: 0,
        });
        if now_ms >= window.began_ms + WINDOW_MS {
            *window = Window {
                began_ms: now_ms,
                failures: 0,
            };
        }
        window.failures = window.failures.saturating_add(1);
    }
}

/// One IPv6 host usually holds a whole /64, so that is what is counted.
fn subject(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = u128::from(v6) >> 64 << 64;
            IpAddr::V6(bits.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn an_address_waits_once_its_failures_are_spent_and_then_starts_anew() {
        let throttle = Throttle::default();
        for _ in 0..FAILURES_MAX {
            assert_eq!(throttle.wait_s(HOST, 1_000), None);
            throttle.failed(HOST, 1_000);
        }
        assert_eq!(throttle.wait_s(HOST, 1_000), Some(60));
        assert_eq!(throttle.wait_s(HOST, 60_001), Some(1));
        assert_eq!(throttle.wait_s(HOST, 61_000), None);
        throttle.failed(HOST, 61_000);
        assert_eq!(throttle.wait_s(HOST, 61_000), None);
    }

    #[test]
    fn memory_is_bounded_and_a_network_is_one_subject() {
        let throttle = Throttle::default();
        for n in 0..=u32::try_from(ADDRESSES_MAX).expect("fits") {
            throttle.failed(IpAddr::V4(n.into()), 5);
        }
        assert!(throttle.0.lock().len() <= ADDRESSES_MAX);
        let a: IpAddr = "2001:db8:1:2::1".parse().expect("an address");
        let b: IpAddr = "2001:db8:1:2:ffff::9".parse().expect("an address");
        for _ in 0..FAILURES_MAX {
            throttle.failed(a, 5);
        }
        assert!(throttle.wait_s(b, 5).is_some());
    }
}
