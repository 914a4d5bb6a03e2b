//! Reading servers and tools.

use domain::catalogue::KnownTool;
use time::OffsetDateTime;

use super::{Mentioned, Neighbours, ServerCard, ServerEntry, SitemapLine, ToolEntry, Totals};
use crate::{Db, Result, StoreError};

/// What the catalogue holds. One row; the page of every public answer begins with it.
///
/// # Errors
/// Postgres failed.
pub async fn totals(_db: &Db) -> Result<Totals> {
    Ok(Totals::default())
}

/// One server and how its tool list changed.
///
/// # Errors
/// `NotFound`, or Postgres failed.
pub async fn server(_db: &Db, _slug: &str) -> Result<ServerEntry> {
    Err(StoreError::NotFound)
}

/// A server's tools, the riskiest first and then by name, from `offset`, at most `limit`. None where
/// there is no such server or it has not been scanned.
///
/// # Errors
/// Postgres failed.
pub async fn tools(_db: &Db, _slug: &str, _offset: u32, _limit: u32) -> Result<Vec<KnownTool>> {
    Ok(Vec::new())
}

/// One tool.
///
/// # Errors
/// `NotFound`, or Postgres failed.
pub async fn tool(_db: &Db, _slug: &str, _name: &str) -> Result<ToolEntry> {
    Err(StoreError::NotFound)
}

/// Tools like this one.
///
/// # Errors
/// Postgres failed.
pub async fn neighbours(_db: &Db, _slug: &str, _tool: &KnownTool) -> Result<Neighbours> {
    Ok(Neighbours::default())
}

/// One file of the sitemap, from `page` 0 on: servers and their tools, at most 10,000 lines. Empty
/// beyond the last.
///
/// # Errors
/// Postgres failed.
pub async fn sitemap(_db: &Db, _page: u32) -> Result<Vec<SitemapLine>> {
    Ok(Vec::new())
}

/// Which known servers these packages (`npm:name`), remote URLs and repositories are.
///
/// # Errors
/// Postgres failed.
pub async fn mentioned(_db: &Db, _names: &[String]) -> Result<Vec<Mentioned>> {
    Ok(Vec::new())
}

/// Servers that came or changed since, the newest first, at most `limit`.
///
/// # Errors
/// Postgres failed.
pub async fn changes_since(
    _db: &Db,
    _since: OffsetDateTime,
    _limit: u16,
) -> Result<Vec<ServerCard>> {
    Ok(Vec::new())
}
