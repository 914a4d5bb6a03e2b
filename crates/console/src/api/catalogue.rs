//! The public catalogue of known MCP servers and their tools. No key is needed.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{Risk, ToolClass};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    path::Path,
    problem::ApiError,
    query::{Limit, List, Query},
    schema,
};
use crate::{actions::FieldFault, state::Console};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(tool))
}

/// Which known servers, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CatalogueQuery {
    /// A part of the slug, the name, the vendor or the summary, in upper or lower case.
    q: Option<String>,
    /// Only servers with a tool of this class.
    #[param(value_type = Option<schema::ToolClass>)]
    class: Option<ToolClass>,
    /// Only servers with a tool of this risk: `low`, `medium`, `high` or `critical`.
    #[param(value_type = Option<String>)]
    risk: Option<Risk>,
    /// How many items, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl CatalogueQuery {
    fn matches(&self, server: &catalog::Server) -> bool {
        let has = |text: &str, part: &str| text.to_lowercase().contains(part);
        let named = self.q.as_ref().is_none_or(|part| {
            let part = part.to_lowercase();
            [&server.slug, &server.name, &server.vendor, &server.summary]
                .iter()
                .any(|text| has(text, &part))
        });
        let tool = |fits: &dyn Fn(&catalog::KnownTool) -> bool| server.tools.iter().any(fits);
        named
            && self
                .class
                .is_none_or(|class| tool(&|tool| tool.class == class))
            && self.risk.is_none_or(|risk| tool(&|tool| tool.risk == risk))
    }
}

/// A known server, in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "slug": "circleci", "name": "CircleCI", "vendor": "CircleCI",
    "summary": "Builds, tests and pipelines on CircleCI.",
    "repository": "https://github.com/CircleCI-Public/mcp-server-circleci",
    "licence": "Apache-2.0", "tool_count": 13
}))]
pub(crate) struct CatalogueServer {
    slug: &'static str,
    name: &'static str,
    vendor: &'static str,
    summary: &'static str,
    repository: &'static str,
    /// SPDX name of its licence.
    licence: &'static str,
    tool_count: usize,
}

/// A known server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "slug": "circleci", "name": "CircleCI", "vendor": "CircleCI",
    "summary": "Builds, tests and pipelines on CircleCI.",
    "repository": "https://github.com/CircleCI-Public/mcp-server-circleci",
    "licence": "Apache-2.0", "tool_count": 13,
    "package": {"registry": "npm", "name": "@circleci/mcp-server-circleci", "version": "0.20.0"},
    "run": {"command": "npx …", "notes": []}, "upstream_url": "http://127.0.0.1:8000/mcp",
    "credential": {"what": "A personal API token", "headers": [
        {"name": "Circle-Token", "value": "{token}"}]},
    "notes": [], "tools": [{"name": "rerun_workflow", "class": "execute", "risk": "high",
        "does": "Reruns a workflow.", "note": null,
        "arguments": [{"path": "params.workflowId", "required": false}]}]
}))]
pub(crate) struct CatalogueEntry {
    #[serde(flatten)]
    server: CatalogueServer,
    #[schema(value_type = Object)]
    package: &'static catalog::Package,
    /// How to run it so that Tollgate can reach it.
    #[schema(value_type = Object)]
    run: &'static catalog::Run,
    /// What to fill in as the upstream URL after running it so; a suggestion.
    upstream_url: &'static str,
    /// How it wants to be authenticated to.
    #[schema(value_type = Object)]
    credential: &'static catalog::Credential,
    /// What someone who writes rules for it should know.
    notes: &'static [String],
    /// The riskiest first.
    tools: Vec<CatalogueTool>,
}

/// A tool of a known server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "rerun_workflow", "class": "execute", "risk": "high", "does": "Reruns a workflow.",
    "note": null, "arguments": [{"path": "params.workflowId", "required": false}]
}))]
pub(crate) struct CatalogueTool {
    name: &'static str,
    #[schema(value_type = schema::ToolClass)]
    class: ToolClass,
    /// `low`, `medium`, `high` or `critical`.
    #[schema(value_type = String)]
    risk: Risk,
    does: &'static str,
    /// What to mind when writing a rule for it.
    note: Option<&'static str>,
    /// Its arguments, as the paths that policies use.
    #[schema(value_type = Vec<Object>)]
    arguments: &'static [catalog::Argument],
}

impl From<&'static catalog::Server> for CatalogueServer {
    fn from(server: &'static catalog::Server) -> Self {
        Self {
            slug: &server.slug,
            name: &server.name,
            vendor: &server.vendor,
            summary: &server.summary,
            repository: &server.repository,
            licence: &server.licence,
            tool_count: server.tools.len(),
        }
    }
}

impl From<&'static catalog::KnownTool> for CatalogueTool {
    fn from(tool: &'static catalog::KnownTool) -> Self {
        Self {
            name: &tool.name,
            class: tool.class,
            risk: tool.risk,
            does: &tool.does,
            note: tool.note.as_deref(),
            arguments: &tool.arguments,
        }
    }
}

/// List known servers.
///
/// By slug.
#[utoipa::path(get, path = "/catalog/servers", tag = "catalogue", params(CatalogueQuery),
    responses((status = 200, description = "One page of servers.", body = List<CatalogueServer>)))]
async fn list(Query(query): Query<CatalogueQuery>) -> Result<Response, ApiError> {
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let mut servers: Vec<_> = catalog::servers()
        .iter()
        .filter(|server| query.matches(server))
        .filter(|server| after.as_ref().is_none_or(|after| server.slug > *after))
        .collect();
    servers.sort_by(|a, b| a.slug.cmp(&b.slug));
    let limit = usize::from(query.limit.get());
    let more = servers.len() > limit;
    servers.truncate(limit);
    let last = servers.last().filter(|_| more);
    let next_cursor = last.map(|server| BASE64_URL_SAFE_NO_PAD.encode(&server.slug));
    let items = servers.into_iter().map(CatalogueServer::from).collect();
    Ok(Json(List { items, next_cursor }).into_response())
}

fn read_cursor(text: &str) -> Result<String, ApiError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            let detail = "is not a cursor that was given out";
            ApiError::Query(vec![FieldFault::new("/cursor", detail)])
        })
}

/// Read a known server.
#[utoipa::path(get, path = "/catalog/servers/{slug}", tag = "catalogue",
    params(("slug" = String, Path, example = "circleci")),
    responses((status = 200, description = "The server and its tools.", body = CatalogueEntry)))]
async fn get(Path(slug): Path<String>) -> Result<Response, ApiError> {
    let server = catalog::server(&slug).ok_or(ApiError::NotFound)?;
    Ok(Json(CatalogueEntry {
        server: server.into(),
        package: &server.package,
        run: &server.run,
        upstream_url: &server.upstream_url,
        credential: &server.credential,
        notes: &server.notes,
        tools: server.tools.iter().map(CatalogueTool::from).collect(),
    })
    .into_response())
}

/// Read a tool of a known server.
#[utoipa::path(get, path = "/catalog/servers/{slug}/tools/{tool}", tag = "catalogue",
    params(("slug" = String, Path, example = "circleci"),
        ("tool" = String, Path, example = "rerun_workflow")),
    responses((status = 200, description = "The tool.", body = CatalogueTool)))]
async fn tool(Path((slug, tool)): Path<(String, String)>) -> Result<Response, ApiError> {
    let server = catalog::server(&slug).ok_or(ApiError::NotFound)?;
    let tool = server.tool(&tool).ok_or(ApiError::NotFound)?;
    Ok(Json(CatalogueTool::from(tool)).into_response())
}
