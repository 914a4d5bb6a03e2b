//! Putting servers and their tools into the tables, a few hundred at a time.

use std::collections::{HashMap, HashSet};

use domain::catalogue::{KnownServer, KnownTool, Origin, Release};
use serde::Serialize;
use sqlx::PgConnection;

use super::{Entry, LoadReport, changes, json};
use crate::{
    Result,
    catalogue::{
        keys::key,
        masks,
        rows::origin_text,
        words::{Index, name_words},
    },
};

/// Servers that are loaded at once.
const CHUNK: usize = 400;

/// What of the tables a load changed.
#[derive(Default)]
pub(super) struct Done {
    /// The rows of servers that came or changed.
    pub(super) touched: Vec<i64>,
    /// How many servers went.
    gone: u64,
}

impl Done {
    /// Whether there is nothing to count anew.
    pub(super) const fn is_nothing(&self) -> bool {
        self.touched.is_empty() && self.gone == 0
    }
}

/// Answers what changed, too.
pub(super) async fn load(tx: &mut PgConnection, entries: &[Entry]) -> Result<(LoadReport, Done)> {
    let mut last = HashMap::new();
    for entry in entries {
        last.insert(entry.server.slug.as_str(), entry);
    }
    // In their order, so that ids and with them the sitemap follow the file.
    let mut seen = HashSet::new();
    let entries: Vec<&Entry> = entries
        .iter()
        .filter(|entry| seen.insert(entry.server.slug.as_str()))
        .filter_map(|entry| last.get(entry.server.slug.as_str()).copied())
        .collect();
    let mut report = LoadReport::default();
    let mut done = Done::default();
    for chunk in entries.chunks(CHUNK) {
        let (fresh, gone) = sort(tx, chunk, &mut report).await?;
        done.touched.extend(write(tx, &fresh).await?);
        done.gone += gone;
    }
    Ok((report, done))
}

/// An entry that says something new.
struct Fresh<'e> {
    entry: &'e Entry,
    hash: Vec<u8>,
    keys: Vec<String>,
}

/// What is stored of a server.
struct Stored {
    slug: String,
    origin: String,
    content_hash: Vec<u8>,
}

/// Those that say something new; the others are only counted. A registry's entry that turns out to
/// be a server of a better source goes; how many went is the second.
async fn sort<'e>(
    tx: &mut PgConnection,
    chunk: &[&'e Entry],
    report: &mut LoadReport,
) -> Result<(Vec<Fresh<'e>>, u64)> {
    let slugs: Vec<String> = chunk
        .iter()
        .map(|entry| entry.server.slug.clone())
        .collect();
    let stored = sqlx::query_as!(
        Stored,
        "select slug, origin, content_hash from catalogue_servers where slug = any($1)",
        &slugs
    )
    .fetch_all(&mut *tx)
    .await?;
    let stored: HashMap<&str, &Stored> =
        stored.iter().map(|row| (row.slug.as_str(), row)).collect();
    let known = known_elsewhere(tx, chunk).await?;
    let mut fresh = Vec::new();
    let mut aliases = Vec::new();
    for &entry in chunk {
        let hash = json::hash(&json::text(&(&entry.server, &entry.tools, &entry.releases)));
        let keys = keys(&entry.server);
        match stored.get(entry.server.slug.as_str()) {
            Some(row) if rank(&row.origin) > rank(origin_text(entry.server.origin)) => {
                report.kept += 1;
                continue;
            }
            stored
                if entry.server.origin == Origin::Registry
                    && keys.iter().any(|key| known.contains(key)) =>
            {
                aliases.extend(stored.map(|row| row.slug.clone()));
                report.kept += 1;
                continue;
            }
            Some(row) if row.content_hash == hash => {
                report.unchanged += 1;
                continue;
            }
            Some(_) => report.changed += 1,
            None => report.added += 1,
        }
        let tools = entry.tools.as_ref().map_or(0, Vec::len);
        report.tools += u32::try_from(tools).unwrap_or(u32::MAX);
        fresh.push(Fresh { entry, hash, keys });
    }
    Ok((fresh, forget(tx, &aliases).await?))
}

/// Takes out servers that came from a registry, and answers how many there were.
pub(super) async fn forget(tx: &mut PgConnection, slugs: &[String]) -> Result<u64> {
    if slugs.is_empty() {
        return Ok(0);
    }
    let gone = sqlx::query!(
        "delete from catalogue_servers where slug = any($1) and origin = 'registry'",
        slugs
    )
    .execute(tx)
    .await?;
    Ok(gone.rows_affected())
}

fn rank(origin: &str) -> u8 {
    match origin {
        "shipped" => 2,
        "imported" => 1,
        _ => 0,
    }
}

/// Its packages and addresses; repositories too, though several servers may share one.
fn keys(server: &KnownServer) -> Vec<String> {
    let told = server
        .packages
        .iter()
        .chain(&server.remote_url)
        .chain(&server.repo);
    let mut keys: Vec<String> = told.filter_map(|text| key(text)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A registry calls servers by names of its own: packages and addresses of what better sources know
/// say that a server is there already.
async fn known_elsewhere(tx: &mut PgConnection, chunk: &[&Entry]) -> Result<HashSet<String>> {
    let of_registry = chunk
        .iter()
        .filter(|entry| entry.server.origin == Origin::Registry);
    let asked: Vec<String> = of_registry
        .flat_map(|entry| keys(&entry.server))
        .filter(|key| !key.starts_with("repo:"))
        .collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let known = sqlx::query_scalar!(
        r#"select distinct key as "key!" from catalogue_servers s, unnest(s.keys) as key
           where s.keys && $1 and s.origin <> 'registry' and key = any($1)"#,
        &asked
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(known.into_iter().collect())
}

#[derive(Serialize)]
struct ServerJson<'e> {
    #[serde(flatten)]
    server: &'e KnownServer,
    tool_count: Option<usize>,
    keys: &'e [String],
    hash: String,
}

async fn write(tx: &mut PgConnection, fresh: &[Fresh<'_>]) -> Result<Vec<i64>> {
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let servers: Vec<ServerJson<'_>> = fresh
        .iter()
        .map(|fresh| ServerJson {
            server: &fresh.entry.server,
            tool_count: fresh.entry.tools.as_ref().map(Vec::len),
            keys: &fresh.keys,
            hash: json::hex(&fresh.hash),
        })
        .collect();
    let rows = sqlx::query!(
        "insert into catalogue_servers as old (slug, name, vendor, summary, repo, subdir, licence,
             packages, transports, remote_url, auth, official, tags, sources, tools_from,
             tools_date, tools_total, copies, platform, version, origin, tool_count, keys,
             content_hash)
         select slug, name, vendor, summary, repo, subdir, licence, packages, transports,
             remote_url, auth, official, tags, sources, tools_from, tools_date, tools_total,
             copies, platform, version, origin, tool_count, keys, decode(hash, 'hex')
         from json_to_recordset($1::text::json) as new (slug text, name text, vendor text,
             summary text, repo text, subdir text, licence text, packages text[],
             transports text[], remote_url text, auth text, official boolean, tags text[],
             sources text[], tools_from text, tools_date date, tools_total integer,
             copies integer, platform text, version text, origin text, tool_count integer,
             keys text[], hash text)
         on conflict (slug) do update set name = excluded.name, vendor = excluded.vendor,
             summary = excluded.summary, repo = excluded.repo, subdir = excluded.subdir,
             licence = excluded.licence, packages = excluded.packages,
             transports = excluded.transports, remote_url = excluded.remote_url,
             auth = excluded.auth, official = excluded.official, tags = excluded.tags,
             sources = excluded.sources, copies = excluded.copies,
             platform = excluded.platform, origin = excluded.origin, keys = excluded.keys,
             content_hash = excluded.content_hash, changed_at = now(),
             tool_count = coalesce(excluded.tool_count, old.tool_count),
             tools_from = case when excluded.tool_count is null and old.tool_count is not null
                 then old.tools_from else excluded.tools_from end,
             tools_date = case when excluded.tool_count is null and old.tool_count is not null
                 then old.tools_date else excluded.tools_date end,
             tools_total = case when excluded.tool_count is null and old.tool_count is not null
                 then old.tools_total else excluded.tools_total end,
             version = case when excluded.tool_count is null and old.tool_count is not null
                 then old.version else excluded.version end
         returning id, slug",
        json::text(&servers)
    )
    .fetch_all(&mut *tx)
    .await?;
    let ids: HashMap<&str, i64> = rows.iter().map(|row| (row.slug.as_str(), row.id)).collect();
    let placed: Vec<(i64, &Entry)> = fresh
        .iter()
        .filter_map(|fresh| Some((*ids.get(fresh.entry.server.slug.as_str())?, fresh.entry)))
        .collect();
    changes::record(tx, &placed).await?;
    write_server_words(tx, &placed).await?;
    write_tools(tx, &placed).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(Serialize)]
struct ToolJson<'e> {
    server_id: i64,
    position: usize,
    #[serde(flatten)]
    tool: &'e KnownTool,
    transport_mask: i16,
    official: bool,
    weight: i32,
    words: String,
    search: String,
}

/// The tools of those whose tools are told, in place of what was there.
async fn write_tools(tx: &mut PgConnection, placed: &[(i64, &Entry)]) -> Result<()> {
    let told = placed
        .iter()
        .filter_map(|(id, entry)| Some((*id, *entry, entry.tools.as_ref()?)));
    let ids: Vec<i64> = told.clone().map(|(id, _, _)| id).collect();
    sqlx::query!(
        "delete from catalogue_tools where server_id = any($1)",
        &ids
    )
    .execute(&mut *tx)
    .await?;
    let rows: Vec<ToolJson<'_>> = told
        .flat_map(|(id, entry, tools)| {
            tools
                .iter()
                .enumerate()
                .map(move |(position, tool)| ToolJson {
                    server_id: id,
                    position,
                    tool,
                    transport_mask: transports(&entry.server),
                    official: entry.server.official,
                    weight: weight(entry),
                    words: name_words(&tool.name),
                    search: tool_index(&entry.server, tool),
                })
        })
        .collect();
    let rows = json::text(&rows);
    sqlx::query!(
        "insert into catalogue_tools (server_id, position, name, description, does, note, args,
             hints, class, risk, found_class, found_risk, signals, confidence)
         select server_id, position, name, description, does, note, args, hints, class, risk,
             class, risk, signals, confidence
         from json_to_recordset($1::text::json) as new (server_id bigint, position integer,
             name text, description text, does text, note text, args jsonb, hints jsonb,
             class text, risk text, signals jsonb, confidence real)",
        rows
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into catalogue_tool_words (server_id, position, class_mask, risk_mask,
             transport_mask, official, weight, words, search)
         select server_id, position, 0, 0, transport_mask, official, weight, words,
             search::tsvector
         from json_to_recordset($1::text::json) as new (server_id bigint, position integer,
             transport_mask smallint, official boolean, weight integer, words text, search text)",
        rows
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

#[derive(Serialize)]
struct WordsJson {
    server_id: i64,
    transport_mask: i16,
    official: bool,
    weight: i32,
    words: String,
    search: String,
}

async fn write_server_words(tx: &mut PgConnection, placed: &[(i64, &Entry)]) -> Result<()> {
    let rows: Vec<WordsJson> = placed
        .iter()
        .map(|(id, entry)| WordsJson {
            server_id: *id,
            transport_mask: transports(&entry.server),
            official: entry.server.official,
            weight: weight(entry),
            words: name_words(&entry.server.name),
            search: server_index(&entry.server),
        })
        .collect();
    sqlx::query!(
        "insert into catalogue_server_words (server_id, class_mask, risk_mask, transport_mask,
             official, weight, words, search)
         select server_id, 0, 0, transport_mask, official, weight, words, search::tsvector
         from json_to_recordset($1::text::json) as new (server_id bigint,
             transport_mask smallint, official boolean, weight integer, words text, search text)
         on conflict (server_id) do update set transport_mask = excluded.transport_mask,
             official = excluded.official, weight = excluded.weight, words = excluded.words,
             search = excluded.search",
        json::text(&rows)
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

fn transports(server: &KnownServer) -> i16 {
    let masks = server.transports.iter().map(|name| masks::transport(name));
    masks.fold(0, |all, mask| all | mask)
}

/// How well known a server is: scanned by us, its maker's own, listed by many, and large. What a
/// registry says, where anybody may publish, never outweighs what a better source does.
fn weight(entry: &Entry) -> i32 {
    let server = &entry.server;
    if server.origin == Origin::Registry {
        return 0;
    }
    let few = |number: usize, most: usize| i32::try_from(number.min(most)).unwrap_or(0);
    let shipped = i32::from(server.origin == Origin::Shipped) * 4_000;
    let official = i32::from(server.official) * 2_000;
    let scanned = i32::from(entry.tools.is_some()) * 200;
    let listed = few(server.sources.len(), 8) * 100;
    let size = few(entry.tools.as_ref().map_or(0, Vec::len), 99);
    1 + shipped + official + scanned + listed + size
}

fn server_index(server: &KnownServer) -> String {
    let mut index = Index::default();
    index.add(&server.name, 'A');
    index.add(&server.slug, 'A');
    let said = [
        &server.vendor,
        &server.platform,
        &server.repo,
        &server.remote_url,
    ];
    for text in said.into_iter().flatten() {
        index.add(text, 'B');
    }
    for text in server.packages.iter().chain(&server.tags) {
        index.add(text, 'B');
    }
    index.add(server.summary.as_deref().unwrap_or_default(), 'D');
    index.into_text()
}

fn tool_index(server: &KnownServer, tool: &KnownTool) -> String {
    let mut index = Index::default();
    index.add(&tool.name, 'A');
    index.add(&server.name, 'B');
    index.add(&server.slug, 'B');
    index.add(tool.does.as_deref().unwrap_or_default(), 'C');
    index.add(tool.description.as_deref().unwrap_or_default(), 'D');
    index.into_text()
}

/// The releases of a server, as rows have them: numbered from the oldest on.
pub(super) fn numbered(releases: &[Release]) -> impl Iterator<Item = (usize, &Release)> {
    let all = releases.len();
    releases
        .iter()
        .enumerate()
        .map(move |(at, release)| (all - at, release))
}
