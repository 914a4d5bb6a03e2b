//! Looking at a server that is not registered: its tools, and what they can do. Nothing is stored.

use std::sync::Arc;

use catalog::stack::{
    self, Mention, Stack,
    report::{Known, Report, report},
};
use domain::{
    Capability, Scope,
    catalogue::{KnownServer, Origin},
};
use upstream::{Found, Upstream, UpstreamUrl};

use super::{ActionError, Result, headers::UpstreamHeaders, require, servers};
use crate::state::Console;

/// How many such looks are under way at once, all organisations together.
pub(crate) const AT_ONCE: usize = 8;
/// How often an organisation may look, in a minute.
pub(crate) const LOOKS_A_MINUTE: u32 = 10;

/// Connects to the server as discovery does, through the same guard, and reports on its tools. The
/// header values are sent to it and kept nowhere.
///
/// # Errors
/// [`ActionError::Upstream`] with a sentence for a person, `Throttled`, or `Forbidden`.
pub(crate) async fn look(
    console: &Console,
    scope: &Scope,
    url: UpstreamUrl,
    headers: Option<&UpstreamHeaders>,
) -> Result<Report> {
    require(scope, Capability::ManageServers)?;
    console.looks.take(scope.org)?;
    let place = Arc::clone(&console.looking)
        .try_acquire_owned()
        .map_err(|_| ActionError::Throttled { retry_after_s: 5 })?;
    let headers = match headers {
        None => Vec::new(),
        Some(headers) => {
            servers::credential_may_travel(console, &url).await?;
            headers.to_send()
        }
    };
    let shown = url.as_str().to_owned();
    let upstream = Upstream::new(console.dialler.clone(), url);
    let found = upstream::discover(&upstream, &headers)
        .await
        .map_err(|error| ActionError::Upstream(error.to_string()))?;
    let own = console.settings.public_url.clone();
    // The work cannot be called off, so it keeps the place when whoever asked goes away.
    let job = move || {
        let _place = place;
        told(&shown, &found, &own)
    };
    console.desk.work(job).await
}

/// The report on one server's own list.
fn told(url: &str, found: &Found, own: &str) -> Report {
    let mut mention = match stack::read(url) {
        Ok(mut stack) if stack.mentions.len() == 1 => stack.mentions.remove(0),
        _ => Mention::default(),
    };
    // The address was typed for this one look; nothing of it stands in a file.
    mention.removed = 0;
    let name = found.server_name.clone();
    if let Some(name) = &name {
        mention.name.clone_from(name);
    }
    let tools = found.tools.iter().map(|tool| catalog::scanned(None, tool));
    let known = Known {
        server: KnownServer {
            version: found.server_version.clone(),
            ..KnownServer::named("", name.as_ref().unwrap_or(&mention.name), Origin::Registry)
        },
        tools: Some(tools.collect()),
    };
    let stack = Stack {
        mentions: vec![mention],
        left_out: 0,
    };
    report(&stack, &[Some(known)], own)
}
