//! Some calls of an agent, through the gateway like anyone's, so that the pages have something to
//! show.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// A grant is in force within a second of being issued; this is how often it may be asked.
const TRIES: u32 = 50;
const TRY_EVERY: Duration = Duration::from_millis(100);

/// A morning's work: looks, one rerun too many, and two things agents should not do.
pub(super) async fn make(proxy_url: &str, token: &str) -> Result<()> {
    let agent = Agent {
        proxy_url: url::Url::parse(proxy_url)?,
        token,
    };
    agent.until_known().await?;
    let project = json!({ "projectSlug": "gh/acme/shop" });
    let failed = json!({ "projectSlug": "gh/acme/shop", "branch": "main" });
    let workflow = json!({ "workflowId": "0b3c6f1e-5d0a-4a5e-8f57-3c1d2f9b7a64" });
    agent.send("tools/list", json!({})).await?;
    agent.call("list_followed_projects", json!({})).await?;
    agent.call("get_latest_pipeline_status", project).await?;
    agent.call("get_build_failure_logs", failed.clone()).await?;
    for _ in 0..11 {
        agent.call("rerun_workflow", workflow.clone()).await?;
    }
    agent.call("get_job_test_results", failed.clone()).await?;
    agent.call("run_pipeline", failed).await?;
    agent
        .call("run_rollback_pipeline", json!({ "namespace": "shop" }))
        .await?;
    Ok(())
}

struct Agent<'a> {
    proxy_url: url::Url,
    token: &'a str,
}

impl Agent<'_> {
    async fn until_known(&self) -> Result<()> {
        for _ in 0..TRIES {
            if self.send("ping", json!({})).await? != StatusCode::UNAUTHORIZED {
                return Ok(());
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
        bail!("the gateway does not know the grant that was just issued")
    }

    async fn call(&self, tool: &str, params: Value) -> Result<()> {
        let arguments = json!({ "params": params });
        let status = self
            .send(
                "tools/call",
                json!({ "name": tool, "arguments": arguments }),
            )
            .await?;
        // Refusals are results too.
        anyhow::ensure!(
            status == StatusCode::OK,
            "{tool} was answered with {status}"
        );
        Ok(())
    }

    async fn send(&self, method: &str, params: Value) -> Result<StatusCode> {
        let host = self.proxy_url.host_str().context("a URL with a host")?;
        let port = self
            .proxy_url
            .port_or_known_default()
            .context("a URL with a port")?;
        let stream = TcpStream::connect((host, port))
            .await
            .context("cannot reach the gateway")?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let authority = &self.proxy_url[url::Position::BeforeHost..url::Position::AfterPort];
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post(self.proxy_url.path())
            .header("host", authority)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(Full::new(Bytes::from(message.to_string())))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        // To its end, or the gateway would note a client that went away.
        response.into_body().collect().await?;
        drop(sender);
        connection.await??;
        Ok(status)
    }
}
