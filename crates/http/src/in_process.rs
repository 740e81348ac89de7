//! An [`HttpPort`] over a service in the same process.

use crate::port::{HttpError, HttpErrorKind, HttpPort, Pieces};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body::Body;
use http_body_util::{BodyExt as _, BodyStream, Full};
use std::convert::Infallible;
use tower::{Service, ServiceExt as _};

/// Status by which the service says that it dropped the connection; no real service answers it.
pub const DROPPED_STATUS: u16 = 599;

/// Answers from a [`tower::Service`], for example an axum router: the same model without sockets, so that a
/// simulation decides about time. It is as strict as the network about the size of answers.
#[derive(Clone, Debug)]
pub struct RouterHttp<S> {
    service: S,
    body_limit: usize,
}

impl<S> RouterHttp<S> {
    /// Asks this service.
    pub fn new(service: S) -> Self {
        Self {
            service,
            body_limit: crate::HttpOptions::default().body_limit,
        }
    }
}

#[async_trait]
impl<S, B> HttpPort for RouterHttp<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, mut stream) = self.ask(request).await?.into_parts();
        let mut body = BytesMut::new();
        while let Some(frame) = stream.frame().await {
            let frame = frame.map_err(|_| HttpError::maybe_sent(HttpErrorKind::Cut))?;
            let Some(data) = frame.data_ref() else { continue };
            if body.len() + data.len() > self.body_limit {
                return Err(HttpError::maybe_sent(HttpErrorKind::TooLarge));
            }
            body.extend_from_slice(data);
        }
        Ok(Response::from_parts(parts, body.freeze()))
    }

    async fn open(&self, request: Request<Bytes>) -> Result<Response<Pieces>, HttpError> {
        let answer = self.ask(request).await?;
        Ok(answer.map(|body| {
            let frames = BodyStream::new(body).filter_map(async |frame| match frame {
                Ok(frame) => frame.into_data().ok().map(Ok),
                Err(_) => Some(Err(HttpError::maybe_sent(HttpErrorKind::Cut))),
            });
            frames.boxed()
        }))
    }
}

impl<S, B> RouterHttp<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
{
    async fn ask(&self, request: Request<Bytes>) -> Result<Response<B>, HttpError> {
        let request = as_received(request).ok_or(HttpError::not_sent(HttpErrorKind::NotAllowed))?;
        let answer = match self.service.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        if answer.status().as_u16() == DROPPED_STATUS {
            return Err(HttpError::maybe_sent(HttpErrorKind::Cut));
        }
        Ok(answer)
    }
}

/// The request as a server sees it: the path alone in the request line, the host in its header.
fn as_received(request: Request<Bytes>) -> Option<Request<Full<Bytes>>> {
    let (mut parts, body) = request.into_parts();
    let authority = parts
        .uri
        .authority()
        .map(|authority| authority.as_str().to_owned());
    if let Some(host) = authority {
        parts.headers.insert(HOST, HeaderValue::from_str(&host).ok()?);
    }
    let path = parts.uri.path_and_query().map_or("/", |whole| whole.as_str());
    parts.uri = path.parse::<Uri>().ok()?;
    Some(Request::from_parts(parts, Full::new(body)))
}
