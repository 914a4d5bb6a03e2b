//! Reading servers and tools.

use std::collections::HashMap;

use domain::{
    catalogue::{KnownTool, Release},
    tools::ToolClass,
};
use time::OffsetDateTime;

use super::{
    Counts, Mentioned, Neighbours, ServerCard, ServerEntry, SitemapLine, ToolCard, ToolEntry,
    Totals,
    keys::key,
    masks,
    rows::{self, ServerRow, ToolRow, cards, tool_cards},
    words::{exactly, name_words},
};
use crate::{Db, Result, StoreError};

/// Lines of one file of the sitemap. More are allowed (50,000), and take longer than a page may.
pub const SITEMAP_LINES: u32 = 2_500;
/// A server has no more tools (`catalog::read_entry` refuses more), so its lines reach no further.
const SERVER_LINES_MAX: i32 = 10_001;
/// How many names are looked up at once; the others are passed over.
const MENTIONED_MAX: usize = 500;

/// What the catalogue holds. One row; the page of every public answer begins with it.
///
/// # Errors
/// Postgres failed.
pub async fn totals(db: &Db) -> Result<Totals> {
    let row = sqlx::query!(
        "select revision, loaded_at, servers, servers_scanned, hosted, tools, by_class, by_risk
         from catalogue_totals"
    )
    .fetch_one(&db.pool)
    .await?;
    Ok(Totals {
        revision: row.revision,
        loaded_at: row.loaded_at,
        servers: rows::count(row.servers),
        servers_scanned: rows::count(row.servers_scanned),
        hosted: rows::count(row.hosted),
        tools: rows::count(row.tools),
        counts: Counts {
            by_class: rows::counts(&row.by_class),
            by_risk: rows::counts(&row.by_risk),
        },
    })
}

async fn server_row(db: &Db, slug: &str) -> Result<ServerRow> {
    if slug.contains('\0') {
        return Err(StoreError::NotFound);
    }
    sqlx::query_as!(
        ServerRow,
        "select * from catalogue_servers where slug = $1",
        slug
    )
    .fetch_optional(&db.pool)
    .await?
    .ok_or(StoreError::NotFound)
}

/// One server and how its tool list changed.
///
/// # Errors
/// `NotFound`, or Postgres failed.
pub async fn server(db: &Db, slug: &str) -> Result<ServerEntry> {
    let row = server_row(db, slug).await?;
    let seen = sqlx::query!(
        "select version, date, tool_count, added, removed, changed
         from catalogue_releases where server_id = $1 order by number desc limit 100",
        row.id
    )
    .fetch_all(&db.pool)
    .await?;
    let releases = seen.into_iter().map(|seen| Release {
        version: seen.version,
        date: seen.date,
        tool_count: rows::count(seen.tool_count),
        added: seen.added,
        removed: seen.removed,
        changed: seen.changed,
    });
    Ok(ServerEntry {
        releases: releases.collect(),
        card: row.card()?,
    })
}

/// A server's tools, the riskiest first and then by name, from `offset`, at most `limit`. None where
/// there is no such server or it has not been scanned.
///
/// # Errors
/// Postgres failed.
pub async fn tools(db: &Db, slug: &str, offset: u32, limit: u32) -> Result<Vec<KnownTool>> {
    if slug.contains('\0') {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        ToolRow,
        "select t.*, s.slug, s.name as server, s.origin
         from catalogue_servers s join catalogue_tools t on t.server_id = s.id
         where s.slug = $1
         order by array_position(array['critical', 'high', 'medium', 'low'], t.risk), t.name
         offset $2 limit $3",
        slug,
        i64::from(offset),
        i64::from(limit)
    )
    .fetch_all(&db.pool)
    .await?;
    let cards = tool_cards(rows)?;
    Ok(cards.into_iter().map(|card| card.tool).collect())
}

/// One tool.
///
/// # Errors
/// `NotFound`, or Postgres failed.
pub async fn tool(db: &Db, slug: &str, name: &str) -> Result<ToolEntry> {
    let row = server_row(db, slug).await?;
    if name.contains('\0') {
        return Err(StoreError::NotFound);
    }
    let tool = sqlx::query_as!(
        ToolRow,
        "select t.*, s.slug, s.name as server, s.origin
         from catalogue_tools t join catalogue_servers s on s.id = t.server_id
         where t.server_id = $1 and t.name = $2",
        row.id,
        name
    )
    .fetch_optional(&db.pool)
    .await?
    .ok_or(StoreError::NotFound)?;
    let correction = match tool.corrected {
        true => correction(db, slug, name).await?,
        false => None,
    };
    Ok(ToolEntry {
        card: row.card()?,
        tool: tool.card()?.tool,
        correction,
    })
}

/// Why the operator corrected a tool, where that was said.
async fn correction(db: &Db, slug: &str, tool: &str) -> Result<Option<String>> {
    let note = sqlx::query_scalar!(
        "select note from catalogue_corrections where slug = $1 and tool = $2",
        slug,
        tool
    )
    .fetch_optional(&db.pool)
    .await?;
    Ok(note.flatten())
}

/// Tools like this one.
///
/// # Errors
/// Postgres failed.
pub async fn neighbours(db: &Db, slug: &str, tool: &KnownTool) -> Result<Neighbours> {
    let server = match server_row(db, slug).await {
        Err(StoreError::NotFound) => return Ok(Neighbours::default()),
        other => other?,
    };
    let here = sqlx::query_as!(
        ToolRow,
        "select t.*, s.slug, s.name as server, s.origin
         from catalogue_tools t join catalogue_servers s on s.id = t.server_id
         where t.server_id = $1 and t.class = $2 and t.name <> $3
         order by array_position(array['critical', 'high', 'medium', 'low'], t.risk), t.position
         limit 12",
        server.id,
        tool.class.as_str(),
        tool.name.replace('\0', "\u{FFFD}")
    )
    .fetch_all(&db.pool)
    .await?;
    Ok(Neighbours {
        here: tool_cards(here)?,
        elsewhere: tool_cards(elsewhere(db, server.id, tool).await?)?,
    })
}

/// With the same name first, then with all its words, then with the words after its first, which is
/// mostly the verb and says as much as the class.
async fn elsewhere(db: &Db, server: i64, tool: &KnownTool) -> Result<Vec<ToolRow>> {
    let name = name_words(&tool.name);
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    let rows = sqlx::query_as!(
        ToolRow,
        "with near as (
             (select server_id, position, weight, 0 as tier from catalogue_tool_words
              where words = $1 and class_mask = $4 and server_id <> $5
              order by weight desc limit 100)
             union all
             (select server_id, position, weight, 1 from catalogue_tool_words
              where search @@ $2::text::tsquery and class_mask = $4 and server_id <> $5 limit 300)
             union all
             (select server_id, position, weight, 2 from catalogue_tool_words
              where search @@ $3::text::tsquery and class_mask = $4 and server_id <> $5 limit 300)
         ), one as (
             select distinct on (server_id) * from near
             order by server_id, tier, weight desc, position
         ), best as (
             select * from one order by tier, weight desc, server_id limit 12
         )
         select t.*, s.slug, s.name as server, s.origin
         from best
             join catalogue_tools t on t.server_id = best.server_id and t.position = best.position
             join catalogue_servers s on s.id = best.server_id
         order by best.tier, best.weight desc, best.server_id",
        name,
        exactly(&words),
        words.get(1..).and_then(|rest| exactly(rest)),
        masks::class(tool.class),
        server
    )
    .fetch_all(&db.pool)
    .await?;
    Ok(rows)
}

/// Tools of these names and classes, one a server, the better known servers first; at most 12. Where
/// `servers` has packages, repositories or addresses, only tools of servers that have one of them.
///
/// # Errors
/// Postgres failed.
pub async fn named(
    db: &Db,
    names: &[String],
    classes: &[ToolClass],
    servers: &[String],
) -> Result<Vec<ToolCard>> {
    let keys: Vec<String> = servers.iter().filter_map(|it| key(it)).collect();
    let words: Vec<String> = names.iter().map(|name| name_words(name)).collect();
    let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
    let rows = sqlx::query_as!(
        ToolRow,
        "with one as (
             select distinct on (w.server_id) w.server_id, w.position, w.weight
             from catalogue_tool_words w
                 join catalogue_tools t on t.server_id = w.server_id and t.position = w.position
                 join catalogue_servers s on s.id = w.server_id
             where w.words = any($1) and t.name = any($2) and t.class = any($3)
                 and (cardinality($4::text[]) = 0 or s.keys && $4)
             order by w.server_id, w.position
         ), best as (
             select * from one order by weight desc, server_id limit 12
         )
         select t.*, s.slug, s.name as server, s.origin
         from best
             join catalogue_tools t on t.server_id = best.server_id and t.position = best.position
             join catalogue_servers s on s.id = best.server_id
         order by best.weight desc, best.server_id",
        &words,
        names,
        &classes,
        &keys
    )
    .fetch_all(&db.pool)
    .await?;
    tool_cards(rows)
}

/// One file of the sitemap, from `page` 0 on: servers and their tools, at most [`SITEMAP_LINES`].
/// Empty beyond the last.
///
/// # Errors
/// Postgres failed.
pub async fn sitemap(db: &Db, page: u32) -> Result<Vec<SitemapLine>> {
    let (Some(from), Some(to)) = (sitemap_line(page), sitemap_line(page.saturating_add(1))) else {
        return Ok(Vec::new());
    };
    let lines = sqlx::query!(
        r#"select slug as "slug!", tool, changed_at as "changed_at!" from (
             select s.slug, null as tool, s.changed_at, s.sitemap_at as line
             from catalogue_servers s where s.sitemap_at >= $1 and s.sitemap_at < $2
             union all
             select s.slug, t.name, s.changed_at, s.sitemap_at + 1 + t.position
             from catalogue_servers s join catalogue_tools t on t.server_id = s.id
             where s.sitemap_at > $1 - $3 and s.sitemap_at < $2
                 and s.sitemap_at + s.tool_count >= $1
                 and t.position >= $1 - 1 - s.sitemap_at and t.position < $2 - 1 - s.sitemap_at
         ) as lines order by line"#,
        from,
        to,
        SERVER_LINES_MAX
    )
    .fetch_all(&db.pool)
    .await?;
    let lines = lines.into_iter().map(|line| SitemapLine {
        slug: line.slug,
        tool: line.tool,
        changed_at: line.changed_at,
    });
    Ok(lines.collect())
}

/// Where a file of the sitemap begins; none where no line can be.
fn sitemap_line(page: u32) -> Option<i32> {
    i32::try_from(page.checked_mul(SITEMAP_LINES)?).ok()
}

/// Which known servers these packages (`npm:name`), remote URLs and repositories are: for each the
/// best known one. A version, a query and the case of a letter make no difference.
///
/// # Errors
/// Postgres failed.
pub async fn mentioned(db: &Db, names: &[String]) -> Result<Vec<Mentioned>> {
    let asked: Vec<(&String, String)> = names
        .iter()
        .take(MENTIONED_MAX)
        .filter_map(|name| Some((name, key(name)?)))
        .collect();
    let keys: Vec<String> = asked.iter().map(|(_, key)| key.clone()).collect();
    let found = sqlx::query_as!(
        ServerRow,
        "select s.* from catalogue_servers s join catalogue_server_words w on w.server_id = s.id
         where s.keys && $1 order by w.weight desc, s.id limit 2000",
        &keys
    )
    .fetch_all(&db.pool)
    .await?;
    let mut by_key: HashMap<String, ServerCard> = HashMap::new();
    for row in found {
        let of = row.keys.clone();
        let card = row.card()?;
        for key in of {
            by_key.entry(key).or_insert_with(|| card.clone());
        }
    }
    let known = asked.into_iter().filter_map(|(name, key)| {
        let card = by_key.get(&key)?.clone();
        let by = name.clone();
        Some(Mentioned { by, card })
    });
    Ok(known.collect())
}

/// Servers that came or changed since, the newest first, at most `limit`.
///
/// # Errors
/// Postgres failed.
pub async fn changes_since(db: &Db, since: OffsetDateTime, limit: u16) -> Result<Vec<ServerCard>> {
    let rows = sqlx::query_as!(
        ServerRow,
        "select * from catalogue_servers where changed_at > $1
         order by changed_at desc, id desc limit $2",
        since,
        i64::from(limit)
    )
    .fetch_all(&db.pool)
    .await?;
    cards(rows)
}
