//! Which events go when the trainer leaves without a trace, and which stay.

use crate::event::Event;
use crate::event_id::Identity;
use crate::ids::{AppointmentId, Generation};
use crate::reconcile::{Context, Decision};
use crate::record::{Field, LinkState, Record};
use crate::time::EventTime;
use chrono::{DateTime, NaiveTime, Utc};

/// May this link's event be deleted because the trainer asked for it? Events of visits that are over stay: they are the
/// record of what took place. Events that the trainer made stay, too, whatever they became since.
pub fn may_be_asked_away(record: &Record, identity: &Identity, now: DateTime<Utc>) -> bool {
    let Some(event) = &record.event else {
        return false;
    };
    record.link != LinkState::Closed
        && end_of_link(record, event) > now
        && !made_by_trainer(event, &record.appointment_id, record.generation, identity)
}

/// The same for an event that carries our mark and that nothing else is known of.
pub fn unknown_may_be_asked_away(event: &Event, identity: &Identity, now: DateTime<Utc>) -> bool {
    event.mark.as_ref().is_some_and(|mark| {
        end_of(event) > now && !made_by_trainer(event, &mark.appointment, mark.generation, identity)
    })
}

/// The same for a link of another calendar, whose ids cannot be told here: as far as it is known.
pub fn lies_ahead(record: &Record, now: DateTime<Utc>) -> bool {
    record.event.as_ref().is_some_and(|event| {
        let by_hand = event.mark.as_ref().is_some_and(|mark| mark.origin.is_some());
        record.link != LinkState::Closed && !by_hand && end_of_link(record, event) > now
    })
}

/// Do notes of the trainer's wait for an answer that could still bring them to the platform? With the event they would be lost.
/// What no report could carry, as where the platform's notes are shown in part only, is in the calendar alone whatever is answered.
pub fn asks_about_notes(decision: &Decision, ctx: &Context) -> bool {
    let conflict = decision.conflict.as_ref();
    conflict.is_some_and(|draft| draft.fields.iter().any(|field| field.field == Field::Notes))
        && decision.record.calendar_edited_at.is_some()
        && ctx.settings.direction.reports()
        && decision.has_reportable_notes(ctx)
}

fn end_of_link(record: &Record, event: &Event) -> DateTime<Utc> {
    match &record.appointment {
        Some(appointment) => appointment.span().end,
        None => end_of(event),
    }
}

/// An id that is none of ours, or a mark that says so: the event was there before its appointment.
fn made_by_trainer(
    event: &Event,
    appointment: &AppointmentId,
    generation: Generation,
    identity: &Identity,
) -> bool {
    let said = event.mark.as_ref().is_some_and(|mark| mark.origin.is_some());
    said || !identity.chose(&event.id, appointment, generation)
}

/// When the visit is over, by what we wrote last; an event may have been dragged since.
fn end_of(event: &Event) -> DateTime<Utc> {
    let written = event.mark.as_ref().and_then(|mark| mark.time);
    match (written, &event.time) {
        (Some(time), _) => time.end,
        (None, EventTime::Timed(time)) => time.end,
        (None, EventTime::AllDay { end, .. }) => end.and_time(NaiveTime::MIN).and_utc(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appointment::Appointment;
    use crate::ids::EventId;
    use crate::settings::{ConflictPolicy, Direction};
    use crate::testing::Case;

    fn goes(case: &Case) -> bool {
        may_be_asked_away(&case.record, &case.ctx.identity, case.ctx.now)
    }

    fn unknown_goes(case: &Case) -> bool {
        let event = case.record.event.as_ref().expect("an event");
        unknown_may_be_asked_away(event, &case.ctx.identity, case.ctx.now)
    }

    /// An event that was there before its appointment.
    fn made(origin: bool) -> Case {
        Case::linked().with(|record| {
            let id = EventId("made-by-hand".into());
            record.event_id = Some(id.clone());
            let event = record.event.as_mut().expect("an event");
            event.id = id;
            event.mark.as_mut().expect("a mark").origin = origin.then(|| "its own".into());
        })
    }

    #[test]
    fn our_event_of_a_visit_to_come_goes() {
        let case = Case::linked();
        assert!(goes(&case) && unknown_goes(&case));
        assert!(lies_ahead(&case.record, case.ctx.now));
        let case = case.now("2027-12-02T12:00:00Z");
        assert!(!lies_ahead(&case.record, case.ctx.now));
    }

    #[test]
    fn without_an_event_nothing_goes() {
        assert!(!goes(&Case::unlinked()));
        assert!(!goes(&Case::linked().with(|record| record.event = None)));
    }

    #[test]
    fn an_event_that_the_trainer_made_stays() {
        for origin in [true, false] {
            let case = made(origin);
            assert!(!goes(&case) && !unknown_goes(&case), "{origin}");
            assert_eq!(lies_ahead(&case.record, case.ctx.now), !origin);
        }
        // The mark alone is enough, and so is the id alone.
        let case = Case::linked().calendar(|event| {
            event.mark.as_mut().expect("a mark").origin = Some("its own".into());
        });
        assert!(!goes(&case) && !unknown_goes(&case));
        let case = made(false).calendar(|event| event.mark = None);
        assert!(!goes(&case) && !unknown_goes(&case));
    }

    #[test]
    fn ours_without_its_mark_is_known_by_its_id_and_the_ledger_only() {
        let case = Case::linked().calendar(|event| event.mark = None);
        assert!(goes(&case));
        assert!(!unknown_goes(&case));
    }

    #[test]
    fn what_is_over_stays() {
        let case = Case::linked().now("2027-12-02T12:00:00Z");
        assert!(!goes(&case) && !unknown_goes(&case));
        // Before the platform was read only the mark tells.
        let case = case.with(|record| record.appointment = None);
        assert!(!goes(&case));
        assert!(!goes(
            &Case::linked().with(|record| record.link = LinkState::Closed)
        ));
    }

    #[test]
    fn what_ends_this_very_moment_is_over() {
        let case = Case::linked().now("2026-12-01T09:30:00Z");
        let event = case.record.event.as_ref().expect("an event");
        assert_eq!(end_of(event), case.ctx.now);
        assert!(!goes(&case) && !unknown_goes(&case) && !lies_ahead(&case.record, case.ctx.now));
    }

    #[test]
    fn an_event_dragged_into_the_past_is_still_one_of_a_visit_to_come() {
        let case = Case::linked().calendar_moves("11-01 09:00-10:30");
        assert!(goes(&case) && unknown_goes(&case));
    }
    /// Both sides have other notes than the base, and the trainer is asked.
    fn both_noted(change: impl FnOnce(&mut Appointment)) -> Case {
        let both = |a: &mut Appointment| {
            a.editable.notes = true;
            change(a);
        };
        Case::linked_as(both)
            .settings(|settings| settings.text_policy = ConflictPolicy::Ask)
            .calendar(|event| event.description = event.description.replace("handouts", "two handouts"))
            .platform(|a| a.notes = a.notes.as_ref().map(|notes| notes.replace("Bring", "Take")))
            .expect("ask DataMismatch BothChanged [Notes]")
    }

    fn asks(case: &Case) -> bool {
        asks_about_notes(&case.decide(), &case.ctx)
    }

    #[test]
    fn notes_that_an_answer_could_bring_to_the_platform_are_asked_about() {
        let case = both_noted(|_| {});
        assert!(asks(&case));
        assert!(!asks(
            &case.clone().with(|record| record.calendar_edited_at = None)
        ));
        assert!(!asks(
            &case.settings(|settings| settings.direction = Direction::Push)
        ));
    }

    #[test]
    fn notes_that_no_report_could_carry_are_not_asked_about() {
        assert!(!asks(&both_noted(|a| a.editable.notes = false)), "not editable");
        let long = format!("Bring the handouts.{}", " And one more.".repeat(500));
        assert!(!asks(&both_noted(|a| a.notes = Some(long))), "shown in part only");
        let linked = |event: &mut Event| {
            let words = r#"<a href="https://else.example/">two</a>"#;
            event.description = event.description.replace("two", words);
        };
        let case = both_noted(|_| {}).calendar(linked);
        assert!(
            case.decide().conflict.is_some() && !asks(&case),
            "more than text can say"
        );
    }
}
