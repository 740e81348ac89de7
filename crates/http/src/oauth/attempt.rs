//! One authorization request and its one answer.

use super::OAuthConfig;
use super::endpoint::{self, TokenFailure, TokenSet};
use crate::port::{HttpPort, is_allowed};
use chrono::{DateTime, Duration, Utc};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use roundtrip_engine::ports::{Clock, PortError};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeSet;
use subtle::ConstantTimeEq as _;
use url::{Host, Url};

/// Name of the parameter by which a server names itself (RFC 9207).
pub const ISSUER_PARAMETER: &str = "iss";
const LIFETIME_MINUTES: i64 = 5;
/// A code is 256 bytes at most at Google; this allows for others and no more.
const LONGEST_CODE: usize = 4096;

/// Why a sign-in did not come to an end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Nobody answered within five minutes.
    #[error("the sign-in took too long")]
    Expired,
    /// The answer came to another address than the one we named.
    #[error("not the address of this sign-in")]
    WrongAddress,
    /// The answer does not belong to this attempt: state missing, wrong, or said twice.
    #[error("the answer belongs to another sign-in")]
    StateMismatch,
    /// This attempt already had its answer.
    #[error("this sign-in was already answered")]
    AlreadyAnswered,
    /// Another server answered than the one that was asked (RFC 9207).
    #[error("another server answered")]
    IssuerMismatch,
    /// Neither code nor error.
    #[error("the answer is incomplete")]
    Incomplete,
    /// The person or the server said no.
    #[error("refused: {reason}")]
    Denied {
        /// `access_denied`, `admin_policy_enforced` or another stable word.
        reason: String,
    },
    /// The code was not accepted.
    #[error("the code was not accepted")]
    CodeNotAccepted,
    /// An address to sign in at is neither https nor loopback.
    #[error("the sign-in address is not safe")]
    UnsafeAddress,
    /// No port of this machine could be opened.
    #[error("no local port could be opened")]
    NoPort,
    /// The service could not be asked.
    #[error(transparent)]
    Service(#[from] PortError),
}

/// What a right answer carried.
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    code: SecretString,
    /// What was granted, if the answer said it.
    pub scopes: Option<BTreeSet<String>>,
}

/// One authorization request, waiting for its one answer. State and verifier never leave it.
#[derive(Debug)]
pub struct SignInAttempt {
    config: OAuthConfig,
    authorize_url: Url,
    redirect: Url,
    state: SecretString,
    verifier: PkceCodeVerifier,
    expires_at: DateTime<Utc>,
    answered: bool,
}

impl SignInAttempt {
    /// Begins a sign-in whose answer goes to `redirect`: a loopback address, or a deep link that is registered at the
    /// service. State and verifier come from the system's own randomness, never from a seeded clock.
    ///
    /// [`SignInError::WrongAddress`] for an address at which somebody else could hear the answer, or at which nobody does
    /// (out of band), [`SignInError::UnsafeAddress`] if the service is to be asked without TLS.
    pub fn begin(config: OAuthConfig, redirect: &str, now: DateTime<Utc>) -> Result<Self, SignInError> {
        let redirect = Url::parse(redirect)
            .ok()
            .filter(comes_back_here)
            .ok_or(SignInError::WrongAddress)?;
        if !is_allowed(&config.authorize_url) || !is_allowed(&config.token_url) {
            return Err(SignInError::UnsafeAddress);
        }
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new_random_len(32);
        let client = endpoint::client(&config)
            .set_redirect_uri(RedirectUrl::new(redirect.to_string()).map_err(|_| SignInError::WrongAddress)?);
        let mut request = client
            .authorize_url(|| state.clone())
            .add_scopes(config.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        for (name, value) in &config.extra {
            request = request.add_extra_param(name.clone(), value.clone());
        }
        let (authorize_url, _) = request.url();
        Ok(Self {
            authorize_url,
            redirect,
            state: SecretString::from(state.into_secret()),
            verifier,
            expires_at: now + Duration::minutes(LIFETIME_MINUTES),
            answered: false,
            config,
        })
    }

    /// What the system browser opens.
    pub fn authorize_url(&self) -> &Url {
        &self.authorize_url
    }

    /// Where the answer is expected.
    pub fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// Until when it is expected.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Takes the address that the browser was sent to. A wrong one changes nothing; a right one is taken once.
    pub fn complete_from_url(
        &mut self,
        url: &str,
        now: DateTime<Utc>,
    ) -> Result<AuthorizationCode, SignInError> {
        let url = Url::parse(url).map_err(|_| SignInError::WrongAddress)?;
        let taken = self.complete(&url, now);
        // The address holds the code.
        drop(Zeroizing::new(String::from(url)));
        taken
    }

    fn complete(&mut self, url: &Url, now: DateTime<Utc>) -> Result<AuthorizationCode, SignInError> {
        if place(url) != place(&self.redirect) || url.fragment().is_some() {
            return Err(SignInError::WrongAddress);
        }
        let answer = Answer::read(url)?;
        let state = answer.state.as_ref().map_or("", |state| state.as_str());
        if !bool::from(state.as_bytes().ct_eq(self.state.expose_secret().as_bytes())) {
            return Err(SignInError::StateMismatch);
        }
        if now >= self.expires_at {
            return Err(SignInError::Expired);
        }
        if self.answered {
            return Err(SignInError::AlreadyAnswered);
        }
        if answer.code.is_none() && answer.error.is_none() {
            return Err(SignInError::Incomplete);
        }
        self.answered = true;
        self.check_issuer(answer.issuer.as_ref().map(|name| name.as_str()))?;
        match (answer.error, answer.code) {
            (Some(error), _) => Err(SignInError::Denied {
                reason: crate::answer::code_word(&error),
            }),
            (None, Some(code)) if code.len() <= LONGEST_CODE => Ok(AuthorizationCode {
                code: SecretString::from(code.as_str()),
                scopes: answer.scope.as_ref().map(|text| endpoint::scope_set(text)),
            }),
            (None, _) => Err(SignInError::Incomplete),
        }
    }

    fn check_issuer(&self, said: Option<&str>) -> Result<(), SignInError> {
        let Some(expected) = &self.config.issuer else {
            return Ok(());
        };
        match said {
            Some(said) if said == expected.name => Ok(()),
            Some(_) => Err(SignInError::IssuerMismatch),
            None if expected.always_said => Err(SignInError::IssuerMismatch),
            None => Ok(()),
        }
    }

    /// Exchanges the code for tokens; the attempt is used up.
    pub async fn exchange(
        self,
        code: AuthorizationCode,
        http: &dyn HttpPort,
        clock: &dyn Clock,
    ) -> Result<TokenSet, SignInError> {
        let asked = code
            .scopes
            .unwrap_or_else(|| self.config.scopes.iter().cloned().collect());
        endpoint::exchange(
            &self.config,
            http,
            clock,
            &code.code,
            self.verifier,
            self.redirect.as_str(),
            asked,
        )
        .await
        .map_err(|failure| match failure {
            TokenFailure::InvalidGrant => SignInError::CodeNotAccepted,
            TokenFailure::Port(error) => SignInError::Service(error),
        })
    }
}

/// True for an address at which this app alone hears: a loopback address written as such (a name may be pointed elsewhere,
/// RFC 8252 section 8.3), or a link of a program's own. Not for a page, and not for `urn:ietf:wg:oauth:2.0:oob`, where a
/// page shows the code to be copied by hand.
fn comes_back_here(redirect: &Url) -> bool {
    match (redirect.scheme(), redirect.host()) {
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        ("http" | "https", _) => false,
        (_, host) => host.is_some(),
    }
}

/// What must be equal in the address that was named and the address that was opened: all but query and fragment.
fn place(url: &Url) -> (&str, &str, Option<&str>, Option<&str>, Option<u16>, &str) {
    (
        url.scheme(),
        url.username(),
        url.password(),
        url.host_str(),
        url.port_or_known_default(),
        url.path(),
    )
}

/// The parameters, in texts that are overwritten when they are dropped.
#[derive(Default)]
struct Answer {
    state: Option<Zeroizing<String>>,
    code: Option<Zeroizing<String>>,
    error: Option<Zeroizing<String>>,
    issuer: Option<Zeroizing<String>>,
    scope: Option<Zeroizing<String>>,
}

impl Answer {
    /// Reads the parameters. One that is said twice makes the answer ambiguous: it is refused.
    fn read(url: &Url) -> Result<Self, SignInError> {
        let mut answer = Self::default();
        for (name, value) in url.query_pairs() {
            let slot = match name.as_ref() {
                "state" => &mut answer.state,
                "code" => &mut answer.code,
                "error" => &mut answer.error,
                ISSUER_PARAMETER => &mut answer.issuer,
                "scope" => &mut answer.scope,
                _ => continue,
            };
            if slot.replace(Zeroizing::new(value.into_owned())).is_some() {
                return Err(SignInError::StateMismatch);
            }
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::Issuer;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const REDIRECT: &str = "http://127.0.0.1:4321/callback";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time")
    }

    fn config() -> OAuthConfig {
        let url = |text| Url::parse(text).expect("a test's own address");
        OAuthConfig {
            authorize_url: url("https://sign.example/authorize"),
            token_url: url("https://sign.example/token"),
            revoke_url: None,
            client_id: "app".into(),
            client_secret: None,
            scopes: vec!["openid".into(), "calendar events".into()],
            extra: vec![("access_type".into(), "offline".into())],
            issuer: None,
        }
    }

    fn begin(config: OAuthConfig) -> SignInAttempt {
        SignInAttempt::begin(config, REDIRECT, now()).expect("a safe config")
    }

    fn asked(attempt: &SignInAttempt, name: &str) -> String {
        let mut found = attempt
            .authorize_url()
            .query_pairs()
            .filter(|(key, _)| key == name);
        let value = found
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        assert!(found.next().is_none(), "{name} said twice");
        value
    }

    fn answer(attempt: &SignInAttempt, rest: &str) -> String {
        format!("{REDIRECT}?state={}&{rest}", asked(attempt, "state"))
    }

    #[test]
    fn the_request_names_all_that_it_must() {
        let attempt = begin(config());
        assert_eq!(asked(&attempt, "response_type"), "code");
        assert_eq!(asked(&attempt, "client_id"), "app");
        assert_eq!(asked(&attempt, "redirect_uri"), REDIRECT);
        assert_eq!(asked(&attempt, "scope"), "openid calendar events");
        assert_eq!(asked(&attempt, "code_challenge_method"), "S256");
        assert_eq!(asked(&attempt, "access_type"), "offline");
        let whole = format!("{attempt:?}");
        assert!(
            !whole.contains(attempt.verifier.secret()),
            "a verifier is never shown"
        );
    }

    /// Which characters came at each place of many texts. 32 octets are 43 characters of base64, of which the last one
    /// holds four bits only.
    struct Places([HashSet<u8>; 43]);

    impl Places {
        fn new() -> Self {
            Self(std::array::from_fn(|_| HashSet::new()))
        }

        fn add(&mut self, text: &str) {
            assert_eq!(text.len(), 43, "32 octets");
            for (place, byte) in self.0.iter_mut().zip(text.bytes()) {
                place.insert(byte);
            }
        }

        /// All of a place's bits vary. Of a thousand right texts all symbols come at nearly every place; five that are
        /// missing at one of them is less likely than one in 10^25.
        fn vary(&self) -> bool {
            let (last, rest) = self.0.split_last().expect("43 of them");
            rest.iter().all(|place| (60..=64).contains(&place.len())) && (14..=16).contains(&last.len())
        }
    }

    #[test]
    fn a_place_of_which_a_bit_stands_still_is_noticed() {
        const SYMBOLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let found = |place: usize, mask: usize| {
            let mut places = Places::new();
            for symbol in 0..64 {
                let mut text = [SYMBOLS[symbol]; 43];
                text[42] = SYMBOLS[symbol & 0b11_1100];
                text[place] = SYMBOLS[symbol & mask];
                places.add(std::str::from_utf8(&text).expect("ASCII"));
            }
            places.vary()
        };
        assert!(found(0, 63) && found(42, 0b11_1100));
        for bit in 0..6 {
            assert!(
                !found(0, 63 & !(1 << bit)) && !found(41, 63 & !(1 << bit)),
                "{bit}"
            );
        }
        for bit in 2..6 {
            assert!(!found(42, 0b11_1100 & !(1 << bit)), "{bit}");
        }
    }

    /// 32 random octets each: the length is 43, the characters are those of RFC 7636, no two are alike.
    #[test]
    fn verifier_state_and_challenge_are_strong_and_never_repeat() {
        let allowed = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        let mut seen = HashSet::new();
        let mut places = Places::new();
        for _ in 0..100_000 {
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            let text = verifier.secret();
            assert!(
                (43..=128).contains(&text.len()) && allowed(text),
                "{}",
                text.len()
            );
            assert_eq!(challenge.method().as_str(), "S256");
            assert!(seen.insert(text.clone()));
            places.add(text);
        }
        assert!(places.vary());
        let (mut verifiers, mut states) = (Places::new(), Places::new());
        for _ in 0..1000 {
            let attempt = begin(config());
            let challenge = PkceCodeChallenge::from_code_verifier_sha256(&attempt.verifier);
            assert_eq!(asked(&attempt, "code_challenge"), challenge.as_str());
            assert!(seen.insert(attempt.verifier.secret().clone()) && attempt.verifier.secret().len() == 43);
            verifiers.add(attempt.verifier.secret());
            let state = asked(&attempt, "state");
            states.add(&state);
            assert!(state.len() >= 43 && allowed(&state) && seen.insert(state));
        }
        assert!(verifiers.vary() && states.vary());
    }

    #[test]
    fn an_answer_is_taken_once() {
        let mut attempt = begin(config());
        let url = answer(&attempt, "code=c1&scope=openid%20x");
        let code = attempt.complete_from_url(&url, now()).expect("the right answer");
        assert_eq!(code.code.expose_secret(), "c1");
        assert_eq!(code.scopes, Some(["openid".to_owned(), "x".to_owned()].into()));
        assert_eq!(
            attempt.complete_from_url(&url, now()).err(),
            Some(SignInError::AlreadyAnswered)
        );
    }

    #[test]
    fn a_wrong_answer_changes_nothing() {
        let mut attempt = begin(config());
        let state = asked(&attempt, "state");
        let longer = format!("{REDIRECT}?state={state}x&code=c");
        let shorter = format!("{REDIRECT}?state={}&code=c", &state[1..]);
        let other = answer(&begin(config()), "code=c");
        let twice = format!("{REDIRECT}?state=x&state={state}&code=c");
        let two_codes = answer(&attempt, "code=a&code=b");
        let empty_state = format!("{REDIRECT}?code=c&state=");
        let no_state = format!("{REDIRECT}?code=c");
        for url in [longer, shorter, other, twice, two_codes, empty_state, no_state] {
            assert_eq!(
                attempt.complete_from_url(&url, now()).err(),
                Some(SignInError::StateMismatch),
                "{url}"
            );
        }
        let right = answer(&attempt, "code=c");
        for url in [
            right.replace("/callback", "/callback/"),
            right.replace("/callback", "/Callback"),
            right.replace("127.0.0.1", "localhost"),
            right.replace(":4321", ":4322"),
            right.replace("http:", "https:"),
            right.replace("127.0.0.1", "x@127.0.0.1"),
            format!("{right}#code=d"),
            "roundtrip://signin/platform?code=c".into(),
            "no address".into(),
        ] {
            assert_eq!(
                attempt.complete_from_url(&url, now()).err(),
                Some(SignInError::WrongAddress),
                "{url}"
            );
        }
        let nothing = answer(&attempt, "hello=1");
        assert_eq!(
            attempt.complete_from_url(&nothing, now()).err(),
            Some(SignInError::Incomplete)
        );
        assert!(
            attempt.complete_from_url(&right, now()).is_ok(),
            "the right one is still taken"
        );
    }

    #[test]
    fn a_deep_link_can_bring_the_answer() {
        let mut attempt =
            SignInAttempt::begin(config(), "roundtrip://signin/platform", now()).expect("a safe config");
        let state = asked(&attempt, "state");
        let elsewhere = format!("roundtrip://appointment/platform?state={state}&code=c");
        assert_eq!(
            attempt.complete_from_url(&elsewhere, now()).err(),
            Some(SignInError::WrongAddress)
        );
        assert!(
            attempt
                .complete_from_url(
                    &format!("roundtrip://signin/platform?state={state}&code=c"),
                    now()
                )
                .is_ok()
        );
    }

    #[test]
    fn an_answer_is_asked_for_where_this_app_alone_hears_it() {
        for redirect in [
            "urn:ietf:wg:oauth:2.0:oob",
            "urn:ietf:wg:oauth:2.0:oob:auto",
            "https://sign.example/show-the-code",
            "https://127.0.0.1:4321/callback",
            "http://sign.example/callback",
            "http://localhost:4321/callback",
            "http://10.0.0.1:4321/callback",
            "http://[2001:db8::1]:4321/callback",
            "mailto:mara@sign.example",
            "data:text/plain,x",
            "",
        ] {
            assert_eq!(
                SignInAttempt::begin(config(), redirect, now()).err(),
                Some(SignInError::WrongAddress),
                "{redirect}"
            );
        }
        for redirect in [
            REDIRECT,
            "http://[::1]:4321/callback",
            "roundtrip://signin/platform",
        ] {
            let attempt = SignInAttempt::begin(config(), redirect, now()).expect("our own address");
            assert_eq!(asked(&attempt, "redirect_uri"), redirect);
        }
    }

    #[test]
    fn an_attempt_ends_after_five_minutes() {
        let mut attempt = begin(config());
        let url = answer(&attempt, "code=c");
        let end = now() + Duration::minutes(5);
        assert_eq!(attempt.expires_at(), end);
        assert_eq!(
            attempt.complete_from_url(&url, end).err(),
            Some(SignInError::Expired)
        );
        assert!(
            attempt
                .complete_from_url(&url, end - Duration::milliseconds(1))
                .is_ok()
        );
    }

    #[test]
    fn a_no_is_told_by_its_word_alone() {
        let mut attempt = begin(config());
        let url = answer(&attempt, "error=access_denied&error_description=x");
        let denied = SignInError::Denied {
            reason: "access_denied".into(),
        };
        assert_eq!(attempt.complete_from_url(&url, now()).err(), Some(denied));
        let mut attempt = begin(config());
        let url = answer(&attempt, "error=%3Cscript%3E");
        let denied = SignInError::Denied {
            reason: "unknown".into(),
        };
        assert_eq!(attempt.complete_from_url(&url, now()).err(), Some(denied));
    }

    #[test]
    fn another_server_is_refused() {
        let issuer = |always_said| {
            Some(Issuer {
                name: "https://sign.example".into(),
                always_said,
            })
        };
        for (always_said, rest, taken) in [
            (true, "code=c&iss=https%3A%2F%2Fsign.example", true),
            (true, "code=c", false),
            (true, "code=c&iss=https%3A%2F%2Fsign.example%2F", false),
            (true, "code=c&iss=https%3A%2F%2Fevil.example", false),
            (false, "code=c", true),
            (false, "code=c&iss=https%3A%2F%2Fevil.example", false),
            (false, "error=access_denied&iss=https%3A%2F%2Fevil.example", false),
        ] {
            let mut attempt = begin(OAuthConfig {
                issuer: issuer(always_said),
                ..config()
            });
            let outcome = attempt.complete_from_url(&answer(&attempt, rest), now());
            match taken {
                true => assert!(outcome.is_ok(), "{always_said} {rest}"),
                false => assert_eq!(
                    outcome.err(),
                    Some(SignInError::IssuerMismatch),
                    "{always_said} {rest}"
                ),
            }
        }
    }

    #[test]
    fn an_unsafe_address_is_never_asked() {
        for text in [
            "http://sign.example/authorize",
            "ftp://sign.example/",
            "roundtrip://x",
        ] {
            let url = Url::parse(text).expect("a test's own address");
            for config in [
                OAuthConfig {
                    authorize_url: url.clone(),
                    ..config()
                },
                OAuthConfig {
                    token_url: url.clone(),
                    ..config()
                },
            ] {
                assert_eq!(
                    SignInAttempt::begin(config, REDIRECT, now()).err(),
                    Some(SignInError::UnsafeAddress)
                );
            }
        }
    }

    proptest! {
        #[test]
        fn no_made_up_address_is_taken(path in ".{0,40}", state in ".{0,60}", code in ".{0,20}") {
            let mut attempt = begin(config());
            let mut url = Url::parse(REDIRECT).expect("a test's own address");
            url.query_pairs_mut().append_pair("state", &state).append_pair("code", &code);
            prop_assert!(attempt.complete_from_url(url.as_str(), now()).is_err());
            prop_assert!(attempt.complete_from_url(&path, now()).is_err());
            let longer = format!("{REDIRECT}{path}");
            prop_assert!(attempt.complete_from_url(&longer, now()).is_err());
            let right = answer(&attempt, "code=c");
            prop_assert!(attempt.complete_from_url(&right, now()).is_ok());
        }
    }
}
