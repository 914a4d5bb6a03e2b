//! What the server for agents can be asked.

use std::sync::Arc;

use domain::ToolClass;
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

/// What is in an answer, as far as a program may rely on it. Members that are not named here may be
/// there, too; where an answer was too long, `left_out` says what is missing.
fn output(name: &str) -> Arc<Map<String, Value>> {
    let text = json!({"type": "string"});
    let count = json!({"type": "integer", "minimum": 0});
    let objects = json!({"type": "array", "items": {"type": "object"}});
    let (object, flag) = (json!({"type": "object"}), json!({"type": "boolean"}));
    let class = json!({"type": "string", "enum": ToolClass::ALL.map(ToolClass::as_str)});
    let risk = json!({"type": "string", "enum": ["low", "medium", "high", "critical"]});
    let mut members = match name {
        "search_catalog" => json!({"total": count, "spelt_alike_only": flag, "items": objects}),
        "get_server" => json!({"slug": text, "origin": text, "official": flag,
            "tools_by_class": object, "tools_by_risk": object, "tools": objects, "releases": objects}),
        "get_tool" => json!({"server": object, "name": text, "class": class, "risk": risk,
            "signals": objects, "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "corrected": flag, "rules": objects, "questions": objects, "attacks": objects}),
        "list_attacks" => json!({"total": count, "items": objects}),
        "get_attack" => json!({"id": text, "name": text, "summary": text}),
        _ => json!({"summary": text, "counts": object, "first": objects, "servers": objects,
            "worst": objects, "attacks": objects, "checked": text}),
    };
    let required: Vec<Value> = members
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str().into())
        .collect();
    members["left_out"] = json!({"type": "object", "required": ["of", "count"],
        "properties": {"of": text, "count": count}});
    let schema = json!({"type": "object", "properties": members, "required": required});
    match schema {
        Value::Object(schema) => Arc::new(schema),
        _ => Arc::default(),
    }
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
        .with_raw_output_schema(output(name))
        .with_annotations(annotations)
}
