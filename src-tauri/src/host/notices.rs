//! What needs the trainer, as causes for desktop notifications. One notification per cause, never repeated while it is
//! unsolved, withdrawn when it is solved elsewhere.

use super::Host;
use super::overview::{plain_problem, problem_of, rests};
use super::problem::of_side;
use crate::ipc::dto::{AppError, Problem};
use crate::ipc::settings::keys;
use chrono::{DateTime, Local, NaiveDate, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use roundtrip_core::conflict::Conflict;
use roundtrip_core::ids::AppointmentId;
use roundtrip_core::outbox::Side;
use roundtrip_core::silence;
use roundtrip_core::time::TimeSpan;
use roundtrip_engine::Snapshot;
use roundtrip_engine::ledger::{LedgerError, SyncState};
use std::sync::atomic::Ordering;

/// A cause that is worth a notification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Google no longer takes the sign-in.
    ReconnectGoogle,
    /// The platform no longer takes the sign-in.
    ReconnectPlatform,
    /// A right at Google was taken away.
    RightMissingGoogle,
    /// A right at the platform was taken away.
    RightMissingPlatform,
    /// Conflicts wait for a decision.
    Conflicts,
    /// The guard asks.
    Question,
    /// Deletions that nobody said are held, and go by themselves later.
    Held,
    /// Writes did not go through after all tries.
    WritesFailed,
    /// The calendar is not there.
    CalendarNotFound,
    /// The right to write to the calendar was taken away.
    CalendarReadOnly,
    /// Nothing has succeeded for two awake hours.
    Silence,
    /// The disk is full: nothing can be written down.
    DiskFull,
    /// The database is damaged; the next start puts it aside.
    DataDamaged,
    /// The database cannot be read or written.
    DataUnreadable,
    /// The database was damaged and a fresh one has taken its place: nobody is signed in any more.
    DataReplaced,
}

impl Cause {
    /// Of these at most one is true, and that is known while nothing else is.
    pub fn is_of_local_data(&self) -> bool {
        matches!(self, Self::DiskFull | Self::DataDamaged | Self::DataUnreadable)
    }

    /// What a side waits for, which only a run finds out.
    pub fn is_of_a_side(&self) -> bool {
        matches!(
            self,
            Self::ReconnectGoogle
                | Self::ReconnectPlatform
                | Self::RightMissingGoogle
                | Self::RightMissingPlatform
                | Self::CalendarNotFound
                | Self::CalendarReadOnly
        )
    }
}

/// What is known of what needs the trainer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// All of it.
    All(Vec<Notice>),
    /// As all, but that nothing is known of the two sides yet: no run of this engine has ended.
    Beginning(Vec<Notice>),
    /// That the local data cannot be used. Whatever else there is stands in it, so nothing of that is solved.
    LocalData(Notice),
    /// Nothing at this moment.
    Nothing,
}

/// A notification to show: cause, how many, and the place in the window that shows the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Cause.
    pub cause: Cause,
    /// How many, where it counts something.
    pub count: usize,
    /// Route in the window.
    pub route: String,
    /// The trainer was notified of it already, perhaps before a restart: it is not shown again.
    pub told: bool,
    /// Title of the one appointment, if titles on notifications were chosen. Never a client's name.
    pub title: Option<String>,
}

/// What the morning's notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Appointments of today that are not over.
    pub count: usize,
    /// When the first of them begins, in the trainer's zone.
    pub first: String,
    /// Its title, if titles on notifications were chosen.
    pub title: Option<String>,
}

/// Where another calendar is chosen.
const CALENDAR: &str = "/settings?section=calendar&at=calendar";

/// The summary is for the morning: not before this hour.
const MORNING: u32 = 7;

impl Host {
    /// What needs the trainer now, as far as the ledger can be read.
    pub async fn notices(&self) -> Known {
        let Some(running) = self.running().await else {
            return self.without_engine().await;
        };
        let snapshot = match running.snapshot().await {
            Ok(snapshot) => snapshot,
            // It was closed under this engine, and nothing is wrong with it.
            Err(_) if running.stop.is_cancelled() => return Known::Nothing,
            Err(error) => {
                return of_local_data(error);
            }
        };
        let mut notices = Vec::new();
        let mut add = |cause: Cause, count: usize, route: String, title: Option<String>| {
            notices.push(Notice {
                count,
                route,
                told: cause == Cause::Silence && snapshot.watch.notified,
                title,
                cause,
            });
        };
        for (cause, count, route) in causes_of(problem_of(&running, &snapshot), &snapshot) {
            add(cause, count, route.into(), None);
        }
        match snapshot.conflicts.as_slice() {
            [] => {}
            [
                Conflict {
                    id, appointment_id, ..
                },
            ] => {
                let title = match self.titles_chosen().await {
                    true => title_in(&snapshot, appointment_id),
                    false => None,
                };
                add(Cause::Conflicts, 1, format!("/conflicts/{id}"), title);
            }
            many => add(Cause::Conflicts, many.len(), "/conflicts".into(), None),
        }
        if !snapshot.questions.is_empty() {
            add(Cause::Question, snapshot.questions.len(), "/".into(), None);
        }
        if !snapshot.held.is_empty() {
            add(Cause::Held, snapshot.held.len(), "/".into(), None);
        }
        // A rest may be long, and no run comes before its end: then what is known is all there is.
        let awaits_a_run = self.drives && !rests(&snapshot) && !snapshot.live.settled;
        match awaits_a_run {
            true => Known::Beginning(notices),
            false => Known::All(notices),
        }
    }

    /// What needs the trainer while nothing syncs. A start at log-in has no window, so what ended syncing is said here.
    async fn without_engine(&self) -> Known {
        if self.closing.load(Ordering::Relaxed) {
            return Known::Nothing;
        }
        let known = async {
            let accounts = self.known_accounts().await?;
            Ok((accounts.connection().is_some(), self.database.put_aside().await?))
        };
        match known.await {
            // The engine is just being put together: what is shown is not solved by that.
            Ok((true, _)) => Known::Nothing,
            Ok((false, put_aside)) => Known::All(
                put_aside
                    .map(|_| notice(Cause::DataReplaced, 1, "/"))
                    .into_iter()
                    .collect(),
            ),
            Err(error) => of_local_data(error),
        }
    }

    async fn titles_chosen(&self) -> bool {
        let chosen = self.database.setting::<bool>(keys::TITLES).await;
        chosen.ok().flatten().unwrap_or(false)
    }

    /// The morning's summary, once a day: the first time after seven o'clock that both services were read today. A day
    /// without appointments is not worth a notification.
    pub async fn morning_summary(&self) -> Option<Summary> {
        let on = self.database.setting::<bool>(keys::DAILY_SUMMARY).await.ok()??;
        let now = self.clock.now().with_timezone(&Local);
        if !on || now.hour() < MORNING {
            return None;
        }
        let said = self.database.setting::<NaiveDate>(keys::SUMMARY_DAY).await.ok()?;
        if said == Some(now.date_naive()) {
            return None;
        }
        let running = self.running().await?;
        let snapshot = running.snapshot().await.ok()?;
        if !both_read(&snapshot.state, now) {
            return None;
        }
        self.summary_said_today().await.ok()?;
        let zone = self.accounts().await.platform?.1.me.time_zone;
        let times: Vec<TimeSpan> = snapshot
            .appointments
            .iter()
            .map(|status| status.rendered.time)
            .collect();
        let (count, index) = today(&times, snapshot.now, zone)?;
        let first = snapshot.appointments.get(index)?;
        let title = match self.titles_chosen().await {
            true => roundtrip_engine::title_of(&first.record),
            false => None,
        };
        Some(Summary {
            count,
            first: first
                .rendered
                .time
                .start
                .with_timezone(&zone)
                .format("%H:%M")
                .to_string(),
            title,
        })
    }

    /// No summary today any more.
    ///
    /// # Errors
    /// The database's.
    pub async fn summary_said_today(&self) -> Result<(), LedgerError> {
        let today = self.clock.now().with_timezone(&Local).date_naive();
        self.database.put_setting(keys::SUMMARY_DAY, &today).await
    }
}

fn notice(cause: Cause, count: usize, route: &str) -> Notice {
    Notice {
        cause,
        count,
        route: route.into(),
        told: false,
        title: None,
    }
}

/// The local data cannot be used: whatever else there is stands in it.
fn of_local_data(error: LedgerError) -> Known {
    let problem = plain_problem(&AppError::from(error).code, None, "none");
    of_problem(&problem).map_or(Known::Nothing, |(cause, count, route)| {
        Known::LocalData(notice(cause, count, route))
    })
}

/// The causes of the problem that is said first, and of what each side waits for beside it: the window says one thing after the
/// other, and whoever has solved the first one at the notification may never open it. Where the whole of sync is off, or nothing can
/// be written down, the sides are not what is wrong now.
pub(super) fn causes_of(first: Option<Problem>, snapshot: &Snapshot) -> Vec<(Cause, usize, &'static str)> {
    let live = &snapshot.live;
    let alone = first.as_ref().is_some_and(|first| first.code == "sync_disabled");
    let sides = match alone || live.ledger_problem.is_some() {
        true => [None, None],
        false => [
            of_side(Side::Platform, &live.platform, None),
            of_side(Side::Calendar, &live.calendar, None),
        ],
    };
    let mut causes: Vec<(Cause, usize, &'static str)> = Vec::new();
    for found in [first].into_iter().chain(sides).flatten() {
        if let Some(found) = of_problem(&found)
            && causes.iter().all(|(cause, ..)| *cause != found.0)
        {
            causes.push(found);
        }
    }
    causes
}

/// The cause of a problem that needs the trainer, how many it counts, and the place in the window that shows the same.
pub(super) fn of_problem(problem: &Problem) -> Option<(Cause, usize, &'static str)> {
    match problem.code.as_str() {
        "google_reauth" => Some((Cause::ReconnectGoogle, 1, "/connect/google")),
        "platform_reauth" => Some((Cause::ReconnectPlatform, 1, "/connect/platform")),
        "google_right_missing" => Some((Cause::RightMissingGoogle, 1, "/connect/google")),
        "platform_right_missing" => Some((Cause::RightMissingPlatform, 1, "/connect/platform")),
        "calendar_not_found" => Some((Cause::CalendarNotFound, 1, CALENDAR)),
        "calendar_read_only" => Some((Cause::CalendarReadOnly, 1, CALENDAR)),
        "writes_failed" => {
            let count = problem.detail.as_ref().and_then(|text| text.parse().ok());
            Some((Cause::WritesFailed, count.unwrap_or(1), "/history?result=problem"))
        }
        "disk_full" => Some((Cause::DiskFull, 1, "/")),
        "database_damaged" => Some((Cause::DataDamaged, 1, "/")),
        "database_unavailable" | "database_unreadable" => Some((Cause::DataUnreadable, 1, "/")),
        code if code.starts_with(silence::CODE) => Some((Cause::Silence, 1, "/")),
        _ => None,
    }
}

fn title_in(snapshot: &Snapshot, id: &AppointmentId) -> Option<String> {
    let status = snapshot
        .appointments
        .iter()
        .find(|status| status.record.appointment_id == *id)?;
    roundtrip_engine::title_of(&status.record)
}

/// True if both services were read on this day: yesterday's calendar would not tell of what was left out or changed since.
fn both_read<Z: TimeZone>(state: &SyncState, now: DateTime<Z>) -> bool {
    [state.platform_read_at, state.calendar_read_at]
        .into_iter()
        .all(|read| {
            read.is_some_and(|read| read.with_timezone(&now.timezone()).date_naive() == now.date_naive())
        })
}

/// How many of these begin today in the zone and are not over, and which is the first.
fn today(times: &[TimeSpan], now: DateTime<Utc>, zone: Tz) -> Option<(usize, usize)> {
    let day = now.with_timezone(&zone).date_naive();
    let of_today = |time: &TimeSpan| time.end > now && time.start.with_timezone(&zone).date_naive() == day;
    let count = times.iter().filter(|time| of_today(time)).count();
    let first = times
        .iter()
        .enumerate()
        .filter(|(_, time)| of_today(time))
        .min_by_key(|(_, time)| time.start)?;
    Some((count, first.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use roundtrip_engine::Health;
    use roundtrip_engine::ports::PortError;

    #[test]
    fn a_calendar_that_may_only_be_read_is_notified_of_with_the_place_to_choose_another() {
        let told = |right: &str| {
            let health = Health {
                problem: Some(PortError::RightMissing { right: right.into() }),
                ..Health::default()
            };
            of_problem(&of_side(Side::Calendar, &health, None).expect("a problem"))
        };
        assert_eq!(
            told("writer"),
            Some((
                Cause::CalendarReadOnly,
                1,
                "/settings?section=calendar&at=calendar"
            ))
        );
        // One that was taken away from the sign-in comes back with another sign-in.
        assert_eq!(
            told("calendar.events"),
            Some((Cause::RightMissingGoogle, 1, "/connect/google"))
        );
    }

    #[test]
    fn a_database_that_cannot_be_used_is_notified_of_under_its_own_name() {
        for (error, cause) in [
            (LedgerError::Full, Cause::DiskFull),
            (LedgerError::Damaged, Cause::DataDamaged),
            (LedgerError::Unavailable("x".into()), Cause::DataUnreadable),
            (LedgerError::Unreadable("x".into()), Cause::DataUnreadable),
        ] {
            let code = AppError::from(error).code;
            let told = of_problem(&plain_problem(&code, None, "none"));
            assert_eq!(told, Some((cause.clone(), 1, "/")), "{code}");
            assert!(cause.is_of_local_data(), "{code}");
        }
        assert!(!Cause::Silence.is_of_local_data());
    }

    #[test]
    fn today_is_the_trainer_s_day_and_what_is_over_does_not_count() {
        let zone = chrono_tz::Europe::Berlin;
        let time = |start: &str, end: &str| TimeSpan {
            start: start.parse().expect("a time"),
            end: end.parse().expect("a time"),
            zone,
        };
        let times = [
            time("2026-12-01T13:00:00Z", "2026-12-01T14:00:00Z"),
            time("2026-12-01T08:00:00Z", "2026-12-01T09:00:00Z"),
            // Over already, tomorrow in Berlin, and yesterday.
            time("2026-12-01T05:00:00Z", "2026-12-01T06:00:00Z"),
            time("2026-12-01T23:30:00Z", "2026-12-02T00:30:00Z"),
            time("2026-11-30T08:00:00Z", "2026-11-30T09:00:00Z"),
        ];
        let now = "2026-12-01T07:00:00Z".parse().expect("a time");
        assert_eq!(today(&times, now, zone), Some((2, 1)));
        assert_eq!(today(&times[2..], now, zone), None);
    }

    #[test]
    fn the_morning_waits_for_both_services() {
        let berlin = chrono_tz::Europe::Berlin;
        let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
        let now = at("2026-12-01T07:00:00Z").expect("a time").with_timezone(&berlin);
        let read = |platform, calendar| SyncState {
            platform_read_at: at(platform),
            calendar_read_at: at(calendar),
            ..SyncState::default()
        };
        // Half past midnight in Berlin is today there.
        let (today, yesterday) = ("2026-11-30T23:30:00Z", "2026-11-30T21:00:00Z");
        assert!(both_read(&read(today, today), now));
        assert!(!both_read(&read(today, yesterday), now));
        assert!(!both_read(&read(yesterday, today), now));
        assert!(!both_read(&read(today, ""), now));
    }
}
