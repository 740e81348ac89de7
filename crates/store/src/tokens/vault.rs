//! The keys in use, and the tokens that live in memory only.

use super::key::{Key, KeyError, KeyKind, KeyProvider, KeySource};
use super::seal::TokenSet;
use crate::table::user_integrations::Provider;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use tokio::sync::Mutex;

/// Which account.
pub(crate) type Account = (Provider, String);

/// One per open database. Its lock is held while a key is fetched, so that a keychain asks its person only once.
pub(crate) struct Vault {
    state: Mutex<State>,
    known: Known,
}

/// Why there was no key when it was last asked for; none if there was one, or nobody has asked yet. Beside the lock, so that
/// whoever only shows it does not wait while a person unlocks a keychain.
type Known = Arc<std::sync::Mutex<Option<KeyError>>>;

pub(crate) struct State {
    source: KeySource,
    outcome: Outcome,
    known: Known,
    keys: HashMap<u32, Key>,
    /// What was last said of a key that could not be had: it is asked for again and again, and said once.
    said: Option<KeyError>,
    /// Tokens that could not be stored because there is no key.
    pub(crate) volatile: HashMap<Account, TokenSet>,
}

/// What came of asking for the key.
enum Outcome {
    NotAsked,
    Found(Arc<dyn KeyProvider>),
    Memory(KeyError),
}

impl Vault {
    pub(crate) fn new(source: KeySource) -> Self {
        let known = Known::default();
        Self {
            known: Arc::clone(&known),
            state: Mutex::new(State {
                source,
                outcome: Outcome::NotAsked,
                known,
                keys: HashMap::new(),
                said: None,
                volatile: HashMap::new(),
            }),
        }
    }

    /// Why there was no key when it was last asked for. Asks nobody and waits for nobody.
    pub(crate) fn known(&self) -> Option<KeyError> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn lock(&self) -> tokio::sync::MutexGuard<'_, State> {
        self.state.lock().await
    }
}

impl State {
    /// The key of a version. Once there was none, the answer stays so until [`Self::ask_again`]: asking a locked keychain
    /// at each use would open a dialog each time.
    pub(crate) async fn key(&mut self, version: u32) -> Result<Key, KeyError> {
        if let Some(key) = self.keys.get(&version) {
            return Ok(key.clone());
        }
        let provider = match &self.outcome {
            Outcome::Memory(why) => return Err(why.clone()),
            Outcome::Found(provider) => Ok(provider.clone()),
            Outcome::NotAsked => self.source.provider(),
        };
        let asked = match provider {
            Ok(provider) => fetch(provider.clone(), version).await.map(|key| (provider, key)),
            Err(why) => Err(why),
        };
        match asked {
            Ok((provider, key)) => {
                self.outcome = Outcome::Found(provider);
                self.remember(None);
                self.said = None;
                self.keys.insert(version, key.clone());
                Ok(key)
            }
            Err(why) => {
                if matches!(self.outcome, Outcome::NotAsked) {
                    if self.said.as_ref() != Some(&why) {
                        tracing::warn!(reason = %why, "tokens are kept in memory only");
                        self.said = Some(why.clone());
                    }
                    self.remember(Some(why.clone()));
                    self.outcome = Outcome::Memory(why.clone());
                }
                Err(why)
            }
        }
    }

    fn remember(&self, why: Option<KeyError>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Where the key of the version comes from, asking if that was not done yet.
    pub(crate) async fn kind(&mut self, version: u32) -> (KeyKind, Option<KeyError>) {
        match (self.key(version).await, &self.outcome) {
            (_, Outcome::Found(provider)) => (provider.kind(), None),
            (Err(why), _) => (KeyKind::Memory, Some(why)),
            (Ok(_), _) => (KeyKind::Memory, None),
        }
    }

    /// Lets the next use ask for the key again.
    pub(crate) fn ask_again(&mut self) {
        if matches!(self.outcome, Outcome::Memory(_)) {
            self.outcome = Outcome::NotAsked;
        }
    }

    /// The provider in use. Only after a key was had from it.
    pub(crate) fn provider(&self) -> Option<Arc<dyn KeyProvider>> {
        match &self.outcome {
            Outcome::Found(provider) => Some(provider.clone()),
            Outcome::NotAsked | Outcome::Memory(_) => None,
        }
    }

    /// Forgets keys and tokens in memory, and gives the provider whose keys are to be forgotten, too. The next use asks
    /// anew, which makes a fresh key.
    pub(crate) fn forget(&mut self) -> Option<Arc<dyn KeyProvider>> {
        let provider = self.provider().or_else(|| self.source.provider().ok());
        self.keys.clear();
        self.volatile.clear();
        self.outcome = Outcome::NotAsked;
        self.remember(None);
        provider
    }

    /// From now on this provider and key, after a rotation.
    pub(crate) fn replace(&mut self, provider: Arc<dyn KeyProvider>, version: u32, key: Key) {
        self.outcome = Outcome::Found(provider);
        self.remember(None);
        self.keys = HashMap::from([(version, key)]);
    }
}

/// Asks where blocking is allowed.
pub(crate) async fn fetch(provider: Arc<dyn KeyProvider>, version: u32) -> Result<Key, KeyError> {
    tokio::task::spawn_blocking(move || provider.key(version))
        .await
        .unwrap_or_else(|error| Err(KeyError::Unavailable(format!("asking for it failed: {error}"))))
}
