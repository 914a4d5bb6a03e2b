//! The attack database.

use axum::{extract::State, response::Response};
use domain::ToolClass;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{super::schema, ApiError, Limit, List, Path, Query, next, offset, visitor::Visitor};
use crate::{
    catalogue::attack::{CatalogueAttack, CatalogueAttackEntry, Wanted},
    state::Console,
};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
}

/// Which attacks, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AttacksQuery {
    /// A part of the id, the name, the kind, a CVE number or the summary, in upper or lower case.
    q: Option<String>,
    /// Only those that go through tools of this class.
    #[param(value_type = Option<schema::ToolClass>)]
    class: Option<ToolClass>,
    /// Only of this kind, such as `rug-pull`.
    kind: Option<String>,
    /// How many items, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List known attacks.
///
/// The newest first.
#[utoipa::path(get, path = "/catalog/attacks", tag = "catalogue", params(AttacksQuery),
    responses((status = 200, description = "One page of attacks.", body = List<CatalogueAttack>)))]
async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<AttacksQuery>,
) -> Result<Response, ApiError> {
    let offset = offset(query.cursor.as_deref())?;
    let edition = match visitor.ask_release(&console) {
        Ok(unchanged) => return Ok(unchanged),
        Err(edition) => edition,
    };
    let wanted = Wanted {
        q: query.q,
        class: query.class,
        kind: query.kind,
    };
    let found = wanted.find();
    let total = u32::try_from(found.len()).unwrap_or(u32::MAX);
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    let page = found.into_iter().skip(from);
    let items: Vec<_> = page
        .take(query.limit.get().into())
        .map(CatalogueAttack::of)
        .collect();
    let next_cursor = next(offset, items.len(), total);
    Ok(edition.answer(List { items, next_cursor }))
}

/// Read an attack.
///
/// How it works, what it needs, what stops it, and a rule against it where one can do anything.
#[utoipa::path(get, path = "/catalog/attacks/{slug}", tag = "catalogue",
    params(("slug" = String, Path, example = "rug-pull")),
    responses((status = 200, description = "The attack.", body = CatalogueAttackEntry,
        example = json!({"id": "rug-pull", "name": "Rug pull", "class": "rug-pull",
            "summary": "A tool is approved once and later does something else."}))))]
async fn get(
    State(console): State<Console>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let attack = catalog::attacks::attack(&slug).ok_or(ApiError::NotFound)?;
    match visitor.ask_release(&console) {
        Ok(unchanged) => Ok(unchanged),
        Err(edition) => Ok(edition.answer(attack)),
    }
}
