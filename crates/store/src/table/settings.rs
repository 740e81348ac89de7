//! Settings of the app as a whole, by key.

use crate::encoding::{from_document, to_document};
use crate::error::Stored;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{SqliteConnection, SqliteExecutor};

const WHAT: &str = "settings";

/// Keys of the store itself begin so.
pub(crate) const OWN_PREFIX: &str = "store.";
const PUT_ASIDE: &str = "store.put_aside";
const KEY_VERSION: &str = "store.token_key_version";
const WIPING: &str = "store.wiping";

pub(crate) async fn get<T: DeserializeOwned>(db: impl SqliteExecutor<'_>, key: &str) -> Stored<Option<T>> {
    let document: Option<String> = sqlx::query_scalar("SELECT document FROM settings WHERE key = ?1")
        .bind(key)
        .fetch_optional(db)
        .await?;
    document
        .map(|document| from_document(WHAT, &document))
        .transpose()
}

pub(crate) async fn put<T: Serialize>(db: &mut SqliteConnection, key: &str, value: &T) -> Stored<()> {
    sqlx::query(
        "INSERT INTO settings (key, document) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET document = excluded.document",
    )
    .bind(key)
    .bind(to_document(WHAT, value)?)
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn delete(db: &mut SqliteConnection, key: &str) -> Stored<()> {
    sqlx::query("DELETE FROM settings WHERE key = ?1")
        .bind(key)
        .execute(db)
        .await?;
    Ok(())
}

/// Version of the key with which tokens are sealed now; 1 before the first rotation.
pub(crate) async fn key_version(db: impl SqliteExecutor<'_>) -> Stored<u32> {
    Ok(get(db, KEY_VERSION).await?.unwrap_or(1))
}

pub(crate) async fn put_key_version(db: &mut SqliteConnection, version: u32) -> Stored<()> {
    put(db, KEY_VERSION, &version).await
}

/// The key version of before, as long as the data directory is being emptied and its tables already are.
pub(crate) async fn wiping(db: impl SqliteExecutor<'_>) -> Stored<Option<u32>> {
    get(db, WIPING).await
}

pub(crate) async fn remember_wiping(db: &mut SqliteConnection, key_version: Option<u32>) -> Stored<()> {
    match key_version {
        Some(version) => put(db, WIPING, &version).await,
        None => delete(db, WIPING).await,
    }
}

/// Name of the damaged file whose place this database took, until what it held is rebuilt.
pub(crate) async fn put_aside(db: impl SqliteExecutor<'_>) -> Stored<Option<String>> {
    get(db, PUT_ASIDE).await
}

pub(crate) async fn remember_put_aside(db: &mut SqliteConnection, name: Option<&str>) -> Stored<()> {
    match name {
        Some(name) => put(db, PUT_ASIDE, &name).await,
        None => delete(db, PUT_ASIDE).await,
    }
}
