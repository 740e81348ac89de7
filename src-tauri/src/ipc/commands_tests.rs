//! What the window may leave out one by one: appointments of the ledger, as many as fit, and never one that cannot come back.

use super::*;
use crate::host::leaving::tests::{Folder, connected};
use roundtrip_core::record::Record;
use roundtrip_engine::ledger::Change;
use std::sync::Arc;

async fn with_one(name: &str) -> (Arc<Host>, Running, Folder) {
    let (host, folder) = connected(name).await;
    let running = host.running().await.expect("both are signed in");
    let record = Change::PutRecord(Box::new(Record::new(apt("apt_1"))));
    let kept = running.engine.ledger().commit(vec![record]).await;
    kept.expect("the ledger works");
    (host, running, folder)
}

fn apt(id: &str) -> AppointmentId {
    AppointmentId::new(id)
}

async fn settings_of(running: &Running) -> SyncSettings {
    running
        .engine
        .ledger()
        .settings()
        .await
        .expect("the ledger works")
}

async fn excluded(running: &Running) -> Vec<String> {
    let all = settings_of(running).await.filters.excluded;
    all.iter().map(ToString::to_string).collect()
}

/// Leaves out so many that are not in the ledger, as an earlier version let a window do.
async fn fill(running: &Running, count: usize) {
    let filled = |mut settings: SyncSettings| {
        settings.filters.excluded = (0..count).map(|nth| apt(&format!("old_{nth:05}"))).collect();
        settings
    };
    let kept = running
        .engine
        .change_settings(filled, Removals::Unconfirmed)
        .await;
    kept.expect("the ledger works");
}

#[tokio::test]
async fn only_an_appointment_of_the_ledger_is_left_out() {
    let (host, running, _folder) = with_one("leave-out").await;
    let refused = leave_out(&running, apt("apt_unknown"), true).await;
    let refused = refused.expect_err("nobody knows it");
    assert_eq!(
        (refused.code.as_str(), refused.field.as_deref()),
        ("gone", Some("appointment_id"))
    );
    assert_eq!(excluded(&running).await, [""; 0]);

    leave_out(&running, apt("apt_1"), true).await.expect("known");
    leave_out(&running, apt("apt_1"), true).await.expect("again");
    assert_eq!(excluded(&running).await, ["apt_1"]);
    leave_out(&running, apt("apt_1"), false).await.expect("let in");
    // Nothing to let in is no failure.
    leave_out(&running, apt("apt_unknown"), false)
        .await
        .expect("nothing");
    assert_eq!(excluded(&running).await, [""; 0]);
    host.close().await;
}

#[tokio::test]
async fn a_patch_leaves_out_only_appointments_of_the_ledger() {
    let (host, running, _folder) = with_one("patch-leaves-out").await;
    fill(&running, 1).await;
    let before = settings_of(&running).await;
    let with = async |ids: &[&str]| {
        let patch = SettingsPatch {
            excluded: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            ..SettingsPatch::default()
        };
        newly_excluded_are_known(&running, &before, &patch).await
    };
    let refused = with(&["old_00000", "apt_1", "<img>"]).await.expect_err("unknown");
    assert_eq!(refused.field.as_deref(), Some("excluded"));
    for fine in [&["old_00000", "apt_1"][..], &["apt_1"], &[]] {
        assert_eq!(with(fine).await.err().map(|error| error.code), None, "{fine:?}");
    }
    host.close().await;
}

#[tokio::test]
async fn the_list_has_an_end_and_can_be_made_shorter_from_any_length() {
    let (host, running, _folder) = with_one("full-list").await;
    fill(&running, settings::IDS_MAX).await;
    let refused = leave_out(&running, apt("apt_1"), true).await.expect_err("full");
    assert_eq!(
        (
            refused.code.as_str(),
            refused.field.as_deref(),
            refused.detail.as_deref()
        ),
        ("bad_input", Some("excluded"), Some("5000"))
    );
    // There is room again after one was let in.
    leave_out(&running, apt("old_00007"), false)
        .await
        .expect("let in");
    leave_out(&running, apt("apt_1"), true).await.expect("room");
    assert_eq!(excluded(&running).await.len(), settings::IDS_MAX);

    // Longer than it may become: it takes fewer, by either way, and no others.
    fill(&running, settings::IDS_MAX + 100).await;
    leave_out(&running, apt("old_00000"), false)
        .await
        .expect("let in");
    let before = settings_of(&running).await;
    let mut ids = excluded(&running).await;
    ids.pop();
    let patch = |ids: Vec<String>| SettingsPatch {
        excluded: Some(ids),
        ..SettingsPatch::default()
    };
    let after = settings::patched(&before, &patch(ids.clone())).expect("fewer");
    assert_eq!(after.filters.excluded.len(), settings::IDS_MAX + 98);
    *ids.last_mut().expect("many") = "apt_1".into();
    let refused = settings::patched(&before, &patch(ids)).expect_err("another one");
    assert_eq!(refused.field.as_deref(), Some("excluded"));
    host.close().await;
}
