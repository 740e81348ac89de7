//! "Always do this?": the standing rule that the trainer's last answers suggest.

use crate::conflict::{Conflict, ConflictCause, ConflictState, Resolution};
use crate::record::Field;
use crate::settings::{ConflictPolicy, SyncSettings};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// So many equal answers in a row suggest a rule.
pub const EQUAL_ANSWERS: usize = 3;

/// Which of the two policies a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Times.
    Time,
    /// Title, location and notes.
    Text,
}

/// A rule worth offering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which policy it would set.
    pub about: About,
    /// To what.
    pub policy: ConflictPolicy,
    /// The answers it is drawn from, newest first.
    pub cases: Vec<Conflict>,
}

/// The rule that the last answers suggest. `dismissed` is the newest answer at the time when the trainer said no to a
/// rule of that kind: only answers after it count.
pub fn offer(
    answered: &[Conflict],
    settings: &SyncSettings,
    dismissed: impl Fn(About) -> Option<DateTime<Utc>>,
) -> Option<Offer> {
    [
        (About::Time, settings.time_policy),
        (About::Text, settings.text_policy),
    ]
    .into_iter()
    .filter(|(_, policy)| *policy == ConflictPolicy::Ask)
    .filter_map(|(about, _)| suggested(answered, about, dismissed(about)))
    .max_by_key(|(at, _)| *at)
    .map(|(_, offer)| offer)
}

fn suggested(
    answered: &[Conflict],
    about: About,
    dismissed: Option<DateTime<Utc>>,
) -> Option<(DateTime<Utc>, Offer)> {
    let mut cases: Vec<(DateTime<Utc>, &Resolution, &Conflict)> = answered
        .iter()
        .filter(|conflict| is_about(conflict, about))
        .filter_map(|conflict| match &conflict.state {
            ConflictState::Resolved {
                resolution,
                at,
                by_policy: false,
            } => Some((*at, resolution, conflict)),
            ConflictState::Resolved { .. } | ConflictState::Open | ConflictState::Superseded { .. } => None,
        })
        .filter(|(at, _, _)| dismissed.is_none_or(|dismissed| *at > dismissed))
        .collect();
    cases.sort_by_key(|(at, _, _)| std::cmp::Reverse(*at));
    cases.truncate(EQUAL_ANSWERS);
    let (at, first, _) = cases.first().copied()?;
    let policy = match first {
        Resolution::KeepPlatform => ConflictPolicy::KeepPlatform,
        Resolution::KeepCalendar => ConflictPolicy::KeepCalendar,
        Resolution::MostRecent => ConflictPolicy::MostRecent,
        Resolution::Merge { .. } | Resolution::StopSyncing | Resolution::Create | Resolution::Dismiss => {
            return None;
        }
    };
    let equal = cases.len() == EQUAL_ANSWERS && cases.iter().all(|(_, answer, _)| *answer == first);
    let offer = || Offer {
        about,
        policy,
        cases: cases.iter().map(|(_, _, conflict)| (*conflict).clone()).collect(),
    };
    equal.then(|| (at, offer()))
}

/// Only what a policy would have answered counts, and only where it is about one kind of field.
fn is_about(conflict: &Conflict, about: About) -> bool {
    let kind = |field: Field| match field {
        Field::Time => About::Time,
        Field::Title | Field::Location | Field::Notes => About::Text,
    };
    conflict.cause == ConflictCause::BothChanged
        && !conflict.fields.is_empty()
        && conflict.fields.iter().all(|field| kind(field.field) == about)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Case, at};
    use chrono::Duration;

    fn answer(day: i64, resolution: Resolution) -> Conflict {
        let case = Case::linked()
            .platform_moves("12-02 09:00-10:30")
            .calendar_moves("12-03 09:00-10:30");
        let state = ConflictState::Resolved {
            resolution,
            at: at("2026-11-01T09:00:00Z") + Duration::days(day),
            by_policy: false,
        };
        Conflict {
            state,
            ..case.question()
        }
    }

    fn told(answered: &[Conflict], dismissed: Option<i64>) -> Option<(About, ConflictPolicy, usize)> {
        let dismissed = dismissed.map(|day| at("2026-11-01T09:00:00Z") + Duration::days(day));
        offer(answered, &SyncSettings::default(), |_| dismissed)
            .map(|offer| (offer.about, offer.policy, offer.cases.len()))
    }

    #[test]
    fn the_third_equal_answer_suggests_a_rule() {
        use Resolution::KeepPlatform;
        let two = [answer(1, KeepPlatform), answer(2, KeepPlatform)];
        assert_eq!(told(&two, None), None);
        let three = [two.to_vec(), vec![answer(3, KeepPlatform)]].concat();
        let rule = Some((About::Time, ConflictPolicy::KeepPlatform, 3));
        assert_eq!(told(&three, None), rule);
    }

    #[test]
    fn an_answer_between_that_differs_suggests_none() {
        use Resolution::{KeepCalendar, KeepPlatform};
        let answers = [
            (1, KeepPlatform),
            (2, KeepPlatform),
            (3, KeepCalendar),
            (4, KeepPlatform),
        ];
        assert_eq!(
            told(&answers.map(|(day, answer_)| answer(day, answer_)), None),
            None
        );
        let older = [
            (1, KeepCalendar),
            (2, KeepPlatform),
            (3, KeepPlatform),
            (4, KeepPlatform),
        ];
        let told = told(&older.map(|(day, answer_)| answer(day, answer_)), None);
        assert!(told.is_some(), "only the last three count");
    }

    #[test]
    fn what_was_dismissed_needs_three_new_answers() {
        let answers: Vec<Conflict> = (1..=5).map(|day| answer(day, Resolution::KeepCalendar)).collect();
        assert_eq!(told(&answers, Some(3)), None);
        assert!(told(&answers, Some(2)).is_some());
    }

    #[test]
    fn no_rule_is_offered_where_one_stands_or_another_answered() {
        let mut answers: Vec<Conflict> = (1..=3).map(|day| answer(day, Resolution::MostRecent)).collect();
        let settings = SyncSettings {
            time_policy: ConflictPolicy::KeepPlatform,
            ..SyncSettings::default()
        };
        assert_eq!(offer(&answers, &settings, |_| None), None);
        assert!(told(&answers, None).is_some());
        if let ConflictState::Resolved { by_policy, .. } = &mut answers[1].state {
            *by_policy = true;
        }
        assert_eq!(told(&answers, None), None);
    }
}
