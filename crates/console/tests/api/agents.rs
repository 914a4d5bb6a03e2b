//! The catalogue for agents, asked on the wire: both eras, and what no client would send.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    catalogue::world,
    world::{Answer, PUBLIC_URL, World},
};

async fn raw(world: &World, body: impl Into<Body>, more: &[(&str, &str)]) -> Answer {
    let mut request = Request::post("/mcp/catalog")
        .header(header::HOST, "tollgate.example")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    world
        .send(request.body(body.into()).expect("a request"))
        .await
}

async fn ask(world: &World, method: &str, params: Value) -> Answer {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    raw(
        world,
        message.to_string(),
        &[("mcp-protocol-version", "2025-11-25")],
    )
    .await
}

async fn call(world: &World, tool: &str, arguments: Value) -> Value {
    let answer = ask(
        world,
        "tools/call",
        json!({"name": tool, "arguments": arguments}),
    )
    .await;
    assert!(
        answer.text.len() < 80 * 1024,
        "{tool}: {} bytes",
        answer.text.len()
    );
    let mut answer = answer.expect(200);
    answer["result"].take()
}

#[tokio::test]
async fn every_tool_answers_from_the_catalogue() {
    let world = world().await;
    let found = call(
        &world,
        "search_catalog",
        json!({"q": "rerun", "risk": "high"}),
    )
    .await;
    assert_eq!(
        found["structuredContent"]["items"][0]["name"], "rerun_workflow",
        "{found}"
    );
    let text = found["content"][0]["text"].as_str().expect("text");
    let said: Value = serde_json::from_str(text).expect("the same as text");
    assert_eq!(said, found["structuredContent"]);
    let servers = call(
        &world,
        "search_catalog",
        json!({"q": "circleci", "kind": "servers"}),
    )
    .await;
    assert_eq!(servers["structuredContent"]["items"][0]["slug"], "circleci");
    let server = call(&world, "get_server", json!({"slug": "circleci"})).await;
    assert_eq!(
        server["structuredContent"]["tools"]
            .as_array()
            .map(Vec::len),
        Some(13)
    );
    let tool = json!({"slug": "circleci", "tool": "rerun_workflow"});
    let tool = call(&world, "get_tool", tool).await;
    assert_eq!(tool["structuredContent"]["rules"][0]["id"], "recommended");
    let attacks = call(&world, "list_attacks", json!({"limit": 3})).await;
    let id = &attacks["structuredContent"]["items"][0]["id"];
    let attack = call(&world, "get_attack", json!({"id": id})).await;
    assert_eq!(&attack["structuredContent"]["id"], id);
    let stack = json!({"servers": ["npm:@circleci/mcp-server-circleci@0.20.0", "https://x.example.com/mcp?key=hunter2"]});
    let stack = call(&world, "check_stack", stack).await;
    assert_eq!(stack["structuredContent"]["counts"]["known"], 1);
    assert!(!stack.to_string().contains("hunter2"));
}

#[tokio::test]
async fn every_server_that_ships_fits_into_an_answer() {
    let world = world().await;
    for one in catalog::shipped() {
        let server = call(&world, "get_server", json!({"slug": one.server.slug})).await;
        assert_eq!(server["isError"], false, "{}", one.server.slug);
        let tool = one.tools.first().expect("tools");
        let asked = json!({"slug": one.server.slug, "tool": tool.name});
        let answer = call(&world, "get_tool", asked).await;
        assert_eq!(
            answer["isError"], false,
            "{} {}",
            one.server.slug, tool.name
        );
    }
    for attack in catalog::attacks::attacks() {
        let answer = call(&world, "get_attack", json!({"id": attack.id})).await;
        assert_eq!(answer["isError"], false, "{}", attack.id);
    }
}

#[tokio::test]
async fn wrong_arguments_are_told_to_the_model_and_keys_in_them_are_not_quoted() {
    let world = world().await;
    for (tool, arguments) in [
        ("get_server", json!({})),
        ("get_server", json!({"slug": "nope"})),
        ("get_server", json!({"slug": "circleci", "more": 1})),
        ("get_tool", json!({"slug": "circleci", "tool": "nope"})),
        ("search_catalog", json!({"class": "terrible"})),
        ("search_catalog", json!({"limit": "all"})),
        ("get_attack", json!({"id": "nope"})),
        (
            "check_stack",
            json!({"config": "{\"mcpServers\": hunter2}"}),
        ),
        ("check_stack", json!({"config": {"k": "hunter2"}})),
        (
            "check_stack",
            json!({"config": "{}", "servers": ["hunter2"]}),
        ),
        ("check_stack", json!({"servers": ["hunter2"]})),
        ("check_stack", json!({})),
    ] {
        let result = call(&world, tool, arguments.clone()).await;
        assert_eq!(result["isError"], true, "{tool} {arguments}: {result}");
        let text = result["content"][0]["text"].as_str().expect("a sentence");
        assert!(text.ends_with('.') && !text.contains("hunter2"), "{text}");
    }
    let unknown = ask(&world, "tools/call", json!({"name": "drop_tables"})).await;
    assert_eq!(unknown.json["error"]["code"], -32602, "{}", unknown.text);
}

#[tokio::test]
async fn both_eras_are_spoken_and_no_session_is_made() {
    let world = world().await;
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"}});
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut hello = hello.clone();
        hello["protocolVersion"] = version.into();
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello});
        let answer = raw(&world, message.to_string(), &[]).await;
        assert_eq!(
            answer.json["result"]["protocolVersion"], version,
            "{}",
            answer.text
        );
        assert_eq!(
            answer.json["result"]["serverInfo"]["name"],
            "tollgate-catalog"
        );
        assert!(!answer.headers.contains_key("mcp-session-id"));
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    }
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let accepted = raw(
        &world,
        note.to_string(),
        &[("mcp-protocol-version", "2025-11-25")],
    )
    .await;
    assert_eq!(accepted.status.as_u16(), 202);

    let list = ask(&world, "tools/list", json!({})).await.expect(200);
    let tools = list["result"]["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), 6);
    for tool in tools {
        assert_eq!(tool["inputSchema"]["additionalProperties"], false);
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
    }

    let meta = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}}});
    let modern = async |method: &str, params: Value, headers: &[(&str, &str)]| {
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let mut all = vec![("mcp-protocol-version", "2026-07-28")];
        all.extend_from_slice(headers);
        raw(&world, message.to_string(), &all).await
    };
    let found = modern(
        "server/discover",
        meta.clone(),
        &[("mcp-method", "server/discover")],
    )
    .await;
    assert_eq!(found.status.as_u16(), 200, "{}", found.text);
    let mut params = meta.clone();
    params["name"] = "get_server".into();
    params["arguments"] = json!({"slug": "circleci"});
    let headers = [("mcp-method", "tools/call"), ("mcp-name", "get_server")];
    let answer = modern("tools/call", params.clone(), &headers)
        .await
        .expect(200);
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(answer["result"]["structuredContent"]["slug"], "circleci");
    let other = [("mcp-method", "tools/call"), ("mcp-name", "get_tool")];
    let mismatch = modern("tools/call", params, &other).await;
    assert_eq!(mismatch.status.as_u16(), 400, "{}", mismatch.text);
    assert_eq!(mismatch.json["error"]["code"], -32020);
    let list = modern("tools/list", meta, &[("mcp-method", "tools/list")])
        .await
        .expect(200);
    assert_eq!(list["result"]["cacheScope"], "public");
}

#[tokio::test]
async fn what_no_client_would_send_is_refused() {
    let world = world().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list"}"#;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(700 * 1024));
    for (body, status) in [
        (format!("[{ping}]"), 400),
        (format!("[{ping},{ping}]"), 400),
        ("[]".to_owned(), 400),
        (twice.to_owned(), 400),
        (format!("\u{feff}{ping}"), 400),
        (format!("{ping}{ping}"), 400),
        (format!("{{\"a\":{deep}}}"), 400),
        (huge, 413),
        (String::new(), 400),
    ] {
        let shown: String = body.chars().take(60).collect();
        let answer = raw(&world, body, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{shown}: {}", answer.text);
        assert_eq!(answer.json["id"], Value::Null, "{shown}");
    }
    let gzip = raw(&world, ping, &[("content-encoding", "gzip")]).await;
    assert_eq!(gzip.status.as_u16(), 415);
    for origin in ["https://evil.example", "null", "http://tollgate.example"] {
        let answer = raw(&world, ping, &[("origin", origin)]).await;
        assert_eq!(answer.status.as_u16(), 403, "{origin}");
    }
    let own = raw(&world, ping, &[("origin", PUBLIC_URL)]).await;
    assert_eq!(own.status.as_u16(), 200, "{}", own.text);
    for method in ["GET", "DELETE", "PUT", "OPTIONS"] {
        let request = Request::builder()
            .method(method)
            .uri("/mcp/catalog")
            .header(header::HOST, "tollgate.example");
        let answer = world
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(answer.status.as_u16(), 405, "{method}");
        assert_eq!(answer.headers[header::ALLOW], "POST", "{method}");
    }
}
