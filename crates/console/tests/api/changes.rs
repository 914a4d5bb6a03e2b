//! What one document changes of another.

use serde_json::{Value, json};

use crate::{
    previews::TOOLS,
    support,
    world::{TEN_RERUNS, World},
};

#[tokio::test]
async fn a_condition_that_changes_is_a_change_of_the_tools_it_decides() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    world.discover(&scope, &server, &TOOLS).await;
    let with = |value: &str| {
        json!({"version": "1", "default": "deny", "tools": {"get_logs": {}, "rerun_workflow": {
            "deny_if": [{"conditions": [{"path": "args.branch", "op": "eq", "value": value}]}]}}})
    };
    let policy = api.policy(&server, &with("main").to_string()).await;
    let body = json!({"document": with("trunk"), "policy_id": policy});
    let answer = api.post("/policies/preview", body).await.expect(200);
    let tools = answer["grants"][0]["tools"]
        .as_array()
        .expect("tools")
        .clone();
    let changed: Vec<_> = tools
        .iter()
        .filter(|line| line["changes"] == true)
        .collect();
    assert_eq!(changed.len(), 1, "{tools:?}");
    assert_eq!(changed[0]["tool"], "rerun_workflow");
}

#[tokio::test]
async fn versions_are_compared_by_rule() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let policy = api.policy(&server, TEN_RERUNS).await;
    let tighter: Value =
        serde_json::from_str(&TEN_RERUNS.replace("\"max\":10", "\"max\":5")).expect("JSON");
    let versions = format!("/policies/{policy}/versions");
    api.post(&versions, json!({"document": tighter}))
        .await
        .expect(201);
    let diff = format!("/policies/{policy}/diff");
    let answer = api.get(&diff).await.expect(200);
    assert_eq!((&answer["from"], &answer["to"]), (&json!(1), &json!(2)));
    let change = &answer["changes"][0];
    assert_eq!(change["effect"], "tightens", "{answer}");
    let back = api.get(&format!("{diff}?from=2&to=1")).await.expect(200);
    assert_eq!(back["changes"][0]["effect"], "loosens", "{back}");
    let same = api.get(&format!("{diff}?to=1")).await.expect(200);
    assert_eq!(same["changes"], json!([]));
    api.get(&format!("{diff}?to=9")).await.problem(404);
    api.get(&format!("{diff}?form=1")).await.problem(400);
    api.get(&format!("{diff}?to=x")).await.problem(400);
}

#[tokio::test]
async fn what_rules_in_shadow_would_have_done_is_counted() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let policy = api.policy(&server, TEN_RERUNS).await;
    let grant = api.grant(&server).await;
    let path = format!("/policies/{policy}/shadow");
    let none = api.get(&path).await.expect(200);
    assert_eq!(none["rules"], json!([]));

    let (server, grant) = (
        server.parse().expect("an id"),
        grant.parse().expect("an id"),
    );
    let mut decision = support::decision(&scope, server, grant);
    decision.policy = Some(policy.parse().expect("an id"));
    decision.shadow = vec![domain::audit::Shadow {
        code: domain::audit::Code::DenyIf,
        rule: "/tools/rerun_workflow/deny_if/0".to_owned(),
    }];
    let batch = [support::decided(&decision)];
    store::audit::insert(&world.db.gateway, &batch)
        .await
        .expect("stores");
    let report = api.get(&format!("{path}?bins=2")).await.expect(200);
    let rule = &report["rules"][0];
    assert_eq!(rule["rule"], "/tools/rerun_workflow/deny_if/0", "{report}");
    assert_eq!(
        (&rule["code"], &rule["total"]),
        (&json!("deny_if"), &json!(1))
    );
    assert_eq!(
        (&rule["bins"], &rule["last"]),
        (&json!([0, 1]), &json!(decision.id))
    );

    let turned = format!("{path}?from=2026-11-26T00:00:00Z&to=2026-11-25T00:00:00Z");
    assert_eq!(api.get(&turned).await.pointers(), ["/from"]);
    api.get(&format!("{path}?bins=0")).await.problem(400);
    api.get(&format!("{path}?grant=x")).await.problem(400);
}
