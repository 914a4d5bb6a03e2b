//! An MCP server that does exactly what a test tells it to, and remembers what reached it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

/// How it answers `tools/call`.
#[derive(Debug, Clone)]
pub enum Manner {
    /// A good result as JSON.
    Json,
    /// A good result as one server-sent event, with odd but legal line endings.
    Sse,
    /// `isError: true`.
    ToolError,
    /// This status, content type and body.
    Exactly(u16, &'static str, String),
    /// Reads the request and says nothing for this long.
    Silent(Duration),
    /// Starts a stream and never ends it.
    Endless,
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The HTTP method.
    pub method: Method,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

#[derive(Debug)]
struct Inner {
    manner: Mutex<Manner>,
    tools: Mutex<Vec<Value>>,
    arrivals: Mutex<Vec<Arrival>>,
    calls: Mutex<HashMap<String, usize>>,
    sessions: AtomicUsize,
}

/// The server, on a loopback port until the test's runtime ends.
#[derive(Debug, Clone)]
pub struct Scripted {
    /// `http://127.0.0.1:port/mcp`.
    pub url: String,
    inner: Arc<Inner>,
}

/// A tool definition with an open schema.
#[must_use]
pub fn tool(name: &str) -> Value {
    json!({
        "name": name, "description": format!("{name} of the scripted server."),
        "inputSchema": { "type": "object" }, "x-vendor": { "kept": true }
    })
}

impl Scripted {
    /// Starts one that offers `tools` and answers well.
    pub async fn start(tools: &[&str]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("it is bound"));
        let inner = Arc::new(Inner {
            manner: Mutex::new(Manner::Json),
            tools: Mutex::new(tools.iter().map(|name| tool(name)).collect()),
            arrivals: Mutex::default(),
            calls: Mutex::default(),
            sessions: AtomicUsize::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Changes how it answers calls from now on.
    pub fn behave(&self, manner: Manner) {
        *self.inner.manner.lock().expect("no panic") = manner;
    }

    /// Changes what it offers from now on.
    pub fn offer(&self, tools: Vec<Value>) {
        *self.inner.tools.lock().expect("no panic") = tools;
    }

    /// How many calls of a tool arrived.
    #[must_use]
    pub fn calls(&self, tool: &str) -> usize {
        self.inner
            .calls
            .lock()
            .expect("no panic")
            .get(tool)
            .copied()
            .unwrap_or_default()
    }

    /// Everything that arrived so far.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.inner.arrivals.lock().expect("no panic").clone()
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = String::from_utf8_lossy(&body).into_owned();
    let arrival = Arrival {
        method: method.clone(),
        headers,
        body: text,
    };
    let message: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    inner.arrivals.lock().expect("no panic").push(arrival);
    if method == Method::DELETE {
        return respond(StatusCode::OK, "application/json", Body::empty());
    }
    if method != Method::POST {
        return respond(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Body::empty());
    }
    let id = message["id"].clone();
    match message["method"].as_str().unwrap_or_default() {
        "initialize" => {
            let session = inner.sessions.fetch_add(1, Ordering::SeqCst);
            let version = message["params"]["protocolVersion"].clone();
            let mut response = result(&id, &json!({
                "protocolVersion": version,
                "capabilities": { "tools": {}, "tasks": { "list": {} } },
                "serverInfo": { "name": "scripted", "version": "1" }
            }));
            let session = format!("session-{session}").parse().expect("a header value");
            response.headers_mut().insert("mcp-session-id", session);
            response
        }
        "tools/list" => {
            let tools = inner.tools.lock().expect("no panic").clone();
            result(&id, &json!({ "tools": tools, "nextCursor": null }))
        }
        "ping" => result(&id, &json!({})),
        "tools/call" => {
            let tool = message["params"]["name"].as_str().unwrap_or_default().to_owned();
            *inner.calls.lock().expect("no panic").entry(tool).or_default() += 1;
            let manner = inner.manner.lock().expect("no panic").clone();
            call(&id, manner).await
        }
        method if method.starts_with("notifications/") => {
            respond(StatusCode::ACCEPTED, "application/json", Body::empty())
        }
        _ => respond(
            StatusCode::OK,
            "application/json",
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no such method" } })
                .to_string()
                .into(),
        ),
    }
}

async fn call(id: &Value, manner: Manner) -> Response {
    let good = json!({ "content": [{ "type": "text", "text": "done" }], "isError": false });
    match manner {
        Manner::Json => result(id, &good),
        Manner::ToolError => result(
            id,
            &json!({ "content": [{ "type": "text", "text": "the tool failed" }], "isError": true }),
        ),
        Manner::Sse => {
            let message = json!({ "jsonrpc": "2.0", "id": id, "result": good }).to_string();
            let events = format!(": hello\r\nevent: message\rdata: {message}\n\n");
            respond(StatusCode::OK, "text/event-stream", events.into())
        }
        Manner::Exactly(status, kind, body) => respond(
            StatusCode::from_u16(status).expect("a status"),
            kind,
            body.into(),
        ),
        Manner::Silent(long) => {
            tokio::time::sleep(long).await;
            result(id, &good)
        }
        Manner::Endless => {
            let tick = futures_util::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Some((
                    Ok::<_, std::convert::Infallible>(Bytes::from_static(b": tick\n\n")),
                    (),
                ))
            });
            respond(
                StatusCode::OK,
                "text/event-stream",
                Body::from_stream(tick.boxed()),
            )
        }
    }
}

fn result(id: &Value, result: &Value) -> Response {
    let message = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
    respond(StatusCode::OK, "application/json", message.into())
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .expect("the parts of a response are good")
}
