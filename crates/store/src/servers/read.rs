//! Reading servers.

use domain::{OrgId, Scope, ServerId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Server, Target};
use crate::{
    Db, Page, PageRequest, Result, StoreError,
    text::{parse, parse_option},
};

/// The organisation's servers, newest first.
///
/// # Errors
/// Postgres failed.
pub async fn list(db: &Db, scope: &Scope, page: PageRequest) -> Result<Page<Server>> {
    let mut tx = db.begin(scope.org).await?;
    let servers = rows(&mut tx, scope.org, None, page.before(), page.fetch()).await?;
    tx.commit().await?;
    Ok(page.cut(servers, |server| server.id.uuid()))
}

/// One server.
///
/// # Errors
/// `NotFound` where it is not this organisation's.
pub async fn get(db: &Db, scope: &Scope, id: ServerId) -> Result<Server> {
    let mut tx = db.begin(scope.org).await?;
    let server = fetch(&mut tx, scope.org, id).await?;
    tx.commit().await?;
    Ok(server)
}

/// What discovery needs.
///
/// # Errors
/// `NotFound` where it is not this organisation's.
pub async fn target(db: &Db, scope: &Scope, id: ServerId) -> Result<Target> {
    let mut tx = db.begin(scope.org).await?;
    let row = sqlx::query_as!(
        TargetRow,
        r#"select id as "id!", org_id as "org_id!", upstream_url as "upstream_url!", credential,
                  catalog
           from servers where org_id = $1 and id = $2"#,
        scope.org.uuid(),
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    row.ok_or(StoreError::NotFound)?.try_into()
}

/// The same by id alone, for the background refresh that a gateway asks for (definer function).
///
/// # Errors
/// Postgres failed.
pub async fn target_of(db: &Db, id: ServerId) -> Result<Option<Target>> {
    sqlx::query_as!(
        TargetRow,
        r#"select id as "id!", org_id as "org_id!", upstream_url as "upstream_url!", credential,
                  catalog
           from server_target($1)"#,
        id.uuid(),
    )
    .fetch_optional(&db.pool)
    .await?
    .map(Target::try_from)
    .transpose()
}

struct TargetRow {
    id: Uuid,
    org_id: Uuid,
    upstream_url: String,
    credential: Option<Vec<u8>>,
    catalog: Option<String>,
}

impl TryFrom<TargetRow> for Target {
    type Error = StoreError;

    fn try_from(row: TargetRow) -> Result<Self> {
        let id = ServerId::from_uuid(row.id);
        Ok(Self {
            id,
            org: OrgId::from_uuid(row.org_id),
            upstream_url: row.upstream_url,
            credential: row.credential,
            catalog: parse_option("servers", id, row.catalog.as_deref())?,
        })
    }
}

pub(super) async fn fetch(tx: &mut PgConnection, org: OrgId, id: ServerId) -> Result<Server> {
    rows(tx, org, Some(id), Uuid::max(), 1)
        .await?
        .pop()
        .ok_or(StoreError::NotFound)
}

async fn rows(
    tx: &mut PgConnection,
    org: OrgId,
    one: Option<ServerId>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Server>> {
    let rows = sqlx::query!(
        r#"select s.id, s.slug, s.name, s.upstream_url, s.catalog, s.header_names,
                  s.credential_set_at, s.credential_set_by, s.fail_open, s.discovered_at,
                  s.server_name, s.server_version, s.protocol_version, s.discovery_error,
                  s.revision, s.created_at, s.updated_at,
                  (select count(*) from tools t
                   where t.org_id = s.org_id and t.server_id = s.id and t.gone_at is null
                  ) as "tool_count!"
           from servers s
           where s.org_id = $1 and ($2::uuid is null or s.id = $2) and s.id < $3
           order by s.id desc limit $4"#,
        org.uuid(),
        one.map(ServerId::uuid),
        before,
        limit,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = ServerId::from_uuid(row.id);
            Ok(Server {
                id,
                slug: parse("servers", id, &row.slug)?,
                name: parse("servers", id, &row.name)?,
                upstream_url: row.upstream_url,
                catalog: parse_option("servers", id, row.catalog.as_deref())?,
                header_names: row.header_names,
                credential_set_at: row.credential_set_at,
                credential_set_by: row.credential_set_by.map(UserId::from_uuid),
                fail_open: row.fail_open,
                discovered_at: row.discovered_at,
                tool_count: row.tool_count,
                server_name: row.server_name,
                server_version: row.server_version,
                protocol_version: row.protocol_version,
                discovery_error: row.discovery_error,
                revision: row.revision,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}
