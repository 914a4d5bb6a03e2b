//! Tests that need a process of their own, to be killed or to meet a full disk: the test binary
//! starts itself again with a folder in its environment.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::*;

const FOLDER: &str = "SPOOL_TEST_FOLDER";

/// Runs one test of this binary in a child that ignores SIGXFSZ, so that a limit on the length of
/// files looks like a full disk.
fn child(test: &str, dir: &Path) -> Child {
    let this = std::env::current_exe().expect("a test knows its binary");
    Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(this)
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh is there")
}

fn given_folder() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

/// The parent reads it.
fn acknowledge(id: EventId) {
    println!("ack {id}");
}

fn acknowledged(line: &str) -> Option<EventId> {
    line.strip_prefix("ack ").and_then(|id| id.parse().ok())
}

#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(dir) = given_folder() else { return };
    let (spool, _shipper) = open_with(&dir, 50_000).expect("it can be opened");
    loop {
        let id = EventId::generate();
        spool
            .append(&decided(id, Outcome::Allow))
            .expect("there is room");
        acknowledge(id);
    }
}

/// SIGKILL in the middle of appends: every record that was acknowledged is there, once, and each
/// open call is settled as interrupted, once.
#[tokio::test]
async fn no_acknowledged_record_dies_with_its_process() {
    let dir = folder();
    let mut all = HashSet::new();
    for round in 0..3 {
        let mut child = child(
            "suite::children::child_that_appends_until_it_is_killed",
            dir.path(),
        );
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut seen = 0;
        for line in out.lines() {
            if let Some(id) = acknowledged(&line.expect("text")) {
                all.insert(id);
                seen += 1;
            }
            if seen == 1500 + round {
                child.kill().expect("a child can be killed");
            }
        }
        child.wait().expect("a child can be waited for");
        assert!(seen >= 1500, "the child got only to {seen}");
    }
    let (_spool, mut shipper) = open(dir.path()).expect("an old folder");
    let (mut decisions, mut interrupted) = (HashSet::new(), HashSet::new());
    for record in drain(&mut shipper, 500).await {
        match record {
            Record::Decided(decision) => assert!(decisions.insert(decision.id)),
            Record::Settled(settlement) => {
                assert_eq!(settlement.settled, Settled::Interrupted);
                assert!(interrupted.insert(settlement.id));
            }
        }
    }
    assert!(all.is_subset(&decisions));
    assert_eq!(decisions, interrupted);
    assert!(!dir.path().join("damaged.txt").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_appends_and_ships_until_it_is_killed() {
    let Some(dir) = given_folder() else { return };
    let (spool, mut shipper) = open_with(&dir, 20_000).expect("it can be opened");
    tokio::task::spawn_blocking(move || {
        loop {
            let id = EventId::generate();
            for record in [decided(id, Outcome::Allow), settled(id, Settled::Ok)] {
                spool.append(&record).expect("there is room");
            }
            acknowledge(id);
        }
    });
    loop {
        let batch = shipper
            .next(50)
            .await
            .expect("readable")
            .expect("it is not closed");
        batch.records.iter().for_each(stored);
        shipper.shipped(batch).expect("there is room");
    }
}

/// Stands for the database: what the parent has read is stored.
fn stored(record: &Record) {
    println!(
        "stored {}",
        serde_json::to_string(record).expect("serialisable")
    );
}

/// SIGKILL while segments are written, shipped and deleted: of each acknowledged call the decision
/// and its one outcome are stored, before or after; `interrupted` is never said of a settled call.
#[tokio::test]
async fn shipping_loses_nothing_when_its_process_dies() {
    let dir = folder();
    let mut told = HashSet::new();
    let mut database: Vec<Record> = Vec::new();
    for _ in 0..3 {
        let mut child = child(
            "suite::children::child_that_appends_and_ships_until_it_is_killed",
            dir.path(),
        );
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut seen = 0;
        for line in out.lines() {
            let line = line.expect("text");
            if let Some(record) = line.strip_prefix("stored ") {
                // The last line may be cut off: then it was never stored.
                database.extend(serde_json::from_str::<Record>(record));
            } else if let Some(id) = acknowledged(&line) {
                told.insert(id);
                seen += 1;
            }
            if seen == 1000 {
                child.kill().expect("a child can be killed");
            }
        }
        child.wait().expect("a child can be waited for");
        assert!(seen >= 1000, "the child got only to {seen}");
    }
    assert!(
        segments(dir.path())[0] > 3,
        "shipped segments were deleted on the way"
    );
    let (_spool, mut shipper) = open(dir.path()).expect("an old folder");
    database.append(&mut drain(&mut shipper, 500).await);
    let (mut decisions, mut outcomes) = (HashSet::new(), std::collections::HashMap::new());
    for record in &database {
        match record {
            Record::Decided(decision) => {
                decisions.insert(decision.id);
            }
            Record::Settled(settlement) => {
                let first = *outcomes.entry(settlement.id).or_insert(settlement.settled);
                assert_eq!(first, settlement.settled, "two outcomes of one call");
            }
        }
    }
    for id in &told {
        assert!(decisions.contains(id), "a decision is lost");
        assert_eq!(outcomes.get(id), Some(&Settled::Ok), "an outcome is lost");
    }
    assert!(decisions.iter().all(|id| outcomes.contains_key(id)));
}

fn limit_files_to(bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    setrlimit(Resource::Fsize, limit).expect("a soft limit can be set");
}

#[test]
fn child_whose_disk_fills_up() {
    let Some(dir) = given_folder() else { return };
    let (spool, _shipper) = open(&dir).expect("it can be opened");
    limit_files_to(Some(10_000));
    let refused = loop {
        let record = refusal();
        match spool.append(&record) {
            Ok(()) => acknowledge(record.id()),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.0.kind(), std::io::ErrorKind::FileTooLarge);
    for _ in 0..3 {
        assert!(spool.append(&refusal()).is_err(), "the disk is still full");
    }
    let file = fs::read(files::segment_path(&dir, 1)).expect("readable");
    assert_eq!(file.last(), Some(&b'\n'), "a torn record was left");
    limit_files_to(None);
    let record = refusal();
    spool.append(&record).expect("there is room again");
    acknowledge(record.id());
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_no_torn_record() {
    let dir = folder();
    let child = child("suite::children::child_whose_disk_fills_up", dir.path());
    let output = child.wait_with_output().expect("a child can be waited for");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{out}");
    let told: Vec<EventId> = out.lines().filter_map(acknowledged).collect();
    assert!(told.len() > 5, "{out}");
    let (_spool, mut shipper) = open(dir.path()).expect("an old folder");
    let kept: Vec<EventId> = drain(&mut shipper, 100)
        .await
        .iter()
        .map(Record::id)
        .collect();
    assert_eq!(kept, told);
    assert!(!dir.path().join("damaged.txt").exists());
}
