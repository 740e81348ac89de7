//! The real adapter, over real sockets.

use bytes::Bytes;
use http::Request;
use roundtrip_http::{HttpError, HttpErrorKind, HttpOptions, HttpPort as _, ReqwestHttp};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn adapter() -> ReqwestHttp {
    ReqwestHttp::new(HttpOptions::default()).expect("TLS starts")
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url)
        .header("authorization", "Bearer secret")
        .body(Bytes::new())
        .expect("a test's own request")
}

/// A server whose every connection is handled by `answer` after the head of the request was read.
async fn server<F, A>(answer: A) -> (SocketAddr, Arc<AtomicUsize>)
where
    A: Fn(TcpStream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            tokio::spawn(answer(stream));
        }
    });
    (address, count)
}

async fn say(mut stream: TcpStream, text: &[u8]) {
    let _ = stream.write_all(text).await;
    let _ = stream.shutdown().await;
}

#[tokio::test]
async fn an_answer_comes_whole_with_its_headers() {
    let (address, _) = server(|stream| async {
        say(
            stream,
            b"HTTP/1.1 418 x\r\nETag: \"7\"\r\nContent-Length: 5\r\n\r\nhello",
        )
        .await;
    })
    .await;
    for host in ["127.0.0.1", "localhost"] {
        let answer = adapter()
            .send(get(&format!("http://{host}:{}/x", address.port())))
            .await
            .expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.body().as_ref()),
            (418, b"hello".as_ref())
        );
        assert_eq!(answer.headers()["etag"], "\"7\"");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (elsewhere, visits) = server(|stream| async { say(stream, b"HTTP/1.1 200 OK\r\n\r\n").await }).await;
    let (address, _) = server(move |stream| async move {
        let text =
            format!("HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n");
        say(stream, text.as_bytes()).await;
    })
    .await;
    let answer = adapter()
        .send(get(&format!("http://{address}/")))
        .await
        .expect("an answer");
    assert_eq!(answer.status().as_u16(), 302);
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn plain_http_to_another_machine_is_never_sent() {
    for url in [
        "http://linden.example/",
        "http://10.1.2.3/",
        "http://127.0.0.1.linden.example/",
        "ftp://127.0.0.1/x",
    ] {
        let error = adapter().send(get(url)).await.expect_err(url);
        assert_eq!(error, HttpError::not_sent(HttpErrorKind::NotAllowed), "{url}");
    }
}

/// 50 MB, announced or not: refused, and what was read is bounded by the limit.
#[tokio::test]
async fn a_large_answer_is_refused_while_it_comes() {
    const CHUNK: usize = 64 * 1024;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let (address, _) = server(move |mut stream| {
        let sent = counter.clone();
        async move {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                .await;
            let chunk = vec![b' '; CHUNK];
            while sent.load(Ordering::SeqCst) < 50_000_000 && stream.write_all(&chunk).await.is_ok() {
                sent.fetch_add(CHUNK, Ordering::SeqCst);
            }
        }
    })
    .await;
    let error = adapter()
        .send(get(&format!("http://{address}/")))
        .await
        .expect_err("too large");
    assert_eq!(error, HttpError::maybe_sent(HttpErrorKind::TooLarge));
    let read = sent.load(Ordering::SeqCst);
    assert!(read < 40_000_000, "{read} bytes were taken");
    let (address, _) =
        server(|stream| async { say(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n").await })
            .await;
    let error = adapter()
        .send(get(&format!("http://{address}/")))
        .await
        .expect_err("too large");
    assert_eq!(error, HttpError::maybe_sent(HttpErrorKind::TooLarge));
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_a_large_one_is_refused() {
    use std::io::Write as _;
    let packed = |size: usize| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![b' '; size]).expect("in memory");
        packer.finish().expect("in memory")
    };
    for (size, taken) in [(1_000_000, true), (50_000_000, false)] {
        let body = Arc::new(packed(size));
        assert!(body.len() < 100_000);
        let (address, _) = server(move |stream| {
            let body = body.clone();
            async move {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                say(stream, &[head.as_bytes(), &body].concat()).await;
            }
        })
        .await;
        let answer = adapter().send(get(&format!("http://{address}/"))).await;
        match taken {
            true => assert_eq!(answer.map(|answer| answer.body().len()), Ok(size)),
            false => assert_eq!(answer.err(), Some(HttpError::maybe_sent(HttpErrorKind::TooLarge))),
        }
    }
}

#[tokio::test]
async fn what_can_go_wrong_is_told_apart() {
    // Nobody listens.
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port")
        .local_addr()
        .expect("bound");
    let error = adapter()
        .send(get(&format!("http://{gone}/")))
        .await
        .expect_err("nobody there");
    assert_eq!(error, HttpError::not_sent(HttpErrorKind::Connect));
    // Hung up without an answer, and in the middle of one: the request may have been carried out.
    for text in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"] {
        let (address, _) = server(move |stream| say(stream, text.as_bytes())).await;
        let error = adapter()
            .send(get(&format!("http://{address}/")))
            .await
            .expect_err("cut");
        assert_eq!(error, HttpError::maybe_sent(HttpErrorKind::Cut), "{text}");
    }
    // Silence.
    let (address, _) = server(|stream| async {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let options = HttpOptions {
        total_timeout: Duration::from_millis(50),
        ..HttpOptions::default()
    };
    let impatient = ReqwestHttp::new(options).expect("TLS starts");
    let error = impatient
        .send(get(&format!("http://{address}/")))
        .await
        .expect_err("silent");
    assert_eq!(error, HttpError::maybe_sent(HttpErrorKind::Timeout));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused_before_anything_is_sent() {
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;

    let made = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()])
        .expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a server config")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        acceptor.accept(stream).await.map(|_| ()).is_err()
    });
    let error = adapter()
        .send(get(&format!("https://localhost:{}/", address.port())))
        .await
        .expect_err("not trusted");
    assert_eq!(error, HttpError::not_sent(HttpErrorKind::Tls));
    assert!(
        server.await.expect("no panic"),
        "the handshake was given up, so no request was sent"
    );
}

/// Which features reqwest is built with is no code of ours. On these systems it reads the settings through these crates.
#[test]
fn the_proxy_that_is_set_in_windows_or_macos_can_be_read() {
    let lock = include_str!("../../../Cargo.lock");
    let mut packages = lock.split("[[package]]\n");
    let client = packages.find(|package| package.starts_with("name = \"hyper-util\"\n"));
    let client = client.expect("the client beneath reqwest");
    for reader in ["windows-registry", "system-configuration"] {
        assert!(client.contains(&format!(" \"{reader}")), "{reader}");
    }
}
