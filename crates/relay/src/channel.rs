//! Channels and mailboxes: what a node must know of a subscription is in the subscription's own token.

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE32HEX_NOPAD, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// How long a channel lives: a week of Google's default and a day to renew it in.
pub const LIFETIME: TimeDelta = TimeDelta::days(8);
const LAYOUT: u8 = 1;
const RANDOM: usize = 16;
const PROOF: usize = 8;
const MAILBOX: usize = 16;
const SEAL: usize = 16;
/// Layout, provider, expiry, random part, mailbox; then the seal over them.
const SEALED: usize = 1 + 1 + 8 + RANDOM + MAILBOX;
/// No token is longer. Google allows 256 characters, Graph's `clientState` 128.
pub const LONGEST_TOKEN: usize = 96;

/// Where the hints for one trainer lie.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox([u8; MAILBOX]);

impl Mailbox {
    /// As a word for subjects: 26 characters of `[0-9a-v]`.
    pub fn word(&self) -> String {
        BASE32HEX_NOPAD.encode(&self.0).to_ascii_lowercase()
    }

    /// Reads the word again.
    pub fn from_word(word: &str) -> Option<Self> {
        let bytes = BASE32HEX_NOPAD
            .decode(word.to_ascii_uppercase().as_bytes())
            .ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It stands for a person.
        f.write_str("Mailbox(…)")
    }
}

/// A calendar service that can call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Google Calendar.
    Google,
    /// Microsoft Graph.
    Outlook,
}

impl Provider {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Google, Self::Outlook];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Outlook => "outlook",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.word() == word)
    }

    fn byte(self) -> u8 {
        match self {
            Self::Google => b'g',
            Self::Outlook => b'o',
        }
    }
}

/// A new channel: what the laptop hands to the calendar service.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// Id, 3 to 64 characters as Google wants them.
    pub id: String,
    /// Comes back with each notification and proves that it is about this channel.
    pub token: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// What a token that is ours says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Id of the channel.
    pub id: String,
    /// Whose.
    pub mailbox: Mailbox,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// The keys of the relay, the same at every node. The newest makes, all are accepted.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<Vec<u8>>,
}

/// The keys cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Give at least one.
    #[error("no key was given")]
    None,
    /// Make one with `openssl rand -base64 32`.
    #[error("key {0} is not base64 of at least 32 bytes")]
    Unfit(usize),
}

impl Keys {
    /// Keys from base64, the newest first, separated by commas.
    ///
    /// # Errors
    /// If there is none, or one is shorter than 32 bytes.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (index, word) in text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .enumerate()
        {
            let key = data_encoding::BASE64
                .decode(word.as_bytes())
                .ok()
                .filter(|key| key.len() >= 32)
                .ok_or(KeyError::Unfit(index + 1))?;
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        Ok(Self { keys })
    }

    /// All mailboxes in which hints for a trainer may lie: the newest key's first.
    pub fn mailboxes(&self, trainer: &str) -> Vec<Mailbox> {
        self.keys.iter().map(|key| mailbox(key, trainer)).collect()
    }

    /// The mailbox into which hints for a trainer are put.
    pub fn mailbox(&self, trainer: &str) -> Mailbox {
        mailbox(&self.keys[0], trainer)
    }

    /// A new channel.
    pub fn issue(
        &self,
        provider: Provider,
        trainer: &str,
        random: [u8; RANDOM],
        now: DateTime<Utc>,
    ) -> Issued {
        let key = &self.keys[0];
        let mailbox = mailbox(key, trainer);
        // Whole seconds, as the token keeps them.
        let expires_at = DateTime::from_timestamp((now + LIFETIME).timestamp(), 0).unwrap_or(now);
        let mut bytes = Vec::with_capacity(SEALED + SEAL);
        bytes.extend([LAYOUT, provider.byte()]);
        bytes.extend(expires_at.timestamp().to_be_bytes());
        bytes.extend(random);
        bytes.extend(mailbox.0);
        let seal = mac(key, "token", &[&bytes]);
        bytes.extend(&seal[..SEAL]);
        Issued {
            id: channel_id(key, &random, &mailbox),
            token: BASE64URL_NOPAD.encode(&bytes),
            expires_at,
        }
    }

    /// Reads a token; `None` if it is not ours, not of this service, or expired.
    pub fn read(&self, provider: Provider, token: &str, now: DateTime<Utc>) -> Option<Channel> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        if bytes.len() != SEALED + SEAL {
            return None;
        }
        let (sealed, seal) = bytes.split_at(SEALED);
        let key = self.keys.iter().find(|key| {
            let mut mac = begin(key, "token");
            mac.update(sealed);
            // Compares in constant time.
            mac.verify_truncated_left(seal).is_ok()
        })?;
        if sealed[0] != LAYOUT || sealed[1] != provider.byte() {
            return None;
        }
        let expires_at = DateTime::from_timestamp(i64::from_be_bytes(sealed[2..10].try_into().ok()?), 0)?;
        if expires_at <= now {
            return None;
        }
        let random: [u8; RANDOM] = sealed[10..10 + RANDOM].try_into().ok()?;
        let mailbox = Mailbox(sealed[10 + RANDOM..].try_into().ok()?);
        Some(Channel {
            id: channel_id(key, &random, &mailbox),
            mailbox,
            expires_at,
        })
    }

    /// True if this trainer made the channel of this id.
    pub fn made(&self, trainer: &str, id: &str) -> bool {
        let Some(bytes) = id
            .strip_prefix("chn-")
            .and_then(|word| BASE32HEX_NOPAD.decode(word.to_ascii_uppercase().as_bytes()).ok())
        else {
            return false;
        };
        let Some((random, _)) = bytes.split_first_chunk::<RANDOM>() else {
            return false;
        };
        self.keys
            .iter()
            .any(|key| channel_id(key, random, &mailbox(key, trainer)) == id)
    }
}

fn begin(key: &[u8], purpose: &str) -> Hmac<Sha256> {
    // HMAC takes keys of any length (RFC 2104), so this is never the zero key that stands for "impossible".
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(b"roundtrip-relay/");
    mac.update(purpose.as_bytes());
    mac.update(b"/");
    mac
}

fn mac(key: &[u8], purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = begin(key, purpose);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn mailbox(key: &[u8], trainer: &str) -> Mailbox {
    let mut word = [0; MAILBOX];
    word.copy_from_slice(&mac(key, "mailbox", &[trainer.as_bytes()])[..MAILBOX]);
    Mailbox(word)
}

/// The random part, and a proof of whose it is: so that only its owner can close a channel that no table knows.
fn channel_id(key: &[u8], random: &[u8; RANDOM], mailbox: &Mailbox) -> String {
    let mut bytes = random.to_vec();
    bytes.extend(&mac(key, "channel", &[random, &mailbox.0])[..PROOF]);
    format!("chn-{}", BASE32HEX_NOPAD.encode(&bytes).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn keys(text: &str) -> Keys {
        Keys::from_text(text).expect("fit keys")
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    #[test]
    fn a_token_says_channel_and_mailbox_until_it_expires() {
        let keys = keys(NEW);
        let issued = keys.issue(Provider::Google, "usr_7", [9; 16], now());
        assert!(issued.token.len() <= LONGEST_TOKEN, "{}", issued.token.len());
        assert!(issued.id.len() <= 64);
        let read = keys.read(Provider::Google, &issued.token, now()).expect("ours");
        assert_eq!((&read.id, read.mailbox), (&issued.id, keys.mailbox("usr_7")));
        assert_eq!(keys.read(Provider::Outlook, &issued.token, now()), None);
        assert_eq!(
            keys.read(Provider::Google, &issued.token, issued.expires_at),
            None
        );
        let tells = BASE64URL_NOPAD.decode(issued.token.as_bytes()).expect("base64");
        assert!(
            !tells.windows(5).any(|part| part == b"usr_7"),
            "the token names nobody"
        );
    }

    #[test]
    fn no_bit_of_a_token_can_be_changed() {
        let keys = keys(NEW);
        let token = keys.issue(Provider::Google, "usr_7", [9; 16], now()).token;
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = BASE64URL_NOPAD.encode(&changed);
            assert_eq!(keys.read(Provider::Google, &changed, now()), None, "bit {bit}");
        }
        for wrong in ["", "x", &token[1..], &"A".repeat(100_000)] {
            assert_eq!(keys.read(Provider::Google, wrong, now()), None);
        }
    }

    #[test]
    fn only_its_maker_can_close_a_channel() {
        let keys = keys(NEW);
        let id = keys.issue(Provider::Google, "usr_7", [9; 16], now()).id;
        assert!(keys.made("usr_7", &id));
        assert!(!keys.made("usr_8", &id));
        assert!(!keys.made("usr_7", "chn-"));
        assert!(!keys.made("usr_7", "ä"));
    }

    #[test]
    fn the_old_key_is_accepted_after_a_change_of_keys() {
        let issued = keys(OLD).issue(Provider::Outlook, "usr_7", [9; 16], now());
        let both = keys(&format!("{NEW}, {OLD}"));
        let read = both
            .read(Provider::Outlook, &issued.token, now())
            .expect("still ours");
        assert!(both.mailboxes("usr_7").contains(&read.mailbox));
        assert_ne!(both.mailbox("usr_7"), read.mailbox);
        assert!(both.made("usr_7", &issued.id));
        assert_eq!(keys(NEW).read(Provider::Outlook, &issued.token, now()), None);
    }

    #[test]
    fn unfit_keys_are_named() {
        assert_eq!(Keys::from_text(" , ").err(), Some(KeyError::None));
        assert_eq!(
            Keys::from_text(&format!("{NEW},c2hvcnQ=")).err(),
            Some(KeyError::Unfit(2))
        );
    }
}
