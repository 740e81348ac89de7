//! How the app signs in at Google by its built-in addresses.

use chrono::DateTime;
use roundtrip_google::GoogleConfig;
use roundtrip_http::oauth::{CALLBACK_PATH, LoopbackSignIn, SignInAttempt, SignInError};
use roundtrip_http::testing::HandClock;
use url::{Host, Url};

fn google() -> GoogleConfig {
    let id = |name: &str| (name == "GOOGLE_CLIENT_ID").then(|| "app".to_owned());
    GoogleConfig::from_settings(id).expect("the built-in addresses")
}

/// Out of band a page would show the code, to be copied by hand; Google took that away. What the browser is sent to names a
/// loopback address, and the port of it that is listened at.
#[tokio::test]
async fn the_answer_is_asked_for_at_a_loopback_address_and_never_out_of_band() {
    let clock = HandClock::at(DateTime::UNIX_EPOCH);
    for config in [google().sign_in(), google().sign_in_again("mara@linden.example")] {
        let sign_in = LoopbackSignIn::begin(config, clock.clone())
            .await
            .expect("a free port");
        let redirects: Vec<String> = sign_in
            .authorize_url()
            .query_pairs()
            .filter(|(name, _)| name == "redirect_uri")
            .map(|(_, value)| value.into_owned())
            .collect();
        let [redirect] = &redirects[..] else {
            panic!("one redirect, not {redirects:?}");
        };
        let redirect = Url::parse(redirect).expect("an address");
        let ip = match redirect.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            _ => false,
        };
        assert!(ip, "{redirect}");
        assert_eq!((redirect.scheme(), redirect.path()), ("http", CALLBACK_PATH));
        assert_eq!(redirect.port(), Some(sign_in.address().port()));
    }
    for oob in ["urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob:auto"] {
        let refused = SignInAttempt::begin(google().sign_in(), oob, DateTime::UNIX_EPOCH);
        assert_eq!(refused.err(), Some(SignInError::WrongAddress), "{oob}");
    }
}

#[test]
fn the_least_is_asked_for_in_the_system_s_browser() {
    let config = GoogleConfig::from_settings(|_| None).expect("the built-in addresses");
    let sign_in = config.sign_in();
    // Events only: neither all calendars nor their settings. The other two say who signed in.
    assert_eq!(
        sign_in.scopes,
        [
            "openid",
            "email",
            "https://www.googleapis.com/auth/calendar.events"
        ]
    );
    assert_eq!(sign_in.authorize_url.host_str(), Some("accounts.google.com"));
    assert_eq!(sign_in.token_url.scheme(), "https");
    assert!(sign_in.issuer.is_some(), "answers of another server are refused");
    // A client secret in a desktop app is public: without one the request is the same.
    assert!(sign_in.client_secret.is_none());
}

#[test]
fn an_address_that_is_not_safe_is_refused() {
    for bad in [
        "http://accounts.example/auth",
        "ftp://127.0.0.1/",
        "accounts.example",
    ] {
        let setting = |name: &str| (name == "ROUNDTRIP_GOOGLE_TOKEN_URL").then(|| bad.to_owned());
        assert!(GoogleConfig::from_settings(setting).is_err(), "{bad}");
    }
}
