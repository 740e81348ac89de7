//! The sandbox over HTTP: three listeners on 127.0.0.1, for the platform, Google and the control API.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::faults::ConnectionDropped;
use crate::google::Notice;
use crate::shared::Clock;
use crate::{Config, Sandbox};

/// A sandbox that listens. Dropping it ends every connection.
#[derive(Debug)]
pub struct Running {
    /// The model behind it.
    pub sandbox: Sandbox,
    /// The platform's address.
    pub platform_url: String,
    /// The address that stands for `https://www.googleapis.com` and for Google's sign-in.
    pub google_url: String,
    /// The control API's address, with `/control`.
    pub control_url: String,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Starts a sandbox on `port` (platform), `port + 1` (Google) and `port + 2` (control); 0 picks free ports.
pub async fn serve(config: Config, clock: Arc<dyn Clock>, port: u16) -> io::Result<Running> {
    let beside = |distance: u16| {
        if port == 0 {
            Some(0)
        } else {
            port.checked_add(distance)
        }
    };
    let platform = bind(beside(0)).await?;
    let google = bind(beside(1)).await?;
    let control = bind(beside(2)).await?;
    let address = |listener: &TcpListener| Ok::<_, io::Error>(format!("http://{}", listener.local_addr()?));
    let (platform_url, google_url) = (address(&platform)?, address(&google)?);
    let control_url = format!("{}/control", address(&control)?);

    let config = Config {
        platform_url: platform_url.clone(),
        google_url: google_url.clone(),
        ..config
    };
    let sandbox = Sandbox::new(&config, clock);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let services = [
        (platform, sandbox.platform_router()),
        (google, sandbox.google_router()),
        (control, sandbox.control_router()),
    ];
    for (listener, router) in services {
        tasks.spawn(accept(listener, router, stop.clone(), tasks.clone()));
    }
    let (postman, stopped) = (sandbox.clone(), stop.clone());
    tasks.spawn(async move {
        tokio::select! {
            () = stopped.cancelled() => {}
            () = postman.carry_notices(async |notice: &Notice| post(notice).await.ok()) => {}
        }
    });
    tasks.close();
    Ok(Running {
        sandbox,
        platform_url,
        google_url,
        control_url,
        stop,
        tasks,
    })
}

/// A notice over real HTTP. The stand-ins talk to this machine only.
async fn post(notice: &Notice) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let address: http::Uri = notice.address.parse()?;
    let authority = address.authority().ok_or("no authority")?.clone();
    let stream = TcpStream::connect(authority.as_str()).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut request = http::Request::post(address.path()).body(Body::empty())?;
    request.headers_mut().clone_from(&notice.headers);
    let headers = request.headers_mut();
    headers.insert(http::header::HOST, authority.as_str().parse()?);
    headers.insert(http::header::CONTENT_LENGTH, 0.into());
    // It ends with its sender.
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?.status().as_u16())
}

async fn bind(port: Option<u16>) -> io::Result<TcpListener> {
    let no_such_port = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the ports beside --port do not exist",
        )
    };
    TcpListener::bind((Ipv4Addr::LOCALHOST, port.ok_or_else(no_such_port)?)).await
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken, tasks: TaskTracker) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // One connection that could not be taken is no reason to stop; give others a turn.
                Err(_) => {
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let (router, stop) = (router.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = converse(stream, router) => {}
            }
        });
    }
}

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, router: Router) {
    // Small answers at once: a client on the same machine would otherwise wait for delayed acknowledgements.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let router = router.clone();
        async move {
            let response = router
                .oneshot(request.map(Body::new))
                .await
                .unwrap_or_else(|never| match never {});
            if response.extensions().get::<ConnectionDropped>().is_some() {
                // An error here makes hyper close the connection without writing anything.
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Ok(response)
        }
    });
    // A client that goes away, or a connection dropped on purpose, ends here; both are daily business.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Running {
    /// The environment an app needs to talk to this sandbox, as the binary prints it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let google = &self.google_url;
        vec![
            ("ROUNDTRIP_PLATFORM_URL", self.platform_url.clone()),
            ("ROUNDTRIP_GOOGLE_AUTH_URL", format!("{google}/o/oauth2/v2/auth")),
            ("ROUNDTRIP_GOOGLE_TOKEN_URL", format!("{google}/token")),
            ("ROUNDTRIP_GOOGLE_REVOKE_URL", format!("{google}/revoke")),
            ("ROUNDTRIP_GOOGLE_API_URL", google.clone()),
            ("GOOGLE_CLIENT_ID", self.sandbox.google_client.client_id.clone()),
            (
                "GOOGLE_CLIENT_SECRET",
                self.sandbox.google_client.client_secret.clone(),
            ),
            ("SANDBOX_CONTROL_URL", self.control_url.clone()),
        ]
    }

    /// Ends every connection and waits until all is still.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
