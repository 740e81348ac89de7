//! What an event may hold: merging a patch, and bringing a body sent by a client into the stored form.

use super::error::GoogleError;
use super::recur;
use super::when::When;
use serde_json::{Map, Value, json};

/// A JSON object.
pub type Object = Map<String, Value>;

/// Longest key of an extended property; a longer one is dropped without a word.
pub const PROPERTY_KEY_MAX: usize = 44;
/// Longest value of an extended property; a longer one is cut without a word.
pub const PROPERTY_VALUE_MAX: usize = 1024;
/// Most properties, and most bytes of them, on the private and on the shared side each.
const PROPERTIES_MAX: usize = 300;
const PROPERTIES_BYTES_MAX: usize = 32 * 1024;
const OVERRIDES_MAX: usize = 5;

/// The shape of a writable field.
enum Shape {
    Text,
    Flag,
    Object,
    List,
}

/// Fields a client may write; anything else in a body is ignored, as the service does.
const WRITABLE: &[(&str, Shape)] = &[
    ("anyoneCanAddSelf", Shape::Flag),
    ("attachments", Shape::List),
    ("attendees", Shape::List),
    ("attendeesOmitted", Shape::Flag),
    ("birthdayProperties", Shape::Object),
    ("colorId", Shape::Text),
    ("conferenceData", Shape::Object),
    ("description", Shape::Text),
    ("end", Shape::Object),
    ("eventType", Shape::Text),
    ("extendedProperties", Shape::Object),
    ("focusTimeProperties", Shape::Object),
    ("guestsCanInviteOthers", Shape::Flag),
    ("guestsCanModify", Shape::Flag),
    ("guestsCanSeeOtherGuests", Shape::Flag),
    ("location", Shape::Text),
    ("outOfOfficeProperties", Shape::Object),
    ("recurrence", Shape::List),
    ("reminders", Shape::Object),
    ("source", Shape::Object),
    ("start", Shape::Object),
    ("summary", Shape::Text),
    ("transparency", Shape::Text),
    ("visibility", Shape::Text),
    ("workingLocationProperties", Shape::Object),
];

/// What the query of a write allows in its body.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteOptions {
    /// `conferenceDataVersion=1`: conference data in the body counts.
    pub conference: bool,
    /// `supportsAttachments=true`: attachments in the body count.
    pub attachments: bool,
}

impl WriteOptions {
    /// Everything counts: for edits made in the page.
    pub const ALL: Self = Self {
        conference: true,
        attachments: true,
    };
}

/// The writable part of a body sent by a client. JSON `null` stays: it clears in a patch.
pub fn writable(sent: &Object, options: WriteOptions) -> Result<Object, GoogleError> {
    let mut kept = Object::new();
    for (name, shape) in WRITABLE {
        let skipped = match *name {
            "conferenceData" => !options.conference,
            "attachments" => !options.attachments,
            _ => false,
        };
        let Some(value) = sent.get(*name).filter(|_| !skipped) else {
            continue;
        };
        let fits = match shape {
            Shape::Text => value.is_string(),
            Shape::Flag => value.is_boolean(),
            Shape::Object => value.is_object(),
            Shape::List => value.is_array(),
        };
        if !fits && !value.is_null() {
            return Err(GoogleError::parse_error());
        }
        kept.insert((*name).to_owned(), value.clone());
    }
    Ok(kept)
}

/// Merges a patch: objects key by key, arrays as a whole, `null` clears.
pub fn merge(target: &mut Object, patch: &Object) {
    for (name, value) in patch {
        match (value, target.get_mut(name)) {
            (Value::Null, _) => {
                target.remove(name);
            }
            (Value::Object(inner), Some(Value::Object(existing))) => merge(existing, inner),
            (Value::Object(inner), _) => {
                let mut fresh = Object::new();
                merge(&mut fresh, inner);
                target.insert(name.clone(), Value::Object(fresh));
            }
            (value, _) => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The times of a valid body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub start: When,
    /// When it ends (exclusive).
    pub end: When,
}

/// Reads start and end of a body.
pub fn span(body: &Object) -> Result<Span, GoogleError> {
    Ok(Span {
        start: When::read(body.get("start"), "start")?,
        end: When::read(body.get("end"), "end")?,
    })
}

/// Checks a whole body and brings it into the stored form: one spelling for each meaning, defaults left out.
pub fn normalise(body: &mut Object) -> Result<Span, GoogleError> {
    body.retain(|_, value| !value.is_null());
    for name in ["summary", "description", "location"] {
        if body.get(name).and_then(Value::as_str) == Some("") {
            body.remove(name);
        }
    }
    let span = times(body)?;
    one_of(body, "transparency", "opaque", &["transparent"])?;
    one_of(
        body,
        "visibility",
        "default",
        &["public", "private", "confidential"],
    )?;
    color(body)?;
    for (flag, default) in [
        ("anyoneCanAddSelf", false),
        ("attendeesOmitted", false),
        ("guestsCanInviteOthers", true),
        ("guestsCanModify", false),
        ("guestsCanSeeOtherGuests", true),
    ] {
        if body.get(flag).and_then(Value::as_bool) == Some(default) {
            body.remove(flag);
        }
    }
    reminders(body)?;
    properties(body)?;
    source(body)?;
    attendees(body)?;
    body.entry("eventType").or_insert_with(|| json!("default"));
    Ok(span)
}

/// Whether an event of this type can be made through the API.
pub fn check_new_type(body: &Object) -> Result<(), GoogleError> {
    match body.get("eventType").and_then(Value::as_str).unwrap_or("default") {
        "default" | "birthday" | "focusTime" | "outOfOffice" | "workingLocation" => Ok(()),
        _ => Err(GoogleError::invalid("Invalid event type.")),
    }
}

fn times(body: &mut Object) -> Result<Span, GoogleError> {
    let span = span(body)?;
    if span.start.is_day() != span.end.is_day() {
        return Err(GoogleError::invalid(
            "Start and end times must either both be date or both be dateTime.",
        ));
    }
    let length = span.start.until(&span.end);
    if length < chrono::TimeDelta::zero() || (span.start.is_day() && length.is_zero()) {
        return Err(GoogleError::time_range_empty(None));
    }
    body.insert("start".into(), span.start.stored());
    body.insert("end".into(), span.end.stored());
    if body
        .get("recurrence")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty)
    {
        body.remove("recurrence");
    }
    if let Some(lines) = body.get("recurrence") {
        for (which, when) in [("start", &span.start), ("end", &span.end)] {
            if let When::Moment { zone: None, .. } = when {
                return Err(GoogleError::required(format!(
                    "Missing time zone definition for {which} time."
                )));
            }
        }
        recur::check(&recur::lines(lines)?, &span.start)?;
    }
    Ok(span)
}

fn one_of(body: &mut Object, name: &str, default: &str, others: &[&str]) -> Result<(), GoogleError> {
    match body.get(name).and_then(Value::as_str) {
        None => Ok(()),
        Some(value) if value == default => {
            body.remove(name);
            Ok(())
        }
        Some(value) if others.contains(&value) => Ok(()),
        Some(value) => Err(GoogleError::invalid(format!(
            "Invalid value for: {value} is not a valid value"
        ))),
    }
}

fn color(body: &Object) -> Result<(), GoogleError> {
    match body.get("colorId").and_then(Value::as_str) {
        None => Ok(()),
        Some(id) if id.parse::<u8>().is_ok_and(|n| (1..=11).contains(&n)) => Ok(()),
        Some(_) => Err(GoogleError::invalid("Invalid event color id.")),
    }
}

fn reminders(body: &mut Object) -> Result<(), GoogleError> {
    let Some(sent) = body.get("reminders").and_then(Value::as_object) else {
        return Ok(());
    };
    let use_default = sent.get("useDefault").and_then(Value::as_bool).unwrap_or(false);
    let overrides = sent
        .get("overrides")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if use_default && !overrides.is_empty() {
        return Err(GoogleError::invalid(
            "Cannot specify both default reminders and overrides at the same time.",
        ));
    }
    if overrides.len() > OVERRIDES_MAX {
        return Err(GoogleError::invalid("Too many override reminders specified."));
    }
    for entry in &overrides {
        let method = entry.get("method").and_then(Value::as_str).unwrap_or_default();
        let minutes = entry.get("minutes").and_then(Value::as_i64).unwrap_or(-1);
        if !matches!(method, "email" | "popup") || !(0..=40_320).contains(&minutes) {
            return Err(GoogleError::invalid("Invalid reminder override."));
        }
    }
    if use_default {
        body.remove("reminders");
    } else {
        let mut kept = json!({"useDefault": false});
        if !overrides.is_empty() {
            kept["overrides"] = Value::Array(overrides);
        }
        body.insert("reminders".into(), kept);
    }
    Ok(())
}

fn properties(body: &mut Object) -> Result<(), GoogleError> {
    let Some(Value::Object(sides)) = body.get_mut("extendedProperties") else {
        return Ok(());
    };
    sides.retain(|side, _| side == "private" || side == "shared");
    for value in sides.values_mut() {
        let Value::Object(pairs) = value else {
            return Err(GoogleError::parse_error());
        };
        pairs.retain(|key, value| !value.is_null() && key.chars().count() <= PROPERTY_KEY_MAX);
        let mut bytes = 0;
        for (key, value) in pairs.iter_mut() {
            let text = value.as_str().ok_or_else(GoogleError::parse_error)?;
            if text.chars().count() > PROPERTY_VALUE_MAX {
                *value = Value::String(text.chars().take(PROPERTY_VALUE_MAX).collect());
            }
            bytes += key.len() + value.as_str().map_or(0, str::len);
        }
        if pairs.len() > PROPERTIES_MAX || bytes > PROPERTIES_BYTES_MAX {
            return Err(GoogleError::invalid("The extended properties are too large."));
        }
    }
    sides.retain(|_, value| value.as_object().is_some_and(|pairs| !pairs.is_empty()));
    if sides.is_empty() {
        body.remove("extendedProperties");
    }
    Ok(())
}

fn source(body: &Object) -> Result<(), GoogleError> {
    let Some(url) = body.get("source").and_then(|source| source.get("url")) else {
        return Ok(());
    };
    match url.as_str() {
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => Ok(()),
        _ => Err(GoogleError::invalid("Invalid source URL.")),
    }
}

fn attendees(body: &mut Object) -> Result<(), GoogleError> {
    let Some(Value::Array(sent)) = body.get_mut("attendees") else {
        return Ok(());
    };
    for guest in sent.iter_mut() {
        let Value::Object(guest) = guest else {
            return Err(GoogleError::parse_error());
        };
        let email = guest.get("email").and_then(Value::as_str).unwrap_or_default();
        if !email.contains('@') {
            return Err(GoogleError::invalid("Invalid attendee email."));
        }
        // Server-made marks are rendered afresh on each answer.
        for made in ["self", "organizer", "id"] {
            guest.remove(made);
        }
        let response = guest
            .entry("responseStatus")
            .or_insert_with(|| json!("needsAction"));
        if !["needsAction", "declined", "tentative", "accepted"]
            .iter()
            .any(|known| response == known)
        {
            return Err(GoogleError::invalid("Invalid attendee response status."));
        }
    }
    if sent.is_empty() {
        body.remove("attendees");
    }
    Ok(())
}
