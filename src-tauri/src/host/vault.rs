//! Tokens of one account, kept by the store for the connectors.

use async_trait::async_trait;
use chrono::Duration;
use roundtrip_engine::ports::Clock;
use roundtrip_http::oauth::{StoredTokens, TokenStatus, TokenVault, VaultError};
use roundtrip_store::{Database, IntegrationError, IntegrationStatus, Provider, TokenError, TokenSet};
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// Access tokens of both services live about an hour; the store keeps their end, not their beginning.
const LIFETIME_MINUTES: i64 = 60;

/// The vault of one account in the database.
pub struct StoreVault {
    database: Database,
    clock: Arc<dyn Clock>,
    provider: Provider,
    account: String,
}

impl StoreVault {
    /// The vault of this account.
    pub fn new(database: Database, clock: Arc<dyn Clock>, provider: Provider, account: String) -> Self {
        Self {
            database,
            clock,
            provider,
            account,
        }
    }
}

/// The tokens of a sign-in as the store keeps them.
pub fn for_store(tokens: &StoredTokens) -> TokenSet {
    TokenSet {
        access: tokens.access_token.clone(),
        refresh: tokens.refresh_token.clone(),
        expires_at: Some(tokens.expires_at),
        scopes: tokens.scopes.iter().cloned().collect(),
    }
}

fn failed(error: impl std::fmt::Display) -> VaultError {
    // The store's errors name no content; they are cut all the same.
    let reason: String = error.to_string().chars().take(120).collect();
    VaultError { reason }
}

#[async_trait]
impl TokenVault for StoreVault {
    async fn load(&self) -> Result<Option<StoredTokens>, VaultError> {
        let integrations = self.database.integrations();
        let Some(account) = integrations
            .get(self.provider, &self.account)
            .await
            .map_err(failed)?
        else {
            return Ok(None);
        };
        let status = match account.status {
            IntegrationStatus::Active | IntegrationStatus::Error => TokenStatus::Active,
            IntegrationStatus::NeedsReauth => TokenStatus::NeedsReauth,
            IntegrationStatus::Revoked => TokenStatus::Revoked,
        };
        let tokens = match integrations.tokens(self.provider, &self.account).await {
            Ok(Some(tokens)) => tokens,
            // Kept in memory by an earlier process, or never there: sign in again, nothing else is lost.
            Ok(None) => return Ok(None),
            // The keychain is locked or away: the tokens may be fine, so they are neither given up nor written over.
            Err(IntegrationError::Tokens(error @ TokenError::KeyUnavailable(_))) => {
                return Err(failed(error));
            }
            Err(error) => {
                tracing::warn!(%error, provider = %self.provider, "stored tokens could not be opened");
                return Ok(None);
            }
        };
        let expires_at = tokens.expires_at.unwrap_or_else(|| self.clock.now());
        Ok(Some(StoredTokens {
            access_token: tokens.access,
            refresh_token: tokens.refresh,
            issued_at: expires_at - Duration::minutes(LIFETIME_MINUTES),
            expires_at,
            scopes: tokens.scopes.into_iter().collect(),
            status,
        }))
    }

    async fn save(&self, tokens: &StoredTokens) -> Result<(), VaultError> {
        let now = self.clock.now();
        let integrations = self.database.integrations();
        integrations
            .put_tokens(self.provider, &self.account, &for_store(tokens), now)
            .await
            .map_err(failed)?;
        if tokens.status == TokenStatus::Active {
            integrations
                .update_status(self.provider, &self.account, IntegrationStatus::Active, now)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    async fn mark(&self, status: TokenStatus) -> Result<(), VaultError> {
        let now = self.clock.now();
        let (status, event) = match status {
            TokenStatus::Active => (IntegrationStatus::Active, "sign_in"),
            TokenStatus::NeedsReauth => (IntegrationStatus::NeedsReauth, "refresh_failed"),
            TokenStatus::Revoked => (IntegrationStatus::Revoked, "revoke"),
        };
        let details = serde_json::json!({ "service": self.provider.as_str() });
        self.database
            .audit(None, event, &details, now)
            .await
            .map_err(failed)?;
        self.database
            .integrations()
            .update_status(self.provider, &self.account, status, now)
            .await
            .map_err(failed)
    }

    async fn refresh_lock(&self) -> Result<Box<dyn Any + Send>, VaultError> {
        let lock = self.database.refresh_lock(self.provider).await.map_err(failed)?;
        Ok(Box::new(lock))
    }
}

/// Tokens of a sign-in whose account is not known yet: asking the platform "who am I" needs them.
#[derive(Default)]
pub struct PassingVault {
    tokens: Mutex<Option<StoredTokens>>,
}

impl PassingVault {
    /// Holds these.
    pub fn holding(tokens: StoredTokens) -> Self {
        Self {
            tokens: Mutex::new(Some(tokens)),
        }
    }
    /// What it holds now (a refresh may have replaced it).
    pub fn take(&self) -> Option<StoredTokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl TokenVault for PassingVault {
    async fn load(&self) -> Result<Option<StoredTokens>, VaultError> {
        Ok(self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
    async fn save(&self, tokens: &StoredTokens) -> Result<(), VaultError> {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens.clone());
        Ok(())
    }
    async fn mark(&self, status: TokenStatus) -> Result<(), VaultError> {
        if let Some(tokens) = self
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            tokens.status = status;
        }
        Ok(())
    }
    async fn refresh_lock(&self) -> Result<Box<dyn Any + Send>, VaultError> {
        Ok(Box::new(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::clock::SystemClock;
    use roundtrip_store::{EnvKey, Integration, Key, KeyError, KeyKind, KeyProvider, KeySource};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A keychain that a person can lock.
    struct Lockable(Arc<AtomicBool>, EnvKey);

    impl KeyProvider for Lockable {
        fn kind(&self) -> KeyKind {
            KeyKind::Keychain
        }
        fn key(&self, version: u32) -> Result<Key, KeyError> {
            if self.0.load(Ordering::Relaxed) {
                Err(KeyError::Locked)
            } else {
                self.1.key(version)
            }
        }
        fn forget(&self, version: u32) -> Result<(), KeyError> {
            self.1.forget(version)
        }
    }

    #[tokio::test]
    async fn a_locked_keychain_is_trouble_and_no_sign_out() {
        let folder = std::env::temp_dir().join(format!("roundtrip-locked-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let locked = Arc::new(AtomicBool::new(false));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let open = || async {
            let provider = Lockable(locked.clone(), EnvKey::fixed(Key::new([7; 32])));
            let keys = KeySource::with_provider(provider);
            Database::open(&folder, keys, clock.now())
                .await
                .expect("a database")
        };
        let vault = |database: &Database| {
            StoreVault::new(database.clone(), clock.clone(), Provider::Google, "kim".into())
        };
        let database = open().await;
        let account = Integration::new(Provider::Google, "kim");
        let kept = database.integrations().put(&account, clock.now()).await;
        kept.expect("the account is kept");
        let tokens = StoredTokens {
            access_token: "ya29.test".to_owned().into(),
            refresh_token: None,
            issued_at: clock.now(),
            expires_at: clock.now() + Duration::hours(1),
            scopes: std::collections::BTreeSet::new(),
            status: TokenStatus::Active,
        };
        vault(&database).save(&tokens).await.expect("tokens are kept");
        database.close().await;

        // The laptop is started again, and the keychain is locked.
        locked.store(true, Ordering::Relaxed);
        let database = open().await;
        assert!(vault(&database).load().await.is_err(), "the tokens may be fine");
        let account = database.integrations().get(Provider::Google, "kim").await;
        let account = account.expect("the database works").expect("the account");
        assert_eq!(account.status, IntegrationStatus::Active);

        // Unlocked, and started once more.
        database.close().await;
        locked.store(false, Ordering::Relaxed);
        let database = open().await;
        let found = vault(&database).load().await.expect("it opens");
        assert!(found.is_some(), "nothing was given up");
        database.close().await;
        let _ = std::fs::remove_dir_all(&folder);
    }
}
