//! The key that seals tokens, and where it comes from.

use super::keychain::KeychainKey;
use crate::error::OpenError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Generate, Key as AeadKey};
use chacha20poly1305::{XChaCha20Poly1305, aead};
use std::path::Path;
use std::sync::Arc;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 32 secret bytes. Not printable, not serialisable, overwritten when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; Self::LENGTH]);

impl Key {
    /// Small enough for every keychain; Windows takes at most 2,560 bytes.
    pub const LENGTH: usize = 32;

    /// Takes the bytes over.
    pub fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Fresh random bytes.
    pub fn random() -> Result<Self, KeyError> {
        let mut bytes = AeadKey::<XChaCha20Poly1305>::try_generate().map_err(|_| KeyError::NoRandomness)?;
        let key = Self(bytes.into());
        bytes.zeroize();
        Ok(key)
    }

    /// `None` if it is not exactly 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        aead::KeyInit::new((&self.0).into())
    }
}

/// The key could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no keychain here, or it does not answer.
    #[error("no keychain is available: {0}")]
    Unavailable(String),
    /// There is a keychain, but it is locked and was not unlocked.
    #[error("the keychain is locked")]
    Locked,
    /// The entry in the keychain is no key.
    #[error("the keychain's entry is not a key")]
    Malformed,
    /// Something longer than a key was to be put into the keychain, which never happens.
    #[error("more than {length} bytes are never put into the keychain", length = Key::LENGTH)]
    TooLong,
    /// An environment variable holds something else than a key. Its value is not repeated.
    #[error("{variable} must be {length} bytes in base64", length = Key::LENGTH)]
    BadEnvironment {
        /// Which.
        variable: &'static str,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
    /// The data directory could not be used.
    #[error("{0}")]
    Directory(String),
    /// Tokens are kept in memory at the trainer's or a test's wish.
    #[error("tokens are kept in memory only")]
    MemoryOnly,
}

impl KeyError {
    /// A stable word for logs and the audit log, without what a system said.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "no_keychain",
            Self::Locked => "locked",
            Self::Malformed | Self::TooLong => "malformed",
            Self::BadEnvironment { .. } => "environment",
            Self::NoRandomness => "no_randomness",
            Self::Directory(_) => "directory",
            Self::MemoryOnly => "memory_only",
        }
    }
}

impl From<OpenError> for KeyError {
    fn from(error: OpenError) -> Self {
        Self::Directory(error.to_string())
    }
}

/// Where the key in use comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// The keychain of the system.
    Keychain,
    /// `TOKEN_ENCRYPTION_KEY`.
    Environment,
    /// Nowhere: tokens are kept in memory and are gone when the process ends.
    Memory,
}

/// Something that gives the key.
pub trait KeyProvider: Send + Sync {
    /// What it is.
    fn kind(&self) -> KeyKind;
    /// The key of this version; made at first use where the provider can keep one. May block, also for a person to
    /// unlock a keychain.
    fn key(&self, version: u32) -> Result<Key, KeyError>;
    /// Forgets the key of a version that nothing uses any more. May block.
    fn forget(&self, version: u32) -> Result<(), KeyError>;
}

/// The key from an environment variable, for machines without a keychain. One key serves for every version.
pub struct EnvKey(Key);

impl EnvKey {
    /// Its name.
    pub const VARIABLE: &'static str = "TOKEN_ENCRYPTION_KEY";

    /// Reads the variable's value: 32 bytes in base64.
    pub fn parse(value: &str) -> Result<Self, KeyError> {
        let bad = || KeyError::BadEnvironment {
            variable: Self::VARIABLE,
        };
        let bytes = Zeroizing::new(STANDARD.decode(value.trim()).map_err(|_| bad())?);
        Key::from_slice(&bytes).map(Self).ok_or_else(bad)
    }

    /// A key that is known already, for tests and simulations.
    pub fn fixed(key: Key) -> Self {
        Self(key)
    }
}

impl KeyProvider for EnvKey {
    fn kind(&self) -> KeyKind {
        KeyKind::Environment
    }
    fn key(&self, _version: u32) -> Result<Key, KeyError> {
        Ok(self.0.clone())
    }
    fn forget(&self, _version: u32) -> Result<(), KeyError> {
        Ok(())
    }
}

/// Which provider is asked for the key. Nothing is asked before the first token is read or written.
#[derive(Clone)]
pub struct KeySource {
    provider: Option<Arc<dyn KeyProvider>>,
}

impl KeySource {
    /// The environment first (pass the value of [`EnvKey::VARIABLE`]), then the keychain. If the keychain cannot be used
    /// either, tokens are kept in memory. A bad value in the environment is an error: silently using something else would
    /// surprise whoever set it.
    pub fn choose(environment: Option<&str>, data_dir: &Path) -> Result<Self, KeyError> {
        Ok(match environment {
            Some(value) => Self::with_provider(EnvKey::parse(value)?),
            None => Self::with_provider(KeychainKey::new(data_dir)),
        })
    }

    /// Asks this provider.
    pub fn with_provider(provider: impl KeyProvider + 'static) -> Self {
        Self {
            provider: Some(Arc::new(provider)),
        }
    }

    /// Tokens are kept in memory only, and no keychain is ever asked.
    pub fn memory() -> Self {
        Self { provider: None }
    }

    pub(crate) fn provider(&self) -> Result<Arc<dyn KeyProvider>, KeyError> {
        self.provider.clone().ok_or(KeyError::MemoryOnly)
    }

    pub(crate) fn uses_keychain(&self) -> bool {
        self.provider
            .as_ref()
            .is_some_and(|provider| provider.kind() == KeyKind::Keychain)
    }
}
