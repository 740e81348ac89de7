//! The planted violations of what the guard asks (P8).

use super::*;
use roundtrip_core::guard;
use roundtrip_core::ids::QuestionId;
use roundtrip_core::question::{Answer, Cause, Question, QuestionKind, Why};
use roundtrip_core::settings::SyncSettings;

fn question(
    number: u32,
    kind: QuestionKind,
    causes: &[(&str, Why, String)],
    asked_at: DateTime<Utc>,
) -> Question {
    let causes: BTreeMap<AppointmentId, Cause> = causes
        .iter()
        .map(|(id, why, mark)| {
            let (why, mark) = (*why, mark.clone());
            (AppointmentId::new(*id), Cause { why, mark })
        })
        .collect();
    Question {
        id: QuestionId::new(format!("q{number}")),
        kind,
        appointments: causes.keys().cloned().collect(),
        causes,
        asked_at,
        answer: None,
        answered_at: None,
    }
}

impl World {
    fn now(&self) -> DateTime<Utc> {
        self.sandbox.shared.now()
    }

    /// The laptop asks.
    fn asks(&mut self, question: &Question) {
        self.clock.advance(TimeDelta::seconds(1));
        let now = self.now();
        self.witnessed.questions.push((0, now, question.clone()));
    }

    /// The trainer answers.
    fn answers(&mut self, question: &Question, answer: Answer) {
        let answered = Question {
            answer: Some(answer),
            answered_at: Some(self.now()),
            ..question.clone()
        };
        self.asks(&answered);
    }
}

/// Fourteen agreed, of which the first twelve are cancelled, and the question about these.
fn cancelled() -> (World, Vec<String>, Question) {
    let mut world = World::new();
    world.hears();
    let ids: Vec<String> = (0..14).map(|hour| world.agreed(hour)).collect();
    for id in ids.iter().take(12) {
        world.sandbox.platform.cancel_appointment(id).expect("there");
    }
    world.laptop.statuses.clear();
    let causes: Vec<(&str, Why, String)> = ids
        .iter()
        .take(12)
        .map(|id| (id.as_str(), Why::Cancelled, "g1".to_owned()))
        .collect();
    let asked = question(1, QuestionKind::Cancellations, &causes, world.now());
    (world, ids, asked)
}

fn delete_all(world: &mut World, ids: &[String]) {
    for (hour, id) in (0..).zip(ids).take(12) {
        world.wrote(id, 1, Some(event_at(hour)), Some(deleted(event_at(hour))));
    }
}

#[test]
fn p8_a_mass_after_its_answer_is_in_order() {
    let (mut world, ids, asked) = cancelled();
    world.asks(&asked);
    world.answers(&asked, Answer::GoOn);
    delete_all(&mut world, &ids);
    world.is_in_order();
}

#[test]
fn p8_a_guard_that_asks_and_does_not_wait() {
    let (mut world, ids, asked) = cancelled();
    world.asks(&asked);
    delete_all(&mut world, &ids);
    world.answers(&asked, Answer::GoOn);
    world.finds("P8");
}

#[test]
fn p8_a_mass_that_was_to_be_left() {
    let (mut world, ids, asked) = cancelled();
    world.asks(&asked);
    world.answers(&asked, Answer::Leave);
    delete_all(&mut world, &ids);
    world.finds("P8");
}

#[test]
fn p8_an_answer_for_other_appointments_or_other_events() {
    let (mut world, ids, mut asked) = cancelled();
    asked.causes.remove(&AppointmentId::new(&*ids[0]));
    asked.appointments.remove(0);
    world.asks(&asked);
    world.answers(&asked, Answer::GoOn);
    delete_all(&mut world, &ids);
    // One more than was asked about is no mass by itself.
    world.is_in_order();

    let (mut world, ids, mut asked) = cancelled();
    for cause in asked.causes.values_mut() {
        cause.mark = "g2".to_owned();
    }
    world.asks(&asked);
    world.answers(&asked, Answer::GoOn);
    delete_all(&mut world, &ids);
    world.finds("P8");
}

#[test]
fn p8_many_moves_to_other_times_than_was_asked_about() {
    for asked_about in [30, 31] {
        let mut world = World::new();
        world.hears();
        let ids: Vec<String> = (0..6).map(|hour| world.agreed(hour)).collect();
        let causes: Vec<(&str, Why, String)> = (0..)
            .zip(&ids)
            .map(|(hour, id)| {
                (
                    id.as_str(),
                    Why::Moved,
                    guard::moved_to(&span(hour + asked_about)),
                )
            })
            .collect();
        let asked = question(1, QuestionKind::Moves, &causes, world.now());
        for (hour, id) in (0..).zip(&ids) {
            world.hand(id, 1, Some(event_at(hour)), Some(event_at(hour + 30)));
        }
        world.asks(&asked);
        world.answers(&asked, Answer::GoOn);
        for (hour, id) in (0..).zip(&ids) {
            world.reported(id, hour + 30, 1);
            let what = HistoryWhat::MovedBack {
                from: span(hour),
                to: span(hour + 30),
                admin_notified: true,
            };
            world.told(id, what);
            world.know(id);
        }
        if asked_about == 30 {
            world.is_in_order();
        } else {
            world.finds("P8");
        }
    }
}

#[test]
fn p8_many_events_removed_in_the_calendar_without_a_question() {
    for answered in [true, false] {
        let mut world = World::new();
        let ids: Vec<String> = (0..6).map(|hour| world.agreed(hour)).collect();
        for (hour, id) in (0..).zip(&ids) {
            world.hand(id, 1, Some(event_at(hour)), Some(deleted(event_at(hour))));
        }
        let causes: Vec<(&str, Why, String)> = ids
            .iter()
            .map(|id| (id.as_str(), Why::RemovedInCalendar, "g1".to_owned()))
            .collect();
        let asked = question(1, QuestionKind::RemovedInCalendar, &causes, world.now());
        world.asks(&asked);
        if answered {
            world.answers(&asked, Answer::Leave);
        }
        let now = world.now();
        for record in &mut world.laptop.records {
            record.link = LinkState::Removed {
                by_trainer: true,
                at: now,
                version: 1,
            };
            let put = roundtrip_engine::ledger::Change::PutRecord(Box::new(record.clone()));
            world.witnessed.commits(0, now, &[put]);
        }
        world.laptop.statuses.clear();
        if answered {
            world.is_in_order();
        } else {
            world.finds("P8");
        }
    }
}

#[test]
fn p8_the_same_asked_again_after_an_answer() {
    let (mut world, ids, asked) = cancelled();
    world.asks(&asked);
    world.answers(&asked, Answer::Leave);
    world.laptop.questions.push(asked.clone());
    world.is_in_order();
    let again = Question {
        id: QuestionId::new("q2"),
        asked_at: world.now(),
        ..asked
    };
    world.asks(&again);
    world.finds("P8");
    // Another event of the same appointment is another question.
    world.witnessed.questions.pop();
    let causes = [(ids[0].as_str(), Why::Cancelled, "g2".to_owned())];
    let other = question(3, QuestionKind::Cancellations, &causes, world.now());
    world.asks(&other);
    world.is_in_order();
}

#[test]
fn p8_an_event_that_came_from_the_bin_and_was_removed_again_is_asked_about_anew() {
    let (mut world, ids, _) = cancelled();
    let id = ids[13].as_str();
    let causes = [(id, Why::RemovedInCalendar, "g1".to_owned())];
    let asked = |number, now| question(number, QuestionKind::RemovedInCalendar, &causes, now);
    let (there, gone) = (event_at(13), deleted(event_at(13)));
    world.hand(id, 1, Some(there.clone()), Some(gone.clone()));
    let first = asked(1, world.now());
    world.asks(&first);
    world.answers(&first, Answer::GoOn);
    let again = asked(2, world.now());
    world.asks(&again);
    world.finds("P8");
    world.witnessed.questions.pop();
    world.hand(id, 1, Some(gone.clone()), Some(there.clone()));
    world.hand(id, 1, Some(there), Some(gone));
    let anew = asked(3, world.now());
    world.asks(&anew);
    let found = world.found();
    assert!(
        !found.iter().any(|violation| violation.invariant == "P8"),
        "{found:#?}"
    );
}

#[test]
fn p8_what_was_moved_since_and_is_left_out_anew_is_asked_about_anew() {
    let (mut world, ids, _) = cancelled();
    let id = ids[13].as_str();
    let causes = [(id, Why::RulesChanged, "g1".to_owned())];
    let asked = |number, now| question(number, QuestionKind::InferredDeletions, &causes, now);
    let first = asked(1, world.now());
    world.asks(&first);
    world.answers(&first, Answer::Leave);
    let again = asked(2, world.now());
    world.asks(&again);
    world.finds("P8");
    // Off and on again is another exclusion; one change alone is none, nor is one of something else.
    let let_in = SyncSettings::default();
    let mut left_out = SyncSettings::default();
    left_out.filters.weekdays_off.insert(1);
    let elsewhere = SyncSettings {
        every_minutes: 30,
        ..let_in.clone()
    };
    world
        .witnessed
        .settings
        .push((0, first.asked_at, left_out.clone()));
    for (set, excused) in [(let_in, false), (elsewhere, false), (left_out, true)] {
        world.witnessed.settings.push((0, again.asked_at, set));
        let asked_again = world.found().iter().any(|violation| violation.invariant == "P8");
        assert_eq!(asked_again, !excused);
    }
    world.witnessed.settings.clear();
    world.witnessed.questions.pop();
    world.reported(id, 40, 1);
    let anew = asked(3, world.now());
    world.asks(&anew);
    let found = world.found();
    assert!(
        !found.iter().any(|violation| violation.invariant == "P8"),
        "{found:#?}"
    );
}

#[test]
fn p8_a_question_without_its_reasons() {
    let (mut world, _, mut asked) = cancelled();
    world.laptop.questions.push(asked.clone());
    asked.causes.clear();
    world.asks(&asked);
    world.finds("P8");
}

/// An edit that nobody had read when the trainer said yes is held anew, and what still asks goes on asking (row H10 of the pen).
#[test]
fn p8_what_was_answered_before_an_edit_was_read_may_go_on_being_asked() {
    for (edited, answer) in [(false, Answer::GoOn), (true, Answer::GoOn), (true, Answer::Leave)] {
        let (mut world, ids, _) = cancelled();
        let id = ids[13].as_str();
        let causes = [(id, Why::RulesChanged, "g1".to_owned())];
        let asked = |number, now| question(number, QuestionKind::InferredDeletions, &causes, now);
        let (open, yes) = (asked(1, world.now()), asked(2, world.now()));
        world.asks(&open);
        world.requests.push(WireRecord {
            laptop: 0,
            era: 1,
            at: world.now(),
            google: true,
            method: "GET".into(),
            path: "/calendar/v3/calendars/primary/events".into(),
            request_id: None,
            idempotency_key: None,
            faults: Vec::new(),
            status: Some(200),
            retry_after: None,
            told_ahead: TimeDelta::zero(),
        });
        world.clock.advance(TimeDelta::seconds(60));
        if edited {
            let longer = EventState {
                end: event_at(13).end + TimeDelta::minutes(30),
                ..event_at(13)
            };
            world.hand(id, 1, Some(event_at(13)), Some(longer));
        }
        world.answers(&yes, answer);
        world.asks(&open);
        let again = world.found().iter().any(|violation| violation.invariant == "P8");
        assert_eq!(again, !edited || answer == Answer::Leave);
    }
}
