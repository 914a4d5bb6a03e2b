//! The promises of the spool, the death of its process included.

mod children;
mod damage;

use std::{collections::HashSet, fs, path::Path, time::Duration};

use domain::{
    EventId, GrantId, OrgId, ServerId,
    audit::{Code, Decision, Outcome, Record, Settled, Settlement},
};
use tempfile::{TempDir, tempdir};

use super::*;

fn folder() -> TempDir {
    tempdir().expect("a temporary folder can be made")
}

fn decided(id: EventId, outcome: Outcome) -> Record {
    Record::Decided(Box::new(Decision {
        id,
        org: OrgId::generate(),
        server: ServerId::generate(),
        server_name: "CircleCI\n\"ü\"".to_owned(),
        grant: GrantId::generate(),
        grant_label: "nightly".to_owned(),
        identity: None,
        policy: None,
        policy_name: None,
        policy_version: None,
        method: "tools/call".to_owned(),
        tool: Some("rerun_workflow".to_owned()),
        outcome,
        code: Code::Allowed,
        rule: None,
        message: String::new(),
        charges: Vec::new(),
        shadow: Vec::new(),
        retry_after_ms: None,
        failed_open: false,
        client: None,
        address: None,
        request_bytes: 171,
        decided_us: 12,
        snapshot_age_ms: 140,
    }))
}

fn settled(id: EventId, settled: Settled) -> Record {
    let org = OrgId::generate();
    Record::Settled(Settlement {
        id,
        org,
        settled,
        status: Some(200),
        upstream_us: 1,
        response_bytes: 2,
        given_back: false,
    })
}

fn refusal() -> Record {
    decided(EventId::generate(), Outcome::Deny)
}

/// Everything that is there to ship, without marking it.
async fn waiting(shipper: &mut Shipper) -> Vec<Record> {
    tokio::time::timeout(Duration::from_millis(200), shipper.next(usize::MAX))
        .await
        .map_or_else(
            |_| Vec::new(),
            |batch| {
                batch
                    .expect("readable")
                    .map_or_else(Vec::new, |b| b.records)
            },
        )
}

/// Ships everything.
async fn drain(shipper: &mut Shipper, max: usize) -> Vec<Record> {
    let mut all = Vec::new();
    while let Ok(batch) = tokio::time::timeout(Duration::from_millis(200), shipper.next(max)).await
    {
        let Some(mut batch) = batch.expect("readable") else {
            break;
        };
        assert!(!batch.records.is_empty() && batch.records.len() <= max);
        all.append(&mut batch.records.clone());
        batch.records.clear();
        shipper.shipped(batch).expect("there is room");
    }
    all
}

fn segments(dir: &Path) -> Vec<u64> {
    files::segments(dir).expect("readable")
}

#[tokio::test]
async fn what_was_appended_is_shipped_in_order_in_batches() {
    let dir = folder();
    let (spool, mut shipper) = open(dir.path()).expect("a fresh folder");
    let records: Vec<Record> = (0..25).map(|_| refusal()).collect();
    for record in &records {
        spool.append(record).expect("there is room");
    }
    assert_eq!(spool.backlog(), 25);
    let batch = shipper.next(10).await.expect("readable").expect("some");
    assert_eq!(batch.records, records[..10]);
    let again = shipper
        .next(10)
        .await
        .expect("readable")
        .expect("unmarked, so again");
    assert_eq!(again.records, records[..10]);
    shipper.shipped(batch).expect("there is room");
    shipper.shipped(again).expect("a second mark is nothing");
    assert_eq!(spool.backlog(), 15);
    assert_eq!(drain(&mut shipper, 10).await, records[10..]);
    assert_eq!(spool.backlog(), 0);
}

#[tokio::test]
async fn the_shipper_wakes_when_a_record_comes_and_ends_when_closed_and_empty() {
    let dir = folder();
    let (spool, mut shipper) = open(dir.path()).expect("a fresh folder");
    let shipping = tokio::spawn(async move {
        let batch = shipper.next(10).await.expect("readable").expect("a record");
        shipper.shipped(batch).expect("there is room");
        let rest = shipper
            .next(10)
            .await
            .expect("readable")
            .expect("one more, although closed");
        shipper.shipped(rest).expect("there is room");
        shipper.next(10).await.expect("readable").is_none()
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    spool.append(&refusal()).expect("there is room");
    tokio::time::sleep(Duration::from_millis(20)).await;
    spool.append(&refusal()).expect("there is room");
    spool.close();
    let ended = tokio::time::timeout(Duration::from_secs(5), shipping).await;
    assert!(ended.expect("it ends").expect("it does not panic"));
}

#[tokio::test]
async fn the_shipper_ends_with_its_spool() {
    let dir = folder();
    let (spool, mut shipper) = open(dir.path()).expect("a fresh folder");
    spool.append(&refusal()).expect("there is room");
    drop(spool);
    let batch = shipper.next(10).await.expect("readable").expect("a record");
    shipper.shipped(batch).expect("there is room");
    assert!(shipper.next(10).await.expect("readable").is_none());
}

#[tokio::test]
async fn what_was_not_shipped_is_replayed() {
    let dir = folder();
    let records: Vec<Record> = (0..10).map(|_| refusal()).collect();
    {
        let (spool, mut shipper) = open(dir.path()).expect("a fresh folder");
        for record in &records {
            spool.append(record).expect("there is room");
        }
        let batch = shipper.next(4).await.expect("readable").expect("some");
        shipper.shipped(batch).expect("there is room");
        // Stored by the database, but the process dies before it is marked.
        shipper.next(4).await.expect("readable").expect("some");
    }
    let (spool, mut shipper) = open(dir.path()).expect("an old folder");
    assert_eq!(spool.backlog(), 6);
    assert_eq!(drain(&mut shipper, 100).await, records[4..]);
    drop((spool, shipper));
    let (spool, mut shipper) = open(dir.path()).expect("an old folder");
    assert_eq!((spool.backlog(), waiting(&mut shipper).await), (0, vec![]));
}

#[tokio::test]
async fn an_open_call_is_settled_as_interrupted_once() {
    let dir = folder();
    let [open_call, done, refused] = [(); 3].map(|()| EventId::generate());
    {
        let (spool, mut shipper) = open(dir.path()).expect("a fresh folder");
        spool
            .append(&decided(open_call, Outcome::Allow))
            .expect("there is room");
        spool
            .append(&decided(done, Outcome::Allow))
            .expect("there is room");
        spool
            .append(&decided(refused, Outcome::Deny))
            .expect("there is room");
        spool
            .append(&settled(done, Settled::Ok))
            .expect("there is room");
        assert_eq!(spool.open_calls(), 1);
        // Shipped or not, the outcome is owed.
        assert_eq!(drain(&mut shipper, 10).await.len(), 4);
    }
    let (spool, mut shipper) = open(dir.path()).expect("an old folder");
    let told = drain(&mut shipper, 10).await;
    let [Record::Settled(settlement)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (settlement.id, settlement.settled),
        (open_call, Settled::Interrupted)
    );
    assert_eq!(spool.open_calls(), 0);
    drop((spool, shipper));
    let (_spool, mut shipper) = open(dir.path()).expect("an old folder");
    assert_eq!(waiting(&mut shipper).await, []);
}

/// Shipped segments go, but never one whose call is still open, nor any after it.
#[tokio::test]
async fn segments_are_deleted_when_nobody_needs_them() {
    let dir = folder();
    let long_call = EventId::generate();
    let (spool, mut shipper) = open_with(dir.path(), 2_000).expect("a fresh folder");
    spool
        .append(&decided(long_call, Outcome::Allow))
        .expect("there is room");
    for _ in 0..30 {
        let id = EventId::generate();
        spool
            .append(&decided(id, Outcome::Allow))
            .expect("there is room");
        spool
            .append(&settled(id, Settled::Ok))
            .expect("there is room");
    }
    assert!(segments(dir.path()).len() > 5);
    assert_eq!(drain(&mut shipper, 7).await.len(), 61);
    assert_eq!(
        segments(dir.path())[0],
        1,
        "the long call's decision is in the first"
    );
    drop((spool, shipper));

    let (spool, mut shipper) = open_with(dir.path(), 2_000).expect("an old folder");
    let told = drain(&mut shipper, 7).await;
    let [Record::Settled(settlement)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (settlement.id, settlement.settled),
        (long_call, Settled::Interrupted)
    );
    assert_eq!(segments(dir.path()).len(), 1);
    for _ in 0..30 {
        spool.append(&refusal()).expect("there is room");
    }
    assert_eq!(drain(&mut shipper, 7).await.len(), 30);
    assert_eq!(segments(dir.path()).len(), 1);
}

#[test]
fn one_process_has_the_folder() {
    let dir = folder();
    let held = open(dir.path()).expect("a fresh folder");
    let error = open(dir.path()).err().expect("the folder is taken");
    assert_eq!(error.0.kind(), std::io::ErrorKind::ResourceBusy);
    assert!(error.0.to_string().contains("another process"), "{error:?}");
    drop(held);
    open(dir.path()).expect("the folder is free again");
}

#[test]
fn others_cannot_read_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let parent = folder();
    let dir = parent.path().join("new");
    let (spool, _shipper) = open(&dir).expect("a fresh folder");
    spool.append(&refusal()).expect("there is room");
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&files::segment_path(&dir, 1)), 0o600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_of_many_threads_stay_whole() {
    let dir = folder();
    let (spool, mut shipper) = open_with(dir.path(), 20_000).expect("a fresh folder");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let spool = Arc::clone(&spool);
            std::thread::spawn(move || {
                let records: Vec<Record> = (0..200).map(|_| refusal()).collect();
                records
                    .iter()
                    .for_each(|record| spool.append(record).expect("there is room"));
                records.iter().map(Record::id).collect::<Vec<_>>()
            })
        })
        .collect();
    let shipped = tokio::spawn(async move { drain(&mut shipper, 64).await });
    let appended = threads
        .into_iter()
        .flat_map(|thread| thread.join().expect("no panic"));
    let appended: HashSet<EventId> = appended.collect();
    let shipped = shipped.await.expect("no panic");
    assert_eq!((shipped.len(), appended.len()), (1600, 1600));
    assert_eq!(
        shipped.iter().map(Record::id).collect::<HashSet<_>>(),
        appended
    );
    assert_eq!(spool.backlog(), 0);
}

/// Power cuts cannot be tested here, but that the thread syncs, and when, can.
#[test]
fn records_are_synced_within_a_fraction_of_a_second() {
    use std::sync::atomic::Ordering;
    let dir = folder();
    let (spool, _shipper) = open(dir.path()).expect("a fresh folder");
    for _ in 0..3 {
        spool.append(&refusal()).expect("there is room");
        assert!(spool.shared.dirty.load(Ordering::Acquire));
        let start = std::time::Instant::now();
        while spool.shared.dirty.load(Ordering::Acquire) {
            assert!(
                start.elapsed() < Duration::from_secs(2),
                "nothing is synced"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
