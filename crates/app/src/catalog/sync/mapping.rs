//! A registry's entry as a server of the catalogue.

use domain::catalogue::{KnownServer, Origin};
use serde::Deserialize;
use serde_json::json;

use super::slug::slug;

/// As long as the registry lets a title be; one that is longer is cut.
const TITLE_CHARS_MAX: usize = 100;

/// One entry of the registry's list; what is not needed here is passed over.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) server: Server,
    #[serde(default, rename = "_meta")]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol.registry/official")]
    official: Option<Official>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Official {
    status: Option<String>,
    is_latest: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Server {
    pub(super) name: String,
    title: Option<String>,
    version: Option<String>,
    repository: Option<Repository>,
    #[serde(default)]
    packages: Option<Vec<Package>>,
    #[serde(default)]
    remotes: Option<Vec<Transport>>,
}

#[derive(Deserialize)]
struct Repository {
    url: Option<String>,
    subfolder: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    registry_type: String,
    identifier: String,
    transport: Option<Transport>,
}

#[derive(Deserialize)]
struct Transport {
    #[serde(rename = "type")]
    kind: String,
    url: Option<String>,
}

/// What the registry says of a server's life.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Status {
    Active,
    Deprecated,
    Deleted,
    /// An older version of a server that is listed by its newest too.
    Old,
}

impl Listed {
    pub(super) fn status(&self) -> Status {
        let official = self.meta.official.as_ref();
        match official.and_then(|official| official.status.as_deref()) {
            _ if official.and_then(|official| official.is_latest) == Some(false) => Status::Old,
            Some("deleted") => Status::Deleted,
            Some("deprecated") => Status::Deprecated,
            _ => Status::Active,
        }
    }
}

/// By way of the line format, so that everything is checked by the same hand. The description is
/// left out: what a server says of itself is no sentence of ours.
pub(super) fn server(listed: &Listed, source: &str) -> Result<KnownServer, String> {
    let server = &listed.server;
    let slug = slug(&server.name)?;
    let (space, own) = server.name.split_once('/').unwrap_or(("", &server.name));
    let packages = server.packages.iter().flatten();
    let remotes = server.remotes.iter().flatten();
    let kinds = packages
        .clone()
        .filter_map(|package| package.transport.as_ref());
    let mut transports: Vec<&str> = Vec::new();
    for transport in kinds.chain(remotes.clone()) {
        let kind = transport.kind.as_str();
        if matches!(kind, "stdio" | "streamable-http" | "sse") && !transports.contains(&kind) {
            transports.push(kind);
        }
    }
    // A template is no address.
    let url = |url: &&String| is_address(url) && !url.contains(['{', '}']);
    let repository = server.repository.as_ref();
    let line = json!({
        "slug": slug,
        "name": title(server.title.as_deref()).unwrap_or_else(|| own.to_owned()),
        "vendor": space.strip_prefix("io.github.").unwrap_or(space),
        "version": server.version,
        "repo": repository.and_then(|r| r.url.as_ref()).filter(|url| is_address(url)),
        "subdir": repository.and_then(|r| r.subfolder.as_ref()),
        "packages": packages
            .map(|package| format!("{}:{}", package.registry_type, package.identifier))
            .collect::<Vec<_>>(),
        "transports": transports,
        "remote_url": remotes.filter_map(|remote| remote.url.as_ref()).find(url),
        "sources": [source],
        "tags": match listed.status() {
            Status::Deprecated => vec!["deprecated"],
            _ => Vec::new(),
        },
    });
    let read = ::catalog::read_entry(&line.to_string(), Origin::Registry);
    Ok(read.map_err(|error| error.0)?.server)
}

/// What the publisher calls it, cut; what nobody sees is taken out with the rest of the line.
fn title(said: Option<&str>) -> Option<String> {
    let title: String = said?.trim().chars().take(TITLE_CHARS_MAX).collect();
    (!title.is_empty()).then_some(title)
}

fn is_address(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
