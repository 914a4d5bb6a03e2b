//! What holds of every bucket, whatever is called and when.

use domain::audit::Outcome;
use policy::{Decision, Engine};
use proptest::prelude::*;

use crate::counters::{NOON_MS, World, limits};

const REFILLS: [&str; 3] = ["sliding", "steady", "calendar"];

fn one_limit(refill: &str, window: u64, max: u64) -> Engine {
    limits(&format!(
        r#"{{"counter":"c","window":{window},"max":{max},"refill":"{refill}"}}"#
    ))
}

/// Up to 80 calls, each so many milliseconds after the one before.
fn gaps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0), 1_u64..400, 1_u64..3000], 1..80)
}

/// When each call that went through was made.
fn passed(engine: &Engine, gaps: &[u64]) -> Vec<u64> {
    let mut world = World::new();
    let mut now_ms = NOON_MS;
    let mut passed = Vec::new();
    for gap in gaps {
        now_ms += gap;
        if world.call(engine, "{}", now_ms).outcome == Outcome::Allow {
            passed.push(now_ms);
        }
    }
    passed
}

fn allowed(decision: &Decision) -> bool {
    decision.outcome == Outcome::Allow
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_interval_of_a_window_sees_more_than_the_maximum(
        window in 1_u64..5, max in 1_u64..8, gaps in gaps(),
    ) {
        let passed = passed(&one_limit("sliding", window, max), &gaps);
        for from in &passed {
            let inside = passed.iter().filter(|at| (*from..from + window * 1000).contains(at));
            prop_assert!(inside.count() as u64 <= max);
        }
    }

    /// Sliding is exact: what is let through is what a list of all spent tokens would let through.
    #[test]
    fn a_sliding_token_is_back_after_exactly_one_window(
        window in 1_u64..5, max in 1_u64..8, gaps in gaps(),
    ) {
        let mut now_ms = NOON_MS;
        let mut expected: Vec<u64> = Vec::new();
        for gap in &gaps {
            now_ms += gap;
            let spent = expected.iter().filter(|at| **at + window * 1000 > now_ms);
            if (spent.count() as u64) < max {
                expected.push(now_ms);
            }
        }
        prop_assert_eq!(passed(&one_limit("sliding", window, max), &gaps), expected);
    }

    /// A steady bucket lets through a burst of `max`, then `max` a window: never more.
    #[test]
    fn a_steady_bucket_is_a_burst_and_a_rate(
        window in 1_u64..5, max in 1_u64..8, gaps in gaps(),
    ) {
        let passed = passed(&one_limit("steady", window, max), &gaps);
        for (at, from) in passed.iter().enumerate() {
            for (count, to) in (1_u64..).zip(&passed[at..]) {
                prop_assert!(count * window * 1000 <= max * window * 1000 + max * (to - from));
            }
        }
    }

    /// The same call fits after `retry_after_ms`, and a millisecond earlier it does not.
    #[test]
    fn the_wait_that_is_told_is_exact(
        refill in prop::sample::select(REFILLS.to_vec()),
        other in prop::sample::select(REFILLS.to_vec()),
        window in 1_u64..5, max in 1_u64..8, gaps in gaps(),
    ) {
        let engine = limits(&format!(
            r#"{{"counter":"c","window":{window},"max":{max},"refill":"{refill}"}},
               {{"counter":"d","window":7,"max":9,"refill":"{other}"}}"#
        ));
        let mut world = World::new();
        let mut now_ms = NOON_MS;
        for gap in gaps {
            now_ms += gap;
            let refused = world.call(&engine, "{}", now_ms);
            let Some(wait_ms) = refused.retry_after_ms else {
                prop_assert!(allowed(&refused));
                continue;
            };
            prop_assert!(wait_ms > 0);
            let as_refused = world.counters.clone();
            let early = world.call(&engine, "{}", now_ms + wait_ms - 1);
            prop_assert!(!allowed(&early), "{early:?}");
            world.counters = as_refused.clone();
            let in_time = world.call(&engine, "{}", now_ms + wait_ms);
            prop_assert!(allowed(&in_time), "{in_time:?}");
            world.counters = as_refused;
        }
    }

    /// What `repeat` comes to is what as many single calls within the instant come to.
    #[test]
    fn a_repeated_call_is_as_many_single_calls(
        refills in prop::collection::vec(prop::sample::select(REFILLS.to_vec()), 3),
        maxima in prop::collection::vec(0_u64..30, 3),
        shadow in prop::collection::vec(any::<bool>(), 3),
        rounds in prop::collection::vec((1_u64..40, 0_u64..3000, 0_u64..5), 1..6),
    ) {
        let list: Vec<String> = refills.iter().zip(&maxima).zip(&shadow).enumerate()
            .map(|(n, ((refill, max), shadow))| {
                let mode = if *shadow { "shadow" } else { "enforce" };
                format!(
                    r#"{{"counter":"c{n}","window":{},"max":{max},"refill":"{refill}","mode":"{mode}"{}}}"#,
                    n + 1,
                    ["", r#","cost":"args.n""#, r#","per":"args.n""#][n]
                )
            })
            .collect();
        let engine = limits(&list.join(","));
        let (mut at_once, mut one_by_one) = (World::new(), World::new());
        let mut now_ms = NOON_MS;
        for (times, gap, n) in rounds {
            now_ms += gap;
            let arguments = format!(r#"{{"n":{n}}}"#);
            let repeated = at_once.calls(&engine, &arguments, now_ms, times);
            let mut single = one_by_one.call(&engine, &arguments, now_ms);
            for _ in 1..times {
                single = one_by_one.call(&engine, &arguments, now_ms);
            }
            prop_assert_eq!(repeated, single);
        }
    }

    /// Lowering `max` lets no more through, and lets nothing through earlier.
    #[test]
    fn a_lower_maximum_never_lets_more_through(
        refill in prop::sample::select(REFILLS.to_vec()),
        window in 1_u64..5, max in 0_u64..8, less in 0_u64..8, gaps in gaps(),
    ) {
        let larger = passed(&one_limit(refill, window, max), &gaps);
        let smaller = passed(&one_limit(refill, window, max.saturating_sub(less)), &gaps);
        prop_assert!(smaller.len() <= larger.len());
        let same = larger.iter().zip(&smaller).take_while(|(a, b)| a == b).count();
        prop_assert!(same == smaller.len() || smaller[same] > larger[same]);
    }
}
