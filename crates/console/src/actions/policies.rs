//! Policies: keeping and publishing a team's documents.

use domain::{Capability, Name, PolicyId, Scope, ServerId, Tool};
use policy::Policy;
use store::policies::{PolicyInfo, Version};

use super::{
    ActionError, Result,
    examine::hindrances,
    require,
    subject::{Rules, Subject},
};
use crate::state::Console;

/// The longest note on a version, in characters.
pub(crate) const NOTE_CHARACTERS_MAX: usize = 500;

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
    let policy = understood(console, document).await?;
    if publish {
        let rules = Rules::Document(document);
        publishable(
            console,
            Subject::load(console, scope, rules, Some(server)).await?,
        )
        .await?;
    }
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
    let policy = understood(console, document).await?;
    Ok(store::policies::add_version(&console.db, scope, id, revision, &policy, note).await?)
}

/// Publishes a version; an older one is the roll-back. The stored document is checked again first,
/// because what was fine when it was stored may not be to this release, or with today's tools.
pub(crate) async fn publish(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    revision: Option<i32>,
    version: i32,
) -> Result<PolicyInfo> {
    require(scope, Capability::EditPolicies)?;
    let subject = Subject::load(console, scope, Rules::Version(id, version), None).await?;
    publishable(console, subject).await?;
    Ok(store::policies::publish(&console.db, scope, id, revision, version).await?)
}

/// Goes on only if a document could be published as the policy's next version.
pub(crate) async fn ready(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    document: &str,
) -> Result<()> {
    require(scope, Capability::EditPolicies)?;
    let info = store::policies::get(&console.db, scope, id).await?;
    let rules = Rules::Document(document);
    let subject = Subject::load(console, scope, rules, Some(info.server)).await?;
    publishable(console, subject).await
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

/// A document that may be stored: nothing is wrong with it. That its tests fail, or that the gateway
/// does not enforce a part of it yet, keeps it from being published only.
async fn understood(console: &Console, document: &str) -> Result<Policy> {
    let document = document.to_owned();
    let parsed = console.desk.work(move || Policy::parse(&document)).await?;
    parsed.map_err(ActionError::Policy)
}

/// Goes on only if nothing keeps the document from being published.
async fn publishable(console: &Console, subject: Subject) -> Result<()> {
    let found = console.desk.work(move || hindrances(&subject)).await?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(ActionError::Policy(found))
    }
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
