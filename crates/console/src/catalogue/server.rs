//! A known server.

use std::collections::BTreeMap;

use domain::catalogue::{KnownServer, Origin, Release};
use serde::Serialize;
use store::catalogue::{ServerCard, ServerEntry};
use utoipa::ToSchema;

use super::{by_class, by_risk, tool::CatalogueTool};

/// A known server, in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "slug": "circleci", "name": "CircleCI", "vendor": "CircleCI",
    "summary": "Builds, tests and pipelines on CircleCI.",
    "repository": "https://github.com/CircleCI-Public/mcp-server-circleci",
    "licence": "Apache-2.0", "official": true, "tool_count": 13,
    "tools_by_class": {"execute": 3, "read": 9, "write": 1},
    "tools_by_risk": {"high": 3, "low": 9, "medium": 1},
    "packages": ["npm:@circleci/mcp-server-circleci"], "version": "0.20.0",
    "transports": ["stdio"], "remote_url": null, "tools_date": "2026-11-22", "origin": "shipped"
}))]
pub(crate) struct CatalogueServer {
    /// Names it in URLs.
    slug: String,
    /// What people call it. Its publisher's own word, like `vendor`, unless `origin` is `shipped`.
    name: String,
    vendor: Option<String>,
    /// What it is for, in a sentence of ours.
    summary: Option<String>,
    /// Where its source is.
    repository: Option<String>,
    /// SPDX name of its licence, where a source states it.
    licence: Option<String>,
    /// Whether the product's own maker publishes it.
    official: bool,
    /// How many tools it has; null where it has not been scanned.
    tool_count: Option<u32>,
    /// Its tools, counted; classes of which it has none are left out.
    tools_by_class: BTreeMap<&'static str, u32>,
    /// Its tools, counted; risks of which it has none are left out.
    tools_by_risk: BTreeMap<&'static str, u32>,
    /// What it is installed from: `npm:…`, `pypi:…`, `oci:…`.
    packages: Vec<String>,
    /// The version that the tools are those of, where it is known.
    version: Option<String>,
    /// `stdio`, `streamable-http`, `sse`.
    transports: Vec<String>,
    /// Where a hosted one is reached.
    remote_url: Option<String>,
    /// When the list of its tools was made.
    tools_date: Option<String>,
    /// Who put it into the catalogue: `shipped`, `imported` or `registry`.
    #[schema(value_type = String)]
    origin: Origin,
}

impl CatalogueServer {
    pub(crate) fn of(card: &ServerCard) -> Self {
        let server = card.server.clone();
        Self {
            slug: server.slug,
            name: server.name,
            vendor: server.vendor,
            summary: server.summary,
            repository: server.repo,
            licence: server.licence,
            official: server.official,
            tool_count: card.tool_count,
            tools_by_class: by_class(&card.counts.by_class),
            tools_by_risk: by_risk(&card.counts.by_risk),
            packages: server.packages,
            version: server.version,
            transports: server.transports,
            remote_url: server.remote_url,
            tools_date: server.tools_date.map(|date| date.to_string()),
            origin: server.origin,
        }
    }
}

/// A package at a version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "registry": "npm", "name": "@circleci/mcp-server-circleci", "version": "0.20.0"}))]
pub(crate) struct CataloguePackage {
    /// `npm`, `pypi` or `oci`.
    registry: String,
    name: String,
    /// The version that the tools are those of, where it is known.
    version: Option<String>,
}

impl CataloguePackage {
    fn of(server: &KnownServer) -> Option<Self> {
        let (registry, name) = server.packages.first()?.split_once(':')?;
        Some(Self {
            registry: registry.to_owned(),
            name: name.to_owned(),
            version: server.version.clone(),
        })
    }
}

/// How the list of a server's tools changed, when a later one was seen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "version": "0.20.0", "date": "2026-08-06", "tool_count": 13,
    "added": [], "removed": ["analyze_diff"], "changed": []}))]
pub(crate) struct CatalogueRelease {
    version: Option<String>,
    date: Option<String>,
    tool_count: u32,
    /// Tools that the list before did not have.
    added: Vec<String>,
    /// Tools that the list before had.
    removed: Vec<String>,
    /// Tools whose arguments or hints are others.
    changed: Vec<String>,
}

impl From<Release> for CatalogueRelease {
    fn from(release: Release) -> Self {
        Self {
            version: release.version,
            date: release.date.map(|date| date.to_string()),
            tool_count: release.tool_count,
            added: release.added,
            removed: release.removed,
            changed: release.changed,
        }
    }
}

/// A known server, with its tools.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "slug": "circleci", "name": "CircleCI", "vendor": "CircleCI",
    "summary": "Builds, tests and pipelines on CircleCI.",
    "repository": "https://github.com/CircleCI-Public/mcp-server-circleci",
    "licence": "Apache-2.0", "official": true, "tool_count": 13,
    "tools_by_class": {"execute": 3, "read": 9, "write": 1},
    "tools_by_risk": {"high": 3, "low": 9, "medium": 1},
    "packages": ["npm:@circleci/mcp-server-circleci"], "version": "0.20.0",
    "transports": ["stdio"], "remote_url": null, "tools_date": "2026-11-22",
    "package": {"registry": "npm", "name": "@circleci/mcp-server-circleci", "version": "0.20.0"},
    "auth": null, "tags": [], "sources": ["scan"], "tools_from": "scan", "tools_total": null,
    "origin": "shipped", "releases": [],
    "run": {"command": "npx …", "notes": []}, "upstream_url": "http://127.0.0.1:8000/mcp",
    "credential": {"what": "A personal API token", "headers": [
        {"name": "Circle-Token", "value": "{token}"}]},
    "notes": [], "tools": [{"name": "rerun_workflow", "class": "execute", "risk": "high",
        "does": "Reruns a workflow.", "note": null, "description": null,
        "arguments": [{"path": "params.workflowId", "required": false, "kind": "string"}],
        "signals": [{"id": "reruns_ci", "words": "re-triggers CI/CD workflow execution"}],
        "confidence": 1.0, "corrected": false, "hints": {"destructiveHint": true}}],
    "next_cursor": null
}))]
pub(crate) struct CatalogueEntry {
    #[serde(flatten)]
    server: CatalogueServer,
    /// The first of its packages.
    package: Option<CataloguePackage>,
    /// How a hosted one wants to be authenticated to: `oauth`, `none` or `bearer`.
    auth: Option<String>,
    tags: Vec<String>,
    /// Who lists it, the best first.
    sources: Vec<String>,
    /// Whose tool list this is; `scan` for one of ours.
    tools_from: Option<String>,
    /// How many tools it has, where the list is cut.
    tools_total: Option<u32>,
    /// The lists of its tools that were seen, the newest first.
    releases: Vec<CatalogueRelease>,
    /// How to run it so that Tollgate can reach it, where that is known.
    #[schema(value_type = Option<Object>)]
    run: Option<&'static catalog::Run>,
    /// What to fill in as the upstream URL; a suggestion, where there is one.
    upstream_url: Option<String>,
    /// How it wants to be authenticated to, where that is known.
    #[schema(value_type = Option<Object>)]
    credential: Option<&'static catalog::Credential>,
    /// What someone who writes rules for it should know.
    notes: &'static [String],
    /// The riskiest first; empty where it has not been scanned.
    tools: Vec<CatalogueTool>,
    /// What to send as `cursor` for more tools; null where these are the last.
    next_cursor: Option<String>,
}

impl CatalogueEntry {
    pub(crate) fn of(
        entry: ServerEntry,
        tools: Vec<CatalogueTool>,
        next_cursor: Option<String>,
    ) -> Self {
        let server = &entry.card.server;
        let ours = catalog::server(&server.slug);
        Self {
            package: CataloguePackage::of(server),
            auth: server.auth.clone(),
            tags: server.tags.clone(),
            sources: server.sources.clone(),
            tools_from: server.tools_from.clone(),
            tools_total: server.tools_total,
            releases: entry.releases.into_iter().map(Into::into).collect(),
            run: ours.map(|ours| &ours.run),
            upstream_url: ours
                .map(|ours| ours.upstream_url.clone())
                .or_else(|| server.remote_url.clone()),
            credential: ours.map(|ours| &ours.credential),
            notes: notes(&server.slug),
            server: CatalogueServer::of(&entry.card),
            tools,
            next_cursor,
        }
    }
}

/// What we say of a server to someone who writes rules for it.
fn notes(slug: &str) -> &'static [String] {
    let shipped = catalog::shipped().iter();
    let mut shipped = shipped.filter(|one| one.server.slug == slug);
    shipped.next().map_or(&[], |one| &one.notes)
}
