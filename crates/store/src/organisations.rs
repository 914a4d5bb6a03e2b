//! Organisations and who is in them.

use domain::{Name, OrgId, Role, Scope, Slug, UserId};
use time::OffsetDateTime;

use crate::{Db, Result};

/// One user's place in one organisation.
#[derive(Debug, Clone)]
pub struct Membership {
    pub org: OrgId,
    pub name: Name,
    pub slug: Slug,
    pub role: Role,
    pub auditor: bool,
}

#[derive(Debug, Clone)]
pub struct Organisation {
    pub id: OrgId,
    pub name: Name,
    pub slug: Slug,
    pub suspended_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
}

/// Makes an organisation with `user` as its owner, its admin event included. The slug is `slug`, or
/// the first free `slug-2`, `slug-3`, ….
pub async fn create(db: &Db, user: UserId, name: &Name, slug: &Slug) -> Result<Membership> {
    todo!()
}
pub async fn get(db: &Db, scope: &Scope) -> Result<Organisation> {
    todo!()
}
