//! `/servers` and `/servers/{id}`: the MCP endpoints behind Tollgate.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{Capability, Name, ServerId, Slug};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use upstream::UpstreamUrl;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{Body, MaybeBody, NoFields, present},
    caller::Caller,
    etag::{IfMatch, created, tagged},
    path::Path,
    problem::ApiError,
    query::{List, PageQuery, Query},
    schema::{self, Time},
};
use crate::{
    actions::{self, ActionError, headers::UpstreamHeaders},
    state::Console,
};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(discover))
}

/// One upstream MCP server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "name": "CircleCI", "slug": "circleci",
    "proxy_url": "https://tollgate.example/mcp/srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1/mcp",
    "upstream_url": "https://mcp.circleci.example/mcp", "catalog": "circleci",
    "auth": {"kind": "headers", "header_names": ["Authorization"],
             "set_at": "2026-11-26T02:30:00Z", "set_by": "usr_0198f0c27d6a7c10a4b2f1b3c5d7e9f2"},
    "fail_open": false, "tool_count": 13, "discovered_at": "2026-11-26T02:31:00Z",
    "discovery_error": null, "server_name": "mcp-server-circleci", "server_version": "0.20.0",
    "protocol_version": "2025-11-25", "revision": 2,
    "created_at": "2026-11-26T02:30:00Z", "updated_at": "2026-11-26T02:31:00Z"
}))]
pub(crate) struct Server {
    #[schema(value_type = schema::ServerId)]
    id: ServerId,
    /// What people call it.
    #[schema(value_type = String)]
    name: Name,
    /// Its short name, unique in the organisation.
    #[schema(value_type = String)]
    slug: Slug,
    /// Where agents reach it.
    proxy_url: String,
    /// Where Tollgate reaches it.
    upstream_url: String,
    /// The catalogue entry it was made from.
    #[schema(value_type = Option<String>)]
    catalog: Option<Slug>,
    auth: AuthView,
    /// Whether calls go through when limits cannot be checked.
    fail_open: bool,
    /// How many tools it had when last discovered.
    tool_count: i64,
    /// When discovery last succeeded; null where it never did.
    discovered_at: Option<Time>,
    /// Why the last discovery failed; null after a good one.
    discovery_error: Option<String>,
    /// What it calls itself.
    server_name: Option<String>,
    /// The version it says it is.
    server_version: Option<String>,
    /// The protocol version it was last spoken to in.
    protocol_version: Option<String>,
    /// Raised by each edit; the number in the ETag.
    revision: i32,
    created_at: Time,
    updated_at: Time,
}

/// How Tollgate signs in to the server. Values are never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuthView {
    kind: AuthKind,
    /// The headers that are sent.
    header_names: Vec<String>,
    /// When the values were last set.
    set_at: Option<Time>,
    /// By whom.
    #[schema(value_type = Option<schema::UserId>)]
    set_by: Option<domain::UserId>,
}

/// How Tollgate signs in to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthKind {
    /// Not at all.
    None,
    /// With fixed header values.
    Headers,
}

impl Server {
    fn of(console: &Console, row: store::servers::Server) -> Self {
        let kind = if row.header_names.is_empty() {
            AuthKind::None
        } else {
            AuthKind::Headers
        };
        Self {
            proxy_url: actions::servers::proxy_url(console, row.id),
            id: row.id,
            name: row.name,
            slug: row.slug,
            upstream_url: row.upstream_url,
            catalog: row.catalog,
            auth: AuthView {
                kind,
                header_names: row.header_names,
                set_at: row.credential_set_at.map(Time),
                set_by: row.credential_set_by,
            },
            fail_open: row.fail_open,
            tool_count: row.tool_count,
            discovered_at: row.discovered_at.map(Time),
            discovery_error: row.discovery_error,
            server_name: row.server_name,
            server_version: row.server_version,
            protocol_version: row.protocol_version,
            revision: row.revision,
            created_at: Time(row.created_at),
            updated_at: Time(row.updated_at),
        }
    }

    fn answer(console: &Console, row: store::servers::Server) -> Response {
        tagged(row.revision, Self::of(console, row))
    }
}

/// Header values to sign in with. They are sealed, bound to the server's scheme, host and port, and
/// never shown again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    kind: AuthKind,
    /// Header names and values, where `kind` is `headers`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    headers: Option<BTreeMap<String, String>>,
}

impl Auth {
    fn parse(self) -> Result<Option<UpstreamHeaders>, ActionError> {
        match (self.kind, self.headers) {
            (AuthKind::None, None) => Ok(None),
            (AuthKind::None, Some(_)) => Err(ActionError::field(
                "/auth/headers",
                "goes only with the kind “headers”",
            )),
            (AuthKind::Headers, None) => Err(ActionError::field("/auth/headers", "is required")),
            (AuthKind::Headers, Some(headers)) => {
                let headers = headers.into_iter().map(|(n, v)| (n, SecretString::from(v)));
                let headers = UpstreamHeaders::parse("/auth/headers", headers);
                headers.map(Some).map_err(ActionError::Fields)
            }
        }
    }
}

fn parse_url(text: &str) -> Result<UpstreamUrl, ActionError> {
    UpstreamUrl::parse(text).map_err(|error| ActionError::field("/upstream_url", error))
}

/// A server to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "CircleCI", "upstream_url": "https://mcp.circleci.example/mcp", "catalog": "circleci",
    "auth": {"kind": "headers", "headers": {"Authorization": "Bearer CCIPAT_…"}}
}))]
pub(crate) struct NewServer {
    /// What people call it: 1 to 80 visible characters.
    #[schema(value_type = String, min_length = 1, max_length = 80)]
    name: Name,
    /// Its short name; made from the name where it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9-]{1,39}$")]
    slug: Option<Slug>,
    /// An absolute http or https URL.
    upstream_url: String,
    /// The catalogue entry to take classes from.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    catalog: Option<Slug>,
    /// How to sign in; not at all where it is left out.
    #[serde(default, deserialize_with = "present")]
    auth: Option<Auth>,
}

/// Changes to a server; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "CircleCI (staging)", "fail_open": false}))]
pub(crate) struct ServerEdit {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9-]{1,39}$")]
    slug: Option<Slug>,
    /// Another scheme, host or port removes the stored header values unless `auth` sets new ones.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    upstream_url: Option<String>,
    /// Replaces the stored header values; the kind `none` removes them.
    #[serde(default, deserialize_with = "present")]
    auth: Option<Auth>,
    /// Whether calls go through, and say so, when limits cannot be checked.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    fail_open: Option<bool>,
}

/// List servers.
///
/// Newest first.
#[utoipa::path(get, path = "/servers", tag = "servers", params(PageQuery),
    responses((status = 200, description = "One page of servers.", body = List<Server>)))]
async fn list(
    State(console): State<Console>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    let page = store::servers::list(&console.db, scope, page.request()).await?;
    Ok(axum::Json(List::of(page, |row| Server::of(&console, row))).into_response())
}

/// Register a server.
///
/// It is not contacted yet: `discover` does that. The answer's `proxy_url` is what agents are given.
/// Header values go over plain http only to addresses that the operator allows.
#[utoipa::path(post, path = "/servers", tag = "servers", request_body = NewServer,
    responses((status = 201, description = "The new server.", body = Server)))]
async fn create(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(new): Body<NewServer>,
) -> Result<Response, ApiError> {
    let new = actions::servers::NewServer {
        name: new.name,
        slug: new.slug,
        upstream_url: parse_url(&new.upstream_url)?,
        catalog: new.catalog,
        headers: new.auth.map(Auth::parse).transpose()?.flatten(),
    };
    let row = actions::servers::create(&console, &scope, new).await?;
    let server = Server::of(&console, row);
    Ok(created(
        &format!("/servers/{}", server.id),
        Some(server.revision),
        server,
    ))
}

/// Read a server.
#[utoipa::path(get, path = "/servers/{id}", tag = "servers",
    params(("id" = schema::ServerId, Path)),
    responses((status = 200, description = "The server.", body = Server)))]
async fn get(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<ServerId>,
) -> Result<Response, ApiError> {
    let scope = caller.require(Capability::See)?;
    Ok(Server::answer(
        &console,
        store::servers::get(&console.db, scope, id).await?,
    ))
}

/// Edit a server.
///
/// Changing scheme, host or port of `upstream_url` removes the stored header values until they are
/// entered again, so that they never reach another server.
#[utoipa::path(patch, path = "/servers/{id}", tag = "servers", request_body = ServerEdit,
    params(("id" = schema::ServerId, Path), IfMatch),
    responses((status = 200, description = "The server as it is now.", body = Server)))]
async fn update(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<ServerId>,
    IfMatch(revision): IfMatch,
    Body(edit): Body<ServerEdit>,
) -> Result<Response, ApiError> {
    let edit = actions::servers::Edit {
        name: edit.name,
        slug: edit.slug,
        upstream_url: edit.upstream_url.as_deref().map(parse_url).transpose()?,
        headers: edit.auth.map(Auth::parse).transpose()?,
        fail_open: edit.fail_open,
    };
    let row = actions::servers::edit(&console, &scope, id, revision, edit).await?;
    Ok(Server::answer(&console, row))
}

/// Delete a server.
///
/// Its policies and grants go with it, and their agents are refused from then on. The audit log
/// keeps its history.
#[utoipa::path(delete, path = "/servers/{id}", tag = "servers",
    params(("id" = schema::ServerId, Path), IfMatch),
    responses((status = 204, description = "It is gone.")))]
async fn delete(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<ServerId>,
    IfMatch(revision): IfMatch,
) -> Result<StatusCode, ApiError> {
    actions::servers::delete(&console, &scope, id, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Discover a server's tools.
///
/// Connects to the server, lists its tools and stores what it said. Where that fails the answer is
/// 502 with the reason, which is also kept as the server's `discovery_error`.
#[utoipa::path(post, path = "/servers/{id}/discover", tag = "servers",
    params(("id" = schema::ServerId, Path)),
    responses(
        (status = 200, description = "The server as it is now.", body = Server),
        (status = 502, description = "The server did not list its tools.",
            body = super::problem::Problem, content_type = "application/problem+json"),
    ))]
async fn discover(
    State(console): State<Console>,
    Caller(scope): Caller,
    Path(id): Path<ServerId>,
    MaybeBody(NoFields {}): MaybeBody<NoFields>,
) -> Result<Response, ApiError> {
    let row = actions::discovery::discover(&console, &scope, id).await?;
    Ok(Server::answer(&console, row))
}
