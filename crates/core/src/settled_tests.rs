//! Skipping equals deciding.

use super::*;
use crate::appointment::{Place, Removal, RemovalReason};
use crate::ids::{ConflictId, EventId};
use crate::reconcile::Standing;
use crate::settings::{Direction, PrivacyLevel};
use crate::testing::{all_day, appointment, at, context, linked, linked_with, span};
use chrono::Duration;
use proptest::prelude::*;

/// What was decided once is in the base.
fn agreed(record: &Record, ctx: &Context) -> Record {
    reconcile(record, ctx).record
}

fn changes_nothing(record: &Record, ctx: &Context) -> bool {
    let decision = reconcile(record, ctx);
    decision.standing == Standing::InSync
        && decision.record == *record
        && decision.intents.is_empty()
        && decision.conflict.is_none()
        && decision.by_policy.is_none()
        && decision.remarks.is_empty()
        && decision.due_at.is_none()
}

#[test]
fn what_both_sides_agreed_on_is_settled() {
    let ctx = context("2026-11-21T08:00:00Z");
    let record = agreed(&linked(&ctx), &ctx);
    assert!(is_settled(&record, &ctx) && changes_nothing(&record, &ctx));
    assert!(unless_settled(&record, &ctx).is_none());
    let mut without = appointment();
    (without.notes, without.client) = (None, None);
    let record = agreed(&linked_with(&ctx, without), &ctx);
    assert!(is_settled(&record, &ctx) && changes_nothing(&record, &ctx));
}

type Change = (&'static str, fn(&mut Record, &mut Context));

fn event(record: &mut Record) -> &mut Event {
    record.event.as_mut().expect("a linked record")
}

fn told(record: &mut Record) -> &mut Appointment {
    record.appointment.as_mut().expect("a linked record")
}

/// Each of them makes it something to decide, or leaves that to the decision.
const CHANGES: &[Change] = &[
    ("a version", |record, _| told(record).version += 1),
    ("a start", |record, _| told(record).start += Duration::minutes(15)),
    ("an end", |record, _| told(record).end = None),
    ("a place", |record, _| told(record).place = None),
    ("a name", |record, _| {
        told(record).place = Some(Place {
            name: None,
            address: Some("Lindenstr. 5, 10969 Berlin".into()),
        });
    }),
    ("notes", |record, _| told(record).notes = Some("Bring".into())),
    ("no notes", |record, _| told(record).notes = None),
    ("a link", |record, _| told(record).url.push('0')),
    ("no link", |record, _| told(record).url = "roundtrip:1".into()),
    ("private", |record, _| told(record).private = true),
    ("tentative", |record, _| {
        told(record).status = AppointmentStatus::Tentative;
    }),
    ("a move", |record, _| {
        event(record).time = EventTime::Timed(span("12-02 09:00-10:30"));
    }),
    ("all-day", |record, _| event(record).time = all_day(1)),
    ("a title", |record, _| event(record).title.push('!')),
    ("a location", |record, _| event(record).location.clear()),
    ("words in the block", |record, _| {
        event(record).description = event(record).description.replace("handouts", "cake");
    }),
    ("no block", |record, _| event(record).description.clear()),
    ("a series", |record, _| event(record).recurring = true),
    ("declined", |record, _| event(record).declined = true),
    ("free", |record, _| event(record).free = true),
    ("a newer mark", |record, _| {
        event(record).mark.as_mut().expect("a mark").version += 1;
    }),
    ("no event", |record, _| record.event = None),
    ("no appointment", |record, _| record.appointment = None),
    ("a removal", |record, _| {
        record.removal = Some(Removal {
            reason: RemovalReason::Cancelled,
            inferred: false,
            at: at("2026-11-21T08:00:00Z"),
        });
    }),
    ("closed", |record, _| record.link = LinkState::Closed),
    ("kept", |record, _| record.link = LinkState::Kept),
    ("stopped", |record, _| record.link = LinkState::Stopped),
    ("unlinked", |record, _| record.link = LinkState::Unlinked),
    ("a duplicate", |record, _| {
        record.duplicates.push(EventId::new("e2"))
    }),
    ("a conflict", |record, _| {
        record.conflict = Some(ConflictId::new("c1"))
    }),
    ("a move that was noted", |record, _| {
        record.calendar_moved_at = Some(at("2026-11-21T07:00:00Z"));
    }),
    ("a confirmed time", |record, _| {
        record.confirmed_time = Some(span("12-02 09:00-10:30"));
    }),
    ("a chosen time", |record, _| {
        record.requested_time = Some(span("12-02 09:00-10:30"));
    }),
    ("words wanted back", |record, _| {
        record.requested_text.title = Some(Value::Text("x".into()));
    }),
    ("moves to ask about", |record, _| record.ask_moves = true),
    ("never passed", |record, _| record.passed = None),
    ("a note", |record, _| record.note = Some(EventNote::OwnWording)),
    ("no looks", |record, _| record.looks = None),
    ("no base of the platform's time", |record, _| {
        record.base.platform.time = None;
    }),
    ("no base of the calendar's notes", |record, _| {
        record.base.calendar.notes = None;
    }),
    ("a base that is a hash", |record, _| {
        record.base.platform.title = Some(Value::Hash("x".into()));
    }),
    ("it is over", |_, ctx| ctx.now = at("2026-12-01T09:30:00Z")),
    ("connected later", |_, ctx| {
        ctx.connected_at = at("2026-12-24T00:00:00Z")
    }),
    ("left out by its type", |_, ctx| {
        ctx.settings.filters.types_off.insert("pharmacy_visit".into());
    }),
    ("no notes wanted", |_, ctx| {
        ctx.settings.text.notes = !ctx.settings.text.notes
    }),
    ("only busy", |_, ctx| {
        ctx.settings.text.privacy = PrivacyLevel::Busy
    }),
    ("client names", |_, ctx| ctx.settings.text.client_names = true),
    ("contacts", |_, ctx| ctx.settings.text.client_contact = true),
    ("a colour", |_, ctx| ctx.settings.text.color = Some("7".into())),
];

#[test]
fn nothing_that_makes_a_difference_is_skipped() {
    for (what, change) in CHANGES {
        let mut ctx = context("2026-11-21T08:00:00Z");
        let mut record = agreed(&linked(&ctx), &ctx);
        change(&mut record, &mut ctx);
        assert!(!is_settled(&record, &ctx), "{what}");
    }
}

/// Texts that are compared in another form than they have, and some that are not.
const PIECES: &[&str] = &[
    "Linden",
    "ä",
    "a\u{308}",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "<b>",
    "</b>",
    "&amp;",
    "&",
    "<",
    "\u{200b}",
    "\u{e000}",
    "┈┈┈┈┈┈┈┈",
    "┈┈ Roundtrip ┈┈",
    "↗ ",
    "☎ ",
    "https://x.example/1",
    "·",
    "…",
];

fn any_text() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..5).prop_map(|pieces| pieces.concat())
}

prop_compose! {
    fn any_appointment()(
        texts in proptest::array::uniform5(proptest::option::of(any_text())),
        url in prop_oneof![3 => Just("https://x.example/1?a=b&c".to_owned()), 3 => Just("https://x.example/1".into()), 1 => any_text()],
        (private, tentative, client) in any::<(bool, bool, bool)>(),
    ) -> Appointment {
        let [name, address, title, topic, notes] = texts;
        let usual = appointment();
        Appointment {
            place: Some(Place { name, address }),
            title,
            topic,
            notes,
            url,
            private: private && tentative,
            status: if tentative { AppointmentStatus::Tentative } else { AppointmentStatus::Scheduled },
            client: usual.client.filter(|_| client),
            ..usual
        }
    }
}

prop_compose! {
    fn any_context()(
        flags in proptest::array::uniform5(any::<bool>()),
        direction in prop_oneof![4 => Just(Direction::default()), 1 => Just(Direction::Push), 1 => Just(Direction::Pull)],
        privacy in prop_oneof![6 => Just(PrivacyLevel::Full), 1 => Just(PrivacyLevel::Busy), 1 => Just(PrivacyLevel::TypeOnly)],
    ) -> Context {
        let mut ctx = context("2026-11-21T08:00:00Z");
        let [notes, names, contact, allowed, private] = flags;
        let text = &mut ctx.settings.text;
        (text.notes, text.client_names, text.client_contact, text.privacy) = (notes, names && contact, contact, privacy);
        (ctx.client_names_allowed, ctx.settings.filters.include_private) = (allowed, private);
        ctx.settings.direction = direction;
        ctx
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_what_is_settled_nothing_would_have_been_decided(
        told in any_appointment(),
        ctx in any_context(),
        own in any_text(),
        seen in proptest::option::weighted(0.3, any_text()),
        based in proptest::option::weighted(0.3, any_text()),
        changes in proptest::collection::vec(proptest::sample::select(CHANGES), 0..3),
        (again, alike) in any::<(bool, bool)>(),
    ) {
        let mut ctx = ctx;
        let mut record = linked_with(&ctx, told);
        record = agreed(&record, &ctx);
        if let Some(event) = record.event.as_mut() {
            event.description = format!("{own}{}", event.description);
            if let Some(seen) = &seen {
                (event.title, event.location) = (seen.clone(), format!("{}{seen}", event.location));
            }
        }
        if let Some(based) = based {
            let value = Some(Value::Text(based.clone()));
            (record.base.calendar.title, record.base.platform.title) = (value.clone(), value.clone());
            // All four say the same, though it is not in the form in which they are compared.
            if let (true, Some(place), Some(event)) =
                (alike, record.appointment.as_mut().and_then(|told| told.place.as_mut()), record.event.as_mut())
            {
                (place.name, place.address) = (Some(based.clone()), Some(based.clone()));
                (event.title, event.location) = (based.clone(), based);
                (record.base.calendar.location, record.base.platform.location) = (value.clone(), value);
            }
        }
        for (_, change) in changes {
            if record.appointment.is_some() && record.event.is_some() {
                change(&mut record, &mut ctx);
            }
        }
        if again {
            record = agreed(&record, &ctx);
        }
        prop_assert!(!is_settled(&record, &ctx) || changes_nothing(&record, &ctx));
    }
}

/// Earlier versions of the app wrote them as they are told.
#[test]
fn notes_with_the_dashes_of_a_marker_line_are_decided() {
    let case = crate::testing::Case::linked_as(|a| a.notes = Some("A ┈┈ B".into())).expect("InSync");
    let old = |text: &str| text.replace("──", "┈┈");
    let before = case.with(|record| {
        let event = record.event.as_mut().expect("an event");
        event.description = old(&event.description);
        let Some(Value::Text(notes)) = record.base.platform.notes.clone() else {
            panic!("known");
        };
        let notes = Some(Value::Text(old(&notes)));
        (record.base.platform.notes, record.base.calendar.notes) = (notes.clone(), notes);
    });
    assert!(!is_settled(&before.record, &before.ctx));
    before.expect("patch notes").carried_out().expect("InSync");
}
