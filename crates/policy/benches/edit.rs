//! How long an editor waits at a keystroke: what a draft changes, and what it does to each tool.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Tool, ToolClass};
use policy::{Engine, GrantFacts, Policy, coverage, diff, preview};

/// A document for 200 tools, each with its limit and two checks.
fn document(max: u32) -> String {
    let blocks: Vec<String> = (0..200)
        .map(|n| {
            format!(
                r#""tool_{n}":{{"require":[{{"conditions":[{{"path":"args.id","op":"regex","value":"^[0-9a-f-]{{36}}$"}}]}}],
                   "deny_if":[{{"conditions":[{{"path":"args.branch","op":"in","value":["main","release"]}}]}}],
                   "rate_limit":{{"max":{max},"window":"minute"}}}}"#
            )
        })
        .collect();
    let blocks = blocks.join(",");
    format!(r#"{{"version":"1","default":"deny","tools":{{{blocks}}}}}"#)
}

fn edit(c: &mut Criterion) {
    let tools: Vec<Tool> = (0..200)
        .map(|n| Tool {
            name: format!("tool_{n}"),
            title: None,
            description: None,
            definition: "{}".to_owned(),
            class: Some(ToolClass::Read),
        })
        .collect();
    let parse = |text: &str| Policy::parse(text).expect("is valid");
    let (old, new) = (parse(&document(20)), parse(&document(10)));
    let engine = Engine::compile(&new, Some(&tools));
    let grant = GrantFacts {
        label: "ci-runner",
        identity: None,
        labels: &[],
    };
    let mut group = c.benchmark_group("edit");
    group.bench_function("diff, 200 tools, every limit changed", |b| {
        b.iter(|| black_box(diff(Some(&old), &new, Some(&tools))));
    });
    group.bench_function("diff, 200 tools, all of them new", |b| {
        b.iter(|| black_box(diff(None, &new, Some(&tools))));
    });
    group.bench_function("preview, 200 tools", |b| {
        b.iter(|| black_box(preview(&engine, &tools, grant, 0)));
    });
    group.bench_function("coverage, 200 tools", |b| {
        b.iter(|| black_box(coverage(&new, &tools)));
    });
    group.finish();
}

criterion_group!(benches, edit);
criterion_main!(benches);
