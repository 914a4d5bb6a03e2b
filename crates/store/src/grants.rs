//! Grants. No token is stored: it is signed again from the row when someone may see it.

use domain::{GrantId, Identity, Label, PolicyId, Scope, ServerId, UserId};
use time::OffsetDateTime;

use crate::{Db, Page, PageRequest, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    Active,
    Paused,
    Expired,
    Revoked,
}

#[derive(Debug, Clone)]
pub struct Grant {
    pub id: GrantId,
    pub server: ServerId,
    pub server_name: String,
    pub label: Label,
    pub identity: Option<Identity>,
    pub labels: Vec<(String, String)>,
    pub policy: Option<PolicyId>,
    pub policy_name: Option<String>,
    pub kid: String,
    pub token_version: i32,
    pub issued_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub paused_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    pub state: GrantState,
    pub created_by: Option<UserId>,
    pub revision: i32,
    pub created_at: OffsetDateTime,
    /// From the audit log: last request, and its client; calls and refusals in the last 24 h.
    pub last_used_at: Option<OffsetDateTime>,
    pub last_client: Option<String>,
    pub calls_24h: i64,
    pub refusals_24h: i64,
}

#[derive(Debug, Clone)]
pub struct NewGrant {
    pub id: GrantId,
    pub label: Label,
    pub identity: Option<Identity>,
    pub labels: Vec<(String, String)>,
    pub policy: Option<PolicyId>,
    pub kid: String,
    pub issued_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
}

#[derive(Debug, Clone, Default)]
pub struct GrantEdit {
    pub label: Option<Label>,
    pub identity: Option<Option<Identity>>,
    pub labels: Option<Vec<(String, String)>>,
    pub policy: Option<Option<PolicyId>>,
}

/// `NotFound` where the server, or the policy on that server, is not this organisation's.
pub async fn issue(db: &Db, scope: &Scope, server: ServerId, new: NewGrant) -> Result<Grant> {
    todo!()
}
/// All grants of the organisation, or of one server.
pub async fn list(
    db: &Db,
    scope: &Scope,
    server: Option<ServerId>,
    page: PageRequest,
) -> Result<Page<Grant>> {
    todo!()
}
pub async fn get(db: &Db, scope: &Scope, id: GrantId) -> Result<Grant> {
    todo!()
}
pub async fn update(
    db: &Db,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
    edit: GrantEdit,
) -> Result<Grant> {
    todo!()
}
pub async fn revoke(db: &Db, scope: &Scope, id: GrantId, revision: Option<i32>) -> Result<Grant> {
    todo!()
}
pub async fn pause(db: &Db, scope: &Scope, id: GrantId, revision: Option<i32>) -> Result<Grant> {
    todo!()
}
pub async fn resume(db: &Db, scope: &Scope, id: GrantId, revision: Option<i32>) -> Result<Grant> {
    todo!()
}
/// The next token version, signed with `kid` at `issued_at`; the old one works for `overlap`.
pub async fn rotate(
    db: &Db,
    scope: &Scope,
    id: GrantId,
    revision: Option<i32>,
    kid: &str,
    issued_at: OffsetDateTime,
    overlap: std::time::Duration,
) -> Result<Grant> {
    todo!()
}
/// Notes as an admin event that the token was shown again.
pub async fn note_reveal(db: &Db, scope: &Scope, id: GrantId) -> Result<Grant> {
    todo!()
}
