//! Sign-in, refresh, reconnect, disconnect.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use roundtrip_behaviour_tests::{BEN, World};
use roundtrip_core::badge::Badge;
use roundtrip_core::outbox::OutboxState;
use roundtrip_engine::ledger::RunResult;
use roundtrip_engine::ports::PortError;
use roundtrip_google::{Account, CALENDAR_SCOPE};
use roundtrip_http::oauth::TokenStatus;
use roundtrip_http::{HttpError, HttpErrorKind, HttpPort};
use roundtrip_sandbox::faults::Fault;
use roundtrip_store::{IntegrationStatus, Provider};
use std::sync::Arc;

async fn with_visit() -> (World, String) {
    let world = World::new().await;
    let visit = world.admin().visit("Linden-Apotheke", "2026-12-01 09:00");
    world.sync().await;
    (world, visit)
}

/// Requests to a token endpoint since a mark.
fn refreshes(world: &World, mark: u64) -> usize {
    world
        .requests_since(mark)
        .iter()
        .filter(|request| request.path.ends_with("/token"))
        .count()
}

async fn status(world: &World, provider: Provider) -> IntegrationStatus {
    let account = match provider {
        Provider::Platform => world.config.identity.trainer.as_str(),
        Provider::Google => &world.config.identity.account,
    };
    let found = world
        .database
        .integrations()
        .get(provider, account)
        .await
        .expect("the database works");
    found.expect("a signed-in account").status
}

/// What the app does for "Disconnect".
async fn disconnect(world: &World, delete_events: bool) {
    if delete_events {
        let (_, left) = world
            .engine
            .delete_events(false)
            .await
            .expect("nothing stands against it");
        assert_eq!(left, 0);
        world.engine.forget_pause().await.expect("the ledger works");
    }
    world.engine.calendar().revoke().await.expect("Google takes it");
    world.engine.say_goodbye().await.expect("the platform takes it");
}

#[tokio::test]
async fn a_revoked_google_token_asks_once_to_reconnect_and_then_nothing_is_lost() {
    let (world, visit) = with_visit().await;
    world.running.sandbox.google.revoke_all_tokens();
    world.admin().rename(&visit, "Rosen-Apotheke");
    let new = world.admin().visit("Adler-Apotheke", "2026-12-02 09:00");
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);

    let mark = world.mark();
    let report = world.sync().await;
    assert_eq!(
        (report.platform, report.calendar),
        (None, Some(PortError::SignInExpired))
    );
    assert_eq!(
        status(&world, Provider::Google).await,
        IntegrationStatus::NeedsReauth
    );
    for _ in 0..5 {
        world.sync().await;
    }
    assert_eq!(refreshes(&world, mark), 1, "one try, no storm");
    assert_eq!(
        world.google_vault.marks(),
        [TokenStatus::NeedsReauth],
        "one notification"
    );
    let seen = world.admin().platform().integrations().pop().expect("a laptop");
    assert_eq!(
        (seen.report.status.to_owned(), seen.report.problem.as_deref()),
        (seen.report.status, Some("sign_in_expired"))
    );
    assert_ne!(world.badge(&visit).await.0, Badge::Synced);

    world.reconnect_google().await;
    world.settle().await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(
        world.admin().start(&visit),
        roundtrip_behaviour_tests::at("2026-12-01 15:00")
    );
    assert!(world.trainer().has(&new));
    assert_eq!(world.admin().told_of(&visit).len(), 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_revoked_platform_sign_in_leaves_the_calendar_side_going() {
    let (world, visit) = with_visit().await;
    world.admin().platform().oauth().revoke_all();
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);

    let report = world.sync().await;
    assert_eq!(
        (report.platform, report.calendar),
        (Some(PortError::SignInExpired), None)
    );
    assert_eq!(
        status(&world, Provider::Platform).await,
        IntegrationStatus::NeedsReauth
    );
    assert_eq!(world.platform_vault.marks(), [TokenStatus::NeedsReauth]);

    world.reconnect_platform().await;
    world.settle().await;
    assert_eq!(
        world.admin().start(&visit),
        roundtrip_behaviour_tests::at("2026-12-01 15:00")
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn tokens_are_refreshed_before_they_end() {
    let (world, visit) = with_visit().await;
    for round in 0..5 {
        world.advance(3 * 3_600);
        world.admin().rename(&visit, &format!("Apotheke {round}"));
        let mark = world.mark();
        let report = world.sync().await;
        assert_eq!((report.platform, report.calendar), (None, None));
        assert_eq!(refreshes(&world, mark), 2, "one at each service");
        assert!(
            world
                .requests_since(mark)
                .iter()
                .all(|request| request.status != Some(401))
        );
    }
    assert_eq!(world.trainer().title(&visit), "Apotheke 4");
    world.check_invariants().await;
}

#[tokio::test]
async fn one_refresh_at_a_time_however_many_ask() {
    let (world, _) = with_visit().await;
    world.advance(3 * 3_600);
    for keeper in [world.google.keeper(), world.platform.keeper()] {
        let mark = world.mark();
        let asked: Vec<_> = (0..100)
            .map(|_| {
                let keeper = Arc::clone(keeper);
                tokio::spawn(async move { keeper.access_token().await.map(|_| ()) })
            })
            .collect();
        for task in asked {
            assert_eq!(task.await.expect("no panic"), Ok(()));
        }
        assert_eq!(refreshes(&world, mark), 1);
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn tokens_that_the_services_end_early_are_refreshed_once_in_the_middle_of_many_writes() {
    let world = World::new().await;
    world.admin().visits(20);
    world.running.sandbox.google.oauth().expire_access_tokens();
    world.admin().platform().oauth().expire_access_tokens();
    let mark = world.mark();
    world.sync().await;

    assert_eq!(refreshes(&world, mark), 2);
    assert_eq!(world.trainer().marked().len(), 20);
    assert_eq!(world.google_vault.marks(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_rotated_refresh_token_whose_answer_was_lost_ends_no_session() {
    let (world, visit) = with_visit().await;
    world.advance(3 * 3_600);
    world.spoil_platform(Fault::DropAfter, |rule| rule.path("/oauth/token"));
    world.sync().await;
    world.repair();
    world.admin().rename(&visit, "Rosen-Apotheke");
    world.settle().await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(world.platform_vault.marks(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn the_power_goes_between_the_answer_of_a_refresh_and_its_commit() {
    let (mut world, visit) = with_visit().await;
    for path in ["/oauth/token", "/token"] {
        world.advance(3 * 3_600);
        world.lose_power_after(path).await;
        // The platform has replaced the refresh token; the disk still holds the one before, and that is enough.
        let title = format!("Apotheke nach {path}");
        world.admin().rename(&visit, &title);
        world.settle().await;
        assert_eq!(world.trainer().title(&visit), title);
        assert_eq!(world.platform_vault.marks(), []);
        assert_eq!(world.google_vault.marks(), []);
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn a_restart_goes_on_with_the_tokens_on_the_disk() {
    let (mut world, visit) = with_visit().await;
    world.advance(3 * 3_600);
    world.sync().await;
    world.restart().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let report = world.sync().await;

    assert_eq!((report.platform, report.calendar), (None, None));
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_is_no_reason_to_reconnect() {
    let (world, visit) = with_visit().await;
    world.advance(3 * 3_600);
    let trouble = Fault::Status {
        status: 503,
        body: None,
        headers: Vec::new(),
    };
    world.spoil_google(trouble, |rule| rule.path("/token").times(3));
    world.admin().rename(&visit, "Rosen-Apotheke");
    assert_eq!(
        world.sync().await.calendar,
        Some(PortError::Unreachable { nothing_sent: true })
    );
    for _ in 0..3 {
        world.advance(60);
        world.sync().await;
    }
    world.repair();
    world.settle().await;

    assert_eq!(world.google_vault.marks(), []);
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

fn answer(status: u16, body: &str, header: (&str, &str)) -> Fault {
    Fault::Status {
        status,
        body: Some(body.into()),
        headers: vec![(header.0.into(), header.1.into())],
    }
}

#[tokio::test]
async fn a_move_that_waits_for_a_token_is_not_taken_for_one_that_perhaps_arrived() {
    let (world, visit) = with_visit().await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);
    // Between the reading and the write the token is ended, and a page answers in the token endpoint's place.
    let ended = answer(401, "", ("WWW-Authenticate", "Bearer error=\"invalid_token\""));
    world.spoil_platform(ended, |rule| rule.method("POST").path("/move").times(0));
    let page = answer(200, "<html>Welcome</html>", ("Content-Type", "text/html"));
    world.spoil_platform(page, |rule| rule.path("/oauth/token").times(0));
    let mark = world.mark();
    let report = world.sync().await;
    assert_eq!(
        report.platform,
        Some(PortError::Unreachable { nothing_sent: true })
    );
    assert_eq!(refreshes(&world, mark), 1);
    let states: Vec<_> = world.outbox().await.iter().map(|row| row.state).collect();
    assert_eq!(states, [OutboxState::Waiting]);
    assert_eq!(world.snapshot().await.held_back, Some("offline"));

    world.repair();
    world.settle().await;
    assert_eq!(world.admin().told_of(&visit).len(), 1, "exactly once");
    assert_eq!(world.outbox().await, []);
    assert_eq!(world.platform_vault.marks(), []);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_client_that_is_not_known_any_more_is_not_asked_about_for_each_write() {
    let world = World::new().await;
    world.sync().await;
    let visits = world.admin().visits(3);
    world.running.sandbox.google.oauth().expire_access_tokens();
    let unknown = answer(
        401,
        r#"{"error":"invalid_client"}"#,
        ("Content-Type", "application/json"),
    );
    world.spoil_google(unknown, |rule| rule.path("/token").times(0));
    for _ in 0..3 {
        let mark = world.mark();
        let report = world.sync().await;
        assert_eq!(
            report.calendar,
            Some(PortError::Unreachable { nothing_sent: true })
        );
        assert!((1..=2).contains(&refreshes(&world, mark)));
        let rows = world.outbox().await;
        assert_eq!(rows.len(), 3);
        assert!(
            rows.iter().all(|row| row.state == OutboxState::Waiting),
            "{rows:?}"
        );
        world.advance(60);
    }
    assert_eq!(world.google_vault.marks(), [], "nobody is asked to sign in again");

    world.repair();
    world.settle().await;
    assert!(visits.iter().all(|visit| world.trainer().has(visit)));
    world.check_invariants().await;
}

#[tokio::test]
async fn disconnect_revokes_and_leaves_the_events() {
    let (world, visit) = with_visit().await;
    disconnect(&world, false).await;

    assert!(world.trainer().has(&visit));
    assert!(
        world
            .running
            .sandbox
            .google
            .oauth()
            .sessions()
            .iter()
            .all(|session| !session.live)
    );
    assert_eq!(status(&world, Provider::Google).await, IntegrationStatus::Revoked);
    assert_eq!(
        world.admin().platform().writer(world.person().user, "google"),
        None,
        "the lease is free"
    );
    let mark = world.mark();
    assert_eq!(world.sync().await.calendar, Some(PortError::NotConnected));
    assert!(
        world
            .requests_since(mark)
            .iter()
            .all(|request| !request.path.contains("/calendar/"))
    );
    world.check_safety();
}

#[tokio::test]
async fn disconnect_deletes_the_events_if_that_was_chosen_and_nothing_else() {
    let world = World::new().await;
    let visits = world.admin().visits(12);
    world.sync().await;
    disconnect(&world, true).await;

    assert!(visits.iter().all(|visit| !world.trainer().has(visit)));
    assert!(
        world
            .running
            .sandbox
            .google
            .oauth()
            .sessions()
            .iter()
            .all(|session| !session.live)
    );
    // Foreign events are looked at by the oracle.
    world.check_safety();
}

#[tokio::test]
async fn after_a_disconnect_the_same_account_connects_again_without_a_duplicate() {
    let (world, visit) = with_visit().await;
    disconnect(&world, false).await;
    world.trainer().drag(&visit, "2026-12-01 15:00");
    world.advance(60);

    world.reconnect_google().await;
    world.settle().await;

    assert_eq!(
        world.admin().start(&visit),
        roundtrip_behaviour_tests::at("2026-12-01 15:00")
    );
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn after_a_disconnect_that_deleted_events_they_are_made_anew() {
    let (world, visit) = with_visit().await;
    disconnect(&world, true).await;
    world.reconnect_google().await;
    world.settle().await;

    assert!(world.trainer().has(&visit));
    assert_eq!(world.badge(&visit).await.0, Badge::Synced);
    world.check_invariants().await;
}

#[tokio::test]
async fn an_unticked_right_is_noticed_at_sign_in() {
    let world = World::new().await;
    let google = world.running.sandbox.google.clone();
    google.set_auto_grant(Some(vec!["openid".into(), "email".into()]));
    let tokens = world
        .sign_in(world.google.keeper().config().clone())
        .await
        .expect("a sign-in with less");
    assert_eq!(Account::missing_rights(&tokens), [CALENDAR_SCOPE]);
}

#[tokio::test]
async fn a_right_that_is_taken_away_later_is_said_and_stops_the_calendar_only() {
    let (world, visit) = with_visit().await;
    world.spoil_google(Fault::ScopeMissing, |rule| rule.path("/calendar/").times(0));
    world.admin().rename(&visit, "Rosen-Apotheke");
    let report = world.sync().await;
    assert_eq!(report.platform, None);
    assert_eq!(
        report.calendar,
        Some(PortError::RightMissing {
            right: CALENDAR_SCOPE.into()
        })
    );
    world.repair();
    world.settle().await;

    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    world.check_invariants().await;
}

#[tokio::test]
async fn another_account_at_reconnect_can_be_told_from_the_first() {
    let world = World::new().await;
    let mut config = world.google.keeper().config().clone();
    config.extra.push(("login_hint".into(), BEN.google.into()));
    let tokens = world.sign_in(config).await.expect("Ben's sign-in");
    let environment = world.running.environment();
    let google = roundtrip_google::GoogleConfig::from_settings(|name| {
        environment
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    })
    .expect("the sandbox's own addresses");
    let account = Account::of(&tokens, &google).expect("an id token");
    assert_ne!(account.subject, world.config.identity.account);
    assert_eq!(account.email.as_deref(), Some(BEN.google));
}

/// The page of a hotel's network answers in everybody's place, and cannot show anybody's certificate.
struct Portal;

#[async_trait]
impl HttpPort for Portal {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        Err(HttpError::not_sent(HttpErrorKind::Tls))
    }
}

#[tokio::test]
async fn a_portal_that_answers_in_everybodys_place_is_no_network_and_no_lost_sign_in() {
    let (world, visit) = with_visit().await;
    world.admin().rename(&visit, "Rosen-Apotheke");
    let before = world.engine.figures().await.expect("the ledger works");
    // First with tokens that are good, then with ones that ended long ago.
    for hours in [0, 12] {
        world.advance(hours * 3_600);
        world.wire.divert(Some(Arc::new(Portal)));
        let mark = world.mark();
        let report = world.sync().await;
        let wrong = || Some(PortError::WrongCertificate);
        assert_eq!((report.platform, report.calendar), (wrong(), wrong()));
        assert_eq!(report.result, Some(RunResult::Failed));
        assert_eq!(world.snapshot().await.held_back, Some("offline"));
        for service in [Provider::Platform, Provider::Google] {
            assert_eq!(
                status(&world, service).await,
                IntegrationStatus::Active,
                "{service:?}"
            );
        }
        assert!(world.requests_since(mark).is_empty(), "nobody was reached");
        world.wire.divert(None);
    }
    let after = world.engine.figures().await.expect("the ledger works");
    let offline = |figures: &roundtrip_engine::figures::Figures| {
        figures.days.iter().map(|day| day.runs_offline).sum::<u32>()
    };
    assert_eq!(offline(&after) - offline(&before), 2);
    assert_eq!(after.runs.ok, after.runs.of, "no network is nobody's failure");

    world.settle().await;
    assert_eq!(world.trainer().title(&visit), "Rosen-Apotheke");
    assert_eq!(world.snapshot().await.held_back, None);
    world.check_invariants().await;
}
