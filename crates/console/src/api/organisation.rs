//! The organisation that the key belongs to, and what was changed in it.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{Actor, AdminEventId, ApiKeyId, Capability, Name, OrgId, Slug, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    problem::ApiError,
    query::{List, PageQuery, Query},
    schema::{self, Time},
};
use crate::state::Console;

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(admin_events))
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "org_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "name": "Example", "slug": "example",
    "suspended_at": null, "created_at": "2026-11-26T02:30:00Z"
}))]
pub(crate) struct Organisation {
    #[schema(value_type = schema::OrgId)]
    id: OrgId,
    #[schema(value_type = String)]
    name: Name,
    #[schema(value_type = String)]
    slug: Slug,
    /// Since when its grants are refused; null where they are not.
    suspended_at: Option<Time>,
    created_at: Time,
}

/// One change of state, made by a member or a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "adm_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "at": "2026-11-26T02:30:00Z",
    "actor": {"kind": "member", "user_id": "usr_0198f0c27d6a7c10a4b2f1b3c5d7e9f2"},
    "actor_label": "ada@example.com", "action": "grant.revoke",
    "target": "gr_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "target_label": "Nightly fixer",
    "before": {"revoked": false}, "after": {"revoked": true}
}))]
pub(crate) struct AdminEvent {
    #[schema(value_type = schema::AdminEventId)]
    id: AdminEventId,
    at: Time,
    /// Null for what the installation did by itself.
    actor: Option<ActorView>,
    /// The actor's name then.
    actor_label: String,
    /// Such as `grant.revoke`.
    action: String,
    /// The id of what was changed.
    target: String,
    /// Its name then.
    target_label: String,
    /// What changed, as it was.
    #[schema(value_type = Option<schema::AnyJson>)]
    before: Option<serde_json::Value>,
    /// What changed, as it is since.
    #[schema(value_type = Option<schema::AnyJson>)]
    after: Option<serde_json::Value>,
}

/// Who made a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ActorView {
    /// A member, in the console.
    Member {
        #[schema(value_type = schema::UserId)]
        user_id: UserId,
    },
    /// An API key; its maker answers for it.
    Key {
        #[schema(value_type = schema::ApiKeyId)]
        key_id: ApiKeyId,
        #[schema(value_type = schema::UserId)]
        user_id: UserId,
    },
}

impl From<Actor> for ActorView {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Member(user_id) => Self::Member { user_id },
            Actor::Key { key, maker } => Self::Key {
                key_id: key,
                user_id: maker,
            },
        }
    }
}

impl From<store::admin_events::AdminEvent> for AdminEvent {
    fn from(row: store::admin_events::AdminEvent) -> Self {
        Self {
            id: row.id,
            at: Time(row.at),
            actor: row.actor.map(ActorView::from),
            actor_label: row.actor_label,
            action: row.action,
            target: row.target,
            target_label: row.target_label,
            before: row.before,
            after: row.after,
        }
    }
}

/// Read the organisation.
///
/// The one that the key belongs to.
#[utoipa::path(get, path = "/organisation", tag = "organisation",
    responses((status = 200, description = "The organisation.", body = Organisation)))]
async fn get(State(console): State<Console>, caller: Caller) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    let row = store::organisations::get(&console.db, scope).await?;
    Ok(Json(Organisation {
        id: row.id,
        name: row.name,
        slug: row.slug,
        suspended_at: row.suspended_at.map(Time),
        created_at: Time(row.created_at),
    })
    .into_response())
}

/// List admin events.
///
/// Every change of state in the organisation, newest first.
#[utoipa::path(get, path = "/admin-events", tag = "organisation", params(PageQuery),
    responses((status = 200, description = "One page of events.", body = List<AdminEvent>)))]
async fn admin_events(
    State(console): State<Console>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::ReadAdminEvents)?;
    let page = store::admin_events::list(&console.db, scope, page.request()).await?;
    Ok(Json(List::of(page, AdminEvent::from)).into_response())
}
