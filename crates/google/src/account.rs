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
    /// To show. May change. At most 320 bytes without control characters; an address that is none counts as not said.
    pub email: Option<String>,
}

/// Longest address that is shown: 64 before the @ and 255 after it (RFC 5321 section 4.5.3.1). Bytes.
const LONGEST_EMAIL: usize = 320;

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
            email: claims.email.filter(|email| is_shown(email)),
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

/// The address is nobody's key: an odd one is left out, and the sign-in goes on by its subject.
fn is_shown(email: &str) -> bool {
    (1..=LONGEST_EMAIL).contains(&email.len()) && !email.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;
    use serde_json::{Value, json};

    fn read(claims: &Value) -> Result<Account, PortError> {
        let config = GoogleConfig::from_settings(|name| (name == "GOOGLE_CLIENT_ID").then(|| "app".into()));
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        let now = Default::default();
        let tokens = TokenSet {
            access_token: SecretString::from("at"),
            refresh_token: None,
            issued_at: now,
            expires_at: now,
            scopes: Default::default(),
            id_token: Some(SecretString::from(format!("head.{payload}.seal"))),
        };
        Account::of(&tokens, &config.expect("Google itself"))
    }

    fn claims() -> Value {
        json!({"iss": "https://accounts.google.com", "aud": "app", "sub": "1234", "email": "mara@linden.example"})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn an_address_that_is_none_is_left_out_and_the_sign_in_goes_on() {
        let longest = format!("{}@linden.example", "m".repeat(320 - "@linden.example".len()));
        for right in ["mara@linden.example", "m\u{fc}ller@b\u{fc}ro.example", &longest] {
            let account = read(&with("email", json!(right))).expect("known");
            assert_eq!(account.email.as_deref(), Some(right));
        }
        let long = format!("m{longest}");
        let endless = "m".repeat(30_000);
        for odd in [
            "",
            "mara@linden.example\r\nBcc: x",
            "mara\0",
            "\u{1b}[2Jmara",
            "mara\u{85}",
            &long,
            &endless,
        ] {
            let account = read(&with("email", json!(odd))).expect("known by the subject");
            assert_eq!(
                (account.subject.as_str(), account.email),
                ("1234", None),
                "{odd:.40}"
            );
        }
        let account = read(&with("email", Value::Null)).expect("known");
        assert_eq!(account.email, None);
    }

    #[test]
    fn who_cannot_be_known_is_an_error() {
        let bad = |what: &str| Err(bad(what));
        for (name, value, what) in [
            ("iss", json!("https://evil.example"), "id_token issuer"),
            ("aud", json!("another app"), "id_token audience"),
            ("sub", json!(""), "id_token subject"),
            ("sub", json!("1".repeat(256)), "id_token subject"),
            ("sub", json!(1234), "id_token"),
            ("email", json!(["mara@linden.example"]), "id_token"),
        ] {
            assert_eq!(read(&with(name, value)), bad(what), "{name}");
        }
        assert!(read(&with("iss", json!("accounts.google.com"))).is_ok());
    }
}
