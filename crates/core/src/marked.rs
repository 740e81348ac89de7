//! Events that the trainer marked with a tag in the title, and what becomes of them (`created_externally`).
//!
//! A marked event is asked about once. "Create" makes an appointment of it on the platform and links the two; "dismiss" is
//! remembered for as long as the event exists. Nothing is ever kept of a foreign event without the tag, and of a
//! dismissed one only its id.

use crate::absorb;
use crate::appointment::{Appointment, AppointmentStatus};
use crate::conflict::{
    Conflict, ConflictCause, ConflictKind, ConflictState, FieldConflict, Refusal, Resolution, Seen,
};
use crate::event::Event;
use crate::event_id::{Identity, digest, hex_prefix};
use crate::ids::{AppointmentId, ConflictId, Etag, EventId};
use crate::outbox::{Intent, OutboxRow, OutboxState};
use crate::reconcile::{Context, rendered};
use crate::record::{Field, LinkState, Record, Value};
use crate::resolve::ResolveError;
use crate::settings::{Language, SyncSettings};
use crate::text::{Rendered, is_told_by_text, normalise, observed, own_text, split};
use crate::time::{EventTime, TimeSpan};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Longest tag, `#` included.
pub const TAG_MAX_CHARS: usize = 30;
/// The reason of a question that is asked once more because nobody knows what became of the creation, and an appointment was
/// made since that may be it.
pub const OUTCOME_UNKNOWN: &str = "outcome_unknown";
/// The two clocks may differ by so much.
const CLOCKS_MINUTES: i64 = 60;
/// Longest title that a platform takes.
const TITLE_MAX_CHARS: usize = 200;
/// Longest notes that a platform takes.
const NOTES_MAX_CHARS: usize = 10_000;

/// What makes an event a marked one. There is none while the trainer has not turned it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The tag.
    pub tag: String,
    /// Title of an event whose title is nothing but the tag.
    pub fallback_title: String,
}

impl Rule {
    /// The rule of these settings, if marked events are looked at: it is on, and the direction lets the platform be
    /// written. Whether the platform takes such appointments is asked elsewhere.
    pub fn of(settings: &SyncSettings, platform_name: &str) -> Option<Self> {
        (settings.created_externally && settings.direction.reports())
            .then(|| Self::chosen(settings, platform_name))
    }

    fn chosen(settings: &SyncSettings, platform_name: &str) -> Self {
        let own = settings.text.fallback_title.clone();
        let fallback = match settings.language {
            Language::En => "Coaching Session",
            Language::De => "Coaching-Termin",
        };
        Self {
            tag: tag(settings, platform_name),
            fallback_title: own
                .filter(|title| !title.trim().is_empty())
                .unwrap_or_else(|| fallback.to_owned()),
        }
    }
}

/// The tag in force: the trainer's, or one made of the platform's name.
pub fn tag(settings: &SyncSettings, platform_name: &str) -> String {
    settings
        .mark_tag
        .clone()
        .unwrap_or_else(|| default_tag(platform_name))
}

/// `#` and the first real word of the platform's name: `#linden` for "Linden Akademie".
pub fn default_tag(platform_name: &str) -> String {
    let words = || {
        platform_name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    let word = words()
        .find(|word| word.chars().count() > 3)
        .or_else(|| words().next());
    let word: String = word
        .unwrap_or("roundtrip")
        .to_lowercase()
        .chars()
        .take(TAG_MAX_CHARS - 1)
        .collect();
    checked_tag(&format!("#{word}")).unwrap_or_else(|| "#roundtrip".to_owned())
}

/// A tag as the trainer typed it, fit to be compared; `None` if it cannot be one: it begins with `#`, is one word of
/// letters, digits, `_` and `-`, and has at most 30 characters.
pub fn checked_tag(text: &str) -> Option<String> {
    let tag = normalise(text);
    let word = tag.strip_prefix('#')?;
    let fits = !word.is_empty() && tag.chars().count() <= TAG_MAX_CHARS && word.chars().all(in_word);
    fits.then_some(tag)
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// The title without the tag, if the tag occurs in it as a whole word, in any case.
pub fn without_tag(title: &str, tag: &str) -> Option<String> {
    let title: Vec<char> = normalise(title).chars().collect();
    let tag: Vec<char> = tag.chars().collect();
    let same = |a: &char, b: &char| a.to_lowercase().eq(b.to_lowercase());
    let at = |start: usize| {
        let Some(part) = title.get(start..start + tag.len()) else {
            return false;
        };
        let before = start.checked_sub(1).and_then(|index| title.get(index));
        let after = title.get(start + tag.len());
        !tag.is_empty()
            && part.iter().zip(&tag).all(|(a, b)| same(a, b))
            && !before.is_some_and(|c| in_word(*c) || *c == '#')
            && !after.is_some_and(|c| in_word(*c))
    };
    let mut rest = String::new();
    let mut found = false;
    let mut index = 0;
    while let Some(c) = title.get(index) {
        if at(index) {
            found = true;
            index += tag.len();
        } else {
            rest.push(*c);
            index += 1;
        }
    }
    found.then(|| rest.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What the question needs to know of a marked event, and nothing else of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedEvent {
    /// Its state.
    pub etag: Etag,
    /// Title without the tag.
    pub title: String,
    /// When.
    pub time: TimeSpan,
    /// Where.
    pub location: String,
    /// Description without a block of ours that was pasted there, as plain text.
    pub notes: String,
    /// When the trainer last changed it, if said.
    pub changed_at: Option<DateTime<Utc>>,
    /// Description as it is stored, where plain text does not say all of it: it stays in the event.
    #[serde(default, skip_serializing_if = "crate::record::is_default")]
    pub stored: Option<String>,
}

impl MarkedEvent {
    /// True if an appointment made of either would be the same.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (&self.title, self.time, &self.location, &self.notes)
            == (&other.title, other.time, &other.location, &other.notes)
    }
}

/// A marked event as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// Which.
    pub event_id: EventId,
    /// Where it stands.
    pub step: Step,
    /// While it is asked about: appointments that look like what a creation of it has brought about whose answer never came. No
    /// event is made for them until the trainer has answered, or they are moved away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perhaps: Vec<AppointmentId>,
}

/// Where a marked event stands. Once it has become an appointment its record takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// It is asked about.
    Asked {
        /// As last seen.
        event: MarkedEvent,
        /// The platform said no to exactly this.
        refusal: Option<Refusal>,
    },
    /// The trainer said yes: the appointment is to be made.
    Creating {
        /// As it was shown.
        event: MarkedEvent,
    },
    /// The trainer said no. Not asked again about this event.
    Dismissed,
}

/// What may become an appointment: without a mark of ours, organised by the trainer, with hours (and a length), no series, in the
/// future, and with the tag in its title.
pub fn candidate(event: &Event, rule: &Rule, now: DateTime<Utc>) -> Option<MarkedEvent> {
    let time = event.time.timed().filter(|time| !time.is_empty())?;
    let title = without_tag(&event.title, &rule.tag)?;
    let offered = event.mark.is_none() && event.organised_by_me && !event.recurring && time.start > now;
    offered.then(|| MarkedEvent {
        etag: event.etag.clone(),
        title: shortened(
            if title.is_empty() {
                &rule.fallback_title
            } else {
                &title
            },
            TITLE_MAX_CHARS,
        ),
        time,
        location: normalise(&event.location).replace('\n', " "),
        // A block that was pasted there out of another event tells of another visit.
        notes: shortened(&own_text(&event.description), NOTES_MAX_CHARS),
        changed_at: event.updated,
        stored: (!is_told_by_text(&event.description)).then(|| event.description.clone()),
    })
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// What a reading of a foreign event means for what is remembered of it; `None`: nothing is.
///
/// A changed event is asked about anew, also if the trainer had already said yes to what it was before.
pub fn follow(known: Option<&Marked>, event: &Event, rule: &Rule, now: DateTime<Utc>) -> Option<Marked> {
    if let Some(Marked {
        step: Step::Dismissed,
        ..
    }) = known
    {
        return known.cloned();
    }
    let seen = candidate(event, rule, now)?;
    let step = match known.map(|known| &known.step) {
        Some(Step::Asked { event, refusal }) if event.says_the_same(&seen) => Step::Asked {
            event: seen,
            refusal: refusal.clone(),
        },
        Some(Step::Creating { event }) if event.says_the_same(&seen) => Step::Creating { event: seen },
        Some(_) | None => Step::Asked {
            event: seen,
            refusal: None,
        },
    };
    let still = known.filter(|_| matches!(&step, Step::Asked { refusal: Some(_), .. }));
    Some(Marked {
        event_id: event.id.clone(),
        step,
        perhaps: still.map(|known| known.perhaps.clone()).unwrap_or_default(),
    })
}

fn stable(identity: &Identity, event: &EventId) -> String {
    let calendar = identity.calendar_name();
    hex_prefix(
        &digest(&["marked", &identity.account, calendar, event.as_str()]),
        32,
    )
}

/// The name under which a marked event is asked about and waits in the outbox while it has no appointment.
pub fn stand_in(identity: &Identity, event: &EventId) -> AppointmentId {
    AppointmentId(format!("marked_{}", stable(identity, event)))
}

/// True for a name of [`stand_in`].
pub fn is_stand_in(id: &AppointmentId) -> bool {
    id.as_str().starts_with("marked_")
}

/// The id of the one question about an event: reading it again never makes a second one.
pub fn conflict_id(identity: &Identity, event: &EventId) -> ConflictId {
    ConflictId(stable(identity, event))
}

/// The question about an event, as it stands now.
pub fn conflict(
    identity: &Identity,
    id: &EventId,
    event: &MarkedEvent,
    refusal: Option<&Refusal>,
    now: DateTime<Utc>,
) -> Conflict {
    let text = |text: &str| Value::Text(text.to_owned());
    let fields = [
        (Field::Time, Value::Time(EventTime::Timed(event.time))),
        (Field::Title, text(&event.title)),
        (Field::Location, text(&event.location)),
        (Field::Notes, text(&event.notes)),
    ];
    Conflict {
        id: conflict_id(identity, id),
        appointment_id: stand_in(identity, id),
        kind: ConflictKind::CreatedExternally,
        cause: refusal.map_or(ConflictCause::Marked, |refusal| {
            ConflictCause::Refused(refusal.clone())
        }),
        fields: fields
            .into_iter()
            .filter(|(_, value)| *value != text(""))
            .map(|(field, calendar)| FieldConflict {
                field,
                before: None,
                // The platform knows nothing of it yet.
                platform: Value::Hash(String::new()),
                calendar,
            })
            .collect(),
        seen: Seen {
            version: None,
            etag: Some(event.etag.clone()),
        },
        platform_changed_at: None,
        platform_changed_by: None,
        calendar_changed_at: event.changed_at,
        raised_at: now,
        state: ConflictState::Open,
    }
}

/// A question that is over keeps the title and the time, for the history; what else it told of the event is forgotten.
pub fn closed(mut conflict: Conflict, state: ConflictState) -> Conflict {
    conflict
        .fields
        .retain(|field| matches!(field.field, Field::Time | Field::Title));
    conflict.state = state;
    conflict
}

/// The trainer's answer.
///
/// # Errors
/// [`ResolveError::Stale`] if the event changed since it was shown.
pub fn answer(marked: &Marked, resolution: &Resolution, shown: &Seen) -> Result<Marked, ResolveError> {
    let Step::Asked { event, .. } = &marked.step else {
        return Err(ResolveError::NotPossible);
    };
    if shown.etag.as_ref() != Some(&event.etag) {
        return Err(ResolveError::Stale);
    }
    let step = match resolution {
        Resolution::Create => Step::Creating { event: event.clone() },
        Resolution::Dismiss => Step::Dismissed,
        Resolution::KeepPlatform
        | Resolution::KeepCalendar
        | Resolution::MostRecent
        | Resolution::Merge { .. }
        | Resolution::StopSyncing => return Err(ResolveError::NotPossible),
    };
    Ok(Marked {
        event_id: marked.event_id.clone(),
        step,
        perhaps: Vec::new(),
    })
}

/// The write that a marked event calls for.
pub fn intent(marked: &Marked) -> Option<Intent> {
    match &marked.step {
        Step::Creating { event } => Some(Intent::Create {
            event_id: marked.event_id.clone(),
            event: Box::new(event.clone()),
        }),
        Step::Asked { .. } | Step::Dismissed => None,
    }
}

/// The platform said no: asked again, with its words, unless the event has become another one since.
pub fn refused(known: Option<&Marked>, event_id: &EventId, sent: &MarkedEvent, refusal: Refusal) -> Marked {
    asked_after(known, event_id, sent, Some(refusal))
}

/// Asked once more: what became of the creation is not known, and the trainer is the one to say whether it is to be tried again.
/// `doubtful`: appointments were made since that may be what came of it; `perhaps`: those of them that look like it.
pub fn ask_again(
    known: &Marked,
    sent: &MarkedEvent,
    doubtful: bool,
    perhaps: Vec<AppointmentId>,
    now: DateTime<Utc>,
) -> Marked {
    let refusal = doubtful.then(|| Refusal {
        field: Field::Time,
        time: Some(sent.time),
        notes: None,
        version: 0,
        reason: OUTCOME_UNKNOWN.to_owned(),
        detail: None,
        at: now,
    });
    let asked = asked_after(Some(known), &known.event_id, sent, refusal);
    match &asked.step {
        Step::Asked { .. } if asked != *known => Marked { perhaps, ..asked },
        _ => asked,
    }
}

fn asked_after(
    known: Option<&Marked>,
    event_id: &EventId,
    sent: &MarkedEvent,
    refusal: Option<Refusal>,
) -> Marked {
    match known {
        Some(known) if !matches!(&known.step, Step::Creating { event } if event.says_the_same(sent)) => {
            known.clone()
        }
        Some(_) | None => Marked {
            event_id: event_id.clone(),
            step: Step::Asked {
                event: sent.clone(),
                refusal,
            },
            perhaps: Vec::new(),
        },
    }
}

/// How well an appointment fits a creation whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It was made since, on a day near the one asked for.
    Near,
    /// It was made since, has the title, and a time that overlaps the one that was asked for.
    Likely,
    /// It was made since, and says what was asked for.
    Exact,
}

/// Whether an appointment may be what a creation sent at `since` has brought about. A platform may round or shift the time it
/// was asked for, and an admin may have changed it since.
pub fn fit(appointment: &Appointment, sent: &MarkedEvent, since: DateTime<Utc>) -> Option<Fit> {
    let said = appointment.span();
    let near = TimeSpan {
        start: sent.time.start - Duration::days(1),
        end: sent.time.end + Duration::days(1),
        zone: sent.time.zone,
    };
    let made_since = appointment.created_at >= since - Duration::minutes(CLOCKS_MINUTES);
    if appointment.status == AppointmentStatus::Cancelled || !made_since || !said.overlaps(&near) {
        return None;
    }
    let title = normalise(appointment.title.as_deref().unwrap_or_default());
    Some(match (said == sent.time, title == normalise(&sent.title)) {
        (true, true) => Fit::Exact,
        (false, true) if said.overlaps(&sent.time) => Fit::Likely,
        _ => Fit::Near,
    })
}

/// Whether an appointment lies where a marked event does, so that an event of its own beside it would most likely be one too
/// many: nobody is in two places.
pub fn stands_there(appointment: &Appointment, event: &MarkedEvent) -> bool {
    appointment.span().overlaps(&event.time)
}

/// So long after a creation was first sent without an answer every appointment that was made since, on a day near its own, may be
/// it, however it was changed meanwhile. Later only what lies where it was to be is kept back: other visits of these days are not
/// to wait for an answer that may never come.
const ANY_MINUTES: i64 = 60;

/// The appointments that may be what a creation has brought about whose answer is not known: no event is made for them
/// until it is, or the trainer has said what is to become of it.
pub fn perhaps_created<'a>(
    records: impl Iterator<Item = &'a Record>,
    marked: impl Iterator<Item = &'a Marked>,
    rows: &[OutboxRow],
    now: DateTime<Utc>,
) -> BTreeSet<AppointmentId> {
    let sent: Vec<(DateTime<Utc>, &MarkedEvent)> = rows
        .iter()
        .filter(|row| row.state == OutboxState::Sent)
        .filter_map(|row| match &row.intent {
            Intent::Create { event, .. } => Some((row.created_at, &**event)),
            _ => None,
        })
        .collect();
    let mut asked: BTreeMap<&AppointmentId, Vec<&MarkedEvent>> = BTreeMap::new();
    for known in marked {
        if let Step::Asked { event, .. } = &known.step {
            for id in &known.perhaps {
                asked.entry(id).or_default().push(event);
            }
        }
    }
    if sent.is_empty() && asked.is_empty() {
        return BTreeSet::new();
    }
    let may_be = |appointment: &Appointment, (at, event): &(DateTime<Utc>, &MarkedEvent)| {
        let recent = now < *at + Duration::minutes(ANY_MINUTES);
        stands_there(appointment, event) || (recent && fit(appointment, event, *at).is_some())
    };
    // One that was asked about may have been moved away since, or have got its event.
    let is_kept_back = |record: &&Record| {
        let said = record.appointment.as_ref().filter(|_| record.event_id.is_none());
        said.is_some_and(|said| {
            let mut asked = asked.get(&record.appointment_id).into_iter().flatten();
            sent.iter().any(|sent| may_be(said, sent)) || asked.any(|event| stands_there(said, event))
        })
    };
    let kept_back = records.filter(is_kept_back);
    kept_back.map(|record| record.appointment_id.clone()).collect()
}

/// What a look at the event showed after its appointment was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    Live(Box<Event>),
    /// The trainer has deleted it meanwhile.
    Deleted {
        /// When, if said.
        at: Option<DateTime<Utc>>,
    },
    /// The calendar could not be asked: what was sent is taken for what it is, and the etag guards the write.
    Unknown,
}

/// Links the appointment that the platform made to the event it was made of, so that the ordinary rules put our mark and
/// block on that event, and nothing else is ever made for it. False if the appointment has another event already: then
/// nothing is linked.
pub fn link(
    record: &mut Record,
    said: Appointment,
    event_id: &EventId,
    sent: &MarkedEvent,
    found: Found,
    ctx: &Context,
) -> bool {
    let view = rendered(&said, ctx).canonical();
    absorb::appointment(record, said, ctx.now);
    if record.event_id.is_some() && record.event_id.as_ref() != Some(event_id) {
        return false;
    }
    let rule = Rule::chosen(&ctx.settings, &ctx.platform_name);
    let time = Some(Value::Time(EventTime::Timed(sent.time)));
    let location = Some(Value::Text(sent.location.clone()));
    record.base.platform.time = time.clone().filter(|_| view.time == time);
    record.base.calendar.time = time;
    record.base.platform.location = location.clone().filter(|_| view.location == location);
    record.base.calendar.location = location;
    record.base.platform.notes = None;
    record.event_id = Some(event_id.clone());
    record.generation = record.generation.max(1);
    record.link = LinkState::Linked;
    record.tombstone_at = None;
    record.missing_since = None;
    record.event_seen_at = Some(ctx.now);
    let event = match found {
        Found::Live(event) => *event,
        Found::Deleted { at } => {
            absorb::tombstone(record, event_id, at, ctx.now);
            return true;
        }
        Found::Unknown => as_sent(event_id, sent, &rule),
    };
    let shown = observed(&event);
    let title = without_tag(&event.title, &rule.tag).unwrap_or_else(|| normalise(&event.title));
    if title == sent.title || title.is_empty() {
        // The title without the tag counts as new: it is written.
        record.base.platform.title = None;
        record.base.calendar.title = shown.title.clone();
    } else {
        // Renamed in the meantime: the trainer's own wording.
        record.base.platform.title = view.title;
        record.base.calendar.title = None;
    }
    record.base.calendar.notes = shown.notes.clone();
    absorb::event(record, event, ctx.now);
    true
}

/// A marked event's description has become the appointment's notes, which our block repeats: it is not said twice. One with a link
/// behind its words is: the link would be lost.
pub(crate) fn is_told_by_notes(
    record: &Record,
    appointment: &Appointment,
    rendered: &Rendered,
    text: &str,
) -> bool {
    let unmarked = record.event.as_ref().is_some_and(|event| event.mark.is_none());
    let notes = normalise(appointment.notes.as_deref().unwrap_or_default());
    unmarked
        && rendered.notes_whole
        && !notes.is_empty()
        && split(text).block.is_none()
        && own_text(text) == notes
        && is_told_by_text(text)
}

fn as_sent(event_id: &EventId, sent: &MarkedEvent, rule: &Rule) -> Event {
    Event {
        id: event_id.clone(),
        etag: sent.etag.clone(),
        updated: sent.changed_at,
        time: EventTime::Timed(sent.time),
        title: format!("{} {}", rule.tag, sent.title),
        location: sent.location.clone(),
        description: sent.stored.as_ref().unwrap_or(&sent.notes).clone(),
        recurring: false,
        free: false,
        declined: false,
        organised_by_me: true,
        mark: None,
        html_link: None,
    }
}

#[cfg(test)]
#[path = "marked_tests.rs"]
mod tests;
