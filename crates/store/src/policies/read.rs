//! Reading policies and their versions.

use domain::{OrgId, PolicyId, Scope, ServerId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{PolicyInfo, Version};
use crate::{Db, Page, PageRequest, Result, StoreError, text::parse};

/// The policies on one server, newest first.
///
/// # Errors
/// `NotFound` where the server is not this organisation's.
pub async fn list(
    db: &Db,
    scope: &Scope,
    server: ServerId,
    page: PageRequest,
) -> Result<Page<PolicyInfo>> {
    let mut tx = db.begin(scope.org).await?;
    sqlx::query_scalar!(
        "select id from servers where org_id = $1 and id = $2",
        scope.org.uuid(),
        server.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NotFound)?;
    let policies = rows(
        &mut tx,
        scope.org,
        None,
        Some(server),
        page.before(),
        page.fetch(),
    )
    .await?;
    tx.commit().await?;
    Ok(page.cut(policies, |policy| policy.id.uuid()))
}

/// One policy.
///
/// # Errors
/// `NotFound` where it is not this organisation's.
pub async fn get(db: &Db, scope: &Scope, id: PolicyId) -> Result<PolicyInfo> {
    let mut tx = db.begin(scope.org).await?;
    let info = fetch(&mut tx, scope.org, id).await?;
    tx.commit().await?;
    Ok(info)
}

/// The documents in force on a server whose text has the word `shadow`, or could spell it with
/// escapes. Only they can have rules that only record.
///
/// # Errors
/// Postgres failed.
pub async fn naming_shadow(
    db: &Db,
    scope: &Scope,
    server: ServerId,
) -> Result<Vec<(PolicyId, String)>> {
    let mut tx = db.begin(scope.org).await?;
    let rows = sqlx::query!(
        "select p.id, v.document
         from policies p
         join policy_versions v on v.org_id = p.org_id and v.policy_id = p.id
             and v.version = p.published_version
         where p.org_id = $1 and p.server_id = $2
             and (strpos(v.document, 'shadow') > 0 or strpos(v.document, chr(92)) > 0)",
        scope.org.uuid(),
        server.uuid(),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let named = rows.into_iter();
    Ok(named
        .map(|row| (PolicyId::from_uuid(row.id), row.document))
        .collect())
}

/// A policy's versions, newest first.
///
/// # Errors
/// `NotFound` where the policy is not this organisation's.
pub async fn versions(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    page: PageRequest,
) -> Result<Page<Version>> {
    let mut tx = db.begin(scope.org).await?;
    fetch(&mut tx, scope.org, id).await?;
    // Pages are asked for by the number of the last version, written as a UUID like other keys.
    let before = page
        .after
        .and_then(|after| i32::try_from(after.as_u128()).ok())
        .unwrap_or(i32::MAX);
    let rows = version_rows(&mut tx, scope.org, id, None, before, page.fetch()).await?;
    tx.commit().await?;
    Ok(page.cut(rows, |version| {
        Uuid::from_u128(u128::from(version.version.unsigned_abs()))
    }))
}

/// One version.
///
/// # Errors
/// `NotFound` where the policy is not this organisation's or has no such version.
pub async fn version(db: &Db, scope: &Scope, id: PolicyId, version: i32) -> Result<Version> {
    let mut tx = db.begin(scope.org).await?;
    let version = fetch_version(&mut tx, scope.org, id, version).await?;
    tx.commit().await?;
    Ok(version)
}

pub(super) async fn fetch(tx: &mut PgConnection, org: OrgId, id: PolicyId) -> Result<PolicyInfo> {
    rows(tx, org, Some(id), None, Uuid::max(), 1)
        .await?
        .pop()
        .ok_or(StoreError::NotFound)
}

async fn rows(
    tx: &mut PgConnection,
    org: OrgId,
    one: Option<PolicyId>,
    server: Option<ServerId>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<PolicyInfo>> {
    let rows = sqlx::query!(
        r#"select p.id, p.server_id, p.name, p.published_version, p.latest_version, p.revision,
                  p.created_at, p.updated_at,
                  (select count(*) from grants g
                   where g.org_id = p.org_id and g.policy_id = p.id and g.revoked_at is null
                       and (g.expires_at is null or g.expires_at > now())
                  ) as "grant_count!"
           from policies p
           where p.org_id = $1 and ($2::uuid is null or p.id = $2)
               and ($3::uuid is null or p.server_id = $3) and p.id < $4
           order by p.id desc limit $5"#,
        org.uuid(),
        one.map(PolicyId::uuid),
        server.map(ServerId::uuid),
        before,
        limit,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = PolicyId::from_uuid(row.id);
            Ok(PolicyInfo {
                id,
                server: ServerId::from_uuid(row.server_id),
                name: parse("policies", id, &row.name)?,
                published_version: row.published_version,
                latest_version: row.latest_version,
                grant_count: row.grant_count,
                revision: row.revision,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

pub(super) async fn fetch_version(
    tx: &mut PgConnection,
    org: OrgId,
    id: PolicyId,
    version: i32,
) -> Result<Version> {
    version_rows(tx, org, id, Some(version), i32::MAX, 1)
        .await?
        .pop()
        .ok_or(StoreError::NotFound)
}

async fn version_rows(
    tx: &mut PgConnection,
    org: OrgId,
    id: PolicyId,
    one: Option<i32>,
    before: i32,
    limit: i64,
) -> Result<Vec<Version>> {
    let rows = sqlx::query!(
        r#"select v.version, v.document, v.note, v.created_by, v.created_by_email, v.created_at,
                  p.published_version is not distinct from v.version as "published!"
           from policy_versions v
           join policies p on p.org_id = v.org_id and p.id = v.policy_id
           where v.org_id = $1 and v.policy_id = $2 and ($3::integer is null or v.version = $3)
               and v.version < $4
           order by v.version desc limit $5"#,
        org.uuid(),
        id.uuid(),
        one,
        before,
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Version {
            policy: id,
            version: row.version,
            document: row.document,
            note: row.note,
            created_by: row.created_by.map(UserId::from_uuid),
            created_by_email: row.created_by_email,
            created_at: row.created_at,
            published: row.published,
        })
        .collect())
}
