//! The attack database: known attacks on MCP servers, clients and agents, in our words.
//!
//! Each is a file in `data/attacks`, named by its id. Facts have their sources there; the prose and
//! the rules are ours, and every rule is run by the tests.

mod controls;
mod data;
mod meets;
#[cfg(test)]
mod tests;

use domain::tools::ToolClass;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    controls::Control,
    data::{attack, attacks},
    meets::{attacks_on, attacks_on_any, related},
};

/// One attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// Names it in URLs.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The kind of attack: `rug-pull`.
    pub class: String,
    /// When it became known, as far as that is known: a date, a month or a year; none for a pattern.
    pub date: Option<String>,
    /// How far it has gone.
    pub status: Status,
    /// CVE numbers.
    #[serde(default)]
    pub cve: Vec<String>,
    /// What is affected; none where it is a pattern.
    pub affected: Option<String>,
    /// What happens, in a sentence or two.
    pub summary: String,
    /// How it works, in paragraphs.
    pub how: Vec<String>,
    /// What it needs to work.
    pub needs: Vec<String>,
    /// Classes of the tools it goes through; none where it goes through a client, a host or a
    /// transport, and through no tool.
    pub classes: Vec<ToolClass>,
    /// Names of tools it typically goes through.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Ids of signals that such a tool has ([`domain::catalogue::Signal`]).
    #[serde(default)]
    pub signals: Vec<String>,
    /// Classes of which a signal alone is enough; empty for all of `classes`.
    #[serde(default)]
    pub signal_classes: Vec<ToolClass>,
    /// The servers whose flaw it is: packages, repositories, addresses. Empty where it is nobody's.
    #[serde(default)]
    pub servers: Vec<String>,
    /// Why tools of other servers are open to it as well, although it became known by one product; a
    /// flaw of certain servers without this sentence concerns those alone.
    pub why: Option<String>,
    /// Whether Tollgate as it is today stops it: the honest view.
    pub stops: Stops,
    /// What of it Tollgate stops, in sentences; empty where it stops nothing.
    #[serde(default)]
    pub stopped: Vec<String>,
    /// What of it Tollgate does not stop, in sentences.
    #[serde(default)]
    pub not_stopped: Vec<String>,
    /// What helps beside a policy.
    #[serde(default)]
    pub helps: Vec<String>,
    /// Features of a gateway that work against it, those that Tollgate does not have yet among them
    /// ([`Control::available`]).
    pub controls: Vec<Control>,
    /// A rule against it; none where no rule can do anything.
    pub rule: Option<AttackRule>,
    /// Where it is described.
    pub sources: Vec<String>,
}

/// A rule that can be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackRule {
    /// What it does, in a sentence or two.
    pub explanation: String,
    /// A whole policy, with tests that pass. The first of them is the attack's own call.
    pub document: String,
}

/// A call, as the attack makes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttackCall {
    /// The tool.
    pub tool: String,
    /// Its arguments, an object.
    pub arguments: Value,
}

impl AttackRule {
    /// The call that the attack makes and the rule refuses.
    ///
    /// # Panics
    /// Never: the tests look at every document.
    #[must_use]
    pub fn call(&self) -> AttackCall {
        let document: Value = serde_json::from_str(&self.document).expect("tested to be JSON");
        let first = &document["tests"][0];
        AttackCall {
            tool: first["tool"].as_str().unwrap_or_default().to_owned(),
            arguments: first
                .get("args")
                .cloned()
                .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        }
    }
}

/// How far an attack has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A way to attack, without one known case.
    Pattern,
    /// Somebody showed that it works.
    ProofOfConcept,
    /// A flaw that was reported and published.
    Disclosed,
    /// It has happened.
    Incident,
    /// It is being done.
    InTheWild,
}

impl Status {
    /// All of them, the mildest first.
    pub const ALL: [Self; 5] = [
        Self::Pattern,
        Self::ProofOfConcept,
        Self::Disclosed,
        Self::Incident,
        Self::InTheWild,
    ];

    /// As it is written in addresses and data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::ProofOfConcept => "proof-of-concept",
            Self::Disclosed => "disclosed",
            Self::Incident => "incident",
            Self::InTheWild => "in-the-wild",
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::ProofOfConcept => "proof of concept",
            Self::Disclosed => "disclosed flaw",
            Self::Incident => "incident",
            Self::InTheWild => "in the wild",
        }
    }
}

/// Whether Tollgate stops an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stops {
    /// It can.
    Yes,
    /// A part of it.
    Partly,
    /// It cannot.
    No,
}

impl Stops {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Yes, Self::Partly, Self::No];

    /// As it is written in addresses, data and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
        }
    }
}
