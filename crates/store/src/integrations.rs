//! Signed-in accounts and their tokens.

use crate::database::{Database, commit};
use crate::error::Fault;
use crate::table::user_integrations::{self as rows, Integration, IntegrationStatus, Provider, Sealed};
use crate::table::{audit_log, settings};
use crate::tokens::key::{Key, KeyError, KeyKind, KeyProvider};
use crate::tokens::seal::{Place, TokenError, TokenSet, open, seal};
use crate::tokens::vault::{State, fetch};
use chrono::{DateTime, Utc};
use roundtrip_core::ids::ConnectionId;
use roundtrip_engine::ledger::LedgerError;
use std::collections::HashMap;
use std::sync::Arc;

/// An account or its tokens could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntegrationError {
    /// The database.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The tokens.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// There is no such account; it was deleted in the meantime.
    #[error("there is no such account")]
    NoSuchAccount,
}

impl From<Fault> for IntegrationError {
    fn from(fault: Fault) -> Self {
        Self::Ledger(fault.0)
    }
}

impl From<KeyError> for IntegrationError {
    fn from(error: KeyError) -> Self {
        Self::Tokens(error.into())
    }
}

/// What a rotation of the key did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Accounts whose tokens are sealed with the new key now.
    pub sealed: u32,
    /// Accounts whose tokens the old key did not open: they need to sign in again.
    pub lost: u32,
    /// What the old key had sealed is overwritten on the disk. If not, another process was reading; it goes when the file is
    /// closed, and the audit log says so.
    pub erased: bool,
}

/// The accounts of one database.
#[derive(Clone, Debug)]
pub struct Integrations {
    database: Database,
}

impl Integrations {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// All accounts, in the order in which they were first signed in.
    pub async fn list(&self) -> Result<Vec<Integration>, LedgerError> {
        Ok(rows::list(self.database.readers()).await?)
    }

    /// One account.
    pub async fn get(
        &self,
        provider: Provider,
        account_id: &str,
    ) -> Result<Option<Integration>, LedgerError> {
        Ok(rows::get(self.database.readers(), provider, account_id).await?)
    }

    /// Writes an account. Its tokens stay as they are.
    pub async fn put(&self, integration: &Integration, now: DateTime<Utc>) -> Result<(), LedgerError> {
        let mut tx = self.database.begin().await?;
        rows::put(&mut tx, integration, now).await?;
        Ok(commit(tx).await?)
    }

    /// Writes what else belongs to an account, and nothing beside it, if it is still there as it was seen. Between a look and this
    /// the trainer may have signed in with another account, which ends this one, or to another platform. Answers whether it was
    /// written.
    ///
    /// # Errors
    /// The database's.
    pub async fn replace_extra(
        &self,
        seen: &Integration,
        extra: &serde_json::Value,
        now: DateTime<Utc>,
    ) -> Result<bool, LedgerError> {
        let (provider, account_id) = (seen.provider, seen.account_id.as_str());
        let mut tx = self.database.begin().await?;
        let is_as_seen = rows::get(&mut *tx, provider, account_id)
            .await?
            .is_some_and(|known| known.extra == seen.extra);
        if is_as_seen {
            rows::put_extra(&mut tx, provider, account_id, extra, now).await?;
            commit(tx).await?;
        }
        Ok(is_as_seen)
    }

    /// Writes an account and its tokens at once: the end of a sign-in. It is the only account of its service from then on: the
    /// others go in the same transaction, and their tokens are erased. Were they to go after it, a crash in between would leave a
    /// hidden one, which a later disconnect brings back. What the ledger holds about their connections stays.
    pub async fn put_with_tokens(
        &self,
        integration: &Integration,
        tokens: &TokenSet,
        now: DateTime<Utc>,
    ) -> Result<(), IntegrationError> {
        let mut vault = self.database.vault().lock().await;
        let account = (integration.provider, integration.account_id.as_str());
        self.store(&mut vault, account, Some(integration), tokens, now)
            .await
    }

    /// Replaces the tokens of an account: the end of a refresh. The old ones stay until the new ones are on the disk.
    pub async fn put_tokens(
        &self,
        provider: Provider,
        account_id: &str,
        tokens: &TokenSet,
        now: DateTime<Utc>,
    ) -> Result<(), IntegrationError> {
        let mut vault = self.database.vault().lock().await;
        self.store(&mut vault, (provider, account_id), None, tokens, now)
            .await
    }

    /// The tokens of an account; `None` if it has none. They are read anew each time, as another process may have
    /// refreshed them.
    pub async fn tokens(
        &self,
        provider: Provider,
        account_id: &str,
    ) -> Result<Option<TokenSet>, IntegrationError> {
        let mut vault = self.database.vault().lock().await;
        if let Some(tokens) = vault.volatile.get(&(provider, account_id.to_owned())) {
            return Ok(Some(tokens.clone()));
        }
        let mut tried = None;
        loop {
            let Some(sealed) = rows::tokens(self.database.readers(), provider, account_id).await? else {
                return Ok(None);
            };
            let key = vault.key(sealed.key_version).await?;
            match open_row(&key, &sealed) {
                Ok(tokens) => return Ok(Some(tokens)),
                // Another process may have rotated the key between our two looks; a second failure with the same key
                // is one.
                Err(_) if tried != Some(sealed.key_version) => tried = Some(sealed.key_version),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes how a sign-in stands. `Error` counts one more error, `Active` clears the count, `Revoked` erases the tokens.
    ///
    /// # Errors
    /// The database's; for `Revoked` also [`LedgerError::Unavailable`] if another process was reading and the sealed tokens, which
    /// are in no row any more, still lie on the disk. It can be asked for again.
    pub async fn update_status(
        &self,
        provider: Provider,
        account_id: &str,
        status: IntegrationStatus,
        now: DateTime<Utc>,
    ) -> Result<(), IntegrationError> {
        Ok(self.write_status(provider, account_id, status, now).await??)
    }

    /// As [`Self::update_status`] with `Revoked`, for a grant that the service has ended: that stays true whatever becomes of the
    /// bytes on the disk. Those that cannot be overwritten now go with what is old.
    ///
    /// # Errors
    /// If it could not be written down.
    pub async fn grant_has_ended(
        &self,
        provider: Provider,
        account_id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), IntegrationError> {
        let status = IntegrationStatus::Revoked;
        if let Err(error) = self.write_status(provider, account_id, status, now).await? {
            tracing::warn!(%error, "tokens of an ended grant still lie in the log of the database");
        }
        Ok(())
    }

    /// Answers whether it is on the disk, and then whether what it erases is gone from there.
    async fn write_status(
        &self,
        provider: Provider,
        account_id: &str,
        status: IntegrationStatus,
        now: DateTime<Utc>,
    ) -> Result<Result<(), LedgerError>, IntegrationError> {
        let mut vault = self.database.vault().lock().await;
        let mut tx = self.database.begin().await?;
        if !rows::put_status(&mut tx, provider, account_id, status, now).await? {
            return Err(IntegrationError::NoSuchAccount);
        }
        commit(tx).await?;
        if status != IntegrationStatus::Revoked {
            return Ok(Ok(()));
        }
        vault.volatile.remove(&(provider, account_id.to_owned()));
        Ok(self.database.erase().await.map_err(LedgerError::from))
    }

    /// Deletes an account and erases its tokens. What the ledger holds about its connection stays. Answers whether there
    /// was such an account.
    ///
    /// # Errors
    /// The database's; [`LedgerError::Unavailable`] also if the account is deleted, but another process was reading and the sealed
    /// tokens still lie on the disk. An account without tokens (`Revoked` erased them) has none to be told of.
    pub async fn delete(&self, provider: Provider, account_id: &str) -> Result<bool, LedgerError> {
        let mut vault = self.database.vault().lock().await;
        let mut tx = self.database.begin().await?;
        let had_tokens = rows::tokens(&mut *tx, provider, account_id).await?.is_some();
        let found = rows::delete(&mut tx, provider, account_id).await?;
        commit(tx).await?;
        vault.volatile.remove(&(provider, account_id.to_owned()));
        match self.database.erase().await {
            Err(error) if had_tokens => Err(error.into()),
            Err(error) => {
                tracing::warn!(error = %LedgerError::from(error), "what was deleted still lies in the log of the database");
                Ok(found)
            }
            Ok(()) => Ok(found),
        }
    }

    pub(crate) async fn forget_volatile(&self, connection: &ConnectionId) {
        let mut vault = self.database.vault().lock().await;
        vault
            .volatile
            .retain(|(provider, account_id), _| format!("{provider}:{account_id}") != connection.as_str());
    }

    async fn store(
        &self,
        vault: &mut State,
        (provider, account_id): (Provider, &str),
        integration: Option<&Integration>,
        tokens: &TokenSet,
        now: DateTime<Utc>,
    ) -> Result<(), IntegrationError> {
        loop {
            // The key comes before the transaction: a keychain may have to ask its person.
            let key_version = settings::key_version(self.database.readers()).await?;
            let key = vault.key(key_version).await;
            let mut tx = self.database.begin().await?;
            if settings::key_version(&mut *tx).await? != key_version {
                continue; // rotated by another process in between
            }
            let mut replaced = false;
            if let Some(integration) = integration {
                rows::put(&mut tx, integration, now).await?;
                replaced = rows::delete_others(&mut tx, provider, account_id).await?;
            }
            let sealed = match &key {
                Ok(key) => Some(seal(
                    key,
                    Place {
                        provider,
                        account_id,
                        key_version,
                    },
                    tokens,
                )?),
                // Without a key, older tokens on the disk are spent or soon will be: none are better than those.
                Err(_) => None,
            };
            if let Err(why) = &key
                && !vault.volatile.contains_key(&(provider, account_id.to_owned()))
            {
                let details = serde_json::json!({ "service": provider.as_str(), "reason": why.word() });
                audit_log::append(&mut tx, None, "key_unavailable", &details, now).await?;
            }
            let columns = sealed.as_deref().map(|sealed| (key_version, sealed));
            if !rows::put_tokens(&mut tx, provider, account_id, columns, now).await? {
                return Err(IntegrationError::NoSuchAccount);
            }
            commit(tx).await?;
            let account = (provider, account_id.to_owned());
            match sealed {
                Some(_) => vault.volatile.remove(&account),
                None => vault.volatile.insert(account, tokens.clone()),
            };
            if integration.is_some() {
                vault
                    .volatile
                    .retain(|(service, id), _| *service != provider || id == account_id);
            }
            // Nothing is undone by bytes that still lie there: they go with what is old.
            if replaced && let Err(error) = self.database.erase().await {
                tracing::warn!(error = %LedgerError::from(error), "tokens of the account before still lie in the log of the database");
            }
            return Ok(());
        }
    }
}

fn open_row(key: &Key, sealed: &Sealed) -> Result<TokenSet, TokenError> {
    let place = Place {
        provider: sealed.provider,
        account_id: &sealed.account_id,
        key_version: sealed.key_version,
    };
    open(key, place, &sealed.tokens)
}

impl Database {
    /// Where the key comes from. Asks for it, if that was not done yet, so it may wait for a person to unlock the keychain.
    pub async fn key_kind(&self) -> Result<KeyKind, LedgerError> {
        let key_version = settings::key_version(self.readers()).await?;
        Ok(self.vault().lock().await.kind(key_version).await.0)
    }

    /// Why tokens are kept in memory only and will be gone when the process ends; `None` if they are stored. Asks for the
    /// key, if that was not done yet.
    pub async fn tokens_are_volatile(&self) -> Result<Option<KeyError>, LedgerError> {
        let key_version = settings::key_version(self.readers()).await?;
        Ok(self.vault().lock().await.kind(key_version).await.1)
    }

    /// As [`Self::tokens_are_volatile`], as far as it is known already: asks for nothing and waits for nobody.
    pub fn tokens_known_volatile(&self) -> Option<KeyError> {
        self.vault().known()
    }

    /// Asks again for a key that could not be had, at the trainer's wish ("Try again"). If it is there now, tokens that were
    /// kept in memory are stored.
    pub async fn retry_key(&self, now: DateTime<Utc>) -> Result<KeyKind, IntegrationError> {
        let key_version = settings::key_version(self.readers()).await?;
        let mut vault = self.vault().lock().await;
        vault.ask_again();
        let (kind, why) = vault.kind(key_version).await;
        if why.is_none() {
            let accounts = self.integrations();
            if !vault.volatile.is_empty() {
                let accounts = vault.volatile.len();
                self.audit(
                    None,
                    "key_available",
                    &serde_json::json!({ "sealed": accounts }),
                    now,
                )
                .await?;
            }
            for ((provider, account_id), tokens) in vault.volatile.clone() {
                match accounts
                    .store(&mut vault, (provider, &account_id), None, &tokens, now)
                    .await
                {
                    Ok(()) => {}
                    Err(IntegrationError::NoSuchAccount) => {
                        vault.volatile.remove(&(provider, account_id));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(kind)
    }

    /// Seals all tokens with a new key: the next version of the keychain's (pass another [`crate::KeychainKey`] of the same
    /// data directory), or a new value of the environment variable. The old key is forgotten only after the new one holds
    /// everything; a crash in between leaves all tokens readable. Until the environment variable is changed too, the app
    /// must not be started again.
    pub async fn rotate_key(
        &self,
        next: impl KeyProvider + 'static,
        now: DateTime<Utc>,
    ) -> Result<Rotated, IntegrationError> {
        let next: Arc<dyn KeyProvider> = Arc::new(next);
        let mut vault = self.vault().lock().await;
        let old_version = settings::key_version(self.readers()).await?;
        vault.key(old_version).await?;
        let old_provider = vault.provider();
        let new_version = old_version + 1;
        let new_key = fetch(next.clone(), new_version).await?;

        let mut keys: HashMap<u32, Key> = HashMap::new();
        for sealed in rows::all_tokens(self.readers()).await? {
            keys.insert(sealed.key_version, vault.key(sealed.key_version).await?);
        }
        let mut rotated = Rotated::default();
        let mut tx = self.begin().await?;
        if settings::key_version(&mut *tx).await? != old_version {
            return Err(
                LedgerError::Unavailable("the key is being rotated by another process".into()).into(),
            );
        }
        for sealed in rows::all_tokens(&mut *tx).await? {
            let Sealed {
                provider,
                account_id,
                key_version,
                ..
            } = &sealed;
            let opened = keys.get(key_version).and_then(|key| open_row(key, &sealed).ok());
            match opened {
                Some(tokens) => {
                    let place = Place {
                        provider: *provider,
                        account_id,
                        key_version: new_version,
                    };
                    let resealed = seal(&new_key, place, &tokens)?;
                    rows::put_tokens(
                        &mut tx,
                        *provider,
                        account_id,
                        Some((new_version, &resealed)),
                        now,
                    )
                    .await?;
                    rotated.sealed += 1;
                }
                None => {
                    rows::put_tokens(&mut tx, *provider, account_id, None, now).await?;
                    rows::put_status(
                        &mut tx,
                        *provider,
                        account_id,
                        IntegrationStatus::NeedsReauth,
                        now,
                    )
                    .await?;
                    rotated.lost += 1;
                }
            }
        }
        settings::put_key_version(&mut tx, new_version).await?;
        let details = serde_json::json!({
            "version": new_version, "sealed": rotated.sealed, "lost": rotated.lost,
        });
        audit_log::append(&mut tx, None, "key_rotated", &details, now).await?;
        commit(tx).await?;
        vault.replace(next, new_version, new_key);
        // The new key is in force: nothing from here on may look as if it were not. Without the old key nobody opens what may
        // still lie on the disk.
        match self.erase().await {
            Ok(()) => rotated.erased = true,
            Err(error) => {
                tracing::warn!(error = %LedgerError::from(error), "what the old key had sealed still lies in the log of the database");
                let details = serde_json::json!({ "version": old_version });
                if let Err(error) = self.audit(None, "not_erased", &details, now).await {
                    tracing::warn!(%error, "audit log could not be written");
                }
            }
        }
        if let Some(old_provider) = old_provider {
            let forgotten = tokio::task::spawn_blocking(move || old_provider.forget(old_version)).await;
            if !matches!(forgotten, Ok(Ok(()))) {
                tracing::warn!("the old key could not be removed from where it is kept");
            }
        }
        Ok(rotated)
    }
}
