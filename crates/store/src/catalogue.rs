//! The public catalogue: what is read by pages, the API and agents.
//!
//! It belongs to no organisation, so nothing here takes a [`domain::Scope`]. The console's role only
//! reads; [`Loader`] connects as the owner.

mod keys;
mod masks;
mod read;
mod rows;
mod search;
mod words;
mod write;

use std::borrow::Cow;

use domain::{
    catalogue::{KnownServer, KnownTool, Origin, Release},
    tools::{Risk, ToolClass},
};
use time::OffsetDateTime;

pub use read::{
    SITEMAP_LINES, changes_since, mentioned, named, neighbours, server, sitemap, tool, tools,
    totals,
};
pub use search::{Facets, Filter, Found, search_servers, search_tools};
pub use write::{Correction, Entry, LoadReport, Loader, Stamp, corrections};

/// How many, by class and by risk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the order of [`ToolClass::ALL`].
    pub by_class: [u32; 5],
    /// Lowest first.
    pub by_risk: [u32; 4],
}

/// A server with what can be counted of it.
#[derive(Debug, Clone)]
pub struct ServerCard {
    /// What is known of it.
    pub server: KnownServer,
    /// None: not scanned yet.
    pub tool_count: Option<u32>,
    /// Its tools, counted.
    pub counts: Counts,
    /// When something of it last changed here.
    pub changed_at: OffsetDateTime,
}

/// A server as its page shows it; its tools are read by [`tools`].
#[derive(Debug, Clone)]
pub struct ServerEntry {
    /// What is known of it, counted.
    pub card: ServerCard,
    /// The lists of its tools that were seen, the newest first.
    pub releases: Vec<Release>,
}

/// A tool and whose it is.
#[derive(Debug, Clone)]
pub struct ToolCard {
    /// Its server's slug.
    pub slug: String,
    /// Its server's name.
    pub server: String,
    /// Who put its server into the catalogue.
    pub origin: Origin,
    /// What is known of it.
    pub tool: KnownTool,
}

impl ToolCard {
    /// Its server's name as a sentence of ours has it.
    #[must_use]
    pub fn called(&self) -> Cow<'_, str> {
        self.origin.said(&self.server)
    }
}

/// A tool's page: the tool, whose it is, and when that was looked at.
#[derive(Debug, Clone)]
pub struct ToolEntry {
    /// Its server.
    pub card: ServerCard,
    /// What is known of it.
    pub tool: KnownTool,
    /// Why the operator gave it another class or risk, where it is corrected and that was said.
    pub correction: Option<String>,
}

/// Tools like one tool.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    /// Of the same class on the same server, the riskiest first; at most 12.
    pub here: Vec<ToolCard>,
    /// Of the same class on other servers, with a name like this one's, one a server; at most 12.
    pub elsewhere: Vec<ToolCard>,
}

/// What the catalogue holds, as counted at the end of the last load.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Raised by each load: part of the entity tag of every page.
    pub revision: i64,
    /// When that was; none before the first.
    pub loaded_at: Option<OffsetDateTime>,
    /// Servers known, scanned or not.
    pub servers: u32,
    /// Servers whose tools are known.
    pub servers_scanned: u32,
    /// Of those, integrations that a platform hosts.
    pub hosted: u32,
    /// Tools of all of them.
    pub tools: u32,
    /// The tools, by class and by risk.
    pub counts: Counts,
}

/// What an address in the sitemap leads to.
#[derive(Debug, Clone)]
pub struct SitemapLine {
    /// The server.
    pub slug: String,
    /// The tool; none for the server's own page.
    pub tool: Option<String>,
    /// When it last changed.
    pub changed_at: OffsetDateTime,
}

/// A known server that a client's configuration mentions.
#[derive(Debug, Clone)]
pub struct Mentioned {
    /// What was asked for: a package (`npm:…`), a URL, or a repository.
    pub by: String,
    /// The server.
    pub card: ServerCard,
}

/// The class and risk that the operator gave a tool, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The class.
    pub class: ToolClass,
    /// The risk.
    pub risk: Risk,
    /// Why, where that was said.
    pub note: Option<String>,
}
