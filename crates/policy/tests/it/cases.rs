//! Tests inside a policy: what passes, what fails, and what its author is told.

use std::time::{Duration, Instant};

use domain::{Tool, ToolClass};
use policy::{Policy, check};

use crate::common::{classed, tools};

const RULES: &str = r#""hide":["gone"],"tools":{
    "rerun":{"limits":[{"counter":"c","window":"minute","max":10}]},
    "drop":{"action":"deny"},
    "build":{"require":[{"conditions":[{"path":"args.branch","op":"neq","value":"main"}]},
                        {"conditions":[{"path":"time.utc.hour","op":"lt","value":18}]}],
             "deny_if":[{"conditions":[{"path":"grant.label","op":"eq","value":"intern"}]},
                        {"conditions":[{"path":"grant.labels.team","op":"eq","value":"sales"}],"missing":"pass"},
                        {"conditions":[{"path":"grant.identity","op":"eq","value":"mallory"}],"missing":"pass"}]}}"#;

fn with_test(test: &str) -> String {
    format!(r#"{{"version":"1","default":"deny",{RULES},"tests":[{{"name":"n",{test}}}]}}"#)
}

/// What the one test of the document expects and gets; the second only where that fails it.
fn run(test: &str, inventory: Option<&[Tool]>) -> (String, Result<(), String>) {
    let document = with_test(test);
    let policy =
        Policy::parse(&document).unwrap_or_else(|faults| panic!("{document}\n{faults:#?}"));
    let outcomes = policy.run_tests(inventory);
    let [outcome] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        (outcome.pointer.as_str(), outcome.name.as_str()),
        ("/tests/0", "n")
    );
    let report = check(&document, inventory);
    assert_eq!(report.valid, outcome.passed, "a failing test is a fault");
    let result = match outcome.passed {
        true => Ok(()),
        false => Err(outcome.got.clone()),
    };
    (outcome.expected.clone(), result)
}

#[test]
fn tests_pass_and_fail_as_their_authors_would_expect() {
    let limit = "deny by /tools/rerun/limits/c (rate_limited)";
    for (test, failure) in [
        (r#""tool":"rerun","expect":"allow""#, None),
        (r#""tool":"rerun","expect":"deny""#, Some("allow")),
        (r#""tool":"rerun","repeat":10,"expect":"allow""#, None),
        (r#""tool":"rerun","repeat":11,"expect":"deny""#, None),
        (
            r#""tool":"rerun","repeat":10000,"expect":"deny","rule":"/tools/rerun/limits/c""#,
            None,
        ),
        (
            r#""tool":"rerun","repeat":11,"expect":"allow""#,
            Some(limit),
        ),
        (
            r#""tool":"rerun","repeat":11,"expect":"deny","rule":"/tools/rerun""#,
            Some(limit),
        ),
        (r#""tool":"rerun","repeat":11,"expect":"hide""#, Some(limit)),
        (r#""tool":"rerun","expect":"approval""#, Some("allow")),
        // A rule that let through has no name.
        (
            r#""tool":"rerun","expect":"allow","rule":"/tools/rerun""#,
            Some("allow"),
        ),
        (
            r#""tool":"drop","expect":"deny","rule":"/tools/drop/action""#,
            None,
        ),
        (
            r#""tool":"drop","expect":"hide""#,
            Some("deny by /tools/drop/action (denied)"),
        ),
        // What is hidden is refused too, whichever rule takes it away.
        (r#""tool":"gone","expect":"hide","rule":"/hide/0""#, None),
        (r#""tool":"gone","expect":"deny""#, None),
        (r#""tool":"other","expect":"hide","rule":"/default""#, None),
        (r#""tool":"other","expect":"deny""#, None),
        (
            r#""tool":"other","expect":"allow""#,
            Some("hide by /default (default_deny)"),
        ),
        // Arguments, the clock and the grant; without any it is noon, and nobody in particular.
        (
            r#""tool":"build","args":{"branch":"x"},"expect":"allow""#,
            None,
        ),
        (
            r#""tool":"build","expect":"deny","rule":"/tools/build/require/0""#,
            None,
        ),
        (
            r#""tool":"build","args":{"branch":"x"},"at":"2026-01-05T18:00:00Z","expect":"deny","rule":"/tools/build/require/1""#,
            None,
        ),
        (
            r#""tool":"build","args":{"branch":"x"},"at":"2026-01-05T18:00:00+02:00","expect":"allow""#,
            None,
        ),
        (
            r#""tool":"build","args":{"branch":"x"},"grant":{"label":"intern"},"expect":"deny","rule":"/tools/build/deny_if/0""#,
            None,
        ),
        (
            r#""tool":"build","args":{"branch":"x"},"grant":{"labels":{"team":"sales"}},"expect":"deny","rule":"/tools/build/deny_if/1""#,
            None,
        ),
        (
            r#""tool":"build","args":{"branch":"x"},"grant":{"identity":"mallory"},"expect":"deny","rule":"/tools/build/deny_if/2""#,
            None,
        ),
    ] {
        let failure = failure.map_or(Ok(()), |got: &str| Err(got.to_owned()));
        assert_eq!(run(test, None).1, failure, "{test}");
    }
}

#[test]
fn what_was_expected_is_told_with_its_rule() {
    let test = r#""tool":"drop","expect":"deny","rule":"/tools/drop/action""#;
    assert_eq!(run(test, None).0, "deny by /tools/drop/action");
    assert_eq!(run(r#""tool":"drop","expect":"deny""#, None).0, "deny");
}

#[test]
fn a_tool_that_the_inventory_does_not_have_is_unknown() {
    let document = |expect: &str| {
        format!(
            r#"{{"version":"1","default":"allow","tests":[{{"name":"n","tool":"nowhere","expect":"{expect}"}}]}}"#
        )
    };
    let inventory = tools(&["here"]);
    assert!(
        check(&document("allow"), None).valid,
        "offline every tool is known"
    );
    assert!(check(&document("hide"), Some(&inventory)).valid);
    assert!(check(&document("deny"), Some(&inventory)).valid);
    let report = check(&document("allow"), Some(&inventory));
    assert_eq!(report.faults[0].got.as_deref(), Some("hide (unknown_tool)"));
}

#[test]
fn a_failing_test_is_a_fault_at_its_place() {
    let document = r#"{
  "version": "1", "default": "allow",
  "tools": { "drop": { "action": "deny" } },
  "tests": [
    { "name": "reading is fine", "tool": "get", "expect": "allow" },
    { "name": "ä: dropping is fine", "tool": "drop", "expect": "allow" }, { "name": "getting is not",
      "tool": "get", "expect": "deny", "rule": "/tools/get/action" }
  ]
}"#;
    let report = check(document, None);
    assert!(!report.valid);
    let told: Vec<_> = report
        .faults
        .iter()
        .map(|f| {
            (
                f.code,
                f.pointer.as_str(),
                f.line,
                f.column,
                f.detail.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "test_failed",
                "/tests/1",
                6,
                5,
                "the test \"ä: dropping is fine\" expects allow, and what came out is deny by \
                 /tools/drop/action (denied)"
            ),
            (
                "test_failed",
                "/tests/2",
                6,
                75,
                "the test \"getting is not\" expects deny by /tools/get/action, and what came out \
                 is allow"
            ),
        ]
    );
    assert!(
        Policy::parse(document).is_ok(),
        "it is understood, and can be saved"
    );
}

/// With other faults nobody can say what a test would come to.
#[test]
fn tests_are_not_run_on_a_document_with_faults() {
    let document =
        r#"{"version":"1","default":"alow","tests":[{"name":"n","tool":"t","expect":"hide"}]}"#;
    let codes: Vec<_> = check(document, None)
        .faults
        .iter()
        .map(|f| f.code)
        .collect();
    assert_eq!(codes, ["bad_value"]);
}

/// Half a document of tests with arguments, each called many times, and half a document of
/// conditions that look at all of these.
fn laborious(argument_bytes: usize, pattern: &str) -> String {
    let condition = format!(r#"{{"path":"args.x","op":"not_regex","value":"{pattern}"}}"#);
    let checks = vec![format!(r#"{{"conditions":[{}]}}"#, vec![condition; 30].join(",")); 2];
    let test = format!(
        r#"{{"name":"n","tool":"t","args":{{"x":"{}"}},"repeat":10000,"expect":"allow"}}"#,
        "ab".repeat(argument_bytes / 2)
    );
    format!(
        r#"{{"version":"1","default":"deny","all_tools":{{"require":[{0}]}},
            "tools":{{"t":{{"require":[{0}]}}}},"tests":[{1}]}}"#,
        checks.join(","),
        vec![test; 500].join(",")
    )
}

#[test]
fn the_tests_of_a_document_take_little_time() {
    let start = Instant::now();
    let report = check(&laborious(50, "c$"), None);
    let took = start.elapsed();
    assert!(report.valid, "{:?}", report.faults.first());
    // Well under a second, unoptimised.
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// With patterns made to be slow this would take minutes.
#[test]
fn a_document_whose_tests_would_take_long_is_refused_before_they_run() {
    let document = laborious(150, "^(?:[ab]{0,30}[bc]){0,20}$");
    let report = check(&document, None);
    let codes: Vec<_> = report
        .faults
        .iter()
        .map(|f| (f.code, f.pointer.as_str()))
        .collect();
    assert_eq!(codes, [("too_many", "/tests")]);
    assert!(Policy::parse(&document).is_err());
}

#[test]
fn a_test_may_give_the_tool_another_class() {
    let document = r#"{"version":"1","default":"deny","classes":{"read":{},"write":{"action":"deny"}},
        "tests":[{"name":"as it is","tool":"t","expect":"allow"},
                 {"name":"as a write","tool":"t","class":"write","expect":"deny","rule":"/classes/write/action"},
                 {"name":"as an execute","tool":"t","class":"execute","expect":"hide","rule":"/default"}]}"#;
    let report = check(document, Some(&[classed("t", ToolClass::Read)]));
    assert!(report.valid, "{:#?}", report.faults);
}

/// What a test costs hangs also on how much a condition compares an argument with.
#[test]
fn tests_that_would_go_through_long_lists_are_refused_before_they_run() {
    let list = |one: &dyn Fn(usize) -> String| (0..5000).map(one).collect::<Vec<_>>().join(",");
    for (op, values, one) in [
        ("in", list(&|n| format!("{}", n + 1000)), "1,"),
        (
            "host_in",
            list(&|n| format!(r#""h{n}.example.com""#)),
            r#""http://a","#,
        ),
        (
            "cidr",
            list(&|n| format!(r#""10.{}.{}.0/24""#, n / 256, n % 256)),
            r#""1.1.1.1","#,
        ),
    ] {
        let x = format!("{}{}", one.repeat(100 / one.len()), &one[..one.len() - 1]);
        let test = format!(r#"{{"name":"n","tool":"t","args":{{"x":[{x}]}},"expect":"allow"}}"#);
        let document = |tests: usize| {
            format!(
                r#"{{"version":"1","default":"deny","tools":{{"t":{{"deny_if":[{{"conditions":[
                    {{"path":"args.x[*]","op":"{op}","value":[{values}]}}]}}]}}}},"tests":[{}]}}"#,
                vec![test.as_str(); tests].join(",")
            )
        };
        let report = check(&document(3), None);
        assert!(report.valid, "{op}: {:?}", report.faults.first());
        let report = check(&document(500), None);
        let codes: Vec<_> = report.faults.iter().map(|f| f.code).collect();
        assert_eq!(codes, ["too_many"], "{op}");
    }
}
