//! What Roundtrip keeps on the laptop.
//!
//! # Key concepts
//! - The [`Database`] is one SQLite file in the data directory. It is reached by one writing connection, whose
//!   transactions begin with `BEGIN IMMEDIATE`, and a few reading ones.
//! - A [`SqliteLedger`] is the engine's [`Ledger`](roundtrip_engine::ledger::Ledger) of one connection. A commit is one
//!   transaction.
//! - An [`Integration`] is a signed-in account; its [`TokenSet`] is stored sealed. The [`Key`] that opens it comes from
//!   a [`KeyProvider`]: the keychain of the system, or an environment variable. Where there is neither, tokens stay in
//!   memory and [`Database::tokens_are_volatile`] says so.
//! - *Retention* deletes what is too old; *recovery* puts a damaged file aside and begins anew (links are rebuilt from
//!   the calendar).
//!
//! # Choices
//! - `synchronous=FULL`: with WAL, `NORMAL` may lose the last commits when the power goes. Nothing would be damaged, but
//!   a write that was recorded as "sent" would be taken for the trainer's own edit, and a refresh token that the service
//!   has already replaced would be lost for good. One flush per commit is cheap beside the request it belongs to.
//! - Statements are static text checked by tests, not by compile-time macros, so a build needs no database and there is
//!   no `.sqlx` directory. Values are always bound.
//! - Deleted content is overwritten (`secure_delete`), and temporary tables stay in memory.
//!
//! # What it must not do
//! No HTTP and no decisions about sync. No token leaves it but as a [`TokenSet`], which cannot be serialised and shows none when it
//! is printed; a [`Key`] cannot be printed at all.
#![forbid(unsafe_code)]

mod boundary;
mod database;
mod directory;
mod encoding;
mod error;
mod integrations;
mod ledger;
mod open;
mod retention;
mod soundness;
mod table;
mod tokens;
mod wipe;

#[cfg(feature = "crash-points")]
pub use boundary::visit_boundaries;
pub use database::Database;
pub use directory::{DirectoryLock, device_id, keep_device_id, open_own, prepare_directory, prepare_inside};
pub use error::OpenError;
pub use integrations::{IntegrationError, Integrations, Rotated};
pub use ledger::SqliteLedger;
pub use retention::Retained;
pub use table::audit_log::AuditEntry;
pub use table::user_integrations::{Integration, IntegrationStatus, Provider};
pub use tokens::key::{EnvKey, Key, KeyError, KeyKind, KeyProvider, KeySource};
pub use tokens::keychain::KeychainKey;
pub use tokens::seal::{TokenError, TokenSet};
pub use wipe::Wiped;
