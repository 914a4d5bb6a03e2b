//! The audit log: written once whatever is sent again, and read back as it was.

use domain::{
    EventId, GrantId, Scope, ServerId,
    audit::{Code, Decision, Outcome, Record, Settled},
};
use sqlx::Row;
use store::{StoreError, audit, audit::Filter, migrations};
use time::OffsetDateTime;

use crate::{
    servers::page,
    support::{TestDb, decided, decision, id_at, now, settlement},
};

pub(crate) struct Log {
    pub(crate) db: TestDb,
    pub(crate) scope: Scope,
    pub(crate) server: ServerId,
    pub(crate) grant: GrantId,
}

impl Log {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let scope = db.organisation("acme").await;
        Self {
            server: db.server(&scope, "ci").await,
            grant: GrantId::generate(),
            db,
            scope,
        }
    }

    pub(crate) fn event(&self) -> Decision {
        decision(&self.scope, self.server, self.grant)
    }

    pub(crate) async fn insert(&self, batch: &[Record]) {
        audit::insert(&self.db.gateway, batch)
            .await
            .expect("inserts");
    }

    pub(crate) async fn get(&self, id: EventId) -> audit::AuditEvent {
        audit::get(&self.db.console, &self.scope, id)
            .await
            .expect("is there")
    }

    pub(crate) async fn list(&self, filter: &Filter) -> Vec<EventId> {
        audit::list(&self.db.console, &self.scope, filter, page(200))
            .await
            .expect("lists")
            .items
            .into_iter()
            .map(|event| event.decision.id)
            .collect()
    }

    pub(crate) async fn rows(&self, table: &str) -> i64 {
        self.db
            .value(&format!("select count(*) from {table}"))
            .await
    }
}

#[tokio::test]
async fn an_event_is_read_back_as_it_was() {
    let log = Log::new().await;
    let mut event = log.event();
    event.outcome = Outcome::Deny;
    event.code = Code::RateLimited;
    event.message = "over its limit; “try” again".into();
    event.retry_after_ms = Some(4_200);
    event.failed_open = true;
    event.policy = Some(domain::PolicyId::generate());
    event.address = Some("2001:db8::7".parse().expect("an address"));
    log.insert(&[decided(&event)]).await;
    let read = log.get(event.id).await;
    assert_eq!(read.decision, event);
    assert_eq!(read.settlement, None);
    let ms = read.at.unix_timestamp_nanos() / 1_000_000;
    assert_eq!(u64::try_from(ms).expect("after 1970"), event.id.unix_ms());

    // The barest event there can be.
    let mut bare = log.event();
    (
        bare.identity,
        bare.policy,
        bare.policy_name,
        bare.policy_version,
    ) = (None, None, None, None);
    (bare.tool, bare.rule, bare.client, bare.address) = (None, None, None, None);
    bare.charges.clear();
    bare.method.clear();
    log.insert(&[decided(&bare)]).await;
    assert_eq!(log.get(bare.id).await.decision, bare);
    let strange = audit::get(&log.db.console, &log.scope, EventId::generate()).await;
    assert!(matches!(strange, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn every_word_of_the_closed_lists_survives() {
    let log = Log::new().await;
    let mut sent = Vec::new();
    for code in Code::ALL {
        let mut event = log.event();
        event.code = *code;
        sent.push(event);
    }
    for outcome in Outcome::ALL {
        let mut event = log.event();
        event.outcome = *outcome;
        sent.push(event);
    }
    let mut batch: Vec<_> = sent.iter().map(decided).collect();
    let mut settled = Vec::new();
    for (event, word) in sent.iter().zip(Settled::ALL) {
        let mut outcome = settlement(event);
        outcome.settled = *word;
        settled.push(outcome.clone());
        batch.push(Record::Settled(outcome));
    }
    log.insert(&batch).await;
    for (i, event) in sent.iter().enumerate() {
        let read = log.get(event.id).await;
        assert_eq!(&read.decision, event);
        assert_eq!(read.settlement.as_ref(), settled.get(i));
    }
}

#[tokio::test]
async fn an_outcome_in_the_batch_makes_one_row_and_a_late_one_is_joined() {
    let log = Log::new().await;
    let (at_once, late) = (log.event(), log.event());
    let mut failed = settlement(&late);
    failed.settled = Settled::Unreachable;
    failed.status = None;
    failed.given_back = true;
    log.insert(&[
        decided(&late),
        decided(&at_once),
        Record::Settled(settlement(&at_once)),
    ])
    .await;
    assert_eq!(
        (
            log.rows("audit_events").await,
            log.rows("audit_outcomes").await
        ),
        (2, 0)
    );
    assert_eq!(
        log.get(at_once.id).await.settlement,
        Some(settlement(&at_once))
    );
    assert_eq!(log.get(late.id).await.settlement, None);
    log.insert(&[Record::Settled(failed.clone())]).await;
    assert_eq!(
        (
            log.rows("audit_events").await,
            log.rows("audit_outcomes").await
        ),
        (2, 1)
    );
    assert_eq!(log.get(late.id).await.settlement, Some(failed));
    assert_eq!(log.list(&Filter::default()).await.len(), 2);
}

/// After a crash the spool sends records again, and may cut its batches otherwise.
#[tokio::test]
async fn whatever_is_sent_again_is_there_once_and_whole() {
    let log = Log::new().await;
    let (a, b, c) = (log.event(), log.event(), log.event());
    let all = [
        decided(&a),
        decided(&b),
        Record::Settled(settlement(&a)),
        decided(&c),
        Record::Settled(settlement(&b)),
        Record::Settled(settlement(&c)),
    ];
    for cut in 0..=all.len() {
        log.insert(&all[..cut]).await;
        log.insert(&all[cut..]).await;
    }
    log.insert(&all).await;
    // Twice within one batch, too.
    log.insert(&[decided(&a), decided(&a), Record::Settled(settlement(&a))])
        .await;
    assert_eq!(log.rows("audit_events").await, 3);
    let listed = audit::list(&log.db.console, &log.scope, &Filter::default(), page(10))
        .await
        .expect("lists");
    assert_eq!(listed.items.len(), 3);
    for event in [&a, &b, &c] {
        let read = log.get(event.id).await;
        assert_eq!(
            (&read.decision, read.settlement),
            (event, Some(settlement(event)))
        );
    }

    // The decision alone was stored, and then comes again with its outcome.
    let d = log.event();
    log.insert(&[decided(&d)]).await;
    log.insert(&[decided(&d), Record::Settled(settlement(&d))])
        .await;
    assert_eq!(log.get(d.id).await.settlement, Some(settlement(&d)));
    // A later copy changes nothing that is there.
    let mut forged = d.clone();
    forged.grant_label = "somebody else".into();
    let mut other = settlement(&d);
    other.settled = Settled::Timeout;
    log.insert(&[decided(&forged), Record::Settled(other)])
        .await;
    let read = log.get(d.id).await;
    assert_eq!(
        (read.decision, read.settlement),
        (d.clone(), Some(settlement(&d)))
    );
    // The outcome came first, from a spool that lost nothing but order.
    let e = log.event();
    log.insert(&[Record::Settled(settlement(&e))]).await;
    log.insert(&[decided(&e)]).await;
    assert_eq!(log.get(e.id).await.settlement, Some(settlement(&e)));
    audit::insert(&log.db.gateway, &[])
        .await
        .expect("an empty batch is none");
}

/// What a client sends must never stop what is spooled behind it.
#[tokio::test]
async fn no_content_is_refused() {
    let log = Log::new().await;
    let mut odd = log.event();
    odd.tool = Some("a\0b\u{1F600}".repeat(3_000));
    odd.message = "NUL \0 and \u{FFFF} and \u{202E}".into();
    odd.client = Some("\0".into());
    odd.identity = Some("\0".repeat(64));
    odd.rule = Some("/tools/\0".into());
    odd.charges[0].counter = "count\0er".into();
    odd.charges[0].left = u64::MAX;
    odd.method = "\0/\0".into();
    (odd.request_bytes, odd.decided_us, odd.snapshot_age_ms) = (u64::MAX, u64::MAX, u64::MAX);
    odd.retry_after_ms = Some(u64::MAX);
    let mut outcome = settlement(&odd);
    (outcome.status, outcome.upstream_us, outcome.response_bytes) = (Some(u16::MAX), u64::MAX, 0);
    let behind = log.event();
    log.insert(&[decided(&odd), Record::Settled(outcome), decided(&behind)])
        .await;
    let read = log.get(odd.id).await.decision;
    assert_eq!(read.message, "NUL \u{FFFD} and \u{FFFF} and \u{202E}");
    assert_eq!(read.charges[0].counter, "count\u{FFFD}er");
    assert_eq!(read.charges[0].left, u64::MAX);
    assert_eq!(read.request_bytes, u64::MAX / 2);
    assert!(read.tool.expect("a tool").len() <= 1_024);
    assert_eq!(log.get(behind.id).await.decision, behind);
    let filter = Filter {
        q: Some("\0".into()),
        tool: Some("\0".into()),
        identity: Some("\0".into()),
        ..Filter::default()
    };
    assert_eq!(log.list(&filter).await, []);
}

/// The partition is named after the month of the id's time, and the bounds are exact.
#[tokio::test]
async fn an_event_lands_in_its_month() {
    let log = Log::new().await;
    let this_month = now()
        .replace_time(time::Time::MIDNIGHT)
        .replace_day(1)
        .expect("a first day");
    let next_month = (this_month + time::Duration::days(32))
        .replace_day(1)
        .expect("a first day");
    let ms = time::Duration::MILLISECOND;
    let partition =
        |at: OffsetDateTime| format!("audit_events_{:04}_{:02}", at.year(), u8::from(at.month()));
    let mut batch = Vec::new();
    let mut expected = Vec::new();
    for (n, at, lands) in [
        (1, this_month, partition(this_month)),
        (2, next_month - ms, partition(this_month)),
        (3, next_month, partition(next_month)),
        (4, this_month - ms, "audit_events_default".into()),
        (
            5,
            this_month + time::Duration::days(800),
            "audit_events_default".into(),
        ),
    ] {
        let mut event = log.event();
        event.id = id_at(at, n);
        expected.push((event.id.uuid(), lands));
        batch.push(decided(&event));
        batch.push(Record::Settled(settlement(&event)));
    }
    log.insert(&batch).await;
    let mut landed: Vec<(uuid::Uuid, String)> =
        sqlx::query("select id, tableoid::regclass::text from audit_events")
            .fetch_all(&log.db.admin)
            .await
            .expect("lists")
            .into_iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
    landed.sort();
    expected.sort();
    assert_eq!(landed, expected);
    // All are read, newest first, across the months.
    let mut ids: Vec<_> = expected
        .iter()
        .map(|(id, _)| EventId::from_uuid(*id))
        .collect();
    ids.reverse();
    assert_eq!(log.list(&Filter::default()).await, ids);
}

/// A console that was off for months makes the month it missed; what came meanwhile moves over.
#[tokio::test]
async fn what_had_no_partition_moves_into_it() {
    let log = Log::new().await;
    let month: String = log
        .db
        .value("select to_char(now() at time zone 'UTC', 'YYYY_MM')")
        .await;
    log.db
        .admin(&format!(
            "drop table audit_events_{month}; drop table audit_outcomes_{month}"
        ))
        .await;
    let (a, b) = (log.event(), log.event());
    log.insert(&[decided(&a), decided(&b)]).await;
    log.insert(&[Record::Settled(settlement(&a))]).await;
    assert_eq!(log.rows("audit_events_default").await, 2);
    assert_eq!(log.get(a.id).await.settlement, Some(settlement(&a)));

    // Both planes at once, and again.
    let (x, y) = tokio::join!(
        migrations::make_partitions(&log.db.console),
        migrations::make_partitions(&log.db.gateway),
    );
    x.expect("makes");
    y.expect("makes");
    migrations::make_partitions(&log.db.console)
        .await
        .expect("has them");
    assert_eq!(log.rows("audit_events_default").await, 0);
    assert_eq!(log.rows("audit_outcomes_default").await, 0);
    assert_eq!(log.rows(&format!("audit_events_{month}")).await, 2);
    assert_eq!(log.get(a.id).await.settlement, Some(settlement(&a)));
    log.insert(&[decided(&a), decided(&log.event())]).await;
    assert_eq!(log.rows(&format!("audit_events_{month}")).await, 3);
    let walled: bool = log
        .db
        .value(&format!(
            "select relrowsecurity and relforcerowsecurity from pg_class
             where oid = 'audit_events_{month}'::regclass"
        ))
        .await;
    assert!(walled);
}
