//! A server that keeps to no rule: it accepts one connection and plays a script on it.

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use roundtrip_http::{HttpError, HttpPort, ReqwestHttp};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What goes over the socket.
pub struct Script {
    first: Vec<u8>,
    then: Then,
}

enum Then {
    Close,
    /// Says nothing more and does not hang up.
    Silence,
    /// The same again, so many times.
    Again(Vec<u8>, usize),
    /// One byte after the other, slowly.
    Drip(Vec<u8>),
}

impl Script {
    /// These bytes, then the connection ends.
    pub fn bytes(first: impl Into<Vec<u8>>) -> Self {
        Self {
            first: first.into(),
            then: Then::Close,
        }
    }

    /// A head with these lines, and a body.
    pub fn answer(lines: &[&str], body: &[u8]) -> Self {
        let mut bytes = lines.join("\r\n").into_bytes();
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(body);
        Self::bytes(bytes)
    }

    /// A right head for this status, type and body.
    pub fn plain(status: &str, kind: &str, body: &[u8]) -> Self {
        Self::answer(
            &[
                &format!("HTTP/1.1 {status}"),
                &format!("Content-Type: {kind}"),
                &format!("Content-Length: {}", body.len()),
            ],
            body,
        )
    }

    /// True if the answer only ends because nobody waits any longer.
    pub fn takes_for_ever(&self) -> bool {
        match self.then {
            Then::Silence | Then::Drip(_) => true,
            Then::Again(..) => self.first.is_empty(),
            Then::Close => false,
        }
    }

    pub fn then_silence(mut self) -> Self {
        self.then = Then::Silence;
        self
    }

    pub fn then_again(mut self, piece: impl Into<Vec<u8>>, times: usize) -> Self {
        self.then = Then::Again(piece.into(), times);
        self
    }

    pub fn then_drip(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then = Then::Drip(bytes.into());
        self
    }
}

/// Sends the request to a server of its own that plays the script.
pub async fn play(
    script: Script,
    request: Request<Bytes>,
    http: &ReqwestHttp,
) -> Result<Response<Bytes>, HttpError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (mut parts, body) = request.into_parts();
    let mut place = parts.uri.into_parts();
    place.scheme = Some(Scheme::HTTP);
    place.authority = Some(Authority::try_from(address.to_string()).expect("an address"));
    parts.uri = Uri::from_parts(place).expect("an address");
    let server = tokio::spawn(serve(listener, script));
    let answer = http.send(Request::from_parts(parts, body)).await;
    server.abort();
    answer
}

async fn serve(listener: TcpListener, script: Script) {
    let Ok((mut stream, _)) = listener.accept().await else {
        return;
    };
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(count) if count > 0 => head.extend_from_slice(&piece[..count]),
            _ => return,
        }
    }
    // The client may have hung up already: that is its right.
    let _ = stream.write_all(&script.first).await;
    match script.then {
        Then::Close => {}
        Then::Silence => std::future::pending().await,
        Then::Again(bytes, times) => {
            for _ in 0..times {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        }
        Then::Drip(bytes) => {
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    let _ = stream.shutdown().await;
    // Without this a body still in flight would be reset.
    while matches!(stream.read(&mut piece).await, Ok(count) if count > 0) {}
}
