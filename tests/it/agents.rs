//! The catalogue for agents, beside the gateway in one process, with the official Rust client.

use serde_json::json;
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
