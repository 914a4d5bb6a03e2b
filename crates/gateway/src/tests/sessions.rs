//! Sessions: sealed on their way through the client, and streams that end with their grant.

use std::time::Duration;

use domain::GrantId;

use super::world::{Ask, Plan, Reply, Say, World, good, json, until};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"sampling":{},"elicitation":{},"roots":{"listChanged":true},"experimental":{}},"clientInfo":{"name":"agent","version":"9"}}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

/// An upstream with sessions: it gives `up-1` and knows no other.
pub(super) fn with_sessions(seen: &super::world::Seen) -> Say {
    match (seen.method.as_str(), seen.rpc().as_str(), seen.header("mcp-session-id")) {
        ("POST", "initialize", None) => Say::Now(
            200,
            vec![("content-type", "application/json".into()), ("mcp-session-id", "up-1".into())],
            r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{},"prompts":{}},"serverInfo":{"name":"s","version":"1"}}}"#.into(),
        ),
        ("GET", _, Some("up-1")) => Say::Slow("text/event-stream", vec![
            (0, "id: 5\ndata:\n\n".into()),
            (0, "id: 6\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n".into()),
            (0, "data: {\"jsonrpc\":\"2.0\",\"id\":31,\"method\":\"sampling/createMessage\",\"params\":{\"x\":\"drain\"}}\n\n".into()),
            (0, "data: {\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n\n".into()),
            (0, "data: {\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"tools\":[{\"name\":\"secret_tool\"},{\"name\":\"get_logs\"}]}}\n\n".into()),
        ]),
        ("DELETE", _, Some("up-1")) => Say::Now(200, vec![], String::new()),
        (_, _, Some("up-1")) => good(seen),
        _ => Say::Now(404, vec![], "Session not found".into()),
    }
}

pub(super) async fn begin(world: &World) -> String {
    let reply = world.post(INITIALIZE).send().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
        .header("mcp-session-id")
        .expect("a session")
        .to_owned()
}

pub(super) fn stream(world: &World, session: &str) -> Ask {
    world
        .ask("GET", &world.path())
        .header("authorization", &format!("Bearer {}", world.token))
        .header("accept", "text/event-stream")
        .header("mcp-session-id", session)
}

#[tokio::test]
async fn a_handshake_is_adjusted_on_both_sides_and_its_session_sealed() {
    let mut world = World::with(
        Plan {
            policy: Some(super::world::TEN_A_MINUTE),
            ..Plan::default()
        },
        with_sessions,
    )
    .await;
    let reply = world.post(INITIALIZE).send().await;
    let capabilities = reply.json()["result"]["capabilities"].clone();
    assert_eq!(
        capabilities,
        serde_json::json!({"tools": {"listChanged": true}}),
        "no tasks, and no prompts for a default of deny"
    );
    let sealed = reply
        .header("mcp-session-id")
        .expect("a session")
        .to_owned();
    assert!(!sealed.contains("up-1") && sealed.bytes().all(|b| b.is_ascii_graphic()));
    {
        let seen = world.seen.lock();
        assert_eq!(
            seen[0].json()["params"]["capabilities"],
            serde_json::json!({"experimental": {}})
        );
        assert_eq!(seen[0].json()["params"]["clientInfo"]["name"], "agent");
    }
    let call =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rerun_workflow"}}"#;
    let reply = world
        .post(call)
        .header("mcp-session-id", &sealed)
        .send()
        .await;
    assert!(reply.json()["result"]["isError"].is_null(), "{reply:?}");
    assert_eq!(reply.header("mcp-session-id"), None);
    {
        let seen = world.seen.lock();
        assert_eq!(seen[1].header("mcp-session-id"), Some("up-1"));
        assert_eq!(seen[1].header("mcp-protocol-version"), Some("2025-11-25"));
    }
    assert_eq!(
        world.decisions().await[1].client.as_deref(),
        Some("agent 9")
    );
}

#[tokio::test]
async fn a_handshake_as_events_begins_a_session_too() {
    let world = World::new(|seen| match seen.rpc().as_str() {
        "initialize" => Say::Now(
            200,
            vec![("content-type", "text/event-stream".into()), ("mcp-session-id", "up-1".into())],
            "id: 1\ndata:\n\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}}\n\n".into(),
        ),
        _ => good(seen),
    })
    .await;
    let sealed = begin(&world).await;
    assert_eq!(
        world
            .post(PING)
            .header("mcp-session-id", &sealed)
            .send()
            .await
            .status,
        200
    );
    assert_eq!(
        world.seen.lock()[1].header("mcp-protocol-version"),
        Some("2025-06-18")
    );
}

#[tokio::test]
async fn a_stolen_altered_or_foreign_session_is_404() {
    let mut world = World::new(with_sessions).await;
    let session = begin(&world).await;
    let try_with = async |world: &World, token: &str, session: &str| {
        let ask = world.post(PING).without("authorization");
        ask.header("authorization", &format!("Bearer {token}"))
            .header("mcp-session-id", session)
            .send()
            .await
    };
    assert_eq!(try_with(&world, &world.token, &session).await.status, 200);
    // Another grant on the same server.
    let thief = GrantId::generate();
    world.change(|snapshot| {
        let mut grant = snapshot.grants[0].clone();
        grant.id = thief;
        snapshot.grants.push(grant);
    });
    let stolen = world.sign(|claims| claims.grant = thief);
    assert_eq!(try_with(&world, &stolen, &session).await.status, 404);
    // Rotation ends no session: it is bound to the grant, not to the token.
    world.change(|snapshot| snapshot.grants[0].token_version = 2);
    world.token = world.sign(|claims| claims.version = 2);
    assert_eq!(try_with(&world, &world.token, &session).await.status, 200);
    for bad in ["up-1", "", "x", &session[1..], &format!("{session}A")] {
        let reply = try_with(&world, &world.token, bad).await;
        assert_eq!(
            (reply.status, reply.json()["id"].as_i64()),
            (404, Some(7)),
            "{bad}"
        );
    }
    let twice = world
        .post(PING)
        .header("mcp-session-id", &session)
        .header("mcp-session-id", &session);
    assert_eq!(twice.send().await.status, 400);
    // The same server at another origin.
    world.change(|snapshot| {
        let moved = snapshot.servers[0]
            .upstream_url
            .replace("127.0.0.1", "127.0.0.3");
        snapshot.servers[0].upstream_url = moved;
        snapshot.servers[0].credential = None;
    });
    assert_eq!(try_with(&world, &world.token, &session).await.status, 404);
    assert_eq!(world.last().await.0, "session_refused");
}

#[tokio::test]
async fn a_session_that_the_upstream_has_forgotten_is_404() {
    let mut world = World::new(|seen| match seen.rpc().as_str() {
        "initialize" => with_sessions(seen),
        _ => Say::Now(404, vec![], "Session not found".into()),
    })
    .await;
    let session = begin(&world).await;
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs"}}"#;
    let reply = world
        .post(call)
        .header("mcp-session-id", &session)
        .send()
        .await;
    assert_eq!((reply.status, reply.json()["id"].as_i64()), (404, Some(1)));
    assert_eq!(world.last().await.1.as_deref(), Some("rpc_error"));
}

#[tokio::test]
async fn a_sessions_stream_is_read_event_by_event() {
    let world = World::new(with_sessions).await;
    let session = begin(&world).await;
    let mut open = stream(&world, &session).open().await;
    let text = until(&mut open, "get_logs", Duration::from_secs(3)).await;
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("text/event-stream"),
        "{text}"
    );
    assert!(text.contains("notifications/message"));
    assert!(!text.contains("secret_tool"), "a replayed list is filtered");
    assert!(
        !text.contains("sampling") && !text.contains("\"ping\""),
        "a server asks nothing of clients"
    );
    assert!(
        !text.contains("id: 5\n") && !text.contains("id: 6\n"),
        "event ids are sealed"
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    {
        let seen = world.seen.lock();
        let declined = seen
            .iter()
            .find(|seen| seen.json()["id"] == 31)
            .expect("declined");
        assert_eq!(declined.json()["error"]["code"], -32601);
        assert_eq!(declined.header("mcp-session-id"), Some("up-1"));
        let answered = seen
            .iter()
            .find(|seen| seen.json()["id"] == "p")
            .expect("answered");
        assert_eq!(answered.json()["result"], serde_json::json!({}));
    }
    // The last event's id goes back to what it was.
    let ids: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .collect();
    assert_eq!(ids.len(), 2, "{text}");
    drop(open);
    let mut again = stream(&world, &session)
        .header("last-event-id", ids[1])
        .open()
        .await;
    until(&mut again, "get_logs", Duration::from_secs(3)).await;
    let gets: Vec<_> = world
        .seen
        .lock()
        .iter()
        .filter(|seen| seen.method == "GET")
        .cloned()
        .collect();
    assert_eq!(gets[1].header("last-event-id"), Some("6"));
    assert_eq!(gets[1].header("accept"), Some("text/event-stream"));
    for bad in ["6", "x", &session] {
        let reply = stream(&world, &session)
            .header("last-event-id", bad)
            .send()
            .await;
        assert_eq!(reply.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn streams_end_within_a_second_when_their_grant_does() {
    for what in ["paused", "revoked", "expired", "suspended", "shut down"] {
        let mut world = World::new(with_sessions).await;
        let session = begin(&world).await;
        let mut open = stream(&world, &session).open().await;
        until(&mut open, "get_logs", Duration::from_secs(3)).await;
        assert_eq!(world.open.load(std::sync::atomic::Ordering::SeqCst), 1);
        match what {
            "paused" => world.change(|snapshot| snapshot.grants[0].paused = true),
            "revoked" => world.change(|snapshot| snapshot.grants.clear()),
            "expired" => world.change(|snapshot| snapshot.grants[0].expires_at_ms = Some(1)),
            "suspended" => world.change(|snapshot| snapshot.suspended = true),
            _ => world.gateway.shut_down(),
        }
        let before = std::time::Instant::now();
        let rest = until(&mut open, "never", Duration::from_secs(5)).await;
        assert!(
            before.elapsed() < Duration::from_millis(1600),
            "{what}: {:?}",
            before.elapsed()
        );
        assert_eq!(
            rest.contains("shutting down"),
            what == "shut down",
            "{rest}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(
            world.open.load(std::sync::atomic::Ordering::SeqCst),
            0,
            "{what}: the upstream's stream is closed"
        );
    }
}

#[tokio::test]
async fn a_changed_policy_is_told_on_the_stream() {
    let mut world = World::new(with_sessions).await;
    let session = begin(&world).await;
    let mut open = stream(&world, &session).open().await;
    until(&mut open, "get_logs", Duration::from_secs(3)).await;
    // A change that alters nothing that is seen is not told.
    world.change(|snapshot| snapshot.policies[0].version = 4);
    let quiet = until(&mut open, "list_changed", Duration::from_millis(1500)).await;
    assert!(!quiet.contains("list_changed"));
    world.change(|snapshot| {
        snapshot.policies[0].document =
            r#"{"version":"1","default":"allow","hide":["get_logs"]}"#.into();
    });
    let told = until(&mut open, "list_changed", Duration::from_secs(3)).await;
    assert!(
        told.contains(r#"data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#),
        "{told}"
    );
    assert!(!told.contains("id: "), "{told}");
}

#[tokio::test]
async fn get_and_delete_need_a_session() {
    let mut world = World::new(with_sessions).await;
    let session = begin(&world).await;
    let bearer = format!("Bearer {}", world.token);
    for method in ["GET", "DELETE"] {
        let reply = world
            .ask(method, &world.path())
            .header("authorization", &bearer)
            .send()
            .await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("POST, OPTIONS")),
            "{method}"
        );
        let ask = world
            .ask(method, &world.path())
            .header("authorization", &bearer);
        assert_eq!(
            ask.header("mcp-session-id", "up-1").send().await.status,
            404,
            "{method}"
        );
    }
    assert_eq!(world.last().await.0, "session_refused");
    let ask = world
        .ask("DELETE", &world.path())
        .header("authorization", &bearer);
    let reply: Reply = ask.header("mcp-session-id", &session).send().await;
    assert_eq!(reply.status, 204);
    let seen = world.seen.lock().last().cloned().expect("seen");
    assert_eq!(
        (seen.method.as_str(), seen.header("mcp-session-id")),
        ("DELETE", Some("up-1"))
    );
}

#[tokio::test]
async fn an_upstream_without_streams_says_405() {
    let world = World::new(|seen| match seen.method.as_str() {
        "POST" => with_sessions(seen),
        _ => Say::Now(
            405,
            vec![("content-type", "text/html".into())],
            "<h1>no</h1>".into(),
        ),
    })
    .await;
    let session = begin(&world).await;
    let reply = stream(&world, &session).send().await;
    assert_eq!(reply.status, 405);
    assert!(!reply.body.contains("<h1>"));
}

#[tokio::test]
async fn notes_about_requests_need_a_session() {
    let world = World::new(with_sessions).await;
    let session = begin(&world).await;
    for method in ["cancelled", "progress", "initialized"] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{"requestId":1}}}}"#
        );
        let reply = world
            .post(body)
            .header("mcp-session-id", &session)
            .send()
            .await;
        assert_eq!((reply.status, reply.body.as_str()), (202, ""), "{method}");
    }
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"info"}}"#;
    assert_eq!(
        world
            .post(body)
            .header("mcp-session-id", &session)
            .send()
            .await
            .error(),
        0
    );
    // Nothing was asked of the client.
    let body = r#"{"jsonrpc":"2.0","id":31,"result":{"content":"secret"}}"#;
    let reply = world
        .post(body)
        .header("mcp-session-id", &session)
        .send()
        .await;
    assert_eq!(reply.status, 400);
    assert!(world.seen.lock().iter().all(|seen| seen.json()["id"] != 31));
}

#[tokio::test]
async fn a_handshake_that_makes_no_sense_is_an_error() {
    for body in [
        "{}",
        r#"{"jsonrpc":"2.0","id":9,"result":{"capabilities":{}}}"#,
        "<html>",
    ] {
        let world = World::new(move |_| json(body)).await;
        let reply = world.post(INITIALIZE).send().await;
        assert_eq!((reply.status, reply.error()), (502, -32603), "{body}");
    }
    let world = World::new(|_| {
        let headers = vec![
            ("content-type", "application/json".into()),
            ("mcp-session-id", "a b".into()),
        ];
        Say::Now(
            200,
            headers,
            r#"{"jsonrpc":"2.0","id":0,"result":{"capabilities":{}}}"#.into(),
        )
    })
    .await;
    assert_eq!(world.post(INITIALIZE).send().await.status, 502);
}
