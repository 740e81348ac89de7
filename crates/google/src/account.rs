//! Who signed in.

use crate::config::{CALENDAR_SCOPE, GoogleConfig};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roundtrip_engine::ports::PortError;
use roundtrip_http::answer::bad;
use roundtrip_http::oauth::TokenSet;
use secrecy::ExposeSecret;
use serde::Deserialize;

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Never changes and is never given to somebody else.
    pub subject: String,
    /// To show. May change.
    pub email: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    email: Option<String>,
}

impl Account {
    /// Reads who signed in from the tokens of a sign-in that has just ended.
    ///
    /// The signature is not checked: the id token came straight from the token endpoint over TLS, which is proof
    /// enough (OpenID Connect Core, section 3.1.3.7, point 6). Issuer and audience are.
    pub fn of(tokens: &TokenSet, config: &GoogleConfig) -> Result<Self, PortError> {
        let id_token = tokens.id_token.as_ref().ok_or_else(|| bad("id_token"))?;
        let mut parts = id_token.expose_secret().split('.');
        let (_, payload, _) = (parts.next(), parts.next(), parts.next());
        let payload = payload.and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
        let claims = payload.and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok());
        let claims = claims.ok_or_else(|| bad("id_token"))?;
        // Google writes its name with and without the scheme.
        let named =
            |name: &str| claims.iss == name || Some(claims.iss.as_str()) == name.strip_prefix("https://");
        if config.issuer().is_some_and(|name| !named(name)) {
            return Err(bad("id_token issuer"));
        }
        if claims.aud != config.client_id {
            return Err(bad("id_token audience"));
        }
        if claims.sub.is_empty() || claims.sub.len() > 255 {
            return Err(bad("id_token subject"));
        }
        Ok(Self {
            subject: claims.sub,
            email: claims.email,
        })
    }

    /// The rights that sync needs and that were not granted: on the consent screen each can be unticked.
    pub fn missing_rights(tokens: &TokenSet) -> Vec<String> {
        let needed = [CALENDAR_SCOPE];
        let wider = "https://www.googleapis.com/auth/calendar";
        needed
            .into_iter()
            .filter(|scope| !tokens.scopes.contains(*scope) && !tokens.scopes.contains(wider))
            .map(str::to_owned)
            .collect()
    }
}
