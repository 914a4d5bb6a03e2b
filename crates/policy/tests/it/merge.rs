//! Rules that are put into a policy.

use domain::{Tool, ToolClass};
use json::Document;
use policy::{
    Call, Effect, Engine, GrantFacts, MergeError, Merged, Mode, Policy, Verdict, diff, merge,
};
use proptest::prelude::*;

use crate::{
    common::{BOUNDS, classed, tool},
    random,
};

fn merged(document: &str, rule: &str, inventory: Option<&[Tool]>) -> Merged {
    merge(document, rule, inventory).unwrap_or_else(|error| panic!("{error}\n{document}\n{rule}"))
}

/// A document with these members.
fn document(members: &str) -> String {
    format!("{{ \"version\": \"1\", \"default\": \"deny\", {members} }}")
}

/// What is added to one block, and said of that.
fn block(own: &str, rule: &str) -> (String, Vec<String>) {
    let whole = |block: &str| document(&format!("\"tools\": {{ \"t\": {block} }}"));
    let merged = merged(&whole(own), &whole(rule), None);
    let lead = document("\"tools\": { \"t\": @ } ");
    let (before, after) = lead.split_once("@ } ").expect("a place");
    let after = format!(" }}{after}");
    let text = merged
        .document
        .strip_prefix(before)
        .and_then(|it| it.strip_suffix(&after));
    let text = text
        .unwrap_or_else(|| panic!("{}", merged.document))
        .to_owned();
    (text, merged.notes)
}

#[test]
fn a_block_gets_the_restrictions_of_both() {
    let check = |value: &str| {
        format!(
            "{{ \"conditions\": [{{ \"path\": \"args.a\", \"op\": \"eq\", \"value\": {value} }}] }}"
        )
    };
    let (one, two) = (check("1"), check("2"));
    for (own, rule, expected, notes) in [
        ("{}", r#"{ "rate_limit": { "max": 3, "window": "minute" } }"#,
            r#"{ "rate_limit": { "max": 3, "window": "minute" } }"#.to_owned(), &[][..]),
        (&*format!(r#"{{ "deny_if":[{one}] }}"#), &format!(r#"{{ "deny_if": [{two}, {one}] }}"#),
            format!(r#"{{ "deny_if":[{one}, {two}] }}"#), &[]),
        (r#"{ "rate_limit": { "max": 5, "window": 60 } }"#, r#"{ "rate_limit": { "max": 9, "window": "minute" } }"#,
            r#"{ "rate_limit": { "max": 5, "window": 60 } }"#.to_owned(), &[]),
        (r#"{ "rate_limit": { "max": 5, "window": 60 } }"#, r#"{ "rate_limit": { "max": 2, "window": "minute" } }"#,
            r#"{ "rate_limit": { "max": 2, "window": 60 } }"#.to_owned(),
            &["`t` has a rate limit of 2 now, which was 5."]),
        (r#"{ "rate_limit": { "max": 5, "window": 60 } }"#, r#"{ "rate_limit": { "max": 20, "window": "hour" } }"#,
            r#"{ "rate_limit": { "max": 5, "window": 60 }, "limits": [{ "counter": "t_rate", "window": "hour", "max": 20 }] }"#.to_owned(), &[]),
        ("{ }", r#"{ "action": "deny", "reason": "No." }"#, r#"{ "action": "deny", "reason": "No." }"#.to_owned(),
            &["`t` was let through here under its rules and is refused now."]),
        (r#"{ "action":"deny" }"#, r#"{ "max_result_bytes": 9 }"#, r#"{ "action":"deny", "max_result_bytes": 9 }"#.to_owned(),
            &["`t` is refused here and stays so, though the rule would let calls through; its limits and checks were added."]),
        (r#"{ "max_result_bytes": 9 }"#, r#"{ "max_result_bytes": 10 }"#, r#"{ "max_result_bytes": 9 }"#.to_owned(), &[]),
        (r#"{ "max_result_bytes": 9 }"#, r#"{ "max_result_bytes": 8 }"#, r#"{ "max_result_bytes": 8 }"#.to_owned(), &[]),
        (r#"{ "validate": "schema" }"#, r#"{ "validate": { "required_args": true } }"#, r#"{ "validate": "schema" }"#.to_owned(),
            &["`t` has `validate` already; the rule's was left out."]),
        (r#"{ "limits": [{ "counter": "c", "window": "minute", "max": 5 }] }"#,
            r#"{ "limits": [{ "counter": "c", "window": "minute", "max": 5, "on_deny": "x" }, { "counter": "d", "window": "minute", "max": 1 }] }"#,
            r#"{ "limits": [{ "counter": "c", "window": "minute", "max": 5 }, { "counter": "d", "window": "minute", "max": 1 }] }"#.to_owned(), &[]),
        (r#"{ "limits": [{ "counter": "c", "window": "minute", "max": 5 }] }"#,
            r#"{ "limits": [{ "counter": "c", "window": "minute", "max": 6 }] }"#,
            r#"{ "limits": [{ "counter": "c", "window": "minute", "max": 5 }, { "counter": "c_2", "window": "minute", "max": 6 }] }"#.to_owned(),
            &["The rule's counter `c` counts as `c_2` here: the policy has a `c` that counts otherwise."]),
    ] {
        let (text, said) = block(own, rule);
        assert_eq!(text, expected);
        assert_eq!(said, notes, "{text}");
    }
}

#[test]
fn every_other_byte_stays() {
    let own = "{\r\n\t\"version\":\"1\" ,\"default\" : \"deny\",\r\n\t\"tools\": {\r\n\t\t\"b\": {\"max_result_bytes\":1000}\r\n\t}\r\n}\r\n";
    let rule = document(r#""tools": { "a": { "rate_limit": { "max": 1, "window": "minute" } } }"#);
    let merged = merged(own, &rule, None);
    assert_eq!(
        merged.document,
        "{\r\n\t\"version\":\"1\" ,\"default\" : \"deny\",\r\n\t\"tools\": {\r\n\t\t\"b\": {\"max_result_bytes\":1000},\r\n\t\t\"a\": { \"rate_limit\": { \"max\": 1, \"window\": \"minute\" } }\r\n\t}\r\n}\r\n"
    );
    assert_eq!(merged.notes, [""; 0]);
}

/// An entry of its own would take the tool out of the glob's rules, or its class's.
#[test]
fn a_tool_keeps_what_applied_to_it() {
    let own = document(
        r#""classes": { "read": { "max_result_bytes": 9 }, "execute": { "action": "deny" } }, "tools": { "get_*": { "rate_limit": { "max": 5, "window": "hour" } } },
           "tests": [{ "name": "six", "tool": "get_a", "repeat": 6, "expect": "deny", "rule": "/tools/get_*/rate_limit" }]"#,
    );
    let rule = |name: &str| {
        format!(
            r#"{{ "{name}": {{ "limits": [{{ "counter": "n", "window": "day", "max": 8 }}] }} }}"#
        )
    };
    let got = merged(&own, &rule("get_a"), None);
    assert!(got.document.contains(r#""get_a": {"#), "{}", got.document);
    let inventory = [
        classed("get_a", ToolClass::Read),
        classed("list", ToolClass::Read),
    ];
    let policy = Policy::parse(&got.document).expect("valid");
    assert!(
        policy
            .run_tests(Some(&inventory))
            .iter()
            .all(|it| it.passed),
        "{}",
        got.document
    );
    assert!(
        got.document.contains("/tools/get_a/rate_limit"),
        "the test follows"
    );
    let by_class = merged(&own, &rule("list"), Some(&inventory));
    assert!(
        by_class
            .document
            .contains(r#""list": { "max_result_bytes": 9, "limits""#),
        "{}",
        by_class.document
    );
    let unknown = merged(&own, &rule("list"), None);
    assert!(
        unknown.document.contains(r#""action": "deny""#),
        "{}",
        unknown.document
    );
    let glob = merged(&own, &rule("get_s*"), None);
    assert!(
        glob.document.contains(r#""get_s*": {"#) && glob.notes.len() == 1,
        "{glob:?}"
    );
    let same = merged(&got.document, &rule("get_a"), None);
    assert_eq!(same.document, got.document);
}

#[test]
fn what_is_hidden_stays_hidden_and_what_the_rule_hides_is_hidden() {
    let own = document(r#""hide": ["x*"], "tools": { "run": {} }"#);
    let rule = document(
        r#""hide": ["run", "xy"], "tools": { "x1": {} }, "tests": [{ "name": "n", "tool": "run", "expect": "hide", "rule": "/hide/0" }]"#,
    );
    let got = merged(&own, &rule, None);
    assert!(
        got.document.contains(r#""hide": ["x*", "run"]"#),
        "{}",
        got.document
    );
    assert!(
        got.document.contains(r#""rule": "/hide/1""#),
        "{}",
        got.document
    );
    assert!(!got.document.contains("x1"));
    assert_eq!(
        got.notes,
        [
            "`x1` is hidden here by `x*` and stays so; its rules were left out.",
            "`run` has rules here that do not apply while it is hidden."
        ]
    );
}

/// Where a tool is left out, nothing of the rule takes it from the rules that it has, and a second
/// merge does not find a way in through what the first one added.
#[test]
fn what_is_left_out_stays_out() {
    let classes = r#""classes": { "read": { "concurrent": { "max": 1 } }, "execute": { "concurrent": { "max": 1, "scope": "server" } } }"#;
    let rates = r#""tools": { "*": { "rate_limit": { "max": 1, "window": "hour" } }, "g*a": { "rate_limit": { "max": 1, "window": "minute" } } }"#;
    let approvals = r#""classes": { "read": { "approval": {} } }, "tools": { "*_b": { "approval": { "mode": "shadow" } } }"#;
    let unclassed = [tool("x"), tool("drop-db")];
    let both = r#"{ "tools": { "get_*": {}, "get_a": {} } }"#;
    for (own, rule, inventory, left_out) in [
        (classes, both, Some(&unclassed[..]), &["get_a", "get_*"][..]),
        (classes, both, None, &["get_a", "get_*"]),
        (
            rates,
            r#"{ "hide": ["get_*"], "tools": { "get_*": {}, "*_b": {} } }"#,
            None,
            &["get_*"],
        ),
        (
            approvals,
            r#"{ "tools": { "drop*": {}, "drop-db": {} } }"#,
            Some(&unclassed),
            &["drop*"],
        ),
    ] {
        let once = merged(&document(own), rule, inventory);
        for name in left_out {
            let entry = format!("\"{name}\": {{");
            assert!(!once.document.contains(&entry), "{}", once.document);
            let said = format!("`{name}`");
            assert!(
                once.notes.iter().any(|note| note.contains(&said)),
                "{:?}",
                once.notes
            );
        }
        let twice = merged(&once.document, rule, inventory);
        assert_eq!(twice.document, once.document, "{rule}");
    }
}

#[test]
fn tests_come_along_where_they_hold() {
    let own = document(
        r#""tools": { "t": { "deny_if": [{ "conditions": [{ "path": "args.x", "op": "exists", "value": true }] }] } },
           "tests": [{ "name": "passes", "tool": "t", "args": { "b": 1 }, "expect": "allow" }]"#,
    );
    let rule = document(
        r#""tools": { "t": { "deny_if": [{ "conditions": [{ "path": "args.b", "op": "exists", "value": true }] }] } },
           "tests": [{ "name": "b", "tool": "t", "args": { "b": 1 }, "expect": "deny", "rule": "/tools/t/deny_if/0" },
                     { "name": "x", "tool": "t", "args": { "x": 1 }, "expect": "allow" }]"#,
    );
    let got = merged(&own, &rule, None);
    assert!(
        got.document.contains("/tools/t/deny_if/1"),
        "{}",
        got.document
    );
    assert!(!got.document.contains("\"name\": \"x\""));
    assert_eq!(
        got.notes,
        [
            "A test of the rule was left out: the test \"x\" expects allow, and what came out is deny by /tools/t/deny_if/0 (deny_if).",
            "A test of the policy fails now, so one of the two has to change: the test \"passes\" expects allow, and what came out is deny by /tools/t/deny_if/1 (deny_if)."
        ]
    );
}

#[test]
fn parts_of_a_document_are_understood() {
    let own = document(r#""tools": {}"#);
    for rule in [
        r#"{"t":{"max_result_bytes":9}}"#,
        r#""t":{"max_result_bytes":9}"#,
        r#"  "t":{"max_result_bytes":9},  "#,
        r#"{"tools":{"t":{"max_result_bytes":9}}}"#,
        r#""tools":{"t":{"max_result_bytes":9}}"#,
        r#"{"version":"1","tools":{"t":{"max_result_bytes":9}}}"#,
        r#"{"default":"deny","tools":{"t":{"max_result_bytes":9}}}"#,
    ] {
        let got = merged(&own, rule, None);
        let expected = document(r#""tools": { "t": { "max_result_bytes": 9 } }"#);
        assert_eq!(got.document, expected, "{rule}");
        assert_eq!(got.notes, [""; 0]);
    }
    for rule in [
        "",
        " ",
        "{}",
        "[]",
        "1",
        "\"t\"",
        "{\"max\":1}",
        "[{\"a\":{}}]",
    ] {
        let error = merge(&own, rule, None).expect_err(rule);
        assert!(matches!(error, MergeError::NoRule(_)), "{rule}: {error:?}");
    }
    for rule in [
        "{\"t\":{\"max\":1}}",
        "{",
        "{\"version\":\"2\",\"default\":\"deny\"}",
    ] {
        let error = merge(&own, rule, None).expect_err(rule);
        assert!(matches!(error, MergeError::Rule(_)), "{rule}: {error:?}");
    }
    let error = merge("{", "{\"t\":{}}", None).expect_err("no document");
    assert!(
        error
            .to_string()
            .starts_with("The policy has to be mended first: line 1, column 2")
    );
}

/// The least that a policy may be and the most that it may hold.
#[test]
fn together_they_may_be_too_much() {
    let check = |n: usize| {
        format!(r#"{{ "conditions": [{{ "path": "args.a", "op": "eq", "value": {n} }}] }}"#)
    };
    let checks = |range: std::ops::Range<usize>| range.map(check).collect::<Vec<_>>().join(",");
    let whole = |range| {
        document(&format!(
            r#""tools": {{ "t": {{ "deny_if": [{}] }} }}"#,
            checks(range)
        ))
    };
    let error = merge(&whole(0..40), &whole(40..80), None).expect_err("80 checks");
    assert!(matches!(error, MergeError::Together(_)), "{error:?}");
    assert!(merge(&whole(0..40), &whole(0..64), None).is_ok());
}

const GRANT: GrantFacts<'static> = GrantFacts {
    label: "test",
    identity: None,
    labels: &[],
};

/// One bound on a call.
#[derive(Debug)]
struct Bound {
    /// Whose counter it is and how it counts.
    bucket: String,
    window_ms: u64,
    max: u64,
}

impl Bound {
    fn of(limit: &policy::Limit) -> Self {
        let per = limit.per.as_ref().map(policy::Argument::text);
        let cost = limit.cost.as_ref().map(policy::Argument::text);
        Self {
            bucket: format!(
                "{} {:?} {:?} {per:?} {cost:?}",
                limit.counter, limit.scope, limit.refill
            ),
            window_ms: limit.window_ms,
            max: limit.max,
        }
    }

    /// Whether what passes here would have passed there: no more in a time that is no shorter. Only
    /// a sliding window says something of the shorter times in it.
    fn is_within(&self, other: &Self) -> bool {
        let longer = self.window_ms > other.window_ms && self.bucket.contains("Sliding");
        self.bucket == other.bucket
            && self.max <= other.max
            && (longer || self.window_ms == other.window_ms)
    }
}

/// What holds a call: its limits, or nothing where it is refused. None where no rule speaks of it.
fn judged(engine: &Engine, call: &Call<'_>) -> Option<Option<Vec<Bound>>> {
    Some(match engine.judge(call).verdict {
        Verdict::Refuse(refusal) => match refusal.rule.as_deref() {
            Some("/default") | None => return None,
            _ => None,
        },
        Verdict::Pass(pass) => {
            let limits = pass
                .limits
                .iter()
                .filter(|limit| limit.mode == Mode::Enforce);
            Some(limits.map(Bound::of).collect())
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever is merged into whatever: the result is a policy, merging again changes nothing, no
    /// call of a tool that had rules passes that was refused, none is bounded by less, and the diff
    /// says nowhere that an entry which was there loosens.
    #[test]
    fn merging_only_ever_restricts_what_is_there(
        (one, other) in random::two_documents(),
        unlike in random::document(),
        use_unlike in any::<bool>(),
        inventory in random::inventory(),
        with_inventory in any::<bool>(),
        calls in prop::collection::vec((prop::sample::select(random::NAMES.to_vec()), random::arguments()), 1..12),
    ) {
        let own = serde_json::to_string_pretty(&one).expect("JSON");
        let rule = if use_unlike { unlike } else { other }.to_string();
        let tools = with_inventory.then_some(&inventory[..]);
        let Ok(got) = merge(&own, &rule, tools) else { return Ok(()) };
        let (old, new) = (Policy::parse(&own).expect("merged"), Policy::parse(&got.document));
        let new = new.map_err(|faults| TestCaseError::fail(format!("{faults:#?}\n{}", got.document)))?;
        let again = merge(&got.document, &rule, tools).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&again.document, &got.document, "{}\n{}", own, rule);

        let (before, after) = (Engine::compile(&old, tools), Engine::compile(&new, tools));
        for (name, arguments) in &calls {
            let arguments = Document::parse(arguments.as_bytes(), BOUNDS).expect("JSON");
            let class = inventory.iter().find(|tool| tool.name == *name).and_then(|tool| tool.class);
            let call = Call {
                tool: name,
                arguments: Some(arguments.root()),
                grant: GRANT,
                class: class.filter(|_| with_inventory),
                now_unix_ms: 0,
            };
            let Some(was) = judged(&before, &call) else { continue };
            let is = judged(&after, &call).flatten();
            match (&was, &is) {
                (None, Some(_)) => prop_assert!(false, "{name} passes now\n{own}\n{rule}\n{}", got.document),
                (Some(was), Some(is)) => for bound in was {
                    let held = is.iter().any(|limit| limit.is_within(bound));
                    prop_assert!(held, "{name} is no longer held by {bound:?}\n{own}\n{rule}\n{}", got.document);
                },
                _ => {}
            }
        }
        for change in diff(Some(&old), &new, tools) {
            let had = change.before.is_some();
            prop_assert!(change.effect != Effect::Loosens || !had, "{change:#?}\n{own}\n{rule}\n{}", got.document);
        }
    }

    #[test]
    fn nothing_that_is_pasted_panics(own in "\\PC{0,40}|[{}\\[\\]:,\"a-z ]{0,40}", rule in "\\PC{0,40}|[{}\\[\\]:,\"a-z ]{0,40}") {
        drop(merge(&own, &rule, None));
        drop(merge(r#"{"version":"1","default":"deny"}"#, &rule, Some(&[tool("a")])));
    }
}
