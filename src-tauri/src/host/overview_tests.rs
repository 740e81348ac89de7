//! What is said first, and that the window, the tray and the notifications say the same.

use super::*;
use crate::gui::tray::Look;
use crate::gui::words::Tongue;
use crate::host::leaving::tests::connected;
use crate::host::notices::{Cause, Known, Notice, causes_of};
use roundtrip_core::silence::{Passed, Watch};
use roundtrip_engine::ledger::{Change, Trigger};
use roundtrip_store::Provider;

#[tokio::test]
async fn each_trouble_with_the_local_data_is_called_what_it_is_and_needs_the_trainer() {
    let (host, _folder) = connected("ledger-trouble").await;
    let running = host.running().await.expect("both are signed in");
    let mut snapshot = running.engine.snapshot().await.expect("the ledger works");
    let calm = host.overview().await.expect("the ledger works");
    for (error, code, action, line) in [
        (LedgerError::Full, "disk_full", "try_again", "the disk is full"),
        (
            LedgerError::Unavailable("(code: 10) disk I/O error".into()),
            "database_unavailable",
            "try_again",
            "the local data can’t be read",
        ),
        (
            LedgerError::Unreadable("column document".into()),
            "database_unreadable",
            "try_again",
            "the local data can’t be read",
        ),
        (
            LedgerError::Damaged,
            "database_damaged",
            "none",
            "the local data is damaged",
        ),
    ] {
        snapshot.live.ledger_problem = Some(error);
        let problem = problem_of(&running, &snapshot).expect("a problem");
        assert_eq!((problem.code.as_str(), problem.action.as_str()), (code, action));
        let state = state_of(&running, &snapshot, &host.accounts().await, Some(&problem), false);
        assert_eq!(state, OverallState::NeedsAttention, "{code}");
        let overview = Overview {
            state,
            problem: Some(problem),
            ..calm.clone()
        };
        let said = Look::of(&overview, Tongue::En).line();
        assert_eq!(said, format!("Needs attention · {line}"));
    }
    host.close().await;
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_neither_up_to_date_nor_does_it_solve_anything() {
    let (host, _folder) = connected("unreadable-ledger").await;
    let running = host.running().await.expect("both are signed in");
    running.engine.start_syncing().await.expect("the ledger works");
    let calm = host.overview().await.expect("the ledger works");
    let before = Look::of(&calm, Tongue::En);
    assert!(before.line().starts_with("Up to date"), "{}", before.line());
    assert_eq!(host.notices().await, Known::All(Vec::new()));
    // What was read is used again for a moment, as long as nothing changes.
    running.engine.pause_until(None).await.expect("the ledger works");
    host.database.close().await;

    let Known::LocalData(notice) = host.notices().await else {
        panic!("nothing else is known");
    };
    assert_eq!(notice.cause, Cause::DataUnreadable);
    let error = host.overview().await.expect_err("it is closed");
    assert_eq!(error.code, "database_unavailable");
    let after = before.unreadable(&error.code);
    assert_eq!(after.line(), "Needs attention · the local data can’t be read");

    // Whoever quits, or puts the engine together anew, closes it: that is nothing to be told.
    running.stop.cancel();
    assert_eq!(host.notices().await, Known::Nothing);
}

async fn all_notices(host: &Host) -> Vec<Notice> {
    match host.notices().await {
        Known::All(notices) => notices,
        other => panic!("the ledger works: {other:?}"),
    }
}

/// What is said while this is the trouble of the platform and of the calendar, and it lasts.
async fn said(host: &Host, troubles: [Option<PortError>; 2]) -> (Option<Problem>, OverallState) {
    let running = host.running().await.expect("both are signed in");
    let mut snapshot = running.engine.snapshot().await.expect("the ledger works");
    let [platform, calendar] = troubles;
    for (health, trouble) in [
        (&mut snapshot.live.platform, platform),
        (&mut snapshot.live.calendar, calendar),
    ] {
        health.failures = 2 * u32::from(trouble.is_some());
        health.problem = trouble;
    }
    let problem = problem_of(&running, &snapshot);
    let state = state_of(
        &running,
        &snapshot,
        &host.accounts().await,
        problem.as_ref(),
        false,
    );
    (problem, state)
}

#[tokio::test]
async fn a_wrong_certificate_is_told_from_an_outage_and_waits_like_one() {
    let (host, _folder) = connected("wrong-certificate").await;
    let (lost, wrong) = (
        || Some(PortError::Unreachable { nothing_sent: true }),
        || Some(PortError::WrongCertificate),
    );
    for (troubles, code, service) in [
        ([wrong(), None], "platform_wrong_certificate", Some("platform")),
        ([None, wrong()], "google_wrong_certificate", Some("google")),
        ([None, lost()], "google_unreachable", Some("google")),
        // A lost sign-in is the one that needs somebody.
        (
            [wrong(), Some(PortError::SignInExpired)],
            "google_reauth",
            Some("google"),
        ),
        // Nobody proves who they are: that is what lies in between, and no missing network.
        ([wrong(), wrong()], "nobody_proven", None),
        ([wrong(), lost()], "offline", None),
    ] {
        let (problem, state) = said(&host, troubles).await;
        let problem = problem.expect("a problem");
        assert_eq!(
            (problem.code.as_str(), problem.service.as_deref()),
            (code, service)
        );
        let waits = code != "google_reauth";
        assert_eq!(state == OverallState::Offline, waits, "{code}");
    }
    host.close().await;
}

#[tokio::test]
async fn sync_that_was_heard_to_be_off_hides_no_platform_that_cannot_be_heard_any_more() {
    let (host, _folder) = connected("off-and-away").await;
    let running = host.running().await.expect("both are signed in");
    let mut snapshot = running.engine.snapshot().await.expect("the ledger works");
    snapshot.live.policy = Some(roundtrip_engine::ports::SyncPolicy {
        enabled: false,
        reason: None,
    });
    let mut said = |problem: Option<PortError>, failures: u32| {
        snapshot.live.platform.problem = problem;
        snapshot.live.platform.failures = failures;
        problem_of(&running, &snapshot).map(|problem| problem.code)
    };
    let lost = || Some(PortError::Unreachable { nothing_sent: true });
    let lacks = || {
        Some(PortError::RightMissing {
            right: "calendar:sync".into(),
        })
    };
    let busy = || Some(PortError::Throttled { retry_after: None });
    for problem in [None, busy()] {
        assert_eq!(said(problem, 1).as_deref(), Some("sync_disabled"));
    }
    let off = PortError::SyncDisabled { reason: "x".into() };
    assert_eq!(said(Some(off), 9).as_deref(), Some("sync_disabled"));
    // A blip changes nothing.
    assert_eq!(said(lost(), 1).as_deref(), Some("sync_disabled"));
    assert_eq!(said(lost(), 2).as_deref(), Some("platform_unreachable"));
    for (problem, code) in [
        (Some(PortError::WrongCertificate), "wrong_certificate"),
        (lacks(), "right_missing"),
        (Some(PortError::SignInExpired), "platform_reauth"),
    ] {
        let said = said(problem, 2).expect("a problem");
        assert!(said.ends_with(code), "{said}");
    }
    host.close().await;
}

#[tokio::test]
async fn that_syncing_is_off_or_paused_is_told_whatever_comes_first() {
    let (host, _folder) = connected("off-behind-a-problem").await;
    let running = host.running().await.expect("both are signed in");
    let told = async || {
        let overview = host.overview().await.expect("the ledger works");
        (
            overview.enabled,
            overview.paused_until.is_some() || overview.paused_for_ever,
        )
    };
    assert_eq!(told().await, (true, false));
    let off = roundtrip_core::settings::SyncSettings {
        enabled: false,
        ..Default::default()
    };
    let kept = running
        .engine
        .ledger()
        .commit(vec![Change::PutSettings(Box::new(off))]);
    kept.await.expect("the ledger works");
    let until = host.clock.now() + Duration::hours(1);
    let paused = running.engine.pause_until(Some(until));
    paused.await.expect("the ledger works");
    let lost = Some(PortError::CalendarNotFound);
    let (_, state) = said(&host, [None, lost]).await;
    assert_eq!(
        state,
        OverallState::NeedsAttention,
        "the state alone does not tell it"
    );
    assert_eq!(told().await, (false, true));
    // It does not go on when the pause ends, so the tray names no end.
    let overview = host.overview().await.expect("the ledger works");
    let overview = Overview {
        state: OverallState::Paused,
        ..overview
    };
    assert!(overview.paused_until.is_some());
    assert_eq!(Look::of(&overview, Tongue::En).line(), "Paused");
    host.close().await;
}

#[tokio::test]
async fn both_sides_are_pushed_only_where_both_are_left_to_their_hints() {
    let (host, _folder) = connected("pushed").await;
    let running = host.running().await.expect("both are signed in");
    let mut snapshot = running.engine.snapshot().await.expect("the ledger works");
    for (stream, calendar, trouble, both) in [
        (false, false, None, false),
        (true, false, None, false),
        (true, true, None, true),
        (true, true, Some(PortError::QuotaGone), false),
    ] {
        (snapshot.live.pushed.stream, snapshot.live.pushed.calendar) = (stream, calendar);
        snapshot.live.calendar.problem = trouble;
        assert_eq!(is_pushed(&snapshot), both, "{stream} {calendar}");
    }
    host.close().await;
}

/// A laptop that was awake for two hours, looked every four minutes, and had a success at neither side or at the platform alone.
fn two_hours(now: DateTime<Utc>, platform_works: bool) -> Watch {
    let mut watch = Watch::default();
    let (began, step) = (now - Duration::hours(3), Duration::minutes(4));
    watch.succeeded(Side::Platform, began);
    watch.succeeded(Side::Calendar, began);
    let passed = Passed {
        wall: step,
        running: step,
    };
    for nth in 1..=30 {
        watch.look(passed, true, began + step * nth);
        if platform_works {
            watch.succeeded(Side::Platform, began + step * nth);
        }
    }
    watch
}

async fn watched(name: &str, watch: Watch) -> (std::sync::Arc<Host>, crate::host::leaving::tests::Folder) {
    let (host, folder) = connected(name).await;
    let running = host.running().await.expect("both are signed in");
    running.engine.start_syncing().await.expect("the ledger works");
    let kept = running
        .engine
        .ledger()
        .commit(vec![Change::PutWatch(Box::new(watch))]);
    kept.await.expect("the ledger works");
    (host, folder)
}

#[tokio::test]
async fn two_awake_hours_without_a_success_are_said_by_window_tray_and_notification() {
    let now = Utc::now();
    for (works, code, service) in [
        (false, "no_success_2h", None),
        (true, "no_success_2h_google", Some("google")),
    ] {
        let (host, _folder) = watched(code, two_hours(now, works)).await;
        let overview = host.overview().await.expect("the ledger works");
        let problem = overview.problem.clone().expect("a problem");
        assert_eq!(
            (problem.code.as_str(), problem.service.as_deref()),
            (code, service)
        );
        assert_eq!(problem.action, "try_again");
        assert_eq!(problem.since, Some(now - Duration::hours(3)), "the last success");
        assert_eq!(overview.state, OverallState::NeedsAttention);
        assert_eq!(
            Look::of(&overview, Tongue::En).line(),
            "Needs attention · nothing came through for 2 hours"
        );
        let notices = all_notices(&host).await;
        let told: Vec<_> = notices
            .iter()
            .map(|notice| (&notice.cause, notice.told))
            .collect();
        assert_eq!(told, [(&Cause::Silence, false)]);
        host.close().await;
    }
}

#[tokio::test]
async fn a_silence_in_which_nobody_is_proven_says_so() {
    let wrong = || Some(PortError::WrongCertificate);
    for (platform_works, troubles, code, cause) in [
        (false, [wrong(), wrong()], "no_success_2h", "nobody_proven"),
        (true, [wrong(), wrong()], "no_success_2h_google", "nobody_proven"),
        (true, [None, wrong()], "no_success_2h_google", "wrong_certificate"),
    ] {
        let (host, _folder) = watched("nobody-proven", two_hours(Utc::now(), platform_works)).await;
        let (problem, _) = said(&host, troubles).await;
        let problem = problem.expect("a problem");
        assert_eq!(
            (problem.code.as_str(), problem.detail.as_deref()),
            (code, Some(cause))
        );
        host.close().await;
    }
}

#[tokio::test]
async fn a_silence_that_was_notified_of_is_not_notified_of_again() {
    let watch = Watch {
        notified: true,
        ..two_hours(Utc::now(), false)
    };
    let (host, _folder) = watched("notified-silence", watch).await;
    let notices = all_notices(&host).await;
    assert!(notices.iter().all(|notice| notice.told) && !notices.is_empty());
    host.close().await;
}

#[tokio::test]
async fn a_silence_gives_way_to_a_cause_with_a_step_of_its_own_and_to_a_pause() {
    let (host, _folder) = watched("silence-gives-way", two_hours(Utc::now(), false)).await;
    let code =
        |(problem, state): (Option<Problem>, OverallState)| (problem.map(|problem| problem.code), state);
    let lost = Some(PortError::Unreachable { nothing_sent: true });
    assert_eq!(
        code(said(&host, [lost.clone(), lost]).await),
        (Some("no_success_2h".into()), OverallState::NeedsAttention)
    );
    assert_eq!(
        code(said(&host, [None, Some(PortError::CalendarNotFound)]).await),
        (Some("calendar_not_found".into()), OverallState::NeedsAttention)
    );
    let read_only = PortError::RightMissing {
        right: "writer".into(),
    };
    assert_eq!(
        code(said(&host, [None, Some(read_only)]).await),
        (Some("calendar_read_only".into()), OverallState::NeedsAttention)
    );
    let running = host.running().await.expect("both are signed in");
    let until = host.clock.now() + Duration::hours(1);
    running
        .engine
        .pause_until(Some(until))
        .await
        .expect("the ledger works");
    assert_eq!(
        code(said(&host, [None, None]).await),
        (None, OverallState::Paused)
    );
    host.close().await;
}

#[tokio::test]
async fn a_right_that_was_taken_away_is_notified_of_and_each_side_has_its_own_notification() {
    let (host, _folder) = watched("rights-gone", two_hours(Utc::now(), false)).await;
    let running = host.running().await.expect("both are signed in");
    let mut snapshot = running.engine.snapshot().await.expect("the ledger works");
    let mut told = |platform: Option<PortError>, calendar: Option<PortError>| {
        for (health, trouble) in [
            (&mut snapshot.live.platform, platform),
            (&mut snapshot.live.calendar, calendar),
        ] {
            health.failures = 2 * u32::from(trouble.is_some());
            health.problem = trouble;
        }
        let causes = causes_of(problem_of(&running, &snapshot), &snapshot);
        causes.into_iter().map(|(cause, ..)| cause).collect::<Vec<_>>()
    };
    let lacks = |right: &str| Some(PortError::RightMissing { right: right.into() });
    let lost = || Some(PortError::Unreachable { nothing_sent: true });
    assert_eq!(told(lost(), lost()), [Cause::Silence]);
    assert_eq!(told(lacks("calendar:sync"), None), [Cause::RightMissingPlatform]);
    assert_eq!(told(None, lacks("calendar.events")), [Cause::RightMissingGoogle]);
    // The window says one first; both are asked for.
    assert_eq!(
        told(lacks("calendar:sync"), Some(PortError::SignInExpired)),
        [Cause::RightMissingPlatform, Cause::ReconnectGoogle]
    );
    assert_eq!(
        told(lost(), Some(PortError::SignInExpired)),
        [Cause::ReconnectGoogle]
    );
    host.close().await;
}

#[tokio::test]
async fn damaged_data_that_was_put_aside_is_notified_of_while_nothing_syncs() {
    let name = "put-aside-at-log-in";
    let folder = std::env::temp_dir().join(format!("roundtrip-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    std::fs::write(folder.join("roundtrip.db"), b"no database at all").expect("a damaged file");
    let (host, _folder) = connected(name).await;
    assert_eq!(all_notices(&host).await, [], "it syncs");
    for (service, account) in [(Provider::Platform, "trn_1"), (Provider::Google, "kim")] {
        let gone = host.database.integrations().delete(service, account).await;
        assert_eq!(gone, Ok(true));
    }
    host.rebuild().await;
    let notices = all_notices(&host).await;
    let told: Vec<_> = notices
        .iter()
        .map(|notice| (&notice.cause, notice.route.as_str()))
        .collect();
    assert_eq!(told, [(&Cause::DataReplaced, "/")]);
    host.close().await;
}

#[tokio::test]
async fn accounts_that_cannot_be_read_are_not_signed_out() {
    let (host, _folder) = connected("unreadable-accounts").await;
    host.stop_and_wait().await;
    assert_eq!(host.notices().await, Known::Nothing, "it is put together anew");
    host.database.close().await;
    let error = host.overview().await.expect_err("it is closed");
    assert_eq!(error.code, "database_unavailable");
    let Known::LocalData(notice) = host.notices().await else {
        panic!("nothing else is known");
    };
    assert_eq!(notice.cause, Cause::DataUnreadable);
    // Whoever quits closes it: that is nothing to be told.
    host.close().await;
    assert_eq!(host.notices().await, Known::Nothing);
}

#[tokio::test]
async fn until_a_run_has_ended_nothing_is_known_of_the_sides() {
    let (mut host, _folder) = connected("beginning").await;
    std::sync::Arc::get_mut(&mut host)
        .expect("nobody else has it")
        .drives = true;
    assert_eq!(host.notices().await, Known::Beginning(Vec::new()));
    let running = host.running().await.expect("both are signed in");
    running
        .engine
        .cycle(Trigger::Start)
        .await
        .expect("the ledger works");
    assert!(matches!(host.notices().await, Known::All(_)));
    host.close().await;
}

#[tokio::test]
async fn a_sign_in_that_is_kept_is_not_asked_for_by_the_engine_that_ends() {
    let (host, _folder) = connected("signed-in-again").await;
    let accounts = host.known_accounts().await.expect("the database works");
    let over = |accounts: &Accounts, action: &str| {
        is_over_with_sign_in(&plain_problem("google_reauth", None, action), accounts)
    };
    assert!(over(&accounts, "reconnect_google") && over(&accounts, "reconnect_platform"));
    assert!(!over(&accounts, "try_again"));
    let mut lost = accounts;
    lost.google.as_mut().expect("signed in").0.status = IntegrationStatus::NeedsReauth;
    assert!(!over(&lost, "reconnect_google") && over(&lost, "reconnect_platform"));
    host.close().await;
}

#[tokio::test]
async fn a_calendar_with_something_that_cannot_be_read_is_not_up_to_date() {
    let (host, _folder) = connected("unreadable-event").await;
    let running = host.running().await.expect("both are signed in");
    running.engine.start_syncing().await.expect("the ledger works");
    let start = host.clock.now() + Duration::days(3);
    let said = serde_json::json!({
        "id": "apt_1", "version": 1, "status": "scheduled", "kind": {"id": "visit", "name": "Visit"}, "title": "Linden",
        "topic": null, "place": null, "start": start, "end": start + Duration::hours(1), "zone": "Europe/Berlin",
        "notes": null, "client": null, "private": false, "editable": {"time": true, "notes": false},
        "url": "https://platform.example/1", "created_at": start, "updated_at": start, "updated_by": null,
    });
    let id = roundtrip_core::ids::AppointmentId::new("apt_1");
    let mut record = roundtrip_core::record::Record::new(id);
    record.appointment = Some(serde_json::from_value(said).expect("an appointment"));
    record.unread_on_platform = true;
    let kept = running
        .engine
        .ledger()
        .commit(vec![Change::PutRecord(Box::new(record))]);
    kept.await.expect("the ledger works");
    let overview = host.overview().await.expect("the ledger works");
    assert_eq!((overview.counts.problems, overview.counts.unreadable), (1, 1));
    assert_eq!(overview.state, OverallState::NeedsAttention);
    host.close().await;
}
