//! Policies and their immutable versions.

use domain::{Name, PolicyId, Scope, ServerId, UserId};
use policy::Policy;
use time::OffsetDateTime;

use crate::{Db, Page, PageRequest, Result};

#[derive(Debug, Clone)]
pub struct PolicyInfo {
    pub id: PolicyId,
    pub server: ServerId,
    pub name: Name,
    pub published_version: Option<i32>,
    pub latest_version: i32,
    pub grant_count: i64,
    pub revision: i32,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

#[derive(Debug, Clone)]
pub struct Version {
    pub policy: PolicyId,
    pub version: i32,
    pub document: String,
    pub note: Option<String>,
    pub created_by: Option<UserId>,
    pub created_by_email: Option<String>,
    pub created_at: OffsetDateTime,
    pub published: bool,
}

/// Version 1, published at once where `publish` says so.
pub async fn create(
    db: &Db,
    scope: &Scope,
    server: ServerId,
    name: &Name,
    policy: &Policy,
    publish: bool,
) -> Result<PolicyInfo> {
    todo!()
}
pub async fn list(
    db: &Db,
    scope: &Scope,
    server: ServerId,
    page: PageRequest,
) -> Result<Page<PolicyInfo>> {
    todo!()
}
pub async fn get(db: &Db, scope: &Scope, id: PolicyId) -> Result<PolicyInfo> {
    todo!()
}
pub async fn rename(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    name: &Name,
) -> Result<PolicyInfo> {
    todo!()
}
/// `Conflict` while a live grant uses it.
pub async fn delete(db: &Db, scope: &Scope, id: PolicyId, revision: Option<i32>) -> Result<()> {
    todo!()
}
/// The next version; not published by itself.
pub async fn add_version(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    policy: &Policy,
    note: Option<&str>,
) -> Result<Version> {
    todo!()
}
pub async fn versions(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    page: PageRequest,
) -> Result<Page<Version>> {
    todo!()
}
pub async fn version(db: &Db, scope: &Scope, id: PolicyId, version: i32) -> Result<Version> {
    todo!()
}
/// Publishes an existing version, also an older one: that is the roll-back.
pub async fn publish(
    db: &Db,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    version: i32,
) -> Result<PolicyInfo> {
    todo!()
}
