//! The servers that come with Tollgate: scanned by us, described in our words.

use domain::catalogue::{KnownServer, KnownTool, Release};

/// A server that comes with Tollgate.
#[derive(Debug, Clone)]
pub struct Shipped {
    /// What is known of it.
    pub server: KnownServer,
    /// Its tools, as of `server.version`.
    pub tools: Vec<KnownTool>,
    /// The lists of its tools that were scanned, the newest first.
    pub releases: Vec<Release>,
}

/// Every server that comes with Tollgate, by slug.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    &[]
}
