//! What shadow rules would have done, as it was recorded and as it is counted.

use domain::{
    GrantId, PolicyId,
    audit::{Code, Decision, Outcome, Shadow},
};
use store::audit;
use time::{Duration, OffsetDateTime};

use crate::{
    audit::Log,
    support::{decided, decision, id_at, now, run},
};

const RATE: &str = "/tools/build/limits/tried";
const CHECK: &str = "/all_tools/deny_if/0";

fn hit(code: Code, rule: &str) -> Shadow {
    Shadow {
        code,
        rule: rule.into(),
    }
}

impl Log {
    fn hit_at(&self, policy: PolicyId, at: OffsetDateTime, n: u64, shadow: &[Shadow]) -> Decision {
        let mut event = self.event();
        event.id = id_at(at, n);
        event.policy = Some(policy);
        event.shadow = shadow.to_vec();
        event
    }

    async fn shadow(&self, policy: PolicyId, from: OffsetDateTime, bins: u16) -> audit::ShadowHits {
        let (db, to) = (&self.db.console, from + Duration::HOUR);
        audit::shadow(db, &self.scope, policy, from, to, bins)
            .await
            .expect("counts")
    }
}

#[tokio::test]
async fn what_shadow_would_have_done_is_read_back() {
    let log = Log::new().await;
    let mut event = log.event();
    event.shadow = vec![
        hit(Code::RequireFailed, "/tools/a~1b/require/0"),
        hit(Code::ApprovalRequired, "/tools/\0/approval"),
    ];
    let plain = log.event();
    log.insert(&[decided(&event), decided(&plain)]).await;
    event.shadow[1].rule = "/tools/\u{FFFD}/approval".into();
    assert_eq!(log.get(event.id).await.decision, event);
    assert_eq!(log.get(plain.id).await.decision, plain);
    // A plain call is not in the index of those with something to tell.
    let marked: i64 = log
        .db
        .value("select count(*) from audit_events where shadow is not null")
        .await;
    assert_eq!(marked, 1);
}

#[tokio::test]
async fn each_rule_is_counted_by_time_and_grant() {
    let log = Log::new().await;
    let start = now() - Duration::HOUR;
    let (policy, other) = (PolicyId::generate(), PolicyId::generate());
    let (check, rate) = (hit(Code::DenyIf, CHECK), hit(Code::RateLimited, RATE));
    let at = |minutes: i64| start + Duration::minutes(minutes);
    let mut events = vec![
        log.hit_at(policy, at(0), 1, std::slice::from_ref(&check)),
        log.hit_at(policy, at(14), 2, &[check.clone(), rate.clone()]),
        log.hit_at(policy, at(15), 3, std::slice::from_ref(&rate)),
        log.hit_at(policy, at(59), 4, std::slice::from_ref(&rate)),
        log.hit_at(policy, at(20), 5, &[]),
        // Outside, on either side.
        log.hit_at(
            policy,
            start - Duration::MILLISECOND,
            6,
            std::slice::from_ref(&check),
        ),
        log.hit_at(policy, at(60), 7, std::slice::from_ref(&check)),
        log.hit_at(other, at(30), 8, std::slice::from_ref(&check)),
    ];
    events[1].grant = GrantId::generate();
    // A call that was refused for something else counts as well.
    events[3].outcome = Outcome::Deny;
    events[3].code = Code::Denied;
    events[3].policy_version = Some(4);
    let stranger = log.db.organisation("stranger").await;
    let mut foreign = decision(&stranger, log.server, log.grant);
    foreign.id = id_at(at(10), 9);
    foreign.policy = Some(policy);
    foreign.shadow = vec![check.clone()];
    events.push(foreign);
    log.insert(&events.iter().map(decided).collect::<Vec<_>>())
        .await;

    let counted = log.shadow(policy, start, 4).await;
    assert_eq!(counted.from, start);
    let [first, second] = &counted.rules[..] else {
        panic!("{:?}", counted.rules)
    };
    assert_eq!(
        (first.rule.as_str(), first.code, first.total, first.grants),
        (CHECK, Code::DenyIf, 2, 2)
    );
    assert_eq!(first.bins, [2, 0, 0, 0]);
    assert_eq!((first.last, first.last_version), (events[1].id, Some(3)));
    assert_eq!(
        (
            second.rule.as_str(),
            second.code,
            second.total,
            second.grants
        ),
        (RATE, Code::RateLimited, 3, 2)
    );
    assert_eq!(second.bins, [1, 1, 0, 1]);
    assert_eq!((second.last, second.last_version), (events[3].id, Some(4)));
    assert_eq!(second.last_at.unix_timestamp(), at(59).unix_timestamp());

    // Another organisation sees its own events of that policy, and nobody else's.
    let seen = audit::shadow(
        &log.db.console,
        &stranger,
        policy,
        start,
        start + Duration::HOUR,
        1,
    )
    .await
    .expect("counts");
    assert_eq!((seen.rules.len(), seen.rules[0].total), (1, 1));
    assert_eq!(seen.rules[0].bins, [1]);
    assert!(
        log.shadow(PolicyId::generate(), start, 4)
            .await
            .rules
            .is_empty()
    );
    assert!(log.shadow(policy, start, 0).await.rules[0].bins.is_empty());
    let never = OffsetDateTime::UNIX_EPOCH;
    assert!(log.shadow(policy, never, 24).await.rules.is_empty());
}

/// Counting reads the calls with something to tell, not the log.
#[tokio::test]
async fn counting_goes_by_its_index() {
    let log = Log::new().await;
    let policy = PolicyId::generate();
    let mut events: Vec<Decision> = (0..3_000).map(|_| log.event()).collect();
    for (i, event) in events.iter_mut().enumerate() {
        event.policy = Some(policy);
        if i % 100 == 0 {
            event.shadow = vec![hit(Code::DenyIf, CHECK)];
        }
    }
    log.insert(&events.iter().map(decided).collect::<Vec<_>>())
        .await;
    log.db.admin("analyze audit_events").await;
    let mut console = log.db.connect_as("tollgate_console").await;
    let org = log.scope.org.uuid();
    run(&mut console, &format!("set app.org_id = '{org}'"))
        .await
        .expect("sets");
    let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "explain select e.grant_id, h.rule from audit_events e
         cross join lateral jsonb_to_recordset(e.shadow) as h (code text, rule text)
         where e.org_id = '{org}' and e.policy_id = '{}'
             and e.id >= uuid_floor(now() - interval '1 hour')
             and e.id < 'ffffffff-ffff-ffff-ffff-ffffffffffff' and e.shadow is not null",
        policy.uuid()
    )))
    .fetch_all(&mut console)
    .await
    .expect("explains");
    let plan = plan.join("\n");
    let month: String = log
        .db
        .value("select to_char(now() at time zone 'UTC', 'YYYY_MM')")
        .await;
    let index = format!("audit_events_{month}_org_id_policy_id_id_idx");
    assert!(plan.contains(&index), "{plan}");
}
