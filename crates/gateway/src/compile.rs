//! From a snapshot to routes. Done once per change, so that a call only looks things up; what has
//! not changed (connections, compiled policies) is carried over.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    GrantId, OrgId, PolicyId, ServerId,
    routes::{PolicyRoute, ServerRoute, Snapshot},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use policy::{Engine, Policy};
use secrecy::ExposeSecret;
use upstream::{Dialler, Upstream, UpstreamUrl};
use vault::{Binding, Keyring};

use crate::{
    era::param_headers,
    routes::{Compiled, GrantEntry, GrantPolicy, Map, OrgRoutes, PolicyName, ServerEntry, Way},
};

/// How long it is remembered that a grant was there, in milliseconds: longer than a token counts as
/// news.
const GONE_MS: u64 = 60_000;

/// Compiles one organisation's snapshot. Without a keyring no credential opens.
pub(crate) fn compile(
    snapshot: Arc<Snapshot>,
    before: Option<&OrgRoutes>,
    keys: Option<&Keyring>,
    dialler: &Dialler,
    now_ms: u64,
) -> OrgRoutes {
    let servers: Map<_, _> = snapshot
        .servers
        .iter()
        .map(|route| {
            let old = before.and_then(|routes| routes.servers.get(&route.id));
            (
                route.id,
                Arc::new(server(
                    snapshot.org,
                    route,
                    old.map(|old| &**old),
                    keys,
                    dialler,
                )),
            )
        })
        .collect();
    let policies: Map<PolicyId, &PolicyRoute> = snapshot
        .policies
        .iter()
        .map(|policy| (policy.id, policy))
        .collect();
    let mut compiled: Map<(PolicyId, ServerId), GrantPolicy> = Map::default();
    if let Some(before) = before {
        for grant in before.grants.values() {
            if let GrantPolicy::Ready(old) = &grant.policy {
                compiled
                    .entry((old.name.id, grant.server.id))
                    .or_insert(grant.policy.clone());
            }
        }
    }
    let mut current: Map<(PolicyId, ServerId), GrantPolicy> = Map::default();
    let mut grants = Map::default();
    for route in &snapshot.grants {
        // A grant whose server is not here can reach nothing, so it is as if it did not exist.
        let Some(server) = servers.get(&route.server) else {
            continue;
        };
        let policy = match route.policy.and_then(|id| policies.get(&id)) {
            None => GrantPolicy::None,
            Some(policy) => {
                let key = (policy.id, server.id);
                let ready = current
                    .entry(key)
                    .or_insert_with(|| judge(policy, server, compiled.get(&key)));
                ready.clone()
            }
        };
        let bucket_prefix = format!("{{{}}}:grant:{}:", snapshot.org, route.id);
        let entry = GrantEntry {
            route: route.clone(),
            server: Arc::clone(server),
            policy,
            bucket_prefix,
            share: before
                .and_then(|routes| routes.grants.get(&route.id))
                .map(|grant| Arc::clone(&grant.share))
                .unwrap_or_default(),
        };
        grants.insert(route.id, Arc::new(entry));
    }
    let by_slug = snapshot
        .servers
        .iter()
        .map(|server| (server.slug.as_str().into(), server.id))
        .collect();
    let gone = before
        .map(|before| gone(before, &grants, now_ms))
        .unwrap_or_default();
    OrgRoutes {
        snapshot,
        servers,
        by_slug,
        grants,
        gone,
    }
}

/// The grants that were there a moment ago, and when they were last seen to be.
fn gone(
    before: &OrgRoutes,
    grants: &Map<GrantId, Arc<GrantEntry>>,
    now_ms: u64,
) -> Map<GrantId, u64> {
    let known = before.gone.iter().map(|(id, at)| (*id, *at));
    let dropped = before.grants.keys().map(|id| (*id, now_ms));
    known
        .filter(|(_, at)| now_ms.saturating_sub(*at) < GONE_MS)
        .chain(dropped)
        .filter(|(id, _)| !grants.contains_key(id))
        .collect()
}

fn server(
    org: OrgId,
    route: &ServerRoute,
    old: Option<&ServerEntry>,
    keys: Option<&Keyring>,
    dialler: &Dialler,
) -> ServerEntry {
    let way = way(org, route, old, keys, dialler);
    let inventory = route.inventory.clone();
    let offered = inventory.as_deref().unwrap_or_default();
    let tied = offered
        .iter()
        .map(|tool| (tool.name.as_str().into(), param_headers(&tool.definition)))
        .filter(|(_, tied): &(Box<str>, Box<[_]>)| !tied.is_empty())
        .collect();
    ServerEntry {
        id: route.id,
        name: route.name.as_str().to_owned(),
        way,
        tools: offered
            .iter()
            .map(|tool| tool.name.as_str().into())
            .collect(),
        inventory,
        tied,
        fail_open: route.fail_open,
        live: old.map(|old| Arc::clone(&old.live)).unwrap_or_default(),
    }
}

fn way(
    org: OrgId,
    route: &ServerRoute,
    old: Option<&ServerEntry>,
    keys: Option<&Keyring>,
    dialler: &Dialler,
) -> Option<Way> {
    let url = match UpstreamUrl::parse(&route.upstream_url) {
        Ok(url) => url,
        Err(error) => {
            tracing::error!(server.id = %route.id, %error, "the upstream's address cannot be used");
            return None;
        }
    };
    let headers = match &route.credential {
        None => Some(HeaderMap::new()),
        Some(sealed) => {
            let origin = url.origin();
            let binding = Binding::UpstreamCredential {
                org,
                server: route.id,
                origin,
            };
            let opened = keys.and_then(|keys| credential(keys, sealed, binding));
            if opened.is_none() {
                tracing::error!(server.id = %route.id, "the upstream's credential does not open");
            }
            opened
        }
    };
    // A pool lives as long as its address does.
    let upstream = match old.and_then(|old| old.way.as_ref()) {
        Some(way) if *way.upstream.url() == url => Arc::clone(&way.upstream),
        _ => Upstream::new(dialler.clone(), url),
    };
    Some(Way { upstream, headers })
}

/// Names that a stored credential may not set, because they steer the connection itself.
const NOT_CREDENTIALS: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// The headers inside a sealed credential: a JSON object of names and values.
fn credential(keys: &Keyring, sealed: &[u8], binding: Binding<'_>) -> Option<HeaderMap> {
    let plain = keys.unseal(sealed, binding).ok()?;
    let fields: BTreeMap<String, String> = serde_json::from_slice(plain.expose_secret()).ok()?;
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name: HeaderName = name.parse().ok()?;
        if NOT_CREDENTIALS.contains(&name.as_str()) || name.as_str().starts_with("mcp-") {
            continue;
        }
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(headers)
}

/// Compiles a policy, or takes over what was compiled of the same document and inventory.
fn judge(route: &PolicyRoute, server: &ServerEntry, old: Option<&GrantPolicy>) -> GrantPolicy {
    let name = PolicyName {
        id: route.id,
        name: route.name.as_str().to_owned(),
        version: route.version,
    };
    let ready = |engine| {
        GrantPolicy::Ready(Arc::new(Compiled {
            name: name.clone(),
            document: Arc::clone(&route.document),
            inventory: server.inventory.clone(),
            engine,
        }))
    };
    if let Some(GrantPolicy::Ready(old)) = old
        && old.document == route.document
        && old.inventory == server.inventory
    {
        return ready(Arc::clone(&old.engine));
    }
    match Policy::parse(&route.document) {
        // Whoever published it got past the console: its rules would not be kept.
        Ok(policy) if !policy.not_available().is_empty() => {
            tracing::error!(policy.id = %route.id, "a published policy asks for what is not enforced yet");
            GrantPolicy::Unreadable(name)
        }
        Ok(policy) => ready(Arc::new(Engine::compile(
            &policy,
            server.inventory.as_deref(),
        ))),
        Err(faults) => {
            tracing::error!(policy.id = %route.id, faults = faults.len(), "a published policy cannot be read");
            GrantPolicy::Unreadable(name)
        }
    }
}
