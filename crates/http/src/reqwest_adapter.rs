//! The real network.

use crate::port::{HttpError, HttpErrorKind, HttpPort, Pieces, is_allowed, is_loopback};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use reqwest::{Client, ClientBuilder, redirect, tls};
use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use url::Url;

/// A stream is opened anew at least this often, whatever it says: nothing lasts for ever.
const LONGEST_STREAM: Duration = Duration::from_secs(24 * 3_600);

/// Limits that hold for every request.
#[derive(Clone, Copy, Debug)]
pub struct HttpOptions {
    /// Longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest time from the first byte sent to the last byte read.
    pub total_timeout: Duration,
    /// Largest body, after decompression.
    pub body_limit: usize,
    /// After so long without a byte on an HTTP/2 connection that owes an answer it is asked whether it still stands.
    pub ping_after: Duration,
    /// A connection that does not answer that within this time is given up.
    pub ping_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(60),
            body_limit: 16 * 1024 * 1024,
            ping_after: Duration::from_secs(15),
            ping_timeout: Duration::from_secs(10),
        }
    }
}

/// The network through reqwest: TLS 1.2 or newer against the roots of the system, gzip, no redirects, no cookies, through the
/// proxy that the system or the environment names when this is made.
#[derive(Clone, Debug)]
pub struct ReqwestHttp {
    outside: Client,
    /// For loopback addresses alone. A proxy that the system names would turn "this machine" into another one.
    loopback: Client,
    body_limit: usize,
}

impl ReqwestHttp {
    /// Builds the two connection pools. Fails only if the TLS library cannot start.
    pub fn new(options: HttpOptions) -> Result<Self, HttpError> {
        let build = |builder: ClientBuilder| {
            builder
                .redirect(redirect::Policy::none())
                .referer(false)
                .user_agent(crate::user_agent())
                .tls_version_min(tls::Version::TLS_1_2)
                .connect_timeout(options.connect_timeout)
                .timeout(options.total_timeout)
                // After a sleep or in another network a connection may be dead and not know: all requests share it, and each would
                // wait for its own end. One that owes nothing is not asked, for an idle laptop sends nothing.
                .http2_keep_alive_interval(options.ping_after)
                .http2_keep_alive_timeout(options.ping_timeout)
                .http2_keep_alive_while_idle(false)
                .build()
                .map_err(|_| HttpError::not_sent(HttpErrorKind::Other))
        };
        // The name is not looked up: what a hosts file or a name server says of it does not matter.
        let localhost = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
        Ok(Self {
            outside: build(Client::builder())?,
            loopback: build(
                Client::builder()
                    .no_proxy()
                    .resolve_to_addrs("localhost", &localhost),
            )?,
            body_limit: options.body_limit,
        })
    }
}

#[async_trait]
impl HttpPort for ReqwestHttp {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let mut answer = self.ask(request, None).await?;
        let too_large = HttpError::maybe_sent(HttpErrorKind::TooLarge);
        let said = answer.content_length().unwrap_or(0);
        if said > self.body_limit as u64 {
            return Err(too_large);
        }
        // The length a server says is a hint only; the count decides, so that memory stays bounded.
        let mut body = BytesMut::with_capacity(usize::try_from(said).unwrap_or(0).min(64 * 1024));
        while let Some(chunk) = answer.chunk().await.map_err(|error| from_reqwest(&error))? {
            if body.len() + chunk.len() > self.body_limit {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    async fn open(&self, request: http::Request<Bytes>) -> Result<http::Response<Pieces>, HttpError> {
        let mut answer = self.ask(request, Some(LONGEST_STREAM)).await?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let pieces = futures::stream::unfold(answer, |mut answer| async move {
            let piece = answer.chunk().await.map_err(|error| from_reqwest(&error));
            Some((piece.transpose()?, answer))
        });
        let mut response = http::Response::new(pieces.boxed());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl ReqwestHttp {
    /// The head of the answer. `timeout` replaces the one that holds for every whole answer.
    async fn ask(
        &self,
        request: http::Request<Bytes>,
        timeout: Option<Duration>,
    ) -> Result<reqwest::Response, HttpError> {
        let url = Url::parse(&request.uri().to_string())
            .ok()
            .filter(is_allowed)
            .ok_or(HttpError::not_sent(HttpErrorKind::NotAllowed))?;
        let client = if is_loopback(&url) {
            &self.loopback
        } else {
            &self.outside
        };
        let mut request = reqwest::Request::try_from(request.map(reqwest::Body::from))
            .map_err(|_| HttpError::not_sent(HttpErrorKind::NotAllowed))?;
        if timeout.is_some() {
            *request.timeout_mut() = timeout;
        }
        client
            .execute(request)
            .await
            .map_err(|error| from_reqwest(&error))
    }
}

fn from_reqwest(error: &reqwest::Error) -> HttpError {
    // reqwest tells "could not connect" from the rest; what exactly failed is further down the chain.
    let connecting = error.is_connect();
    let kind = if connecting && caused_by_tls(error) {
        HttpErrorKind::Tls
    } else if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if connecting {
        HttpErrorKind::Connect
    } else if error.is_request() || error.is_body() || error.is_decode() {
        HttpErrorKind::Cut
    } else {
        HttpErrorKind::Other
    };
    HttpError {
        nothing_sent: connecting || error.is_builder(),
        kind,
    }
}

fn caused_by_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An io::Error hides the error it wraps from `source`, which gives that error's own source.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if wrapped.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
