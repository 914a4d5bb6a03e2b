//! Which server a path names. Exact: no dot segments, no `//`, no `%2f`, no case tolerance, no
//! query, and the host is the public URL's.

use domain::ServerId;
use http::{HeaderMap, Uri, header::HOST};

/// What a path names, before anyone has said that it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'p> {
    /// `/mcp/{server}`: always an id.
    Id(ServerId),
    /// `/mcp/{org}/{server}`: two slugs.
    Slugs(&'p str, &'p str),
}

impl<'p> Target<'p> {
    /// The target of `/mcp/…`, each form also with `/` or `/mcp` at its end. Slugs are checked by
    /// their alphabet and length alone: an unknown one is not found anyway.
    pub(crate) fn parse(uri: &'p Uri) -> Option<Self> {
        if uri.query().is_some() {
            return None;
        }
        let rest = uri.path().strip_prefix("/mcp/")?;
        let rest = rest
            .strip_suffix("/mcp")
            .or_else(|| rest.strip_suffix('/'))
            .unwrap_or(rest);
        match rest.split_once('/') {
            None => rest.parse().ok().map(Self::Id),
            Some((org, server)) if is_slug(org) && is_slug(server) => {
                Some(Self::Slugs(org, server))
            }
            Some(_) => None,
        }
    }
}

fn is_slug(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.as_bytes()[0].is_ascii_lowercase()
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && text != "mcp"
}

/// The public URL, taken apart once.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The URL itself, without a slash at its end.
    pub(crate) url: String,
    /// `host[:port]` spellings of `Host` that are this place, lower case.
    hosts: Vec<String>,
    /// `scheme://host[:port]` spellings of `Origin` that are this place, lower case.
    origins: Vec<String>,
}

impl Place {
    pub(crate) fn new(public_url: &str) -> Self {
        let url = public_url.trim_end_matches('/').to_owned();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
        let authority = rest.split('/').next().unwrap_or(rest).to_ascii_lowercase();
        let default = if scheme == "https" { "443" } else { "80" };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
            _ => (authority.as_str(), default),
        };
        let loopback = ["localhost", "127.0.0.1", "[::1]"];
        let names = if loopback.contains(&host) {
            loopback.to_vec()
        } else {
            vec![host]
        };
        let mut hosts = Vec::new();
        for name in names {
            hosts.push(format!("{name}:{port}"));
            if port == default {
                hosts.push(name.to_owned());
            }
        }
        let origins = hosts
            .iter()
            .map(|host| format!("{scheme}://{host}"))
            .collect();
        Self {
            url,
            hosts,
            origins,
        }
    }

    /// Whether the request was sent to this place: one `Host`, and it is ours; where the request
    /// line names an authority too, that is ours as well (RFC 9112, section 3.2.2).
    pub(crate) fn is_here(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let ours = |text: &str| {
            self.hosts
                .iter()
                .any(|host| host.eq_ignore_ascii_case(text))
        };
        host.to_str().is_ok_and(ours) && uri.authority().is_none_or(|at| ours(at.as_str()))
    }

    /// Whether a browser's `Origin` is this place.
    pub(crate) fn is_own_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn target(path: &str) -> Option<String> {
        let uri: Uri = path.parse().ok()?;
        Target::parse(&uri).map(|target| format!("{target:?}"))
    }

    #[test]
    fn both_forms_are_read_with_each_of_their_ends() {
        let id = ServerId::generate();
        for end in ["", "/", "/mcp"] {
            let uri: Uri = format!("/mcp/{id}{end}").parse().expect("a path");
            assert_eq!(Target::parse(&uri), Some(Target::Id(id)), "{end}");
            let uri: Uri = format!("/mcp/acme/circleci{end}").parse().expect("a path");
            assert_eq!(
                Target::parse(&uri),
                Some(Target::Slugs("acme", "circleci")),
                "{end}"
            );
        }
    }

    #[test]
    fn anything_that_could_be_read_two_ways_names_nothing() {
        let id = ServerId::generate();
        for path in [
            "/mcp".into(),
            "/mcp/".into(),
            "/mcp//".into(),
            "/mcp/mcp".into(),
            format!("/mcp/{id}//"),
            format!("/mcp/{id}/mcp/"),
            format!("/mcp/{id}/mcp/mcp/mcp"),
            format!("/mcp/{id}?x=1"),
            format!("/mcp/{id}?"),
            format!("/MCP/{id}"),
            format!("/mcp/./{id}"),
            format!("/mcp/../mcp/{id}"),
            format!("/mcp//{id}"),
            format!("/mcp/{id}%2fmcp"),
            format!("/mcp/{id};x"),
            format!("/mcp/{}", id.uuid()),
            format!("/mcp/{}", id.to_string().to_uppercase()),
            "/mcp/acme/Circleci".into(),
            "/mcp/acme".into(),
            "/mcp/acme/a".into(),
            "/mcp/acme/circleci/x".into(),
            "/mcp/acme/mcp".into(),
            "/mcp/acme/mcp/mcp".into(),
            "/mcp/%61cme/circleci".into(),
            "/mcp/acme/circle.ci".into(),
            "/mcp/acme/../x".into(),
        ] as [String; 26]
        {
            assert_eq!(target(&path), None, "{path}");
        }
    }

    fn sent_to(place: &Place, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).expect("a value"));
        }
        place.is_here(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn the_host_is_the_public_urls() {
        let place = Place::new("https://gate.example.com");
        assert!(sent_to(&place, &["gate.example.com"]));
        assert!(sent_to(&place, &["Gate.Example.com:443"]));
        for bad in [
            &[][..],
            &["gate.example.com", "gate.example.com"],
            &["evil.example"],
            &["gate.example.com:80"],
            &["localhost"],
            &["gate.example.com."],
        ] {
            assert!(!sent_to(&place, bad), "{bad:?}");
        }
        let place = Place::new("http://127.0.0.1:8080/");
        for good in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            assert!(sent_to(&place, &[good]), "{good}");
        }
        for bad in [
            "localhost",
            "localhost:81",
            "attacker.test:8080",
            "127.0.0.1",
        ] {
            assert!(!sent_to(&place, &[bad]), "{bad}");
        }
        assert!(place.is_own_origin("http://localhost:8080"));
        assert!(!place.is_own_origin("https://localhost:8080"));
        assert!(!place.is_own_origin("null"));
    }
}
