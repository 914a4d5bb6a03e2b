//! Limits that arguments move, calls in flight, and approvals, against simulated counters.

use domain::audit::{Code, Outcome};
use json::Document;
use policy::{Call, Counters, GrantFacts, Stage, StepResult};

use crate::{
    common::{BOUNDS, engine, with_block},
    counters::{NOON_MS, World, limits},
};

#[test]
fn cost_is_spent_instead_of_one() {
    let engine = limits(r#"{"counter":"c","window":60,"max":100,"cost":"args.amount"}"#);
    let mut world = World::new();
    let first = world.call(&engine, r#"{"amount":70}"#, NOON_MS);
    assert_eq!((first.charges[0].cost, first.charges[0].left), (70, 30));
    let refused = world.call(&engine, r#"{"amount":31}"#, NOON_MS + 1000);
    assert_eq!(
        (
            refused.charges[0].cost,
            refused.charges[0].left,
            refused.retry_after_ms
        ),
        (31, 30, Some(59_000))
    );
    assert_eq!(
        world
            .call(&engine, r#"{"amount":30}"#, NOON_MS + 1000)
            .charges[0]
            .left,
        0
    );
    let free = world.call(&engine, r#"{"amount":0}"#, NOON_MS + 1000);
    assert_eq!((free.outcome, free.charges[0].cost), (Outcome::Allow, 0));
}

#[test]
fn a_cost_above_the_maximum_never_fits_and_zero_fits_into_nothing() {
    for (max, amount) in [(100, 101), (0, 0), (0, 1)] {
        for refill in ["sliding", "steady", "calendar"] {
            let engine = limits(&format!(
                r#"{{"counter":"c","window":60,"max":{max},"cost":"args.amount","refill":"{refill}"}}"#
            ));
            let arguments = format!(r#"{{"amount":{amount}}}"#);
            let refused = World::new().call(&engine, &arguments, NOON_MS);
            assert_eq!(
                (refused.code, refused.retry_after_ms),
                (Code::RateLimited, None),
                "{amount} of {max}"
            );
        }
    }
}

/// A limit that never lets through is the reason, whatever the others would have to wait.
#[test]
fn waiting_for_ever_is_waiting_longest() {
    let engine = limits(
        r#"{"counter":"calls","window":60,"max":1},
           {"counter":"spent","window":60,"max":5,"cost":"args.amount"}"#,
    );
    let mut world = World::new();
    world.call(&engine, r#"{"amount":1}"#, NOON_MS);
    let refused = world.call(&engine, r#"{"amount":6}"#, NOON_MS);
    assert_eq!(refused.rule.as_deref(), Some("/tools/t/limits/spent"));
    assert_eq!(refused.retry_after_ms, None);
}

#[test]
fn each_value_of_per_has_a_bucket_of_its_own() {
    let engine = limits(r#"{"counter":"c","window":60,"max":1,"per":"args.repo"}"#);
    let mut world = World::new();
    for (arguments, fits) in [
        (r#"{"repo":"a"}"#, true),
        (r#"{"repo":"a"}"#, false),
        (r#"{"repo":"\u0061"}"#, false),
        (r#"{"repo":"b"}"#, true),
        (r#"{"repo":1}"#, true),
        (r#"{"repo":1.0}"#, false),
        (r#"{"repo":"1"}"#, true),
        (r#"{"repo":true}"#, true),
        (r#"{"repo":"true"}"#, true),
    ] {
        let got = world.call(&engine, arguments, NOON_MS).outcome == Outcome::Allow;
        assert_eq!(got, fits, "{arguments}");
    }
    let refused = world.call(&engine, "{}", NOON_MS);
    assert_eq!(
        (refused.code, refused.retry_after_ms),
        (Code::RateLimited, None)
    );
}

/// An agent that sends ever new values has at most so many buckets at once.
#[test]
fn a_grant_has_at_most_a_thousand_live_buckets() {
    let engine = limits(r#"{"counter":"c","window":60,"max":2,"per":"args.v"}"#);
    let mut world = World::new();
    let value = |n: u64| format!(r#"{{"v":{n}}}"#);
    for n in 0..1000 {
        // The first half is spent from a second before the rest.
        let at = NOON_MS + if n < 500 { 0 } else { 1000 };
        assert_eq!(
            world.call(&engine, &value(n), at).outcome,
            Outcome::Allow,
            "{n}"
        );
    }
    let refused = world.call(&engine, &value(1000), NOON_MS + 1000);
    assert_eq!(
        (refused.code, refused.retry_after_ms),
        (Code::RateLimited, Some(59_000))
    );
    assert!(refused.message.contains("args.v"), "{}", refused.message);
    let known = world.call(&engine, &value(7), NOON_MS + 1000);
    assert_eq!(
        known.outcome,
        Outcome::Allow,
        "a bucket that is there can be used"
    );
    world.label = "b";
    let other = world.call(&engine, &value(1000), NOON_MS + 1000);
    assert_eq!(
        other.outcome,
        Outcome::Allow,
        "another grant has its own thousand"
    );
    world.label = "a";
    assert_eq!(
        world.call(&engine, &value(1001), NOON_MS + 59_999).outcome,
        Outcome::Deny
    );
    assert_eq!(
        world.call(&engine, &value(1001), NOON_MS + 60_000).outcome,
        Outcome::Allow
    );
}

#[test]
fn an_organisation_has_at_most_ten_thousand_live_buckets() {
    let engine = limits(
        r#"{"counter":"c","window":60,"max":2,"per":"args.v","scope":"org"},
           {"counter":"other","window":60,"max":1000000,"scope":"org"}"#,
    );
    let mut world = World::new();
    let labels = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
    for n in 0..10_000_u64 {
        world.label = labels[usize::try_from(n / 900).expect("it is small")];
        let decision = world.call(&engine, &format!(r#"{{"v":{n}}}"#), NOON_MS);
        assert_eq!(decision.outcome, Outcome::Allow, "{n}");
    }
    let refused = world.call(&engine, r#"{"v":"new"}"#, NOON_MS);
    assert_eq!(refused.rule.as_deref(), Some("/tools/t/limits/c"));
    assert_eq!(refused.retry_after_ms, Some(60_000));
    assert_eq!(
        world
            .call(&engine, r#"{"v":"new"}"#, NOON_MS + 60_000)
            .outcome,
        Outcome::Allow
    );
}

#[test]
fn calls_made_together_are_in_flight_together() {
    let block = r#"{"concurrent":{"max":3},"limits":[{"counter":"c","window":60,"max":100}]}"#;
    let engine = engine(&with_block(block), None);
    let mut world = World::new();
    assert_eq!(
        world.calls(&engine, "{}", NOON_MS, 3).outcome,
        Outcome::Allow
    );
    let refused = world.calls(&engine, "{}", NOON_MS, 4);
    assert_eq!(
        (
            refused.code,
            refused.rule.as_deref(),
            refused.retry_after_ms
        ),
        (Code::TooManyInFlight, Some("/tools/t/concurrent"), None)
    );
    assert_eq!(refused.charges[0].left, 94, "the fourth took no token");
    assert_eq!(
        world.call(&engine, "{}", NOON_MS).charges[0].left,
        93,
        "all are over by now"
    );
}

#[test]
fn no_call_may_be_in_flight_where_the_maximum_is_zero() {
    let engine = engine(&with_block(r#"{"concurrent":{"max":0}}"#), None);
    assert_eq!(
        World::new().call(&engine, "{}", NOON_MS).code,
        Code::TooManyInFlight
    );
}

#[test]
fn calls_in_flight_in_shadow_refuse_nothing() {
    let engine = engine(
        &with_block(r#"{"concurrent":{"max":1,"mode":"shadow"}}"#),
        None,
    );
    let mut world = World::new();
    assert!(world.call(&engine, "{}", NOON_MS).shadow.is_empty());
    let second = world.calls(&engine, "{}", NOON_MS, 2);
    assert_eq!(second.outcome, Outcome::Allow);
    let shadow: Vec<_> = second
        .shadow
        .iter()
        .map(|s| (s.code, s.rule.as_str()))
        .collect();
    assert_eq!(shadow, [(Code::TooManyInFlight, "/tools/t/concurrent")]);
}

/// Nothing is charged before a person has answered.
#[test]
fn what_is_held_is_not_charged() {
    let block = r#"{"approval":{"when":[{"path":"args.big","op":"eq","value":true}],"reason":"It is big."},
                    "limits":[{"counter":"c","window":60,"max":1}]}"#;
    let engine = engine(&with_block(block), None);
    let mut world = World::new();
    let held = world.calls(&engine, r#"{"big":true}"#, NOON_MS, 1000);
    assert_eq!(
        (held.outcome, held.code, held.rule.as_deref()),
        (
            Outcome::Approval,
            Code::ApprovalRequired,
            Some("/tools/t/approval")
        )
    );
    assert!(held.charges.is_empty() && held.retry_after_ms.is_none());
    assert!(held.message.ends_with("It is big."), "{}", held.message);
    assert_eq!(
        world.call(&engine, r#"{"big":false}"#, NOON_MS).outcome,
        Outcome::Allow
    );
}

#[test]
fn the_last_steps_are_calls_in_flight_and_limits() {
    let block = r#"{"concurrent":{"max":3},"limits":[
        {"counter":"free","window":60,"max":2,"mode":"shadow"},{"counter":"paid","window":60,"max":1}]}"#;
    let engine = engine(&with_block(block), None);
    let document = Document::parse(b"{}", BOUNDS).expect("the test's own JSON");
    let grant = GrantFacts {
        label: "a",
        identity: None,
        labels: &[],
    };
    let call = Call {
        tool: "t",
        arguments: Some(document.root()),
        grant,
        class: None,
        now_unix_ms: NOON_MS,
    };
    let mut counters = Counters::new();
    let mut explained = || {
        let explanation = counters.explain(&engine, &call);
        let last: Vec<String> = explanation
            .steps
            .iter()
            .filter(|step| matches!(step.stage, Stage::Concurrent | Stage::Limit))
            .map(|step| {
                let refuses = if step.result == StepResult::Refuses {
                    "refuses"
                } else {
                    "passes"
                };
                let rule = step.rule.as_deref().unwrap_or_default();
                let shadow = if step.shadow { " in shadow" } else { "" };
                format!("{rule} {refuses}{shadow}: {}", step.detail)
            })
            .collect();
        (explanation.decision.outcome, last)
    };
    let place = "/tools/t/concurrent passes: 0 in flight before it, of 3 at once";
    assert_eq!(
        explained(),
        (
            Outcome::Allow,
            vec![
                place.to_owned(),
                "/tools/t/limits/paid passes: takes 1 token; 0 of 1 left (counter paid)".to_owned(),
                "/tools/t/limits/free passes in shadow: takes 1 token; 1 of 2 left (counter free)"
                    .to_owned(),
            ]
        )
    );
    assert_eq!(
        explained(),
        (
            Outcome::Deny,
            vec![
                place.to_owned(),
                "/tools/t/limits/paid refuses: needs 1 token; 0 of 1 left; fits in 60000 ms \
                 (counter paid)"
                    .to_owned(),
                "/tools/t/limits/free passes in shadow: takes 1 token; 1 of 2 left (counter free)"
                    .to_owned(),
            ]
        )
    );
}

/// `rate_limit` spends one from the bucket that a limit with `cost` has named; neither takes the
/// other's place.
#[test]
fn a_rate_limit_on_the_bucket_of_a_spend_cap_leaves_the_cap() {
    let document = r#"{"version":"1","default":"deny",
        "all_tools":{"rate_limit":{"max":100,"window":60}},
        "tools":{"t":{"limits":[{"counter":"t_rate","window":60,"max":1000,"cost":"args.amount"}]}}}"#;
    let engine = engine(document, None);
    let mut world = World::new();
    let refused = world.call(&engine, r#"{"amount":5000}"#, NOON_MS);
    assert_eq!(refused.code, Code::RateLimited);
    let refused = world.call(&engine, r#"{"amount":"5000"}"#, NOON_MS);
    assert_eq!(refused.code, Code::RateLimited);
    let allowed = world.call(&engine, r#"{"amount":60}"#, NOON_MS);
    let costs: Vec<_> = allowed.charges.iter().map(|c| (c.cost, c.left)).collect();
    assert_eq!(costs, [(60, 940), (0, 40)]);
}
