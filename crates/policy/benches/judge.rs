//! How long a decision takes once the policy is compiled and the body is read.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::Tool;
use json::{Bounds, Document};
use policy::{Call, Engine, GrantFacts, Policy, Verdict};

const BOUNDS: Bounds = Bounds {
    bytes_max: 4 << 20,
    depth_max: 64,
};

/// The policy of the quick start.
const STORY: &str = r#"{ "version": "1", "default": "deny",
  "tools": { "rerun_workflow": { "limits": [{ "counter": "rerun_workflow_rate", "window": "minute",
             "max": 10, "scope": "grant" }] } } }"#;

/// Ten conditions on the tool that is called, of every kind that is quick and some that are not.
const TEN: &str = r#"{
  "require": [{ "conditions": [
    { "path": "args.params.workflowId", "op": "regex", "value": "^[0-9a-f-]{36}$" },
    { "path": "args.params.branch", "op": "not_in", "value": ["main", "release", "production"] },
    { "path": "args.params.count", "op": "lte", "value": 100 },
    { "path": "args.params.count", "op": "gte", "value": 1 },
    { "path": "args.params.reason", "op": "length_lte", "value": 200 },
    { "path": "grant.label", "op": "starts_with", "value": "ci-" } ] }],
  "deny_if": [
    { "conditions": [{ "path": "args.params.workflowURL", "op": "exists", "value": true }] },
    { "conditions": [{ "path": "args.params.tags[*]", "op": "eq", "value": "prod" }] },
    { "conditions": [{ "path": "args.params.reason", "op": "contains", "value": "ignore" }] },
    { "conditions": [{ "path": "args.params.callback", "op": "host_in", "value": ["*.evil.test"] }] } ],
  "limits": [{ "counter": "a", "window": "minute", "max": 10 }] }"#;

const ARGUMENTS: &str = r#"{"params":{"workflowId":"8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11","branch":"fix/login","count":3,"reason":"flaky test on arm64","tags":["nightly","arm"],"callback":"https://ci.example.com/done"}}"#;

fn tools(count: usize) -> Vec<Tool> {
    (0..count)
        .map(|n| Tool {
            name: format!("tool_{n}"),
            title: None,
            description: None,
            definition: "{}".to_owned(),
            class: None,
        })
        .collect()
}

fn judge(c: &mut Criterion) {
    let arguments = Document::parse(ARGUMENTS.as_bytes(), BOUNDS).expect("is JSON");
    let grant = GrantFacts {
        label: "ci-runner",
        identity: Some("bot"),
        labels: &[],
    };
    let call = |tool: &'static str| Call {
        tool,
        arguments: Some(arguments.root()),
        grant,
        class: None,
        now_unix_ms: 1_767_571_200_000,
    };

    let story = Policy::parse(STORY).expect("is valid");
    let mut inventory = tools(13);
    inventory[0].name = "rerun_workflow".to_owned();
    let story = Engine::compile(&story, Some(&inventory));
    let blocks: Vec<_> = (0..200).map(|n| format!(r#""tool_{n}":{TEN}"#)).collect();
    let blocks = blocks.join(",").replace(r#""a""#, r#""calls""#);
    let large = format!(r#"{{"version":"1","default":"deny","tools":{{{blocks}}}}}"#);
    let large = Policy::parse(&large).expect("is valid");
    let large = Engine::compile(&large, Some(&tools(200)));

    let mut group = c.benchmark_group("judge");
    for (name, engine, call) in [
        ("the quick start's policy", &story, call("rerun_workflow")),
        (
            "200 tools, 10 conditions on the one called",
            &large,
            call("tool_137"),
        ),
    ] {
        assert!(
            matches!(engine.judge(&call).verdict, Verdict::Pass(pass) if pass.limits.len() == 1)
        );
        group.bench_function(name, |b| b.iter(|| drop(engine.judge(black_box(&call)))));
    }
    group.bench_function("a refusal of an unknown tool", |b| {
        let call = call("nowhere");
        b.iter(|| drop(story.judge(black_box(&call))));
    });
    group.finish();
}

criterion_group!(benches, judge);
criterion_main!(benches);
