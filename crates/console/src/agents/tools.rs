//! What the server for agents can be asked.

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

/// Every tool, in an order that stays.
pub(super) fn all() -> Vec<Tool> {
    let class = json!({"type": "string",
        "enum": ["read", "write", "execute", "destructive", "financial"],
        "description": "The worst that normal use of the tool does."});
    let risk = json!({"type": "string", "enum": ["low", "medium", "high", "critical"]});
    let text = |max: u32, description: &str| json!({"type": "string", "minLength": 1, "maxLength": max, "description": description});
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 50, "default": 20});
    vec![
        tool(
            "search_catalog",
            "Search the catalogue",
            "Finds public MCP servers, or tools of such servers, with class and risk. Without words: \
             the riskiest tools, or the official and larger servers.",
            &json!({
                "q": text(200, "Words that must occur, whole or as a beginning."),
                "kind": {"type": "string", "enum": ["tools", "servers"], "default": "tools"},
                "class": class, "risk": risk, "limit": limit,
            }),
            &[],
        ),
        tool(
            "get_server",
            "Read a server",
            "One server of the catalogue: who publishes it, what it is installed from, its tools by \
             class and risk, the riskiest first, and how that list changed.",
            &json!({
                "slug": text(200, "As search_catalog gives it."),
                "offset": {"type": "integer", "minimum": 0, "maximum": 10_000, "default": 0,
                    "description": "How many tools to skip."},
            }),
            &["slug"],
        ),
        tool(
            "get_tool",
            "Read a tool",
            "One tool of a server: class, risk and what speaks for it, its arguments, rules to put on \
             it as Tollgate policies, and the attacks that it is open to.",
            &json!({
                "slug": text(200, "The server's slug, as search_catalog gives it."),
                "tool": text(200, "The tool's name, exactly."),
            }),
            &["slug", "tool"],
        ),
        tool(
            "list_attacks",
            "List attacks",
            "Known attacks on MCP servers, clients and agents, the newest first.",
            &json!({
                "q": text(200, "A part of the name, the kind, a CVE number or the summary."),
                "class": class, "limit": limit,
            }),
            &[],
        ),
        tool(
            "get_attack",
            "Read an attack",
            "One attack: how it works, what it needs, what stops it, and a rule against it.",
            &json!({"id": text(200, "As list_attacks gives it.")}),
            &["id"],
        ),
        tool(
            "check_stack",
            "Check a stack of servers",
            "Which of these servers are known, what their tools can do, and what to do first. Give the \
             text of an MCP client's configuration, or a list of packages, addresses or commands. Leave \
             keys out; those that are in it are dropped and stored nowhere.",
            &json!({
                "config": text(262_144, "JSON of Claude, Cursor, VS Code, Windsurf, Zed, Gemini or \
                    opencode, or the TOML of Codex."),
                "servers": {"type": "array", "minItems": 1, "maxItems": 100,
                    "items": {"type": "string", "minLength": 1, "maxLength": 1000},
                    "description": "npm:…, pypi:…, oci:…, https://…, or a command such as npx -y …"},
            }),
            &[],
        ),
    ]
}

fn tool(
    name: &'static str,
    title: &str,
    description: &'static str,
    properties: &Value,
    required: &[&str],
) -> Tool {
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.clone());
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema.insert("additionalProperties".into(), false.into());
    let annotations = ToolAnnotations::with_title(title)
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(name, description, schema)
        .with_title(title)
        .with_annotations(annotations)
}
