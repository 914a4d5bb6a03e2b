//! What each condition comes to, from two tables, in each sense a check can have.

use domain::{Tool, ToolClass};
use policy::GrantFacts;

use crate::common::{classed, engine, judge, judge_at, with, with_block};

/// Lines of a table, split at its bars.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split(" | ").map(str::trim).collect())
}

/// Tries one condition in `require`, in `deny_if`, and there with `missing: pass`.
fn try_each_sense(condition: &str, arguments: &str, require: &str, deny_if: &str) {
    let arguments = if arguments == "-" { "" } else { arguments };
    let check = |extra: &str| format!(r#"[{{"conditions":[{condition}]{extra}}}]"#);
    for (field, extra, through, refused) in [
        (
            "require",
            "",
            require == "T",
            "require_failed /tools/t/require/0",
        ),
        ("deny_if", "", deny_if == "F", "deny_if /tools/t/deny_if/0"),
        (
            "deny_if",
            r#","missing":"pass""#,
            deny_if == "F" || deny_if == "M",
            "deny_if /tools/t/deny_if/0",
        ),
    ] {
        let block = format!(r#"{{"{field}":{}}}"#, check(extra));
        let engine = engine(&with_block(&block), None);
        let expected = if through { "allow" } else { refused };
        let got = judge(&engine, "t", arguments);
        assert_eq!(got, expected, "{field}{extra} {condition} of {arguments}");
    }
}

#[test]
fn every_operator_meets_every_type() {
    let mut operators = std::collections::BTreeSet::new();
    for row in rows(include_str!("conditions.txt")) {
        let [op, value, x, truth] = row[..] else {
            panic!("{row:?}")
        };
        operators.insert(op);
        let arguments = if x == "-" {
            "{}".to_owned()
        } else {
            format!(r#"{{"x":{x}}}"#)
        };
        let condition = format!(r#"{{"path":"args.x","op":"{op}","value":{value}}}"#);
        try_each_sense(&condition, &arguments, truth, truth);
    }
    assert_eq!(operators.len(), 17, "every operator is in the table");
}

#[test]
fn every_form_of_path_is_followed() {
    for row in rows(include_str!("paths.txt")) {
        let [path, op, value, arguments, require, deny_if] = row[..] else {
            panic!("{row:?}")
        };
        let path = path.replace('"', "\\\"");
        let condition = format!(r#"{{"path":"{path}","op":"{op}","value":{value}}}"#);
        try_each_sense(&condition, arguments, require, deny_if);
    }
}

/// A check is false if any condition is false, else undecided if any is, else true.
#[test]
fn conditions_are_joined_and_missing_passes_only_what_is_missing() {
    // Conditions on a, b and c: each true of 1, false of 2, missing of null, wrong of "1".
    let condition = |key| format!(r#"{{"path":"args.{key}","op":"eq","value":1}}"#);
    let all = ["a", "b"].map(condition).join(",");
    let values = [("1", 'T'), ("2", 'F'), ("null", 'M'), ("\"1\"", 'W')];
    for (a, truth_a) in values {
        for (b, truth_b) in values {
            let arguments = format!(r#"{{"a":{a},"b":{b}}}"#);
            let truths = [truth_a, truth_b];
            let any_false = truths.contains(&'F');
            let all_true = truths == ['T', 'T'];
            let only_missing = truths == ['M', 'M'];
            for (block, through) in [
                (
                    format!(r#"{{"require":[{{"conditions":[{all}]}}]}}"#),
                    all_true,
                ),
                (
                    format!(r#"{{"deny_if":[{{"conditions":[{all}]}}]}}"#),
                    any_false,
                ),
                (
                    format!(r#"{{"deny_if":[{{"conditions":[{all}],"missing":"pass"}}]}}"#),
                    any_false || only_missing,
                ),
            ] {
                let engine = engine(&with_block(&block), None);
                let got = judge(&engine, "t", &arguments);
                assert_eq!(got == "allow", through, "{block} of {arguments}: {got}");
            }
        }
    }
}

#[test]
fn the_clock_is_utc() {
    let block = r#"{"require":[{"conditions":[
        {"path":"time.utc.weekday","op":"not_in","value":["sat","sun"]},
        {"path":"time.utc.hour","op":"gte","value":9},{"path":"time.utc.hour","op":"lt","value":17}]}]}"#;
    let engine = engine(&with_block(block), None);
    let refused = "require_failed /tools/t/require/0";
    // 2026-01-05 was a Monday.
    const MONDAY_MS: u64 = 1_767_571_200_000;
    const HOUR_MS: u64 = 3_600_000;
    for (hours, expected) in [
        (8, refused),
        (9, "allow"),
        (16, "allow"),
        (17, refused),
        (24 + 9, "allow"),
        (4 * 24 + 9, "allow"),
        (5 * 24 + 9, refused),
        (6 * 24 + 9, refused),
        (7 * 24 + 9, "allow"),
    ] {
        let now = MONDAY_MS + hours * HOUR_MS;
        assert_eq!(judge_at(&engine, "t", "", now), expected, "{hours} h");
    }
    assert_eq!(
        judge_at(&engine, "t", "", MONDAY_MS + 9 * HOUR_MS - 1),
        refused
    );
}

#[test]
fn class_and_annotations_come_from_the_inventory() {
    let block = r#"{"require":[{"conditions":[
        {"path":"tool.class","op":"in","value":["read","write"]},
        {"path":"tool.annotations.destructiveHint","op":"eq","value":false}]}]}"#;
    let policy = with_block(block);
    let annotated = |annotations: &str, class| Tool {
        definition: format!(r#"{{"name":"t","annotations":{annotations}}}"#),
        ..classed("t", class)
    };
    let refused = "require_failed /tools/t/require/0";
    for (annotations, class, expected) in [
        (r#"{"destructiveHint":false}"#, ToolClass::Read, "allow"),
        (r#"{"destructiveHint":false}"#, ToolClass::Execute, refused),
        (r#"{"destructiveHint":true}"#, ToolClass::Read, refused),
        (r#"{"destructiveHint":"false"}"#, ToolClass::Read, refused),
        (r#"{"destructiveHint":null}"#, ToolClass::Read, refused),
        (r#"{"destructiveHint":[]}"#, ToolClass::Read, refused),
        (
            r#"{"destructiveHint":false,"destructive_hint":true}"#,
            ToolClass::Read,
            refused,
        ),
        (r#"{}"#, ToolClass::Read, refused),
        (r#""x""#, ToolClass::Read, refused),
    ] {
        let engine = engine(&policy, Some(&[annotated(annotations, class)]));
        assert_eq!(judge(&engine, "t", ""), expected, "{annotations} {class}");
    }
}

#[test]
fn a_grant_without_identity_has_a_missing_one() {
    let block =
        r#"{"deny_if":[{"conditions":[{"path":"grant.identity","op":"neq","value":"bot"}]}]}"#;
    let engine = engine(&with_block(block), None);
    let grant = |identity| GrantFacts {
        label: "l",
        identity,
        labels: &[],
    };
    assert_eq!(with(&engine, "t", "", grant(Some("bot")), 0), "allow");
    assert_eq!(
        with(&engine, "t", "", grant(Some("x")), 0),
        "deny_if /tools/t/deny_if/0"
    );
    assert_eq!(
        with(&engine, "t", "", grant(None), 0),
        "deny_if /tools/t/deny_if/0"
    );
}
