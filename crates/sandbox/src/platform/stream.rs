//! `GET /v1/stream`: hints as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use tokio::sync::broadcast::error::RecvError;

use super::Platform;
use super::guard::{Caller, header};
use super::hints::Hint;
use super::problem::{Problem, ProblemDetails};

/// How often a quiet stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// Hints (feature `stream`): `appointments`, `calendar`, `policy`, `resync`. `Last-Event-ID` resumes for an hour.
#[utoipa::path(get, path = "/v1/stream", tag = "hints",
    params(("Last-Event-ID" = Option<u64>, Header, description = "The last id seen")),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
        (status = 401, description = "`unauthorized`", body = ProblemDetails, content_type = "application/problem+json")))]
pub(super) async fn stream(
    State(platform): State<Platform>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require("calendar_sync")?;
    // An id that is none of ours is as good as one that is too old.
    let last_event_id = header(&headers, "last-event-id").map(|id| id.trim().parse().unwrap_or(u64::MAX));
    let now = platform.now();
    let (missed, place, receiver) = {
        let mut state = platform.state();
        let (missed, receiver) = state.hints.open(now, &caller.user, last_event_id);
        // A stream that is cut before its first hint goes on from here.
        let place = missed.is_empty().then(|| state.hints.resync().id);
        (missed, place, receiver)
    };
    let first = stream::iter(missed).map(|hint| event(&hint));
    let rest = stream::unfold((receiver, platform), |(mut receiver, platform)| async move {
        let hint = match receiver.recv().await {
            Ok(hint) => hint,
            Err(RecvError::Lagged(_)) => platform.state().hints.resync(),
            Err(RecvError::Closed) => return None,
        };
        Some((event(&hint), (receiver, platform)))
    });
    // A first comment, so that the client knows at once that it is connected; an id without an event, so that it knows where.
    let greeting = Event::default().comment("connected");
    let greeting = match place {
        Some(place) => greeting.id(place.to_string()),
        None => greeting,
    };
    let greeting = stream::once(async { greeting });
    let events = greeting.chain(first).chain(rest).map(Ok::<_, Infallible>);
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("quiet"))
        .into_response())
}

fn event(hint: &Hint) -> Event {
    Event::default()
        .id(hint.id.to_string())
        .event(hint.event)
        .data(hint.data.to_string())
}
