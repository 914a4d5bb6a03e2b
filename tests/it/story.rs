//! The main job, end to end, over the API and with the official Rust client.

use serde_json::json;
use tests::{
    Agent, CircleCi, TEN_RERUNS, TestApp, agent::said, circleci::CIRCLECI_TOKEN, eventually,
};

/// Ten reruns go through; the eleventh never reaches CircleCI, and the agent is told why.
#[tokio::test]
async fn the_eleventh_rerun_is_refused() {
    let (app, circleci) = tokio::join!(TestApp::spawn(), CircleCi::start());
    let acme = app.bootstrap("Acme");
    let (server, proxy_url) = acme
        .api
        .register(
            "CircleCI",
            &circleci.url,
            json!({ "Circle-Token": CIRCLECI_TOKEN }),
        )
        .await;
    let (grant, token) = acme.api.grant(&server, "ci-runner", TEN_RERUNS).await;

    let agent = Agent::connect(&proxy_url, &token).await;
    assert_eq!(agent.tools().await, ["rerun_workflow"]);
    for n in 1..=10 {
        let result = agent.rerun().await.expect("an answer");
        assert_ne!(result.is_error, Some(true), "rerun {n}: {}", said(&result));
    }
    let refused = agent
        .rerun()
        .await
        .expect("a refusal is a result, so that the model reads it");
    assert_eq!(refused.is_error, Some(true));
    let text = said(&refused);
    assert!(
        text.starts_with("rerun_workflow is over its limit of 10 a minute"),
        "{text}"
    );
    assert!(text.contains("try again in "), "{text}");
    agent.leave().await;

    assert_eq!(circleci.reruns(), 10);
    assert_eq!(
        circleci.tokens(),
        [CIRCLECI_TOKEN],
        "no other credential ever reached CircleCI"
    );

    let events = app
        .audit(&acme.api, &format!("grant={grant}&tool=rerun_workflow"), 11)
        .await;
    assert_eq!(events.len(), 11);
    assert_eq!(events[0]["outcome"], "deny");
    assert_eq!(events[0]["code"], "rate_limited");
    assert_eq!(
        events[0]["rule"],
        "/tools/rerun_workflow/limits/rerun_workflow_rate"
    );
    assert!(
        events[0]["retry_after_ms"]
            .as_u64()
            .is_some_and(|ms| ms > 0 && ms <= 61_000)
    );
    for event in &events[1..] {
        assert_eq!(event["outcome"], "allow", "{event}");
    }
}

/// A published change and a revocation reach the gateway within a second.
#[tokio::test]
async fn a_change_takes_effect_within_a_second() {
    let (app, upstream) =
        tokio::join!(TestApp::spawn(), tests::Scripted::start(&["build", "read"]));
    let acme = app.bootstrap("Acme");
    let (server, proxy_url) = acme.api.register("Builds", &upstream.url, json!({})).await;
    let (grant, token) = acme
        .api
        .grant(&server, "agent", r#"{"version":"1","default":"allow"}"#)
        .await;
    let agent = Agent::connect(&proxy_url, &token).await;
    assert_eq!(agent.tools().await, ["build", "read"]);
    agent.call("build", json!({})).await.expect("allowed");

    let policy = acme.api.get(&format!("/grants/{grant}")).await.ok()["policy_id"].clone();
    let policy = policy.as_str().expect("the grant has a policy").to_owned();
    let document = json!({ "version": "1", "default": "allow",
        "tools": { "build": { "action": "deny", "reason": "Builds are done by people." } } });
    let made = acme
        .api
        .post(
            &format!("/policies/{policy}/versions"),
            &json!({ "document": document }),
        )
        .await
        .ok();
    let publish = json!({ "version": made["version"] });
    acme.api
        .post(&format!("/policies/{policy}/publish"), &publish)
        .await
        .ok();
    let published = std::time::Instant::now();
    let refused = eventually("the new policy", async || {
        let result = agent.call("build", json!({})).await.expect("an answer");
        (result.is_error == Some(true)).then(|| said(&result))
    })
    .await;
    assert!(
        published.elapsed().as_millis() < 1_000,
        "took {:?}",
        published.elapsed()
    );
    assert!(refused.contains("Builds are done by people."), "{refused}");

    acme.api
        .call(reqwest::Method::DELETE, &format!("/grants/{grant}"), None)
        .await
        .ok();
    let revoked = std::time::Instant::now();
    eventually("the revocation", async || {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let answer = tests::agent::post(&proxy_url, &token, body, &[]).await;
        (answer.status == 401).then_some(())
    })
    .await;
    assert!(
        revoked.elapsed().as_millis() < 1_000,
        "took {:?}",
        revoked.elapsed()
    );
}
