//! Asking a server what tools it has.

use domain::{Capability, Scope, ServerId};
use store::servers::{Discovery, Server, Target};
use upstream::{Dialler, Upstream, UpstreamUrl};
use vault::Keyring;

use super::{ActionError, Result, headers, require};
use crate::state::Console;

/// Asks the server for its tools and stores what it said, or why it said nothing.
///
/// # Errors
/// [`ActionError::Upstream`] with a sentence that is also stored beside the server.
pub(crate) async fn discover(console: &Console, scope: &Scope, id: ServerId) -> Result<Server> {
    require(scope, Capability::ManageServers)?;
    let target = store::servers::target(&console.db, scope, id).await?;
    walk(
        &console.db,
        &console.keyring,
        &console.dialler,
        Some(scope),
        &target,
    )
    .await?;
    Ok(store::servers::get(&console.db, scope, id).await?)
}

/// The same for nobody in particular: what the background refresh does. A server that is gone by
/// now is no error, and neither is one that does not answer.
pub(crate) async fn refresh(
    db: &store::Db,
    keyring: &Keyring,
    dialler: &Dialler,
    id: ServerId,
) -> Result<(), store::StoreError> {
    let Some(target) = store::servers::target_of(db, id).await? else {
        return Ok(());
    };
    match walk(db, keyring, dialler, None, &target).await {
        Ok(()) | Err(ActionError::NotFound) => Ok(()),
        Err(ActionError::Unavailable(error)) => Err(error),
        Err(error) => {
            tracing::info!(server.id = %id, %error, "the inventory was not refreshed");
            Ok(())
        }
    }
}

async fn walk(
    db: &store::Db,
    keyring: &Keyring,
    dialler: &Dialler,
    by: Option<&Scope>,
    target: &Target,
) -> Result<()> {
    match ask(keyring, dialler, target).await {
        Ok(mut found) => {
            correct(db, target, &mut found.tools).await?;
            Ok(store::servers::record_discovery(db, target.org, by, target.id, &found).await?)
        }
        Err(sentence) => {
            store::servers::record_discovery_failure(db, target.org, target.id, &sentence).await?;
            Err(ActionError::Upstream(sentence))
        }
    }
}

/// What the operator says of a tool goes before what ships with Tollgate and what the classifier
/// finds; a member's own word, which the store keeps, goes before all.
async fn correct(db: &store::Db, target: &Target, tools: &mut [domain::Tool]) -> Result<()> {
    let Some(slug) = &target.catalog else {
        return Ok(());
    };
    let corrections = store::catalogue::corrections(db, slug.as_str()).await?;
    for tool in tools {
        if let Some(given) = corrections.get(&tool.name) {
            tool.class = Some(given.class);
        }
    }
    Ok(())
}

/// What the server offers, with classes; or the sentence that says why that is not known.
async fn ask(
    keyring: &Keyring,
    dialler: &Dialler,
    target: &Target,
) -> std::result::Result<Discovery, String> {
    let url = UpstreamUrl::parse(&target.upstream_url)
        .map_err(|error| format!("the stored address {error}; edit the server"))?;
    let headers = match &target.credential {
        None => Vec::new(),
        Some(sealed) => headers::unseal(keyring, target.org, target.id, &url, sealed)
            .map_err(|_| "the stored credential cannot be opened; enter it again".to_owned())?,
    };
    let upstream = Upstream::new(dialler.clone(), url);
    let mut found = upstream::discover(&upstream, &headers)
        .await
        .map_err(|error| error.to_string())?;
    if let Some(moved_to) = found.moved_to {
        return Err(format!(
            "the server redirects to {}, which calls do not follow; make that its address",
            moved_to.as_str()
        ));
    }
    let slug = target.catalog.as_ref().map(domain::Slug::as_str);
    for tool in &mut found.tools {
        tool.class = Some(catalog::class_of(slug, tool));
    }
    Ok(Discovery {
        tools: found.tools,
        server_name: found.server_name,
        server_version: found.server_version,
        protocol_version: Some(found.protocol_version),
    })
}
