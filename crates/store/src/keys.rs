//! The installation's own keys, sealed: data keys and signing keys.

use domain::routes::VerifyingKey;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Db, Result, text::corrupt};

/// The installation's id, fixed at its first start: the `iss` of every grant token.
///
/// # Errors
/// Postgres failed.
pub async fn installation(db: &Db) -> Result<Uuid> {
    Ok(sqlx::query_scalar!("select id from installation")
        .fetch_one(&db.pool)
        .await?)
}

/// A key as it lies in the database: sealed under a master key that the database never sees.
#[derive(Debug, Clone)]
pub struct SealedKey {
    /// What sealed values and tokens call it by.
    pub kid: String,
    /// The key, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Since when nothing new is sealed or signed with it.
    pub retired_at: Option<OffsetDateTime>,
}

/// Newest first. Both roles may read data keys.
///
/// # Errors
/// Postgres failed.
pub async fn data_keys(db: &Db) -> Result<Vec<SealedKey>> {
    Ok(sqlx::query_as!(
        SealedKey,
        "select kid, sealed, created_at, retired_at from data_keys
         order by created_at desc, kid desc",
    )
    .fetch_all(&db.pool)
    .await?)
}

/// Adds the first or next data key. Where processes race, the first to come wins: a key that comes
/// within ten seconds of another is left out, and whoever added it reads the winner's afterwards.
///
/// # Errors
/// Postgres failed.
pub async fn add_data_key(db: &Db, kid: &str, sealed: &[u8]) -> Result<()> {
    let mut tx = db.pool.begin().await?;
    queue(&mut tx).await?;
    sqlx::query!(
        "insert into data_keys (kid, sealed)
         select $1, $2 where not exists (
             select from data_keys where created_at > clock_timestamp() - interval '10 seconds'
         )",
        kid,
        sealed,
    )
    .execute(&mut *tx)
    .await?;
    notify(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Newest first. The console's alone: the gateway's role may not read the sealed column.
///
/// # Errors
/// Postgres failed, or the role may not.
pub async fn signing_keys(db: &Db) -> Result<Vec<SealedKey>> {
    Ok(sqlx::query_as!(
        SealedKey,
        "select kid, sealed, created_at, retired_at from signing_keys
         order by created_at desc, kid desc",
    )
    .fetch_all(&db.pool)
    .await?)
}

/// Adds the first or next signing key; of two that race, the first to come wins, as with
/// [`add_data_key`]. `public` is the raw Ed25519 public key.
///
/// # Errors
/// Postgres failed, or the role may not.
pub async fn add_signing_key(db: &Db, kid: &str, sealed: &[u8], public: [u8; 32]) -> Result<()> {
    let mut tx = db.pool.begin().await?;
    queue(&mut tx).await?;
    sqlx::query!(
        "insert into signing_keys (kid, sealed, public_key)
         select $1, $2, $3 where not exists (
             select from signing_keys where created_at > clock_timestamp() - interval '10 seconds'
         )",
        kid,
        sealed,
        &public[..],
    )
    .execute(&mut *tx)
    .await?;
    notify(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The public halves, newest first, for any role. Retired ones are among them, because grants that
/// they signed still live.
///
/// # Errors
/// Postgres failed.
pub async fn verifying_keys(db: &Db) -> Result<Vec<VerifyingKey>> {
    let rows =
        sqlx::query!("select kid, public_key from signing_keys order by created_at desc, kid desc")
            .fetch_all(&db.pool)
            .await?;
    rows.into_iter()
        .map(|row| {
            let public_key = row
                .public_key
                .try_into()
                .map_err(|_| corrupt("signing_keys", &row.kid, "the public key is not 32 bytes"))?;
            Ok(VerifyingKey {
                kid: row.kid,
                public_key,
            })
        })
        .collect()
}

/// Lets one process at a time add a key.
async fn queue(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('tollgate_keys'))")
        .execute(tx)
        .await?;
    Ok(())
}

/// Tells every process, at the commit, that the set of keys changed.
async fn notify(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_notify('tollgate_keys', '')")
        .execute(tx)
        .await?;
    Ok(())
}
