//! Answers that are made to fill the memory: what is taken is bounded, whatever is sent. A binary of its own, because the
//! allocator counts for all of it.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::{Request, Response};
use peak_alloc::PeakAlloc;
use roundtrip_core::ids::CalendarId;
use roundtrip_engine::ports::{CalendarPort as _, PlatformPort as _, PortError};
use roundtrip_google::{GoogleCalendar, GoogleConfig};
use roundtrip_http::oauth::{TokenKeeper, TokenStatus};
use roundtrip_http::testing::{HandClock, MemoryVault};
use roundtrip_http::{HttpError, HttpErrorKind, HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_platform::{DiscoveryError, PlatformClient, PlatformMetadata, discover};
use secrecy::ExposeSecret as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use url::Url;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What one hostile answer, or one hostile listing of many pages, may take at its peak. MB.
const MOST_MB: f32 = 150.0;

/// One test at a time: what another one takes would be counted.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Gives the same body for every page, with another token each time, and one each to whoever looks for a platform and whoever
/// wants a new access token.
struct Pages {
    google: Bytes,
    platform: Bytes,
    discovery: Bytes,
    token: Bytes,
    asked: AtomicUsize,
}

#[async_trait]
impl HttpPort for Pages {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        let body = match request.uri().path() {
            path if path.starts_with("/calendar/") => &self.google,
            path if path.starts_with("/.well-known/") => &self.discovery,
            "/token" => &self.token,
            _ => &self.platform,
        };
        // A body of its own each time, as from a network.
        let mut own = BytesMut::from(&body[..]);
        if let Some(at) = own.windows(8).position(|part| part == b"PAGE0000") {
            own[at..at + 8].copy_from_slice(format!("PAGE{nth:04}").as_bytes());
        }
        Ok(Response::builder()
            .header("content-type", "application/json")
            .body(own.freeze())
            .expect("a test's own answer"))
    }
}

/// The items in all four answers. Those to a sign-in are right in all the rest of them.
fn pages(items: &str) -> Arc<Pages> {
    let token = format!(r#""more":[{items}]"#);
    let methods = format!("[{items}]");
    Arc::new(Pages {
        discovery: metadata_with(&methods),
        token: token_with(&token),
        google: format!(r#"{{"nextPageToken":"PAGE0000","items":[{items}]}}"#).into(),
        platform: format!(r#"{{"next_cursor":"PAGE0000","has_more":true,"items":[{items}]}}"#).into(),
        asked: AtomicUsize::new(0),
    })
}

fn metadata_with(methods: &str) -> Bytes {
    let base = "https://linden.example";
    format!(
        r#"{{"issuer":"{base}","authorization_endpoint":"{base}/authorize","token_endpoint":"{base}/token",
            "code_challenge_methods_supported":{methods}}}"#
    )
    .into()
}

fn token_with(fields: &str) -> Bytes {
    format!(r#"{{"access_token":"access-2","token_type":"Bearer","expires_in":3600,{fields}}}"#).into()
}

/// What comes of it, with what was taken meanwhile at the peak beyond what was there.
async fn measured<T>(name: &str, asking: impl Future<Output = T>) -> T {
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let said = asking.await;
    let taken = MEMORY.peak_usage_as_mb() - before;
    println!("{name:<56} {taken:>7.1} MB at the peak");
    assert!(taken < MOST_MB, "{name}: {taken} MB");
    said
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time")
}

fn metadata() -> PlatformMetadata {
    let url = |text: &str| Url::parse(text).expect("a test's own address");
    PlatformMetadata {
        base: url("https://linden.example"),
        issuer: "https://linden.example".into(),
        authorize_url: url("https://linden.example/authorize"),
        token_url: url("https://linden.example/token"),
        revoke_url: None,
        names_itself: true,
        name: None,
    }
}

/// What both clients say to its listings.
async fn ask(name: &str, http: Arc<dyn HttpPort>) -> [PortError; 2] {
    let google = GoogleCalendar::new(
        http.clone(),
        HandClock::at(now()),
        GoogleConfig::from_settings(|_| None).expect("Google itself"),
        MemoryVault::signed_in(now(), &[]),
    );
    let vault = MemoryVault::signed_in(now(), &[]);
    let platform = PlatformClient::new(http, HandClock::at(now()), metadata(), vault);
    let mut said = Vec::new();
    let calendar = CalendarId::new("primary");
    said.extend(
        measured(&format!("{name}, events"), google.changes(&calendar, None))
            .await
            .err(),
    );
    said.extend(
        measured(&format!("{name}, feed"), platform.changes(None, None))
            .await
            .err(),
    );
    said.try_into().expect("both refuse it")
}

/// What is said to it by whoever looks for a platform, and by whoever wants a new access token.
async fn ask_to_sign_in(name: &str, http: Arc<dyn HttpPort>) -> (DiscoveryError, PortError) {
    let found = measured(&format!("{name}, discovery"), discover(&*http, "linden.example")).await;
    let (clock, vault) = (HandClock::at(now()), MemoryVault::signed_in(now(), &[]));
    clock.advance(Duration::from_secs(3_600));
    let keeper = TokenKeeper::new(metadata().sign_in(), http, clock, vault.clone());
    let token = measured(&format!("{name}, token"), keeper.access_token()).await;
    let kept = vault.kept().expect("kept");
    assert_eq!(kept.status, TokenStatus::Active, "{name}");
    assert_eq!(
        kept.access_token.expose_secret(),
        "access-1",
        "{name} replaced what was kept"
    );
    (
        found.expect_err("no platform is found"),
        token.expect_err("no token is given"),
    )
}

fn bad(what: &str) -> PortError {
    PortError::BadAnswer { what: what.into() }
}

/// No platform, because of this part; no token, because the answer was too large.
fn no_sign_in(what: &str) -> (DiscoveryError, PortError) {
    (
        DiscoveryError::BadAnswer { what: what.into() },
        bad("answer too large"),
    )
}

async fn server<F, A>(answer: A) -> SocketAddr
where
    A: Fn(TcpStream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            tokio::spawn(answer(stream));
        }
    });
    address
}

/// The real adapter at a server of this machine, whatever address is asked for. It remembers how it failed.
struct At {
    address: SocketAddr,
    network: ReqwestHttp,
    failed: StdMutex<Vec<HttpErrorKind>>,
}

impl At {
    fn new(address: SocketAddr, options: HttpOptions) -> Arc<Self> {
        Arc::new(Self {
            address,
            network: ReqwestHttp::new(options).expect("a network client"),
            failed: StdMutex::default(),
        })
    }

    fn failed(&self) -> Vec<HttpErrorKind> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HttpPort for At {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("http://{}/x", self.address).parse().expect("an address");
        let answer = self.network.send(Request::from_parts(parts, body)).await;
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.extend(answer.as_ref().err().map(|error| error.kind));
        answer
    }
}

/// A body of many chunks is refused by all who ask.
async fn too_large_over_a_socket(name: &str, head: &'static str, chunk: Vec<u8>, times: usize) {
    let chunk = Arc::new(chunk);
    let address = server(move |mut stream| {
        let chunk = chunk.clone();
        async move {
            let _ = stream.write_all(head.as_bytes()).await;
            for _ in 0..times {
                if stream.write_all(&chunk).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let http = At::new(address, HttpOptions::default());
    let too_large = [bad("answer too large"), bad("answer too large")];
    assert_eq!(ask(name, http.clone()).await, too_large);
    assert_eq!(ask_to_sign_in(name, http.clone()).await, no_sign_in("too large"));
    // The calendar is asked for in smaller pages, three times.
    assert_eq!(http.failed(), [HttpErrorKind::TooLarge; 7]);
}

#[tokio::test]
async fn no_answer_fills_the_memory() {
    let _alone = ALONE.lock().await;
    // A gibibyte, announced by its length, in chunks, and as a small packed one.
    let piece = vec![b' '; 1 << 20];
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
    too_large_over_a_socket("a gibibyte with its length", head, piece.clone(), 1024).await;
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    too_large_over_a_socket("a gibibyte without a length", head, piece.clone(), 1024).await;
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend_from_slice(&piece);
    chunk.extend_from_slice(b"\r\n");
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    too_large_over_a_socket("a gibibyte in chunks", head, chunk, 1024).await;
    let packed = {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            packer.write_all(&piece).expect("in memory");
        }
        packer.finish().expect("in memory")
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    too_large_over_a_socket("a gzip bomb", head, packed, 1).await;

    // Small on the wire, large once it is read.
    let page = [bad("page"), bad("page")];
    for piece in ["0,", "{},", "[],", r#"{"a":0},"#, "[[[[]]]],"] {
        let items = format!("{}0", piece.repeat((4 << 20) / piece.len()));
        let name = format!("4 MiB of {piece}");
        assert_eq!(ask(&name, pages(&items)).await, page);
        assert_eq!(ask_to_sign_in(&name, pages(&items)).await, no_sign_in("metadata"));
    }
    let items = vec!["0"; 100_000].join(",");
    assert_eq!(
        ask("100,000 items on a page", pages(&items)).await,
        [bad("items"), bad("items")]
    );
    let deep = pages(&"[".repeat(100_000));
    assert_eq!(ask("100,000 deep", deep.clone()).await, page);
    assert_eq!(ask_to_sign_in("100,000 deep", deep).await, no_sign_in("metadata"));
    // Right by its form, so that it would be taken whole: names without a letter, rights, fields that nobody knows.
    for (name, token) in [
        (
            "12 MiB of rights",
            format!(r#""scope":"{}""#, "a ".repeat(6 << 20)),
        ),
        (
            "12 MiB of fields",
            format!(r#""x":0{}"#, r#","x":0"#.repeat(2 << 20)),
        ),
        (
            "12 MiB in one field",
            format!(r#""x":[{}0]"#, "0,".repeat(6 << 20)),
        ),
    ] {
        let methods = format!(r#"[{}"S256"]"#, r#""","#.repeat(4 << 20));
        let http = Arc::new(Pages {
            discovery: metadata_with(&methods),
            token: token_with(&token),
            google: Bytes::new(),
            platform: Bytes::new(),
            asked: AtomicUsize::new(0),
        });
        assert_eq!(ask_to_sign_in(name, http).await, no_sign_in("metadata"));
    }

    // Pages that never end: small ones by their number, large ones by their size.
    assert_eq!(
        ask("endless small pages", pages("{}")).await,
        [bad("too many pages"), bad("too many pages")]
    );
    let items = format!(r#"{{"id":"x","summary":"{}"}}"#, "x".repeat(12 << 20));
    // Of somebody else's events, and of what is none, no text is kept: their number ends it.
    let endless = [bad("too many pages"), bad("listing too large")];
    assert_eq!(
        ask("endless pages with one huge item", pages(&items)).await,
        endless
    );
    let event = format!(
        r#"{{"id":"x","etag":"\"1\"","summary":"s","description":"{}","start":{{"dateTime":"2026-12-01T09:00:00Z"}},
            "end":{{"dateTime":"2026-12-01T10:00:00Z"}},"change":"removed","version":1,"reason":"cancelled","at":"2026-12-01T09:00:00Z"}}"#,
        "y".repeat(8000)
    );
    let items = vec![event; 499].join(",");
    assert_eq!(ask("endless pages of true items", pages(&items)).await, endless);
}

/// A thousandth of a second for each byte: what drips is waited for as long as any other answer and no longer, whoever waits.
/// After half a minute the server hangs up, so that waiting on fails this test instead of hanging it.
#[tokio::test]
async fn an_answer_that_only_drips_ends_at_the_time_limit() {
    let _alone = ALONE.lock().await;
    for (name, head) in [
        (
            "a body that drips",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
        ),
        (
            "a body of a known length that drips",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n",
        ),
        ("a head that drips", "HTTP/1.1 200 OK\r\nX-Long: "),
    ] {
        let address = server(move |mut stream| async move {
            let _ = stream.write_all(head.as_bytes()).await;
            for _ in 0..30_000 {
                if stream.write_all(b" ").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        let options = HttpOptions {
            total_timeout: Duration::from_millis(200),
            ..HttpOptions::default()
        };
        let http = At::new(address, options);
        let away = PortError::Unreachable { nothing_sent: false };
        assert_eq!(ask(name, http.clone()).await, [away.clone(), away.clone()]);
        assert_eq!(
            ask_to_sign_in(name, http.clone()).await,
            (DiscoveryError::NotReachable, away)
        );
        // A page of the calendar that does not come in time is asked for three times more, each time for fewer events.
        assert_eq!(http.failed(), [HttpErrorKind::Timeout; 7], "{name}");
    }
}
