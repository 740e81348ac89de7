//! What holds a secret can be neither printed nor written out as it is: the compiler itself is asked, on any version of it.

use crate::common::{config, start};

use roundtrip_http::oauth::{
    AuthorizationCode, LoopbackSignIn, OAuthConfig, SignInAttempt, StoredTokens, TokenKeeper, TokenSet,
};
use roundtrip_http::testing::HandClock;
use secrecy::SecretString;
use std::marker::PhantomData;

/// Asks whether a type has a trait. What is said of types that have it goes before what a trait says of all types.
struct Of<T>(PhantomData<T>);

trait Otherwise {
    const IS_DISPLAY: bool = false;
    const IS_SERIALIZE: bool = false;
}

impl<T> Otherwise for Of<T> {}

impl<T: std::fmt::Display> Of<T> {
    const IS_DISPLAY: bool = true;
}

impl<T: serde::Serialize> Of<T> {
    const IS_SERIALIZE: bool = true;
}

/// Its name, whether it can be printed, whether it can be written out.
macro_rules! asked {
    ($($name:ty),* $(,)?) => {
        [$((stringify!($name), Of::<$name>::IS_DISPLAY, Of::<$name>::IS_SERIALIZE)),*]
    };
}

#[test]
fn what_holds_a_secret_cannot_be_printed_or_written_out() {
    // That the question has both answers.
    assert_eq!(
        asked![String, Vec<u8>, http::StatusCode, HandClock],
        [
            ("String", true, true),
            ("Vec<u8>", false, true),
            ("http::StatusCode", true, false),
            ("HandClock", false, false),
        ]
    );
    for (name, display, serialize) in asked![
        AuthorizationCode,
        LoopbackSignIn,
        OAuthConfig,
        SecretString,
        SignInAttempt,
        StoredTokens,
        TokenKeeper,
        TokenSet,
    ] {
        assert!(!display, "{name} can be printed");
        assert!(!serialize, "{name} can be written out");
    }
}

#[test]
fn a_code_is_not_shown_where_its_attempt_is() {
    let redirect = "http://127.0.0.1:4321/callback";
    let mut attempt = SignInAttempt::begin(config(), redirect, start()).expect("a safe config");
    let state = attempt
        .authorize_url()
        .query_pairs()
        .find(|(name, _)| name == "state")
        .map(|(_, state)| state.into_owned())
        .expect("asked for");
    let answer = format!("{redirect}?state={state}&code=canary");
    let code = attempt.complete_from_url(&answer, start()).expect("right");
    let shown = format!("{code:?} {attempt:?}");
    assert!(
        !shown.contains("canary") && !shown.contains("public-secret"),
        "{shown}"
    );
}
