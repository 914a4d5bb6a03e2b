//! Keys of the admin API. The secret's SHA-256 is stored, never the secret.

use domain::{Actor, ApiKeyId, Label, OrgId, Role, Scope, UserId};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    Db, Page, PageRequest, Result, StoreError,
    admin_events::{Change, record},
    text::parse,
};

/// A key, without its secret.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The key.
    pub id: ApiKeyId,
    /// What people call it.
    pub label: Label,
    /// The most it may do; its maker's present role cuts it further.
    pub role: Role,
    /// Who answers for it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ends by itself; none where it does not.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
}

/// Stores a new key of the scope's organisation.
///
/// # Errors
/// `Conflict` where a key would make a key, or the role is an owner's or above the maker's own.
pub async fn create(
    db: &Db,
    scope: &Scope,
    label: &Label,
    role: Role,
    secret_hash: [u8; 32],
    expires_at: Option<OffsetDateTime>,
) -> Result<ApiKey> {
    let Actor::Member(maker) = scope.actor else {
        return Err(StoreError::Conflict("an API key cannot make API keys"));
    };
    if role == Role::Owner {
        return Err(StoreError::Conflict("an API key cannot be an owner"));
    }
    if cut(role, scope.role) != role {
        return Err(StoreError::Conflict(
            "an API key cannot have more rights than the member who makes it",
        ));
    }
    let id = ApiKeyId::generate();
    let mut tx = db.begin(scope.org).await?;
    let created_at = sqlx::query_scalar!(
        "insert into api_keys (id, org_id, label, role, secret_hash, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         returning created_at",
        id.uuid(),
        scope.org.uuid(),
        label.as_str(),
        role.as_str(),
        &secret_hash[..],
        maker.uuid(),
        expires_at,
    )
    .fetch_one(&mut *tx)
    .await?;
    let change = Change {
        action: "api_key.create",
        target: id.to_string(),
        label: label.as_str(),
        before: None,
        after: Some(json!({ "label": label, "role": role, "expires_at": expires_at })),
    };
    record(&mut tx, scope.org, Some(scope.actor), change).await?;
    tx.commit().await?;
    Ok(ApiKey {
        id,
        label: label.clone(),
        role,
        created_by: maker,
        created_at,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    })
}

/// The scope a key acts in: its role cut to its maker's present role; none where it is unknown,
/// revoked, expired, or its maker has left.
///
/// # Errors
/// Postgres failed.
pub async fn find(db: &Db, secret_hash: [u8; 32]) -> Result<Option<Scope>> {
    let row = sqlx::query!(
        r#"select key_id as "key_id!", org_id as "org_id!", maker as "maker!", role as "role!",
                  maker_role as "maker_role!"
           from api_key_find($1)"#,
        &secret_hash[..],
    )
    .fetch_optional(&db.pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let key = ApiKeyId::from_uuid(row.key_id);
    let role = parse("api_keys", key, &row.role)?;
    let maker_role = parse("memberships", key, &row.maker_role)?;
    Ok(Some(Scope {
        org: OrgId::from_uuid(row.org_id),
        actor: Actor::Key {
            key,
            maker: UserId::from_uuid(row.maker),
        },
        role: cut(role, maker_role),
        auditor: false,
    }))
}

/// The lesser of two roles.
fn cut(role: Role, most: Role) -> Role {
    Role::ALL
        .into_iter()
        .find(|least| *least == role || *least == most)
        .unwrap_or(Role::Viewer)
}

/// The organisation's keys, newest first, revoked ones included.
///
/// # Errors
/// Postgres failed.
pub async fn list(db: &Db, scope: &Scope, page: PageRequest) -> Result<Page<ApiKey>> {
    let mut tx = db.begin(scope.org).await?;
    let rows = sqlx::query!(
        "select id, label, role, created_by, created_at, expires_at, last_used_at, revoked_at
         from api_keys
         where org_id = $1 and id < $2
         order by id desc limit $3",
        scope.org.uuid(),
        page.before(),
        page.fetch(),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let keys = rows
        .into_iter()
        .map(|row| {
            let id = ApiKeyId::from_uuid(row.id);
            Ok(ApiKey {
                id,
                label: parse("api_keys", id, &row.label)?,
                role: parse("api_keys", id, &row.role)?,
                created_by: UserId::from_uuid(row.created_by),
                created_at: row.created_at,
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
                revoked_at: row.revoked_at,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(page.cut(keys, |key| key.id.uuid()))
}

/// Ends a key. One that is revoked already stays as it is.
///
/// # Errors
/// `NotFound` where it is not this organisation's.
pub async fn revoke(db: &Db, scope: &Scope, id: ApiKeyId) -> Result<()> {
    let mut tx = db.begin(scope.org).await?;
    let row = sqlx::query!(
        "select label, revoked_at from api_keys where org_id = $1 and id = $2 for update",
        scope.org.uuid(),
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(StoreError::NotFound)?;
    if row.revoked_at.is_none() {
        sqlx::query!(
            "update api_keys set revoked_at = now() where org_id = $1 and id = $2",
            scope.org.uuid(),
            id.uuid(),
        )
        .execute(&mut *tx)
        .await?;
        let change = Change {
            action: "api_key.revoke",
            target: id.to_string(),
            label: &row.label,
            before: Some(json!({ "revoked": false })),
            after: Some(json!({ "revoked": true })),
        };
        record(&mut tx, scope.org, Some(scope.actor), change).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_cut_to_its_makers_role() {
        for (i, role) in Role::ALL.into_iter().enumerate() {
            for (j, most) in Role::ALL.into_iter().enumerate() {
                assert_eq!(cut(role, most), Role::ALL[i.min(j)]);
            }
        }
    }
}
