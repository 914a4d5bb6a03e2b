//! The queries of a search.

use super::{Group, Narrowed};
use crate::{
    Db, Result,
    catalogue::{
        ServerCard, ToolCard,
        rows::{ServerRow, ToolRow, cards, tool_cards},
        words::Asked,
    },
};

/// So many of what has the words are looked at.
const LOOKED_AT_MAX: i64 = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Server,
    Tool,
}

/// What is asked for, and which part of it.
pub(super) struct Page {
    pub(super) asked: Option<Asked>,
    pub(super) narrowed: Narrowed,
    pub(super) server: Option<i64>,
    pub(super) offset: i64,
    pub(super) limit: i64,
}

pub(super) async fn server_id(db: &Db, slug: &str) -> Result<Option<i64>> {
    if slug.contains('\0') {
        return Ok(None);
    }
    let id = sqlx::query_scalar!("select id from catalogue_servers where slug = $1", slug);
    Ok(id.fetch_optional(&db.pool).await?)
}

/// What has the words, whatever its class, risk, transport and maker.
pub(super) async fn groups(db: &Db, kind: Kind, page: &Page) -> Result<Vec<Group>> {
    let groups = match (kind, &page.asked) {
        (_, None) if page.server.is_none() => all(db, kind).await?,
        (Kind::Tool, None) => tools_of(db, page.server).await?,
        (Kind::Tool, Some(asked)) => tools_with(db, asked, page.server).await?,
        (Kind::Server, asked) => servers_with(db, asked.as_ref(), page.server).await?,
    };
    Ok(groups)
}

async fn all(db: &Db, kind: Kind) -> Result<Vec<Group>, sqlx::Error> {
    let kind = match kind {
        Kind::Server => "server",
        Kind::Tool => "tool",
    };
    sqlx::query_as!(
        Group,
        r#"select class_mask as class, risk_mask as risk, transport_mask as transport, official,
               number::bigint as "number!"
           from catalogue_spread where kind = $1"#,
        kind
    )
    .fetch_all(&db.pool)
    .await
}

async fn tools_of(db: &Db, server: Option<i64>) -> Result<Vec<Group>, sqlx::Error> {
    sqlx::query_as!(
        Group,
        r#"select class_mask as class, risk_mask as risk, transport_mask as transport, official,
               count(*) as "number!"
           from catalogue_tool_words where server_id = $1 group by 1, 2, 3, 4"#,
        server
    )
    .fetch_all(&db.pool)
    .await
}

async fn tools_with(
    db: &Db,
    asked: &Asked,
    server: Option<i64>,
) -> Result<Vec<Group>, sqlx::Error> {
    sqlx::query_as!(
        Group,
        r#"select class_mask as "class!", risk_mask as "risk!", transport_mask as "transport!",
               official as "official!", count(*) as "number!"
           from (
               select class_mask, risk_mask, transport_mask, official from catalogue_tool_words
               where search @@ $1::text::tsquery and ($2::bigint is null or server_id = $2)
               limit $3
           ) as found group by 1, 2, 3, 4"#,
        asked.query(""),
        server,
        LOOKED_AT_MAX
    )
    .fetch_all(&db.pool)
    .await
}

async fn servers_with(
    db: &Db,
    asked: Option<&Asked>,
    server: Option<i64>,
) -> Result<Vec<Group>, sqlx::Error> {
    sqlx::query_as!(
        Group,
        r#"select class_mask as "class!", risk_mask as "risk!", transport_mask as "transport!",
               official as "official!", count(*) as "number!"
           from (
               select class_mask, risk_mask, transport_mask, official from catalogue_server_words
               where ($1::text is null or search @@ $1::text::tsquery)
                   and ($2::bigint is null or server_id = $2)
               limit $3
           ) as found group by 1, 2, 3, 4"#,
        asked.map(|asked| asked.query("")),
        server,
        LOOKED_AT_MAX
    )
    .fetch_all(&db.pool)
    .await
}

/// The words of which nothing is known, each replaced by the one in use that is spelt most like it,
/// the more used rather; none where all are known, or one is like nothing.
pub(super) async fn respell(db: &Db, asked: &Asked) -> Result<Option<Asked>> {
    let words = asked.words();
    let spelt = sqlx::query_scalar!(
        r#"select case
               when exists (
                   select from catalogue_vocabulary v
                   where v.word ~>=~ asked.word and v.word ~<~ (asked.word || chr(1114111))
               )
               then asked.word
               else (
                   select v.word from catalogue_vocabulary v where v.word % asked.word
                   order by similarity(v.word, asked.word) + 0.05 * ln(v.uses + 1) desc, v.word
                   limit 1
               )
           end as word
           from unnest($1::text[]) with ordinality as asked (word, at) order by asked.at"#,
        &words
    )
    .fetch_all(&db.pool)
    .await?;
    let spelt: Option<Vec<String>> = spelt.into_iter().collect();
    Ok(spelt.filter(|spelt| *spelt != words).map(Asked::respelt))
}

/// In a name that has just the words first, then in names that have them all, then in what else is
/// said of the thing; within that the better known first.
pub(super) async fn servers(db: &Db, page: &Page) -> Result<Vec<ServerCard>> {
    let Narrowed {
        class,
        risk,
        transport,
        official,
    } = page.narrowed;
    let asked = page.asked.as_ref();
    let rows = sqlx::query_as!(
        ServerRow,
        "with best as (
             select server_id, weight, case
                 when $1::text is null then 0
                 when words = $2 then 3
                 when search @@ $3::text::tsquery then 2
                 else 0 end as tier
             from catalogue_server_words
             where ($1::text is null or search @@ $1::text::tsquery)
                 and ($4::smallint = 0 or class_mask & $4 <> 0)
                 and ($5::smallint = 0 or risk_mask & $5 <> 0)
                 and ($6::smallint = 0 or transport_mask & $6 <> 0)
                 and ($7::boolean is null or official = $7)
                 and ($8::bigint is null or server_id = $8)
             order by tier desc, weight desc, server_id
             offset $9 limit $10
         )
         select s.* from best join catalogue_servers s on s.id = best.server_id
         order by best.tier desc, best.weight desc, best.server_id",
        asked.map(|asked| asked.query("")),
        asked.map(Asked::name),
        asked.map(|asked| asked.query("A")),
        class,
        risk,
        transport,
        official,
        page.server,
        page.offset,
        page.limit
    )
    .fetch_all(&db.pool)
    .await?;
    cards(rows)
}

/// A tool has one risk, so its mask is compared whole, by which an index can begin in the middle. Whose
/// the tools are is looked up before the tools: otherwise the planner may look at all tools of a
/// server for each one that was found.
pub(super) async fn tools(db: &Db, page: &Page) -> Result<Vec<ToolCard>> {
    let rows = match &page.asked {
        Some(asked) => tools_best(db, asked, page).await?,
        None => tools_riskiest(db, page).await?,
    };
    tool_cards(rows)
}

async fn tools_best(db: &Db, asked: &Asked, page: &Page) -> Result<Vec<ToolRow>, sqlx::Error> {
    let Narrowed {
        class,
        risk,
        transport,
        official,
    } = page.narrowed;
    sqlx::query_as!(
        ToolRow,
        r#"with best as (
             select server_id, position, weight, case
                 when words = $2 then 3
                 when search @@ $3::text::tsquery then 2
                 when search @@ $4::text::tsquery then 1
                 else 0 end as tier
             from (
                 select server_id, position, weight, words, search from catalogue_tool_words
                 where search @@ $1::text::tsquery
                     and ($5::smallint = 0 or class_mask & $5 <> 0)
                     and ($6::smallint = 0 or risk_mask = $6)
                     and ($7::smallint = 0 or transport_mask & $7 <> 0)
                     and ($8::boolean is null or official = $8)
                     and ($9::bigint is null or server_id = $9)
                 limit $12
             ) as found
             order by tier desc, weight desc, server_id, position
             offset $10 limit $11
         ), whose as materialized (
             select best.*, s.slug, s.name as server, s.origin
             from best join catalogue_servers s on s.id = best.server_id
         )
         select t.*, whose.slug as "slug!", whose.server as "server!",
             whose.origin as "origin!"
         from whose
             join catalogue_tools t on t.server_id = whose.server_id and t.position = whose.position
         order by whose.tier desc, whose.weight desc, whose.server_id, whose.position"#,
        asked.query(""),
        asked.name(),
        asked.query("A"),
        asked.query("AB"),
        class,
        risk,
        transport,
        official,
        page.server,
        page.offset,
        page.limit,
        LOOKED_AT_MAX
    )
    .fetch_all(&db.pool)
    .await
}

async fn tools_riskiest(db: &Db, page: &Page) -> Result<Vec<ToolRow>, sqlx::Error> {
    let Narrowed {
        class,
        risk,
        transport,
        official,
    } = page.narrowed;
    sqlx::query_as!(
        ToolRow,
        r#"with best as (
             select server_id, position, risk_mask, weight from catalogue_tool_words
             where ($1::smallint = 0 or class_mask & $1 <> 0)
                 and ($2::smallint = 0 or risk_mask = $2)
                 and ($3::smallint = 0 or transport_mask & $3 <> 0)
                 and ($4::boolean is null or official = $4)
                 and ($5::bigint is null or server_id = $5)
             order by risk_mask desc, weight desc, server_id, position
             offset $6 limit $7
         ), whose as materialized (
             select best.*, s.slug, s.name as server, s.origin
             from best join catalogue_servers s on s.id = best.server_id
         )
         select t.*, whose.slug as "slug!", whose.server as "server!",
             whose.origin as "origin!"
         from whose
             join catalogue_tools t on t.server_id = whose.server_id and t.position = whose.position
         order by whose.risk_mask desc, whose.weight desc, whose.server_id, whose.position"#,
        class,
        risk,
        transport,
        official,
        page.server,
        page.offset,
        page.limit
    )
    .fetch_all(&db.pool)
    .await
}
