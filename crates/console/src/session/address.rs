//! Where a request came from.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, request::Parts},
};

use crate::state::Console;

/// The client's address, by the trusted proxies' word where there are any; none where the server
/// does not say who the peer is.
pub(crate) struct Address(pub(crate) Option<IpAddr>);

impl FromRequestParts<Console> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Console,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let forwarded = forwarded(&parts.headers);
        Ok(Self(peer.map(|peer| {
            console
                .settings
                .client_address(peer.0.ip(), forwarded.as_deref())
        })))
    }
}

/// All lines of `X-Forwarded-For`, joined. A line that is no text stays in its place: leaving it out
/// could put one that the client wrote where the proxy's own is looked for.
fn forwarded(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The client sends two lines; its proxy appends to the last, which the client made unreadable.
    #[test]
    fn a_line_that_is_no_text_does_not_vouch_for_another() {
        let mut headers = HeaderMap::new();
        assert_eq!(forwarded(&headers), None);
        let spoofed = HeaderValue::from_static("192.0.2.66");
        headers.append("x-forwarded-for", spoofed);
        let appended = HeaderValue::from_bytes(b"\xff, 203.0.113.9").expect("a header");
        headers.append("x-forwarded-for", appended);
        let joined = forwarded(&headers).expect("two lines");
        assert!(joined.ends_with(", 203.0.113.9"), "{joined}");
    }
}
