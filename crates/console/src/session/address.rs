//! Where a request came from.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
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
        // A line that is no text must stay in its place: leaving it out could put one that the
        // client wrote where the proxy's own is looked for.
        let lines: Vec<_> = parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_bytes()))
            .collect();
        let forwarded = (!lines.is_empty()).then(|| lines.join(","));
        Ok(Self(peer.map(|peer| {
            console
                .settings
                .client_address(peer.0.ip(), forwarded.as_deref())
        })))
    }
}
