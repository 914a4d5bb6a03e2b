//! Which addresses may be dialled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Which addresses may be dialled. Asked of the address actually dialled, each time.
///
/// An address is permitted when it is globally routable by IANA's special-purpose registries, or
/// when the operator allowed its range. The rest is refused: an upstream's URL comes from a tenant,
/// and a gateway that dialled whatever it was told would be a door into the operator's network.
///
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates). This
/// is a little stricter where an address stands for another one (NAT64, 6to4, Teredo, mapped) and
/// for protocol assignments that no server has (192.0.0.0/24, 2001::/23).
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Vec<IpNet>,
}

impl Guard {
    /// A guard that also lets through what the operator allowed (`TOLLGATE_UPSTREAM_ALLOW`).
    #[must_use]
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether the address may be dialled.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        self.allows(address) || is_global(address)
    }

    /// Whether the operator allowed the address by name. Only such an address is trusted with a
    /// credential over plain http.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let within = |address| self.allowed.iter().any(|net| net.contains(&address));
        // The mapped form of an IPv4 address reaches that very address, so it follows its range.
        within(address) || mapped(address).is_some_and(|v4| within(IpAddr::V4(v4)))
    }
}

fn mapped(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 that is not globally routable.
const NOT_GLOBAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),        // "this network" (RFC 791)
    v4(10, 0, 0, 0, 8),       // private (RFC 1918)
    v4(100, 64, 0, 0, 10),    // shared by carriers (RFC 6598); a cloud's metadata too
    v4(127, 0, 0, 0, 8),      // loopback (RFC 1122)
    v4(168, 63, 129, 16, 32), // a cloud's platform address, though in a global range
    v4(169, 254, 0, 0, 16),   // link-local (RFC 3927), most clouds' metadata
    v4(172, 16, 0, 0, 12),    // private (RFC 1918)
    v4(192, 0, 0, 0, 24),     // protocol assignments (RFC 6890); a cloud's metadata too
    v4(192, 0, 2, 0, 24),     // documentation (RFC 5737)
    v4(192, 88, 99, 0, 24),   // 6to4 relays, deprecated (RFC 7526)
    v4(192, 168, 0, 0, 16),   // private (RFC 1918)
    v4(198, 18, 0, 0, 15),    // benchmarks (RFC 2544)
    v4(198, 51, 100, 0, 24),  // documentation (RFC 5737)
    v4(203, 0, 113, 0, 24),   // documentation (RFC 5737)
    v4(224, 0, 0, 0, 4),      // multicast (RFC 5771)
    v4(240, 0, 0, 0, 4),      // reserved (RFC 1112), the broadcast address with it
];

/// The only IPv6 that IANA has given out as global unicast. Everything that must be refused and is
/// not listed below lies outside: `::`, loopback, compatible and mapped addresses, NAT64
/// (64:ff9b::/96 and 64:ff9b:1::/48), discard (100::/64), SRv6 (5f00::/16), unique-local (fc00::/7,
/// clouds' metadata with it), link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8).
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What is not globally routable inside [`GLOBAL_V6`].
const NOT_GLOBAL_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 0, 23), // protocol assignments (RFC 2928): Teredo, benchmarks, ORCHID
    v6(0x2001, 0xDB8, 0, 32), // documentation (RFC 3849)
    v6(0x2002, 0, 0, 16), // 6to4 (RFC 3056): an IPv4 address in disguise
    v6(0x3FFF, 0, 0, 20), // documentation (RFC 9637)
];

fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_GLOBAL_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !NOT_GLOBAL_V6.iter().any(|net| net.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allowed: &[&str], address: &str) -> bool {
        let allowed = allowed
            .iter()
            .map(|net| net.parse().expect("a range"))
            .collect();
        Guard::new(allowed).permits(address.parse().expect("an address"))
    }

    /// Each range by its first and last address, and the neighbours just outside.
    #[test]
    fn what_is_not_globally_routable_is_refused_to_the_last_address() {
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            (
                "10.0.0.0",
                "10.255.255.255",
                Some("9.255.255.255"),
                Some("11.0.0.0"),
            ),
            (
                "100.64.0.0",
                "100.127.255.255",
                Some("100.63.255.255"),
                Some("100.128.0.0"),
            ),
            (
                "127.0.0.0",
                "127.255.255.255",
                Some("126.255.255.255"),
                Some("128.0.0.0"),
            ),
            (
                "168.63.129.16",
                "168.63.129.16",
                Some("168.63.129.15"),
                Some("168.63.129.17"),
            ),
            (
                "169.254.0.0",
                "169.254.255.255",
                Some("169.253.255.255"),
                Some("169.255.0.0"),
            ),
            (
                "172.16.0.0",
                "172.31.255.255",
                Some("172.15.255.255"),
                Some("172.32.0.0"),
            ),
            (
                "192.0.0.0",
                "192.0.0.255",
                Some("191.255.255.255"),
                Some("192.0.1.0"),
            ),
            (
                "192.0.2.0",
                "192.0.2.255",
                Some("192.0.1.255"),
                Some("192.0.3.0"),
            ),
            (
                "192.88.99.0",
                "192.88.99.255",
                Some("192.88.98.255"),
                Some("192.88.100.0"),
            ),
            (
                "192.168.0.0",
                "192.168.255.255",
                Some("192.167.255.255"),
                Some("192.169.0.0"),
            ),
            (
                "198.18.0.0",
                "198.19.255.255",
                Some("198.17.255.255"),
                Some("198.20.0.0"),
            ),
            (
                "198.51.100.0",
                "198.51.100.255",
                Some("198.51.99.255"),
                Some("198.51.101.0"),
            ),
            (
                "203.0.113.0",
                "203.0.113.255",
                Some("203.0.112.255"),
                Some("203.0.114.0"),
            ),
            (
                "224.0.0.0",
                "239.255.255.255",
                Some("223.255.255.255"),
                None,
            ),
            ("240.0.0.0", "255.255.255.255", None, None),
            (
                "::",
                "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                None,
                Some("2000::"),
            ),
            (
                "2001::",
                "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                Some("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                Some("2001:200::"),
            ),
            (
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                Some("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"),
                Some("2001:db9::"),
            ),
            (
                "2002::",
                "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Some("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                Some("2003::"),
            ),
            (
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                Some("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                Some("3fff:1000::"),
            ),
            (
                "4000::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Some("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                None,
            ),
        ] {
            assert!(!permits(&[], first), "{first}");
            assert!(!permits(&[], last), "{last}");
            for outside in before.into_iter().chain(after) {
                assert!(permits(&[], outside), "{outside}");
            }
        }
    }

    #[test]
    fn the_addresses_that_attackers_try_are_refused() {
        for address in [
            "127.0.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!permits(&[], address), "{address}");
        }
    }

    #[test]
    fn what_anyone_can_reach_is_permitted() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.216.34",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(permits(&[], address), "{address}");
        }
    }

    #[test]
    fn the_operator_allows_a_range_and_no_more() {
        let loopback = ["127.0.0.0/8", "::1/128"];
        assert!(permits(&loopback, "127.0.0.1"));
        assert!(permits(&loopback, "::1"));
        assert!(
            permits(&loopback, "::ffff:127.9.9.9"),
            "the mapped form follows its range"
        );
        for address in [
            "10.0.0.1",
            "::2",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
            "::ffff:10.0.0.1",
        ] {
            assert!(!permits(&loopback, address), "{address}");
        }
        assert!(
            permits(&["64:ff9b::/96"], "64:ff9b::808:808"),
            "a range may be any"
        );
    }

    #[test]
    fn a_global_address_is_permitted_and_yet_not_trusted() {
        let guard = Guard::new(vec!["10.0.0.0/8".parse().expect("a range")]);
        assert!(guard.permits("8.8.8.8".parse().expect("an address")));
        assert!(!guard.allows("8.8.8.8".parse().expect("an address")));
        assert!(guard.allows("10.1.2.3".parse().expect("an address")));
    }
}
