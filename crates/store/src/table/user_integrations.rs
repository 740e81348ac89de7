//! Signed-in accounts. Tokens are sealed before they come here.

use crate::encoding::{from_document, instant, micros, to_document};
use crate::error::Stored;
use chrono::{DateTime, Utc};
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::ledger::LedgerError;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqliteExecutor};
use std::fmt;

const WHAT: &str = "user_integrations";

/// A service that one signs in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The booking platform.
    Platform,
    /// Google Calendar.
    Google,
}

impl Provider {
    /// Stable word, as in a [`ConnectionId`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Google => "google",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Platform, Self::Google]
            .into_iter()
            .find(|provider| provider.as_str() == word)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a sign-in stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// It works.
    Active,
    /// The trainer has to sign in again.
    NeedsReauth,
    /// The service has answered with errors; it is tried again.
    Error,
    /// Revoked; tokens are gone.
    Revoked,
}

impl IntegrationStatus {
    /// Stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NeedsReauth => "needs_reauth",
            Self::Error => "error",
            Self::Revoked => "revoked",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::NeedsReauth, Self::Error, Self::Revoked]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A signed-in account at one service, without its tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// Which service.
    pub provider: Provider,
    /// The account's stable id there: `sub` at Google, the trainer's id at the platform.
    pub account_id: String,
    /// Its e-mail address, to be shown.
    pub email: Option<String>,
    /// Its name, to be shown.
    pub display_name: Option<String>,
    /// Rights that were really granted.
    pub scopes: Vec<String>,
    /// How it stands.
    pub status: IntegrationStatus,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Errors in a row since it last worked.
    pub error_count: u32,
    /// What else belongs to it: address and name of the platform, id of the calendar.
    pub extra: serde_json::Value,
}

impl Integration {
    /// A working sign-in with nothing else known.
    pub fn new(provider: Provider, account_id: impl Into<String>) -> Self {
        Self {
            provider,
            account_id: account_id.into(),
            email: None,
            display_name: None,
            scopes: Vec::new(),
            status: IntegrationStatus::Active,
            revoked_at: None,
            error_count: 0,
            extra: serde_json::Value::Object(serde_json::Map::new()),
        }
    }

    /// The connection of this account: provider and account id.
    pub fn connection(&self) -> ConnectionId {
        ConnectionId::new(format!("{}:{}", self.provider, self.account_id))
    }
}

/// Tokens as they lie in the row.
pub(crate) struct Sealed {
    pub(crate) provider: Provider,
    pub(crate) account_id: String,
    pub(crate) key_version: u32,
    pub(crate) tokens: Vec<u8>,
}

fn unreadable(column: &str) -> LedgerError {
    LedgerError::Unreadable(format!("{WHAT} ({column})"))
}

fn integration(row: &SqliteRow) -> Stored<Integration> {
    let revoked_at = row.try_get::<Option<i64>, _>("revoked_at_us")?;
    Ok(Integration {
        provider: Provider::from_word(row.try_get("provider")?).ok_or_else(|| unreadable("provider"))?,
        account_id: row.try_get("account_id")?,
        email: row.try_get("email")?,
        display_name: row.try_get("display_name")?,
        scopes: from_document(WHAT, row.try_get("scopes")?)?,
        status: IntegrationStatus::from_word(row.try_get("status")?).ok_or_else(|| unreadable("status"))?,
        revoked_at: revoked_at
            .map(|at| instant(at).ok_or_else(|| unreadable("revoked_at_us")))
            .transpose()?,
        error_count: row.try_get("error_count")?,
        extra: from_document(WHAT, row.try_get("extra")?)?,
    })
}

fn sealed(row: &SqliteRow) -> Stored<Sealed> {
    Ok(Sealed {
        provider: Provider::from_word(row.try_get("provider")?).ok_or_else(|| unreadable("provider"))?,
        account_id: row.try_get("account_id")?,
        key_version: row.try_get("key_version")?,
        tokens: row.try_get("tokens")?,
    })
}

pub(crate) async fn list(db: impl SqliteExecutor<'_>) -> Stored<Vec<Integration>> {
    sqlx::query(
        "SELECT provider, account_id, email, display_name, scopes, status, revoked_at_us, error_count, extra
         FROM user_integrations ORDER BY created_at_us, provider, account_id",
    )
    .fetch_all(db)
    .await?
    .iter()
    .map(integration)
    .collect()
}

pub(crate) async fn get(
    db: impl SqliteExecutor<'_>,
    provider: Provider,
    account_id: &str,
) -> Stored<Option<Integration>> {
    let row = sqlx::query(
        "SELECT provider, account_id, email, display_name, scopes, status, revoked_at_us, error_count, extra
         FROM user_integrations WHERE provider = ?1 AND account_id = ?2",
    )
    .bind(provider.as_str())
    .bind(account_id)
    .fetch_optional(db)
    .await?;
    row.as_ref().map(integration).transpose()
}

/// Writes everything but the tokens.
pub(crate) async fn put(
    db: &mut SqliteConnection,
    integration: &Integration,
    now: DateTime<Utc>,
) -> Stored<()> {
    sqlx::query(
        "INSERT INTO user_integrations (provider, account_id, email, display_name, scopes, status, revoked_at_us,
            error_count, extra, created_at_us, updated_at_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)
         ON CONFLICT (provider, account_id) DO UPDATE SET
            email = excluded.email, display_name = excluded.display_name, scopes = excluded.scopes,
            status = excluded.status, revoked_at_us = excluded.revoked_at_us, error_count = excluded.error_count,
            extra = excluded.extra, updated_at_us = excluded.updated_at_us",
    )
    .bind(integration.provider.as_str())
    .bind(&integration.account_id)
    .bind(&integration.email)
    .bind(&integration.display_name)
    .bind(to_document(WHAT, &integration.scopes)?)
    .bind(integration.status.as_str())
    .bind(integration.revoked_at.map(micros))
    .bind(integration.error_count)
    .bind(to_document(WHAT, &integration.extra)?)
    .bind(micros(now))
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what else belongs to an account that is there.
pub(crate) async fn put_extra(
    db: &mut SqliteConnection,
    provider: Provider,
    account_id: &str,
    extra: &serde_json::Value,
    now: DateTime<Utc>,
) -> Stored<()> {
    sqlx::query(
        "UPDATE user_integrations SET extra = ?3, updated_at_us = ?4 WHERE provider = ?1 AND account_id = ?2",
    )
    .bind(provider.as_str())
    .bind(account_id)
    .bind(to_document(WHAT, extra)?)
    .bind(micros(now))
    .execute(db)
    .await?;
    Ok(())
}

/// Writes the status with what follows from it. Answers whether there is such an account.
pub(crate) async fn put_status(
    db: &mut SqliteConnection,
    provider: Provider,
    account_id: &str,
    status: IntegrationStatus,
    now: DateTime<Utc>,
) -> Stored<bool> {
    let done = sqlx::query(
        "UPDATE user_integrations SET
            status = ?3,
            updated_at_us = ?4,
            error_count = CASE ?3 WHEN 'active' THEN 0 WHEN 'error' THEN error_count + 1 ELSE error_count END,
            revoked_at_us = CASE ?3 WHEN 'active' THEN NULL WHEN 'revoked' THEN ?4 ELSE revoked_at_us END,
            tokens = CASE ?3 WHEN 'revoked' THEN NULL ELSE tokens END,
            key_version = CASE ?3 WHEN 'revoked' THEN NULL ELSE key_version END
         WHERE provider = ?1 AND account_id = ?2",
    )
    .bind(provider.as_str())
    .bind(account_id)
    .bind(status.as_str())
    .bind(micros(now))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn delete(db: &mut SqliteConnection, provider: Provider, account_id: &str) -> Stored<bool> {
    let done = sqlx::query("DELETE FROM user_integrations WHERE provider = ?1 AND account_id = ?2")
        .bind(provider.as_str())
        .bind(account_id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes every account of a service but this one. Answers whether there were any.
pub(crate) async fn delete_others(
    db: &mut SqliteConnection,
    provider: Provider,
    account_id: &str,
) -> Stored<bool> {
    let done = sqlx::query("DELETE FROM user_integrations WHERE provider = ?1 AND account_id <> ?2")
        .bind(provider.as_str())
        .bind(account_id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes the account behind a connection.
pub(crate) async fn forget(db: &mut SqliteConnection, connection: &ConnectionId) -> Stored<()> {
    sqlx::query("DELETE FROM user_integrations WHERE provider || ':' || account_id = ?1")
        .bind(connection.as_str())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn tokens(
    db: impl SqliteExecutor<'_>,
    provider: Provider,
    account_id: &str,
) -> Stored<Option<Sealed>> {
    let row = sqlx::query(
        "SELECT provider, account_id, key_version, tokens FROM user_integrations
         WHERE provider = ?1 AND account_id = ?2 AND tokens IS NOT NULL",
    )
    .bind(provider.as_str())
    .bind(account_id)
    .fetch_optional(db)
    .await?;
    row.as_ref().map(sealed).transpose()
}

pub(crate) async fn all_tokens(db: impl SqliteExecutor<'_>) -> Stored<Vec<Sealed>> {
    sqlx::query(
        "SELECT provider, account_id, key_version, tokens FROM user_integrations WHERE tokens IS NOT NULL",
    )
    .fetch_all(db)
    .await?
    .iter()
    .map(sealed)
    .collect()
}

/// Writes sealed tokens with the version of their key, or takes them away. Answers whether there is such an account.
pub(crate) async fn put_tokens(
    db: &mut SqliteConnection,
    provider: Provider,
    account_id: &str,
    sealed: Option<(u32, &[u8])>,
    now: DateTime<Utc>,
) -> Stored<bool> {
    let done = sqlx::query(
        "UPDATE user_integrations SET key_version = ?3, tokens = ?4, updated_at_us = ?5
         WHERE provider = ?1 AND account_id = ?2",
    )
    .bind(provider.as_str())
    .bind(account_id)
    .bind(sealed.map(|(version, _)| version))
    .bind(sealed.map(|(_, tokens)| tokens))
    .bind(micros(now))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
