//! What crosses the gateway and how: bytes, headers, credentials, streams, lost clients.

use std::time::Duration;

use domain::audit::Outcome;

use super::world::{SECRET, Say, World, good, json, until};

#[tokio::test]
async fn a_call_goes_through_as_it_was_written_and_comes_back_untouched() {
    let mut world = World::new(good).await;
    let body = r#"{ "jsonrpc":"2.0", "id":"x", "method":"tools/call","params":{"name":"get_logs","arguments":{"n":12345678901234567890.10,"z":1,"a":2},"_meta":{"progressToken":1}}}"#;
    let reply = world
        .post(body)
        .header(
            "traceparent",
            &format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16)),
        )
        .send()
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body,
        r#"{"jsonrpc":"2.0","id":"x","result":{"content":[{"type":"text","text":"done"}],"big":12345678901234567890}}"#
    );
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    {
        let seen = world.seen.lock();
        assert_eq!(seen[0].body, body, "the judged bytes");
        assert!(seen[0].header("traceparent").is_some());
    }
    let decision = world.decisions().await.remove(0);
    assert_eq!(
        reply.header("tollgate-decision"),
        Some(decision.id.to_string().as_str())
    );
    assert_eq!(decision.outcome, Outcome::Allow);
    assert_eq!(decision.tool.as_deref(), Some("get_logs"));
    assert_eq!(
        (decision.server_name.as_str(), decision.grant_label.as_str()),
        ("CircleCI", "ci agent")
    );
    assert_eq!(
        (decision.policy_name.as_deref(), decision.policy_version),
        (Some("reruns"), Some(3))
    );
    assert_eq!(decision.request_bytes, body.len() as u64);
    assert_eq!(
        decision.address,
        Some("127.0.0.1".parse().expect("an address"))
    );
    let settled = world.settlements().await.remove(0);
    assert_eq!(
        (settled.id, settled.settled.as_str(), settled.status),
        (decision.id, "ok", Some(200))
    );
    assert_eq!(settled.response_bytes, reply.body.len() as u64);
    assert!(!settled.given_back);
}

#[tokio::test]
async fn names_written_with_escapes_are_forwarded_plainly() {
    let world = World::new(good).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\/call","params":{"n\u0061me":"get_\u006cogs","arguments":{"x":1.0}}}"#;
    assert_eq!(world.post(body).send().await.status, 200);
    let plain = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","arguments":{"x":1.0}}}"#;
    assert_eq!(world.seen.lock()[0].body, plain);
}

/// Only what the gateway writes goes upstream, with the upstream's own credential; nothing of it
/// comes back.
#[tokio::test]
async fn headers_cross_by_allow_list_alone_in_both_directions() {
    let world = World::new(|seen| {
        let mut headers: Vec<(&'static str, String)> = vec![
            ("content-type", "application/json; charset=utf-8".into()),
            ("set-cookie", "a=b".into()),
            (
                "www-authenticate",
                "Bearer resource_metadata=\"https://evil.example\"".into(),
            ),
            ("location", "https://evil.example".into()),
            ("access-control-allow-origin", "*".into()),
            ("mcp-session-id", "never-outside-initialize".into()),
            (
                "x-debug",
                seen.header("circle-token").unwrap_or_default().into(),
            ),
        ];
        headers.push(("content-security-policy", "default-src *".into()));
        let Say::Now(_, _, body) = good(seen) else {
            unreachable!("it answers")
        };
        Say::Now(200, headers, body)
    })
    .await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs"}}"#;
    let reply = world
        .post(body)
        .header("cookie", "session=secret")
        .header("x-forwarded-for", "1.2.3.4")
        .header("circle-token", "the-agents-own")
        .header("mcp-method", "tools/list")
        .header("mcp-name", "secret_tool")
        .header("mcp-param-x", "1")
        .header("referer", "https://x.example")
        .header("x-http-method-override", "DELETE")
        .send()
        .await;
    assert_eq!(reply.status, 200);
    let seen = world.seen.lock()[0].clone();
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "circle-token",
            "content-length",
            "content-type",
            "host",
            "via"
        ]
    );
    assert_eq!(seen.header("circle-token"), Some(SECRET));
    assert_eq!(
        seen.header("content-length"),
        Some(body.len().to_string().as_str())
    );
    assert_eq!(
        seen.header("accept"),
        Some("application/json, text/event-stream")
    );
    assert!(
        seen.header("host")
            .is_some_and(|host| host.starts_with("127.0.0.1:"))
    );
    for name in [
        "set-cookie",
        "www-authenticate",
        "location",
        "x-debug",
        "mcp-session-id",
        "access-control-allow-origin",
    ] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert_eq!(
        reply.header("content-security-policy"),
        Some("default-src 'none'; sandbox")
    );
    assert!(!format!("{reply:?}").contains(SECRET));
}

#[tokio::test]
async fn a_credential_for_another_origin_is_not_sent_there() {
    let mut world = World::new(good).await;
    world.change(|snapshot| {
        let moved = snapshot.servers[0]
            .upstream_url
            .replace("127.0.0.1", "127.0.0.2");
        snapshot.servers[0].upstream_url = moved;
    });
    let reply = world.call("get_logs").await;
    assert!(reply.said().contains("credential"), "{}", reply.body);
    assert_eq!(world.seen.lock().len(), 0);
    assert_eq!(
        world.last().await,
        ("allowed".into(), Some("upstream_credential".into()))
    );
}

/// In the session era a client that goes away cancels nothing; the outcome is on record all the
/// same.
#[tokio::test]
async fn a_lost_client_does_not_lose_the_outcome() {
    let mut world = World::new(|seen| {
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":[],"isError":true}}}}"#,
            seen.id()
        );
        Say::Pieces("application/json", vec![(400, answer)])
    })
    .await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs"}}"#;
    let client = world.post(body).open().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(client);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(
        world.last().await,
        ("allowed".into(), Some("tool_error".into()))
    );
}

#[tokio::test]
async fn a_lost_client_does_not_lose_a_large_or_streamed_outcome() {
    let padding = "x".repeat(600 << 10);
    let mut world = World::new(move |seen| {
        let id = seen.id();
        if seen.body.contains("get_logs") {
            let first = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"{padding}"#);
            Say::Pieces("application/json", vec![(0, first), (500, r#""}],"isError":true}}"#.into())])
        } else {
            let first = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n".to_owned();
            let last = format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n\n");
            Say::Pieces("text/event-stream", vec![(0, first), (500, last)])
        }
    })
    .await;
    for (tool, outcome) in [("get_logs", "tool_error"), ("rerun_workflow", "ok")] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#
        );
        let mut client = world.post(body).open().await;
        let head = until(&mut client, "\r\n\r\n", Duration::from_secs(2)).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        drop(client);
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(world.last().await.1.as_deref(), Some(outcome), "{tool}");
    }
}

#[tokio::test]
async fn a_large_answer_streams_through_untouched_and_is_settled() {
    let padding = "y".repeat(3 << 20);
    let mut world = World::new(move |seen| {
        json(format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":[{{"type":"text","text":"{padding}"}}],"isError":true}}}}"#, seen.id()))
    })
    .await;
    let reply = world.call("get_logs").await;
    assert_eq!(
        reply.json()["result"]["content"][0]["text"]
            .as_str()
            .map(str::len),
        Some(3 << 20)
    );
    assert_eq!(world.last().await.1.as_deref(), Some("tool_error"));
    assert_eq!(
        world.settlements().await[0].response_bytes,
        reply.body.len() as u64
    );
}

/// The head is sent when a stream begins, so what goes wrong later is said in its place on the
/// stream, as a result that the model reads.
#[tokio::test]
async fn what_goes_wrong_on_a_stream_is_said_on_it() {
    for (what, piece, code) in [
        ("an end", ": hi\n\n", "upstream_invalid"),
        (
            "more input",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"input_required\"}}\n\n",
            "upstream_invalid",
        ),
        (
            "both",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}\n\n",
            "upstream_invalid",
        ),
    ] {
        let world =
            World::new(move |_| Say::Pieces("text/event-stream", vec![(0, piece.to_owned())]))
                .await;
        let reply = world.call("get_logs").await;
        let last = reply.events().pop().expect(what);
        let last: serde_json::Value = serde_json::from_str(&last).expect("JSON");
        assert_eq!(
            (&last["id"], &last["result"]["isError"]),
            (&1.into(), &true.into()),
            "{what}"
        );
        assert_eq!(
            last["result"]["_meta"]["tollgate/decision"]["code"], code,
            "{what}"
        );
    }
}
