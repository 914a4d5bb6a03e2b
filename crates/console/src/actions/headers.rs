//! The header values that authenticate an organisation to its upstream, from the form to the wire.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue};
use domain::{OrgId, ServerId};
use secrecy::{ExposeSecret, SecretString};
use store::servers::SealedHeaders;
use upstream::UpstreamUrl;
use vault::{Binding, Keyring};

use super::{ActionError, FieldFault, grants::escape};

/// The most headers one server can have.
pub(crate) const HEADERS_MAX: usize = 16;
/// The longest value, in bytes: what common servers take in one header line.
pub(crate) const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Header names and values that are fit to be sent, each name once.
///
/// Sealed, they are one JSON object, `{"Header-Name":"value"}`, bound to the server and its origin.
#[derive(Debug)]
pub(crate) struct UpstreamHeaders(Vec<(String, SecretString)>);

impl UpstreamHeaders {
    /// Names are RFC 9110 tokens (section 5.6.2) and none that the connection, the protocol or the
    /// client owns; values are visible ASCII with blanks only inside.
    ///
    /// # Errors
    /// Every fault, each at `<base>/<name>`; never with a value in it.
    pub(crate) fn parse(
        base: &str,
        pairs: impl IntoIterator<Item = (String, SecretString)>,
    ) -> Result<Self, Vec<FieldFault>> {
        let headers: Vec<_> = pairs.into_iter().collect();
        let mut faults = Vec::new();
        if headers.is_empty() {
            faults.push(FieldFault::new(base, "has no header"));
        }
        // Too many are not looked at one by one: a body has room for a hundred thousand.
        if headers.len() > HEADERS_MAX {
            let detail = format!("has more than {HEADERS_MAX} headers");
            return Err(vec![FieldFault::new(base, detail)]);
        }
        let mut seen = Vec::with_capacity(headers.len());
        for (name, value) in &headers {
            let at = format!("{base}/{}", escape(name));
            let key = name.to_ascii_lowercase();
            if let Err(detail) = check_name(&key) {
                faults.push(FieldFault::new(at.as_str(), detail));
            }
            if seen.contains(&key) {
                let detail = "is there twice (names do not differ by upper and lower case)";
                faults.push(FieldFault::new(at.as_str(), detail));
            }
            seen.push(key);
            if let Err(detail) = check_value(value.expose_secret()) {
                faults.push(FieldFault::new(at, detail));
            }
        }
        if faults.is_empty() {
            Ok(Self(headers))
        } else {
            Err(faults)
        }
    }

    /// The headers as they are sent once, marked as sensitive, so that no log shows them.
    pub(crate) fn to_send(&self) -> Vec<(HeaderName, HeaderValue)> {
        let header = |(name, value): &(String, SecretString)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        self.0.iter().filter_map(header).collect()
    }

    /// Seals the headers for one server at one origin; they open nowhere else.
    pub(crate) fn seal(
        &self,
        keyring: &Keyring,
        org: OrgId,
        server: ServerId,
        url: &UpstreamUrl,
    ) -> SealedHeaders {
        let plain: BTreeMap<&str, &str> = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_secret()))
            .collect();
        let plain = serde_json::to_string(&plain).expect("a map of strings is JSON");
        let plain = SecretString::from(plain);
        let binding = Binding::UpstreamCredential {
            org,
            server,
            origin: url.origin(),
        };
        SealedHeaders {
            names: self.0.iter().map(|(name, _)| name.clone()).collect(),
            sealed: keyring.seal(plain.expose_secret().as_bytes(), binding),
        }
    }
}

/// Opens what [`UpstreamHeaders::seal`] sealed. The values are marked as sensitive, so that no log
/// shows them.
///
/// # Errors
/// [`ActionError::Broken`] where the credential does not open, which after a change of origin or a
/// lost key is what must happen.
pub(crate) fn unseal(
    keyring: &Keyring,
    org: OrgId,
    server: ServerId,
    url: &UpstreamUrl,
    sealed: &[u8],
) -> Result<Vec<(HeaderName, HeaderValue)>, ActionError> {
    let binding = Binding::UpstreamCredential {
        org,
        server,
        origin: url.origin(),
    };
    let plain = keyring
        .unseal(sealed, binding)
        .map_err(|error| ActionError::Broken(Box::new(error)))?;
    let headers: BTreeMap<String, String> = serde_json::from_slice(plain.expose_secret())
        // The error's text could quote the value, so only its kind goes on.
        .map_err(|error| ActionError::Broken(format!("{:?}", error.classify()).into()))?;
    headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|error| ActionError::Broken(Box::new(error)))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|error| ActionError::Broken(Box::new(error)))?;
            value.set_sensitive(true);
            Ok((name, value))
        })
        .collect()
}

/// `name` is in lower case.
fn check_name(name: &str) -> Result<(), &'static str> {
    /// Names that belong to the connection, to MCP's transport or to whoever is called.
    const RESERVED: [&str; 20] = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "cookie",
        "set-cookie",
        "expect",
        "forwarded",
        "via",
        "last-event-id",
        "origin",
        "referer",
        "date",
        "range",
    ];
    const RESERVED_PREFIXES: [&str; 7] = [
        "content-",
        "mcp-",
        "accept-",
        "x-forwarded-",
        "tollgate-",
        "sec-",
        "if-",
    ];
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(token) {
        return Err("is not a header name of at most 128 characters");
    }
    let reserved = name == "accept"
        || RESERVED.contains(&name)
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
    if reserved {
        Err("is a header that Tollgate sets or removes itself")
    } else {
        Ok(())
    }
}

fn check_value(value: &str) -> Result<(), &'static str> {
    if value.is_empty() || value.len() > VALUE_BYTES_MAX {
        return Err("must have a value of 1 to 8192 characters");
    }
    if !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return Err("may have only visible ASCII characters and blanks in its value");
    }
    if value.trim_matches(' ') != value {
        return Err("may not begin or end with a blank in its value");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<UpstreamHeaders, Vec<FieldFault>> {
        UpstreamHeaders::parse(
            "/auth/headers",
            pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), SecretString::from((*v).to_owned()))),
        )
    }

    #[test]
    fn usual_credentials_pass() {
        for good in [
            ("Authorization", "Bearer abc.def-ghi"),
            ("Circle-Token", "CCIPAT_x"),
            ("x-api-key", "a b  c"),
            ("X-Goog-User-Project", "p"),
        ] {
            assert!(parse(&[good]).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_header_that_is_not_the_tenants_to_set_is_refused() {
        for name in [
            "Host",
            "CONTENT-LENGTH",
            "Content-Type",
            "Mcp-Session-Id",
            "mcp-method",
            "Accept",
            "accept-encoding",
            "Cookie",
            "Transfer-Encoding",
            "connection",
            "TE",
            "Upgrade",
            "Proxy-Authorization",
            "X-Forwarded-For",
            "Expect",
            "Last-Event-ID",
        ] {
            let faults = parse(&[(name, "x")]).expect_err(name);
            assert_eq!(faults[0].pointer, format!("/auth/headers/{name}"));
        }
    }

    #[test]
    fn no_line_can_be_smuggled_in() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        for value in [
            "",
            " x",
            "x ",
            "a\r\nHost: b",
            "a\nb",
            "\t",
            "é",
            "a\0b",
            "\x7f",
            &long,
        ] {
            assert!(parse(&[("x-key", value)]).is_err(), "{value:?}");
        }
        for name in [
            "",
            "a b",
            "a:b",
            "a\r\nb",
            "é",
            "a/b",
            "(x)",
            "x,y",
            &"n".repeat(129),
        ] {
            assert!(parse(&[(name, "x")]).is_err(), "{name:?}");
        }
        assert!(parse(&[]).is_err());
        assert!(parse(&[("X-Key", "a"), ("x-key", "b")]).is_err());
    }

    #[test]
    fn a_hundred_thousand_headers_are_one_fault() {
        let many = (0..100_000).map(|n| (format!("x-{n}"), SecretString::from("")));
        let faults = UpstreamHeaders::parse("/auth/headers", many).expect_err("too many");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].pointer, "/auth/headers");
    }

    #[test]
    fn a_fault_never_shows_the_value() {
        let faults = parse(&[("x-key", "s3cret\u{7f}")]).expect_err("control character");
        assert!(!format!("{faults:?}").contains("s3cret"));
        assert!(!format!("{:?}", parse(&[("x-key", "s3cret")])).contains("s3cret"));
    }
}
