//! The port itself.

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use roundtrip_engine::ports::PortError;
use url::{Host, Url};

/// One request, one whole response. Redirects are never followed, so that a credential never travels to another host.
#[async_trait]
pub trait HttpPort: Send + Sync {
    /// Sends the request and reads the whole body.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError>;

    /// Sends the request and gives back the head of the answer, with a body that comes piece by piece and may never end:
    /// whoever reads it owns the clock and the count. A port that has nothing of the kind gives the whole body as one.
    async fn open(&self, request: http::Request<Bytes>) -> Result<http::Response<Pieces>, HttpError> {
        let answer = self.send(request).await?;
        Ok(answer.map(|body| futures::stream::once(async move { Ok(body) }).boxed()))
    }
}

/// A body that comes piece by piece. Dropping it ends the connection.
pub type Pieces = BoxStream<'static, Result<Bytes, HttpError>>;

/// No whole answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer: {kind}")]
pub struct HttpError {
    /// True if surely no byte of the request left, so that surely nothing was written.
    pub nothing_sent: bool,
    /// What happened.
    pub kind: HttpErrorKind,
}

/// What is said of an answer that is larger than is taken as one.
pub const TOO_LARGE: &str = "answer too large";
/// What is said of a part of a listing that did not come whole in time, to whoever can ask for a smaller one.
pub const TOO_SLOW: &str = "answer too slow";

/// Why no whole answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpErrorKind {
    /// No connection: offline, name not found, refused.
    #[error("no connection")]
    Connect,
    /// It took too long.
    #[error("timed out")]
    Timeout,
    /// The connection broke before the answer was complete.
    #[error("connection cut")]
    Cut,
    /// The answer is larger than is ever needed.
    #[error("answer too large")]
    TooLarge,
    /// The certificate is not trusted, or no common TLS version.
    #[error("no trusted TLS connection")]
    Tls,
    /// The address is neither https nor a loopback address.
    #[error("address not allowed")]
    NotAllowed,
    /// Anything else.
    #[error("other")]
    Other,
}

impl HttpError {
    /// An error after which the request may have been carried out.
    pub fn maybe_sent(kind: HttpErrorKind) -> Self {
        Self {
            nothing_sent: false,
            kind,
        }
    }

    /// An error before anything was sent.
    pub fn not_sent(kind: HttpErrorKind) -> Self {
        Self {
            nothing_sent: true,
            kind,
        }
    }
}

impl From<HttpError> for PortError {
    fn from(error: HttpError) -> Self {
        match error.kind {
            HttpErrorKind::TooLarge => Self::BadAnswer {
                what: TOO_LARGE.into(),
            },
            HttpErrorKind::NotAllowed => Self::Rejected {
                reason: "address_not_allowed".into(),
            },
            // Only before a connection was there: in the midst of one it is a cut like any other.
            HttpErrorKind::Tls if error.nothing_sent => Self::WrongCertificate,
            HttpErrorKind::Connect
            | HttpErrorKind::Timeout
            | HttpErrorKind::Cut
            | HttpErrorKind::Tls
            | HttpErrorKind::Other => Self::Unreachable {
                nothing_sent: error.nothing_sent,
            },
        }
    }
}

/// True for `127.0.0.0/8`, `[::1]` and the name `localhost`: the addresses that never leave the machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// True for an address that requests may go to: https, or http to a loopback address.
pub fn is_allowed(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_are_allowed() {
        let allowed = |text: &str| is_allowed(&Url::parse(text).expect("a test's own address"));
        for good in [
            "https://linden.example/x",
            "http://127.0.0.1:8080",
            "http://[::1]:9/",
            "http://localhost:1/",
            "http://LOCALHOST/",
            "https://127.0.0.1/",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in [
            "http://linden.example/",
            "http://localhost.linden.example/",
            "http://127.0.0.1.linden.example/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
            "file:///etc/hostname",
            "http://user@linden.example@evil.example/",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
