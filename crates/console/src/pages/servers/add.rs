//! Adding a server.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use catalog::Server as Known;
use domain::{Name, Slug, catalogue::KnownServer};
use serde::Deserialize;
use store::StoreError;
use upstream::UpstreamUrl;

use super::headers::{self, Fields, field};
use crate::{
    actions::{self, discovery, servers::NewServer},
    pages::{Html, Page, PageError, account::local, fields::Faults, filters, path::Query},
    session::{Form, ServerManager, Shell},
    state::Console,
};

/// A server's name here may be so long.
const NAME_CHARS_MAX: usize = 80;
/// How long the answer waits for the first discovery. It goes on without it.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Template)]
#[template(path = "servers/add.html")]
struct AddPage {
    shell: Shell,
    preset: Option<&'static Known>,
    name: String,
    upstream_url: String,
    header_names: Vec<String>,
    /// A server of the catalogue beside those that the form knows how to run.
    known: Option<KnownServer>,
    /// The page to go on to.
    next: String,
    faults: Faults,
}

impl AddPage {
    fn presets(&self) -> &'static [Known] {
        catalog::servers()
    }

    fn is_chosen(&self, preset: &Known) -> bool {
        self.preset.is_some_and(|chosen| chosen.slug == preset.slug)
    }
}

/// The header to fill in: one that takes the bare token, so that pasting it is enough.
fn header_of(known: &Known) -> &str {
    let headers = &known.credential.headers;
    let bare = headers.iter().find(|header| header.value == "{token}");
    bare.or_else(|| headers.first())
        .map_or("", |header| header.name.as_str())
}

/// A server of the catalogue by its slug, where it has one that a server here can keep.
async fn known(console: &Console, slug: &str) -> Result<Option<KnownServer>, PageError> {
    if slug.parse::<Slug>().is_err() {
        return Ok(None);
    }
    match store::catalogue::server(&console.db, slug).await {
        Ok(entry) => Ok(Some(entry.card.server)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    catalog: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    next: String,
}

/// `GET /servers/new` shows the form, filled in where a server of the catalogue is chosen, or
/// where the report of a scan led here.
pub(super) async fn show(
    State(console): State<Console>,
    manager: ServerManager,
    Query(chosen): Query<Chosen>,
) -> Page {
    let preset = catalog::server(&chosen.catalog);
    let known = match preset {
        Some(_) => None,
        None => known(&console, &chosen.catalog).await?,
    };
    let name = match (preset, &known) {
        (Some(preset), _) => preset.name.clone(),
        (None, Some(known)) => known.name.chars().take(NAME_CHARS_MAX).collect(),
        (None, None) => chosen.name,
    };
    Ok(Html(AddPage {
        shell: manager.shell("servers"),
        preset,
        name,
        upstream_url: match chosen.url.as_str() {
            "" => known
                .as_ref()
                .and_then(|known| known.remote_url.clone())
                .unwrap_or_default(),
            _ => chosen.url,
        },
        header_names: vec![preset.map(header_of).unwrap_or_default().to_owned()],
        known,
        next: chosen.next,
        faults: Faults::default(),
    })
    .into_response())
}

/// `POST /servers/new` registers the server, and asks it for its tools.
pub(super) async fn submit(
    State(console): State<Console>,
    manager: ServerManager,
    Form(fields): Form<Fields>,
) -> Page {
    let slug = field(&fields, "catalog");
    let known = match catalog::server(slug) {
        Some(_) => None,
        None => known(&console, slug).await?,
    };
    let again = |faults: Faults| {
        let names = headers::names(&fields);
        let page = AddPage {
            shell: manager.shell("servers"),
            preset: catalog::server(field(&fields, "catalog")),
            name: field(&fields, "name").to_owned(),
            upstream_url: field(&fields, "upstream_url").to_owned(),
            header_names: if names.is_empty() {
                vec![String::new()]
            } else {
                names
            },
            known: known.clone(),
            next: field(&fields, "next").to_owned(),
            faults,
        };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
    };
    let mut faults = Faults::default();
    let name = faults.parse::<Name>("name", field(&fields, "name").trim());
    let catalog = faults.parse_optional::<Slug>("catalog", field(&fields, "catalog"));
    let url = match UpstreamUrl::parse(field(&fields, "upstream_url").trim()) {
        Ok(url) => Some(url),
        Err(error) => {
            faults.add("upstream_url", error);
            None
        }
    };
    let headers = headers::parse(&fields, &mut faults);
    let (Some(name), Some(upstream_url), true) = (name, url, faults.is_empty()) else {
        return again(faults);
    };
    let new = NewServer {
        name,
        slug: None,
        upstream_url,
        catalog,
        headers,
    };
    let server = match actions::servers::create(&console, &manager.scope, new).await {
        Ok(server) => server,
        Err(error) => return again(Faults::from_action(error)?),
    };
    // What discovery says, good or bad, is stored and shown on the server's page.
    let (id, scope) = (server.id, manager.scope);
    let asking =
        tokio::spawn(async move { discovery::discover(&console, &scope, id).await.map(drop) });
    let _ = tokio::time::timeout(PATIENCE, asking).await;
    let own = format!("/servers/{id}?done=server-added");
    let next = match field(&fields, "next") {
        "" => own.as_str(),
        next => local(next),
    };
    Ok(Redirect::to(next).into_response())
}
