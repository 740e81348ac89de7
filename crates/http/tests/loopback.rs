//! The loopback listener, over real sockets.

use crate::common;

use common::{StandingClock, config, start};
use proptest::prelude::*;
use roundtrip_engine::ports::PortError;
use roundtrip_http::oauth::{LoopbackSignIn, SignInError, TokenSet};
use roundtrip_http::testing::ScriptedHttp;
use secrecy::ExposeSecret as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const TOKENS: &str =
    r#"{"access_token":"at","refresh_token":"rt","expires_in":3600,"token_type":"Bearer","scope":"events"}"#;

struct SignIn {
    address: SocketAddr,
    state: String,
    http: Arc<ScriptedHttp>,
    outcome: JoinHandle<Result<TokenSet, SignInError>>,
}

/// Begins a sign-in and waits for its answer in a task of its own.
async fn sign_in() -> SignIn {
    let http = ScriptedHttp::new();
    http.then(200, TOKENS);
    let clock = Arc::new(StandingClock::that_waits());
    let sign_in = LoopbackSignIn::begin(config(), clock).await.expect("a free port");
    let address = sign_in.address();
    let asked = |name: &str| {
        let mut pairs = sign_in.authorize_url().query_pairs();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .expect("asked for")
    };
    assert_eq!(asked("redirect_uri"), format!("http://{address}/callback"));
    let state = asked("state");
    let door = http.clone();
    let outcome = tokio::spawn(async move { sign_in.wait(&*door).await });
    SignIn {
        address,
        state,
        http,
        outcome,
    }
}

impl SignIn {
    fn get(&self, target: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address)
    }

    fn right(&self) -> String {
        self.get(&format!("/callback?state={}&code=c1", self.state))
    }

    async fn ask(&self, request: &str) -> String {
        ask(self.address, request.as_bytes()).await
    }

    async fn ends_well(self) {
        let page = self.ask(&self.right()).await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        let tokens = self.outcome.await.expect("no panic").expect("signed in");
        assert_eq!(tokens.access_token.expose_secret(), "at");
        assert!(
            TcpStream::connect(self.address).await.is_err(),
            "the port is closed"
        );
    }
}

/// Sends bytes and reads all that comes back, as far as it comes.
async fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("listening");
    // A listener that has heard enough may close before all is sent.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn it_listens_on_a_loopback_address_and_takes_the_right_answer() {
    let sign_in = sign_in().await;
    assert!(sign_in.address.ip().is_loopback());
    let http = sign_in.http.clone();
    let redirect = format!(
        "redirect_uri=http%3A%2F%2F127.0.0.1%3A{}%2Fcallback",
        sign_in.address.port()
    );
    sign_in.ends_well().await;
    let asked = http.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].uri(), "https://sign.example/token");
    let form = std::str::from_utf8(asked[0].body()).expect("text");
    for part in [
        "grant_type=authorization_code",
        "code=c1",
        "client_id=app",
        "client_secret=public-secret",
        &redirect,
    ] {
        assert!(form.split('&').any(|pair| pair == part), "{part} in {form}");
    }
    let verifier = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("code_verifier="))
        .expect("a verifier");
    assert_eq!(verifier.len(), 43);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_it_keeps_waiting() {
    let sign_in = sign_in().await;
    let right = sign_in.right();
    for (request, status) in [
        (sign_in.get("/"), 404),
        (sign_in.get("/favicon.ico"), 404),
        (right.replace("/callback", "/callback/"), 404),
        (right.replace("/callback", "/x/../callback"), 404),
        (right.replace("/callback", "//callback"), 404),
        (
            right.replace("/callback", &format!("http://{}/callback", sign_in.address)),
            404,
        ),
        (sign_in.get("/callback"), 400),
        (sign_in.get("/callback?state=wrong&code=c1"), 400),
        (sign_in.get(&format!("/callback?state={}", sign_in.state)), 400),
        (
            sign_in.get(&format!("/callback?state={0}&state={0}&code=c", sign_in.state)),
            400,
        ),
        (right.replace("GET", "POST"), 405),
        (right.replace("GET", "HEAD"), 405),
        (right.replace("GET", "get"), 405),
        (right.replace("Host: 127.0.0.1", "Host: localhost"), 400),
        (right.replace("Host: 127.0.0.1", "Host: evil.example"), 400),
        (right.replace("\r\n\r\n", "\r\nHost: evil.example\r\n\r\n"), 400),
        (right.replace("Host", "Ghost"), 400),
        (right.replace("HTTP/1.1", "HTTP/2"), 400),
        (right.replace(" HTTP/1.1", ""), 400),
        (right.replace(" HTTP/1.1", " x HTTP/1.1"), 400),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000)), 431),
    ] {
        let answer = sign_in.ask(&request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:.120}\n{answer}"
        );
        assert!(answer.ends_with("\r\n\r\n"), "no page: {answer}");
    }
    assert!(sign_in.http.asked().is_empty(), "nothing was exchanged");
    sign_in.ends_well().await;
}

#[tokio::test]
async fn nothing_of_the_request_comes_back_in_the_page() {
    let sign_in = sign_in().await;
    let request = sign_in.get(&format!(
        "/callback?state={}&code=canary1&x=canary2",
        sign_in.state
    ));
    let page = sign_in.ask(&request).await;
    assert!(
        page.contains("close this tab") && !page.contains("canary"),
        "{page}"
    );
    for header in [
        "Content-Security-Policy: default-src 'none'",
        "Referrer-Policy: no-referrer",
        "Cache-Control: no-store",
    ] {
        assert!(page.contains(header), "{header}");
    }
    assert!(sign_in.outcome.await.expect("no panic").is_ok());
}

#[tokio::test]
async fn a_silent_connection_does_not_keep_the_answer_from_coming() {
    let sign_in = sign_in().await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(sign_in.address).await.expect("listening");
        stream.write_all(b"GET /call").await.expect("open");
        silent.push(stream);
    }
    sign_in.ends_well().await;
}

#[tokio::test]
async fn a_request_in_pieces_is_put_together() {
    let sign_in = sign_in().await;
    let mut stream = TcpStream::connect(sign_in.address).await.expect("listening");
    for byte in sign_in.right().as_bytes() {
        stream.write_all(&[*byte]).await.expect("open");
    }
    let mut page = String::new();
    stream.read_to_string(&mut page).await.expect("text");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(sign_in.outcome.await.expect("no panic").is_ok());
}

#[tokio::test]
async fn a_no_ends_it_with_its_own_page() {
    let sign_in = sign_in().await;
    let page = sign_in
        .ask(&sign_in.get(&format!("/callback?state={}&error=access_denied", sign_in.state)))
        .await;
    assert!(page.contains("not completed"), "{page}");
    let outcome = sign_in.outcome.await.expect("no panic");
    assert_eq!(
        outcome.err(),
        Some(SignInError::Denied {
            reason: "access_denied".into()
        })
    );
    assert!(sign_in.http.asked().is_empty());
    assert!(
        TcpStream::connect(sign_in.address).await.is_err(),
        "the port is closed"
    );
}

#[tokio::test]
async fn nobody_answers_for_five_minutes() {
    let clock = Arc::new(StandingClock::that_does_not_wait());
    let sign_in = LoopbackSignIn::begin(config(), clock.clone())
        .await
        .expect("a free port");
    let address = sign_in.address();
    let outcome = sign_in.wait(&*ScriptedHttp::new()).await;
    assert_eq!(outcome.err(), Some(SignInError::Expired));
    assert_eq!(clock.waits_asked_for(), [Duration::from_secs(300)]);
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn giving_up_closes_the_port() {
    let sign_in = sign_in().await;
    sign_in.outcome.abort();
    assert!(sign_in.outcome.await.is_err());
    assert!(TcpStream::connect(sign_in.address).await.is_err());
}

#[tokio::test]
async fn a_code_that_is_not_accepted_is_said() {
    let not_allowed = PortError::Rejected {
        reason: "unauthorized_client".into(),
    };
    for (word, expected) in [
        ("invalid_grant", SignInError::CodeNotAccepted),
        // Of a client that may not sign in at all: another code would be refused as well.
        ("unauthorized_client", SignInError::Service(not_allowed)),
    ] {
        let http = ScriptedHttp::new();
        let said = format!(r#"{{"error":"{word}","error_description":"Malformed auth code."}}"#);
        http.then(400, &said);
        let mut attempt =
            roundtrip_http::oauth::SignInAttempt::begin(config(), "http://127.0.0.1:1/callback", start())
                .expect("safe");
        let state = attempt
            .authorize_url()
            .query_pairs()
            .find(|(key, _)| key == "state")
            .expect("asked")
            .1
            .into_owned();
        let code = attempt.complete_from_url(
            &format!("http://127.0.0.1:1/callback?state={state}&code=c"),
            start(),
        );
        let clock = StandingClock::that_waits();
        let outcome = attempt.exchange(code.expect("right"), &*http, &clock).await;
        assert_eq!(outcome.err(), Some(expected), "{word}");
    }
}

/// Whatever is sent, the listener answers or hangs up, takes nothing for an answer, and goes on.
#[test]
fn no_bytes_bring_it_down() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let sign_in = runtime.block_on(sign_in());
    let near = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "(GET|POST|TRACE)? ?/?(callback)?[?&=%a-z\r\n :/.]{0,60}( HTTP/1.[019])?\r\n(Host: [0-9.:a-z]{0,20}\r\n)?\r\n"
            .prop_map(String::into_bytes),
    ];
    proptest!(ProptestConfig::with_cases(2000), |(mut bytes in near)| {
        bytes.extend_from_slice(b"\r\n\r\n");
        let answer = runtime.block_on(ask(sign_in.address, &bytes));
        prop_assert!(!answer.starts_with("HTTP/1.1 200"), "{}", answer);
        prop_assert!(!sign_in.outcome.is_finished());
    });
    runtime.block_on(sign_in.ends_well());
}
