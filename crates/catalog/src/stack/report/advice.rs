//! What to do first.

use std::cmp::Reverse;

use domain::{
    catalogue::KnownTool,
    tools::{Risk, ToolClass},
};
use serde::Serialize;

use super::{Item, State, sentences::list};

/// So many names are written out in one step.
const NAMED_MAX: usize = 6;

/// What kind of step it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Take credentials out of the configuration.
    Credentials,
    /// Put a server that runs commands or queries behind Tollgate.
    Commands,
    /// Refuse destructive and financial tools, or have a person answer first.
    Refuse,
    /// Put a server behind Tollgate.
    Gateway,
    /// Look at what a server offers.
    Scan,
    /// Ask for one version of a package.
    Pin,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What kind of step it is.
    pub kind: StepKind,
    /// What the configuration calls the servers that it is about.
    pub servers: Vec<String>,
    /// What to do, in a sentence or two.
    pub text: String,
}

/// The steps, the most urgent first.
pub(super) fn first(items: &[Item<'_>]) -> Vec<Step> {
    let open: Vec<&Item<'_>> = items
        .iter()
        .filter(|item| item.state != State::Behind)
        .collect();
    let mut risky: Vec<&Item<'_>> = open
        .iter()
        .copied()
        .filter(|item| !item.tools().is_empty())
        .collect();
    risky.sort_by_key(|item| (Reverse(item.worst()), item.mention.name.clone()));
    let mut steps = Vec::new();
    steps.extend(credentials(&open));
    steps.extend(commands(&risky));
    steps.extend(risky.iter().filter_map(|item| refuse(item)));
    steps.extend(gateway(&risky));
    steps.extend(scan(&open));
    steps.extend(pin(&open));
    steps
}

fn names<'i>(items: &[&'i Item<'_>]) -> Vec<&'i str> {
    items
        .iter()
        .map(|item| item.mention.name.as_str())
        .collect()
}

fn step(kind: StepKind, servers: &[&str], text: String) -> Step {
    Step {
        kind,
        servers: servers.iter().map(|name| (*name).to_owned()).collect(),
        text,
    }
}

fn credentials(items: &[&Item<'_>]) -> Option<Step> {
    let with: Vec<_> = items
        .iter()
        .copied()
        .filter(|item| item.mention.removed > 0)
        .collect();
    let named = names(&with);
    let servers = list(&named, NAMED_MAX);
    let text = format!(
        "Take the credentials out of the configuration: those of {servers} stand in it in plain text. \
         Register these servers and give the credentials to Tollgate, which seals them; the agent gets \
         a grant instead. Then replace the old credentials at their issuers."
    );
    (!with.is_empty()).then(|| step(StepKind::Credentials, &named, text))
}

/// Whether it takes commands, code or queries from whoever calls it.
fn takes_commands(tool: &KnownTool) -> bool {
    const SIGNALS: [&str; 5] = [
        "runs_code",
        "runs_query",
        "shell_command",
        "raw_query",
        "types_in_terminal",
    ];
    let says = |id: &str| SIGNALS.contains(&id);
    tool.risk >= Risk::High && tool.signals.iter().any(|signal| says(&signal.id))
}

fn commands(risky: &[&Item<'_>]) -> Option<Step> {
    let with: Vec<_> = risky
        .iter()
        .copied()
        .filter(|item| item.tools().iter().any(takes_commands))
        .collect();
    let tools: Vec<&str> = with
        .iter()
        .flat_map(|item| item.tools())
        .filter(|tool| takes_commands(tool))
        .map(|tool| tool.name.as_str())
        .collect();
    let named = names(&with);
    let text = format!(
        "Begin with {}: put it behind Tollgate before the others, because it takes commands, code or \
         queries from the model ({}). Let a person answer such calls, or limit what the arguments may be.",
        list(&named, NAMED_MAX),
        list(&tools, NAMED_MAX),
    );
    let text = match named.len() {
        1 => text,
        _ => text
            .replace("put it behind", "put them behind")
            .replace("because it takes", "because they take"),
    };
    (!with.is_empty()).then(|| step(StepKind::Commands, &named, text))
}

fn refuse(item: &Item<'_>) -> Option<Step> {
    let worst =
        |tool: &&KnownTool| matches!(tool.class, ToolClass::Destructive | ToolClass::Financial);
    let tools: Vec<&str> = item
        .tools()
        .iter()
        .filter(worst)
        .map(|tool| tool.name.as_str())
        .collect();
    let name = item.mention.name.as_str();
    let these = match tools.len() {
        1 => "this tool".to_owned(),
        n => format!("these {n} tools"),
    };
    let text = format!(
        "Refuse {these} of {name} where no agent needs them, or let a person answer first, since what \
         they do cannot be taken back: {}.",
        list(&tools, NAMED_MAX),
    );
    let text = match tools.len() {
        1 => text
            .replace("agent needs them", "agent needs it")
            .replace("what they do", "what it does"),
        _ => text,
    };
    (!tools.is_empty()).then(|| step(StepKind::Refuse, &[name], text))
}

fn gateway(risky: &[&Item<'_>]) -> Option<Step> {
    let named = names(risky);
    let text = format!(
        "Put {} behind Tollgate, in this order, begin with a policy that refuses what it does not name, \
         and give each agent a grant of its own.",
        list(&named, NAMED_MAX),
    );
    let text = match named.len() {
        1 => text.replace(", in this order,", ","),
        _ => text,
    };
    (!risky.is_empty()).then(|| step(StepKind::Gateway, &named, text))
}

fn scan(items: &[&Item<'_>]) -> Option<Step> {
    let unseen = |item: &&&Item<'_>| matches!(item.state, State::Unknown | State::NotScanned);
    let with: Vec<_> = items.iter().filter(unseen).copied().collect();
    let named = names(&with);
    let text = format!(
        "Look at what {} can do: its tools are not in the catalogue. Run tollgate scan on it before an \
         agent uses it, or scan its address below.",
        list(&named, NAMED_MAX),
    );
    let text = match named.len() {
        1 => text,
        _ => text.replace("its tools are", "their tools are").replace(
            "scan on it before an agent uses it, or scan its address",
            "scan on each before an agent uses it, or scan an address",
        ),
    };
    (!with.is_empty()).then(|| step(StepKind::Scan, &named, text))
}

fn pin(items: &[&Item<'_>]) -> Option<Step> {
    let loose = |item: &&&Item<'_>| {
        let version = item.mention.version.as_deref();
        item.mention.package.is_some() && version.is_none_or(|version| version == "latest")
    };
    let with: Vec<_> = items.iter().filter(loose).copied().collect();
    let named = names(&with);
    let text = format!(
        "Ask for one version of {}: without one, whatever is published next runs with the agent's rights.",
        list(&named, NAMED_MAX),
    );
    (!with.is_empty()).then(|| step(StepKind::Pin, &named, text))
}
