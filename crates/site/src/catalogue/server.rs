//! `/catalog/servers/{slug}`: a server, its tools and a policy for all of them.

use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use catalog::Starter;
use domain::catalogue::{KnownServer, KnownTool, Release};
use serde_json::{Value, json};
use store::catalogue::{ServerCard, tools};

use super::{
    asked::only_page,
    counts::{self, ClassTally},
    found::find_server,
    inventory::inventory_tool,
    paging::Paging,
    provider::Provider,
    rules, words,
};
use crate::{Frame, Settings, SiteError, edition::Edition, filters, links, state::Site, text};

/// Tools on a page.
const ROWS: u16 = 200;
/// Releases that are shown.
const RELEASES_MAX: usize = 20;

/// `GET /catalog/servers/{slug}`, and with `.md` its Markdown twin.
pub(super) async fn page(
    State(site): State<Site>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let number = only_page(query.as_deref())?;
    let stem = slug.strip_suffix(".md").unwrap_or(&slug);
    // A slug that really ends so is rare; its tools are then read once more.
    let skipped = (number - 1) * u32::from(ROWS);
    let (found, shown) = tokio::join!(
        find_server(&site.db, &slug),
        tools(&site.db, stem, skipped, u32::from(ROWS))
    );
    let ((entry, as_what), mut shown) = (found?, shown?);
    if entry.card.server.slug != stem {
        shown = tools(&site.db, &slug, skipped, u32::from(ROWS)).await?;
    }
    let page = ServerPage::new(
        &site.settings,
        &edition,
        entry.card,
        shown,
        entry.releases,
        number,
    );
    Ok(as_what.answer(edition, page, |page| ServerTwin { page }))
}

#[derive(Template)]
#[template(path = "catalog/server.html")]
pub(super) struct ServerPage {
    frame: Frame,
    card: ServerCard,
    provider: Provider,
    /// "3 critical, 2 high".
    risks: String,
    classes: Vec<ClassTally>,
    /// Those on this page.
    tools: Vec<KnownTool>,
    paging: Paging,
    starters: Vec<Starter>,
    releases: Vec<Release>,
    /// How it can be scanned, where it has not been.
    scan: Option<String>,
    /// Whether the console knows how to set it up.
    has_preset: bool,
}

#[derive(Template)]
#[template(path = "catalog/server.md")]
pub(super) struct ServerTwin {
    pub(super) page: ServerPage,
}

impl ServerPage {
    /// `shown` are the tools on this page: all of them on the first one of a server with few.
    pub(super) fn new(
        settings: &Settings,
        edition: &Edition,
        card: ServerCard,
        shown: Vec<KnownTool>,
        mut releases: Vec<Release>,
        number: u32,
    ) -> Self {
        let server = &card.server;
        releases.truncate(RELEASES_MAX);
        let base = links::server(&server.slug);
        let total = card.tool_count.unwrap_or_default();
        let starters = match shown.len() {
            _ if number > 1 => Vec::new(),
            0 => Vec::new(),
            many if many > rules::LISTED_MAX => vec![rules::for_many()],
            _ => {
                let inventory: Vec<_> = shown.iter().map(inventory_tool).collect();
                catalog::starters(&inventory).into()
            }
        };
        Self {
            frame: frame(settings, edition, &card, number),
            provider: Provider::of(server),
            risks: words::risks(&card.counts.by_risk),
            classes: counts::classes(&card.counts),
            tools: shown,
            paging: Paging::new(number, total, ROWS, |page| format!("{base}?page={page}")),
            starters,
            releases,
            scan: card.tool_count.is_none().then(|| scan_command(server)),
            has_preset: catalog::server(&server.slug).is_some(),
            card,
        }
    }

    fn first(&self) -> bool {
        self.paging.page == 1
    }
}

fn frame(settings: &Settings, edition: &Edition, card: &ServerCard, number: u32) -> Frame {
    let server = &card.server;
    let name = text::plain(&server.called());
    let frame = settings
        .frame(links::server(&server.slug))
        .titled(format!("{name}: tools by risk, and a policy for them"))
        .about(about(card))
        .dated(edition.day())
        .with_twin()
        .with_facts(&software(settings, card))
        .with_facts(&crumbs(settings, &[(&name, &links::server(&server.slug))]));
    match number {
        1 => frame,
        _ => frame.hidden(),
    }
}

fn about(card: &ServerCard) -> String {
    let name = text::plain(&card.server.called());
    match card.tool_count {
        None => format!("{name} is an MCP server whose tools have not been scanned yet."),
        Some(count) => {
            let risks = words::risks(&card.counts.by_risk);
            let tools = words::number(&count, "tool", "tools");
            let spread = if risks.is_empty() {
                String::new()
            } else {
                format!(" by risk: {risks}")
            };
            format!("{tools} of the MCP server {name}{spread}. With a policy that tames them.")
        }
    }
}

/// schema.org/SoftwareApplication.
fn software(settings: &Settings, card: &ServerCard) -> Value {
    let server = &card.server;
    let page = format!("{}{}", settings.public_url, links::server(&server.slug));
    let mut facts = json!({
        "@context": "https://schema.org",
        "@type": "SoftwareApplication",
        "name": text::plain(&server.called()),
        "url": page,
        "applicationCategory": "DeveloperApplication",
        "operatingSystem": "any",
        "description": about(card),
        "dateModified": card.changed_at.date().to_string(),
    });
    if let Some(vendor) = server.published_by() {
        facts["author"] = json!({ "@type": "Organization", "name": text::plain(&vendor) });
    }
    if let Some(version) = &server.version {
        facts["softwareVersion"] = text::plain(version).into();
    }
    if let Some(licence) = &server.licence {
        facts["license"] = text::plain(licence).into();
    }
    if let Some(repo) = server.repo.as_deref().and_then(text::web_address) {
        facts["sameAs"] = repo.into();
    }
    facts
}

/// schema.org/BreadcrumbList: the catalogue, and then these.
pub(super) fn crumbs(settings: &Settings, further: &[(&str, &str)]) -> Value {
    let base = &settings.public_url;
    let steps = [("Catalogue", "/catalog")];
    let steps = steps.iter().chain(further);
    let items: Vec<Value> = steps
        .enumerate()
        .map(|(at, (name, path))| {
            json!({
                "@type": "ListItem",
                "position": at + 1,
                "name": name,
                "item": format!("{base}{path}"),
            })
        })
        .collect();
    json!({
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": items,
    })
}

/// What to type to see its tools, as far as that can be said without knowing more.
fn scan_command(server: &KnownServer) -> String {
    let remote = server.remote_url.as_deref().and_then(text::web_address);
    if let Some(url) = remote {
        return format!("tollgate scan '{url}'");
    }
    let runs = server.packages.iter().find_map(|package| {
        let (registry, name) = package.split_once(':')?;
        let safe = |c: char| c.is_ascii_alphanumeric() || "@/._-".contains(c);
        let safe = !name.starts_with('-') && name.chars().all(safe);
        match registry {
            _ if !safe => None,
            "npm" => Some(format!("npx -y {name}")),
            "pypi" => Some(format!("uvx {name}")),
            _ => None,
        }
    });
    match runs {
        Some(command) => format!("tollgate scan -- {command}"),
        None => "tollgate scan https://your-server.example/mcp".to_owned(),
    }
}
