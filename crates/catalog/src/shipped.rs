//! The servers that come with Tollgate: scanned by us, described in our words.
//!
//! Three files make one: `data/sources.toml` says what is scanned, `data/servers/{slug}.json` holds
//! the facts that the scan found, version by version, and `data/words/{slug}.toml` what a person
//! says of them. `make catalog` writes the facts anew.

mod files;
mod releases;

use std::sync::LazyLock;

use domain::catalogue::{Hints, KnownArgument, KnownServer, KnownTool, Origin, Release, Signal};
use foldhash::{HashMap, HashMapExt};
use serde_json::Value;

use self::files::{Facts, ListedTool, Source, ToolWords, Words};
use crate::{Subject, classify};

/// A server that comes with Tollgate.
#[derive(Debug, Clone)]
pub struct Shipped {
    /// What is known of it.
    pub server: KnownServer,
    /// Its tools, as of `server.version`, the riskiest first.
    pub tools: Vec<KnownTool>,
    /// The lists of its tools that are known, the newest first.
    pub releases: Vec<Release>,
    /// What someone who writes rules for it should know, in sentences of ours.
    pub notes: Vec<String>,
}

static SHIPPED: LazyLock<Vec<Shipped>> = LazyLock::new(|| {
    let mut all: Vec<Shipped> = files::read()
        .into_iter()
        .map(|(source, facts, words)| join(source, &facts, &words))
        .collect();
    all.sort_by(|a, b| a.server.slug.cmp(&b.server.slug));
    all
});

static TOOLS: LazyLock<HashMap<(&str, &str), &KnownTool>> = LazyLock::new(|| {
    let mut tools = HashMap::new();
    for one in shipped() {
        for tool in &one.tools {
            tools.insert((one.server.slug.as_str(), tool.name.as_str()), tool);
        }
    }
    tools
});

/// Every server that comes with Tollgate, by slug.
#[must_use]
pub fn shipped() -> &'static [Shipped] {
    &SHIPPED
}

/// A tool of one of them.
#[must_use]
pub fn shipped_tool(slug: &str, name: &str) -> Option<&'static KnownTool> {
    TOOLS.get(&(slug, name)).copied()
}

fn join(source: Source, facts: &Facts, words: &Words) -> Shipped {
    let newest = &facts.versions[0];
    let mut tools: Vec<KnownTool> = newest
        .tools
        .iter()
        .map(|tool| known(tool, &words.tools[&tool.name]))
        .collect();
    tools.sort_by_key(|tool| std::cmp::Reverse((tool.risk, tool.class)));
    let server = KnownServer {
        slug: source.slug,
        name: source.name,
        vendor: Some(source.vendor),
        summary: Some(words.summary.clone()),
        repo: Some(source.repo),
        subdir: source.subdir,
        licence: source.licence,
        packages: vec![source.package],
        transports: source.transports,
        remote_url: source.remote_url,
        auth: None,
        official: source.official,
        tags: source.tags,
        sources: vec![newest.from.clone()],
        tools_from: Some(newest.from.clone()),
        tools_date: Some(newest.date),
        tools_total: None,
        copies: 0,
        platform: None,
        version: Some(newest.version.clone()),
        origin: Origin::Shipped,
    };
    Shipped {
        server,
        tools,
        releases: releases::of(&facts.versions),
        notes: words.notes.clone(),
    }
}

fn known(tool: &ListedTool, words: &ToolWords) -> KnownTool {
    KnownTool {
        name: tool.name.clone(),
        description: None,
        does: Some(words.does.clone()),
        note: words.note.clone(),
        args: tool.arguments.as_ref().map(|all| {
            let argument = |(path, kind, required): &(String, Option<String>, u8)| KnownArgument {
                path: path.clone(),
                kind: kind.clone(),
                required: *required == 1,
            };
            all.iter().map(argument).collect()
        }),
        hints: tool.annotations,
        class: words.class,
        risk: words.risk,
        signals: signals(tool, words),
        // A person wrote the words, and class and risk with them.
        confidence: 1.0,
        corrected: false,
    }
}

/// What the classifier sees in the facts and in our sentence; where a person says another class,
/// its reason for the class gives way.
fn signals(tool: &ListedTool, words: &ToolWords) -> Vec<Signal> {
    let annotations = annotations(tool.annotations);
    let arguments = tool.arguments.iter().flatten();
    let said = classify(&Subject {
        name: &tool.name,
        description: Some(&words.does),
        // A rule of the classifier's looks at an argument's own name.
        args: arguments
            .map(|(path, ..)| path.rsplit('.').next().unwrap_or(path))
            .collect(),
        schema: None,
        annotations: Some(&annotations),
    });
    let mut signals = said.signals;
    if said.class != words.class {
        let why = Signal {
            id: "looked_at".to_owned(),
            words: format!("a person looked at it and calls it {}", words.class),
        };
        signals.splice(..signals.len().min(1), [why]);
    }
    signals
}

fn annotations(hints: Hints) -> Value {
    serde_json::to_value(hints).unwrap_or_default()
}

#[cfg(test)]
#[path = "shipped_tests.rs"]
mod tests;
