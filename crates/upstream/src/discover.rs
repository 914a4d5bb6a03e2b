//! Placeholder while the rest is built.
use crate::{Upstream, UpstreamError};
use domain::Tool;
use http::{HeaderName, HeaderValue};
use std::{sync::Arc, time::Duration};
/// a
pub const DISCOVER_TIMEOUT: Duration = Duration::from_secs(30);
/// a
pub const LISTING_BYTES_MAX: usize = 16 << 20;
/// a
pub const PAGES_MAX: usize = 100;
/// a
pub const TOOLS_MAX: usize = 10_000;
/// What discovery found.
#[derive(Debug, Clone)]
pub struct Found {
    /// a
    pub tools: Vec<Tool>,
    /// a
    pub server_name: Option<String>,
    /// a
    pub server_version: Option<String>,
    /// a
    pub protocol_version: String,
}
/// The sentence for a person: what failed and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// a
    #[error("the server cannot be reached: {0}")]
    Upstream(#[from] UpstreamError),
    /// a
    #[error("the server refused the credential (HTTP {0})")] Credential(u16),
    /// a
    #[error("the server speaks the HTTP+SSE transport of 2024-11-05, which is not supported; run it behind a bridge such as supergateway")] OldTransport,
    /// a
    #[error("the server's answer to {method} is not MCP: {detail}")] NotMcp {
        /// a
        method: &'static str,
        /// a
        detail: String },
}
/// a
pub async fn discover(
    _upstream: &Arc<Upstream>,
    _headers: &[(HeaderName, HeaderValue)],
) -> Result<Found, DiscoverError> {
    Err(UpstreamError::Timeout(DISCOVER_TIMEOUT).into())
}
