//! The words of the authorization server: requests, grants, refusals.

use crate::faults::Service;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Which loopback redirects a client may use; the port is always free (RFC 8252).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loopback {
    /// None.
    Refused,
    /// `http://127.0.0.1:{port}` with exactly this path.
    Path(String),
    /// `127.0.0.1`, `[::1]` or `localhost` with any path.
    AnyPath,
}

/// A registered client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// Its secret; `None` for a public client.
    pub secret: Option<String>,
    /// Its loopback redirects.
    pub loopback: Loopback,
    /// Further redirects, compared literally.
    pub redirects: Vec<String>,
}

/// How a service's authorization server behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The service whose sign-in this is.
    pub service: Service,
    /// Registered clients.
    pub clients: Vec<Client>,
    /// Scopes that may be asked for; empty = any.
    pub scopes: Vec<String>,
    /// Whether each refresh hands out a new refresh token.
    pub rotation: bool,
    /// Whether revoking one token ends every session of that account and client.
    pub revoke_whole_grant: bool,
    /// Whether sign-in pages are answered by an immediate redirect.
    pub auto_consent: bool,
    /// Live sessions an account may have at one client; the oldest ends silently.
    pub max_sessions: Option<usize>,
    /// Lifetime of a code.
    pub code_ttl: TimeDelta,
    /// Lifetime of an access token.
    pub access_ttl: TimeDelta,
    /// Start of each code.
    pub code_prefix: String,
    /// Start of each access token.
    pub access_prefix: String,
    /// Start of each refresh token.
    pub refresh_prefix: String,
}

/// The query of the authorization endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are RFC 6749, RFC 7636 and OpenID Connect
pub struct AuthorizeRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_granted_scopes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

impl AuthorizeRequest {
    /// The parameters that were given, for a page's hidden fields.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("response_type", &self.response_type),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", &self.state),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
            ("login_hint", &self.login_hint),
            ("prompt", &self.prompt),
            ("access_type", &self.access_type),
            ("include_granted_scopes", &self.include_granted_scopes),
            ("nonce", &self.nonce),
        ];
        all.into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }
}

/// An authorization request that was found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidRequest {
    /// The client that asks.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The scopes asked for, each once, in their order.
    pub scopes: Vec<String>,
    /// Echoed.
    pub state: Option<String>,
    /// Whom the app expects to sign in.
    pub login_hint: Option<String>,
    /// OpenID Connect nonce.
    pub nonce: Option<String>,
    pub(super) code_challenge: String,
}

/// Why an authorization request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeError {
    /// Client or redirect is not to be trusted: say so on a page, never redirect.
    Page {
        /// `invalid_client`, `redirect_uri_mismatch` or `invalid_request`.
        code: &'static str,
        /// A sentence.
        message: String,
    },
    /// Redirect to this address, which carries the error.
    Redirect(String),
}

/// The form of the token endpoint.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(missing_docs)] // the names are RFC 6749 and RFC 7636
pub struct TokenRequest {
    pub grant_type: Option<String>,
    pub code: Option<String>,
    pub redirect_uri: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    pub code_verifier: Option<String>,
    pub refresh_token: Option<String>,
    pub scope: Option<String>,
}

/// What the token endpoint hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenGrant {
    /// The new access token.
    pub access_token: String,
    /// Its lifetime in seconds.
    pub expires_in: i64,
    /// A refresh token: after a code, and with rotation after each refresh.
    pub refresh_token: Option<String>,
    /// The scopes of the access token.
    pub scopes: Vec<String>,
    /// Whose it is.
    pub account: String,
    /// The client it was handed to.
    pub client_id: String,
    /// OpenID Connect nonce of the sign-in (only after a code).
    pub nonce: Option<String>,
}

/// Why the token endpoint refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// Not a registered client.
    UnknownClient,
    /// Secret missing or wrong.
    WrongSecret,
    /// `grant_type` is none that is served.
    UnsupportedGrantType,
    /// A parameter is missing (its name).
    Missing(&'static str),
    /// Code unknown, used, expired, or another client's or redirect's.
    BadCode,
    /// No `code_verifier`.
    MissingVerifier,
    /// It does not match the challenge.
    WrongVerifier,
    /// Refresh token unknown, expired, revoked or reused.
    BadRefreshToken,
    /// More scopes asked for than were granted.
    ScopeExceeded,
}

impl TokenError {
    /// The `error` code of RFC 6749.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownClient | Self::WrongSecret => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Missing(_) => "invalid_request",
            Self::BadCode | Self::MissingVerifier | Self::WrongVerifier | Self::BadRefreshToken => {
                "invalid_grant"
            }
            Self::ScopeExceeded => "invalid_scope",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        if self.code() == "invalid_client" { 401 } else { 400 }
    }
}

/// What a valid access token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub account: String,
    /// The client it was handed to.
    pub client_id: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The session it belongs to.
    pub session: u64,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

impl Access {
    /// Whether the token carries this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// Why an access token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessError {
    /// Never handed out.
    Unknown,
    /// Too old.
    Expired,
    /// Its session has ended.
    Revoked,
}

/// A session as tests see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionInfo {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub account: String,
    /// At which client.
    pub client_id: String,
    /// What was granted.
    pub scopes: Vec<String>,
    /// When the code was redeemed.
    pub created_at: DateTime<Utc>,
    /// How often it was refreshed.
    pub refreshes: u64,
    /// Whether it still works.
    pub live: bool,
}
