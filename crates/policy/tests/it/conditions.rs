//! What each condition comes to: the tables of `tests/conditions`, and what they cannot say.

use std::collections::{BTreeSet, HashSet};

use domain::{Tool, ToolClass};
use json::Document;
use policy::GrantFacts;

use crate::common::{BOUNDS, classed, engine, judge, judge_at, tool, with, with_block};

const GRID: &str = include_str!("../conditions/grid.jsonl");
const CASES: &str = include_str!("../conditions/cases.jsonl");

/// The raw text of a line's fields, in this order.
const FIELDS: [&str; 4] = ["path", "op", "value", "args"];
/// What a line says of a check with its condition, and that check.
const SENSES: [(&str, &str, &str); 3] = [
    ("require", "require", ""),
    ("deny_if", "deny_if", ""),
    ("deny_if_missing_pass", "deny_if", r#","missing":"pass""#),
];

/// Each line of the tables decides as it says, in each sense a check can have.
#[test]
fn every_operator_meets_every_type_at_every_kind_of_place() {
    let mut seen = HashSet::new();
    let mut operators = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in GRID.lines().chain(CASES.lines()) {
        let document = Document::parse(line.as_bytes(), BOUNDS).expect("a line is JSON");
        let root = document.root();
        let raw = FIELDS.map(|field| root.get(field).map_or("", |value| value.raw()));
        let [path, op, value, arguments] = raw;
        assert!(seen.insert(raw.map(str::to_owned)), "twice: {line}");
        operators.insert(op.to_owned());
        for (sense, field, extra) in SENSES {
            let block = format!(
                r#"{{"{field}":[{{"conditions":[{{"path":{path},"op":{op},"value":{value}}}]{extra}}}]}}"#
            );
            let expected = root.get(sense).expect("every line says it");
            let expected = match expected.as_str().as_deref() {
                Some("pass") => "allow".to_owned(),
                Some("refuse") if field == "require" => {
                    "require_failed /tools/t/require/0".to_owned()
                }
                Some("refuse") => "deny_if /tools/t/deny_if/0".to_owned(),
                other => panic!("{other:?} in {line}"),
            };
            let got = judge(&engine(&with_block(&block), None), "t", arguments);
            if got != expected {
                wrong.push(format!("{sense}: {got} and not {expected}: {line}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(operators.len(), 17, "every operator is in the tables");
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

/// Nobody can say what hints an unreadable definition has, not even that there is none.
#[test]
fn annotations_of_a_definition_that_cannot_be_read_are_undecided() {
    let readable = Tool {
        definition: r#"{"annotations":{}}"#.to_owned(),
        ..tool("t")
    };
    let twice = Tool {
        definition: r#"{"annotations":{},"annotations":{"destructiveHint":true}}"#.to_owned(),
        ..tool("t")
    };
    let condition = |value| {
        format!(
            r#"{{"conditions":[{{"path":"tool.annotations.destructiveHint","op":"exists","value":{value}}}]"#
        )
    };
    let require = with_block(&format!(r#"{{"require":[{}}}]}}"#, condition(false)));
    let passes = with_block(&format!(
        r#"{{"deny_if":[{},"missing":"pass"}}]}}"#,
        condition(true)
    ));
    for (document, refused) in [
        (require, "require_failed /tools/t/require/0"),
        (passes, "deny_if /tools/t/deny_if/0"),
    ] {
        let known = engine(&document, Some(std::slice::from_ref(&readable)));
        assert_eq!(judge(&known, "t", "{}"), "allow");
        let unknown = engine(&document, Some(std::slice::from_ref(&twice)));
        assert_eq!(judge(&unknown, "t", "{}"), refused);
    }
}
