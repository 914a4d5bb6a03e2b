//! What cannot be published, through each way to publish it.

use domain::ToolClass;
use serde_json::{Value, json};

use crate::world::{Api, World};

fn with_test(expect: &str) -> Value {
    json!({"version": "1", "default": "deny", "tools": {"a": {}},
        "tests": [{"name": "a is let through", "tool": "a", "args": {}, "expect": expect}]})
}

fn with_approval() -> Value {
    json!({"version": "1", "default": "deny", "tools": {"a": {"approval": {}}}})
}

async fn made(api: &Api<'_>, path: &str, name: &str, document: Value) -> String {
    let body = json!({"name": name, "document": document});
    api.post(path, body).await.created()
}

/// The code of each field at fault.
fn codes(answer: &crate::world::Answer) -> Vec<&str> {
    let errors = answer.json["errors"].as_array().expect("errors");
    errors
        .iter()
        .filter_map(|error| error["code"].as_str())
        .collect()
}

#[tokio::test]
async fn a_document_whose_tests_fail_is_saved_and_never_published() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let path = format!("/servers/{server}/policies");

    let body = json!({"name": "P", "document": with_test("deny"), "publish": true});
    let refused = api.post(&path, body).await;
    assert_eq!(refused.problem(422), "invalid_policy");
    assert_eq!(refused.pointers(), ["/document/tests/0"]);
    assert_eq!(codes(&refused), ["test_failed"]);
    assert_eq!(
        api.get(&path).await.expect(200)["items"],
        json!([]),
        "nothing was kept"
    );

    let id = made(&api, &path, "P", with_test("deny")).await;
    let publish = format!("/policies/{id}/publish");
    let refused = api.post(&publish, json!({"version": 1})).await;
    assert_eq!(
        (refused.problem(422), codes(&refused)),
        ("invalid_policy", vec!["test_failed"])
    );
    let unpublished = api.get(&format!("/policies/{id}")).await.expect(200);
    assert_eq!(unpublished["published_version"], Value::Null);

    let versions = format!("/policies/{id}/versions");
    let body = json!({"document": with_test("allow")});
    api.post(&versions, body).await.expect(201);
    let now = api.post(&publish, json!({"version": 2})).await.expect(200);
    assert_eq!(now["published_version"], 2);
    // The roll-back is checked as well.
    api.post(&publish, json!({"version": 1})).await.problem(422);
    let still = api.get(&format!("/policies/{id}")).await.expect(200);
    assert_eq!(still["published_version"], 2);
}

#[tokio::test]
async fn what_the_gateway_does_not_enforce_yet_is_saved_and_never_published() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let path = format!("/servers/{server}/policies");
    let body = json!({"name": "P", "document": with_approval(), "publish": true});
    let refused = api.post(&path, body).await;
    assert_eq!(refused.problem(422), "invalid_policy");
    assert_eq!(refused.pointers(), ["/document/tools/a/approval"]);
    assert_eq!(codes(&refused), ["not_available"]);
    let id = made(&api, &path, "P", with_approval()).await;
    let refused = api
        .post(&format!("/policies/{id}/publish"), json!({"version": 1}))
        .await;
    assert_eq!(
        (refused.problem(422), codes(&refused)),
        ("invalid_policy", vec!["not_available"])
    );
}

#[tokio::test]
async fn a_document_with_faults_is_not_even_saved() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let path = format!("/servers/{server}/policies");
    let document = json!({"version": "1", "default": "deny", "tols": {}});
    let refused = api
        .post(&path, json!({"name": "P", "document": document}))
        .await;
    assert_eq!(
        (refused.problem(422), codes(&refused)),
        ("invalid_policy", vec!["unknown_field"])
    );
}

#[tokio::test]
async fn tests_are_run_against_the_tools_that_the_server_has() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let document = json!({"version": "1", "default": "deny", "classes": {"read": {}},
        "tests": [{"name": "reads", "tool": "get_logs", "args": {}, "expect": "allow"}]});
    for (class, status) in [(ToolClass::Destructive, 422), (ToolClass::Read, 200)] {
        let server = api.server("CI").await;
        let path = format!("/servers/{server}/policies");
        let id = made(&api, &path, "P", document.clone()).await;
        world
            .discover(&scope, &server, &[("get_logs", Some(class))])
            .await;
        let publish = format!("/policies/{id}/publish");
        let answer = api.post(&publish, json!({"version": 1})).await;
        answer.expect(status);
    }
}
