//! `faults.txt`: texts, and what is wrong with each.

use crate::common::with_block;

/// A document and its faults.
pub(crate) struct Row {
    pub(crate) document: String,
    /// `code pointer`, and the hint after an arrow.
    pub(crate) faults: Vec<String>,
}

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut place = "";
    for line in include_str!("faults.txt").lines() {
        if let Some(fault) = line.strip_prefix("  ") {
            let (code, pointer) = fault.split_once(' ').unwrap_or((fault, ""));
            let row = rows.last_mut().expect("a fault stands below its text");
            row.faults.push(format!("{code} {place}{pointer}"));
        } else if !line.is_empty() && !line.starts_with('#') {
            let (word, text) = line.split_once(' ').unwrap_or((line, ""));
            let document;
            (place, document) = match word {
                "document" => ("", text.to_owned()),
                "block" => ("/tools/t", with_block(text)),
                "limit" => (
                    "/tools/t/limits/0",
                    with_block(&format!(r#"{{"limits":[{text}]}}"#)),
                ),
                "condition" => (
                    "/tools/t/deny_if/0/conditions/0",
                    with_block(&format!(r#"{{"deny_if":[{{"conditions":[{text}]}}]}}"#)),
                ),
                "test" => (
                    "/tests/0",
                    format!(r#"{{"version":"1","default":"deny","tests":[{text}]}}"#),
                ),
                other => panic!("a row of {other:?}"),
            };
            let faults = Vec::new();
            rows.push(Row { document, faults });
        }
    }
    rows
}
