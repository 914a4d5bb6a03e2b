//! Step 10, told to people.

use super::charge::{Demand, Settled};
use crate::{
    limit::{Concurrent, Mode},
    steps::{Stage, Step, StepResult},
};

impl Settled<'_> {
    /// One for each rule about calls in flight, then one for each limit.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step> {
        let places = self.concurrent.iter();
        let places = places.map(|concurrent| place(concurrent, self.in_flight));
        places.chain(self.demands.iter().map(limit))
    }
}

fn step(stage: Stage, rule: &str, mode: Mode, passes: bool, detail: String) -> Step {
    Step {
        stage,
        rule: Some(rule.to_owned()),
        shadow: mode == Mode::Shadow,
        result: match passes {
            true => StepResult::Passes,
            false => StepResult::Refuses,
        },
        detail,
        conditions: Vec::new(),
    }
}

fn place(concurrent: &Concurrent, in_flight: u64) -> Step {
    let Concurrent {
        rule, max, mode, ..
    } = concurrent;
    let detail = format!("{in_flight} in flight before it, of {max} at once");
    step(Stage::Concurrent, rule, *mode, in_flight < *max, detail)
}

fn limit(demand: &Demand<'_>) -> Step {
    let Demand {
        limit, cost, left, ..
    } = demand;
    let (counter, max) = (&limit.counter, limit.max);
    let tokens = match cost {
        1 => "1 token".to_owned(),
        cost => format!("{cost} tokens"),
    };
    let detail = match demand.short {
        None => format!("takes {tokens}; {left} of {max} left (counter {counter})"),
        Some(short) => {
            let lacks = match short.of_buckets {
                true => "there are too many buckets for other values".to_owned(),
                false => format!("needs {tokens}; {left} of {max} left"),
            };
            let wait = match short.wait_ms {
                Some(ms) => format!("fits in {ms} ms"),
                None => "waiting does not help".to_owned(),
            };
            format!("{lacks}; {wait} (counter {counter})")
        }
    };
    step(
        Stage::Limit,
        &limit.rule,
        limit.mode,
        demand.short.is_none(),
        detail,
    )
}
