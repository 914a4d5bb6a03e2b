//! Servers that mumble, never end, or fall silent.

use super::*;

#[tokio::test]
async fn rubbish_is_told_from_mcp() {
    let envelope =
        |rest: &'static str| move |asked: &Asked| json("200 OK", &rest.replace("$id", &asked.id()));
    type Script = Box<dyn Fn(&Asked) -> String + Send + Sync>;
    let cases: Vec<(Script, &str)> = vec![
        (
            Box::new(|_| respond("200 OK", "content-type: text/html\r\n", "<html>")),
            "it is text/html, not application/json or text/event-stream",
        ),
        (
            Box::new(|_| respond("200 OK", "", "{}")),
            "it has no Content-Type",
        ),
        (
            Box::new(|_| respond("500 Oops", "content-type: text/plain\r\n", "no")),
            "HTTP 500",
        ),
        (
            Box::new(|_| respond("302 Found", "", "")),
            "HTTP 302 without a place to go",
        ),
        (Box::new(envelope("")), "its JSON is not valid: "),
        (Box::new(envelope("{")), "its JSON is not valid: "),
        (Box::new(envelope("{} {}")), "its JSON is not valid: "),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"result":{"a":1,"a":2}}"#,
            )),
            "its JSON is not valid: ",
        ),
        (Box::new(envelope("\u{FEFF}{}")), "its JSON is not valid: "),
        (
            Box::new(envelope(r#"[{"jsonrpc":"2.0","id":$id,"result":{}}]"#)),
            "it is an array, not one object",
        ),
        (
            Box::new(envelope(r#"{"id":$id,"result":{}}"#)),
            "it is not a JSON-RPC 2.0 message",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":$id}"#)),
            "it has neither a result nor an error",
        ),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"result":{},"error":{"code":1}}"#,
            )),
            "it is a request and a response at once",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":"$id","result":{}}"#)),
            "it answers another request",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":99,"result":{}}"#)),
            "it answers another request",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":$id,"result":[]}"#)),
            "its result is not an object",
        ),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"error":{"code":"x"}}"#,
            )),
            "its error has no code",
        ),
        (
            Box::new(envelope(r#"{"jsonrpc":"2.0","id":$id,"result":{}}"#)),
            "its result names no protocolVersion",
        ),
        (
            Box::new(envelope(
                r#"{"jsonrpc":"2.0","id":$id,"result":{"protocolVersion":"x\r\ny: z"}}"#,
            )),
            "its protocolVersion is “x\u{FFFD}\u{FFFD}y: z”",
        ),
    ];
    for (script, detail) in cases {
        let (upstream, _) = scripted(script).await;
        let said = fails(&upstream).await;
        let expected = format!("the server's answer to initialize is not MCP: {detail}");
        assert!(said.starts_with(&expected), "{said}\n{expected}");
    }
}

#[tokio::test]
async fn a_list_is_read_strictly_or_not_at_all() {
    for (tools, detail) in [
        (r#"{"name":"a"}"#, "its result has no list of tools"),
        ("null", "its result has no list of tools"),
        (r#"[{"name":"a"},{}]"#, "tool 2 has no name"),
        (r#"[{"name":7}]"#, "tool 1 has no name"),
        (r#"["a"]"#, "tool 1 has no name"),
        (r#"[],"nextCursor":7"#, "its nextCursor is not a string"),
        (r#"[{"name":"a","name":"b"}]"#, "its JSON is not valid: "),
    ] {
        let (upstream, log) = scripted(move |asked| session_server(asked, tools)).await;
        let said = fails(&upstream).await;
        let expected = format!("the server's answer to tools/list is not MCP: {detail}");
        assert!(said.starts_with(&expected), "{said}\n{expected}");
        assert!(
            !methods(&log).contains(&"DELETE".to_owned()),
            "there is no session to end"
        );
    }
}

#[tokio::test]
async fn a_server_without_tools_has_none() {
    let (upstream, log) = scripted(|asked| match asked.method().as_str() {
        "initialize" => result(
            asked,
            r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
        ),
        _ => respond("202 Accepted", "", ""),
    })
    .await;
    assert!(
        discover(&upstream, &[])
            .await
            .expect("found")
            .tools
            .is_empty()
    );
    assert_eq!(
        methods(&log),
        ["initialize", "notifications/initialized", "tools/list"]
    );
    // Clients that do not look at what it offers would call this one.
    let (upstream, _) = scripted(|asked| match asked.method().as_str() {
        "initialize" => result(
            asked,
            r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
        ),
        _ => session_server(asked, r#"[{"name":"run"}]"#),
    })
    .await;
    let found = discover(&upstream, &[]).await.expect("found");
    assert_eq!(found.tools.len(), 1);
    // A list that is there is read as strictly as any.
    let (upstream, _) = scripted(|asked| match asked.method().as_str() {
        "initialize" => result(
            asked,
            r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
        ),
        _ => session_server(asked, r#"[{"name":"run"},{"name":7}]"#),
    })
    .await;
    assert!(fails(&upstream).await.ends_with("tool 2 has no name"));
    let (upstream, _) = scripted(|asked| match asked.method().as_str() {
        "tools/list" => error("200 OK", asked, -32601),
        _ => session_server(asked, ""),
    })
    .await;
    assert!(
        discover(&upstream, &[])
            .await
            .expect("found")
            .tools
            .is_empty()
    );
}

#[tokio::test]
async fn a_list_has_an_end() {
    let (upstream, log) =
        scripted(|asked| session_server(asked, r#"[{"name":"a"}],"nextCursor":"more""#)).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("its list has more than 100 pages")
    );
    assert_eq!(methods(&log).len(), 2 + PAGES_MAX);
    let many: Vec<_> = (0..=TOOLS_MAX)
        .map(|n| format!(r#"{{"name":"t{n}"}}"#))
        .collect();
    let many = format!("[{}]", many.join(","));
    let (upstream, _) = scripted(move |asked| session_server(asked, &many)).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("it lists more than 10000 tools")
    );
    // Many pages of a moderate size are bounded together.
    let long = format!(
        r#"[{{"name":"a","description":"{}"}}],"nextCursor":"x""#,
        "y".repeat(3 << 20)
    );
    let (upstream, log) = scripted(move |asked| session_server(asked, &long)).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("it is longer than 16 MiB in all")
    );
    assert_eq!(methods(&log).len(), 2 + 6);
}

/// A stream that never ends, and one event that never ends.
#[tokio::test]
async fn a_stream_has_an_end() {
    let padded = format!(
        "data: {}{{\"jsonrpc\":\"2.0\",\"method\":\"x\"}}\n\n",
        " ".repeat(4000)
    );
    let endless = format!("data: {}\n", "x".repeat(4000));
    for piece in [padded, endless] {
        let piece = piece.repeat(10);
        let (upstream, _) = server(move |mut tcp, seen| {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            async move {
                read_request(&mut tcp, &seen).await;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                tcp.write_all(head.as_bytes()).await.expect("writes");
                while tcp.write_all(chunk.as_bytes()).await.is_ok() {}
            }
        })
        .await;
        assert!(
            fails(&upstream)
                .await
                .ends_with("it is longer than 16 MiB in all")
        );
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_and_its_session_ended() {
    let deleted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&deleted);
    let (upstream, _) = scripted(move |asked| match asked.method().as_str() {
        "initialize" => {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":{},"result":{HELLO}}}"#,
                asked.id()
            );
            let headers = "content-type: application/json\r\nmcp-session-id: s-1\r\n";
            respond("200 OK", headers, &body)
        }
        "DELETE" => {
            assert_eq!(asked.header("mcp-session-id"), Some("s-1"));
            count.fetch_add(1, Ordering::SeqCst);
            respond("200 OK", "", "")
        }
        _ => "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n"
            .to_owned(),
    })
    .await;
    let limit = Duration::from_millis(200);
    let error = discover_within(&upstream, &[], limit)
        .await
        .map(drop)
        .expect_err("silence");
    assert!(
        matches!(error, DiscoverError::Upstream(UpstreamError::Timeout(_))),
        "{error:?}"
    );
    assert_eq!(deleted.load(Ordering::SeqCst), 1);
}
