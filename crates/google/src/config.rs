//! Where Google is, and as which client we sign in.

use roundtrip_http::is_allowed;
use roundtrip_http::oauth::{Issuer, OAuthConfig};
use secrecy::SecretString;
use url::Url;

/// The right to read and write events, the least that two-way sync needs.
pub const CALENDAR_SCOPE: &str = "https://www.googleapis.com/auth/calendar.events";
/// What is asked for: who it is, and the events.
pub const SCOPES: [&str; 3] = ["openid", "email", CALENDAR_SCOPE];

const AUTH_URL: &str = "https://accounts.google.com/o/oauth2/v2/auth";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const REVOKE_URL: &str = "https://oauth2.googleapis.com/revoke";
const API_URL: &str = "https://www.googleapis.com";
const ISSUER: &str = "https://accounts.google.com";

/// An address is neither https nor one of this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is not an address that can be used")]
pub struct WrongAddress {
    /// The setting.
    pub name: &'static str,
}

/// Where Google is, and as which client we sign in.
#[derive(Clone, Debug)]
pub struct GoogleConfig {
    /// Page that the system browser opens.
    pub auth_url: Url,
    /// Token endpoint.
    pub token_url: Url,
    /// Revocation endpoint.
    pub revoke_url: Url,
    /// Root that stands for `https://www.googleapis.com`.
    pub api_url: Url,
    /// Client of type "Desktop app".
    pub client_id: String,
    /// Its secret, which is not confidential.
    pub client_secret: Option<SecretString>,
}

impl GoogleConfig {
    /// From settings by name (`ROUNDTRIP_GOOGLE_AUTH_URL`, `…_TOKEN_URL`, `…_REVOKE_URL`, `…_API_URL`,
    /// `GOOGLE_CLIENT_ID`, `GOOGLE_CLIENT_SECRET`); what is missing is Google itself.
    pub fn from_settings(setting: impl Fn(&str) -> Option<String>) -> Result<Self, WrongAddress> {
        let given = |name: &str| {
            setting(name)
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let url = |name: &'static str, default: &str| {
            let url = Url::parse(given(name).as_deref().unwrap_or(default)).ok();
            url.filter(is_allowed).ok_or(WrongAddress { name })
        };
        Ok(Self {
            auth_url: url("ROUNDTRIP_GOOGLE_AUTH_URL", AUTH_URL)?,
            token_url: url("ROUNDTRIP_GOOGLE_TOKEN_URL", TOKEN_URL)?,
            revoke_url: url("ROUNDTRIP_GOOGLE_REVOKE_URL", REVOKE_URL)?,
            api_url: url("ROUNDTRIP_GOOGLE_API_URL", API_URL)?,
            client_id: given("GOOGLE_CLIENT_ID").unwrap_or_default(),
            client_secret: given("GOOGLE_CLIENT_SECRET").map(SecretString::from),
        })
    }

    /// True once there is a client to sign in as.
    pub fn has_client(&self) -> bool {
        !self.client_id.is_empty()
    }

    /// How to sign in.
    pub fn sign_in(&self) -> OAuthConfig {
        OAuthConfig {
            authorize_url: self.auth_url.clone(),
            token_url: self.token_url.clone(),
            revoke_url: Some(self.revoke_url.clone()),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            scopes: SCOPES.map(str::to_owned).to_vec(),
            extra: vec![("access_type".to_owned(), "offline".to_owned())],
            issuer: self.issuer().map(|name| Issuer {
                name: name.to_owned(),
                always_said: false,
            }),
        }
    }

    /// As [`GoogleConfig::sign_in`], proposing the account that was connected before.
    pub fn sign_in_again(&self, address: &str) -> OAuthConfig {
        let mut config = self.sign_in();
        config.extra.push(("login_hint".to_owned(), address.to_owned()));
        config
    }

    /// How Google names itself; a stand-in has a name of its own that we do not know.
    pub(crate) fn issuer(&self) -> Option<&'static str> {
        (self.auth_url.as_str() == AUTH_URL).then_some(ISSUER)
    }

    /// An address of Calendar v3.
    pub(crate) fn calendar_api(&self, path: &str) -> String {
        format!(
            "{}/calendar/v3/{path}",
            self.api_url.as_str().trim_end_matches('/')
        )
    }
}
