//! The listener that receives the answer of a sign-in on this machine (RFC 8252 section 7.3).

use super::OAuthConfig;
use super::attempt::{AuthorizationCode, SignInAttempt, SignInError};
use super::endpoint::TokenSet;
use crate::port::HttpPort;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use roundtrip_engine::ports::Clock;
use secrecy::zeroize::Zeroizing;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// The one path that is answered.
pub const CALLBACK_PATH: &str = "/callback";
const LARGEST_REQUEST: usize = 8 * 1024;
/// Connections that are read at once. Browsers open some ahead and leave them silent: they must not be waited for.
const MOST_CONNECTIONS: usize = 32;
/// Longest time for one connection.
const PATIENCE: Duration = Duration::from_secs(15);

const DONE: &str = include_str!("pages/done.html");
const REFUSED: &str = include_str!("pages/refused.html");

/// A sign-in whose answer comes to a port of this machine. Dropping it closes the port.
pub struct LoopbackSignIn {
    attempt: SignInAttempt,
    listener: TcpListener,
    address: SocketAddr,
    clock: Arc<dyn Clock>,
}

impl LoopbackSignIn {
    /// Opens a random port on 127.0.0.1, else on `[::1]`, and begins an attempt that names it.
    pub async fn begin(config: OAuthConfig, clock: Arc<dyn Clock>) -> Result<Self, SignInError> {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv6Addr::LOCALHOST, 0))
                .await
                .map_err(|_| SignInError::NoPort)?,
        };
        let address = listener.local_addr().map_err(|_| SignInError::NoPort)?;
        let attempt = SignInAttempt::begin(config, &format!("http://{address}{CALLBACK_PATH}"), clock.now())?;
        Ok(Self {
            attempt,
            listener,
            address,
            clock,
        })
    }

    /// What the system browser opens.
    pub fn authorize_url(&self) -> &Url {
        self.attempt.authorize_url()
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the answer, closes the port, and exchanges the code for tokens.
    pub async fn wait(mut self, http: &dyn HttpPort) -> Result<TokenSet, SignInError> {
        let code = self.answer().await;
        drop(self.listener);
        self.attempt.exchange(code?, http, &*self.clock).await
    }

    async fn answer(&mut self) -> Result<AuthorizationCode, SignInError> {
        let clock = self.clock.clone();
        let left = (self.attempt.expires_at() - clock.now())
            .to_std()
            .unwrap_or_default();
        tokio::select! {
            answer = self.listen() => answer,
            () = clock.sleep(left) => Err(SignInError::Expired),
        }
    }

    /// Answers connections, several at once, until one brings the answer of this attempt.
    async fn listen(&mut self) -> Result<AuthorizationCode, SignInError> {
        let Self {
            attempt,
            listener,
            address,
            clock,
        } = self;
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                    // An error here is of that one connection, which is already gone.
                    if let Ok((stream, _)) = accepted {
                        let received = receive(stream, *address);
                        connections.push(async { tokio::time::timeout(PATIENCE, received).await.ok().flatten() });
                    }
                }
                Some(received) = connections.next() => {
                    let Some((mut stream, target)) = received else { continue };
                    let url = Zeroizing::new(format!("http://{address}{}", *target));
                    let outcome = attempt.complete_from_url(&url, clock.now());
                    let reply = match &outcome {
                        Err(SignInError::WrongAddress) => Reply::NotFound,
                        Err(SignInError::StateMismatch | SignInError::Incomplete) => Reply::NotOurs,
                        Err(_) => Reply::Refused,
                        Ok(_) => Reply::Done,
                    };
                    let keep_waiting = matches!(reply, Reply::NotFound | Reply::NotOurs);
                    send(&mut stream, reply).await;
                    if !keep_waiting {
                        return outcome;
                    }
                }
            }
        }
    }
}

/// What the browser is told. All pages are fixed: nothing of the request comes back in them.
#[derive(Clone, Copy)]
enum Reply {
    Done,
    Refused,
    NotOurs,
    NotFound,
    BadRequest,
    WrongMethod,
    TooLarge,
}

/// Reads one request. Gives back the stream and the request target if it is one that the attempt should see; answers
/// everything else by itself. The request may hold a code: what it was read into is overwritten, and never grows, for
/// that would leave copies behind.
async fn receive(mut stream: TcpStream, address: SocketAddr) -> Option<(TcpStream, Zeroizing<String>)> {
    let mut buffer = Zeroizing::new(Vec::with_capacity(LARGEST_REQUEST));
    let mut chunk = Zeroizing::new([0; 1024]);
    let reply = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            match target(&buffer[..end], address) {
                Ok(target) => return Some((stream, target)),
                Err(reply) => break reply,
            }
        }
        if buffer.len() >= LARGEST_REQUEST {
            break Reply::TooLarge;
        }
        let room = chunk.len().min(LARGEST_REQUEST - buffer.len());
        match stream.read(&mut chunk[..room]).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
        }
    };
    send(&mut stream, reply).await;
    // A socket that is closed with unread bytes in it is reset, and the answer may be lost with it: read a little on.
    let mut rest = [0; 1024];
    for _ in 0..64 {
        match stream.read(&mut rest).await {
            Ok(count) if count > 0 => {}
            _ => break,
        }
    }
    None
}

/// The request target of a `GET` that names this listener as its host.
fn target(head: &[u8], address: SocketAddr) -> Result<Zeroizing<String>, Reply> {
    let head = std::str::from_utf8(head).map_err(|_| Reply::BadRequest)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if words.next().is_some() || !matches!(version, Some("HTTP/1.1" | "HTTP/1.0")) {
        return Err(Reply::BadRequest);
    }
    if method != Some("GET") {
        return Err(Reply::WrongMethod);
    }
    let mut hosts = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    // A page elsewhere whose name was pointed at this machine (DNS rebinding) sends its own name here.
    if hosts.next() != Some(address.to_string().as_str()) || hosts.next().is_some() {
        return Err(Reply::BadRequest);
    }
    match target {
        Some(target) if target.starts_with('/') && path_of(target) == CALLBACK_PATH => {
            Ok(Zeroizing::new(target.to_owned()))
        }
        _ => Err(Reply::NotFound),
    }
}

/// What the listener at `address` would hand to its attempt of a request that begins with this head: for fuzzing, which
/// needs more requests than a socket carries.
#[cfg(feature = "testing")]
#[doc(hidden)]
pub fn fuzz_target(head: &[u8], address: SocketAddr) -> Option<String> {
    target(head, address).ok().map(|target| target.to_string())
}

/// The path as it was written, so that `/x/../callback` is another one.
fn path_of(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or_default()
}

async fn send(stream: &mut TcpStream, reply: Reply) {
    let (status, body) = match reply {
        Reply::Done => ("200 OK", DONE),
        Reply::Refused => ("200 OK", REFUSED),
        Reply::NotOurs | Reply::BadRequest => ("400 Bad Request", ""),
        Reply::NotFound => ("404 Not Found", ""),
        Reply::WrongMethod => ("405 Method Not Allowed", ""),
        Reply::TooLarge => ("431 Request Header Fields Too Large", ""),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Allow: GET\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n",
        body.len()
    );
    // Whether the browser reads the page does not matter to the sign-in.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4321);

    const METHODS: [&str; 7] = ["GET", "POST", "HEAD", "PUT", "get", "G T", ""];
    const PATHS: [&str; 9] = [
        "/callback",
        "/Callback",
        "/callback/",
        "//callback",
        "/call%62ack",
        "/x/../callback",
        "callback",
        "/",
        "http://127.0.0.1:4321/callback",
    ];
    const VERSIONS: [&str; 5] = ["HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/1.1 x", ""];
    const HOSTS: [&str; 6] = [
        "127.0.0.1:4321",
        "127.0.0.1",
        "localhost:4321",
        "127.0.0.1:43210",
        "evil.example",
        "[::1]:4321",
    ];
    const MORE: [&str; 6] = [
        "",
        "Host: evil.example",
        "hOST:127.0.0.1:4321",
        "X: y",
        "\u{e9}: \u{fffd}",
        ":",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]
        /// Whatever is asked: only a GET of exactly that path, at exactly this host, is looked at.
        #[test]
        fn only_what_is_meant_for_it_is_looked_at(
            method in prop::sample::select(&METHODS[..]),
            path in prop::sample::select(&PATHS[..]),
            rest in prop::collection::vec(prop::sample::select(&b"?#&=az09%/ "[..]), 0..9),
            version in prop::sample::select(&VERSIONS[..]),
            host in prop::sample::select(&HOSTS[..]),
            more in prop::sample::select(&MORE[..]),
        ) {
            let rest = String::from_utf8_lossy(&rest);
            let head = format!("{method} {path}{rest} {version}\r\nHost: {host}\r\n{more}");
            let right_path = path == CALLBACK_PATH && matches!(rest.bytes().next(), None | Some(b'?' | b'#'));
            let meant = method == "GET" && right_path && !rest.contains(' ')
                && matches!(version, "HTTP/1.1" | "HTTP/1.0") && host == "127.0.0.1:4321"
                && !more.to_ascii_lowercase().starts_with("host:");
            prop_assert_eq!(target(head.as_bytes(), ADDRESS).is_ok(), meant, "{}", head);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(head in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(target(&head, ADDRESS).is_err());
        }
    }
}
