//! The stateless era, 2026-07-28: each request for itself, headers that mirror the body.

use std::{sync::atomic::Ordering, time::Duration};

use super::world::{Ask, Plan, Say, World, good, json, tool, until};

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"m","version":"2"}}"#;

fn call(name: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments},{META}}}}}"#
    )
}

fn modern(world: &World, method: &str, body: String) -> Ask {
    world
        .post(body)
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
}

#[tokio::test]
async fn a_call_carries_its_headers_made_from_the_body() {
    let mut world = World::new(good).await;
    let body = call("get_logs", "{}");
    let ask =
        modern(&world, "tools/call", body.clone()).header("mcp-name", "=?base64?Z2V0X2xvZ3M=?=");
    let reply = ask.header("mcp-session-id", "ignored").send().await;
    assert_eq!((reply.status, reply.error()), (200, 0), "{reply:?}");
    {
        let seen = world.seen.lock();
        assert_eq!(seen[0].body, body);
        assert_eq!(seen[0].header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(seen[0].header("mcp-method"), Some("tools/call"));
        assert_eq!(seen[0].header("mcp-name"), Some("get_logs"));
        assert_eq!(seen[0].header("mcp-session-id"), None);
    }
    assert_eq!(world.decisions().await[0].client.as_deref(), Some("m 2"));
}

#[tokio::test]
async fn headers_that_differ_from_the_body_are_refused() {
    let mut world = World::new(good).await;
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("none", vec![]),
        (
            "no version",
            vec![("mcp-method", "tools/call"), ("mcp-name", "get_logs")],
        ),
        (
            "another version",
            vec![
                ("mcp-protocol-version", "2025-11-25"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "get_logs"),
            ],
        ),
        (
            "no method",
            vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-name", "get_logs"),
            ],
        ),
        (
            "another method",
            vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/list"),
                ("mcp-name", "get_logs"),
            ],
        ),
        (
            "no name",
            vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
            ],
        ),
        (
            "another name",
            vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "rerun_workflow"),
            ],
        ),
        (
            "another case",
            vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "Get_logs"),
            ],
        ),
        (
            "two names",
            vec![
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", "get_logs"),
                ("mcp-name", "get_logs"),
            ],
        ),
    ];
    for (what, headers) in cases {
        let mut ask = world.post(call("get_logs", "{}"));
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        let reply = ask.send().await;
        assert_eq!(
            (reply.status, reply.error()),
            (400, -32020),
            "{what}: {}",
            reply.body
        );
        assert_eq!(reply.json()["id"], 1);
    }
    assert_eq!(world.seen.lock().len(), 0);
    assert_eq!(world.last().await.0, "malformed");
}

#[tokio::test]
async fn an_incomplete_or_wrong_meta_is_refused_with_its_code() {
    let world = World::new(good).await;
    let bare = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let reply = modern(&world, "tools/list", bare.into()).send().await;
    assert_eq!(
        (reply.status, reply.error()),
        (400, -32602),
        "the header alone"
    );
    let lacking = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let reply = modern(&world, "tools/list", lacking.into()).send().await;
    assert_eq!(
        (reply.status, reply.error()),
        (400, -32602),
        "no capabilities"
    );
    let reply = modern(
        &world,
        "tools/list",
        lacking.replace("2026-07-28", "2031-01-01"),
    )
    .send()
    .await;
    assert_eq!((reply.status, reply.error()), (400, -32022));
    assert!(
        reply.json()["error"]["data"]["supported"]
            .as_array()
            .is_some_and(|all| all.contains(&"2026-07-28".into()))
    );
    let reply = world
        .post(bare)
        .header("mcp-protocol-version", "1999-01-01")
        .send()
        .await;
    assert_eq!((reply.status, reply.error()), (400, -32022));
    let batch = format!("[{}]", call("get_logs", "{}"));
    assert_eq!(
        modern(&world, "tools/call", batch).send().await.error(),
        -32600
    );
    assert_eq!(world.seen.lock().len(), 0);
}

#[tokio::test]
async fn methods_of_the_other_era_are_404() {
    let world = World::new(good).await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "subscriptions/listen",
        "tasks/get",
        "x/y",
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{META}}}}}"#);
        let reply = modern(&world, method, body).send().await;
        assert_eq!((reply.status, reply.error()), (404, -32601), "{method}");
    }
    let legacy = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#;
    assert_eq!(world.post(legacy).send().await.error(), -32601);
    assert_eq!(world.seen.lock().len(), 0);
}

#[tokio::test]
async fn refusals_are_complete_results_and_continuations_are_refused() {
    let world = World::with(
        Plan {
            policy: None,
            ..Plan::default()
        },
        good,
    )
    .await;
    let reply = modern(&world, "tools/call", call("get_logs", "{}"))
        .header("mcp-name", "get_logs")
        .send()
        .await;
    assert_eq!(reply.json()["result"]["resultType"], "complete");
    assert_eq!(reply.json()["result"]["isError"], true);
    let world = World::new(good).await;
    for more in [r#""requestState":"x""#, r#""inputResponses":{}"#] {
        let body = call("get_logs", "{}").replace(META, &format!("{more},{META}"));
        let reply = modern(&world, "tools/call", body)
            .header("mcp-name", "get_logs")
            .send()
            .await;
        assert_eq!((reply.status, reply.error()), (200, -32602), "{more}");
    }
    let task = call("get_logs", "{}").replace(META, &format!("\"task\":{{}},{META}"));
    let reply = modern(&world, "tools/call", task)
        .header("mcp-name", "get_logs")
        .send()
        .await;
    assert_eq!(
        (reply.status, reply.error()),
        (400, -32602),
        "this era has no such parameter"
    );
    assert_eq!(world.seen.lock().len(), 0);
}

#[tokio::test]
async fn what_an_upstream_could_ask_of_the_client_is_taken_off_its_capabilities() {
    let world = World::new(good).await;
    let body = call("get_logs", r#"{"n":1.0}"#).replace(
        r#"clientCapabilities":{}"#,
        r#"clientCapabilities":{"elicitation":{},"sampling":{},"extensions":{"io.modelcontextprotocol/tasks":{},"x":{}}}"#,
    );
    let reply = modern(&world, "tools/call", body)
        .header("mcp-name", "get_logs")
        .send()
        .await;
    assert_eq!(reply.error(), 0);
    let seen = world.seen.lock()[0].clone();
    let meta = &seen.json()["params"]["_meta"];
    assert_eq!(
        meta["io.modelcontextprotocol/clientCapabilities"],
        serde_json::json!({"extensions": {"x": {}}})
    );
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "m");
    assert!(seen.body.contains(r#""arguments":{"n":1.0}"#));
}

#[tokio::test]
async fn parameters_tied_to_headers_are_checked_and_sent_on() {
    let mut tied = tool("get_logs");
    tied.definition = r#"{"name":"get_logs","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}}}}}"#.into();
    let mut world = World::with(
        Plan {
            tools: Some(vec![tied]),
            ..Plan::default()
        },
        good,
    )
    .await;
    let ask = |world: &World, arguments: &str, headers: &[(&str, &str)]| {
        let mut ask =
            modern(world, "tools/call", call("get_logs", arguments)).header("mcp-name", "get_logs");
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        ask
    };
    let both = r#"{"region":"Zürich","deep":{"n":7}}"#;
    let encoded = "=?base64?WsO8cmljaA==?=";
    let reply = ask(
        &world,
        both,
        &[("mcp-param-region", encoded), ("mcp-param-n", "7")],
    )
    .send()
    .await;
    assert_eq!(reply.error(), 0, "{}", reply.body);
    {
        let seen = world.seen.lock();
        assert_eq!(seen[0].header("mcp-param-region"), Some(encoded));
        assert_eq!(seen[0].header("mcp-param-n"), Some("7"));
    }
    for (arguments, headers) in [
        (
            both,
            &[("mcp-param-region", "Zurich"), ("mcp-param-n", "7")][..],
        ),
        (both, &[("mcp-param-region", encoded)]),
        (both, &[("mcp-param-region", encoded), ("mcp-param-n", "8")]),
        ("{}", &[("mcp-param-region", "eu")]),
        (r#"{"region":null}"#, &[("mcp-param-region", "null")]),
        (
            r#"{"region":"a"}"#,
            &[("mcp-param-region", "a"), ("mcp-param-region", "a")],
        ),
    ] {
        let reply = ask(&world, arguments, headers).send().await;
        assert_eq!(
            (reply.status, reply.error()),
            (400, -32020),
            "{arguments} {headers:?}"
        );
    }
    assert!(world.refreshes.try_recv().is_err());
    // One that nobody knows steers nothing.
    let reply = ask(&world, "{}", &[("mcp-param-other", "x")]).send().await;
    assert_eq!(reply.error(), 0);
    assert_eq!(world.seen.lock()[1].header("mcp-param-other"), None);
    assert_eq!(world.refreshes.try_recv(), Ok(world.server));
}

#[tokio::test]
async fn lists_are_private_and_short_lived() {
    for (said, expected) in [
        (
            r#""ttlMs":3600000,"cacheScope":"public""#,
            r#""ttlMs":5000,"cacheScope":"private""#,
        ),
        (r#""ttlMs":10"#, r#""ttlMs":10,"cacheScope":"private""#),
        (r#""ttlMs":"x""#, r#""ttlMs":0,"cacheScope":"private""#),
        (r#""a":1"#, r#""a":1,"cacheScope":"private","ttlMs":0"#),
    ] {
        let said = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","tools":[{{"name":"secret_tool"}},{{"name":"get_logs"}}],{said}}}}}"#
        );
        let world = World::new(move |_| json(said.clone())).await;
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{META}}}}}"#);
        let reply = modern(&world, "tools/list", body).send().await;
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","tools":[{{"name":"get_logs"}}],{expected}}}}}"#
        );
        assert_eq!(reply.body, text);
    }
}

#[tokio::test]
async fn a_discovery_is_adjusted() {
    let world = World::new(|_| json(r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}},"ttlMs":99999,"cacheScope":"public"}}"#)).await;
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{{META}}}}}"#);
    let reply = modern(&world, "server/discover", body).send().await;
    let result = reply.json()["result"].clone();
    assert_eq!(
        result["capabilities"],
        serde_json::json!({"tools": {}, "extensions": {}})
    );
    assert_eq!(
        (&result["ttlMs"], &result["cacheScope"]),
        (&5000.into(), &"private".into())
    );
    assert_eq!(reply.header("mcp-session-id"), None);
}

/// Closing the stream is the cancellation, so it reaches the upstream.
#[tokio::test]
async fn a_client_that_goes_away_cancels() {
    for (kind, begun) in [
        (
            "text/event-stream",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n".to_owned(),
        ),
        (
            "application/json",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"result":{{"x":"{}"#,
                "y".repeat(600 << 10)
            ),
        ),
    ] {
        let mut world = World::new(move |_| Say::Slow(kind, vec![(0, begun.clone())])).await;
        let ask =
            modern(&world, "tools/call", call("get_logs", "{}")).header("mcp-name", "get_logs");
        let mut client = ask.open().await;
        until(&mut client, "\r\n\r\n", Duration::from_secs(2)).await;
        assert_eq!(world.open.load(Ordering::SeqCst), 1, "{kind}");
        drop(client);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(
            world.open.load(Ordering::SeqCst),
            0,
            "{kind}: the upstream was told"
        );
        assert_eq!(
            world.last().await.1.as_deref(),
            Some("client_gone"),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn an_events_answer_is_settled_and_asks_nothing() {
    let mut world = World::new(|seen| {
        let id = seen.id();
        Say::Pieces("text/event-stream", vec![
            (0, "id: 9\ndata: {\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"elicitation/create\"}\n\n".into()),
            (0, "data: {\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{\"content\":\"of another\"}}\n\n".into()),
            (0, "data: lol\n\nevent: endpoint\ndata: /evil\n\n".into()),
            (0, format!("retry: 5\ndata: {{\"jsonrpc\":\"2.0\",\ndata: \"id\":{id},\"result\":{{\"isError\":true}}}}\n\n")),
        ])
    })
    .await;
    let ask = modern(&world, "tools/call", call("get_logs", "{}")).header("mcp-name", "get_logs");
    let reply = ask.send().await;
    assert_eq!(
        reply.body,
        "retry: 5\ndata: {\"jsonrpc\":\"2.0\", \"id\":1,\"result\":{\"isError\":true}}\n\n"
    );
    assert_eq!(world.last().await.1.as_deref(), Some("tool_error"));
    assert_eq!(
        world.seen.lock().len(),
        1,
        "nothing is answered in this era"
    );
}
