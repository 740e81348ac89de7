//! Events that the trainer moved by hand out of a calendar that was in use before.

use super::*;
use crate::absorb::{Adoption, adopt, deleted, recognise};
use crate::event::Mark;
use crate::ids::{AppointmentId, CalendarId, Generation, TrainerId};
use crate::outbox::Intent;
use crate::record::Base;
use crate::testing::{Case, appointment, identity, linked, stored};

/// The main calendar was in use before the present one.
fn here() -> Identity {
    Identity {
        calendar: CalendarId::new("work@group.calendar.google.com"),
        former: vec![CalendarId::new("primary")],
        ..identity()
    }
}

/// This generation's event as it was made in the main calendar and moved.
fn moved(generation: Generation) -> Event {
    let ctx = crate::testing::context("2026-11-21T09:00:00Z");
    let mut event = linked(&ctx).event.unwrap();
    event.id = identity().event_id(&appointment().id, generation);
    event.mark.as_mut().unwrap().generation = generation;
    event
}

/// In the present calendar.
fn case() -> Case {
    let mut case = Case::linked();
    case.ctx.identity = here();
    case.record = linked(&case.ctx);
    case
}

/// In the present calendar, and never written.
fn without_event() -> Case {
    let mut case = case();
    case.record.event = None;
    case.record.event_id = None;
    case.record.base = Base::default();
    case.record.link = LinkState::Unlinked;
    case
}

fn told(event: &Event, record: Option<&Record>) -> Adoption {
    recognise(event, &here(), |_| record)
}

#[test]
fn what_was_moved_here_is_adopted_where_its_appointment_has_no_event() {
    let adopt = Adoption::Adopt(appointment().id);
    assert_eq!(told(&moved(1), None), adopt);
    assert_eq!(told(&moved(3), None), adopt);
    // Never written, deleted by the platform, removed by the trainer: in whatever generation.
    let mut known = Record::new(appointment().id);
    assert_eq!(told(&moved(1), Some(&known)), adopt);
    known.generation = 2;
    known.link = LinkState::Removed {
        by_trainer: true,
        at: case().ctx.now,
        version: 1,
    };
    for generation in 1..=3 {
        assert_eq!(told(&moved(generation), Some(&known)), adopt, "{generation}");
    }
    let identity = Identity {
        former: vec![CalendarId::new("third"), CalendarId::new("primary")],
        ..here()
    };
    assert_eq!(recognise(&moved(1), &identity, |_| None), adopt);
}

#[test]
fn beside_an_event_of_this_calendar_it_is_left_alone_in_whatever_generation() {
    let known = case().record;
    for generation in 1..=3 {
        assert_eq!(
            told(&moved(generation), Some(&known)),
            Adoption::Foreign,
            "{generation}"
        );
    }
}

#[test]
fn what_was_stopped_or_kept_is_not_taken_up_again_by_it() {
    for link in [LinkState::Stopped, LinkState::Kept] {
        let mut known = case().record;
        known.event = None;
        known.link = link.clone();
        for generation in [1, 2] {
            assert_eq!(
                told(&moved(generation), Some(&known)),
                Adoption::Foreign,
                "{link:?}"
            );
        }
    }
}

#[test]
fn what_is_not_of_this_trainer_platform_and_account_stays_foreign() {
    let others = [
        Identity {
            trainer: TrainerId::new("usr_8"),
            ..here()
        },
        Identity {
            platform: "https://another.example".into(),
            ..here()
        },
        Identity {
            account: "2114".into(),
            ..here()
        },
        Identity {
            former: vec![CalendarId::new("third")],
            ..here()
        },
        Identity {
            former: Vec::new(),
            ..here()
        },
    ];
    for other in others {
        let told = recognise(&moved(1), &other, |_| None);
        assert_eq!(told, Adoption::Foreign, "{other:?}");
    }
    let changed = |change: &dyn Fn(&mut Event, &mut Mark)| {
        let mut event = moved(1);
        let mut mark = event.mark.take().unwrap();
        change(&mut event, &mut mark);
        event.mark = Some(mark);
        told(&event, None)
    };
    let copy = changed(&|event, _| event.id = EventId::new("4bd0a1o2kk7r3vsd0h2hnlq8gc"));
    assert_eq!(copy, Adoption::Foreign);
    let newer = changed(&|_, mark| mark.generation = 2);
    assert_eq!(newer, Adoption::Foreign);
    let of_another = changed(&|_, mark| mark.appointment = AppointmentId::new("apt_42"));
    assert_eq!(of_another, Adoption::Foreign);
}

#[test]
fn once_adopted_it_is_known_followed_and_deleted_and_the_next_event_has_an_id_of_this_calendar() {
    let mut case = without_event();
    case.record.generation = 2;
    case.record.deleted_by_us = vec![1, 2];
    adopt(&mut case.record, moved(1), case.ctx.now);
    assert_eq!(case.record.generation, 2, "what was used here stays used");
    assert_eq!(
        told(&moved(1), Some(&case.record)),
        Adoption::Known(appointment().id)
    );
    let mut case = case.expect("InSync").platform_moves("12-02 09:00-10:30");

    // Its mark goes on telling the generation that its id was made from, or nobody would know it again.
    let intents = case.decide().intents;
    let [Intent::Patch { event_id, body, .. }] = intents.as_slice() else {
        panic!("a patch: {intents:?}")
    };
    assert_eq!((event_id, body.mark.generation), (&moved(1).id, 1));
    assert_eq!(body.mark.origin, None);
    let patched = stored(event_id, body, "\"2\"", case.ctx.now);
    assert_eq!(told(&patched, None), Adoption::Adopt(appointment().id));

    deleted(&mut case.record, &moved(1).id, case.ctx.now);
    let intents = case.decide().intents;
    let [
        Intent::Insert {
            event_id, generation, ..
        },
    ] = intents.as_slice()
    else {
        panic!("an insertion: {intents:?}")
    };
    assert_eq!(*generation, 3);
    assert_eq!(*event_id, here().event_id(&appointment().id, 3));
}

#[test]
fn a_listing_tells_of_this_calendar_s_own_events_first_and_of_each_in_its_order() {
    let live = |event: &Event| EventChange::Live(Box::new(event.clone()));
    let own = case().record.event.unwrap();
    let gone = |id: &str| EventChange::Deleted {
        id: EventId::new(id),
        updated: None,
    };
    let buried = gone(moved(1).id.as_str());
    let listing = vec![
        live(&moved(1)),
        gone("b"),
        buried.clone(),
        live(&own),
        gone("a"),
        live(&moved(2)),
    ];
    let mut sorted = listing.clone();
    moved_here_last(&mut sorted, &here());
    let expected = vec![
        gone("b"),
        live(&own),
        gone("a"),
        live(&moved(1)),
        buried,
        live(&moved(2)),
    ];
    assert_eq!(sorted, expected);

    let mut as_it_was = listing.clone();
    let identity = Identity {
        former: Vec::new(),
        ..here()
    };
    moved_here_last(&mut as_it_was, &identity);
    assert_eq!(as_it_was, listing);
}

/// Another laptop, which does not know of the calendar before, made one of the present calendar beside it.
#[test]
fn an_event_of_this_calendar_takes_the_place_of_one_that_was_moved_here_and_nothing_goes() {
    let mut case = without_event();
    adopt_here(&mut case.record, moved(1), &here(), case.ctx.now);
    let case = case.expect("InSync");
    for generation in [1, 2] {
        let mut own = moved(1);
        own.id = here().event_id(&appointment().id, generation);
        own.mark.as_mut().unwrap().generation = generation;
        assert_eq!(
            told(&own, Some(&case.record)),
            Adoption::Adopt(appointment().id),
            "{generation}"
        );
        let mut record = case.record.clone();
        adopt_here(&mut record, own.clone(), &here(), case.ctx.now);
        assert_eq!((&record.event_id, record.duplicates.len()), (&Some(own.id), 0));
        assert_eq!(told(&moved(1), Some(&record)), Adoption::Foreign);
    }
}

/// The calendars used before went with a disconnect: what was adopted from one is not called the trainer's own for that.
#[test]
fn what_was_adopted_keeps_its_mark_where_its_calendar_is_not_known_any_more() {
    let mut case = case();
    case.record.event_id = Some(moved(1).id);
    case.record.event = Some(moved(1));
    case.record.generation = 3;
    case.ctx.identity.former = Vec::new();
    let case = case.platform_moves("12-02 09:00-10:30");
    let intents = case.decide().intents;
    let [Intent::Patch { body, .. }] = intents.as_slice() else {
        panic!("a patch: {intents:?}")
    };
    assert_eq!((body.mark.generation, &body.mark.origin), (1, &None));
}
