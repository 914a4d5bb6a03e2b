//! What the editor shows around the text: the server and its tools, the grants, the versions.

use std::sync::Arc;

use domain::{Scope, Tool};
use store::{
    PageRequest,
    grants::Grant,
    policies::{PolicyInfo, Version},
    servers::Server,
};

use super::{draft::Place, panes::HISTORY};
use crate::{
    actions::{self, preview as previews},
    pages::PageError,
    state::Console,
};

/// How many grants of the server the pickers know.
const GRANTS: u16 = 200;

/// What the page shows besides the draft.
pub(super) struct Loaded {
    pub(super) server: Server,
    pub(super) policy: Option<PolicyInfo>,
    pub(super) around: Around,
}

/// What the panes are made from, besides the draft.
pub(super) struct Around {
    pub(super) policy: Option<PolicyInfo>,
    pub(super) tools: Option<Arc<[Tool]>>,
    pub(super) grants: Vec<Grant>,
    /// The document in force.
    pub(super) published: Option<String>,
    /// Newest first, one more than are shown; none where the history is not asked for.
    pub(super) versions: Vec<Version>,
}

impl Loaded {
    /// Reads it, with the versions only where the history is shown.
    ///
    /// # Errors
    /// `NotFound` where server or policy are not this organisation's.
    pub(super) async fn read(
        console: &Console,
        scope: &Scope,
        place: Place,
        with_history: bool,
    ) -> Result<Self, PageError> {
        let (policy, server) = match place {
            Place::New(server) => (None, server),
            Place::Policy(id) => {
                let policy = store::policies::get(&console.db, scope, id).await?;
                let server = policy.server;
                (Some(policy), server)
            }
        };
        let server = store::servers::get(&console.db, scope, server).await?;
        let tools = actions::policies::inventory(console, scope, server.id).await?;
        let page = |limit| PageRequest { limit, after: None };
        let grants = store::grants::list(&console.db, scope, Some(server.id), page(GRANTS)).await?;
        let (mut published, mut versions) = (None, Vec::new());
        if let Some(policy) = &policy {
            published = previews::published(console, scope, policy).await?;
            if with_history {
                let request = page(HISTORY + 1);
                versions = store::policies::versions(&console.db, scope, policy.id, request)
                    .await?
                    .items;
            }
        }
        let around = Around {
            policy: policy.clone(),
            tools: tools.map(Arc::from),
            grants: grants.items,
            published,
            versions,
        };
        Ok(Self {
            server,
            policy,
            around,
        })
    }
}
