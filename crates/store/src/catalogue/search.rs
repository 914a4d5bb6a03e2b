//! Searching servers and tools: full text, and trigrams for what is misspelt.

mod facets;
mod found;

use domain::tools::{Risk, ToolClass};
use futures_util::future::try_join;

use self::{
    facets::{Group, Narrowed},
    found::{Kind, Page},
};
use super::{ServerCard, ToolCard, words::Asked};
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

/// How many of what was found have each value of each facet, whatever is asked for of that facet
/// itself.
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
    /// How many there are, at most [`Facets::COUNTED_MAX`]; no page begins beyond.
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
    db: &Db,
    filter: &Filter,
    offset: u32,
    limit: u16,
) -> Result<Found<ServerCard>> {
    search(db, Kind::Server, filter, offset, limit, found::servers).await
}

/// Tools, the best match first, without words the riskiest; from `offset`.
///
/// # Errors
/// Postgres failed.
pub async fn search_tools(
    db: &Db,
    filter: &Filter,
    offset: u32,
    limit: u16,
) -> Result<Found<ToolCard>> {
    search(db, Kind::Tool, filter, offset, limit, found::tools).await
}

/// `items` reads those of a page. They and the facets are looked for at the same time, since for a word
/// that nearly everything has each takes about as long.
async fn search<T>(
    db: &Db,
    kind: Kind,
    filter: &Filter,
    offset: u32,
    limit: u16,
    items: impl AsyncFn(&Db, &Page) -> Result<Vec<T>>,
) -> Result<Found<T>> {
    let mut found = Found::default();
    let mut page = Page {
        asked: filter.text.as_deref().and_then(Asked::new),
        narrowed: Narrowed::new(filter),
        server: None,
        offset: i64::from(offset),
        limit: i64::from(limit),
    };
    if let Some(slug) = &filter.server {
        match found::server_id(db, slug).await? {
            Some(id) => page.server = Some(id),
            None => return Ok(found),
        }
    }
    if page.asked.as_ref().is_some_and(Asked::is_empty) {
        return Ok(found);
    }
    let mut both = try_join(found::groups(db, kind, &page), items(db, &page)).await?;
    if let Some(asked) = page.asked.as_ref().filter(|_| both.0.is_empty())
        && let Some(alike) = found::respell(db, asked).await?
    {
        page.asked = Some(alike);
        both = try_join(found::groups(db, kind, &page), items(db, &page)).await?;
        found.alike = !both.0.is_empty();
    }
    let (groups, items) = both;
    found.facets = page.narrowed.facets(&groups);
    found.total = page.narrowed.total(&groups);
    if offset < found.total {
        found.items = items;
    }
    Ok(found)
}
