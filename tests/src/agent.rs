//! An agent: the official Rust MCP client, and the same wire by hand for what no client would send.

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode};
use reqwest::Client;
use rmcp::{
    RoleClient, ServiceError, ServiceExt,
    model::{CallToolRequestParams, CallToolResult},
    service::RunningService,
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Map, Value, json};

/// An MCP client that has shaken hands through the gateway.
#[derive(Debug)]
pub struct Agent {
    service: RunningService<RoleClient, ()>,
}

impl Agent {
    /// Connects with a grant's token.
    pub async fn connect(proxy_url: &str, token: &str) -> Self {
        let config = StreamableHttpClientTransportConfig::with_uri(proxy_url).auth_header(token);
        let transport = StreamableHttpClientTransport::with_client(Client::new(), config);
        let service = ().serve(transport).await.expect("the handshake passes");
        Self { service }
    }

    /// Connects where no token is wanted.
    pub async fn connect_without_token(url: &str) -> Self {
        let config = StreamableHttpClientTransportConfig::with_uri(url);
        let transport = StreamableHttpClientTransport::with_client(Client::new(), config);
        let service = ().serve(transport).await.expect("the handshake passes");
        Self { service }
    }

    /// The names that `tools/list` shows, sorted.
    pub async fn tools(&self) -> Vec<String> {
        let tools = self.service.list_all_tools().await.expect("a list");
        let mut names: Vec<String> = tools.into_iter().map(|tool| tool.name.into()).collect();
        names.sort();
        names
    }

    /// What `tools/list` promises of answers, by tool.
    pub async fn output_schemas(&self) -> BTreeMap<String, Value> {
        let tools = self.service.list_all_tools().await.expect("a list");
        let schema = |tool: &rmcp::model::Tool| {
            let schema = tool.output_schema.as_ref()?;
            Some((tool.name.to_string(), Value::Object((**schema).clone())))
        };
        tools.iter().filter_map(schema).collect()
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// What the client raises: a JSON-RPC error or a broken transport.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<CallToolResult, ServiceError> {
        let arguments: Map<String, Value> = arguments
            .as_object()
            .expect("arguments are an object")
            .clone();
        let mut call = CallToolRequestParams::new(tool.to_owned());
        call.arguments = Some(arguments);
        self.service.call_tool(call).await
    }

    /// Reruns the workflow that the fake CircleCI API knows.
    ///
    /// # Errors
    /// As [`Agent::call`].
    pub async fn rerun(&self) -> Result<CallToolResult, ServiceError> {
        self.call(
            "rerun_workflow",
            json!({ "params": { "workflowId": crate::WORKFLOW } }),
        )
        .await
    }

    /// Says goodbye.
    pub async fn leave(self) {
        let _ = self.service.cancel().await;
    }
}

/// The text of a tool's result.
#[must_use]
pub fn said(result: &CallToolResult) -> String {
    let content = serde_json::to_value(&result.content).expect("content is JSON");
    let texts = content.as_array().into_iter().flatten();
    texts
        .filter_map(|part| part["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// One raw request and what came back.
#[derive(Debug)]
pub struct Raw {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Raw {
    /// The one JSON message of the answer, be it JSON or the last event of a stream.
    #[must_use]
    pub fn message(&self) -> Value {
        let data = self
            .text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("data:"));
        let text = data.map_or(self.text.as_str(), str::trim);
        serde_json::from_str(text).unwrap_or(Value::Null)
    }

    /// The text of the tool result in the answer.
    #[must_use]
    pub fn said(&self) -> String {
        self.message()["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// `POST`s a body as an MCP client would, with a token and more headers.
pub async fn post(
    url: &str,
    token: &str,
    body: impl Into<reqwest::Body>,
    more: &[(&str, &str)],
) -> Raw {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        "application/json".parse().expect("a header"),
    );
    headers.insert(
        "accept",
        "application/json, text/event-stream"
            .parse()
            .expect("a header"),
    );
    if !token.is_empty() {
        headers.insert(
            "authorization",
            format!("Bearer {token}").parse().expect("a header"),
        );
    }
    for (name, value) in more {
        let name: http::HeaderName = name.parse().expect("a header name");
        headers.insert(name, value.parse().expect("a header value"));
    }
    let answer = Client::new()
        .post(url)
        .headers(headers)
        .body(body)
        .send()
        .await;
    let answer = answer.expect("the gateway answers");
    Raw {
        status: answer.status(),
        headers: answer.headers().clone(),
        text: answer.text().await.unwrap_or_default(),
    }
}

/// The body of a rerun, with a request id.
#[must_use]
pub fn rerun_body(id: u64) -> String {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": { "name": "rerun_workflow", "arguments": { "params": { "workflowId": crate::WORKFLOW } } }
    })
    .to_string()
}
