//! What someone with one good token, or with an upstream of their own, would try.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{Plan, Say, World, good, tool, until};

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_logs","arguments":{}}}"#;

/// Sends all of a call but its last byte.
async fn all_but_the_end(world: &World) -> tokio::net::TcpStream {
    let (start, _) = CALL.split_at(CALL.len() - 1);
    let length = CALL.len().to_string();
    let ask = world.post(start).header("content-length", &length);
    ask.open().await
}

/// The head of a request opens no door for later: what decides is what holds when its body is whole.
#[tokio::test]
async fn a_request_begun_before_a_revocation_is_not_made_after_it() {
    for what in ["revoked", "paused", "denied", "stale"] {
        let plan = Plan {
            staleness_max: Duration::from_millis(if what == "stale" { 300 } else { 60_000 }),
            ..Plan::default()
        };
        let mut world = World::with(plan, good).await;
        let mut slow = all_but_the_end(&world).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        match what {
            "revoked" => world.change(|snapshot| snapshot.grants.clear()),
            "paused" => world.change(|snapshot| snapshot.grants[0].paused = true),
            "denied" => world.change(|snapshot| {
                snapshot.policies[0].version += 1;
                snapshot.policies[0].document = r#"{"version":"1","default":"deny"}"#.into();
            }),
            _ => tokio::time::sleep(Duration::from_millis(400)).await,
        }
        slow.write_all(b"}").await.expect("sent");
        let answer = until(&mut slow, "\r\n\r\n", Duration::from_secs(5)).await;
        let expected = match what {
            "denied" => "HTTP/1.1 200",
            "stale" => "HTTP/1.1 503",
            _ => "HTTP/1.1 401",
        };
        assert!(answer.starts_with(expected), "{what}: {answer}");
        assert_eq!(world.calls(), 0, "{what}");
    }
    // The same, and nothing happens meanwhile.
    let world = World::new(good).await;
    let mut slow = all_but_the_end(&world).await;
    slow.write_all(b"}").await.expect("sent");
    until(&mut slow, "done", Duration::from_secs(5)).await;
    assert_eq!(world.calls(), 1);
}

/// A hidden tool is unknown to the byte, also where its definition ties arguments to headers.
#[tokio::test]
async fn a_hidden_tool_is_not_betrayed_by_its_headers() {
    const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let mut secret = tool("secret_tool");
    secret.definition = r#"{"name":"secret_tool","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}"#.into();
    let plan = Plan {
        tools: Some(vec![secret]),
        ..Plan::default()
    };
    let world = World::with(plan, good).await;
    let mut said = Vec::new();
    for name in ["secret_tool", "absent_tool"] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{{"region":"eu"}},{META}}}}}"#
        );
        let reply = world
            .post(body)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", name)
            .send()
            .await;
        said.push((reply.status, reply.body.replace(name, "NAME")));
    }
    assert_eq!(said[0], said[1]);
    assert_eq!(said[0].0, 200);
}

/// Without an end a session's stream would keep its record open, and the spool every file since.
#[tokio::test]
async fn a_sessions_stream_does_not_last_for_ever() {
    let plan = Plan {
        total: Duration::from_secs(2),
        ..Plan::default()
    };
    let mut world = World::with(plan, |seen| match seen.method.as_str() {
        "GET" => Say::Slow("text/event-stream", vec![(0, ": hello\n\n".into())]),
        _ => Say::Now(
            200,
            vec![
                ("content-type", "application/json".into()),
                ("mcp-session-id", "up-1".into()),
            ],
            r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#.into(),
        ),
    })
    .await;
    let begun = world
        .post(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#)
        .send()
        .await;
    let session = begun.header("mcp-session-id").expect("a session");
    let mut open = world
        .ask("GET", &world.path())
        .header("authorization", &format!("Bearer {}", world.token))
        .header("mcp-session-id", session)
        .open()
        .await;
    let before = Instant::now();
    let text = until(&mut open, "never", Duration::from_secs(6)).await;
    assert!(before.elapsed() < Duration::from_secs(4), "{text}");
    assert!(text.contains("as long as one may"), "{text}");
    assert_eq!(world.last().await.1.as_deref(), Some("ok"));
}

/// To a client that reads slowly the answer is always ready, so that nothing is ever waited for; and
/// yet it ends in time.
#[tokio::test]
async fn a_slow_reader_does_not_keep_an_answer_for_ever() {
    let plan = Plan {
        total: Duration::from_secs(1),
        ..Plan::default()
    };
    let mut world = World::with(plan, |seen| {
        let piece = "x".repeat(1 << 20);
        let begin = format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"text":""#,
            seen.id()
        );
        let mut pieces = vec![(0, begin)];
        pieces.extend((0..200).map(|_| (0, piece.clone())));
        Say::Slow("application/json", pieces)
    })
    .await;
    let mut open = world.post(CALL).open().await;
    let began = Instant::now();
    let mut piece = vec![0; 256 << 10];
    while began.elapsed() < Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if !matches!(open.read(&mut piece).await, Ok(n) if n > 0) {
            break;
        }
    }
    assert_eq!(world.open.load(Ordering::SeqCst), 0);
    assert_eq!(world.last().await.1.as_deref(), Some("upstream_timeout"));
}

/// One grant cannot take every place; another one is served, and what ends gives its place back.
#[tokio::test]
async fn one_grant_has_its_share_and_no_more() {
    let mut world = World::new(good).await;
    let share = || {
        let table = world.gateway.table.load();
        let org = &table.orgs[&world.snapshot.org];
        std::sync::Arc::clone(&org.grants[&world.grant].share)
    };
    let own = share();
    own.requests
        .fetch_add(crate::share::AT_ONCE_MAX, Ordering::SeqCst);
    let reply = world.post(CALL).send().await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("1")),
        "{reply:?}"
    );
    own.requests.fetch_sub(1, Ordering::SeqCst);
    assert_eq!(world.post(CALL).send().await.status, 200);
    own.body_bytes
        .fetch_add(crate::share::BODIES_BYTES_MAX, Ordering::SeqCst);
    assert_eq!(world.post(CALL).send().await.status, 503);
    own.body_bytes.fetch_sub(CALL.len(), Ordering::SeqCst);
    assert_eq!(world.post(CALL).send().await.status, 200);
    assert_eq!(
        own.body_bytes.load(Ordering::SeqCst),
        crate::share::BODIES_BYTES_MAX - CALL.len(),
        "bytes are given back"
    );
    let left = own.requests.load(Ordering::SeqCst);
    assert_eq!(left, crate::share::AT_ONCE_MAX - 1, "and so are places");
    // The share outlives the snapshot that it was made with.
    world.change(|snapshot| snapshot.grants[0].labels.clear());
    let table = world.gateway.table.load();
    let org = &table.orgs[&world.snapshot.org];
    assert!(std::sync::Arc::ptr_eq(
        &own,
        &org.grants[&world.grant].share
    ));
    drop(table);

    let other = domain::GrantId::generate();
    world.change(|snapshot| {
        let mut grant = snapshot.grants[0].clone();
        grant.id = other;
        snapshot.grants.push(grant);
    });
    world.token = world.sign(|claims| claims.grant = other);
    assert_eq!(world.post(CALL).send().await.status, 200);
}

/// A stream holds its place until it ends, also when nobody listens any more.
#[tokio::test]
async fn an_open_stream_holds_its_place() {
    let world = World::new(|seen| {
        let answer = format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{}}}}\n\n",
            seen.id()
        );
        Say::Pieces(
            "text/event-stream",
            vec![(0, ": begun\n\n".into()), (1500, answer)],
        )
    })
    .await;
    let held = || {
        let table = world.gateway.table.load();
        let org = &table.orgs[&world.snapshot.org];
        org.grants[&world.grant]
            .share
            .requests
            .load(Ordering::SeqCst)
    };
    let open = world.post(CALL).open().await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(held(), 1);
    drop(open);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(held(), 1, "a call outlives its client");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(held(), 0);
}
