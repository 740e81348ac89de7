//! Tokens of one account: kept in a vault, refreshed before they end, one refresh at a time.

use super::OAuthConfig;
use super::endpoint::{self, TokenFailure, TokenSet};
use crate::port::HttpPort;
use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use roundtrip_core::bug::{self, Bug};
use roundtrip_engine::error_code;
use roundtrip_engine::ports::{Clock, PortError};
use secrecy::{ExposeSecret, SecretString};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::Mutex;

/// What the vault keeps of one account.
#[derive(Clone, Debug)]
pub struct StoredTokens {
    /// Signs requests.
    pub access_token: SecretString,
    /// Gets the next access token.
    pub refresh_token: Option<SecretString>,
    /// When the access token was handed out, by this laptop's clock.
    pub issued_at: DateTime<Utc>,
    /// When it ends, by this laptop's clock.
    pub expires_at: DateTime<Utc>,
    /// What was granted.
    pub scopes: BTreeSet<String>,
    /// Whether they are good for anything.
    pub status: TokenStatus,
}

/// Whether the tokens of an account are good for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// They work, as far as we know.
    Active,
    /// The service no longer takes the refresh token: the trainer must reconnect. No further attempt is made.
    NeedsReauth,
    /// We ended the grant ourselves.
    Revoked,
}

impl From<TokenSet> for StoredTokens {
    fn from(set: TokenSet) -> Self {
        Self {
            access_token: set.access_token,
            refresh_token: set.refresh_token,
            issued_at: set.issued_at,
            expires_at: set.expires_at,
            scopes: set.scopes,
            status: TokenStatus::Active,
        }
    }
}

/// The vault could not be read or written (keychain locked, disk full).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tokens could not be read or kept: {reason}")]
pub struct VaultError {
    /// Stable word, no content.
    pub reason: String,
}

impl From<VaultError> for PortError {
    fn from(error: VaultError) -> Self {
        Self::Rejected {
            reason: format!("vault_{}", crate::answer::code_word(&error.reason)),
        }
    }
}

/// True for what a [`VaultError`] became: the trouble is on this machine, and no service's.
pub(crate) fn is_of_vault(error: &PortError) -> bool {
    matches!(error, PortError::Rejected { reason } if reason.starts_with("vault_"))
}

/// Where the tokens of ONE account are kept, encrypted. The app implements it over its store.
#[async_trait]
pub trait TokenVault: Send + Sync {
    /// What is kept now; `None` if nobody is signed in.
    async fn load(&self) -> Result<Option<StoredTokens>, VaultError>;
    /// Keeps these. When it returns they are durable, also if the power goes: only then are they used, and only then
    /// does a service that rotates refresh tokens end the previous one.
    async fn save(&self, tokens: &StoredTokens) -> Result<(), VaultError>;
    /// Changes the status alone.
    async fn mark(&self, status: TokenStatus) -> Result<(), VaultError>;
    /// Waits until no other process of this data folder refreshes this account. Dropping the value lets the next one in.
    async fn refresh_lock(&self) -> Result<Box<dyn Any + Send>, VaultError>;
}

/// Hands out a fresh access token of one account.
pub struct TokenKeeper {
    config: OAuthConfig,
    http: Arc<dyn HttpPort>,
    clock: Arc<dyn Clock>,
    vault: Arc<dyn TokenVault>,
    /// Held while a refresh is under way, so that all others wait for its result: single flight.
    known: Mutex<Option<Known>>,
    /// What the token endpoint last said instead of a token, so that the log tells it once and not with each try.
    told: StdMutex<Option<String>>,
}

struct Known {
    tokens: StoredTokens,
    refresh_at: DateTime<Utc>,
}

impl TokenKeeper {
    /// A keeper over this vault; it reads the vault at first use.
    pub fn new(
        config: OAuthConfig,
        http: Arc<dyn HttpPort>,
        clock: Arc<dyn Clock>,
        vault: Arc<dyn TokenVault>,
    ) -> Self {
        Self {
            config,
            http,
            clock,
            vault,
            known: Mutex::new(None),
            told: StdMutex::new(None),
        }
    }

    /// Where and as whom this account signs in.
    pub fn config(&self) -> &OAuthConfig {
        &self.config
    }

    /// Keeps the tokens of a sign-in that has just ended and goes on with them.
    pub async fn adopt(&self, tokens: TokenSet) -> Result<(), PortError> {
        let mut known = self.known.lock().await;
        let _lock = self.vault.refresh_lock().await?;
        let tokens = StoredTokens::from(tokens);
        self.vault.save(&tokens).await?;
        *known = Some(self.timed(tokens));
        Ok(())
    }

    /// What was granted.
    pub async fn scopes(&self) -> Result<BTreeSet<String>, PortError> {
        let mut known = self.known.lock().await;
        Ok(self.current(&mut known).await?.tokens.scopes.clone())
    }

    /// A token that is good now, refreshed first if it ends soon.
    pub async fn access_token(&self) -> Result<SecretString, PortError> {
        let mut known = self.known.lock().await;
        let current = self.current(&mut known).await?;
        let now = self.clock.now();
        if now < current.refresh_at {
            return Ok(current.tokens.access_token.clone());
        }
        let still_good = (now < current.tokens.expires_at).then(|| current.tokens.access_token.clone());
        match (self.refresh(&mut known, false).await, still_good) {
            (Ok(token), _) => Ok(token),
            // The token endpoint has trouble, but what we have still works for a while.
            (Err(error), Some(token)) if is_of_endpoint(&error) => Ok(token),
            (Err(error), _) => Err(error),
        }
    }

    /// Another token than `refused`, which the service answered with 401. If a refresh has happened since, its result;
    /// else one refresh.
    pub async fn replace(&self, refused: &SecretString) -> Result<SecretString, PortError> {
        let mut known = self.known.lock().await;
        let current = self.current(&mut known).await?;
        if !same(&current.tokens.access_token, refused) {
            return Ok(current.tokens.access_token.clone());
        }
        self.refresh(&mut known, true).await
    }

    /// Ends the grant at the service and marks the vault. Erasing what is kept is the app's.
    ///
    /// # Errors
    /// [`PortError::NotConnected`] if no tokens are kept: nothing was given back, and the grant may live on. What the service or
    /// the vault says otherwise.
    pub async fn revoke(&self) -> Result<(), PortError> {
        let mut known = self.known.lock().await;
        let _lock = self.vault.refresh_lock().await?;
        let Some(mut tokens) = self.vault.load().await? else {
            let ended = |known: &Known| known.tokens.status == TokenStatus::Revoked;
            let done = known.as_ref().is_some_and(ended);
            return if done {
                Ok(())
            } else {
                Err(PortError::NotConnected)
            };
        };
        let is_live = tokens.status != TokenStatus::Revoked;
        if is_live {
            let token = tokens.refresh_token.as_ref().unwrap_or(&tokens.access_token);
            endpoint::revoke(&self.config, &*self.http, &*self.clock, token).await?;
        }
        // Known before it is marked: should that fail when the tokens are gone, the next try still says what is true.
        tokens.status = TokenStatus::Revoked;
        *known = Some(self.timed(tokens));
        if is_live {
            self.vault.mark(TokenStatus::Revoked).await?;
        }
        Ok(())
    }

    /// What is known, read from the vault if nothing is, or if what is known no longer works: the trainer may have
    /// reconnected in another process.
    async fn current<'a>(&self, known: &'a mut Option<Known>) -> Result<&'a Known, PortError> {
        if known
            .as_ref()
            .is_none_or(|known| known.tokens.status != TokenStatus::Active)
        {
            let tokens = self.vault.load().await?.ok_or(PortError::NotConnected)?;
            *known = Some(self.timed(tokens));
        }
        match known {
            Some(current) => match current.tokens.status {
                TokenStatus::Active => Ok(current),
                TokenStatus::NeedsReauth => Err(PortError::SignInExpired),
                TokenStatus::Revoked => Err(PortError::NotConnected),
            },
            None => Err(PortError::NotConnected),
        }
    }

    /// Refreshes, unless another process already has. `refused`: the access token we know does not work although it
    /// has not ended.
    async fn refresh(&self, known: &mut Option<Known>, refused: bool) -> Result<SecretString, PortError> {
        let _lock = self.vault.refresh_lock().await?;
        let before = known.take();
        let current = self.current(known).await?;
        let changed =
            before.is_none_or(|before| !same(&before.tokens.access_token, &current.tokens.access_token));
        if changed && (refused || self.clock.now() < current.refresh_at) {
            return Ok(current.tokens.access_token.clone());
        }
        let old = &current.tokens;
        let sent = old.refresh_token.clone();
        let Some(refresh_token) = &sent else {
            return self.needs_reauth(known, None).await;
        };
        let answer = endpoint::refresh(
            &self.config,
            &*self.http,
            &*self.clock,
            refresh_token,
            old.scopes.clone(),
        )
        .await;
        match answer {
            Ok(set) => {
                self.tell(None);
                // Where that cannot be said it is kept: a service that rotates takes no older token any more.
                if let Ok(Some(newer)) = self.kept_meanwhile(known, Some(refresh_token)).await {
                    return newer;
                }
                let mut tokens = StoredTokens::from(set);
                if bug::is_on(Bug::RefreshTokenNotStored) {
                    tokens.refresh_token = sent.clone();
                }
                // If this fails the new tokens are forgotten: not having been used, they leave the old ones valid.
                self.vault.save(&tokens).await?;
                let token = tokens.access_token.clone();
                *known = Some(self.timed(tokens));
                Ok(token)
            }
            Err(TokenFailure::InvalidGrant) if bug::is_on(Bug::EndedSignInRetried) => {
                Err(PortError::SignInExpired)
            }
            Err(TokenFailure::InvalidGrant) => self.needs_reauth(known, Some(refresh_token)).await,
            Err(TokenFailure::Port(error)) => {
                match &error {
                    PortError::Rejected { reason } => self.tell(Some(reason)),
                    PortError::BadAnswer { .. } | PortError::ServerTrouble { .. } => {
                        self.tell(Some(error_code(&error)));
                    }
                    // No network, or a wish to wait: nothing that anybody would look for.
                    _ => {}
                }
                Err(error)
            }
        }
    }

    /// Writes down why there is no new token: for whoever waits, all reasons look alike.
    fn tell(&self, code: Option<&str>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_deref() == code {
            return;
        }
        *told = code.map(str::to_owned);
        if let Some(code) = code {
            tracing::warn!(code, "the token endpoint gave no new token");
        }
    }

    async fn needs_reauth(
        &self,
        known: &mut Option<Known>,
        sent: Option<&SecretString>,
    ) -> Result<SecretString, PortError> {
        if let Some(newer) = self.kept_meanwhile(known, sent).await? {
            return newer;
        }
        if let Some(known) = known {
            known.tokens.status = TokenStatus::NeedsReauth;
        }
        self.vault.mark(TokenStatus::NeedsReauth).await?;
        Err(PortError::SignInExpired)
    }

    /// What is to be used instead if the refresh token that was `sent` is not the one that is kept any more: whoever signs in
    /// again does not wait for a refresh to end, and its outcome is about tokens that nobody uses now.
    async fn kept_meanwhile(
        &self,
        known: &mut Option<Known>,
        sent: Option<&SecretString>,
    ) -> Result<Option<Result<SecretString, PortError>>, PortError> {
        let kept = self.vault.load().await?;
        let is_same = kept
            .as_ref()
            .is_some_and(|kept| match (&kept.refresh_token, sent) {
                (Some(kept), Some(sent)) => same(kept, sent),
                (kept, sent) => kept.is_none() && sent.is_none(),
            });
        if is_same {
            return Ok(None);
        }
        *known = kept.map(|tokens| self.timed(tokens));
        let current = self.current(known).await;
        Ok(Some(current.map(|current| current.tokens.access_token.clone())))
    }

    /// Sets the moment of the next refresh: at 80 to 90 % of the lifetime, so that laptops do not all come at once.
    fn timed(&self, tokens: StoredTokens) -> Known {
        let lifetime = (tokens.expires_at - tokens.issued_at).max(Duration::zero());
        let percent = 80 + (self.clock.random() % 11) as i32;
        let refresh_at = tokens.issued_at + lifetime / 100 * percent;
        Known { tokens, refresh_at }
    }
}

/// The token endpoint could not be asked, or gave nothing: that says nothing about the access token we have.
fn is_of_endpoint(error: &PortError) -> bool {
    match error {
        PortError::Unreachable { .. }
        | PortError::WrongCertificate
        | PortError::ServerTrouble { .. }
        | PortError::Throttled { .. }
        | PortError::BadAnswer { .. } => true,
        PortError::Rejected { .. } => !is_of_vault(error),
        _ => false,
    }
}

/// Compares two tokens of our own; no outsider measures this.
fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
