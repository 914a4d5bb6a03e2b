//! Policies: made, versioned, published, rolled back, checked, asked.

use serde_json::{Value, json};

use crate::world::{TEN_RERUNS, World};

fn document(reason: &str) -> Value {
    json!({"version": "1", "default": "deny", "tools": {"rerun_workflow": {
        "action": "deny", "reason": reason}}})
}

#[tokio::test]
async fn a_policy_is_made_versioned_published_and_rolled_back() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let path = format!("/servers/{server}/policies");
    let answer = api
        .post(
            &path,
            json!({"name": "CI agents", "document": document("one")}),
        )
        .await;
    let location = answer.headers["location"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    let made = answer.expect(201);
    let id = made["id"].as_str().expect("an id");
    assert_eq!(location, format!("/api/v1/policies/{id}"));
    assert_eq!(
        (&made["published_version"], &made["latest_version"]),
        (&Value::Null, &json!(1))
    );
    let read = api.get(&format!("/policies/{id}")).await;
    let etag = read.etag();
    assert_eq!(read.expect(200), made);

    let body = json!({"document": document("two"), "note": "second"});
    let two = api
        .post(&format!("/policies/{id}/versions"), body)
        .await
        .expect(201);
    assert_eq!(
        (&two["version"], &two["note"]),
        (&json!(2), &json!("second"))
    );
    let publish = format!("/policies/{id}/publish");
    for version in [2, 1] {
        let now = api
            .post(&publish, json!({"version": version}))
            .await
            .expect(200);
        assert_eq!(now["published_version"], version);
    }
    for version in [0, 3, -1] {
        assert_eq!(
            api.post(&publish, json!({"version": version}))
                .await
                .problem(404),
            "not_found"
        );
    }
    let stale = api
        .ask(
            "POST",
            &publish,
            Some(&json!({"version": 2})),
            &[("if-match", &etag)],
        )
        .await;
    assert_eq!(stale.problem(412), "stale");

    let versions = api
        .get(&format!("/policies/{id}/versions"))
        .await
        .expect(200);
    let versions = versions["items"].as_array().expect("items").clone();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0]["version"], 2);
    assert_eq!(
        (&versions[0]["published"], &versions[1]["published"]),
        (&json!(false), &json!(true))
    );
    let one = api
        .get(&format!("/policies/{id}/versions/1"))
        .await
        .expect(200);
    assert_eq!(one["document"], document("one"));
    api.get(&format!("/policies/{id}/versions/9"))
        .await
        .problem(404);

    let renamed = api
        .patch(&format!("/policies/{id}"), json!({"name": "Renamed"}))
        .await;
    assert_eq!(renamed.expect(200)["name"], "Renamed");
    let grants = format!("/servers/{server}/grants");
    let grant = api
        .post(&grants, json!({"label": "a", "policy_id": id}))
        .await
        .created();
    assert_eq!(
        api.delete(&format!("/policies/{id}")).await.problem(409),
        "conflict"
    );
    api.delete(&format!("/grants/{grant}")).await.expect(204);
    api.delete(&format!("/policies/{id}")).await.expect(204);
    api.get(&format!("/policies/{id}")).await.problem(404);
}

#[tokio::test]
async fn a_document_is_kept_as_its_author_wrote_it() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let path = format!("/servers/{}/policies", api.server("CI").await);
    let text = "{ \"version\":\"1\",\n\t\"default\" :\"deny\" }";
    for (name, document) in [
        ("object", text.to_owned()),
        ("text", json!(text).to_string()),
    ] {
        let body = format!("{{\"name\":\"{name}\",\"document\":{document}}}");
        let request = axum::http::Request::builder()
            .method("POST")
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", api.key))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body));
        let id = world.send(request.expect("a request")).await.created();
        let read = api.get(&format!("/policies/{id}/versions/1")).await;
        assert!(read.text.contains(text), "{name}: {}", read.text);
    }
}

#[tokio::test]
async fn every_fault_of_a_document_is_told_at_its_place_and_nothing_is_kept() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let path = format!("/servers/{server}/policies");
    let bad = json!({"version": "1", "default": "maybe", "tols": {}});
    let answer = api.post(&path, json!({"name": "P", "document": bad})).await;
    assert_eq!(answer.problem(422), "invalid_policy");
    let pointers = answer.pointers();
    assert!(pointers.contains(&"/document/default") && pointers.contains(&"/document/tols"));
    assert_eq!(api.get(&path).await.expect(200)["items"], json!([]));
    let id = api.policy(&server, TEN_RERUNS).await;
    let versions = format!("/policies/{id}/versions");
    let answer = api.post(&versions, json!({"document": bad})).await;
    assert_eq!(answer.problem(422), "invalid_policy");
    let answer = api
        .post(
            &versions,
            json!({"document": document("x"), "note": "\u{202e}"}),
        )
        .await;
    assert_eq!(answer.pointers(), ["/note"]);
    assert_eq!(
        api.get(&versions).await.expect(200)["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn check_says_all_that_is_wrong_and_stores_nothing() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let check = async |body: Value| api.post("/policies/check", body).await;
    let good: Value = serde_json::from_str(TEN_RERUNS).expect("JSON");
    let report = check(json!({"document": good})).await.expect(200);
    assert_eq!(
        (&report["valid"], &report["faults"]),
        (&json!(true), &json!([]))
    );
    let report = check(json!({"document": {"version": "2", "deflt": "deny"}}))
        .await
        .expect(200);
    assert_eq!(report["valid"], false);
    let faults = report["faults"].as_array().expect("faults");
    assert!(faults.len() >= 2, "{faults:?}");
    for fault in faults {
        assert!(
            fault["line"].as_u64().is_some_and(|line| line >= 1),
            "{fault}"
        );
        assert!(
            fault["pointer"].is_string() && fault["code"].is_string(),
            "{fault}"
        );
    }
    // A text that is no JSON is a fault of the document, not of the request.
    let report = check(json!({"document": "{\"version\":\n oops"}))
        .await
        .expect(200);
    assert_eq!(
        (&report["valid"], &report["faults"][0]["line"]),
        (&json!(false), &json!(2))
    );
    check(json!({"document": {}, "server_id": "srv_x"}))
        .await
        .problem(422);
    let never = domain::ServerId::generate();
    check(json!({"document": {}, "server_id": never}))
        .await
        .problem(404);
}

/// A document within its bounds can have tens of thousands of faults; an answer lists the first,
/// each with its page, and counts the rest.
#[tokio::test]
async fn what_is_wrong_is_listed_within_a_bound() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let fields: Vec<String> = (0..20_000).map(|at| format!("\"x{at}\":1")).collect();
    let text = format!("{{{}}}", fields.join(","));
    let answer = api.post("/policies/check", json!({"document": text})).await;
    assert!(answer.text.len() < 100_000, "{} bytes", answer.text.len());
    let report = answer.expect(200);
    let faults = report["faults"].as_array().expect("faults");
    // Two more: neither `version` nor `default` is there.
    assert_eq!(
        (faults.len(), &report["more_faults"]),
        (200, &json!(19_802))
    );
    assert_eq!(report["more_warnings"], 0);
    assert_eq!(faults[199]["docs"], "/docs/faults/unknown_field");
    let body = json!({"name": "n", "document": text});
    let answer = api.post(&format!("/servers/{server}/policies"), body).await;
    assert_eq!(answer.problem(422), "invalid_policy");
    assert_eq!(answer.pointers().len(), 200);
    let detail = answer.json["detail"].as_str().expect("a sentence");
    assert!(
        detail.ends_with("The first 200 of 20002 faults are listed."),
        "{detail}"
    );
}

#[tokio::test]
async fn decide_asks_the_engine_and_charges_nothing() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let policy = api.policy(&server, TEN_RERUNS).await;
    let decide = async |body: Value| api.post("/policies/decide", body).await;
    for _ in 0..12 {
        let body = json!({"policy_id": policy, "tool": "rerun_workflow", "args": {"a": 1}});
        let decision = decide(body).await.expect(200);
        assert_eq!(
            (&decision["outcome"], &decision["code"]),
            (&json!("allow"), &json!("allowed"))
        );
        assert_eq!(
            decision["charges"][0]["left"], 9,
            "each time against fresh counters"
        );
        assert_eq!(decision["shadow"], json!([]));
        assert!(decision.get("retry_after_ms").is_none());
    }
    let decision = decide(json!({"policy_id": policy, "tool": "other"}))
        .await
        .expect(200);
    assert_eq!(
        (&decision["outcome"], &decision["code"]),
        (&json!("deny"), &json!("default_deny"))
    );

    let rule = json!({"version": "1", "default": "deny", "tools": {"t": {"require": [{"conditions": [
        {"path": "grant.labels.team", "op": "eq", "value": "ops"},
        {"path": "time.utc.hour", "op": "lt", "value": 6}], "on_deny": "Ops at night."}]}}});
    let ask = async |team: &str, at: &str| {
        let grant = json!({"label": "x", "labels": {"team": team}});
        let body = json!({"document": rule, "tool": "t", "args": {}, "grant": grant, "at": at});
        decide(body).await.expect(200)
    };
    assert_eq!(ask("ops", "2026-11-26T02:30:00Z").await["outcome"], "allow");
    assert_eq!(
        ask("ops", "2026-11-26T08:30:00Z").await["rule"],
        "/tools/t/require/0"
    );
    let refused = ask("dev", "2026-11-26T02:30:00Z").await;
    assert_eq!(
        (&refused["code"], &refused["outcome"]),
        (&json!("require_failed"), &json!("deny"))
    );
    assert!(
        refused["message"]
            .as_str()
            .expect("a message")
            .contains("Ops at night.")
    );

    let unpublished = json!({"name": "Draft", "document": rule});
    let unpublished = api
        .post(&format!("/servers/{server}/policies"), unpublished)
        .await
        .created();
    let other = api.server("Other").await;
    for (body, status, pointer) in [
        (json!({"tool": "t"}), 422, Some("/document")),
        (
            json!({"tool": "t", "document": rule, "policy_id": policy}),
            422,
            Some("/policy_id"),
        ),
        (json!({"document": rule}), 422, Some("/tool")),
        (
            json!({"tool": "t", "document": rule, "args": [1]}),
            422,
            Some("/args"),
        ),
        (
            json!({"tool": "t", "document": rule, "args": "{}"}),
            422,
            Some("/args"),
        ),
        (
            json!({"tool": "t", "document": rule, "at": "1969-12-31T23:59:59Z"}),
            422,
            Some("/at"),
        ),
        (
            json!({"tool": "t", "document": rule, "grant": {"labels": {"a/b": "x"}}}),
            422,
            Some("/grant/labels/a~1b"),
        ),
        (
            json!({"tool": "t", "document": rule, "grant": {"lable": "x"}}),
            422,
            Some("/grant/lable"),
        ),
        (
            json!({"tool": "t", "policy_id": policy, "server_id": other}),
            422,
            Some("/server_id"),
        ),
        (
            json!({"tool": "t", "document": {"version": "1"}}),
            422,
            Some("/document/default"),
        ),
        (json!({"tool": "t", "policy_id": unpublished}), 409, None),
        (
            json!({"tool": "t", "policy_id": domain::PolicyId::generate()}),
            404,
            None,
        ),
    ] {
        let answer = decide(body.clone()).await;
        answer.problem(status);
        if let Some(pointer) = pointer {
            assert!(
                answer.pointers().contains(&pointer),
                "{body}: {}",
                answer.text
            );
        }
    }
}
