//! One call against fresh counters: what the gateway would decide, without charging anything.

use std::borrow::Cow;

use domain::{Capability, PolicyId, Scope, ServerId};
use policy::{Call, Counters, Decision, Engine, GrantFacts, Policy};
use time::OffsetDateTime;

use super::{ActionError, Result, policies::inventory, require};
use crate::state::Console;

/// Whose rules are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rules<'a> {
    /// A document that need not be stored.
    Document(&'a str),
    /// The published version of a stored policy.
    Policy(PolicyId),
}

/// The call that is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub rules: Rules<'a>,
    /// Whose tools there are. A stored policy brings its own server.
    pub server: Option<ServerId>,
    pub tool: &'a str,
    /// A JSON object as text; `None` where the call has no `arguments`.
    pub arguments: Option<&'a str>,
    pub grant: GrantFacts<'a>,
    pub at: OffsetDateTime,
}

/// Judges one call by a document or by a stored policy.
pub(crate) async fn decide(
    console: &Console,
    scope: &Scope,
    question: Question<'_>,
) -> Result<Decision> {
    require(scope, Capability::See)?;
    let (document, server) = match question.rules {
        Rules::Document(text) => (Cow::Borrowed(text), question.server),
        Rules::Policy(id) => {
            let info = store::policies::get(&console.db, scope, id).await?;
            if question.server.is_some_and(|server| server != info.server) {
                return Err(ActionError::field(
                    "/server_id",
                    "is not the policy's server",
                ));
            }
            let published = info.published_version.ok_or_else(|| {
                ActionError::Conflict("no version of this policy is published".into())
            })?;
            let version = store::policies::version(&console.db, scope, id, published).await?;
            (Cow::Owned(version.document), Some(info.server))
        }
    };
    let policy = Policy::parse(&document).map_err(ActionError::Policy)?;
    let inventory = match server {
        Some(server) => inventory(console, scope, server).await?,
        None => None,
    };
    let engine = Engine::compile(&policy, inventory.as_deref());
    let bounds = json::Bounds {
        bytes_max: question.arguments.map_or(0, str::len),
        depth_max: super::ARGUMENTS_DEPTH_MAX,
    };
    let arguments = match question.arguments {
        Some(text) => Some(
            json::Document::parse(text.as_bytes(), bounds)
                .map_err(|fault| ActionError::field("/args", fault))?,
        ),
        None => None,
    };
    let now = question.at.unix_timestamp_nanos() / 1_000_000;
    let call = Call {
        tool: question.tool,
        arguments: arguments.as_ref().map(json::Document::root),
        grant: question.grant,
        class: None,
        now_unix_ms: u64::try_from(now)
            .map_err(|_| ActionError::field("/at", "must be after 1970"))?,
    };
    Ok(Counters::new().decide(&engine, &call))
}
