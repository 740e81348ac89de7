//! What the mark of a written event remembers of the fields that are not written with it.

use super::span_of;
use crate::event::{Mark, PatchMask};
use crate::record::Record;
use crate::text::hashes;

/// The mark tells the base of each field, for a rebuild from the calendar alone. A field that is not written keeps the
/// base it has: with the platform's new value in the mark, an open disagreement would look like a move later on.
pub(super) fn remember_base(mark: &mut Mark, record: &Record, mask: PatchMask) {
    if !mask.time {
        let (platform, calendar) = (&record.base.platform.time, &record.base.calendar.time);
        mark.time = platform
            .as_ref()
            .filter(|_| platform == calendar)
            .and_then(span_of);
    }
    if !mask.looks {
        mark.private = record.mark().is_some_and(|mark| mark.private);
    }
    for (side, base) in [
        (&mut mark.platform_hashes, &record.base.platform),
        (&mut mark.written_hashes, &record.base.calendar),
    ] {
        let Some(side) = side else { continue };
        let known = hashes(base);
        if !mask.title {
            side.title = known.title;
        }
        if !mask.location {
            side.location = known.location;
        }
        if !mask.description {
            side.notes = known.notes;
        }
    }
}
