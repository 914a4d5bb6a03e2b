//! What holds while something is down.

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::{
    Scripted, TEN_RERUNS, TestApp,
    agent::{Raw, post, rerun_body},
    eventually,
    processes::{descendants, signal},
    redis::Redis,
};

fn decision(answer: &Raw) -> Value {
    answer.message()["result"]["_meta"]["tollgate/decision"].clone()
}

/// Postgres says nothing at all: calls are decided as before, and every one of them is in the audit
/// log when Postgres is back.
#[tokio::test]
async fn calls_are_decided_while_postgres_is_down() {
    let (app, upstream) = tokio::join!(TestApp::spawn(), Scripted::start(&["rerun_workflow"]));
    let acme = app.bootstrap("Acme");
    let (server, url) = acme.api.register("CI", &upstream.url, json!({})).await;
    let (grant, token) = acme.api.grant(&server, "agent", TEN_RERUNS).await;
    let first = post(&url, &token, rerun_body(0), &[]).await;
    assert_eq!(first.said(), "done", "{}", first.text);

    let postgres = descendants(app.pid());
    assert!(postgres.len() > 3, "postgres and its workers: {postgres:?}");
    postgres.iter().for_each(|pid| signal(*pid, Signal::STOP));
    let mut answers = vec![];
    for n in 1..=10 {
        answers.push(post(&url, &token, rerun_body(n), &[]).await);
    }
    let ready = reqwest::get(format!("{}/readyz", app.url))
        .await
        .expect("an answer");
    postgres.iter().for_each(|pid| signal(*pid, Signal::CONT));

    let (last, passed) = answers.split_last().expect("ten answers");
    assert!(passed.iter().all(|answer| answer.said() == "done"));
    assert_eq!(decision(last)["code"], "rate_limited", "{}", last.text);
    assert_eq!(upstream.calls("rerun_workflow"), 10);
    assert_eq!(ready.status(), 503, "readiness says that Postgres is away");
    assert_eq!(
        app.audit(&acme.api, &format!("grant={grant}"), 11)
            .await
            .len(),
        11
    );
}

/// Redis is gone: a call that a limit bounds is refused and says so, unless the server is set to
/// fail open; and all is well again when Redis is back.
#[tokio::test]
async fn limits_fail_closed_without_redis() {
    let mut redis = Redis::start().await;
    let url = redis.url();
    let environment = [("TOLLGATE_REDIS_URL", url.as_str())];
    let (app, upstream) = tokio::join!(
        TestApp::spawn_with(&environment),
        Scripted::start(&["rerun_workflow"])
    );
    let acme = app.bootstrap("Acme");
    let (server, url) = acme.api.register("CI", &upstream.url, json!({})).await;
    let (grant, token) = acme.api.grant(&server, "agent", TEN_RERUNS).await;
    let call = async || post(&url, &token, rerun_body(1), &[]).await;
    assert_eq!(call().await.said(), "done");

    redis.kill();
    let refused = call().await;
    assert_eq!(refused.status, 200, "{}", refused.text);
    assert_eq!(
        decision(&refused)["code"],
        "limits_unavailable",
        "{}",
        refused.text
    );
    assert_eq!(decision(&refused)["retryable"], true, "{}", refused.text);
    assert_eq!(upstream.calls("rerun_workflow"), 1);

    let path = format!("/servers/{server}");
    let open = json!({ "fail_open": true });
    acme.api
        .call(reqwest::Method::PATCH, &path, Some(&open))
        .await
        .ok();
    eventually("the server to fail open", async || {
        (call().await.said() == "done").then_some(())
    })
    .await;
    let events = app
        .audit(&acme.api, &format!("grant={grant}&outcome=allow"), 2)
        .await;
    assert_eq!(events[0]["failed_open"], true, "{}", events[0]);

    let closed = json!({ "fail_open": false });
    acme.api
        .call(reqwest::Method::PATCH, &path, Some(&closed))
        .await
        .ok();
    redis.restart().await;
    eventually("the limits to come back", async || {
        let answer = call().await;
        (decision(&answer)["code"] == "rate_limited").then_some(())
    })
    .await;
}
