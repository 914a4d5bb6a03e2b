//! Classes, risks and transports as bits, as the tables that are searched have them.

use domain::tools::{Risk, ToolClass};

/// In the order of their bits.
pub(super) const TRANSPORTS: [&str; 3] = ["stdio", "streamable-http", "sse"];
/// Lowest first.
pub(super) const RISKS: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

pub(super) fn class(class: ToolClass) -> i16 {
    bit(ToolClass::ALL.iter().position(|one| *one == class))
}

pub(super) fn risk(risk: Risk) -> i16 {
    bit(RISKS.iter().position(|one| *one == risk))
}

/// Zero for one that is not known.
pub(super) fn transport(name: &str) -> i16 {
    bit(TRANSPORTS.iter().position(|one| *one == name))
}

fn bit(at: Option<usize>) -> i16 {
    at.map_or(0, |at| 1 << at)
}
