//! What a request is looked up in: one organisation's servers and grants, compiled, and the table
//! of all organisations behind one atomic pointer.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{
    GrantId, OrgId, PolicyId, ServerId, Tool,
    routes::{GrantRoute, Snapshot},
};
use http::HeaderMap;
use policy::Engine;
use upstream::Upstream;

use crate::{era::ParamHeader, share::Share};

pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Every organisation. Replaced whole when one of them changes.
#[derive(Default, Clone)]
pub(crate) struct Table {
    pub(crate) orgs: Map<OrgId, Arc<OrgRoutes>>,
    pub(crate) slugs: Map<Box<str>, OrgId>,
}

/// One organisation's routes at one version.
pub(crate) struct OrgRoutes {
    /// What these were compiled from, kept to compile them again when the keys change.
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) servers: Map<ServerId, Arc<ServerEntry>>,
    pub(crate) by_slug: Map<Box<str>, ServerId>,
    pub(crate) grants: Map<GrantId, Arc<GrantEntry>>,
    /// Grants that were here until a moment ago, and when (Unix milliseconds): a revoked one is not
    /// news that has yet to come.
    pub(crate) gone: Map<GrantId, u64>,
}

/// A server as calls need it.
pub(crate) struct ServerEntry {
    pub(crate) id: ServerId,
    pub(crate) name: String,
    /// None where the address is not one that can be dialled.
    pub(crate) way: Option<Way>,
    pub(crate) inventory: Option<Arc<[Tool]>>,
    /// The names in the inventory.
    pub(crate) tools: HashSet<Box<str>, foldhash::fast::RandomState>,
    /// Tools whose definition ties arguments to headers.
    pub(crate) tied: Map<Box<str>, Box<[ParamHeader]>>,
    pub(crate) fail_open: bool,
    pub(crate) live: Arc<Live>,
}

/// The way to a server.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) upstream: Arc<Upstream>,
    /// Headers that every request carries, the credential among them; none where the credential
    /// does not open or is no set of headers.
    pub(crate) headers: Option<HeaderMap>,
}

/// What outlives a snapshot.
#[derive(Default)]
pub(crate) struct Live {
    refreshed_ms: AtomicU64,
}

/// How often a server's inventory is asked for again, at most.
const REFRESH_MS: u64 = 5_000;

impl Live {
    /// Whether a refresh may be asked for now; then none may be for a while.
    pub(crate) fn may_refresh(&self, now_ms: u64) -> bool {
        let last = self.refreshed_ms.load(Ordering::Relaxed);
        now_ms.saturating_sub(last) >= REFRESH_MS
            && self
                .refreshed_ms
                .compare_exchange(last, now_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// A grant as calls need it.
pub(crate) struct GrantEntry {
    pub(crate) route: GrantRoute,
    pub(crate) server: Arc<ServerEntry>,
    pub(crate) policy: GrantPolicy,
    /// `{org_…}:grant:gr_…:`, with which its buckets' names begin.
    pub(crate) bucket_prefix: String,
    /// What it has open now.
    pub(crate) share: Arc<Share>,
}

/// What decides a grant's calls.
#[derive(Clone)]
pub(crate) enum GrantPolicy {
    /// Nothing: every call is refused.
    None,
    /// A published version that this gateway cannot read, which a newer one may have written.
    Unreadable(PolicyName),
    Ready(Arc<Compiled>),
}

/// Which policy, as the audit log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyName {
    pub(crate) id: PolicyId,
    pub(crate) name: String,
    pub(crate) version: i32,
}

/// A policy compiled against one server's inventory.
pub(crate) struct Compiled {
    pub(crate) name: PolicyName,
    pub(crate) document: Arc<str>,
    pub(crate) inventory: Option<Arc<[Tool]>>,
    pub(crate) engine: Arc<Engine>,
}

impl GrantPolicy {
    pub(crate) fn name(&self) -> Option<&PolicyName> {
        match self {
            Self::None => None,
            Self::Unreadable(name) => Some(name),
            Self::Ready(compiled) => Some(&compiled.name),
        }
    }

    pub(crate) fn engine(&self) -> Option<&Engine> {
        match self {
            Self::None | Self::Unreadable(_) => None,
            Self::Ready(compiled) => Some(&compiled.engine),
        }
    }

    /// Whether `tools/list` shows a tool.
    pub(crate) fn shows(&self, tool: &str) -> bool {
        self.engine().is_some_and(|engine| engine.shows(tool))
    }

    /// Whether prompts, resources and completions are let through.
    pub(crate) fn allows_by_default(&self) -> bool {
        self.engine().is_some_and(Engine::allows_by_default)
    }
}

impl ServerEntry {
    /// The origin that credentials and sessions are bound to.
    pub(crate) fn origin(&self) -> &str {
        self.way
            .as_ref()
            .map_or("", |way| way.upstream.url().origin())
    }
}
