//! The planted violations.

use super::*;
use roundtrip_core::conflict::ConflictKind;

#[test]
fn an_agreed_world_is_in_order() {
    let mut world = World::new();
    for hour in [9, 11, 13] {
        world.agreed(hour);
    }
    world.is_in_order();
}

#[test]
fn a_move_told_once_is_in_order() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.reported(&id, 15, 1);
    let what = HistoryWhat::MovedBack {
        from: span(9),
        to: span(15),
        admin_notified: true,
    };
    world.told(&id, what);
    world.know(&id);
    world.is_in_order();
}

#[test]
fn i1_two_times_that_differ() {
    let mut world = World::new();
    let id = world.agreed(9);
    let later = at("2026-12-01T18:00:00Z");
    world
        .sandbox
        .platform
        .move_appointment(&id, later, None, None)
        .expect("there");
    world.know(&id);
    world.finds("I1");
    world.finds("P13");
}

#[test]
fn i1_an_appointment_without_an_event() {
    let mut world = World::new();
    let id = world.planned(9);
    world.know(&id);
    world.finds("I1");
}

#[test]
fn i1_an_event_called_removed_that_nobody_removed() {
    let mut world = World::new();
    let id = world.planned(9);
    world.know(&id);
    world.laptop.records[0].link = LinkState::Removed {
        by_trainer: true,
        at: at("2026-11-21T08:00:00Z"),
        version: 1,
    };
    world.laptop.statuses.clear();
    world.finds("I1");
    // The trainer's own deletion bears it out.
    world.wrote(&id, 1, None, Some(event_at(9)));
    world.hand(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    world.is_in_order();
}

#[test]
fn i1_an_event_that_outlives_its_appointment() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.sandbox.platform.cancel_appointment(&id).expect("there");
    world.laptop.statuses.clear();
    world.finds("I1");
}

#[test]
fn i2_a_write_in_a_quiet_cycle() {
    let mut world = World::new();
    world.agreed(9);
    world.quiet_from = world.sandbox.shared.log().last_seq();
    world.sandbox.shared.log().begin(LoggedRequest {
        seq: 0,
        at: at("2026-11-21T08:00:00Z"),
        service: Service::Google,
        method: "PATCH".into(),
        path: "/calendar/v3/calendars/primary/events/abc".into(),
        route: String::new(),
        query: String::new(),
        status: Some(200),
        dropped: false,
        faults: Vec::new(),
        duration_ms: None,
        user_agent: None,
        request_id: None,
    });
    world.finds("I2");
}

#[test]
fn i3_a_second_event_and_one_brought_back() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.wrote(&id, 2, None, Some(event_at(9)));
    world.finds("I3");

    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    world.wrote(&id, 1, Some(deleted(event_at(9))), Some(event_at(9)));
    world.finds("I3");
}

#[test]
fn i3_two_at_once_even_if_one_is_gone_at_the_end() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.wrote(&id, 2, None, Some(event_at(9)));
    world.wrote(&id, 2, Some(event_at(9)), Some(deleted(event_at(9))));
    world.finds("I3");
}

#[test]
fn i4_a_foreign_event_written() {
    let mut world = World::new();
    world.agreed(9);
    world.put(app(), "dentist001".into(), Some(event_at(9)), Some(event_at(10)));
    world.finds("I4");
}

#[test]
fn i5_a_move_that_was_written_over() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.wrote(&id, 1, Some(event_at(15)), Some(event_at(9)));
    world.know(&id);
    world.finds("I5");
    // A conflict that the trainer can read of is enough.
    let what = HistoryWhat::ConflictRaised {
        kind: ConflictKind::TimeChange,
        fields: Vec::new(),
        conflict: ConflictId("1".into()),
    };
    world.told(&id, what);
    world.is_in_order();
}

#[test]
fn i5_a_moved_series_is_left_only_where_a_filter_leaves_it_out() {
    let series = |hour| EventState {
        series: true,
        ..event_at(hour)
    };
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(series(15)));
    world.know(&id);
    world.finds("I5");
    let filters = &mut world.laptop.settings.filters;
    filters.excluded.insert(AppointmentId::new(&id));
    // The window then calls it left out.
    world.laptop.statuses.clear();
    world.is_in_order();
}

#[test]
fn i5_a_reported_move_without_a_record() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.reported(&id, 15, 1);
    world.know(&id);
    world.finds("I5");
}

#[test]
fn i6_an_own_write_told_as_a_move() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.reported(&id, 12, 1);
    world.finds("I6");
}

#[test]
fn i6_an_old_move_that_comes_back() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.wrote(&id, 1, Some(event_at(15)), Some(event_at(18)));
    world.reported(&id, 15, 1);
    world.finds("I6");
}

#[test]
fn i7_a_move_told_twice_and_one_not_told() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.reported(&id, 15, 2);
    world.finds("I7");

    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.reported(&id, 15, 0);
    world.finds("I7");

    // Reported, moved away by the admin, reported again though the trainer did nothing.
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.reported(&id, 15, 1);
    world
        .sandbox
        .platform
        .move_appointment(&id, at("2026-12-01T18:00:00Z"), None, None)
        .expect("there");
    world.reported(&id, 15, 1);
    world.finds("I7");
}

#[test]
fn i8_a_row_without_a_cause() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.told(&id, HistoryWhat::Added { time: span(20) });
    world.finds("I8");

    let mut world = World::new();
    world.agreed(9);
    world.laptop.history[0].appointment_id = None;
    world.finds("I8");

    let mut world = World::new();
    world.agreed(9);
    world.laptop.history[0].run_id = Some(RunId("never".into()));
    world.finds("I8");
}

#[test]
fn i8_a_version_that_shrinks_or_was_never_said() {
    let mut world = World::new();
    let id = world.agreed(9);
    let versioned = |version: &str| EventState {
        mark: BTreeMap::from([("rt_version".to_owned(), version.to_owned())]),
        etag: version.to_owned(),
        ..event_at(9)
    };
    world.wrote(&id, 1, Some(event_at(9)), Some(versioned("7")));
    world.wrote(&id, 1, Some(versioned("7")), Some(versioned("6")));
    world.finds("I8");

    let mut world = World::new();
    world.agreed(9);
    if let Some(known) = &mut world.laptop.records[0].appointment {
        known.version = 9;
    }
    world.finds("I8");
}

#[test]
fn i10_a_deletion_that_nobody_asked_for() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.wrote(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    world.finds("I10");
    // Also if the laptop claims that the platform said so.
    let what = HistoryWhat::Deleted {
        reason: DeleteReason::Cancelled,
        edit_lost: false,
        inferred: false,
        time: None,
    };
    world.told(&id, what);
    world.finds("I10");
}

/// Seed 38761: each service's requests of a run are counted from one.
#[test]
fn i10_the_answer_of_the_other_service_is_not_the_answer_to_a_deletion() {
    let mut world = World::new();
    let id = world.agreed(9);
    // The first of December is a Tuesday. The rule bears the deletion out, and its line is lost with the answer.
    world.laptop.settings.filters.weekdays_off.insert(1);
    let rules = world.laptop.settings.clone();
    world
        .witnessed
        .settings
        .push((0, world.sandbox.shared.now(), rules));
    world.wrote(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    world.laptop.statuses.clear();
    world.requests = vec![first_request(false, Some(200)), first_request(true, None)];
    world.is_in_order();
    world.requests = vec![first_request(false, None), first_request(true, Some(200))];
    world.finds("I10");
}

#[test]
fn i10_a_deletion_after_a_cancellation_is_in_order() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.sandbox.platform.cancel_appointment(&id).expect("there");
    world.wrote(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    world.laptop.statuses.clear();
    world.is_in_order();
}

#[test]
fn i11_a_time_that_nobody_said() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.wrote(&id, 1, Some(event_at(9)), Some(event_at(10)));
    world.finds("I11");
}

#[test]
fn i12_a_request_while_the_service_asked_to_wait() {
    let mut world = World::new();
    let request = |second: i64, status, retry_after| WireRecord {
        laptop: 0,
        era: 1,
        at: at("2026-11-21T08:00:00Z") + TimeDelta::seconds(second),
        google: true,
        method: "GET".into(),
        path: "/calendar/v3/calendars/primary/events".into(),
        request_id: None,
        idempotency_key: None,
        faults: Vec::new(),
        status,
        retry_after,
        told_ahead: TimeDelta::zero(),
    };
    world.requests.push(request(0, Some(429), Some(30)));
    world.requests.push(request(31, Some(200), None));
    world.is_in_order();
    world.requests.truncate(1);
    world
        .requests
        .extend((1..20).map(|second| request(second, Some(200), None)));
    world.finds("I12");
}

#[test]
fn i12_more_requests_than_the_service_allows() {
    let mut world = World::new();
    let request = |number: i64| WireRecord {
        laptop: 0,
        era: 1,
        at: at("2026-11-21T08:00:00Z") + TimeDelta::milliseconds(number * 90),
        google: false,
        method: "GET".into(),
        path: "/v1/appointments".into(),
        request_id: None,
        idempotency_key: None,
        faults: Vec::new(),
        status: Some(200),
        retry_after: None,
        told_ahead: TimeDelta::zero(),
    };
    world.requests = (0..700).map(request).collect();
    world.finds("I12");
}

#[test]
fn i13_a_token_on_the_disk() {
    let mut world = World::new();
    world.agreed(9);
    std::fs::write(world.folder.path().join("sync.db-wal"), b"\0\0ya29.a0secret\0").expect("a file");
    world.finds("I13");
}

#[test]
fn i15_a_write_that_mails_somebody() {
    let mut world = World::new();
    let id = world.agreed(9);
    let loud = Actor::App(AppRequest {
        send_updates: Some("all".into()),
        ..AppRequest::default()
    });
    let retitled = EventState {
        etag: "\"new\"".into(),
        ..event_at(9)
    };
    world.put(loud, world.event_id(&id, 1), Some(event_at(9)), Some(retitled));
    world.finds("I15");
}

#[test]
fn p5_an_event_that_goes_with_the_connection() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.laptop.disconnected = true;
    let item = HistoryWhat::Disconnected {
        service: "google".into(),
    };
    world.told(&id, item);
    world.requests.push(WireRecord {
        laptop: 0,
        era: 1,
        at: at("2026-11-21T08:00:00Z"),
        google: true,
        method: "DELETE".into(),
        path: String::new(),
        request_id: Some("r1".into()),
        idempotency_key: None,
        faults: Vec::new(),
        status: Some(204),
        retry_after: None,
        told_ahead: TimeDelta::zero(),
    });
    let by_it = Actor::App(AppRequest {
        request_id: Some("r1".into()),
        send_updates: Some("none".into()),
        ..AppRequest::default()
    });
    world.put(
        by_it,
        world.event_id(&id, 1),
        Some(event_at(9)),
        Some(deleted(event_at(9))),
    );
    world.finds("P5");
}

#[test]
fn p8_many_deletions_without_a_question() {
    let mut world = World::new();
    world.hears();
    let ids: Vec<String> = (0..14).map(|hour| world.agreed(hour)).collect();
    for (hour, id) in (0..).zip(&ids).take(12) {
        world.sandbox.platform.cancel_appointment(id).expect("there");
        world.wrote(id, 1, Some(event_at(hour)), Some(deleted(event_at(hour))));
    }
    world.finds("P8");
}

/// An appointment that is given away, and the laptop whose request deletes its event.
fn given_away(world: &mut World) -> String {
    let id = world.agreed(9);
    let platform = world.sandbox.platform.clone();
    platform.reassign_appointment(&id, None).expect("there");
    world.requests.push(WireRecord {
        laptop: 0,
        era: 1_000,
        at: at("2026-11-21T08:00:00Z"),
        google: true,
        method: "DELETE".into(),
        path: "/calendar/v3/calendars/primary/events/one".into(),
        request_id: Some("run-1".into()),
        idempotency_key: None,
        faults: Vec::new(),
        status: Some(204),
        retry_after: None,
        told_ahead: TimeDelta::zero(),
    });
    world.laptop.statuses.clear();
    id
}

/// The laptop says that an event went though nobody said so.
fn went(world: &mut World, id: &str, reason: DeleteReason) {
    let what = HistoryWhat::Deleted {
        reason,
        edit_lost: false,
        inferred: true,
        time: None,
    };
    world.told(id, what);
    world.laptop.history.last_mut().expect("just told").at = world.sandbox.shared.now();
}

#[test]
fn p8_an_inferred_deletion_that_was_not_held() {
    let mut world = World::new();
    let id = given_away(&mut world);
    let begun = world.sandbox.shared.now();
    world.clock.advance(chrono::TimeDelta::hours(25));
    world.wrote(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    went(&mut world, &id, DeleteReason::Unassigned);
    world.finds("P8");
    let appointment = roundtrip_core::ids::AppointmentId::new(&*id);
    world.witnessed.held.push((0, begun, appointment, false));
    world.is_in_order();
}

/// Both were taken from the bin: the older one is one too many as long as the newer one is there (seed 503540).
#[test]
fn p8_one_too_many_that_was_the_last_one() {
    for newer_is_there in [true, false] {
        let mut world = World::new();
        let id = given_away(&mut world);
        world.hand(&id, 2, None, Some(event_at(9)));
        if !newer_is_there {
            world.hand(&id, 2, Some(event_at(9)), Some(deleted(event_at(9))));
        }
        world.wrote(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
        went(&mut world, &id, DeleteReason::Duplicate);
        if newer_is_there {
            world.hand(&id, 2, Some(event_at(9)), Some(deleted(event_at(9))));
            world.is_in_order();
        } else {
            world.finds("P8");
        }
    }
}

#[test]
fn i5_a_report_over_a_later_move_of_the_admin() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    let platform = world.sandbox.platform.clone();
    platform
        .move_appointment(&id, at("2026-12-01T18:00:00Z"), None, None)
        .expect("there");
    world.reported(&id, 15, 1);
    world.know(&id);
    world.finds("I5");
}

#[test]
fn i5_a_move_that_goes_with_its_event_and_is_not_told() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.sandbox.platform.cancel_appointment(&id).expect("there");
    world.hand(&id, 1, Some(event_at(9)), Some(event_at(15)));
    world.wrote(&id, 1, Some(event_at(15)), Some(deleted(event_at(15))));
    world.laptop.statuses.clear();
    world.finds("I5");
    // The laptop does not know yet what became of it, and will ask.
    let deletion = unanswered_deletion(&id, world.event_id(&id, 1));
    world.laptop.outbox.push(deletion);
    world.requests = vec![first_request(true, None)];
    world.is_in_order();
    world.requests = vec![first_request(true, Some(204))];
    world.finds("I5");
    world.laptop.outbox.clear();
    let what = HistoryWhat::Deleted {
        reason: DeleteReason::Cancelled,
        edit_lost: true,
        inferred: false,
        time: None,
    };
    world.told(&id, what);
    world.is_in_order();
}

#[test]
fn i5_own_text_that_goes_with_its_event_and_is_not_told() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.sandbox.platform.cancel_appointment(&id).expect("there");
    let noted = || EventState {
        description: Some("Mein Parkplatz.".into()),
        ..event_at(9)
    };
    world.hand(&id, 1, Some(event_at(9)), Some(noted()));
    world.wrote(&id, 1, Some(noted()), Some(deleted(noted())));
    world.laptop.statuses.clear();
    world.finds("I5");
    let what = HistoryWhat::Deleted {
        reason: DeleteReason::Cancelled,
        edit_lost: true,
        inferred: false,
        time: None,
    };
    world.told(&id, what);
    world.is_in_order();
}

#[test]
fn i12_an_ended_sign_in_tried_again_and_again() {
    let mut world = World::new();
    world.agreed(9);
    for number in 0..6 {
        world.requests.push(WireRecord {
            laptop: 0,
            era: 1_000,
            at: at("2026-11-21T08:00:00Z") + TimeDelta::minutes(number),
            google: true,
            method: "POST".into(),
            path: "/token?".into(),
            request_id: None,
            idempotency_key: None,
            faults: Vec::new(),
            status: Some(400),
            retry_after: None,
            told_ahead: TimeDelta::zero(),
        });
        if number == 2 {
            world.witnessed.sign_ins.push((0, world.requests.len()));
        }
    }
    world.is_in_order();
    world.witnessed.sign_ins.clear();
    world.finds("I12");
}

#[test]
fn p8_many_moves_without_a_question() {
    let mut world = World::new();
    world.hears();
    let ids: Vec<String> = (0..6).map(|hour| world.agreed(hour)).collect();
    for (hour, id) in (0..).zip(&ids) {
        world.hand(id, 1, Some(event_at(hour)), Some(event_at(hour + 30)));
        world.reported(id, hour + 30, 1);
    }
    world.finds("P8");
}

#[test]
fn p10_own_words_that_are_lost() {
    let mut world = World::new();
    let id = world.agreed(9);
    let bare = EventState {
        description: Some("┈┈ Roundtrip ┈┈┈┈┈┈┈┈\nnotes\n┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈".into()),
        etag: "\"new\"".into(),
        ..event_at(9)
    };
    world.wrote(&id, 1, Some(event_at(9)), Some(bare));
    world.finds("P10");
}

#[test]
fn p10_words_among_the_notes_that_are_lost() {
    let says = |notes: &str, etag: &str| EventState {
        description: Some(format!("┈┈ Roundtrip ┈┈┈┈┈┈┈┈\n{notes}\n┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈")),
        etag: etag.into(),
        ..event_at(9)
    };
    let mut world = World::new();
    let id = world.agreed(9);
    let (before, typed) = (says("notes", "\"a\""), says("Wort 7\nnotes", "\"b\""));
    world.hand(&id, 1, Some(before.clone()), Some(typed.clone()));
    world.wrote(&id, 1, Some(typed.clone()), Some(says("notes", "\"c\"")));
    assert!(world.found().iter().any(|found| found.what.contains("Wort 7")));
    // The trainer was asked about them, not about the time.
    let raised = |kind| HistoryWhat::ConflictRaised {
        kind,
        fields: Vec::new(),
        conflict: roundtrip_core::ids::ConflictId::new("asked"),
    };
    world.told(&id, raised(ConflictKind::TimeChange));
    assert!(world.found().iter().any(|found| found.what.contains("Wort 7")));
    world.told(&id, raised(ConflictKind::DataMismatch));
    assert!(!world.found().iter().any(|found| found.what.contains("Wort 7")));
    // Taken out by the trainer's own hand.
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(before.clone()), Some(typed.clone()));
    world.hand(&id, 1, Some(typed), Some(before));
    assert!(!world.found().iter().any(|found| found.what.contains("Wort 7")));
}

#[test]
fn p11_an_event_of_what_began_before_the_connection() {
    let mut world = World::new();
    let id = world.planned(9);
    let early = EventState {
        start: at("2026-11-20T08:00:00Z"),
        end: at("2026-11-20T09:00:00Z"),
        ..event_at(9)
    };
    world.wrote(&id, 1, None, Some(early));
    world.finds("P11");
}

#[test]
fn p13_a_badge_that_is_not_true() {
    let mut world = World::new();
    let id = world.agreed(9);
    world.hand(&id, 1, Some(event_at(9)), Some(deleted(event_at(9))));
    world.finds("P13");
}
