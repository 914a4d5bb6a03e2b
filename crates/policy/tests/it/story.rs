//! The policy of the first story, and what it decides.

use domain::audit::Code;
use policy::{Call, Engine, GrantFacts, Pass, Policy, Verdict};

const STORY: &str = r#"{ "version": "1", "default": "deny",
  "tools": { "rerun_workflow": { "limits": [{ "counter": "rerun_workflow_rate", "window": "minute",
             "max": 10, "scope": "grant" }] } } }"#;

fn call(tool: &str) -> Call<'_> {
    let grant = GrantFacts {
        label: "agent",
        identity: None,
        labels: &[],
    };
    Call {
        tool,
        arguments: None,
        grant,
        class: None,
        now_unix_ms: 0,
    }
}

#[test]
fn the_rerun_is_let_through_at_ten_a_minute_and_everything_else_is_unknown() {
    let engine = Engine::compile(&Policy::parse(STORY).unwrap(), None);
    let Verdict::Pass(Pass { limits, .. }) = engine.judge(&call("rerun_workflow")).verdict else {
        panic!()
    };
    let [limit] = &limits[..] else {
        panic!("{limits:?}")
    };
    assert_eq!(
        (limit.max, limit.window_ms, limit.counter.as_str()),
        (10, 60_000, "rerun_workflow_rate")
    );
    let refusal = limit.refusal("rerun_workflow", Some(41_500));
    assert_eq!(refusal.code, Code::RateLimited);
    assert_eq!(
        refusal.rule.as_deref(),
        Some("/tools/rerun_workflow/limits/rerun_workflow_rate")
    );
    assert!(
        refusal
            .message
            .starts_with("rerun_workflow is over its limit of 10 a minute; try again in 42 s")
    );

    let Verdict::Refuse(refusal) = engine.judge(&call("run_pipeline")).verdict else {
        panic!()
    };
    assert_eq!(refusal.code, Code::DefaultDeny);
    assert_eq!(refusal.message, "Unknown tool: run_pipeline");
    assert!(engine.shows("rerun_workflow") && !engine.shows("run_pipeline"));
    assert!(!engine.allows_by_default());
}
