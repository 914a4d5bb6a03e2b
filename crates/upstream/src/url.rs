//! Where an upstream is.

use std::{fmt, net::IpAddr};

use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use url::{Host, Url};

/// The longest URL that is taken, in bytes.
pub const URL_BYTES_MAX: usize = 2048;

/// An absolute http or https URL without user-info, fragment or odd characters.
///
/// Parsed once: everything a connection needs of it is ready here. Two spellings of one URL are
/// equal, and its text is the normal one.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    text: Box<str>,
    origin: Box<str>,
    scheme: Scheme,
    host: DialHost,
    port: u16,
    host_header: HeaderValue,
    target: Uri,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scheme {
    Http,
    Https(ServerName<'static>),
}

/// What a connection is made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DialHost {
    /// To be resolved anew for each connection.
    Name(Box<str>),
    Address(IpAddr),
}

/// Why a text is not an upstream's URL. The wording is for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Another scheme, or none, or not a URL at all.
    #[error("is not an absolute http or https URL")]
    NotHttp,
    /// Too long to be stored and shown.
    #[error("is longer than {URL_BYTES_MAX} characters")]
    TooLong,
    /// Blanks, control characters, backslashes and what cannot be seen: parsers differ about them.
    #[error("may not contain the character U+{:04X}", u32::from(*.0))]
    Character(char),
    /// `user:password@`: a secret does not belong in an address.
    #[error("may not contain a user name or password; enter credentials as headers")]
    UserInfo,
    /// A fragment is never sent.
    #[error("may not contain a “#”")]
    Fragment,
    /// The host or the port is none that can be dialled.
    #[error("does not name a host that can be reached")]
    Host,
}

impl UpstreamUrl {
    /// Reads a URL.
    ///
    /// IPv4 addresses in odd spellings (`0x7f.1`, `2130706433`) are brought to their normal one by
    /// the WHATWG's rules, so what is shown is what is dialled and judged.
    ///
    /// # Errors
    /// [`BadUrl`], the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        if text.len() > URL_BYTES_MAX {
            return Err(BadUrl::TooLong);
        }
        // The parser would drop tabs and line feeds, trim blanks and turn backslashes, silently.
        if let Some(odd) = text.chars().find(|&c| is_odd(c)) {
            return Err(BadUrl::Character(odd));
        }
        // It would also take `http:host` and `http:///host`.
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl::NotHttp)?;
        if !["http", "https"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            return Err(BadUrl::NotHttp);
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(BadUrl::Host);
        }
        // Looked for in the text, because an empty user-info leaves no trace in the parsed URL.
        if authority.contains('@') {
            return Err(BadUrl::UserInfo);
        }
        if rest.contains('#') {
            return Err(BadUrl::Fragment);
        }
        Self::of(&Url::parse(text).map_err(|_| BadUrl::Host)?)
    }

    /// Where a redirect from here leads: `location` may be relative.
    ///
    /// # Errors
    /// [`BadUrl`], as for [`UpstreamUrl::parse`].
    pub(crate) fn join(&self, location: &str) -> Result<Self, BadUrl> {
        if let Some(odd) = location.chars().find(|&c| is_odd(c)) {
            return Err(BadUrl::Character(odd));
        }
        let base = Url::parse(&self.text).map_err(|_| BadUrl::NotHttp)?;
        let target = base.join(location).map_err(|_| BadUrl::NotHttp)?;
        Self::parse(target.as_str())
    }

    fn of(url: &Url) -> Result<Self, BadUrl> {
        let host = match url.host().ok_or(BadUrl::Host)? {
            Host::Domain(name) if name.len() <= 253 => DialHost::Name(name.into()),
            Host::Domain(_) => return Err(BadUrl::Host),
            Host::Ipv4(address) => DialHost::Address(address.into()),
            Host::Ipv6(address) => DialHost::Address(address.into()),
        };
        let port = url
            .port_or_known_default()
            .filter(|&port| port != 0)
            .ok_or(BadUrl::Host)?;
        let host_text = url.host_str().ok_or(BadUrl::Host)?;
        let scheme = match (url.scheme(), &host) {
            ("http", _) => Scheme::Http,
            ("https", DialHost::Address(address)) => Scheme::Https((*address).into()),
            ("https", DialHost::Name(name)) => {
                Scheme::Https(ServerName::try_from(name.to_string()).map_err(|_| BadUrl::Host)?)
            }
            _ => return Err(BadUrl::NotHttp),
        };
        let host_header = match url.port() {
            Some(port) => format!("{host_text}:{port}"),
            None => host_text.to_owned(),
        };
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self {
            text: url.as_str().into(),
            origin: format!("{}://{host_text}:{port}", url.scheme()).into(),
            scheme,
            host,
            port,
            host_header: host_header.try_into().map_err(|_| BadUrl::Host)?,
            target: target.try_into().map_err(|_| BadUrl::NotHttp)?,
        })
    }

    /// The URL in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port: `https://mcp.example.com:443`. A credential is bound to it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether what is sent can be read on the way.
    #[must_use]
    pub fn is_plain_http(&self) -> bool {
        self.scheme == Scheme::Http
    }

    pub(crate) fn host(&self) -> &DialHost {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The name that the certificate must be for; none over plain http.
    pub(crate) fn server_name(&self) -> Option<&ServerName<'static>> {
        match &self.scheme {
            Scheme::Http => None,
            Scheme::Https(name) => Some(name),
        }
    }

    pub(crate) fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    /// Path and query: the request target in origin-form (RFC 9112, section 3.2.1).
    pub(crate) fn target(&self) -> &Uri {
        &self.target
    }
}

fn is_odd(c: char) -> bool {
    c.is_control() || c.is_whitespace() || c == '\\' || domain::names::is_invisible(c)
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_brought_to_one_form() {
        for (text, normal, origin, target) in [
            (
                "https://a.example/mcp",
                "https://a.example/mcp",
                "https://a.example:443",
                "/mcp",
            ),
            (
                "HTTPS://A.EXAMPLE",
                "https://a.example/",
                "https://a.example:443",
                "/",
            ),
            (
                "http://a:80/x?y=z",
                "http://a/x?y=z",
                "http://a:80",
                "/x?y=z",
            ),
            (
                "http://a:8080/x/../y",
                "http://a:8080/y",
                "http://a:8080",
                "/y",
            ),
            (
                "http://[::1]:3000/mcp",
                "http://[::1]:3000/mcp",
                "http://[::1]:3000",
                "/mcp",
            ),
            (
                "http://0x7f.1/",
                "http://127.0.0.1/",
                "http://127.0.0.1:80",
                "/",
            ),
            (
                "http://2130706433/",
                "http://127.0.0.1/",
                "http://127.0.0.1:80",
                "/",
            ),
            (
                "http://127.1:9/",
                "http://127.0.0.1:9/",
                "http://127.0.0.1:9",
                "/",
            ),
            (
                "https://bücher.example/ü",
                "https://xn--bcher-kva.example/%C3%BC",
                "https://xn--bcher-kva.example:443",
                "/%C3%BC",
            ),
        ] {
            let url = UpstreamUrl::parse(text).expect(text);
            assert_eq!(url.as_str(), normal);
            assert_eq!(url.origin(), origin);
            assert_eq!(url.target().to_string(), target);
            assert_eq!(UpstreamUrl::parse(normal).expect("normal"), url);
        }
    }

    #[test]
    fn odd_spellings_of_an_address_are_an_address() {
        for text in [
            "http://0x7f.1/",
            "http://017700000001/",
            "http://%31%32%37.0.0.1/",
            "http://①②⑦.0.0.1/",
        ] {
            let url = UpstreamUrl::parse(text).expect(text);
            assert_eq!(
                *url.host(),
                DialHost::Address([127, 0, 0, 1].into()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (text, error) in [
            ("", BadUrl::NotHttp),
            ("a.example/mcp", BadUrl::NotHttp),
            ("/mcp", BadUrl::NotHttp),
            ("//a.example", BadUrl::NotHttp),
            ("http:a.example", BadUrl::NotHttp),
            ("http:/a.example", BadUrl::NotHttp),
            ("ftp://a.example", BadUrl::NotHttp),
            ("file:///etc/passwd", BadUrl::NotHttp),
            ("javascript://a.example/%0aalert(1)", BadUrl::NotHttp),
            ("http:///a.example", BadUrl::Host),
            ("http://", BadUrl::Host),
            ("http://?x", BadUrl::Host),
            ("http://:80/", BadUrl::Host),
            ("http://a:0/", BadUrl::Host),
            ("http://a:65536/", BadUrl::Host),
            ("http://a:port/", BadUrl::Host),
            ("http://1.2.3.4.5/", BadUrl::Host),
            ("http://256.1.1.1/", BadUrl::Host),
            ("http://[::1/", BadUrl::Host),
            ("http://[fe80::1%25eth0]/", BadUrl::Host),
            ("http://a%00b/", BadUrl::Host),
            ("http://user@a.example/", BadUrl::UserInfo),
            ("http://user:pw@a.example/", BadUrl::UserInfo),
            ("http://@a.example/", BadUrl::UserInfo),
            ("http://a.example@127.0.0.1/", BadUrl::UserInfo),
            ("http://a.example/#x", BadUrl::Fragment),
            ("http://a.example/#", BadUrl::Fragment),
            (" http://a.example/", BadUrl::Character(' ')),
            ("http://a.example/\n", BadUrl::Character('\n')),
            ("ht\ttp://a.example/", BadUrl::Character('\t')),
            ("http://a.example\\@b/", BadUrl::Character('\\')),
            ("http:\\\\a.example", BadUrl::Character('\\')),
            ("http://a\u{200B}.example/", BadUrl::Character('\u{200B}')),
            ("http://a\u{AD}.example/", BadUrl::Character('\u{AD}')),
        ] {
            assert_eq!(UpstreamUrl::parse(text), Err(error), "{text}");
        }
        let long = format!("http://a/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(UpstreamUrl::parse(&long), Err(BadUrl::TooLong));
        assert!(UpstreamUrl::parse(&long[..URL_BYTES_MAX]).is_ok());
    }

    #[test]
    fn an_at_sign_in_the_path_is_no_user() {
        assert!(UpstreamUrl::parse("https://a.example/@scope/mcp?to=a@b").is_ok());
    }

    #[test]
    fn a_redirect_is_read_by_the_same_rules() {
        let here = UpstreamUrl::parse("https://a.example/x/y").expect("a URL");
        let to = |location| here.join(location).map(|url| url.as_str().to_owned());
        assert_eq!(to("/z").as_deref(), Ok("https://a.example/z"));
        assert_eq!(to("z").as_deref(), Ok("https://a.example/x/z"));
        assert_eq!(to("//b.example/z").as_deref(), Ok("https://b.example/z"));
        assert_eq!(to("https://user@b.example/"), Err(BadUrl::UserInfo));
        assert_eq!(to("file:///etc/passwd"), Err(BadUrl::NotHttp));
        assert_eq!(to("\\\\b.example"), Err(BadUrl::Character('\\')));
        assert_eq!(to("/z#frag"), Err(BadUrl::Fragment));
    }
}
