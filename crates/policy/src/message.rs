//! What a model reads when a call is refused: what was refused, by which rule in words, and what
//! would be let through or when. Never a way around.

use domain::{ToolClass, audit::Code};

use crate::{
    amount::Unusable,
    input_schema::Unsound,
    limit::{Approval, Argument, Concurrent, Limit},
    rules::{Check, Condition, Place, Rules, Validate},
    truth::Truth,
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

/// For arguments that `validate` refuses.
pub(crate) fn unsound(tool: &str, unsound: &Unsound) -> String {
    match unsound {
        Unsound::Invalid(what) => {
            format!("{tool} was refused: by the tool's own schema, {what}.")
        }
        Unsound::Unavailable(why) => format!(
            "{tool} was refused: the policy checks its arguments against the tool's own schema, \
             which cannot be used: {why}."
        ),
    }
}

/// What `validate` found, for whoever looks on.
pub(crate) const fn sound(what: Validate) -> &'static str {
    match what {
        Validate::Schema => "The arguments satisfy the tool's schema.",
        Validate::RequiredArguments => "All that the tool's schema requires is there.",
    }
}

/// For a limit whose `per` or `cost` cannot be used.
pub(crate) fn unmeasured(tool: &str, limit: &Limit, unusable: &Unusable<'_>) -> String {
    format!(
        "{tool} was refused: {} must be {}, since a limit goes by it (counter {}).",
        unusable.argument.text(),
        unusable.wanted,
        limit.counter
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

/// Why a call gets the answer for a tool that does not exist. For whoever looks on, never for the
/// model.
pub(crate) fn not_there(code: Code) -> &'static str {
    match code {
        Code::Hidden => "`hide` takes this tool away.",
        Code::DefaultDeny => "No block matches this tool, and `default` is `deny`.",
        _ => {
            "The server's inventory has no tool of this name, or its name could be taken for that \
             of a tool that is hidden or refused."
        }
    }
}

/// Where no block matches.
pub(crate) const DEFAULT_ALLOWS: &str = "No block matches this tool, and `default` is `allow`.";

/// Which block applies, and why this one.
pub(crate) fn applies(rules: &Rules, place: Place, class: Option<ToolClass>) -> String {
    match (place, class) {
        (Place::Tool(at), _) if rules.tools[at].0.is_exact() => {
            "An entry of `tools` names this tool exactly.".to_owned()
        }
        (Place::Tool(at), _) => format!(
            "No entry of `tools` names this tool exactly, and of those that match it `{}` has the \
             longest literal text.",
            rules.tools[at].0.text()
        ),
        (Place::Class(_), Some(class)) => {
            format!("No entry of `tools` matches this tool, and its class is `{class}`.")
        }
        (Place::Class(_), None) => "No entry of `tools` matches this tool, and its class is not \
                                    known, so every class block applies."
            .to_owned(),
    }
}

/// What a check came to, and what that means in its sense.
pub(crate) const fn came_to(require: bool, truth: Truth, refuses: bool) -> &'static str {
    match (require, truth, refuses) {
        (true, Truth::True, _) => "It holds.",
        (true, Truth::False, _) => "It does not hold.",
        (true, _, _) => "It cannot be told whether it holds, so it counts as if it did not.",
        (false, Truth::True, _) => "It fires.",
        (false, Truth::False, _) => "It does not fire.",
        (false, _, false) => "What it looks at is missing, and `missing` is `pass`.",
        (false, _, true) => "It cannot be told whether it fires, so it counts as if it did.",
    }
}

/// What `when` of an approval came to.
pub(crate) const fn asks(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "A person must approve the call.",
        Truth::False => "`when` does not hold, so nobody has to approve the call.",
        Truth::Missing | Truth::Wrong => {
            "It cannot be told whether `when` holds, so a person must approve the call."
        }
    }
}

pub(crate) fn all(conditions: &[Condition]) -> String {
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
