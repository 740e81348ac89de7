//! What the trainer writes into an event stays theirs.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use roundtrip_behaviour_tests::{Cut, Trainer, World, at};
use roundtrip_core::badge::Badge;
use roundtrip_core::conflict::{ConflictKind, Resolution};
use roundtrip_engine::ledger::HistoryWhat;
use roundtrip_http::{HttpError, HttpPort};
use roundtrip_sandbox::platform::{EditableField, NewAppointment};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

#[tokio::test]
async fn an_edited_title_survives_until_the_platform_changes_it() {
    let (world, visit) = with_visit().await;
    world.trainer().rename(&visit, "Linden (Frau Schulz fragen)");
    world.settle().await;
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Synced, Some("own_wording".into()))
    );

    // Anything else may change; the title stays.
    world.admin().note(&visit, "Hintereingang.");
    world.admin().move_to(&visit, "2026-12-02 09:00");
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Linden (Frau Schulz fragen)");
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 09:00"));
    assert!(world.trainer().description(&visit).contains("Hintereingang."));

    // The platform changes the very field: that is asked about, and answered by the trainer.
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;
    assert_eq!(world.conflict(&visit).await.kind, ConflictKind::DataMismatch);
    world
        .resolve(&visit, Resolution::KeepPlatform)
        .await
        .expect("it is as shown");
    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn own_text_before_and_after_the_block_survives_every_update() {
    let (world, visit) = with_visit().await;
    let block = world.trainer().description(&visit);
    let mine = format!("Schlüssel beim Hausmeister.\n\n{block}\nDanach: Einkauf.");
    world.trainer().edit(&visit, &json!({"description": mine}));
    world.settle().await;

    for round in 0..3 {
        world.admin().note(&visit, &format!("Notiz {round}"));
        world.sync().await;
    }

    let shown = world.trainer().description(&visit);
    assert!(shown.starts_with("Schlüssel beim Hausmeister.\n\n"), "{shown}");
    assert!(shown.ends_with("\nDanach: Einkauf."), "{shown}");
    assert!(shown.contains("Notiz 2") && !shown.contains("Notiz 1"), "{shown}");
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn own_html_stays_as_it_is() {
    let (world, visit) = with_visit().await;
    let block = world.trainer().description(&visit).replace('\n', "<br>");
    let mine = format!("<b>Wichtig</b>: <i>klingeln</i><br><br>{block}");
    world.trainer().edit(&visit, &json!({"description": mine}));
    world.settle().await;

    world.admin().note(&visit, "Tür & Tor <offen>");
    world.settle().await;

    let shown = world.trainer().description(&visit);
    assert!(
        shown.starts_with("<b>Wichtig</b>: <i>klingeln</i><br><br>"),
        "{shown}"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn an_edited_place_survives() {
    let (world, visit) = with_visit().await;
    world
        .trainer()
        .edit(&visit, &json!({"location": "Treffpunkt U-Bahn"}));
    world.settle().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;

    assert_eq!(world.trainer().event(&visit)["location"], "Treffpunkt U-Bahn");
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn a_service_that_rewrites_white_space_and_html_is_not_answered() {
    let (world, visit) = with_visit().await;
    let mark = world.mark();
    let rewritten = format!(
        "<p>{}</p>\u{a0}",
        world.trainer().description(&visit).replace('\n', "<br/>\r\n")
    );
    world.trainer().edit(
        &visit,
        &json!({"description": rewritten, "summary": " Linden-Apotheke\u{200b} "}),
    );
    world.settle().await;

    assert!(world.writes_since(mark).is_empty());
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn client_names_are_off_until_turned_on_and_off_again_takes_them_out() {
    let world = World::new().await;
    let mut draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    draft.client = Some(roundtrip_sandbox::platform::Client {
        id: "cli_3".into(),
        name: Some("Ada Klein".into()),
        email: Some("ada@example.org".into()),
        phone: Some("+49 30 1234567".into()),
    });
    let visit = world.admin().plan(draft);
    world.sync().await;
    let said = |world: &World| world.trainer().event(&visit).to_string();
    assert!(!said(&world).contains("Ada") && !said(&world).contains("1234567"));

    let turn = |on| {
        move |settings: &mut roundtrip_core::settings::SyncSettings| {
            settings.text.client_names = on;
            settings.text.client_contact = on;
        }
    };
    world.set(turn(true)).await;
    world.settle().await;
    assert!(said(&world).contains("Linden-Apotheke · Ada Klein") && said(&world).contains("+49 30 1234567"));

    world.set(turn(false)).await;
    world.settle().await;
    assert!(!said(&world).contains("Ada") && !said(&world).contains("1234567"));
    world.check_invariants().await;
}

#[tokio::test]
async fn guests_colour_and_reminders_that_the_trainer_adds_are_never_touched() {
    let (world, visit) = with_visit().await;
    let theirs = json!({
        "colorId": "11",
        "attendees": [{"email": "kollege@example.net", "displayName": "Kollege"}],
        "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 30}]},
    });
    world.trainer().edit(&visit, &theirs);
    world.settle().await;

    world.admin().move_to(&visit, "2026-12-02 09:00");
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;

    let event = world.trainer().event(&visit);
    assert_eq!(world.trainer().start(&visit), at("2026-12-02 09:00"));
    assert_eq!(event["colorId"], "11");
    assert_eq!(event["attendees"][0]["email"], "kollege@example.net");
    assert_eq!(event["reminders"], theirs["reminders"]);
    // The oracle looks at every write: no attendees in it, nobody mailed.
    world.check_invariants().await;
}

#[tokio::test]
async fn an_event_marked_as_free_is_left_alone_and_shown() {
    let (world, visit) = with_visit().await;
    let mark = world.mark();
    world
        .trainer()
        .edit(&visit, &json!({"transparency": "transparent"}));
    world.settle().await;

    assert!(world.writes_since(mark).is_empty());
    assert_eq!(
        world.badge(&visit).await,
        (Badge::Synced, Some("marked_free".into()))
    );
    world.check_invariants().await;
}

/// The trainer changes a reminder just before the first patch arrives.
struct EditsFirst {
    services: Arc<dyn HttpPort>,
    trainer: Trainer,
    visit: String,
    edited: AtomicBool,
}

#[async_trait]
impl HttpPort for EditsFirst {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if request.method() == "PATCH" && !self.edited.swap(true, Ordering::Relaxed) {
            let reminders = json!({"useDefault": false, "overrides": []});
            self.trainer.edit(&self.visit, &json!({"reminders": reminders}));
        }
        self.services.send(request).await
    }
}

#[tokio::test]
async fn a_colour_that_met_an_edit_is_not_taken_for_written() {
    for renamed in [false, true] {
        let (world, visit) = with_visit().await;
        world.set(|settings| settings.text.color = Some("3".into())).await;
        if renamed {
            world.admin().rename(&visit, "Rosen-Apotheke");
        }
        world.wire.divert(Some(Arc::new(EditsFirst {
            services: world.wire.services(),
            trainer: world.trainer(),
            visit: visit.clone(),
            edited: AtomicBool::new(false),
        })));
        let mark = world.mark();
        world.sync().await;
        world.wire.divert(None);

        assert_eq!(world.trainer().event(&visit)["colorId"], "3");
        assert_eq!(world.badge(&visit).await.0, Badge::Synced);
        world.sync().await;
        assert_eq!(world.calendar_writes_since(mark), 2, "turned away, and written");
        world.check_invariants().await;
    }
}

/// The report arrived, its answer was lost, and the trainer went on writing.
#[tokio::test]
async fn what_is_written_while_earlier_notes_are_on_their_way_is_not_written_over() {
    let mut world = World::new().await;
    let draft = world.admin().draft("Linden-Apotheke", "2026-12-01 09:00");
    let editable = vec![EditableField::Time, EditableField::Notes];
    let visit = world.admin().plan(NewAppointment { editable, ..draft });
    world.sync().await;
    let write = |from: &str, to: &str| {
        let description = world.trainer().description(&visit).replace(from, to);
        world.trainer().edit(&visit, &json!({"description": description}));
    };
    write("die Handouts", "zwölf Handouts");
    world.sync().await;
    world.advance(30);
    let laptop = world.laptop.sync_or_lose_power(0, Cut::After).await;
    let laptop = laptop.expect("it reports");
    let reported = Some("Bitte zwölf Handouts mitbringen.");
    assert_eq!(world.admin().appointment(&visit).notes.as_deref(), reported);
    write("zwölf Handouts", "zwölf Handouts und Stifte");
    world.laptop = laptop;
    world.settle().await;

    let wanted = "Bitte zwölf Handouts und Stifte mitbringen.";
    let shown = world.trainer().description(&visit);
    assert!(shown.contains(wanted), "{shown}");
    let notes = world.admin().appointment(&visit).notes;
    assert_eq!(notes.as_deref(), Some(wanted));
    assert_eq!(world.conflicts().await, []);
    world.check_invariants().await;
}

#[tokio::test]
async fn own_text_that_goes_with_an_event_is_told_in_the_history() {
    for own in [false, true] {
        let (world, visit) = with_visit().await;
        if own {
            let mine = format!("{}\nDanach: Einkauf.", world.trainer().description(&visit));
            world.trainer().edit(&visit, &json!({"description": mine}));
            world.settle().await;
        }
        world.admin().cancel(&visit);
        world.settle().await;

        assert!(!world.trainer().has(&visit));
        let lost = world.story(&visit).await.into_iter().find_map(|what| match what {
            HistoryWhat::Deleted { edit_lost, .. } => Some(edit_lost),
            _ => None,
        });
        assert_eq!(lost, Some(own));
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn own_text_does_not_go_with_an_older_event_that_came_back() {
    let (world, visit) = with_visit().await;
    let older = world.trainer().delete(&visit);
    world.settle().await;
    world.put_back(&visit).await.expect("it was removed");
    world.settle().await;
    let mine = format!("{}\nDanach: Einkauf.", world.trainer().description(&visit));
    world.trainer().edit(&visit, &json!({"description": mine}));
    world.settle().await;
    world.trainer().restore(&older);
    world.settle().await;

    assert_eq!(world.trainer().events(&visit).len(), 1);
    assert!(world.trainer().description(&visit).contains("Einkauf"));
    let lost = world.story(&visit).await.into_iter().find_map(|what| match what {
        HistoryWhat::Deleted { edit_lost, .. } => Some(edit_lost),
        _ => None,
    });
    assert_eq!(lost, Some(false));
    world.check_invariants().await;
}
