//! Token buckets in memory, on a clock that the caller holds: the same buckets as Redis has, for
//! tests, previews, replay and the command line. `policy.md`, section 4.

mod bucket;
mod charge;
mod shelf;
mod steps;

use shelf::Shelf;

use crate::{
    decision::Decision,
    engine::{Call, Engine, Judgement, Verdict},
    steps::Step,
};

/// Later times count as this, 292 million years on, so that adding a window never overflows.
const TIME_MAX_MS: u64 = u64::MAX / 2;

/// Buckets of one organisation and one server. Grants are told apart by their labels, and there are
/// no sessions.
///
/// A call is over when the next one is decided, so `concurrent` counts only calls that are made
/// together: see [`Counters::decide_repeated`].
#[derive(Debug, Clone, Default)]
pub struct Counters {
    shelf: Shelf,
    /// The latest time of any call.
    now_ms: u64,
}

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
        self.decide_repeated(engine, call, 1)
    }

    /// The decision on the last of `times` equal calls, made within one instant and in flight
    /// together. As quick for many as for one.
    pub fn decide_repeated(&mut self, engine: &Engine, call: &Call<'_>, times: u64) -> Decision {
        self.resolve(engine.judge(call), call, times, None)
    }

    /// The decision on one call, with every step to it.
    pub fn explain(&mut self, engine: &Engine, call: &Call<'_>) -> Explanation {
        let (judgement, mut steps) = engine.explain(call);
        let decision = self.resolve(judgement, call, 1, Some(&mut steps));
        Explanation { decision, steps }
    }

    fn resolve(
        &mut self,
        judgement: Judgement<'_>,
        call: &Call<'_>,
        times: u64,
        steps: Option<&mut Vec<Step>>,
    ) -> Decision {
        self.now_ms = self.now_ms.max(call.now_unix_ms.min(TIME_MAX_MS));
        let shadow = judgement.shadow;
        let pass = match judgement.verdict {
            Verdict::Refuse(refusal) => return Decision::refused(refusal, shadow),
            Verdict::Pass(pass) => pass,
        };
        if let Some(approval) = pass.approval {
            return Decision::held(&approval, call.tool, shadow);
        }
        let settled = charge::settle(&mut self.shelf, &pass, call, self.now_ms, times);
        if let Some(steps) = steps {
            steps.extend(settled.steps());
        }
        settled.decision(shadow)
    }
}
