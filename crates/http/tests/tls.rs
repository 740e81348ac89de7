//! Certificates and versions of TLS, with a certificate authority that is trusted for the length of the test; and the death of a
//! connection of HTTP/2, which there is with TLS alone.
//!
//! The adapter trusts what the system trusts, and can be told nothing else: the test starts itself again with an authority
//! of its own named to the system's rules (`SSL_CERT_FILE`), which is how it is known that a right certificate is taken and
//! that each wrong one is refused because of what is wrong with it. That way of naming one is that of Linux.
#![cfg(target_os = "linux")]

use bytes::Bytes;
use http::Request;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use roundtrip_engine::ports::PortError;
use roundtrip_http::{HttpError, HttpErrorKind, HttpOptions, HttpPort as _, ReqwestHttp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};

/// Names the folder with the authority to the second start.
const AGAIN: &str = "ROUNDTRIP_TEST_TLS";

async fn ask(port: u16) -> Result<u16, HttpError> {
    let adapter = ReqwestHttp::new(HttpOptions::default()).expect("TLS starts");
    let request = Request::get(format!("https://localhost:{port}/"))
        .header("authorization", "Bearer secret")
        .body(Bytes::new())
        .expect("a test's own request");
    adapter.send(request).await.map(|answer| answer.status().as_u16())
}

/// Serves TLS with this certificate until it was asked once; true if a request came through.
async fn serve(
    chain: Vec<CertificateDer<'static>>,
    key: &KeyPair,
    versions: &[&'static SupportedProtocolVersion],
) -> u16 {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_protocol_versions(versions)
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a server config");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

async fn listen<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    port
}

#[tokio::test]
async fn only_a_right_certificate_and_a_present_version_of_tls_are_taken() {
    match std::env::var_os(AGAIN) {
        Some(folder) => with_an_authority_in(&PathBuf::from(folder)).await,
        None => again("only_a_right_certificate_and_a_present_version_of_tls_are_taken"),
    }
}

/// All requests to a service share one connection of HTTP/2, and a laptop that slept or changed its network does not hear
/// that it is dead.
#[tokio::test]
async fn a_connection_of_http2_that_went_silent_is_given_up_and_not_used_again() {
    let Some(folder) = std::env::var_os(AGAIN) else {
        return again("a_connection_of_http2_that_went_silent_is_given_up_and_not_used_again");
    };
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let own = params.self_signed(&key).expect("a certificate");
    std::fs::write(PathBuf::from(folder).join("root.pem"), own.pem()).expect("a file of the test's own");
    let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], secret)
        .expect("a server config");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let port = listen(move |stream| {
        let (acceptor, nth) = (acceptor.clone(), counter.fetch_add(1, Ordering::SeqCst));
        async move {
            let mut stream = acceptor.accept(stream).await.expect("a handshake");
            let _ = stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
            let mut preface = [0; 24];
            let _ = stream.read_exact(&mut preface).await;
            let mut frame = [0; 9];
            while stream.read_exact(&mut frame).await.is_ok() {
                let mut rest = vec![0; usize::from(frame[1]) << 8 | usize::from(frame[2])];
                let _ = stream.read_exact(&mut rest).await;
                // The first connection hears all and says nothing; the others answer each request: `:status: 200`, no body.
                if frame[3] == 1 && nth > 0 {
                    let head = [0, 0, 1, 1, 5, frame[5], frame[6], frame[7], frame[8], 0x88];
                    let _ = stream.write_all(&head).await;
                }
            }
        }
    })
    .await;
    let adapter = ReqwestHttp::new(HttpOptions {
        total_timeout: Duration::from_secs(10),
        ping_after: Duration::from_millis(200),
        ping_timeout: Duration::from_millis(200),
        ..HttpOptions::default()
    });
    let adapter = adapter.expect("TLS starts");
    let ask = async || {
        let request = Request::get(format!("https://localhost:{port}/")).body(Bytes::new());
        let answer = adapter.send(request.expect("a test's own request")).await;
        answer.map(|answer| answer.status().as_u16())
    };
    assert_eq!(ask().await, Err(HttpError::maybe_sent(HttpErrorKind::Timeout)));
    assert_eq!(ask().await, Ok(200));
    assert_eq!(ask().await, Ok(200));
    assert_eq!(connections.load(Ordering::SeqCst), 2, "a live one is used again");
}

fn again(test: &str) {
    let folder = std::env::temp_dir().join(format!("roundtrip-tls-{}-{}", std::process::id(), test.len()));
    std::fs::create_dir_all(&folder).expect("a folder of the test's own");
    let again = std::process::Command::new(std::env::current_exe().expect("this test"))
        .arg(test)
        .env("SSL_CERT_FILE", folder.join("root.pem"))
        .env(AGAIN, &folder)
        .output()
        .expect("this test starts again");
    std::fs::remove_dir_all(&folder).expect("a folder of the test's own");
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&again.stderr)
    );
}

async fn with_an_authority_in(folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = KeyPair::generate().expect("a key");
    let root = params.self_signed(&authority).expect("a certificate");
    std::fs::write(folder.join("root.pem"), root.pem()).expect("a file of the test's own");
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().expect("a key");
    let signed = |name: &str, until: i32| {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params
            .signed_by(&key, &issuer)
            .expect("a certificate")
            .der()
            .clone()
    };
    let refused = Err(HttpError::not_sent(HttpErrorKind::Tls));
    let both = [&version::TLS12, &version::TLS13];

    // The control: what is refused below is refused for what is wrong with it.
    for versions in [&both[..], &[&version::TLS12], &[&version::TLS13]] {
        let port = serve(vec![signed("localhost", 2999)], &key, versions).await;
        assert_eq!(ask(port).await, Ok(200));
    }
    let expired = serve(vec![signed("localhost", 2021)], &key, &both).await;
    assert_eq!(ask(expired).await, refused, "expired");
    assert_eq!(
        ask(expired).await.map_err(PortError::from),
        Err(PortError::WrongCertificate),
        "no mere outage to those who ask the services"
    );
    let other = serve(vec![signed("linden.example", 2999)], &key, &both).await;
    assert_eq!(ask(other).await, refused, "another name");
    let wild = serve(vec![signed("*.localhost", 2999)], &key, &both).await;
    assert_eq!(ask(wild).await, refused, "a wildcard");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let own = params.self_signed(&key).expect("a certificate").der().clone();
    assert_eq!(
        ask(serve(vec![own], &key, &both).await).await,
        refused,
        "self-signed"
    );
    // TLS 1.1 and 1.0: a server that has nothing newer says so by an alert, or answers in its own version.
    for minor in [2, 1] {
        let alert = listen(move |mut stream| async move {
            let mut hello = [0; 1024];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(&[21, 3, minor, 0, 2, 2, 70]).await;
        });
        assert_eq!(ask(alert.await).await, refused, "alert of TLS 1.{}", minor - 1);
        let old = listen(move |mut stream| async move {
            let mut hello = [0; 1024];
            let _ = stream.read(&mut hello).await;
            let mut answer = vec![22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
            answer.extend([7; 32]);
            answer.extend([0, 0, 0x2f, 0]);
            let _ = stream.write_all(&answer).await;
        });
        assert_eq!(ask(old.await).await, refused, "hello of TLS 1.{}", minor - 1);
    }
    // Plain HTTP where TLS is expected.
    let plain = listen(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    });
    assert_eq!(ask(plain.await).await, refused, "no TLS at all");
}
