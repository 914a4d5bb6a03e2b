//! What to paste into an agent's MCP client.

use serde_json::json;

/// One client's set-up.
pub(crate) struct Snippet {
    /// The client, as its makers write it.
    pub(crate) client: &'static str,
    /// Where the text goes.
    pub(crate) place: &'static str,
    pub(crate) text: String,
}

/// Set-ups for one server under `name`, which is a slug and so needs no quoting anywhere. `token` is
/// the grant's, or words that stand for it.
///
/// Sources: each client's own documentation of remote servers over streamable HTTP.
pub(crate) fn all(name: &str, url: &str, token: &str) -> Vec<Snippet> {
    let bearer = format!("Bearer {token}");
    let headers = json!({ "Authorization": bearer });
    let pretty =
        |value: serde_json::Value| serde_json::to_string_pretty(&value).expect("a value is JSON");
    vec![
        Snippet {
            client: "Claude Code",
            place: "In a terminal:",
            text: format!(
                "claude mcp add --transport http {name} {url} \\\n  --header \"Authorization: {bearer}\""
            ),
        },
        Snippet {
            client: "Cursor",
            place: "In ~/.cursor/mcp.json, or .cursor/mcp.json of a project:",
            text: pretty(json!({ "mcpServers": { name: { "url": url, "headers": headers } } })),
        },
        Snippet {
            client: "VS Code",
            place: "In .vscode/mcp.json of a project, or the user's mcp.json:",
            text: pretty(
                json!({ "servers": { name: { "type": "http", "url": url, "headers": headers } } }),
            ),
        },
        Snippet {
            client: "Codex",
            place: "In ~/.codex/config.toml:",
            text: format!(
                "[mcp_servers.{name}]\nurl = \"{url}\"\nhttp_headers = {{ \"Authorization\" = \"{bearer}\" }}"
            ),
        },
        Snippet {
            client: "Gemini CLI",
            place: "In ~/.gemini/settings.json:",
            text: pretty(json!({ "mcpServers": { name: { "httpUrl": url, "headers": headers } } })),
        },
        Snippet {
            client: "curl",
            place: "To see that the grant works, in a terminal:",
            text: format!(
                "curl -sS {url} \\\n  -H 'Authorization: {bearer}' \\\n  -H 'Content-Type: application/json' \\\n  \
                 -H 'Accept: application/json, text/event-stream' \\\n  -d '{}'",
                json!({
                    "jsonrpc": "2.0",
                    "id": 1,
                    "method": "initialize",
                    "params": {
                        "protocolVersion": "2025-11-25",
                        "capabilities": {},
                        "clientInfo": { "name": "curl", "version": "1" },
                    },
                })
            ),
        },
        Snippet {
            client: "Other",
            place: "Most clients read this form; the address and the header are all that matters:",
            text: pretty(
                json!({ "mcpServers": { name: { "type": "http", "url": url, "headers": headers } } }),
            ),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snippet_holds_the_address_and_the_token() {
        let all = all(
            "circleci",
            "https://tollgate.example/mcp/srv_1/mcp",
            "tg_abc",
        );
        assert_eq!(all.len(), 7);
        for snippet in &all {
            assert!(
                snippet
                    .text
                    .contains("https://tollgate.example/mcp/srv_1/mcp")
            );
            assert!(snippet.text.contains("Bearer tg_abc"), "{}", snippet.client);
        }
        for at in [1, 2, 4, 6] {
            serde_json::from_str::<serde_json::Value>(&all[at].text).expect("JSON");
        }
    }
}
