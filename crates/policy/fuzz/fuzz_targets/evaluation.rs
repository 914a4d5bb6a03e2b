//! A document, a call's arguments and the tool's definition, each after a line `---`: every way to a
//! decision is free of panics, and all come to the same.

#![no_main]

use domain::{Tool, ToolClass};
use json::{Bounds, Document};
use libfuzzer_sys::fuzz_target;
use policy::{Call, Counters, Decision, Engine, GrantFacts, Policy, preview};

const BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 64,
};

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(3, "\n---\n");
    let (Some(document), Some(arguments)) = (parts.next(), parts.next()) else {
        return;
    };
    let Ok(policy) = Policy::parse(document) else {
        return;
    };
    let arguments = Document::parse(arguments.as_bytes(), BOUNDS).ok();
    let tool = Tool {
        name: "t".to_owned(),
        title: None,
        description: None,
        definition: parts.next().unwrap_or("{}").to_owned(),
        class: Some(ToolClass::Write),
    };
    let labels = [("team".to_owned(), "ci".to_owned())];
    let grant = GrantFacts {
        label: "agent",
        identity: Some("bot"),
        labels: &labels,
    };
    for inventory in [None, Some(std::slice::from_ref(&tool))] {
        let engine = Engine::compile(&policy, inventory);
        let _ = preview(&engine, std::slice::from_ref(&tool), grant, 0);
        for class in [None, Some(ToolClass::Read)] {
            let call = Call {
                tool: "t",
                arguments: arguments.as_ref().map(Document::root),
                grant,
                class,
                now_unix_ms: 1_767_614_400_000,
            };
            decide_each_way(&engine, &call);
        }
    }
});

/// Once and explained, one by one and all at once.
fn decide_each_way(engine: &Engine, call: &Call<'_>) {
    let (judged, (explained, steps)) = (engine.judge(call), engine.explain(call));
    assert_eq!(judged.shadow, explained.shadow);
    assert!(!steps.is_empty());
    let (mut one_by_one, mut at_once) = (Counters::new(), Counters::new());
    let first = one_by_one.decide(engine, call);
    assert_eq!(first, Counters::new().explain(engine, call).decision);
    let second = one_by_one.decide(engine, call);
    let repeated = at_once.decide_repeated(engine, call, 2);
    // Only calls that are made together are in flight together.
    let in_flight = |decision: &Decision| {
        decision.code.as_str() == "too_many_in_flight"
            || decision.shadow.iter().any(|it| it.code.as_str() == "too_many_in_flight")
    };
    assert!(second == repeated || in_flight(&repeated), "{second:?} {repeated:?}");
    let wait_ms = second.retry_after_ms.unwrap_or(0);
    if wait_ms > 0 {
        let later = Call {
            now_unix_ms: call.now_unix_ms + wait_ms,
            ..*call
        };
        let code = one_by_one.decide(engine, &later).code.as_str();
        assert_ne!(code, "rate_limited", "it was to fit after {wait_ms} ms");
    }
}
