//! Channels of a calendar's notices: when one is made, made anew, stopped, forgotten.
//!
//! A *channel* is an address of the platform's relay together with the calendar service's promise to write to it. Both end:
//! the service's within a week, without a way to renew it. So a new one is made two days before, and the old one is stopped
//! only once the new one has been heard of; in between both deliver, which is harmless, as a notice only says "look".
//!
//! | what is known | what is done |
//! |---|---|
//! | has run out | forget |
//! | watch sent, answer never came | stop what can be stopped |
//! | of a calendar that is not synced, or nothing is wanted | stop |
//! | none for the calendar | make |
//! | the newest runs out within 48 h, or half its life is over if it is shorter | make |
//! | changes were found that it did not tell of, twice in a row | make |
//! | an older one beside one that was heard of, or that is a day old | stop the older one |

use crate::ids::{CalendarId, ChannelId};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// A new one is made so long before the old one runs out.
pub const RENEWED_BEFORE: Duration = Duration::hours(48);
/// A new one that was never heard of replaces the old one after so long all the same.
pub const OVERLAP: Duration = Duration::hours(24);
/// One that ends sooner is none: it would be made over and over.
pub const SHORTEST_LIFE: Duration = Duration::hours(1);
/// After one was made the next is not made before this, whatever becomes of it.
pub const APART: Duration = Duration::minutes(10);
/// Changes found without a notice, in a row, before a channel counts as forgotten by the service.
pub const MOST_MISSED: u32 = 2;

/// One channel, as it is remembered. Its token is not: nobody needs it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Id, the same at the relay and at the service.
    pub id: ChannelId,
    /// Of which calendar it tells.
    pub calendar: CalendarId,
    /// The service's name of what is watched; none until the answer to the watch call is known.
    pub resource: Option<String>,
    /// When it was asked for, in the services' time.
    pub opened_at: DateTime<Utc>,
    /// When the relay or the service ends it, whichever comes first.
    pub expires_at: DateTime<Utc>,
    /// When its first notice came.
    #[serde(default)]
    pub heard_at: Option<DateTime<Utc>>,
}

impl Channel {
    /// When its successor is made.
    pub fn renewed_at(&self) -> DateTime<Utc> {
        let life = (self.expires_at - self.opened_at).max(Duration::zero());
        (self.expires_at - RENEWED_BEFORE).max(self.opened_at + life / 2)
    }

    /// True if notices of it can come.
    pub fn lives(&self, now: DateTime<Utc>) -> bool {
        self.resource.is_some() && self.expires_at > now
    }
}

/// What is to be done next. After each step the question is asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a channel for the calendar.
    Make,
    /// End this one at the service and at the relay, then forget it.
    Stop(ChannelId),
    /// It has ended by itself.
    Forget(ChannelId),
    /// Nothing before this time; none: not before something changes.
    Wait(Option<DateTime<Utc>>),
}

/// What the next step depends on besides the channels.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The calendar whose changes are wanted; none: no channel is wanted at all.
    pub calendar: Option<&'a CalendarId>,
    /// True if a new one can be made now: somebody listens.
    pub may_make: bool,
    /// After a failure, and for [`APART`] after one was made, none is made before this time.
    pub not_before: Option<DateTime<Utc>>,
    /// Changes that were found without a notice of the newest one, in a row.
    pub missed: u32,
    /// The services' time.
    pub now: DateTime<Utc>,
}

/// The next step, by the table above.
pub fn next(channels: &[Channel], wanted: &Wanted<'_>) -> Step {
    let now = wanted.now;
    if let Some(over) = channels.iter().find(|channel| channel.expires_at <= now) {
        return Step::Forget(over.id.clone());
    }
    let useless =
        |channel: &&Channel| channel.resource.is_none() || Some(&channel.calendar) != wanted.calendar;
    if let Some(useless) = channels.iter().find(useless) {
        return Step::Stop(useless.id.clone());
    }
    if wanted.calendar.is_none() {
        return Step::Wait(None);
    }
    let newest = channels.iter().max_by_key(|channel| channel.opened_at);
    let due = newest.is_none_or(|newest| newest.renewed_at() <= now || wanted.missed >= MOST_MISSED);
    let may = wanted.may_make && wanted.not_before.is_none_or(|at| at <= now);
    if due && may {
        return Step::Make;
    }
    let mut again: Vec<DateTime<Utc>> = channels.iter().map(|channel| channel.expires_at).collect();
    if due && wanted.may_make {
        again.extend(wanted.not_before);
    }
    if let Some(newest) = newest {
        if !due {
            again.push(newest.renewed_at());
        }
        if let Some(older) = channels.iter().find(|channel| channel.id != newest.id) {
            let replaced_at = newest.opened_at + OVERLAP;
            if newest.heard_at.is_some() || replaced_at <= now {
                return Step::Stop(older.id.clone());
            }
            again.push(replaced_at);
        }
    }
    Step::Wait(again.into_iter().min())
}

/// True if a channel that ends then is worth having. One that has ended already, or ends soon, is a bad answer.
pub fn lasts(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    expires_at - now >= SHORTEST_LIFE
}

/// How long after a failure the next one is tried. `refused`: the service or the platform said no, which it will say
/// again. `failures` in a row, this one included; `random` drawn by the caller.
pub fn retry_after(refused: bool, failures: u32, random: u64) -> Duration {
    let (first, most) = match refused {
        true => (Duration::hours(1), Duration::hours(24)),
        false => (Duration::minutes(1), Duration::hours(2)),
    };
    let whole = first * (1 << failures.saturating_sub(1).min(10));
    let limit = whole.min(most);
    // Between half of it and the whole: a refusal is not asked about at once again.
    let half = limit / 2;
    let drawn = half.num_milliseconds().saturating_mul((random >> 44) as i64) >> 20;
    half + Duration::milliseconds(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::hours(hours)
    }

    fn channel(id: &str, opened: i64, expires: i64) -> Channel {
        Channel {
            id: ChannelId::new(id),
            calendar: CalendarId::new("mine"),
            resource: Some("res".into()),
            opened_at: at(opened),
            expires_at: at(expires),
            heard_at: Some(at(opened)),
        }
    }

    fn step(channels: &[Channel], now: i64) -> Step {
        let calendar = CalendarId::new("mine");
        next(channels, &wanted(&calendar, now))
    }

    fn wanted(calendar: &CalendarId, now: i64) -> Wanted<'_> {
        Wanted {
            calendar: Some(calendar),
            may_make: true,
            not_before: None,
            missed: 0,
            now: at(now),
        }
    }

    #[test]
    fn one_is_made_where_there_is_none() {
        assert_eq!(step(&[], 0), Step::Make);
        assert_eq!(step(&[channel("a", 0, 168)], 0), Step::Wait(Some(at(120))));
    }

    #[test]
    fn a_new_one_is_made_48_hours_before_and_the_old_one_stopped_once_it_is_heard() {
        let old = channel("old", 0, 168);
        assert_eq!(step(std::slice::from_ref(&old), 119), Step::Wait(Some(at(120))));
        assert_eq!(step(std::slice::from_ref(&old), 120), Step::Make);
        let silent = Channel {
            heard_at: None,
            ..channel("new", 120, 288)
        };
        assert_eq!(
            step(&[old.clone(), silent.clone()], 121),
            Step::Wait(Some(at(144)))
        );
        assert_eq!(
            step(&[old.clone(), silent], 144),
            Step::Stop(ChannelId::new("old"))
        );
        assert_eq!(
            step(&[old, channel("new", 120, 288)], 121),
            Step::Stop(ChannelId::new("old"))
        );
    }

    #[test]
    fn one_of_a_short_life_is_not_made_over_and_over() {
        assert_eq!(step(&[channel("short", 0, 24)], 1), Step::Wait(Some(at(12))));
        assert_eq!(step(&[channel("short", 0, 24)], 12), Step::Make);
    }

    #[test]
    fn one_that_ends_within_the_hour_or_has_ended_is_not_worth_having() {
        assert!(lasts(at(1), at(0)) && lasts(at(168), at(0)));
        assert!(!lasts(at(1) - Duration::seconds(1), at(0)));
        assert!(!lasts(at(0), at(0)) && !lasts(at(-1), at(0)));
    }

    #[test]
    fn what_has_run_out_is_forgotten_and_what_is_not_wanted_is_stopped() {
        assert_eq!(
            step(&[channel("a", 0, 168)], 168),
            Step::Forget(ChannelId::new("a"))
        );
        let nothing = Wanted {
            calendar: None,
            ..wanted(&CalendarId::new("mine"), 1)
        };
        assert_eq!(
            next(&[channel("a", 0, 168)], &nothing),
            Step::Stop(ChannelId::new("a"))
        );
        assert_eq!(next(&[], &nothing), Step::Wait(None));
        let other = CalendarId::new("another");
        assert_eq!(
            next(&[channel("a", 0, 168)], &wanted(&other, 1)),
            Step::Stop(ChannelId::new("a"))
        );
        let unanswered = Channel {
            resource: None,
            ..channel("a", 0, 168)
        };
        assert_eq!(step(&[unanswered], 1), Step::Stop(ChannelId::new("a")));
    }

    #[test]
    fn one_that_missed_two_changes_is_made_anew() {
        let calendar = CalendarId::new("mine");
        let missed = |missed| Wanted {
            missed,
            ..wanted(&calendar, 1)
        };
        assert_eq!(
            next(&[channel("a", 0, 168)], &missed(1)),
            Step::Wait(Some(at(120)))
        );
        assert_eq!(next(&[channel("a", 0, 168)], &missed(2)), Step::Make);
    }

    #[test]
    fn after_a_failure_and_without_a_listener_none_is_made() {
        let calendar = CalendarId::new("mine");
        let failed = Wanted {
            not_before: Some(at(3)),
            ..wanted(&calendar, 1)
        };
        assert_eq!(next(&[], &failed), Step::Wait(Some(at(3))));
        let deaf = Wanted {
            may_make: false,
            ..wanted(&calendar, 1)
        };
        assert_eq!(next(&[], &deaf), Step::Wait(None));
    }

    proptest! {
        /// Steps carried out by services that do as they are told come to rest, with one channel that lives.
        #[test]
        fn the_steps_come_to_rest_with_one_living_channel(
            lives in prop::collection::vec((-200..0i64, 1..400i64, any::<bool>(), 0..3u8), 0..5),
            life in 4..400i64,
        ) {
            let mut channels: Vec<Channel> = lives
                .iter()
                .enumerate()
                .map(|(index, (opened, life, heard, kind))| Channel {
                    heard_at: heard.then(|| at(*opened)),
                    resource: (*kind != 1).then(|| "res".into()),
                    calendar: CalendarId::new(if *kind == 2 { "another" } else { "mine" }),
                    ..channel(&index.to_string(), *opened, opened + life)
                })
                .collect();
            let mut made = 0;
            for _ in 0..20 {
                match step(&channels, 0) {
                    Step::Make => {
                        made += 1;
                        channels.push(channel(&format!("new{made}"), 0, life));
                    }
                    Step::Stop(id) | Step::Forget(id) => channels.retain(|channel| channel.id != id),
                    Step::Wait(again) => {
                        prop_assert!(again.is_some_and(|again| again > at(0)));
                        break;
                    }
                }
            }
            prop_assert!(made <= 1);
            prop_assert!(channels.iter().any(|channel| channel.lives(at(0))));
            prop_assert!(channels.iter().all(|channel| channel.calendar == CalendarId::new("mine")));
        }

        #[test]
        fn a_retry_is_never_at_once_and_never_later_than_a_day(refused: bool, failures in 1..100u32, random: u64) {
            let wait = retry_after(refused, failures, random);
            prop_assert!(wait >= Duration::seconds(30) && wait <= Duration::hours(24));
            prop_assert!(!refused || wait >= Duration::minutes(30));
        }
    }
}
