//! The attack database: known attacks on MCP servers, clients and agents, in our words.

use domain::{catalogue::KnownTool, tools::ToolClass};
use serde::Deserialize;

/// One attack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    /// What happens, in a sentence.
    pub summary: String,
    /// How it works, in paragraphs.
    pub how: Vec<String>,
    /// What it needs to work.
    pub needs: Vec<String>,
    /// Classes of the tools it goes through.
    pub classes: Vec<ToolClass>,
    /// Names of tools it typically goes through.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Ids of signals that such a tool has ([`domain::catalogue::Signal`]).
    #[serde(default)]
    pub signals: Vec<String>,
    /// Whether a gateway on the path of calls stops it: the honest view.
    pub stops: Stops,
    /// What of it a policy stops and what it does not, in sentences.
    pub what_stops_it: Vec<String>,
    /// Features that work against it.
    pub controls: Vec<Control>,
    /// A rule against it; none where no rule can do anything.
    pub rule: Option<AttackRule>,
    /// Where it is described.
    pub sources: Vec<String>,
}

/// A rule that can be tried.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackRule {
    /// What it does, in a sentence or two.
    pub explanation: String,
    /// A whole policy, with tests that pass.
    pub document: String,
}

/// How far an attack has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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

/// Whether a gateway on the path of calls stops an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stops {
    /// It can.
    Yes,
    /// A part of it.
    Partly,
    /// It cannot.
    No,
}

/// A feature that works against attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// What no rule names is refused.
    DefaultDeny,
    /// The agent does not see the tool.
    HideTool,
    /// So many calls in a time.
    RateLimit,
    /// So much spent in a time.
    SpendLimit,
    /// Conditions on argument values.
    ArgumentRule,
    /// A person answers first.
    RequireApproval,
    /// A grant for one agent on one server.
    ScopedGrant,
    /// The agent never has the upstream's credential.
    CredentialVault,
    /// A changed definition is blocked.
    DefinitionPin,
    /// Only registered servers are reached.
    ServerAllowlist,
    /// What comes back is looked at.
    ResponseFilter,
    /// The order of calls is looked at.
    FlowRule,
    /// One organisation never meets another.
    TenantIsolation,
    /// Every decision is on record.
    AuditLog,
    /// One act stops everything of an agent.
    KillSwitch,
    /// Whoever connects is authenticated.
    TransportAuth,
    /// The catalogue warns.
    CatalogueAdvisory,
}

/// Every attack, the newest first.
#[must_use]
pub fn attacks() -> &'static [Attack] {
    &[]
}

/// One attack.
#[must_use]
pub fn attack(id: &str) -> Option<&'static Attack> {
    attacks().iter().find(|attack| attack.id == id)
}

/// Attacks that a tool is open to: of its class, and by its name or one of its signals.
#[must_use]
pub fn attacks_on(tool: &KnownTool) -> Vec<&'static Attack> {
    let meets = |attack: &Attack| {
        attack.classes.contains(&tool.class)
            && (attack.tools.contains(&tool.name)
                || tool.signals.iter().any(|s| attack.signals.contains(&s.id)))
    };
    attacks().iter().filter(|attack| meets(attack)).collect()
}
