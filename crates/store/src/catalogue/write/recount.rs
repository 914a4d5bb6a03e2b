//! What follows from what was loaded: corrections in force, counts, facets, the vocabulary, and
//! where the sitemap's lines are.

use sqlx::PgConnection;

use crate::Result;

/// After so many servers changed, the planner's statistics are taken anew and the indexes' waiting
/// lists are emptied, instead of at some later time.
const MANY: usize = 100;

/// For the servers that changed, and for the whole.
pub(super) async fn recount(tx: &mut PgConnection, touched: &[i64]) -> Result<()> {
    correct(tx, touched).await?;
    mask(tx, touched).await?;
    count_servers(tx, touched).await?;
    count_all(tx).await?;
    spread(tx).await?;
    vocabulary(tx).await?;
    place(tx).await?;
    if touched.len() >= MANY {
        tidy(tx).await?;
    }
    Ok(())
}

async fn correct(tx: &mut PgConnection, touched: &[i64]) -> Result<()> {
    sqlx::query!(
        "update catalogue_tools t
         set class = coalesce(c.class, t.found_class), risk = coalesce(c.risk, t.found_risk),
             corrected = c.tool is not null
         from catalogue_tools found
             join catalogue_servers s on s.id = found.server_id
             left join catalogue_corrections c on c.slug = s.slug and c.tool = found.name
         where found.server_id = any($1)
             and t.server_id = found.server_id and t.name = found.name
             and (t.class, t.risk, t.corrected) is distinct from
                 (coalesce(c.class, t.found_class), coalesce(c.risk, t.found_risk),
                  c.tool is not null)",
        touched
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn mask(tx: &mut PgConnection, touched: &[i64]) -> Result<()> {
    sqlx::query!(
        "update catalogue_tool_words w set class_mask = m.class_mask, risk_mask = m.risk_mask
         from (
             select server_id, position,
                 (1 << array_position(array['read', 'write', 'execute', 'destructive',
                     'financial'], class) - 1)::smallint as class_mask,
                 (1 << array_position(array['low', 'medium', 'high', 'critical'], risk) - 1
                     )::smallint as risk_mask
             from catalogue_tools where server_id = any($1)
         ) m
         where w.server_id = m.server_id and w.position = m.position
             and (w.class_mask, w.risk_mask) is distinct from (m.class_mask, m.risk_mask)",
        touched
    )
    .execute(&mut *tx)
    .await?;
    // What a server's line says of itself goes for its tools, which it may not have told again.
    sqlx::query!(
        "update catalogue_tool_words w set official = s.official, transport_mask = s.transport_mask
         from catalogue_server_words s
         where s.server_id = any($1) and w.server_id = s.server_id
             and (w.official, w.transport_mask) is distinct from (s.official, s.transport_mask)",
        touched
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update catalogue_server_words w
         set class_mask = coalesce(m.class_mask, 0), risk_mask = coalesce(m.risk_mask, 0)
         from unnest($1::bigint[]) as touched (id)
             left join (
                 select server_id, bit_or(class_mask) as class_mask, bit_or(risk_mask) as risk_mask
                 from catalogue_tool_words where server_id = any($1) group by server_id
             ) m on m.server_id = touched.id
         where w.server_id = touched.id",
        touched
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn count_servers(tx: &mut PgConnection, touched: &[i64]) -> Result<()> {
    sqlx::query!(
        "update catalogue_servers s
         set by_class = array[c.c0, c.c1, c.c2, c.c3, c.c4],
             by_risk = array[c.r0, c.r1, c.r2, c.r3]
         from (
             select touched.id,
                 count(*) filter (where class_mask = 1)::integer as c0,
                 count(*) filter (where class_mask = 2)::integer as c1,
                 count(*) filter (where class_mask = 4)::integer as c2,
                 count(*) filter (where class_mask = 8)::integer as c3,
                 count(*) filter (where class_mask = 16)::integer as c4,
                 count(*) filter (where risk_mask = 1)::integer as r0,
                 count(*) filter (where risk_mask = 2)::integer as r1,
                 count(*) filter (where risk_mask = 4)::integer as r2,
                 count(*) filter (where risk_mask = 8)::integer as r3
             from unnest($1::bigint[]) as touched (id)
                 left join catalogue_tool_words w on w.server_id = touched.id
             group by touched.id
         ) c where s.id = c.id",
        touched
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn count_all(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "update catalogue_totals
         set revision = revision + 1, loaded_at = now(), servers = s.servers,
             servers_scanned = s.scanned, hosted = s.hosted, tools = t.tools,
             by_class = t.by_class, by_risk = t.by_risk
         from (
             select count(*)::integer as servers, count(tool_count)::integer as scanned,
                 count(*) filter (where tool_count is not null and platform is not null)::integer
                     as hosted
             from catalogue_servers
         ) s, (
             select count(*)::integer as tools,
                 array[count(*) filter (where class_mask = 1),
                     count(*) filter (where class_mask = 2),
                     count(*) filter (where class_mask = 4),
                     count(*) filter (where class_mask = 8),
                     count(*) filter (where class_mask = 16)]::integer[] as by_class,
                 array[count(*) filter (where risk_mask = 1),
                     count(*) filter (where risk_mask = 2),
                     count(*) filter (where risk_mask = 4),
                     count(*) filter (where risk_mask = 8)]::integer[] as by_risk
             from catalogue_tool_words
         ) t"
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn spread(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!("delete from catalogue_spread")
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into catalogue_spread
         select 'tool', class_mask, risk_mask, transport_mask, official, count(*)
         from catalogue_tool_words group by 2, 3, 4, 5
         union all
         select 'server', class_mask, risk_mask, transport_mask, official, count(*)
         from catalogue_server_words group by 2, 3, 4, 5"
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The words of names; one of two letters is like too many.
async fn vocabulary(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!("delete from catalogue_vocabulary")
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into catalogue_vocabulary (word, uses)
         select word, count(*) from (
             select unnest(string_to_array(words, ' ')) as word from catalogue_tool_words
             union all
             select unnest(string_to_array(words, ' ')) from catalogue_server_words
         ) as used where length(word) > 2 group by word"
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn place(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "update catalogue_servers s set sitemap_at = placed.at
         from (
             select id, (sum(1 + coalesce(tool_count, 0)) over (order by id)
                 - 1 - coalesce(tool_count, 0))::integer as at
             from catalogue_servers
         ) placed where s.id = placed.id and s.sitemap_at <> placed.at"
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn tidy(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        r#"select gin_clean_pending_list(index::regclass) as "pages!"
           from unnest(array['catalogue_servers_keys', 'catalogue_server_words_search',
               'catalogue_tool_words_search', 'catalogue_vocabulary_alike']) as index"#
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        "analyze catalogue_servers, catalogue_tools, catalogue_server_words, catalogue_tool_words,
             catalogue_vocabulary, catalogue_releases, catalogue_spread"
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}
