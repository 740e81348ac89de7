//! The signed-in client.

use crate::discovery::PlatformMetadata;
use crate::hints::Stream;
use crate::problem;
use crate::wire::{self, Unreadable};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use chrono::Duration;
use chrono_tz::Tz;
use futures::StreamExt as _;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{Method, StatusCode};
use roundtrip_core::appointment::Appointment;
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::ids::{AppointmentId, Cursor, IdempotencyKey, RunId, Version};
use roundtrip_core::quota;
use roundtrip_engine::ports::{
    Accepted, Clock, HintStream, LaptopStatus, Me, MoveReport, NewFromEvent, PlatformFeed, PlatformListing,
    PlatformPort, PortError, RelayChannel, StatusAnswer, SyncPolicy, request_id,
};
use roundtrip_http::answer::{LARGEST_LISTING, bad, header, is_opaque};
use roundtrip_http::oauth::{TokenKeeper, TokenVault};
use roundtrip_http::{HttpError, HttpPort, Metered, Pace, Pieces, SignedHttp};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Items per page while a bug about pages is on: a small world has several then, too.
const SMALL_PAGE: usize = 2;
/// Largest answer that says why there is no stream.
const LARGEST_PROBLEM: usize = 64 * 1024;
/// A feed that does not end after so many pages is broken or hostile.
const MOST_PAGES: usize = 200;

/// The platform, as one signed-in trainer sees it.
pub struct PlatformClient {
    http: SignedHttp,
    metadata: PlatformMetadata,
    seen: Arc<Mutex<Seen>>,
}

/// What was learned from earlier answers.
struct Seen {
    policy: SyncPolicy,
    /// The same, until somebody takes it: what an answer without a word on it leaves as it was is not said again.
    heard: Option<SyncPolicy>,
    zone: Tz,
}

impl Seen {
    fn hear(&mut self, policy: SyncPolicy) {
        self.policy = policy.clone();
        self.heard = Some(policy);
    }
}

/// Listens for the platform's word on sync in the head of each of its answers: those that are errors before anybody reads
/// them (429, 5xx) carry it, too.
struct Listening {
    inner: Arc<dyn HttpPort>,
    api: String,
    seen: Arc<Mutex<Seen>>,
}

impl Listening {
    fn hear<B>(&self, asks_the_platform: bool, answer: &http::Response<B>) {
        let said = answer.headers().get("calendar-sync");
        let said = said.and_then(|value| value.to_str().ok());
        if let Some(policy) = said.filter(|_| asks_the_platform).and_then(wire::policy_header) {
            self.seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .hear(policy);
        }
    }

    /// The server that gives out tokens may be another.
    fn asks_the_platform(&self, request: &http::Request<Bytes>) -> bool {
        request.uri().to_string().starts_with(&self.api)
    }
}

#[async_trait]
impl HttpPort for Listening {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let asks = self.asks_the_platform(&request);
        let answer = self.inner.send(request).await?;
        self.hear(asks, &answer);
        Ok(answer)
    }

    async fn open(&self, request: http::Request<Bytes>) -> Result<http::Response<Pieces>, HttpError> {
        let asks = self.asks_the_platform(&request);
        let answer = self.inner.open(request).await?;
        self.hear(asks, &answer);
        Ok(answer)
    }
}

impl PlatformClient {
    /// A client of this platform. Tokens come from the vault; signing in is
    /// [`LoopbackSignIn`](roundtrip_http::oauth::LoopbackSignIn) with [`PlatformMetadata::sign_in`], then
    /// [`TokenKeeper::adopt`] on [`PlatformClient::keeper`].
    pub fn new(
        http: Arc<dyn HttpPort>,
        clock: Arc<dyn Clock>,
        metadata: PlatformMetadata,
        vault: Arc<dyn TokenVault>,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Seen {
            policy: SyncPolicy {
                enabled: true,
                reason: None,
            },
            heard: None,
            zone: Tz::UTC,
        }));
        let listening = Arc::new(Listening {
            inner: http,
            api: format!("{}/v1/", metadata.base.as_str().trim_end_matches('/')),
            seen: seen.clone(),
        });
        let metered = Arc::new(Metered::new(listening, clock.clone(), ""));
        let keeper = Arc::new(TokenKeeper::new(
            metadata.sign_in(),
            metered.clone(),
            clock.clone(),
            vault,
        ));
        let pace = Pace::new(clock.clone(), quota::PLATFORM);
        Self {
            http: SignedHttp::new(metered, keeper, pace, clock),
            metadata,
            seen,
        }
    }

    /// With the trainer's own zone as it was told last: until the platform tells it anew, the one of appointments whose zone nobody
    /// knows here.
    #[must_use]
    pub fn in_zone(self, zone: Tz) -> Self {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).zone = zone;
        self
    }

    /// The tokens of this account.
    pub fn keeper(&self) -> &Arc<TokenKeeper> {
        self.http.keeper()
    }

    /// Ends the session at the platform.
    pub async fn revoke(&self) -> Result<(), PortError> {
        self.http.keeper().revoke().await
    }

    /// The policy that came with the last answer.
    pub fn last_policy(&self) -> SyncPolicy {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .policy
            .clone()
    }

    fn zone(&self) -> Tz {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).zone
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let base = self.metadata.base.as_str().trim_end_matches('/');
        http::Request::builder()
            .method(method)
            .uri(format!("{base}/v1/{path}"))
            .header(ACCEPT, "application/json")
    }

    /// Sends a request; gives back success and 304, and turns all else into an error.
    async fn send(
        &self,
        request: http::request::Builder,
        body: Option<Value>,
    ) -> Result<http::Response<Bytes>, PortError> {
        let response = self.exchange(request, body).await?;
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        Err(problem::error(&response, &self.last_policy(), self.zone()))
    }

    /// Sends a request; gives back whatever the platform says to it.
    async fn exchange(
        &self,
        request: http::request::Builder,
        body: Option<Value>,
    ) -> Result<http::Response<Bytes>, PortError> {
        let request = match &body {
            Some(_) => request.header(CONTENT_TYPE, "application/json"),
            None => request,
        };
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = request.body(body).map_err(|_| PortError::Rejected {
            reason: "bad_request".into(),
        })?;
        let response = self.http.send(request).await?;
        if let Some(wait) = spent_limit(&response) {
            self.http.pace().hold(wait);
        }
        Ok(response)
    }

    async fn write(
        &self,
        (method, path): (Method, &str),
        id: &AppointmentId,
        version: Version,
        key: &IdempotencyKey,
        body: Value,
    ) -> Result<Accepted, PortError> {
        let request = self
            .request(method, path)
            .header(IF_MATCH, format!("\"{version}\""))
            .header("idempotency-key", key.as_str());
        let response = self.send(request, Some(body)).await?;
        let (appointment, admin_notified) = wire::accepted(response.body(), self.zone()).map_err(unread)?;
        if appointment.id != *id {
            return Err(bad("another appointment"));
        }
        Ok(Accepted {
            appointment,
            admin_notified,
        })
    }

    async fn page(
        &self,
        cursor: Option<&Cursor>,
        etag: Option<&str>,
    ) -> Result<http::Response<Bytes>, PortError> {
        let mut request = self.request(Method::GET, &page_path(cursor));
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = self.send(request, None).await?;
        // Only what was asked for under a condition can be unchanged.
        if response.status() == StatusCode::NOT_MODIFIED && etag.is_none() {
            return Err(bad("304 without a condition"));
        }
        Ok(response)
    }
}

fn page_path(cursor: Option<&Cursor>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor.as_str());
    }
    let limit = match bug::is_on(Bug::CursorAfterFirstPage) {
        true => SMALL_PAGE,
        false => wire::PAGE_SIZE,
    };
    query.append_pair("limit", &limit.to_string());
    format!("appointments?{}", query.finish())
}

fn unread(error: Unreadable) -> PortError {
    bad(error.0)
}

/// The beginning of an answer that says why there is no stream.
async fn beginning(mut pieces: Pieces) -> Result<Bytes, PortError> {
    let mut body = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if body.len() + piece.len() > LARGEST_PROBLEM {
            return Err(bad(roundtrip_http::TOO_LARGE));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// An id as one segment of a path. `None` for what would lead elsewhere.
fn segment(id: &str) -> Result<String, PortError> {
    let refused = || PortError::Rejected {
        reason: "bad_id".into(),
    };
    if id.is_empty() || id.len() > 1024 || matches!(id, "." | "..") {
        return Err(refused());
    }
    Ok(id.bytes().map(encoded).collect())
}

fn encoded(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

/// How long nothing is left of the quota, if the answer says that nothing is: `RateLimit: "default";r=0;t=20`, or
/// `limit=600, remaining=0, reset=20` as earlier drafts wrote it.
fn spent_limit(response: &http::Response<Bytes>) -> Option<std::time::Duration> {
    let text = header(response, "ratelimit")?;
    let number = |names: [&str; 2]| {
        text.split([';', ',']).find_map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            names
                .contains(&name.trim())
                .then(|| value.trim().parse::<u64>().ok())?
        })
    };
    let left = number(["r", "remaining"])?;
    let reset = number(["t", "reset"])?;
    (left == 0 && reset > 0).then(|| std::time::Duration::from_secs(reset.min(3600)))
}

#[async_trait]
impl PlatformPort for PlatformClient {
    async fn me(&self) -> Result<Me, PortError> {
        let response = self.send(self.request(Method::GET, "me"), None).await?;
        let me = wire::me(response.body(), self.metadata.shown_name()).map_err(unread)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.zone = me.time_zone;
        seen.hear(me.policy.clone());
        Ok(me)
    }

    async fn changes(&self, cursor: Option<&Cursor>, etag: Option<&str>) -> Result<PlatformFeed, PortError> {
        let mut at = cursor.cloned();
        // An etag speaks of one address, and so of one cursor: it means nothing for a snapshot or for later pages.
        let mut condition = etag.filter(|_| cursor.is_some());
        let mut visited: HashSet<Cursor> = at.iter().cloned().collect();
        let mut items = Vec::new();
        let mut snapshot = None;
        let mut size = 0;
        for _ in 0..MOST_PAGES {
            let response = match self.page(at.as_ref(), condition.take()).await {
                // A snapshot has no place in the feed that could be lost: the answer makes no sense.
                Err(PortError::FeedExpired) if cursor.is_none() && at.is_none() => {
                    return Err(bad("410 for a snapshot"));
                }
                other => other?,
            };
            if response.status() == StatusCode::NOT_MODIFIED {
                return Ok(PlatformFeed::Unchanged {
                    policy: self.last_policy(),
                });
            }
            size += response.body().len();
            if size > LARGEST_LISTING {
                return Err(bad("listing too large"));
            }
            let page = wire::page(response.body(), self.zone()).map_err(unread)?;
            if at.as_ref() == cursor || !bug::is_on(Bug::CursorAfterFirstPage) {
                items.extend(page.items);
            }
            let is_snapshot = *snapshot.get_or_insert(page.snapshot || cursor.is_none());
            if !page.has_more {
                // The etag is that of the address just read. It helps next time only if that address is asked again.
                let same_address = at.as_ref() == Some(&page.next_cursor);
                let etag = header(&response, ETAG)
                    .filter(|etag| same_address && is_opaque(etag))
                    .map(str::to_owned);
                let policy = self.last_policy();
                let next_cursor = page.next_cursor;
                return Ok(PlatformFeed::Listing(PlatformListing {
                    items,
                    next_cursor,
                    etag,
                    snapshot: is_snapshot,
                    policy,
                }));
            }
            if !visited.insert(page.next_cursor.clone()) {
                return Err(bad("a page came twice"));
            }
            at = Some(page.next_cursor);
        }
        Err(bad("too many pages"))
    }

    async fn appointment(&self, id: &AppointmentId) -> Result<Appointment, PortError> {
        let path = format!("appointments/{}", segment(id.as_str())?);
        let response = self.send(self.request(Method::GET, &path), None).await?;
        let (appointment, _) = wire::accepted(response.body(), self.zone()).map_err(unread)?;
        if appointment.id != *id {
            return Err(bad("another appointment"));
        }
        Ok(appointment)
    }

    async fn report_move(&self, report: &MoveReport<'_>) -> Result<Accepted, PortError> {
        let path = format!("appointments/{}/move", segment(report.appointment.as_str())?);
        self.write(
            (Method::POST, &path),
            report.appointment,
            report.version,
            report.key,
            wire::move_body(report),
        )
        .await
    }

    async fn create_appointment(&self, new: &NewFromEvent<'_>) -> Result<Appointment, PortError> {
        let request = self
            .request(Method::POST, "appointments")
            .header("idempotency-key", new.key.as_str());
        let response = self.exchange(request, Some(wire::new_body(new))).await?;
        if !response.status().is_success() {
            let (policy, zone) = (self.last_policy(), self.zone());
            return Err(problem::creation_error(&response, &policy, zone));
        }
        let (appointment, _) = wire::accepted(response.body(), self.zone()).map_err(unread)?;
        Ok(appointment)
    }

    async fn report_notes(
        &self,
        id: &AppointmentId,
        version: Version,
        key: &IdempotencyKey,
        notes: &str,
    ) -> Result<Accepted, PortError> {
        let path = format!("appointments/{}", segment(id.as_str())?);
        let body = json!({ "notes": notes });
        self.write((Method::PATCH, &path), id, version, key, body).await
    }

    async fn report_status(&self, provider: &str, status: &LaptopStatus) -> Result<StatusAnswer, PortError> {
        let path = format!("me/integrations/{}", segment(provider)?);
        let response = self
            .send(self.request(Method::PUT, &path), Some(wire::status_body(status)))
            .await?;
        let answer = wire::status_answer(response.body()).map_err(unread)?;
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .hear(answer.policy.clone());
        Ok(answer)
    }

    async fn end_integration(&self, provider: &str) -> Result<(), PortError> {
        let path = format!("me/integrations/{}", segment(provider)?);
        match self.send(self.request(Method::DELETE, &path), None).await {
            // Ended already, perhaps by an answer of ours that was lost.
            Ok(_) | Err(PortError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn hints(&self, after: Option<&str>) -> Result<Box<dyn HintStream>, PortError> {
        let mut request = self
            .request(Method::GET, "stream")
            .header(ACCEPT, "text/event-stream")
            .header(CACHE_CONTROL, "no-store");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let request = request.body(Bytes::new()).map_err(|_| PortError::Rejected {
            reason: "bad_request".into(),
        })?;
        let (head, pieces) = self.http.open(request).await?.into_parts();
        let is_stream = head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("text/event-stream"));
        match head.status {
            StatusCode::OK if is_stream => Ok(Box::new(Stream::new(pieces))),
            status if status.is_client_error() => {
                let body = beginning(pieces).await?;
                let response = http::Response::from_parts(head, body);
                Err(problem::error(&response, &self.last_policy(), self.zone()))
            }
            // A redirect is none either: a credential never travels to another place.
            _ => Err(bad("no event stream")),
        }
    }

    async fn open_channel(&self, provider: &str) -> Result<RelayChannel, PortError> {
        let body = json!({ "provider": provider });
        let request = self.request(Method::POST, "calendar-relay/channels");
        let response = self.send(request, Some(body)).await?;
        wire::channel(response.body()).map_err(unread)
    }

    async fn close_channel(&self, id: &str) -> Result<(), PortError> {
        let path = format!("calendar-relay/channels/{}", segment(id)?);
        self.send(self.request(Method::DELETE, &path), None)
            .await
            .map(|_| ())
    }

    fn take_policy(&self) -> Option<SyncPolicy> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .heard
            .take()
    }

    fn clock_offset(&self) -> Option<Duration> {
        self.http.metered().clock_offset()
    }

    fn requests_sent(&self) -> u64 {
        self.http.metered().requests_sent()
    }

    fn name_requests(&self, run: Option<&RunId>) {
        self.http.metered().name_requests(run.map(request_id));
    }
}
