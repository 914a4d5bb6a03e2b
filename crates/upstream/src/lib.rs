//! The way out: every connection to an address that a tenant may set is made here.
//!
//! Start at [`Upstream::send`], which the call path uses. Invariants: an address is judged by
//! [`Guard`] each time it is dialled, after DNS and never by name; no request is ever sent twice;
//! no redirect is followed by a call; proxy environment variables are never read; what an upstream
//! can make this process hold is bounded.

mod answer;
mod dial;
mod discover;
mod error;
mod guard;
mod link;
mod pool;
pub mod sse;
#[cfg(test)]
mod testing;
mod url;

pub use answer::Answer;
pub use dial::{CONNECT_TIMEOUT, Dialler};
pub use discover::{
    DISCOVER_TIMEOUT, DiscoverError, Found, LISTING_BYTES_MAX, PAGES_MAX, TOOLS_MAX, discover,
    discover_lines, discover_there, tool,
};
pub use error::{NotSent, UpstreamError};
pub use guard::Guard;
pub use pool::{CONNECTIONS_MAX, IDLE_MAX, IDLE_TIMEOUT, Upstream};
pub use url::{BadUrl, URL_BYTES_MAX, UpstreamUrl};
