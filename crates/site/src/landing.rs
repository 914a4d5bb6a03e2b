//! The first page: what Tollgate is, one decision made live, what is covered, what is known.

mod words;

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use store::catalogue::{Totals, totals};

use crate::{
    Frame, Html, SiteError,
    demo::{Demo, EXAMPLES, Example, Outcome, Wanted},
    routes::Routes,
    state::Site,
    text::grouped,
};
use words::{COVERED, Covered, LATER, STEPS, SUMMARY, Step, TITLE};

/// How long the page may be kept. Who is signed in is sent on from it, which goes by the cookie.
const CACHE: [(header::HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "public, max-age=300"),
    (header::VARY, "Cookie"),
];

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.get("/", show).get("/index.md", twin)
}

#[derive(Template)]
#[template(path = "landing/page.html")]
struct Landing {
    frame: Frame,
    demo: Demo,
    examples: &'static [Example],
    steps: &'static [Step],
    covered: &'static [Covered],
    later: &'static str,
    numbers: Vec<Number>,
    day: Option<String>,
}

/// A number and what it counts.
struct Number {
    count: String,
    of: &'static str,
    href: &'static str,
}

/// `GET /` takes what the demonstration takes ([`Wanted`]), and shows an example without it.
async fn show(
    State(site): State<Site>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, SiteError> {
    let Query(wanted) = wanted.map_err(|_| SiteError::BadQuery)?;
    let first = wanted.is_empty();
    let demo = Demo::of(&site, wanted).await?;
    let totals = known(&site).await;
    let mut frame = frame(&site, totals.as_ref());
    if !first {
        frame = frame.hidden();
    }
    let page = Landing {
        demo,
        examples: &EXAMPLES,
        steps: &STEPS,
        covered: &COVERED,
        later: LATER,
        numbers: totals.as_ref().map_or_else(Vec::new, numbers),
        day: frame.dated.clone(),
        frame,
    };
    if first {
        return Ok((CACHE, Html(page)).into_response());
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(page)).into_response())
}

/// What the catalogue holds; none where it is empty. The page is shown while Postgres is away.
async fn known(site: &Site) -> Option<Totals> {
    match totals(&site.db).await {
        Ok(totals) => Some(totals).filter(|totals| totals.tools > 0 && totals.loaded_at.is_some()),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the first page shows no numbers"
            );
            None
        }
    }
}

fn frame(site: &Site, totals: Option<&Totals>) -> Frame {
    let settings = &site.settings;
    let facts = serde_json::json!({
        "@context": "https://schema.org",
        "@type": "SoftwareApplication",
        "name": "Tollgate",
        "description": SUMMARY,
        "applicationCategory": "SecurityApplication",
        "operatingSystem": "Linux, macOS",
        "softwareVersion": settings.version,
        "url": settings.public_url,
    });
    settings
        .frame("/")
        .titled(TITLE)
        .about(SUMMARY)
        .with_twin()
        .with_facts(&facts)
        .dated(
            totals
                .and_then(|totals| totals.loaded_at)
                .map(time::OffsetDateTime::date),
        )
}

/// What the catalogue holds, hosted integrations apart from servers that one runs.
fn numbers(totals: &Totals) -> Vec<Number> {
    let [.., critical] = totals.counts.by_risk;
    let all = [
        (
            totals.servers_scanned.saturating_sub(totals.hosted),
            "servers with their tools",
            "/catalog",
        ),
        (totals.hosted, "hosted integrations with theirs", "/catalog"),
        (
            totals.tools,
            "tools by class and risk",
            "/catalog?kind=tools",
        ),
        (
            critical,
            "of them of critical risk",
            "/catalog/risks/critical",
        ),
        (
            u32::try_from(catalog::attacks::attacks().len()).unwrap_or(0),
            "attacks, with what stops them",
            "/catalog/attacks",
        ),
    ];
    all.into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, of, href)| Number {
            count: grouped(&count.to_string()),
            of,
            href,
        })
        .collect()
}

#[derive(Template)]
#[template(path = "landing/index.md", escape = "none")]
struct Twin {
    summary: &'static str,
    steps: &'static [Step],
    covered: &'static [Covered],
    later: &'static str,
    numbers: Vec<Number>,
    day: Option<String>,
    base: String,
    policy: String,
    sign_up: bool,
}

/// `GET /index.md` is the page for programs.
async fn twin(State(site): State<Site>) -> Result<Response, SiteError> {
    let totals = known(&site).await;
    let page = Twin {
        summary: SUMMARY,
        steps: &STEPS,
        covered: &COVERED,
        later: LATER,
        numbers: totals.as_ref().map_or_else(Vec::new, numbers),
        day: frame(&site, totals.as_ref()).dated,
        base: site.settings.public_url.clone(),
        policy: Demo::of(&site, Wanted::default()).await?.asked.policy,
        sign_up: site.settings.sign_up_open,
    };
    crate::html::markdown(&page)
}
