//! The real CircleCI MCP server, talking to an API of our own that counts.

use std::{
    collections::HashMap,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{
    app::{free_port, repository},
    eventually,
};

/// What the CircleCI API was asked.
#[derive(Debug, Default)]
pub struct Seen {
    requests: AtomicUsize,
    reruns: AtomicUsize,
    followed: AtomicUsize,
    tokens: Mutex<HashMap<String, usize>>,
}

/// The real server in its remote mode, and the API behind it.
#[derive(Debug)]
pub struct CircleCi {
    /// Where the MCP server is: `http://127.0.0.1:port/mcp`.
    pub url: String,
    seen: Arc<Seen>,
    node: Child,
}

/// The token that the fake API accepts, as a person would paste it into Tollgate.
pub const CIRCLECI_TOKEN: &str = "CCIPAT_for_the_tests_0123456789abcdef";

impl CircleCi {
    /// Starts both.
    ///
    /// # Panics
    /// The npm packages of `tests/browser` are not installed.
    pub async fn start() -> Self {
        let seen = Arc::new(Seen::default());
        let api = fake_api(Arc::clone(&seen)).await;
        let folder = repository().join("tests/browser");
        let entry = folder.join("node_modules/@circleci/mcp-server-circleci/dist/index.js");
        assert!(
            entry.exists(),
            "run `npm ci` in tests/browser first (make test does)"
        );
        let port = free_port();
        let node = Command::new("node")
            .arg(entry)
            .envs([("start", "remote"), ("MCP_BIND_HOST", "127.0.0.1")])
            .env("port", port.to_string())
            .env("CIRCLECI_BASE_URL", api)
            // Without it the server sends the user's token to its maker with each call's metrics.
            .env("DISABLE_TELEMETRY", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let ping = format!("http://127.0.0.1:{port}/ping");
        eventually("the CircleCI MCP server", async || {
            reqwest::get(&ping)
                .await
                .ok()
                .filter(|answer| answer.status().is_success())
        })
        .await;
        Self {
            url: format!("http://127.0.0.1:{port}/mcp"),
            seen,
            node,
        }
    }

    /// How many requests of any kind reached the CircleCI API.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// Has the token's owner follow so many projects from now on.
    pub fn follow(&self, projects: usize) {
        self.seen.followed.store(projects, Ordering::SeqCst);
    }

    /// How many reruns reached the CircleCI API.
    #[must_use]
    pub fn reruns(&self) -> usize {
        self.seen.reruns.load(Ordering::SeqCst)
    }

    /// Every token that the API was shown.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.seen
            .tokens
            .lock()
            .expect("no panic")
            .keys()
            .cloned()
            .collect()
    }
}

impl Drop for CircleCi {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// The routes of the API that a rerun and the list of projects use. Answers its base URL.
async fn fake_api(seen: Arc<Seen>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let router = Router::new()
        .route("/api/v2/workflow/{id}", get(workflow))
        .route("/api/v2/workflow/{id}/rerun", post(rerun))
        .route("/api/private/me/followed-projects", get(followed))
        .layer(middleware::from_fn_with_state(Arc::clone(&seen), count))
        .with_state(seen);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

type Answer = Result<Json<Value>, StatusCode>;

/// Counts a request, also one that no route answers.
async fn count(State(seen): State<Arc<Seen>>, request: Request, next: Next) -> Response {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    next.run(request).await
}

fn authenticate(seen: &Seen, headers: &HeaderMap) -> Result<(), StatusCode> {
    let token = headers
        .get("circle-token")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    *seen
        .tokens
        .lock()
        .expect("no panic")
        .entry(token.to_owned())
        .or_default() += 1;
    if token == CIRCLECI_TOKEN {
        Ok(())
    } else {
        Err(StatusCode::UNAUTHORIZED)
    }
}

async fn workflow(
    State(seen): State<Arc<Seen>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    authenticate(&seen, &headers)?;
    Ok(Json(json!({
        "id": id, "name": "build-and-test", "status": "failed",
        "created_at": "2026-01-01T00:00:00Z", "stopped_at": "2026-01-01T00:05:00Z",
        "pipeline_number": 7, "project_slug": "gh/acme/app",
        "pipeline_id": "5034460f-c7c4-4c43-9457-de07e2029e7b"
    })))
}

async fn rerun(State(seen): State<Arc<Seen>>, headers: HeaderMap) -> Answer {
    authenticate(&seen, &headers)?;
    let n = seen.reruns.fetch_add(1, Ordering::SeqCst) + 1;
    Ok(Json(
        json!({ "workflow_id": format!("00000000-0000-4000-8000-{n:012}") }),
    ))
}

async fn followed(State(seen): State<Arc<Seen>>, headers: HeaderMap) -> Answer {
    authenticate(&seen, &headers)?;
    let projects: Vec<Value> = (1..=seen.followed.load(Ordering::SeqCst))
        .map(|n| json!({ "name": format!("app-{n}"), "slug": format!("gh/acme/app-{n}"), "vcs_type": "github" }))
        .collect();
    Ok(Json(json!({ "items": projects, "next_page_token": null })))
}
