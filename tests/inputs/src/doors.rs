//! What other programs of this machine can send: links, requests to the loopback listener, addresses that are pasted.

use crate::links::{self, Link};
use crate::services::{metadata, now};
use roundtrip_http::oauth::{SignInAttempt, fuzz_target};
use roundtrip_http::{is_allowed, is_loopback};
use roundtrip_platform::{DEEP_LINK_REDIRECT, parse_address};
use std::net::{Ipv4Addr, SocketAddr};

/// Whatever was sent to an attempt: it is as if nothing had come, and the right answer is still taken.
fn changes_nothing(redirect: &str, sent: &str) {
    let mut attempt = SignInAttempt::begin(metadata().sign_in(), redirect, now())
        .unwrap_or_else(|error| panic!("a safe config: {error}"));
    let before = format!("{attempt:?}");
    assert!(attempt.complete_from_url(sent, now()).is_err(), "{sent}");
    assert_eq!(format!("{attempt:?}"), before, "{sent}");
    let page = attempt.authorize_url().clone();
    let state = page.query_pairs().find(|(name, _)| name == "state");
    let state = state.map(|(_, state)| state.into_owned()).unwrap_or_default();
    let right = format!("{redirect}?state={state}&code=c&iss=https%3A%2F%2Flinden.example");
    assert!(
        attempt.complete_from_url(&right, now()).is_ok(),
        "the right answer after {sent}"
    );
}

/// A `roundtrip://` link: navigation to a place of the window, or an answer that no attempt takes.
pub fn deep_link(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    changes_nothing(DEEP_LINK_REDIRECT, &text);
    match links::parse(&text) {
        Some(Link::Route(route)) => {
            assert!(route.len() <= 128 + 16);
            let (place, id) = route[1..].split_once('/').unwrap_or_else(|| panic!("{route}"));
            assert!(
                ["appointments", "conflicts", "connect"].contains(&place),
                "{route}"
            );
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)),
                "{route}"
            );
            assert!(!matches!(id, "" | "." | ".."), "{route}");
        }
        Some(Link::SignIn(link)) => assert_eq!(link, text),
        None => {}
    }
}

/// The head of a request to the loopback listener.
pub fn loopback(input: &[u8]) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4321));
    let Some(target) = fuzz_target(input, address) else {
        return;
    };
    assert!(input.starts_with(b"GET /callback"));
    assert!(target.len() <= input.len());
    changes_nothing(
        "http://127.0.0.1:4321/callback",
        &format!("http://{address}{target}"),
    );
}

/// An address that somebody types or pastes.
pub fn address(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(url) = parse_address(&text) {
        assert!(is_allowed(&url) && (url.scheme() == "https" || is_loopback(&url)));
        assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none());
    }
}
