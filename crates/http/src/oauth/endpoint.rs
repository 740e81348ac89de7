//! The token and revocation endpoints.

use super::OAuthConfig;
use crate::answer;
use crate::port::{HttpError, HttpErrorKind, HttpPort};
use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use http::header::{ACCEPT, CONTENT_TYPE};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use roundtrip_engine::ports::{Clock, PortError};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Used where a server does not say how long its access token lives.
const DEFAULT_LIFETIME_SECONDS: u64 = 3600;
const LONGEST_LIFETIME_SECONDS: u64 = 30 * 24 * 3600;
/// A token that is said to have ended before it came would be asked for anew with each request.
const SHORTEST_LIFETIME_SECONDS: u64 = 60;
/// Largest body that is taken of these endpoints. Bytes. Three tokens are a few KiB; the `oauth2` crate, which reads the
/// rest, splits `scope` into texts of their own and keeps unknown fields until it knows them, some fifty bytes for each
/// two that came.
const LARGEST_ANSWER: usize = 64 * 1024;

/// What the token endpoint handed out.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// Signs requests.
    pub access_token: SecretString,
    /// Gets the next access token.
    pub refresh_token: Option<SecretString>,
    /// When it was handed out, by this laptop's clock.
    pub issued_at: DateTime<Utc>,
    /// When the access token ends, by this laptop's clock.
    pub expires_at: DateTime<Utc>,
    /// What was really granted. A person can untick a right and the sign-in still succeeds: compare before use.
    pub scopes: BTreeSet<String>,
    /// Who signed in (OpenID Connect), if asked for.
    pub id_token: Option<SecretString>,
}

/// The scopes in a `scope` value. Order and repetition mean nothing.
pub(super) fn scope_set(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Why the token endpoint gave nothing.
#[derive(Debug)]
pub(super) enum TokenFailure {
    /// Code or refresh token is dead, or the refresh token is another client's.
    InvalidGrant,
    /// Anything else: never a reason to throw a token away.
    Port(PortError),
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct IdToken {
    #[serde(default, skip_serializing, deserialize_with = "secret")]
    id_token: Option<SecretString>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(SecretString::from))
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken")
    }
}
impl ExtraTokenFields for IdToken {}

type TokenAnswer = StandardTokenResponse<IdToken, BasicTokenType>;
pub(super) type OAuthClient = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

pub(super) fn client(config: &OAuthConfig) -> OAuthClient {
    let client = Client::new(ClientId::new(config.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(config.authorize_url.clone()))
        .set_token_uri(TokenUrl::from_url(config.token_url.clone()))
        .set_auth_type(AuthType::RequestBody);
    match &config.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
        None => client,
    }
}

/// Exchanges a code. `asked` counts as granted where the answer does not say.
pub(super) async fn exchange(
    config: &OAuthConfig,
    http: &dyn HttpPort,
    clock: &dyn Clock,
    code: &SecretString,
    verifier: PkceCodeVerifier,
    redirect: &str,
    asked: BTreeSet<String>,
) -> Result<TokenSet, TokenFailure> {
    let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|_| port(answer::bad("redirect")))?;
    let answer = client(config)
        .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
        .set_pkce_verifier(verifier)
        .set_redirect_uri(Cow::Owned(redirect))
        .request_async(&Door {
            http,
            clock,
            renews: false,
        })
        .await
        .map_err(failure)?;
    token_set(answer, None, asked, clock.now())
}

/// Gets a new access token. A refresh token that is not replaced stays; so do scopes that are not said.
pub(super) async fn refresh(
    config: &OAuthConfig,
    http: &dyn HttpPort,
    clock: &dyn Clock,
    refresh_token: &SecretString,
    known_scopes: BTreeSet<String>,
) -> Result<TokenSet, TokenFailure> {
    let answer = client(config)
        .exchange_refresh_token(&RefreshToken::new(refresh_token.expose_secret().to_owned()))
        .request_async(&Door {
            http,
            clock,
            renews: true,
        })
        .await
        .map_err(|error| match failure(error) {
            TokenFailure::Port(PortError::SignInExpired) => TokenFailure::InvalidGrant,
            other => other,
        })?;
    token_set(answer, Some(refresh_token), known_scopes, clock.now())
}

/// Ends the grant that a token belongs to (RFC 7009). A token that no longer works is fine: the grant has ended.
///
/// Written by hand: the `oauth2` crate takes only https here, and a stand-in on this machine has none.
pub async fn revoke(
    config: &OAuthConfig,
    http: &dyn HttpPort,
    clock: &dyn Clock,
    token: &SecretString,
) -> Result<(), PortError> {
    let Some(url) = &config.revoke_url else {
        return Ok(());
    };
    let request = http::Request::post(url.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(Bytes::from_owner(revocation_form(config, token)))
        .map_err(|_| PortError::Rejected {
            reason: "revoke_url".into(),
        })?;
    let response = http.send(request).await?;
    if let Some(error) = answer::trouble(&response, clock.now()) {
        return Err(error);
    }
    match response.status().as_u16() {
        200..=299 => Ok(()),
        400 | 401 => match error_word(not_too_large(response)?.body()).as_deref() {
            Some("invalid_token" | "invalid_grant") => Ok(()),
            Some(reason) => Err(PortError::Rejected {
                reason: reason.to_owned(),
            }),
            None => Err(answer::bad("revocation error")),
        },
        _ => Err(answer::bad("revocation status")),
    }
}

/// The form in a buffer that is overwritten when it is dropped, and that never grew: growing leaves copies behind.
fn revocation_form(config: &OAuthConfig, token: &SecretString) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(longest_form(config, token)));
    let mut form = url::form_urlencoded::Serializer::new(&mut *text);
    form.append_pair("token", token.expose_secret());
    form.append_pair("client_id", &config.client_id);
    if let Some(secret) = &config.client_secret {
        form.append_pair("client_secret", secret.expose_secret());
    }
    form.finish();
    text
}

/// Room for the names, and for values of which each byte may be written as three. Bytes.
fn longest_form(config: &OAuthConfig, token: &SecretString) -> usize {
    let secret = config.client_secret.as_ref();
    let secret = secret.map_or(0, |secret| secret.expose_secret().len());
    "token=&client_id=&client_secret=".len()
        + 3 * (token.expose_secret().len() + config.client_id.len() + secret)
}

/// The answer, unless its body is larger than any that such an endpoint has a reason to give: then the error of every
/// answer that is too large.
fn not_too_large(response: http::Response<Bytes>) -> Result<http::Response<Bytes>, PortError> {
    if response.body().len() <= LARGEST_ANSWER {
        Ok(response)
    } else {
        Err(HttpError::maybe_sent(HttpErrorKind::TooLarge).into())
    }
}

fn error_word(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: String,
    }
    answer::json::<Body>(body).map(|body| answer::code_word(&body.error))
}

/// True for Google's answer to a refresh token that was handed out to another client id than ours is now: no later try is answered
/// otherwise. As a 400 the same word says that the client may not use refresh tokens (RFC 6749, 5.2), and that can be mended there.
fn is_of_another_client(response: &http::Response<Bytes>) -> bool {
    response.status() == http::StatusCode::UNAUTHORIZED
        && error_word(response.body()).as_deref() == Some("unauthorized_client")
}

/// True for a 403 because of speed, as the error word of OAuth or in Google's envelope.
fn is_too_fast(response: &http::Response<Bytes>) -> bool {
    let said = || {
        let body: serde_json::Value = answer::json(response.body())?;
        let error = body.get("error")?;
        let reason = error.pointer("/errors/0/reason").unwrap_or(error).as_str()?;
        Some(matches!(
            reason,
            "rate_limit_exceeded" | "rateLimitExceeded" | "userRateLimitExceeded" | "RATE_LIMIT_EXCEEDED"
        ))
    };
    response.status() == http::StatusCode::FORBIDDEN && said().unwrap_or(false)
}

fn token_set(
    said: TokenAnswer,
    old_refresh: Option<&SecretString>,
    known_scopes: BTreeSet<String>,
    now: DateTime<Utc>,
) -> Result<TokenSet, TokenFailure> {
    // What cannot be sent in a header, or is meant to be used in another way (RFC 6749 section 7.1), is no token of ours.
    // Kept, it would take the place of one that works.
    let usable = |token: &str| answer::is_opaque(token);
    let refresh = said
        .refresh_token()
        .map(|token| SecretString::from(token.secret().clone()));
    if !matches!(said.token_type(), BasicTokenType::Bearer)
        || !usable(said.access_token().secret())
        || refresh
            .as_ref()
            .is_some_and(|token| !usable(token.expose_secret()))
    {
        return Err(port(answer::bad("token answer")));
    }
    let seconds = said
        .expires_in()
        .map_or(DEFAULT_LIFETIME_SECONDS, |time| time.as_secs());
    let lifetime =
        Duration::seconds(seconds.clamp(SHORTEST_LIFETIME_SECONDS, LONGEST_LIFETIME_SECONDS) as i64);
    let scopes = match said.scopes() {
        // Kept as said in one string by some servers: split again.
        Some(scopes) => scopes.iter().flat_map(|scope| scope_set(scope)).collect(),
        None => known_scopes,
    };
    Ok(TokenSet {
        access_token: SecretString::from(said.access_token().secret().clone()),
        refresh_token: refresh.or_else(|| old_refresh.cloned()),
        issued_at: now,
        expires_at: now + lifetime,
        scopes,
        id_token: said.extra_fields().id_token.clone(),
    })
}

fn port(error: PortError) -> TokenFailure {
    TokenFailure::Port(error)
}

fn failure(error: RequestTokenError<DoorError, BasicErrorResponse>) -> TokenFailure {
    match error {
        RequestTokenError::ServerResponse(said) => match said.error() {
            BasicErrorResponseType::InvalidGrant => TokenFailure::InvalidGrant,
            other => port(PortError::Rejected {
                reason: answer::code_word(other.as_ref()),
            }),
        },
        RequestTokenError::Request(DoorError(error)) => port(error),
        // Neither the text nor the body is passed on: they may hold what was sent.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => port(answer::bad("token answer")),
    }
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct DoorError(PortError);

/// Our port in the form that the `oauth2` crate asks for.
struct Door<'a> {
    http: &'a dyn HttpPort,
    clock: &'a dyn Clock,
    /// A refresh token is sent.
    renews: bool,
}

impl<'c> AsyncHttpClient<'c> for Door<'_> {
    type Error = DoorError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, DoorError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            // The form holds a code or a refresh token: its buffer goes on as it is, and is overwritten in the end.
            let request = request.map(|form| Bytes::from_owner(Zeroizing::new(form)));
            let sent = self.http.send(request).await;
            let response = sent.map_err(|error| DoorError(error.into()))?;
            // 429 and 5xx say nothing about the token, whatever their body is.
            let now = self.clock.now();
            if let Some(error) = answer::trouble(&response, now) {
                return Err(DoorError(error));
            }
            let response = not_too_large(response).map_err(DoorError)?;
            if is_too_fast(&response) {
                let retry_after = answer::retry_after(&response, now);
                return Err(DoorError(PortError::Throttled { retry_after }));
            }
            if self.renews && is_of_another_client(&response) {
                return Err(DoorError(PortError::SignInExpired));
            }
            // `Vec::from` takes the buffer over, so that none of our own is left with the tokens in it.
            Ok(response.map(Vec::from))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signed_in_is_not_shown() {
        let token = IdToken {
            id_token: Some("eyJhbGciOi".into()),
        };
        assert_eq!(format!("{token:?}"), "IdToken");
        assert_eq!(serde_json::to_string(&token).expect("JSON"), "{}");
        let read: IdToken = serde_json::from_str(r#"{"id_token":"eyJhbGciOi"}"#).expect("JSON");
        let read = read.id_token.expect("an id token");
        assert_eq!(read.expose_secret(), "eyJhbGciOi");
        let silent: IdToken = serde_json::from_str("{}").expect("JSON");
        assert!(silent.id_token.is_none());
    }

    fn config(secret: Option<&str>) -> OAuthConfig {
        let url = |text| url::Url::parse(text).expect("a test's own address");
        OAuthConfig {
            authorize_url: url("https://sign.example/authorize"),
            token_url: url("https://sign.example/token"),
            revoke_url: None,
            client_id: "app%".into(),
            client_secret: secret.map(SecretString::from),
            scopes: Vec::new(),
            extra: Vec::new(),
            issuer: None,
        }
    }

    /// What is sent is the very buffer that is overwritten in the end, and no shorter one was left behind on the way.
    #[test]
    fn the_form_with_a_token_lies_in_one_buffer_alone() {
        for (token, secret) in [("t", None), ("/+%\u{e9}", Some("%%%")), ("abc", Some("d"))] {
            let (config, token) = (config(secret), SecretString::from(token));
            let form = revocation_form(&config, &token);
            assert!(
                form.starts_with("token=") && form.len() <= longest_form(&config, &token),
                "{}",
                *form
            );
            let place = form.as_ptr();
            assert_eq!(Bytes::from_owner(form).as_ptr(), place);
        }
    }
}
