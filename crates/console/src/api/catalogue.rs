//! The public catalogue of known MCP servers, their tools, and the attacks that they are open to. No
//! key is needed.

mod attacks;
mod check;
mod visitor;

use axum::{extract::State, response::Response};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{Risk, ToolClass};
use serde::Deserialize;
use store::catalogue::Filter;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    path::Path,
    problem::ApiError,
    query::{Limit, List, Query},
    schema,
};
use crate::{
    actions::FieldFault,
    catalogue::{
        server::{CatalogueEntry, CatalogueServer},
        tool::{CatalogueFoundTool, CatalogueToolEntry},
    },
    state::Console,
};
use visitor::Visitor;

/// How deep into a list of results one may read; what is further down is found by other words.
const OFFSET_MAX: u32 = 10_000;
/// So many tools of a server are in one answer.
const TOOLS_MAX: u32 = 500;

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(tool))
        .routes(routes!(tools))
        .merge(attacks::router())
        .merge(check::router())
}

/// Which known servers or tools, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CatalogueQuery {
    /// Words that must occur, whole or as a beginning; where nothing has them, what is spelt like
    /// them.
    q: Option<String>,
    /// Only tools of this class, or servers that have one.
    #[param(value_type = Option<schema::ToolClass>)]
    class: Option<ToolClass>,
    /// Only tools of this risk, or servers that have one: `low`, `medium`, `high` or `critical`.
    #[param(value_type = Option<String>)]
    risk: Option<Risk>,
    /// Only of servers that can be reached so: `stdio`, `streamable-http` or `sse`.
    transport: Option<String>,
    /// Only of servers that the product's own maker publishes, or of the others.
    official: Option<bool>,
    /// How many items, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl CatalogueQuery {
    fn filter(&self) -> Result<Filter, ApiError> {
        let known = ["stdio", "streamable-http", "sse"];
        if self
            .transport
            .as_deref()
            .is_some_and(|transport| !known.contains(&transport))
        {
            let detail = "must be one of stdio, streamable-http and sse";
            return Err(ApiError::Query(vec![FieldFault::new("/transport", detail)]));
        }
        Ok(Filter {
            text: self.q.clone().filter(|text| !text.trim().is_empty()),
            class: self.class,
            risk: self.risk,
            transport: self.transport.clone(),
            official: self.official,
            server: None,
        })
    }

    fn offset(&self) -> Result<u32, ApiError> {
        offset(self.cursor.as_deref())
    }
}

/// Where a page begins; cursors are offsets, which nobody needs to know.
fn offset(cursor: Option<&str>) -> Result<u32, ApiError> {
    let Some(text) = cursor else { return Ok(0) };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let offset = bytes.and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    offset
        .filter(|offset| (1..=OFFSET_MAX).contains(offset))
        .ok_or_else(|| {
            let detail = "is not a cursor that was given out";
            ApiError::Query(vec![FieldFault::new("/cursor", detail)])
        })
}

/// The cursor of what follows `shown` items from `offset` on, where there are `total`.
fn next(offset: u32, shown: usize, total: u32) -> Option<String> {
    let next = offset.saturating_add(u32::try_from(shown).ok()?);
    let more = shown > 0 && next < total && next <= OFFSET_MAX;
    more.then(|| BASE64_URL_SAFE_NO_PAD.encode(next.to_be_bytes()))
}

/// List known servers.
///
/// The best match first; without words the official and the larger ones.
#[utoipa::path(get, path = "/catalog/servers", tag = "catalogue", params(CatalogueQuery),
    responses((status = 200, description = "One page of servers.", body = List<CatalogueServer>)))]
async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<CatalogueQuery>,
) -> Result<Response, ApiError> {
    let (offset, filter) = (query.offset()?, query.filter()?);
    let edition = match visitor.ask(&console).await? {
        Ok(unchanged) => return Ok(unchanged),
        Err(edition) => edition,
    };
    let limit = query.limit.get();
    let found = store::catalogue::search_servers(&console.db, &filter, offset, limit).await?;
    let next_cursor = next(offset, found.items.len(), found.total);
    let items = found.items.iter().map(CatalogueServer::of).collect();
    Ok(edition.answer(List { items, next_cursor }))
}

/// Find known tools.
///
/// The best match first; without words the riskiest.
#[utoipa::path(get, path = "/catalog/tools", tag = "catalogue", params(CatalogueQuery),
    responses((status = 200, description = "One page of tools.", body = List<CatalogueFoundTool>)))]
async fn tools(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<CatalogueQuery>,
) -> Result<Response, ApiError> {
    let (offset, filter) = (query.offset()?, query.filter()?);
    let edition = match visitor.ask(&console).await? {
        Ok(unchanged) => return Ok(unchanged),
        Err(edition) => edition,
    };
    let limit = query.limit.get();
    let found = store::catalogue::search_tools(&console.db, &filter, offset, limit).await?;
    let next_cursor = next(offset, found.items.len(), found.total);
    let items = found
        .items
        .into_iter()
        .map(CatalogueFoundTool::from)
        .collect();
    Ok(edition.answer(List { items, next_cursor }))
}

/// Where the list of a server's tools begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ToolsQuery {
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// Read a known server.
///
/// With its tools, the riskiest first, 500 at a time.
#[utoipa::path(get, path = "/catalog/servers/{slug}", tag = "catalogue",
    params(("slug" = String, Path, example = "circleci"), ToolsQuery),
    responses((status = 200, description = "The server and its tools.", body = CatalogueEntry)))]
async fn get(
    State(console): State<Console>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Query(query): Query<ToolsQuery>,
) -> Result<Response, ApiError> {
    let offset = offset(query.cursor.as_deref())?;
    let edition = match visitor.ask(&console).await? {
        Ok(unchanged) => return Ok(unchanged),
        Err(edition) => edition,
    };
    let entry = store::catalogue::server(&console.db, &slug).await?;
    let tools = store::catalogue::tools(&console.db, &slug, offset, TOOLS_MAX).await?;
    let total = entry.card.tool_count.unwrap_or_default();
    let next_cursor = next(offset, tools.len(), total);
    let tools = tools.into_iter().map(Into::into).collect();
    Ok(edition.answer(CatalogueEntry::of(entry, tools, next_cursor)))
}

/// Read a tool of a known server.
///
/// With the rules to put on it, what people ask about it, and the attacks that it is open to.
#[utoipa::path(get, path = "/catalog/servers/{slug}/tools/{tool}", tag = "catalogue",
    params(("slug" = String, Path, example = "circleci"),
        ("tool" = String, Path, example = "rerun_workflow")),
    responses((status = 200, description = "The tool.", body = CatalogueToolEntry)))]
async fn tool(
    State(console): State<Console>,
    visitor: Visitor,
    Path((slug, tool)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let edition = match visitor.ask(&console).await? {
        Ok(unchanged) => return Ok(unchanged),
        Err(edition) => edition,
    };
    let entry = store::catalogue::tool(&console.db, &slug, &tool).await?;
    Ok(edition.answer(CatalogueToolEntry::from(entry)))
}
