//! `/servers/{id}/tools`: the inventory that discovery found.

use std::collections::HashMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{Capability, Risk, ServerId, Slug, ToolClass};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{catalogue::Given, servers::InventoryTool};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::Body,
    caller::Caller,
    path::Path,
    problem::ApiError,
    query::List,
    schema::{self, Time},
};
use crate::{
    actions::{
        self,
        judged::{corrections, judged},
    },
    catalogue::tool::CatalogueSignal,
    state::Console,
};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(update))
}

/// One tool, as its server described it when last asked. Titles and descriptions are the server's
/// own words: data, not to be trusted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "rerun_workflow", "title": null, "description": "Rerun a workflow from its start.",
    "class": "execute", "risk": "high", "class_set_by_member": false,
    "corrected": false, "correction": null,
    "signals": [{"id": "reruns_ci", "words": "re-triggers CI/CD workflow execution"}],
    "confidence": 0.9,
    "fingerprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "first_seen_at": "2026-11-26T02:31:00Z",
    "definition": {"name": "rerun_workflow", "inputSchema": {"type": "object"}}
}))]
pub(crate) struct Tool {
    /// Its name, byte for byte.
    name: String,
    title: Option<String>,
    description: Option<String>,
    /// The class it counts as here; null where nothing is known of it.
    #[schema(value_type = Option<schema::ToolClass>)]
    class: Option<ToolClass>,
    /// What follows from the class, a step up or down where something speaks for it: `low`,
    /// `medium`, `high` or `critical`.
    #[schema(value_type = Option<String>)]
    risk: Option<Risk>,
    /// What speaks for class and risk; nothing where a member chose another class.
    signals: Vec<CatalogueSignal>,
    /// How sure class and risk are, from 0 to 1; 1 where a member set the class.
    confidence: Option<f32>,
    /// Whether a member set the class, which discovery then leaves alone.
    class_set_by_member: bool,
    /// Whether class and risk are what the operator says of the known server's tool.
    corrected: bool,
    /// Why the operator says so, where that was said.
    correction: Option<String>,
    /// SHA-256 of the canonical definition, in hexadecimal.
    fingerprint: String,
    first_seen_at: Time,
    /// The whole definition as the server sent it.
    #[schema(value_type = schema::AnyJson)]
    definition: Box<RawValue>,
}

impl Tool {
    fn of(
        catalog: Option<&Slug>,
        corrections: &HashMap<String, Given>,
        row: InventoryTool,
    ) -> Result<Self, ApiError> {
        let judged = judged(catalog, corrections, &row);
        let (risk, confidence) = match &judged {
            Some(judged) => (Some(judged.risk), Some(judged.confidence)),
            None => (None, None),
        };
        let (signals, given) = judged.map_or_else(Default::default, |judged| {
            (judged.signals, judged.corrected)
        });
        let definition = RawValue::from_string(row.tool.definition)
            .map_err(|error| actions::ActionError::Broken(Box::new(error)))?;
        Ok(Self {
            name: row.tool.name,
            title: row.tool.title,
            description: row.tool.description,
            class: row.tool.class,
            risk,
            signals: signals.into_iter().map(Into::into).collect(),
            confidence,
            class_set_by_member: row.class_set_by_member,
            corrected: given.is_some(),
            correction: given.and_then(|given| given.note),
            fingerprint: row.fingerprint,
            first_seen_at: Time(row.first_seen_at),
            definition,
        })
    }
}

/// A correction of what a tool counts as.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"class": "destructive"}))]
pub(crate) struct ToolEdit {
    #[schema(value_type = schema::ToolClass)]
    class: ToolClass,
}

/// List a server's tools.
///
/// The whole inventory by name, in one page; empty where the server was never discovered.
#[utoipa::path(get, path = "/servers/{id}/tools", tag = "servers",
    params(("id" = schema::ServerId, Path)),
    responses((status = 200, description = "Every tool.", body = List<Tool>)))]
async fn list(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<ServerId>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    let server = store::servers::get(&console.db, scope, id).await?;
    let tools = store::servers::tools(&console.db, scope, id)
        .await?
        .unwrap_or_default();
    let corrections = corrections(&console.db, server.catalog.as_ref()).await?;
    let items = tools
        .into_iter()
        .map(|row| Tool::of(server.catalog.as_ref(), &corrections, row))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Json(List {
        items,
        next_cursor: None,
    })
    .into_response())
}

/// Set a tool's class.
///
/// The member's class outlives later discoveries.
#[utoipa::path(patch, path = "/servers/{id}/tools/{name}", tag = "servers",
    request_body = ToolEdit,
    params(("id" = schema::ServerId, Path),
        ("name" = String, Path, description = "The tool's name, percent-encoded.")),
    responses((status = 200, description = "The tool as it is now.", body = Tool)))]
async fn update(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path((id, name)): Path<(ServerId, String)>,
    Body(edit): Body<ToolEdit>,
) -> Result<Response, ApiError> {
    let row = actions::servers::set_class(&console, &scope, id, &name, edit.class).await?;
    let server = store::servers::get(&console.db, &scope, id).await?;
    let catalog = server.catalog.as_ref();
    let corrections = corrections(&console.db, catalog).await?;
    Ok(Json(Tool::of(catalog, &corrections, row)?).into_response())
}
