//! Searching servers and tools: full text and trigrams.

use domain::tools::{Risk, ToolClass};

use super::{ServerCard, ToolCard};
use crate::{Db, Result};

/// What is looked for. Everything given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Words, each of which must occur, whole or as a beginning; where nothing has them, what is
    /// spelt like them.
    pub text: Option<String>,
    /// Tools of this class; servers that have one.
    pub class: Option<ToolClass>,
    /// Tools of this risk; servers that have one.
    pub risk: Option<Risk>,
    /// Of servers that can be reached so: `stdio`, `streamable-http`, `sse`.
    pub transport: Option<String>,
    /// Of servers that the product's own maker publishes, or of the others.
    pub official: Option<bool>,
    /// Of one server.
    pub server: Option<String>,
}

/// How many of what was found have each value of each facet, counted over the first
/// [`Facets::COUNTED_MAX`].
#[derive(Debug, Clone, Default)]
pub struct Facets {
    /// In the order of [`ToolClass::ALL`].
    pub by_class: [u32; 5],
    /// Lowest risk first.
    pub by_risk: [u32; 4],
    /// By transport, most first.
    pub by_transport: Vec<(String, u32)>,
    /// By `official`: no, yes.
    pub by_official: [u32; 2],
}

impl Facets {
    /// Beyond so many, a page says "more than".
    pub const COUNTED_MAX: u32 = 10_000;
}

/// A page of what was found.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// The best first.
    pub items: Vec<T>,
    /// How many there are, at most [`Facets::COUNTED_MAX`].
    pub total: u32,
    /// How they are spread.
    pub facets: Facets,
    /// Nothing had the words, so these are spelt like them.
    pub alike: bool,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            total: 0,
            facets: Facets::default(),
            alike: false,
        }
    }
}

/// Servers, the best match first, without words the official and the larger ones; from `offset`.
///
/// # Errors
/// Postgres failed.
pub async fn search_servers(
    _db: &Db,
    _filter: &Filter,
    _offset: u32,
    _limit: u16,
) -> Result<Found<ServerCard>> {
    Ok(Found::default())
}

/// Tools, the best match first, without words the riskiest; from `offset`.
///
/// # Errors
/// Postgres failed.
pub async fn search_tools(
    _db: &Db,
    _filter: &Filter,
    _offset: u32,
    _limit: u16,
) -> Result<Found<ToolCard>> {
    Ok(Found::default())
}
