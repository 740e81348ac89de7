//! Stored things as the answers show them.

use super::model::{Account, Calendar, Entry, Life, ListEntry, Role, quoted};
use super::palette;
use super::when::millis;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How much of a deleted event is told. The service guarantees no more than the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TombstoneDetail {
    /// `kind`, `etag`, `id`, `status` (and for an occurrence its series and slot).
    Minimal,
    /// Everything the event had.
    Full,
}

/// Who looks, and how.
pub struct View<'a> {
    /// The calendar.
    pub calendar: &'a Calendar,
    /// The account that asks.
    pub viewer: &'a Account,
    /// The zone whose offset instants are rendered in.
    pub shown: Tz,
    /// `maxAttendees`.
    pub max_attendees: Option<usize>,
    /// How much of deleted events is told.
    pub tombstones: TombstoneDetail,
    /// Where the page of this sandbox is, for `htmlLink`.
    pub page_url: &'a str,
}

impl View<'_> {
    /// One event.
    pub fn event(&self, entry: &Entry) -> Value {
        let gone = entry.life != Life::Live;
        // A shell left by a move never holds more than its id.
        if gone && (self.tombstones == TombstoneDetail::Minimal || entry.life == Life::MovedAway) {
            return self.tombstone(entry);
        }
        let mut event = entry.body.clone();
        let span = entry.span();
        event.insert("kind".into(), json!("calendar#event"));
        event.insert("etag".into(), json!(entry.etag()));
        event.insert("id".into(), json!(entry.id));
        event.insert("status".into(), json!(status(entry)));
        event.insert("htmlLink".into(), json!(self.html_link(entry)));
        event.insert("created".into(), json!(millis(entry.created)));
        event.insert("updated".into(), json!(millis(entry.updated)));
        event.insert("iCalUID".into(), json!(entry.ical_uid));
        event.insert("sequence".into(), json!(entry.sequence));
        event.insert("creator".into(), self.person(&entry.creator, None));
        let organizer = self.organizer(entry);
        if let Some(guests) = event.get_mut("attendees").and_then(Value::as_array_mut) {
            self.mark_guests(guests, &organizer);
            if let Some(max) = self.max_attendees.filter(|max| *max < guests.len()) {
                guests.sort_by_key(|guest| guest.get("self").is_none());
                guests.truncate(max);
                event.insert("attendeesOmitted".into(), json!(true));
            }
        }
        event.insert("organizer".into(), organizer);
        event.insert(
            "start".into(),
            span.start.rendered(self.shown, self.calendar.zone),
        );
        event.insert("end".into(), span.end.rendered(self.shown, self.calendar.zone));
        event
            .entry("reminders")
            .or_insert_with(|| json!({"useDefault": true}));
        if entry.creator != self.viewer.email {
            event.remove("source");
        }
        self.add_slot(&mut event, entry);
        Value::Object(event)
    }

    fn tombstone(&self, entry: &Entry) -> Value {
        let mut event = Map::new();
        event.insert("kind".into(), json!("calendar#event"));
        event.insert("etag".into(), json!(entry.etag()));
        event.insert("id".into(), json!(entry.id));
        event.insert("status".into(), json!("cancelled"));
        self.add_slot(&mut event, entry);
        Value::Object(event)
    }

    fn add_slot(&self, event: &mut Map<String, Value>, entry: &Entry) {
        if let Some(series) = &entry.series {
            event.insert("recurringEventId".into(), json!(series.master));
            let original = series.original.rendered(self.shown, self.calendar.zone);
            event.insert("originalStartTime".into(), original);
        }
    }

    fn html_link(&self, entry: &Entry) -> String {
        let eid = URL_SAFE_NO_PAD.encode(format!("{} {}", entry.id, self.calendar.id));
        format!("{}/event?eid={eid}", self.page_url)
    }

    fn person(&self, email: &str, name: Option<&str>) -> Value {
        let mut person = json!({"email": email});
        if let Some(name) = name {
            person["displayName"] = json!(name);
        }
        if email == self.viewer.email || (email == self.calendar.id && !self.calendar.is_primary()) {
            person["self"] = json!(true);
        }
        person
    }

    fn organizer(&self, entry: &Entry) -> Value {
        match &entry.invited_by {
            Some((email, name)) => self.person(email, Some(name)),
            None if self.calendar.is_primary() => self.person(&self.calendar.owner, None),
            None => self.person(&self.calendar.id, Some(&self.calendar.summary)),
        }
    }

    fn mark_guests(&self, guests: &mut [Value], organizer: &Value) {
        for guest in guests {
            if guest["email"] == self.viewer.email.as_str() {
                guest["self"] = json!(true);
            }
            if guest["email"] == organizer["email"] {
                guest["organizer"] = json!(true);
            }
        }
    }

    /// The calendar itself.
    pub fn calendar(&self) -> Value {
        let calendar = self.calendar;
        let mut shown = json!({
            "kind": "calendar#calendar",
            "etag": quoted(calendar.mark.etag),
            "id": calendar.id,
            "summary": calendar.summary,
            "timeZone": calendar.zone.name(),
            "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        });
        if let Some(text) = &calendar.description {
            shown["description"] = json!(text);
        }
        if let Some(text) = &calendar.location {
            shown["location"] = json!(text);
        }
        if !calendar.is_primary() {
            shown["dataOwner"] = json!(calendar.owner);
        }
        shown
    }
}

/// An entry of the calendar list; `None` for the calendar if that is gone.
pub fn list_entry(viewer: &Account, id: &str, entry: &ListEntry, calendar: Option<&Calendar>) -> Value {
    let Some(calendar) = calendar.filter(|_| !entry.deleted) else {
        return json!({
            "kind": "calendar#calendarListEntry", "etag": quoted(entry.mark.etag), "id": id, "deleted": true,
        });
    };
    let (background, foreground) = palette::calendar_color(entry.color_id);
    let mut shown = json!({
        "kind": "calendar#calendarListEntry",
        "etag": quoted(entry.mark.etag.max(calendar.mark.etag)),
        "id": id,
        "summary": calendar.summary,
        "timeZone": calendar.zone.name(),
        "colorId": entry.color_id.to_string(),
        "backgroundColor": background,
        "foregroundColor": foreground,
        "selected": true,
        "accessRole": entry.role.name(),
        "defaultReminders": default_reminders(calendar, entry.role),
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    });
    if let Some(text) = &calendar.description {
        shown["description"] = json!(text);
    }
    if calendar.id == viewer.email {
        shown["primary"] = json!(true);
        let notifications: Vec<Value> = [
            "eventCreation",
            "eventChange",
            "eventCancellation",
            "eventResponse",
        ]
        .iter()
        .map(|kind| json!({"type": kind, "method": "email"}))
        .collect();
        shown["notificationSettings"] = json!({ "notifications": notifications });
    } else {
        shown["dataOwner"] = json!(calendar.owner);
    }
    shown
}

/// The reminders events get that ask for the default.
pub fn default_reminders(calendar: &Calendar, role: Role) -> Value {
    if calendar.is_primary() && role == Role::Owner {
        json!([{"method": "popup", "minutes": 30}])
    } else {
        json!([])
    }
}

fn status(entry: &Entry) -> &'static str {
    match (entry.life, entry.tentative) {
        (Life::Live, false) => "confirmed",
        (Life::Live, true) => "tentative",
        (Life::Deleted | Life::MovedAway | Life::Purged, _) => "cancelled",
    }
}
