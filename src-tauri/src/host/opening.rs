//! Who may open the data folder, and how: opening may change what another process is at work with.

use super::{Purpose, StartError};
use chrono::{DateTime, Utc};
use roundtrip_engine::ledger::LedgerError;
use roundtrip_store::{Database, DirectoryLock, KeySource, OpenError};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// A verb of the command line may just be at work ("sync", or "connect", which waits five minutes for a browser). Started at log-in,
/// where nobody looks for a window, its end is waited for so long.
const NOBODY_LOOKS: Duration = Duration::from_mins(6);
/// Somebody looks for a window or an answer. Longer than `status` and `doctor` are at work with the folder, and than a window that was
/// quit takes to end.
const SOMEBODY_LOOKS: Duration = Duration::from_secs(10);
/// So often it is looked whether it has ended.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// The right to sync, waited for if somebody else has it, which `say` is called for, once. None if nobody has given it back within
/// `limit`.
async fn lock_within(
    data_dir: &Path,
    limit: Duration,
    say: impl FnOnce() + Send,
) -> Result<Option<DirectoryLock>, OpenError> {
    let until = Instant::now() + limit;
    let mut say = Some(say);
    loop {
        let lock = Database::sync_lock_of(data_dir).await?;
        if lock.is_some() || Instant::now() >= until {
            return Ok(lock);
        }
        if let Some(say) = say.take() {
            tracing::info!("another Roundtrip is at work in this data folder; its end is waited for");
            say();
        }
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}

/// The database, and the right to sync for whoever wants it. Opening may put a damaged file aside and brings the schema up to date:
/// only whoever has that right does so, and whoever only looks gives it back at once.
pub(super) async fn open_database(
    purpose: Purpose,
    data_dir: &Path,
    keys: &KeySource,
    now: DateTime<Utc>,
    say: impl FnOnce() + Send,
) -> Result<(Database, Option<DirectoryLock>), StartError> {
    let limit = match purpose {
        Purpose::AtLogIn => NOBODY_LOOKS,
        Purpose::Window | Purpose::Verb => SOMEBODY_LOOKS,
        Purpose::Look => Duration::ZERO,
    };
    open_within(limit, (purpose, say), data_dir, keys, now).await
}

async fn open_within(
    limit: Duration,
    (purpose, say): (Purpose, impl FnOnce() + Send),
    data_dir: &Path,
    keys: &KeySource,
    now: DateTime<Utc>,
) -> Result<(Database, Option<DirectoryLock>), StartError> {
    let data = |error: OpenError| StartError::Data(error.to_string());
    let lock = match purpose {
        Purpose::Window | Purpose::AtLogIn | Purpose::Verb => lock_within(data_dir, limit, say).await,
        Purpose::Look => Database::sync_lock_of(data_dir).await,
    }
    .map_err(data)?;
    let Some(lock) = lock else {
        return match purpose {
            Purpose::Look => match Database::open_beside(data_dir, keys.clone()).await {
                Ok(database) => Ok((database, None)),
                Err(OpenError::Database(LedgerError::Damaged)) => Err(StartError::DamagedInUse),
                Err(error) => Err(data(error)),
            },
            Purpose::Verb => Err(StartError::AlreadyRunning),
            Purpose::Window | Purpose::AtLogIn => Err(StartError::InUse),
        };
    };
    let database = Database::open(data_dir, keys.clone(), now).await.map_err(data)?;
    Ok((database, (purpose != Purpose::Look).then_some(lock)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn keys() -> KeySource {
        KeySource::memory()
    }

    #[tokio::test]
    async fn beside_the_process_that_syncs_nobody_changes_what_is_in_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, lock) = open_database(Purpose::Verb, dir.path(), &keys(), Utc::now(), || ())
            .await
            .expect("nobody else is here");
        first.close().await;
        let file = dir.path().join("roundtrip.db");
        fs::write(&file, b"no database at all").expect("damaged");
        for purpose in [Purpose::Verb, Purpose::Look] {
            let refused =
                open_within(Duration::ZERO, (purpose, || ()), dir.path(), &keys(), Utc::now()).await;
            let refused = refused.expect_err("somebody is at work with it");
            let said = match purpose {
                Purpose::Look => matches!(refused, StartError::DamagedInUse),
                _ => matches!(refused, StartError::AlreadyRunning),
            };
            assert!(said, "{purpose:?}: {refused}");
            let left = fs::read(&file).expect("in its place");
            assert!(left == b"no database at all", "{purpose:?}: another file");
        }
        drop(lock);
        let (looked, lock) = open_database(Purpose::Look, dir.path(), &keys(), Utc::now(), || ())
            .await
            .expect("nobody is at work with it any more");
        assert!(looked.recovered().is_some());
        assert!(lock.is_none(), "who only looks keeps nobody from syncing");
        looked.close().await;
    }

    #[tokio::test]
    async fn a_window_waits_for_the_end_of_a_verb_but_not_for_ever() {
        let dir = tempfile::tempdir().expect("a folder");
        let held = Database::sync_lock_of(dir.path()).await.expect("a folder");
        assert!(held.is_some());
        let refused = lock_within(dir.path(), Duration::ZERO, || ()).await;
        assert!(refused.expect("a folder").is_none());

        // It is given back once it is said that it is waited for.
        let mut said = 0;
        let mut held = held;
        let taken = lock_within(dir.path(), NOBODY_LOOKS, || {
            said += 1;
            held = None;
        })
        .await;
        assert!(taken.expect("a folder").is_some());
        assert_eq!(said, 1);
        assert!(StartError::InUse.to_string().contains("`roundtrip sync`"));
        let words = StartError::AlreadyRunning.to_string();
        assert!(
            words.contains("already open") && words.contains("command"),
            "{words}"
        );
    }
}
