//! What trainers really do in a calendar, and what it means; and how often it is said.

use super::*;
use crate::appointment::RemovalReason;
use crate::settings::Direction;

#[test]
fn a_new_appointment_is_added_and_is_then_in_agreement() {
    Case::unlinked()
        .expect("insert g1")
        .carried_out()
        .expect("InSync");
}

#[test]
fn only_the_end_changed_is_a_move() {
    Case::linked()
        .calendar_moves("12-01 09:00-11:00")
        .later(20)
        .expect("move 12-01 09:00-11:00 v7");
}

#[test]
fn lengthened_while_it_runs_is_not_a_move_into_the_past() {
    let runs = || Case::linked().now("2026-12-01T08:30:00Z");
    runs()
        .calendar_moves("12-01 09:00-11:00")
        .later(20)
        .expect("move 12-01 09:00-11:00 v7");
    runs()
        .calendar_moves("12-01 09:10-11:00")
        .later(20)
        .expect("ask UnusualMove MovedIntoPast [Time]");
    runs()
        .calendar_moves("12-01 09:00-09:20")
        .later(20)
        .expect("ask UnusualMove MovedIntoPast [Time]");
}

#[test]
fn made_all_day_asks_for_a_time_and_then_reports_it() {
    Case::linked()
        .calendar(|e| e.time = all_day(3))
        .later(20)
        .expect("ask UnusualMove MadeAllDay [Time]")
        .answered(&crate::testing::another_time("12-03 11:00-12:30"))
        .expect("move 12-03 11:00-12:30 v7")
        .carried_out()
        .expect("patch time") // the event gets its hours back
        .carried_out()
        .expect("InSync");
}

#[test]
fn made_without_a_length_asks_for_a_time_and_is_never_reported_as_it_is() {
    let short = || Case::linked().calendar_moves("12-01 10:00-10:00");
    short().expect("Settling; until 09:00:20");
    short()
        .later(20)
        .expect("ask UnusualMove MadeAllDay [Time]")
        .answered(&crate::testing::another_time("12-01 10:00-11:00"))
        .expect("move 12-01 10:00-11:00 v7");
    let mut asked = short().later(20);
    assert!(asked.answer(&Resolution::KeepCalendar).is_err());
    short()
        .platform_moves("12-03 09:00-10:30")
        .settings(|s| s.time_policy = crate::settings::ConflictPolicy::KeepCalendar)
        .later(20)
        .expect("ask TimeChange BothChanged [Time]");
    Case::linked()
        .calendar_moves("11-01 10:00-10:00")
        .later(20)
        .expect("ask UnusualMove MadeAllDay [Time]")
        .answered(&Resolution::KeepPlatform)
        .expect("patch time");
}

#[test]
fn made_a_series_nothing_is_written_to_it() {
    Case::linked()
        .calendar(|e| e.recurring = true)
        .expect("ask DataMismatch MadeSeries [Time]")
        .platform_moves("12-02 09:00-10:30")
        .expect("ask DataMismatch MadeSeries [Time]")
        .calendar(|e| e.recurring = false)
        .expect("patch time");
}

#[test]
fn a_series_that_the_platform_cancels_is_asked_about() {
    let asked = Case::linked()
        .calendar(|e| e.recurring = true)
        .platform_removes(RemovalReason::Cancelled);
    let asked = asked.expect("ask DataMismatch SeriesCancelled [Time]");
    asked
        .clone()
        .answered(&Resolution::KeepPlatform)
        .expect("delete Cancelled g1")
        .carried_out()
        .expect("Gone");
    asked.answered(&Resolution::KeepCalendar).expect("Stopped");
}

#[test]
fn only_the_zone_changed_is_no_move() {
    let there = |e: &mut Event| e.time = EventTime::Timed(appointment_span().in_zone(chrono_tz::Asia::Tokyo));
    Case::linked().calendar(there).later(20).expect("InSync");
}

fn appointment_span() -> TimeSpan {
    crate::testing::appointment().span()
}

#[test]
fn declined_or_marked_free_is_left_alone_and_shown() {
    Case::linked()
        .calendar(|e| e.free = true)
        .expect("InSync; note MarkedFree");
    Case::linked()
        .calendar(|e| e.declined = true)
        .expect("InSync; note Declined");
    Case::linked()
        .calendar(|e| e.free = true)
        .platform_moves("12-02 09:00-10:30")
        .expect("patch time; note MarkedFree");
}

#[test]
fn into_the_past_is_asked_first() {
    Case::linked()
        .calendar_moves("11-20 09:00-10:30")
        .expect("Settling; until 09:00:20")
        .later(20)
        .expect("ask UnusualMove MovedIntoPast [Time]")
        .answered(&Resolution::KeepCalendar)
        .expect("move 11-20 09:00-10:30 v7");
}

#[test]
fn by_more_than_14_days_is_asked_first() {
    Case::linked()
        .calendar_moves("12-15 09:00-10:30")
        .later(20)
        .expect("move 12-15 09:00-10:30 v7");
    Case::linked()
        .calendar_moves("12-15 09:01-10:30")
        .later(20)
        .expect("ask UnusualMove MovedFar [Time]");
    let earlier = || Case::linked_as(|a| (a.start, a.end) = (at("2026-12-20T08:00:00Z"), None));
    earlier()
        .calendar_moves("12-06 09:00-10:00")
        .later(20)
        .expect("move 12-06 09:00-10:00 v7");
    earlier()
        .calendar_moves("12-06 08:59-10:00")
        .later(20)
        .expect("ask UnusualMove MovedFar [Time]");
}

#[test]
fn one_of_many_moves_is_asked_about_if_the_mass_was_left() {
    Case::linked()
        .with(|r| r.ask_moves = true)
        .calendar_moves("12-01 14:00-15:30")
        .later(20)
        .expect("ask UnusualMove ManyMoves [Time]")
        .answered(&Resolution::KeepCalendar)
        .expect("move 12-01 14:00-15:30 v7")
        .carried_out()
        .expect("InSync")
        .calendar_moves("12-01 15:00-16:30")
        .later(100)
        .expect("move 12-01 15:00-16:30 v8"); // the mass is over
}

#[test]
fn a_second_drag_starts_the_settle_time_again_but_an_edit_of_the_title_does_not() {
    let dragged = || Case::linked().calendar_moves("12-01 14:00-15:30").later(15);
    dragged()
        .calendar_moves("12-01 15:00-16:30")
        .expect("Settling; until 09:00:35");
    dragged()
        .calendar(|e| e.title = "Mine".into())
        .expect("Settling; until 09:00:20; note OwnWording");
}

#[test]
fn an_older_change_need_not_wait() {
    let mut case = Case::linked().later(600);
    let mut seen = crate::testing::touched(case.record.event.as_ref().unwrap(), at("2026-11-21T09:03:00Z"));
    seen.time = EventTime::Timed(span("12-01 14:00-15:30"));
    crate::absorb::event(&mut case.record, seen, case.ctx.now);
    case.expect("move 12-01 14:00-15:30 v7");
}

#[test]
fn dragged_back_while_it_settles_nothing_is_reported() {
    Case::linked()
        .calendar_moves("12-01 14:00-15:30")
        .later(10)
        .calendar_moves("12-01 09:00-10:30")
        .later(20)
        .expect("InSync");
}

#[test]
fn dragged_back_while_it_is_being_reported_is_the_next_move() {
    let case = Case::linked().calendar_moves("12-01 14:00-15:30").later(20);
    let sent = case.decide();
    let mut case = case.calendar_moves("12-01 09:00-10:30");
    let answer = crate::testing::taken(
        case.record.appointment.as_ref().unwrap(),
        &sent.intents[0],
        case.ctx.now,
    );
    let sent = crate::absorb::Sent::Time(span("12-01 14:00-15:30"));
    crate::absorb::reported(&mut case.record, answer, sent, &case.ctx);
    case.expect("Settling; until 09:00:40")
        .later(20)
        .expect("move 12-01 09:00-10:30 v8")
        .carried_out()
        .expect("InSync");
}

#[test]
fn what_is_typed_while_earlier_notes_are_on_their_way_is_the_next_report() {
    let say = |words: &str| {
        let words = words.to_owned();
        move |e: &mut Event| e.description = e.description.replace("the handouts", &words)
    };
    let editable = || Case::linked_as(|a| a.editable.notes = true);
    let case = editable().calendar(say("two handouts")).later(20);
    let answered = |mut case: Case, on_its_way: &Case, notes: &str| {
        let known = on_its_way.record.appointment.clone().expect("an appointment");
        let answer = Appointment {
            version: known.version + 1,
            notes: Some(notes.to_owned()),
            ..known
        };
        crate::absorb::reported(
            &mut case.record,
            answer,
            crate::absorb::Sent::Notes("Bring two handouts."),
            &case.ctx,
        );
        case
    };
    let again =
        |e: &mut Event| e.description = e.description.replace("two handouts", "two handouts and a pen");
    answered(case.clone().calendar(again), &case, "Bring two handouts.")
        .expect("Settling; until 09:00:40")
        .later(20)
        .expect(r#"notes "Bring two handouts and a pen." v8"#)
        .carried_out()
        .expect("InSync");
    // Taken back, perhaps without that the calendar says when.
    let back = |e: &mut Event| e.description = e.description.replace("two handouts", "the handouts");
    answered(case.clone().calendar(back), &case, "Bring two handouts.")
        .later(20)
        .expect(r#"notes "Bring the handouts." v8"#);
    // Without a block nothing is reported, and nothing is written over it.
    let without = |e: &mut Event| e.description = "Mine.".into();
    answered(case.clone().calendar(without), &case, "Bring two handouts.").expect("InSync; note OwnWording");
    // What nobody touched follows the platform's form of it, also where the contact changed meanwhile.
    answered(case.clone(), &case, "Bring 2 handouts.").expect("patch notes");
    let moved_on = case
        .clone()
        .platform(|a| a.url = "https://platform.example/2".into());
    answered(moved_on.clone(), &moved_on, "Bring two handouts.").expect("patch notes looks");
}

#[test]
fn notes_with_a_link_behind_their_words_stay_the_trainers_own_wording() {
    let typed = |html: &str| {
        let edit = |e: &mut Event| e.description = e.description.replace("the handouts", html);
        Case::linked_as(|a| a.editable.notes = true)
            .calendar(|e| e.description = e.description.replace('\n', "<br>"))
            .calendar(edit)
            .later(20)
    };
    typed(r#"<a href="https://x.example/plan">the plan</a>"#).expect("InSync; note OwnWording");
    let nowhere = r#"<a href="https://www.google.com/url?q=&amp;sa=D">the plan</a>"#;
    typed(nowhere).expect("InSync; note OwnWording");
    // As Google's page writes an address that was typed.
    let detour = "https://www.google.com/url?q=https%3A%2F%2Fx.example/plan&amp;sa=D&amp;source=calendar";
    let shown = format!(r#"<a href="{detour}">https://x.example/plan</a>"#);
    for html in [
        r#"<a href="https://x.example/plan">https://x.example/plan</a>"#,
        &shown,
    ] {
        typed(html).expect(r#"notes "Bring https://x.example/plan." v7"#);
    }
}

#[test]
fn notes_that_somebody_pasted_out_of_an_event_are_in_agreement_once_they_are_written() {
    let whole = Case::linked().record.event.unwrap().description;
    Case::linked()
        .platform(|a| a.notes = Some(format!("Ring twice.\n{whole}\nAsk for Ada.")))
        .expect("patch notes")
        .carried_out()
        .expect("InSync")
        .platform(|a| a.notes = Some("Ring.".into()))
        .expect("patch notes")
        .carried_out()
        .with(|r| {
            let description = &r.event.as_ref().unwrap().description;
            assert_eq!(description.matches("Ring").count(), 1, "{description}");
        });
}

#[test]
fn the_cool_down_delays_a_further_change_and_never_drops_it() {
    let settled = Case::linked()
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-03 09:00-10:30")
        .answered(&Resolution::KeepPlatform)
        .carried_out()
        .expect("InSync");
    // A move …
    settled
        .clone()
        .calendar_moves("12-04 09:00-10:30")
        .later(30)
        .expect("CoolDown; until 09:01:00")
        .later(30)
        .expect("move 12-04 09:00-10:30 v8");
    // … and a new disagreement.
    settled
        .platform_moves("12-05 09:00-10:30")
        .calendar_moves("12-04 09:00-10:30")
        .expect("CoolDown; until 09:01:00")
        .later(60)
        .expect("ask TimeChange BothChanged [Time]");
}

#[test]
fn a_refusal_is_not_repeated_until_either_side_changes() {
    let refused = Case::linked()
        .calendar_moves("12-01 14:00-15:30")
        .later(20)
        .refused("overlap");
    let refused = refused.expect("ask Refused Refused(overlap) [Time]").later(3600);
    let refused = refused.expect("ask Refused Refused(overlap) [Time]");
    refused
        .clone()
        .platform(|a| a.topic = None)
        .expect("move 12-01 14:00-15:30 v8");
    refused
        .clone()
        .calendar_moves("12-01 16:00-17:30")
        .later(20)
        .expect("move 12-01 16:00-17:30 v7");
    refused
        .clone()
        .answered(&Resolution::KeepCalendar)
        .expect("move 12-01 14:00-15:30 v7");
    refused
        .clone()
        .answered(&Resolution::KeepPlatform)
        .expect("patch time")
        .carried_out()
        .expect("InSync");
    refused.calendar_moves("12-01 09:00-10:30").expect("InSync");
}

#[test]
fn a_refused_edit_of_notes_is_not_repeated_either() {
    let edit = |e: &mut Event| e.description = e.description.replace("handouts", "two handouts");
    let refused = Case::linked_as(|a| a.editable.notes = true)
        .calendar(edit)
        .later(20)
        .refused("locked");
    refused
        .expect("ask Refused Refused(locked) [Notes]")
        .later(3600)
        .expect("ask Refused Refused(locked) [Notes]");
}

#[test]
fn guests_and_colour_are_in_no_patch_that_is_not_about_them() {
    let decision = Case::linked().platform_moves("12-02 09:00-10:30").decide();
    let Some(Intent::Patch { mask, .. }) = decision.intents.first() else {
        panic!("{}", tell(&decision))
    };
    assert_eq!(
        *mask,
        PatchMask {
            time: true,
            ..PatchMask::default()
        }
    );
}

#[test]
fn text_settings_are_written_when_they_change_and_language_is_no_change() {
    Case::linked()
        .settings(|s| s.text.color = Some("7".into()))
        .expect("patch looks")
        .carried_out()
        .expect("InSync");
    Case::linked()
        .settings(|s| {
            s.text = TextSettings {
                notes: false,
                ..TextSettings::default()
            }
        })
        .expect("patch notes");
    Case::linked()
        .settings(|s| s.language = crate::settings::Language::De)
        .expect("InSync");
}

#[test]
fn own_text_outside_the_block_is_no_edit_and_survives_an_update() {
    let case = Case::linked().calendar(|e| e.description = format!("Park behind.\n\n{}", e.description));
    let case = case
        .expect("InSync")
        .platform(|a| a.notes = Some("Bring nothing.".into()))
        .expect("patch notes")
        .carried_out();
    let description = &case.record.event.as_ref().unwrap().description;
    assert!(
        description.starts_with("Park behind.\n\n") && description.contains("Bring nothing."),
        "{description}"
    );
}

#[test]
fn own_text_goes_with_the_event_so_it_is_known_when_it_was_written() {
    let own = |text: &'static str| {
        move |e: &mut Event| {
            let block = crate::text::split(&e.description).block.unwrap_or_default();
            let managed = crate::text::compose(None, &crate::text::normalise(block));
            e.description = format!("{text}{managed}");
        }
    };
    let noted = Case::linked().later(60).calendar(own("Park behind.\n\n"));
    let at = noted.record.own_text_at;
    assert_eq!(at, Some(noted.ctx.now));
    let known = |case: &Case| (case.record.own_text_at, case.record.is_edited());
    // Neither our own writes nor other edits make it younger.
    let kept = noted
        .later(60)
        .platform(|a| a.notes = Some("Bring nothing.".into()))
        .carried_out()
        .later(60)
        .calendar(|e| e.free = true);
    assert_eq!(known(&kept), (at, true));
    let more = kept.clone().later(60).calendar(own("Park in front.\n\n"));
    assert_eq!(known(&more), (Some(more.ctx.now), true));
    // As an earlier version of the app kept it.
    let unknown = kept.clone().with(|r| r.own_text_at = None);
    assert_eq!(known(&unknown), (None, true));
    let gone = kept.calendar(own(""));
    assert_eq!(known(&gone), (None, false));
}

#[test]
fn a_stopped_one_is_left_alone_on_both_sides() {
    Case::linked()
        .with(|r| r.link = LinkState::Stopped)
        .platform_moves("12-02 09:00-10:30")
        .calendar_moves("12-03 09:00-10:30")
        .later(20)
        .expect("Stopped")
        .with(crate::resolve::resume)
        .expect("ask TimeChange BothChanged [Time]");
}

#[test]
fn an_event_that_answers_404_without_a_tombstone_is_not_made_again_at_once() {
    let lost = |r: &mut Record| (r.event, r.missing_since) = (None, Some(at("2026-11-21T09:00:00Z")));
    Case::linked()
        .with(lost)
        .expect("Missing")
        .with(|r| r.missing_since = None)
        .expect("insert g1");
}

#[test]
fn two_sides_that_chase_each_other_are_stopped_and_asked() {
    let mut case = Case::linked().settings(|s| s.direction = Direction::Push);
    for _ in 0..=PING_PONG_WRITES {
        case = case
            .later(30)
            .calendar(|e| e.title = "Mine".into())
            .expect("patch title")
            .carried_out();
    }
    let stopped = case.later(30).calendar(|e| e.title = "Mine".into());
    let stopped = stopped.expect("ask DataMismatch PingPong [Title]");
    // An answer is carried out at once …
    case = stopped
        .answered(&Resolution::KeepPlatform)
        .expect("patch title")
        .carried_out();
    for _ in 0..PING_PONG_WRITES {
        case = case
            .later(30)
            .calendar(|e| e.title = "Mine".into())
            .expect("patch title")
            .carried_out();
    }
    let stopped = case.later(30).calendar(|e| e.title = "Mine".into());
    let stopped = stopped.expect("ask DataMismatch PingPong [Title]");
    // … and it stays stopped until then; that time passes is no answer.
    let stopped = stopped.later(3600).expect("ask DataMismatch PingPong [Title]");
    stopped
        .answered(&Resolution::KeepPlatform)
        .expect("patch title")
        .carried_out()
        .expect("InSync");
}

/// Six writes in ten minutes, once: they are no chase any more when another question is asked weeks later.
#[test]
fn an_old_chase_stops_no_write_while_another_question_is_open() {
    let case = chased(Case::linked().settings(|s| s.direction = Direction::Push));
    let asked = case
        .later(86_400)
        .settings(|s| s.direction = Direction::Both)
        .platform_moves("12-16 09:00-10:30")
        .calendar_moves("12-17 09:00-10:30")
        .expect("ask TimeChange BothChanged [Time]");
    asked
        .later(3600)
        .platform(|a| a.place.as_mut().unwrap().name = Some("Rosen-Apotheke".into()))
        .expect("patch title; ask TimeChange BothChanged [Time]");
    // Asked in those ten minutes, too: once they are over it is that question alone that waits.
    let mut series = chased(Case::linked().settings(|s| s.direction = Direction::Push))
        .calendar(|e| e.recurring = true)
        .expect("ask DataMismatch MadeSeries [Time]")
        .later(900);
    series = series.expect("ask DataMismatch MadeSeries [Time]");
    series
        .calendar(|e| (e.recurring, e.title) = (false, "Mine".into()))
        .expect("patch title");
}

/// A question about the time is open; beside it somebody's tool puts the title back, again and again.
#[test]
fn what_is_chased_beside_another_question_is_held_until_that_one_is_answered() {
    let renamed = |case: Case| {
        let case = case.later(30);
        case.platform(|a| {
            let pharmacy = a.place.as_mut().expect("a place");
            pharmacy.name = Some(format!("Apotheke {}", a.version));
        })
    };
    let question = "ask TimeChange BothChanged [Time]";
    let mut case = Case::linked()
        .platform_moves("12-16 09:00-10:30")
        .calendar_moves("12-17 09:00-10:30")
        .expect(question);
    for _ in 0..=PING_PONG_WRITES {
        let asked = renamed(case).expect(&format!("patch title; {question}"));
        case = asked.carried_out().expect(question);
    }
    let over = case.clone();
    let held = renamed(case).expect(question).later(900).expect(question);
    let held = held.later(86_400).expect(question);
    assert!(held.record.chase_held);
    // What comes when nothing was held is none of that chase.
    renamed(over.later(900)).expect(&format!("patch title; {question}"));
    let answered = held.answered(&Resolution::KeepPlatform).later(60);
    answered.expect("patch time title").carried_out().expect("InSync");
}

fn chased(mut case: Case) -> Case {
    for _ in 0..=PING_PONG_WRITES {
        case = case
            .later(30)
            .calendar(|e| e.title = "Mine".into())
            .expect("patch title")
            .carried_out();
    }
    case
}

#[test]
fn writes_spread_over_more_than_ten_minutes_are_no_chase() {
    let mut case = Case::linked().settings(|s| s.direction = Direction::Push);
    for _ in 0..=2 * PING_PONG_WRITES {
        case = case
            .later(130)
            .calendar(|e| e.title = "Mine".into())
            .expect("patch title")
            .carried_out();
    }
}

#[test]
fn nothing_known_of_the_appointment_decides_nothing() {
    Case::linked().with(|r| r.appointment = None).expect("Unknown");
}

#[test]
fn an_event_found_by_its_mark_whose_appointment_is_gone_leaves_the_calendar() {
    let found = Case::linked()
        .with(|r| r.appointment = None)
        .platform_removes(RemovalReason::Unassigned);
    found.clone().expect("delete Unassigned g1");
    found.now("2026-12-01T10:00:00Z").expect("Ended");
}
