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

/// Writes the entry, and reads it back: a keychain that takes a value and does not keep it is none. The only place that puts
/// anything into a keychain. What is longer than a key is refused before a keychain is asked.
pub(crate) fn write(name: &str, bytes: &[u8]) -> Result<(), KeyError> {
    if bytes.len() > Key::LENGTH {
        return Err(KeyError::TooLong);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_longer_than_a_key_is_put_into_a_keychain() {
        for length in [Key::LENGTH + 1, 2_560, 1 << 20] {
            // Whatever keychain there may be here is not asked: this is said before.
            assert_eq!(write("roundtrip-test", &vec![7; length]), Err(KeyError::TooLong));
        }
    }

    #[test]
    fn this_is_the_only_place_that_writes_to_a_keychain() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder of ours").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("a source of ours");
                // Put together here, so that this line is none of them.
                for call in [concat!(".set_", "secret("), concat!(".set_", "password(")] {
                    found.extend(text.matches(call).map(|_| path.clone()));
                }
            }
        }
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with("keychain.rs"), "{found:?}");
    }
}
