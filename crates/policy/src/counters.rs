//! Token buckets in memory, on a clock that the caller holds: the same buckets as Redis has, for
//! tests, previews, replay and the command line. `policy.md`, section 4.

use crate::{
    decision::Decision,
    engine::{Call, Engine},
    steps::Step,
};

/// Buckets of one organisation and one server. Grants are told apart by their labels.
#[derive(Debug, Default)]
pub struct Counters {}

/// A decision with the way to it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Explanation {
    /// What was decided.
    pub decision: Decision,
    /// Everything that was looked at, in the order of evaluation.
    pub steps: Vec<Step>,
}

impl Counters {
    /// Full buckets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges a call and charges it, all its limits or none. Time is the call's; it may stand
    /// still, and going back is as standing still.
    pub fn decide(&mut self, engine: &Engine, call: &Call<'_>) -> Decision {
        self.explain(engine, call).decision
    }

    /// The same, with every step.
    pub fn explain(&mut self, _engine: &Engine, _call: &Call<'_>) -> Explanation {
        unimplemented!()
    }
}
