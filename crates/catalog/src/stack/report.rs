//! What is to be said of the servers that a configuration mentions: which are known, what their
//! tools can do, and what to do first.

mod advice;
mod sentences;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    catalogue::{KnownServer, KnownTool},
    tools::{Risk, ToolClass},
};
use serde::Serialize;

use super::{Mention, Stack};
use crate::attacks;

pub use advice::{Step, StepKind};

/// So many of the riskiest tools are named.
pub const WORST_MAX: usize = 20;
/// So many attacks are named.
pub const ATTACKS_MAX: usize = 12;
/// So many tools are named with one attack.
const NAMED_MAX: usize = 5;

/// What the catalogue knows of a mentioned server.
#[derive(Debug, Clone)]
pub struct Known {
    /// The server.
    pub server: KnownServer,
    /// Its tools; none where it has not been scanned.
    pub tools: Option<Arc<[KnownTool]>>,
}

/// How much is known of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The catalogue has its tools.
    Known,
    /// The catalogue knows of it, and not of its tools.
    NotScanned,
    /// The catalogue does not know it.
    Unknown,
    /// It is reached through this Tollgate already.
    Behind,
}

/// One server of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerLine {
    /// What the configuration says of it.
    #[serde(flatten)]
    pub mention: Mention,
    /// How much is known of it.
    pub state: State,
    /// Its slug in the catalogue, where it is there.
    pub slug: Option<String>,
    /// What the catalogue calls it: in quotation marks where that is its publisher's word.
    pub known_as: Option<String>,
    /// Whether the product's own maker publishes it, where that is known.
    pub official: Option<bool>,
    /// How many tools it has, where they are known.
    pub tool_count: Option<usize>,
    /// The riskiest of them.
    pub risk: Option<Risk>,
    /// Its tools by risk, lowest first.
    pub by_risk: [usize; 4],
}

/// One tool of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolLine {
    /// What the configuration calls its server.
    pub server: String,
    /// The server's slug in the catalogue; empty where it is not there.
    pub slug: String,
    /// Its name.
    pub tool: String,
    /// The worst that its normal use does.
    pub class: ToolClass,
    /// How much harm that is.
    pub risk: Risk,
    /// What speaks for it.
    pub why: Vec<String>,
}

/// An attack that the mentioned tools are open to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttackLine {
    /// Names it in URLs.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What happens, in a sentence.
    pub summary: String,
    /// How many of the tools it can go through.
    pub tool_count: usize,
    /// Some of them.
    pub tools: Vec<String>,
}

/// How many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Servers in all.
    pub servers: usize,
    /// With tools that are known.
    pub known: usize,
    /// In the catalogue without tools.
    pub not_scanned: usize,
    /// Not in the catalogue.
    pub unknown: usize,
    /// Reached through this Tollgate.
    pub behind: usize,
    /// Tools that are known.
    pub tools: usize,
    /// The tools by class.
    pub by_class: BTreeMap<ToolClass, usize>,
    /// The tools by risk.
    pub by_risk: BTreeMap<Risk, usize>,
    /// Values that look like credentials, in plain text.
    pub credentials: u32,
}

/// The whole report. The same mentions and the same knowledge make the same report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it comes to, in a sentence or two.
    pub summary: String,
    /// How many.
    pub counts: Counts,
    /// What to do, the most urgent first.
    pub first: Vec<Step>,
    /// The servers, by name.
    pub servers: Vec<ServerLine>,
    /// The riskiest tools, at most [`WORST_MAX`].
    pub worst: Vec<ToolLine>,
    /// Attacks that apply, those with the most tools first; at most [`ATTACKS_MAX`].
    pub attacks: Vec<AttackLine>,
}

/// A mention with what is known of it.
struct Item<'a> {
    mention: &'a Mention,
    known: Option<&'a Known>,
    state: State,
}

impl Item<'_> {
    fn tools(&self) -> &[KnownTool] {
        match self.known.and_then(|known| known.tools.as_ref()) {
            Some(tools) if self.state == State::Known => tools,
            _ => &[],
        }
    }

    fn worst(&self) -> Option<Risk> {
        self.tools().iter().map(|tool| tool.risk).max()
    }
}

/// Makes the report. `known` is as long as the stack's mentions; what is missing is unknown. `own`
/// is this Tollgate's public address, without a slash at its end.
#[must_use]
pub fn report(stack: &Stack, known: &[Option<Known>], own: &str) -> Report {
    let items: Vec<Item<'_>> = stack
        .mentions
        .iter()
        .enumerate()
        .map(|(at, mention)| {
            let known = known.get(at).and_then(Option::as_ref);
            Item {
                state: state(mention, known, own),
                mention,
                known,
            }
        })
        .collect();
    let counts = counts(&items);
    Report {
        summary: sentences::summary(&counts, stack.left_out),
        first: advice::first(&items),
        servers: items.iter().map(line).collect(),
        worst: worst(&items),
        attacks: open_to(&items),
        counts,
    }
}

fn state(mention: &Mention, known: Option<&Known>, own: &str) -> State {
    let behind = |url: &String| {
        let path = url.strip_prefix(own);
        path.is_some_and(|path| path.starts_with("/mcp/") && path != "/mcp/catalog")
    };
    if !own.is_empty() && mention.url.as_ref().is_some_and(behind) {
        return State::Behind;
    }
    match known {
        None => State::Unknown,
        Some(known) if known.tools.is_none() => State::NotScanned,
        Some(_) => State::Known,
    }
}

fn line(item: &Item<'_>) -> ServerLine {
    let mut by_risk = [0; 4];
    for tool in item.tools() {
        by_risk[tool.risk as usize] += 1;
    }
    let server = item.known.map(|known| &known.server);
    ServerLine {
        mention: item.mention.clone(),
        state: item.state,
        slug: server.map(|server| server.slug.clone()),
        known_as: server.map(|server| server.called().into_owned()),
        official: server.map(|server| server.official),
        tool_count: (item.state == State::Known).then(|| item.tools().len()),
        risk: item.worst(),
        by_risk,
    }
}

fn counts(items: &[Item<'_>]) -> Counts {
    let mut counts = Counts {
        servers: items.len(),
        ..Counts::default()
    };
    for item in items {
        match item.state {
            State::Known => counts.known += 1,
            State::NotScanned => counts.not_scanned += 1,
            State::Unknown => counts.unknown += 1,
            State::Behind => counts.behind += 1,
        }
        counts.credentials = counts.credentials.saturating_add(item.mention.removed);
        counts.tools += item.tools().len();
        for tool in item.tools() {
            *counts.by_class.entry(tool.class).or_default() += 1;
            *counts.by_risk.entry(tool.risk).or_default() += 1;
        }
    }
    counts
}

fn worst(items: &[Item<'_>]) -> Vec<ToolLine> {
    let mut found: Vec<_> = Vec::new();
    for item in items {
        let slug = item.known.map_or("", |known| known.server.slug.as_str());
        let risky = item.tools().iter().filter(|tool| tool.risk >= Risk::High);
        found.extend(risky.map(|tool| (item.mention.name.as_str(), slug, tool)));
    }
    found.sort_by_key(|(server, _, tool)| {
        (
            Reverse((tool.risk, tool.class)),
            *server,
            tool.name.as_str(),
        )
    });
    let lines = found.into_iter().take(WORST_MAX);
    lines
        .map(|(server, slug, tool)| ToolLine {
            server: server.to_owned(),
            slug: slug.to_owned(),
            tool: tool.name.clone(),
            class: tool.class,
            risk: tool.risk,
            why: tool
                .signals
                .iter()
                .take(4)
                .map(|s| s.words.clone())
                .collect(),
        })
        .collect()
}

/// A server that is mentioned twice is looked at once.
fn open_to(items: &[Item<'_>]) -> Vec<AttackLine> {
    let mut found: BTreeMap<&str, AttackLine> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for item in items {
        let slug = item.known.map_or("", |known| known.server.slug.as_str());
        if !slug.is_empty() && !seen.insert(slug) {
            continue;
        }
        for tool in item.tools() {
            note(&mut found, item.known.map(|known| &known.server), tool);
        }
    }
    let mut lines: Vec<AttackLine> = found.into_values().collect();
    lines.sort_by(|a, b| (b.tool_count, &a.id).cmp(&(a.tool_count, &b.id)));
    lines.truncate(ATTACKS_MAX);
    lines
}

/// A flaw of certain servers is named for those alone: of a stack one asks what it is open to, and
/// not, as on a tool's page, what befell others of its kind.
fn note(found: &mut BTreeMap<&str, AttackLine>, server: Option<&KnownServer>, tool: &KnownTool) {
    let here = |attack: &&attacks::Attack| {
        attack.servers.is_empty() || server.is_some_and(|server| attack.is_flaw_of(server))
    };
    for attack in attacks::attacks_on(server, tool).into_iter().filter(here) {
        let line = found.entry(&attack.id).or_insert_with(|| AttackLine {
            id: attack.id.clone(),
            name: attack.name.clone(),
            summary: attack.summary.clone(),
            tool_count: 0,
            tools: Vec::new(),
        });
        line.tool_count += 1;
        if line.tools.len() < NAMED_MAX && !line.tools.contains(&tool.name) {
            line.tools.push(tool.name.clone());
        }
    }
}
