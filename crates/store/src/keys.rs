//! The installation's own keys, sealed: data keys and signing keys.

use domain::routes::VerifyingKey;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Db, Result};

/// The installation's id, fixed at its first start: the `iss` of every grant token.
pub async fn installation(db: &Db) -> Result<Uuid> {
    todo!()
}

#[derive(Debug, Clone)]
pub struct SealedKey {
    pub kid: String,
    pub sealed: Vec<u8>,
    pub created_at: OffsetDateTime,
    pub retired_at: Option<OffsetDateTime>,
}

/// Newest first. Both roles may read data keys.
pub async fn data_keys(db: &Db) -> Result<Vec<SealedKey>> {
    todo!()
}
/// Adds the first or next data key. Where two processes race for the first, one wins and both read
/// the winner's afterwards.
pub async fn add_data_key(db: &Db, kid: &str, sealed: &[u8]) -> Result<()> {
    todo!()
}
/// The console's alone: the gateway's role may not read the sealed column.
pub async fn signing_keys(db: &Db) -> Result<Vec<SealedKey>> {
    todo!()
}
pub async fn add_signing_key(db: &Db, kid: &str, sealed: &[u8], public: [u8; 32]) -> Result<()> {
    todo!()
}
/// The public halves, for any role.
pub async fn verifying_keys(db: &Db) -> Result<Vec<VerifyingKey>> {
    todo!()
}
