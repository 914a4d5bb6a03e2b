//! Browser sessions: opaque random ids, hashed at rest.

use domain::{Email, UserId};
use time::OffsetDateTime;

use crate::{Db, Result, organisations::Membership};

/// Who a cookie belongs to, and where they may go. One query.
#[derive(Debug, Clone)]
pub struct Session {
    pub user: UserId,
    pub email: Email,
    pub email_verified_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
    /// In the order they were joined.
    pub memberships: Vec<Membership>,
}

/// `token_hash` is the SHA-256 of the cookie's random bytes.
pub async fn create(
    db: &Db,
    user: UserId,
    token_hash: [u8; 32],
    lives: std::time::Duration,
) -> Result<()> {
    todo!()
}
/// None where unknown, ended or expired. Also notes the last use (at most once a minute).
pub async fn find(db: &Db, token_hash: [u8; 32]) -> Result<Option<Session>> {
    todo!()
}
pub async fn end(db: &Db, token_hash: [u8; 32]) -> Result<()> {
    todo!()
}
