//! Where calendar services call. Strangers can call here too: they get a status, and nothing of theirs goes further.
//!
//! A 200 or 202 means that the hint is kept: what waits for the end of a burst is answered when it was passed on.

use crate::channel::{Channel, Keys, Provider};
use crate::hub::Hint;
use crate::limits::{QUIET, neighbourhood};
use crate::serve::{Peer, Relay};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequest as _, Query, Request, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, join_all};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Graph's validation tokens are far shorter.
const LONGEST_VALIDATION: usize = 2048;

/// Whether a hint that waits for the end of a burst was kept.
pub(crate) type Later = Shared<BoxFuture<'static, bool>>;

/// Google: all is in the headers; a body is not read.
pub(crate) async fn google(
    State(relay): State<Relay>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    let said = said_by_google(&relay.config.keys, &headers, Utc::now());
    let Some((channel, state)) = said.filter(|(channel, _)| !relay.hub.is_closed(&channel.id)) else {
        return refuse(&relay, Provider::Google, caller(&relay, peer, &headers));
    };
    if pass_on(&relay, Provider::Google, channel, state).await {
        StatusCode::OK.into_response()
    } else {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

/// What the headers of a request say, if it is Google's: about which channel, and what state.
pub fn said_by_google(
    keys: &Keys,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Option<(Channel, &'static str)> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let channel = keys
        .read(Provider::Google, text("x-goog-channel-token"), now)
        .filter(|channel| channel.id == text("x-goog-channel-id"))?;
    // Only the words that Google documents go on, never what somebody writes here.
    let state = match text("x-goog-resource-state") {
        "sync" => "sync",
        "not_exists" => "not_exists",
        _ => "exists",
    };
    Some((channel, state))
}

/// The address that is held to account for what is refused; `None` if it is not known, because it is a proxy's.
fn caller(relay: &Relay, Peer(peer): Peer, headers: &HeaderMap) -> Option<IpAddr> {
    let address = if relay.config.forwarded_for {
        forwarded_for(headers)?
    } else {
        peer.to_canonical()
    };
    let is_proxy = match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    };
    (!is_proxy).then(|| neighbourhood(address))
}

/// Whom our proxy names. The last entry is its own; those before it are the caller's invention.
pub fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// 404; whoever gets many of them is told to wait, on a connection that is closed.
fn refuse(relay: &Relay, provider: Provider, caller: Option<IpAddr>) -> Response {
    if caller.is_none_or(|caller| relay.refused.take(caller, Instant::now())) {
        relay.metrics.hook(provider.word(), "unknown");
        StatusCode::NOT_FOUND.into_response()
    } else {
        too_often(relay, provider)
    }
}

fn too_often(relay: &Relay, provider: Provider) -> Response {
    relay.metrics.hook(provider.word(), "too_often");
    let headers = [(header::RETRY_AFTER, "60"), (header::CONNECTION, "close")];
    (StatusCode::TOO_MANY_REQUESTS, headers).into_response()
}

#[derive(Deserialize)]
pub(crate) struct Validation {
    #[serde(rename = "validationToken")]
    validation_token: Option<String>,
}

#[derive(Deserialize)]
struct Notifications {
    value: Vec<Notification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    #[serde(default)]
    client_state: Option<String>,
    #[serde(default)]
    lifecycle_event: Option<String>,
}

/// Microsoft Graph: a question whether we are there, or a batch of notifications.
pub(crate) async fn outlook(
    State(relay): State<Relay>,
    Extension(peer): Extension<Peer>,
    validation: Result<Query<Validation>, QueryRejection>,
    request: Request,
) -> Response {
    if let Ok(Query(Validation {
        validation_token: Some(token),
    })) = validation
    {
        return validate(&relay, &token);
    }
    let caller = caller(&relay, peer, request.headers());
    // The proof is in the body, so whoever was refused too often is not even read. Graph would try again for hours.
    if caller.is_some_and(|caller| !relay.refused.has_left(&caller, Instant::now())) {
        return too_often(&relay, Provider::Outlook);
    }
    let body: Result<Bytes, BytesRejection> = Bytes::from_request(request, &()).await;
    let Ok(body) = body else {
        return refuse(&relay, Provider::Outlook, caller);
    };
    let mut known = said_by_graph(&relay.config.keys, &body, Utc::now());
    known.retain(|(channel, _)| !relay.hub.is_closed(&channel.id));
    let known = known.into_iter();
    let kept =
        join_all(known.map(|(channel, state)| pass_on(&relay, Provider::Outlook, channel, state))).await;
    if kept.is_empty() {
        refuse(&relay, Provider::Outlook, caller)
    } else if kept.iter().all(|kept| *kept) {
        StatusCode::ACCEPTED.into_response()
    } else {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

/// What a batch says of channels that are ours, each once: about which, and what state.
pub fn said_by_graph(keys: &Keys, body: &[u8], now: DateTime<Utc>) -> Vec<(Channel, &'static str)> {
    let notifications = serde_json::from_slice::<Notifications>(body)
        .map(|all| all.value)
        .unwrap_or_default();
    // One batch says the same many times.
    let said: BTreeSet<(String, &'static str)> = notifications
        .into_iter()
        .filter_map(|notification| {
            let state = state_of(notification.lifecycle_event.as_deref());
            Some((notification.client_state?, state))
        })
        .collect();
    said.into_iter()
        .filter_map(|(token, state)| Some((keys.read(Provider::Outlook, &token, now)?, state)))
        .collect()
}

/// A change is `exists`, as with Google; of the life of a subscription only Graph's own words go on.
fn state_of(lifecycle_event: Option<&str>) -> &'static str {
    match lifecycle_event {
        None => "exists",
        Some("subscriptionRemoved") => "subscriptionRemoved",
        Some("missed") => "missed",
        Some("reauthorizationRequired") => "reauthorizationRequired",
        Some(_) => "lifecycle",
    }
}

/// Short, and nothing in it that would be more than text.
pub fn is_fit_to_return(token: &str) -> bool {
    !token.is_empty() && token.len() <= LONGEST_VALIDATION && !token.chars().any(char::is_control)
}

/// Graph wants its token back as plain text. As text, and only as what a browser will never take for a page.
fn validate(relay: &Relay, token: &str) -> Response {
    let fit = is_fit_to_return(token);
    relay.metrics.hook(
        Provider::Outlook.word(),
        if fit { "validation" } else { "unknown" },
    );
    if !fit {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut response = token.to_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    response
}

/// True if the hint is kept; else the service is to try again, perhaps at another node.
async fn pass_on(relay: &Relay, provider: Provider, channel: Channel, state: &'static str) -> bool {
    let hint = Hint::calendar(&channel.id, state);
    // Words apart from "look there" are rare, and must not be covered by one that says less.
    let key = if state == "exists" {
        channel.id.clone()
    } else {
        format!("{}/{state}", channel.id)
    };
    let later = relay.bursts.pass(&key, Instant::now(), |wait| {
        pass_on_later(relay.clone(), wait, key.clone(), channel.clone(), hint.clone())
    });
    let (kept, outcome) = match later {
        Some(later) => {
            let _waiting = relay.metrics.waiting();
            (later.await, "covered")
        }
        None => (send(relay, &channel, hint).await, "passed"),
    };
    relay
        .metrics
        .hook(provider.word(), if kept { outcome } else { "unavailable" });
    kept
}

/// In a task of its own: whoever asked may hang up, and others wait for the same.
fn pass_on_later(relay: Relay, wait: Duration, key: String, channel: Channel, hint: Hint) -> Later {
    let task = tokio::spawn(async move {
        tokio::time::sleep(wait.min(QUIET)).await;
        relay.bursts.passing(&key, Instant::now());
        send(&relay, &channel, hint).await
    });
    task.map(|kept| kept.unwrap_or(false)).boxed().shared()
}

async fn send(relay: &Relay, channel: &Channel, hint: Hint) -> bool {
    let sent = relay.hub.send(channel.mailbox, hint).await;
    if let Err(error) = &sent {
        tracing::warn!(%error, "a notification could not be kept");
    }
    sent.is_ok()
}
