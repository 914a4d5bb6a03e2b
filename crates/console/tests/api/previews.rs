//! What a document means: its tests, its previews, where to begin.

use domain::ToolClass::{Destructive, Read};
use serde_json::{Value, json};

use crate::world::{TEN_RERUNS, World};

pub(crate) const TOOLS: [(&str, Option<domain::ToolClass>); 3] = [
    ("get_logs", Some(Read)),
    ("rerun_workflow", None),
    ("delete_run", Some(Destructive)),
];

#[tokio::test]
async fn check_runs_the_tests_and_compares_with_the_tools() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    world.discover(&scope, &server, &TOOLS).await;
    let document = json!({"version": "1", "default": "deny",
        "tools": {"get_*": {}, "rerun_workflw": {}, "delete_run": {"approval": {}}},
        "tests": [
            {"name": "reads", "tool": "get_logs", "args": {}, "expect": "allow"},
            {"name": "wrong", "tool": "get_logs", "args": {}, "expect": "deny"}]});
    let body = json!({"document": document, "server_id": server});
    let report = api.post("/policies/check", body).await.expect(200);
    assert_eq!(report["valid"], false);
    assert_eq!(report["faults"][0]["code"], "test_failed");
    let warnings = report["warnings"].as_array().expect("warnings");
    assert!(
        warnings
            .iter()
            .any(|warning| warning["code"] == "not_available")
    );
    let passed: Vec<_> = report["tests"].as_array().expect("tests").iter().collect();
    assert_eq!(
        (&passed[0]["passed"], &passed[1]["passed"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(passed[1]["pointer"], "/tests/1");
    assert_eq!(passed[0]["decision"]["outcome"], "allow");
    let coverage = &report["coverage"];
    assert_eq!(
        coverage["rules_without_tool"][0]["nearest"],
        "rerun_workflow"
    );
    assert_eq!(coverage["tools_without_rule"][0]["tool"], "rerun_workflow");
    let without = api
        .post("/policies/check", json!({"document": document}))
        .await;
    assert!(
        without.expect(200).get("coverage").is_none(),
        "no tools, nothing to compare with"
    );

    let stored = json!({"name": "P", "document": document});
    let id = api
        .post(&format!("/servers/{server}/policies"), stored)
        .await
        .created();
    let body = json!({"policy_id": id, "version": 1});
    let tested = api.post("/policies/test", body).await.expect(200);
    assert_eq!(tested["passed"], false);
    assert_eq!(tested["tests"], report["tests"]);
    for (body, status, pointer) in [
        (json!({"policy_id": id}), 409, None),
        (json!({"policy_id": id, "version": 9}), 404, None),
        (json!({"version": 1}), 422, Some("/version")),
        (
            json!({"document": document, "version": 1}),
            422,
            Some("/version"),
        ),
        (
            json!({"document": {"version": "1"}}),
            422,
            Some("/document/default"),
        ),
        (json!({}), 422, Some("/document")),
    ] {
        let answer = api.post("/policies/test", body.clone()).await;
        answer.problem(status);
        if let Some(pointer) = pointer {
            assert_eq!(answer.pointers(), [pointer], "{body}");
        }
    }
}

#[tokio::test]
async fn decide_says_every_step_where_it_is_asked_to() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let document = json!({"version": "1", "default": "deny", "classes": {
        "read": {}, "destructive": {"deny_if": [{"conditions": [
            {"path": "args.force", "op": "eq", "value": true}], "on_deny": "Not by force."}]}}});
    let ask = async |more: Value| {
        let mut body = json!({"document": document, "tool": "t", "args": {"force": true}});
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        api.post("/policies/decide", body).await
    };
    let quiet = ask(json!({"class": "destructive"})).await.expect(200);
    assert!(quiet.get("steps").is_none());
    let loud = ask(json!({"class": "destructive", "explain": true}))
        .await
        .expect(200);
    assert_eq!(
        (&loud["code"], &loud["message"]),
        (&quiet["code"], &json!("Not by force."))
    );
    let steps = loud["steps"].as_array().expect("steps");
    let last = steps.last().expect("a step");
    assert_eq!(
        (&last["stage"], &last["result"]),
        (&json!("deny_if"), &json!("refuses"))
    );
    assert_eq!(last["conditions"][0]["found"], "true");
    assert_eq!(last["conditions"][0]["truth"], "true");
    let read = ask(json!({"class": "read"})).await.expect(200);
    assert_eq!(read["outcome"], "allow");
    assert_eq!(ask(json!({"class": "worse"})).await.pointers(), ["/class"]);
    assert_eq!(
        ask(json!({"explain": "yes"})).await.pointers(),
        ["/explain"]
    );
}

#[tokio::test]
async fn a_preview_says_for_each_grant_what_publishing_would_change() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    world.discover(&scope, &server, &TOOLS).await;
    let policy = api.policy(&server, TEN_RERUNS).await;
    let grants = format!("/servers/{server}/grants");
    let body = json!({"label": "fixer", "policy_id": policy});
    let grant = api.post(&grants, body).await.created();
    let idle = api.grant(&server).await;

    let draft = json!({"version": "1", "default": "deny", "tools": {
        "get_*": {},
        "rerun_workflow": {"limits": [{"counter": "rerun_workflow_rate", "window": "minute",
            "max": 5, "scope": "grant"}]}}});
    let preview = async |body: Value| api.post("/policies/preview", body).await;
    let answer = preview(json!({"document": draft, "policy_id": policy}))
        .await
        .expect(200);
    let previews = answer["grants"].as_array().expect("grants");
    assert_eq!(previews.len(), 1, "the one grant that has the policy");
    assert_eq!(
        (&previews[0]["grant_id"], &previews[0]["label"]),
        (&json!(grant), &json!("fixer"))
    );
    let tools = previews[0]["tools"].as_array().expect("tools");
    let line = |name: &str| {
        tools
            .iter()
            .find(|line| line["tool"] == name)
            .expect("a tool")
    };
    let (reads, reruns, deletes) = (line("get_logs"), line("rerun_workflow"), line("delete_run"));
    assert_eq!(
        (&reads["verdict"], &reads["changes"]),
        (&json!("allowed"), &json!(true))
    );
    assert_ne!(reads["published"]["verdict"], "allowed");
    assert_eq!(
        (&reruns["verdict"], &reruns["changes"]),
        (&json!("allowed"), &json!(true))
    );
    assert_ne!(reruns["limits"], reruns["published"]["limits"]);
    assert_eq!(deletes["changes"], false);

    let same = preview(json!({"policy_id": policy, "grant_id": idle}))
        .await
        .expect(200);
    let tools = same["grants"][0]["tools"]
        .as_array()
        .expect("tools")
        .clone();
    assert!(
        tools.iter().all(|line| line["changes"] == false),
        "{tools:?}"
    );
    let sketch = json!({"document": draft, "server_id": server, "grant": {"label": "anyone"}});
    let imagined = preview(sketch).await.expect(200);
    assert_eq!(imagined["grants"][0]["grant_id"], Value::Null);
    assert_eq!(imagined["grants"][0]["tools"][0]["published"], Value::Null);

    let other = api.server("Other").await;
    for (body, pointer) in [
        (json!({}), "/document"),
        (
            json!({"document": draft, "policy_id": policy, "server_id": other}),
            "/server_id",
        ),
        (
            json!({"document": draft, "server_id": other, "grant_id": grant}),
            "/grant_id",
        ),
        (
            json!({"document": draft, "grant_id": grant, "grant": {}}),
            "/grant_id",
        ),
        (
            json!({"document": draft, "at": "1969-01-01T00:00:00Z"}),
            "/at",
        ),
        (json!({"document": {"version": "1"}}), "/document/default"),
    ] {
        let answer = preview(body.clone()).await;
        answer.problem(422);
        assert_eq!(answer.pointers(), [pointer], "{body}");
    }
}

#[tokio::test]
async fn a_server_is_offered_policies_that_can_be_published_as_they_are() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let path = format!("/servers/{server}/starters");
    assert_eq!(api.get(&path).await.expect(200)["starters"], json!([]));
    world.discover(&scope, &server, &TOOLS).await;
    let answer = api.get(&path).await.expect(200);
    let starters = answer["starters"].as_array().expect("starters");
    assert_eq!(starters.len(), 3);
    for starter in starters {
        let counts = starter["counts"].as_object().expect("counts");
        let total: u64 = counts.values().filter_map(Value::as_u64).sum();
        assert_eq!(total, 3, "each tool is counted once: {starter}");
        let body =
            json!({"name": starter["name"], "document": starter["document"], "publish": true});
        api.post(&format!("/servers/{server}/policies"), body)
            .await
            .created();
    }
}

#[tokio::test]
async fn documents_as_large_as_may_be_are_answered_soon() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let tests: Vec<_> = (0..500)
        .map(|n| {
            json!({"name": format!("n{n}"), "tool": "t", "args": {}, "repeat": 10_000,
            "expect": "allow"})
        })
        .collect();
    let tools: serde_json::Map<_, _> = (0..1_900).map(|n| (format!("*x{n}*"), json!({}))).collect();
    let document = json!({"version": "1", "default": "allow", "tools": tools, "tests": tests});
    let began = std::time::Instant::now();
    let report = api
        .post("/policies/check", json!({"document": document}))
        .await
        .expect(200);
    let ran = report["tests"].as_array().map(Vec::len);
    assert_eq!(ran, Some(500), "{}", report["faults"]);
    // Seconds, since this runs unoptimised beside other tests.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
