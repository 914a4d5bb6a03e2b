//! Browser sessions: opaque random ids, hashed at rest.

use std::time::Duration;

use domain::{Email, OrgId, UserId};
use time::OffsetDateTime;

use crate::{Db, Result, StoreError, organisations::Membership, text::parse};

/// Who a cookie belongs to, and where they may go. One query.
#[derive(Debug, Clone)]
pub struct Session {
    /// The user.
    pub user: UserId,
    /// Their address.
    pub email: Email,
    /// When the address was proven; none while it is not.
    pub email_verified_at: Option<OffsetDateTime>,
    /// When they signed in.
    pub created_at: OffsetDateTime,
    /// In the order they were joined.
    pub memberships: Vec<Membership>,
}

/// Starts a session for who has proven the password whose hash is `proven`. `token_hash` is the
/// SHA-256 of the cookie's random bytes.
///
/// # Errors
/// `NotFound` where there is no such user, or the password was changed since it was looked at: a
/// sign-in with the old one must not outlive the change that was to end it.
pub async fn create(
    db: &Db,
    user: UserId,
    proven: &str,
    token_hash: [u8; 32],
    lives: Duration,
) -> Result<()> {
    let started = sqlx::query_scalar!(
        "select session_create($1, $2, $3, make_interval(secs => $4))",
        user.uuid(),
        proven,
        &token_hash[..],
        lives.as_secs_f64(),
    )
    .fetch_one(&db.pool)
    .await?;
    started.map(|_| ()).ok_or(StoreError::NotFound)
}

/// None where unknown, ended or expired. Also notes the last use (at most once a minute).
///
/// # Errors
/// Postgres failed.
pub async fn find(db: &Db, token_hash: [u8; 32]) -> Result<Option<Session>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id!", email as "email!", email_verified_at,
                  created_at as "created_at!", org_id, org_name, org_slug, role, auditor
           from session_find($1)"#,
        &token_hash[..],
    )
    .fetch_all(&db.pool)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let user = UserId::from_uuid(first.user_id);
    let mut session = Session {
        user,
        email: parse("users", user, &first.email)?,
        email_verified_at: first.email_verified_at,
        created_at: first.created_at,
        memberships: Vec::new(),
    };
    for row in &rows {
        if let (Some(org), Some(name), Some(slug), Some(role)) =
            (row.org_id, &row.org_name, &row.org_slug, &row.role)
        {
            let org = OrgId::from_uuid(org);
            session.memberships.push(Membership {
                org,
                name: parse("organisations", org, name)?,
                slug: parse("organisations", org, slug)?,
                role: parse("memberships", org, role)?,
                auditor: row.auditor.unwrap_or(false),
            });
        }
    }
    Ok(Some(session))
}

/// Ends a session, if there is one.
///
/// # Errors
/// Postgres failed.
pub async fn end(db: &Db, token_hash: [u8; 32]) -> Result<()> {
    sqlx::query!("select session_end($1)", &token_hash[..])
        .execute(&db.pool)
        .await?;
    Ok(())
}
