//! `GET /v1/stream`: hints as server-sent events.

use crate::platform::Trainer;
use crate::problem::Problem;
use crate::serve::Relay;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// How often a quiet stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// Opens a stream; `Last-Event-ID` resumes it for an hour, at any node.
pub(crate) async fn open(
    State(relay): State<Relay>,
    trainer: Trainer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    relay.hub.ready().map_err(|_| Problem::Unavailable)?;
    let mailboxes = relay.config.keys.mailboxes(&trainer.0);
    let seat = relay
        .seats
        .take(mailboxes[0], Instant::now())
        .ok_or(Problem::TooMany("Too many streams are open."))?;
    // One that is no text is as good as one that is too old.
    let last_id = headers
        .get("last-event-id")
        .map(|id| id.to_str().unwrap_or_default().trim().to_owned());
    let opened = relay.hub.open(&mailboxes, last_id.as_deref());
    let leave = seat.leave.clone();
    // Both are free again when the stream is dropped, however it ends.
    let held = (seat, relay.metrics.stream());
    let metrics = relay.metrics.clone();
    // So that the client knows at once that it is connected, and from where to go on if it is cut before the first hint.
    let greeting = Event::default().comment("connected");
    let greeting = match opened.id {
        Some(id) => greeting.id(id),
        None => greeting,
    };
    let greeting = stream::once(async { greeting });
    let hints = opened.hints.map(move |delivery| {
        let _ = &held;
        metrics.hint(delivery.hint.kind.word());
        Event::default()
            .id(delivery.id)
            .event(delivery.hint.kind.word())
            .data(delivery.hint.data)
    });
    let events = greeting
        .chain(hints)
        .take_until(relay.ending.clone().cancelled_owned())
        .take_until(leave.cancelled_owned())
        .map(Ok::<_, Infallible>);
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("quiet"))
        .into_response();
    // Proxies that gather answers would hold hints back.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
