//! A limit holds when everything comes at once.

use std::sync::Arc;

use serde_json::json;
use tests::{
    Scripted, TEN_RERUNS, TestApp,
    agent::{post, rerun_body},
};

/// 200 calls over 20 connections let exactly 10 through.
#[tokio::test]
async fn a_burst_lets_exactly_ten_through() {
    let (app, upstream) = tokio::join!(TestApp::spawn(), Scripted::start(&["rerun_workflow"]));
    let acme = app.bootstrap("Acme");
    let (server, proxy_url) = acme.api.register("CI", &upstream.url, json!({})).await;
    let (_, token) = acme.api.grant(&server, "looping agent", TEN_RERUNS).await;

    let (proxy_url, token): (Arc<str>, Arc<str>) = (proxy_url.into(), token.into());
    let connections = (0..20u64).map(|connection| {
        let (url, token) = (Arc::clone(&proxy_url), Arc::clone(&token));
        tokio::spawn(async move {
            let mut passed = 0;
            for n in 0..10 {
                let answer = post(&url, &token, rerun_body(connection * 10 + n), &[]).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
                let refused = answer.message()["result"]["isError"] == true;
                assert!(
                    !refused || answer.said().contains("over its limit"),
                    "{}",
                    answer.text
                );
                passed += usize::from(!refused);
            }
            passed
        })
    });
    let mut passed = 0;
    for connection in connections.collect::<Vec<_>>() {
        passed += connection.await.expect("no panic");
    }
    assert_eq!(passed, 10);
    assert_eq!(upstream.calls("rerun_workflow"), 10);
    assert_eq!(
        app.audit(&acme.api, "tool=rerun_workflow&outcome=allow", 10)
            .await
            .len(),
        10
    );
    assert_eq!(
        app.audit(&acme.api, "tool=rerun_workflow&outcome=deny", 190)
            .await
            .len(),
        190
    );
}
