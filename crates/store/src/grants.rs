//! Grants. No token is stored: it is signed again from the row when someone may see it.

mod read;

use std::time::Duration;

use domain::{GrantId, Identity, Label, PolicyId, Scope, ServerId, UserId};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

pub(crate) use read::labels;
pub use read::{get, list};

use crate::{
    Db, Result, StoreError,
    admin_events::{Change, record},
    db::{Tx, raise_config},
    servers::current,
    text::storable,
};

/// What a grant can do now. Where several hold, the last one in this order is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// It works.
    Active,
    /// Refused until it is resumed.
    Paused,
    /// Its time is over.
    Expired,
    /// Ended by a person, for good.
    Revoked,
}

/// A grant, and how it was used lately.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The grant.
    pub id: GrantId,
    /// The one server it works for.
    pub server: ServerId,
    /// That server's name.
    pub server_name: String,
    /// What people call it.
    pub label: Label,
    /// Who it acts for.
    pub identity: Option<Identity>,
    /// Free labels that policies can compare, sorted by key.
    pub labels: Vec<(String, String)>,
    /// Its policy; without one every call is refused.
    pub policy: Option<PolicyId>,
    /// The policy's name.
    pub policy_name: Option<String>,
    /// The key that its token is signed with.
    pub kid: String,
    /// The token version that is accepted.
    pub token_version: i32,
    /// The token's `iat`.
    pub issued_at: OffsetDateTime,
    /// The token's `exp`; none where its maker chose so.
    pub expires_at: Option<OffsetDateTime>,
    /// Since when it is paused.
    pub paused_at: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// What follows from these times now.
    pub state: GrantState,
    /// Who issued it.
    pub created_by: Option<UserId>,
    /// Raised by each edit; the API's ETag.
    pub revision: i32,
    /// When it was issued first.
    pub created_at: OffsetDateTime,
    /// From the audit log: its last request.
    pub last_used_at: Option<OffsetDateTime>,
    /// The client of that request, by its own account.
    pub last_client: Option<String>,
    /// `tools/call` requests in the last 24 h, refused ones included.
    pub calls_24h: i64,
    /// Of those, the refused ones.
    pub refusals_24h: i64,
}

/// A grant to be issued. The caller makes the id, because the token names it.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// The grant.
    pub id: GrantId,
    /// What people call it.
    pub label: Label,
    /// Who it acts for.
    pub identity: Option<Identity>,
    /// Free labels; of two with one key, the last counts.
    pub labels: Vec<(String, String)>,
    /// Its policy, on the same server.
    pub policy: Option<PolicyId>,
    /// The key its token is signed with.
    pub kid: String,
    /// The token's `iat`.
    pub issued_at: OffsetDateTime,
    /// The token's `exp`.
    pub expires_at: Option<OffsetDateTime>,
}

/// What an edit changes; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct GrantEdit {
    /// The label.
    pub label: Option<Label>,
    /// The identity; `Some(None)` removes it.
    pub identity: Option<Option<Identity>>,
    /// All labels.
    pub labels: Option<Vec<(String, String)>>,
    /// The policy; `Some(None)` takes it away, and every call is refused.
    pub policy: Option<Option<PolicyId>>,
}

/// Issues a grant.
///
/// # Errors
/// `NotFound` where the server, or the policy on that server, is not this organisation's.
pub async fn issue(db: &Db, scope: &Scope, server: ServerId, new: NewGrant) -> Result<Grant> {
    let mut tx = db.begin_change(scope.org).await?;
    sqlx::query_scalar!(
        "insert into grants (id, org_id, server_id, policy_id, label, identity, labels, kid,
                             issued_at, expires_at, created_by)
         select $1, s.org_id, s.id, $4, $5, $6, $7, $8, $9, $10, $11
         from servers s
         where s.org_id = $2 and s.id = $3
             and ($4::uuid is null or exists (
                 select from policies p
                 where p.org_id = s.org_id and p.server_id = s.id and p.id = $4))
         returning id",
        new.id.uuid(),
        scope.org.uuid(),
        server.uuid(),
        new.policy.map(PolicyId::uuid),
        new.label.as_str(),
        new.identity.as_ref().map(Identity::as_str),
        labels_column(&new.labels),
        new.kid,
        new.issued_at,
        new.expires_at,
        scope.actor.user().uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NotFound)?;
    conclude(tx, scope, "grant.issue", None, new.id).await
}

/// Edits label, identity, labels and policy. The token stays as it is.
///
/// # Errors
/// `NotFound`, also where the policy is not one on the grant's server; `Stale`; `Conflict` where the
/// grant is revoked.
pub async fn update(
    db: &Db,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
    edit: GrantEdit,
) -> Result<Grant> {
    let (mut tx, before) = open(db, scope, id, revision).await?;
    not_revoked(&before)?;
    sqlx::query_scalar!(
        "update grants g set
             label = coalesce($3, label),
             identity = case when $4 then $5 else identity end,
             labels = coalesce($6, labels),
             policy_id = case when $7 then $8 else policy_id end,
             revision = revision + 1,
             updated_at = now()
         where g.org_id = $1 and g.id = $2
             and ($8::uuid is null or exists (
                 select from policies p
                 where p.org_id = g.org_id and p.server_id = g.server_id and p.id = $8))
         returning id",
        scope.org.uuid(),
        id.uuid(),
        edit.label.as_ref().map(Label::as_str),
        edit.identity.is_some(),
        edit.identity
            .as_ref()
            .and_then(Option::as_ref)
            .map(Identity::as_str),
        edit.labels.as_deref().map(labels_column),
        edit.policy.is_some(),
        edit.policy.flatten().map(PolicyId::uuid),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NotFound)?;
    conclude(tx, scope, "grant.update", Some(&before), id).await
}

/// Ends the grant for good. One that is revoked already stays as it is.
///
/// # Errors
/// `NotFound`; `Stale`.
pub async fn revoke(db: &Db, scope: &Scope, id: GrantId, revision: Option<i32>) -> Result<Grant> {
    let (mut tx, before) = open(db, scope, id, revision).await?;
    if before.revoked_at.is_some() {
        return Ok(before);
    }
    sqlx::query!(
        "update grants set revoked_at = now(), revision = revision + 1, updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    conclude(tx, scope, "grant.revoke", Some(&before), id).await
}

/// Refuses the grant's calls until it is resumed. One that is paused already stays as it is.
///
/// # Errors
/// `NotFound`; `Stale`; `Conflict` where the grant is revoked.
pub async fn pause(db: &Db, scope: &Scope, id: GrantId, revision: Option<i32>) -> Result<Grant> {
    let (mut tx, before) = open(db, scope, id, revision).await?;
    not_revoked(&before)?;
    if before.paused_at.is_some() {
        return Ok(before);
    }
    sqlx::query!(
        "update grants set paused_at = now(), revision = revision + 1, updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    conclude(tx, scope, "grant.pause", Some(&before), id).await
}

/// Lets a paused grant work again. One that is not paused stays as it is.
///
/// # Errors
/// `NotFound`; `Stale`; `Conflict` where the grant is revoked.
pub async fn resume(db: &Db, scope: &Scope, id: GrantId, revision: Option<i32>) -> Result<Grant> {
    let (mut tx, before) = open(db, scope, id, revision).await?;
    not_revoked(&before)?;
    if before.paused_at.is_none() {
        return Ok(before);
    }
    sqlx::query!(
        "update grants set paused_at = null, revision = revision + 1, updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    conclude(tx, scope, "grant.resume", Some(&before), id).await
}

/// The next token version, signed with `kid` at `issued_at`; the old one works for `overlap`, and
/// ones before it no longer.
///
/// # Errors
/// `NotFound`; `Stale`; `Conflict` where the grant is revoked or expired.
pub async fn rotate(
    db: &Db,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
    kid: &str,
    issued_at: OffsetDateTime,
    overlap: Duration,
) -> Result<Grant> {
    let (mut tx, before) = open(db, scope, id, revision).await?;
    not_revoked(&before)?;
    if before.state == GrantState::Expired {
        return Err(StoreError::Conflict("the grant has expired"));
    }
    sqlx::query!(
        "update grants set
             token_version = token_version + 1,
             kid = $3,
             issued_at = $4,
             previous_version = case when $5::float8 > 0 then token_version end,
             previous_until = case when $5::float8 > 0 then now() + make_interval(secs => $5) end,
             revision = revision + 1,
             updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
        kid,
        issued_at,
        overlap.as_secs_f64(),
    )
    .execute(&mut *tx)
    .await?;
    conclude(tx, scope, "grant.rotate", Some(&before), id).await
}

/// Notes as an admin event that the token was shown again.
///
/// # Errors
/// `NotFound`; `Conflict` where the grant is revoked.
pub async fn note_reveal(db: &Db, scope: &Scope, id: GrantId) -> Result<Grant> {
    let mut tx = db.begin(scope.org).await?;
    let grant = read::fetch(&mut tx, scope.org, id).await?;
    not_revoked(&grant)?;
    let change = Change {
        action: "grant.reveal",
        target: id.to_string(),
        label: grant.label.as_str(),
        before: None,
        after: Some(json!({ "token_version": grant.token_version })),
    };
    record(&mut tx, scope.org, Some(scope.actor), change).await?;
    tx.commit().await?;
    Ok(grant)
}

async fn open(db: &Db, scope: &Scope, id: GrantId, revision: Option<i32>) -> Result<(Tx, Grant)> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = read::fetch(&mut tx, scope.org, id).await?;
    current(revision, before.revision)?;
    Ok((tx, before))
}

async fn conclude(
    mut tx: Tx,
    scope: &Scope,
    action: &'static str,
    before: Option<&Grant>,
    id: GrantId,
) -> Result<Grant> {
    let after = read::fetch(&mut tx, scope.org, id).await?;
    let change = Change {
        action,
        target: id.to_string(),
        label: after.label.as_str(),
        before: before.map(facts),
        after: Some(facts(&after)),
    };
    record(&mut tx, scope.org, Some(scope.actor), change).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(after)
}

fn not_revoked(grant: &Grant) -> Result<()> {
    match grant.revoked_at {
        Some(_) => Err(StoreError::Conflict("the grant is revoked")),
        None => Ok(()),
    }
}

fn labels_column(labels: &[(String, String)]) -> Value {
    let labels = labels
        .iter()
        .map(|(key, value)| (storable(key), storable(value).into()));
    Value::Object(labels.collect::<Map<_, _>>())
}

fn facts(grant: &Grant) -> Value {
    json!({
        "server": grant.server,
        "label": grant.label,
        "identity": grant.identity,
        "labels": labels_column(&grant.labels),
        "policy": grant.policy,
        "token_version": grant.token_version,
        "expires_at": grant.expires_at,
        "paused": grant.paused_at.is_some(),
        "revoked": grant.revoked_at.is_some(),
    })
}
