//! Reading a registry's list, page by page, as far as it goes and no further than is bearable.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use anyhow::Result;
use bytes::Bytes;
use domain::catalogue::KnownServer;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use serde_json::value::RawValue;
use upstream::{Dialler, Guard, Upstream, UpstreamUrl};

use super::{
    mapping::{self, Listed, Status},
    slug::slug,
};
use crate::{exit::Usage, policy::private_networks};

/// Servers asked for at once.
const PAGE: usize = 100;
/// No registry is read further.
const PAGES_MAX: usize = 2_000;
/// The largest page.
const PAGE_BYTES_MAX: usize = 16 << 20;
const CURSOR_BYTES_MAX: usize = 1_000;
/// One question and its answer.
const PAGE_TIME_MAX: Duration = Duration::from_secs(60);
/// The whole list.
const TIME_MAX: Duration = Duration::from_secs(900);

/// Where the list is, and since when.
pub(super) struct Registry {
    list: String,
    host: String,
    dialler: Dialler,
}

/// What was read.
#[derive(Default)]
pub(super) struct Fetched {
    pub(super) pages: usize,
    /// By slug.
    pub(super) servers: BTreeMap<String, KnownServer>,
    /// Slugs of what is gone.
    pub(super) deleted: Vec<String>,
    pub(super) deprecated: u32,
    /// By name.
    pub(super) faults: BTreeMap<String, String>,
    /// Why the list was not read to its end.
    pub(super) broken: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    servers: Vec<Box<RawValue>>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    next_cursor: Option<String>,
}

impl Registry {
    /// Reads where it is; asks nothing yet.
    ///
    /// # Errors
    /// [`Usage`]: that is no address, or no time.
    pub(super) fn new(url: &str, since: Option<&str>) -> Result<Self> {
        let usage = |why: String| Usage(crate::output::escaped(&why));
        if url.contains(['?', '#']) {
            return Err(usage(format!("{url}: no query and no fragment, please")).into());
        }
        let base = url.trim_end_matches('/');
        let mut list =
            format!("{base}/v0.1/servers?version=latest&include_deleted=true&limit={PAGE}");
        if let Some(since) = since {
            let format = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(since, format)
                .map_err(|_| usage(format!("{since} is no time such as 2026-08-20T00:00:00Z")))?;
            list += &format!("&updated_since={}", segment(since));
        }
        UpstreamUrl::parse(&list).map_err(|error| usage(format!("{url} {error}")))?;
        let host = base.split("://").nth(1).unwrap_or(base);
        let host = host.split('/').next().unwrap_or(host).to_owned();
        Ok(Self {
            list,
            host,
            // Whoever types an address may mean a private network.
            dialler: Dialler::new(Guard::new(private_networks())),
        })
    }

    /// The whole list, or as much of it as there was to have.
    pub(super) async fn fetch(&self) -> Fetched {
        let mut fetched = Fetched::default();
        let read = tokio::time::timeout(TIME_MAX, self.pages(&mut fetched)).await;
        let read = read.unwrap_or_else(|_| Err("the whole list takes more than 15 minutes".into()));
        fetched.broken = read.err();
        // A version of it may be gone while it is not.
        let Fetched {
            deleted, servers, ..
        } = &mut fetched;
        deleted.retain(|slug| !servers.contains_key(slug));
        fetched
    }

    async fn pages(&self, fetched: &mut Fetched) -> Result<(), String> {
        let mut seen = HashSet::new();
        let mut cursor: Option<String> = None;
        loop {
            if fetched.pages == PAGES_MAX {
                return Err(format!("there are more than {PAGES_MAX} pages"));
            }
            let page = self.page(cursor.as_deref()).await?;
            fetched.pages += 1;
            for listed in page.servers.iter().take(PAGE * 10) {
                self.note(fetched, listed.get());
            }
            let next = page.metadata.next_cursor.filter(|next| !next.is_empty());
            let Some(next) = next else { return Ok(()) };
            if next.len() > CURSOR_BYTES_MAX {
                return Err("a cursor is longer than 1,000 bytes".into());
            }
            if !seen.insert(next.clone()) {
                return Err("the same cursor came twice".into());
            }
            cursor = Some(next);
        }
    }

    fn note(&self, fetched: &mut Fetched, text: &str) {
        let listed: Listed = match serde_json::from_str(text) {
            Ok(listed) => listed,
            Err(error) => {
                let name = format!("page {}", fetched.pages);
                fetched.faults.insert(name, error.to_string());
                return;
            }
        };
        let name = listed.server.name.chars().take(200).collect();
        let noted = match listed.status() {
            Status::Old => Ok(()),
            Status::Deleted => slug(&listed.server.name).map(|slug| fetched.deleted.push(slug)),
            status => mapping::server(&listed, &self.host).map(|server| {
                fetched.deprecated += u32::from(status == Status::Deprecated);
                fetched.servers.insert(server.slug.clone(), server);
            }),
        };
        if let Err(fault) = noted {
            fetched.faults.insert(name, fault);
        }
    }

    async fn page(&self, cursor: Option<&str>) -> Result<Page, String> {
        let cursor =
            cursor.map_or_else(String::new, |cursor| format!("&cursor={}", segment(cursor)));
        let url = UpstreamUrl::parse(&format!("{}{cursor}", self.list))
            .map_err(|error| format!("the address of the next page {error}"))?;
        let asked = tokio::time::timeout(PAGE_TIME_MAX, self.ask(url)).await;
        let body = asked.unwrap_or_else(|_| Err("a page takes more than a minute".into()))?;
        serde_json::from_slice(&body).map_err(|_| {
            format!(
                "{} does not answer as a registry does (API v0.1)",
                self.host
            )
        })
    }

    async fn ask(&self, url: UpstreamUrl) -> Result<Bytes, String> {
        let request = Request::builder()
            .header(header::ACCEPT, "application/json")
            .header(
                header::USER_AGENT,
                concat!("tollgate/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(Bytes::new()))
            .map_err(|error| error.to_string())?;
        let failed = |error: String| format!("{} cannot be read: {error}", self.host);
        let response = Upstream::new(self.dialler.clone(), url)
            .send(request, PAGE_TIME_MAX)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let (head, body) = response.into_parts();
        if head.status.is_redirection() {
            let there = head.headers.get(header::LOCATION);
            let there = there
                .and_then(|there| there.to_str().ok())
                .unwrap_or("elsewhere");
            return Err(format!(
                "{} redirects to {there}, which is not followed; give that address",
                self.host
            ));
        }
        if !head.status.is_success() {
            return Err(failed(format!("it answers {}", head.status)));
        }
        let body = Limited::new(body, PAGE_BYTES_MAX).collect().await;
        Ok(body.map_err(|error| failed(error.to_string()))?.to_bytes())
    }
}

/// A value of a query, whatever is in it.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
