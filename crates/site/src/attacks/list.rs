//! `/catalog/attacks`: every attack, narrowed down by links.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use catalog::attacks::{Attack, Control, Status, Stops, attacks, attacks_on_any};
use serde_json::json;

use super::{asked::Asked, words};
use crate::{Frame, Settings, SiteError, edition::Edition, filters, links, state::Site};

/// `GET /catalog/attacks`
pub(super) async fn page(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let page = ListPage::new(&site.settings, Asked::read(query.as_deref())?);
    Ok(edition.html(page))
}

/// `GET /catalog/attacks.md`
pub(super) async fn twin(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    edition: Edition,
) -> Result<Response, SiteError> {
    let page = ListPage::new(&site.settings, Asked::read(query.as_deref())?);
    Ok(edition.markdown(&ListTwin { page }))
}

#[derive(Template)]
#[template(path = "attacks/list.html")]
struct ListPage {
    frame: Frame,
    asked: Asked,
    found: Vec<&'static Attack>,
    facets: Vec<Facet>,
    /// What is known of all, in a sentence.
    holds: String,
    any: Vec<&'static Attack>,
}

#[derive(Template)]
#[template(path = "attacks/list.md")]
struct ListTwin {
    page: ListPage,
}

/// A property that narrows the list down, with its values.
struct Facet {
    name: &'static str,
    values: Vec<Value>,
}

/// A value of a facet, as a link that sets it or takes it away.
struct Value {
    words: String,
    count: usize,
    url: String,
    set: bool,
}

impl ListPage {
    fn new(settings: &Settings, asked: Asked) -> Self {
        Self {
            frame: frame(settings, &asked),
            found: asked.found(),
            facets: vec![stops(&asked), status(&asked), classes(&asked)],
            holds: holds(),
            any: attacks_on_any(),
            asked,
        }
    }
}

fn frame(settings: &Settings, asked: &Asked) -> Frame {
    let frame = settings
        .frame("/catalog/attacks")
        .titled("Attacks on MCP servers and agents")
        .about(
            "Known attacks on MCP servers, clients and agents: how each works, which tools it goes \
             through, what of it a policy stops and what it does not, with a rule to try.",
        )
        .with_twin();
    match asked.is_narrowed() {
        true => frame.hidden(),
        false => {
            let items: Vec<_> = attacks()
                .iter()
                .enumerate()
                .map(|(at, attack)| {
                    json!({ "@type": "ListItem", "position": at + 1, "name": attack.name,
                        "url": format!("{}{}", settings.public_url, links::attack(&attack.id)) })
                })
                .collect();
            frame.with_facts(
                &json!({ "@context": "https://schema.org", "@type": "ItemList",
                "name": "Attacks on MCP servers and agents", "numberOfItems": items.len(),
                "itemListElement": items }),
            )
        }
    }
}

/// Counted, so that it says no more than what is there.
fn holds() -> String {
    let count = |stops| attacks().iter().filter(|it| it.stops == stops).count();
    format!(
        "{} known attacks. Tollgate stops {} of them, a part of {}, and {} not at all; each page says \
         which part.",
        attacks().len(),
        count(Stops::Yes),
        count(Stops::Partly),
        count(Stops::No),
    )
}

fn stops(asked: &Asked) -> Facet {
    let values = Stops::ALL.into_iter().map(|value| {
        let set = asked.stops == Some(value);
        let words = words::stops(&value).to_owned();
        Value::new(asked, words, set, move |to, on| {
            to.stops = on.then_some(value);
        })
    });
    Facet::new("Does a policy stop it", values)
}

fn status(asked: &Asked) -> Facet {
    let values = Status::ALL.into_iter().map(|value| {
        let set = asked.status == Some(value);
        let words = value.words().to_owned();
        Value::new(asked, words, set, move |to, on| {
            to.status = on.then_some(value);
        })
    });
    Facet::new("How far it has gone", values)
}

fn classes(asked: &Asked) -> Facet {
    let mut all: Vec<&'static str> = attacks().iter().map(|it| it.class.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    let values = all.into_iter().map(|value| {
        let set = asked.class == Some(value);
        let words = words::class(value);
        Value::new(asked, words, set, move |to, on| {
            to.class = on.then_some(value);
        })
    });
    Facet::new("Class of attack", values)
}

impl Facet {
    /// Values that would find nothing are left out, unless they are set.
    fn new(name: &'static str, values: impl Iterator<Item = Value>) -> Self {
        Self {
            name,
            values: values.filter(|it| it.count > 0 || it.set).collect(),
        }
    }
}

impl Value {
    fn new(asked: &Asked, words: String, set: bool, put: impl Fn(&mut Asked, bool)) -> Self {
        Self {
            words,
            count: asked.but(|to| put(to, true)).found().len(),
            url: asked.but(|to| put(to, !set)).url(),
            set,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            public_url: "https://tollgate.example".to_owned(),
            sign_up_open: true,
            version: "0",
        }
    }

    fn list(query: &str) -> ListPage {
        ListPage::new(&settings(), Asked::read(Some(query)).expect("a query"))
    }

    #[test]
    fn the_list_has_every_attack_and_links_that_narrow_it_down() {
        let page = list("");
        let html = page.render().expect("a page");
        for attack in attacks() {
            let link = format!("href=\"{}\"", links::attack(&attack.id));
            assert!(html.contains(&link), "{}", attack.id);
        }
        assert!(html.contains(
            "<link rel=\"canonical\" href=\"https://tollgate.example/catalog/attacks\">"
        ));
        assert!(!html.contains("noindex") && html.contains("application/ld+json"));
        for value in page.facets.iter().flat_map(|it| &it.values) {
            let query = value.url.split_once('?').map_or("", |(_, query)| query);
            assert_eq!(list(query).found.len(), value.count, "{}", value.url);
        }
        let twin = ListTwin { page }.render().expect("a page");
        assert!(
            attacks()
                .iter()
                .all(|it| twin.contains(&format!("{}.md)", links::attack(&it.id))))
        );
    }

    #[test]
    fn a_narrowed_list_is_not_listed_and_lets_go() {
        let html = list("stops=no&q=%3Cscript%3E").render().expect("a page");
        assert!(html.contains("noindex") && html.contains("Nothing was found"));
        assert!(
            !html.contains("<script>\""),
            "what was asked for is escaped"
        );
        assert!(html.contains("href=\"/catalog/attacks?q=%3Cscript%3E\" aria-current"));
    }

    /// What Tollgate does not have is called planned wherever it is named.
    #[test]
    fn the_table_of_features_says_what_is_planned() {
        let html = list("").render().expect("a page");
        for control in Control::ALL {
            let cell = format!("<td class=\"nowrap\">{}</td>", control.words());
            let row = html.split("<tr>").find(|row| row.contains(&cell));
            let planned = row.expect("a row").contains("planned");
            assert_eq!(planned, !control.available(), "{control:?}");
        }
    }
}
