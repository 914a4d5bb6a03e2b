//! The harness: a real Tollgate on free ports with its own private database, real and scripted
//! upstreams, and real MCP clients. Nothing here stands in for something a user would have.

pub mod agent;
pub mod api;
pub mod app;
pub mod circleci;
pub mod processes;
pub mod redis;
pub mod scripted;

pub use agent::Agent;
pub use api::Api;
pub use app::{TestApp, repository};
pub use circleci::CircleCi;
pub use scripted::Scripted;

use std::time::{Duration, Instant};

/// Waits until `check` answers something, asking again every 20 ms, for at most ten seconds.
///
/// # Panics
/// It never does; `what` says what was waited for.
pub async fn eventually<T>(what: &str, check: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited ten seconds for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The policy of the main story: ten reruns a minute for each grant, and nothing else.
pub const TEN_RERUNS: &str = r#"{ "version": "1", "default": "deny",
  "tools": { "rerun_workflow": { "limits": [{ "counter": "rerun_workflow_rate", "window": "minute", "max": 10, "scope": "grant" }] } } }"#;

/// A workflow id that the fake CircleCI API knows.
pub const WORKFLOW: &str = "8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11";
