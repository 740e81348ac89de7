//! Which rows of the rules table a decision came by, told from the outside.

use roundtrip_core::conflict::ConflictCause;
use roundtrip_core::outbox::{DeleteReason, Intent};
use roundtrip_core::reconcile::{Context, Decision, Remark, Standing};
use roundtrip_core::record::{EventNote, Field, Record};
use roundtrip_core::settings::Direction;
use roundtrip_core::text::observed;

pub const NAMES: [&str; 11] = [
    "R1  p = c: base follows",
    "R2  platform changed: written",
    "R3  calendar changed: reported",
    "R4  may not be changed: own wording or asked",
    "R5  both changed: conflict",
    "R6  cancelled, unassigned, deleted",
    "R7  left out by a filter",
    "R8  event deleted: unlinked",
    "R9  push: put back",
    "R10 pull: not written",
    "R11 ended: closed",
];

pub fn count(before: &Record, decision: &Decision, ctx: &Context, rows: &mut [usize; 11]) {
    let direction = ctx.settings.direction;
    let cause = decision.conflict.as_ref().map(|draft| &draft.cause);
    let mut hit = [false; 11];
    hit[0] = decision.record.base != before.base;
    for intent in &decision.intents {
        match intent {
            Intent::Patch { mask, .. } => {
                let parts = [
                    (mask.time, Field::Time),
                    (mask.title, Field::Title),
                    (mask.location, Field::Location),
                    (mask.description, Field::Notes),
                ];
                let shown = before.event.as_ref().map(observed).unwrap_or_default();
                for (_, field) in parts.into_iter().filter(|(written, _)| *written) {
                    let edited =
                        !roundtrip_core::absorb::same(before.base.calendar.get(field), shown.get(field));
                    hit[1] |= !edited;
                    hit[8] |= edited && direction == Direction::Push;
                }
            }
            Intent::Move { .. } | Intent::Notes { .. } => hit[2] = true,
            Intent::Delete { reason, .. } => {
                hit[5] |= matches!(
                    reason,
                    DeleteReason::Cancelled | DeleteReason::Unassigned | DeleteReason::Deleted
                );
                hit[6] |= *reason == DeleteReason::LeftOut;
            }
            Intent::Insert { .. } | Intent::Create { .. } => {}
        }
    }
    hit[2] |= decision.standing == Standing::Settling;
    hit[3] =
        decision.record.note == Some(EventNote::OwnWording) || cause == Some(&ConflictCause::NotEditable);
    hit[4] = matches!(cause, Some(ConflictCause::BothChanged | ConflictCause::NoBase))
        || decision.by_policy.is_some();
    hit[6] |= decision.standing == Standing::Kept;
    hit[7] = decision.remarks.contains(&Remark::RemovedInCalendar);
    hit[9] = direction == Direction::Pull && decision.standing == Standing::DirectionPull;
    hit[10] = decision.standing == Standing::Ended;
    for (row, hit) in rows.iter_mut().zip(hit) {
        *row += usize::from(hit);
    }
}
