//! Policies as the admin API keeps them.

use anyhow::{Context, Result, bail};
use domain::{Name, PolicyId, ServerId, Tool};
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    args::TargetArgs,
    client::{Client, Problem, read, segment},
    inventory,
    show::visible,
};
use crate::exit::Usage;

/// Lists are read page by page, at most so many.
const PAGES_MAX: usize = 100;

/// A policy as it stood when it was read.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    pub(super) id: PolicyId,
    pub(super) server_id: ServerId,
    pub(super) name: Name,
    pub(super) published_version: Option<u32>,
    pub(super) latest_version: u32,
    /// What an edit names as the thing it was made on top of.
    #[serde(skip)]
    pub(super) etag: Option<HeaderValue>,
}

/// One version of it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Version {
    pub(super) policy_id: PolicyId,
    pub(super) version: u32,
    pub(super) published: bool,
    pub(super) note: Option<String>,
    pub(super) created_by: Option<String>,
    pub(super) created_at: String,
    /// Byte for byte as its author wrote it.
    pub(super) document: Box<RawValue>,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Server {
    id: ServerId,
    slug: String,
}

/// What a policy is found by.
pub(super) enum Target {
    Id(PolicyId),
    /// By its name on a server.
    Named {
        server: String,
        name: String,
    },
}

impl Target {
    /// Reads which policy is meant; `name` is that of `push`.
    ///
    /// # Errors
    /// [`Usage`]: it is not said.
    pub(super) fn new(args: &TargetArgs, name: Option<&Name>) -> Result<Self> {
        let name = name.map(Name::as_str).or(args.policy.as_deref());
        match (name, &args.server) {
            (Some(name), Some(server)) => Ok(Self::Named {
                server: server.clone(),
                name: name.to_owned(),
            }),
            (Some(id), None) => id.parse().map(Self::Id).map_err(|_| {
                let id = visible(id);
                Usage(format!(
                    "{id} is no policy's id; a name needs its --server beside it"
                ))
                .into()
            }),
            (None, _) => Err(Usage("say which --policy, or its --server and name".into()).into()),
        }
    }

    /// The policy; none where a server has none of that name.
    pub(super) async fn find(&self, client: &Client) -> Result<Option<Info>> {
        let id = match self {
            Self::Id(id) => *id,
            Self::Named { server, name } => {
                let server = find_server(client, server).await?;
                match find_named(client, server, name).await? {
                    Some(id) => id,
                    None => return Ok(None),
                }
            }
        };
        get(client, id).await.map(Some)
    }

    /// The policy, which must be there.
    pub(super) async fn get(&self, client: &Client) -> Result<Info> {
        match (self.find(client).await?, self) {
            (Some(info), _) => Ok(info),
            (None, Self::Named { server, name }) => {
                bail!("server {} has no policy {}", visible(server), visible(name))
            }
            (None, Self::Id(id)) => bail!("there is no policy {id}"),
        }
    }
}

/// A policy with its entity tag.
pub(super) async fn get(client: &Client, id: PolicyId) -> Result<Info> {
    let answer = client
        .send(Method::GET, &format!("/policies/{id}"), None, None)
        .await
        .map_err(|error| missing(error, &format!("there is no policy {id}")))?;
    let mut info: Info = read(&answer)?;
    info.etag = answer.etag;
    Ok(info)
}

/// One version of a policy.
pub(super) async fn version(client: &Client, id: PolicyId, version: u32) -> Result<Version> {
    client
        .get(&format!("/policies/{id}/versions/{version}"))
        .await
        .map_err(|error| missing(error, &format!("policy {id} has no version {version}")))
}

/// The server's tools with the organisation's classes; none where it was never discovered.
pub(super) async fn tools(client: &Client, server: ServerId) -> Result<Option<Vec<Tool>>> {
    let path = format!("/servers/{server}/tools");
    let answer = client.send(Method::GET, &path, None, None).await?;
    inventory::of_api(&answer.body)
}

/// A server by its id or its slug.
pub(super) async fn find_server(client: &Client, server: &str) -> Result<ServerId> {
    if let Ok(id) = server.parse() {
        return Ok(id);
    }
    let found = first(client, "/servers", |one: &Server| one.slug == server).await?;
    let found = found.with_context(|| format!("there is no server {}", visible(server)))?;
    Ok(found.id)
}

async fn find_named(client: &Client, server: ServerId, name: &str) -> Result<Option<PolicyId>> {
    let path = format!("/servers/{server}/policies");
    let by_id: Option<PolicyId> = name.parse().ok();
    let is_it = |one: &Info| one.name.as_str() == name || Some(one.id) == by_id;
    let found = first(client, &path, is_it)
        .await
        .map_err(|error| missing(error, &format!("there is no server {server}")))?;
    Ok(found.map(|info| info.id))
}

/// The first entry of a list that is the one.
async fn first<T: DeserializeOwned>(
    client: &Client,
    path: &str,
    is_it: impl Fn(&T) -> bool,
) -> Result<Option<T>> {
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let page: Page<T> = client.get(&format!("{path}?limit=200{cursor}")).await?;
        if let Some(found) = page.items.into_iter().find(&is_it) {
            return Ok(Some(found));
        }
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={}", segment(&next)),
            None => return Ok(None),
        }
    }
    bail!("the list has more than {PAGES_MAX} pages")
}

/// The API says of everything that is not there the same; here it is known what was looked for.
fn missing(error: anyhow::Error, sentence: &str) -> anyhow::Error {
    match error.downcast_ref::<Problem>() {
        Some(problem) if problem.status == StatusCode::NOT_FOUND => {
            anyhow::anyhow!("{sentence}")
        }
        _ => error,
    }
}
