//! The files that the shipped catalogue is made of.

use std::collections::BTreeMap;

use domain::{
    catalogue::Hints,
    tools::{Risk, ToolClass},
};
use serde::Deserialize;
use time::Date;

/// What is scanned, and what its package says of itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) vendor: String,
    /// The maker of the product publishes it.
    pub(super) official: bool,
    pub(super) repo: String,
    pub(super) subdir: Option<String>,
    /// SPDX, as the package or its repository states it.
    pub(super) licence: Option<String>,
    /// `npm:…` or `pypi:…`, without a version.
    pub(super) package: String,
    pub(super) transports: Vec<String>,
    pub(super) remote_url: Option<String>,
    pub(super) tags: Vec<String>,
    /// How `make catalog` runs it: the program of the package, its arguments, what its environment
    /// must hold, and which versions, the newest first. Of no use here.
    #[serde(rename = "run")]
    _run: toml::Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    server: Vec<Source>,
}

/// What a scan found, written by `make catalog`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    pub(super) slug: String,
    /// The newest first; never empty.
    pub(super) versions: Vec<Version>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    pub(super) version: String,
    /// When the list was made.
    #[serde(with = "day")]
    pub(super) date: Date,
    /// `scan`, or `source` for a list that was read in the project's source.
    pub(super) from: String,
    pub(super) tools: Vec<ListedTool>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListedTool {
    pub(super) name: String,
    /// Path, JSON type, and 1 where it is required; none where they are not known.
    pub(super) arguments: Option<Vec<(String, Option<String>, u8)>>,
    #[serde(default)]
    pub(super) annotations: Hints,
}

/// What a person says of a server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) summary: String,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    pub(super) tools: BTreeMap<String, ToolWords>,
}

/// And of a tool: class and risk by what it does, not by how its server words it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolWords {
    pub(super) class: ToolClass,
    pub(super) risk: Risk,
    pub(super) does: String,
    pub(super) note: Option<String>,
}

/// A day as `2026-11-26`.
mod day {
    use serde::{Deserialize, Deserializer, de::Error};
    use time::{Date, macros::format_description};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        let text = String::deserialize(from)?;
        let form = format_description!("[year]-[month]-[day]");
        Date::parse(&text, form).map_err(D::Error::custom)
    }
}

/// The facts and the words of one server, as they stand.
macro_rules! texts {
    ($($slug:literal),* $(,)?) => {
        &[$((
            $slug,
            include_str!(concat!("../../data/servers/", $slug, ".json")),
            include_str!(concat!("../../data/words/", $slug, ".toml")),
        )),*]
    };
}

pub(super) const TEXTS: &[(&str, &str, &str)] = texts![
    "aws-documentation",
    "brave-search-reference",
    "chrome-devtools",
    "circleci",
    "context7",
    "desktop-commander",
    "elasticsearch",
    "everything",
    "exa",
    "fetch",
    "figma-developer",
    "filesystem",
    "firecrawl",
    "git",
    "github-reference",
    "google-maps-reference",
    "kubernetes",
    "memory",
    "mongodb",
    "notion",
    "obsidian",
    "playwright",
    "postgres-reference",
    "puppeteer-reference",
    "sentry",
    "sequential-thinking",
    "slack-reference",
    "tavily",
    "time",
];

/// Each server's three parts, in the order of the sources.
pub(super) fn read() -> Vec<(Source, Facts, Words)> {
    let sources: Sources =
        toml::from_str(include_str!("../../data/sources.toml")).expect("a test reads the sources");
    let sources = sources.server.into_iter();
    sources
        .map(|source| {
            let (_, facts, words) = TEXTS
                .iter()
                .find(|(slug, ..)| *slug == source.slug)
                .expect("a test compares the sources with the files");
            let facts: Facts = serde_json::from_str(facts).expect("a test reads the facts");
            debug_assert_eq!(facts.slug, source.slug);
            let words = toml::from_str(words).expect("a test reads the words");
            (source, facts, words)
        })
        .collect()
}
