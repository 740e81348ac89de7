//! Sign-in for native apps (RFC 8252): authorization code with PKCE S256, in the system browser.
//!
//! # Words
//! - An *attempt* ([`SignInAttempt`]) is one authorization request: its address, its state and its verifier. It takes
//!   one answer and lives five minutes.
//! - The *loopback listener* ([`LoopbackSignIn`]) receives that answer on this machine; a deep link may bring it
//!   instead ([`SignInAttempt::complete_from_url`]).
//! - The *vault* ([`TokenVault`]) keeps tokens, encrypted; the *keeper* ([`TokenKeeper`]) hands out a fresh one.
//!
//! A client secret, where a service wants one, is in every copy of the program: nothing here relies on it.

mod attempt;
mod endpoint;
mod keeper;
mod loopback;

pub use attempt::{AuthorizationCode, ISSUER_PARAMETER, SignInAttempt, SignInError};
pub use endpoint::{TokenSet, revoke};
pub(crate) use keeper::is_of_vault;
pub use keeper::{StoredTokens, TokenKeeper, TokenStatus, TokenVault, VaultError};
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use loopback::fuzz_target;
pub use loopback::{CALLBACK_PATH, LoopbackSignIn};

use secrecy::SecretString;
use url::Url;

/// Where and as whom to sign in.
#[derive(Clone, Debug)]
pub struct OAuthConfig {
    /// Page that the system browser opens.
    pub authorize_url: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: Url,
    /// Where a grant is ended (RFC 7009).
    pub revoke_url: Option<Url>,
    /// Public id of this app.
    pub client_id: String,
    /// Where a service wants one; not confidential.
    pub client_secret: Option<SecretString>,
    /// Asked for.
    pub scopes: Vec<String>,
    /// Further parameters of the authorization request.
    pub extra: Vec<(String, String)>,
    /// Who must have answered (RFC 9207), if the service has said who it is.
    pub issuer: Option<Issuer>,
}

/// The authorization server as it names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// Compared literally.
    pub name: String,
    /// True if it promised to name itself in every answer; then an answer without a name is refused.
    pub always_said: bool,
}
