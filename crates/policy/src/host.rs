//! The host of a URL, where every reader would agree on it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::truth::Truth;

/// A host that a policy names: `example.com`, `*.example.com` for what is under it, either with a
/// port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    name: Box<str>,
    /// Whether the name itself is left out and everything under it is meant.
    under: bool,
    port: Option<u16>,
}

impl Host {
    /// # Errors
    /// What is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("//") {
            return Err("must be a host, without a scheme or a path");
        }
        let (under, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (name, port) = split(rest).ok_or("the port must be a number from 1 to 65535")?;
        let name = name.to_ascii_lowercase();
        if !certain(&name) {
            return Err("must be a host name in ASCII (punycode), or an address in canonical form");
        }
        if under && (name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok()) {
            return Err("nothing is under an address");
        }
        Ok(Self {
            name: name.into(),
            under,
            port,
        })
    }

    fn names(&self, host: &str) -> bool {
        if self.under {
            host.strip_suffix(&*self.name)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == &*self.name
        }
    }
}

/// Whether the text is a URL whose host is one of these. Anything that two parsers of URLs might
/// read differently is undecided.
pub(crate) fn is_one_of(hosts: &[Host], url: &str) -> Truth {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Truth::Wrong;
    };
    let default_port = match scheme {
        s if s.eq_ignore_ascii_case("http") => 80,
        s if s.eq_ignore_ascii_case("https") => 443,
        _ => return Truth::Wrong,
    };
    // The WHATWG's parser drops tabs and line ends wherever they stand, and takes a backslash for
    // a slash; `certain` lets none of these pass in the authority.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((host, port)) = split(authority) else {
        return Truth::Wrong;
    };
    let host = host.to_ascii_lowercase();
    if !certain(&host) {
        return Truth::Wrong;
    }
    let effective = port.unwrap_or(default_port);
    let mut named = hosts.iter().filter(|entry| entry.names(&host));
    if effective == default_port {
        return named
            .any(|entry| entry.port.is_none_or(|port| port == effective))
            .into();
    }
    if named.any(|entry| entry.port == Some(effective)) {
        Truth::True
    } else {
        Truth::Wrong
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`; none where the port is not plain.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let end_of_host = match authority.starts_with('[') {
        true => authority.find(']')? + 1,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end_of_host);
    if rest.is_empty() {
        return Some((host, None));
    }
    let digits = rest.strip_prefix(':')?;
    let port: u16 = digits.parse().ok().filter(|&port| port != 0)?;
    (port.to_string() == digits).then_some((host, Some(port)))
}

/// Whether every reader takes the (lower-case) host for the same thing: labels of ASCII letters,
/// digits, `-` and `_`, no empty one, hence no dot at the end; or an address in canonical form. A
/// host whose last label is a number is an IPv4 address to some (URL Standard, "ends in a number").
fn certain(host: &str) -> bool {
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return inner
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.to_string() == inner);
    }
    let plain = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    host.len() <= 253
        && host.split('.').all(plain)
        && (!numeric || host.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_that_all_parsers_agree_on_are_decided() {
        let hosts = [
            "example.com",
            "*.safe.org",
            "api.test:8443",
            "[2001:db8::1]",
            "127.0.0.1",
        ]
        .map(|h| Host::parse(h).unwrap());
        for (url, expected) in [
            ("https://example.com", Truth::True),
            ("http://EXAMPLE.com/x?y#z", Truth::True),
            ("HTTPS://example.com/", Truth::True),
            ("https://example.com:443/", Truth::True),
            ("https://example.com?@evil.org", Truth::True),
            ("https://a.b.safe.org/", Truth::True),
            ("https://safe.org/", Truth::False),
            ("https://notsafe.org/", Truth::False),
            ("https://.safe.org/", Truth::Wrong),
            ("https://api.test:8443/", Truth::True),
            ("https://api.test/", Truth::False),
            ("https://[2001:db8::1]/", Truth::True),
            ("https://[2001:DB8::1]/", Truth::True),
            ("https://[2001:db8:0::1]/", Truth::Wrong),
            ("https://127.0.0.1/", Truth::True),
            ("https://evil.org/example.com", Truth::False),
            ("https://example.com.evil.org", Truth::False),
            // What follows is read one way by some and another way by others.
            ("https://evil.org:8443/", Truth::Wrong),
            ("http://example.com:443/", Truth::Wrong),
            ("https://example.com:/", Truth::Wrong),
            ("https://example.com:0443/", Truth::Wrong),
            ("https://example.com:99999/", Truth::Wrong),
            ("https://example.com@evil.org/", Truth::Wrong),
            ("https://evil.org\\@example.com/", Truth::Wrong),
            ("https:\\\\example.com/", Truth::Wrong),
            ("https:/example.com/", Truth::Wrong),
            ("https:///example.com/", Truth::Wrong),
            ("https://example.com./", Truth::Wrong),
            ("https://example%2ecom/", Truth::Wrong),
            ("https://exa\tmple.com/", Truth::Wrong),
            ("https://exa mple.com/", Truth::Wrong),
            (" https://example.com/", Truth::Wrong),
            ("ht\ntps://example.com/", Truth::Wrong),
            ("https://ｅxample.com/", Truth::Wrong),
            ("https://2130706433/", Truth::Wrong),
            ("https://0x7f.1/", Truth::Wrong),
            ("https://127.1/", Truth::Wrong),
            ("https://0177.0.0.1/", Truth::Wrong),
            ("https://a.0x/", Truth::Wrong),
            ("ftp://example.com/", Truth::Wrong),
            ("//example.com/", Truth::Wrong),
            ("example.com", Truth::Wrong),
            ("", Truth::Wrong),
        ] {
            assert_eq!(is_one_of(&hosts, url), expected, "{url:?}");
        }
    }

    #[test]
    fn hosts_are_read_strictly() {
        for bad in [
            "",
            "*",
            "*.",
            "https://a.b",
            "a.b/c",
            "a:0",
            "a:x",
            "bücher.de",
            "a..b",
            "a.b.",
            "*.1.2.3.4",
            "1.2.3",
            "*a.b",
            "user@a",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
        assert!(Host::parse("Example.COM:8443").is_ok());
    }
}
