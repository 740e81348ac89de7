//! What the window is offered and told about a conflict.

use super::convert;
use crate::host::leaving::tests::connected;
use roundtrip_core::conflict::{
    Conflict, ConflictCause, ConflictKind, ConflictState, FieldConflict, Refusal, Seen,
};
use roundtrip_core::ids::{AppointmentId, ConflictId};
use roundtrip_core::record::{Field, Value};

#[tokio::test]
async fn another_time_is_offered_only_where_a_time_was_refused() {
    let (host, _folder) = connected("refused-notes").await;
    let running = host.running().await.expect("both are signed in");
    let snapshot = running.engine.snapshot().await.expect("the ledger works");
    let about = |field| Conflict {
        id: ConflictId::new("c1"),
        appointment_id: AppointmentId::new("apt_1"),
        kind: ConflictKind::Refused,
        cause: ConflictCause::Refused(Refusal {
            field,
            time: None,
            notes: None,
            version: 1,
            reason: "locked".into(),
            detail: None,
            at: snapshot.now,
        }),
        fields: vec![FieldConflict {
            field,
            before: None,
            platform: Value::Text("a".into()),
            calendar: Value::Text("b".into()),
        }],
        seen: Seen::default(),
        platform_changed_at: None,
        platform_changed_by: None,
        calendar_changed_at: None,
        raised_at: snapshot.now,
        state: ConflictState::Open,
    };
    for (field, offered) in [(Field::Time, true), (Field::Notes, false)] {
        let view = convert::conflict(&about(field), &snapshot);
        let another_time = view.choices.iter().any(|choice| choice == "set_time");
        assert_eq!(another_time, offered, "{field:?}");
        assert!(view.choices.iter().any(|choice| choice == "keep_calendar"));
    }
    host.close().await;
}

/// What is offered is what the platform could be told: it knows no whole days.
#[tokio::test]
async fn whole_days_of_which_nobody_knows_who_made_them_ask_for_a_time() {
    let (host, _folder) = connected("whole-days").await;
    let running = host.running().await.expect("both are signed in");
    let snapshot = running.engine.snapshot().await.expect("the ledger works");
    let day = snapshot.now.date_naive();
    let whole = Value::Time(roundtrip_core::time::EventTime::AllDay {
        start: day,
        end: day + chrono::Days::new(1),
    });
    let conflict = Conflict {
        id: ConflictId::new("c1"),
        appointment_id: AppointmentId::new("apt_1"),
        kind: ConflictKind::TimeChange,
        cause: ConflictCause::NoBase,
        fields: vec![FieldConflict {
            field: Field::Time,
            before: None,
            platform: whole.clone(),
            calendar: whole,
        }],
        seen: Seen::default(),
        platform_changed_at: None,
        platform_changed_by: None,
        calendar_changed_at: None,
        raised_at: snapshot.now,
        state: ConflictState::Open,
    };
    let view = convert::conflict(&conflict, &snapshot);
    assert_eq!(view.choices, ["set_time", "keep_platform", "stop_syncing"]);
    host.close().await;
}
