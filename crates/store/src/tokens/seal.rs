//! Sealing: XChaCha20-Poly1305 with a random nonce. The associated data bind the ciphertext to its account, its column
//! and the version of its key, so that no row opens in the place of another.

use super::key::{Key, KeyError};
use crate::table::user_integrations::Provider;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What a service gave at sign-in. Printing it shows no token; it cannot be serialised.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// Sent with each request.
    pub access: SecretString,
    /// Traded for the next access token.
    pub refresh: Option<SecretString>,
    /// When the access token ends, if the service said.
    pub expires_at: Option<DateTime<Utc>>,
    /// Rights that were really granted.
    pub scopes: Vec<String>,
}

/// Stored tokens could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The key is lost or another one, or the bytes were changed. Treat it as "needs to sign in again"; nothing else is
    /// lost.
    #[error("stored tokens cannot be opened with this key")]
    Undecryptable,
    /// The key is out of reach for now (a locked keychain); the tokens may well be fine.
    #[error("the key to the stored tokens is not available: {0}")]
    KeyUnavailable(#[from] KeyError),
}

/// Where a ciphertext belongs.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) provider: Provider,
    pub(crate) account_id: &'a str,
    pub(crate) key_version: u32,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        let mut data = b"roundtrip user_integrations.tokens".to_vec();
        for part in [self.provider.as_str(), self.account_id] {
            // With its length before it, no part can run into the next one.
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data.extend_from_slice(&self.key_version.to_be_bytes());
        data
    }
}

/// First byte of what is stored: this scheme.
const SCHEME: u8 = 1;
const NONCE_LENGTH: usize = 24;

/// The plain form, which exists only in buffers that are overwritten afterwards.
#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    #[serde(borrow)]
    access: Cow<'a, str>,
    #[serde(borrow)]
    refresh: Option<Cow<'a, str>>,
    expires_at: Option<DateTime<Utc>>,
    scopes: Vec<String>,
}

/// Seals tokens for one place.
pub(crate) fn seal(key: &Key, place: Place<'_>, tokens: &TokenSet) -> Result<Vec<u8>, TokenError> {
    let plain = Plain {
        access: tokens.access.expose_secret().into(),
        refresh: tokens
            .refresh
            .as_ref()
            .map(|refresh| refresh.expose_secret().into()),
        expires_at: tokens.expires_at,
        scopes: tokens.scopes.clone(),
    };
    // Large enough for what services give, so that growing does not leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *text, &plain).map_err(|_| TokenError::Undecryptable)?;
    let nonce = XNonce::try_generate().map_err(|_| KeyError::NoRandomness)?;
    let ciphertext = key
        .cipher()
        .encrypt(
            &nonce,
            Payload {
                msg: &text,
                aad: &place.associated_data(),
            },
        )
        .map_err(|_| TokenError::Undecryptable)?;
    let mut stored = Vec::with_capacity(1 + NONCE_LENGTH + ciphertext.len());
    stored.push(SCHEME);
    stored.extend_from_slice(&nonce);
    stored.extend_from_slice(&ciphertext);
    Ok(stored)
}

/// Opens what [`seal`] made for the same place. Any changed bit is an error.
pub(crate) fn open(key: &Key, place: Place<'_>, stored: &[u8]) -> Result<TokenSet, TokenError> {
    let rest = match stored.split_first() {
        Some((&SCHEME, rest)) => rest,
        _ => return Err(TokenError::Undecryptable),
    };
    let (nonce, ciphertext) = rest
        .split_at_checked(NONCE_LENGTH)
        .ok_or(TokenError::Undecryptable)?;
    let nonce = XNonce::try_from(nonce).map_err(|_| TokenError::Undecryptable)?;
    let text = key
        .cipher()
        .decrypt(
            &nonce,
            Payload {
                msg: ciphertext,
                aad: &place.associated_data(),
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| TokenError::Undecryptable)?;
    let plain: Plain<'_> = serde_json::from_slice(&text).map_err(|_| TokenError::Undecryptable)?;
    Ok(TokenSet {
        access: secret(plain.access),
        refresh: plain.refresh.map(secret),
        expires_at: plain.expires_at,
        scopes: plain.scopes,
    })
}

fn secret(text: Cow<'_, str>) -> SecretString {
    match text {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn tokens() -> TokenSet {
        TokenSet {
            access: "ya29.access \"quoted\"".into(),
            refresh: Some("1//refresh".into()),
            expires_at: DateTime::from_timestamp(1_795_000_000, 5),
            scopes: vec!["openid".into(), "email".into()],
        }
    }

    fn place(account_id: &str) -> Place<'_> {
        Place {
            provider: Provider::Google,
            account_id,
            key_version: 1,
        }
    }

    #[test]
    fn opens_only_in_its_own_place() {
        let key = Key::random().expect("randomness");
        let stored = seal(&key, place("105"), &tokens()).expect("sealed");
        let back = open(&key, place("105"), &stored).expect("opened");
        assert_eq!(back.access.expose_secret(), tokens().access.expose_secret());
        assert_eq!(
            back.refresh
                .as_ref()
                .map(|refresh| refresh.expose_secret().to_owned()),
            Some("1//refresh".to_owned())
        );
        assert_eq!(
            (back.expires_at, back.scopes),
            (tokens().expires_at, tokens().scopes)
        );

        let platform = Place {
            provider: Provider::Platform,
            ..place("105")
        };
        let next_key = Place {
            key_version: 2,
            ..place("105")
        };
        for other in [place("106"), platform, next_key] {
            assert_eq!(open(&key, other, &stored).err(), Some(TokenError::Undecryptable));
        }
        let other_key = Key::random().expect("randomness");
        assert_eq!(
            open(&other_key, place("105"), &stored).err(),
            Some(TokenError::Undecryptable)
        );
    }

    #[test]
    fn any_changed_bit_and_any_cut_is_an_error() {
        let key = Key::random().expect("randomness");
        let stored = seal(&key, place("105"), &tokens()).expect("sealed");
        for index in 0..stored.len() {
            for bit in 0..8 {
                let mut changed = stored.clone();
                changed[index] ^= 1 << bit;
                assert_eq!(
                    open(&key, place("105"), &changed).err(),
                    Some(TokenError::Undecryptable),
                    "bit {bit} of byte {index}"
                );
            }
            assert!(
                open(&key, place("105"), &stored[..index]).is_err(),
                "cut after {index} bytes"
            );
        }
    }

    #[test]
    fn no_nonce_is_used_twice() {
        // From several threads at once, as each has a source of its own. Seconds only because the ciphers and this crate are
        // optimised also for tests (the workspace's `Cargo.toml`): without, each takes a third of a millisecond.
        const THREADS: usize = 4;
        const TIMES: usize = 250_000;
        let key = Key::random().expect("randomness");
        let nonces = || {
            let one = |_| {
                let stored = seal(&key, place("105"), &tokens()).expect("sealed");
                let nonce: [u8; NONCE_LENGTH] = stored[1..=NONCE_LENGTH].try_into().expect("a nonce");
                nonce
            };
            (0..TIMES).map(one).collect::<Vec<_>>()
        };
        let mut seen = HashSet::with_capacity(THREADS * TIMES);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(nonces)).collect();
            for thread in threads {
                for nonce in thread.join().expect("sealed") {
                    assert!(seen.insert(nonce), "{nonce:?} came again");
                }
            }
        });
        assert_eq!(seen.len(), THREADS * TIMES);
    }

    #[test]
    fn the_plain_text_is_not_in_the_sealed_bytes_and_not_in_debug() {
        let key = Key::random().expect("randomness");
        let stored = seal(&key, place("105"), &tokens()).expect("sealed");
        assert!(
            !stored
                .windows(6)
                .any(|window| window == b"access" || window == b"refres")
        );
        let printed = format!("{:?}", tokens());
        assert!(!printed.contains("ya29") && !printed.contains("1//"), "{printed}");
    }
}
