//! What a scan found, as it is printed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use catalog::{scanned, starters};
use domain::{
    Risk, Tool, ToolClass,
    catalogue::{Hints, KnownArgument, KnownTool, Signal},
};
use serde::Serialize;
use serde_json::value::RawValue;
use upstream::Found;

use super::advice;

/// So many names that are judged by another definition than their first are told.
const NOTES_MAX: usize = 20;

/// One document.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) server: Server,
    pub(super) counts: Counts,
    /// The riskiest first.
    pub(super) tools: Vec<Listed>,
    /// What to do first, in sentences.
    pub(super) advice: Vec<String>,
    /// What is odd with the list, in sentences.
    pub(super) notes: Vec<String>,
    policy: Box<RawValue>,
}

/// What the server says of itself. Untrusted.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    /// The revision of MCP that was spoken.
    pub(super) protocol: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Counts {
    pub(super) tools: usize,
    pub(super) by_class: BTreeMap<&'static str, usize>,
    pub(super) by_risk: BTreeMap<&'static str, usize>,
}

/// One tool.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) class: ToolClass,
    pub(super) risk: Risk,
    pub(super) signals: Vec<Signal>,
    pub(super) confidence: f32,
    /// None where the server does not say.
    pub(super) arguments: Option<Vec<KnownArgument>>,
    pub(super) annotations: Hints,
}

impl From<KnownTool> for Listed {
    fn from(tool: KnownTool) -> Self {
        Self {
            name: tool.name,
            class: tool.class,
            risk: tool.risk,
            signals: tool.signals,
            confidence: tool.confidence,
            arguments: tool.args,
            annotations: tool.hints,
        }
    }
}

impl Report {
    /// `slug` names the server where the catalogue knows it.
    pub(super) fn new(slug: Option<&str>, found: &Found) -> Result<Self> {
        let mut tools: Vec<Listed> = found
            .tools
            .iter()
            .map(|tool| scanned(slug, tool).into())
            .collect();
        let mut notes = found.notes.clone();
        notes.extend(worsen(&mut tools, slug, &found.twins));
        let policy = policy(&found.tools, &tools);
        // The server's own order within one risk and class, as it is the one that people know.
        tools.sort_by_key(|tool| std::cmp::Reverse((tool.risk, tool.class)));
        Ok(Self {
            server: Server {
                name: found.server_name.clone(),
                version: found.server_version.clone(),
                protocol: found.protocol_version.clone(),
            },
            counts: Counts {
                tools: tools.len(),
                by_class: counted(tools.iter().map(|tool| tool.class.as_str())),
                by_risk: counted(tools.iter().map(|tool| tool.risk.as_str())),
            },
            advice: advice::of(&tools),
            tools,
            notes,
            policy: RawValue::from_string(policy)?,
        })
    }

    /// The suggested policy, with the line's end that a file has.
    pub(super) fn policy_text(&self) -> String {
        format!("{}\n", self.policy.get().trim_end())
    }

    /// The tools whose risk is above this one.
    pub(super) fn above(&self, risk: Risk) -> Vec<&str> {
        let above = self.tools.iter().filter(|tool| tool.risk > risk);
        above.map(|tool| tool.name.as_str()).collect()
    }

    /// The tools whose texts hold something that is hidden or meant for the model.
    pub(super) fn instructing(&self) -> Vec<&str> {
        let hidden = |signal: &Signal| signal.id == "hidden_instructions";
        let tools = self
            .tools
            .iter()
            .filter(|tool| tool.signals.iter().any(hidden));
        tools.map(|tool| tool.name.as_str()).collect()
    }
}

/// Of a name that stands in the list more than once the riskiest definition is judged, with the signals
/// of all, since nobody knows which of them a call reaches; the sentences say of which names.
fn worsen(tools: &mut [Listed], slug: Option<&str>, twins: &[Tool]) -> Vec<String> {
    let places: HashMap<String, usize> = tools
        .iter()
        .enumerate()
        .map(|(at, tool)| (tool.name.clone(), at))
        .collect();
    let mut worse = BTreeSet::new();
    for twin in twins {
        let Some(tool) = places.get(&twin.name).map(|at| &mut tools[*at]) else {
            continue;
        };
        let mut other = Listed::from(scanned(slug, twin));
        if (other.risk, other.class) > (tool.risk, tool.class) {
            worse.insert(twin.name.as_str());
            std::mem::swap(tool, &mut other);
        }
        // A text for the model harms by whichever definition it comes.
        let new = |signal: &Signal| tool.signals.iter().all(|own| own.id != signal.id);
        let more: Vec<Signal> = other.signals.into_iter().filter(new).collect();
        tool.signals.extend(more);
    }
    let said =
        |name| format!("Of the definitions of {name} the riskiest is judged, not the first.");
    worse.into_iter().take(NOTES_MAX).map(said).collect()
}

/// The usual first policy for these tools, in the server's order.
fn policy(tools: &[Tool], classified: &[Listed]) -> String {
    let classes = classified.iter().map(|tool| tool.class);
    let tools: Vec<Tool> = tools
        .iter()
        .zip(classes)
        .map(|(tool, class)| Tool {
            class: Some(class),
            ..tool.clone()
        })
        .collect();
    let [usual, ..] = starters(&tools);
    usual.document
}

fn counted(words: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}
