//! Discovery: what a server offers, asked as a client would ask.
//!
//! Source: MCP 2025-11-25, "Lifecycle" and "Transports", and 2026-07-28, "Discovery" and "Streamable
//! HTTP". The session era is tried first, because most servers speak it, and servers of both eras do.

mod conversation;
mod exchange;
mod lines;
mod listing;
mod message;

use std::{sync::Arc, time::Duration};

use domain::Tool;
use http::{HeaderName, HeaderValue};
use json::Value;

use crate::{error::UpstreamError, pool::Upstream, url::UpstreamUrl};
use conversation::{Conversation, Era};
use exchange::Exchange;
use message::{Failed, clean};

pub use lines::discover_lines;
pub use listing::{PAGES_MAX, TOOLS_MAX, tool};

/// How long discovery may take in all, the farewell to a session (at most 2 s) aside.
pub const DISCOVER_TIMEOUT: Duration = Duration::from_secs(30);
/// How many bytes of answers are read in all.
pub const LISTING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long the farewell to a session may take.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// The newest revision with a handshake, and the one without.
const SESSION_VERSION: &str = "2025-11-25";
const STATELESS_VERSION: &str = "2026-07-28";

/// What discovery found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The tools in the server's order, the class left open. Each name stands once: where a server
    /// lists one twice, its first definition counts. NUL, which no column can hold, is replaced by
    /// U+FFFD in the name, the title and the description.
    pub tools: Vec<Tool>,
    /// Further definitions of names that stand in the list more than once.
    pub twins: Vec<Tool>,
    /// What the server calls itself. Untrusted text.
    pub server_name: Option<String>,
    /// What the server says its version is. Untrusted text.
    pub server_version: Option<String>,
    /// The revision of MCP that was spoken.
    pub protocol_version: String,
    /// Where redirects led, if anywhere else. Calls follow no redirect, so this is the address to
    /// register.
    pub moved_to: Option<UpstreamUrl>,
    /// What a person should know of the list, in sentences: names that stand in it twice.
    pub notes: Vec<String>,
}

/// The sentence for a person: what failed and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// No answer over HTTP.
    #[error("the server cannot be reached: {0}")]
    Upstream(#[from] UpstreamError),
    /// 401 or 403.
    #[error("the server refused the credential (HTTP {0})")]
    Credential(u16),
    /// A server of the first transport, where a stream names the address to post to.
    #[error(
        "the server speaks the HTTP+SSE transport of 2024-11-05, which is not supported; \
         run it behind a bridge such as supergateway"
    )]
    OldTransport,
    /// It answered, and not as an MCP server does.
    #[error("the server's answer to {method} is not MCP: {detail}")]
    NotMcp {
        /// What was asked.
        method: &'static str,
        /// What came back, in words.
        detail: String,
    },
}

/// Walks a client's handshake and lists the tools, in whichever era the server speaks.
/// [`Tool::class`] is left `None`.
///
/// `headers` are the server's credential. At most three redirects are followed, each judged anew,
/// never from https to http, and never to another origin where there is a credential.
///
/// # Errors
/// [`DiscoverError`]; after [`DISCOVER_TIMEOUT`] it is [`UpstreamError::Timeout`].
pub async fn discover(
    upstream: &Arc<Upstream>,
    headers: &[(HeaderName, HeaderValue)],
) -> Result<Found, DiscoverError> {
    let exchange = Exchange::new(upstream, headers);
    discover_by(exchange, upstream, DISCOVER_TIMEOUT).await
}

/// As [`discover`], and no redirect leads to another origin: for whoever may dial more than the
/// server may, such as a command line on one's own machine.
///
/// # Errors
/// As [`discover`].
pub async fn discover_there(
    upstream: &Arc<Upstream>,
    headers: &[(HeaderName, HeaderValue)],
) -> Result<Found, DiscoverError> {
    let exchange = Exchange::new(upstream, headers).staying();
    discover_by(exchange, upstream, DISCOVER_TIMEOUT).await
}

#[cfg(test)]
async fn discover_within(
    upstream: &Arc<Upstream>,
    headers: &[(HeaderName, HeaderValue)],
    limit: Duration,
) -> Result<Found, DiscoverError> {
    discover_by(Exchange::new(upstream, headers), upstream, limit).await
}

async fn discover_by(
    mut exchange: Exchange<'_>,
    upstream: &Arc<Upstream>,
    limit: Duration,
) -> Result<Found, DiscoverError> {
    let walk = tokio::time::timeout(limit, walk(&mut exchange)).await;
    let _ = tokio::time::timeout(FAREWELL_TIMEOUT, exchange.farewell()).await;
    let mut found = walk.unwrap_or(Err(UpstreamError::Timeout(limit).into()))?;
    found.moved_to = exchange.moved_to(upstream);
    Ok(found)
}

async fn walk(exchange: &mut impl Conversation) -> Result<Found, DiscoverError> {
    let first = match session_era(exchange).await {
        Ok(found) => return Ok(found),
        Err(failed) if failed.may_be_the_era() => failed,
        Err(failed) => return Err(failed.into()),
    };
    exchange.set_era(Era::Stateless);
    match stateless_era(exchange).await {
        Ok(found) => Ok(found),
        Err(second) if !second.may_be_the_era() => Err(second.into()),
        Err(_) if exchange.speaks_the_old_transport().await => Err(DiscoverError::OldTransport),
        // The server spoke neither; what it said of the handshake is what people will look for.
        Err(_) => Err(first.into()),
    }
}

async fn session_era(exchange: &mut impl Conversation) -> Result<Found, Failed> {
    const INITIALIZE: &str = "initialize";
    let params = format!(
        r#""protocolVersion":"{SESSION_VERSION}","capabilities":{{}},"clientInfo":{}"#,
        client_info()
    );
    let text = exchange.request(INITIALIZE, &params).await?;
    let (mut found, offers) = message::with_result(INITIALIZE, &text, |result| {
        let version = result
            .get("protocolVersion")
            .and_then(Value::as_str)
            .ok_or_else(|| "its result names no protocolVersion".to_owned())?;
        let found = Found {
            protocol_version: version.into_owned(),
            ..introduce(result.get("serverInfo"))
        };
        Ok((found, offers_tools(result)))
    })?;
    exchange.set_version(INITIALIZE, &found.protocol_version)?;
    exchange.notify("notifications/initialized").await?;
    listing::read(exchange, &mut found, offers).await?;
    Ok(found)
}

async fn stateless_era(exchange: &mut impl Conversation) -> Result<Found, Failed> {
    const DISCOVER: &str = "server/discover";
    exchange.set_version(DISCOVER, STATELESS_VERSION)?;
    let mut offers = true;
    let mut found = match exchange.request(DISCOVER, "").await {
        Ok(text) => message::with_result(DISCOVER, &text, |result| {
            offers = offers_tools(result);
            let meta = result.get("_meta");
            let info = meta.and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"));
            Ok(introduce(info.or_else(|| result.get("serverInfo"))))
        })?,
        // Clients may do without it, so some servers do too.
        Err(Failed::Rpc { code: -32601, .. }) => introduce(None),
        Err(failed) => return Err(failed),
    };
    found.protocol_version = STATELESS_VERSION.to_owned();
    listing::read(exchange, &mut found, offers).await?;
    Ok(found)
}

/// What this client says of itself, as JSON.
fn client_info() -> String {
    format!(
        r#"{{"name":"tollgate","version":"{}"}}"#,
        env!("CARGO_PKG_VERSION")
    )
}

fn offers_tools(result: Value<'_>) -> bool {
    result
        .get("capabilities")
        .is_none_or(|offered| offered.get("tools").is_some())
}

fn introduce(info: Option<Value<'_>>) -> Found {
    let text = |key| {
        let text = info?.get(key)?.as_str()?;
        Some(clean(&text, 200)).filter(|text| !text.is_empty())
    };
    Found {
        tools: Vec::new(),
        twins: Vec::new(),
        server_name: text("name"),
        server_version: text("version"),
        protocol_version: String::new(),
        moved_to: None,
        notes: Vec::new(),
    }
}

#[cfg(test)]
#[path = "discover_tests.rs"]
mod tests;
