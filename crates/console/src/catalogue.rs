//! The catalogue as programs are told of it: what the API and the server for agents answer.
//!
//! Names, descriptions and hints are other people's words and untrusted; `summary`, `does`, `note`,
//! class, risk and signals are ours.

pub(crate) mod attack;
pub(crate) mod check;
pub(crate) mod server;
pub(crate) mod tool;

use std::collections::BTreeMap;

use domain::{Risk, ToolClass};

/// Risks, lowest first.
pub(crate) const RISKS: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

/// How many by class, those of which there are some.
fn by_class(counts: &[u32; 5]) -> BTreeMap<&'static str, u32> {
    let words = ToolClass::ALL.iter().map(|class| class.as_str());
    words.zip(*counts).filter(|(_, n)| *n > 0).collect()
}

/// How many by risk, those of which there are some.
fn by_risk(counts: &[u32; 4]) -> BTreeMap<&'static str, u32> {
    let words = RISKS.iter().map(|risk| risk.as_str());
    words.zip(*counts).filter(|(_, n)| *n > 0).collect()
}
