//! Adding a server.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use catalog::Server as Known;
use domain::{Name, Slug};
use serde::Deserialize;
use upstream::UpstreamUrl;

use super::headers::{self, Fields, field};
use crate::{
    actions::{self, discovery, servers::NewServer},
    pages::{Html, Page, fields::Faults, path::Query},
    session::{Form, ServerManager, Shell},
    state::Console,
};

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

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    catalog: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    url: String,
}

/// `GET /servers/new` shows the form, filled in where a server of the catalogue is chosen, or
/// where the report of a scan led here.
pub(super) async fn show(manager: ServerManager, Query(chosen): Query<Chosen>) -> Page {
    let preset = catalog::server(&chosen.catalog);
    Ok(Html(AddPage {
        shell: manager.shell("servers"),
        preset,
        name: preset.map_or(chosen.name, |preset| preset.name.clone()),
        upstream_url: chosen.url,
        header_names: vec![preset.map(header_of).unwrap_or_default().to_owned()],
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
    Ok(Redirect::to(&format!("/servers/{id}?done=server-added")).into_response())
}
