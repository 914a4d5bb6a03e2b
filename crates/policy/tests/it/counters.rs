//! Buckets on a simulated clock: what fits, when, and what is charged.

use domain::audit::{Code, Outcome};
use json::Document;
use policy::{Call, Counters, Decision, Engine, GrantFacts};

use crate::common::{BOUNDS, engine, with_block};

/// 2026-01-05T12:00:00Z, a Monday.
pub(crate) const NOON_MS: u64 = 1_767_614_400_000;

/// Counters with who calls them and how.
pub(crate) struct World {
    pub(crate) counters: Counters,
    pub(crate) label: &'static str,
    pub(crate) identity: Option<&'static str>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            counters: Counters::new(),
            label: "a",
            identity: None,
        }
    }

    pub(crate) fn call(&mut self, engine: &Engine, arguments: &str, now_ms: u64) -> Decision {
        self.calls(engine, arguments, now_ms, 1)
    }

    pub(crate) fn calls(
        &mut self,
        engine: &Engine,
        arguments: &str,
        now_ms: u64,
        times: u64,
    ) -> Decision {
        let document = Document::parse(arguments.as_bytes(), BOUNDS).expect("the test's own JSON");
        let grant = GrantFacts {
            label: self.label,
            identity: self.identity,
            labels: &[],
        };
        let call = Call {
            tool: "t",
            arguments: Some(document.root()),
            grant,
            class: None,
            now_unix_ms: now_ms,
        };
        self.counters.decide_repeated(engine, &call, times)
    }
}

/// A policy whose tool `t` has these limits.
pub(crate) fn limits(limits: &str) -> Engine {
    engine(&with_block(&format!(r#"{{"limits":[{limits}]}}"#)), None)
}

#[test]
fn the_eleventh_call_in_a_minute_is_refused_and_told_when_it_fits() {
    let engine = limits(r#"{"counter":"c","window":"minute","max":10}"#);
    let mut world = World::new();
    for n in 0..10 {
        let decision = world.call(&engine, "{}", NOON_MS + n * 1000);
        assert_eq!(decision.outcome, Outcome::Allow);
        assert_eq!(decision.charges[0].left, 9 - n);
    }
    let refused = world.call(&engine, "{}", NOON_MS + 10_500);
    assert_eq!(
        (refused.outcome, refused.code, refused.rule.as_deref()),
        (Outcome::Deny, Code::RateLimited, Some("/tools/t/limits/c"))
    );
    assert_eq!(refused.retry_after_ms, Some(49_500));
    assert_eq!(refused.charges[0].left, 0);
    assert!(
        refused.message.contains("try again in 50 s"),
        "{}",
        refused.message
    );
    assert_eq!(
        world.call(&engine, "{}", NOON_MS + 59_999).outcome,
        Outcome::Deny
    );
    assert_eq!(
        world.call(&engine, "{}", NOON_MS + 60_000).outcome,
        Outcome::Allow
    );
    assert_eq!(
        world.call(&engine, "{}", NOON_MS + 60_000).outcome,
        Outcome::Deny
    );
}

/// Calls at these seconds after noon and what becomes of each: what is left, or the wait in ms.
fn story(limit: &str, calls: &[(f64, Result<u64, u64>)]) {
    let engine = limits(limit);
    let mut world = World::new();
    for (seconds, expected) in calls {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small and positive"
        )]
        let now_ms = NOON_MS + (seconds * 1000.0) as u64;
        let decision = world.call(&engine, "{}", now_ms);
        let got = match decision.outcome {
            Outcome::Allow => Ok(decision.charges[0].left),
            _ => Err(decision.retry_after_ms.unwrap_or(u64::MAX)),
        };
        assert_eq!(got, *expected, "{limit} at {seconds} s");
    }
}

#[test]
fn sliding_gives_each_token_back_one_window_after_it_was_spent() {
    story(
        r#"{"counter":"c","window":10,"max":2}"#,
        &[
            (0.0, Ok(1)),
            (4.0, Ok(0)),
            (5.0, Err(5000)),
            (9.999, Err(1)),
            (10.0, Ok(0)),
            (10.0, Err(4000)),
            (14.0, Ok(0)),
            (30.0, Ok(1)),
        ],
    );
}

#[test]
fn steady_refills_evenly_after_a_burst() {
    story(
        r#"{"counter":"c","window":9,"max":3,"refill":"steady"}"#,
        &[
            (0.0, Ok(2)),
            (0.0, Ok(1)),
            (0.0, Ok(0)),
            (0.0, Err(3000)),
            (1.5, Err(1500)),
            (2.999, Err(1)),
            (3.0, Ok(0)),
            (6.0, Ok(0)),
            (60.0, Ok(2)),
        ],
    );
    // Three in a second: a token takes 333 1/3 ms, so the wait is rounded up.
    story(
        r#"{"counter":"c","window":"second","max":3,"refill":"steady"}"#,
        &[
            (0.0, Ok(2)),
            (0.0, Ok(1)),
            (0.0, Ok(0)),
            (0.0, Err(334)),
            (0.333, Err(1)),
            (0.334, Ok(0)),
            // 0.2 % of a token was left over then, and counts.
            (0.667, Ok(0)),
        ],
    );
}

#[test]
fn calendar_gives_everything_back_at_the_boundary() {
    story(
        r#"{"counter":"c","window":"hour","max":1,"refill":"calendar"}"#,
        &[
            (3599.0, Ok(0)),
            (3599.5, Err(500)),
            (3600.0, Ok(0)),
            (3600.0, Err(3_600_000)),
        ],
    );
    // Noon on a Monday: the day ends in 12 hours, the week on the next Monday at 00:00.
    let hours = |n: u64| n * 3_600_000;
    for (window, wait) in [("day", hours(12)), ("week", hours(6 * 24 + 12))] {
        let limit = format!(r#"{{"counter":"c","window":"{window}","max":1,"refill":"calendar"}}"#);
        story(&limit, &[(0.0, Ok(0)), (0.0, Err(wait))]);
    }
}

/// Boundaries are counted from Monday, 1970-01-05, also before it and for odd windows.
#[test]
fn calendar_counts_from_the_first_monday() {
    const DAY_MS: u64 = 86_400_000;
    for (window, now_ms, wait_ms) in [
        (604_800, 0, 4 * DAY_MS),
        (604_800, 4 * DAY_MS - 1, 1),
        (604_800, 4 * DAY_MS, 7 * DAY_MS),
        (1_000_000, 4 * DAY_MS + 1, 999_999_999),
        (1_000_000, 4 * DAY_MS - 1, 1),
        (7, 4 * DAY_MS + 7_000 * 1_000_000 + 6_999, 1),
    ] {
        let limit = format!(r#"{{"counter":"c","window":{window},"max":1,"refill":"calendar"}}"#);
        let engine = limits(&limit);
        let mut world = World::new();
        assert_eq!(world.call(&engine, "{}", now_ms).outcome, Outcome::Allow);
        let refused = world.call(&engine, "{}", now_ms);
        assert_eq!(
            refused.retry_after_ms,
            Some(wait_ms),
            "{window} at {now_ms}"
        );
        assert_eq!(
            world.call(&engine, "{}", now_ms + wait_ms - 1).outcome,
            Outcome::Deny
        );
        assert_eq!(
            world.call(&engine, "{}", now_ms + wait_ms).outcome,
            Outcome::Allow
        );
    }
}

#[test]
fn a_maximum_of_zero_refuses_whatever_is_waited() {
    for refill in ["sliding", "steady", "calendar"] {
        let limit = format!(r#"{{"counter":"c","window":60,"max":0,"refill":"{refill}"}}"#);
        let refused = World::new().call(&limits(&limit), "{}", NOON_MS);
        assert_eq!(
            (refused.code, refused.retry_after_ms),
            (Code::RateLimited, None)
        );
        assert!(
            refused.message.contains("waiting does not help"),
            "{}",
            refused.message
        );
    }
}

#[test]
fn a_call_is_charged_on_all_its_limits_or_on_none() {
    let engine = limits(
        r#"{"counter":"wide","window":60,"max":3},{"counter":"narrow","window":10,"max":1}"#,
    );
    let mut world = World::new();
    let first = world.call(&engine, "{}", NOON_MS);
    let left: Vec<_> = first
        .charges
        .iter()
        .map(|c| (c.counter.as_str(), c.left))
        .collect();
    assert_eq!(left, [("wide", 2), ("narrow", 0)]);
    for _ in 0..5 {
        let refused = world.call(&engine, "{}", NOON_MS + 1);
        assert_eq!(refused.rule.as_deref(), Some("/tools/t/limits/narrow"));
        let left: Vec<_> = refused
            .charges
            .iter()
            .map(|c| (c.counter.as_str(), c.left))
            .collect();
        assert_eq!(
            left,
            [("wide", 2), ("narrow", 0)],
            "a refusal takes nothing"
        );
    }
    world.call(&engine, "{}", NOON_MS + 10_000);
    world.call(&engine, "{}", NOON_MS + 20_000);
    // Both are empty now. The one that waits longer says when the call fits.
    let refused = world.call(&engine, "{}", NOON_MS + 20_000);
    assert_eq!(refused.rule.as_deref(), Some("/tools/t/limits/wide"));
    assert_eq!(refused.retry_after_ms, Some(40_000));
}

#[test]
fn a_bucket_belongs_to_its_scope() {
    // Who calls after grant `a` of identity `x` has emptied the bucket, and whether that fits.
    type Who = (&'static str, Option<&'static str>);
    let first: Who = ("a", Some("x"));
    for (scope, others) in [
        ("grant", [(("a", None), false), (("b", Some("x")), true)]),
        ("session", [(("a", None), false), (("b", Some("x")), true)]),
        ("server", [(("b", Some("y")), false), (("c", None), false)]),
        ("org", [(("b", Some("y")), false), (("c", None), false)]),
        (
            "identity",
            [(("b", Some("x")), false), (("a", Some("y")), true)],
        ),
        // Without an identity it is the grant's, which none with an identity has touched.
        ("identity", [(("a", None), true), (("b", None), true)]),
    ] {
        let limit = format!(r#"{{"counter":"c","window":60,"max":1,"scope":"{scope}"}}"#);
        let engine = limits(&limit);
        for (who, fits) in others {
            let mut world = World::new();
            (world.label, world.identity) = first;
            assert_eq!(world.call(&engine, "{}", NOON_MS).outcome, Outcome::Allow);
            (world.label, world.identity) = who;
            let got = world.call(&engine, "{}", NOON_MS).outcome == Outcome::Allow;
            assert_eq!(got, fits, "{scope}: {who:?} after {first:?}");
        }
    }
}

/// A label that reads like an identity is still a grant's.
#[test]
fn a_grant_and_an_identity_of_one_name_have_buckets_of_their_own() {
    let engine = limits(r#"{"counter":"c","window":60,"max":1,"scope":"identity"}"#);
    let mut world = World::new();
    (world.label, world.identity) = ("x", None);
    assert_eq!(world.call(&engine, "{}", NOON_MS).outcome, Outcome::Allow);
    (world.label, world.identity) = ("y", Some("x"));
    assert_eq!(world.call(&engine, "{}", NOON_MS).outcome, Outcome::Allow);
}

/// A session's limit is the grant's here, so these are one bucket under two maxima.
#[test]
fn a_bucket_reached_twice_is_charged_once_and_each_maximum_holds() {
    let document = r#"{"version":"1","default":"deny",
        "all_tools":{"limits":[{"counter":"c","window":60,"max":2,"scope":"session"}]},
        "tools":{"t":{"limits":[{"counter":"c","window":60,"max":5}]}}}"#;
    let engine = engine(document, None);
    let mut world = World::new();
    let first = world.call(&engine, "{}", NOON_MS);
    let charges: Vec<_> = first
        .charges
        .iter()
        .map(|c| (c.rule.as_str(), c.cost, c.left))
        .collect();
    assert_eq!(
        charges,
        [("/tools/t/limits/c", 1, 4), ("/all_tools/limits/c", 0, 1)]
    );
    assert_eq!(world.call(&engine, "{}", NOON_MS).outcome, Outcome::Allow);
    let refused = world.call(&engine, "{}", NOON_MS);
    assert_eq!(refused.rule.as_deref(), Some("/all_tools/limits/c"));
}

/// The cheaper limit's maximum is no smaller promise because another makes the call dear.
#[test]
fn a_bucket_reached_at_two_costs_is_charged_the_greater() {
    let document = r#"{"version":"1","default":"deny",
        "all_tools":{"limits":[{"counter":"c","window":60,"max":20,"scope":"session","cost":"args.n"}]},
        "tools":{"t":{"limits":[{"counter":"c","window":60,"max":5}]}}}"#;
    let engine = engine(document, None);
    let mut world = World::new();
    let first = world.call(&engine, r#"{"n":3}"#, NOON_MS);
    let costs: Vec<_> = first.charges.iter().map(|c| (c.cost, c.left)).collect();
    assert_eq!(costs, [(3, 2), (0, 17)]);
    let refused = world.call(&engine, r#"{"n":3}"#, NOON_MS);
    assert_eq!(refused.rule.as_deref(), Some("/tools/t/limits/c"));
    assert_eq!(
        world.call(&engine, r#"{"n":0}"#, NOON_MS).charges[0].left,
        1
    );
}

/// Editing, publishing and attaching another policy do not reset a bucket.
#[test]
fn another_policy_spends_from_the_same_bucket() {
    let five = limits(r#"{"counter":"c","window":60,"max":5}"#);
    let seven = limits(r#"{"counter":"c","window":60,"max":7}"#);
    let other_window = limits(r#"{"counter":"c","window":61,"max":5}"#);
    let mut world = World::new();
    assert_eq!(world.calls(&five, "{}", NOON_MS, 5).outcome, Outcome::Allow);
    assert_eq!(world.call(&five, "{}", NOON_MS).outcome, Outcome::Deny);
    let decision = world.call(&seven, "{}", NOON_MS);
    assert_eq!(
        (decision.outcome, decision.charges[0].left),
        (Outcome::Allow, 1)
    );
    assert_eq!(world.call(&other_window, "{}", NOON_MS).charges[0].left, 4);
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let engine = limits(r#"{"counter":"c","window":60,"max":1}"#);
    let mut world = World::new();
    world.call(&engine, "{}", NOON_MS);
    let refused = world.call(&engine, "{}", NOON_MS - 3_600_000);
    assert_eq!(refused.retry_after_ms, Some(60_000));
    let engine = limits(r#"{"counter":"d","window":60,"max":1}"#);
    world.call(&engine, "{}", NOON_MS - 3_600_000);
    assert_eq!(
        world.call(&engine, "{}", NOON_MS + 59_999).outcome,
        Outcome::Deny
    );
    assert_eq!(world.call(&engine, "{}", u64::MAX).outcome, Outcome::Allow);
    assert_eq!(world.call(&engine, "{}", u64::MAX).outcome, Outcome::Deny);
}

#[test]
fn a_limit_in_shadow_takes_tokens_and_never_refuses() {
    let engine = limits(
        r#"{"counter":"shadow","window":60,"max":2,"mode":"shadow"},
           {"counter":"real","window":60,"max":4}"#,
    );
    let mut world = World::new();
    for _ in 0..2 {
        let decision = world.call(&engine, "{}", NOON_MS);
        assert_eq!(decision.outcome, Outcome::Allow);
        assert!(decision.shadow.is_empty());
        assert_eq!(decision.charges.len(), 2);
    }
    for _ in 0..2 {
        let decision = world.call(&engine, "{}", NOON_MS);
        assert_eq!(decision.outcome, Outcome::Allow);
        let [shadow] = &decision.shadow[..] else {
            panic!("{decision:?}")
        };
        assert_eq!(
            (shadow.code, shadow.rule.as_str()),
            (Code::RateLimited, "/tools/t/limits/shadow")
        );
        assert_eq!(decision.charges.len(), 1, "an empty bucket is not charged");
    }
    let refused = world.call(&engine, "{}", NOON_MS);
    assert_eq!(refused.rule.as_deref(), Some("/tools/t/limits/real"));
    assert_eq!(refused.shadow.len(), 1);
}

/// The same, had all been made at once.
#[test]
fn a_refused_call_is_not_charged_to_a_limit_in_shadow() {
    let engine = limits(
        r#"{"counter":"real","window":60,"max":1},
           {"counter":"shadow","window":3600,"max":5,"mode":"shadow"}"#,
    );
    let mut world = World::new();
    assert_eq!(
        world.calls(&engine, "{}", NOON_MS, 10).outcome,
        Outcome::Deny
    );
    let later = world.call(&engine, "{}", NOON_MS + 60_000);
    assert_eq!(later.charges[1].left, 3, "one was charged then, one now");
}
