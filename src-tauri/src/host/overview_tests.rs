//! What is said first, and that the window, the tray and the notifications say the same.

use super::*;
use crate::gui::tray::Look;
use crate::gui::words::Tongue;
use crate::host::leaving::tests::connected;

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
    let calm = host.overview().await.expect("the ledger works");
    let before = Look::of(&calm, Tongue::En);
    assert!(before.line().starts_with("Up to date"), "{}", before.line());
    assert_eq!(host.notices().await, Some(Vec::new()));
    // What was read is used again for a moment, as long as nothing changes.
    let running = host.running().await.expect("both are signed in");
    running.engine.pause_until(None).await.expect("the ledger works");
    host.database.close().await;

    assert_eq!(host.notices().await, None);
    let error = host.overview().await.expect_err("it is closed");
    assert_eq!(error.code, "database_unavailable");
    let after = before.unreadable(&error.code);
    assert_eq!(after.line(), "Needs attention · the local data can’t be read");
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
        ([wrong(), None], "wrong_certificate", Some("platform")),
        ([None, wrong()], "wrong_certificate", Some("google")),
        ([None, lost()], "google_unreachable", Some("google")),
        // A lost sign-in is the one that needs somebody.
        (
            [wrong(), Some(PortError::SignInExpired)],
            "google_reauth",
            Some("google"),
        ),
        // Nobody proves who they are: that is the network in between.
        ([wrong(), wrong()], "offline", None),
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
