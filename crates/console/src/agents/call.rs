//! What each tool of the server for agents answers.

use catalog::attacks;
use domain::{Risk, ToolClass};
use rmcp::{ErrorData, model::CallToolResult};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use store::{StoreError, catalogue::Filter};

use super::answer::{data, error};
use crate::{
    actions::ActionError,
    catalogue::{
        attack::{CatalogueAttack, Wanted},
        check,
        server::{CatalogueEntry, CatalogueServer},
        tool::{CatalogueFoundTool, CatalogueToolEntry},
    },
    state::Console,
};

/// So many items are in one answer.
const ITEMS_MAX: u32 = 50;

type Arguments = Map<String, Value>;
type Answer = Result<CallToolResult, ErrorData>;

/// Calls a tool. What is wrong with the arguments is told to the model, which can do better.
pub(super) async fn call(console: &Console, tool: &str, arguments: Arguments) -> Answer {
    match tool {
        "search_catalog" => search(console, arguments).await,
        "get_server" => server(console, arguments).await,
        "get_tool" => one_tool(console, arguments).await,
        "list_attacks" => Ok(list_attacks(arguments)),
        "get_attack" => Ok(attack(arguments)),
        "check_stack" => check_stack(console, arguments).await,
        _ => Err(ErrorData::invalid_params("Unknown tool", None)),
    }
}

fn read<T: DeserializeOwned>(arguments: Arguments) -> Result<T, Box<CallToolResult>> {
    serde_json::from_value(Value::Object(arguments)).map_err(|fault| {
        Box::new(error(format!(
            "The arguments do not fit the tool's inputSchema: {fault}."
        )))
    })
}

macro_rules! arguments {
    ($arguments:expr) => {
        match read($arguments) {
            Ok(read) => read,
            Err(answer) => return Ok(*answer),
        }
    };
}

/// A failure of ours, or something that is not there.
fn failed(fault: &StoreError, what: &str) -> Answer {
    if matches!(fault, StoreError::NotFound) {
        return Ok(error(format!(
            "The catalogue has no {what}. Find it with search_catalog."
        )));
    }
    tracing::error!(
        error = fault as &dyn std::error::Error,
        "an agent was not answered"
    );
    Ok(error(
        "The catalogue cannot be reached just now. Try again in a moment.",
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Tools,
    Servers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    q: Option<String>,
    kind: Option<Kind>,
    class: Option<ToolClass>,
    risk: Option<Risk>,
    limit: Option<u16>,
}

fn limit(asked: Option<u16>) -> u16 {
    asked.unwrap_or(20).clamp(1, 50)
}

async fn search(console: &Console, arguments: Arguments) -> Answer {
    let asked: Search = arguments!(arguments);
    let filter = Filter {
        text: asked.q.filter(|text| !text.trim().is_empty()),
        class: asked.class,
        risk: asked.risk,
        ..Filter::default()
    };
    let limit = limit(asked.limit);
    let (total, alike, items) = match asked.kind {
        Some(Kind::Servers) => {
            match store::catalogue::search_servers(&console.db, &filter, 0, limit).await {
                Ok(found) => {
                    let items: Vec<_> = found.items.iter().map(CatalogueServer::of).collect();
                    (found.total, found.alike, serde_json::to_value(items))
                }
                Err(fault) => return failed(&fault, "such server"),
            }
        }
        _ => match store::catalogue::search_tools(&console.db, &filter, 0, limit).await {
            Ok(found) => {
                let items = found.items.into_iter().map(CatalogueFoundTool::from);
                let items: Vec<_> = items.collect();
                (found.total, found.alike, serde_json::to_value(items))
            }
            Err(fault) => return failed(&fault, "such tool"),
        },
    };
    let items = items.unwrap_or_default();
    let body = json!({"total": total, "spelt_alike_only": alike, "items": items});
    Ok(data(body, "items"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneServer {
    slug: String,
    offset: Option<u32>,
}

async fn server(console: &Console, arguments: Arguments) -> Answer {
    let asked: OneServer = arguments!(arguments);
    let offset = asked.offset.unwrap_or_default().min(10_000);
    let read = async {
        let entry = store::catalogue::server(&console.db, &asked.slug).await?;
        let tools = store::catalogue::tools(&console.db, &asked.slug, offset, ITEMS_MAX).await?;
        Ok((entry, tools))
    };
    match read.await {
        Ok((entry, tools)) => {
            let tools = tools.into_iter().map(Into::into).collect();
            Ok(data(CatalogueEntry::of(entry, tools, None), "tools"))
        }
        Err(fault) => failed(&fault, "such server"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneTool {
    slug: String,
    tool: String,
}

async fn one_tool(console: &Console, arguments: Arguments) -> Answer {
    let asked: OneTool = arguments!(arguments);
    match store::catalogue::tool(&console.db, &asked.slug, &asked.tool).await {
        Ok(entry) => Ok(data(CatalogueToolEntry::from(entry), "questions")),
        Err(fault) => failed(&fault, "such tool of such a server"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SomeAttacks {
    q: Option<String>,
    class: Option<ToolClass>,
    limit: Option<u16>,
}

fn list_attacks(arguments: Arguments) -> CallToolResult {
    let asked: SomeAttacks = match read(arguments) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    let wanted = Wanted {
        q: asked.q,
        class: asked.class,
        kind: None,
    };
    let found = wanted.find();
    let total = found.len();
    let shown = found.into_iter().take(limit(asked.limit).into());
    let items: Vec<_> = shown.map(CatalogueAttack::of).collect();
    data(json!({"total": total, "items": items}), "items")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneAttack {
    id: String,
}

fn attack(arguments: Arguments) -> CallToolResult {
    let asked: OneAttack = match read(arguments) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    match attacks::attack(&asked.id) {
        Some(attack) => data(attack, "sources"),
        None => error("There is no attack of this id. Find it with list_attacks."),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SomeStack {
    config: Option<String>,
    servers: Option<Vec<String>>,
}

async fn check_stack(console: &Console, arguments: Arguments) -> Answer {
    // What does not fit is not quoted: it may be a key.
    let asked = serde_json::from_value(Value::Object(arguments));
    let config = match asked {
        Ok(SomeStack {
            config: Some(config),
            servers: None,
        }) => config,
        Ok(SomeStack {
            config: None,
            servers: Some(servers),
        }) => json!(servers).to_string(),
        _ => {
            let text = "Give either config, a text, or servers, a list of texts; and nothing else.";
            return Ok(error(text));
        }
    };
    match check::check(console, config).await {
        Ok(checked) => {
            let mut body = serde_json::to_value(checked.report).unwrap_or_default();
            // Twice the servers would leave less room for what is said of them.
            body["checked"] =
                json!("Only names, packages and addresses were read; keys were dropped.");
            Ok(data(body, "worst"))
        }
        Err(ActionError::Fields(faults)) => {
            let details: Vec<_> = faults.into_iter().map(|fault| fault.detail).collect();
            Ok(error(format!(
                "The configuration cannot be read: {}.",
                details.join("; ")
            )))
        }
        Err(ActionError::Unavailable(fault)) => failed(&fault, "such server"),
        Err(other) => Ok(error(other.to_string())),
    }
}
