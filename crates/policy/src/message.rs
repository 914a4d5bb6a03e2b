//! What a model reads when a call is refused: what was refused, by which rule in words, and what
//! would be let through or when. Never a way around.

use crate::{
    limit::{Approval, Argument, Concurrent, Limit},
    rules::{Check, Condition},
};

/// The same words whatever the cause, so that nobody learns that a hidden tool is there.
pub(crate) fn unknown(tool: &str) -> String {
    format!("Unknown tool: {tool}")
}

/// For `action: deny`.
pub(crate) fn denied(tool: &str) -> String {
    format!("{tool} was refused: the policy does not allow this tool to be called.")
}

/// For a `require` check that does not hold.
pub(crate) fn required(tool: &str, check: &Check) -> String {
    format!(
        "{tool} was refused: the policy requires that {}.",
        all(&check.conditions)
    )
}

/// For a `deny_if` check that fired.
pub(crate) fn denied_if(tool: &str, check: &Check) -> String {
    if check.conditions.is_empty() {
        return denied(tool);
    }
    format!(
        "{tool} was refused: the policy refuses it where {}, or where that cannot be told for \
         certain.",
        all(&check.conditions)
    )
}

/// For a limit without tokens.
pub(crate) fn limited(limit: &Limit, tool: &str, retry_after_ms: Option<u64>) -> String {
    let wait = retry_after_ms.map(|ms| ms.div_ceil(1000).max(1));
    if let Some(text) = &limit.on_deny {
        return match wait {
            Some(seconds) => format!("{text} Try again in {seconds} s."),
            None => text.clone(),
        };
    }
    let rate = format!("{} {}", limit.max, window(limit.window_ms));
    let counter = &limit.counter;
    match wait {
        Some(seconds) => format!(
            "{tool} is over its limit of {rate}; try again in {seconds} s (counter {counter})."
        ),
        None => format!(
            "{tool} is over its limit of {rate}; waiting does not help (counter {counter})."
        ),
    }
}

/// For a limit whose `per` has too many values at once.
pub(crate) fn too_many_buckets(limit: &Limit, tool: &str, retry_after_ms: Option<u64>) -> String {
    let argument = limit.per.as_ref().map_or("the argument", Argument::text);
    let wait = retry_after_ms.map_or_else(
        || "waiting does not help".to_owned(),
        |ms| format!("try again in {} s", ms.div_ceil(1000).max(1)),
    );
    format!(
        "{tool} was refused: {argument} has had too many different values; {wait} (counter {}).",
        limit.counter
    )
}

/// For `concurrent`.
pub(crate) fn too_many_in_flight(concurrent: &Concurrent, tool: &str) -> String {
    match concurrent.max {
        0 => format!("{tool} was refused: the policy lets no call of it be in flight."),
        max => format!(
            "{tool} was refused: as many calls as the policy allows at once ({max}) are in \
             flight; try again when one is over."
        ),
    }
}

/// For `approval`.
pub(crate) fn held(approval: &Approval, tool: &str) -> String {
    match &approval.reason {
        Some(reason) => format!("{tool} waits for a person's approval: {reason}"),
        None => format!("{tool} waits for a person's approval."),
    }
}

/// "a minute", "in 2 hours".
pub(crate) fn window(ms: u64) -> String {
    let seconds = ms / 1000;
    for (unit, article, length) in [
        ("week", "a", 604_800),
        ("day", "a", 86_400),
        ("hour", "an", 3600),
        ("minute", "a", 60),
        ("second", "a", 1),
    ] {
        if seconds == length {
            return format!("{article} {unit}");
        }
        if seconds.is_multiple_of(length) && seconds > 0 {
            return format!("in {} {unit}s", seconds / length);
        }
    }
    format!("in {ms} ms")
}

fn all(conditions: &[Condition]) -> String {
    let sentences: Vec<String> = conditions.iter().map(sentence).collect();
    sentences.join(" and ")
}

fn sentence(condition: &Condition) -> String {
    let Condition {
        path_text,
        value_text,
        op_text,
        ..
    } = condition;
    let verb = match (*op_text, value_text.as_str()) {
        ("exists", "true") => return format!("{path_text} is present"),
        ("exists", _) => return format!("{path_text} is absent"),
        ("eq", _) => "is",
        ("neq", _) => "is not",
        ("in", _) => "is one of",
        ("not_in", _) => "is none of",
        ("lt", _) => "is below",
        ("lte", _) => "is at most",
        ("gt", _) => "is above",
        ("gte", _) => "is at least",
        ("regex", _) => "matches",
        ("not_regex", _) => "does not match",
        ("contains", _) => "contains",
        ("starts_with", _) => "starts with",
        ("ends_with", _) => "ends with",
        ("length_lte", _) => "has a length of at most",
        ("cidr", _) => "is an address in",
        ("host_in", _) => "is a URL with a host of",
        (other, _) => other,
    };
    format!("{path_text} {verb} {value_text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LimitScope, Refill};

    fn limit(max: u64, window_ms: u64, on_deny: Option<&str>) -> Limit {
        Limit {
            counter: "c".to_owned(),
            rule: "/tools/t/limits/c".to_owned(),
            window_ms,
            max,
            scope: LimitScope::Grant,
            refill: Refill::Sliding,
            per: None,
            cost: None,
            on_deny: on_deny.map(str::to_owned),
            mode: crate::Mode::Enforce,
        }
    }

    #[test]
    fn a_limit_says_what_it_is_and_when_to_try_again() {
        for (max, window_ms, wait, expected) in [
            (
                10,
                60_000,
                Some(41_001),
                "t is over its limit of 10 a minute; try again in 42 s (counter c).",
            ),
            (
                1,
                1000,
                Some(1),
                "t is over its limit of 1 a second; try again in 1 s (counter c).",
            ),
            (
                5,
                3_600_000,
                Some(2000),
                "t is over its limit of 5 an hour; try again in 2 s (counter c).",
            ),
            (
                5,
                90_000,
                Some(2000),
                "t is over its limit of 5 in 90 seconds; try again in 2 s (counter c).",
            ),
            (
                5,
                7_200_000,
                Some(2000),
                "t is over its limit of 5 in 2 hours; try again in 2 s (counter c).",
            ),
            (
                0,
                604_800_000,
                None,
                "t is over its limit of 0 a week; waiting does not help (counter c).",
            ),
        ] {
            assert_eq!(limited(&limit(max, window_ms, None), "t", wait), expected);
        }
        let with_text = limit(1, 1000, Some("Builds are dear."));
        assert_eq!(
            limited(&with_text, "t", Some(41_001)),
            "Builds are dear. Try again in 42 s."
        );
        assert_eq!(limited(&with_text, "t", None), "Builds are dear.");
    }
}
