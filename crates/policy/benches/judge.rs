//! How long a decision takes once the policy is compiled and the body is read.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::Tool;
use json::{Bounds, Document, Value};
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

/// 64 checks on the tool that is called, in turn of every operator, on twelve arguments.
fn sixty_four() -> String {
    let conditions = [
        r#"{ "path": "args.params.id", "op": "regex", "value": "^[0-9a-f-]{36}$" }"#,
        r#"{ "path": "args.params.branch", "op": "not_in", "value": ["main", "release"] }"#,
        r#"{ "path": "args.params.count", "op": "lte", "value": 100 }"#,
        r#"{ "path": "args.params.count", "op": "gt", "value": 0 }"#,
        r#"{ "path": "args.params.text", "op": "length_lte", "value": 10000 }"#,
        r#"{ "path": "grant.label", "op": "starts_with", "value": "ci-" }"#,
        r#"{ "path": "args.params.force", "op": "eq", "value": false }"#,
        r#"{ "path": "args.params.url", "op": "exists", "value": false }"#,
        r#"{ "path": "args.params.tags[*]", "op": "neq", "value": "prod" }"#,
        r#"{ "path": "args.params.reason", "op": "contains", "value": "flaky" }"#,
        r#"{ "path": "args.params.callback", "op": "host_in", "value": ["*.example.com"] }"#,
        r#"{ "path": "args.params.address", "op": "cidr", "value": ["10.0.0.0/8"] }"#,
        r#"{ "path": "args.params.file", "op": "ends_with", "value": ".yml" }"#,
        r#"{ "path": "args.params.nested.region", "op": "in", "value": ["eu", "us"] }"#,
        r#"{ "path": "tool.name", "op": "eq", "value": "tool_137" }"#,
        r#"{ "path": "time.utc.weekday", "op": "not_in", "value": ["sat", "sun"] }"#,
    ];
    let checks: Vec<_> = (0..64)
        .map(|n| {
            format!(
                r#"{{ "conditions": [{}] }}"#,
                conditions[n % conditions.len()]
            )
        })
        .collect();
    let called = format!(r#""tool_137":{{"require":[{}]}}"#, checks.join(","));
    let others = (0..200).filter(|n| *n != 137);
    let others: Vec<_> = others.map(|n| format!(r#""tool_{n}":{{}}"#)).collect();
    format!(
        r#"{{"version":"1","default":"deny","tools":{{{called},{}}}}}"#,
        others.join(",")
    )
}

/// Arguments for these, with a text that fills them to about so many bytes.
fn filled(bytes: usize) -> String {
    let text = "a line of a log".repeat(bytes / 15);
    format!(
        r#"{{"params":{{"id":"8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11","branch":"fix/login","count":3,"text":"{text}","force":false,"tags":["nightly","arm"],"reason":"flaky test on arm64","callback":"https://ci.example.com/done","address":"10.1.2.3","file":"config.yml","nested":{{"region":"eu"}}}}}}"#
    )
}

fn call<'a>(tool: &'a str, arguments: &'a Document<'_>) -> Call<'a> {
    let grant = GrantFacts {
        label: "ci-runner",
        identity: Some("bot"),
        labels: &[],
    };
    Call {
        tool,
        arguments: Some(arguments.root()),
        grant,
        class: None,
        now_unix_ms: 1_767_571_200_000,
    }
}

fn passes(engine: &Engine, call: &Call<'_>) {
    let judgement = engine.judge(call);
    let passed = matches!(judgement.verdict, Verdict::Pass(_));
    assert!(passed, "{judgement:?}");
}

fn many_checks(c: &mut Criterion) {
    let policy = Policy::parse(&sixty_four()).expect("is valid");
    let engine = Engine::compile(&policy, Some(&tools(200)));
    let mut group = c.benchmark_group("judge");
    let arguments = filled(9_600);
    let document = Document::parse(arguments.as_bytes(), BOUNDS).expect("is JSON");
    let call = call("tool_137", &document);
    passes(&engine, &call);
    group.bench_function("200 tools, 64 checks on the one called, 10 KiB", |b| {
        b.iter(|| drop(engine.judge(black_box(&call))));
    });
    group.finish();
}

/// Sixteen conditions that look at all there is: each name, each element, the whole text.
fn large_arguments(c: &mut Criterion) {
    let each = r#"{"path":"args.items[*].size","op":"lt","value":1000000}"#;
    let text = r#"{"path":"args.text","op":"contains","value":"not in there"}"#;
    let absent = r#"{"path":"args.names.wanted","op":"exists","value":true}"#;
    let block = format!(
        r#"{{"require":[{{"conditions":[{}]}}],"deny_if":[{}]}}"#,
        [each; 4].join(","),
        vec![format!(r#"{{"conditions":[{text}]}},{{"conditions":[{absent}]}}"#); 6].join(",")
    );
    let document = format!(r#"{{"version":"1","default":"deny","tools":{{"t":{block}}}}}"#);
    let engine = Engine::compile(&Policy::parse(&document).expect("is valid"), None);
    let mut group = c.benchmark_group("judge");
    for kib in [256, 512, 1024] {
        let third = kib * 1024 / 3;
        let items: Vec<_> = (0..third / 24)
            .map(|n| format!(r#"{{"id":{},"size":{n}}}"#, n + 100_000))
            .collect();
        let items = items.join(",");
        let names: Vec<_> = (0..third / 16)
            .map(|n| format!(r#""name_{n:05}":1"#))
            .collect();
        let arguments = format!(
            r#"{{"items":[{items}],"names":{{{}}},"text":"{}"}}"#,
            names.join(","),
            "a".repeat(third)
        );
        let document = Document::parse(arguments.as_bytes(), BOUNDS).expect("is JSON");
        let call = call("t", &document);
        passes(&engine, &call);
        group.bench_function(format!("16 conditions on all of {kib} KiB"), |b| {
            b.iter(|| drop(engine.judge(black_box(&call))));
        });
    }
    group.finish();
}

/// The real definition of a tool, checked whole.
fn schema(c: &mut Criterion) {
    const TOOLS: &str = include_str!("../../catalog/data/circleci-0.20.0.json");
    let bounds = Bounds {
        depth_max: 128,
        ..BOUNDS
    };
    let definitions = Document::parse(TOOLS.as_bytes(), bounds).expect("is JSON");
    let inventory: Vec<Tool> = definitions
        .root()
        .elements()
        .map(|definition| Tool {
            name: definition
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .into(),
            title: None,
            description: None,
            definition: definition.raw().to_owned(),
            class: None,
        })
        .collect();
    let document = r#"{"version":"1","default":"allow","all_tools":{"validate":"schema"}}"#;
    let policy = Policy::parse(document).expect("is valid");
    let engine = Engine::compile(&policy, Some(&inventory));
    let good =
        br#"{"params":{"workflowId":"8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11","fromFailed":true}}"#;
    let good = Document::parse(good, BOUNDS).expect("is JSON");
    let call = call("rerun_workflow", &good);
    passes(&engine, &call);
    let mut group = c.benchmark_group("validate");
    group.bench_function("a CircleCI tool's arguments", |b| {
        b.iter(|| drop(engine.judge(black_box(&call))));
    });
    group.bench_function("compiling for CircleCI's 13 tools", |b| {
        b.iter(|| drop(Engine::compile(black_box(&policy), Some(&inventory))));
    });
    group.finish();
}

criterion_group!(benches, judge, many_checks, large_arguments, schema);
criterion_main!(benches);
