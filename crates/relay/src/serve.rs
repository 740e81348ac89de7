//! A node: two listeners, one hub.

use crate::channel::Mailbox;
use crate::config::Config;
use crate::hooks::Later;
use crate::hub::Hub;
use crate::limits::{Buckets, Bursts, Seats};
use crate::metrics::Metrics;
use crate::{hooks, platform, stream};
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};
use http::{HeaderValue, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutWriter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::timeout::TimeoutLayer;

/// Longest body that is read: a batch of Graph's notifications.
const BODY_LIMIT: usize = 256 * 1024;
/// Longest head of a request that is read.
const HEAD_LIMIT: usize = 16 * 1024;
/// Most header lines of a request.
const HEADERS_LIMIT: usize = 64;
/// A head that takes longer than this is none; nor is a connection kept that is quiet for so long between requests.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// A request of a stranger that takes longer is answered 408.
const REQUEST_TIME: Duration = Duration::from_secs(15);
/// What is on its way when the node is asked to end has so long.
const ENDING_TIME: Duration = Duration::from_secs(10);
/// What the kernel keeps for a caller that does not read. Hints are tiny.
const SEND_BUFFER: u32 = 64 * 1024;
/// Connections that strangers may hold open.
const PUBLIC_CONNECTIONS: usize = 2_000;
/// How often a node looks whether it is still of use.
const WATCH: Duration = Duration::from_secs(1);
/// A node that hears nothing for so long sends its laptops to another one.
const DEAF: u32 = 10;

/// Who opened the connection.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub IpAddr);

/// What every handler sees.
#[derive(Clone)]
pub(crate) struct Relay {
    pub config: Arc<Config>,
    pub hub: Arc<dyn Hub>,
    pub metrics: Arc<Metrics>,
    pub bursts: Arc<Bursts<Later>>,
    pub refused: Arc<Buckets<IpAddr>>,
    pub opening: Arc<Buckets<Mailbox>>,
    pub seats: Seats,
    pub ending: CancellationToken,
}

/// A node that runs.
pub struct Running {
    /// Where calendar services call.
    pub public: SocketAddr,
    /// Where the platform calls.
    pub internal: SocketAddr,
    ending: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    /// Takes no more connections, ends the streams, and waits until what is on its way was answered, but not for ever.
    pub async fn end(self) {
        self.ending.cancel();
        self.tasks.close();
        if tokio::time::timeout(ENDING_TIME, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some requests were still not finished");
        }
    }
}

/// Starts a node.
///
/// # Errors
/// If an address cannot be listened on.
pub async fn serve(config: Config, hub: Arc<dyn Hub>) -> io::Result<Running> {
    let public = listen(config.public)?;
    let internal = listen(config.internal)?;
    let ending = CancellationToken::new();
    let tasks = TaskTracker::new();
    let relay = Relay {
        seats: Seats::new(config.streams, config.streams_per_trainer, config.settled),
        config: Arc::new(config),
        hub,
        metrics: Arc::new(Metrics::new()),
        bursts: Arc::new(Bursts::new()),
        refused: Arc::new(Buckets::new(300, 10.0)),
        opening: Arc::new(Buckets::new(30, 1.0 / 60.0)),
        ending: ending.clone(),
    };
    let running = Running {
        public: public.local_addr()?,
        internal: internal.local_addr()?,
        ending: ending.clone(),
        tasks: tasks.clone(),
    };
    let connections = relay.config.streams as usize + 1_000;
    tasks.spawn(watch(relay.clone()));
    let stalled = relay.config.stalled;
    for (listener, router, most) in [
        (public, for_strangers(relay.clone()), PUBLIC_CONNECTIONS),
        (internal, for_platform(relay), connections),
    ] {
        let door = Door {
            listener,
            router,
            most,
            stalled,
            ending: ending.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(accept(door));
    }
    Ok(running)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(4096)
}

fn for_strangers(relay: Relay) -> Router {
    Router::new()
        .route("/v1/hooks/google", post(hooks::google))
        .route("/v1/hooks/outlook", post(hooks::outlook))
        .route("/live", get(|| async { StatusCode::OK }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            REQUEST_TIME,
        ))
        .with_state(relay)
}

fn for_platform(relay: Relay) -> Router {
    Router::new()
        .route("/v1/calendar-relay/channels", post(platform::open_channel))
        .route(
            "/v1/calendar-relay/channels/{channel_id}",
            delete(platform::close_channel),
        )
        .route("/v1/stream", get(stream::open))
        .route("/internal/hints", post(platform::hint))
        .route("/live", get(|| async { StatusCode::OK }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(relay)
}

async fn ready(State(relay): State<Relay>) -> (StatusCode, String) {
    if relay.ending.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "this node is ending".to_owned());
    }
    match relay.hub.ready() {
        Ok(()) => (StatusCode::OK, "ready".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

async fn metrics(State(relay): State<Relay>) -> Response {
    let text = relay.metrics.text(relay.hub.ready().is_ok());
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// A stream at a node that hears nothing looks alive and is not: after a while its laptops are sent elsewhere.
async fn watch(relay: Relay) {
    let mut deaf = 0;
    loop {
        tokio::select! {
            () = relay.ending.cancelled() => return,
            () = tokio::time::sleep(WATCH) => {}
        }
        deaf = if relay.hub.ready().is_ok() { 0 } else { deaf + 1 };
        if deaf == DEAF {
            tracing::warn!("nothing is heard from the other nodes: streams end here");
            relay.hub.end_streams();
        }
    }
}

/// One listener with all its connections.
struct Door {
    listener: TcpListener,
    router: Router,
    /// Connections at a time.
    most: usize,
    /// A caller that takes nothing for so long is cut off.
    stalled: Duration,
    ending: CancellationToken,
    tasks: TaskTracker,
}

async fn accept(door: Door) {
    let Door {
        listener,
        router,
        most,
        stalled,
        ending,
        tasks,
    } = door;
    let places = Arc::new(Semaphore::new(most));
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_LIMIT)
        .max_headers(HEADERS_LIMIT);
    loop {
        let taken = tokio::select! {
            () = ending.cancelled() => return,
            place = places.clone().acquire_owned() => match place {
                Ok(place) => tokio::select! {
                    () = ending.cancelled() => return,
                    taken = listener.accept() => taken.map(|(stream, peer)| (stream, peer, place)),
                },
                Err(_) => return,
            },
        };
        let (connection, peer, place) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                // Out of file handles, for example: the next one may work.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Hints are small and must not wait for others.
        let _ = connection.set_nodelay(true);
        let mut connection = TimeoutWriter::new(connection);
        connection.set_timeout(Some(stalled));
        let connection = TokioIo::new(Box::pin(connection));
        let service = TowerToHyperService::new(router.clone().layer(Extension(Peer(peer.ip()))));
        let (builder, ending) = (builder.clone(), ending.clone());
        tasks.spawn(async move {
            let _place = place;
            let served = builder.serve_connection(connection, service);
            tokio::pin!(served);
            // A connection that breaks is its caller's affair.
            let _ = tokio::select! {
                done = served.as_mut() => done,
                () = ending.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
        });
    }
}
