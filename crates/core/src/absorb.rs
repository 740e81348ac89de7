//! Writing facts into records: what a side said, and what one of our writes brought about.
//!
//! Facts are kept as they are said. What they mean is decided by [`crate::reconcile`] alone.

use crate::appointment::{Appointment, AppointmentStatus, Removal, RemovalReason};
use crate::bug::{self, Bug};
use crate::conflict::Refusal;
use crate::event::{Event, EventBody, FieldHashes, PatchMask};
use crate::event_id::Identity;
use crate::former::{awaits_event, was_moved_here};
use crate::ids::{AppointmentId, EventId, Version};
use crate::outbox::Intent;
use crate::reconcile::Context;
use crate::record::{Base, Field, FieldValues, LinkState, Record, Value, Wrote};
use crate::text::{notes_in, observed, own_text, render};
use crate::time::{EventTime, TimeSpan};
use chrono::{DateTime, Utc};

/// The platform said what an appointment is now. An older version than the known one is ignored: the feed may repeat.
pub fn appointment(record: &mut Record, said: Appointment, now: DateTime<Utc>) {
    // A word about another one decides nothing here, however it came to be taken for this one's.
    if said.id != record.appointment_id {
        return;
    }
    let known = known_version(record);
    if known.is_some_and(|known| said.version < known) && !bug::is_on(Bug::VersionNotCompared) {
        return;
    }
    record.unread_on_platform = false;
    // What was only inferred gives way to the platform's own word, also to the same one as before.
    let inferred = record.removal.is_none_or(|removal| removal.inferred);
    if inferred || known.is_none_or(|known| said.version > known) {
        let cancelled = said.status == AppointmentStatus::Cancelled;
        // What was answered to an earlier cancellation is no answer to the next one.
        record.delete_confirmed &= cancelled;
        record.kept_though_said &= cancelled;
        record.removal = cancelled.then_some(Removal {
            reason: RemovalReason::Cancelled,
            inferred: false,
            at: now,
        });
    }
    let before = record.appointment.replace(said);
    if let Some(before) = before
        && record.passed == Some(before.version)
        && known_version(record) != record.passed
    {
        record.passed_as = Some(Box::new(before));
    }
}

fn known_version(record: &Record) -> Option<Version> {
    record.appointment.as_ref().map(|appointment| appointment.version)
}

/// The platform said that an appointment is no longer the trainer's: with a version in a feed, without one to a direct question.
pub fn removed(record: &mut Record, version: Option<Version>, removal: Removal) {
    let known = record.appointment.as_ref().map(|appointment| appointment.version);
    // After a rebuild from the calendar the event tells by its mark how much was known when it was written.
    let known = known.or_else(|| record.written_from());
    if let (Some(version), Some(known)) = (version, known) {
        if version < known {
            return;
        }
        if let Some(appointment) = &mut record.appointment {
            appointment.version = version;
        }
    }
    // A feed may repeat an older removal than what could not be read, of which no version is known.
    record.unread_on_platform &= version.is_some();
    // What was only inferred gives way to the platform's own word, and is as old as the last time it was found so. The other way
    // round too where the told removal is older than what the event was written by: it was given back since, and a snapshot
    // does not tell that it went again.
    let newer = removal.inferred && record.event_knows_more();
    if newer || record.removal.is_none_or(|known| known.inferred) {
        record.removal = Some(removal);
    }
}

/// True if a feed's item is to be asked about singly before it is believed. The platform itself said that the appointment is
/// not (or no longer) the trainer's, and in answering so it told no version: whether the item is older or newer than that
/// answer cannot be seen, and a feed may repeat old ones for ever. The same holds where since a rebuild nothing was heard of the
/// appointment but its removal: the version stands with the appointment, and there is none. And where an item could not be read,
/// nor its version with it.
pub fn asks_before_believing(record: &Record) -> bool {
    let inferred = |removal: crate::appointment::Removal| removal.inferred || record.appointment.is_none();
    record.unread_on_platform || record.removal.is_some_and(inferred)
}

/// True if an appointment is asked for by itself, because its last item in the feed could not be read: the place from which the next
/// reading goes on lies beyond it. Also of what is over by the time that is known: it may have said another one.
pub fn is_unread(record: &Record) -> bool {
    record.unread_on_platform
}

/// So many days after its end an appointment that the platform tells of in a way that cannot be read is asked for no more.
const UNREAD_DAYS: i64 = 30;

/// True while it is worth asking for such an appointment: a platform may never mend what is long over.
pub fn is_asked_for_unread(record: &Record, now: DateTime<Utc>) -> bool {
    let end = record.appointment.as_ref().map(|known| known.span().end);
    is_unread(record) && end.is_none_or(|end| now < end + chrono::Duration::days(UNREAD_DAYS))
}

/// True if a feed's item tells of an unknown appointment what the platform had to say before it was last read, in a reading that
/// began at `asked_before` (the platform's time). Had it still been so then, it would be known: the feed may repeat old items of
/// what came and went unseen. It is to be asked about singly before it is believed.
pub fn is_old_news(record: Option<&Record>, said: &Appointment, asked_before: Option<DateTime<Utc>>) -> bool {
    record.is_none() && asked_before.is_some_and(|asked| said.updated_at < asked)
}

/// True if a listing shows as alive what was buried later. A listing that lags does that; but so does one that is right,
/// where the deletion had no time of its own and the clock went wrong. Only the calendar's direct answer settles it.
pub fn is_buried(record: &Record, seen: &Event) -> bool {
    let later = seen.updated.zip(record.tombstone_at);
    record.event_id.as_ref() == Some(&seen.id)
        && record.event.is_none()
        && later.is_some_and(|(seen, buried)| seen < buried)
}

/// The calendar answered a direct question with the event itself: it is alive, whatever was buried before.
pub fn found(record: &mut Record, seen: Event, now: DateTime<Utc>) {
    if record.event_id.as_ref() == Some(&seen.id) {
        record.tombstone_at = None;
    }
    event(record, seen, now);
}

/// The calendar showed one of our events. An older reading than the known one is ignored: replicas may lag.
pub fn event(record: &mut Record, seen: Event, now: DateTime<Utc>) {
    if record.event_id.as_ref() != Some(&seen.id) {
        return;
    }
    let known = record.event.as_ref().and_then(|known| known.updated);
    let lags =
        |limit: Option<DateTime<Utc>>| seen.updated.zip(limit).is_some_and(|(seen, limit)| seen < limit);
    // A late listing may still show what a tombstone has already buried.
    if (lags(known) || lags(record.tombstone_at)) && !bug::is_on(Bug::StaleReadingTaken) {
        return;
    }
    follow_mark(record, &seen);
    let before = record.event.take();
    live(record, seen, before.as_ref(), now);
}

/// Another mark than the known one was written by us, in a write whose answer never came, or by the trainer's other
/// laptop. What it tells is the base since then: without it, an event that was moved back to the old base after that
/// write would look as if the write had never happened. That holds too where the mark knows more of the platform than we
/// do: until we have caught up nothing is decided, see [`crate::reconcile`].
fn follow_mark(record: &mut Record, seen: &Event) {
    let (Some(mark), Some(known)) = (&seen.mark, record.mark().cloned()) else {
        return;
    };
    if mark.generation != known.generation {
        return;
    }
    // Another word of the platform's may be the same time once more (simulation seed 801363): then the event shows it.
    let is_news = |time: &crate::time::TimeSpan| {
        let again = mark.version > known.version && seen.time == EventTime::Timed(*time);
        known.time != Some(*time) || again
    };
    if let Some(time) = mark.time.filter(is_news) {
        let value = Some(Value::Time(EventTime::Timed(time)));
        // Whoever wrote it knew a later word of the platform's than the one that a time was wanted in place of.
        let knows_more = record
            .appointment
            .as_ref()
            .is_none_or(|known| mark.version >= known.version);
        if knows_more && !same(record.base.platform.time.as_ref(), value.as_ref()) {
            record.requested_time = None;
        }
        (record.base.platform.time, record.base.calendar.time) = (value.clone(), value);
    }
    let (Some(platform), Some(written)) = (&mark.platform_hashes, &mark.written_hashes) else {
        return;
    };
    for field in [Field::Title, Field::Location, Field::Notes] {
        let of = |hashes: &FieldHashes| match field {
            Field::Title => hashes.title.clone(),
            Field::Location => hashes.location.clone(),
            Field::Notes | Field::Time => hashes.notes.clone(),
        };
        let (said, shown) = (of(platform), of(written));
        let as_known = known.platform_hashes.as_ref().map(&of).as_ref() == Some(&said)
            && known.written_hashes.as_ref().map(&of).as_ref() == Some(&shown);
        if !as_known && !said.is_empty() && !shown.is_empty() {
            record.base.platform.set(field, Some(Value::Hash(said)));
            record.base.calendar.set(field, Some(Value::Hash(shown)));
        }
    }
}

/// Takes a reading as the present state. `before` is what was known of the same event.
fn live(record: &mut Record, seen: Event, before: Option<&Event>, now: DateTime<Utc>) {
    note_edits(record, &seen, before, now);
    if matches!(record.link, LinkState::Removed { .. } | LinkState::Unlinked) {
        record.link = LinkState::Linked;
    }
    record.tombstone_at = None;
    record.missing_since = None;
    record.unreadable = false;
    record.event_seen_at = Some(now);
    record.event = Some(seen);
}

/// Remembers since when the calendar differs, for the settle time and for "most recent", and what would go with the event.
fn note_edits(record: &mut Record, seen: &Event, before: Option<&Event>, now: DateTime<Utc>) {
    let values = observed(seen);
    // Most readings repeat the one before.
    let again = before == Some(seen);
    let own = own_text(&seen.description);
    if own.is_empty() {
        record.own_text_at = None;
    } else if !again && before.is_none_or(|before| own_text(&before.description) != own) {
        record.own_text_at = Some(seen.updated.unwrap_or(now).min(now));
    }
    let before = before.filter(|_| !again).map(observed);
    let differs = |field: Field| !same(record.base.calendar.get(field), values.get(field));
    let changed = |field: Field| {
        let differs = |before: &FieldValues| before.get(field) != values.get(field);
        !again && before.as_ref().is_none_or(differs)
    };
    if !differs(Field::Time) {
        record.calendar_moved_at = None;
    } else if changed(Field::Time) {
        record.calendar_moved_at = Some(seen.updated.unwrap_or(now).min(now));
    }
    let texts = [Field::Title, Field::Location, Field::Notes];
    if !texts.iter().any(|field| differs(*field)) {
        record.calendar_edited_at = None;
    } else if texts.iter().any(|field| differs(*field) && changed(*field)) {
        record.calendar_edited_at = Some(seen.updated.unwrap_or(now).min(now));
    }
}

/// The calendar showed an explicit tombstone for one of our events, or answered a direct question with one.
pub fn tombstone(record: &mut Record, id: &EventId, updated: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    if record.event_id.as_ref() != Some(id) || bug::is_on(Bug::TombstonesIgnored) {
        return;
    }
    let known = record.event.as_ref().and_then(|event| event.updated);
    if updated.zip(known).is_some_and(|(buried, known)| buried < known) {
        return;
    }
    // The newest deletion counts, in whatever order they are told; one without a time is as old as its first telling.
    let known = record.tombstone_at;
    record.tombstone_at = known.max(updated).or(Some(now));
    record.event = None;
    record.missing_since = None;
    record.unreadable = false;
}

/// What an event with our mark is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// Without our mark, of another platform, or a copy under an id we did not choose: foreign. Nothing is kept of it.
    Foreign,
    /// It is the event of this appointment's known generation.
    Known(AppointmentId),
    /// It is the event of this appointment, which has none yet or an older one.
    Adopt(AppointmentId),
    /// A second live event for the same appointment: the highest generation stays.
    Duplicate(AppointmentId),
}

/// Recognises an event by its mark. `record` looks up what is known of an appointment.
pub fn recognise<'a>(
    seen: &Event,
    identity: &Identity,
    record: impl Fn(&AppointmentId) -> Option<&'a Record>,
) -> Adoption {
    let Some(mark) = &seen.mark else {
        return Adoption::Foreign;
    };
    let of_ours = mark.platform == identity.platform_fingerprint();
    let by_mark_alone = bug::is_on(match of_ours {
        true => Bug::CopyIsOurs,
        false => Bug::OtherPlatformIsOurs,
    });
    let chosen_here = by_mark_alone || identity.event_id(&mark.appointment, mark.generation) == seen.id;
    let moved_here = !chosen_here && identity.chose_formerly(&seen.id, &mark.appointment, mark.generation);
    let chosen = chosen_here || moved_here;
    if !(of_ours || by_mark_alone) || !(chosen || is_origin(seen, identity)) {
        return Adoption::Foreign;
    }
    let id = mark.appointment.clone();
    match record(&id) {
        None => Adoption::Adopt(id),
        Some(known) if known.event_id.as_ref() == Some(&seen.id) => Adoption::Known(id),
        // Another laptop, which does not know of that calendar, made this one's own beside what was moved here: that is the one to
        // follow, on both.
        Some(known) if chosen_here && was_moved_here(known, identity) => Adoption::Adopt(id),
        // The generations of two calendars tell nothing of which is newer, and what the trainer moved here is not deleted as one
        // too many. Nor is what was stopped or kept taken up again by it.
        Some(known) if moved_here && !awaits_event(known) => Adoption::Foreign,
        Some(known) if mark.generation > known.generation => Adoption::Adopt(id),
        // An older generation beside a newer live one is a duplicate; without a live one it is the one to keep.
        // What the trainer made is never one too many of ours.
        Some(known) if known.event.is_some() && !chosen => Adoption::Foreign,
        Some(known) if known.event.is_some() => Adoption::Duplicate(id),
        Some(_) => Adoption::Adopt(id),
    }
}

/// True for an event that the trainer made and marked, and that belongs to an appointment since.
fn is_origin(event: &Event, identity: &Identity) -> bool {
    let origin = event.mark.as_ref().and_then(|mark| mark.origin.as_ref());
    origin == Some(&identity.origin(&event.id))
}

/// Links an event that was found by its mark. The base is what the mark remembers of our last write.
pub fn adopt(record: &mut Record, seen: Event, now: DateTime<Utc>) {
    let Some(mark) = seen.mark.clone() else { return };
    let made_by_trainer = |event: &Event| event.mark.as_ref().is_some_and(|mark| mark.origin.is_some());
    if let Some(older) = record.event.take().filter(|older| older.id != seen.id) {
        // An event that the trainer made is left to them.
        if !made_by_trainer(&older) {
            record.duplicates.push(older.id);
        }
    }
    record.duplicates.retain(|duplicate| *duplicate != seen.id);
    record.generation = record.generation.max(mark.generation);
    record.event_id = Some(seen.id.clone());
    record.event = None;
    record.tombstone_at = None;
    record.link = LinkState::Linked;
    record.requested_text = FieldValues::default();
    let time = mark.time.map(|time| Value::Time(EventTime::Timed(time)));
    let texts = |hashes: Option<crate::event::FieldHashes>| match hashes {
        None => FieldValues::default(),
        Some(hashes) => FieldValues {
            time: None,
            title: Some(Value::Hash(hashes.title)),
            location: Some(Value::Hash(hashes.location)),
            notes: Some(Value::Hash(hashes.notes)),
        },
    };
    record.base = Base {
        platform: FieldValues {
            time: time.clone(),
            ..texts(mark.platform_hashes)
        },
        calendar: FieldValues {
            time,
            ..texts(mark.written_hashes)
        },
    };
    event(record, seen, now);
}

/// One of our writes to the calendar went through; `stored` is what the calendar answered. Both bases follow for the
/// fields that were written.
pub fn written(record: &mut Record, stored: Event, body: &EventBody, mask: PatchMask, ctx: &Context) {
    let values = observed(&stored);
    let canonical = record.appointment.as_ref().map(|appointment| {
        render(
            appointment,
            &ctx.settings.text,
            ctx.settings.language,
            ctx.client_names_allowed,
        )
    });
    for field in Field::ALL {
        let wrote = match field {
            Field::Time => mask.time,
            Field::Title => mask.title,
            Field::Location => mask.location,
            Field::Notes => mask.description,
        };
        if !wrote {
            continue;
        }
        if written_as_wished(record, body, field) {
            // As if typed there: the platform's words stay as they were known, the calendar's count as the trainer's own.
            record.base.calendar.set(field, None);
            record.requested_text.set(field, None);
            continue;
        }
        if field != Field::Time || !bug::is_on(Bug::EchoIsMove) {
            record.base.calendar.set(field, values.get(field).cloned());
        }
        // What was written may already be older than what the platform says now; then it stays a difference to write.
        let said = match (&canonical, field) {
            (_, Field::Time) => Some(Value::Time(EventTime::Timed(body.time))),
            (Some(rendered), _) if wrote_now(rendered, body, field) => {
                rendered.canonical().get(field).cloned()
            }
            (Some(_) | None, _) => None,
        };
        record.base.platform.set(field, said);
    }
    if mask.looks {
        record.looks = Some(crate::text::looks_of(body));
    }
    if mask.title || mask.location || mask.description {
        let version = body.mark.version;
        let hashes = body.mark.written_hashes.clone();
        record.wrote = hashes.map(|hashes| Wrote { version, hashes });
    }
    record.event_id = Some(stored.id.clone());
    record.generation = record.generation.max(body.mark.generation);
    // A late answer to an earlier write takes no word of the trainer's back.
    if !matches!(record.link, LinkState::Stopped | LinkState::Kept) {
        record.link = LinkState::Linked;
    }
    record.tombstone_at = None;
    record.missing_since = None;
    record.event_seen_at = Some(ctx.now);
    record.problem = None;
    // The answer is newer than any reading, and our own write makes no edit of the trainer's younger.
    let before = record.event.take().filter(|known| known.id == stored.id);
    live(record, stored, before.as_ref(), ctx.now);
    wrote(record, ctx.now);
}

/// One of our patches may have arrived though its answer was lost, and the event, as it was read since, does not say what was
/// written. Mostly its mark tells whether it had arrived. But an answer ("keep the platform's") has a value written that the mark
/// told before, too: that the event shows the old one again may then be the trainer's newer word, which is asked about and never
/// written over.
pub fn perhaps_written(record: &mut Record, intent: &Intent, now: DateTime<Utc>) {
    let (
        Intent::Patch {
            expected, body, mask, ..
        },
        Some(event),
    ) = (intent, &record.event)
    else {
        return;
    };
    if event.etag == *expected || event.mark.as_ref() != Some(&body.mark) {
        return;
    }
    let sent = Event {
        time: EventTime::Timed(body.time),
        title: body.title.clone(),
        location: body.location.clone(),
        description: body.description.clone(),
        ..event.clone()
    };
    let (shown, written) = (observed(event), observed(&sent));
    let updated = event.updated.unwrap_or(now).min(now);
    for (of_mask, field) in [
        (mask.time, Field::Time),
        (mask.title, Field::Title),
        (mask.location, Field::Location),
        (mask.description, Field::Notes),
    ] {
        let answered = same(record.base.calendar.get(field), shown.get(field));
        if !of_mask || !answered || shown.get(field) == written.get(field) {
            continue;
        }
        record.base.platform.set(field, None);
        record.base.calendar.set(field, None);
        record.requested_text.set(field, None);
        let at = match field {
            Field::Time => &mut record.calendar_moved_at,
            Field::Title | Field::Location | Field::Notes => &mut record.calendar_edited_at,
        };
        *at = Some(updated);
    }
}

fn written_as_wished(record: &Record, body: &EventBody, field: Field) -> bool {
    let wrote = match field {
        Field::Time => return false,
        Field::Title => crate::text::normalise(&body.title),
        Field::Location => crate::text::normalise(&body.location),
        Field::Notes => {
            crate::text::normalise(crate::text::split(&body.description).block.unwrap_or_default())
        }
    };
    record.requested_text.get(field) == Some(&Value::Text(wrote))
}

fn wrote_now(rendered: &crate::text::Rendered, body: &EventBody, field: Field) -> bool {
    match field {
        Field::Time => rendered.time == body.time,
        Field::Title => rendered.title == body.title,
        Field::Location => rendered.location == body.location,
        Field::Notes => {
            crate::text::normalise(crate::text::split(&body.description).block.unwrap_or_default())
                == rendered.block
        }
    }
}

/// What was reported to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent<'a> {
    /// A time.
    Time(TimeSpan),
    /// Notes, without contact and link.
    Notes(&'a str),
}

/// The platform took a move or notes. The answer is the base for that field.
pub fn reported(record: &mut Record, answer: Appointment, sent: Sent<'_>, ctx: &Context) {
    let render = |appointment: &Appointment| {
        render(
            appointment,
            &ctx.settings.text,
            ctx.settings.language,
            ctx.client_names_allowed,
        )
    };
    let rendered = render(&answer);
    let retyped = match sent {
        Sent::Time(_) => false,
        Sent::Notes(notes) => {
            let before = record.appointment.as_ref().map(|known| render(known).block);
            record.event.as_ref().is_some_and(|event| {
                let is_sent = |block: &str| notes_in(event, block).as_deref() == Some(notes);
                !is_sent(&rendered.block) && !before.is_some_and(|block| is_sent(&block))
            })
        }
    };
    let (field, sent) = match sent {
        Sent::Time(time) => (Field::Time, Some(time)),
        Sent::Notes(_) => (Field::Notes, None),
    };
    let before = record.appointment.as_ref().map(|appointment| appointment.version);
    appointment(record, answer, ctx.now);
    let shown = record.event.as_ref().map(observed).unwrap_or_default();
    let taken = rendered.canonical().get(field).cloned();
    let sent_value = sent.map(|time| Value::Time(EventTime::Timed(time)));
    // A time chosen in the window was never shown by the calendar; a move since then was noted.
    let chosen = sent.is_some() && record.requested_time.is_some();
    let moved_again =
        field == Field::Time && shown.time != sent_value && (!chosen || record.calendar_moved_at.is_some());
    if shown.get(field) == rendered.written().get(field) {
        record.base.calendar.set(field, shown.get(field).cloned());
        record.base.platform.set(field, taken);
    } else if moved_again {
        // The trainer went on moving, perhaps back to where it was: what was taken is the new base, the rest is the
        // next move.
        record.base.platform.set(field, taken);
        record.base.calendar.set(field, sent_value);
        if let Some(event) = &record.event {
            let moved_at = event.updated.unwrap_or(ctx.now).min(ctx.now);
            record.calendar_moved_at.get_or_insert(moved_at);
        }
    } else if field == Field::Time && record.requested_time.is_some_and(|wanted| Some(wanted) != sent) {
        // Another time was chosen while this one was under way: it is wanted in place of what was taken, as if chosen now.
        record.base.platform.set(field, taken);
        record.base.calendar.set(field, None);
    } else if retyped {
        // The trainer went on writing: what was taken is the new base, the rest is the next report, or their own wording.
        record.base.platform.set(field, taken);
        record
            .base
            .calendar
            .set(field, rendered.written().get(field).cloned());
        if let Some(event) = &record.event {
            let edited_at = event.updated.unwrap_or(ctx.now).min(ctx.now);
            record.calendar_edited_at.get_or_insert(edited_at);
        }
    } else {
        // The platform took it in another form, or the calendar never showed it: the platform's word is written there.
        record.base.calendar.set(field, shown.get(field).cloned());
        record.base.platform.set(field, None);
    }
    if field == Field::Time {
        // Another time that was chosen while this one was under way is the next report.
        record.requested_time = record.requested_time.filter(|time| Some(*time) != sent);
        record.promised_time = record.promised_time.filter(|time| Some(*time) != sent);
        if !moved_again {
            record.calendar_moved_at = None;
        }
    }
    // Our own report is no reason to repeat another one that was refused.
    let now = record
        .appointment
        .as_ref()
        .map_or(0, |appointment| appointment.version);
    record.refusal = record
        .refusal
        .take()
        .filter(|refusal| refusal.field != field)
        .map(|refusal| {
            let in_force = Some(refusal.version) == before;
            Refusal {
                version: if in_force { now } else { refusal.version },
                ..refusal
            }
        });
    record.problem = None;
    wrote(record, ctx.now);
}

/// The platform says the time that was chosen in the window, though our report's answer was never seen: it is written to
/// the calendar, unless the event was moved after the choice; then that is the next move.
pub(crate) fn request_taken(record: &mut Record, shown: &FieldValues) {
    let taken = record
        .requested_time
        .take()
        .map(|time| Value::Time(EventTime::Timed(time)));
    if record.calendar_moved_at.is_some() {
        record.base.platform.time = taken.clone();
        record.base.calendar.time = taken;
    } else {
        record.base.platform.time = None;
        record.base.calendar.time = shown.time.clone();
    }
}

/// Our deletion of the event went through (or it was gone already).
pub fn deleted(record: &mut Record, id: &EventId, now: DateTime<Utc>) {
    if record.event_id.as_ref() == Some(id) {
        if !record.deleted_by_us.contains(&record.generation) {
            record.deleted_by_us.push(record.generation);
        }
        record.event = None;
        record.unreadable = false;
        // Remembered, so that a listing that lags behind does not bring it back.
        record.tombstone_at = Some(now);
        if !bug::is_on(Bug::OwnDeletionForgotten) {
            record.link = LinkState::Unlinked;
        }
        record.base = Base::default();
        record.requested_text = FieldValues::default();
        // They were wanted of that event, and of what the platform said then.
        record.requested_time = None;
        record.promised_time = None;
        record.confirmed_time = None;
        record.missing_since = None;
        record.looks = None;
        record.note = None;
        record.delete_confirmed = false;
        record.held = None;
    }
    record.duplicates.retain(|duplicate| duplicate != id);
    record.problem = None;
}

fn wrote(record: &mut Record, now: DateTime<Utc>) {
    record
        .recent_writes
        .retain(|at| now - *at < chrono::Duration::minutes(10));
    record.recent_writes.push(now);
}

/// True if a base still says the same as a value. An unknown base differs from everything.
pub fn same(base: Option<&Value>, value: Option<&Value>) -> bool {
    match (base, value) {
        (Some(Value::Hash(hash)), Some(Value::Text(text))) => *hash == crate::text::short_hash(text),
        (Some(base), Some(value)) => base == value,
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
#[path = "absorb_tests.rs"]
mod tests;
