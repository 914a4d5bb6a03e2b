//! What the catalogue says of an MCP client's configuration.

use std::{collections::HashMap, sync::Arc};

use catalog::stack::{
    self, Mention, Stack,
    report::{Known, Report, report},
};

use crate::{actions::ActionError, state::Console};

/// So many tools of one server are looked at, the riskiest first; the largest known has fewer.
const TOOLS_MAX: u32 = 2_500;
/// And so many of all servers together; the largest hundred that are known have fewer.
const TOOLS_IN_ALL_MAX: u32 = 25_000;
/// How many checks are under way at once.
pub(crate) const AT_ONCE: usize = 4;

/// A configuration without its secrets, and the report.
pub(crate) struct Checked {
    /// What was read of it.
    pub(crate) stripped: String,
    pub(crate) report: Report,
}

/// Reads a configuration and reports on it. Nothing of it is stored or logged, and nothing secret in
/// it is in the answer.
///
/// # Errors
/// `Fields` at `/config` where it cannot be read, `Throttled`, or Postgres failed.
pub(crate) async fn check(console: &Console, config: String) -> Result<Checked, ActionError> {
    let _place = console
        .checking
        .try_acquire()
        .map_err(|_| ActionError::Throttled { retry_after_s: 5 })?;
    let read = console.desk.work(move || stack::read(&config)).await?;
    let stack = read.map_err(|fault| ActionError::field("/config", fault))?;
    let known = known(&console.db, &stack).await?;
    let own = console.settings.public_url.clone();
    let job = move || Checked {
        stripped: stack.text(),
        report: report(&stack, &known, &own),
    };
    console.desk.work(job).await
}

/// What the catalogue knows of each mention.
async fn known(db: &store::Db, stack: &Stack) -> Result<Vec<Option<Known>>, ActionError> {
    let names: Vec<String> = stack.mentions.iter().flat_map(Mention::names).collect();
    let found = store::catalogue::mentioned(db, &names).await?;
    let by: HashMap<String, _> = found
        .into_iter()
        .map(|found| (found.by, found.card))
        .collect();
    let (mut tools, mut left) = (HashMap::new(), TOOLS_IN_ALL_MAX);
    let mut known = Vec::new();
    for mention in &stack.mentions {
        let Some(card) = mention.names().iter().find_map(|name| by.get(name)) else {
            known.push(None);
            continue;
        };
        let slug = &card.server.slug;
        if card.tool_count.is_some() && !tools.contains_key(slug) {
            let read = store::catalogue::tools(db, slug, 0, TOOLS_MAX.min(left)).await?;
            left = left.saturating_sub(u32::try_from(read.len()).unwrap_or(u32::MAX));
            tools.insert(slug.clone(), Arc::from(read));
        }
        known.push(Some(Known {
            server: card.server.clone(),
            tools: tools.get(slug).cloned(),
        }));
    }
    Ok(known)
}
