//! The scan page: what is pasted is stripped, and stays nowhere.

use serde_json::json;

use crate::browser::World;

const CONFIG: &str = r#"{ "mcpServers": { "mine": { "command": "npx",
    "args": ["-y", "some-package@1.0.0", "--token", "hunter2-of-the-args"],
    "env": { "API_KEY": "hunter2-of-the-env" } } } }"#;

#[tokio::test]
async fn a_pasted_configuration_is_reported_on_without_its_keys() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = ada.get("/scan").await;
    assert!(page.text.contains("Check this configuration") && page.text.contains("/scan.js"));
    let token = ada.token("/scan").await;
    let page = ada.post("/scan", &token, &[("config", CONFIG)]).await;
    page.is(200);
    assert!(!page.text.contains("hunter2"), "{}", page.text);
    assert!(page.text.contains("npm:some-package") && page.text.contains("not in the catalogue"));
    assert!(page.text.contains("2 in plain text"), "{}", page.text);
    assert!(page.text.contains("/servers/new?name=mine"));
    assert!(
        page.text
            .contains("Take the credentials out of the configuration")
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_not_shown_again() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let token = ada.token("/scan").await;
    for text in [
        "{\"mcpServers\": {\"a\": hunter2}}",
        "hunter2",
        "[hunter2]\na = 'hunter2",
    ] {
        let page = ada.post("/scan", &token, &[("config", text)]).await;
        page.is(422);
        assert!(!page.text.contains("hunter2"), "{text}");
        assert!(page.text.contains(", column "), "{}", page.text);
    }
    let huge = "x".repeat(300 * 1024);
    ada.post("/scan", &token, &[("config", &huge)])
        .await
        .is(422);
    let names =
        json!({"mcpServers": {"<script>alert(1)</script>": {"command": "npx", "args": ["x"]}}});
    let page = ada
        .post("/scan", &token, &[("config", &names.to_string())])
        .await;
    page.is(200);
    assert!(!page.text.contains("<script>alert"));
}

#[tokio::test]
async fn an_address_is_scanned_through_the_guard_and_not_too_often() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let token = ada.token("/scan").await;
    let look = async |url: &str, value: &str| {
        let name = if value.is_empty() {
            ""
        } else {
            "Authorization"
        };
        let fields = [("url", url), ("header_name", name), ("header_value", value)];
        ada.post("/scan/url", &token, &fields).await
    };
    for private in [
        "http://10.0.0.1/mcp",
        "http://169.254.169.254/latest",
        "http://[fd00::1]/mcp",
    ] {
        let page = look(private, "").await;
        page.is(422);
        assert!(page.text.contains("role=\"alert\""), "{private}");
    }
    look("ftp://x", "").await.is(422);
    let plain = look("http://mcp.example.com/mcp", "hunter2").await;
    plain.is(422);
    assert!(!plain.text.contains("hunter2"));
    let closed = look("http://127.0.0.1:1/mcp", "").await;
    closed.is(422);
    assert!(closed.text.contains("cannot be reached"), "{}", closed.text);
    for _ in 0..10 {
        look("http://127.0.0.1:1/mcp", "").await;
    }
    let throttled = look("http://127.0.0.1:1/mcp", "").await;
    assert!(
        throttled.text.contains("try again in"),
        "{}",
        throttled.text
    );
}
