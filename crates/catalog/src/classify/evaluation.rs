//! The classifier against tools that a person has labelled, where they are at hand.

use std::{collections::BTreeMap, path::PathBuf};

use domain::tools::{Risk, ToolClass};
use serde::Deserialize;
use serde_json::Value;

use super::{Subject, classify};

#[derive(Deserialize)]
struct Labelled {
    tool: String,
    description: Option<String>,
    #[serde(default)]
    args: Vec<(String, String, u8)>,
    annotations: Option<Value>,
    category: ToolClass,
    risk: Risk,
}

/// `TOLLGATE_SHARED` names the folder that holds `catalog/labels-dev.jsonl`; else it is looked for
/// beside the repository.
fn labels() -> Option<String> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let shared = std::env::var_os("TOLLGATE_SHARED").map_or_else(beside, PathBuf::from);
    std::fs::read_to_string(shared.join("catalog/labels-dev.jsonl")).ok()
}

type Matrix = BTreeMap<(ToolClass, ToolClass), u32>;

/// The harmonic mean of precision and recall of one class.
fn f1(matrix: &Matrix, class: ToolClass) -> f64 {
    let sum = |wanted: &dyn Fn(&(ToolClass, ToolClass)) -> bool| -> u32 {
        let cells = matrix.iter().filter(|(cell, _)| wanted(cell));
        cells.map(|(_, count)| count).sum()
    };
    let right = sum(&|&(label, said)| label == class && said == class);
    let labelled = sum(&|&(label, _)| label == class);
    let said = sum(&|&(_, said)| said == class);
    f64::from(2 * right) / f64::from((labelled + said).max(1))
}

#[test]
fn labelled_tools_are_taken_for_what_they_are() {
    let Some(text) = labels() else {
        println!("skipped: there is no catalog/labels-dev.jsonl in TOLLGATE_SHARED or ../shared");
        return;
    };
    let mut matrix = Matrix::new();
    let (mut harmful, mut missed, mut risks, mut all) = (0_usize, Vec::new(), 0, 0);
    for line in text.lines() {
        let row: Labelled = serde_json::from_str(line).expect("a labelled tool");
        let said = classify(&Subject {
            name: &row.tool,
            description: row.description.as_deref(),
            args: row.args.iter().map(|(name, ..)| name.as_str()).collect(),
            schema: None,
            annotations: row.annotations.as_ref(),
        });
        *matrix.entry((row.category, said.class)).or_default() += 1;
        all += 1;
        risks += usize::from(said.risk == row.risk);
        harmful += usize::from(row.category >= ToolClass::Execute);
        if said.class != row.category {
            println!(
                "{} is {} and taken for {}: {:?}",
                row.tool, row.category, said.class, said.signals
            );
        }
        if row.category >= ToolClass::Execute && said.class == ToolClass::Read {
            missed.push(row.tool);
        }
    }
    for label in ToolClass::ALL {
        let row = ToolClass::ALL.map(|said| matrix.get(&(label, said)).copied().unwrap_or(0));
        println!("{label:>12} {row:>4?}  F1 {:.3}", f1(&matrix, label));
    }
    let mean = ToolClass::ALL
        .map(|class| f1(&matrix, class))
        .iter()
        .sum::<f64>()
        / 5.0;
    println!(
        "macro-F1 {mean:.3}; risk right for {risks} of {all}; of {harmful} harmful, taken for read: {missed:?}"
    );
    assert!(harmful > 50, "only {harmful} harmful tools are labelled");
    assert!(mean >= 0.95, "macro-F1 is {mean:.3}");
    assert!(missed.len() * 50 <= harmful, "more than 2 %: {missed:?}");
    assert!(
        risks * 10 >= all * 9,
        "the risk is right for {risks} of {all}"
    );
}
