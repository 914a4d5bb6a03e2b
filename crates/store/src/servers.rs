//! Servers and their tool inventories.

mod inventory;
mod read;

use domain::{Name, OrgId, Scope, ServerId, Slug, Tool, UserId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

pub use inventory::{record_discovery, record_discovery_failure, set_class, tools};
use read::fetch;
pub use read::{get, list, target, target_of};

use crate::{
    Db, Result, StoreError,
    admin_events::{Change, record},
    db::raise_config,
    text::{storable, storable_option, taken},
};

/// One upstream MCP endpoint, without its credential.
#[derive(Debug, Clone)]
pub struct Server {
    /// The server.
    pub id: ServerId,
    /// Its slug, unique in the organisation.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// Where it is.
    pub upstream_url: String,
    /// The catalogue entry it was made from.
    pub catalog: Option<Slug>,
    /// Which headers are sent upstream; names only, values are sealed.
    pub header_names: Vec<String>,
    /// When the header values were set.
    pub credential_set_at: Option<OffsetDateTime>,
    /// Who set them.
    pub credential_set_by: Option<UserId>,
    /// Whether calls go through when limits cannot be checked.
    pub fail_open: bool,
    /// When discovery last succeeded, and what it found.
    pub discovered_at: Option<OffsetDateTime>,
    /// How many tools it offers.
    pub tool_count: i64,
    /// The upstream's own name for itself. Untrusted text, like the next two.
    pub server_name: Option<String>,
    /// Its version.
    pub server_version: Option<String>,
    /// The protocol version it answered with.
    pub protocol_version: Option<String>,
    /// The sentence of the last failed discovery, gone after a good one.
    pub discovery_error: Option<String>,
    /// Raised by each edit; the API's ETag.
    pub revision: i32,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last edited.
    pub updated_at: OffsetDateTime,
}

/// A sealed set of header values, bound by its associated data to the server and its origin.
#[derive(Debug, Clone)]
pub struct SealedHeaders {
    /// The headers' names.
    pub names: Vec<String>,
    /// Their values, sealed as one.
    pub sealed: Vec<u8>,
}

/// A server to be registered. The caller makes the id, because the sealed headers are bound to it.
#[derive(Debug, Clone)]
pub struct NewServer {
    /// The server.
    pub id: ServerId,
    /// What people call it.
    pub name: Name,
    /// Its slug.
    pub slug: Slug,
    /// Where it is.
    pub upstream_url: String,
    /// The catalogue entry it is made from.
    pub catalog: Option<Slug>,
    /// What authenticates the organisation to it.
    pub headers: Option<SealedHeaders>,
}

/// What an edit changes; `None` leaves a field as it is. Changing the URL's origin removes the
/// credential unless `headers` sets it again in the same edit (the caller decides by comparing
/// origins and says so in `headers: Some(None)`).
#[derive(Debug, Clone, Default)]
pub struct ServerEdit {
    /// The name.
    pub name: Option<Name>,
    /// The slug.
    pub slug: Option<Slug>,
    /// The URL.
    pub upstream_url: Option<String>,
    /// The header values; `Some(None)` removes them.
    pub headers: Option<Option<SealedHeaders>>,
    /// Whether calls go through when limits cannot be checked.
    pub fail_open: Option<bool>,
}

/// What discovery found.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// The tools, with the class that the catalogue gives them.
    pub tools: Vec<Tool>,
    /// The upstream's own name for itself.
    pub server_name: Option<String>,
    /// Its version.
    pub server_version: Option<String>,
    /// The protocol version it answered with.
    pub protocol_version: Option<String>,
}

/// A tool as the inventory holds it.
#[derive(Debug, Clone)]
pub struct InventoryTool {
    /// The tool, with the class that is in force.
    pub tool: Tool,
    /// Whether a member set the class.
    pub class_set_by_member: bool,
    /// SHA-256 of the canonical definition, hex.
    pub fingerprint: String,
    /// When discovery first met it.
    pub first_seen_at: OffsetDateTime,
}

/// What discovery needs to reach the upstream.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server.
    pub id: ServerId,
    /// Its organisation.
    pub org: OrgId,
    /// Where it is.
    pub upstream_url: String,
    /// The sealed header values.
    pub credential: Option<Vec<u8>>,
    /// The catalogue entry it was made from.
    pub catalog: Option<Slug>,
}

/// Registers a server.
///
/// # Errors
/// `Taken { field: "slug" }` where another server has the slug, or had it within the last year.
pub async fn create(db: &Db, scope: &Scope, new: NewServer) -> Result<Server> {
    let mut tx = db.begin_change(scope.org).await?;
    claim_slug(&mut tx, scope.org, new.id, &new.slug).await?;
    let (names, sealed) = match new.headers {
        Some(headers) => (headers.names, Some(headers.sealed)),
        None => (Vec::new(), None),
    };
    sqlx::query!(
        "insert into servers (id, org_id, slug, name, upstream_url, catalog, header_names,
                              credential, credential_set_at, credential_set_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8,
                 case when $8::bytea is not null then now() end,
                 case when $8::bytea is not null then $9::uuid end)",
        new.id.uuid(),
        scope.org.uuid(),
        new.slug.as_str(),
        new.name.as_str(),
        storable(&new.upstream_url),
        new.catalog.as_ref().map(Slug::as_str),
        &names,
        sealed,
        scope.actor.user().uuid(),
    )
    .execute(&mut *tx)
    .await
    .map_err(|error| taken(error, "servers_slug_key", "slug"))?;
    let server = fetch(&mut tx, scope.org, new.id).await?;
    let change = Change {
        action: "server.create",
        target: server.id.to_string(),
        label: server.name.as_str(),
        before: None,
        after: Some(facts(&server)),
    };
    record(&mut tx, scope.org, Some(scope.actor), change).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(server)
}

/// Edits a server. `revision` is the one the caller read (`If-Match`).
///
/// # Errors
/// `NotFound`; `Stale` where the revision is no longer current; `Taken { field: "slug" }`.
pub async fn update(
    db: &Db,
    scope: &Scope,
    id: ServerId,
    revision: Option<i32>,
    edit: ServerEdit,
) -> Result<Server> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = fetch(&mut tx, scope.org, id).await?;
    current(revision, before.revision)?;
    if let Some(slug) = edit.slug.as_ref().filter(|slug| **slug != before.slug) {
        claim_slug(&mut tx, scope.org, id, slug).await?;
        release_slug(&mut tx, scope.org, id, &before.slug).await?;
    }
    let (sets_headers, names, sealed) = match edit.headers {
        None => (false, Vec::new(), None),
        Some(None) => (true, Vec::new(), None),
        Some(Some(headers)) => (true, headers.names, Some(headers.sealed)),
    };
    sqlx::query!(
        "update servers set
             name = coalesce($3, name),
             slug = coalesce($4, slug),
             upstream_url = coalesce($5, upstream_url),
             fail_open = coalesce($6, fail_open),
             header_names = case when $7 then $8 else header_names end,
             credential = case when $7 then $9 else credential end,
             credential_set_at = case when not $7 then credential_set_at
                                      when $9::bytea is not null then now() end,
             credential_set_by = case when not $7 then credential_set_by
                                      when $9::bytea is not null then $10::uuid end,
             revision = revision + 1,
             updated_at = now()
         where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
        edit.name.as_ref().map(Name::as_str),
        edit.slug.as_ref().map(Slug::as_str),
        storable_option(edit.upstream_url.as_deref()),
        edit.fail_open,
        sets_headers,
        &names,
        sealed,
        scope.actor.user().uuid(),
    )
    .execute(&mut *tx)
    .await
    .map_err(|error| taken(error, "servers_slug_key", "slug"))?;
    let after = fetch(&mut tx, scope.org, id).await?;
    let mut after_facts = facts(&after);
    after_facts["credential_replaced"] = sets_headers.into();
    let change = Change {
        action: "server.update",
        target: id.to_string(),
        label: after.name.as_str(),
        before: Some(facts(&before)),
        after: Some(after_facts),
    };
    record(&mut tx, scope.org, Some(scope.actor), change).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(after)
}

/// Deletes the server with its policies and grants; audit rows stay. Nobody gets its slug for a
/// year.
///
/// # Errors
/// `NotFound`; `Stale` where the revision is no longer current.
pub async fn delete(db: &Db, scope: &Scope, id: ServerId, revision: Option<i32>) -> Result<()> {
    let mut tx = db.begin_change(scope.org).await?;
    let before = fetch(&mut tx, scope.org, id).await?;
    current(revision, before.revision)?;
    release_slug(&mut tx, scope.org, id, &before.slug).await?;
    sqlx::query!(
        "delete from servers where org_id = $1 and id = $2",
        scope.org.uuid(),
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    let change = Change {
        action: "server.delete",
        target: id.to_string(),
        label: before.name.as_str(),
        before: Some(facts(&before)),
        after: None,
    };
    record(&mut tx, scope.org, Some(scope.actor), change).await?;
    raise_config(&mut tx, scope.org).await?;
    tx.commit().await?;
    Ok(())
}

/// Refuses a change on top of something the caller has not seen.
pub(crate) fn current(read: Option<i32>, now: i32) -> Result<()> {
    match read {
        Some(read) if read != now => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

async fn claim_slug(tx: &mut PgConnection, org: OrgId, id: ServerId, slug: &Slug) -> Result<()> {
    sqlx::query_scalar!(
        "insert into server_slugs as s (org_id, slug, held_by) values ($1, $2, $3)
         on conflict (org_id, slug) do update set held_by = excluded.held_by, released_at = null
             where s.held_by = excluded.held_by or s.released_at < now() - interval '1 year'
         returning slug",
        org.uuid(),
        slug.as_str(),
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?
    .map(|_| ())
    .ok_or(StoreError::Taken { field: "slug" })
}

async fn release_slug(tx: &mut PgConnection, org: OrgId, id: ServerId, slug: &Slug) -> Result<()> {
    sqlx::query!(
        "update server_slugs set released_at = now()
         where org_id = $1 and slug = $2 and held_by = $3",
        org.uuid(),
        slug.as_str(),
        id.uuid(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A server for an admin event. A URL's query can hold a secret, so it stays out.
fn facts(server: &Server) -> Value {
    let url = server.upstream_url.split(['?', '#']).next();
    json!({
        "name": server.name,
        "slug": server.slug,
        "upstream_url": url,
        "catalog": server.catalog,
        "header_names": server.header_names,
        "fail_open": server.fail_open,
    })
}
