//! Opening the file: rights, damage, schema, connections.

use crate::boundary;
use crate::directory::{self, DirectoryLock, directory_error, open_private, refuse_link};
use crate::error::{OpenError, is_damage, ledger_error};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use roundtrip_engine::ledger::LedgerError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

static MIGRATOR: Migrator = sqlx::migrate!();

pub(crate) const FILE: &str = "roundtrip.db";
const DAMAGED_PREFIX: &str = "roundtrip.damaged-";
const DAMAGED_SUFFIX: &str = ".db";
const STAMP: &str = "%Y%m%dT%H%M%SZ";
/// What SQLite puts beside the file; empty for the file itself.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];
const READERS: u32 = 3;

/// The connections of an open database.
pub(crate) struct Opened {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) recovered: Option<PathBuf>,
}

/// Opens the database of a data directory, making what is missing and putting aside what is damaged, under a name with `change_at`
/// in it. With none nothing of that is done: another process may have the file open, whose name and schema would change under it.
pub(crate) async fn open(data_dir: &Path, change_at: Option<DateTime<Utc>>) -> Result<Opened, OpenError> {
    let dir = data_dir.to_owned();
    // Held until the schema is current: another process must neither look at half a schema nor put aside the fresh file.
    let _lock = directory::blocking(move || {
        directory::prepare_directory(&dir)?;
        DirectoryLock::acquire(&dir, "open")
    })
    .await?;
    let path = data_dir.join(FILE);
    for part in PARTS {
        refuse_link(&part_of(&path, part))?;
    }
    let mut recovered = None;
    let found = match path.exists() {
        true => Some(inspect(&path).await?),
        false => None,
    };
    match (found, change_at) {
        (Some(Condition::Damaged), Some(now)) => {
            tracing::error!("the database is damaged; it is put aside");
            recovered = Some(put_aside(data_dir, &path, now)?);
        }
        (Some(Condition::Damaged), None) => return Err(LedgerError::Damaged.into()),
        (None | Some(Condition::Older), None) => return Err(OpenError::InUse),
        (None | Some(Condition::Older), Some(_)) | (Some(Condition::Sound), _) => {}
    }
    // SQLite gives its other files the rights of this one.
    drop(open_private(&path)?);
    boundary::at("before the schema is brought up to date");

    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_between_transactions(connection)))
        .connect_with(writer_options(&path))
        .await
        .map_err(|error| ledger_error(&error))?;
    if change_at.is_some() {
        MIGRATOR.run(&writer).await.map_err(migration_error)?;
    }
    boundary::at("after the schema was brought up to date");
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options(&path).pragma("query_only", "ON"))
        .await
        .map_err(|error| ledger_error(&error))?;
    Ok(Opened {
        writer,
        readers,
        recovered,
    })
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

fn writer_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // On macOS a plain fsync does not reach the disk; elsewhere these two do nothing.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .pragma("secure_delete", "ON")
}

/// False for a connection that must not be used again. On a full disk SQLite rolls back by itself; sqlx's own rollback then
/// fails, and the connection would count as inside a transaction for ever, refusing every further one.
async fn is_between_transactions(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true); // what was committed needs no further turn of the connection's thread
    }
    connection.ping().await?; // a rollback that is still queued is carried out before this is answered
    Ok(!connection.is_in_transaction())
}

#[derive(PartialEq, Eq)]
enum Condition {
    Sound,
    /// Of a schema that this version would bring up to date.
    Older,
    Damaged,
}

/// Looks at an existing file without changing it: is it whole, and of a schema that this version knows?
async fn inspect(path: &Path) -> Result<Condition, OpenError> {
    match look(path).await {
        Ok(Look { whole: false, .. }) => Ok(Condition::Damaged),
        Ok(Look { schema, .. }) => {
            let known = MIGRATOR
                .iter()
                .map(|migration| migration.version)
                .max()
                .unwrap_or(0);
            match schema {
                Some(found) if found > known => Err(OpenError::NewerSchema { found, known }),
                Some(found) if found == known => Ok(Condition::Sound),
                _ => Ok(Condition::Older),
            }
        }
        Err(error) if is_damage(&error) => Ok(Condition::Damaged),
        Err(error) => Err(ledger_error(&error).into()),
    }
}

struct Look {
    whole: bool,
    schema: Option<i64>,
}

async fn look(path: &Path) -> Result<Look, sqlx::Error> {
    let mut connection = options(path).connect().await?;
    let looked = async {
        let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut connection)
            .await?;
        if verdict != "ok" {
            return Ok(Look {
                whole: false,
                schema: None,
            });
        }
        let versioned: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')")
                .fetch_one(&mut connection)
                .await?;
        let schema = match versioned {
            true => {
                sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                    .fetch_one(&mut connection)
                    .await?
            }
            false => None,
        };
        Ok(Look { whole: true, schema })
    }
    .await;
    // Closed in every case: an open file could not be renamed on Windows.
    connection
        .close()
        .await
        .or_else(|error| if is_damage(&error) { Ok(()) } else { Err(error) })?;
    looked
}

fn migration_error(error: MigrateError) -> OpenError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            ledger_error(&error).into()
        }
        other => OpenError::Migration(other.to_string()),
    }
}

fn part_of(path: &Path, part: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(part);
    PathBuf::from(name)
}

/// Renames the file and what lies beside it; nothing is deleted, as somebody may still read something out of it.
fn put_aside(dir: &Path, path: &Path, now: DateTime<Utc>) -> Result<PathBuf, OpenError> {
    let stamp = now.format(STAMP);
    let mut target = dir.join(format!("{DAMAGED_PREFIX}{stamp}{DAMAGED_SUFFIX}"));
    let mut count = 1;
    while PARTS.iter().any(|part| part_of(&target, part).exists()) {
        count += 1;
        target = dir.join(format!("{DAMAGED_PREFIX}{stamp}-{count}{DAMAGED_SUFFIX}"));
    }
    for part in PARTS {
        let from = part_of(path, part);
        boundary::at("before a damaged file is put aside");
        match fs::rename(&from, part_of(&target, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(directory_error(&from, error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(target)
}

/// The name of the database that was put aside last; none if none is there.
pub(crate) fn newest_put_aside(dir: &Path) -> Result<Option<String>, OpenError> {
    let mut newest: Option<(String, usize, String)> = None;
    for found in fs::read_dir(dir).map_err(|source| directory_error(dir, source))? {
        let found = found.map_err(|source| directory_error(dir, source))?;
        let Some(name) = found.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        let rest = name.strip_prefix(DAMAGED_PREFIX);
        let Some(stamp) = rest.and_then(|rest| rest.strip_suffix(DAMAGED_SUFFIX)?.get(..16)) else {
            continue;
        };
        // Of one second, the one with the higher number: `…Z.db`, `…Z-2.db`, `…Z-10.db`.
        let found = (stamp.to_owned(), name.len(), name);
        newest = newest.max(Some(found));
    }
    Ok(newest.map(|(_, _, name)| name))
}

/// Deletes files that were put aside before `before` (all of them for `None`): they hold what the database held.
pub(crate) fn delete_put_aside(dir: &Path, before: Option<DateTime<Utc>>) -> Result<u64, OpenError> {
    let mut deleted = 0;
    for found in fs::read_dir(dir).map_err(|source| directory_error(dir, source))? {
        let found = found.map_err(|source| directory_error(dir, source))?;
        let name = found.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(DAMAGED_PREFIX)) else {
            continue;
        };
        let stamp = rest
            .get(..16)
            .and_then(|stamp| NaiveDateTime::parse_from_str(stamp, STAMP).ok());
        let old = match (before, stamp) {
            (None, _) => true,
            // The name tells whole seconds only.
            (Some(before), Some(stamp)) => stamp.and_utc() + TimeDelta::seconds(1) <= before,
            (Some(_), None) => false,
        };
        if old {
            fs::remove_file(found.path()).map_err(|source| directory_error(&found.path(), source))?;
            deleted += u64::from(rest.ends_with(DAMAGED_SUFFIX));
        }
    }
    Ok(deleted)
}
