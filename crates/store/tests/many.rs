//! Many records in one commit: they are written and read many at a time.

use crate::common;

use common::*;
use roundtrip_core::ids::{AppointmentId, ConnectionId};
use roundtrip_core::record::Record;
use roundtrip_engine::ledger::{Change, Ledger};
use tempfile::tempdir;

#[tokio::test]
async fn many_records_of_one_commit_are_each_kept_in_the_order_of_their_changes() {
    let dir = tempdir().expect("directory");
    let database = open(dir.path()).await;
    let (ledger, other) = (
        database.ledger(connection()),
        database.ledger(ConnectionId::new("google:other")),
    );
    let put = |number: u32, generation: u32| {
        let mut record = record(&format!("a{number}"));
        record.generation = generation;
        Change::PutRecord(Box::new(record))
    };
    let mut changes: Vec<Change> = (0..200).map(|number| put(number, 1)).collect();
    changes.insert(20, put(19, 7));
    // Again beside itself, again after something else, gone, and gone and back.
    changes.extend([put(150, 2), put(150, 3), Change::PutRun(run("r1", now()))]);
    changes.push(put(3, 4));
    changes.push(Change::DeleteRecord(AppointmentId::new("a7")));
    changes.push(Change::DeleteRecord(AppointmentId::new("a8")));
    changes.extend([put(8, 5), put(9, 6)]);
    ledger.commit(changes).await.expect("commit");
    other.commit(vec![put(1, 9)]).await.expect("commit");

    let generation = |number: u32| match number {
        19 => 7,
        150 => 3,
        3 => 4,
        8 => 5,
        9 => 6,
        _ => 1,
    };
    let mut wanted: Vec<(String, u32)> = (0..200)
        .filter(|number| *number != 7)
        .map(|number| (format!("a{number}"), generation(number)))
        .collect();
    wanted.sort();
    let kept = |records: Vec<Record>| -> Vec<(String, u32)> {
        let kept = |record: Record| (record.appointment_id.0, record.generation);
        records.into_iter().map(kept).collect()
    };
    assert_eq!(kept(ledger.records().await.expect("records")), wanted);
    assert_eq!(
        kept(other.records().await.expect("records")),
        [("a1".to_owned(), 9)]
    );
}
