//! A small MCP server on loopback that wants a header, and counts who asks it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

pub(crate) const CREDENTIAL: &str = "Bearer s3cret-of-the-upstream";

#[derive(Clone, Default)]
struct Seen(Arc<AtomicUsize>);

pub(crate) struct Upstream {
    pub(crate) url: String,
    seen: Seen,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let seen = Seen::default();
        let app = Router::new()
            .route("/mcp", post(answer))
            .with_state(seen.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }

    /// How many requests came with the right credential.
    pub(crate) fn authenticated(&self) -> usize {
        self.seen.0.load(Ordering::SeqCst)
    }
}

async fn answer(State(seen): State<Seen>, headers: HeaderMap, body: String) -> Response {
    if headers
        .get("authorization")
        .is_none_or(|value| value != CREDENTIAL)
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    seen.0.fetch_add(1, Ordering::SeqCst);
    let message: Value = serde_json::from_str(&body).expect("JSON");
    let Some(id) = message.get("id") else {
        return StatusCode::ACCEPTED.into_response();
    };
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": "small", "version": "1.2.3"},
        }),
        Some("tools/list") => json!({"tools": [
            {"name": "rerun_workflow", "description": "Reruns.", "inputSchema": {"type": "object"}},
            {"name": "list_artifacts", "inputSchema": {"type": "object"},
             "annotations": {"readOnlyHint": true}},
        ]}),
        _ => {
            let error = json!({"code": -32601, "message": "no such method"});
            return Json(json!({"jsonrpc": "2.0", "id": id, "error": error})).into_response();
        }
    };
    Json(json!({"jsonrpc": "2.0", "id": id, "result": result})).into_response()
}
