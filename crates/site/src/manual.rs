//! The manual: what is in `docs/`, for whoever comes by. Built into the binary, the same for everyone,
//! without signing in; with search, and the JSON Schema of the policy language.

mod images;
mod markdown;
mod search;
mod shelf;

use std::sync::LazyLock;

use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{Frame, Html, SiteError, html, routes::Routes, state::Site};
use search::{Found, QUERY_CHARS_MAX};
use shelf::{PAGES, Page};

/// How long browsers may keep what changes with a release only.
const CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=300");
/// A page with fewer sections has no table of contents.
const CONTENTS_MIN: usize = 4;

const TITLE: &str = "Docs";
const ABOUT: &str =
    "How to put Tollgate in front of an MCP server, write policies, connect agents and run it.";

/// Where the page of a fault or warning is served.
#[must_use]
pub fn url(code: &str) -> String {
    format!("/docs/faults/{code}")
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/docs", index)
        .get("/docs.md", index_twin)
        .get("/docs/search", find)
        .get("/docs/{page}", document)
        .get("/docs/faults/{code}", fault)
        .get("/schemas/policy-1.json", schema)
}

/// The path of every page but the index, for the sitemap.
#[must_use]
pub fn pages() -> Vec<String> {
    PAGES.iter().map(Page::path).collect()
}

/// The list of documents, beside every page.
struct Shelf {
    sections: Vec<(&'static str, Vec<&'static Page>)>,
    /// The page that it stands beside.
    here: String,
    query: String,
}

impl Shelf {
    fn beside(here: &str) -> Self {
        let sections = shelf::SECTIONS.iter().map(|section| {
            let documents = section.documents.iter();
            let pages = documents.filter_map(|document| shelf::page(document.name));
            (section.title, pages.collect())
        });
        Self {
            sections: sections.collect(),
            here: here.to_owned(),
            query: String::new(),
        }
    }

    fn mark(&self, page: &Page) -> &'static str {
        let name = page.document.name;
        let under = self.here.strip_prefix(name);
        if under.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            " aria-current=\"page\""
        } else {
            ""
        }
    }
}

#[derive(Template)]
#[template(path = "docs/index.html")]
struct Index {
    frame: Frame,
    shelf: Shelf,
}

/// `GET /docs` lists the documents.
async fn index(State(site): State<Site>) -> Response {
    let frame = site.settings.frame("/docs");
    let page = Index {
        frame: frame.titled(TITLE).about(ABOUT).with_twin(),
        shelf: Shelf::beside(""),
    };
    ([CACHE], Html(page)).into_response()
}

/// `GET /docs.md` lists them for programs.
async fn index_twin(State(site): State<Site>) -> Response {
    let base = &site.settings.public_url;
    let lines = PAGES.iter().map(|page| {
        let (title, path, about) = (&page.title, page.path(), &page.about);
        format!("- [{title}]({base}{path}.md): {about}\n")
    });
    let lines: String = lines.collect();
    html::twin(format!(
        "# {TITLE}\n\n{ABOUT}\n\n{lines}- [Admin API]({base}/docs/api): every operation, with examples.\n"
    ))
}

#[derive(Template)]
#[template(path = "docs/page.html")]
struct ManualPage {
    frame: Frame,
    shelf: Shelf,
    page: &'static Page,
    contents: bool,
}

/// `GET /docs/{page}`, and its twin with `.md`.
async fn document(
    State(site): State<Site>,
    Path(name): Path<String>,
) -> Result<Response, SiteError> {
    show(&site, &name)
}

/// `GET /docs/faults/{code}`, and its twin with `.md`.
async fn fault(State(site): State<Site>, Path(code): Path<String>) -> Result<Response, SiteError> {
    // Documents link to their index by its file's name.
    match code.as_str() {
        "README.md" => show(&site, "faults.md"),
        code => show(&site, &format!("faults/{code}")),
    }
}

fn show(site: &Site, name: &str) -> Result<Response, SiteError> {
    if let Some(name) = name.strip_suffix(".md") {
        let page = shelf::page(name).ok_or(SiteError::NotFound)?;
        return Ok(html::twin(page.document.text));
    }
    let page = shelf::page(name).ok_or(SiteError::NotFound)?;
    let frame = site.settings.frame(page.path());
    let shown = ManualPage {
        frame: frame.titled(&*page.title).about(&*page.about).with_twin(),
        shelf: Shelf::beside(name),
        contents: page.body.headings.len() >= CONTENTS_MIN,
        page,
    };
    Ok(([CACHE], Html(shown)).into_response())
}

/// What is looked for.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    q: String,
}

#[derive(Template)]
#[template(path = "docs/search.html")]
struct SearchPage {
    frame: Frame,
    shelf: Shelf,
    found: Vec<Found>,
}

/// `GET /docs/search?q=…`.
async fn find(
    State(site): State<Site>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, SiteError> {
    let Query(Wanted { q }) = wanted.map_err(|_| SiteError::BadQuery)?;
    let query: String = q.trim().chars().take(QUERY_CHARS_MAX).collect();
    let frame = site.settings.frame("/docs/search").hidden();
    let page = SearchPage {
        frame: frame.titled(if query.is_empty() {
            "Search the docs".to_owned()
        } else {
            format!("{query} in the docs")
        }),
        found: search::search(&query),
        shelf: Shelf {
            query,
            ..Shelf::beside("")
        },
    };
    Ok(([CACHE], Html(page)).into_response())
}

/// `GET /schemas/policy-1.json`, for editors.
async fn schema() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(policy::json_schema);
    let headers = [CACHE, (header::CONTENT_TYPE, "application/schema+json")];
    (headers, TEXT.as_str()).into_response()
}
