//! How the app signs in at Google by its built-in addresses.

use roundtrip_google::GoogleConfig;

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
    // Out-of-band redirects are gone at Google; nothing of ours knows one.
    assert!(!format!("{sign_in:?}").contains("urn:ietf:wg:oauth"));
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
