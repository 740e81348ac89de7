//! Data of every schema that was ever shipped is brought up to date with all that it held.

use crate::common;

use chrono::TimeDelta;
use common::*;
use roundtrip_core::conflict::ConflictState;
use roundtrip_core::outbox::{OutboxState, Side};
use roundtrip_engine::ledger::{Change, HistoryFilter, Ledger, SyncState};
use roundtrip_store::{Integration, Provider, TokenSet};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use tempfile::tempdir;

static MIGRATOR: Migrator = sqlx::migrate!();

/// Something in every table that a trainer would miss.
async fn fill(dir: &Path) {
    let database = open(dir).await;
    let mut account = Integration::new(Provider::Google, "105");
    account.email = Some("mara@example.org".into());
    let tokens = TokenSet {
        access: "an access token".into(),
        refresh: Some("a refresh token".into()),
        expires_at: Some(now()),
        scopes: vec!["calendar.events".into()],
    };
    database
        .integrations()
        .put_with_tokens(&account, &tokens, now())
        .await
        .expect("an account");
    database
        .put_setting("theme", &"dark")
        .await
        .expect("a setting of the app");
    let state = SyncState {
        started: true,
        connected_at: Some(now()),
        ..SyncState::default()
    };
    let changes = vec![
        Change::PutRecord(Box::new(record("a1"))),
        Change::PutRecord(Box::new(record("a2"))),
        Change::PutOutbox(Box::new(row("o1", "a1", Side::Calendar, OutboxState::Waiting))),
        Change::PutConflict(Box::new(conflict("c1", now(), ConflictState::Open))),
        Change::PutQuestion(question("q1", now())),
        Change::PutRun(run("r1", now())),
        Change::AddItem(Box::new(item("h1", now()))),
        Change::PutSyncState(Box::new(state)),
        Change::PutSettings(Box::default()),
        Change::Audit {
            event: "sign_in".into(),
            details: serde_json::json!({"service": "google"}),
            at: now(),
        },
    ];
    database
        .ledger(connection())
        .commit(changes)
        .await
        .expect("commit");
    database.close().await;
}

/// All that is kept, as text.
async fn kept(dir: &Path) -> Vec<String> {
    let database = open(dir).await;
    let ledger = database.ledger(connection());
    let everything = HistoryFilter {
        limit: 100,
        ..HistoryFilter::default()
    };
    let long_ago = now() - TimeDelta::days(100);
    let tokens = database.integrations().tokens(Provider::Google, "105").await;
    let tokens = tokens.expect("tokens").expect("an account with tokens");
    let kept = vec![
        format!("{:?}", ledger.records().await.expect("records")),
        format!("{:?}", ledger.outbox().await.expect("outbox")),
        format!("{:?}", ledger.open_conflicts().await.expect("conflicts")),
        format!("{:?}", ledger.questions(long_ago).await.expect("questions")),
        format!("{:?}", ledger.runs(long_ago, 10).await.expect("runs")),
        format!("{:?}", ledger.history(&everything).await.expect("history")),
        format!("{:?}", ledger.sync_state().await.expect("state")),
        format!("{:?}", ledger.settings().await.expect("settings")),
        format!("{:?}", database.integrations().list().await.expect("accounts")),
        format!("{:?} {}", tokens.expires_at, tokens.refresh.is_some()),
        format!("{:?}", database.audit_log(10).await.expect("audit log")),
        format!(
            "{:?}",
            database.setting::<String>("theme").await.expect("setting")
        ),
    ];
    assert_eq!(database.faults().await, Ok(vec![]));
    database.close().await;
    kept
}

/// A database of an earlier schema, with the rows of `from` in every table it has.
async fn of_version(version: i64, from: &Path, dir: &Path) {
    let mut db: SqliteConnection = SqliteConnectOptions::new()
        .filename(dir.join("roundtrip.db"))
        .create_if_missing(true)
        .connect()
        .await
        .expect("a fresh file");
    MIGRATOR
        .run_to(version, &mut db)
        .await
        .expect("the steps of that time");
    sqlx::query("ATTACH DATABASE ?1 AS source")
        .bind(from.join("roundtrip.db").to_string_lossy().into_owned())
        .execute(&mut db)
        .await
        .expect("attached");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut db)
    .await
    .expect("tables");
    for table in tables {
        // What is computed from others is left to the database.
        let columns: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")
                .bind(&table)
                .fetch_all(&mut db)
                .await
                .expect("columns");
        let columns = columns.join(", ");
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table}"
        )))
        .execute(&mut db)
        .await
        .expect(&table);
    }
    db.close().await.expect("closed");
}

#[tokio::test]
async fn every_shipped_schema_is_upgraded_with_its_data() {
    let current = tempdir().expect("folder");
    fill(current.path()).await;
    let wanted = kept(current.path()).await;
    let newest = MIGRATOR.iter().map(|step| step.version).max().expect("a schema");
    for step in MIGRATOR.iter() {
        let older = tempdir().expect("folder");
        of_version(step.version, current.path(), older.path()).await;
        assert_eq!(kept(older.path()).await, wanted, "from schema {}", step.version);
        assert!(
            !all_bytes(older.path())
                .iter()
                .any(|(name, _)| name.contains("damaged")),
            "schema {} was taken for damage",
            step.version
        );
        let mut db = raw(older.path()).await;
        let found: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut db)
            .await
            .expect("version");
        assert_eq!(found, newest);
    }
}
