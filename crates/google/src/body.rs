//! What is written into an event. There is no place in here for guests, reminders or conferences.

use crate::mark;
use chrono::{DateTime, SecondsFormat, Utc};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::event::{EventBody, PatchMask};
use roundtrip_core::ids::EventId;
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::ports::{PortError, RelayChannel};
use serde_json::{Map, Value, json};
use url::Url;

/// The body of a watch call: where notices go, until when, and what they prove themselves with.
pub(crate) fn watch(channel: &RelayChannel) -> Value {
    json!({
        "id": channel.id,
        "type": "web_hook",
        "address": channel.address,
        "token": channel.token.reveal(),
        "expiration": channel.expires_at.timestamp_millis(),
    })
}

/// The body of an insert.
pub(crate) fn insert(id: &EventId, body: &EventBody) -> Result<Value, PortError> {
    let mut event = patch(body, PatchMask::ALL)?;
    event.insert("id".into(), json!(id.as_str()));
    event.insert("transparency".into(), json!("opaque"));
    // `null` means something in a patch only.
    Ok(without_null(Value::Object(event)))
}

/// The body of a patch: what the mask names, and the mark. Everything else in the event stays as it is, above all what
/// the trainer added. Transparency is the trainer's once the event exists.
pub(crate) fn patch(body: &EventBody, mask: PatchMask) -> Result<Map<String, Value>, PortError> {
    let mut event = Map::new();
    if mask.time {
        event.insert("start".into(), when(body.time.start, &body.time));
        event.insert("end".into(), when(body.time.end, &body.time));
    }
    if mask.title {
        event.insert("summary".into(), json!(body.title));
    }
    if mask.location {
        event.insert("location".into(), json!(body.location));
    }
    if mask.description {
        event.insert("description".into(), json!(body.description));
    }
    if mask.looks {
        event.insert(
            "status".into(),
            json!(if body.tentative { "tentative" } else { "confirmed" }),
        );
        // Only what we hid is shown again: an event that the trainer made private themselves stays private.
        match (body.private, body.was_private) {
            (true, _) => _ = event.insert("visibility".into(), json!("private")),
            (false, true) => _ = event.insert("visibility".into(), json!("default")),
            (false, false) => {}
        }
        event.insert("source".into(), source(body));
        // Without a choice of ours the colour is the trainer's.
        if let Some(color) = &body.color {
            event.insert("colorId".into(), json!(color));
        }
    }
    if bug::is_on(Bug::GuestsAreWritten) {
        event.insert("attendees".into(), json!([{ "email": "guest@example.org" }]));
    }
    event.insert(
        "extendedProperties".into(),
        json!({ "private": mark::properties(&body.mark)? }),
    );
    Ok(event)
}

/// The offset makes it an instant, the zone keeps what people mean by it. `date` is cleared, or an event that was made
/// all-day would keep it and Google would refuse the mix.
fn when(at: DateTime<Utc>, span: &TimeSpan) -> Value {
    let text = at
        .with_timezone(&span.zone)
        .to_rfc3339_opts(SecondsFormat::AutoSi, false);
    json!({ "dateTime": text, "timeZone": span.zone.name(), "date": null })
}

/// Google refuses a source whose address is not http or https.
fn source(body: &EventBody) -> Value {
    let url = body.source_url.as_deref();
    match url.filter(|url| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))) {
        Some(url) => json!({ "url": url, "title": body.source_title }),
        None => Value::Null,
    }
}

fn without_null(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(k, v)| (k, without_null(v)))
                .collect(),
        ),
        other => other,
    }
}
