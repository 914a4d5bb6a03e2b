//! Policies and their immutable versions.

mod homes;
mod read;

use domain::{Name, PolicyId, Scope, ServerId, UserId};
use policy::Policy;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

pub use homes::{Home, HomePolicy, homes};
use read::{fetch, fetch_version};
pub use read::{get, list, naming_shadow, version, versions};

use crate::{
    Db, Result, StoreError,
    admin_events::{Change, record},
    db::raise_config,
    servers::current,
    text::{storable_option, taken},
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
