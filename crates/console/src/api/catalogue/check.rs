//! Judging an MCP client's configuration by the catalogue.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use catalog::stack::report::Report;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{super::body::Body, ApiError, visitor::Visitor};
use crate::{catalogue::check, state::Console};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(submit))
}

/// A configuration to judge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"config": "{\"mcpServers\": {\"circleci\": {\"command\": \"npx\", \
    \"args\": [\"-y\", \"@circleci/mcp-server-circleci@0.20.0\"]}}}"}))]
pub(crate) struct StackCheck {
    /// The configuration's text, at most 256 KiB: JSON as Claude, Cursor, VS Code, Windsurf, Zed,
    /// Gemini or opencode have it, the TOML of Codex, a list, or lines that are commands, packages
    /// or addresses. Keys need not be in it; those that are, are dropped and stored nowhere.
    config: String,
}

/// What the catalogue says of a configuration.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "stripped": "{\n  \"mcpServers\": {}\n}\n",
    "summary": "1 server: 1 known with their tools. 13 tools known, 0 of critical and 3 of high risk.",
    "counts": {"servers": 1, "known": 1, "not_scanned": 0, "unknown": 0, "behind": 0, "tools": 13,
        "by_class": {}, "by_risk": {}, "credentials": 0},
    "first": [], "servers": [], "worst": [], "attacks": []
}))]
pub(crate) struct StackReport {
    /// What was read of the configuration: everything that the report rests on.
    stripped: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    report: Report,
}

/// Check a configuration.
///
/// Which servers of it are known, what their tools can do, and what to do first. Nothing of it is
/// stored or logged.
#[utoipa::path(post, path = "/catalog/check", tag = "catalogue", request_body = StackCheck,
    responses((status = 200, description = "The report.", body = StackReport)))]
async fn submit(
    State(console): State<Console>,
    _visitor: Visitor,
    Body(StackCheck { config }): Body<StackCheck>,
) -> Result<Response, ApiError> {
    let checked = check::check(&console, config).await?;
    Ok(Json(StackReport {
        stripped: checked.stripped,
        report: checked.report,
    })
    .into_response())
}
