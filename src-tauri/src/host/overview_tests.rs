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
