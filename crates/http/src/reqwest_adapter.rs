//! The real network.

use crate::port::{HttpError, HttpErrorKind, HttpPort, Pieces, is_allowed, is_loopback};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use reqwest::{Client, ClientBuilder, redirect, tls};
use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
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

/// What is outside is asked for anew after it could not be connected to, so often at most.
const ANEW_EVERY: Duration = Duration::from_secs(60);

/// The client for what is outside. reqwest reads once which proxy the system names, and a laptop goes from an office that has one to a
/// home that has none: after a connection failed the next request has a fresh client. On Linux only the environment names one, which
/// stays as it was when the app was started.
struct Outside {
    make: Box<dyn Fn() -> Result<Client, HttpError> + Send + Sync>,
    client: RwLock<Client>,
    made_anew: Mutex<Option<Instant>>,
}

impl Outside {
    fn new(make: impl Fn() -> Result<Client, HttpError> + Send + Sync + 'static) -> Result<Self, HttpError> {
        let client = RwLock::new(make()?);
        Ok(Self {
            make: Box::new(make),
            client,
            made_anew: Mutex::new(None),
        })
    }

    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection failed at `now`. What goes on over the client before does so to its end.
    fn could_not_connect(&self, now: Instant) {
        let mut made_anew = self.made_anew.lock().unwrap_or_else(PoisonError::into_inner);
        if made_anew.is_some_and(|made| now.saturating_duration_since(made) < ANEW_EVERY) {
            return;
        }
        *made_anew = Some(now);
        if let Ok(client) = (self.make)() {
            *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Outside").finish_non_exhaustive()
    }
}

/// The network through reqwest: TLS 1.2 or newer against the roots of the system, gzip, no redirects, no cookies, through the
/// proxy that the environment names, on macOS and Windows else the system's settings, see [`Outside`]. On Linux those of the desktop
/// are not read: the environment alone counts there.
#[derive(Clone, Debug)]
pub struct ReqwestHttp {
    outside: Arc<Outside>,
    /// For loopback addresses alone. A proxy that the system names would turn "this machine" into another one.
    loopback: Client,
    body_limit: usize,
}

impl ReqwestHttp {
    /// Builds the two connection pools. Fails only if the TLS library cannot start.
    pub fn new(options: HttpOptions) -> Result<Self, HttpError> {
        let build = move |builder: ClientBuilder| {
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
            outside: Arc::new(Outside::new(move || build(Client::builder()))?),
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
        let is_outside = !is_loopback(&url);
        let client = match is_outside {
            true => self.outside.client(),
            false => self.loopback.clone(),
        };
        let mut request = reqwest::Request::try_from(request.map(reqwest::Body::from))
            .map_err(|_| HttpError::not_sent(HttpErrorKind::NotAllowed))?;
        if timeout.is_some() {
            *request.timeout_mut() = timeout;
        }
        client.execute(request).await.map_err(|error| {
            if is_outside && error.is_connect() {
                self.outside.could_not_connect(Instant::now());
            }
            from_reqwest(&error)
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn through(proxy: &str) -> Result<Client, HttpError> {
        let proxy = reqwest::Proxy::all(proxy).expect("an address");
        let built = Client::builder().proxy(proxy).build();
        built.map_err(|_| HttpError::not_sent(HttpErrorKind::Other))
    }

    #[tokio::test]
    async fn a_laptop_that_comes_home_from_a_network_with_a_proxy_is_online_at_the_next_request() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let home = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a request");
            let mut head = [0; 1024];
            let length = stream.read(&mut head).await.expect("its head");
            let answer = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.expect("answered");
            String::from_utf8_lossy(&head[..length]).into_owned()
        });
        // Nobody listens at the discard port of this machine: the office is out of reach.
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let outside = Outside::new(move || match count.fetch_add(1, Ordering::Relaxed) {
            0 => through("http://127.0.0.1:9"),
            _ => through(&home),
        });
        let mut http = ReqwestHttp::new(HttpOptions::default()).expect("TLS starts");
        http.outside = Arc::new(outside.expect("a client"));
        let ask = async || {
            let request = http::Request::get("https://platform.example/").body(Bytes::new());
            http.send(request.expect("a request")).await
        };
        let refused = ask().await.expect_err("there is no proxy any more");
        assert!(refused.nothing_sent);
        assert_eq!(made.load(Ordering::Relaxed), 2);
        ask().await.expect_err("the other one is asked, and refuses");
        let asked = asked.await.expect("it is asked");
        assert!(asked.starts_with("CONNECT platform.example:443 "), "{asked}");

        // A network that is down for long costs one client a minute.
        let later = Instant::now() + ANEW_EVERY;
        http.outside.could_not_connect(Instant::now());
        assert_eq!(made.load(Ordering::Relaxed), 2);
        http.outside.could_not_connect(later);
        http.outside.could_not_connect(later);
        assert_eq!(made.load(Ordering::Relaxed), 3);
    }
}
