//! Tokens of one account, kept by the store for the connectors.

use super::accounts::issuer_of;
use super::{Host, Running};
use async_trait::async_trait;
use chrono::Duration;
use roundtrip_engine::ledger::Trigger;
use roundtrip_engine::ports::Clock;
use roundtrip_http::oauth::{StoredTokens, TokenStatus, TokenVault, VaultError};
use roundtrip_store::{
    Database, IntegrationError, IntegrationStatus, KeyError, Provider, TokenError, TokenSet,
};
use std::any::Any;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Access tokens of both services live about an hour; the store keeps their end, not their beginning.
const LIFETIME_MINUTES: i64 = 60;

/// Why tokens cannot be read while the key is locked away or gone for now; connectors pass it on as `vault_keychain`.
const NO_KEY: &str = "keychain";
/// As what it comes back from a connector.
pub(super) const KEYCHAIN_PROBLEM: &str = "vault_keychain";

/// A keychain that was not ready is asked again at most this often, unless the trainer asks.
const KEY_ASKED_EVERY: std::time::Duration = std::time::Duration::from_secs(3 * 60);

/// On whose behalf the keychain is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nobody's: a cycle has ended.
    Cycle,
    /// Somebody has unlocked the screen.
    SomebodyIsBack,
    /// The trainer wants to sync now.
    Trainer,
}

/// Whether the keychain is asked once more. One that was not there is asked without anybody noticing; one that is locked may
/// open a dialog, so somebody must be there to see it. Nothing else changes by itself.
fn may_ask(who: Asks, why: &KeyError, since: Option<std::time::Duration>) -> bool {
    let is_due = since.is_none_or(|since| since >= KEY_ASKED_EVERY);
    match (who, why) {
        (Asks::Trainer, _) => true,
        (Asks::Cycle | Asks::SomebodyIsBack, KeyError::Unavailable(_))
        | (Asks::SomebodyIsBack, KeyError::Locked) => is_due,
        (Asks::Cycle | Asks::SomebodyIsBack, _) => false,
    }
}

impl Host {
    /// Asks once more for a key that could not be had, if it is time for that: at log-in the keychain may come later than we do.
    /// Once it is there, what was kept in memory is stored, and a sync follows at once.
    pub async fn ask_for_key(&self, who: Asks) {
        let Ok(Some(why)) = self.database.tokens_are_volatile().await else {
            return;
        };
        let now = self.clock.monotonic();
        {
            let mut asked = self.key_asked.lock().unwrap_or_else(PoisonError::into_inner);
            if !may_ask(who, &why, asked.map(|asked| now.saturating_sub(asked))) {
                return;
            }
            *asked = Some(now);
        }
        if let Err(error) = self.database.retry_key(self.clock.now()).await {
            tracing::info!(%error, "the keychain still cannot be used");
        }
        if let Ok(None) = self.database.tokens_are_volatile().await
            && let Some(running) = self.running().await
        {
            running.engine.ask_for(Trigger::Timer);
        }
    }

    /// "Sync now", from wherever the trainer asks for it.
    pub async fn sync_now(&self, running: &Running) {
        self.ask_for_key(Asks::Trainer).await;
        running.engine.ask_for(Trigger::Manual);
    }
}

/// The vault of one account in the database.
pub struct StoreVault {
    database: Database,
    clock: Arc<dyn Clock>,
    provider: Provider,
    account: String,
    /// The platform it is an account of; none for Google. Another platform may know another trainer by the same id.
    issuer: Option<String>,
    /// What was last said of the key in the audit log, so that it is said once and not at each use.
    said: AtomicU8,
}

/// The key is there, as far as is known.
const KEY_FINE: u8 = 0;
/// It is locked away or gone for now.
const KEY_UNAVAILABLE: u8 = 1;
/// It does not open what is kept.
const KEY_LOST: u8 = 2;

impl StoreVault {
    /// The vault of this account.
    pub fn new(database: Database, clock: Arc<dyn Clock>, provider: Provider, account: String) -> Self {
        Self {
            database,
            clock,
            provider,
            account,
            issuer: None,
            said: AtomicU8::new(KEY_FINE),
        }
    }

    /// Only as long as the account is one at this platform.
    #[must_use]
    pub fn at(self, issuer: Option<String>) -> Self {
        Self { issuer, ..self }
    }

    /// False once a sign-in at another platform has taken the account's place: its tokens are never for this one, nor the
    /// other way round.
    async fn is_of_its_platform(&self) -> Result<bool, VaultError> {
        let integrations = self.database.integrations();
        let account = integrations.get(self.provider, &self.account).await;
        let account = account.map_err(failed)?;
        Ok(account.is_none_or(|account| issuer_of(&account) == self.issuer))
    }

    async fn refuse_another_platform(&self) -> Result<(), VaultError> {
        match self.is_of_its_platform().await? {
            true => Ok(()),
            false => Err(VaultError {
                reason: "another_platform".into(),
            }),
        }
    }

    /// Writes down what became of the key, when that is news.
    async fn say(&self, state: u8, event: &str, reason: Option<&str>) {
        if self.said.swap(state, Ordering::SeqCst) == state {
            return;
        }
        let mut details = serde_json::json!({ "service": self.provider.as_str() });
        if let Some(reason) = reason {
            details["reason"] = reason.into();
        }
        if let Err(error) = self.database.audit(None, event, &details, self.clock.now()).await {
            tracing::warn!(%error, "audit log could not be written");
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
            Ok(Some(tokens)) => {
                if self.said.load(Ordering::SeqCst) != KEY_FINE {
                    self.say(KEY_FINE, "key_available", None).await;
                }
                tokens
            }
            // Kept in memory by an earlier process, or never there: sign in again, nothing else is lost.
            Ok(None) => return Ok(None),
            // The keychain is locked or away: the tokens may be fine, so they are neither given up nor written over.
            Err(IntegrationError::Tokens(TokenError::KeyUnavailable(why))) => {
                self.say(KEY_UNAVAILABLE, "key_unavailable", Some(why.word()))
                    .await;
                return Err(VaultError {
                    reason: NO_KEY.into(),
                });
            }
            // The key is another one, or the bytes were changed: sign in again, nothing else is lost.
            Err(error @ IntegrationError::Tokens(TokenError::Undecryptable)) => {
                tracing::warn!(%error, provider = %self.provider, "stored tokens could not be opened");
                self.say(KEY_LOST, "key_lost", None).await;
                return Ok(None);
            }
            Err(error) => {
                tracing::warn!(%error, provider = %self.provider, "stored tokens could not be read");
                return Err(failed(error));
            }
        };
        // Asked last: it may have been replaced in between.
        if !self.is_of_its_platform().await? {
            return Ok(None);
        }
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
        self.refuse_another_platform().await?;
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
        self.refuse_another_platform().await?;
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
        let integrations = self.database.integrations();
        match status {
            // The service has confirmed it; whoever leaves sees to it that nothing is left on the disk.
            IntegrationStatus::Revoked => {
                integrations
                    .grant_has_ended(self.provider, &self.account, now)
                    .await
            }
            status => {
                integrations
                    .update_status(self.provider, &self.account, status, now)
                    .await
            }
        }
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
    use roundtrip_store::{Integration, Key, KeyError, KeyKind, KeyProvider, KeySource};
    use std::sync::atomic::AtomicBool;

    /// Another key for each name, which can be locked away.
    #[derive(Clone)]
    struct Keychain(u8, Arc<AtomicBool>);

    impl KeyProvider for Keychain {
        fn kind(&self) -> KeyKind {
            KeyKind::Keychain
        }
        fn key(&self, _version: u32) -> Result<Key, KeyError> {
            match self.1.load(Ordering::SeqCst) {
                true => Err(KeyError::Locked),
                false => Ok(Key::new([self.0; 32])),
            }
        }
        fn forget(&self, _version: u32) -> Result<(), KeyError> {
            Ok(())
        }
    }

    async fn open(dir: &std::path::Path, keychain: &Keychain) -> (Database, StoreVault) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let keys = KeySource::with_provider(keychain.clone());
        let database = Database::open(dir, keys, clock.now()).await.expect("a database");
        let vault = StoreVault::new(database.clone(), clock, Provider::Google, "105".into());
        (database, vault)
    }

    /// No keychain, a locked one, or one with a key.
    struct Late(Arc<Mutex<Result<(), KeyError>>>, Arc<AtomicU8>);

    impl KeyProvider for Late {
        fn kind(&self) -> KeyKind {
            KeyKind::Keychain
        }
        fn key(&self, _version: u32) -> Result<Key, KeyError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let now = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            now.map(|()| Key::new([1; 32]))
        }
        fn forget(&self, _version: u32) -> Result<(), KeyError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_keychain_that_comes_late_is_asked_again_and_a_locked_one_once_somebody_is_back() {
        let away = || KeyError::Unavailable("not there".into());
        for (why, asks) in [(away(), Asks::Cycle), (KeyError::Locked, Asks::SomebodyIsBack)] {
            let (mut host, _folder) = crate::host::leaving::tests::connected("late-keychain").await;
            host.stop().await;
            let state = Arc::new(Mutex::new(Err(why.clone())));
            let dir = tempfile::tempdir().expect("a folder");
            let times = Arc::new(AtomicU8::new(0));
            let keys = KeySource::with_provider(Late(Arc::clone(&state), Arc::clone(&times)));
            let opened = Database::open(dir.path(), keys, host.clock.now()).await;
            Arc::get_mut(&mut host).expect("nobody else has it").database = opened.expect("a database");
            let volatile = async || host.database.tokens_are_volatile().await.expect("a database");
            assert_eq!(volatile().await, Some(why.clone()));

            *state.lock().unwrap_or_else(PoisonError::into_inner) = Ok(());
            if why == KeyError::Locked {
                host.ask_for_key(Asks::Cycle).await;
                assert_eq!(volatile().await, Some(why), "nobody is there to see a dialog");
            }
            host.ask_for_key(asks).await;
            assert_eq!(volatile().await, None, "{asks:?}");
            assert_eq!(times.load(Ordering::SeqCst), 2);
            host.close().await;
        }
    }

    #[tokio::test]
    async fn a_keychain_that_stays_away_is_left_alone_for_minutes_but_for_the_trainer() {
        let (mut host, _folder) = crate::host::leaving::tests::connected("no-keychain").await;
        host.stop().await;
        let times = Arc::new(AtomicU8::new(0));
        let dir = tempfile::tempdir().expect("a folder");
        let away = Arc::new(Mutex::new(Err(KeyError::Unavailable("not there".into()))));
        let keys = KeySource::with_provider(Late(away, Arc::clone(&times)));
        let opened = Database::open(dir.path(), keys, host.clock.now()).await;
        Arc::get_mut(&mut host).expect("nobody else has it").database = opened.expect("a database");
        for (asks, so_far) in [
            (Asks::Cycle, 2),
            (Asks::Cycle, 2),
            (Asks::SomebodyIsBack, 2),
            (Asks::Trainer, 3),
            (Asks::Cycle, 3),
        ] {
            host.ask_for_key(asks).await;
            assert_eq!(times.load(Ordering::SeqCst), so_far, "{asks:?}");
        }
        host.close().await;
    }

    #[test]
    fn a_keychain_is_asked_again_every_few_minutes_and_whenever_the_trainer_asks() {
        let away = KeyError::Unavailable("not there".into());
        let (just, long_ago) = (KEY_ASKED_EVERY / 2, KEY_ASKED_EVERY);
        for (why, by_cycle, by_return) in [
            (&away, true, true),
            (&KeyError::Locked, false, true),
            (&KeyError::Malformed, false, false),
            (&KeyError::MemoryOnly, false, false),
        ] {
            for since in [None, Some(long_ago)] {
                assert_eq!(may_ask(Asks::Cycle, why, since), by_cycle, "{why}");
                assert_eq!(may_ask(Asks::SomebodyIsBack, why, since), by_return, "{why}");
            }
            assert!(
                !may_ask(Asks::Cycle, why, Some(just)) && !may_ask(Asks::SomebodyIsBack, why, Some(just))
            );
            assert!(may_ask(Asks::Trainer, why, Some(just)));
        }
    }

    async fn log(database: &Database) -> Vec<String> {
        let entries = database.audit_log(100).await.expect("the log");
        entries.into_iter().rev().map(|entry| entry.event).collect()
    }

    #[tokio::test]
    async fn a_locked_keychain_gives_nothing_up_and_a_lost_key_asks_for_a_new_sign_in() {
        let dir = tempfile::tempdir().expect("a folder");
        let keychain = Keychain(1, Arc::default());
        let (database, _) = open(dir.path(), &keychain).await;
        let tokens = TokenSet {
            access: "access-1".into(),
            refresh: None,
            expires_at: None,
            scopes: Vec::new(),
        };
        let account = Integration::new(Provider::Google, "105");
        let kept = database
            .integrations()
            .put_with_tokens(&account, &tokens, chrono::Utc::now())
            .await;
        assert_eq!(kept, Ok(()));
        database.close().await;

        keychain.1.store(true, Ordering::SeqCst);
        let (database, vault) = open(dir.path(), &keychain).await;
        for _ in 0..3 {
            let refused = vault.load().await.err().map(|error| error.reason);
            assert_eq!(refused.as_deref(), Some("keychain"));
        }
        assert_eq!(log(&database).await, ["key_unavailable"]);
        keychain.1.store(false, Ordering::SeqCst);
        database.retry_key(chrono::Utc::now()).await.expect("asked again");
        for _ in 0..2 {
            assert!(vault.load().await.expect("read").is_some());
        }
        assert_eq!(log(&database).await, ["key_unavailable", "key_available"]);
        database.close().await;

        let (database, vault) = open(dir.path(), &Keychain(2, Arc::default())).await;
        for _ in 0..3 {
            assert!(vault.load().await.expect("nobody is signed in").is_none());
        }
        assert_eq!(
            log(&database).await,
            ["key_unavailable", "key_available", "key_lost"]
        );
        let said = format!("{:?}", database.audit_log(100).await);
        assert!(!said.contains("access-1"), "{said}");
    }
}
