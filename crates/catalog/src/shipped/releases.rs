//! What changed from one list of a server's tools to the next.

use std::collections::BTreeMap;

use domain::catalogue::Release;

use super::files::{ListedTool, Version};

/// A release for each version; `versions` are the newest first.
pub(super) fn of(versions: &[Version]) -> Vec<Release> {
    let before = versions.iter().skip(1).map(Some).chain([None]);
    versions
        .iter()
        .zip(before)
        .map(|(version, before)| release(version, before))
        .collect()
}

fn release(version: &Version, before: Option<&Version>) -> Release {
    let now = by_name(version);
    let then = before.map(by_name).unwrap_or_default();
    let names = |all: Vec<&&str>| all.into_iter().map(|name| (*name).to_owned()).collect();
    let first = before.is_none();
    Release {
        version: Some(version.version.clone()),
        date: Some(version.date),
        tool_count: u32::try_from(version.tools.len()).unwrap_or(u32::MAX),
        added: names(
            now.keys()
                .filter(|name| !first && !then.contains_key(**name))
                .collect(),
        ),
        removed: names(
            then.keys()
                .filter(|name| !now.contains_key(**name))
                .collect(),
        ),
        changed: names(
            now.iter()
                .filter(|(name, tool)| then.get(**name).is_some_and(|then| differs(then, tool)))
                .map(|(name, _)| name)
                .collect(),
        ),
    }
}

fn by_name(version: &Version) -> BTreeMap<&str, &ListedTool> {
    let tools = version.tools.iter();
    tools.map(|tool| (tool.name.as_str(), tool)).collect()
}

/// Where one list does not have the arguments, nothing is known to have changed.
fn differs(then: &ListedTool, now: &ListedTool) -> bool {
    then.arguments.is_some() && now.arguments.is_some() && then != now
}
