//! Questions of the guard and held deletions, as the window is sent them.

use super::{question_word, word};
use crate::ipc::dto::{HeldView, QuestionGroup, QuestionItem, QuestionView};
use roundtrip_core::pen;
use roundtrip_core::question::{Question, Why};
use roundtrip_engine::Snapshot;
use std::collections::BTreeMap;

/// A question of the guard: its reasons, and the first appointments behind its number.
pub fn question(question: &Question, snapshot: &Snapshot) -> QuestionView {
    let mut counts: BTreeMap<Why, u32> = BTreeMap::new();
    for cause in question.causes.values() {
        *counts.entry(cause.why).or_default() += 1;
    }
    let mut groups: Vec<QuestionGroup> = counts
        .into_iter()
        .map(|(why, count)| QuestionGroup {
            why: word(why),
            count,
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    let mut items: Vec<(Option<Why>, QuestionItem)> = question
        .appointments
        .iter()
        .map(|id| {
            let status = snapshot
                .appointments
                .iter()
                .find(|status| status.record.appointment_id == *id);
            let why = question.causes.get(id).map(|cause| cause.why);
            let item = QuestionItem {
                appointment_id: id.to_string(),
                title: status
                    .map(|status| status.rendered.title.clone())
                    .unwrap_or_default(),
                start: status.map(|status| status.rendered.time.start),
                why: why.map(word),
            };
            (why, item)
        })
        .collect();
    items.sort_by_key(|(why, item)| (*why, item.start));
    QuestionView {
        id: question.id.to_string(),
        kind: question_word(question.kind),
        count: u32::try_from(question.appointments.len()).unwrap_or(u32::MAX),
        groups,
        items: items.into_iter().map(|(_, item)| item).take(200).collect(),
        asked_at: question.asked_at,
    }
}

/// A deletion that is held.
pub fn held(shown: &pen::Shown) -> HeldView {
    HeldView {
        appointment_id: shown.appointment.to_string(),
        title: shown.title.clone(),
        start: shown.time.map(|time| time.start),
        cause: word(shown.cause),
        until: shown.until,
    }
}
