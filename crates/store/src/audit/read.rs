//! Reading the audit log.

use domain::{
    EventId, GrantId, OrgId, PolicyId, Scope, ServerId,
    audit::{Code, Decision, Outcome, Settlement},
};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{AuditEvent, Bin, Filter, time_of};
use crate::{
    Db, Page, PageRequest, Result, StoreError,
    text::{corrupt, parse, storable_option},
};

/// Newest first.
///
/// # Errors
/// Postgres failed, or a row does not parse.
pub async fn list(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    page: PageRequest,
) -> Result<Page<AuditEvent>> {
    let mut tx = begin(db, scope.org).await?;
    let before = filter.to.map_or(Uuid::max(), floor).min(page.before());
    let events = rows(&mut tx, scope.org, None, filter, before, page.fetch()).await?;
    tx.commit().await?;
    Ok(page.cut(events, |event| event.decision.id.uuid()))
}

/// One event.
///
/// # Errors
/// `NotFound` where it is not this organisation's.
pub async fn get(db: &Db, scope: &Scope, id: EventId) -> Result<AuditEvent> {
    let mut tx = begin(db, scope.org).await?;
    let event = rows(
        &mut tx,
        scope.org,
        Some(id),
        &Filter::default(),
        Uuid::max(),
        1,
    )
    .await?
    .pop();
    tx.commit().await?;
    event.ok_or(StoreError::NotFound)
}

/// `bins` equal bins between `from` and `to`. The filter's own times narrow them further.
///
/// # Errors
/// Postgres failed.
pub async fn histogram(
    db: &Db,
    scope: &Scope,
    filter: &Filter,
    from: OffsetDateTime,
    to: OffsetDateTime,
    bins: u16,
) -> Result<Vec<Bin>> {
    let edges = edges(from, to, bins);
    let bounds: Vec<Uuid> = edges.iter().copied().map(floor).collect();
    let mut tx = begin(db, scope.org).await?;
    let rows = sqlx::query!(
        r#"select coalesce(b.allowed, 0) as "allowed!", coalesce(b.refused, 0) as "refused!",
                  coalesce(b.limited, 0) as "limited!", coalesce(b.waiting, 0) as "waiting!"
           from unnest($2::uuid[], $3::uuid[]) with ordinality as bin (low, high, i)
           cross join lateral (
               select count(*) filter (where e.outcome = 'allow') as allowed,
                      count(*) filter (where e.outcome = 'deny' and not e.code = any($4))
                          as refused,
                      count(*) filter (where e.outcome = 'deny' and e.code = any($4)) as limited,
                      count(*) filter (where e.outcome = 'approval') as waiting
               from audit_events e
               where e.org_id = $1 and e.id >= bin.low and e.id < bin.high
                   and e.id >= $5 and e.id < $6
                   and ($7::uuid is null or e.server_id = $7)
                   and ($8::uuid is null or e.grant_id = $8)
                   and ($9::text is null or e.identity = $9)
                   and ($10::text is null or e.tool = $10)
                   and ($11::text is null or e.outcome = $11)
                   and ($12::text is null or e.code = $12)
                   and ($13::text is null
                        or position(lower($13) in lower(coalesce(e.tool, ''))) > 0
                        or position(lower($13) in lower(e.grant_label)) > 0
                        or position(lower($13) in lower(e.server_name)) > 0
                        or position(lower($13) in lower(e.message)) > 0)
                   and ($14::text is null or e.method = $14)
                   and (not $15::boolean or e.shadow is not null)
           ) b
           order by bin.i"#,
        scope.org.uuid(),
        &bounds[..usize::from(bins)],
        &bounds[1..],
        &limiting(),
        filter.from.map_or(Uuid::nil(), floor),
        filter.to.map_or(Uuid::max(), floor),
        filter.server.map(ServerId::uuid),
        filter.grant.map(GrantId::uuid),
        storable_option(filter.identity.as_deref()),
        storable_option(filter.tool.as_deref()),
        filter.outcome.map(Outcome::as_str),
        filter.code.map(Code::as_str),
        storable_option(filter.q.as_deref()),
        storable_option(filter.method.as_deref()),
        filter.shadow,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(edges
        .into_iter()
        .zip(rows)
        .map(|(from, row)| Bin {
            from,
            allowed: row.allowed,
            refused: row.refused,
            limited: row.limited,
            waiting: row.waiting,
        })
        .collect())
}

/// Where `bins` equal bins begin, and the end of the last.
pub(super) fn edges(from: OffsetDateTime, to: OffsetDateTime, bins: u16) -> Vec<OffsetDateTime> {
    (0..=bins)
        // In whole numbers, so that no edge lies beyond the last, which may be the end of time.
        .map(|i| from + (to - from) * i / bins.max(1))
        .collect()
}

/// The reasons that say "too often" and not "no".
fn limiting() -> Vec<String> {
    [
        Code::RateLimited,
        Code::TooManyInFlight,
        Code::TooManyRequests,
    ]
    .map(|code| code.as_str().to_owned())
    .into()
}

/// A transaction whose queries are planned for their parameters: which index serves a list depends
/// on which filters are set, and only the months that the bounds name are opened.
pub(super) async fn begin(db: &Db, org: OrgId) -> Result<crate::db::Tx> {
    let mut tx = db.begin(org).await?;
    sqlx::query_scalar!("select set_config('plan_cache_mode', 'force_custom_plan', true)")
        .fetch_one(&mut *tx)
        .await?;
    Ok(tx)
}

/// The smallest id that an event at this moment or later can have.
pub(super) fn floor(at: OffsetDateTime) -> Uuid {
    const MAX: i128 = (1 << 48) - 1;
    let ms = (at.unix_timestamp_nanos().div_euclid(1_000_000)).clamp(0, MAX);
    Uuid::from_u128(u128::try_from(ms).unwrap_or(0) << 80)
}

/// The page is cut first, and each of its events looks its outcome up by the key; left to itself,
/// the planner may read a whole month of outcomes where its statistics are old.
async fn rows(
    tx: &mut PgConnection,
    org: OrgId,
    one: Option<EventId>,
    filter: &Filter,
    before: Uuid,
    limit: i64,
) -> Result<Vec<AuditEvent>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select e.id, e.server_id, e.server_name, e.grant_id, e.grant_label, e.identity,
                  e.policy_id, e.policy_name, e.policy_version, e.method, e.tool, e.outcome,
                  e.code, e.rule, e.message, e.charges, e.shadow, e.retry_after_ms, e.failed_open,
                  e.client, host(e.address) as address, e.request_bytes, e.decided_us,
                  e.snapshot_age_ms, coalesce(e.settled, o.settled) as settled,
                  case when e.settled is null then o.status else e.status end as status,
                  coalesce(e.upstream_us, o.upstream_us) as upstream_us,
                  coalesce(e.response_bytes, o.response_bytes) as response_bytes,
                  coalesce(e.given_back, o.given_back) as given_back
           from (
               select * from audit_events a
               where a.org_id = $1 and a.id < $2 and a.id >= $3
                   and ($4::uuid is null or a.id = $4)
                   and ($5::uuid is null or a.server_id = $5)
                   and ($6::uuid is null or a.grant_id = $6)
                   and ($7::text is null or a.identity = $7)
                   and ($8::text is null or a.tool = $8)
                   and ($9::text is null or a.outcome = $9)
                   and ($10::text is null or a.code = $10)
                   and ($11::text is null
                        or position(lower($11) in lower(coalesce(a.tool, ''))) > 0
                        or position(lower($11) in lower(a.grant_label)) > 0
                        or position(lower($11) in lower(a.server_name)) > 0
                        or position(lower($11) in lower(a.message)) > 0)
                   and ($13::text is null or a.method = $13)
                   and (not $14::boolean or a.shadow is not null)
               order by a.id desc limit $12
           ) e
           left join lateral (
               select * from audit_outcomes o
               where o.id = e.id and o.org_id = e.org_id limit 1
           ) o on true
           order by e.id desc"#,
        org.uuid(),
        before,
        filter.from.map_or(Uuid::nil(), floor),
        one.map(EventId::uuid),
        filter.server.map(ServerId::uuid),
        filter.grant.map(GrantId::uuid),
        storable_option(filter.identity.as_deref()),
        storable_option(filter.tool.as_deref()),
        filter.outcome.map(Outcome::as_str),
        filter.code.map(Code::as_str),
        storable_option(filter.q.as_deref()),
        limit,
        storable_option(filter.method.as_deref()),
        filter.shadow,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(|row| row.read(org)).collect()
}

struct Row {
    id: Uuid,
    server_id: Uuid,
    server_name: String,
    grant_id: Uuid,
    grant_label: String,
    identity: Option<String>,
    policy_id: Option<Uuid>,
    policy_name: Option<String>,
    policy_version: Option<i32>,
    method: String,
    tool: Option<String>,
    outcome: String,
    code: String,
    rule: Option<String>,
    message: String,
    charges: Value,
    shadow: Option<Value>,
    retry_after_ms: Option<i64>,
    failed_open: bool,
    client: Option<String>,
    address: Option<String>,
    request_bytes: i64,
    decided_us: i64,
    snapshot_age_ms: i64,
    settled: Option<String>,
    status: Option<i32>,
    upstream_us: Option<i64>,
    response_bytes: Option<i64>,
    given_back: Option<bool>,
}

impl Row {
    fn read(self, org: OrgId) -> Result<AuditEvent> {
        let id = EventId::from_uuid(self.id);
        let settlement = match self.settled {
            Some(settled) => Some(Settlement {
                id,
                org,
                settled: parse("audit_outcomes", id, &settled)?,
                status: self.status.and_then(|status| u16::try_from(status).ok()),
                upstream_us: self.upstream_us.map_or(0, i64::unsigned_abs),
                response_bytes: self.response_bytes.map_or(0, i64::unsigned_abs),
                given_back: self.given_back.unwrap_or(false),
            }),
            None => None,
        };
        let decision = Decision {
            id,
            org,
            server: ServerId::from_uuid(self.server_id),
            server_name: self.server_name,
            grant: GrantId::from_uuid(self.grant_id),
            grant_label: self.grant_label,
            identity: self.identity,
            policy: self.policy_id.map(PolicyId::from_uuid),
            policy_name: self.policy_name,
            policy_version: self.policy_version,
            method: self.method,
            tool: self.tool,
            outcome: parse("audit_events", id, &self.outcome)?,
            code: parse("audit_events", id, &self.code)?,
            rule: self.rule,
            message: self.message,
            charges: serde_json::from_value(self.charges)
                .map_err(|error| corrupt("audit_events", id, error))?,
            shadow: self
                .shadow
                .map_or(Ok(Vec::new()), serde_json::from_value)
                .map_err(|error| corrupt("audit_events", id, error))?,
            retry_after_ms: self.retry_after_ms.map(i64::unsigned_abs),
            failed_open: self.failed_open,
            client: self.client,
            address: self.address.and_then(|address| address.parse().ok()),
            request_bytes: self.request_bytes.unsigned_abs(),
            decided_us: self.decided_us.unsigned_abs(),
            snapshot_age_ms: self.snapshot_age_ms.unsigned_abs(),
        };
        Ok(AuditEvent {
            at: time_of(id),
            decision,
            settlement,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moments_floor_stands_before_its_ids() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_764_547_200_123 * 1_000_000)
            .expect("in range");
        assert_eq!(
            floor(at).to_string(),
            "019ad735-847b-0000-0000-000000000000"
        );
        assert_eq!(time_of(EventId::from_uuid(floor(at))), at);
        assert_eq!(
            floor(OffsetDateTime::UNIX_EPOCH - time::Duration::DAY),
            Uuid::nil()
        );
    }
}
