//! People: signing up, signing in, passwords. Not tenant data: a user may be in many organisations.
//! The console's role reaches these rows only through the definer functions of the migrations.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use domain::{Email, UserId};
use time::OffsetDateTime;

use crate::{Db, Result, StoreError, text::taken};

/// Attempts to sign in to one account, whether or not it exists, within [`ATTEMPT_WINDOW`].
pub const ATTEMPTS_PER_ACCOUNT: i32 = 10;
/// Attempts to sign in from one address within [`ATTEMPT_WINDOW`].
pub const ATTEMPTS_PER_ADDRESS: i32 = 50;
/// How long an attempt counts.
pub const ATTEMPT_WINDOW: Duration = Duration::from_secs(15 * 60);

/// A user, without the password.
#[derive(Debug, Clone)]
pub struct User {
    /// The user.
    pub id: UserId,
    /// The address as typed at sign-up.
    pub email: Email,
    /// When the address was proven; none while it is not.
    pub email_verified_at: Option<OffsetDateTime>,
    /// When the account was made.
    pub created_at: OffsetDateTime,
}

/// What signing in needs.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: UserId,
    /// The password's hash, in the PHC string format.
    pub password_hash: String,
    /// When the address was proven; none while it is not.
    pub email_verified_at: Option<OffsetDateTime>,
}

/// What a mailed token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPurpose {
    /// Proving that the address is theirs.
    VerifyEmail,
    /// Setting a new password without the old one.
    ResetPassword,
}

impl TokenPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

/// Makes an account. `verified` where nothing has to be mailed.
///
/// # Errors
/// `Taken { field: "email" }` where the address is in use, in whatever case.
pub async fn create(db: &Db, email: &Email, password_hash: &str, verified: bool) -> Result<UserId> {
    let id = UserId::generate();
    sqlx::query!(
        "select account_create($1, $2, $3, $4)",
        id.uuid(),
        email.as_str(),
        password_hash,
        verified,
    )
    .execute(&db.pool)
    .await
    .map_err(|error| taken(error, "users_email_key", "email"))?;
    Ok(id)
}

/// The password's hash of the account with this address, if there is one.
///
/// # Errors
/// Postgres failed.
pub async fn credentials(db: &Db, email: &Email) -> Result<Option<Credentials>> {
    let row = sqlx::query!(
        r#"select user_id as "user_id!", password_hash as "password_hash!", email_verified_at
           from account_credentials($1)"#,
        email.key(),
    )
    .fetch_optional(&db.pool)
    .await?;
    Ok(row.map(|row| Credentials {
        user: UserId::from_uuid(row.user_id),
        password_hash: row.password_hash,
        email_verified_at: row.email_verified_at,
    }))
}

/// Counts an attempt before the password is looked at: at most [`ATTEMPTS_PER_ACCOUNT`] and
/// [`ATTEMPTS_PER_ADDRESS`] in any [`ATTEMPT_WINDOW`], exactly, however many come at once. A success
/// clears the account's count ([`clear_attempts`]). An IPv6 address counts as its /64, which is what
/// one customer is given.
///
/// # Errors
/// `Throttled` where the attempt must not be made; it was not counted then.
pub async fn count_attempt(db: &Db, email: &Email, address: Option<IpAddr>) -> Result<()> {
    let account = email.key();
    let address = address.map(address_key);
    let (account, address) = (
        (account.as_str(), ATTEMPTS_PER_ACCOUNT),
        (address, ATTEMPTS_PER_ADDRESS),
    );
    count(db, account, address, ATTEMPT_WINDOW).await
}

/// Counts once under each of two keys with their maxima, or under neither.
pub(crate) async fn count(
    db: &Db,
    (account, account_max): (&str, i32),
    (address, address_max): (Option<String>, i32),
    window: Duration,
) -> Result<()> {
    let wait_s = sqlx::query_scalar!(
        "select ceil(extract(epoch from
             sign_in_count($1, $2, $3, $4, make_interval(secs => $5))))::integer",
        account,
        account_max,
        address,
        address_max,
        window.as_secs_f64(),
    )
    .fetch_one(&db.pool)
    .await?;
    match wait_s {
        None => Ok(()),
        Some(wait_s) => Err(StoreError::Throttled {
            retry_after_s: u32::try_from(wait_s).unwrap_or(1).max(1),
        }),
    }
}

pub(crate) fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Forgets the account's attempts, after one that succeeded. The address's count stays, or a
/// guesser could reset it by signing in to an account of their own.
///
/// # Errors
/// Postgres failed.
pub async fn clear_attempts(db: &Db, email: &Email) -> Result<()> {
    sqlx::query!("select sign_in_clear($1)", email.key())
        .execute(&db.pool)
        .await?;
    Ok(())
}

/// Replaces the password, ends every session of the user, and voids a mailed reset token. `proven`
/// is the hash of the present password where that is what allows it; none where a mailed token did.
///
/// # Errors
/// `NotFound` where there is no such user, or the password is no longer the proven one.
pub async fn set_password(
    db: &Db,
    user: UserId,
    proven: Option<&str>,
    password_hash: &str,
) -> Result<()> {
    let done = sqlx::query_scalar!(
        r#"select account_set_password($1, $2, $3) as "done!""#,
        user.uuid(),
        proven,
        password_hash,
    )
    .fetch_one(&db.pool)
    .await?;
    done.then_some(()).ok_or(StoreError::NotFound)
}

/// Stores the SHA-256 of a mailed token; an older one for the same purpose dies.
/// None where no such account exists (the caller must not say so).
///
/// # Errors
/// Postgres failed.
pub async fn start_token(
    db: &Db,
    email: &Email,
    purpose: TokenPurpose,
    token_hash: [u8; 32],
    lives: Duration,
) -> Result<Option<UserId>> {
    let user = sqlx::query_scalar!(
        "select account_token_start($1, $2, $3, make_interval(secs => $4))",
        email.key(),
        purpose.as_str(),
        &token_hash[..],
        lives.as_secs_f64(),
    )
    .fetch_one(&db.pool)
    .await?;
    Ok(user.map(UserId::from_uuid))
}

/// Uses a token up, once.
///
/// # Errors
/// `NotFound` where it is unknown, used, expired or for another purpose.
pub async fn use_token(db: &Db, purpose: TokenPurpose, token_hash: [u8; 32]) -> Result<UserId> {
    sqlx::query_scalar!(
        "select account_token_use($1, $2)",
        purpose.as_str(),
        &token_hash[..],
    )
    .fetch_one(&db.pool)
    .await?
    .map(UserId::from_uuid)
    .ok_or(StoreError::NotFound)
}

/// Whether the token would be accepted, without using it (for showing the form).
///
/// # Errors
/// Postgres failed.
pub async fn token_is_good(db: &Db, purpose: TokenPurpose, token_hash: [u8; 32]) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select account_token_is_good($1, $2) as "good!""#,
        purpose.as_str(),
        &token_hash[..],
    )
    .fetch_one(&db.pool)
    .await?)
}

/// Notes that the address is proven to be theirs; the first time counts.
///
/// # Errors
/// `NotFound` where there is no such user.
pub async fn mark_verified(db: &Db, user: UserId) -> Result<()> {
    let done = sqlx::query_scalar!(
        r#"select account_mark_verified($1) as "done!""#,
        user.uuid()
    )
    .fetch_one(&db.pool)
    .await?;
    done.then_some(()).ok_or(StoreError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customer_is_one_address() {
        let key = |text: &str| address_key(text.parse().expect("an address"));
        assert_eq!(key("192.0.2.7"), "192.0.2.7");
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }
}
