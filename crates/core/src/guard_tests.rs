//! P8: each limit exactly at and just above it.

use super::*;
use crate::appointment::{Appointment, Removal, RemovalReason};
use crate::conflict::Resolution;
use crate::ids::{EventId, QuestionId};
use crate::record::Record;
use crate::settings::SyncSettings;
use crate::testing::{Case, another_time, appointment, at, context, linked_with};

fn id(number: usize) -> AppointmentId {
    AppointmentId::new(format!("apt_{number}"))
}

fn case(number: usize) -> Case {
    let ctx = context("2026-11-21T09:00:00Z");
    let record = linked_with(
        &ctx,
        Appointment {
            id: id(number),
            ..appointment()
        },
    );
    Case { ctx, record }
}

fn cancelled(number: usize) -> Decision {
    case(number).platform_removes(RemovalReason::Cancelled).decide()
}

fn missing(number: usize) -> Decision {
    let gone = Removal {
        reason: RemovalReason::Unassigned,
        inferred: true,
        at: at("2026-11-21T09:00:00Z"),
    };
    case(number)
        .with(|record: &mut Record| record.removal = Some(gone))
        .decide()
}

fn left_out(number: usize) -> Decision {
    let off = |settings: &mut SyncSettings| _ = settings.filters.types_off.insert("pharmacy_visit".into());
    case(number).settings(off).decide()
}

fn moved(number: usize) -> Decision {
    case(number)
        .calendar_moves("12-01 14:00-15:30")
        .later(20)
        .decide()
}

fn removed(number: usize) -> Decision {
    case(number).calendar_deletes().decide()
}

fn many(count: usize, decision: fn(usize) -> Decision) -> Vec<Decision> {
    (0..count).map(decision).collect()
}

fn question(kind: QuestionKind, numbers: std::ops::Range<usize>, answer: Option<Answer>) -> Question {
    Question {
        id: QuestionId::new("q_1"),
        kind,
        appointments: numbers.map(id).collect(),
        causes: BTreeMap::new(),
        asked_at: at("2026-11-21T08:30:00Z"),
        answer,
        answered_at: answer.map(|_| at("2026-11-21T08:40:00Z")),
    }
}

/// Nothing is held and nothing asked.
#[track_caller]
fn passes(decisions: &[Decision], recent: Recent, links: usize, questions: &[Question]) {
    assert_eq!(judge(decisions, recent, links, questions), Verdict::default());
}

/// All of them are held, and one question names them all.
#[track_caller]
fn asks(kind: QuestionKind, decisions: &[Decision], recent: Recent, links: usize) {
    let verdict = judge(decisions, recent, links, &[]);
    let mut all: Vec<AppointmentId> = decisions
        .iter()
        .map(|decision| decision.record.appointment_id.clone())
        .collect();
    all.sort();
    let asked: Vec<(QuestionKind, Vec<AppointmentId>)> = verdict
        .ask
        .into_iter()
        .map(|(kind, causes)| (kind, causes.into_keys().collect()))
        .collect();
    assert_eq!(asked, [(kind, all.clone())]);
    assert_eq!(verdict.held, all.into_iter().map(|id| (id, kind)).collect());
}

#[test]
fn inferred_deletions_are_counted_against_the_number_of_links() {
    for (links, max) in [(0, 3), (15, 3), (19, 3), (20, 4), (49, 9), (50, 10), (1_000, 10)] {
        assert_eq!(inferred_deletions_max(links), max, "{links} links");
    }
}

#[test]
fn inferred_deletions_ask_above_their_limit() {
    for decision in [missing, left_out] {
        passes(&many(3, decision), Recent::default(), 15, &[]);
        asks(
            QuestionKind::InferredDeletions,
            &many(4, decision),
            Recent::default(),
            15,
        );
        passes(&many(10, decision), Recent::default(), 200, &[]);
        asks(
            QuestionKind::InferredDeletions,
            &many(11, decision),
            Recent::default(),
            200,
        );
    }
}

#[test]
fn missing_and_left_out_count_together() {
    let both: Vec<Decision> = vec![missing(0), missing(1), left_out(2), left_out(3)];
    asks(QuestionKind::InferredDeletions, &both, Recent::default(), 15);
}

#[test]
fn cancellations_ask_above_ten_and_above_half() {
    passes(&many(10, cancelled), Recent::default(), 10, &[]); // all of them, but only ten
    passes(&many(11, cancelled), Recent::default(), 22, &[]); // more than ten, but only half
    asks(
        QuestionKind::Cancellations,
        &many(11, cancelled),
        Recent::default(),
        21,
    );
}

#[test]
fn moves_ask_above_five() {
    passes(&many(5, moved), Recent::default(), 100, &[]);
    asks(QuestionKind::Moves, &many(6, moved), Recent::default(), 100);
}

#[test]
fn events_removed_in_the_calendar_are_one_question_above_five() {
    passes(&many(5, removed), Recent::default(), 100, &[]);
    asks(
        QuestionKind::RemovedInCalendar,
        &many(6, removed),
        Recent::default(),
        100,
    );
}

#[test]
fn the_last_sixty_minutes_count_too() {
    let one_more = |kind, decision: fn(usize) -> Decision, recent: Recent, less: Recent| {
        asks(kind, &many(1, decision), recent, 15);
        passes(&many(1, decision), less, 15, &[]);
    };
    let none = Recent::default();
    one_more(
        QuestionKind::InferredDeletions,
        missing,
        Recent {
            inferred_deletions: 3,
            ..none
        },
        Recent {
            inferred_deletions: 2,
            cancellations: 90,
            moves: 90,
            removed_in_calendar: 90,
        },
    );
    one_more(
        QuestionKind::Cancellations,
        cancelled,
        Recent {
            cancellations: 10,
            ..none
        },
        Recent {
            cancellations: 9,
            inferred_deletions: 90,
            moves: 90,
            removed_in_calendar: 90,
        },
    );
    one_more(
        QuestionKind::Moves,
        moved,
        Recent { moves: 5, ..none },
        Recent {
            moves: 4,
            inferred_deletions: 90,
            cancellations: 90,
            removed_in_calendar: 90,
        },
    );
    one_more(
        QuestionKind::RemovedInCalendar,
        removed,
        Recent {
            removed_in_calendar: 5,
            ..none
        },
        Recent {
            removed_in_calendar: 4,
            inferred_deletions: 90,
            cancellations: 90,
            moves: 90,
        },
    );
}

#[test]
fn each_kind_is_held_by_itself() {
    let mut plan = many(6, moved);
    plan.extend((6..8).map(cancelled));
    plan.push(case(8).platform_moves("12-02 09:00-10:30").decide());
    let verdict = judge(&plan, Recent::default(), 100, &[]);
    assert_eq!(
        verdict.held.keys().cloned().collect::<Vec<_>>(),
        (0..6).map(id).collect::<Vec<_>>()
    );
}

#[test]
fn what_was_allowed_goes_without_a_second_question() {
    let allowed = [question(QuestionKind::Moves, 0..6, Some(Answer::GoOn))];
    passes(&many(6, moved), Recent::default(), 100, &allowed);
    // It does not count for others either, and an answer is for one kind only.
    passes(&many(11, moved), Recent::default(), 100, &allowed);
    let verdict = judge(&many(12, moved), Recent::default(), 100, &allowed);
    let mut asked: Vec<AppointmentId> = verdict.ask[&QuestionKind::Moves].keys().cloned().collect();
    asked.sort_by_key(|id| id.to_string().len());
    assert_eq!(asked, (6..12).map(id).collect::<Vec<_>>());
    assert!(!verdict.held.contains_key(&id(0)) && verdict.held.contains_key(&id(6)));
    let of_another_kind = [question(QuestionKind::Cancellations, 0..6, Some(Answer::GoOn))];
    assert_eq!(
        judge(&many(6, moved), Recent::default(), 100, &of_another_kind)
            .held
            .len(),
        6
    );
}

#[test]
fn what_was_left_once_and_is_decided_again_goes_or_is_asked_about_like_anything_else() {
    let left = [question(
        QuestionKind::InferredDeletions,
        0..4,
        Some(Answer::Leave),
    )];
    passes(&many(3, missing), Recent::default(), 15, &left);
    let verdict = judge(&many(5, missing), Recent::default(), 15, &left);
    assert_eq!(verdict.ask[&QuestionKind::InferredDeletions].len(), 5);
    assert_eq!(verdict.held.len(), 5);
}

#[test]
fn an_open_question_holds_without_being_asked_again() {
    let open = [question(QuestionKind::Moves, 0..6, None)];
    let again = judge(&many(6, moved), Recent::default(), 100, &open);
    assert_eq!((again.ask.len(), again.held.len()), (0, 6));
    // Even when fewer are left of them …
    assert_eq!(
        judge(&many(2, moved), Recent::default(), 100, &open).held.len(),
        2
    );
    // … and one more extends it.
    let more = judge(&many(7, moved), Recent::default(), 100, &open);
    assert_eq!((more.ask[&QuestionKind::Moves].len(), more.held.len()), (7, 7));
}

#[test]
fn moves_that_the_trainer_confirmed_one_by_one_are_no_mass() {
    fn confirmed(number: usize) -> Decision {
        let far = case(number).calendar_moves("12-20 09:00-10:30").later(20);
        far.answered(&Resolution::KeepCalendar).decide()
    }
    fn chosen(number: usize) -> Decision {
        let all_day = case(number).calendar(|e| e.time = crate::testing::all_day(3));
        all_day.answered(&another_time("12-03 11:00-12:00")).decide()
    }
    for decision in [confirmed, chosen] {
        assert!(matches!(decision(0).intents[0], Intent::Move { .. }));
        passes(&many(30, decision), Recent::default(), 100, &[]);
    }
}

#[test]
fn ordinary_writes_and_duplicates_are_no_mass() {
    fn updated(number: usize) -> Decision {
        case(number).platform_moves("12-02 09:00-10:30").decide()
    }
    fn added(number: usize) -> Decision {
        Case {
            record: Record {
                appointment_id: id(number),
                ..Case::unlinked().record
            },
            ..case(number)
        }
        .decide()
    }
    fn duplicate(number: usize) -> Decision {
        case(number)
            .with(|record| record.duplicates.push(EventId::new("older")))
            .decide()
    }
    for decision in [updated, added, duplicate] {
        assert_eq!(decision(0).intents.len(), 1);
        passes(&many(60, decision), Recent::default(), 60, &[]);
    }
}

/// A question of just these, with its causes.
fn asked_of(plan: &[Decision], answer: Option<Answer>) -> Question {
    let verdict = judge(plan, Recent::default(), 100, &[]);
    let (kind, causes) = verdict.ask.into_iter().next().expect("a question");
    Question {
        causes: causes.clone(),
        appointments: causes.into_keys().collect(),
        ..question(kind, 0..0, answer)
    }
}

#[test]
fn each_reason_is_named() {
    fn why(decision: &Decision) -> Option<(QuestionKind, Why)> {
        part_of(decision).map(|(kind, cause)| (kind, cause.why))
    }
    use QuestionKind::{Cancellations, InferredDeletions, Moves, RemovedInCalendar};
    let changed = case(0)
        .with(|record| record.passed = Some(1))
        .settings(|settings| _ = settings.filters.types_off.insert("team_call".into()))
        .platform(|appointment| appointment.kind.id = "team_call".into());
    for (decision, expected) in [
        (left_out(0), (InferredDeletions, Why::RulesChanged)),
        (changed.decide(), (InferredDeletions, Why::AppointmentChanged)),
        (missing(0), (InferredDeletions, Why::Absent)),
        (cancelled(0), (Cancellations, Why::Cancelled)),
        (
            case(0).platform_removes(RemovalReason::Unassigned).decide(),
            (Cancellations, Why::Unassigned),
        ),
        (
            case(0).platform_removes(RemovalReason::Deleted).decide(),
            (Cancellations, Why::Deleted),
        ),
        (moved(0), (Moves, Why::Moved)),
        (removed(0), (RemovedInCalendar, Why::RemovedInCalendar)),
    ] {
        assert_eq!(why(&decision), Some(expected));
    }
}

#[test]
fn the_same_cause_is_not_asked_twice_and_a_new_one_is() {
    let answered = [asked_of(&many(6, moved), Some(Answer::GoOn))];
    passes(&many(6, moved), Recent::default(), 100, &answered);
    // The same six, moved to another time.
    let again: Vec<Decision> = (0..6)
        .map(|number| {
            let other = case(number).calendar_moves("12-01 18:00-19:30").later(20);
            other.decide()
        })
        .collect();
    let verdict = judge(&again, Recent::default(), 100, &answered);
    assert_eq!(verdict.ask[&QuestionKind::Moves].len(), 6);
}

#[test]
fn an_open_question_follows_a_new_cause() {
    let open = [asked_of(&many(6, moved), None)];
    let mut plan = many(5, moved);
    plan.push(case(5).calendar_moves("12-01 18:00-19:30").later(20).decide());
    let verdict = judge(&plan, Recent::default(), 100, &open);
    assert_eq!(
        (verdict.ask[&QuestionKind::Moves].len(), verdict.held.len()),
        (6, 6)
    );
}

#[test]
fn an_event_made_again_is_another_cause_than_the_one_before() {
    let answered = [asked_of(&many(11, left_out), Some(Answer::GoOn))];
    passes(&many(11, left_out), Recent::default(), 100, &answered);
    let second: Vec<Decision> = many(11, left_out)
        .into_iter()
        .map(|mut decision| {
            decision.record.generation += 1;
            decision
        })
        .collect();
    let verdict = judge(&second, Recent::default(), 50, &answered);
    assert_eq!(verdict.ask[&QuestionKind::InferredDeletions].len(), 11);
}

#[test]
fn moves_made_by_a_standing_rule_count() {
    fn by_rule(number: usize) -> Decision {
        let both = case(number)
            .settings(|settings| settings.time_policy = crate::settings::ConflictPolicy::KeepCalendar)
            .platform_moves("12-02 09:00-10:30")
            .calendar_moves("12-03 09:00-10:30")
            .later(20);
        let conflict = both.question();
        crate::reconcile::follow_policy(&both.decide(), &conflict, &both.ctx)
            .expect("a rule that is followed")
    }
    assert_eq!(
        part_of(&by_rule(0)).map(|(_, cause)| cause.why),
        Some(Why::MovedByRule)
    );
    passes(&many(5, by_rule), Recent::default(), 100, &[]);
    asks(QuestionKind::Moves, &many(6, by_rule), Recent::default(), 100);
    let mut mixed = many(3, by_rule);
    mixed.extend((3..6).map(moved));
    asks(QuestionKind::Moves, &mixed, Recent::default(), 100);
}

#[test]
fn what_the_trainer_confirmed_is_no_part_of_a_mass() {
    fn confirmed(number: usize) -> Decision {
        let off =
            |settings: &mut SyncSettings| _ = settings.filters.types_off.insert("pharmacy_visit".into());
        let yes = |record: &mut Record| pen::confirm_left_out(record, at("2026-11-21T09:00:00Z"));
        case(number).settings(off).with(yes).decide()
    }
    assert!(matches!(confirmed(0).intents[0], Intent::Delete { .. }));
    passes(&many(30, confirmed), Recent::default(), 30, &[]);
}
