//! What happens on the platform reaches the calendar.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{BEN, JANA, Setup, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::outbox::DeleteReason;
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::ledger::{HistoryWhat, RunResult};
use roundtrip_sandbox::platform::{AdminEdit, AppointmentStatus, NewAppointment};
use serde_json::json;

#[tokio::test]
async fn a_new_appointment_becomes_an_event() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");

    let report = world.sync().await;

    assert_eq!(
        (report.counts.added, report.result),
        (1, Some(RunResult::Success))
    );
    let event = world.trainer().event(&visit);
    assert_eq!(event["summary"], "Linden-Apotheke");
    assert_eq!(event["location"], "Lindenstr. 5, 10969 Berlin");
    assert!(
        event["description"]
            .as_str()
            .unwrap_or_default()
            .contains("Bitte die Handouts mitbringen.")
    );
    assert_eq!(
        event["source"]["url"],
        json!(world.admin().appointment(&visit).url)
    );
    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    assert_eq!(world.trainer().end(&visit), at("2026-12-01 10:30"));
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_changed_appointment_changes_its_event() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let before = world.trainer().event_id(&visit);

    world.admin().move_to(&visit, "2026-12-02 14:00");
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.admin().note(&visit, "Hintereingang.");
    let report = world.sync().await;

    assert_eq!((report.counts.changed, report.counts.added), (1, 0));
    assert_eq!(world.trainer().event_id(&visit), before);
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 14:00"));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert!(world.trainer().description(&visit).contains("Hintereingang."));
    assert!(!world.trainer().description(&visit).contains("Handouts"));
    world.check_invariants().await;
}

fn visit_time() -> TimeSpan {
    let start = at("2026-12-01 09:00");
    TimeSpan {
        start,
        end: start + chrono::TimeDelta::minutes(90),
        zone: chrono_tz::Europe::Berlin,
    }
}

#[tokio::test]
async fn a_cancelled_appointment_loses_its_event() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;

    world.admin().cancel(&visit);
    let report = world.sync().await;

    assert_eq!(report.counts.removed, 1);
    assert!(!world.trainer().has(&visit));
    let deleted = HistoryWhat::Deleted {
        reason: DeleteReason::Cancelled,
        edit_lost: false,
        inferred: false,
        time: Some(visit_time()),
    };
    assert!(world.story(&visit).await.contains(&deleted));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_reassigned_appointment_loses_its_event() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;

    world.admin().reassign(&visit, BEN);
    let report = world.sync().await;

    assert_eq!(report.counts.removed, 1);
    assert!(!world.trainer().has(&visit));
    let deleted = HistoryWhat::Deleted {
        reason: DeleteReason::Unassigned,
        edit_lost: false,
        inferred: false,
        time: Some(visit_time()),
    };
    assert!(world.story(&visit).await.contains(&deleted));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_deleted_appointment_loses_its_event() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;

    world.admin().delete(&visit);
    world.sync().await;

    assert!(!world.trainer().has(&visit));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_appointment_that_comes_back_gets_a_new_event() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let first = world.trainer().event_id(&visit);
    world.admin().reassign(&visit, BEN);
    world.sync().await;

    world.admin().reassign(&visit, world.person());
    world.sync().await;

    assert_ne!(
        world.trainer().event_id(&visit),
        first,
        "a deleted id is dead for ever"
    );
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_restored_appointment_gets_a_new_event() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    world.admin().cancel(&visit);
    world.sync().await;

    world
        .admin()
        .platform()
        .restore_appointment(&visit)
        .expect("an admin may take a cancellation back");
    world.sync().await;

    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    world.check_invariants().await;
}

#[tokio::test]
async fn cancelled_and_restored_between_two_cycles_is_no_change_at_all() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    let first = world.trainer().event_id(&visit);

    world.admin().cancel(&visit);
    world
        .admin()
        .platform()
        .restore_appointment(&visit)
        .expect("an admin may take a cancellation back");
    let report = world.sync().await;

    assert_eq!((report.counts.removed, report.counts.added), (0, 0));
    assert_eq!(world.trainer().event_id(&visit), first);
    world.check_invariants().await;
}

#[tokio::test]
async fn nothing_from_before_the_connection_is_written() {
    let world = World::of(Setup {
        started: false,
        ..Setup::default()
    })
    .await;
    // Began an hour ago, and still goes on.
    let running = world.admin().visit("Linden-Apotheke", "2026-11-21 08:00");
    let past = world.admin().visit("Rosen-Apotheke", "2026-11-20 08:00");
    let next = world.admin().visit("Adler-Apotheke", "2026-11-21 10:00");

    world.start().await;

    assert!(!world.trainer().has(&running));
    assert!(!world.trainer().has(&past));
    assert!(world.trainer().has(&next));
    assert_eq!(
        world.badge(&running).await,
        (Badge::LeftOut, Some("before_connection".into()))
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn nothing_is_written_before_the_trainer_said_start() {
    let world = World::of(Setup {
        started: false,
        ..Setup::default()
    })
    .await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");

    world.sync().await;
    world.settle().await;
    assert!(!world.trainer().has(&visit));
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Waiting, Some("not_started".into()))
    );
    let settings = world.snapshot().await.settings;
    let preview = world.engine.preview(settings).await.expect("the ledger works");
    assert_eq!((preview.matching, preview.decisions.len()), (1, 1));

    world.engine.start_syncing().await.expect("the ledger works");
    world.sync().await;
    assert!(world.trainer().has(&visit));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_burst_of_edits_is_one_write_with_the_final_state() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;

    // Ten edits in two seconds; the platform says "look now" after each.
    for edit in 0..10 {
        world.admin().rename(&visit, &format!("Apotheke {edit}"));
        world.advance(edit % 2);
    }
    let mark = world.mark();
    world.sync().await;

    assert_eq!(world.calendar_writes_since(mark), 1);
    assert_eq!(world.trainer().title(&visit), "Apotheke 9");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_burst_that_waits_is_one_write_too() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    // Each edit is seen by a cycle of its own, but none may write.
    world
        .engine
        .pause_until(Some(at("2026-11-21 12:00")))
        .await
        .expect("the ledger works");
    for edit in 0..10 {
        world.admin().rename(&visit, &format!("Apotheke {edit}"));
        world.sync().await;
    }
    let mark = world.mark();
    world.engine.pause_until(None).await.expect("the ledger works");
    world.sync().await;

    assert_eq!(world.calendar_writes_since(mark), 1);
    assert_eq!(world.trainer().title(&visit), "Apotheke 9");
    world.check_invariants().await;
}

#[tokio::test]
async fn an_idle_cycle_sends_one_request_to_each_side_and_writes_nothing() {
    let world = World::new().await;
    world.admin().visits(5);
    world.sync().await;
    // The first call after news tells the feed's etag.
    world.sync().await;

    let mark = world.mark();
    world.sync().await;

    let requests = world.requests_since(mark);
    assert_eq!(requests.len(), 2, "{requests:#?}");
    assert!(requests.iter().all(|request| request.method == "GET"));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_added_appointment_costs_one_write() {
    let world = World::new().await;
    world.admin().visits(20);
    let mark = world.mark();

    world.sync().await;

    assert_eq!(world.calendar_writes_since(mark), 20);
    world.check_invariants().await;
}

#[tokio::test]
async fn the_nearest_appointments_are_written_first() {
    let world = World::new().await;
    for day in [20, 10, 15, 2, 5] {
        world
            .admin()
            .visit(&format!("Apotheke {day}"), &format!("2026-12-{day:02} 09:00"));
    }
    world.sync().await;

    let written = world
        .trainer()
        .everything()
        .into_iter()
        .filter(|event| event["source"]["url"].is_string());
    let titles: Vec<String> = written
        .map(|event| event["summary"].as_str().unwrap_or_default().to_owned())
        .collect();
    // Four are on their way at a time, so the last of five is surely the farthest.
    assert_eq!(
        titles.last().map(String::as_str),
        Some("Apotheke 20"),
        "{titles:?}"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_missing_end_means_one_hour() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let visit = world.admin().plan(NewAppointment { end: None, ..draft });

    world.sync().await;

    assert_eq!(
        world.trainer().end(&visit) - world.trainer().start(&visit),
        TimeDelta::hours(1)
    );
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_tentative_appointment_is_shown_as_such_until_it_is_firm() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let visit = world.admin().plan(NewAppointment {
        status: AppointmentStatus::Tentative,
        ..draft
    });

    world.sync().await;
    assert_eq!(world.trainer().event(&visit)["status"], "tentative");

    let firm = AdminEdit {
        status: Some(AppointmentStatus::Scheduled),
        ..AdminEdit::default()
    };
    world.admin().edit(&visit, firm);
    world.sync().await;
    assert_eq!(world.trainer().event(&visit)["status"], "confirmed");
    world.check_invariants().await;
}

#[tokio::test]
async fn without_a_place_the_title_then_the_topic_then_coaching_session_is_the_title() {
    let world = World::new().await;
    let draft = || world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let titled = world.admin().plan(NewAppointment {
        title: Some("Teamrunde".into()),
        location: None,
        ..draft()
    });
    let topical = world.admin().plan(NewAppointment {
        title: None,
        location: None,
        ..draft()
    });
    let bare = world.admin().plan(NewAppointment {
        title: None,
        location: None,
        topic: None,
        ..draft()
    });

    world.sync().await;

    assert_eq!(world.trainer().title(&titled), "Teamrunde");
    assert_eq!(world.trainer().title(&topical), "Auffrischung Impfen");
    assert_eq!(world.trainer().title(&bare), "Coaching Session");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_private_appointment_is_left_out_unless_chosen_and_then_says_only_busy() {
    let world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let visit = world.admin().plan(NewAppointment {
        private: true,
        ..draft
    });
    world.sync().await;
    assert!(!world.trainer().has(&visit));
    assert_eq!(
        world.badge(&visit).await,
        (Badge::LeftOut, Some("private".into()))
    );

    world
        .set(|settings| settings.filters.include_private = true)
        .await;
    world.sync().await;

    let event = world.trainer().event(&visit);
    assert_eq!(
        (&event["summary"], &event["visibility"]),
        (&json!("Busy"), &json!("private"))
    );
    assert!(!event.to_string().contains("Linden"), "{event:#}");

    // Not private any more, it is shown again.
    let shown = AdminEdit {
        private: Some(false),
        ..AdminEdit::default()
    };
    world.admin().edit(&visit, shown);
    world.sync().await;
    let event = world.trainer().event(&visit);
    assert_eq!(event.get("visibility"), None, "as the calendar has it by default");
    assert!(world.trainer().title(&visit).contains("Linden"));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_event_that_the_trainer_hid_stays_hidden_when_its_looks_change() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    world.trainer().edit(&visit, &json!({"visibility": "private"}));
    world.sync().await;
    world.set(|settings| settings.text.color = Some("7".into())).await;
    world.sync().await;
    let event = world.trainer().event(&visit);
    assert_eq!(
        (&event["colorId"], &event["visibility"]),
        (&json!("7"), &json!("private"))
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn an_admin_who_connects_is_treated_like_a_trainer() {
    let world = World::of(Setup {
        person: JANA,
        ..Setup::default()
    })
    .await;
    let own = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    assert_eq!(world.trainer().start(&own), at("2026-12-01 09:00"));

    world.trainer().drag(&own, "2026-12-01 15:00");
    world.settle().await;

    assert_eq!(world.admin().start(&own), at("2026-12-01 15:00"));
    assert_eq!(world.admin().told_of(&own).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_ended_appointment_is_closed_and_never_rewritten_or_deleted() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-11-21 10:00");
    world.sync().await;
    world.set_time(at("2026-11-21 13:00"));
    let mark = world.mark();

    world.admin().rename(&visit, "Rosen-Apotheke");
    world.sync().await;
    world.admin().cancel(&visit);
    world.sync().await;

    assert_eq!(world.calendar_writes_since(mark), 0);
    assert_eq!(world.trainer().title(&visit), "Linden-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn sample_appointments_of_every_kind_are_written_and_stay_quiet() {
    let world = World::of(Setup {
        appointments: 40,
        ..Setup::default()
    })
    .await;
    let synced = world
        .snapshot()
        .await
        .appointments
        .iter()
        .filter(|status| status.badge == Badge::Synced)
        .count();
    assert!(synced >= 35, "{synced} of 40");
    world.check_invariants().await;
}
