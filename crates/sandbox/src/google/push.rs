//! `events.watch`, `channels.stop`, and the notices they lead to.
//!
//! A *channel* is the promise to send a *notice*, a POST without a body, to an address whenever a calendar changes. Notices
//! wait in a row until somebody carries them away: [`Google::take_notices`]; the server does it over real HTTP. What can
//! happen to notices on their way is set with [`NoticeWeather`].

use super::Google;
use super::error::GoogleError;
use super::list;
use super::scopes;
use super::wire::{Call, object};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::{Host, Url};

/// The longest life of a channel, and the one of a channel that asks for none.
const LONGEST: TimeDelta = TimeDelta::days(7);

/// A channel as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WatchedChannel {
    /// Chosen by the client.
    pub id: String,
    /// Chosen by the service, the same for all channels of one calendar.
    pub resource_id: String,
    /// Address of the account.
    pub account: String,
    /// Id of the calendar.
    pub calendar: String,
    /// Where notices go.
    pub address: String,
    /// Given back with each notice.
    #[serde(skip)]
    pub token: Option<String>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A notice on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Where it goes.
    pub address: String,
    /// All it says.
    pub headers: HeaderMap,
}

/// What happens to notices on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoticeWeather {
    /// So many are lost from now on.
    pub lose: u32,
    /// Each is delivered so many times more.
    pub repeat: u32,
    /// None is delivered; they wait until this is false again.
    pub hold: bool,
    /// Those that wait are delivered in the reverse order.
    pub reverse: bool,
}

#[derive(Debug, Clone)]
struct Watch {
    channel: WatchedChannel,
    uri: String,
    number: u64,
}

/// All channels, and the notices that wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Watches {
    all: Vec<Watch>,
    waiting: Vec<Notice>,
    weather: NoticeWeather,
    sent: u64,
}

impl Watches {
    /// Something has changed in a calendar.
    pub fn changed(&mut self, calendar: &str, state: &'static str, now: DateTime<Utc>) {
        self.all.retain(|watch| watch.channel.expires_at > now);
        let of = |watch: &&mut Watch| watch.channel.calendar == calendar;
        for watch in self.all.iter_mut().filter(of) {
            // Increasing, but not one by one.
            watch.number += 1 + (watch.number % 3);
            let notice = notice(watch, state);
            self.sent += 1;
            if self.weather.lose > 0 {
                self.weather.lose -= 1;
                continue;
            }
            for _ in 0..=self.weather.repeat {
                self.waiting.push(notice.clone());
            }
        }
    }

    fn take(&mut self) -> Vec<Notice> {
        if self.weather.hold {
            return Vec::new();
        }
        let mut taken = std::mem::take(&mut self.waiting);
        if self.weather.reverse {
            taken.reverse();
        }
        taken
    }
}

fn notice(watch: &Watch, state: &'static str) -> Notice {
    let channel = &watch.channel;
    // An HTTP date, as people read it.
    let expiration = channel.expires_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let said = [
        ("x-goog-channel-id", channel.id.as_str()),
        ("x-goog-message-number", &watch.number.to_string()),
        ("x-goog-resource-id", &channel.resource_id),
        ("x-goog-resource-state", state),
        ("x-goog-resource-uri", &watch.uri),
        ("x-goog-channel-expiration", &expiration),
        (
            "x-goog-channel-token",
            channel.token.as_deref().unwrap_or_default(),
        ),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in said {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Notice {
        address: channel.address.clone(),
        headers,
    }
}

/// `POST /calendars/{calendar}/events/watch`.
pub(super) async fn watch(
    State(google): State<Google>,
    Path(calendar): Path<String>,
    call: Call,
    body: Bytes,
) -> Result<Response, GoogleError> {
    call.need_for(&google, scopes::EVENTS_READ, &calendar)?;
    let sent = Value::Object(object(&body)?);
    let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
    let (id, address, token) = (text("id"), text("address"), text("token"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return Err(GoogleError::required("Required parameter: id"));
    }
    if !["web_hook", "webhook"].contains(&text("type").as_str()) {
        return Err(GoogleError::invalid_parameter("type", "Unknown channel type"));
    }
    if token.len() > 256 {
        return Err(GoogleError::invalid_parameter("token", "Channel token too long"));
    }
    if !may_be_written_to(&address) {
        return Err(GoogleError::push(
            "push.webhookUrlNotHttps",
            "WebHook callback must be HTTPS",
        ));
    }
    let now = google.now();
    let bad_ttl = || GoogleError::push("pushInvalidTtl", "Invalid ttl value");
    let asked = match (&sent["expiration"], &sent["params"]["ttl"]) {
        (Value::Null, Value::Null) => None,
        (Value::Null, ttl) => {
            let seconds = whole(ttl).filter(|ttl| *ttl > 0).ok_or_else(bad_ttl)?;
            TimeDelta::try_seconds(seconds).map(|life| now + life.min(LONGEST))
        }
        (at, _) => Some(
            whole(at)
                .and_then(DateTime::from_timestamp_millis)
                .ok_or_else(bad_ttl)?,
        ),
    };
    // A longer life than there is, is shortened and not refused.
    let expires_at = asked.unwrap_or(now + LONGEST).min(now + LONGEST);
    if expires_at <= now {
        return Err(bad_ttl());
    }
    let mut state = google.state();
    let calendar = state.calendar(&call.account, &calendar)?.0.id.clone();
    if state.watches.all.iter().any(|watch| watch.channel.id == id) {
        return Err(GoogleError::push(
            "channelIdNotUnique",
            format!("Channel id {id} not unique"),
        ));
    }
    let uri = format!("https://www.googleapis.com/calendar/v3/calendars/{calendar}/events?alt=json");
    let channel = WatchedChannel {
        resource_id: format!("r{}", list::digest(&calendar)),
        account: call.account.clone(),
        address,
        token: Some(token).filter(|token| !token.is_empty()),
        id,
        calendar,
        expires_at: DateTime::from_timestamp_millis(expires_at.timestamp_millis()).unwrap_or(expires_at),
    };
    let answer = json!({
        "kind": "api#channel", "id": channel.id, "resourceId": channel.resource_id, "resourceUri": uri,
        "token": channel.token, "expiration": channel.expires_at.timestamp_millis().to_string(),
    });
    // The first notice may well be there before this answer is.
    let watch = Watch {
        channel,
        uri,
        number: 1,
    };
    let first = notice(&watch, "sync");
    let watches = &mut state.watches;
    watches.all.push(watch);
    watches.sent += 1;
    if watches.weather.lose > 0 {
        watches.weather.lose -= 1;
    } else {
        watches.waiting.push(first);
    }
    drop(state);
    google.inner.notices_told.notify_one();
    Ok(Json(answer).into_response())
}

/// `POST /channels/stop`.
pub(super) async fn stop(
    State(google): State<Google>,
    call: Call,
    body: Bytes,
) -> Result<StatusCode, GoogleError> {
    call.need(scopes::EVENTS_READ)?;
    let sent = Value::Object(object(&body)?);
    let now = google.now();
    let mut state = google.state();
    let watches = &mut state.watches.all;
    watches.retain(|watch| watch.channel.expires_at > now);
    let before = watches.len();
    // Only who made it may end it.
    watches.retain(|watch| {
        let channel = &watch.channel;
        sent["id"] != channel.id.as_str()
            || sent["resourceId"] != channel.resource_id.as_str()
            || channel.account != call.account
    });
    if watches.len() == before {
        return Err(GoogleError::not_found());
    }
    Ok(StatusCode::NO_CONTENT)
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// HTTPS, as the service wants it; this machine's own addresses too, as the stand-ins talk to each other.
fn may_be_written_to(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(host))) => host.is_loopback(),
        ("http", Some(Host::Domain(host))) => host == "localhost",
        _ => false,
    })
}

impl Google {
    /// The channels that live.
    pub fn channels(&self) -> Vec<WatchedChannel> {
        let now = self.now();
        let state = self.state();
        let living = state.watches.all.iter().map(|watch| watch.channel.clone());
        living.filter(|channel| channel.expires_at > now).collect()
    }

    /// Ends all channels at once and tells nobody, as the service may.
    pub fn forget_channels(&self) {
        self.state().watches.all.clear();
    }

    /// Sets what happens to notices from now on.
    pub fn set_notice_weather(&self, weather: NoticeWeather) {
        self.state().watches.weather = weather;
        self.inner.notices_told.notify_one();
    }

    /// What happens to notices now.
    pub fn notice_weather(&self) -> NoticeWeather {
        self.state().watches.weather.clone()
    }

    /// Notices that were sent so far, lost ones too, repeats not counted.
    pub fn notices_sent(&self) -> u64 {
        self.state().watches.sent
    }

    /// The notices that are to be delivered now. Each is given away once.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.state().watches.take()
    }

    /// Waits until there may be some.
    pub async fn notices_told(&self) {
        self.inner.notices_told.notified().await;
    }
}
