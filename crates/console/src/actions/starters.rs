//! First policies for a server, made from its tools' classes.

use catalog::Starter;
use domain::{Capability, Scope, ServerId, Tool};
use policy::{Policy, ToolVerdict};

use super::{Result, policies::inventory, preview::nobody, require};
use crate::state::Console;

/// No starter asks for the time: 2026-01-05T12:00:00Z, as in tests without one.
const NOON_MS: u64 = 1_767_614_400_000;

/// A policy to begin with, and what it does to the tools.
#[derive(Debug)]
pub(crate) struct Offer {
    pub starter: Starter,
    pub counts: Counts,
}

/// How many tools get each verdict.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub allowed: usize,
    pub depends: usize,
    pub approval: usize,
    pub refused: usize,
    pub hidden: usize,
}

/// The starters for a server; none while its tools are not known.
pub(crate) async fn starters(
    console: &Console,
    scope: &Scope,
    server: ServerId,
) -> Result<Vec<Offer>> {
    require(scope, Capability::See)?;
    match inventory(console, scope, server).await? {
        Some(tools) => console.desk.work(move || offers(&tools)).await,
        None => Ok(Vec::new()),
    }
}

/// The starters for these tools; none where there are none.
pub(crate) fn offers(tools: &[Tool]) -> Vec<Offer> {
    if tools.is_empty() {
        return Vec::new();
    }
    let offer = |starter: Starter| Offer {
        counts: Counts::of(&starter.document, tools),
        starter,
    };
    catalog::starters(tools).map(offer).into()
}

impl Counts {
    /// What a document does to the tools, for a grant of which nothing is known.
    fn of(document: &str, tools: &[Tool]) -> Self {
        let mut counts = Self::default();
        let Ok(policy) = Policy::parse(document) else {
            return counts;
        };
        let engine = policy::Engine::compile(&policy, Some(tools));
        for tool in policy::preview(&engine, tools, nobody().facts(), NOON_MS) {
            *match tool.verdict {
                ToolVerdict::Allowed => &mut counts.allowed,
                ToolVerdict::Depends => &mut counts.depends,
                ToolVerdict::Approval => &mut counts.approval,
                ToolVerdict::Refused => &mut counts.refused,
                ToolVerdict::Hidden => &mut counts.hidden,
            } += 1;
        }
        counts
    }
}
