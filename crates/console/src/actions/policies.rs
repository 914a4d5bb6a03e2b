//! Policies: checking, keeping and publishing a team's documents.

use domain::{Capability, Name, PolicyId, Scope, ServerId, Tool};
use policy::{Policy, Report};
use store::policies::{PolicyInfo, Version};

use super::{ActionError, Result, require};
use crate::state::Console;

/// The longest note on a version, in characters.
pub(crate) const NOTE_CHARACTERS_MAX: usize = 500;

/// Says all that is wrong and all that is odd with a document, against a server's tools where one
/// is named.
pub(crate) async fn check(
    console: &Console,
    scope: &Scope,
    document: &str,
    server: Option<ServerId>,
) -> Result<Report> {
    require(scope, Capability::See)?;
    let inventory = match server {
        Some(server) => inventory(console, scope, server).await?,
        None => None,
    };
    Ok(policy::check(document, inventory.as_deref()))
}

/// Makes a policy with its version 1, published at once where `publish` says so.
pub(crate) async fn create(
    console: &Console,
    scope: &Scope,
    server: ServerId,
    name: &Name,
    document: &str,
    publish: bool,
) -> Result<PolicyInfo> {
    require(scope, Capability::EditPolicies)?;
    let policy = Policy::parse(document).map_err(ActionError::Policy)?;
    Ok(store::policies::create(&console.db, scope, server, name, &policy, publish).await?)
}

/// Adds the next version, which changes nothing until it is published.
pub(crate) async fn add_version(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    document: &str,
    note: Option<&str>,
) -> Result<Version> {
    require(scope, Capability::EditPolicies)?;
    if let Some(note) = note {
        check_note(note)?;
    }
    let policy = Policy::parse(document).map_err(ActionError::Policy)?;
    Ok(store::policies::add_version(&console.db, scope, id, revision, &policy, note).await?)
}

/// Publishes a version; an older one is the roll-back. The stored document is read again first,
/// because what was valid when it was stored may not be to this release.
pub(crate) async fn publish(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    version: i32,
) -> Result<PolicyInfo> {
    require(scope, Capability::EditPolicies)?;
    let stored = store::policies::version(&console.db, scope, id, version).await?;
    let report = policy::check(&stored.document, None);
    if !report.valid {
        return Err(ActionError::Policy(report.faults));
    }
    Ok(store::policies::publish(&console.db, scope, id, revision, version).await?)
}

/// Gives a policy another name.
pub(crate) async fn rename(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    name: &Name,
) -> Result<PolicyInfo> {
    require(scope, Capability::EditPolicies)?;
    Ok(store::policies::rename(&console.db, scope, id, revision, name).await?)
}

/// Deletes a policy that no live grant uses.
pub(crate) async fn delete(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
) -> Result<()> {
    require(scope, Capability::EditPolicies)?;
    Ok(store::policies::delete(&console.db, scope, id, revision).await?)
}

/// The server's tools as policies see them; `None` where it was never discovered.
pub(crate) async fn inventory(
    console: &Console,
    scope: &Scope,
    server: ServerId,
) -> Result<Option<Vec<Tool>>> {
    let tools = match store::servers::tools(&console.db, scope, server).await? {
        Some(tools) => tools,
        // Whether the server is here at all is asked only where it has no tools to show for it.
        None => {
            store::servers::get(&console.db, scope, server).await?;
            return Ok(None);
        }
    };
    Ok(Some(tools.into_iter().map(|entry| entry.tool).collect()))
}

fn check_note(note: &str) -> Result<()> {
    if note.chars().count() > NOTE_CHARACTERS_MAX {
        let detail = format!("is longer than {NOTE_CHARACTERS_MAX} characters");
        return Err(ActionError::field("/note", detail));
    }
    let invisible = |c: char| c != '\n' && (c.is_control() || domain::names::is_invisible(c));
    if note.chars().any(invisible) {
        return Err(ActionError::field(
            "/note",
            "may not contain invisible characters",
        ));
    }
    Ok(())
}
