//! What one append costs the call path.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{
    EventId, GrantId, OrgId, PolicyId, ServerId,
    audit::{Charge, Code, Decision, Outcome, Record, Settled, Settlement},
};

/// A decision as the rule of the quick start makes it.
fn decision() -> Decision {
    Decision {
        id: EventId::generate(),
        org: OrgId::generate(),
        server: ServerId::generate(),
        server_name: "CircleCI".to_owned(),
        grant: GrantId::generate(),
        grant_label: "nightly agent".to_owned(),
        identity: Some("ci-runner".to_owned()),
        policy: Some(PolicyId::generate()),
        policy_name: Some("CircleCI reruns".to_owned()),
        policy_version: Some(3),
        method: "tools/call".to_owned(),
        tool: Some("rerun_workflow".to_owned()),
        outcome: Outcome::Allow,
        code: Code::Allowed,
        rule: Some("/tools/rerun_workflow".to_owned()),
        message: String::new(),
        charges: vec![Charge {
            counter: "rerun_workflow_rate".to_owned(),
            rule: "/tools/rerun_workflow/limits/0".to_owned(),
            cost: 1,
            max: 10,
            left: 9,
            window_ms: 60_000,
        }],
        shadow: Vec::new(),
        retry_after_ms: None,
        failed_open: false,
        client: Some("claude-code 2.1.0".to_owned()),
        address: Some([127, 0, 0, 1].into()),
        request_bytes: 171,
        decided_us: 12,
        snapshot_age_ms: 140,
    }
}

fn append(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (spool, _shipper) = spool::open(folder.path()).expect("it can be opened");
    let mut decision = decision();
    c.bench_function("append a decision and its settlement", |b| {
        b.iter(|| {
            decision.id = EventId::generate();
            let settled = Record::Settled(Settlement {
                id: decision.id,
                org: decision.org,
                settled: Settled::Ok,
                status: Some(200),
                upstream_us: 1_234,
                response_bytes: 321,
                given_back: false,
            });
            let decided = Record::Decided(Box::new(decision.clone()));
            spool.append(black_box(&decided)).expect("there is room");
            spool.append(black_box(&settled)).expect("there is room");
        });
    });
}

criterion_group!(benches, append);
criterion_main!(benches);
