//! `/catalog/classes/{class}` and `/catalog/risks/{risk}`: what a class or a risk means, how common it
//! is, how to rule it, and which tools have it.

use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use domain::tools::{Risk, ToolClass};
use serde_json::json;
use store::catalogue::{Filter, ServerCard, ToolCard, search_servers, search_tools};

use super::{
    asked::{self, Asked, Kind, ROWS, only_page},
    counts::{self, Tally},
    found::without_md,
    paging::Paging,
    rules::{self, ClassRule},
    server::crumbs,
    words,
};
use crate::{Frame, Settings, SiteError, edition::Edition, filters, links, state::Site};

/// Servers on the first page.
const SERVERS: u16 = 12;

/// What the tools of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Class(ToolClass),
    Risk(Risk),
}

/// `GET /catalog/classes/{class}`, and with `.md` its Markdown twin.
pub(super) async fn class(
    state: State<Site>,
    Path(name): Path<String>,
    query: RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let class = without_md(&name)
        .0
        .parse()
        .map_err(|_| SiteError::NotFound)?;
    answer(state, &name, Group::Class(class), query, edition).await
}

/// `GET /catalog/risks/{risk}`, and with `.md` its Markdown twin.
pub(super) async fn risk(
    state: State<Site>,
    Path(name): Path<String>,
    query: RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let risk = asked::risk(without_md(&name).0).ok_or(SiteError::NotFound)?;
    answer(state, &name, Group::Risk(risk), query, edition).await
}

async fn answer(
    State(site): State<Site>,
    name: &str,
    group: Group,
    RawQuery(query): RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let number = only_page(query.as_deref())?;
    let filter = group.filter();
    let (tools, servers) = tokio::try_join!(
        search_tools(&site.db, &filter, (number - 1) * u32::from(ROWS), ROWS),
        search_servers(&site.db, &filter, 0, SERVERS),
    )?;
    let path = group.path();
    let whole: u32 = edition.totals.counts.by_class.iter().sum();
    let count = group.count(&edition);
    let page = GroupPage {
        frame: frame(&site.settings, &edition, group, number),
        group,
        count,
        share: counts::share(count, whole),
        dated: edition.day().as_ref().map(words::day),
        rule: group.rule(),
        servers: servers.items,
        tools: tools.items,
        paging: Paging::new(number, tools.total, ROWS, |page| {
            format!("{path}?page={page}")
        }),
    };
    let (_, as_what) = without_md(name);
    Ok(as_what.answer(edition, page, |page| GroupTwin { page }))
}

#[derive(Template)]
#[template(path = "catalog/group.html")]
struct GroupPage {
    frame: Frame,
    group: Group,
    /// Tools of the group in the whole catalogue.
    count: u32,
    share: String,
    /// When that was counted.
    dated: Option<String>,
    rule: ClassRule,
    servers: Vec<ServerCard>,
    tools: Vec<ToolCard>,
    paging: Paging,
}

#[derive(Template)]
#[template(path = "catalog/group.md")]
struct GroupTwin {
    page: GroupPage,
}

impl Group {
    fn filter(self) -> Filter {
        let mut filter = Filter::default();
        match self {
            Self::Class(class) => filter.class = Some(class),
            Self::Risk(risk) => filter.risk = Some(risk),
        }
        filter
    }

    fn path(self) -> String {
        match self {
            Self::Class(class) => links::class(&class),
            Self::Risk(risk) => links::risk(&risk),
        }
    }

    fn count(self, edition: &Edition) -> u32 {
        let counts = &edition.totals.counts;
        match self {
            Self::Class(class) => counts::of_class(counts, class),
            Self::Risk(risk) => counts::of_risk(counts, risk),
        }
    }

    /// "Execute tools", "Tools of critical risk".
    pub(crate) fn title(self) -> String {
        match self {
            Self::Class(class) => {
                let name = class.as_str();
                format!("{}{} tools", name[..1].to_uppercase(), &name[1..])
            }
            Self::Risk(risk) => format!("Tools of {risk} risk"),
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Class(class) => words::class_meaning(class),
            Self::Risk(risk) => words::risk_meaning(risk),
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Class(class) => words::class_advice(class),
            Self::Risk(risk) => words::risk_advice(risk),
        }
    }

    fn rule(self) -> ClassRule {
        match self {
            Self::Class(class) => rules::for_class(class),
            Self::Risk(risk) => rules::for_risk(risk),
        }
    }

    /// The search that goes on where this page ends.
    fn search(self, kind: Kind) -> String {
        let mut asked = Asked {
            kind,
            ..Asked::default()
        };
        match self {
            Self::Class(class) => asked.class = Some(class),
            Self::Risk(risk) => asked.risk = Some(risk),
        }
        asked.url()
    }
}

impl GroupPage {
    fn first(&self) -> bool {
        self.paging.page == 1
    }

    /// "1,203 of the catalogue's tools, 12 % of them".
    fn counted(&self) -> String {
        let tools = words::number(&self.count, "tool", "tools");
        let dated = self.dated.as_ref();
        let dated = dated.map_or_else(String::new, |day| format!(", as of {day}"));
        format!("{tools} in the catalogue, {} of all{dated}.", self.share)
    }
}

fn frame(settings: &Settings, edition: &Edition, group: Group, number: u32) -> Frame {
    let (title, path) = (group.title(), group.path());
    let tools = words::number(&group.count(edition), "tool", "tools");
    let facts = json!({
        "@context": "https://schema.org",
        "@type": "DefinedTerm",
        "name": title,
        "description": group.meaning(),
        "url": format!("{}{path}", settings.public_url),
    });
    let frame = settings
        .frame(path.clone())
        .titled(format!("{title}: what they are and how to rule them"))
        .about(format!("{} {tools} in the catalogue.", group.meaning()))
        .dated(edition.day())
        .with_twin()
        .with_facts(&facts)
        .with_facts(&crumbs(settings, &[(&title, &path)]));
    match number {
        1 => frame,
        _ => frame.hidden(),
    }
}
