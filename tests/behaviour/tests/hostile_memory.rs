//! Answers that are made to fill the memory: what is taken is bounded, whatever is sent. A binary of its own, because the
//! allocator counts for all of it.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use http::{Request, Response};
use peak_alloc::PeakAlloc;
use roundtrip_core::ids::CalendarId;
use roundtrip_engine::ports::{CalendarPort as _, PlatformPort as _, PortError};
use roundtrip_google::{GoogleCalendar, GoogleConfig};
use roundtrip_http::testing::{HandClock, MemoryVault};
use roundtrip_http::{HttpError, HttpOptions, HttpPort, ReqwestHttp};
use roundtrip_platform::{PlatformClient, PlatformMetadata};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What one hostile answer, or one hostile listing of many pages, may take at its peak. MB.
const MOST_MB: f32 = 150.0;

/// Gives the same body for every page, with another token each time.
struct Pages {
    google: Bytes,
    platform: Bytes,
    asked: AtomicUsize,
}

#[async_trait]
impl HttpPort for Pages {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        let body = if request.uri().path().starts_with("/calendar/") {
            &self.google
        } else {
            &self.platform
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

fn pages(items: &str) -> Arc<Pages> {
    Arc::new(Pages {
        google: format!(r#"{{"nextPageToken":"PAGE0000","items":[{items}]}}"#).into(),
        platform: format!(r#"{{"next_cursor":"PAGE0000","has_more":true,"items":[{items}]}}"#).into(),
        asked: AtomicUsize::new(0),
    })
}

/// What both clients say to it, and what they took at the peak beyond what was there.
async fn ask(name: &str, http: Arc<dyn HttpPort>) -> [PortError; 2] {
    let now = DateTime::from_timestamp(1_795_248_000, 0).expect("a test's own time");
    let url = |text: &str| Url::parse(text).expect("a test's own address");
    let google = GoogleCalendar::new(
        http.clone(),
        HandClock::at(now),
        GoogleConfig::from_settings(|_| None).expect("Google itself"),
        MemoryVault::signed_in(now, &[]),
    );
    let metadata = PlatformMetadata {
        base: url("https://linden.example"),
        issuer: "https://linden.example".into(),
        authorize_url: url("https://linden.example/authorize"),
        token_url: url("https://linden.example/token"),
        revoke_url: None,
        names_itself: true,
        name: None,
    };
    let vault = MemoryVault::signed_in(now, &[]);
    let platform = PlatformClient::new(http, HandClock::at(now), metadata, vault);
    let mut said = Vec::new();
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    said.extend(google.changes(&CalendarId::new("primary"), None).await.err());
    said.extend(platform.changes(None, None).await.err());
    let taken = MEMORY.peak_usage_as_mb() - before;
    println!("{name:<44} {taken:>7.1} MB at the peak");
    assert!(taken < MOST_MB, "{name}: {taken} MB");
    said.try_into().expect("both refuse it")
}

fn bad(what: &str) -> PortError {
    PortError::BadAnswer { what: what.into() }
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

/// The real adapter at a server of this machine, whatever address is asked for.
struct At(SocketAddr, ReqwestHttp);

#[async_trait]
impl HttpPort for At {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("http://{}/x", self.0).parse().expect("an address");
        self.1.send(Request::from_parts(parts, body)).await
    }
}

async fn over_a_socket(name: &str, head: &'static str, chunk: Vec<u8>, times: usize) -> [PortError; 2] {
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
    let http = ReqwestHttp::new(HttpOptions::default()).expect("a network client");
    ask(name, Arc::new(At(address, http))).await
}

#[tokio::test]
async fn no_answer_fills_the_memory() {
    // A gibibyte, announced by its length, in chunks, and as a small packed one.
    let too_large = [bad("answer too large"), bad("answer too large")];
    let piece = vec![b' '; 1 << 20];
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
    assert_eq!(
        over_a_socket("a gibibyte with its length", head, piece.clone(), 1024).await,
        too_large
    );
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(
        over_a_socket("a gibibyte without a length", head, piece.clone(), 1024).await,
        too_large
    );
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend_from_slice(&piece);
    chunk.extend_from_slice(b"\r\n");
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(
        over_a_socket("a gibibyte in chunks", head, chunk, 1024).await,
        too_large
    );
    let packed = {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            packer.write_all(&piece).expect("in memory");
        }
        packer.finish().expect("in memory")
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    assert_eq!(over_a_socket("a gzip bomb", head, packed, 1).await, too_large);

    // Small on the wire, large once it is read.
    let page = [bad("page"), bad("page")];
    for piece in ["0,", "{},", "[],", r#"{"a":0},"#, "[[[[]]]],"] {
        let items = format!("{}0", piece.repeat((4 << 20) / piece.len()));
        assert_eq!(ask(&format!("4 MiB of {piece}"), pages(&items)).await, page);
    }
    let items = vec!["0"; 100_000].join(",");
    assert_eq!(
        ask("100,000 items on a page", pages(&items)).await,
        [bad("items"), bad("items")]
    );
    assert_eq!(ask("100,000 deep", pages(&"[".repeat(100_000))).await, page);

    // Pages that never end: small ones by their number, large ones by their size.
    assert_eq!(
        ask("endless small pages", pages("{}")).await,
        [bad("too many pages"), bad("too many pages")]
    );
    let items = format!(r#"{{"id":"x","summary":"{}"}}"#, "x".repeat(12 << 20));
    let too_large = [bad("listing too large"), bad("listing too large")];
    assert_eq!(
        ask("endless pages with one huge item", pages(&items)).await,
        too_large
    );
    let event = format!(
        r#"{{"id":"x","etag":"\"1\"","summary":"s","description":"{}","start":{{"dateTime":"2026-12-01T09:00:00Z"}},
            "end":{{"dateTime":"2026-12-01T10:00:00Z"}},"change":"removed","version":1,"reason":"cancelled","at":"2026-12-01T09:00:00Z"}}"#,
        "y".repeat(8000)
    );
    let items = vec![event; 499].join(",");
    assert_eq!(ask("endless pages of true items", pages(&items)).await, too_large);
}
