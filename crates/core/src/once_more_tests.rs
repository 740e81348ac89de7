//! What is given back, taken back, over or answered long ago: an old word decides nothing new. Each rule as one case.

use super::*;
use crate::appointment::RemovalReason;
use crate::settings::LeftOutPolicy;
use crate::testing::{Case, all_day, another_time, at, span, touched};

fn type_off(settings: &mut SyncSettings) {
    settings.filters.types_off.insert("pharmacy_visit".into());
}

/// Takes the local consequences of the decision over.
fn decided(mut case: Case) -> Case {
    case.record = case.decide().record;
    case
}

fn later_visit() -> Case {
    Case::linked_as(|a| (a.start, a.end) = (at("2026-12-04T08:00:00Z"), Some(at("2026-12-04T09:30:00Z"))))
}

#[test]
fn an_event_ahead_follows_a_visit_that_was_moved_into_the_past() {
    let moved = later_visit()
        .now("2026-12-02T09:00:00Z")
        .expect("InSync")
        .platform_moves("12-01 09:00-10:30");
    moved
        .clone()
        .expect("patch time")
        .carried_out()
        .expect("Ended")
        .platform(|a| a.notes = None)
        .expect("Ended");
    // Out of the rules besides, it goes: it tells the old time.
    moved.clone().settings(type_off).expect("delete LeftOut g1");
    // Where the calendar is not written, it stays.
    moved
        .settings(|s| s.direction = crate::settings::Direction::Pull)
        .expect("Ended");
}

#[test]
fn keep_the_platforms_is_carried_out_also_once_the_old_time_is_over() {
    let asked = Case::linked()
        .now("2026-12-01T07:30:00Z")
        .calendar_moves("12-04 09:00-10:30")
        .later(20)
        .refused("locked");
    decided(asked)
        .now("2026-12-01T10:00:00Z")
        .answered(&Resolution::KeepPlatform)
        .expect("patch time")
        .carried_out()
        .expect("Ended");
}

/// Planner seed 1215477: what is decided is decided at once.
#[test]
fn a_time_wanted_in_place_of_one_that_the_platform_moved_into_the_past_is_told_as_overtaken() {
    let wanted = Case::linked()
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-01 14:00-15:30")
        .answered(&another_time("12-08 09:00-10:30"))
        .now("2026-12-07T10:00:00Z")
        .platform_moves("12-03 09:00-10:30");
    wanted
        .expect("Ended; tell Overtaken 12-08 09:00-10:30")
        .expect("Ended");
}

/// Planner seed 2395429.
#[test]
fn where_the_calendar_is_not_written_an_overtaken_time_is_told_all_the_same() {
    Case::linked()
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-03 09:00-10:30")
        .answered(&another_time("12-08 09:00-10:30"))
        .settings(|s| s.direction = crate::settings::Direction::Pull)
        .platform_moves("12-04 09:00-10:30")
        .expect("CoolDown; until 09:01:00; tell Overtaken 12-08 09:00-10:30");
}

/// Planner seed 5058747.
#[test]
fn what_the_trainer_drags_ahead_after_the_end_is_not_taken_away_by_a_rule() {
    later_visit()
        .now("2026-12-02T09:00:00Z")
        .platform_moves("12-01 09:00-10:30")
        .calendar_moves("12-08 09:00-10:30")
        .settings(type_off)
        .expect("Ended");
}

/// Planner seed 1435374.
#[test]
fn kept_it_stays_also_when_it_is_dragged_ahead_after_its_end() {
    let absent = Removal {
        reason: RemovalReason::Other,
        inferred: true,
        at: at("2026-11-21T09:00:00Z"),
    };
    Case::linked()
        .with(|r| crate::absorb::removed(r, None, absent))
        .with(|r| r.link = LinkState::Kept)
        .expect("Kept")
        .now("2026-12-01T10:00:00Z")
        .expect("Ended")
        .calendar_moves("12-08 09:00-10:30")
        .expect("Kept");
}

#[test]
fn dragged_to_a_whole_day_ahead_it_is_asked_about_also_once_the_old_time_is_over() {
    let dragged = Case::linked()
        .now("2026-12-01T07:30:00Z")
        .calendar(|e| e.time = all_day(3))
        .later(20)
        .expect("ask UnusualMove MadeAllDay [Time]")
        .now("2026-12-01T10:00:00Z")
        .expect("ask UnusualMove MadeAllDay [Time]");
    // That day is over in the appointment's zone at 23:00 UTC.
    dragged
        .clone()
        .now("2026-12-03T22:59:59Z")
        .expect("ask UnusualMove MadeAllDay [Time]");
    dragged.clone().now("2026-12-03T23:00:00Z").expect("Ended");
    dragged
        .platform_removes(RemovalReason::Cancelled)
        .expect("delete Cancelled g1");
}

#[test]
fn deleted_while_it_was_cancelled_it_comes_again_when_it_is_given_back() {
    let gone = Case::linked()
        .platform_removes(RemovalReason::Cancelled)
        .calendar_deletes()
        .expect("Gone");
    gone.platform_moves("12-02 09:00-10:30").expect("insert g2");
    // What was removed before is the trainer's word, whatever comes of the visit.
    Case::linked()
        .calendar_deletes()
        .expect("Removed { by_trainer: true, changed_since: false }; tell RemovedInCalendar")
        .platform_removes(RemovalReason::Cancelled)
        .expect("Gone")
        .platform_moves("12-02 09:00-10:30")
        .expect("Removed { by_trainer: true, changed_since: true }; tell ChangedSinceRemoved");
}

#[test]
fn a_time_wanted_of_an_event_that_is_gone_is_wanted_of_no_later_one() {
    Case::linked()
        .calendar(|e| e.time = all_day(3))
        .later(20)
        .expect("ask UnusualMove MadeAllDay [Time]")
        .answered(&another_time("12-03 11:00-12:30"))
        .expect("move 12-03 11:00-12:30 v7")
        .platform_removes(RemovalReason::Cancelled)
        .expect("delete Cancelled g1")
        .carried_out()
        .expect("Gone")
        .platform_moves("12-10 09:00-10:30")
        .expect("insert g2")
        .carried_out()
        .expect("InSync");
    let wish = |r: &mut Record| r.requested_time = Some(span("12-03 11:00-12:30"));
    Case::linked()
        .with(wish)
        .settings(type_off)
        .with(|r| crate::pen::confirm_left_out(r, at("2026-11-21T09:00:00Z")))
        .expect("delete LeftOut g1")
        .carried_out()
        .settings(|s| s.filters.types_off.clear())
        .expect("insert g2")
        .carried_out()
        .expect("InSync");
}

#[test]
fn moved_out_of_the_rules_by_the_trainer_it_is_held() {
    let late = |s: &mut SyncSettings| s.filters.latest = chrono::NaiveTime::from_hms_opt(18, 0, 0);
    Case::linked()
        .settings(late)
        .expect("InSync")
        .calendar_moves("12-01 17:00-18:30")
        .later(20)
        .expect("move 12-01 17:00-18:30 v7")
        .carried_out()
        .expect("Held; until 09:00:20");
    // The admin's move goes at once: the event tells the old time.
    Case::linked()
        .settings(late)
        .expect("InSync")
        .platform_moves("12-01 17:00-18:30")
        .expect("delete LeftOut g1");
}

#[test]
fn what_the_setting_keeps_is_no_answer() {
    let kept = Case::linked()
        .expect("InSync")
        .settings(|s| s.filters.left_out = LeftOutPolicy::Keep)
        .settings(type_off)
        .expect("Kept");
    kept.clone()
        .settings(|s| s.filters.left_out = LeftOutPolicy::Remove)
        .expect("Held; until 09:00:00");
    let absent = Removal {
        reason: RemovalReason::Other,
        inferred: true,
        at: kept.ctx.now,
    };
    kept.with(|r| crate::absorb::removed(r, None, absent))
        .expect("Held; until 09:00:00");
}

#[test]
fn what_was_kept_or_stopped_and_is_not_found_is_looked_for_once_it_counts_again() {
    let missing = |r: &mut Record| (r.event, r.missing_since) = (None, Some(at("2026-11-21T09:00:00Z")));
    let kept = Case::linked()
        .with(|r| r.link = LinkState::Kept)
        .settings(type_off)
        .with(missing)
        .expect("LeftOut(TypeOff)")
        .settings(|s| s.filters.types_off.clear())
        .expect("Missing");
    assert_eq!(kept.record.link, LinkState::Linked);
    let stopped = Case::linked()
        .with(|r| r.link = LinkState::Stopped)
        .with(missing)
        .with(crate::resolve::resume)
        .expect("Missing");
    assert_eq!(stopped.record.link, LinkState::Linked);
}

#[test]
fn a_late_answer_to_an_earlier_write_does_not_take_stop_syncing_back() {
    let both = Case::linked()
        .platform(|a| (a.start, a.end, a.notes) = (at("2026-12-02T08:00:00Z"), None, None))
        .calendar_moves("12-03 09:00-10:30");
    let under_way = both.decide();
    let mut stopped = both.answered(&Resolution::StopSyncing).expect("Stopped");
    for intent in &under_way.intents {
        let Intent::Patch { body, mask, .. } = intent else {
            continue;
        };
        let shown = stopped.record.event.as_ref().expect("a live event");
        let answer = crate::testing::patched(shown, body, *mask, stopped.ctx.now);
        crate::absorb::written(&mut stopped.record, answer, body, *mask, &stopped.ctx);
    }
    assert!(!under_way.intents.is_empty());
    stopped.later(120).expect("Stopped");
}

/// Planner seed 1229883.
#[test]
fn a_late_answer_to_an_earlier_write_does_not_take_keep_back() {
    let renamed = |a: &mut Appointment| a.notes = None;
    let under_way = Case::linked().expect("InSync").platform(renamed);
    let decision = under_way.decide();
    let mut kept = under_way
        .settings(type_off)
        .with(|r| r.link = LinkState::Kept)
        .expect("Kept");
    for intent in &decision.intents {
        if let Intent::Patch { body, mask, .. } = intent {
            let shown = kept.record.event.as_ref().expect("a live event");
            let answer = crate::testing::patched(shown, body, *mask, kept.ctx.now);
            crate::absorb::written(&mut kept.record, answer, body, *mask, &kept.ctx);
        }
    }
    kept.later(2 * 86_400).expect("Kept");
}

#[test]
fn a_yes_to_deleting_a_series_is_none_to_the_next_cancellation() {
    let series = Case::linked()
        .calendar(|e| e.recurring = true)
        .platform_removes(RemovalReason::Cancelled)
        .answered(&Resolution::KeepPlatform)
        .expect("delete Cancelled g1")
        .platform(|_| {})
        .expect("ask DataMismatch MadeSeries [Time]");
    series
        .later(86_400)
        .platform_removes(RemovalReason::Cancelled)
        .expect("ask DataMismatch SeriesCancelled [Time]");
}

/// Two laptops, none of which knows which one writes, and whose events are to say different things.
#[test]
fn two_laptops_with_other_words_do_not_write_for_ever() {
    let mut laptops = [Case::linked(), Case::linked().settings(|s| s.text.notes = false)];
    let mut writes = Vec::new();
    for round in 0..8 {
        let [a, b] = &mut laptops;
        let (writer, reader) = if round % 2 == 0 { (b, a) } else { (a, b) };
        writer.ctx.now += chrono::Duration::minutes(15);
        reader.ctx.now = writer.ctx.now;
        writes.push(writer.decide().intents.len());
        *writer = writer.clone().carried_out();
        let seen = writer.record.event.clone().expect("a live event");
        crate::absorb::event(&mut reader.record, seen, reader.ctx.now);
    }
    assert_eq!(writes, [1, 0, 0, 0, 0, 0, 0, 0]);
    // What the trainer chooses, and what the platform says, is written all the same, and so is it by the one that may write.
    let [a, b] = laptops;
    a.clone()
        .with(|r| r.base.platform.notes = None)
        .expect("patch notes");
    let mut alone = a.clone();
    alone.ctx.one_writes = true;
    alone.expect("patch notes");
    a.platform(|a| a.place.as_mut().expect("a place").name = Some("Rosen-Apotheke".into()))
        .expect("patch title notes");
    b.settings(|s| s.text.notes = true).expect("patch notes");
}

/// "Keep them", said to many cancellations at once.
#[test]
fn kept_though_it_was_cancelled_it_is_synced_again_once_it_is_given_back() {
    let kept = Case::linked()
        .platform_removes(RemovalReason::Cancelled)
        .with(|r| (r.link, r.kept_though_said) = (LinkState::Kept, true))
        .expect("Kept");
    let back = kept
        .platform_moves("12-02 09:00-10:30")
        .expect("patch time")
        .carried_out();
    back.clone()
        .expect("InSync")
        .calendar_moves("12-03 09:00-10:30")
        .later(60)
        .expect("move 12-03 09:00-10:30 v9");
    back.platform_removes(RemovalReason::Cancelled)
        .expect("delete Cancelled g1");
}

/// The laptop was asleep from before the move until both times were over: nobody could be asked, and nobody is told.
#[test]
fn a_move_that_nobody_could_report_before_it_was_over_is_said_once() {
    let moved = Case::linked()
        .now("2026-12-01T07:00:00Z")
        .calendar_moves("12-01 11:00-12:30");
    let late = moved.clone().now("2026-12-01T12:00:00Z");
    late.clone().expect("Ended; tell MoveTooLate").expect("Ended");
    // What was asked about was said then, what is left out is none of ours, and what is only pushed was no move.
    late.clone()
        .with(|r| r.conflict = Some(crate::ids::ConflictId::new("con_1")))
        .expect("Ended");
    late.clone()
        .settings(|s| _ = s.filters.types_off.insert("pharmacy_visit".into()))
        .expect("Ended");
    late.settings(|s| s.direction = Direction::Push).expect("Ended");
    // Nor is a move that both sides agree on, or one that was made when all was over.
    moved
        .platform_moves("12-01 11:00-12:30")
        .now("2026-12-01T12:00:00Z")
        .expect("Ended");
    Case::linked()
        .now("2026-12-01T13:00:00Z")
        .calendar_moves("12-01 11:00-12:30")
        .expect("Ended");
}

/// Chosen in the window, but the platform did not answer until both times were over.
#[test]
fn a_chosen_time_that_nobody_could_report_before_it_was_over_is_said_once_and_given_up() {
    let chosen = Case::linked()
        .now("2026-12-01T06:00:00Z")
        .calendar_moves("12-16 09:00-10:30")
        .later(20)
        .answered(&another_time("12-01 14:00-15:30"))
        .expect("move 12-01 14:00-15:30 v7");
    // As long as the chosen time is ahead it is reported, also after the end of the other.
    chosen
        .clone()
        .now("2026-12-01T12:00:00Z")
        .expect("move 12-01 14:00-15:30 v7");
    let nothing_left = |case: Case| {
        let record = &case.record;
        assert_eq!([record.requested_time, record.promised_time], [None; 2]);
        case
    };
    // The event stands ahead, where nobody will come.
    let late = chosen.now("2026-12-01T15:00:00Z");
    let back = late.clone().expect("patch time; tell MoveTooLate");
    nothing_left(back).carried_out().expect("Ended");
    let shown_at = |case: &Case, to: &str| {
        let to = EventTime::Timed(span(to));
        case.clone()
            .with(|r| r.event.as_mut().expect("an event").time = to)
    };
    let over = shown_at(&late, "12-01 11:00-12:30");
    nothing_left(over.clone().expect("Ended; tell MoveTooLate")).expect("Ended");
    // Moved later by the admin, its event simply follows.
    nothing_left(over.clone().expect("Ended; tell MoveTooLate"))
        .platform_moves("12-04 09:00-10:30")
        .expect("patch time");
    // A "no" was told when it came, and what the platform says by now is kept.
    nothing_left(over.clone().with(|r| r.promised_time = None).expect("Ended"));
    nothing_left(over.clone().platform_moves("12-01 14:00-15:30").expect("Ended"));
    // Taken away meanwhile, it is nothing to wait for either.
    nothing_left(over.platform_removes(RemovalReason::Unassigned).expect("Ended"));
    // What was dragged ahead after the choice is the next move.
    late.calendar_moves("12-03 14:00-15:30")
        .later(20)
        .expect("move 12-03 14:00-15:30 v7; tell MoveTooLate");
}

/// What the platform moves to before the connection takes its event along: it would stand ahead for ever.
#[test]
fn an_event_ahead_goes_with_a_visit_that_is_moved_to_before_the_connection() {
    let mut case = Case::linked().expect("InSync");
    case.ctx.connected_at = at("2026-11-20T00:00:00Z");
    let moved = case.clone().platform_moves("11-18 09:00-10:30");
    moved
        .clone()
        .expect("delete LeftOut g1")
        .carried_out()
        .expect("Ended");
    moved
        .clone()
        .settings(|s| s.direction = Direction::Pull)
        .expect("Ended");
    let taken = moved.platform_removes(RemovalReason::Unassigned);
    taken.expect("delete Unassigned g1").carried_out().expect("Gone");
    // What runs since before the connection is left alone, wherever the trainer has it now.
    let mut running = case.now("2026-12-01T08:30:00Z");
    running.ctx.connected_at = at("2026-12-01T08:15:00Z");
    running
        .calendar_moves("12-04 09:00-10:30")
        .expect("LeftOut(BeforeConnection)");
}

#[test]
fn kept_though_it_was_cancelled_and_then_deleted_by_hand_it_comes_again_once_it_is_given_back() {
    let kept = Case::linked()
        .platform_removes(RemovalReason::Cancelled)
        .with(|r| (r.link, r.kept_though_said) = (LinkState::Kept, true))
        .expect("Kept");
    let event = kept.record.event.clone().expect("it is kept");
    let deleted = kept.calendar_deletes().expect("Gone");
    deleted
        .clone()
        .platform_moves("12-02 09:00-10:30")
        .expect("insert g2");
    // Taken from the bin instead, it is what was kept.
    let mut back = deleted.later(60);
    crate::absorb::event(&mut back.record, touched(&event, back.ctx.now), back.ctx.now);
    back.expect("Kept");
}

/// Planner seed 2774066: the trainer took the older one from the bin and tidied the newer one away.
#[test]
fn an_older_event_that_is_still_there_goes_before_the_next_one_is_made() {
    let over = Case::linked()
        .now("2026-12-01T10:00:00Z")
        .expect("Ended")
        .calendar_deletes()
        .with(|r| r.duplicates.push(crate::ids::EventId::new("older")));
    over.platform_moves("12-04 09:00-10:30")
        .expect("delete Duplicate g1")
        .carried_out()
        .expect("insert g2");
}

/// Simulation seed 1100917: under the newer one's generation no other laptop, and after a lost database nobody at all, would
/// know it for ours, and there would be a second one.
#[test]
fn an_older_event_that_is_found_again_keeps_the_generation_of_its_id() {
    let mut case = Case::linked();
    let older = case.record.event.clone().expect("it is linked");
    case.record.event = None;
    case.record.generation = 2;
    crate::absorb::adopt(&mut case.record, older, case.ctx.now);
    let moved = case.platform_moves("12-02 09:00-10:30");
    let [Intent::Patch { body, .. }] = &moved.decide().intents[..] else {
        panic!("the platform's move goes into the event");
    };
    assert_eq!((body.mark.generation, body.mark.origin.as_ref()), (1, None));
    let written = moved.carried_out();
    let event = written.record.event.clone().expect("it is there");
    let recognised = crate::absorb::recognise(&event, &written.ctx.identity, |_| None);
    assert_eq!(
        recognised,
        crate::absorb::Adoption::Adopt(written.record.appointment_id.clone())
    );
    // What another laptop wrote into it by a newer word is newer here, too.
    let mut event = event;
    event.mark.as_mut().expect("it is ours").version += 1;
    event.updated = Some(written.ctx.now);
    let mut behind = written;
    crate::absorb::event(&mut behind.record, event, behind.ctx.now);
    assert!(behind.record.event_knows_more());
}

/// Its own time was written back after an answer, and nobody heard that it arrived; then the trainer made the same of it once more.
/// The mark says before that write what it says after it, so that nothing but the state of the event tells.
#[test]
fn what_is_shown_again_after_a_write_that_may_have_arrived_is_asked_about() {
    let far = EventTime::Timed(span("12-16 09:00-10:30"));
    for (shown, first) in [(all_day(3), "MadeAllDay"), (far, "MovedFar")] {
        let answered = Case::linked()
            .calendar(|e| e.time = shown)
            .later(60)
            .expect(&format!("ask UnusualMove {first} [Time]"))
            .answered(&Resolution::KeepPlatform)
            .later(60);
        let heard_nothing = |mut case: Case, sent: &Intent| {
            crate::absorb::perhaps_written(&mut case.record, sent, case.ctx.now);
            case
        };
        // As it was when that was sent: it never arrived.
        let sent = answered.decide().intents.remove(0);
        heard_nothing(answered.clone(), &sent).expect("patch time");
        let again = heard_nothing(answered.clone().calendar(|_| ()), &sent);
        let asked = again.expect("ask TimeChange NoBase [Time]");
        asked
            .answered(&Resolution::KeepPlatform)
            .later(60)
            .expect("patch time");
        // Where the mark would say something else by now, it tells that nothing arrived.
        let newer = answered.platform(|a| a.notes = None);
        let sent = newer.decide().intents.remove(0);
        heard_nothing(newer.calendar(|_| ()), &sent).expect("patch time notes");
    }
}

/// The same of words: the trainer restored the platform's title, nobody heard that it arrived, and the own one was typed again.
#[test]
fn words_that_are_shown_again_after_a_write_that_may_have_arrived_are_asked_about() {
    let own = Case::linked().calendar(|e| e.title = "Bring the model".into());
    let answered = own.with(|record| {
        // As an undo leaves it that wants the platform's words back.
        let shown = crate::text::observed(record.event.as_ref().expect("it is linked"));
        record.base.platform.title = None;
        record.base.calendar.title = shown.title;
        record.calendar_edited_at = None;
    });
    let sent = answered.decide().intents.remove(0);
    let heard_nothing = |mut case: Case| {
        crate::absorb::perhaps_written(&mut case.record, &sent, case.ctx.now);
        case
    };
    heard_nothing(answered.clone()).expect("patch title");
    heard_nothing(answered.calendar(|_| ())).expect("ask DataMismatch NoBase [Title]");
}
