//! What one field needs: the comparison of platform and calendar with the base.

use super::Context;
use crate::bug::{self, Bug};
use crate::record::{Field, FieldValues, Record, Value};
use crate::settings::Direction;
use crate::text::{self, Rendered};

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

pub(super) fn verdict(
    record: &Record,
    field: Field,
    rendered: &Rendered,
    shown: &FieldValues,
    ctx: &Context,
) -> Verdict {
    let canonical = rendered.canonical();
    let p = canonical.get(field);
    let c = shown.get(field);
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
    if agrees(field, rendered, c) && !echo {
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
        (false, true) if field == Field::Notes && reportable_notes(record, rendered).is_some() => {
            Verdict::ToPlatform
        }
        (false, true) => Verdict::OwnWording,
        (true, true) => Verdict::Both,
    }
}

/// Words asked for in the window are no longer wanted once either side says something else than it said then.
pub(super) fn forget_outdated_wishes(record: &mut Record, rendered: &Rendered, shown: &FieldValues) {
    let canonical = rendered.canonical();
    for field in [Field::Title, Field::Location, Field::Notes] {
        let unchanged = crate::absorb::same(record.base.platform.get(field), canonical.get(field))
            && crate::absorb::same(record.base.calendar.get(field), shown.get(field));
        if !unchanged {
            record.requested_text.set(field, None);
        }
    }
}

pub(super) fn agrees(field: Field, rendered: &Rendered, shown: Option<&Value>) -> bool {
    match (field, shown) {
        (Field::Title, Some(Value::Text(text))) => rendered
            .title_wordings
            .iter()
            .any(|wording| text::normalise(wording) == *text),
        (Field::Title | Field::Location | Field::Notes | Field::Time, shown) => {
            rendered.written().get(field) == shown
        }
    }
}

pub(super) fn reportable_notes(record: &Record, rendered: &Rendered) -> Option<String> {
    let editable = record
        .appointment
        .as_ref()
        .is_some_and(|appointment| appointment.editable.notes);
    let notes = record.event.as_ref().and_then(text::notes_in)?;
    (editable && rendered.notes_whole).then_some(notes)
}
