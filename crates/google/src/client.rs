//! The signed-in client.

use crate::body;
use crate::config::GoogleConfig;
use crate::error::{self, Asked};
use crate::wire::{self, Next, Page, Unreadable};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::Duration;
use chrono_tz::Tz;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::event::{Event, EventBody, EventChange, PatchMask};
use roundtrip_core::ids::{CalendarId, Etag, EventId, RunId, SyncToken};
use roundtrip_core::quota;
use roundtrip_core::time::zone_named;
use roundtrip_engine::ports::{
    CalendarInfo, CalendarPort, Clock, EventListing, EventLookup, PortError, RelayChannel, Watched,
    request_id,
};
use roundtrip_http::answer::{self, bad};
use roundtrip_http::oauth::{TokenKeeper, TokenVault};
use roundtrip_http::{HttpPort, Metered, Pace, SignedHttp, TOO_LARGE, TOO_SLOW};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Items per page while a bug about pages is on: a small world has several then, too.
const SMALL_PAGE: usize = 2;
/// A listing that does not end after so many pages, or the same number of events on smaller ones, is broken or hostile.
const MOST_PAGES: usize = 200;
/// Nobody is mailed, whatever the calendar's own settings are.
fn tell_nobody() -> (&'static str, &'static str) {
    match bug::is_on(Bug::GuestsAreMailed) {
        true => ("sendUpdates", "all"),
        false => ("sendUpdates", "none"),
    }
}

/// Google Calendar, as one signed-in account sees it.
pub struct GoogleCalendar {
    http: SignedHttp,
    config: GoogleConfig,
    /// Zones of the calendars, as their listings told: for times that come without one.
    zones: Mutex<HashMap<CalendarId, Tz>>,
    /// Events per page that are asked for: fewer once a page was too large.
    page_size: AtomicUsize,
}

impl GoogleCalendar {
    /// A client of this account. Tokens come from the vault; signing in is
    /// [`LoopbackSignIn`](roundtrip_http::oauth::LoopbackSignIn) with [`GoogleConfig::sign_in`], then
    /// [`TokenKeeper::adopt`] on [`GoogleCalendar::keeper`].
    pub fn new(
        http: Arc<dyn HttpPort>,
        clock: Arc<dyn Clock>,
        config: GoogleConfig,
        vault: Arc<dyn TokenVault>,
    ) -> Self {
        // Google answers compressed only if the user agent says so too.
        let metered = Arc::new(Metered::new(http, clock.clone(), "gzip"));
        let keeper = Arc::new(TokenKeeper::new(
            config.sign_in(),
            metered.clone(),
            clock.clone(),
            vault,
        ));
        let pace = Pace::new(clock.clone(), quota::GOOGLE);
        Self {
            http: SignedHttp::new(metered, keeper, pace, clock),
            config,
            zones: Mutex::default(),
            page_size: AtomicUsize::new(wire::PAGE_SIZE),
        }
    }

    /// The tokens of this account.
    pub fn keeper(&self) -> &Arc<TokenKeeper> {
        self.http.keeper()
    }

    /// Whether this account may write to the calendar. `None` if Google does not say, or says it in a new word.
    pub async fn may_write(&self, calendar: &CalendarId) -> Result<Option<bool>, PortError> {
        Ok(match self.look_at(calendar).await?.access_role.as_deref() {
            Some("owner" | "writer" | "writerWithoutPrivateAccess") => Some(true),
            Some("reader" | "freeBusyReader" | "none") => Some(false),
            _ => None,
        })
    }

    /// The calendar's own facts, from the smallest listing there is: `calendars.get` would need a further right.
    async fn look_at(&self, calendar: &CalendarId) -> Result<wire::Calendar, PortError> {
        let query = [("maxResults", "1"), ("fields", wire::CALENDAR_FIELDS)];
        let response = self
            .send(Method::GET, &events(calendar)?, &query, None, None, Asked::List)
            .await
            .map_err(unreachable_if_slow)?;
        let found: wire::Calendar = answer::json(response.body()).ok_or_else(|| bad("calendar"))?;
        if let Some(zone) = found.time_zone.as_deref().and_then(zone_named) {
            self.remember_zone(calendar, zone);
        }
        Ok(found)
    }

    fn zone(&self, calendar: &CalendarId) -> Tz {
        let zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.get(calendar).copied().unwrap_or(Tz::UTC)
    }

    fn remember_zone(&self, calendar: &CalendarId, zone: Tz) {
        self.zones
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(calendar.clone(), zone);
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        expected: Option<&Etag>,
        body: Option<Value>,
        asked: Asked,
    ) -> Result<http::Response<Bytes>, PortError> {
        let address = self.config.calendar_api(&with_query(path, query));
        let mut request = http::Request::builder()
            .method(method)
            .uri(address)
            .header(ACCEPT, "application/json");
        if let Some(etag) = expected {
            request = request.header(IF_MATCH, etag.as_str());
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = request.body(body).map_err(|_| PortError::Rejected {
            reason: "bad_request".into(),
        })?;
        let response = match asked {
            Asked::List | Asked::ListSince => self.http.send_for_part(request).await?,
            Asked::Insert | Asked::Event => self.http.send(request).await?,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        match error::error(&response, asked) {
            // `Retry-After` is not documented for the calendar, but it wins if it is there.
            PortError::Throttled { .. } => {
                let retry_after = answer::retry_after(&response, self.http.now());
                Err(self.http.pace().refused(error::too_fast(&response), retry_after))
            }
            error => Err(error),
        }
    }

    /// A whole listing, with pages of this many events at most.
    async fn list(
        &self,
        calendar: &CalendarId,
        token: Option<&SyncToken>,
        page_size: usize,
    ) -> Result<EventListing, PortError> {
        let path = events(calendar)?;
        let asked = if token.is_some() {
            Asked::ListSince
        } else {
            Asked::List
        };
        let mut zone = self.zone(calendar);
        let mut page_token: Option<String> = None;
        let mut visited = HashSet::new();
        let mut items = Vec::new();
        let most_pages = MOST_PAGES * (wire::PAGE_SIZE / page_size).max(1);
        let (page_size, mut size) = (page_size.to_string(), 0);
        for _ in 0..most_pages {
            // Every page, and every later listing, must be asked for with the same parameters. `showDeleted` is left
            // out: a full listing needs no tombstones, and with a token Google gives them by itself.
            let mut query = vec![
                ("maxResults", page_size.as_str()),
                ("singleEvents", "false"),
                ("fields", wire::LIST_FIELDS),
            ];
            if let Some(token) = token {
                query.push(("syncToken", token.as_str()));
            }
            if let Some(page) = &page_token {
                query.push(("pageToken", page));
            }
            let response = self.send(Method::GET, &path, &query, None, None, asked).await?;
            let page = Page::read(response.body()).map_err(unread)?;
            if let Some(told) = page.zone() {
                zone = told;
                self.remember_zone(calendar, zone);
            }
            let next = page.next().map_err(unread)?;
            if page_token.is_none() || !bug::is_on(Bug::TokenAfterFirstPage) {
                for change in page.changes(zone) {
                    size += wire::kept(&change);
                    items.push(change);
                }
            }
            if size > answer::LARGEST_LISTING {
                return Err(bad("listing too large"));
            }
            match next {
                Next::End(next_token) => {
                    return Ok(EventListing {
                        items,
                        next_token,
                        full: token.is_none(),
                    });
                }
                Next::Page(next) if !visited.insert(next.clone()) => return Err(bad("a page came twice")),
                Next::Page(next) => page_token = Some(next),
            }
        }
        Err(bad("too many pages"))
    }

    /// Reads back what a write stored.
    fn stored(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        response: &http::Response<Bytes>,
    ) -> Result<Event, PortError> {
        match wire::event(response.body(), self.zone(calendar)).map_err(unread)? {
            EventChange::Live(event) if event.id == *id => Ok(*event),
            EventChange::Deleted { .. } => Err(PortError::AlreadyDeleted),
            EventChange::Live(_) | EventChange::Foreign(_) | EventChange::Unreadable { .. } => {
                Err(bad("another event"))
            }
        }
    }
}

fn unread(error: Unreadable) -> PortError {
    bad(error.0)
}

/// Where nothing smaller can be asked for, an answer that is too slow is one that did not come.
fn unreachable_if_slow(error: PortError) -> PortError {
    match error {
        PortError::BadAnswer { what } if what == TOO_SLOW => PortError::Unreachable { nothing_sent: false },
        error => error,
    }
}

fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let mut serializer = url::form_urlencoded::Serializer::new(String::new());
    serializer.extend_pairs(query);
    format!("{path}?{}", serializer.finish())
}

/// Path of the events of a calendar.
fn events(calendar: &CalendarId) -> Result<String, PortError> {
    Ok(format!("calendars/{}/events", segment(calendar.as_str())?))
}

/// Path of one event.
fn event(calendar: &CalendarId, id: &EventId) -> Result<String, PortError> {
    Ok(format!("{}/{}", events(calendar)?, segment(id.as_str())?))
}

/// An id as one segment of a path (`@` and `#` occur in calendar ids). What would lead elsewhere is refused.
fn segment(id: &str) -> Result<String, PortError> {
    if id.is_empty() || id.len() > 1024 || matches!(id, "." | "..") {
        return Err(PortError::Rejected {
            reason: "bad_id".into(),
        });
    }
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    Ok(id.bytes().map(encoded).collect())
}

#[async_trait]
impl CalendarPort for GoogleCalendar {
    fn provider(&self) -> &'static str {
        "google"
    }

    async fn changes(
        &self,
        calendar: &CalendarId,
        token: Option<&SyncToken>,
    ) -> Result<EventListing, PortError> {
        let mut page_size = match bug::is_on(Bug::TokenAfterFirstPage) {
            true => SMALL_PAGE,
            false => self.page_size.load(Ordering::Relaxed),
        };
        let mut slow = false;
        loop {
            match self.list(calendar, token, page_size).await {
                // Ten years of meetings with long texts: else every full listing would fail at the same place for ever. From
                // the first page on, for all pages of one listing are asked for with the same parameters.
                Err(PortError::BadAnswer { what })
                    if what == TOO_LARGE && page_size > wire::SMALLEST_PAGE =>
                {
                    page_size = (page_size / 4).max(wire::SMALLEST_PAGE);
                    self.page_size.store(page_size, Ordering::Relaxed);
                }
                // A slow network: else a large page would begin anew for ever. Three times at most, a minute each.
                Err(PortError::BadAnswer { what }) if what == TOO_SLOW && page_size > wire::SMALLEST_PAGE => {
                    page_size = (page_size / 4).max(wire::SMALLEST_PAGE);
                    slow = true;
                }
                answer => {
                    // Kept only if it helped: a network that was gone says nothing about the size.
                    if slow && answer.is_ok() {
                        self.page_size.store(page_size, Ordering::Relaxed);
                    }
                    return answer.map_err(unreachable_if_slow);
                }
            }
        }
    }

    async fn get(&self, calendar: &CalendarId, id: &EventId) -> Result<EventLookup, PortError> {
        let query = [("fields", wire::LOOKUP_FIELDS)];
        match self
            .send(
                Method::GET,
                &event(calendar, id)?,
                &query,
                None,
                None,
                Asked::Event,
            )
            .await
        {
            Ok(response) => match self.stored(calendar, id, &response) {
                Ok(event) => Ok(EventLookup::Live {
                    event: Box::new(event),
                    created: wire::created(response.body()),
                }),
                Err(PortError::AlreadyDeleted) => {
                    let told = wire::event(response.body(), self.zone(calendar)).map_err(unread)?;
                    let updated = if let EventChange::Deleted { updated, .. } = told {
                        updated
                    } else {
                        None
                    };
                    Ok(EventLookup::Deleted { updated })
                }
                Err(error) => Err(error),
            },
            Err(PortError::NotFound) => Ok(EventLookup::NotFound),
            Err(PortError::AlreadyDeleted) => Ok(EventLookup::Deleted { updated: None }),
            Err(error) => Err(error),
        }
    }

    async fn insert(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        body: &EventBody,
    ) -> Result<Event, PortError> {
        let query = [tell_nobody(), ("fields", wire::EVENT_FIELDS)];
        let body = body::insert(id, body)?;
        let path = events(calendar)?;
        let response = self
            .send(Method::POST, &path, &query, None, Some(body), Asked::Insert)
            .await?;
        self.stored(calendar, id, &response)
    }

    async fn patch(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        expected: &Etag,
        body: &EventBody,
        mask: PatchMask,
    ) -> Result<Event, PortError> {
        let query = [tell_nobody(), ("fields", wire::EVENT_FIELDS)];
        let body = Value::Object(body::patch(body, mask)?);
        let path = event(calendar, id)?;
        let response = self
            .send(
                Method::PATCH,
                &path,
                &query,
                Some(expected).filter(|_| !bug::is_on(Bug::PatchWithoutEtag)),
                Some(body),
                Asked::Event,
            )
            .await?;
        self.stored(calendar, id, &response)
    }

    async fn delete(
        &self,
        calendar: &CalendarId,
        id: &EventId,
        expected: Option<&Etag>,
    ) -> Result<(), PortError> {
        let path = event(calendar, id)?;
        self.send(
            Method::DELETE,
            &path,
            &[tell_nobody()],
            expected.filter(|_| !bug::is_on(Bug::DeleteWithoutEtag)),
            None,
            Asked::Event,
        )
        .await
        .map(|_| ())
    }

    async fn calendar(&self, calendar: &CalendarId) -> Result<CalendarInfo, PortError> {
        let found = self.look_at(calendar).await?;
        Ok(CalendarInfo {
            id: calendar.clone(),
            name: found.summary,
            time_zone: found.time_zone,
        })
    }

    async fn watch(&self, calendar: &CalendarId, channel: &RelayChannel) -> Result<Watched, PortError> {
        let path = format!("{}/watch", events(calendar)?);
        let body = body::watch(channel);
        let response = self
            .send(Method::POST, &path, &[], None, Some(body), Asked::Insert)
            .await?;
        wire::watched(response.body(), &channel.id).map_err(unread)
    }

    async fn stop_watch(&self, channel: &str, resource: &str) -> Result<(), PortError> {
        let body = json!({ "id": channel, "resourceId": resource });
        self.send(Method::POST, "channels/stop", &[], None, Some(body), Asked::Event)
            .await
            .map(|_| ())
    }

    async fn revoke(&self) -> Result<(), PortError> {
        self.http.keeper().revoke().await
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
