//! Addresses inside ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::truth::Truth;

/// Reads a range. Bits beyond the prefix are a mistake more often than not.
///
/// # Errors
/// What is wrong, and what was probably meant.
pub(crate) fn parse(text: &str) -> Result<IpNet, (String, Option<String>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        return Err((
            "a range needs a prefix length".to_owned(),
            Some(format!("{text}/{bits}")),
        ));
    }
    // The standard library's reading of the address is the stricter one: no leading zeros.
    let address = text
        .split_once('/')
        .and_then(|(address, _)| address.parse::<IpAddr>().ok());
    let Some(range) = address.and_then(|_| text.parse::<IpNet>().ok()) else {
        let detail = "must be a range of addresses, such as 10.0.0.0/8".to_owned();
        return Err((detail, None));
    };
    if range != range.trunc() {
        let detail = "the address has bits beyond its prefix length".to_owned();
        return Err((detail, Some(range.trunc().to_string())));
    }
    Ok(range)
}

/// Whether the text is an address inside one of the ranges. Other spellings than the canonical one
/// (RFC 5952; dotted quads without leading zeros) are undecided, since readers disagree on them.
pub(crate) fn inside(ranges: &[IpNet], text: &str) -> Truth {
    let Ok(address) = text.parse::<IpAddr>() else {
        return Truth::Wrong;
    };
    if address.to_string() != text {
        return Truth::Wrong;
    }
    let embedded = match address {
        IpAddr::V6(v6) => embedded_v4(v6).map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    ranges
        .iter()
        .any(|range| range.contains(&address) || embedded.is_some_and(|v4| range.contains(&v4)))
        .into()
}

/// The IPv4 address that an IPv4-mapped (RFC 4291) or NAT64 (RFC 6052) address reaches.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    address
        .to_ipv4_mapped()
        .or_else(|| match address.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                Some(Ipv4Addr::new(a, b, c, d))
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_addresses_are_compared_and_others_undecided() {
        let ranges = ["10.0.0.0/8", "2001:db8::/32"].map(|r| parse(r).unwrap());
        for (text, expected) in [
            ("10.1.2.3", Truth::True),
            ("11.1.2.3", Truth::False),
            ("2001:db8::1", Truth::True),
            ("2001:db9::1", Truth::False),
            ("::ffff:10.1.2.3", Truth::True),
            ("::ffff:11.1.2.3", Truth::False),
            ("64:ff9b::a01:203", Truth::True),
            ("64:ff9b::b01:203", Truth::False),
            ("64:ff9b::10.1.2.3", Truth::Wrong),
            ("::ffff:a01:203", Truth::Wrong),
            ("2001:DB8::1", Truth::Wrong),
            ("2001:0db8::1", Truth::Wrong),
            ("010.1.2.3", Truth::Wrong),
            ("10.1", Truth::Wrong),
            ("0xa.1.2.3", Truth::Wrong),
            ("167838211", Truth::Wrong),
            ("10.1.2.3 ", Truth::Wrong),
            ("10.1.2.3/8", Truth::Wrong),
            ("fe80::1%eth0", Truth::Wrong),
            ("localhost", Truth::Wrong),
            ("", Truth::Wrong),
        ] {
            assert_eq!(inside(&ranges, text), expected, "{text}");
        }
    }

    #[test]
    fn ranges_are_read_strictly() {
        assert_eq!(
            parse("10.0.0.1").unwrap_err().1.as_deref(),
            Some("10.0.0.1/32")
        );
        assert_eq!(
            parse("10.0.0.1/8").unwrap_err().1.as_deref(),
            Some("10.0.0.0/8")
        );
        for bad in [
            "",
            "10.0.0.0/33",
            "10/8",
            "010.0.0.0/8",
            "::/129",
            "example.com/8",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
