//! The catalogue for agents, beside the gateway in one process, with the official Rust client.

use serde_json::{Value, json};
use tests::{
    Agent, TestApp,
    agent::{post, said},
};

/// `/mcp/catalog` is the catalogue's, though `/mcp/…` is the gateway's; and no token is needed.
#[tokio::test]
async fn an_agent_asks_the_catalogue_before_it_uses_a_server() {
    let app = TestApp::spawn().await;
    let url = format!("{}/mcp/catalog", app.url);
    let agent = Agent::connect_without_token(&url).await;
    let tools = agent.tools().await;
    assert_eq!(
        tools,
        [
            "check_stack",
            "get_attack",
            "get_server",
            "get_tool",
            "list_attacks",
            "search_catalog"
        ]
    );
    let asked = json!({"slug": "circleci", "tool": "rerun_workflow"});
    let tool = agent.call("get_tool", asked).await.expect("an answer");
    let known = tool.structured_content.expect("data");
    assert_eq!(known["risk"], "high");
    let stack = json!({"servers": ["npx -y @circleci/mcp-server-circleci --token hunter2"]});
    let report = agent.call("check_stack", stack).await.expect("an answer");
    assert!(!said(&report).contains("hunter2"));
    assert_eq!(
        report.structured_content.expect("data")["counts"]["known"],
        1
    );
    agent.leave().await;

    // Everything else below `/mcp` is still the gateway's, which wants a token.
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for path in ["/mcp/catalog/mcp", "/mcp/catalogue", "/mcp/catalog/x"] {
        let answer = post(&format!("{}{path}", app.url), "", ping, &[]).await;
        assert!(
            matches!(answer.status.as_u16(), 401 | 404),
            "{path}: {}",
            answer.status
        );
    }
}

/// As much of JSON Schema as these schemas use.
fn fits(schema: &Value, value: &Value, at: &str) {
    let kind = schema["type"].as_str().expect("a type");
    let is = match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{at}: {other}"),
    };
    assert!(is, "{at} is no {kind}: {value}");
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        assert!(value.get(name).is_some(), "{at} has no {name}: {value}");
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            fits(schema, value, &format!("{at}/{name}"));
        }
    }
    for one in value.as_array().into_iter().flatten() {
        fits(&schema["items"], one, at);
    }
}

/// A client may check what it gets against what was promised, so every answer is as its schema says.
#[tokio::test]
async fn what_is_answered_fits_the_output_schema() {
    let app = TestApp::spawn().await;
    let agent = Agent::connect_without_token(&format!("{}/mcp/catalog", app.url)).await;
    let schemas = agent.output_schemas().await;
    assert_eq!(schemas.len(), 6);
    let attacks = agent
        .call("list_attacks", json!({}))
        .await
        .expect("an answer");
    let attacks = attacks.structured_content.expect("data");
    let attack = attacks["items"][0]["id"].clone();
    for (tool, arguments) in [
        ("search_catalog", json!({"q": "rerun"})),
        ("search_catalog", json!({"q": "github", "kind": "servers"})),
        (
            "search_catalog",
            json!({"q": "nothing has these words at all"}),
        ),
        ("get_server", json!({"slug": "circleci"})),
        (
            "get_tool",
            json!({"slug": "circleci", "tool": "rerun_workflow"}),
        ),
        ("list_attacks", json!({"limit": 50})),
        ("get_attack", json!({"id": attack})),
        (
            "check_stack",
            json!({"servers": ["npx -y @circleci/mcp-server-circleci", "npm:unknown"]}),
        ),
    ] {
        let answer = agent.call(tool, arguments).await.expect("an answer");
        fits(
            &schemas[tool],
            &answer.structured_content.expect("data"),
            tool,
        );
    }
    // A refusal is an error for the model, without data.
    let refused = agent
        .call("get_server", json!({"slug": "nobody"}))
        .await
        .expect("an answer");
    assert_eq!(
        (refused.is_error, refused.structured_content),
        (Some(true), None)
    );
    agent.leave().await;
}
