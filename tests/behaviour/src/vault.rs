//! Tokens in the real database.

use async_trait::async_trait;
use chrono::TimeDelta;
use roundtrip_engine::ports::Clock;
use roundtrip_http::oauth::{StoredTokens, TokenStatus, TokenVault, VaultError};
use roundtrip_store::{Database, Integration, IntegrationStatus, Provider, TokenSet};
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// The tokens of one account in the store, sealed.
pub struct StoreVault {
    database: Database,
    provider: Provider,
    account: String,
    clock: Arc<dyn Clock>,
    marks: Mutex<Vec<TokenStatus>>,
}

impl StoreVault {
    /// The vault of this account.
    pub fn new(database: Database, provider: Provider, account: String, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            provider,
            account,
            clock,
            marks: Mutex::default(),
        }
    }

    /// Every status it was told, in order: "reconnect" is asked once for each [`TokenStatus::NeedsReauth`].
    pub fn marks(&self) -> Vec<TokenStatus> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn failed(error: impl std::fmt::Display) -> VaultError {
    VaultError {
        reason: error.to_string(),
    }
}

fn status_of(integration: &Integration) -> TokenStatus {
    match integration.status {
        IntegrationStatus::Active | IntegrationStatus::Error => TokenStatus::Active,
        IntegrationStatus::NeedsReauth => TokenStatus::NeedsReauth,
        IntegrationStatus::Revoked => TokenStatus::Revoked,
    }
}

#[async_trait]
impl TokenVault for StoreVault {
    async fn load(&self) -> Result<Option<StoredTokens>, VaultError> {
        let integrations = self.database.integrations();
        let Some(integration) = integrations
            .get(self.provider, &self.account)
            .await
            .map_err(failed)?
        else {
            return Ok(None);
        };
        let Some(tokens) = integrations
            .tokens(self.provider, &self.account)
            .await
            .map_err(failed)?
        else {
            return Ok(None);
        };
        let expires_at = tokens.expires_at.unwrap_or_else(|| self.clock.now());
        Ok(Some(StoredTokens {
            access_token: tokens.access,
            refresh_token: tokens.refresh,
            issued_at: expires_at - TimeDelta::hours(1),
            expires_at,
            scopes: tokens.scopes.into_iter().collect(),
            status: status_of(&integration),
        }))
    }

    async fn save(&self, tokens: &StoredTokens) -> Result<(), VaultError> {
        let scopes: Vec<String> = tokens.scopes.iter().cloned().collect();
        let integration = Integration {
            scopes: scopes.clone(),
            ..Integration::new(self.provider, self.account.clone())
        };
        let set = TokenSet {
            access: tokens.access_token.clone(),
            refresh: tokens.refresh_token.clone(),
            expires_at: Some(tokens.expires_at),
            scopes,
        };
        let integrations = self.database.integrations();
        integrations
            .put_with_tokens(&integration, &set, self.clock.now())
            .await
            .map_err(failed)
    }

    async fn mark(&self, status: TokenStatus) -> Result<(), VaultError> {
        self.marks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(status);
        let status = match status {
            TokenStatus::Active => IntegrationStatus::Active,
            TokenStatus::NeedsReauth => IntegrationStatus::NeedsReauth,
            TokenStatus::Revoked => IntegrationStatus::Revoked,
        };
        let integrations = self.database.integrations();
        integrations
            .update_status(self.provider, &self.account, status, self.clock.now())
            .await
            .map_err(failed)
    }

    async fn refresh_lock(&self) -> Result<Box<dyn Any + Send>, VaultError> {
        Ok(Box::new(
            self.database.refresh_lock(self.provider).await.map_err(failed)?,
        ))
    }
}
