//! The keychain of the system: Secret Service, macOS Keychain, Windows Credential Manager.
//!
//! All calls block and must not run on an async worker. Each makes a store of its own: a store that was made while the
//! Secret Service was down stays dead, and one outlives its D-Bus session only as an error.

use super::key::{Key, KeyError, KeyKind, KeyProvider};
use crate::directory::{self, DirectoryLock};
use keyring_core::{CredentialStore, Entry, Error};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Under which name our entries are found in the keychain.
const SERVICE: &str = "app.roundtrip.desktop";

#[cfg(all(unix, not(target_os = "macos")))]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(target_os = "windows")]
fn store() -> Result<Arc<CredentialStore>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

fn entry(name: &str) -> Result<Entry, KeyError> {
    store()
        .and_then(|store| store.build(SERVICE, name, None))
        .map_err(|error| key_error(&error))
}

/// What the entry holds, if there is one.
pub(crate) fn read(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    match entry(name)?.get_secret() {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(key_error(&error)),
    }
}

/// Writes the entry, and reads it back: a keychain that takes a value and does not keep it is none.
pub(crate) fn write(name: &str, bytes: &[u8]) -> Result<(), KeyError> {
    entry(name)?
        .set_secret(bytes)
        .map_err(|error| key_error(&error))?;
    match read(name)? {
        Some(kept) if kept.as_slice() == bytes => Ok(()),
        _ => Err(KeyError::Unavailable("it did not keep what was written".into())),
    }
}

/// Removes the entry, if there is one.
pub(crate) fn remove(name: &str) -> Result<(), KeyError> {
    match entry(name)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(key_error(&error)),
    }
}

/// Keyring's errors may carry what was read; only those texts are kept that do not.
fn key_error(error: &Error) -> KeyError {
    match error {
        Error::NoStorageAccess(_) => KeyError::Locked,
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::Ambiguous(_) => KeyError::Malformed,
        other => KeyError::Unavailable(other.to_string()),
    }
}

/// The key in the keychain, made at first use. Its entry is named after the installation, so that two data directories
/// never share a key.
pub struct KeychainKey {
    data_dir: PathBuf,
}

impl KeychainKey {
    /// The key of this data directory.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
        }
    }

    fn entry_name(&self, version: u32) -> Result<String, KeyError> {
        let installation = directory::installation_id(&self.data_dir)?;
        Ok(format!("token-key:{installation}:{version}"))
    }
}

impl KeyProvider for KeychainKey {
    fn kind(&self) -> KeyKind {
        KeyKind::Keychain
    }

    fn key(&self, version: u32) -> Result<Key, KeyError> {
        let name = self.entry_name(version)?;
        // Two processes at their first start must not make two keys, of which one would be lost.
        let _lock = DirectoryLock::acquire(&self.data_dir, "key")?;
        if let Some(bytes) = read(&name)? {
            return Key::from_slice(&bytes).ok_or(KeyError::Malformed);
        }
        let key = Key::random()?;
        write(&name, key.bytes())?;
        Ok(key)
    }

    fn forget(&self, version: u32) -> Result<(), KeyError> {
        remove(&self.entry_name(version)?)
    }
}
