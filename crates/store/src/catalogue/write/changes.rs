//! How tool lists changed: as the source says, or as this load changes what was there.

use std::collections::HashMap;

use domain::catalogue::{KnownTool, Release};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::{Entry, json, load::numbered};
use crate::Result;

#[derive(Serialize)]
struct ReleaseJson {
    server_id: i64,
    number: usize,
    #[serde(flatten)]
    release: Release,
}

struct Before {
    server_id: i64,
    name: String,
    args: Option<Value>,
    hints: Value,
}

/// Tools by name, with what of them a rule depends on.
type List = HashMap<String, (Option<Value>, Value)>;

/// Records what changes; the tools that were there are still in the table.
pub(super) async fn record(tx: &mut PgConnection, placed: &[(i64, &Entry)]) -> Result<()> {
    let told: Vec<i64> = placed
        .iter()
        .filter(|(_, entry)| !entry.releases.is_empty())
        .map(|(id, _)| *id)
        .collect();
    sqlx::query!(
        "delete from catalogue_releases where server_id = any($1)",
        &told
    )
    .execute(&mut *tx)
    .await?;
    let seen: Vec<i64> = placed
        .iter()
        .filter(|(_, entry)| entry.releases.is_empty() && entry.tools.is_some())
        .map(|(id, _)| *id)
        .collect();
    let mut before = lists(tx, &seen).await?;
    let numbers = numbers(tx, &seen).await?;
    let mut rows = Vec::new();
    for (id, entry) in placed {
        let given = numbered(&entry.releases).map(|(number, release)| ReleaseJson {
            server_id: *id,
            number,
            release: release.clone(),
        });
        rows.extend(given);
        let Some(tools) = entry.tools.as_ref().filter(|_| entry.releases.is_empty()) else {
            continue;
        };
        if let Some(release) = change(before.remove(id), entry, tools) {
            rows.push(ReleaseJson {
                server_id: *id,
                number: numbers.get(id).copied().unwrap_or(0) + 1,
                release,
            });
        }
    }
    sqlx::query!(
        "insert into catalogue_releases (server_id, number, version, date, tool_count, added,
             removed, changed)
         select server_id, number, version, date, tool_count, added, removed, changed
         from json_to_recordset($1::text::json) as new (server_id bigint, number integer,
             version text, date date, tool_count integer, added text[], removed text[],
             changed text[])",
        json::text(&rows)
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn lists(tx: &mut PgConnection, ids: &[i64]) -> Result<HashMap<i64, List>> {
    let rows = sqlx::query_as!(
        Before,
        "select server_id, name, args, hints from catalogue_tools where server_id = any($1)",
        ids
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut lists: HashMap<i64, List> = HashMap::new();
    for row in rows {
        let list = lists.entry(row.server_id).or_default();
        list.insert(row.name, (row.args, row.hints));
    }
    Ok(lists)
}

async fn numbers(tx: &mut PgConnection, ids: &[i64]) -> Result<HashMap<i64, usize>> {
    let rows = sqlx::query!(
        r#"select server_id, max(number) as "number!" from catalogue_releases
           where server_id = any($1) group by server_id"#,
        ids
    )
    .fetch_all(&mut *tx)
    .await?;
    let numbers = rows
        .into_iter()
        .map(|row| (row.server_id, usize::try_from(row.number).unwrap_or(0)));
    Ok(numbers.collect())
}

/// None where the list is as it was: a class that is judged anew is no change of the server's.
fn change(before: Option<List>, entry: &Entry, tools: &[KnownTool]) -> Option<Release> {
    let mut release = Release {
        version: entry.server.version.clone(),
        date: entry.server.tools_date,
        tool_count: u32::try_from(tools.len()).unwrap_or(u32::MAX),
        added: Vec::new(),
        removed: Vec::new(),
        changed: Vec::new(),
    };
    let Some(mut before) = before else {
        return Some(release);
    };
    for tool in tools {
        let name = tool.name.replace('\0', "\u{FFFD}");
        match before.remove(&name) {
            None => release.added.push(name),
            Some(was) if was != told(tool) => release.changed.push(name),
            Some(_) => {}
        }
    }
    release.removed = before.into_keys().collect();
    release.removed.sort_unstable();
    let same = release.added.is_empty() && release.removed.is_empty() && release.changed.is_empty();
    (!same).then_some(release)
}

fn told(tool: &KnownTool) -> (Option<Value>, Value) {
    let args = tool.args.as_ref().map(|args| serde_json::json!(args));
    (args, serde_json::json!(tool.hints))
}
