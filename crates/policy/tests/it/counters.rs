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
