//! Hints: what the platform and the calendar say by themselves, and what becomes of it when they do not, or say nonsense.

use chrono::TimeDelta;
use roundtrip_behaviour_tests::{Listening, MARA, World, at};
use roundtrip_engine::Connection;
use roundtrip_engine::ledger::Trigger;
use roundtrip_engine::ports::Pushed;
use roundtrip_sandbox::faults::Fault;
use roundtrip_sandbox::google::NoticeWeather;
use roundtrip_sandbox::log::LoggedRequest;
use roundtrip_sandbox::platform::PauseReason;
use serde_json::json;

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

fn count(requests: &[LoggedRequest], method: &str, path: &str) -> usize {
    let of = |request: &&LoggedRequest| request.method == method && request.path.contains(path);
    requests.iter().filter(of).count()
}

fn channels(world: &World) -> Vec<String> {
    let known = world.running.sandbox.google.channels();
    known.into_iter().map(|channel| channel.id).collect()
}

fn reason(world: &World) -> Option<&'static str> {
    match world.engine.live().connection {
        Connection::Broken { reason, .. } => Some(reason),
        _ => None,
    }
}

#[tokio::test]
async fn a_move_in_the_calendar_is_reported_after_a_notice_without_any_poll() {
    let (world, visit) = with_visit().await;
    let mut driving = world.drive().await;
    let listening = world.listen();
    listening
        .until(async || world.engine.live().pushed.calendar)
        .await;
    let triggers = async |since| -> Vec<Trigger> {
        // A check without changes is kept in memory.
        let runs = world.engine.runs(since, 100).await;
        let runs = runs.expect("the ledger works");
        runs.iter().map(|run| run.trigger).collect()
    };
    let hint_since = async |since| triggers(since).await.contains(&Trigger::Hint);
    // What happened before the stream stood is looked at first.
    let began = world.now();
    driving.let_pass(12).await;
    driving.until(async || hint_since(began).await).await;
    world.advance(1);

    let began = world.now();
    world.trainer().drag(&visit, "2026-12-01 15:00");
    assert_eq!(listening.hinted().await, [false, true]);
    driving.let_pass(12).await;
    driving.until(async || hint_since(began).await).await;
    driving.let_pass(12).await;
    driving
        .until(async || world.admin().start(&visit) == at("2026-12-01 15:00"))
        .await;
    let triggers = triggers(began).await;
    assert!(!triggers.contains(&Trigger::Timer), "{triggers:?}");
    listening.stop().await;
    driving.stop().await;
}

#[tokio::test]
async fn a_change_on_the_platform_is_hinted_at_and_only_the_platform_is_read() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let mark = world.mark();
    world.admin().rename(&visit, "Rosen-Apotheke");
    assert_eq!(listening.hinted().await, [true, false]);
    world.cycle(Trigger::Hint).await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    let requests = world.requests_since(mark);
    assert_eq!(count(&requests, "GET", "/v1/appointments"), 1, "{requests:#?}");
    assert_eq!(count(&requests, "PATCH", "/calendar/v3"), 1);
    assert_eq!(count(&requests, "GET", "/calendar/v3"), 0, "{requests:#?}");
    listening.stop().await;
}

#[tokio::test]
async fn repeated_notices_out_of_order_are_one_incremental_list() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let mark = world.mark();
    let google = &world.running.sandbox.google;
    google.set_notice_weather(NoticeWeather {
        repeat: 3,
        hold: true,
        reverse: true,
        ..NoticeWeather::default()
    });
    world.trainer().rename(&visit, "Mine");
    world.trainer().rename(&visit, "Mine, too");
    google.set_notice_weather(NoticeWeather {
        reverse: true,
        ..NoticeWeather::default()
    });
    let hooks = || count(&world.requests_since(mark), "POST", "/v1/hooks/google");
    listening.until(async || hooks() == 8).await;
    assert_eq!(listening.hinted().await, [false, true]);
    world.cycle(Trigger::Hint).await;

    let requests = world.requests_since(mark);
    assert_eq!(count(&requests, "GET", "/calendar/v3"), 1, "{requests:#?}");
    assert_eq!(count(&requests, "GET", "/v1/appointments"), 0, "{requests:#?}");
    listening.stop().await;
}

#[tokio::test]
async fn an_own_write_needs_no_look_of_its_own_and_a_move_right_after_it_is_found_at_once() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let mark = world.mark();
    let count = |method, path| count(&world.requests_since(mark), method, path);
    for (write, name) in [(1, "Rosen-Apotheke"), (2, "Tannen-Apotheke")] {
        world.admin().rename(&visit, name);
        // The second hint comes after the notice of the first write, which hinted at nothing.
        assert_eq!(listening.hinted().await, [true, false]);
        world.cycle(Trigger::Hint).await;
        listening
            .until(async || count("POST", "/v1/hooks/google") == write)
            .await;
    }
    assert_eq!(count("PATCH", "/calendar/v3"), 2);
    assert_eq!(count("GET", "/calendar/v3"), 0);

    world.trainer().drag(&visit, "2026-12-01 15:00");
    assert_eq!(listening.hinted().await, [false, true]);
    world.cycle(Trigger::Hint).await;
    assert_eq!(count("GET", "/calendar/v3"), 1);
    world.advance(30);
    world.cycle(Trigger::Due).await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    listening.stop().await;
}

#[tokio::test]
async fn a_lost_notice_is_made_up_for_by_the_timer_and_the_channel_is_not_trusted_until_it_is_heard_again() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let google = &world.running.sandbox.google;
    google.set_notice_weather(NoticeWeather {
        lose: 1,
        ..NoticeWeather::default()
    });
    world.advance(1);
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(120);
    world.cycle(Trigger::Timer).await;
    assert_eq!(world.admin().start(&visit), at("2026-12-01 15:00"));
    let pushed = Pushed {
        stream: true,
        calendar: false,
    };
    assert_eq!(world.engine.live().pushed, pushed);

    world.trainer().rename(&visit, "Mine");
    listening
        .until(async || world.engine.live().pushed.calendar)
        .await;
    listening.stop().await;
}

#[tokio::test]
async fn a_channel_that_the_service_forgot_is_made_again() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let first = channels(&world);
    world.running.sandbox.google.forget_channels();
    for name in ["One", "Two"] {
        world.advance(1);
        world.trainer().rename(&visit, name);
        // Not within ten minutes after the first was made.
        world.advance(400);
        world.cycle(Trigger::Timer).await;
    }
    listening
        .until(async || channels(&world).len() == 1 && world.engine.live().pushed.calendar)
        .await;
    assert_ne!(channels(&world), first);
    listening.stop().await;
}

#[tokio::test]
async fn a_channel_that_the_service_forgot_is_not_trusted_because_it_has_a_successor() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let first = channels(&world);
    let google = &world.running.sandbox.google;
    google.forget_channels();
    // The first notice of the successor is lost.
    google.set_notice_weather(NoticeWeather {
        lose: 1,
        ..NoticeWeather::default()
    });
    for name in ["One", "Two"] {
        world.advance(1);
        world.trainer().rename(&visit, name);
        world.advance(400);
        world.cycle(Trigger::Timer).await;
    }
    let kept = async || world.engine.ledger().channels().await.unwrap_or_default();
    let made = async || {
        let kept = kept().await;
        kept.len() == 2 && kept.iter().all(|channel| channel.resource.is_some())
    };
    listening.until(made).await;
    // The dead one is written down as such: a restart does not trust it either.
    let nobody_heard = async || kept().await.iter().all(|channel| channel.heard_at.is_none());
    listening.until(nobody_heard).await;
    assert!(!world.engine.live().pushed.calendar);

    world.trainer().rename(&visit, "Three");
    listening
        .until(async || world.engine.live().pushed.calendar && channels(&world).len() == 1)
        .await;
    listening
        .until(async || kept().await.iter().all(|channel| channel.id.as_str() != first[0]))
        .await;
    listening.stop().await;
}

#[tokio::test]
async fn a_channel_is_renewed_two_days_before_it_ends_and_the_old_one_stopped_after_the_new_one_is_heard() {
    let (world, _) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let (first, mark) = (channels(&world), world.mark());
    world.advance(5 * 24 * 3_600 - 60);
    listening.wake(0);
    listening.until(async || reason(&world) == Some("silent")).await;
    world.advance(10);
    listening.wake(0);
    listening
        .until(async || world.engine.live().pushed.calendar)
        .await;
    assert_eq!(channels(&world), first);

    world.advance(120);
    listening.wake(0);
    listening.until(async || reason(&world) == Some("silent")).await;
    world.advance(10);
    listening.wake(0);
    listening
        .until(async || channels(&world).len() == 1 && channels(&world) != first)
        .await;
    listening
        .until(async || {
            world
                .engine
                .ledger()
                .channels()
                .await
                .is_ok_and(|kept| kept.len() == 1)
        })
        .await;
    let requests = world.requests_since(mark);
    let at = |path: &str| requests.iter().position(|request| request.path.contains(path));
    let (made, heard, stopped) = (at("/events/watch"), at("/v1/hooks/google"), at("/channels/stop"));
    assert!(
        made < heard && heard < stopped && stopped.is_some(),
        "{requests:#?}"
    );
    assert_eq!(count(&requests, "DELETE", "/v1/calendar-relay/channels"), 1);
    listening.stop().await;
}

#[tokio::test]
async fn a_restart_makes_no_second_channel() {
    let (mut world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    listening.stop().await;
    let (first, mark) = (channels(&world), world.mark());
    world.restart().await;
    world.sync().await;
    let listening = world.listen();
    listening.ready().await;

    world.trainer().rename(&visit, "Mine");
    assert_eq!(listening.hinted().await, [false, true]);
    assert_eq!(channels(&world), first);
    assert_eq!(count(&world.requests_since(mark), "POST", "/events/watch"), 0);
    listening.stop().await;
}

#[tokio::test]
async fn leaving_stops_the_channel_at_both_services() {
    let (world, _) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let mark = world.mark();
    listening.stop().await;
    world.engine.stop_channels().await;
    assert_eq!(channels(&world), Vec::<String>::new());
    assert_eq!(
        count(
            &world.requests_since(mark),
            "DELETE",
            "/v1/calendar-relay/channels"
        ),
        1
    );
    assert_eq!(world.engine.ledger().channels().await, Ok(vec![]));
}

#[tokio::test]
async fn a_calendar_that_cannot_be_watched_is_said_and_leaves_no_channel_behind() {
    let (world, _) = with_visit().await;
    let refusal = Fault::Status {
        status: 400,
        body: Some(
            json!({"error": {"errors": [{"reason": "pushNotSupportedForRequestedResource"}], "code": 400}}),
        ),
        headers: Vec::new(),
    };
    world.spoil_google(refusal, |rule| rule.path("/events/watch").times(0));
    let mark = world.mark();
    let listening = world.listen();
    listening
        .until(async || world.engine.channel_view().problem == Some("rejected"))
        .await;
    let requests = world.requests_since(mark);
    assert_eq!(
        count(&requests, "DELETE", "/v1/calendar-relay/channels"),
        1,
        "{requests:#?}"
    );
    let pushed = Pushed {
        stream: true,
        calendar: false,
    };
    assert_eq!(world.engine.live().pushed, pushed);
    // It is not asked again and again.
    listening.wake(600);
    listening
        .until(async || world.engine.live().connection != Connection::None)
        .await;
    assert_eq!(count(&world.requests_since(mark), "POST", "/events/watch"), 1);
    listening.stop().await;
}

#[tokio::test]
async fn a_channel_that_ends_soon_is_not_made_over_and_over() {
    let instead = |status, body| Fault::Status {
        status,
        body: Some(body),
        headers: Vec::new(),
    };
    // Minutes that the relay promises, and the calendar service.
    for (relay, google, watches) in [(-60, 600, 0), (5, 600, 0), (600, -60, 1), (600, 5, 1)] {
        let (world, _) = with_visit().await;
        let after = |minutes| world.now() + TimeDelta::minutes(minutes);
        let channel = json!({"channel_id": "chn-short", "token": "t", "expires_at": after(relay).to_rfc3339(),
            "address": "https://relay.example/v1/hooks/google"});
        let watch =
            json!({"id": "chn-short", "resourceId": "r", "expiration": after(google).timestamp_millis()});
        world.spoil_platform(instead(201, channel), |rule| {
            rule.path("/v1/calendar-relay/channels").times(0)
        });
        world.spoil_google(instead(200, watch), |rule| rule.path("/events/watch").times(0));
        let mark = world.mark();
        let listening = world.listen();
        let asked = || count(&world.requests_since(mark), "POST", "/v1/calendar-relay/channels");
        listening
            .until(async || world.engine.channel_view().problem.is_some() || asked() > 3)
            .await;
        assert_eq!(asked(), 1);
        let requests = world.requests_since(mark);
        assert_eq!(
            count(&requests, "POST", "/events/watch"),
            watches,
            "{requests:#?}"
        );
        assert_eq!(
            count(&requests, "POST", "/channels/stop"),
            watches,
            "{requests:#?}"
        );
        assert_eq!(count(&requests, "DELETE", "/v1/calendar-relay/channels"), 1);
        assert_eq!(world.engine.ledger().channels().await, Ok(vec![]));
        listening.stop().await;
    }
}

#[tokio::test]
async fn notices_of_unknown_channels_and_with_a_wrong_token_change_nothing() {
    let (world, _) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let google = &world.running.sandbox.google;
    let address = google.channels()[0].address.clone();
    let id = channels(&world)[0].clone();
    for (id, token) in [("chn-unknown", "x"), (id.as_str(), "wrong")] {
        let request = http::Request::post(&address)
            .header("x-goog-channel-id", id)
            .header("x-goog-channel-token", token)
            .header("x-goog-resource-state", "exists");
        let request = request.body(bytes::Bytes::new()).expect("a request");
        let answer = roundtrip_http::HttpPort::send(&*world.wire, request).await;
        assert_eq!(answer.expect("an answer").status(), 404);
    }
    assert_eq!(world.engine.live().hinted, [false; 2]);
    listening.stop().await;
}

#[tokio::test]
async fn what_is_no_stream_is_said_and_the_timer_goes_on() {
    let html = |content_type: &str| Fault::RawBody {
        body: "<html>\n<body>\n".to_owned() + &"<p>Sign in to the hotel\n".repeat(40),
        content_type: content_type.to_owned(),
    };
    let gone = Fault::Status {
        status: 404,
        body: None,
        headers: Vec::new(),
    };
    let endless = Fault::RawBody {
        body: "x".repeat(600 * 1024),
        content_type: "text/event-stream".to_owned(),
    };
    for (fault, said) in [
        (html("text/html"), "not_a_stream"),
        (html("text/event-stream"), "garbage"),
        (endless, "endless"),
        (gone, "not_a_stream"),
    ] {
        let (world, visit) = with_visit().await;
        world.spoil_platform(fault, |rule| rule.path("/v1/stream").times(0));
        let listening = world.listen();
        listening.until(async || reason(&world) == Some(said)).await;
        assert_eq!(world.engine.live().pushed, Pushed::default());
        world.admin().rename(&visit, "Rosen-Apotheke");
        world.cycle(Trigger::Timer).await;
        assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
        // It becomes a stream again, and is taken for one without anybody's help.
        world.repair();
        world.advance(6 * 3_600 + 1);
        listening.wake(0);
        listening.until(async || world.engine.live().pushed.stream).await;
        listening.stop().await;
    }
}

#[tokio::test]
async fn a_stream_that_never_says_anything_is_none_and_nothing_is_read_because_of_it() {
    let (world, _) = with_visit().await;
    // What a proxy passes on that gathers answers, until it gives up.
    let gathered = Fault::RawBody {
        body: String::new(),
        content_type: "text/event-stream".to_owned(),
    };
    world.spoil_platform(gathered, |rule| rule.path("/v1/stream").times(0));
    let listening = world.listen();
    listening.until(async || reason(&world) == Some("lost")).await;
    assert_eq!(world.engine.live().hinted, [false; 2]);
    assert_eq!(world.engine.live().pushed, Pushed::default());
    let mark = world.mark();
    let tried = || count(&world.requests_since(mark), "GET", "/v1/stream");
    for tries in 1..=12 {
        world.advance(300);
        listening.wake(0);
        let waits = || {
            let connection = world.engine.live().connection;
            matches!(connection, Connection::Broken { again_at, .. } if again_at > world.now())
        };
        listening.until(async || tried() == tries && waits()).await;
    }
    assert_eq!(world.engine.live().hinted, [false; 2]);
    assert_eq!(world.engine.live().pushed, Pushed::default());
    listening.stop().await;
}

#[tokio::test]
async fn a_stream_that_was_cut_goes_on_where_it_was() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    world.running.sandbox.platform.close_streams();
    listening.until(async || reason(&world) == Some("lost")).await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.advance(5);
    listening.wake(0);
    // The missed hint alone, and not "look at everything".
    assert_eq!(listening.hinted().await, [true, false]);
    listening.stop().await;
}

/// The stream is lost, the appointment changes, and two hours later it is tried again.
async fn without_a_stream_for_hours(world: &World, listening: &Listening<'_>, visit: &str) {
    world.running.sandbox.platform.close_streams();
    listening.until(async || reason(world) == Some("lost")).await;
    world.admin().rename(visit, "Rosen-Apotheke");
    world.advance(2 * 3_600);
    listening.wake(0);
}

#[tokio::test]
async fn after_too_long_a_gap_both_sides_are_looked_at_at_once_while_somebody_looks() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    world.engine.window_is_in_use(true);
    without_a_stream_for_hours(&world, &listening, &visit).await;
    assert_eq!(listening.hinted().await, [true, true]);
    listening.stop().await;
}

#[tokio::test]
async fn after_too_long_a_gap_an_unwatched_laptop_looks_at_a_moment_of_its_own() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    without_a_stream_for_hours(&world, &listening, &visit).await;
    listening.until(async || world.engine.live().pushed.stream).await;
    // What comes after the word that hints were lost is a hint like any other.
    world.admin().rename(&visit, "Tannen-Apotheke");
    assert_eq!(listening.hinted().await, [true, false]);
    // A stream that breaks meanwhile does not put the look off.
    world.advance(61);
    listening.wake(0);
    listening.until(async || reason(&world) == Some("silent")).await;
    world.advance(300);
    listening.wake(0);
    listening
        .until(async || world.engine.live().hinted == [true; 2])
        .await;
    listening.stop().await;
}

#[tokio::test]
async fn after_too_long_a_gap_a_window_that_is_opened_brings_the_look_forward() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    without_a_stream_for_hours(&world, &listening, &visit).await;
    listening.until(async || world.engine.live().pushed.stream).await;
    world.admin().rename(&visit, "Tannen-Apotheke");
    assert_eq!(listening.hinted().await, [true, false]);
    world.engine.window_is_in_use(true);
    listening
        .until(async || world.engine.live().hinted == [true; 2])
        .await;
    listening.stop().await;
}

#[tokio::test]
async fn a_silent_stream_is_opened_again() {
    let (world, _) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let mark = world.mark();
    world.advance(61);
    listening.wake(0);
    listening.until(async || reason(&world) == Some("silent")).await;
    world.advance(5);
    listening.wake(0);
    listening
        .until(async || count(&world.requests_since(mark), "GET", "/v1/stream") == 1)
        .await;
    listening.until(async || world.engine.live().pushed.stream).await;
    listening.stop().await;
}

#[tokio::test]
async fn the_platform_s_word_on_syncing_counts_at_once() {
    let (world, visit) = with_visit().await;
    let listening = world.listen();
    listening.ready().await;
    let platform = &world.running.sandbox.platform;
    platform
        .pause(MARA.user, Some(PauseReason::KillSwitch))
        .expect("Mara");
    let disabled = async || world.engine.live().policy.is_some_and(|policy| !policy.enabled);
    listening.until(disabled).await;
    // A list that was under way may still answer what was before: the next one has the last word.
    assert_eq!(world.engine.live().hinted, [true, false]);
    let mark = world.mark();
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.cycle(Trigger::Hint).await;
    assert_eq!(world.calendar_writes_since(mark), 0);

    platform.pause(MARA.user, None).expect("Mara");
    listening
        .until(async || world.engine.live().policy.is_some_and(|policy| policy.enabled))
        .await;
    world.cycle(Trigger::Hint).await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    listening.stop().await;
}
