//! Servers and their tool inventories.

use domain::{Name, Scope, ServerId, Slug, Tool, ToolClass, UserId};
use time::OffsetDateTime;

use crate::{Db, Page, PageRequest, Result};

#[derive(Debug, Clone)]
pub struct Server {
    pub id: ServerId,
    pub slug: Slug,
    pub name: Name,
    pub upstream_url: String,
    /// The catalogue entry it was made from.
    pub catalog: Option<Slug>,
    /// Which headers are sent upstream; names only, values are sealed.
    pub header_names: Vec<String>,
    pub credential_set_at: Option<OffsetDateTime>,
    pub credential_set_by: Option<UserId>,
    pub fail_open: bool,
    /// When discovery last succeeded, and what it found.
    pub discovered_at: Option<OffsetDateTime>,
    pub tool_count: i64,
    pub server_name: Option<String>,
    pub server_version: Option<String>,
    pub protocol_version: Option<String>,
    /// The sentence of the last failed discovery, gone after a good one.
    pub discovery_error: Option<String>,
    /// Raised by each edit; the API's ETag.
    pub revision: i32,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// A sealed set of header values, bound by its associated data to the server and its origin.
#[derive(Debug, Clone)]
pub struct SealedHeaders {
    pub names: Vec<String>,
    pub sealed: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct NewServer {
    pub id: ServerId,
    pub name: Name,
    pub slug: Slug,
    pub upstream_url: String,
    pub catalog: Option<Slug>,
    pub headers: Option<SealedHeaders>,
}

/// What an edit changes; `None` leaves a field as it is. Changing the URL's origin removes the
/// credential unless `headers` sets it again in the same edit (the caller decides by comparing
/// origins and says so in `headers: Some(None)`).
#[derive(Debug, Clone, Default)]
pub struct ServerEdit {
    pub name: Option<Name>,
    pub slug: Option<Slug>,
    pub upstream_url: Option<String>,
    pub headers: Option<Option<SealedHeaders>>,
    pub fail_open: Option<bool>,
}

/// What discovery found.
#[derive(Debug, Clone)]
pub struct Discovery {
    pub tools: Vec<Tool>,
    pub server_name: Option<String>,
    pub server_version: Option<String>,
    pub protocol_version: Option<String>,
}

/// A tool as the inventory holds it.
#[derive(Debug, Clone)]
pub struct InventoryTool {
    pub tool: Tool,
    /** Whether a member set the class. */
    pub class_set_by_member: bool,
    /** SHA-256 of the canonical definition, hex. */
    pub fingerprint: String,
    pub first_seen_at: OffsetDateTime,
}

/// What discovery needs to reach the upstream.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: ServerId,
    pub org: domain::OrgId,
    pub upstream_url: String,
    pub credential: Option<Vec<u8>>,
    pub catalog: Option<Slug>,
}

pub async fn create(db: &Db, scope: &Scope, new: NewServer) -> Result<Server> {
    todo!()
}
pub async fn list(db: &Db, scope: &Scope, page: PageRequest) -> Result<Page<Server>> {
    todo!()
}
pub async fn get(db: &Db, scope: &Scope, id: ServerId) -> Result<Server> {
    todo!()
}
/// `revision` is the one the caller read (`If-Match`); `Stale` where it is no longer current.
pub async fn update(
    db: &Db,
    scope: &Scope,
    id: ServerId,
    revision: Option<i32>,
    edit: ServerEdit,
) -> Result<Server> {
    todo!()
}
/// Deletes the server with its policies and grants; audit rows stay.
pub async fn delete(db: &Db, scope: &Scope, id: ServerId, revision: Option<i32>) -> Result<()> {
    todo!()
}
pub async fn target(db: &Db, scope: &Scope, id: ServerId) -> Result<Target> {
    todo!()
}
/// The same by id alone, for the background refresh that a gateway asks for (definer function).
pub async fn target_of(db: &Db, id: ServerId) -> Result<Option<Target>> {
    todo!()
}
/// Replaces the inventory; a class set by a member survives. No change, no new config version.
/// `scope` is `None` for the background refresh, which names the organisation instead.
pub async fn record_discovery(
    db: &Db,
    org: domain::OrgId,
    by: Option<&Scope>,
    id: ServerId,
    found: &Discovery,
) -> Result<()> {
    todo!()
}
pub async fn record_discovery_failure(
    db: &Db,
    org: domain::OrgId,
    id: ServerId,
    sentence: &str,
) -> Result<()> {
    todo!()
}
/// The whole inventory, by name; `None` where the server was never discovered.
pub async fn tools(db: &Db, scope: &Scope, id: ServerId) -> Result<Option<Vec<InventoryTool>>> {
    todo!()
}
pub async fn set_class(
    db: &Db,
    scope: &Scope,
    id: ServerId,
    tool: &str,
    class: ToolClass,
) -> Result<InventoryTool> {
    todo!()
}
