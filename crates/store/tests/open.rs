//! Opening: rights, links, damage, schema, locks.

use crate::common;

use chrono::TimeDelta;
use common::*;
use roundtrip_core::ids::AppointmentId;
use roundtrip_engine::ledger::{Change, Ledger, LedgerError};
use roundtrip_store::{
    Database, Integration, KeySource, OpenError, Provider, device_id, open_own, prepare_inside,
};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

async fn fill(dir: &Path) {
    let database = open(dir).await;
    let changes = (0..200)
        .map(|index| Change::PutRecord(Box::new(record(&format!("a{index}")))))
        .collect();
    database
        .ledger(connection())
        .commit(changes)
        .await
        .expect("commit");
    database.close().await;
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("metadata").permissions().mode() & 0o7777
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read() {
    let parent = tempdir().expect("directory");
    let dir = parent.path().join("deep").join("data");
    let database = open(&dir).await;
    database
        .ledger(connection())
        .commit(vec![Change::PutRecord(Box::new(record("a1")))])
        .await
        .expect("commit");
    device_id(&dir, &KeySource::memory()).await.expect("device id");
    assert_eq!(mode(&dir), 0o700);
    let names: Vec<_> = all_bytes(&dir).into_iter().map(|(name, _)| name).collect();
    for name in [
        "roundtrip.db",
        "roundtrip.db-wal",
        "roundtrip.db-shm",
        "device-id",
    ] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} is missing in {names:?}"
        );
    }
    for name in names {
        assert_eq!(mode(&dir.join(&name)), 0o600, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn rights_that_were_too_wide_are_narrowed() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().expect("directory");
    fill(dir.path()).await;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("rights");
    fs::set_permissions(dir.path().join("roundtrip.db"), fs::Permissions::from_mode(0o644)).expect("rights");
    let _database = open(dir.path()).await;
    assert_eq!(
        (mode(dir.path()), mode(&dir.path().join("roundtrip.db"))),
        (0o700, 0o600)
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_shared_directory_is_refused_and_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().expect("directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).expect("rights");
    let refused = Database::open(dir.path(), fixed_key(), now()).await;
    assert!(
        matches!(refused, Err(OpenError::SharedDirectory { .. })),
        "{refused:?}"
    );
    assert_eq!(mode(dir.path()), 0o1777);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_place_of_the_file_is_refused() {
    for name in ["roundtrip.db", "roundtrip.db-wal", "roundtrip.db-shm"] {
        let dir = tempdir().expect("directory");
        let elsewhere = tempdir().expect("directory");
        let target = elsewhere.path().join("target");
        fs::write(&target, b"somebody else's").expect("target");
        std::os::unix::fs::symlink(&target, dir.path().join(name)).expect("link");
        let refused = Database::open(dir.path(), fixed_key(), now()).await;
        assert!(
            matches!(refused, Err(OpenError::SymbolicLink { .. })),
            "{name}: {refused:?}"
        );
        assert_eq!(fs::read(&target).expect("target"), b"somebody else's");
    }
}

#[tokio::test]
async fn a_damaged_file_is_put_aside_whole_and_a_fresh_one_made() {
    type Spoil = fn(&mut Vec<u8>);
    let spoils: [(&str, Spoil); 3] = [
        ("no database at all", |bytes| {
            bytes[..16].copy_from_slice(b"this is a poem, ")
        }),
        ("pages overwritten", |bytes| {
            bytes[4096..].iter_mut().for_each(|byte| *byte = 0x5a)
        }),
        ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
    ];
    for (what, spoil) in spoils {
        let dir = tempdir().expect("directory");
        fill(dir.path()).await;
        let file = dir.path().join("roundtrip.db");
        let mut bytes = fs::read(&file).expect("file");
        spoil(&mut bytes);
        fs::write(&file, &bytes).expect("file");
        fs::write(dir.path().join("roundtrip.db-wal"), b"").expect("file");

        let database = open(dir.path()).await;
        let aside = database
            .recovered()
            .unwrap_or_else(|| panic!("{what}: not noticed"));
        assert_eq!(
            aside,
            dir.path().join("roundtrip.damaged-20261121T080000Z.db"),
            "{what}"
        );
        assert_eq!(fs::read(&aside).expect("file"), bytes, "{what}");
        let ledger = database.ledger(connection());
        assert_eq!(ledger.records().await, Ok(vec![]), "{what}");
        ledger
            .commit(vec![Change::PutRecord(Box::new(record("a1")))])
            .await
            .expect("the fresh one works");
        database.close().await;

        // A second one in the same second gets a name of its own.
        fs::write(
            &file,
            b"damaged again, and long enough to be looked at as a database header ........",
        )
        .expect("file");
        let database = open(dir.path()).await;
        assert_eq!(
            database.recovered(),
            Some(dir.path().join("roundtrip.damaged-20261121T080000Z-2.db")),
            "{what}"
        );

        // What was put aside goes with the history that it held.
        assert_eq!(
            database
                .retention(now() + TimeDelta::days(30))
                .await
                .expect("retention")
                .damaged_files,
            0
        );
        let retained = database
            .retention(now() + TimeDelta::days(31))
            .await
            .expect("retention");
        assert_eq!(retained.damaged_files, 2, "{what}");
        assert!(
            !all_bytes(dir.path())
                .iter()
                .any(|(name, _)| name.contains("damaged"))
        );
    }
}

#[tokio::test]
async fn whoever_opens_it_beside_another_process_leaves_the_file_as_it_is() {
    let dir = tempdir().expect("directory");
    let beside = async || Database::open_beside(dir.path(), fixed_key()).await;
    let refused = beside().await;
    assert!(matches!(refused, Err(OpenError::InUse)), "{refused:?}");
    let file = dir.path().join("roundtrip.db");
    assert!(!file.exists(), "none is made");

    fill(dir.path()).await;
    let database = beside().await.expect("it is current");
    let records = database.ledger(connection()).records().await.expect("it is read");
    assert_eq!(records.len(), 200);
    database.close().await;

    // As a version before the last step left it.
    let mut older = raw(dir.path()).await;
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .execute(&mut older)
        .await
        .expect("forgotten");
    sqlx::Connection::close(older).await.expect("closed");
    let refused = beside().await;
    assert!(matches!(refused, Err(OpenError::InUse)), "{refused:?}");

    let mut bytes = fs::read(&file).expect("file");
    bytes[4096..].iter_mut().for_each(|byte| *byte = 0x5a);
    fs::write(&file, &bytes).expect("file");
    let refused = beside().await;
    assert!(
        matches!(refused, Err(OpenError::Database(LedgerError::Damaged))),
        "{refused:?}"
    );
    let left = fs::read(&file).expect("in its place");
    assert!(left == bytes, "another file");
}

#[tokio::test]
async fn damage_while_open_is_told_apart() {
    let dir = tempdir().expect("directory");
    fill(dir.path()).await;
    let database = open(dir.path()).await;
    let file = dir.path().join("roundtrip.db");
    let mut bytes = fs::read(&file).expect("file");
    bytes[4096..].iter_mut().for_each(|byte| *byte = 0x5a);
    fs::write(&file, &bytes).expect("file");
    assert_eq!(
        database.ledger(connection()).records().await,
        Err(LedgerError::Damaged)
    );
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_is() {
    let dir = tempdir().expect("directory");
    fill(dir.path()).await;
    let mut raw = raw(dir.path()).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'from the future', 1, x'00', 0)",
    )
    .execute(&mut raw)
    .await
    .expect("raised");
    sqlx::Connection::close(raw).await.expect("closed");
    let before = fs::read(dir.path().join("roundtrip.db")).expect("file");
    let refused = Database::open(dir.path(), fixed_key(), now()).await;
    let Err(OpenError::NewerSchema { found: 9000, known }) = refused else {
        panic!("{refused:?}")
    };
    assert!((1..9000).contains(&known));
    assert_eq!(fs::read(dir.path().join("roundtrip.db")).expect("file"), before);
    assert!(
        !all_bytes(dir.path())
            .iter()
            .any(|(name, _)| name.contains("damaged"))
    );
}

#[tokio::test]
async fn many_starts_at_once_all_find_one_database() {
    let dir = tempdir().expect("directory");
    let starts: Vec<_> = (0..12)
        .map(|index| {
            let dir = dir.path().to_owned();
            tokio::spawn(async move {
                let database = open(&dir).await;
                let put = Change::PutRecord(Box::new(record(&format!("a{index}"))));
                database
                    .ledger(connection())
                    .commit(vec![put])
                    .await
                    .expect("commit");
            })
        })
        .collect();
    for start in starts {
        start.await.expect("start");
    }
    assert_eq!(
        ledger(dir.path()).await.records().await.expect("records").len(),
        12
    );
}

#[tokio::test]
async fn a_lock_is_held_by_one_and_given_back() {
    let dir = tempdir().expect("directory");
    let (first, second) = (open(dir.path()).await, open(dir.path()).await);
    let held = first.try_sync_lock().await.expect("lock");
    assert!(held.is_some());
    assert!(second.try_sync_lock().await.expect("lock").is_none());
    drop(held);
    assert!(second.try_sync_lock().await.expect("lock").is_some());
}

/// Two handles of one folder have files of their own, as two processes have, and the lock is between files.
#[tokio::test]
async fn a_refresh_waits_until_the_one_before_has_ended() {
    let dir = tempdir().expect("directory");
    let (first, second) = (open(dir.path()).await, open(dir.path()).await);
    let held = first.refresh_lock(Provider::Google).await.expect("lock");
    let other = second.refresh_lock(Provider::Platform).await;
    drop(other.expect("each service has a lock of its own"));

    let mut waiting = std::pin::pin!(second.refresh_lock(Provider::Google));
    for _ in 0..1_000 {
        assert!(
            futures::poll!(waiting.as_mut()).is_pending(),
            "two at once may refresh"
        );
        tokio::task::yield_now().await;
    }
    assert!(futures::poll!(waiting.as_mut()).is_pending(), "it waits");
    drop(held);
    drop(waiting.await.expect("its turn"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_ask_one_at_a_time_may_refresh() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    let dir = tempdir().expect("directory");
    let inside = Arc::new(AtomicU32::new(0));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (database, inside) = (open(dir.path()).await, Arc::clone(&inside));
        tasks.push(tokio::spawn(async move {
            for _ in 0..50 {
                let held = database.refresh_lock(Provider::Google).await.expect("lock");
                assert_eq!(
                    inside.fetch_add(1, Ordering::SeqCst),
                    0,
                    "somebody else is inside"
                );
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(held);
            }
        }));
    }
    for task in tasks {
        task.await.expect("alone each time");
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_ours_is_opened_for_its_owner_only_and_never_through_a_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempdir().expect("directory");
    let mut append = fs::OpenOptions::new();
    append.append(true);
    let (path, target) = (dir.path().join("ours"), dir.path().join("target"));

    let missing = open_own(&path, &append, false);
    assert!(matches!(&missing, Err(OpenError::Directory { source, .. })
        if source.kind() == std::io::ErrorKind::NotFound));
    drop(open_own(&path, &append, true).expect("made"));
    assert_eq!(mode(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("rights");
    drop(open_own(&path, &append, true).expect("opened"));
    assert_eq!(mode(&path), 0o600);

    // To a file that is there, and to one that would be made by following it.
    for there in [true, false] {
        fs::remove_file(&path).expect("removed");
        if there {
            fs::write(&target, b"somebody else's").expect("target");
            fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).expect("rights");
        } else {
            fs::remove_file(&target).expect("removed");
        }
        symlink(&target, &path).expect("link");
        let refused = open_own(&path, &append, true);
        assert!(
            matches!(refused, Err(OpenError::SymbolicLink { .. })),
            "{refused:?}"
        );
        assert_eq!(target.exists(), there);
        if there {
            assert_eq!(fs::read(&target).expect("target"), b"somebody else's");
            assert_eq!(mode(&target), 0o644);
        }
    }

    // Nothing that only looks like a file.
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("folder");
    assert!(matches!(
        open_own(&path, &append, true),
        Err(OpenError::Directory { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_folder_inside_the_data_folder_is_its_owner_s_and_no_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (dir, elsewhere) = (tempdir().expect("directory"), tempdir().expect("directory"));
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("rights");
    let inside = prepare_inside(dir.path(), "inside").expect("prepared");
    assert_eq!((mode(dir.path()), mode(&inside)), (0o700, 0o700));
    fs::set_permissions(&inside, fs::Permissions::from_mode(0o777)).expect("rights");
    prepare_inside(dir.path(), "inside").expect("prepared again");
    assert_eq!(mode(&inside), 0o700);

    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o755)).expect("rights");
    symlink(elsewhere.path(), dir.path().join("linked")).expect("link");
    let refused = prepare_inside(dir.path(), "linked");
    assert!(
        matches!(refused, Err(OpenError::SymbolicLink { .. })),
        "{refused:?}"
    );
    assert_eq!(mode(elsewhere.path()), 0o755);

    // A shared folder is left before anything is made in it.
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o1777)).expect("rights");
    let refused = prepare_inside(elsewhere.path(), "inside");
    assert!(
        matches!(refused, Err(OpenError::SharedDirectory { .. })),
        "{refused:?}"
    );
    assert!(!elsewhere.path().join("inside").exists());
}

#[tokio::test]
async fn damage_that_a_crash_left_unsaid_is_said_at_the_next_start() {
    let put_aside = |dir: &std::path::Path| {
        for name in [
            "20261119T080000Z-3",
            "20261120T080000Z",
            "20261120T080000Z-2",
            "20261120T080000Z-10",
        ] {
            fs::write(dir.join(format!("roundtrip.damaged-{name}.db")), b"as it was").expect("file");
        }
        fs::write(dir.join("roundtrip.damaged-20261121T080000Z.db-wal"), b"").expect("file");
    };
    // Renamed, and the process died before it could be kept: the fresh database is there or is made now.
    for is_made in [true, false] {
        let dir = tempdir().expect("directory");
        if is_made {
            open(dir.path()).await.close().await;
        }
        put_aside(dir.path());
        let database = open(dir.path()).await;
        assert_eq!(
            database.put_aside().await,
            Ok(Some("roundtrip.damaged-20261120T080000Z-10.db".into()))
        );
    }
    // Whoever has used the database since was told, and the file waits for its time to be over.
    for used in ["account", "connection", "audit"] {
        let dir = tempdir().expect("directory");
        let database = open(dir.path()).await;
        let details = serde_json::json!({});
        match used {
            "account" => {
                let account = Integration::new(Provider::Google, "105");
                database.integrations().put(&account, now()).await.expect("kept");
            }
            "connection" => {
                let state = Change::PutSyncState(Box::default());
                let ledger = database.ledger(connection());
                ledger.commit(vec![state]).await.expect("kept");
            }
            _ => database
                .audit(None, "disconnect", &details, now())
                .await
                .expect("kept"),
        }
        database.close().await;
        put_aside(dir.path());
        assert_eq!(open(dir.path()).await.put_aside().await, Ok(None), "{used}");
    }
}

#[tokio::test]
async fn the_device_id_survives_the_loss_of_the_database() {
    let (dir, other) = (tempdir().expect("directory"), tempdir().expect("directory"));
    fill(dir.path()).await;
    let keys = KeySource::memory();
    let first = device_id(dir.path(), &keys).await.expect("device id");
    fs::remove_file(dir.path().join("roundtrip.db")).expect("lost");
    let database = open(dir.path()).await;
    assert_eq!(database.recovered(), None);
    assert_eq!(
        database
            .ledger(connection())
            .record(&AppointmentId::new("a1"))
            .await,
        Ok(None)
    );
    assert_eq!(device_id(dir.path(), &keys).await.expect("device id"), first);
    assert_ne!(device_id(other.path(), &keys).await.expect("device id"), first);

    fs::write(dir.path().join("device-id"), b"\xff\xfe no id").expect("spoiled");
    let fresh = device_id(dir.path(), &keys).await.expect("device id");
    assert_ne!(fresh, first);
    assert_eq!(device_id(dir.path(), &keys).await.expect("device id"), fresh);
}
