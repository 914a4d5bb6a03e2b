//! A server that is reached by its URL.

use ::http::{HeaderName, HeaderValue};
use anyhow::Result;
use upstream::{Dialler, Found, Guard, Upstream, UpstreamUrl, discover_there};

use super::failed;
use crate::policy::private_networks;

/// Lists its tools, in whichever era it speaks.
///
/// Whoever types the command may reach what it names, and a server on one's own machine is the
/// usual case, so private addresses are dialled. The server itself may not: a redirect leads to no
/// other origin, or a hostile one could have this machine ask the network around it.
pub(super) async fn ask(url: &UpstreamUrl, headers: &[(HeaderName, HeaderValue)]) -> Result<Found> {
    let dialler = Dialler::new(Guard::new(private_networks()));
    let server = Upstream::new(dialler, url.clone());
    discover_there(&server, headers)
        .await
        .map_err(|error| failed(url.origin(), &error, ""))
}
