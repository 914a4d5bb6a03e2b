//! The way out: every connection to an address that a tenant may set is made here.

use std::{net::IpAddr, sync::Arc, time::Duration};
use bytes::Bytes;
use domain::Tool;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use ipnet::IpNet;

/// Which addresses may be dialled. Checked on the address actually dialled, each time.
#[derive(Debug, Clone)]
pub struct Guard { allowed: Vec<IpNet> }
impl Guard { pub fn new(allowed: Vec<IpNet>) -> Self { todo!() } pub fn permits(&self, address: IpAddr) -> bool { todo!() } }

/// An absolute http or https URL without user-info, fragment or odd characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamUrl {}
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl { #[error("is not an absolute http or https URL")] NotHttp }
impl UpstreamUrl {
    pub fn parse(text: &str) -> Result<Self, BadUrl> { todo!() }
    pub fn as_str(&self) -> &str { todo!() }
    /// Scheme, host and port: `https://mcp.example.com:443`. A credential is bound to it.
    pub fn origin(&self) -> &str { todo!() }
    pub fn is_plain_http(&self) -> bool { todo!() }
}

#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Nothing was sent: DNS, refused address, refused connection, TLS.
    #[error("{0}")] NotSent(NotSent),
    /// Something was sent and no answer came.
    #[error("the server closed the connection without an answer")] Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server said nothing for {0:?}")] Timeout(Duration),
}
#[derive(Debug, thiserror::Error)]
pub enum NotSent { #[error("its name does not resolve")] Dns, #[error("its address {0} is not one that may be dialled")] Refused(IpAddr), #[error("it does not accept connections")] Connect, #[error("its TLS certificate is not valid: {0}")] Tls(String), #[error("connecting took longer than {0:?}")] Timeout(Duration) }

/// Everything shared by all upstreams: guard, TLS roots, resolver.
#[derive(Clone)]
pub struct Dialler {}
impl Dialler { pub fn new(guard: Guard) -> Self { todo!() } }

/// One server's pool of keep-alive HTTP/1.1 connections.
pub struct Upstream {}
impl Upstream {
    pub fn new(dialler: Dialler, url: UpstreamUrl) -> Arc<Self> { todo!() }
    pub fn url(&self) -> &UpstreamUrl { todo!() }
    /// Sends one request, once. A pooled connection found dead before a byte was sent is replaced; nothing is ever sent twice. `first_byte` bounds the wait for the response's head.
    pub async fn send(self: &Arc<Self>, request: Request<Full<Bytes>>, first_byte: Duration) -> Result<Response<Answer>, UpstreamError> { todo!() }
}
/// A response body that gives its connection back to the pool once read to its end.
pub struct Answer {}

/// Server-sent events by the WHATWG's standard: CR, LF, CRLF, multi-line data, comments.
pub mod sse {
    #[derive(Debug, Clone, PartialEq, Eq, Default)]
    pub struct Event { pub event: Option<String>, pub data: String, pub id: Option<String>, pub retry: Option<u64> }
    pub struct Parser {}
    #[derive(Debug, thiserror::Error)] #[error("an event is longer than {0} bytes")] pub struct TooLong(pub usize);
    impl Parser { pub fn new(event_bytes_max: usize) -> Self { todo!() } pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), TooLong> { todo!() } }
}

/// What discovery found.
#[derive(Debug, Clone)]
pub struct Found { pub tools: Vec<Tool>, pub server_name: Option<String>, pub server_version: Option<String>, pub protocol_version: String }
/// The sentence for a person: what failed and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError { #[error("the server cannot be reached: {0}")] Upstream(#[from] UpstreamError), #[error("the server refused the credential (HTTP {0})")] Credential(u16), #[error("the server speaks the HTTP+SSE transport of 2024-11-05, which is not supported; run it behind a bridge such as supergateway")] OldTransport, #[error("the server's answer to {method} is not MCP: {detail}")] NotMcp { method: &'static str, detail: String } }
/// Walks a client's handshake and lists the tools, in whichever era the server speaks. `Tool::class` is left `None`.
pub async fn discover(upstream: &Arc<Upstream>, headers: &[(HeaderName, HeaderValue)]) -> Result<Found, DiscoverError> { todo!() }
