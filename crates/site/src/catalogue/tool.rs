//! `/catalog/servers/{slug}/tools/{tool}`: a tool, its risk, and the rules that tame it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use catalog::{
    attacks::{Attack, attacks_on},
    suggest::{Question, Suggestion, questions, suggestions},
};
use domain::{catalogue::KnownTool, tools::ToolClass};
use serde_json::{Value, json};
use store::catalogue::{Neighbours, ServerCard, ToolCard, ToolEntry, neighbours};

use super::{found::find_tool, provider::Provider, server::crumbs, words};
use crate::{Frame, Settings, SiteError, edition::Edition, filters, links, state::Site, text};

/// `GET /catalog/servers/{slug}/tools/{tool}`, and with `.md` its Markdown twin.
pub(super) async fn page(
    State(site): State<Site>,
    Path((slug, name)): Path<(String, String)>,
    edition: Edition,
) -> Result<Response, SiteError> {
    let (entry, as_what) = find_tool(&site.db, &slug, &name).await?;
    let like = neighbours(&site.db, &entry.card.server.slug, &entry.tool).await?;
    let page = ToolPage::new(&site.settings, &edition, entry, like);
    Ok(as_what.answer(edition, page, |page| ToolTwin { page }))
}

#[derive(Template)]
#[template(path = "catalog/tool.html")]
pub(super) struct ToolPage {
    frame: Frame,
    card: ServerCard,
    tool: KnownTool,
    provider: Provider,
    /// Why the operator corrected it, where that was said.
    correction: Option<String>,
    /// How sure class and risk are.
    sure: &'static str,
    /// What the server says of the tool.
    claims: Vec<&'static str>,
    rules: Vec<Suggestion>,
    attacks: Vec<&'static Attack>,
    questions: Vec<Question>,
    like: Neighbours,
}

#[derive(Template)]
#[template(path = "catalog/tool.md")]
pub(super) struct ToolTwin {
    pub(super) page: ToolPage,
}

impl ToolPage {
    pub(super) fn new(
        settings: &Settings,
        edition: &Edition,
        entry: ToolEntry,
        like: Neighbours,
    ) -> Self {
        let ToolEntry {
            card,
            tool,
            correction,
        } = entry;
        let questions = questions(&card.server, &tool);
        Self {
            frame: frame(settings, edition, &card, &tool, &questions),
            provider: Provider::of(&card.server),
            correction,
            sure: words::confidence(&tool),
            claims: words::claims(&tool.hints),
            rules: suggestions(&tool),
            attacks: attacks_on(Some(&card.server), &tool),
            questions,
            like,
            card,
            tool,
        }
    }

    fn put(&self, rule: &str) -> Option<String> {
        links::put_rule(&self.card.server.slug, &self.tool.name, rule)
    }

    /// What beside an attack's name says why it is here: which versions have the flaw, or how a flaw
    /// of another server concerns this one.
    fn why_here<'a>(&self, attack: &'a Attack) -> Option<&'a str> {
        match attack.is_flaw_of(&self.card.server) {
            true => attack.affected.as_deref(),
            false => attack.why.as_deref(),
        }
    }

    /// What its class means.
    fn class_in_short(&self) -> &'static str {
        words::class_in_short(self.tool.class)
    }

    /// "An execute tool", "A read tool".
    fn article(&self) -> &'static str {
        match self.tool.class {
            ToolClass::Execute => "An",
            _ => "A",
        }
    }

    /// Tools like it, this server's first.
    fn all_like(&self) -> Vec<&ToolCard> {
        self.like.here.iter().chain(&self.like.elsewhere).collect()
    }
}

fn frame(
    settings: &Settings,
    edition: &Edition,
    card: &ServerCard,
    tool: &KnownTool,
    questions: &[Question],
) -> Frame {
    let (name, server) = (text::plain(&tool.name), text::plain(&card.server.called()));
    let page = links::tool(&card.server.slug, &tool.name).unwrap_or_default();
    let does = tool.does.as_deref().unwrap_or_default();
    let about = format!(
        "{name} of {server}: {}, {} risk. {does} Why, and the rule that tames it.",
        tool.class, tool.risk
    );
    let steps = [
        (server.as_str(), links::server(&card.server.slug)),
        (name.as_str(), page.clone()),
    ];
    let steps: Vec<(&str, &str)> = steps
        .iter()
        .map(|(name, path)| (*name, path.as_str()))
        .collect();
    let frame = settings
        .frame(page.clone())
        .titled(format!("{name} ({server}): {} risk", tool.risk))
        .about(about.replace("  ", " "))
        .dated(edition.day())
        .with_facts(&crumbs(settings, &steps));
    // What no address can hold has no twin, and nothing to be listed under.
    let frame = match page.is_empty() {
        true => frame.hidden(),
        false => frame.with_twin(),
    };
    match questions.is_empty() {
        true => frame,
        false => frame.with_facts(&faq(questions)),
    }
}

/// schema.org/FAQPage.
fn faq(questions: &[Question]) -> Value {
    let all: Vec<Value> = questions
        .iter()
        .map(|one| {
            json!({
                "@type": "Question",
                "name": text::plain(&one.question),
                "acceptedAnswer": { "@type": "Answer", "text": text::marked(&one.answer) },
            })
        })
        .collect();
    json!({ "@context": "https://schema.org", "@type": "FAQPage", "mainEntity": all })
}
