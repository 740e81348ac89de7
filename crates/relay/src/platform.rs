//! What the platform asks: channels for its trainers, and hints of its own.

use crate::channel::Provider;
use crate::hub::Hint;
use crate::problem::Problem;
use crate::serve::Relay;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{StatusCode, header};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Instant;
use subtle::ConstantTimeEq as _;

/// The platform, proven by its key. Refuses what carries a trainer's token.
pub(crate) struct FromPlatform;

/// The trainer for whom the platform asks.
pub(crate) struct Trainer(pub String);

impl FromRequestParts<Relay> for FromPlatform {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, relay: &Relay) -> Result<Self, Problem> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(Problem::StripAuthorization);
        }
        let key = parts
            .headers
            .get("x-relay-key")
            .map_or(&[][..], |key| key.as_bytes());
        if bool::from(key.ct_eq(relay.config.platform_key.expose_secret().as_bytes())) {
            Ok(Self)
        } else {
            Err(Problem::Unauthorized)
        }
    }
}

impl FromRequestParts<Relay> for Trainer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, relay: &Relay) -> Result<Self, Problem> {
        FromPlatform::from_request_parts(parts, relay).await?;
        let name = parts
            .headers
            .get("x-relay-trainer")
            .and_then(|name| name.to_str().ok());
        name.filter(|name| (1..=256).contains(&name.len()))
            .map(|name| Self(name.to_owned()))
            .ok_or(Problem::NoTrainer)
    }
}

#[derive(Deserialize)]
struct ChannelRequest {
    provider: String,
}

/// The contract's channel.
#[derive(Serialize)]
pub(crate) struct ChannelAnswer {
    channel_id: String,
    address: String,
    token: String,
    expires_at: DateTime<Utc>,
}

/// `POST /v1/calendar-relay/channels`.
pub(crate) async fn open_channel(
    State(relay): State<Relay>,
    trainer: Trainer,
    body: Bytes,
) -> Result<(StatusCode, Json<ChannelAnswer>), Problem> {
    let request: ChannelRequest = serde_json::from_slice(&body).map_err(|_| Problem::Invalid("provider"))?;
    let provider = Provider::from_word(&request.provider).ok_or(Problem::Invalid("provider"))?;
    if !relay
        .opening
        .take(relay.config.keys.mailbox(&trainer.0), Instant::now())
    {
        return Err(Problem::TooMany("This trainer opened too many channels."));
    }
    let random = *uuid::Uuid::new_v4().as_bytes();
    let issued = relay.config.keys.issue(provider, &trainer.0, random, Utc::now());
    relay.metrics.channel_opened();
    let answer = ChannelAnswer {
        channel_id: issued.id,
        address: relay.config.hook(provider.word()),
        token: issued.token,
        expires_at: issued.expires_at,
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `DELETE /v1/calendar-relay/channels/{channel_id}`.
pub(crate) async fn close_channel(
    State(relay): State<Relay>,
    trainer: Trainer,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if !relay.config.keys.made(&trainer.0, &id) || relay.hub.is_closed(&id) {
        return Err(Problem::NotFound);
    }
    relay.hub.close_channel(&id).await.map_err(|error| {
        tracing::warn!(%error, "a channel could not be closed");
        Problem::Unavailable
    })?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct HintRequest {
    trainer: String,
    event: String,
    #[serde(default)]
    data: Value,
}

/// `POST /internal/hints`: the platform's own hints, `appointments` and `policy`.
pub(crate) async fn hint(
    State(relay): State<Relay>,
    _platform: FromPlatform,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let request: HintRequest = serde_json::from_slice(&body).map_err(|_| Problem::Invalid("body"))?;
    if !(1..=256).contains(&request.trainer.len()) {
        return Err(Problem::Invalid("trainer"));
    }
    let hint = match request.event.as_str() {
        "appointments" => Hint::appointments(),
        "policy" => policy(&request.data).ok_or(Problem::Invalid("data"))?,
        _ => return Err(Problem::Invalid("event")),
    };
    let mailbox = relay.config.keys.mailbox(&request.trainer);
    relay.hub.send(mailbox, hint).await.map_err(|error| {
        tracing::warn!(%error, "a hint could not be kept");
        Problem::Unavailable
    })?;
    Ok(StatusCode::ACCEPTED)
}

/// Only the contract's fields go on, so that no content can slip into a hint.
fn policy(data: &Value) -> Option<Hint> {
    let enabled = data.get("enabled")?.as_bool()?;
    match data.get("reason") {
        None | Some(Value::Null) => Some(Hint::policy(enabled, None)),
        Some(Value::String(reason)) if reason.len() <= 64 => Some(Hint::policy(enabled, Some(reason))),
        Some(_) => None,
    }
}
