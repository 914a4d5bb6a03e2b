//! `--demo`: an organisation to look at, with a server, a policy, grants and some traffic.

mod seed;
mod traffic;
mod upstream;

use std::{net::SocketAddr, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    commands::block_on,
    output::say,
    serve::{self, Started},
};

/// The agent's call that the printed snippet makes.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rerun_workflow","arguments":{"params":{"workflowId":"8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11"}}}}"#;

/// What is printed, so that it works as pasted.
struct Guide<'a> {
    public_url: &'a str,
    email: &'a str,
    password: &'a str,
    proxy_url: &'a str,
    token: &'a str,
}

/// Finds the demo of an earlier start or makes it, prints how to use it, and keeps its upstream
/// running until it is dropped.
pub(crate) async fn run(folder: &Path, started: &Started) -> Result<()> {
    let console = started.console.as_ref().context("`dev` has a console")?;
    let mut record = seed::Record::read(folder)?;
    let listener = upstream::listen_again(record.upstream_port).await?;
    record.upstream_port = listener.local_addr().context("it is bound")?.port();
    let served = tokio::spawn(upstream::serve(listener));
    let demo = seed::ensure(console, &mut record, folder).await?;
    let proxy_url = format!("{}/mcp/{}/mcp", started.public_url, demo.server);
    if let Some(token) = &demo.fresh_traffic {
        traffic::make(&proxy_url, token)
            .await
            .context("the demo's own calls")?;
    }
    say(&guide(&Guide {
        public_url: &started.public_url,
        email: seed::EMAIL,
        password: &record.password,
        proxy_url: &proxy_url,
        token: &demo.token,
    }));
    served.await.context("the demo upstream ended")?
}

fn guide(g: &Guide<'_>) -> String {
    let client = json!({ "mcpServers": { "circleci": {
        "type": "http",
        "url": g.proxy_url,
        "headers": { "Authorization": format!("Bearer {}", g.token) },
    } } });
    format!(
        "\nThe demo\n\n  Sign in   {url}/sign-in\n  E-mail    {email}\n  Password  {password}\n\nBe the \
         agent: ten calls a minute go through, the eleventh is refused\n\ncurl -s {proxy} \\\n  -H \
         'Authorization: Bearer {token}' \\\n  -H 'Content-Type: application/json' \\\n  -H 'Accept: \
         application/json, text/event-stream' \\\n  -d '{CALL}'\n\nOr in an MCP client's \
         configuration\n\n{client:#}\n",
        url = g.public_url,
        email = g.email,
        password = g.password,
        proxy = g.proxy_url,
        token = g.token,
    )
}

/// `tollgate demo-upstream`: the same server by itself.
pub(crate) fn serve_upstream(address: SocketAddr) -> Result<ExitCode> {
    let listener = serve::bind(address)?;
    block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).context("a bound socket")?;
        let address = listener.local_addr().context("it is bound")?;
        say(&format!(
            "A demo MCP server listens on http://{address}/mcp"
        ));
        tokio::select! {
            ended = upstream::serve(listener) => ended,
            () = serve::signal() => Ok(()),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snippets_name_the_proxy_and_the_token() {
        let text = guide(&Guide {
            public_url: "http://127.0.0.1:8080",
            email: "demo@example.com",
            password: "pw",
            proxy_url: "http://127.0.0.1:8080/mcp/srv_1/mcp",
            token: "tg_token",
        });
        assert!(text.contains("curl -s http://127.0.0.1:8080/mcp/srv_1/mcp \\\n"));
        assert_eq!(text.matches("Bearer tg_token").count(), 2);
        let json = &text[text.find("{\n").expect("a JSON snippet")..];
        let json: serde_json::Value = serde_json::from_str(json.trim()).expect("it parses");
        assert_eq!(
            json["mcpServers"]["circleci"]["url"],
            "http://127.0.0.1:8080/mcp/srv_1/mcp"
        );
        assert!(serde_json::from_str::<serde_json::Value>(CALL).is_ok());
    }
}
