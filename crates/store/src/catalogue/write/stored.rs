//! Reading the catalogue back as it was loaded.

use std::collections::HashMap;

use domain::catalogue::Release;
use sqlx::PgConnection;

use super::Entry;
use crate::{
    Result,
    catalogue::rows::{ServerRow, ToolRow, count},
};

pub(super) async fn entries(
    connection: &mut PgConnection,
    after: &str,
    limit: u16,
) -> Result<Vec<Entry>> {
    let servers = sqlx::query_as!(
        ServerRow,
        "select * from catalogue_servers where slug > $1 order by slug limit $2",
        after.replace('\0', ""),
        i64::from(limit)
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<i64> = servers.iter().map(|row| row.id).collect();
    let mut tools: HashMap<i64, Vec<ToolRow>> = HashMap::new();
    let rows = sqlx::query_as!(
        ToolRow,
        "select t.*, s.slug, s.name as server, s.origin
         from catalogue_tools t join catalogue_servers s on s.id = t.server_id
         where t.server_id = any($1) order by t.server_id, t.position",
        &ids
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        tools.entry(row.server_id).or_default().push(row);
    }
    let mut releases = releases(connection, &ids).await?;
    let entry = |row: ServerRow| {
        let id = row.id;
        let scanned = row.tool_count.is_some();
        let of = tools.remove(&id).unwrap_or_default();
        let tools = of.into_iter().map(|row| Ok(row.found()?.tool));
        Ok(Entry {
            server: row.card()?.server,
            tools: scanned.then(|| tools.collect::<Result<_>>()).transpose()?,
            releases: releases.remove(&id).unwrap_or_default(),
        })
    };
    servers.into_iter().map(entry).collect()
}

async fn releases(
    connection: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<Release>>> {
    let rows = sqlx::query!(
        "select server_id, version, date, tool_count, added, removed, changed
         from catalogue_releases where server_id = any($1) order by server_id, number desc",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut releases: HashMap<i64, Vec<Release>> = HashMap::new();
    for row in rows {
        releases.entry(row.server_id).or_default().push(Release {
            version: row.version,
            date: row.date,
            tool_count: count(row.tool_count),
            added: row.added,
            removed: row.removed,
            changed: row.changed,
        });
    }
    Ok(releases)
}
