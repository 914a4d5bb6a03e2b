//! Reading grants, with their last use out of the audit log.

use domain::{EventId, GrantId, OrgId, PolicyId, Scope, ServerId, UserId};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Grant, GrantState};
use crate::{
    Db, Page, PageRequest, Result, StoreError,
    audit::time_of,
    text::{corrupt, parse, parse_option},
};

/// All grants of the organisation, or of one server, newest first, revoked ones included.
///
/// # Errors
/// `NotFound` where the server is not this organisation's.
pub async fn list(
    db: &Db,
    scope: &Scope,
    server: Option<ServerId>,
    page: PageRequest,
) -> Result<Page<Grant>> {
    let mut tx = db.begin(scope.org).await?;
    if let Some(server) = server {
        sqlx::query_scalar!(
            "select id from servers where org_id = $1 and id = $2",
            scope.org.uuid(),
            server.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::NotFound)?;
    }
    let grants = rows(
        &mut tx,
        scope.org,
        None,
        server,
        page.before(),
        page.fetch(),
    )
    .await?;
    tx.commit().await?;
    Ok(page.cut(grants, |grant| grant.id.uuid()))
}

/// One grant.
///
/// # Errors
/// `NotFound` where it is not this organisation's.
pub async fn get(db: &Db, scope: &Scope, id: GrantId) -> Result<Grant> {
    let mut tx = db.begin(scope.org).await?;
    let grant = fetch(&mut tx, scope.org, id).await?;
    tx.commit().await?;
    Ok(grant)
}

pub(super) async fn fetch(tx: &mut PgConnection, org: OrgId, id: GrantId) -> Result<Grant> {
    rows(tx, org, Some(id), None, Uuid::max(), 1)
        .await?
        .pop()
        .ok_or(StoreError::NotFound)
}

/// The page is cut before the audit log is looked at, so each row costs two index look-ups there.
async fn rows(
    tx: &mut PgConnection,
    org: OrgId,
    one: Option<GrantId>,
    server: Option<ServerId>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Grant>> {
    let rows = sqlx::query!(
        r#"select g.id, g.server_id, s.name as server_name, g.label, g.identity, g.labels,
                  g.policy_id, p.name as "policy_name?", g.kid, g.token_version, g.issued_at,
                  g.expires_at, g.paused_at, g.revoked_at, g.created_by, g.revision, g.created_at,
                  coalesce(g.expires_at <= now(), false) as "expired!",
                  latest.id as "last_event?", latest.client as "last_client?",
                  coalesce(day.calls, 0) as "calls!", coalesce(day.refusals, 0) as "refusals!"
           from (
               select * from grants
               where org_id = $1 and ($2::uuid is null or id = $2)
                   and ($3::uuid is null or server_id = $3) and id < $4
               order by id desc limit $5
           ) g
           join servers s on s.org_id = g.org_id and s.id = g.server_id
           left join policies p on p.org_id = g.org_id and p.id = g.policy_id
           left join lateral (
               select a.id, a.client from audit_events a
               where a.org_id = g.org_id and a.grant_id = g.id
               order by a.id desc limit 1
           ) latest on true
           left join lateral (
               select count(*) filter (where a.method = 'tools/call') as calls,
                      count(*) filter (
                          where a.method = 'tools/call' and a.outcome = 'deny'
                      ) as refusals
               from audit_events a
               where a.org_id = g.org_id and a.grant_id = g.id
                   and a.id >= uuid_floor(now() - interval '24 hours')
           ) day on true
           order by g.id desc"#,
        org.uuid(),
        one.map(GrantId::uuid),
        server.map(ServerId::uuid),
        before,
        limit,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = GrantId::from_uuid(row.id);
            Ok(Grant {
                id,
                server: ServerId::from_uuid(row.server_id),
                server_name: row.server_name,
                label: parse("grants", id, &row.label)?,
                identity: parse_option("grants", id, row.identity.as_deref())?,
                labels: labels(id, row.labels)?,
                policy: row.policy_id.map(PolicyId::from_uuid),
                policy_name: row.policy_name,
                kid: row.kid,
                token_version: row.token_version,
                issued_at: row.issued_at,
                expires_at: row.expires_at,
                paused_at: row.paused_at,
                revoked_at: row.revoked_at,
                state: state(row.revoked_at, row.expired, row.paused_at),
                created_by: row.created_by.map(UserId::from_uuid),
                revision: row.revision,
                created_at: row.created_at,
                last_used_at: row.last_event.map(|id| time_of(EventId::from_uuid(id))),
                last_client: row.last_client,
                calls_24h: row.calls,
                refusals_24h: row.refusals,
            })
        })
        .collect()
}

fn state(
    revoked_at: Option<OffsetDateTime>,
    expired: bool,
    paused_at: Option<OffsetDateTime>,
) -> GrantState {
    if revoked_at.is_some() {
        GrantState::Revoked
    } else if expired {
        GrantState::Expired
    } else if paused_at.is_some() {
        GrantState::Paused
    } else {
        GrantState::Active
    }
}

/// The labels out of their column, sorted by key.
pub(crate) fn labels(id: GrantId, column: Value) -> Result<Vec<(String, String)>> {
    let Value::Object(members) = column else {
        return Err(corrupt("grants", id, "labels are not an object"));
    };
    let mut labels = members
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(value) => Ok((key, value)),
            _ => Err(corrupt("grants", id, "a label is not text")),
        })
        .collect::<Result<Vec<_>>>()?;
    labels.sort_unstable();
    Ok(labels)
}
