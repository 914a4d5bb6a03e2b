//! Any gateway serves any request: two of them, apart from the console, over one Redis.

use serde_json::json;
use tests::{
    Scripted, TEN_RERUNS, TestApp,
    agent::{post, rerun_body},
    eventually,
    redis::Redis,
};

#[tokio::test]
async fn two_gateways_are_as_one() {
    let (mut app, redis, upstream) = tokio::join!(
        TestApp::spawn(),
        Redis::start(),
        Scripted::start(&["rerun_workflow"])
    );
    let acme = app.bootstrap("Acme");
    let (server, _) = acme.api.register("CI", &upstream.url, json!({})).await;
    let (grant, token) = acme.api.grant(&server, "agent", TEN_RERUNS).await;
    let gateways = [
        app.gateway(&redis.url()).await,
        app.gateway(&redis.url()).await,
    ];
    let urls = gateways.map(|gateway| format!("{gateway}/mcp/{server}/mcp"));

    // A session that one began, the other continues.
    let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "wanderer", "version": "1" } } });
    let begun = post(&urls[0], &token, hello.to_string(), &[]).await;
    let session = begun.headers["mcp-session-id"].to_str().expect("text");
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let headers = [
        ("mcp-session-id", session),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let listed = post(&urls[1], &token, list, &headers).await;
    assert_eq!(
        listed.message()["result"]["tools"][0]["name"],
        "rerun_workflow",
        "{}",
        listed.text
    );

    // One limit, whichever of them is asked.
    let asked = (0..30u64).map(|n| {
        let (url, token) = (
            urls[usize::try_from(n % 2).expect("0 or 1")].clone(),
            token.clone(),
        );
        tokio::spawn(async move { post(&url, &token, rerun_body(n), &[]).await.said() == "done" })
    });
    let mut passed = 0;
    for answer in asked.collect::<Vec<_>>() {
        passed += usize::from(answer.await.expect("no panic"));
    }
    assert_eq!((passed, upstream.calls("rerun_workflow")), (10, 10));
    let all = format!("grant={grant}&tool=rerun_workflow");
    assert_eq!(
        app.audit(&acme.api, &all, 30).await.len(),
        30,
        "both ship what they decided"
    );

    // What the console revokes is revoked at both.
    acme.api
        .call(reqwest::Method::DELETE, &format!("/grants/{grant}"), None)
        .await
        .ok();
    let revoked = std::time::Instant::now();
    for url in &urls {
        eventually("the revocation", async || {
            (post(url, &token, rerun_body(1), &[]).await.status == 401).then_some(())
        })
        .await;
    }
    assert!(
        revoked.elapsed().as_millis() < 1_000,
        "took {:?}",
        revoked.elapsed()
    );

    // A gateway cannot mint: the console's pages and its signing key are not there.
    let page = reqwest::get(urls[0].replace(&format!("/mcp/{server}/mcp"), "/sign-in")).await;
    assert_eq!(page.expect("an answer").status(), 404);
}
