//! People: signing up, signing in, passwords. Not tenant data: a user may be in many organisations.
//! The console's role reaches these rows only through the definer functions of the migrations.

use domain::{Email, UserId};
use std::net::IpAddr;
use time::OffsetDateTime;

use crate::{Db, Result};

/// A user, without the password.
#[derive(Debug, Clone)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub email_verified_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
}

/// What signing in needs.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub user: UserId,
    pub password_hash: String,
    pub email_verified_at: Option<OffsetDateTime>,
}

/// What a mailed token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPurpose {
    VerifyEmail,
    ResetPassword,
}

/// `Taken{field:"email"}` where the address is in use.
pub async fn create(db: &Db, email: &Email, password_hash: &str, verified: bool) -> Result<UserId> {
    todo!()
}
pub async fn credentials(db: &Db, email: &Email) -> Result<Option<Credentials>> {
    todo!()
}
/// Counts an attempt before the password is looked at: at most 10 per account and 50 per address in
/// 15 minutes (numbers are constants here), else `Throttled`. A success clears the account's count.
pub async fn count_attempt(db: &Db, email: &Email, address: Option<IpAddr>) -> Result<()> {
    todo!()
}
pub async fn clear_attempts(db: &Db, email: &Email) -> Result<()> {
    todo!()
}
/// Replaces the password and ends every session of the user.
pub async fn set_password(db: &Db, user: UserId, password_hash: &str) -> Result<()> {
    todo!()
}
/// Stores the SHA-256 of a mailed token; an older one for the same purpose dies.
/// None where no such account exists (the caller must not say so).
pub async fn start_token(
    db: &Db,
    email: &Email,
    purpose: TokenPurpose,
    token_hash: [u8; 32],
    lives: std::time::Duration,
) -> Result<Option<UserId>> {
    todo!()
}
/// Uses a token up, once. `NotFound` where it is unknown, used or expired.
pub async fn use_token(db: &Db, purpose: TokenPurpose, token_hash: [u8; 32]) -> Result<UserId> {
    todo!()
}
/// Whether the token would be accepted, without using it (for showing the form).
pub async fn token_is_good(db: &Db, purpose: TokenPurpose, token_hash: [u8; 32]) -> Result<bool> {
    todo!()
}
pub async fn mark_verified(db: &Db, user: UserId) -> Result<()> {
    todo!()
}
