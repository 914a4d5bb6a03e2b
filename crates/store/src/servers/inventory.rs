//! The tool inventory: what a server offered when it was last asked.

use std::collections::HashSet;

use domain::{OrgId, Scope, ServerId, Tool, ToolClass};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Discovery, InventoryTool};
use crate::{
    Db, Result, StoreError,
    admin_events::{Change, record},
    db::raise_config,
    text::{parse_option, storable, storable_option},
};

/// Replaces the inventory; a class set by a member survives, also the tool's absence. Where nothing
/// changed there is no new config version and no admin event. Of two tools with one name, the first
/// counts.
///
/// `by` is `None` for the background refresh, which names the organisation instead.
///
/// # Errors
/// `NotFound` where the server is not this organisation's, or `by` acts in another one.
pub async fn record_discovery(
    db: &Db,
    org: OrgId,
    by: Option<&Scope>,
    id: ServerId,
    found: &Discovery,
) -> Result<()> {
    if by.is_some_and(|scope| scope.org != org) {
        return Err(StoreError::NotFound);
    }
    let mut tx = db.begin_change(org).await?;
    let server = sqlx::query!(
        "select name, discovered_at from servers where org_id = $1 and id = $2 for update",
        org.uuid(),
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NotFound)?;
    let tools = distinct(&found.tools);
    let gone = drop_missing(&mut tx, org, id, &tools).await?;
    let new_or_changed = upsert(&mut tx, org, id, &tools).await?;
    sqlx::query!(
        "update servers set discovered_at = now(), discovery_error = null, server_name = $3,
                            server_version = $4, protocol_version = $5
         where org_id = $1 and id = $2",
        org.uuid(),
        id.uuid(),
        storable_option(found.server_name.as_deref()),
        storable_option(found.server_version.as_deref()),
        storable_option(found.protocol_version.as_deref()),
    )
    .execute(&mut *tx)
    .await?;
    if server.discovered_at.is_none() || gone > 0 || new_or_changed > 0 {
        let change = Change {
            action: "server.discover",
            target: id.to_string(),
            label: &server.name,
            before: None,
            after: Some(json!({
                "tools": tools.len(),
                "new_or_changed": new_or_changed,
                "gone": gone,
            })),
        };
        record(&mut tx, org, by.map(|scope| scope.actor), change).await?;
        raise_config(&mut tx, org).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The tools as they will be stored, each name once.
fn distinct(tools: &[Tool]) -> Vec<(&Tool, String)> {
    let mut seen = HashSet::with_capacity(tools.len());
    tools
        .iter()
        .map(|tool| (tool, storable(&tool.name)))
        .filter(|(_, name)| seen.insert(name.clone()))
        .collect()
}

/// Takes out what is no longer offered; what a member classified stays behind, marked.
async fn drop_missing(
    tx: &mut PgConnection,
    org: OrgId,
    id: ServerId,
    tools: &[(&Tool, String)],
) -> Result<u64> {
    let names: Vec<String> = tools.iter().map(|(_, name)| name.clone()).collect();
    let marked = sqlx::query!(
        "update tools set gone_at = now()
         where org_id = $1 and server_id = $2 and gone_at is null and class_by_member
             and name <> all($3)",
        org.uuid(),
        id.uuid(),
        &names,
    )
    .execute(&mut *tx)
    .await?;
    let deleted = sqlx::query!(
        "delete from tools
         where org_id = $1 and server_id = $2 and not class_by_member and name <> all($3)",
        org.uuid(),
        id.uuid(),
        &names,
    )
    .execute(&mut *tx)
    .await?;
    Ok(marked.rows_affected() + deleted.rows_affected())
}

/// Adds what is new and changes what is different; answers how many those were.
async fn upsert(
    tx: &mut PgConnection,
    org: OrgId,
    id: ServerId,
    tools: &[(&Tool, String)],
) -> Result<u64> {
    let mut names = Vec::with_capacity(tools.len());
    let mut titles = Vec::with_capacity(tools.len());
    let mut descriptions = Vec::with_capacity(tools.len());
    let mut definitions = Vec::with_capacity(tools.len());
    let mut canonical_definitions = Vec::with_capacity(tools.len());
    let mut classes = Vec::with_capacity(tools.len());
    for (tool, name) in tools {
        names.push(name.clone());
        titles.push(storable_option(tool.title.as_deref()));
        descriptions.push(storable_option(tool.description.as_deref()));
        definitions.push(storable(&tool.definition));
        canonical_definitions.push(canonical(&tool.definition).into_bytes());
        classes.push(tool.class.map(|class| class.as_str().to_owned()));
    }
    let done = sqlx::query!(
        "insert into tools as t (org_id, server_id, name_sha256, name, title, description,
                                 definition, fingerprint, class)
         select $1, $2, sha256(convert_to(f.name, 'UTF8')), f.name, f.title, f.description,
                f.definition, encode(sha256(f.canonical), 'hex'), f.class
         from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[])
              as f (name, title, description, definition, canonical, class)
         on conflict (org_id, server_id, name_sha256) do update set
             title = excluded.title,
             description = excluded.description,
             definition = excluded.definition,
             fingerprint = excluded.fingerprint,
             class = case when t.class_by_member then t.class else excluded.class end,
             gone_at = null
         where (t.title, t.description, t.definition, t.gone_at is null,
                case when t.class_by_member then excluded.class else t.class end)
             is distinct from
               (excluded.title, excluded.description, excluded.definition, true, excluded.class)",
        org.uuid(),
        id.uuid(),
        &names,
        &titles as &[Option<String>],
        &descriptions as &[Option<String>],
        &definitions,
        &canonical_definitions,
        &classes as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// The definition with its objects' members in order and without blanks, so that an upstream which
/// shuffles them has not changed a tool. What is no JSON stands for itself.
fn canonical(definition: &str) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by_key(|(key, _)| key.as_str());
                out.push('{');
                for (i, (key, value)) in members.into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::from(key.as_str()).to_string());
                    out.push(':');
                    write(value, out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            scalar => out.push_str(&scalar.to_string()),
        }
    }
    match serde_json::from_str(definition) {
        Ok(value) => {
            let mut out = String::with_capacity(definition.len());
            write(&value, &mut out);
            out
        }
        Err(_) => definition.to_owned(),
    }
}

/// Notes why discovery failed; the inventory stays as it was.
///
/// # Errors
/// `NotFound` where the server is not this organisation's.
pub async fn record_discovery_failure(
    db: &Db,
    org: OrgId,
    id: ServerId,
    sentence: &str,
) -> Result<()> {
    let mut tx = db.begin(org).await?;
    let done = sqlx::query!(
        "update servers set discovery_error = $3 where org_id = $1 and id = $2",
        org.uuid(),
        id.uuid(),
        storable(sentence),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    match done.rows_affected() {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// The whole inventory, by name; `None` where the server was never discovered.
///
/// # Errors
/// `NotFound` where the server is not this organisation's.
pub async fn tools(db: &Db, scope: &Scope, id: ServerId) -> Result<Option<Vec<InventoryTool>>> {
    let mut tx = db.begin(scope.org).await?;
    let discovered_at = sqlx::query_scalar!(
        "select discovered_at from servers where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NotFound)?;
    let tools = rows(&mut tx, scope.org, id, None).await?;
    tx.commit().await?;
    Ok(discovered_at.map(|_| tools))
}

/// Corrects a tool's class; from now on discovery leaves it alone.
///
/// # Errors
/// `NotFound` where the server is not this organisation's or does not offer the tool.
pub async fn set_class(
    db: &Db,
    scope: &Scope,
    id: ServerId,
    tool: &str,
    class: ToolClass,
) -> Result<InventoryTool> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = rows(&mut tx, scope.org, id, Some(tool))
        .await?
        .pop()
        .ok_or(StoreError::NotFound)?;
    sqlx::query!(
        "update tools set class = $4, class_by_member = true
         where org_id = $1 and server_id = $2 and name = $3",
        scope.org.uuid(),
        id.uuid(),
        tool,
        class.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    let facts = |tool: &InventoryTool| {
        json!({
            "tool": tool.tool.name,
            "class": tool.tool.class,
            "set_by_member": tool.class_set_by_member,
        })
    };
    let mut after = before.clone();
    after.tool.class = Some(class);
    after.class_set_by_member = true;
    let change = Change {
        action: "tool.classify",
        target: id.to_string(),
        label: tool,
        before: Some(facts(&before)),
        after: Some(facts(&after)),
    };
    record(&mut tx, scope.org, Some(scope.actor), change).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(after)
}

async fn rows(
    tx: &mut PgConnection,
    org: OrgId,
    id: ServerId,
    one: Option<&str>,
) -> Result<Vec<InventoryTool>> {
    // The caller's text may hold a NUL, which no stored name does and Postgres refuses.
    if one.is_some_and(|name| name.contains('\0')) {
        return Ok(Vec::new());
    }
    struct Row {
        name: String,
        title: Option<String>,
        description: Option<String>,
        definition: String,
        class: Option<String>,
        class_by_member: bool,
        fingerprint: String,
        first_seen_at: OffsetDateTime,
    }
    let rows = sqlx::query_as!(
        Row,
        r#"select name, title, description, definition, class, class_by_member, fingerprint,
                  first_seen_at
           from tools
           where org_id = $1 and server_id = $2 and gone_at is null
               and ($3::text is null or name = $3)
           order by name collate "C""#,
        org.uuid(),
        id.uuid(),
        one,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(InventoryTool {
                class_set_by_member: row.class_by_member,
                fingerprint: row.fingerprint,
                first_seen_at: row.first_seen_at,
                tool: Tool {
                    class: parse_option("tools", &row.name, row.class.as_deref())?,
                    name: row.name,
                    title: row.title,
                    description: row.description,
                    definition: row.definition,
                },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_members_are_the_same_tool() {
        let a = canonical(r#"{"b": [1, {"y": null, "x": "é\u0000"}], "a": {}}"#);
        assert_eq!(a, r#"{"a":{},"b":[1,{"x":"é\u0000","y":null}]}"#);
        assert_eq!(a, canonical(&a));
        assert_ne!(
            a,
            canonical(r#"{"b": [{"y": null, "x": "é\u0000"}, 1], "a": {}}"#)
        );
        assert_eq!(canonical("{no json"), "{no json");
    }
}
