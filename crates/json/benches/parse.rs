//! How long reading takes: a typical call, and whether time grows with length alone.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use json::{Bounds, Document};

const BOUNDS: Bounds = Bounds {
    bytes_max: 4 << 20,
    depth_max: 64,
};

const CALL: &str = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"rerun_workflow","arguments":{"params":{"workflowId":"8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11","fromFailed":true}},"_meta":{"progressToken":17,"client":"ci-runner"}}}"#;

/// An object of so many members, which are what makes looking for duplicates work.
fn wide(members: usize) -> String {
    let members: Vec<_> = (0..members)
        .map(|n| format!(r#""key_{n:06}":{{"id":{n},"text":"some text of no import","ok":true}}"#))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("json");
    let texts = [
        (
            format!("a tools/call of {} bytes", CALL.len()),
            CALL.to_owned(),
        ),
        ("an object of 64 KiB".to_owned(), wide(1000)),
        ("an object of 1 MiB".to_owned(), wide(16_000)),
        (
            "a string of 1 MiB".to_owned(),
            format!("\"{}\"", "a".repeat(1 << 20)),
        ),
    ];
    for (name, text) in &texts {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| Document::parse(black_box(text.as_bytes()), BOUNDS).expect("is JSON"));
        });
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
