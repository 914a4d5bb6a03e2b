//! "Put this rule on my server": from a page of the catalogue to a policy's editor, with the rule
//! merged into the newest version's text. Nothing is stored on the way.

mod rule;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
    response::IntoResponse,
};
use domain::{Capability, Slug};
use serde::Deserialize;
use store::policies::Home;

pub(crate) use rule::Rule;
use rule::{Named, Variant};

use crate::{
    pages::{Html, Page, PageError, filters, path::Query},
    routes::Routes,
    session::{Shell, Viewer},
    state::Console,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/catalog/servers/{slug}/tools/{tool}/use", tool)
        .get("/catalog/attacks/{id}/use", attack)
}

/// Where a rule can go.
#[derive(Template)]
#[template(path = "put/choose.html")]
struct ChoosePage {
    shell: Shell,
    rule: Rule,
    variants: Vec<Variant>,
    homes: Vec<Home>,
    /// Where a server is registered, and how to come back.
    register: String,
    may_register: bool,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    rule: String,
}

/// `GET /catalog/servers/{slug}/tools/{tool}/use` asks which policy gets the tool's rule.
async fn tool(
    State(console): State<Console>,
    viewer: Viewer,
    Two(slug, tool): Two,
    Query(Wanted { rule }): Query<Wanted>,
) -> Page {
    let rule = match rule.as_str() {
        "" => "recommended".to_owned(),
        _ => rule,
    };
    choose(&console, &viewer, Named::Tool { slug, rule, tool }).await
}

/// `GET /catalog/attacks/{id}/use` asks which policy gets the rule against an attack.
async fn attack(State(console): State<Console>, viewer: Viewer, One(id): One) -> Page {
    choose(&console, &viewer, Named::Attack(id)).await
}

async fn choose(console: &Console, viewer: &Viewer, named: Named) -> Page {
    let (rule, variants) = named.read(console).await?;
    let slug = rule.catalog.as_deref();
    let homes = store::policies::homes(&console.db, &viewer.scope, slug, &rule.tools).await?;
    let catalog = slug.filter(|slug| slug.parse::<Slug>().is_ok());
    let asked = [("catalog", catalog), ("next", Some(rule.page.as_str()))];
    let asked = asked
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    let asked: Vec<_> = asked.collect();
    let query = serde_urlencoded::to_string(asked).unwrap_or_default();
    Ok(Html(ChoosePage {
        shell: viewer.shell("servers"),
        rule,
        variants,
        homes,
        register: format!("/servers/new?{query}"),
        may_register: viewer.scope.may(Capability::ManageServers),
    })
    .into_response())
}

impl ChoosePage {
    /// What a server has to do with the rule's tools.
    fn fit(&self, home: &Home) -> (&'static str, String) {
        let wanted = &self.rule.tools;
        match (home.tools.len(), wanted.len()) {
            (0, 1) if home.discovered => ("draft", format!("has no {}", wanted[0])),
            (0, _) if home.discovered => ("draft", "has none of its tools".to_owned()),
            (0, _) => ("attention", "not asked for its tools yet".to_owned()),
            (1, 1) => ("allowed", format!("has {}", wanted[0])),
            (some, all) => ("allowed", format!("has {some} of its {all} tools")),
        }
    }
}

/// Two names in a path. What cannot be read is not found.
struct Two(String, String);

impl FromRequestParts<Console> for Two {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let found = Path::<(String, String)>::from_request_parts(parts, console).await;
        let Path((one, two)) = found.map_err(|_| PageError::NotFound)?;
        Ok(Self(one, two))
    }
}

/// One name in a path.
struct One(String);

impl FromRequestParts<Console> for One {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, PageError> {
        let found = Path::<String>::from_request_parts(parts, console).await;
        found
            .map(|Path(one)| Self(one))
            .map_err(|_| PageError::NotFound)
    }
}
