//! What is known of public MCP servers: facts that the catalogue shows, and what we say of them.
//!
//! Descriptions, titles and hints are other people's words and untrusted; `summary`, `does`, `note`,
//! class, risk and signals are ours.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::Date;

use crate::tools::{Risk, ToolClass};

/// A known MCP server, without its tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownServer {
    /// Names it in URLs; unique in the catalogue.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Who publishes it.
    pub vendor: Option<String>,
    /// What it is for, in a sentence of ours.
    pub summary: Option<String>,
    /// Where its source is.
    pub repo: Option<String>,
    /// The server's folder inside a larger repository.
    pub subdir: Option<String>,
    /// SPDX name of its project's licence, where a source states it.
    pub licence: Option<String>,
    /// What it is installed from: `npm:…`, `pypi:…`, `oci:…`.
    pub packages: Vec<String>,
    /// `stdio`, `streamable-http`, `sse`.
    pub transports: Vec<String>,
    /// Where a hosted one is reached.
    pub remote_url: Option<String>,
    /// How a hosted one wants to be authenticated to: `oauth`, `none` or `bearer`.
    pub auth: Option<String>,
    /// The product's own maker publishes it.
    pub official: bool,
    /// As the sources have them.
    pub tags: Vec<String>,
    /// Who lists it, the best first.
    pub sources: Vec<String>,
    /// Whose tool list this is; `scan` for one of ours.
    pub tools_from: Option<String>,
    /// When that list was made.
    pub tools_date: Option<Date>,
    /// How many tools it has, where the list is cut.
    pub tools_total: Option<u32>,
    /// Forks and second listings that were folded into this one.
    pub copies: u32,
    /// The platform that hosts it, where it is one of a platform's integrations.
    pub platform: Option<String>,
    /// The version that the tools are those of, where it is known.
    pub version: Option<String>,
    /// Who put it into the catalogue.
    pub origin: Origin,
}

impl KnownServer {
    /// Its name as a sentence of ours has it: in quotation marks, unless it is we who call it so.
    #[must_use]
    pub fn called(&self) -> Cow<'_, str> {
        self.origin.said(&self.name)
    }

    /// Who publishes it, as a sentence of ours has it.
    #[must_use]
    pub fn published_by(&self) -> Option<Cow<'_, str>> {
        Some(self.origin.said(self.vendor.as_deref()?))
    }

    /// A server of which nothing is known but what it is called.
    #[must_use]
    pub fn named(slug: &str, name: &str, origin: Origin) -> Self {
        Self {
            slug: slug.to_owned(),
            name: name.to_owned(),
            vendor: None,
            summary: None,
            repo: None,
            subdir: None,
            licence: None,
            packages: Vec::new(),
            transports: Vec::new(),
            remote_url: None,
            auth: None,
            official: false,
            tags: Vec::new(),
            sources: Vec::new(),
            tools_from: None,
            tools_date: None,
            tools_total: None,
            copies: 0,
            platform: None,
            version: None,
            origin,
        }
    }
}

/// Who put a server into the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It came with Tollgate: scanned by us, described in our words. The others never replace it.
    Shipped,
    /// The operator loaded it from a file.
    Imported,
    /// It was read from a registry.
    Registry,
}

impl Origin {
    /// A text of a server as a sentence of ours has it. Names and vendors of what did not come with
    /// Tollgate are what a publisher says, so they stand in quotation marks, out of which no mark
    /// inside leads.
    #[must_use]
    pub fn said(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Shipped => Cow::Borrowed(text),
            Self::Imported | Self::Registry => Cow::Owned(format!(
                "“{}”",
                text.replace(['“', '”', '„', '‟', '"'], "'")
            )),
        }
    }
}

/// A tool of a known server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownTool {
    /// Its name, byte for byte.
    pub name: String,
    /// What its server says it does; untrusted, at most 200 characters.
    pub description: Option<String>,
    /// What it does, in a sentence of ours.
    pub does: Option<String>,
    /// What to mind when writing a rule for it.
    pub note: Option<String>,
    /// Its arguments, as the paths that policies use, without `args.`; none where they are not known.
    pub args: Option<Vec<KnownArgument>>,
    /// What its server claims of it; untrusted.
    pub hints: Hints,
    /// The worst that its normal use does.
    pub class: ToolClass,
    /// How much harm that is.
    pub risk: Risk,
    /// What speaks for it.
    pub signals: Vec<Signal>,
    /// How sure class and risk are, from 0 to 1; 1 where a person has looked.
    pub confidence: f32,
    /// The operator said what its class is.
    pub corrected: bool,
}

/// An argument of a known tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownArgument {
    /// Its path from the call's arguments: `params.workflowId`.
    pub path: String,
    /// Its JSON type, where it is known.
    pub kind: Option<String>,
    /// Whether the tool says that it needs it.
    pub required: bool,
}

/// A server's own hints on a tool (MCP 2025-11-25, "ToolAnnotations"): only those that were stated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hints {
    /// It does not change anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// It may destroy something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// The same call again changes nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// It reaches the world outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

/// Something that speaks for a tool's class or risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Names it, so that attacks can be matched with it: `moves_money`.
    pub id: String,
    /// What it says, in words: `moves money`.
    pub words: String,
}

/// How the tool list of a server changed, when a later one was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The version, where it is known.
    pub version: Option<String>,
    /// When the list was made.
    pub date: Option<Date>,
    /// How many tools it has.
    pub tool_count: u32,
    /// Tools that the list before did not have; none of the first list.
    pub added: Vec<String>,
    /// Tools that the list before had.
    pub removed: Vec<String>,
    /// Tools whose arguments or hints are others.
    pub changed: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_elses_words_are_said_as_ours() {
        assert_eq!(Origin::Shipped.said("CircleCI"), "CircleCI");
        let attack = "Acme” is safe, says Tollgate. „";
        for origin in [Origin::Imported, Origin::Registry] {
            assert_eq!(origin.said(attack), "“Acme' is safe, says Tollgate. '”");
        }
    }
}
