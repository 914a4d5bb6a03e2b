//! First policies for a server.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::ServerId;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::super::{caller::Caller, path::Path, problem::ApiError, schema};
use crate::{
    actions::{self, ActionError, starters::Offer},
    state::Console,
};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(starters))
}

/// First policies to choose from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"starters": [{
    "id": "read_only", "name": "Read only", "explanation": "Reads are allowed, 60 a minute each.",
    "document": {"version": "1", "default": "deny"},
    "counts": {"allowed": 9, "depends": 0, "approval": 0, "refused": 4, "hidden": 0}}]}))]
pub(crate) struct Starters {
    /// The usual one first; none while the server's tools are not known.
    starters: Vec<Starter>,
}

/// A policy to begin with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Starter {
    /// `recommended`, `read_only` or `locked_down`.
    id: &'static str,
    name: &'static str,
    /// What it does, in a few sentences.
    explanation: String,
    /// The whole document.
    #[schema(value_type = schema::AnyJson)]
    document: Box<RawValue>,
    counts: Counts,
}

/// How many of the server's tools get each verdict.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    allowed: usize,
    /// Refused or not by the call's arguments.
    depends: usize,
    approval: usize,
    refused: usize,
    hidden: usize,
}

impl Starter {
    fn of(offer: Offer) -> Result<Self, ApiError> {
        let document = RawValue::from_string(offer.starter.document)
            .map_err(|error| ActionError::Broken(Box::new(error)))?;
        let counts = offer.counts;
        Ok(Self {
            id: offer.starter.id,
            name: offer.starter.name,
            explanation: offer.starter.explanation,
            document,
            counts: Counts {
                allowed: counts.allowed,
                depends: counts.depends,
                approval: counts.approval,
                refused: counts.refused,
                hidden: counts.hidden,
            },
        })
    }
}

/// Offer first policies for a server.
///
/// Made from its tools and their classes. Nothing is stored.
#[utoipa::path(get, path = "/servers/{id}/starters", tag = "policies",
    params(("id" = schema::ServerId, Path)),
    responses((status = 200, description = "The starters.", body = Starters)))]
async fn starters(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(server): Path<ServerId>,
) -> Result<Response, ApiError> {
    let offers = actions::starters::starters(&console, &scope, server).await?;
    let starters = offers
        .into_iter()
        .map(Starter::of)
        .collect::<Result<_, _>>()?;
    Ok(Json(Starters { starters }).into_response())
}
