//! `/catalog`: finding servers and tools.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use domain::tools::ToolClass;
use store::catalogue::{Facets, Found, ServerCard, ToolCard, search_servers, search_tools};

use super::{
    asked::{Asked, Kind, ROWS, TRANSPORTS},
    counts::{RISKS, Tally},
    paging::Paging,
    words,
};
use crate::{Frame, SiteError, edition::Edition, filters, links, state::Site, text};

/// `GET /catalog`
pub(super) async fn page(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let page = SearchPage::read(&site, query.as_deref(), &edition).await?;
    Ok(edition.html(page))
}

/// `GET /catalog.md`
pub(super) async fn twin(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let page = SearchPage::read(&site, query.as_deref(), &edition).await?;
    Ok(edition.markdown(&SearchTwin { page }))
}

/// What was found.
enum Rows {
    Servers(Vec<ServerCard>),
    Tools(Vec<ToolCard>),
}

#[derive(Template)]
#[template(path = "catalog/search.html")]
struct SearchPage {
    frame: Frame,
    asked: Asked,
    /// What the whole catalogue holds, in a sentence.
    holds: String,
    /// Nothing has been loaded yet.
    bare: bool,
    rows: Rows,
    /// "1,203 tools", or "more than 10,000 tools".
    found: String,
    alike: bool,
    /// Servers were looked for, and there are none: these are tools.
    instead: bool,
    facets: Vec<Facet>,
    paging: Paging,
}

#[derive(Template)]
#[template(path = "catalog/search.md")]
struct SearchTwin {
    page: SearchPage,
}

/// A property that narrows the list down, with its values.
pub(crate) struct Facet {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<FacetValue>,
}

/// A value of a facet, as a link that sets it or takes it away.
pub(crate) struct FacetValue {
    pub(crate) words: String,
    pub(crate) count: u32,
    pub(crate) url: String,
    pub(crate) set: bool,
}

impl SearchPage {
    async fn read(site: &Site, query: Option<&str>, edition: &Edition) -> Result<Self, SiteError> {
        let mut asked = Asked::read(query)?;
        let filter = asked.filter();
        let servers = asked.kind == Kind::Servers;
        if servers {
            let found = search_servers(&site.db, &filter, asked.offset(), ROWS).await?;
            // Words that no server has are mostly those of a tool: `delete repository`.
            let instead = found.total == 0 && asked.page == 1 && !asked.text.is_empty();
            if !instead {
                return Ok(Self::new(site, edition, asked, found, Rows::Servers));
            }
            asked.kind = Kind::Tools;
        }
        let found = search_tools(&site.db, &filter, asked.offset(), ROWS).await?;
        let page = Self::new(site, edition, asked, found, Rows::Tools);
        Ok(Self {
            instead: servers,
            ..page
        })
    }

    fn new<T>(
        site: &Site,
        edition: &Edition,
        asked: Asked,
        found: Found<T>,
        rows: impl FnOnce(Vec<T>) -> Rows,
    ) -> Self {
        let address = |page| asked.but(|asked| asked.page = page).url();
        Self {
            frame: frame(site, &asked, edition),
            holds: super::holds(&edition.totals),
            bare: edition.totals.servers == 0,
            found: how_many(asked.kind, found.total),
            alike: found.alike,
            instead: false,
            facets: facets(&asked, &found.facets),
            paging: Paging::new(asked.page, found.total, ROWS, address),
            rows: rows(found.items),
            asked,
        }
    }

    fn shows(&self, kind: Kind) -> bool {
        self.asked.kind == kind
    }

    fn url_of(&self, kind: Kind) -> String {
        self.asked.but(|asked| asked.kind = kind).url()
    }

    /// The first page of what is listed.
    fn beginning(&self) -> String {
        self.url_of(self.asked.kind)
    }

    /// The same words without any facet.
    fn url_of_words(&self) -> String {
        let whole = Asked {
            text: self.asked.text.clone(),
            kind: self.asked.kind,
            ..Asked::default()
        };
        whole.url()
    }

    fn is_empty(&self) -> bool {
        match &self.rows {
            Rows::Servers(rows) => rows.is_empty(),
            Rows::Tools(rows) => rows.is_empty(),
        }
    }

    /// What is kept when the words are sent, as hidden fields.
    fn kept(&self) -> Vec<(&'static str, &'static str)> {
        let asked = &self.asked;
        let kind = (asked.kind == Kind::Tools && !self.instead).then_some(("kind", "tools"));
        let class = asked.class.map(|class| ("class", class.as_str()));
        let risk = asked.risk.map(|risk| ("risk", risk.as_str()));
        let transport = asked.transport.map(|transport| ("transport", transport));
        let official = asked
            .official
            .map(|yes| ("official", if yes { "yes" } else { "no" }));
        [kind, class, risk, transport, official]
            .into_iter()
            .flatten()
            .collect()
    }
}

fn frame(site: &Site, asked: &Asked, edition: &Edition) -> Frame {
    let title = match asked.text.as_str() {
        "" => "Catalogue of MCP servers and tools".to_owned(),
        words => format!("“{}” in the catalogue", text::plain(words)),
    };
    let frame = site
        .settings
        .frame("/catalog")
        .titled(title)
        .about(format!(
            "MCP servers and their tools by class and risk, with a rule for each. {}",
            super::holds(&edition.totals)
        ))
        .dated(edition.day())
        .with_twin();
    match asked.is_bare() {
        true => frame,
        false => frame.hidden(),
    }
}

fn how_many(kind: Kind, total: u32) -> String {
    let (one, many) = match kind {
        Kind::Servers => ("server", "servers"),
        Kind::Tools => ("tool", "tools"),
    };
    let number = words::number(&total, one, many);
    match total >= Facets::COUNTED_MAX {
        true => format!("{} {many} or more", text::grouped(&total.to_string())),
        false => number,
    }
}

/// The facets whose values were found, or are set.
fn facets(asked: &Asked, found: &Facets) -> Vec<Facet> {
    let toggled =
        |set: bool, change: &dyn Fn(&mut Asked, bool)| asked.but(|to| change(to, !set)).url();
    let risks = RISKS
        .into_iter()
        .zip(found.by_risk)
        .rev()
        .map(|(risk, count)| {
            let set = asked.risk == Some(risk);
            FacetValue {
                words: risk.as_str().to_owned(),
                count,
                url: toggled(set, &|to, on| to.risk = on.then_some(risk)),
                set,
            }
        });
    let classes = ToolClass::ALL
        .into_iter()
        .zip(found.by_class)
        .map(|(class, count)| {
            let set = asked.class == Some(class);
            FacetValue {
                words: class.as_str().to_owned(),
                count,
                url: toggled(set, &|to, on| to.class = on.then_some(class)),
                set,
            }
        });
    let transports = TRANSPORTS.into_iter().map(|transport| {
        let set = asked.transport == Some(transport);
        let counted = found
            .by_transport
            .iter()
            .find(|(name, _)| name == transport);
        FacetValue {
            words: words::transport(transport).to_owned(),
            count: counted.map_or(0, |(_, count)| *count),
            url: toggled(set, &|to, on| to.transport = on.then_some(transport)),
            set,
        }
    });
    let official = [true, false].into_iter().map(|yes| {
        let set = asked.official == Some(yes);
        FacetValue {
            words: if yes {
                "the product’s own maker"
            } else {
                "others"
            }
            .to_owned(),
            count: found.by_official[usize::from(yes)],
            url: toggled(set, &|to, on| to.official = on.then_some(yes)),
            set,
        }
    });
    let of = |name, values: Vec<FacetValue>| Facet {
        name,
        values: values
            .into_iter()
            .filter(|v| v.set || v.count > 0)
            .collect(),
    };
    let all = [
        of("Risk", risks.collect()),
        of("Class", classes.collect()),
        of("Reached by", transports.collect()),
        of("Published by", official.collect()),
    ];
    all.into_iter()
        .filter(|facet| !facet.values.is_empty())
        .collect()
}
