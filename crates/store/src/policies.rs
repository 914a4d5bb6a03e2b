//! Policies and their immutable versions.

use domain::{Name, OrgId, PolicyId, Scope, ServerId, UserId};
use policy::Policy;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Db, Page, PageRequest, Result, StoreError,
    admin_events::{Change, record},
    db::raise_config,
    servers::current,
    text::{parse, storable_option, taken},
};

/// A policy, without its documents.
#[derive(Debug, Clone)]
pub struct PolicyInfo {
    /// The policy.
    pub id: PolicyId,
    /// The server it is on.
    pub server: ServerId,
    /// Its name, unique on its server.
    pub name: Name,
    /// The version in force; none while nothing is published.
    pub published_version: Option<i32>,
    /// The newest version.
    pub latest_version: i32,
    /// How many live grants have it: neither revoked nor expired.
    pub grant_count: i64,
    /// Raised by each edit, version and publication; the API's ETag.
    pub revision: i32,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// One immutable version.
#[derive(Debug, Clone)]
pub struct Version {
    /// The policy.
    pub policy: PolicyId,
    /// 1, 2, 3, … without gaps.
    pub version: i32,
    /// The document as its author wrote it.
    pub document: String,
    /// Why it was written.
    pub note: Option<String>,
    /// Who wrote it.
    pub created_by: Option<UserId>,
    /// Their address, then.
    pub created_by_email: Option<String>,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// Whether it is the one in force.
    pub published: bool,
}

/// Makes a policy with its version 1, published at once where `publish` says so.
///
/// # Errors
/// `NotFound` where the server is not this organisation's; `Taken { field: "name" }` where another
/// policy on the server has the name.
pub async fn create(
    db: &Db,
    scope: &Scope,
    server: ServerId,
    name: &Name,
    policy: &Policy,
    publish: bool,
) -> Result<PolicyInfo> {
    let id = PolicyId::generate();
    let mut tx = db.begin_change(scope.org).await?;
    sqlx::query_scalar!(
        "insert into policies (id, org_id, server_id, name, latest_version)
         select $1, org_id, id, $4, 1 from servers where org_id = $2 and id = $3
         returning id",
        id.uuid(),
        scope.org.uuid(),
        server.uuid(),
        name.as_str(),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(|error| taken(error, "policies_name_key", "name"))?
    .ok_or(StoreError::NotFound)?;
    insert_version(&mut tx, scope, id, 1, policy, None).await?;
    if publish {
        sqlx::query!(
            "update policies set published_version = 1 where org_id = $1 and id = $2",
            scope.org.uuid(),
            id.uuid(),
        )
        .execute(&mut *tx)
        .await?;
    }
    let info = fetch(&mut tx, scope.org, id).await?;
    event(&mut tx, scope, "policy.create", None, Some(&info)).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(info)
}

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

/// Gives the policy another name.
///
/// # Errors
/// `NotFound`; `Stale` where the revision is no longer current; `Taken { field: "name" }`.
pub async fn rename(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    name: &Name,
) -> Result<PolicyInfo> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = fetch(&mut tx, scope.org, id).await?;
    current(revision, before.revision)?;
    sqlx::query!(
        "update policies set name = $3, revision = revision + 1, updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
        name.as_str(),
    )
    .execute(&mut *tx)
    .await
    .map_err(|error| taken(error, "policies_name_key", "name"))?;
    let after = fetch(&mut tx, scope.org, id).await?;
    event(&mut tx, scope, "policy.rename", Some(&before), Some(&after)).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(after)
}

/// Deletes the policy with its versions.
///
/// # Errors
/// `NotFound`; `Stale`; `Conflict` while a live grant uses it.
pub async fn delete(db: &Db, scope: &Scope, id: PolicyId, revision: Option<i32>) -> Result<()> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = fetch(&mut tx, scope.org, id).await?;
    current(revision, before.revision)?;
    // Grants are issued under the organisation's row as well, so none can be attached now.
    if before.grant_count > 0 {
        return Err(StoreError::Conflict("a live grant uses this policy"));
    }
    sqlx::query!(
        "delete from policies where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    event(&mut tx, scope, "policy.delete", Some(&before), None).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(())
}

/// The next version; not published by itself.
///
/// # Errors
/// `NotFound`; `Stale` where the revision is no longer current.
pub async fn add_version(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    policy: &Policy,
    note: Option<&str>,
) -> Result<Version> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = fetch(&mut tx, scope.org, id).await?;
    current(revision, before.revision)?;
    let next = before.latest_version + 1;
    sqlx::query!(
        "update policies set latest_version = $3, revision = revision + 1, updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
        next,
    )
    .execute(&mut *tx)
    .await?;
    insert_version(&mut tx, scope, id, next, policy, note).await?;
    let after = fetch(&mut tx, scope.org, id).await?;
    event(
        &mut tx,
        scope,
        "policy.add_version",
        Some(&before),
        Some(&after),
    )
    .await?;
    let version = fetch_version(&mut tx, scope.org, id, next).await?;
    // No gateway reads what is not published, so their version stays.
    tx.commit().await?;
    Ok(version)
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

/// Publishes an existing version, also an older one: that is the roll-back. Publishing the one in
/// force changes nothing.
///
/// # Errors
/// `NotFound` where the policy is not this organisation's or has no such version; `Stale`.
pub async fn publish(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    version: i32,
) -> Result<PolicyInfo> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = fetch(&mut tx, scope.org, id).await?;
    current(revision, before.revision)?;
    if version < 1 || version > before.latest_version {
        return Err(StoreError::NotFound);
    }
    if before.published_version == Some(version) {
        return Ok(before);
    }
    sqlx::query!(
        "update policies set published_version = $3, revision = revision + 1, updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
        version,
    )
    .execute(&mut *tx)
    .await?;
    let after = fetch(&mut tx, scope.org, id).await?;
    event(
        &mut tx,
        scope,
        "policy.publish",
        Some(&before),
        Some(&after),
    )
    .await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(after)
}

async fn insert_version(
    tx: &mut PgConnection,
    scope: &Scope,
    id: PolicyId,
    version: i32,
    policy: &Policy,
    note: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "insert into policy_versions (org_id, policy_id, version, document, note, created_by,
                                      created_by_email)
         values ($1, $2, $3, $4, $5, $6, member_email($6))",
        scope.org.uuid(),
        id.uuid(),
        version,
        policy.text(),
        storable_option(note),
        scope.actor.user().uuid(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn event(
    tx: &mut PgConnection,
    scope: &Scope,
    action: &'static str,
    before: Option<&PolicyInfo>,
    after: Option<&PolicyInfo>,
) -> Result<()> {
    let Some(subject) = after.or(before) else {
        return Ok(());
    };
    let change = Change {
        action,
        target: subject.id.to_string(),
        label: subject.name.as_str(),
        before: before.map(facts),
        after: after.map(facts),
    };
    record(tx, scope.org, Some(scope.actor), change).await
}

fn facts(policy: &PolicyInfo) -> Value {
    json!({
        "server": policy.server,
        "name": policy.name,
        "latest_version": policy.latest_version,
        "published_version": policy.published_version,
    })
}

async fn fetch(tx: &mut PgConnection, org: OrgId, id: PolicyId) -> Result<PolicyInfo> {
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

async fn fetch_version(
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
