//! Sentences about how many.

use domain::tools::Risk;

use super::Counts;

/// `1 tool`, `3 tools`.
pub(super) fn many(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(super) fn list(names: &[&str], shown: usize) -> String {
    let more = names.len().saturating_sub(shown);
    let mut parts: Vec<String> = names
        .iter()
        .take(shown)
        .map(|name| (*name).to_owned())
        .collect();
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

pub(super) fn summary(counts: &Counts, left_out: usize) -> String {
    let states = [
        (counts.known, "known with their tools"),
        (counts.not_scanned, "known and not scanned yet"),
        (counts.unknown, "not in the catalogue"),
        (counts.behind, "behind Tollgate already"),
    ];
    let states: Vec<String> = states
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    let mut text = format!("{}: {}.", many(counts.servers, "server"), states.join(", "));
    let at = |risk| counts.by_risk.get(&risk).copied().unwrap_or_default();
    if counts.tools > 0 {
        text.push_str(&format!(
            " {} known, {} of critical and {} of high risk.",
            many(counts.tools, "tool"),
            at(Risk::Critical),
            at(Risk::High),
        ));
    }
    if counts.credentials > 0 {
        let n = usize::try_from(counts.credentials).unwrap_or(usize::MAX);
        let stand = if n == 1 { "stands" } else { "stand" };
        text.push_str(&format!(
            " {} {stand} in plain text.",
            many(n, "credential")
        ));
    }
    if left_out > 0 {
        text.push_str(&format!(" {} left out.", many(left_out, "more server")));
    }
    text
}
