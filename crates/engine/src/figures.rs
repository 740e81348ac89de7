//! What is counted: how often things went well, how long they took, what went wrong. Pure: from days and lines of the
//! history to figures.

use crate::ledger::HistoryItem;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use roundtrip_core::outbox::{Noticed, Side};
use roundtrip_core::silence::Watch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Days are kept for so long.
pub const DAYS_KEPT: i64 = 90;
/// Figures tell of so many days, today included.
pub const DAYS_TOLD: i64 = 30;
/// More than this and no reading: the laptop was asleep, closed, offline or paused. Added to the interval of the timer.
const LATE: TimeDelta = TimeDelta::minutes(1);
/// Kinds of errors that are counted apart in one day; a service cannot make a row of ours grow.
const KINDS_MAX: usize = 40;

/// What was counted on one day (UTC).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayCount {
    /// Which.
    pub day: NaiveDate,
    /// Runs that ended.
    pub runs: u32,
    /// Of them without a problem.
    pub runs_ok: u32,
    /// Of them those in which neither side could be reached: there was no network.
    pub runs_offline: u32,
    /// Writes that went through, on both sides.
    pub writes: u32,
    /// Writes that were given up in a run, after all tries; they are taken up by the next one.
    pub writes_failed: u32,
    /// Tries that did not go through and were, or will be, repeated.
    pub retries: u32,
    /// Questions that the guard asked.
    pub questions: u32,
    /// Readings of the calendar that found a change of which no notice had come, although one had time to.
    pub missed: u32,
    /// Requests to the platform.
    pub platform_requests: u64,
    /// Requests to the calendar.
    pub calendar_requests: u64,
    /// Errors by side and stable code, as `platform.unreachable`.
    pub errors: BTreeMap<String, u32>,
}

impl DayCount {
    /// Counts an error.
    pub fn error(&mut self, side: Side, code: &str) {
        let side = match side {
            Side::Platform => "platform",
            Side::Calendar => "calendar",
        };
        self.count_kind(format!("{side}.{code}"), 1);
    }

    fn count_kind(&mut self, kind: String, times: u32) {
        let known = self.errors.contains_key(&kind) || self.errors.len() < KINDS_MAX;
        let kind = if known { kind } else { "other".to_owned() };
        let count = self.errors.entry(kind).or_default();
        *count = count.saturating_add(times);
    }

    /// Adds what was counted elsewhere; the day stays this one's.
    pub fn add(&mut self, other: &Self) {
        let numbers = [
            (&mut self.runs, other.runs),
            (&mut self.runs_ok, other.runs_ok),
            (&mut self.runs_offline, other.runs_offline),
            (&mut self.writes, other.writes),
            (&mut self.writes_failed, other.writes_failed),
            (&mut self.retries, other.retries),
            (&mut self.questions, other.questions),
            (&mut self.missed, other.missed),
        ];
        for (mine, more) in numbers {
            *mine = mine.saturating_add(more);
        }
        self.platform_requests = self.platform_requests.saturating_add(other.platform_requests);
        self.calendar_requests = self.calendar_requests.saturating_add(other.calendar_requests);
        for (kind, times) in &other.errors {
            self.count_kind(kind.clone(), *times);
        }
    }

    /// Takes away what was committed of it. Only tallies are: what is counted per run is in no tally.
    pub(crate) fn subtract(&mut self, committed: &Self) {
        self.retries = self.retries.saturating_sub(committed.retries);
        self.questions = self.questions.saturating_sub(committed.questions);
        self.missed = self.missed.saturating_sub(committed.missed);
        for (kind, times) in &committed.errors {
            if let Some(count) = self.errors.get_mut(kind) {
                *count = count.saturating_sub(*times);
            }
        }
        self.errors.retain(|_, count| *count > 0);
    }
}

/// How long one change took, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Took {
    /// Until this laptop looked, beyond the interval at which it does: asleep, closed, offline or paused.
    pub away_ms: u64,
    /// Until the next look of a laptop that is awake.
    pub poll_ms: u64,
    /// From there until it was sent: settle time, order, retries.
    pub wait_ms: u64,
    /// From there until the service had answered and the success was recorded.
    pub service_ms: u64,
}

impl Took {
    /// Splits the time from a change to our recorded success. A clock that runs backwards gives zeros, never a wrap.
    pub fn of(noticed: &Noticed, sent_at: DateTime<Utc>, done_at: DateTime<Utc>, every_minutes: u32) -> Self {
        let between = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).max(TimeDelta::zero());
        let millis = |time: TimeDelta| u64::try_from(time.num_milliseconds()).unwrap_or(0);
        let unread = between(noticed.changed_at, noticed.seen_at);
        // Intervals are drawn from up to a quarter more. What is seen later at night, when looks are rare, counts as away.
        let longest = TimeDelta::seconds(i64::from(every_minutes) * 75) + LATE;
        let poll = unread.min(longest);
        Self {
            away_ms: millis(unread - poll),
            poll_ms: millis(poll),
            wait_ms: millis(between(noticed.seen_at, sent_at)),
            service_ms: millis(between(sent_at, done_at)),
        }
    }

    /// All of it in which the laptop was there.
    pub fn total_ms(&self) -> u64 {
        self.poll_ms
            .saturating_add(self.wait_ms)
            .saturating_add(self.service_ms)
    }
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Went well.
    pub ok: u64,
    /// Of so many.
    pub of: u64,
}

/// How long changes took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Changes measured.
    pub count: u64,
    /// Half of them took no longer, in milliseconds; none without a change. The laptop's absence is not counted.
    pub p50_ms: Option<u64>,
    /// 95 of 100.
    pub p95_ms: Option<u64>,
    /// 99 of 100.
    pub p99_ms: Option<u64>,
    /// Half of them waited no longer for the next look.
    pub poll_p50_ms: Option<u64>,
    /// Half of them waited no longer to settle, for others, or for a repeated try.
    pub wait_p50_ms: Option<u64>,
    /// Half of them were with the service no longer.
    pub service_p50_ms: Option<u64>,
    /// How many came while the laptop was asleep, closed, offline or paused.
    pub away: u64,
}

/// The figures of the last [`DAYS_TOLD`] days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Runs without a problem, of those that had a network.
    pub runs: Share,
    /// Writes that went through, of those that were tried to the end.
    pub writes: Share,
    /// From a change on the platform to the event.
    pub to_event: Latency,
    /// From a move or edit in the calendar to the platform.
    pub to_report: Latency,
    /// Repeated tries.
    pub retries: u64,
    /// Questions of the guard.
    pub questions: u64,
    /// Readings of the calendar that found a change without a notice.
    pub missed: u64,
    /// Errors by side and code, most frequent first.
    pub errors: Vec<(String, u64)>,
    /// The days, oldest first, without a gap.
    pub days: Vec<DayCount>,
    /// How long both sides have been without a success.
    pub watch: Watch,
}

/// The value of which `percent` of 100 are not larger (nearest rank). None of nothing; `percent` is 1 to 100.
pub fn percentile(values: &[u64], percent: u8) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let percent = usize::from(percent.clamp(1, 100));
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// Makes figures of what was counted. `days` and `items` may reach further back than is told.
pub fn figures(days: &[DayCount], items: &[HistoryItem], watch: &Watch, now: DateTime<Utc>) -> Figures {
    let today = now.date_naive();
    let first = today - TimeDelta::days(DAYS_TOLD - 1);
    let told: Vec<DayCount> = first
        .iter_days()
        .take_while(|day| *day <= today)
        .map(|day| {
            let known = days.iter().find(|count| count.day == day).cloned();
            known.unwrap_or(DayCount {
                day,
                ..DayCount::default()
            })
        })
        .collect();
    let sum = |of: fn(&DayCount) -> u32| told.iter().map(|day| u64::from(of(day))).sum::<u64>();
    let writes = sum(|day| day.writes);
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, times) in told.iter().flat_map(|day| &day.errors) {
        *kinds.entry(kind).or_default() += u64::from(*times);
    }
    let mut errors: Vec<(String, u64)> = kinds
        .into_iter()
        .map(|(kind, times)| (kind.to_owned(), times))
        .collect();
    errors.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let recent = |item: &&HistoryItem| item.at.date_naive() >= first;
    let took = |side: Side| -> Vec<Took> {
        items
            .iter()
            .filter(recent)
            .filter_map(|item| item.took)
            .filter(|(of, _)| *of == side)
            .map(|(_, took)| took)
            .collect()
    };
    Figures {
        runs: Share {
            ok: sum(|day| day.runs_ok),
            of: sum(|day| day.runs.saturating_sub(day.runs_offline)),
        },
        writes: Share {
            ok: writes,
            of: writes + sum(|day| day.writes_failed),
        },
        to_event: latency(&took(Side::Calendar)),
        to_report: latency(&took(Side::Platform)),
        retries: sum(|day| day.retries),
        questions: sum(|day| day.questions),
        missed: sum(|day| day.missed),
        errors,
        days: told,
        watch: watch.clone(),
    }
}

fn latency(took: &[Took]) -> Latency {
    let of = |part: fn(&Took) -> u64| took.iter().map(part).collect::<Vec<u64>>();
    let totals = of(Took::total_ms);
    Latency {
        count: took.len() as u64,
        p50_ms: percentile(&totals, 50),
        p95_ms: percentile(&totals, 95),
        p99_ms: percentile(&totals, 99),
        poll_p50_ms: percentile(&of(|took| took.poll_ms), 50),
        wait_p50_ms: percentile(&of(|took| took.wait_ms), 50),
        service_p50_ms: percentile(&of(|took| took.service_ms), 50),
        away: took.iter().filter(|took| took.away_ms > 0).count() as u64,
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
