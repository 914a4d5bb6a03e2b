//! Servers: registering, editing and deleting the MCP endpoints that a team stands behind Tollgate.

use std::{net::IpAddr, time::Duration};

use domain::{Capability, Name, Scope, ServerId, Slug, ToolClass};
use store::{
    StoreError,
    servers::{InventoryTool, Server, ServerEdit},
};
use upstream::UpstreamUrl;

use super::{ActionError, Result, headers::UpstreamHeaders, require};
use crate::state::Console;

/// How many numbered slugs are tried where the suggested one is taken.
const SLUGS_TRIED_MAX: u32 = 50;
/// How often an edit without a revision of its own is made again on top of somebody else's.
const EDITS_TRIED_MAX: u32 = 3;
/// How long a name may take to resolve when a credential is about to be stored for it.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a new server is to be.
#[derive(Debug)]
pub(crate) struct NewServer {
    pub name: Name,
    /// Made from the name where it is absent.
    pub slug: Option<Slug>,
    pub upstream_url: UpstreamUrl,
    /// The catalogue entry it is made from; its classes are taken over.
    pub catalog: Option<Slug>,
    pub headers: Option<UpstreamHeaders>,
}

/// What an edit changes; `None` leaves a field as it is.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub name: Option<Name>,
    pub slug: Option<Slug>,
    /// Another scheme, host or port removes the credential unless `headers` brings a new one.
    pub upstream_url: Option<UpstreamUrl>,
    /// `Some(None)` removes the credential.
    pub headers: Option<Option<UpstreamHeaders>>,
    pub fail_open: Option<bool>,
}

/// Registers a server. It is not contacted yet; see [`super::discovery::discover`].
pub(crate) async fn create(console: &Console, scope: &Scope, new: NewServer) -> Result<Server> {
    require(scope, Capability::ManageServers)?;
    if let Some(slug) = &new.catalog {
        known_in_catalogue(slug)?;
    }
    if new.headers.is_some() {
        credential_may_travel(console, &new.upstream_url).await?;
    }
    let id = ServerId::generate();
    let headers = new
        .headers
        .as_ref()
        .map(|headers| headers.seal(&console.keyring, scope.org, id, &new.upstream_url));
    let stem = new
        .slug
        .clone()
        .unwrap_or_else(|| Slug::suggest(new.name.as_str(), "server"));
    let mut number = 1;
    loop {
        let slug = if number == 1 {
            stem.clone()
        } else {
            stem.numbered(number)
        };
        let row = store::servers::NewServer {
            id,
            name: new.name.clone(),
            slug,
            upstream_url: new.upstream_url.as_str().to_owned(),
            catalog: new.catalog.clone(),
            headers: headers.clone(),
        };
        match store::servers::create(&console.db, scope, row).await {
            // A slug that was asked for by name is not quietly replaced by another.
            Err(StoreError::Taken { field: "slug" })
                if new.slug.is_none() && number < SLUGS_TRIED_MAX =>
            {
                number += 1;
            }
            answer => return Ok(answer?),
        }
    }
}

/// Edits a server. `revision` is the one the caller read, if it cares.
pub(crate) async fn edit(
    console: &Console,
    scope: &Scope,
    id: ServerId,
    revision: Option<i32>,
    edit: Edit,
) -> Result<Server> {
    require(scope, Capability::ManageServers)?;
    let mut tries = 1;
    loop {
        let now = store::servers::get(&console.db, scope, id).await?;
        if revision.is_some_and(|revision| revision != now.revision) {
            return Err(ActionError::Stale);
        }
        let change = plan(console, scope, &now, &edit).await?;
        // What becomes of the credential was decided by the origin just read, so the edit holds
        // only for that revision.
        match store::servers::update(&console.db, scope, id, Some(now.revision), change).await {
            Err(StoreError::Stale) if revision.is_none() && tries < EDITS_TRIED_MAX => tries += 1,
            answer => return Ok(answer?),
        }
    }
}

async fn plan(console: &Console, scope: &Scope, now: &Server, edit: &Edit) -> Result<ServerEdit> {
    let old_url = UpstreamUrl::parse(&now.upstream_url)
        .map_err(|error| ActionError::Broken(Box::new(error)))?;
    let url = edit.upstream_url.as_ref().unwrap_or(&old_url);
    let headers = match &edit.headers {
        Some(Some(headers)) => {
            credential_may_travel(console, url).await?;
            Some(Some(headers.seal(&console.keyring, scope.org, now.id, url)))
        }
        Some(None) => Some(None),
        None if url.origin() != old_url.origin() => Some(None),
        None => None,
    };
    Ok(ServerEdit {
        name: edit.name.clone(),
        slug: edit.slug.clone(),
        upstream_url: edit
            .upstream_url
            .as_ref()
            .map(|url| url.as_str().to_owned()),
        headers,
        fail_open: edit.fail_open,
    })
}

/// Deletes a server with its policies and grants; the audit log keeps its history.
pub(crate) async fn delete(
    console: &Console,
    scope: &Scope,
    id: ServerId,
    revision: Option<i32>,
) -> Result<()> {
    require(scope, Capability::ManageServers)?;
    Ok(store::servers::delete(&console.db, scope, id, revision).await?)
}

/// Sets the class that a tool counts as in this organisation.
pub(crate) async fn set_class(
    console: &Console,
    scope: &Scope,
    id: ServerId,
    tool: &str,
    class: ToolClass,
) -> Result<InventoryTool> {
    require(scope, Capability::ManageServers)?;
    Ok(store::servers::set_class(&console.db, scope, id, tool, class).await?)
}

/// The address at which agents reach a server.
pub(crate) fn proxy_url(console: &Console, id: ServerId) -> String {
    format!("{}/mcp/{id}/mcp", console.settings.public_url)
}

fn known_in_catalogue(slug: &Slug) -> Result<()> {
    match catalog::server(slug.as_str()) {
        Some(_) => Ok(()),
        None => Err(ActionError::field("/catalog", "is not in the catalogue")),
    }
}

/// A credential goes over plain http only to addresses the operator allows, because anyone on the
/// way could read it. A name counts if every address it has now is allowed.
pub(super) async fn credential_may_travel(console: &Console, url: &UpstreamUrl) -> Result<()> {
    if !url.is_plain_http() {
        return Ok(());
    }
    let refused = || {
        ActionError::field(
            "/upstream_url",
            "must be https where there is a credential, unless the operator allows its address",
        )
    };
    let allowed = |ip: IpAddr| {
        let ip = ip.to_canonical();
        console
            .settings
            .upstream_allow
            .iter()
            .any(|range| range.contains(&ip))
    };
    let authority = url.origin().strip_prefix("http://").ok_or_else(refused)?;
    let (host, port) = authority.rsplit_once(':').ok_or_else(refused)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(ip) => vec![ip],
        Err(_) => {
            let port = port.parse::<u16>().map_err(|_| refused())?;
            let found = tokio::net::lookup_host((host, port));
            match tokio::time::timeout(RESOLVE_TIMEOUT, found).await {
                Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                Ok(Err(_)) | Err(_) => Vec::new(),
            }
        }
    };
    if !addresses.is_empty() && addresses.into_iter().all(allowed) {
        Ok(())
    } else {
        Err(refused())
    }
}
