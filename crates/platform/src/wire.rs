//! The shapes of the wire, and the one door from them to the types of the domain.
//!
//! Read by hand rather than by derive, so that what cannot be read is named by its field, unknown fields and words do
//! no harm, and one bad item never hides the others.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use roundtrip_core::appointment::{
    Actor, Appointment, AppointmentKind, AppointmentStatus, Client, Editable, Place, RemovalReason,
};
use roundtrip_core::ids::{AppointmentId, Cursor, DeviceId, TrainerId};
use roundtrip_core::time::{TimeSpan, zone_named};
use roundtrip_engine::ports::{
    ChannelToken, LaptopStatus, Me, MoveReport, NewFromEvent, PlatformChange, RelayChannel, StatusAnswer,
    SyncPolicy, Writer,
};
use roundtrip_http::answer::{self, LARGEST_NUMBER, is_opaque, is_text, is_web_address};
use roundtrip_http::is_allowed;
use serde_json::{Map, Value, json};

/// Items per page that are asked for: the most the platform gives.
pub(crate) const PAGE_SIZE: usize = 500;

/// The field that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub &'static str);

type Read<T> = Result<T, Unreadable>;

/// An object whose fields are read by name. `null` and a missing field are the same.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn of(value: &'a Value, what: &'static str) -> Read<Self> {
        value.as_object().map(Self).ok_or(Unreadable(what))
    }

    fn get(&self, name: &'static str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn need(&self, name: &'static str) -> Read<&'a Value> {
        self.get(name).ok_or(Unreadable(name))
    }

    /// A text that may be missing, but is nothing else than a text.
    fn text(&self, name: &'static str) -> Read<Option<String>> {
        self.get(name)
            .map(|value| {
                let text = value.as_str().filter(|text| is_text(text));
                text.map(str::to_owned).ok_or(Unreadable(name))
            })
            .transpose()
    }

    fn need_text(&self, name: &'static str) -> Read<String> {
        self.need(name)?
            .as_str()
            .map(str::to_owned)
            .ok_or(Unreadable(name))
    }

    fn id(&self, name: &'static str) -> Read<String> {
        self.need_text(name).and_then(|id| {
            if is_opaque(&id) {
                Ok(id)
            } else {
                Err(Unreadable(name))
            }
        })
    }

    fn number(&self, name: &'static str) -> Read<u64> {
        let number = self.need(name)?.as_u64();
        number
            .filter(|number| *number <= LARGEST_NUMBER)
            .ok_or(Unreadable(name))
    }

    fn flag(&self, name: &'static str) -> Read<Option<bool>> {
        self.get(name)
            .map(|value| value.as_bool().ok_or(Unreadable(name)))
            .transpose()
    }

    fn instant(&self, name: &'static str) -> Read<Option<DateTime<Utc>>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text = value.as_str().ok_or(Unreadable(name))?;
        DateTime::parse_from_rfc3339(text)
            .map(|at| Some(at.with_timezone(&Utc)))
            .map_err(|_| Unreadable(name))
    }

    fn need_instant(&self, name: &'static str) -> Read<DateTime<Utc>> {
        self.instant(name)?.ok_or(Unreadable(name))
    }

    /// When something is planned.
    fn planned(&self, name: &'static str) -> Read<Option<DateTime<Utc>>> {
        match self.text(name)? {
            Some(text) => answer::planned(&text).map(Some).ok_or(Unreadable(name)),
            None => Ok(None),
        }
    }

    fn object(&self, name: &'static str) -> Read<Option<Fields<'a>>> {
        self.get(name).map(|value| Fields::of(value, name)).transpose()
    }
}

/// One page of the feed.
pub(crate) struct Page {
    pub items: Vec<PlatformChange>,
    pub next_cursor: Cursor,
    pub has_more: bool,
    pub snapshot: bool,
}

/// Reads a page. Its frame must be whole; its items are read one by one.
pub(crate) fn page(body: &[u8], trainer_zone: Tz) -> Read<Page> {
    let body: Value = answer::json(body).ok_or(Unreadable("page"))?;
    let fields = Fields::of(&body, "page")?;
    // More than was asked for is not a platform's.
    let items = fields
        .need("items")?
        .as_array()
        .filter(|items| items.len() <= PAGE_SIZE);
    let items = items.ok_or(Unreadable("items"))?;
    Ok(Page {
        items: items.iter().map(|item| change(item, trainer_zone)).collect(),
        next_cursor: Cursor(fields.id("next_cursor")?),
        has_more: fields.flag("has_more")?.ok_or(Unreadable("has_more"))?,
        snapshot: fields.flag("snapshot")?.unwrap_or(false),
    })
}

fn change(item: &Value, trainer_zone: Tz) -> PlatformChange {
    read_change(item, trainer_zone).unwrap_or_else(|Unreadable(field)| {
        let id = item.get("id").or_else(|| item.get("appointment")?.get("id"));
        let id = id.and_then(Value::as_str).filter(|id| is_opaque(id));
        PlatformChange::Unreadable {
            id: id.map(AppointmentId::new),
            field: field.to_owned(),
        }
    })
}

fn read_change(item: &Value, trainer_zone: Tz) -> Read<PlatformChange> {
    let fields = Fields::of(item, "item")?;
    match fields.need_text("change")?.as_str() {
        "upsert" => {
            let read = appointment(fields.need("appointment")?, trainer_zone)?;
            Ok(PlatformChange::Upsert(Box::new(read)))
        }
        "removed" => Ok(PlatformChange::Removed {
            id: AppointmentId(fields.id("id")?),
            version: fields.number("version")?,
            reason: match fields.need_text("reason")?.as_str() {
                "cancelled" => RemovalReason::Cancelled,
                "unassigned" => RemovalReason::Unassigned,
                "deleted" => RemovalReason::Deleted,
                _ => RemovalReason::Other,
            },
            at: fields.need_instant("at")?,
        }),
        _ => Err(Unreadable("change")),
    }
}

/// Reads an appointment. A zone that this build does not know is replaced by the trainer's own: the instants stay.
pub(crate) fn appointment(value: &Value, trainer_zone: Tz) -> Read<Appointment> {
    let fields = Fields::of(value, "appointment")?;
    let kind = fields.object("type")?;
    let place = fields.object("location")?;
    let client = fields.object("client")?;
    let actor = fields.object("updated_by")?;
    let editable = fields.get("editable").and_then(Value::as_array);
    let start = fields.planned("start")?.ok_or(Unreadable("start"))?;
    // An end before the start would be read as another length, and be written into the calendar.
    let end = fields.planned("end")?;
    if end.is_some_and(|end| end < start) {
        return Err(Unreadable("end"));
    }
    let may_edit = |name: &str| editable.is_some_and(|names| names.iter().any(|known| known == name));
    Ok(Appointment {
        id: AppointmentId(fields.id("id")?),
        version: fields.number("version")?,
        status: match fields.need_text("status")?.as_str() {
            "scheduled" => AppointmentStatus::Scheduled,
            "tentative" => AppointmentStatus::Tentative,
            "cancelled" => AppointmentStatus::Cancelled,
            _ => AppointmentStatus::Other,
        },
        kind: AppointmentKind {
            id: optional(&kind, "id")?.unwrap_or_default(),
            name: optional(&kind, "name")?.unwrap_or_default(),
        },
        title: fields.text("title")?,
        topic: fields.text("topic")?,
        place: match &place {
            Some(place) => Some(Place {
                name: place.text("name")?,
                address: place.text("address")?,
            }),
            None => None,
        },
        start,
        end,
        zone: zone_named(&fields.need_text("time_zone")?).unwrap_or(trainer_zone),
        notes: fields.text("notes")?,
        client: match &client {
            Some(client) => Some(Client {
                id: client.text("id")?.unwrap_or_default(),
                name: client.text("name")?,
                email: client.text("email")?,
                phone: client.text("phone")?,
            }),
            None => None,
        },
        private: fields.flag("private")?.unwrap_or(false),
        editable: Editable {
            time: may_edit("time"),
            notes: may_edit("notes"),
        },
        url: fields
            .text("url")?
            .filter(|url| is_web_address(url))
            .unwrap_or_default(),
        created_at: fields.need_instant("created_at")?,
        updated_at: fields.need_instant("updated_at")?,
        updated_by: match &actor {
            Some(actor) => Some(Actor {
                kind: actor.text("kind")?.unwrap_or_default(),
                name: actor.text("name")?,
            }),
            None => None,
        },
    })
}

fn optional(fields: &Option<Fields<'_>>, name: &'static str) -> Read<Option<String>> {
    fields.as_ref().map_or(Ok(None), |fields| fields.text(name))
}

/// A single appointment, bare or wrapped with the answer to a write.
pub(crate) fn accepted(body: &[u8], trainer_zone: Tz) -> Read<(Appointment, bool)> {
    let body: Value = answer::json(body).ok_or(Unreadable("appointment"))?;
    let fields = Fields::of(&body, "appointment")?;
    let notified = fields.flag("admin_notified")?.unwrap_or(false);
    Ok((
        appointment(fields.get("appointment").unwrap_or(&body), trainer_zone)?,
        notified,
    ))
}

/// Who is signed in. `platform_name` is what to show if the answer names none.
pub(crate) fn me(body: &[u8], platform_name: &str) -> Read<Me> {
    let body: Value = answer::json(body).ok_or(Unreadable("me"))?;
    let fields = Fields::of(&body, "me")?;
    let sync = fields
        .object("calendar_sync")?
        .ok_or(Unreadable("calendar_sync"))?;
    let named = optional(&fields.object("platform")?, "name")?.filter(|name| !name.trim().is_empty());
    let features = fields.get("features").and_then(Value::as_array);
    let min_poll = sync.get("min_poll_seconds").and_then(Value::as_u64).unwrap_or(60);
    Ok(Me {
        id: TrainerId(fields.id("id")?),
        name: fields.text("name")?.unwrap_or_default(),
        email: fields.text("email")?.unwrap_or_default(),
        role: fields.text("role")?.unwrap_or_default(),
        platform_name: named.unwrap_or_else(|| platform_name.to_owned()),
        time_zone: fields
            .text("time_zone")?
            .and_then(|name| zone_named(&name))
            .unwrap_or(Tz::UTC),
        policy: policy(&sync)?,
        client_names_allowed: sync.flag("client_names_allowed")?.unwrap_or(false),
        min_poll_seconds: u32::try_from(min_poll).unwrap_or(u32::MAX),
        features: features
            .map(|words| {
                words
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default(),
    })
}

fn policy(fields: &Fields<'_>) -> Read<SyncPolicy> {
    let reason = fields.text("reason")?;
    Ok(SyncPolicy {
        enabled: fields.flag("enabled")?.ok_or(Unreadable("enabled"))?,
        reason: reason.map(|word| roundtrip_http::answer::code_word(&word)),
    })
}

/// The policy as an event of the stream tells it.
pub(crate) fn policy_value(value: &Value) -> Option<SyncPolicy> {
    policy(&Fields::of(value, "policy").ok()?).ok()
}

/// The answer to a status report.
pub(crate) fn status_answer(body: &[u8]) -> Read<StatusAnswer> {
    let body: Value = answer::json(body).ok_or(Unreadable("status"))?;
    let fields = Fields::of(&body, "status")?;
    let sync = fields
        .object("calendar_sync")?
        .ok_or(Unreadable("calendar_sync"))?;
    let writer = match fields.object("writer")? {
        Some(writer) => Some(Writer {
            device_id: DeviceId(writer.id("device_id")?),
            device: writer.text("device")?.unwrap_or_default(),
            since: writer.need_instant("since")?,
            expires_at: writer.need_instant("expires_at")?,
        }),
        None => None,
    };
    Ok(StatusAnswer {
        policy: policy(&sync)?,
        writer,
    })
}

/// The `Calendar-Sync` header: `enabled`, or `disabled; reason=…`.
pub(crate) fn policy_header(text: &str) -> Option<SyncPolicy> {
    let mut parts = text.split(';').map(str::trim);
    let enabled = match parts.next()?.to_ascii_lowercase().as_str() {
        "enabled" => true,
        "disabled" => false,
        _ => return None,
    };
    let reason = parts.find_map(|part| part.strip_prefix("reason="));
    let reason = reason.map(|word| roundtrip_http::answer::code_word(word.trim().trim_matches('"')));
    Some(SyncPolicy {
        enabled,
        reason: reason.filter(|_| !enabled),
    })
}

/// The body of a move, told in the span's own zone.
pub(crate) fn move_body(report: &MoveReport<'_>) -> Value {
    let (start, end) = told(&report.time);
    json!({
        "start": start,
        "end": end,
        "time_zone": report.time.zone.name(),
        "notify_admin": true,
        "source": {
            "provider": report.provider,
            "event_id": report.event.as_str(),
            "moved_at": report.moved_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            "device": report.device,
        },
    })
}

/// The body of an appointment to be made of an event, told in the event's own zone.
pub(crate) fn new_body(new: &NewFromEvent<'_>) -> Value {
    let event = new.content;
    let (start, end) = told(&event.time);
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({
        "title": event.title,
        "start": start,
        "end": end,
        "time_zone": event.time.zone.name(),
        "location": filled(&event.location).map(|address| json!({ "name": null, "address": address })),
        "notes": filled(&event.notes),
        "notify_admin": true,
        "source": {
            "provider": new.provider,
            "event_id": new.event.as_str(),
            "moved_at": event.changed_at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            "device": new.device,
        },
    })
}

fn told(span: &TimeSpan) -> (String, String) {
    let tell = |at: DateTime<Utc>| {
        at.with_timezone(&span.zone)
            .to_rfc3339_opts(SecondsFormat::AutoSi, false)
    };
    (tell(span.start), tell(span.end))
}

/// Longest id of a channel that Google takes.
const LONGEST_CHANNEL: usize = 64;
/// Longest token that Google gives back with each notice.
const LONGEST_TOKEN: usize = 256;

/// What is handed to a calendar service, so that its notices come over the stream.
pub(crate) fn channel(body: &[u8]) -> Read<RelayChannel> {
    let value: Value = answer::json(body).ok_or(Unreadable("channel"))?;
    let fields = Fields::of(&value, "channel")?;
    let short = |name: &'static str, longest: usize| {
        let text = fields.need_text(name)?;
        let good = is_opaque(&text) && text.len() <= longest;
        good.then_some(text).ok_or(Unreadable(name))
    };
    let address = fields.need_text("address")?;
    // Nowhere but over TLS: the token goes along.
    if !is_web_address(&address) || !url::Url::parse(&address).is_ok_and(|url| is_allowed(&url)) {
        return Err(Unreadable("address"));
    }
    let expires_at = fields.need_text("expires_at")?;
    Ok(RelayChannel {
        id: short("channel_id", LONGEST_CHANNEL)?,
        token: ChannelToken::new(short("token", LONGEST_TOKEN)?),
        expires_at: answer::planned(&expires_at).ok_or(Unreadable("expires_at"))?,
        address,
    })
}

/// The body of a status report.
pub(crate) fn status_body(status: &LaptopStatus) -> Value {
    let mut body = json!({
        "status": status.status,
        "last_success_at": status.last_success_at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        "linked": status.linked,
        "waiting": status.waiting,
        "conflicts": status.conflicts,
        "problem": status.problem,
        "app_version": status.app_version,
        "device": status.device,
        "device_id": status.device_id.as_str(),
    });
    if status.take_over {
        body["take_over"] = json!(true);
    }
    body
}
