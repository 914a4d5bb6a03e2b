//! `/catalog/attacks/{id}`: one attack, and the rule against it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use catalog::attacks::{Attack, AttackRule, attack, related};
use serde_json::{Value, json};
use store::catalogue::{ToolCard, named};

use super::words;
use crate::{Frame, Settings, SiteError, edition::Edition, filters, links, state::Site};

/// `GET /catalog/attacks/{id}`, and with `.md` behind it the Markdown twin.
pub(super) async fn page(
    State(site): State<Site>,
    Path(id): Path<String>,
    edition: Edition,
) -> Result<Response, SiteError> {
    let (id, twin) = match id.strip_suffix(".md") {
        Some(id) => (id, true),
        None => (id.as_str(), false),
    };
    let attack = attack(id).ok_or(SiteError::NotFound)?;
    let examples = examples(&site, attack).await?;
    let page = AttackPage::new(&site.settings, attack, examples);
    Ok(match twin {
        true => edition.markdown(&AttackTwin { page }),
        false => edition.html(page),
    })
}

#[derive(Template)]
#[template(path = "attacks/page.html")]
struct AttackPage {
    frame: Frame,
    attack: &'static Attack,
    tests: Vec<TestLine>,
    /// Known tools that it goes through.
    examples: Vec<ToolCard>,
    related: Vec<&'static Attack>,
}

#[derive(Template)]
#[template(path = "attacks/page.md")]
struct AttackTwin {
    page: AttackPage,
}

/// A call that the rule's tests make, and what becomes of it.
struct TestLine {
    name: String,
    call: String,
    verdict: &'static str,
    look: &'static str,
}

/// The tests of a document, which are run with those of every other entry when this is built.
fn tests(rule: &AttackRule) -> Vec<TestLine> {
    let document: Value = serde_json::from_str(&rule.document).unwrap_or_default();
    let tests = document["tests"].as_array().cloned().unwrap_or_default();
    let text = |test: &Value, field: &str| test[field].as_str().unwrap_or_default().to_owned();
    tests
        .iter()
        .map(|test| {
            let args = test.get("args").map(Value::to_string).unwrap_or_default();
            let times = match test["repeat"].as_u64() {
                Some(times) => format!(", {times} times"),
                None => String::new(),
            };
            let (verdict, look) = match text(test, "expect").as_str() {
                "allow" => ("allowed", "chip-allowed"),
                "hide" => ("hidden", "chip-hidden"),
                _ => ("refused", "chip-refused"),
            };
            TestLine {
                name: text(test, "name"),
                call: format!("{} {args}{times}", text(test, "tool")),
                verdict,
                look,
            }
        })
        .collect()
}

/// Known tools that it goes through by their name.
async fn examples(site: &Site, attack: &Attack) -> Result<Vec<ToolCard>, SiteError> {
    if attack.tools.is_empty() {
        return Ok(Vec::new());
    }
    // A flaw that concerns its servers alone has its examples there.
    let servers: &[String] = match attack.why {
        None => &attack.servers,
        Some(_) => &[],
    };
    Ok(named(&site.db, &attack.tools, &attack.classes, servers).await?)
}

fn frame(settings: &Settings, attack: &Attack) -> Frame {
    let path = links::attack(&attack.id);
    let facts = facts(&settings.public_url, &path, attack);
    settings
        .frame(path)
        .titled(attack.name.clone())
        .about(attack.summary.clone())
        .with_facts(&facts)
        .with_twin()
}

/// What search engines are told: an article, where it belongs, and what it rests on.
fn facts(base: &str, path: &str, attack: &Attack) -> Value {
    let mut article = json!({
        "@context": "https://schema.org",
        "@type": "TechArticle",
        "headline": attack.name,
        "description": attack.summary,
        "url": format!("{base}{path}"),
        "articleSection": words::class(&attack.class),
        "inLanguage": "en",
        "isAccessibleForFree": true,
        "citation": attack.sources,
        "publisher": { "@type": "Organization", "name": "Tollgate", "url": base },
        "isPartOf": { "@type": "CollectionPage", "name": "Attacks on MCP servers and agents",
            "url": format!("{base}/catalog/attacks") },
    });
    if !attack.cve.is_empty() {
        article["keywords"] = json!(attack.cve.join(", "));
    }
    article
}

impl AttackPage {
    fn new(settings: &Settings, attack: &'static Attack, examples: Vec<ToolCard>) -> Self {
        Self {
            frame: frame(settings, attack),
            attack,
            tests: attack.rule.as_ref().map(tests).unwrap_or_default(),
            examples,
            related: related(attack),
        }
    }

    /// The rule's document, as people read it.
    fn document(&self) -> Option<&str> {
        Some(self.attack.rule.as_ref()?.document.trim())
    }
}

#[cfg(test)]
mod tests_of_pages {
    use catalog::attacks::attacks;
    use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

    use super::*;

    fn pages() -> impl Iterator<Item = AttackPage> {
        let settings = Settings {
            public_url: "https://tollgate.example".to_owned(),
            sign_up_open: true,
            version: "0",
        };
        attacks()
            .iter()
            .map(move |it| AttackPage::new(&settings, it, Vec::new()))
    }

    /// What stands between the two in the text, the first time.
    fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
        text.split_once(from)?.1.split_once(to).map(|(it, _)| it)
    }

    #[test]
    fn every_attack_has_a_whole_page() {
        for page in pages() {
            let (id, attack) = (&page.attack.id, page.attack);
            let html = page.render().expect("a page");
            let address = format!("https://tollgate.example/catalog/attacks/{id}");
            assert!(
                html.contains(&format!("<link rel=\"canonical\" href=\"{address}\">")),
                "{id}"
            );
            assert!(
                html.contains(&format!("href=\"/catalog/attacks/{id}.md\"")),
                "{id}"
            );
            let facts = between(&html, "<script type=\"application/ld+json\">", "</script>");
            let facts: Value = serde_json::from_str(facts.expect("facts")).expect("JSON");
            assert_eq!(facts["@type"], "TechArticle", "{id}");
            assert_eq!(facts["url"], address, "{id}");
            for source in &attack.sources {
                let link = format!("href=\"{source}\" rel=\"noopener nofollow external\"");
                assert!(html.contains(&link), "{id}: {source}");
            }
            assert_eq!(html.contains("id=\"rule\""), attack.rule.is_some(), "{id}");
            for control in attack.planned() {
                assert!(
                    html.contains(&format!("planned</span> {}", control.words())),
                    "{id}"
                );
            }
        }
    }

    /// Whoever copies the rule from the page has the document that the tests ran.
    #[test]
    fn the_rule_on_the_page_is_the_rule_that_was_run() {
        for page in pages() {
            let Some(rule) = &page.attack.rule else {
                continue;
            };
            let html = page.render().expect("a page");
            let shown =
                between(&html, "<pre id=\"document\" tabindex=\"0\">", "</pre>").expect("a rule");
            let shown = shown
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#34;", "\"")
                .replace("&#39;", "'")
                .replace("&#60;", "<")
                .replace("&#62;", ">")
                .replace("&#38;", "&")
                .replace("&quot;", "\"")
                .replace("&amp;", "&");
            assert_eq!(shown, rule.document.trim(), "{}", page.attack.id);
            assert!(policy::check(&shown, None).valid, "{}", page.attack.id);
        }
    }

    /// An agent that reads the twin gets the same document, in one block, and nothing is markup that
    /// was not meant so.
    #[test]
    fn the_twin_says_the_same_as_markdown() {
        for page in pages() {
            let (attack, id) = (page.attack, page.attack.id.clone());
            let text = AttackTwin { page }.render().expect("a page");
            let json = |event: &Event<'_>| matches!(event, Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(it))) if &**it == "json");
            let blocks = Parser::new(&text).filter(json).count();
            assert_eq!(blocks, usize::from(attack.rule.is_some()), "{id}");
            assert!(
                !Parser::new(&text).any(|it| matches!(it, Event::Html(_) | Event::InlineHtml(_))),
                "{id}"
            );
            for source in &attack.sources {
                assert!(text.contains(source.as_str()), "{id}");
            }
            for words in attack.stopped.iter().chain(&attack.not_stopped) {
                let plain: String = Parser::new(&text)
                    .filter_map(|it| match it {
                        Event::Text(text) | Event::Code(text) => Some(text.into_string()),
                        _ => None,
                    })
                    .collect();
                assert!(plain.contains(words.as_str()), "{id}: {words}");
            }
        }
    }
}
