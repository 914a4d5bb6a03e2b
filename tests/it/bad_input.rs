//! Bad input at the gateway: a clear error each, in a form that MCP clients survive, and a row in
//! the audit log from authentication onward.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    Agent, Api, Scripted, TestApp,
    agent::{Raw, post, rerun_body, said},
    scripted::Manner,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

struct Door {
    app: TestApp,
    upstream: Scripted,
    api: Api,
    server: String,
    url: String,
    grant: String,
    token: String,
}

async fn door() -> Door {
    let (app, upstream) = tokio::join!(
        TestApp::spawn_with(&[("TOLLGATE_FIRST_BYTE_SECONDS", "2")]),
        Scripted::start(&["rerun_workflow", "read"])
    );
    let api = app.bootstrap("Acme").api;
    let (server, url) = api.register("CI", &upstream.url, json!({})).await;
    let (grant, token) = api
        .grant(&server, "agent", r#"{"version":"1","default":"allow"}"#)
        .await;
    Door {
        app,
        upstream,
        api,
        server,
        url,
        grant,
        token,
    }
}

impl Door {
    async fn post(&self, body: impl Into<reqwest::Body>) -> Raw {
        post(&self.url, &self.token, body, &[]).await
    }
}

/// Messages that no honest client sends: each is refused with the right code, nothing reaches the
/// upstream, and each leaves a row.
#[tokio::test]
async fn malformed_messages_are_refused() {
    let door = door().await;
    let call = rerun_body(1);
    let deep = format!("{}1{}", "[".repeat(80), "]".repeat(80));
    let cases: Vec<(&str, String, i64)> = vec![
        ("not JSON", "{".into(), -32700),
        ("not UTF-8 text", "\u{FEFF}{}".into(), -32700),
        ("trailing data", format!("{call}{call}"), -32700),
        ("a duplicate key", call.replace(r#""id":1"#, r#""id":1,"id":2"#), -32700),
        ("a duplicate key by escape", call.replace(r#""method""#, r#""m\u0065thod":"ping","method""#), -32700),
        ("a duplicate key deep inside", call.replace(r#""workflowId""#, r#""workflowId":"x","workflowId""#), -32700),
        ("a lone surrogate", call.replace(tests::WORKFLOW, r"\ud800"), -32700),
        ("too deep", call.replace(&format!("\"{}\"", tests::WORKFLOW), &deep), -32700),
        ("a batch", format!("[{call}]"), -32600),
        ("another version", call.replace("2.0", "1.0"), -32600),
        ("an unknown key", call.replace(r#""id":1"#, r#""id":1,"x":1"#), -32600),
        ("a key in other case", call.replace(r#""id":1"#, r#""id":1,"Method":"ping""#), -32600),
        ("result beside method", call.replace(r#""id":1"#, r#""id":1,"result":{}"#), -32600),
        ("an id that is null", call.replace(r#""id":1"#, r#""id":null"#), -32600),
        ("an id that is a fraction", call.replace(r#""id":1"#, r#""id":1.5"#), -32600),
        ("a call without id", call.replace(r#""id":1,"#, ""), -32600),
        ("params that is a list", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#.into(), -32600),
        ("a name beside name", call.replace(r#""name""#, r#""NAME":"read","name""#), -32602),
        ("a name that is no name", call.replace("rerun_workflow", "rerun workflow"), -32602),
        ("arguments that are a list", r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":[]}}"#.into(), -32602),
        ("an unknown member of params", call.replace(r#""name""#, r#""extra":1,"name""#), -32602),
    ];
    let count = cases.len();
    for (what, body, code) in cases {
        let answer = door.post(body.clone()).await;
        assert_eq!(answer.status, 400, "{what}: {}", answer.text);
        let message = answer.message();
        let got = message["error"]["code"].as_i64();
        assert_eq!(got, Some(code), "{what}: {message}");
        assert!(answer.headers.contains_key("tollgate-decision"), "{what}");
        assert!(
            message["error"]["message"]
                .as_str()
                .is_some_and(|text| text.len() > 10),
            "{what}: {message}"
        );
    }
    assert_eq!(door.upstream.calls("rerun_workflow"), 0);
    let rows = door
        .app
        .audit(
            &door.api,
            &format!("grant={}&code=malformed", door.grant),
            count,
        )
        .await;
    assert_eq!(rows.len(), count);
}

/// Without a good token there is a 401 that says which, and no row.
#[tokio::test]
async fn bad_tokens_are_turned_away() {
    let door = door().await;
    let altered = {
        let mut token = door.token.clone();
        let last = if token.ends_with('A') { 'Q' } else { 'A' };
        token.pop();
        token.push(last);
        token
    };
    for (what, token) in [
        ("none", ""),
        ("rubbish", "rubbish"),
        (
            "an API key",
            "tg_key_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        ("an altered one", altered.as_str()),
    ] {
        let answer = post(&door.url, token, rerun_body(1), &[]).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        let challenge = answer.headers["www-authenticate"].to_str().expect("text");
        assert!(challenge.starts_with("Bearer"), "{what}: {challenge}");
        assert_eq!(
            challenge.contains("invalid_token"),
            !token.is_empty(),
            "{what}: {challenge}"
        );
        assert!(
            answer.message()["error"]["code"].is_i64(),
            "{what}: {}",
            answer.text
        );
    }

    let made = json!({ "label": "short", "expires_at": soon() });
    let made = door
        .api
        .post(&format!("/servers/{}/grants", door.server), &made)
        .await
        .ok();
    let expiring = made["token"].as_str().expect("a token").to_owned();
    tests::eventually("the grant to expire", async || {
        (post(&door.url, &expiring, rerun_body(1), &[]).await.status == 401).then_some(())
    })
    .await;

    door.api
        .post(&format!("/grants/{}/pause", door.grant), &json!({}))
        .await
        .ok();
    tests::eventually("the pause", async || {
        (door.post(rerun_body(1)).await.status == 401).then_some(())
    })
    .await;
    door.api
        .post(&format!("/grants/{}/resume", door.grant), &json!({}))
        .await
        .ok();
    tests::eventually("the resumption", async || {
        (door.post(rerun_body(1)).await.status == 200).then_some(())
    })
    .await;
    door.api
        .call(
            reqwest::Method::DELETE,
            &format!("/grants/{}", door.grant),
            None,
        )
        .await
        .ok();
    tests::eventually("the revocation", async || {
        (door.post(rerun_body(1)).await.status == 401).then_some(())
    })
    .await;
}

/// Two seconds from now, as the API writes times.
fn soon() -> String {
    let soon = OffsetDateTime::now_utc() + Duration::from_secs(2);
    soon.format(&Rfc3339).expect("a time of this century")
}

/// An unknown tool and a body that is too large.
#[tokio::test]
async fn unknown_tools_and_huge_bodies_are_refused() {
    let door = door().await;
    let unknown = door
        .post(rerun_body(7).replace("rerun_workflow", "no_such_tool"))
        .await;
    assert_eq!(unknown.status, 200);
    let message = unknown.message();
    assert_eq!(message["id"], 7);
    assert_eq!(message["error"]["code"], -32602);
    assert_eq!(message["error"]["message"], "Unknown tool: no_such_tool");
    assert!(message["error"]["data"]["tollgate/decision"].is_null());

    let huge = rerun_body(1).replace(tests::WORKFLOW, &"x".repeat(11 * 1024 * 1024));
    let refused = reqwest::Client::new()
        .post(&door.url)
        .bearer_auth(&door.token)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(huge)
        .send()
        .await;
    // A server may answer and close while the body is still on its way; a client that gets to read
    // the answer reads 413.
    if let Ok(answer) = refused {
        assert_eq!(answer.status(), 413);
    }
    for code in ["unknown_tool", "too_large"] {
        let rows = door
            .app
            .audit(&door.api, &format!("grant={}&code={code}", door.grant), 1)
            .await;
        assert_eq!(rows[0]["outcome"], "deny");
    }
    assert_eq!(door.upstream.calls("rerun_workflow"), 0);
}

/// An upstream that is down, silent or talks rubbish gives the model a sentence, never a dead
/// server; and the audit log says what became of the call.
#[tokio::test]
async fn a_bad_upstream_is_explained() {
    let door = door().await;
    let agent = Agent::connect(&door.url, &door.token).await;
    let html = "<html>hello</html>".to_owned();
    for (manner, settled, word) in [
        (
            Manner::Exactly(200, "text/html", html.clone()),
            "upstream_invalid",
            "no usable answer",
        ),
        (
            Manner::Exactly(200, "application/json", "{".into()),
            "upstream_invalid",
            "no usable answer",
        ),
        (
            Manner::Exactly(200, "application/json", "[]".into()),
            "upstream_invalid",
            "no usable answer",
        ),
        (
            Manner::Exactly(500, "text/html", html),
            "upstream_invalid",
            "no usable answer",
        ),
        (
            Manner::Exactly(302, "text/plain", String::new()),
            "upstream_invalid",
            "no usable answer",
        ),
        (
            Manner::Exactly(401, "application/json", "{}".into()),
            "upstream_credential",
            "credential",
        ),
        (
            Manner::Silent(Duration::from_secs(5)),
            "upstream_timeout",
            "not known",
        ),
    ] {
        door.upstream.behave(manner.clone());
        let result = agent
            .rerun()
            .await
            .unwrap_or_else(|error| panic!("{manner:?}: {error}"));
        assert_eq!(result.is_error, Some(true), "{manner:?}");
        assert!(
            said(&result).contains(word),
            "{manner:?}: {}",
            said(&result)
        );
        let decision =
            serde_json::to_value(&result).expect("JSON")["_meta"]["tollgate/decision"].clone();
        assert_eq!(decision["code"], settled, "{manner:?}");
        let id = decision["decision_id"].as_str().expect("an id");
        let event = tests::eventually("the outcome", async || {
            let event = door.api.get(&format!("/audit/{id}")).await;
            (event.status == 200 && event.body["settlement"].is_object()).then_some(event.body)
        })
        .await;
        assert_eq!(
            event["settlement"]["settled"], settled,
            "{manner:?}: {event}"
        );
    }
    door.upstream.behave(Manner::Json);
    assert_eq!(
        said(&agent.rerun().await.expect("an answer")),
        "done",
        "and it recovers"
    );
    door.upstream.behave(Manner::Sse);
    assert_eq!(
        said(&agent.rerun().await.expect("an answer")),
        "done",
        "as a stream too"
    );
    door.upstream.behave(Manner::ToolError);
    let failed = agent.rerun().await.expect("an answer");
    assert_eq!(
        (failed.is_error, said(&failed).as_str()),
        (Some(true), "the tool failed")
    );
}

/// Nothing listens where the server should be.
#[tokio::test]
async fn an_upstream_that_is_down_is_explained() {
    let door = door().await;
    let closed = format!("http://127.0.0.1:{}/mcp", tests::app::free_port());
    let edit = json!({ "upstream_url": closed });
    let server = format!("/servers/{}", door.server);
    door.api
        .call(reqwest::Method::PATCH, &server, Some(&edit))
        .await
        .ok();
    let answer = tests::eventually("the new address", async || {
        let answer = door.post(rerun_body(1)).await;
        (answer.message()["result"]["isError"] == true).then_some(answer)
    })
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let decision: Value = answer.message()["result"]["_meta"]["tollgate/decision"].clone();
    assert_eq!(decision["code"], "upstream_unreachable", "{}", answer.text);
    let other = door
        .post(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#)
        .await;
    assert_eq!(other.status, 502, "{}", other.text);
    assert_eq!(other.message()["error"]["code"], -32603);
    assert_eq!(other.message()["error"]["data"]["source"], "upstream");
}
