//! What can go wrong, in terms of what the caller can do about it.

use roundtrip_engine::ledger::LedgerError;
use std::io;
use std::path::PathBuf;

/// The database could not be opened. Nothing was changed in it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory could not be made or read. Check the disk and the rights on it.
    #[error("{path} cannot be used: {source}; check the disk and the rights on it")]
    Directory {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file that Roundtrip owns is a symbolic link; following it could write somewhere else. Remove the link.
    #[error("{path} is a symbolic link, which is refused")]
    SymbolicLink {
        /// Which.
        path: PathBuf,
    },
    /// A file that Roundtrip owns goes by another name, too; what is written here would be written there. Remove one of them.
    #[error("{path} has a second name (a hard link), which is refused")]
    HardLink {
        /// Which.
        path: PathBuf,
    },
    /// The data directory is one that everybody may write to (such as a temporary directory). Choose a directory of its own.
    #[error("{path} is shared with other users; choose a directory of its own")]
    SharedDirectory {
        /// Which.
        path: PathBuf,
    },
    /// The file was written by a newer Roundtrip. Update the app; the data are untouched.
    #[error(
        "the data was written by a newer Roundtrip (schema {found}, this one knows {known}) and is untouched; install the newest version"
    )]
    NewerSchema {
        /// Version of the file.
        found: i64,
        /// Newest version this build knows.
        known: i64,
    },
    /// Another process is at work in the directory, and the file would have to be made or brought up to date first. End that one.
    #[error("another Roundtrip is at work with these data, and they are of another version; quit it first")]
    InUse,
    /// The schema could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(String),
    /// Full disk, locked file and the like.
    #[error(transparent)]
    Database(#[from] LedgerError),
}

/// Result inside this crate.
pub(crate) type Stored<T> = Result<T, Fault>;

/// A [`LedgerError`] on its way out. Only a type of our own can be made from sqlx's errors by `?`.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) LedgerError);

impl From<Fault> for LedgerError {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self(ledger_error(&error))
    }
}

// Primary result codes, https://www.sqlite.org/rescode.html. Extended codes carry them in the low byte.
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CONSTRAINT: i32 = 19;
const SQLITE_NOTADB: i32 = 26;
/// The extended code of "no room for the file beside the log": what a full disk says first, and it says nothing else.
const SQLITE_IOERR_SHMSIZE: i32 = 4874;

/// The extended result code of SQLite, if the error is one of SQLite's.
fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    extended_code(error).map(|code| code & 0xff)
}

/// True if the file itself is damaged or no database at all.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}

/// Sorts an error by what the caller can do. The text holds SQLite's own words, which name tables and columns but never
/// values.
pub(crate) fn ledger_error(error: &sqlx::Error) -> LedgerError {
    if extended_code(error) == Some(SQLITE_IOERR_SHMSIZE) {
        return LedgerError::Full;
    }
    match primary_code(error) {
        Some(SQLITE_FULL) => LedgerError::Full,
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => LedgerError::Damaged,
        Some(SQLITE_CONSTRAINT) => {
            LedgerError::Unavailable(format!("a rule of the database refused it: {error}"))
        }
        // Busy, locked, read-only, cannot open, input/output: later, or after the trainer did something, it may work.
        Some(_) => LedgerError::Unavailable(error.to_string()),
        None => match error {
            sqlx::Error::ColumnDecode { index, .. } => LedgerError::Unreadable(format!("column {index}")),
            sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) | sqlx::Error::TypeNotFound { .. } => {
                LedgerError::Unreadable("a column".into())
            }
            other => LedgerError::Unavailable(other.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::{Database, KeySource};
    use chrono::DateTime;
    use roundtrip_core::ids::{AppointmentId, ConnectionId};
    use roundtrip_core::record::Record;
    use roundtrip_engine::ledger::{Change, Ledger, LedgerError};

    async fn database(dir: &tempfile::TempDir) -> Database {
        Database::open(dir.path(), KeySource::memory(), DateTime::UNIX_EPOCH)
            .await
            .expect("database opens")
    }

    async fn write(database: &Database, size: usize) -> Result<(), LedgerError> {
        let mut record = Record::new(AppointmentId::new("a1"));
        record.problem = Some("x".repeat(size));
        let ledger = database.ledger(ConnectionId::new("google:105"));
        ledger.commit(vec![Change::PutRecord(Box::new(record))]).await
    }

    #[tokio::test]
    async fn a_full_disk_is_told_apart_and_heals() {
        let dir = tempfile::tempdir().expect("directory");
        let database = database(&dir).await;
        // A page limit makes SQLite answer what a full disk does.
        sqlx::query("PRAGMA max_page_count = 1")
            .execute(database.writer())
            .await
            .expect("limited");
        assert_eq!(write(&database, 1_000_000).await, Err(LedgerError::Full));
        sqlx::query("PRAGMA max_page_count = 1000000")
            .execute(database.writer())
            .await
            .expect("room again");
        assert_eq!(write(&database, 1_000_000).await, Ok(()));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_not_available_for_now() {
        let dir = tempfile::tempdir().expect("directory");
        let database = database(&dir).await;
        sqlx::query("PRAGMA query_only = ON")
            .execute(database.writer())
            .await
            .expect("read-only");
        assert!(matches!(
            write(&database, 1).await,
            Err(LedgerError::Unavailable(_))
        ));
        sqlx::query("PRAGMA query_only = OFF")
            .execute(database.writer())
            .await
            .expect("writable");
        assert_eq!(write(&database, 1).await, Ok(()));
    }

    #[tokio::test]
    async fn another_writer_makes_it_wait_then_say_so() {
        let dir = tempfile::tempdir().expect("directory");
        let (first, second) = (database(&dir).await, database(&dir).await);
        sqlx::query("PRAGMA busy_timeout = 0")
            .execute(second.writer())
            .await
            .expect("impatient");
        let held = first.begin().await.expect("held");
        assert!(matches!(
            write(&second, 1).await,
            Err(LedgerError::Unavailable(_))
        ));
        assert_eq!(
            second.ledger(ConnectionId::new("google:105")).records().await,
            Ok(vec![]),
            "reading goes on"
        );
        held.rollback().await.expect("given back");
        assert_eq!(write(&second, 1).await, Ok(()));
    }

    #[tokio::test]
    async fn the_connections_are_set_up_as_promised() {
        let dir = tempfile::tempdir().expect("directory");
        let database = database(&dir).await;
        let number = async |pragma: &'static str| -> i64 {
            sqlx::query_scalar(pragma)
                .fetch_one(database.writer())
                .await
                .expect(pragma)
        };
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(database.writer())
            .await
            .expect("mode");
        assert_eq!(mode, "wal");
        assert_eq!(number("PRAGMA synchronous").await, 2);
        assert_eq!(number("PRAGMA foreign_keys").await, 1);
        assert_eq!(number("PRAGMA busy_timeout").await, 10_000);
        assert_eq!(number("PRAGMA secure_delete").await, 1);
        let loose: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0
             AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'",
        )
        .fetch_one(database.readers())
        .await
        .expect("tables");
        assert_eq!(loose, 0, "every table is STRICT");
        let refused = sqlx::query("DELETE FROM settings")
            .execute(database.readers())
            .await;
        assert!(refused.is_err(), "readers do not write");
    }
}
