//! Which language the texts in events begin with, and that nothing changes it behind the trainer's back.

use super::*;
use crate::host::leaving::tests::connected;
use roundtrip_core::settings::Language;

async fn language(host: &Host) -> Language {
    let running = host.running().await.expect("both are signed in");
    let settings = running.engine.ledger().settings().await;
    settings.expect("the ledger works").language
}

async fn choose(host: &Host, word: &str) {
    let kept = host.database.put_setting(keys::LANGUAGE, &word).await;
    kept.expect("the database works");
}

/// What is put together when the system speaks this language.
async fn start_on(host: &Host, system: &str) {
    let running = host.running().await.expect("both are signed in");
    let taken = host.take_language(&running.engine, Some(system)).await;
    taken.expect("the database works");
}

#[tokio::test]
async fn a_language_that_was_chosen_before_both_were_connected_is_that_of_the_texts() {
    let (host, _folder) = connected("chosen-language").await;
    choose(&host, "de").await;
    host.rebuild().await;
    assert_eq!(language(&host).await, Language::De);
    choose(&host, "en").await;
    host.rebuild().await;
    assert_eq!(language(&host).await, Language::En);
    host.close().await;
}

#[tokio::test]
async fn like_the_system_is_what_holds_without_a_choice() {
    let (host, _folder) = connected("system-language").await;
    start_on(&host, "de").await;
    assert_eq!(language(&host).await, Language::De);
    choose(&host, "system").await;
    start_on(&host, "en").await;
    assert_eq!(language(&host).await, Language::En);
    choose(&host, "en").await;
    start_on(&host, "de").await;
    assert_eq!(language(&host).await, Language::En, "chosen");
    host.close().await;
}

#[tokio::test]
async fn a_verb_knows_no_language_of_the_system() {
    let (host, _folder) = connected("verb-language").await;
    start_on(&host, "de").await;
    let running = host.running().await.expect("both are signed in");
    let taken = host.take_language(&running.engine, None).await;
    taken.expect("the database works");
    assert_eq!(language(&host).await, Language::De);
    choose(&host, "en").await;
    let taken = host.take_language(&running.engine, None).await;
    taken.expect("the database works");
    assert_eq!(language(&host).await, Language::En, "chosen");
    host.close().await;
}

#[tokio::test]
async fn a_connection_that_syncs_follows_too() {
    let (host, _folder) = connected("started-language").await;
    start_on(&host, "en").await;
    let running = host.running().await.expect("both are signed in");
    running.engine.start_syncing().await.expect("the ledger works");
    start_on(&host, "de").await;
    assert_eq!(language(&host).await, Language::De);
    host.close().await;
}

#[tokio::test]
async fn who_only_looks_writes_nothing() {
    let (mut host, _folder) = connected("looks-only").await;
    start_on(&host, "en").await;
    host.stop().await;
    std::sync::Arc::get_mut(&mut host)
        .expect("nobody else has it")
        .lock = None;
    choose(&host, "de").await;
    host.rebuild().await;
    assert_eq!(language(&host).await, Language::En);
    host.close().await;
}
