//! Whatever the domain can say comes back as it was written.

use crate::common;

use chrono::{DateTime, Utc};
use common::*;
use proptest::prelude::*;
use roundtrip_core::conflict::{ConflictState, Resolution};
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::outbox::{Intent, OutboxState, Side};
use roundtrip_core::record::{LinkState, Record, Value};
use roundtrip_engine::ledger::{Change, Ledger};
use tempfile::tempdir;

fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![
        4 => (0_i64..4_000_000_000, 0_u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).expect("in range")),
        1 => Just(DateTime::<Utc>::MAX_UTC),
        1 => Just(DateTime::<Utc>::MIN_UTC),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just("\u{0}".into()),
        Just("ü\u{308}\r\n\t\"\\'".into())
    ]
}

fn any_link() -> impl Strategy<Value = LinkState> {
    prop_oneof![
        Just(LinkState::Unlinked),
        Just(LinkState::Linked),
        Just(LinkState::Closed),
        Just(LinkState::Kept),
        Just(LinkState::Stopped),
        (any::<bool>(), any_instant(), any::<u64>()).prop_map(|(by_trainer, at, version)| {
            LinkState::Removed {
                by_trainer,
                at,
                version,
            }
        }),
    ]
}

prop_compose! {
    fn any_record()(
        id in any_text(),
        title in proptest::option::of(any_text()),
        description in any_text(),
        version in any::<u64>(),
        generation in any::<u32>(),
        link in any_link(),
        times in proptest::collection::vec(any_instant(), 0..4),
        base in proptest::option::of(any_text()),
        known in any::<(bool, bool)>(),
    ) -> Record {
        let mut record = record("a1");
        record.appointment_id = AppointmentId::new(id);
        record.link = link;
        record.generation = generation;
        record.cool_down_until = times.first().copied();
        record.recent_writes = times;
        record.base.calendar.notes = base.map(Value::Text);
        record.appointment = record.appointment.filter(|_| known.0).map(|mut appointment| {
            appointment.title = title;
            appointment.version = version;
            appointment
        });
        record.event = record.event.filter(|_| known.1).map(|mut event| {
            event.description = description;
            event
        });
        record
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back_as_they_were_written(
        record in any_record(),
        notes in any_text(),
        state in prop_oneof![Just(OutboxState::Waiting), Just(OutboxState::Sent), Just(OutboxState::Parked)],
        due_at in any_instant(),
        closed in proptest::option::of(any_instant()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let outcome: Result<(), TestCaseError> = runtime.block_on(async {
            let dir = tempdir().expect("directory");
            let database = open(dir.path()).await;
            let ledger = database.ledger(connection());
            let mut row = row("o1", "a1", Side::Platform, state);
            row.appointment_id = record.appointment_id.clone();
            row.intent = Intent::Notes { version: u64::MAX, notes };
            row.due_at = due_at;
            let conflict_state = match closed {
                None => ConflictState::Open,
                Some(at) => {
                    ConflictState::Resolved { resolution: Resolution::MostRecent, at, by_policy: true }
                }
            };
            let raised = conflict("c1", due_at, conflict_state);
            let changes = vec![
                Change::PutRecord(Box::new(record.clone())),
                Change::PutOutbox(Box::new(row.clone())),
                Change::PutConflict(Box::new(raised.clone())),
            ];
            ledger.commit(changes).await.expect("commit");
            prop_assert_eq!(ledger.record(&record.appointment_id).await, Ok(Some(record.clone())));
            prop_assert_eq!(ledger.records().await, Ok(vec![record]));
            prop_assert_eq!(ledger.outbox().await, Ok(vec![row]));
            prop_assert_eq!(ledger.conflict(&raised.id).await, Ok(Some(raised.clone())));
            prop_assert_eq!(ledger.open_conflicts().await.map(|open| open.len()), Ok(usize::from(closed.is_none())));
            database.close().await;
            Ok(())
        });
        outcome?;
    }
}
