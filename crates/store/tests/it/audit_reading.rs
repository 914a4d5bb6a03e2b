//! Lists, filters and counts of the audit log.

use domain::{
    EventId, GrantId, ServerId,
    audit::{Code, Decision, Outcome},
};
use store::{PageRequest, audit, audit::Filter};

use crate::{
    audit::Log,
    servers::page,
    support::{decided, decision, id_at, now},
};

#[tokio::test]
async fn a_list_pages_by_key_and_filters() {
    let log = Log::new().await;
    let start = now() - time::Duration::HOUR;
    let mut events = Vec::new();
    for i in 0..25_u64 {
        let mut event = log.event();
        event.id = id_at(
            start + time::Duration::minutes(i64::try_from(i).expect("small")),
            i,
        );
        if i % 5 == 0 {
            event.outcome = Outcome::Deny;
            event.code = Code::RateLimited;
            event.tool = Some("delete_100%".into());
            event.message = "Over its LIMIT".into();
        }
        if i % 2 == 0 {
            event.grant = GrantId::from_uuid(uuid::Uuid::nil());
            event.identity = None;
        }
        if i == 7 {
            event.server = ServerId::from_uuid(uuid::Uuid::nil());
            event.server_name = "Ünïcode Server".into();
            event.grant_label = "night_shift".into();
        }
        events.push(event);
    }
    log.insert(&events.iter().map(decided).collect::<Vec<_>>())
        .await;
    let other = log.db.organisation("other").await;
    let foreign = decision(&other, log.server, log.grant);
    log.insert(&[decided(&foreign)]).await;

    let expect = |keep: &dyn Fn(usize, &Decision) -> bool| -> Vec<EventId> {
        let kept = events
            .iter()
            .enumerate()
            .filter(|(i, event)| keep(*i, event));
        kept.map(|(_, event)| event.id).rev().collect()
    };
    let mut seen = Vec::new();
    let mut request = PageRequest {
        limit: 7,
        after: None,
    };
    loop {
        let got = audit::list(
            &log.db.console,
            &log.scope,
            &Filter::default(),
            request.clone(),
        )
        .await
        .expect("lists");
        seen.extend(got.items.iter().map(|event| event.decision.id));
        match got.next {
            Some(after) => request.after = Some(after),
            None => break,
        }
    }
    assert_eq!(seen, expect(&|_, _| true));

    let all = Filter::default;
    let nil = uuid::Uuid::nil();
    let minute = |i: i64| start + time::Duration::minutes(i);
    for (what, filter, expected) in [
        (
            "server",
            Filter {
                server: Some(ServerId::from_uuid(nil)),
                ..all()
            },
            expect(&|i, _| i == 7),
        ),
        (
            "grant",
            Filter {
                grant: Some(GrantId::from_uuid(nil)),
                ..all()
            },
            expect(&|i, _| i % 2 == 0),
        ),
        (
            "identity",
            Filter {
                identity: Some("ci-runner".into()),
                ..all()
            },
            expect(&|i, _| i % 2 == 1),
        ),
        (
            "tool",
            Filter {
                tool: Some("delete_100%".into()),
                ..all()
            },
            expect(&|i, _| i % 5 == 0),
        ),
        (
            "outcome",
            Filter {
                outcome: Some(Outcome::Deny),
                ..all()
            },
            expect(&|i, _| i % 5 == 0),
        ),
        (
            "code",
            Filter {
                code: Some(Code::Allowed),
                ..all()
            },
            expect(&|i, _| i % 5 != 0),
        ),
        (
            "from",
            Filter {
                from: Some(minute(20)),
                ..all()
            },
            expect(&|i, _| i >= 20),
        ),
        (
            "to",
            Filter {
                to: Some(minute(20)),
                ..all()
            },
            expect(&|i, _| i < 20),
        ),
        (
            "q tool",
            Filter {
                q: Some("100%".into()),
                ..all()
            },
            expect(&|i, _| i % 5 == 0),
        ),
        (
            "q message",
            Filter {
                q: Some("its limit".into()),
                ..all()
            },
            expect(&|i, _| i % 5 == 0),
        ),
        (
            "q label",
            Filter {
                q: Some("NIGHT_".into()),
                ..all()
            },
            expect(&|i, _| i == 7),
        ),
        (
            "q server",
            Filter {
                q: Some("code serv".into()),
                ..all()
            },
            expect(&|i, _| i == 7),
        ),
        (
            "no pattern",
            Filter {
                q: Some("a_e%t".into()),
                ..all()
            },
            vec![],
        ),
        (
            "both",
            Filter {
                tool: Some("delete_100%".into()),
                from: Some(minute(3)),
                to: Some(minute(11)),
                ..all()
            },
            expect(&|i, _| i == 5 || i == 10),
        ),
        (
            "nothing",
            Filter {
                from: Some(minute(30)),
                to: Some(minute(20)),
                ..all()
            },
            vec![],
        ),
    ] {
        assert_eq!(log.list(&filter).await, expected, "{what}");
    }
    let stranger = audit::list(&log.db.console, &other, &Filter::default(), page(200))
        .await
        .expect("lists");
    assert_eq!(stranger.items.len(), 1);
}

#[tokio::test]
async fn a_histogram_counts_each_event_once() {
    let log = Log::new().await;
    let start = (now() - time::Duration::HOUR)
        .replace_nanosecond(0)
        .expect("whole seconds");
    let minute = |i: i64| start + time::Duration::minutes(i);
    let mut batch = Vec::new();
    for (n, at, outcome, code) in [
        (1, minute(0), Outcome::Allow, Code::Allowed),
        (
            2,
            minute(10) - time::Duration::MILLISECOND,
            Outcome::Deny,
            Code::Denied,
        ),
        (3, minute(10), Outcome::Deny, Code::RateLimited),
        (4, minute(12), Outcome::Deny, Code::TooManyInFlight),
        (5, minute(29), Outcome::Approval, Code::ApprovalRequired),
        (6, minute(30), Outcome::Allow, Code::Allowed),
        (7, minute(-1), Outcome::Allow, Code::Allowed),
    ] {
        let mut event = log.event();
        (event.id, event.outcome, event.code) = (id_at(at, n), outcome, code);
        batch.push(decided(&event));
    }
    log.insert(&batch).await;
    let count = async |filter: &Filter, bins| {
        audit::histogram(&log.db.console, &log.scope, filter, start, minute(30), bins)
            .await
            .expect("counts")
            .into_iter()
            .map(|bin| {
                (
                    bin.from,
                    [bin.allowed, bin.refused, bin.limited, bin.waiting],
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        count(&Filter::default(), 3).await,
        [
            (minute(0), [1, 1, 0, 0]),
            (minute(10), [0, 0, 2, 0]),
            (minute(20), [0, 0, 0, 1]),
        ]
    );
    let denied = Filter {
        outcome: Some(Outcome::Deny),
        from: Some(minute(5)),
        ..Filter::default()
    };
    assert_eq!(count(&denied, 1).await, [(minute(0), [0, 1, 2, 0])]);
    let total: i64 = count(&Filter::default(), 250)
        .await
        .iter()
        .flat_map(|(_, n)| n)
        .sum();
    assert_eq!(total, 5);
    assert_eq!(count(&Filter::default(), 0).await, []);
}

/// Shipping keeps up with a gateway, and a long log still opens its first page by an index.
#[tokio::test]
async fn ten_thousand_events_are_quick_to_write_and_to_list() {
    let log = Log::new().await;
    let mut events: Vec<Decision> = (0..10_000).map(|_| log.event()).collect();
    for (i, event) in events.iter_mut().enumerate() {
        if i % 1_000 == 0 {
            event.grant = GrantId::from_uuid(uuid::Uuid::nil());
        }
    }
    let started = std::time::Instant::now();
    for batch in events.chunks(1_000) {
        log.insert(&batch.iter().map(decided).collect::<Vec<_>>())
            .await;
    }
    let wrote = started.elapsed();
    assert_eq!(log.rows("audit_events").await, 10_000);
    assert!(wrote.as_secs() < 10, "{wrote:?}");
    log.db.admin("analyze audit_events").await;
    for (filter, index) in [
        ("", ""),
        (
            "and server_id = '00000000-0000-0000-0000-000000000000'",
            "server_id_id_idx",
        ),
        (
            "and grant_id = '00000000-0000-0000-0000-000000000000'",
            "grant_id_id_idx",
        ),
        ("and tool = 'rare'", "tool_id_idx"),
    ] {
        let mut console = log.db.connect_as("tollgate_console").await;
        let org = log.scope.org.uuid();
        crate::support::run(&mut console, &format!("set app.org_id = '{org}'"))
            .await
            .expect("sets");
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "explain select * from audit_events
             where org_id = '{org}' and id < 'ffffffff-ffff-ffff-ffff-ffffffffffff' {filter}
             order by id desc limit 50"
        )))
        .fetch_all(&mut console)
        .await
        .expect("explains");
        let plan = plan.join("\n");
        let month: String = log
            .db
            .value("select to_char(now() at time zone 'UTC', 'YYYY_MM')")
            .await;
        let this_month = format!("on audit_events_{month}");
        let line = plan
            .lines()
            .find(|line| line.contains(&this_month))
            .expect("the month");
        assert!(line.contains("Index Scan"), "{filter}: {plan}");
        assert!(line.contains(index), "{filter}: {plan}");
    }
}
