//! Instants are kept, whatever the zones and the change of the clocks.

use roundtrip_behaviour_tests::{LENA, Setup, World, at, local};
use roundtrip_core::badge::Badge;
use roundtrip_sandbox::platform::NewAppointment;
use serde_json::json;

fn shown(world: &World, visit: &str, side: &str) -> String {
    world.trainer().event(visit)[side]["dateTime"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_week_with_the_change_to_summer_time_is_right_to_the_minute() {
    let world = World::of(Setup {
        now: at("2027-03-20T08:00:00Z"),
        ..Setup::default()
    })
    .await;
    let days = [
        ("2027-03-26 09:15", "2027-03-26T09:15:00+01:00"),
        ("2027-03-27 23:45", "2027-03-27T23:45:00+01:00"),
        // Half an hour before the clocks go forward, over the gap.
        ("2027-03-28 01:30", "2027-03-28T01:30:00+01:00"),
        ("2027-03-28 03:00", "2027-03-28T03:00:00+02:00"),
        ("2027-03-28 09:15", "2027-03-28T09:15:00+02:00"),
        ("2027-03-29 09:15", "2027-03-29T09:15:00+02:00"),
    ];
    let visits: Vec<String> = days
        .iter()
        .map(|(start, _)| world.admin().visit("Linden-Apotheke", start))
        .collect();
    world.settle().await;

    for (visit, (start, expected)) in visits.iter().zip(days) {
        assert_eq!(shown(&world, visit, "start"), expected, "{start}");
        let length = world.trainer().end(visit) - world.trainer().start(visit);
        assert_eq!(length.num_minutes(), 90, "{start}");
    }
    assert_eq!(shown(&world, &visits[2], "end"), "2027-03-28T04:00:00+02:00");
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_week_with_the_change_to_winter_time_is_right_to_the_minute() {
    let world = World::of(Setup {
        now: at("2027-10-23T08:00:00Z"),
        ..Setup::default()
    })
    .await;
    // 2:30 comes twice on 31 October 2027; the platform says which one it means.
    let first = at("2027-10-31T00:30:00Z");
    let second = at("2027-10-31T01:30:00Z");
    let plan = |start| {
        let draft = world.admin().draft("Linden-Apotheke", "2027-10-31 09:00");
        let end = Some(start + chrono::TimeDelta::minutes(45));
        world.admin().plan(NewAppointment { start, end, ..draft })
    };
    let (early, late) = (plan(first), plan(second));
    let monday = world.admin().visit("Linden-Apotheke", "2027-11-01 09:00");
    world.settle().await;

    assert_eq!(world.trainer().start(&early), first);
    assert_eq!(world.trainer().start(&late), second);
    assert_eq!(shown(&world, &early, "start"), "2027-10-31T02:30:00+02:00");
    assert_eq!(shown(&world, &late, "start"), "2027-10-31T02:30:00+01:00");
    assert_eq!(shown(&world, &monday, "start"), "2027-11-01T09:00:00+01:00");
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_move_over_the_change_of_the_clocks_keeps_the_wall_clock() {
    let world = World::of(Setup {
        now: at("2027-03-20T08:00:00Z"),
        ..Setup::default()
    })
    .await;
    let visit = world.admin().visit("Linden-Apotheke", "2027-03-26 09:00");
    world.settle().await;
    world.trainer().drag(&visit, "2027-03-30 09:00");
    world.settle().await;

    assert_eq!(
        world.admin().appointment(&visit).start.to_rfc3339(),
        "2027-03-30T09:00:00+02:00"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_trainer_in_los_angeles_with_a_calendar_in_new_york_sees_nine_as_twelve() {
    let world = World::of(Setup {
        person: LENA,
        ..Setup::default()
    })
    .await;
    let zone = chrono_tz::America::Los_Angeles;
    let plan = |text| {
        let start = local(text, zone);
        let draft = world.admin().draft("Harbor Pharmacy", "2026-12-01 09:00");
        let end = Some(start + chrono::TimeDelta::hours(1));
        world.admin().plan(NewAppointment {
            start,
            end,
            time_zone: zone,
            ..draft
        })
    };
    let visit = plan("2026-12-01 09:00");
    world.settle().await;

    assert_eq!(shown(&world, &visit, "start"), "2026-12-01T12:00:00-05:00");
    assert_eq!(world.trainer().start(&visit), local("2026-12-01 09:00", zone));
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);

    // Dragged to 14:00 as New York's clocks show it: 11:00 at home.
    let (start, end) = ("2026-12-01T14:00:00-05:00", "2026-12-01T15:00:00-05:00");
    world.trainer().edit(
        &visit,
        &json!({"start": {"dateTime": start, "timeZone": "America/New_York"}, "end": {"dateTime": end, "timeZone": "America/New_York"}}),
    );
    world.settle().await;
    let moved = world.admin().appointment(&visit);
    assert_eq!(moved.start.to_rfc3339(), "2026-12-01T11:00:00-08:00");
    assert_eq!(moved.time_zone, "America/Los_Angeles");
    world.check_invariants().await;
}

#[tokio::test]
async fn weeks_in_which_only_one_side_of_the_ocean_changed_its_clocks_are_right() {
    let world = World::of(Setup {
        person: LENA,
        now: at("2027-03-01T08:00:00Z"),
        ..Setup::default()
    })
    .await;
    let zone = chrono_tz::Europe::Berlin;
    // America changes on 14 March 2027, Europe on the 28th.
    let visits: Vec<(String, &str)> = [
        ("2027-03-12 15:00", "2027-03-12T09:00:00-05:00"),
        ("2027-03-16 15:00", "2027-03-16T10:00:00-04:00"),
        ("2027-03-30 15:00", "2027-03-30T09:00:00-04:00"),
    ]
    .into_iter()
    .map(|(start, expected)| {
        let draft = world.admin().draft("Linden-Apotheke", start);
        (
            world.admin().plan(NewAppointment {
                time_zone: zone,
                ..draft
            }),
            expected,
        )
    })
    .collect();
    world.settle().await;

    for (visit, expected) in &visits {
        assert_eq!(shown(&world, visit, "start"), *expected);
    }
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_zone_changed_by_the_admin_alone_moves_nothing() {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.settle().await;
    let known = world.admin().appointment(&visit);
    let (start, end) = (known.start.to_utc(), known.end.map(|end| end.to_utc()));
    let platform = world.admin().platform().clone();
    platform
        .move_appointment(&visit, start, end, Some(chrono_tz::Europe::London))
        .expect("an admin may");
    world.settle().await;

    assert_eq!(world.trainer().start(&visit), at("2026-12-01 09:00"));
    assert_eq!(world.admin().writes(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_laptop_whose_clock_is_wrong_judges_the_future_by_the_services_clock() {
    for hours in [-72, 72] {
        let world = World::new().await;
        world.clock.set_skew(chrono::TimeDelta::hours(hours));
        let next = world.admin().visit("Linden-Apotheke", "2026-11-21 12:00");
        world.sync().await;
        world.sync().await;

        assert_eq!(
            world.trainer().start(&next),
            at("2026-11-21 12:00"),
            "{hours} hours wrong"
        );
        assert_eq!(world.engine.clock_offset(), chrono::TimeDelta::hours(-hours));
        world.check_invariants().await;
    }
}

#[tokio::test]
async fn a_connection_made_under_a_wrong_clock_leaves_nothing_out() {
    for hours in [24 * 40, -24 * 40] {
        let world = World::of(Setup {
            started: false,
            ..Setup::default()
        })
        .await;
        world.clock.set_skew(chrono::TimeDelta::hours(hours));
        let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
        let over = world.admin().visit("Rosen-Apotheke", "2026-11-21 08:30");
        world.engine.start_syncing().await.expect("the ledger works");
        world.settle().await;
        assert!(world.trainer().has(&visit), "{hours} h wrong");
        assert!(!world.trainer().has(&over), "{hours} h wrong");
    }
}
