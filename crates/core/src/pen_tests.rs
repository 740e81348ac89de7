//! One case per row of the table.

use super::*;
use crate::appointment::{Removal, RemovalReason};
use crate::settings::{LeftOutPolicy, SyncSettings};
use crate::testing::Case;

fn off(settings: &mut SyncSettings) {
    settings.filters.types_off.insert("pharmacy_visit".into());
}

/// Passed the rules as it is, and then they changed.
fn ruled_out() -> Case {
    Case::linked().expect("InSync").settings(off)
}

fn absent() -> Case {
    found_absent(Case::linked().expect("InSync"))
}

fn found_absent(mut case: Case) -> Case {
    let removal = Removal {
        reason: RemovalReason::Unassigned,
        inferred: true,
        at: case.ctx.now,
    };
    crate::absorb::removed(&mut case.record, None, removal);
    case
}

const DAY: i64 = HOLD_HOURS * 3_600;

#[test]
fn h1_what_the_platform_said_goes_at_once() {
    for (reason, said) in [
        (RemovalReason::Cancelled, "delete Cancelled g1"),
        (RemovalReason::Unassigned, "delete Unassigned g1"),
        (RemovalReason::Deleted, "delete Deleted g1"),
    ] {
        Case::linked().platform_removes(reason).expect(said);
    }
}

#[test]
fn h2_what_the_trainer_confirmed_goes_at_once() {
    let now = ruled_out().ctx.now;
    ruled_out()
        .with(|record| confirm_left_out(record, now))
        .expect("delete LeftOut g1");
    for case in [ruled_out(), absent()] {
        let mut case = case.expect("Held; until 09:00:00");
        assert!(answer(&mut case.record, true));
        assert_eq!(case.decide().intents.len(), 1);
    }
}

#[test]
fn what_went_already_is_not_held_any_more_and_can_no_longer_be_kept() {
    let now = ruled_out().ctx.now;
    let mut case = ruled_out()
        .with(|record| confirm_left_out(record, now))
        .carried_out();
    assert_eq!(case.record.held, None);
    // Kept, our own deletion would look like the trainer's, and the event would never come again.
    assert!(!answer(&mut case.record, false));
    assert_eq!(case.record.link, LinkState::Unlinked);
}

#[test]
fn h3_what_is_absent_is_held() {
    let case = absent().expect("Held; until 09:00:00");
    assert_eq!(case.record.held.map(|held| held.cause), Some(Cause::Absent));
}

/// While the newer one is there and held, the older one is one too many (simulation seed 503540); once it is gone, the older
/// one is the event that would go.
#[test]
fn h3_an_older_event_does_not_go_as_one_too_many_after_the_newer_one_is_gone() {
    let older = || crate::ids::EventId::new("older");
    let both = absent()
        .expect("Held; until 09:00:00")
        .with(|record| record.duplicates.push(older()));
    both.clone()
        .expect("delete Duplicate g1")
        .carried_out()
        .expect("Held; until 09:00:00");
    both.clone().calendar_deletes().expect("Gone");
    // What the platform said itself needs no waiting.
    both.platform_removes(RemovalReason::Cancelled)
        .calendar_deletes()
        .expect("delete Duplicate g1");
}

#[test]
fn h4_what_changed_rules_leave_out_is_held() {
    let case = ruled_out().expect("Held; until 09:00:00");
    assert_eq!(case.record.held.map(|held| held.cause), Some(Cause::RulesChanged));
    // The same decision however often it is made.
    case.later(60).expect("Held; until 09:00:00");
}

#[test]
fn h4_an_event_of_which_no_passing_is_known_is_held() {
    Case::linked().settings(off).expect("Held; until 09:00:00");
}

#[test]
fn h5_an_appointment_that_changed_out_of_the_rules_goes_at_once() {
    let call_off = |settings: &mut SyncSettings| _ = settings.filters.types_off.insert("team_call".into());
    Case::linked()
        .settings(call_off)
        .expect("InSync")
        .platform(|appointment| appointment.kind.id = "team_call".into())
        .expect("delete LeftOut g1");
}

#[test]
fn h4_what_changes_together_with_the_rules_is_held_if_the_change_is_not_the_reason() {
    let noted = |case: Case| case.platform(|appointment| appointment.notes = Some("Other notes".into()));
    noted(ruled_out()).expect("Held; until 09:00:00");
    noted(noted(ruled_out())).expect("Held; until 09:00:00");
    // The type that it has now is off, too, and it is this one that leaves it out.
    let call_off = |settings: &mut SyncSettings| _ = settings.filters.types_off.insert("team_call".into());
    let becomes_call = |case: Case| case.platform(|appointment| appointment.kind.id = "team_call".into());
    let passed = || Case::linked().expect("InSync");
    becomes_call(passed().settings(call_off)).expect("delete LeftOut g1");
    // Or another rule than the one that is new.
    let busy = |case: Case| case.platform(|appointment| appointment.private = true);
    busy(ruled_out()).expect("delete LeftOut g1");
    // And an event that tells the old time is worse than none.
    ruled_out()
        .platform_moves("12-02 09:00-10:30")
        .expect("delete LeftOut g1");
}

#[test]
fn h5_a_held_event_stays_held_while_it_tells_the_right_time() {
    let held = ruled_out().expect("Held; until 09:00:00");
    held.clone()
        .later(60)
        .platform(|appointment| appointment.notes = Some("Other notes".into()))
        .expect("Held; until 09:00:00");
    held.platform_moves("12-02 09:00-10:30")
        .expect("delete LeftOut g1");
}

#[test]
fn h6_after_a_day_it_goes_by_itself() {
    let held = ruled_out().expect("Held; until 09:00:00");
    held.clone().later(DAY - 1).expect("Held; until 09:00:00");
    held.later(DAY).expect("delete LeftOut g1");
}

#[test]
fn h6_what_ran_out_while_the_laptop_slept_waits_until_it_could_be_seen() {
    let mut monday = ruled_out().expect("Held; until 09:00:00").later(3 * DAY);
    monday.ctx.awake_since = Some(monday.ctx.now);
    let monday = monday.expect("Held; until 09:30:00");
    monday.clone().later(30 * 60 - 1).expect("Held; until 09:30:00");
    monday.later(30 * 60).expect("delete LeftOut g1");
}

#[test]
fn h6_what_is_absent_is_asked_for_once_more_first() {
    let held = absent().expect("Held; until 09:00:00").later(DAY).expect("Held");
    assert!(is_to_be_asked_again(&held.record, held.ctx.now));
    let again = found_absent(held).expect("delete Unassigned g1");
    assert!(!is_to_be_asked_again(&again.record, again.ctx.now));
}

/// The feed repeats an older word than the one that the event was written by, and the next answer says the same as before.
#[test]
fn h7_that_nothing_is_known_for_once_withdraws_nothing() {
    let newer = |case: Case| {
        case.calendar(|event| event.mark.as_mut().expect("marked").version += 1)
            .expect("Held; until 09:00:00")
            .later(3_600)
    };
    let repeated = |mut case: Case| {
        let version = case.record.appointment.as_ref().map(|known| known.version);
        let removal = Removal {
            reason: RemovalReason::Unassigned,
            inferred: false,
            at: case.ctx.now,
        };
        crate::absorb::removed(&mut case.record, version, removal);
        case
    };
    let held = repeated(newer(absent())).expect("Unknown");
    let same = held.record.appointment.clone().expect("known");
    let given_back = held.clone().with(|record| {
        let version = same.version + 1;
        crate::absorb::appointment(
            record,
            crate::appointment::Appointment { version, ..same },
            record.removal.expect("told").at,
        );
    });
    assert_eq!(given_back.expect("InSync").record.held, None);
    found_absent(held).expect("Held; until 09:00:00");

    let mut confirmed = newer(absent());
    assert!(answer(&mut confirmed.record, true));
    let confirmed = repeated(confirmed).expect("Unknown");
    found_absent(confirmed).expect("delete Unassigned g1");
}

#[test]
fn h7_a_deletion_whose_cause_is_gone_is_withdrawn() {
    let held = ruled_out().expect("Held; until 09:00:00");
    let back = held
        .later(60)
        .settings(|settings| settings.filters.types_off.clear())
        .expect("InSync");
    assert_eq!(back.record.held, None);
    // The rules leave it out again later: a day from then.
    back.later(3_600).settings(off).expect("Held; until 10:01:00");

    let held = absent().expect("Held; until 09:00:00").later(60);
    let same = held.record.appointment.clone().expect("known");
    let back = held
        .with(|record| crate::absorb::appointment(record, same, crate::testing::at("2026-11-21T09:01:00Z")));
    assert_eq!(back.expect("InSync").record.held, None);
}

#[test]
fn h8_another_cause_is_held_anew() {
    let held = ruled_out().expect("Held; until 09:00:00").later(3_600);
    let held = found_absent(held).expect("Held; until 10:00:00");
    assert_eq!(held.record.held.map(|held| held.cause), Some(Cause::Absent));
}

#[test]
fn h8_the_platforms_own_word_needs_no_waiting() {
    let held = absent().expect("Held; until 09:00:00").later(60);
    held.platform_removes(RemovalReason::Cancelled)
        .expect("delete Cancelled g1");
}

#[test]
fn h9_what_is_kept_stays_until_somebody_says_something() {
    let mut ruled = ruled_out().expect("Held; until 09:00:00");
    assert!(answer(&mut ruled.record, false));
    let ruled = ruled.expect("Kept").later(3 * DAY).expect("Kept");
    ruled
        .settings(|settings| settings.filters.types_off.clear())
        .expect("InSync")
        .settings(off)
        .expect("Held; until 09:00:00");

    let mut gone = absent().expect("Held; until 09:00:00");
    assert!(answer(&mut gone.record, false));
    let gone = gone.expect("Kept").later(3 * DAY).expect("Kept");
    assert!(
        !answer(&mut gone.record.clone(), true),
        "nothing is held any more"
    );
    gone.clone()
        .platform_removes(RemovalReason::Deleted)
        .expect("delete Deleted g1");
    gone.platform(|_| {}).expect("InSync");
}

#[test]
fn h10_an_edit_that_comes_to_light_after_the_yes_is_held_anew() {
    let moved = |case: Case| case.calendar_moves("12-02 09:00-10:30");
    let renamed = |case: Case| case.calendar(|event| event.title = "Mine".into());
    let left_out = |case: Case| {
        let now = case.ctx.now;
        case.with(|record| confirm_left_out(record, now))
    };
    let answered = |case: Case| {
        let mut case = case.expect("Held; until 09:00:00").later(3_600);
        assert!(answer(&mut case.record, true));
        case
    };
    moved(left_out(ruled_out())).expect("Held; until 09:00:00");
    renamed(answered(ruled_out())).expect("Held; until 10:00:00");
    // It may have been made before the yes, and not read yet.
    left_out(ruled_out().later(1_200))
        .calendar(|event| {
            event.title = "Mine".into();
            event.updated = event.updated.map(|updated| updated - Duration::minutes(10));
        })
        .expect("Held; until 09:20:00");
    // Own text outside the block would go as well.
    let noted = |case: Case| case.calendar(|event| event.description.push_str("\nParkplatz im Hof."));
    noted(left_out(ruled_out())).expect("Held; until 09:00:00");
    noted(answered(ruled_out())).expect("Held; until 10:00:00");
    // What was known when the trainer said yes is meant, too.
    left_out(moved(ruled_out())).expect("delete LeftOut g1");
    answered(noted(ruled_out())).expect("delete LeftOut g1");
    answered(renamed(ruled_out())).expect("delete LeftOut g1");
}

/// Simulation seed 3000402: the visit was given back, the trainer took its event from the bin and changed it, and this laptop had
/// heard the platform before all of that.
#[test]
fn h11_what_changed_after_the_platform_was_heard_waits_until_it_is_heard_again() {
    let waits = |case: &Case| {
        let decision = unless_changed_since(case.decide(), &case.ctx);
        (
            decision.standing == Standing::Unknown && decision.intents.is_empty(),
            case.decide().intents.len(),
        )
    };
    let edited = |case: &Case| {
        case.clone()
            .calendar(|event| event.title = "Mine".into())
            .later(20)
    };
    let heard = |mut case: Case| {
        case.ctx.platform_asked_at = Some(case.ctx.now);
        case
    };
    let case = heard(Case::linked().platform_removes(RemovalReason::Cancelled));
    assert_eq!(waits(&edited(&case)), (false, 1), "at the same time");
    let on_its_way = edited(&case.clone().later(20));
    assert_eq!(waits(&on_its_way), (true, 1));
    // Looked at again, but not changed since.
    assert_eq!(waits(&case.clone().later(1_800)), (false, 1));
    let changed = edited(&case.clone().later(1_800));
    // The guard and the question count it all the same.
    assert_eq!(waits(&changed), (true, 1));
    assert_eq!(waits(&heard(changed.clone())), (false, 1));
    // A direct question was answered since.
    let said = |record: &mut Record| record.removal.as_mut().unwrap().at += Duration::seconds(1_800);
    assert_eq!(waits(&changed.clone().with(said)), (false, 1));
    // Noted by a clock that was years ahead, it would wait for years.
    let ahead = |record: &mut Record| {
        let event = record.event.as_mut().unwrap();
        event.updated = event.updated.map(|updated| updated + Duration::days(2_000));
    };
    assert_eq!(waits(&changed.clone().with(ahead)), (false, 1));
    // A laptop that is a little behind the calendar's service does not take it for that.
    let mut behind = changed.clone();
    behind.ctx.now -= Duration::seconds(50);
    assert_eq!(waits(&behind), (true, 1));
    // A later reading told of the visit, and it could not be read: it may be given back.
    let unread = |record: &mut Record| record.unread_on_platform = true;
    assert_eq!(waits(&heard(changed.clone()).with(unread)), (true, 1));
    // The answer of a service whose clock was a day ahead.
    let of_tomorrow = |record: &mut Record| record.removal.as_mut().unwrap().at += Duration::days(1);
    assert_eq!(waits(&changed.clone().with(of_tomorrow)), (true, 1));
    // By the calendar's clock it came after the word, by the platform's before.
    let mut apart = on_its_way;
    apart.ctx.calendar_ahead = Duration::minutes(3);
    assert_eq!(waits(&apart), (false, 1));
    let mut apart = changed.with(|record| {
        let event = record.event.as_mut().unwrap();
        event.updated = event.updated.map(|updated| updated + Duration::minutes(3));
    });
    assert_eq!(waits(&apart), (false, 1), "of the future");
    apart.ctx.calendar_ahead = Duration::minutes(3);
    assert_eq!(waits(&apart), (true, 1));
    // What the rules leave out because of a change goes no sooner.
    let private = heard(
        Case::linked()
            .expect("InSync")
            .platform(|appointment| appointment.private = true),
    );
    assert_eq!(waits(&edited(&private.clone().later(1_800))), (true, 1));
    // That it is private no more may have come in words that cannot be read.
    let unheard = heard(edited(&private.later(1_800)));
    assert_eq!(waits(&unheard), (false, 1));
    assert_eq!(waits(&unheard.with(unread)), (true, 1));
}

#[test]
fn nothing_is_held_where_nothing_would_go() {
    let keep = |settings: &mut SyncSettings| settings.filters.left_out = LeftOutPolicy::Keep;
    let kept = ruled_out().settings(keep).expect("Kept");
    assert_eq!((kept.record.held, shown(&kept.decide())), (None, None));
    let no_event = Case::unlinked().settings(off);
    assert_eq!(no_event.decide().record.held, None);
}

#[test]
fn what_is_shown_is_the_event_as_it_is() {
    let shown = shown(&ruled_out().decide()).expect("held");
    assert_eq!(shown.cause, Cause::RulesChanged);
    assert_eq!(shown.until, ruled_out().ctx.now + Duration::hours(HOLD_HOURS));
    assert_eq!(
        shown.time,
        ruled_out().record.event.and_then(|event| event.time.timed())
    );
}
