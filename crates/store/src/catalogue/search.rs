//! Searching servers and tools: full text, and trigrams for what is misspelt.

mod facets;
mod found;

use domain::tools::{Risk, ToolClass};

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
    let (page, mut found) = search(db, Kind::Server, filter, offset, limit).await?;
    if let Some(page) = page {
        found.items = found::servers(db, &page).await?;
    }
    Ok(found)
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
    let (page, mut found) = search(db, Kind::Tool, filter, offset, limit).await?;
    if let Some(page) = page {
        found.items = found::tools(db, &page).await?;
    }
    Ok(found)
}

/// Everything but the items, and which those are; no page where there are none.
async fn search<T>(
    db: &Db,
    kind: Kind,
    filter: &Filter,
    offset: u32,
    limit: u16,
) -> Result<(Option<Page>, Found<T>)> {
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
            None => return Ok((None, found)),
        }
    }
    if page.asked.as_ref().is_some_and(Asked::is_empty) {
        return Ok((None, found));
    }
    let mut groups = found::groups(db, kind, &page).await?;
    if let Some(asked) = page.asked.as_ref().filter(|_| groups.is_empty())
        && let Some(alike) = found::respell(db, asked).await?
    {
        page.asked = Some(alike);
        groups = found::groups(db, kind, &page).await?;
        found.alike = !groups.is_empty();
    }
    found.facets = page.narrowed.facets(&groups);
    found.total = page.narrowed.total(&groups);
    let there = offset < found.total;
    Ok((there.then_some(page), found))
}
