//! Folders that a crash, a full disk or a person has left in disorder.

use std::io::Write;

use super::*;

#[tokio::test]
async fn a_torn_last_line_is_cut() {
    let whole = refusal();
    let line = serde_json::to_vec(&refusal()).expect("serialisable");
    for kept in [1, line.len() / 2, line.len()] {
        let dir = folder();
        {
            let (spool, _shipper) = open(dir.path()).expect("a fresh folder");
            spool.append(&whole).expect("there is room");
        }
        let mut file = files::open_segment(dir.path(), 1).expect("it is there");
        file.write_all(&line[..kept]).expect("there is room");
        let (spool, mut shipper) = open(dir.path()).expect("an old folder");
        let next = refusal();
        spool.append(&next).expect("there is room");
        assert_eq!(drain(&mut shipper, 10).await, [whole.clone(), next]);
    }
}

/// In doubt everything is shipped again: the database knows events by their id.
#[tokio::test]
async fn a_lost_or_damaged_note_means_shipping_again() {
    for damage in [
        None,
        Some(""),
        Some("1"),
        Some("1 5\n"),
        Some("1 99999999\n"),
        Some("7 0\n"),
        Some("00000001 x\n"),
        Some("18446744073709551615 18446744073709551615\n"),
        Some("\u{0}\u{0}\u{0}"),
    ] {
        let dir = folder();
        let records: Vec<Record> = (0..3).map(|_| refusal()).collect();
        {
            let (spool, mut shipper) = open(dir.path()).expect("a fresh folder");
            for record in &records {
                spool.append(record).expect("there is room");
            }
            assert_eq!(drain(&mut shipper, 10).await.len(), 3);
        }
        let note = dir.path().join("shipped");
        match damage {
            Some(text) => fs::write(note, text).expect("writable"),
            None => fs::remove_file(note).expect("it is there"),
        }
        let (spool, mut shipper) = open(dir.path()).expect("an old folder");
        assert_eq!(spool.backlog(), 3, "{damage:?}");
        assert_eq!(drain(&mut shipper, 10).await, records, "{damage:?}");
    }
}

/// One damaged line must neither stop the shipping nor vanish.
#[tokio::test]
async fn a_record_that_cannot_be_read_is_set_aside() {
    let dir = folder();
    let (before, after) = (refusal(), refusal());
    {
        let (spool, _shipper) = open(dir.path()).expect("a fresh folder");
        spool.append(&before).expect("there is room");
        let mut file = files::open_segment(dir.path(), 1).expect("it is there");
        file.write_all(b"\0\0\0 rubbish\n").expect("there is room");
    }
    let (spool, mut shipper) = open(dir.path()).expect("an old folder");
    spool.append(&after).expect("there is room");
    assert_eq!(drain(&mut shipper, 1).await, [before, after]);
    assert_eq!(spool.backlog(), 0);
    let aside = fs::read(dir.path().join("damaged.txt")).expect("it is there");
    assert_eq!(aside, b"\0\0\0 rubbish\n");
}
