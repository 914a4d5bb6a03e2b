//! Appending to the audit log.

use std::collections::HashMap;

use domain::{
    EventId, PolicyId,
    audit::{Charge, Decision, Record, Settlement, Shadow},
};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{Db, Result, text::storable as text};

/// The longest tool name that an event keeps, in bytes: it is indexed, and Postgres refuses a longer
/// key than about 2,700 bytes, which would stop everything behind the event.
const TOOL_BYTES_MAX: usize = 1_024;

/// Inserts a batch, idempotently by event id: one row where the outcome is known within the batch,
/// else a decision row, and later a row in the outcomes table. Never updates anything. `db` is the
/// gateway's.
///
/// An event whose month has no partition goes to the default partition, and none is refused for its
/// content.
///
/// # Errors
/// Postgres failed; then nothing of the batch is stored, and it can be inserted again.
pub async fn insert(db: &Db, batch: &[Record]) -> Result<()> {
    let mut settled: HashMap<EventId, &Settlement> = HashMap::new();
    let mut decided: HashMap<EventId, &Decision> = HashMap::new();
    for record in batch {
        match record {
            Record::Decided(decision) => {
                decided.entry(decision.id).or_insert(decision);
            }
            Record::Settled(settlement) => {
                settled.entry(settlement.id).or_insert(settlement);
            }
        }
    }
    let rows: Vec<Row<'_>> = decided
        .values()
        .map(|decision| (*decision, settled.get(&decision.id).copied()))
        .collect();
    let mut alone: Vec<&Settlement> = settled
        .values()
        .filter(|settlement| !decided.contains_key(&settlement.id))
        .copied()
        .collect();

    let mut tx = db.pool.begin().await?;
    if !rows.is_empty() {
        let inserted = insert_events(&mut tx, &rows).await?;
        if inserted < rows.len() as u64 {
            // Some decisions were here before, perhaps without their outcome: this batch was cut
            // otherwise when it was first sent. The role cannot look which, so all outcomes go to
            // the outcomes table too, and a reader takes the event's own first.
            alone.extend(rows.iter().filter_map(|(_, settlement)| *settlement));
        }
    }
    if !alone.is_empty() {
        insert_outcomes(&mut tx, &alone).await?;
    }
    tx.commit().await?;
    Ok(())
}

type Row<'a> = (&'a Decision, Option<&'a Settlement>);

/// One array per column. `on conflict` names no column, because that would take the privilege to
/// read it.
async fn insert_events(tx: &mut PgConnection, rows: &[Row<'_>]) -> Result<u64> {
    let done = sqlx::query!(
        "insert into audit_events (
             id, org_id, server_id, server_name, grant_id, grant_label, identity, policy_id,
             policy_name, policy_version, method, tool, outcome, code, rule, message, charges, shadow,
             retry_after_ms, failed_open, client, address, request_bytes, decided_us,
             snapshot_age_ms, settled, status, upstream_us, response_bytes, given_back)
         select
             id, org_id, server_id, server_name, grant_id, grant_label, identity, policy_id,
             policy_name, policy_version, method, tool, outcome, code, rule, message, charges, shadow,
             retry_after_ms, failed_open, client, address::inet, request_bytes, decided_us,
             snapshot_age_ms, settled, status, upstream_us, response_bytes, given_back
         from unnest(
             $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[],
             $8::uuid[], $9::text[], $10::integer[], $11::text[], $12::text[], $13::text[],
             $14::text[], $15::text[], $16::text[], $17::jsonb[], $18::jsonb[], $19::bigint[],
             $20::boolean[], $21::text[], $22::text[], $23::bigint[], $24::bigint[], $25::bigint[],
             $26::text[], $27::integer[], $28::bigint[], $29::bigint[], $30::boolean[]
         ) as row (
             id, org_id, server_id, server_name, grant_id, grant_label, identity, policy_id,
             policy_name, policy_version, method, tool, outcome, code, rule, message, charges, shadow,
             retry_after_ms, failed_open, client, address, request_bytes, decided_us,
             snapshot_age_ms, settled, status, upstream_us, response_bytes, given_back)
         on conflict do nothing",
        &column(rows, |d, _| d.id.uuid()),
        &column(rows, |d, _| d.org.uuid()),
        &column(rows, |d, _| d.server.uuid()),
        &column(rows, |d, _| text(&d.server_name)),
        &column(rows, |d, _| d.grant.uuid()),
        &column(rows, |d, _| text(&d.grant_label)),
        &column(rows, |d, _| d.identity.as_deref().map(text)) as &[Option<String>],
        &column(rows, |d, _| d.policy.map(PolicyId::uuid)) as &[Option<uuid::Uuid>],
        &column(rows, |d, _| d.policy_name.as_deref().map(text)) as &[Option<String>],
        &column(rows, |d, _| d.policy_version) as &[Option<i32>],
        &column(rows, |d, _| text(&d.method)),
        &column(rows, |d, _| d.tool.as_deref().map(tool)) as &[Option<String>],
        &column(rows, |d, _| d.outcome.as_str().to_owned()),
        &column(rows, |d, _| d.code.as_str().to_owned()),
        &column(rows, |d, _| d.rule.as_deref().map(text)) as &[Option<String>],
        &column(rows, |d, _| text(&d.message)),
        &column(rows, |d, _| charges(&d.charges)),
        &column(rows, |d, _| shadow(&d.shadow)) as &[Option<Value>],
        &column(rows, |d, _| d.retry_after_ms.map(bigint)) as &[Option<i64>],
        &column(rows, |d, _| d.failed_open),
        &column(rows, |d, _| d.client.as_deref().map(text)) as &[Option<String>],
        &column(rows, |d, _| d.address.map(|address| address.to_string())) as &[Option<String>],
        &column(rows, |d, _| bigint(d.request_bytes)),
        &column(rows, |d, _| bigint(d.decided_us)),
        &column(rows, |d, _| bigint(d.snapshot_age_ms)),
        &column(rows, |_, s| s.map(|s| s.settled.as_str().to_owned())) as &[Option<String>],
        &column(rows, |_, s| s.and_then(|s| s.status).map(i32::from)) as &[Option<i32>],
        &column(rows, |_, s| s.map(|s| bigint(s.upstream_us))) as &[Option<i64>],
        &column(rows, |_, s| s.map(|s| bigint(s.response_bytes))) as &[Option<i64>],
        &column(rows, |_, s| s.map(|s| s.given_back)) as &[Option<bool>],
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

async fn insert_outcomes(tx: &mut PgConnection, settlements: &[&Settlement]) -> Result<()> {
    fn column<T>(settlements: &[&Settlement], value: impl Fn(&Settlement) -> T) -> Vec<T> {
        settlements
            .iter()
            .map(|settlement| value(settlement))
            .collect()
    }
    sqlx::query!(
        "insert into audit_outcomes (id, org_id, settled, status, upstream_us, response_bytes,
                                     given_back)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[],
                              $6::bigint[], $7::boolean[])
         on conflict do nothing",
        &column(settlements, |s| s.id.uuid()),
        &column(settlements, |s| s.org.uuid()),
        &column(settlements, |s| s.settled.as_str().to_owned()),
        &column(settlements, |s| s.status.map(i32::from)) as &[Option<i32>],
        &column(settlements, |s| bigint(s.upstream_us)),
        &column(settlements, |s| bigint(s.response_bytes)),
        &column(settlements, |s| s.given_back),
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn column<T>(rows: &[Row<'_>], value: impl Fn(&Decision, Option<&Settlement>) -> T) -> Vec<T> {
    rows.iter()
        .map(|(decision, settlement)| value(decision, *settlement))
        .collect()
}

fn tool(name: &str) -> String {
    let mut name = text(name);
    name.truncate(name.floor_char_boundary(TOOL_BYTES_MAX));
    name
}

/// A count as Postgres can hold it. One beyond 2^63 is no count of anything.
fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn charges(charges: &[Charge]) -> Value {
    charges
        .iter()
        .map(|charge| {
            serde_json::json!({
                "counter": text(&charge.counter),
                "rule": text(&charge.rule),
                "cost": charge.cost,
                "max": charge.max,
                "left": charge.left,
                "window_ms": charge.window_ms,
            })
        })
        .collect()
}

/// Null where there is none, so that the row is not in the index of those that have.
fn shadow(shadow: &[Shadow]) -> Option<Value> {
    (!shadow.is_empty()).then(|| {
        shadow
            .iter()
            .map(|hit| serde_json::json!({ "code": hit.code, "rule": text(&hit.rule) }))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_tool_name_is_cut_between_characters() {
        let cut = tool(&"é".repeat(TOOL_BYTES_MAX));
        assert_eq!(cut.len(), TOOL_BYTES_MAX);
        let cut = tool(&format!("a{}", "é".repeat(TOOL_BYTES_MAX)));
        assert_eq!(cut.len(), TOOL_BYTES_MAX - 1);
        assert_eq!(tool("a\0b"), "a\u{FFFD}b");
    }
}
