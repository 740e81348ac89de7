use crate::host::leaving::tests::connected;
use chrono::Duration;
use std::sync::Arc;

#[tokio::test]
async fn who_asks_within_a_moment_shares_one_snapshot_until_something_changes() {
    let (host, _folder) = connected("snapshots").await;
    let running = host.running().await.expect("an engine");
    let (one, two) = tokio::join!(running.snapshot(), running.snapshot());
    let (one, two) = (one.expect("a ledger"), two.expect("a ledger"));
    assert!(Arc::ptr_eq(&one, &two));

    let until = host.clock.now() + Duration::hours(1);
    running.engine.pause_until(Some(until)).await.expect("a ledger");
    let after = running.snapshot().await.expect("a ledger");
    assert_eq!(after.state.paused_until, Some(until), "an answer shows at once");
    assert!(!Arc::ptr_eq(&one, &after));
    host.close().await;
}
