//! A document that is asked about, with the tools it is asked about.

use std::sync::Arc;

use domain::{PolicyId, Scope, ServerId, Tool};
use policy::{Engine, Policy};

use super::{ActionError, Result, policies::inventory};
use crate::state::Console;

/// Whose rules are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rules<'a> {
    /// A document that need not be stored.
    Document(&'a str),
    /// The published version of a stored policy.
    Policy(PolicyId),
    /// One version of a stored policy, published or not.
    Version(PolicyId, i32),
}

/// The document and the tools. Cheap to copy.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub document: Arc<str>,
    /// None where no server is named, or its tools are not known.
    pub tools: Option<Arc<[Tool]>>,
}

impl Subject {
    /// Reads what `rules` name. A stored policy brings its own server.
    ///
    /// # Errors
    /// `NotFound` for what is not this organisation's; `Conflict` where nothing is published.
    pub(crate) async fn load(
        console: &Console,
        scope: &Scope,
        rules: Rules<'_>,
        server: Option<ServerId>,
    ) -> Result<Self> {
        let (document, server): (Arc<str>, _) = match rules {
            Rules::Document(text) => (text.into(), server),
            Rules::Policy(id) | Rules::Version(id, _) => {
                let info = store::policies::get(&console.db, scope, id).await?;
                if server.is_some_and(|server| server != info.server) {
                    let detail = "is not the policy's server";
                    return Err(ActionError::field("/server_id", detail));
                }
                let version = match rules {
                    Rules::Version(_, version) => version,
                    _ => info.published_version.ok_or_else(unpublished)?,
                };
                let version = store::policies::version(&console.db, scope, id, version).await?;
                (version.document.into(), Some(info.server))
            }
        };
        let tools = match server {
            Some(server) => inventory(console, scope, server).await?.map(Arc::from),
            None => None,
        };
        Ok(Self { document, tools })
    }

    /// The document, understood.
    ///
    /// # Errors
    /// Every fault of it.
    pub(crate) fn policy(&self) -> Result<Policy> {
        Policy::parse(&self.document).map_err(ActionError::Policy)
    }

    /// The policy, compiled against the tools.
    pub(crate) fn engine(&self, policy: &Policy) -> Engine {
        Engine::compile(policy, self.tools.as_deref())
    }
}

fn unpublished() -> ActionError {
    ActionError::Conflict("no version of this policy is published".into())
}
