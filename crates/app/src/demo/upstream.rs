//! An MCP server that speaks the CircleCI server's tools and does nothing: streamable HTTP without
//! sessions, in both eras.
//!
//! Sources: MCP 2025-11-25 and 2026-07-28, "Transports" and "Tools".

mod answers;

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the real server takes.
const BODY_BYTES_MAX: usize = 100 << 10;
const SESSION_VERSIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
const STATELESS_VERSION: &str = "2026-07-28";
/// How long a client may keep a list, in the stateless era.
const TTL_MS: u64 = 60_000;

/// Listens on the port of the last time where it is free, else on a free one.
pub(super) async fn listen_again(port: u16) -> Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("no port is free"),
    }
}

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener) -> Result<()> {
    axum::serve(listener, router())
        .await
        .context("the demo upstream")
}

fn router() -> Router {
    Router::new()
        .route("/mcp", post(message))
        .route("/ping", get(async || "pong"))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

async fn message(headers: HeaderMap, body: String) -> Response {
    let Ok(message) = serde_json::from_str::<Value>(&body) else {
        return fault(StatusCode::BAD_REQUEST, &Value::Null, -32700, "Parse error");
    };
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        return fault(
            StatusCode::BAD_REQUEST,
            &Value::Null,
            -32600,
            "Invalid request",
        );
    };
    let Some(id) = message.get("id") else {
        return StatusCode::ACCEPTED.into_response();
    };
    let nothing = Value::Null;
    let params = message.get("params").unwrap_or(&nothing);
    // The era of a request is said in its body.
    match params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str() {
        Some(version) => stateless(&headers, id, method, params, version),
        None => session_era(id, method, params),
    }
}

fn session_era(id: &Value, method: &str, params: &Value) -> Response {
    match method {
        "initialize" => {
            let asked = params["protocolVersion"].as_str().unwrap_or_default();
            let version = SESSION_VERSIONS
                .iter()
                .find(|v| **v == asked)
                .unwrap_or(&SESSION_VERSIONS[0]);
            let result = json!({
                "protocolVersion": version,
                "capabilities": { "tools": {} },
                "serverInfo": about(),
            });
            answer(id, &result)
        }
        "ping" => answer(id, &json!({})),
        "tools/list" => answer(id, &json!({ "tools": catalog::circleci_tools() })),
        "tools/call" => match answers::call(params) {
            Some(result) => answer(id, &result),
            None => unknown_tool(StatusCode::OK, id, params),
        },
        _ => fault(StatusCode::OK, id, -32601, "Method not found"),
    }
}

fn stateless(
    headers: &HeaderMap,
    id: &Value,
    method: &str,
    params: &Value,
    version: &str,
) -> Response {
    if version != STATELESS_VERSION {
        let data = json!({ "supported": [STATELESS_VERSION], "requested": version });
        let error =
            json!({ "code": -32022, "message": "Unsupported protocol version", "data": data });
        return wrap(
            StatusCode::BAD_REQUEST,
            &json!({ "jsonrpc": "2.0", "id": id, "error": error }),
        );
    }
    let name = params["name"].as_str().filter(|_| method == "tools/call");
    for (header, expected) in [
        ("mcp-protocol-version", Some(version)),
        ("mcp-method", Some(method)),
        ("mcp-name", name),
    ] {
        let said = headers
            .get(header)
            .and_then(|value| value.to_str().ok())
            .map(str::trim);
        if expected.is_some() && said != expected {
            let text = format!("Header mismatch: {header} does not say what the body says");
            return fault(StatusCode::BAD_REQUEST, id, -32020, &text);
        }
    }
    let result = match method {
        "server/discover" => json!({
            "resultType": "complete",
            "supportedVersions": [STATELESS_VERSION],
            "capabilities": { "tools": {} },
            "ttlMs": TTL_MS,
            "cacheScope": "public",
            "_meta": { "io.modelcontextprotocol/serverInfo": about() },
        }),
        "tools/list" => json!({
            "resultType": "complete",
            "tools": catalog::circleci_tools(),
            "ttlMs": TTL_MS,
            "cacheScope": "public",
        }),
        "tools/call" => match answers::call(params) {
            Some(mut result) => {
                result["resultType"] = "complete".into();
                result
            }
            None => return unknown_tool(StatusCode::BAD_REQUEST, id, params),
        },
        _ => return fault(StatusCode::NOT_FOUND, id, -32601, "Method not found"),
    };
    answer(id, &result)
}

fn about() -> Value {
    json!({
        "name": "circleci-demo",
        "title": "CircleCI (demo)",
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn unknown_tool(status: StatusCode, id: &Value, params: &Value) -> Response {
    let name = params["name"].as_str().unwrap_or_default();
    fault(status, id, -32602, &format!("Unknown tool: {name}"))
}

fn answer(id: &Value, result: &Value) -> Response {
    wrap(
        StatusCode::OK,
        &json!({ "jsonrpc": "2.0", "id": id, "result": result }),
    )
}

fn fault(status: StatusCode, id: &Value, code: i32, text: &str) -> Response {
    let error = json!({ "code": code, "message": text });
    wrap(
        status,
        &json!({ "jsonrpc": "2.0", "id": id, "error": error }),
    )
}

fn wrap(status: StatusCode, message: &Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(message)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn ask(body: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut request = Request::post("/mcp").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = router()
            .oneshot(request.body(Body::from(body.to_owned())).unwrap())
            .await
            .unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    #[tokio::test]
    async fn the_session_era_is_spoken() {
        let (status, said) = ask(r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#, &[]).await;
        assert_eq!(
            (status, &said["result"]["protocolVersion"]),
            (StatusCode::OK, &json!("2025-06-18"))
        );
        let (status, _) = ask(
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            &[],
        )
        .await;
        assert_eq!(status, StatusCode::ACCEPTED);
        let (_, said) = ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, &[]).await;
        assert_eq!(said["result"]["tools"].as_array().unwrap().len(), 13);
        let (_, said) = ask(r#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, &[]).await;
        assert_eq!(said["error"]["code"], -32601);
        let (_, said) = ask(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#,
            &[],
        )
        .await;
        assert_eq!(said["error"]["message"], "Unknown tool: x");
        for (bad, code) in [("{", -32700), ("[]", -32600), (r#"{"id":1}"#, -32600)] {
            let (status, said) = ask(bad, &[]).await;
            assert_eq!(
                (status, &said["error"]["code"]),
                (StatusCode::BAD_REQUEST, &json!(code))
            );
        }
    }

    #[tokio::test]
    async fn the_stateless_era_checks_its_headers() {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_followed_projects","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
        let headers = [
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", "list_followed_projects"),
        ];
        let (status, said) = ask(body, &headers).await;
        assert_eq!(
            (status, &said["result"]["resultType"]),
            (StatusCode::OK, &json!("complete"))
        );
        for missing in 0..headers.len() {
            let mut fewer = headers.to_vec();
            fewer.remove(missing);
            let (status, said) = ask(body, &fewer).await;
            assert_eq!(
                (status, &said["error"]["code"]),
                (StatusCode::BAD_REQUEST, &json!(-32020))
            );
        }
        let (status, said) = ask(&body.replace("2026-07-28", "2099-01-01"), &headers).await;
        assert_eq!(
            (status, &said["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!(-32022))
        );
        let discover = body.replace("tools/call", "server/discover");
        let (_, said) = ask(&discover, &[headers[0], ("Mcp-Method", "server/discover")]).await;
        assert_eq!(said["result"]["supportedVersions"], json!(["2026-07-28"]));
    }
}
