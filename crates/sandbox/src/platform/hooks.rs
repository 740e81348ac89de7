//! The calendar relay: a calendar service's notifications reach the laptop as hints on its stream.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Platform;
use super::guard::{Caller, JsonBody, header};
use super::problem::{Problem, ProblemDetails};
use super::state::{CHANNEL_TIME, RelayChannel};
use super::types::{Channel, ChannelRequest};

const SCOPE: &str = "calendar_sync";
const PROVIDERS: [&str; 2] = ["google", "outlook"];

/// Opens a channel of the relay (feature `calendar_relay`).
#[utoipa::path(post, path = "/v1/calendar-relay/channels", tag = "hints", request_body = ChannelRequest, responses(
    (status = 201, description = "What to hand to the calendar service", body = Channel),
    (status = 422, description = "`invalid`", body = ProblemDetails, content_type = "application/problem+json")))]
pub(super) async fn open_channel(
    State(platform): State<Platform>,
    caller: Caller,
    JsonBody(request): JsonBody<ChannelRequest>,
) -> Result<(StatusCode, Json<Channel>), Problem> {
    caller.require(SCOPE)?;
    if !PROVIDERS.contains(&request.provider.as_str()) {
        return Err(Problem::invalid(
            422,
            &["provider"],
            "There is no relay for this calendar service.",
        ));
    }
    let channel = Channel {
        channel_id: platform.inner.shared.random_id("chn-"),
        address: format!("{}/v1/hooks/{}", platform.base_url(), request.provider),
        token: platform.inner.shared.random_id(""),
        expires_at: platform.now() + CHANNEL_TIME,
    };
    let relay = RelayChannel {
        user: caller.user,
        provider: request.provider,
        channel: channel.clone(),
    };
    platform
        .state()
        .channels
        .insert(channel.channel_id.clone(), relay);
    Ok((StatusCode::CREATED, Json(channel)))
}

/// Closes a channel of the relay.
#[utoipa::path(delete, path = "/v1/calendar-relay/channels/{channel_id}", tag = "hints",
    params(("channel_id" = String, Path)), responses(
    (status = 204, description = "Closed"),
    (status = 404, description = "`not_found`", body = ProblemDetails, content_type = "application/problem+json")))]
pub(super) async fn close_channel(
    State(platform): State<Platform>,
    caller: Caller,
    Path(channel_id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(SCOPE)?;
    let mut state = platform.state();
    let theirs = state
        .channels
        .get(&channel_id)
        .is_some_and(|channel| channel.user == caller.user);
    if !theirs {
        return Err(Problem::not_found("channel"));
    }
    state.channels.remove(&channel_id);
    Ok(StatusCode::NO_CONTENT)
}

/// Called by Google: passes on channel and state, nothing else.
#[utoipa::path(post, path = "/v1/hooks/google", tag = "hooks",
    params(("X-Goog-Channel-ID" = String, Header), ("X-Goog-Channel-Token" = String, Header),
        ("X-Goog-Resource-State" = String, Header)),
    responses((status = 200, description = "Passed on"), (status = 404, description = "No such channel and token")))]
pub(super) async fn google(State(platform): State<Platform>, headers: HeaderMap) -> StatusCode {
    let channel_id = header(&headers, "x-goog-channel-id").unwrap_or_default();
    let token = header(&headers, "x-goog-channel-token").unwrap_or_default();
    let state = match header(&headers, "x-goog-resource-state") {
        Some("sync") => "sync",
        Some("not_exists") => "not_exists",
        // Only the names Google documents are passed on, never what a stranger writes here.
        _ => "exists",
    };
    if platform.relay(
        "google",
        |channel| channel.channel_id == channel_id && channel.token == token,
        state,
    ) {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Validation {
    #[serde(rename = "validationToken")]
    validation_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct OutlookNotifications {
    value: Vec<OutlookNotification>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutlookNotification {
    client_state: Option<String>,
    lifecycle_event: Option<String>,
}

/// Called by Microsoft Graph: answers its `validationToken`, and passes change notifications on.
#[utoipa::path(post, path = "/v1/hooks/outlook", tag = "hooks",
    params(("validationToken" = Option<String>, Query)),
    responses((status = 200, description = "The validation token", body = String, content_type = "text/plain"),
        (status = 202, description = "Passed on"), (status = 404, description = "No such channel")))]
pub(super) async fn outlook(
    State(platform): State<Platform>,
    Query(validation): Query<Validation>,
    body: String,
) -> Response {
    if let Some(token) = validation.validation_token {
        return token.into_response();
    }
    let notifications: OutlookNotifications = serde_json::from_str(&body).unwrap_or_default();
    let mut passed = false;
    for OutlookNotification {
        client_state,
        lifecycle_event,
    } in notifications.value
    {
        let state = if lifecycle_event.is_some() {
            "lifecycle"
        } else {
            "exists"
        };
        let token = client_state.unwrap_or_default();
        passed |= platform.relay("outlook", |channel| channel.token == token, state);
    }
    if passed {
        StatusCode::ACCEPTED.into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

impl Platform {
    /// Sends a hint for the channel meant; `false` if there is none.
    fn relay(&self, provider: &str, meant: impl Fn(&Channel) -> bool, resource_state: &str) -> bool {
        let now = self.now();
        let mut state = self.state();
        let found = state.channels.values().find(|relay| {
            relay.provider == provider && now < relay.channel.expires_at && meant(&relay.channel)
        });
        let Some((user, channel_id)) =
            found.map(|relay| (relay.user.clone(), relay.channel.channel_id.clone()))
        else {
            return false;
        };
        let data = json!({ "channel_id": channel_id, "state": resource_state });
        state.hints.send(now, &user, "calendar", data);
        true
    }
}
