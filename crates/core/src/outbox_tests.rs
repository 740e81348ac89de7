//! What a row may conclude from what it meets at the service.

use super::*;
use crate::appointment::Actor;
use crate::ids::{AppointmentId, IdempotencyKey, OutboxId};
use crate::testing::{Case, appointment, at, identity, stored};

fn row(intent: Intent) -> OutboxRow {
    OutboxRow {
        id: OutboxId::new("row_1"),
        appointment_id: AppointmentId::new("apt_41"),
        side: intent.side(),
        intent,
        key: IdempotencyKey::new("key_1"),
        state: OutboxState::Sent,
        attempts: 1,
        due_at: at("2026-11-21T08:00:00Z"),
        created_at: at("2026-11-21T08:00:00Z"),
        last_problem: None,
        noticed: None,
        left_at: None,
    }
}

/// A move of the appointment (version 7) to Tuesday, 15:00 in Berlin.
fn moved() -> OutboxRow {
    let from = appointment().span();
    let later = Duration::hours(6);
    row(Intent::Move {
        version: 7,
        time: TimeSpan {
            start: from.start + later,
            end: from.end + later,
            ..from
        },
        from,
        moved_at: at("2026-11-21T07:59:00Z"),
        event_id: identity().event_id(&AppointmentId::new("apt_41"), 1),
    })
}

/// The appointment after a change by this hand to that time.
fn changed(by: &str, version: Version, hours: i64) -> Appointment {
    let before = appointment();
    Appointment {
        version,
        start: before.start + Duration::hours(hours),
        end: before.end.map(|end| end + Duration::hours(hours)),
        updated_by: Some(Actor {
            kind: by.into(),
            name: None,
        }),
        ..before
    }
}

#[test]
fn a_report_has_arrived_if_the_appointment_says_it_and_nobody_else_said_so() {
    let row = moved();
    assert!(row.has_arrived(&changed("trainer", 8, 6)));
    // The admin edited something since.
    assert!(row.has_arrived(&changed("admin", 9, 6)));
    // Who it was is not said.
    assert!(row.has_arrived(&Appointment {
        updated_by: None,
        ..changed("trainer", 8, 6)
    }));

    // The one change since is the admin's, who chose the same time.
    assert!(!row.has_arrived(&changed("admin", 8, 6)));
    assert!(!row.has_arrived(&changed("trainer", 8, 5)));
    assert!(!row.has_arrived(&changed("trainer", 7, 6)));
    let longer = Appointment {
        end: None,
        ..changed("trainer", 8, 6)
    };
    assert!(!row.has_arrived(&longer));
}

#[test]
fn a_report_that_was_never_sent_before_has_not_arrived() {
    for state in [OutboxState::Waiting, OutboxState::Parked] {
        let row = OutboxRow { state, ..moved() };
        assert!(!row.has_arrived(&changed("trainer", 8, 6)));
    }
}

#[test]
fn notes_have_arrived_if_the_appointment_has_them() {
    let row = row(Intent::Notes {
        version: 7,
        notes: "Bring twelve handouts.".into(),
    });
    let with = |notes: &str| Appointment {
        notes: Some(notes.into()),
        ..changed("trainer", 8, 0)
    };
    assert!(row.has_arrived(&with("Bring twelve handouts.")));
    assert!(!row.has_arrived(&with("Bring the handouts.")));
    assert!(!row.has_arrived(&Appointment {
        notes: None,
        ..with("")
    }));
}

#[test]
fn an_event_that_was_there_a_minute_before_the_row_is_not_its_own() {
    let decision = Case::unlinked().decide();
    let Some(Intent::Insert { event_id, body, .. }) = decision.intents.first().cloned() else {
        panic!("an event is made")
    };
    let row = row(decision.intents[0].clone());
    let found = |updated: &str| stored(&event_id, &body, "1", at(updated));
    let not_its_own = |updated: &str| row.comes_after(&found(updated), None);
    assert!(not_its_own("2026-11-21T07:58:59Z"));
    assert!(!not_its_own("2026-11-21T07:59:00Z"));
    assert!(!not_its_own("2026-11-21T08:00:01Z"));
    let timeless = Event {
        updated: None,
        ..found("2026-11-20T08:00:00Z")
    };
    assert!(!row.comes_after(&timeless, None));
}

#[test]
fn an_event_that_was_changed_since_it_was_made_is_not_what_an_unanswered_insert_left() {
    let decision = Case::unlinked().decide();
    let Some(Intent::Insert { event_id, body, .. }) = decision.intents.first().cloned() else {
        panic!("an event is made")
    };
    let row = row(decision.intents[0].clone());
    let not_its_own = |created: &str, updated: &str| {
        row.comes_after(&stored(&event_id, &body, "1", at(updated)), Some(at(created)))
    };
    assert!(!not_its_own("2026-11-21T08:00:01Z", "2026-11-21T08:00:01.900Z"));
    assert!(not_its_own("2026-11-21T08:00:01Z", "2026-11-21T08:00:04Z"));
    assert!(not_its_own("2026-11-21T07:58:59Z", "2026-11-21T07:58:59.900Z"));
}

#[test]
fn a_creation_whose_key_may_be_forgotten_is_told_from_one_that_was_never_sent() {
    let marked = MarkedEvent {
        etag: Etag::new("\"1\""),
        title: "Rosen-Apotheke".into(),
        time: appointment().span(),
        location: String::new(),
        notes: String::new(),
        changed_at: None,
        stored: None,
    };
    let creation = row(Intent::Create {
        event_id: EventId::new("own-event"),
        event: Box::new(marked),
    });
    let soon = at("2026-11-27T08:00:00Z");
    let late = soon + Duration::seconds(1);
    assert!(!creation.may_be_forgotten(soon));
    assert!(creation.may_be_forgotten(late));
    let waits = OutboxRow {
        state: OutboxState::Waiting,
        ..creation
    };
    assert!(!waits.may_be_forgotten(late));
    assert!(!moved().may_be_forgotten(late));
}

#[test]
fn a_deletion_that_may_have_arrived_is_told_from_one_that_waits_and_keeps_its_tries_unless_a_leaving_asked_for_it()
 {
    let deletion = |reason, state| OutboxRow {
        state,
        ..row(Intent::Delete {
            event_id: EventId::new("event"),
            generation: 1,
            expected: None,
            reason,
        })
    };
    let sent = deletion(DeleteReason::Cancelled, OutboxState::Sent);
    assert!(sent.is_a_deletion_sent() && sent.is_decided_again());
    assert!(!deletion(DeleteReason::Cancelled, OutboxState::Waiting).is_a_deletion_sent());
    assert!(!deletion(DeleteReason::Cancelled, OutboxState::Parked).is_a_deletion_sent());
    assert!(!deletion(DeleteReason::Asked, OutboxState::Sent).is_decided_again());
    assert!(!moved().is_a_deletion_sent() && !moved().is_decided_again());
    // Of one that may have arrived it is learned first what became of it, whatever a later try is told.
    assert!(!sent.may_be_set_aside() && moved().may_be_set_aside());
    assert!(deletion(DeleteReason::Cancelled, OutboxState::Waiting).may_be_set_aside());
}

#[test]
fn a_report_is_overtaken_by_a_later_version_only() {
    assert!(!moved().is_overtaken_by(&changed("admin", 7, 0)));
    assert!(moved().is_overtaken_by(&changed("admin", 8, 0)));
}
