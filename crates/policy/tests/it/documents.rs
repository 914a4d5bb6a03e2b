//! `docs/policy.md` says what is true: its examples are read, its tests pass, and its calls are
//! judged.

use json::Document;
use policy::{Policy, check};

use crate::common::{BOUNDS, engine, judge_at, with_block};

const DOCS: &str = include_str!("../../../../docs/policy.md");
/// 2026-01-05 was a Monday; the examples are judged at 09:00.
const MONDAY_MORNING_MS: u64 = 1_767_603_600_000;

enum Part {
    /// The words after the fence's backticks, and the text.
    Example(String, String),
    /// The cells of a table's row.
    Row(Vec<String>),
}

fn parts() -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = DOCS.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            parts.push(Part::Example(info.to_owned(), body.join("\n")));
        } else if let Some(row) = line.strip_prefix('|') {
            let cells = row.trim_end_matches('|').split('|');
            parts.push(Part::Row(
                cells.map(|cell| cell.trim().to_owned()).collect(),
            ));
        }
    }
    parts
}

#[test]
fn every_example_is_read_and_every_call_in_it_judged_as_it_says() {
    let mut policy = None;
    let (mut examples, mut calls) = (0, 0);
    let mut judging = false;
    for part in parts() {
        match part {
            Part::Example(info, text) => {
                judging = false;
                if info == "jsonc" {
                    continue;
                }
                examples += 1;
                let document = match info.as_str() {
                    "json" | "json not-available" => text,
                    "json block" => with_block(&text),
                    other => panic!("an example of {other:?}"),
                };
                if info == "json not-available" {
                    let kept = Policy::parse(&document).expect("it can be saved");
                    assert!(kept.not_available().len() > 3, "{kept:#?}");
                    policy = None;
                    continue;
                }
                let report = check(&document, None);
                assert!(
                    report.valid && report.warnings.is_empty(),
                    "{document}\n{report:#?}"
                );
                let again = Policy::parse(&document).map(|policy| policy.canonical());
                assert!(again.is_ok_and(|canonical| check(&canonical, None).valid));
                policy = Some(document);
            }
            Part::Row(cells) => {
                let first = cells.first().map_or("", String::as_str);
                if !first.starts_with(['`', '-']) {
                    judging = first == "tool called";
                }
                let [tool, arguments, expected] = &cells[..] else {
                    continue;
                };
                if !judging || !tool.starts_with('`') {
                    continue;
                }
                calls += 1;
                let engine = engine(policy.as_deref().expect("a policy stands before"), None);
                let plain = |cell: &str| cell.trim_matches('`').to_owned();
                let arguments = plain(arguments);
                assert!(
                    Document::parse(arguments.as_bytes(), BOUNDS).is_ok(),
                    "{arguments}"
                );
                let got = judge_at(&engine, &plain(tool), &arguments, MONDAY_MORNING_MS);
                assert_eq!(got, *expected, "{tool} {arguments}");
            }
        }
    }
    assert!(
        examples >= 5 && calls >= 25,
        "{examples} examples, {calls} calls"
    );
}
