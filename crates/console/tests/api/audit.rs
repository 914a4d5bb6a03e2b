//! The audit log as programs read it.

use domain::{
    Scope,
    audit::{Code, Outcome, Record, Shadow},
};
use serde_json::{Value, json};

use crate::{
    support,
    world::{Api, World},
};

/// Three events: allowed and settled, refused by a limit, and one with a nasty grant label.
async fn three(world: &World, scope: &Scope, api: &Api<'_>) -> (String, Vec<String>) {
    let server = api.server("CI").await;
    let grant = api.grant(&server).await.parse().expect("an id");
    let allowed = support::decision(scope, server.parse().expect("an id"), grant);
    let mut limited = support::decision(scope, server.parse().expect("an id"), grant);
    limited.outcome = Outcome::Deny;
    limited.code = Code::RateLimited;
    limited.message = "over its limit, \"really\"".into();
    let mut nasty = support::decision(scope, server.parse().expect("an id"), grant);
    nasty.grant_label = "=cmd|' /C calc'!A0".into();
    nasty.tool = Some("other_tool".into());
    nasty.shadow = vec![Shadow {
        code: Code::DenyIf,
        rule: "/all_tools/deny_if/0".into(),
    }];
    let batch = [
        support::decided(&allowed),
        Record::Settled(support::settlement(&allowed)),
        support::decided(&limited),
        support::decided(&nasty),
    ];
    store::audit::insert(&world.db.gateway, &batch)
        .await
        .expect("stores");
    (
        server,
        [nasty.id, limited.id, allowed.id]
            .map(|id| id.to_string())
            .into(),
    )
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| item["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn events_are_listed_filtered_read_and_counted() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let (server, made) = three(&world, &scope, &api).await;
    let list = async |query: &str| ids(&api.get(&format!("/audit{query}")).await.expect(200));
    assert_eq!(list("").await, made, "newest first");
    assert_eq!(list(&format!("?server={server}&limit=200")).await, made);
    assert_eq!(list("?outcome=deny").await, made[1..2]);
    assert_eq!(
        list("?code=rate_limited&tool=rerun_workflow").await,
        made[1..2]
    );
    assert_eq!(list("?tool=other_tool").await, made[..1]);
    assert_eq!(list("?q=really").await, made[1..2]);
    assert_eq!(list("?shadow=true").await, made[..1]);
    assert_eq!(list("?shadow=false").await, made);
    assert_eq!(
        list("?identity=ci-runner&from=2020-01-01T00:00:00Z").await,
        made
    );
    assert!(list("?to=2020-01-01T00:00:00Z").await.is_empty());
    assert!(list("?identity=nobody").await.is_empty());
    // The ends of the calendar and text that no column holds are filters like others.
    for query in [
        "?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
        "?from=1969-12-31T23:59:59.999Z",
    ] {
        assert_eq!(list(query).await, made, "{query}");
    }
    for query in [
        "?tool=%00",
        "?identity=%00",
        "?q=%00",
        "?q=%25",
        "?q=_",
        "?q=%5C",
        "?q=%F0%9F",
    ] {
        assert!(list(query).await.is_empty() || query == "?q=_", "{query}");
    }
    let first = api.get("/audit?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("more");
    assert_eq!(list(&format!("?cursor={cursor}")).await, made[1..]);

    let event = api.get(&format!("/audit/{}", made[2])).await.expect(200);
    assert_eq!(
        (&event["outcome"], &event["settlement"]["settled"]),
        (&json!("allow"), &json!("ok"))
    );
    assert_eq!(event["charges"][0]["left"], 9);
    let refused = api.get(&format!("/audit/{}", made[1])).await.expect(200);
    assert_eq!(refused["settlement"], Value::Null);
    api.get(&format!("/audit/{}", domain::EventId::generate()))
        .await
        .problem(404);

    let stats = api.get("/audit/stats?bins=4").await.expect(200);
    let bins = stats["bins"].as_array().expect("bins");
    assert_eq!(bins.len(), 4);
    let sum = |what: &str| {
        bins.iter()
            .filter_map(|bin| bin[what].as_i64())
            .sum::<i64>()
    };
    assert_eq!(
        (
            sum("allowed"),
            sum("limited"),
            sum("refused"),
            sum("waiting")
        ),
        (2, 1, 0, 0)
    );
}

#[tokio::test]
async fn an_export_holds_every_event_and_no_formula() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let (server, made) = three(&world, &scope, &api).await;
    // More than one page of the store's.
    let grant = domain::GrantId::generate();
    let more: Vec<_> = (0..450)
        .map(|_| {
            let server = server.parse().expect("an id");
            support::decided(&support::decision(&scope, server, grant))
        })
        .collect();
    store::audit::insert(&world.db.gateway, &more)
        .await
        .expect("stores");

    let export = api.get("/audit/export?format=jsonl").await;
    assert_eq!(export.headers["content-type"], "application/jsonl");
    let lines: Vec<Value> = export
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(lines.len(), 453);
    let mut seen: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["id"].as_str())
        .collect();
    assert_eq!(seen[450..], made, "newest first");
    seen.dedup();
    assert_eq!(seen.len(), 453);

    let csv = api.get("/audit/export?format=csv&code=rate_limited").await;
    let mut lines = csv.text.split("\r\n");
    let columns = lines.next().expect("a header line");
    assert!(columns.starts_with("id,at,server_id"));
    let row = lines.next().expect("a row");
    assert!(
        row.starts_with(made[1].as_str()) && row.contains("\"over its limit, \"\"really\"\"\"")
    );
    let csv = api.get("/audit/export?format=csv&tool=other_tool").await;
    assert!(csv.text.ends_with(",deny_if /all_tools/deny_if/0\r\n"));
    assert!(
        csv.text.contains(",'=cmd|") && !csv.text.contains(",=cmd"),
        "{}",
        csv.text
    );
}

/// The ends of time are moments like others.
#[tokio::test]
async fn a_range_of_all_time_is_counted() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    for bins in [1, 7, 24, 200] {
        let (from, to) = ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z");
        let path = format!("/audit/stats?from={from}&to={to}&bins={bins}");
        let stats = api.get(&path).await.expect(200);
        assert_eq!(stats["bins"].as_array().map(Vec::len), Some(bins));
    }
    let answer = api.get("/audit/stats?to=0000-01-01T00:00:00Z").await;
    assert_eq!(answer.problem(400), "invalid_query");
}
