//! What the person who runs the relay decides.

use crate::channel::{KeyError, Keys};
use secrecy::{ExposeSecret as _, SecretString};
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// What is given, not yet checked. The names of its fields are those of the flags; the environment has them as `RELAY_…`.
#[derive(Clone)]
pub struct Given {
    /// Where calendar services call: put a TLS proxy before it.
    pub public: SocketAddr,
    /// Where the platform calls; never open to the internet.
    pub internal: SocketAddr,
    /// The address that calendar services are given, as seen from outside.
    pub address: String,
    /// Keys that seal channels, the newest first: base64 of 32 bytes or more, separated by commas.
    pub keys: SecretString,
    /// What the platform shows to prove that it is the platform.
    pub platform_key: SecretString,
    /// See [`Config::streams`].
    pub streams: u32,
    /// See [`Config::streams_per_trainer`].
    pub streams_per_trainer: u32,
    /// See [`Config::forwarded_for`].
    pub forwarded_for: bool,
}

/// A usable configuration.
#[derive(Clone)]
pub struct Config {
    /// Where calendar services call.
    pub public: SocketAddr,
    /// Where the platform calls.
    pub internal: SocketAddr,
    /// The address that calendar services are given, as seen from outside.
    pub address: Url,
    /// Seals channels.
    pub keys: Keys,
    /// What the platform shows to prove that it is the platform.
    pub platform_key: SecretString,
    /// Streams that this node holds open.
    pub streams: u32,
    /// Streams that one trainer may hold open here.
    pub streams_per_trainer: u32,
    /// The caller's address is the last one in `X-Forwarded-For`: only behind a proxy that writes it.
    pub forwarded_for: bool,
    /// A caller that takes nothing of an answer for so long is cut off.
    pub stalled: Duration,
    /// A stream that is open for so long ends when its trainer opens one too many.
    pub settled: Duration,
}

/// What is wrong with a configuration. Never says a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Notifications are only sent to https addresses.
    #[error("RELAY_ADDRESS (--address): must be https (or http on a loopback address), got {0:?}")]
    Address(String),
    /// See the reason.
    #[error("RELAY_KEYS (or the file of --keys-file): {0}")]
    Keys(#[from] KeyError),
    /// Make one with `openssl rand -base64 32`.
    #[error(
        "RELAY_PLATFORM_KEY (or the file of --platform-key-file): at least 32 characters, as from `openssl rand -base64 32`"
    )]
    PlatformKey,
    /// A number that makes the relay useless.
    #[error("{0}: must be at least 1")]
    Zero(&'static str),
}

impl Config {
    /// Checks what was given.
    ///
    /// # Errors
    /// Names the field.
    pub fn new(given: Given) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Address(given.address.clone());
        let address = Url::parse(&given.address).map_err(|_| wrong())?;
        let local = matches!(address.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if address.scheme() != "https" && !(address.scheme() == "http" && local) {
            return Err(wrong());
        }
        if given.platform_key.expose_secret().len() < 32 {
            return Err(ConfigError::PlatformKey);
        }
        if given.streams == 0 {
            return Err(ConfigError::Zero("RELAY_STREAMS (--streams)"));
        }
        if given.streams_per_trainer == 0 {
            return Err(ConfigError::Zero(
                "RELAY_STREAMS_PER_TRAINER (--streams-per-trainer)",
            ));
        }
        Ok(Self {
            public: given.public,
            internal: given.internal,
            address,
            keys: Keys::from_text(given.keys.expose_secret())?,
            platform_key: given.platform_key,
            streams: given.streams,
            streams_per_trainer: given.streams_per_trainer,
            forwarded_for: given.forwarded_for,
            stalled: Duration::from_secs(30),
            settled: Duration::from_mins(1),
        })
    }

    /// Where a calendar service calls.
    pub fn hook(&self, provider: &str) -> String {
        format!(
            "{}/v1/hooks/{provider}",
            self.address.as_str().trim_end_matches('/')
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const SECRET: &str = "0123456789012345678901234567890123";

    fn of(address: &str, keys: &str, platform_key: &str, streams: u32) -> Result<String, String> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let given = Given {
            public: any,
            internal: any,
            address: address.to_owned(),
            keys: keys.into(),
            platform_key: platform_key.into(),
            streams,
            streams_per_trainer: 8,
            forwarded_for: false,
        };
        let hook = Config::new(given).map(|config| config.hook("google"));
        hook.map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_told() {
        let good = "https://relay.linden.example/";
        assert_eq!(
            of(good, KEY, SECRET, 1),
            Ok("https://relay.linden.example/v1/hooks/google".to_owned())
        );
        assert!(of("http://127.0.0.1:8", KEY, SECRET, 1).is_ok());
        for (told, field) in [
            (of("http://relay.example", KEY, SECRET, 1), "RELAY_ADDRESS"),
            (of("relay", KEY, SECRET, 1), "RELAY_ADDRESS"),
            (of(good, "", SECRET, 1), "RELAY_KEYS"),
            (of(good, "my secret", SECRET, 1), "RELAY_KEYS"),
            (of(good, KEY, "my secret", 1), "RELAY_PLATFORM_KEY"),
            (of(good, KEY, SECRET, 0), "RELAY_STREAMS"),
        ] {
            let told = told.expect_err(field);
            assert!(told.starts_with(field) && !told.contains("my secret"), "{told}");
        }
    }
}
