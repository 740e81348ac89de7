//! The layer around each service: logs every request, carries out the faults of transport, sets the `Date` header.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::faults::{ActiveFaults, ConnectionDropped, Fault, Service};
use crate::history::AppRequest;
use crate::log::LoggedRequest;
use crate::shared::Shared;

/// Status of the response that stands for a dropped connection; no service uses it.
const DROPPED_STATUS: u16 = 599;

#[derive(Clone)]
struct Observer {
    shared: Shared,
    service: Service,
}

/// Puts the layer around a service's router.
pub fn observed(router: Router, shared: &Shared, service: Service) -> Router {
    let observer = Observer {
        shared: shared.clone(),
        service,
    };
    router.layer(middleware::from_fn_with_state(observer, observe))
}

/// The pages of admin and trainer, which poll: they are not what tests count or break.
fn is_page(path: &str) -> bool {
    const PAGES: [&str; 4] = ["/admin", "/ui/", "/appointments/", "/favicon.ico"];
    path == "/" || path == "/event" || PAGES.iter().any(|page| path.starts_with(page))
}

async fn observe(State(observer): State<Observer>, mut request: Request, next: Next) -> Response {
    let Observer { shared, service } = observer;
    if is_page(request.uri().path()) {
        return next.run(request).await;
    }
    let taken = {
        let path_and_query = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
        shared
            .faults()
            .take(service, request.method().as_str(), path_and_query)
    };
    let seq = shared.log().begin(logged(&shared, service, &request, &taken));
    let said = said_by(seq, request.headers());
    request.extensions_mut().insert(said);
    let faults: Vec<Fault> = taken.into_iter().map(|(_, fault)| fault).collect();
    let active = ActiveFaults(
        faults
            .iter()
            .filter(|fault| fault.is_semantic())
            .cloned()
            .collect(),
    );
    let skew = active.clock_skew();
    request.extensions_mut().insert(active);

    for fault in &faults {
        if let Fault::Latency { ms, real } = fault {
            let wait = Duration::from_millis(*ms);
            if *real {
                tokio::time::sleep(wait).await
            } else {
                shared.clock().sleep(wait).await
            }
        }
    }
    let mut response = match before_handler(&faults) {
        Some(response) => response,
        None => after_handler(next.run(request).await, &faults).await,
    };
    let date = (shared.now() + skew)
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().entry(DATE).or_insert(date);
    }
    let dropped = response.extensions().get::<ConnectionDropped>().is_some();
    let status = (!dropped).then(|| response.status().as_u16());
    shared.log().finish(seq, status, shared.now());
    response
}

/// What the request says about itself, for the services' histories.
fn said_by(seq: u64, headers: &HeaderMap) -> AppRequest {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    AppRequest {
        request: seq,
        request_id: text("x-request-id"),
        idempotency_key: text("idempotency-key"),
        if_match: text("if-match"),
        ..AppRequest::default()
    }
}

fn logged(shared: &Shared, service: Service, request: &Request, taken: &[(String, Fault)]) -> LoggedRequest {
    // A router's layers run once the route is known.
    let route = request.extensions().get::<MatchedPath>();
    let header = |name: &HeaderName| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
    LoggedRequest {
        seq: 0,
        at: shared.now(),
        service,
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        route: route.map_or_else(
            || request.uri().path().to_owned(),
            |route| route.as_str().to_owned(),
        ),
        query: request.uri().query().unwrap_or_default().to_owned(),
        status: None,
        dropped: false,
        faults: taken.iter().map(|(id, _)| id.clone()).collect(),
        duration_ms: None,
        user_agent: header(&USER_AGENT),
        request_id: header(&HeaderName::from_static("x-request-id")),
    }
}

/// The answer of a fault that keeps the handler from running.
fn before_handler(faults: &[Fault]) -> Option<Response> {
    faults.iter().find_map(|fault| match fault {
        Fault::DropBefore => Some(dropped()),
        Fault::Status {
            status,
            body,
            headers,
        } => Some(instead(*status, body.as_ref(), headers)),
        _ => None,
    })
}

async fn after_handler(response: Response, faults: &[Fault]) -> Response {
    let mut response = response;
    for fault in faults {
        response = match fault {
            Fault::DropAfter => dropped(),
            Fault::DropDuring { bytes } => broken_off(response, *bytes).await,
            Fault::RawBody { body, content_type } => {
                with_body(response, Bytes::from(body.clone()).into(), Some(content_type))
            }
            Fault::BigBody { bytes } => with_body(response, big_body(*bytes), Some("application/json")),
            Fault::CutPage => cut(response).await,
            _ => response,
        };
    }
    response
}

fn dropped() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(DROPPED_STATUS).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.extensions_mut().insert(ConnectionDropped);
    response
}

fn instead(status: u16, body: Option<&Value>, headers: &[(String, String)]) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        None => status.into_response(),
        Some(Value::String(text)) => (status, text.clone()).into_response(),
        Some(json) => (status, axum::Json(json.clone())).into_response(),
    };
    let mut further = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            further.append(name, value);
        }
    }
    // `extend` replaces what is there under the same name.
    response.headers_mut().extend(further);
    response
}

fn with_body(response: Response, body: Body, content_type: Option<&str>) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(value) = content_type.and_then(|value| HeaderValue::from_str(value).ok()) {
        parts.headers.insert(CONTENT_TYPE, value);
    }
    Response::from_parts(parts, body)
}

async fn collected(body: Body) -> Bytes {
    body.collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default()
}

async fn cut(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let whole = collected(body).await;
    let half = whole.slice(..whole.len() / 2);
    with_body(Response::from_parts(parts, Body::empty()), half.into(), None)
}

async fn broken_off(response: Response, bytes: usize) -> Response {
    let (parts, body) = response.into_parts();
    let whole = collected(body).await;
    let start = whole.slice(..bytes.min(whole.len()));
    let end = stream::once(async {
        // Without a pause the server would never flush what it has before it sees the end.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    let body = Body::from_stream(stream::iter([Ok(start)]).chain(end));
    let mut response = Response::from_parts(parts, body);
    response.headers_mut().insert(CONTENT_LENGTH, whole.len().into());
    response
}

/// Valid JSON of about that size, made piece by piece.
fn big_body(bytes: usize) -> Body {
    const PIECE: usize = 64 * 1024;
    let padding = Bytes::from(vec![b'x'; PIECE]);
    let pieces = std::iter::once(Bytes::from_static(b"{\"padding\":\""))
        .chain((0..bytes.div_ceil(PIECE)).map(move |index| padding.slice(..PIECE.min(bytes - index * PIECE))))
        .chain(std::iter::once(Bytes::from_static(b"\"}")));
    Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))
}
