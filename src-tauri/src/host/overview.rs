//! What the window shows, made from a snapshot of the engine. Nothing is decided here but which of several true things
//! is said first.

use super::accounts::Accounts;
use super::problem::of_side;
use super::{Host, Running, appointments};
use crate::ipc::convert;
use crate::ipc::dto::{
    Account, AppError, Beat, OtherWriter, OverallState, Overview, OverviewCounts, Problem, Progress,
};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use roundtrip_core::badge::Badge;
use roundtrip_core::outbox::{OutboxState, Side};
use roundtrip_core::{schedule, silence};
use roundtrip_engine::ledger::{HistoryFilter, HistoryWhat, Ledger, LedgerError, Run};
use roundtrip_engine::ports::PortError;
use roundtrip_engine::{AppointmentStatus, Snapshot};
use roundtrip_store::{Integration, IntegrationStatus};
use std::collections::BTreeMap;

/// A side that cannot be reached is said only after so long; a blip changes nothing.
const LASTING_SECONDS: i64 = 10;
/// The laptop's clock is said to be wrong from this difference on.
const CLOCK_SECONDS: i64 = 300;

impl Host {
    /// Everything the dashboard shows.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn overview(&self) -> Result<Overview, AppError> {
        let accounts = self.known_accounts().await?;
        let volatile = self.database.tokens_known_volatile().is_some();
        let Some(running) = self.running().await else {
            let put_aside = self.database.put_aside().await?;
            let mut shown = unconnected(&accounts);
            if let Some(connection) = accounts.connection() {
                // Both are signed in, and the engine is just being put together anew: whoever has begun long ago is not shown how.
                shown.state = OverallState::Starting;
                let state = self.database.ledger(connection.id).sync_state().await;
                shown.started = state.is_ok_and(|state| state.started);
            }
            return Ok(Overview {
                tokens_volatile: volatile,
                problem: put_aside.map(|name| plain_problem("database_rebuilt", Some(name), "none")),
                ..shown
            });
        };
        let snapshot = running.snapshot().await?;
        let moved = moved_back(&running).await?;
        let problem = problem_of(&running, &snapshot);
        let ends = running.stop.is_cancelled();
        let signed_in_again = problem
            .as_ref()
            .is_some_and(|problem| ends && is_over_with_sign_in(problem, &accounts));
        let problem = problem.filter(|_| !signed_in_again);
        // Sign-ins behind a locked keychain are not "in memory only".
        let volatile = volatile && problem.as_ref().is_none_or(|problem| problem.code != "keychain");
        let counts = counts_of(&snapshot);
        let since = snapshot.now - Duration::hours(24);
        // A row of checks that began before may reach into them; the strip leaves out what is older, and counts from the last of it.
        let heartbeat = running.engine.runs(since - Duration::hours(2), 400).await?;
        let newest = HistoryFilter {
            limit: 1,
            ..Default::default()
        };
        let latest = running.engine.ledger().history(&newest).await?.into_iter().next();
        let paused_until = snapshot.state.paused_until.filter(|until| *until > snapshot.now);
        let for_ever = paused_until.is_some_and(|until| until - snapshot.now > Duration::days(365));
        let row = |status: &AppointmentStatus| {
            let moved = moved.get(&status.record.appointment_id);
            convert::row(status, moved, &snapshot.settings)
        };
        let ahead = |status: &&AppointmentStatus| status.rendered.time.end > snapshot.now;
        let next = snapshot.appointments.iter().filter(ahead).take(8).map(row);
        let next = next.collect();
        let zone = accounts
            .platform
            .as_ref()
            .map_or(Tz::UTC, |(_, extra)| extra.me.time_zone);
        let as_of = snapshot
            .state
            .platform_read_at
            .zip(snapshot.state.calendar_read_at)
            .map(|(platform, calendar)| platform.min(calendar));
        let every_minutes = snapshot.settings.every_minutes;
        let device = running.engine.device_number();
        let missed = |at| schedule::missed_after(at, zone, every_minutes, device);
        Ok(Overview {
            state: match signed_in_again {
                true => OverallState::Starting,
                false => state_of(&running, &snapshot, &accounts, problem.as_ref(), self.drives),
            },
            as_of,
            next_sync_at: running
                .engine
                .next_check_at()
                .or_else(|| as_of.map(|at| at + Duration::minutes(i64::from(every_minutes))))
                .filter(|_| !rests(&snapshot)),
            paused_until: paused_until.filter(|_| !for_ever),
            paused_for_ever: for_ever,
            enabled: snapshot.settings.enabled,
            pushed: is_pushed(&snapshot),
            problem,
            platform: accounts.platform.as_ref().map(|(account, extra)| {
                let url = Some(extra.metadata.base.to_string());
                account_view(account, snapshot.state.platform_read_at, None, url)
            }),
            calendar: accounts.google.as_ref().map(|(account, extra)| {
                let calendar = Some(extra.calendar.clone().unwrap_or_else(|| "primary".into()));
                account_view(account, snapshot.state.calendar_read_at, calendar, None)
            }),
            started: snapshot.state.started,
            first_run_at: snapshot.state.connected_at,
            time_zone: zone.name().into(),
            counts,
            progress: snapshot
                .live
                .progress
                .map(|(done, total)| Progress { done, total }),
            heartbeat: heartbeat
                .iter()
                .rev()
                .flat_map(|run| beats(run, missed))
                .collect(),
            next,
            week: appointments::week(&snapshot.appointments, zone, snapshot.now, row),
            questions: snapshot
                .questions
                .iter()
                .map(|q| convert::question(q, &snapshot))
                .collect(),
            held: snapshot.held.iter().map(convert::held).collect(),
            conflicts: snapshot
                .conflicts
                .iter()
                .map(|c| convert::conflict(c, &snapshot))
                .collect(),
            other_writer: running.engine.other_writer().map(|writer| OtherWriter {
                device: writer.device,
                since: writer.since,
            }),
            latest: latest.map(|item| convert::history(item, snapshot.now)),
            tokens_volatile: volatile,
        })
    }
}

fn unconnected(accounts: &Accounts) -> Overview {
    let zone = accounts
        .platform
        .as_ref()
        .map_or("UTC", |(_, extra)| extra.me.time_zone.name());
    Overview {
        state: OverallState::NotConnected,
        as_of: None,
        next_sync_at: None,
        paused_until: None,
        paused_for_ever: false,
        enabled: true,
        pushed: false,
        problem: None,
        platform: accounts
            .platform
            .as_ref()
            .map(|(account, extra)| account_view(account, None, None, Some(extra.metadata.base.to_string()))),
        calendar: accounts
            .google
            .as_ref()
            .map(|(account, _)| account_view(account, None, None, None)),
        started: false,
        first_run_at: None,
        time_zone: zone.into(),
        counts: OverviewCounts::default(),
        progress: None,
        heartbeat: Vec::new(),
        next: Vec::new(),
        week: Vec::new(),
        questions: Vec::new(),
        held: Vec::new(),
        conflicts: Vec::new(),
        other_writer: None,
        latest: None,
        tokens_volatile: false,
    }
}

/// A side in trouble is looked at again and again, whatever it tells by itself.
fn is_pushed(snapshot: &Snapshot) -> bool {
    let live = &snapshot.live;
    schedule::is_left_to_hints(live.pushed.stream, live.platform.problem.is_some())
        && schedule::is_left_to_hints(live.pushed.calendar, live.calendar.problem.is_some())
}

fn account_view(
    account: &Integration,
    last_read_at: Option<DateTime<Utc>>,
    calendar_id: Option<String>,
    url: Option<String>,
) -> Account {
    Account {
        service: account.provider.as_str().into(),
        name: account.display_name.clone().unwrap_or_default(),
        email: account.email.clone().unwrap_or_default(),
        status: account.status.as_str().into(),
        scopes: account.scopes.clone(),
        last_read_at,
        calendar_id,
        url,
    }
}

/// The newest move of each appointment that was reported and taken, of the last seven days.
pub async fn moved_back(
    running: &Running,
) -> Result<BTreeMap<roundtrip_core::ids::AppointmentId, crate::ipc::dto::MovedBack>, AppError> {
    let since = running.engine.now() - Duration::days(7);
    let filter = HistoryFilter {
        since: Some(since),
        limit: 1_000,
        ..Default::default()
    };
    let mut moved = BTreeMap::new();
    for item in running.engine.ledger().history(&filter).await? {
        if let (HistoryWhat::MovedBack { admin_notified, .. }, Some(id)) = (&item.what, &item.appointment_id)
            && item.at > since
        {
            let view = crate::ipc::dto::MovedBack {
                at: item.at,
                admin_notified: *admin_notified,
            };
            moved.entry(id.clone()).or_insert(view);
        }
    }
    Ok(moved)
}

fn counts_of(snapshot: &Snapshot) -> OverviewCounts {
    let mut counts = OverviewCounts::default();
    for status in &snapshot.appointments {
        match status.badge {
            Badge::Ended => continue,
            Badge::Synced => counts.synced += 1,
            Badge::Waiting | Badge::Syncing => counts.waiting += 1,
            Badge::LeftOut => counts.left_out += 1,
            // Left out by the trainer's hand, not by a rule; it has a badge of its own.
            Badge::Removed => {}
            Badge::Conflict => counts.conflicts += 1,
            Badge::Problem => {
                counts.problems += 1;
                counts.unreadable += u32::from(status.reason.as_deref() == Some("unreadable"));
            }
        }
        counts.appointments += 1;
    }
    counts
}

fn lasts(since: Option<DateTime<Utc>>, failures: u32, now: DateTime<Utc>) -> bool {
    failures >= 2 || since.is_some_and(|since| now - since >= Duration::seconds(LASTING_SECONDS))
}

fn unreachable(error: Option<&PortError>) -> bool {
    matches!(
        error,
        Some(
            PortError::Unreachable { .. }
                | PortError::WrongCertificate
                | PortError::ServerTrouble { .. }
                | PortError::BadAnswer { .. }
        )
    )
}

/// An engine that another one takes the place of asked for this sign-in, and it is kept by now: it may take minutes until the cycle that
/// is under way has ended, and nobody is to sign in twice for that.
fn is_over_with_sign_in(problem: &Problem, accounts: &Accounts) -> bool {
    let known = [
        accounts.platform.as_ref().map(|(account, _)| account),
        accounts.google.as_ref().map(|(account, _)| account),
    ];
    known.into_iter().flatten().any(|account| {
        account.status == IntegrationStatus::Active
            && problem.action == format!("reconnect_{}", account.provider)
    })
}

/// The network is there, but something in it, or on this laptop, answers for everybody.
fn nobody_is_proven(snapshot: &Snapshot) -> bool {
    [&snapshot.live.platform, &snapshot.live.calendar]
        .iter()
        .all(|health| health.problem == Some(PortError::WrongCertificate))
}

/// The one problem that is said. A lost sign-in comes before a service that cannot be reached; with no network at all
/// only that is said.
pub fn problem_of(running: &Running, snapshot: &Snapshot) -> Option<Problem> {
    let live = &snapshot.live;
    if let Some(error) = &live.ledger_problem {
        let code = AppError::from(error.clone()).code;
        // A damaged file is put aside by the next start, and by no further try.
        let action = match error {
            LedgerError::Damaged => "none",
            LedgerError::Full | LedgerError::Unavailable(_) | LedgerError::Unreadable(_) => "try_again",
        };
        return Some(plain_problem(&code, Some(error.to_string()), action));
    }
    let platform = of_side(Side::Platform, &live.platform, snapshot.state.platform_wait_until);
    let calendar = of_side(
        Side::Calendar,
        &live.calendar,
        snapshot.state.writes_wait_until(Side::Calendar),
    );
    let shown = |problem: Option<Problem>, health: &roundtrip_engine::Health| {
        problem.filter(|_| {
            !unreachable(health.problem.as_ref()) || lasts(health.since, health.failures, snapshot.now)
        })
    };
    // That sync is on again could never be heard: what was heard last is not what is wrong now.
    let unheard = shown(platform.clone(), &live.platform)
        .is_some_and(|problem| !matches!(problem.code.as_str(), "sync_disabled" | "platform_busy"));
    if let Some(policy) = live.policy.as_ref().filter(|policy| !policy.enabled && !unheard) {
        return Some(plain_problem("sync_disabled", policy.reason.clone(), "none"));
    }
    if let Some(problem) = silence_of(snapshot, platform.as_ref(), calendar.as_ref()) {
        return Some(problem);
    }
    let both_offline =
        unreachable(live.platform.problem.as_ref()) && unreachable(live.calendar.problem.as_ref());
    if both_offline {
        let both = if nobody_is_proven(snapshot) {
            plain_problem("nobody_proven", None, "try_again")
        } else {
            plain_problem("offline", None, "none")
        };
        return shown(platform, &live.platform).map(|problem| Problem {
            since: problem.since,
            retry_at: problem.retry_at,
            ..both
        });
    }
    let sides = [shown(platform, &live.platform), shown(calendar, &live.calendar)];
    let severity = |problem: &Problem| {
        let code = problem.code.as_str();
        u8::from(
            code.ends_with("_unreachable") || code.ends_with("_busy") || code.ends_with("_wrong_certificate"),
        )
    };
    if let Some(problem) = sides.into_iter().flatten().min_by_key(severity) {
        return Some(problem);
    }
    if running.engine.clock_offset().num_seconds().abs() > CLOCK_SECONDS {
        let seconds = running.engine.clock_offset().num_seconds();
        return Some(plain_problem("clock_wrong", Some(seconds.to_string()), "none"));
    }
    if snapshot.state.deletions_frozen {
        return Some(plain_problem("reading_shrank", None, "try_again"));
    }
    if let Some(writer) = running.engine.other_writer() {
        return Some(plain_problem("not_the_writer", Some(writer.device), "take_over"));
    }
    let parked = snapshot
        .outbox
        .iter()
        .filter(|row| row.state == OutboxState::Parked || row.attempts >= 5)
        .count();
    (parked > 0).then(|| plain_problem("writes_failed", Some(parked.to_string()), "try_again"))
}

/// The trainer paused syncing, or turned it off.
pub(super) fn rests(snapshot: &Snapshot) -> bool {
    let until = snapshot.state.rests_until(&snapshot.settings, snapshot.now);
    until.is_some()
}

/// Two awake hours without a success. A cause that the trainer is notified of under its own name keeps its own words, and while the
/// trainer pauses there is nothing to be silent about.
fn silence_of(
    snapshot: &Snapshot,
    platform: Option<&Problem>,
    calendar: Option<&Problem>,
) -> Option<Problem> {
    let silence = snapshot.watch.silence().filter(|_| !rests(snapshot))?;
    if platform
        .into_iter()
        .chain(calendar)
        .any(|problem| super::notices::of_problem(problem).is_some())
    {
        return None;
    }
    let (service, live) = match silence.side {
        Some(Side::Platform) => (Some("platform"), &snapshot.live.platform),
        Some(Side::Calendar) => (Some("google"), &snapshot.live.calendar),
        None => (None, &snapshot.live.platform),
    };
    let of_side = match silence.side {
        Some(Side::Calendar) => calendar,
        Some(Side::Platform) | None => platform,
    };
    let cause = if nobody_is_proven(snapshot) {
        Some("nobody_proven")
    } else {
        live.problem.as_ref().map(roundtrip_engine::error_code)
    };
    Some(Problem {
        code: service.map_or_else(
            || silence::CODE.to_owned(),
            |service| format!("{}_{service}", silence::CODE),
        ),
        service: service.map(str::to_owned),
        detail: cause.map(str::to_owned),
        since: silence.succeeded_at.or(Some(silence.since)),
        retry_at: of_side.and_then(|problem| problem.retry_at),
        action: "try_again".into(),
    })
}

pub(super) fn plain_problem(code: &str, detail: Option<String>, action: &str) -> Problem {
    Problem {
        code: code.into(),
        service: None,
        detail,
        since: None,
        retry_at: None,
        action: action.into(),
    }
}

fn state_of(
    running: &Running,
    snapshot: &Snapshot,
    accounts: &Accounts,
    problem: Option<&Problem>,
    drives: bool,
) -> OverallState {
    let lost = |account: Option<IntegrationStatus>| {
        matches!(
            account,
            Some(IntegrationStatus::NeedsReauth | IntegrationStatus::Revoked)
        )
    };
    let platform = accounts.platform.as_ref().map(|(account, _)| account.status);
    let google = accounts.google.as_ref().map(|(account, _)| account.status);
    let code = problem.map(|problem| problem.code.as_str()).unwrap_or_default();
    let paused = rests(snapshot);
    // Until a rest ends, or "Sync now", no run comes.
    let awaits_a_run = !paused && !snapshot.live.settled;
    let silent = code.starts_with(silence::CODE);
    let had_its_chance = snapshot.watch.up_ms >= silence::CHANCE.num_milliseconds();
    let needs_you = silent || !snapshot.conflicts.is_empty() || !snapshot.questions.is_empty();
    if lost(platform) || lost(google) {
        OverallState::NeedsAttention
    } else if drives
        && awaits_a_run
        && !(silent && had_its_chance)
        && snapshot.live.progress.is_none_or(|(_, total)| total == 0)
    {
        OverallState::Starting
    } else if needs_you
        || matches!(
            code,
            "google_reauth"
                | "platform_reauth"
                | "google_right_missing"
                | "platform_right_missing"
                | "calendar_read_only"
                | "calendar_not_found"
                | "writes_failed"
                | "clock_wrong"
                | "disk_full"
                | "database_unavailable"
                | "database_damaged"
                | "database_unreadable"
                | "keychain"
                | "reading_shrank"
        )
    {
        OverallState::NeedsAttention
    } else if matches!(
        code,
        "offline"
            | "google_unreachable"
            | "platform_unreachable"
            | "nobody_proven"
            | "google_wrong_certificate"
            | "platform_wrong_certificate"
            | "quota_gone"
            | "google_busy"
            | "platform_busy"
    ) {
        OverallState::Offline
    } else if paused || code == "sync_disabled" {
        OverallState::Paused
    } else if snapshot.live.progress.is_some() || !snapshot.outbox.is_empty() && running.engine.holds_lease()
    {
        OverallState::Syncing
    } else if !snapshot.state.started {
        // Nothing is written before "Start syncing", so nothing is up to date.
        OverallState::NeedsAttention
    } else if snapshot
        .appointments
        .iter()
        .any(|status| status.badge == Badge::Problem)
    {
        // One that cannot be read is no write that failed, and right is nothing as long as it is not.
        OverallState::NeedsAttention
    } else {
        OverallState::UpToDate
    }
}

/// One beat for each time that was looked. Checks without changes are a row for many; of those less than a minute apart the
/// strip shows one.
fn beats(run: &Run, missed: impl Fn(DateTime<Utc>) -> DateTime<Utc>) -> Vec<Beat> {
    let mut last = None;
    let looks = run.looks().into_iter().filter(|look| {
        let drawn = last.is_none_or(|last| look.at - last >= Duration::minutes(1));
        if drawn {
            last = Some(look.at);
        }
        drawn
    });
    looks
        .map(|look| Beat {
            run_id: run.id.to_string(),
            at: look.at,
            missed_at: missed(look.at),
            result: convert::run_result(run.result).into(),
            changes: run.counts.added + run.counts.changed + run.counts.removed + run.counts.moved_back,
            problem: run.problem.clone(),
        })
        .collect()
}

#[cfg(test)]
#[path = "overview_tests.rs"]
mod tests;
