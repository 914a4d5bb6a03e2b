//! Keys of the admin API. The secret's SHA-256 is stored, never the secret.

use domain::{ApiKeyId, Label, Role, Scope};
use time::OffsetDateTime;

use crate::{Db, Page, PageRequest, Result};

#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub label: Label,
    pub role: Role,
    pub created_by: domain::UserId,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
}

pub async fn create(
    db: &Db,
    scope: &Scope,
    label: &Label,
    role: Role,
    secret_hash: [u8; 32],
    expires_at: Option<OffsetDateTime>,
) -> Result<ApiKey> {
    todo!()
}
/// The scope a key acts in: its role cut to its maker's present role; none where it is unknown,
/// revoked, expired, or its maker has left.
pub async fn find(db: &Db, secret_hash: [u8; 32]) -> Result<Option<Scope>> {
    todo!()
}
pub async fn list(db: &Db, scope: &Scope, page: PageRequest) -> Result<Page<ApiKey>> {
    todo!()
}
pub async fn revoke(db: &Db, scope: &Scope, id: ApiKeyId) -> Result<()> {
    todo!()
}
