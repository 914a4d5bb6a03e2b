//! What a policy's shadow rules would have done.

use domain::{EventId, PolicyId, Scope, audit::Code};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    read::{begin, edges, floor},
    time_of,
};
use crate::{Db, Result, text::parse};

/// The most calls that are looked through: of more, the newest. A rule that fires on every call
/// would else be counted for minutes.
const CALLS_MAX: i64 = 100_000;

/// What the shadow rules of one policy would have done to the calls of a time.
#[derive(Debug, Clone)]
pub struct ShadowHits {
    /// Where counting began: as asked, or later where there were more calls than are looked through.
    pub from: OffsetDateTime,
    /// Each rule that would have done anything, in the order of their pointers.
    pub rules: Vec<ShadowRule>,
}

/// What one shadow rule would have done.
#[derive(Debug, Clone)]
pub struct ShadowRule {
    /// The rule's pointer in the policy's versions of that time; what stands there may have changed
    /// between them.
    pub rule: String,
    /// What it would have refused with.
    pub code: Code,
    /// How many calls it would have refused or held.
    pub total: i64,
    /// How many grants made those calls.
    pub grants: i64,
    /// The calls by time, in equal bins, oldest first.
    pub bins: Vec<i64>,
    /// The newest of the calls.
    pub last: EventId,
    /// When that was.
    pub last_at: OffsetDateTime,
    /// The policy's version then.
    pub last_version: Option<i32>,
}

/// Counts what each shadow rule of a policy, in any of its versions, would have done between `from`
/// and `to`, in `bins` equal bins. A policy that is not this organisation's has nothing to count.
///
/// # Errors
/// Postgres failed, or a row does not parse.
pub async fn shadow(
    db: &Db,
    scope: &Scope,
    policy: PolicyId,
    from: OffsetDateTime,
    to: OffsetDateTime,
    bins: u16,
) -> Result<ShadowHits> {
    let bounds: Vec<Uuid> = edges(from, to, bins).into_iter().map(floor).collect();
    let mut tx = begin(db, scope.org).await?;
    let cut = sqlx::query_scalar!(
        "select id from audit_events
         where org_id = $1 and policy_id = $2 and id >= $3 and id < $4 and shadow is not null
         order by id desc offset $5 limit 1",
        scope.org.uuid(),
        policy.uuid(),
        floor(from),
        floor(to),
        CALLS_MAX,
    )
    .fetch_optional(&mut *tx)
    .await?;
    // A row a rule and bin, and before those one with the rule's sums, whose bin is null.
    let rows = sqlx::query!(
        r#"select h.rule as "rule!", h.code as "code!",
                  width_bucket(e.id, $5::uuid[]) as bin,
                  count(*) as "calls!", count(distinct e.grant_id) as "grants!",
                  (max(e.id::text collate "C"))::uuid as "last!",
                  (array_agg(e.policy_version order by e.id desc))[1] as version
           from audit_events e
           cross join lateral jsonb_to_recordset(e.shadow) as h (code text, rule text)
           where e.org_id = $1 and e.policy_id = $2 and e.id >= $3 and e.id < $4
               and e.id > $6 and e.shadow is not null
           group by grouping sets ((1, 2), (1, 2, 3))
           order by 1, 2, 3 nulls first"#,
        scope.org.uuid(),
        policy.uuid(),
        floor(from),
        floor(to),
        &bounds,
        cut.unwrap_or_default(),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;

    let mut rules: Vec<ShadowRule> = Vec::new();
    for row in rows {
        let Some(bin) = row.bin else {
            let last = EventId::from_uuid(row.last);
            rules.push(ShadowRule {
                code: parse("audit_events", last, &row.code)?,
                rule: row.rule,
                total: row.calls,
                grants: row.grants,
                bins: vec![0; usize::from(bins)],
                last,
                last_at: time_of(last),
                last_version: row.version,
            });
            continue;
        };
        let bin = usize::try_from(bin - 1).ok();
        if let (Some(bin), Some(rule)) = (bin, rules.last_mut())
            && let Some(count) = rule.bins.get_mut(bin)
        {
            *count = row.calls;
        }
    }
    let cut = cut.map(|id| time_of(EventId::from_uuid(id)));
    Ok(ShadowHits {
        from: cut.map_or(from, |cut| cut.max(from)),
        rules,
    })
}
