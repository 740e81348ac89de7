//! What one field needs: the comparison of platform and calendar with the base.

use super::{Context, Decision};
use crate::appointment::Appointment;
use crate::bug::{self, Bug};
use crate::event::FieldHashes;
use crate::record::{Field, FieldValues, Record, Value};
use crate::settings::Direction;
use crate::text::{self, Rendered};

/// Both sides of one appointment in the form in which they are compared, made once for all fields.
pub(super) struct Sides<'a> {
    /// How its event is to look.
    pub(super) rendered: &'a Rendered,
    /// The platform's side: the canonical wording.
    pub(super) said: FieldValues,
    /// The calendar's side.
    pub(super) shown: FieldValues,
}

/// What one field needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    /// R1, or nothing changed.
    #[default]
    Nothing,
    /// R1: p = c, base follows.
    Agreed,
    /// R2, R9.
    ToCalendar,
    /// R3.
    ToPlatform,
    /// R4.
    OwnWording,
    /// R10: p ≠ b, but the calendar is never written.
    NotWritten,
    /// R5.
    Both,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields {
    pub(super) time: Verdict,
    pub(super) title: Verdict,
    pub(super) location: Verdict,
    pub(super) notes: Verdict,
}

impl Fields {
    pub(super) fn get(&self, field: Field) -> Verdict {
        match field {
            Field::Time => self.time,
            Field::Title => self.title,
            Field::Location => self.location,
            Field::Notes => self.notes,
        }
    }
    pub(super) fn set(&mut self, field: Field, verdict: Verdict) {
        match field {
            Field::Time => self.time = verdict,
            Field::Title => self.title = verdict,
            Field::Location => self.location = verdict,
            Field::Notes => self.notes = verdict,
        }
    }
    pub(super) fn any(&self, verdict: Verdict) -> bool {
        Field::ALL.iter().any(|field| self.get(*field) == verdict)
    }
}

pub(super) fn verdict(record: &Record, field: Field, sides: &Sides<'_>, ctx: &Context) -> Verdict {
    let p = sides.said.get(field);
    let c = sides.shown.get(field);
    let platform_changed = !crate::absorb::same(record.base.platform.get(field), p);
    // A time chosen in the window counts as the calendar's, until the platform has changed it.
    let requested = field == Field::Time && !platform_changed && ctx.settings.direction.reports();
    if requested && record.requested_time.is_some() {
        return Verdict::ToPlatform;
    }
    if record.requested_text.get(field).is_some() && ctx.settings.direction.writes_calendar() {
        return Verdict::ToCalendar;
    }
    let echo = field == Field::Time && bug::is_on(Bug::EchoIsMove);
    if agrees(field, sides) && !echo {
        return Verdict::Agreed;
    }
    let calendar_changed = !crate::absorb::same(record.base.calendar.get(field), c);
    let changed = match (platform_changed, calendar_changed) {
        _ if bug::is_on(Bug::BaseSkipped) => (true, false),
        (true, true) if bug::is_on(Bug::ConflictNotAsked) => (true, false),
        both => both,
    };
    match changed {
        (false, false) => Verdict::Nothing,
        (true, false) if ctx.settings.direction.writes_calendar() => Verdict::ToCalendar,
        (true, false) => Verdict::NotWritten,
        (false | true, true) if ctx.settings.direction == Direction::Push => Verdict::ToCalendar,
        (false, true) if field == Field::Time => Verdict::ToPlatform,
        (false, true) if field == Field::Notes && reportable_notes(record, sides.rendered).is_some() => {
            Verdict::ToPlatform
        }
        (false, true) => Verdict::OwnWording,
        (true, true) => Verdict::Both,
    }
}

/// True for words that this laptop wrote already, for this version of the appointment, and that another one has since replaced by
/// its own: without a lease, and with other settings for what events say, the two would write for ever. The last one's stay.
/// What the trainer typed there since, or answered, is no such thing.
pub(super) fn was_replaced(
    record: &Record,
    field: Field,
    appointment: &Appointment,
    sides: &Sides<'_>,
) -> bool {
    let of = |hashes: &FieldHashes| match field {
        Field::Title => hashes.title.clone(),
        Field::Location => hashes.location.clone(),
        Field::Notes => hashes.notes.clone(),
        Field::Time => String::new(),
    };
    let (Some(ours), Some(mark)) = (&record.wrote, record.mark()) else {
        return false;
    };
    let same_version = [ours.version, mark.version] == [appointment.version; 2];
    let written = of(&text::hashes(&sides.rendered.written()));
    let theirs = mark.written_hashes.as_ref().map(of);
    let shown = of(&text::hashes(&sides.shown));
    field != Field::Time
        && same_version
        && record.base.platform.get(field).is_some()
        && of(&ours.hashes) == written
        && theirs.is_some_and(|theirs| !theirs.is_empty() && theirs != written && theirs == shown)
}

/// Words asked for in the window are no longer wanted once either side says something else than it said then.
pub(super) fn forget_outdated_wishes(record: &mut Record, sides: &Sides<'_>) {
    for field in [Field::Title, Field::Location, Field::Notes] {
        if record.requested_text.get(field).is_none() {
            continue;
        }
        let unchanged = crate::absorb::same(record.base.platform.get(field), sides.said.get(field))
            && crate::absorb::same(record.base.calendar.get(field), sides.shown.get(field));
        if !unchanged {
            record.requested_text.set(field, None);
        }
    }
}

/// The calendar says what is written there. Any wording of the title counts as the same one.
fn agrees(field: Field, sides: &Sides<'_>) -> bool {
    let shown = sides.shown.get(field);
    sides.said.get(field) == shown
        || match (field, shown) {
            (Field::Title, Some(Value::Text(text))) => sides
                .rendered
                .title_wordings
                .iter()
                .any(|wording| text::normalise(wording) == *text),
            (Field::Title | Field::Location | Field::Notes | Field::Time, _) => false,
        }
}

pub(crate) fn reportable_notes(record: &Record, rendered: &Rendered) -> Option<String> {
    let editable = record
        .appointment
        .as_ref()
        .is_some_and(|appointment| appointment.editable.notes);
    let event = record.event.as_ref()?;
    let notes = text::notes_in(event, &rendered.block)?;
    // What takes the place of the block once it was reported is made of its text.
    let told = text::split(&event.description)
        .block
        .is_some_and(text::is_told_by_text);
    (editable && rendered.notes_whole && told).then_some(notes)
}

impl Decision {
    /// True if the event holds notes that the platform could be told: what R3 asks before anything is reported.
    pub(crate) fn has_reportable_notes(&self, ctx: &Context) -> bool {
        let record = &self.record;
        let told = |known| reportable_notes(record, &super::rendered(known, ctx)).is_some();
        record.appointment.as_ref().is_some_and(told)
    }
}
