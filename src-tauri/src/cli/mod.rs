//! The verbs of the command line, for support, tests and benches. They need no display.
//!
//! Exit codes: 0 fine, 1 a problem (said on standard error in one line), 2 wrong use.

mod status;
mod words;

use crate::gui::browser;
use crate::gui::links;
use crate::host::problem::code_of;
use crate::host::{Host, Purpose, Running, StartError};
use clap::{Parser, Subcommand, ValueEnum};
use roundtrip_core::outbox::Side;
use roundtrip_engine::CycleReport;
use roundtrip_engine::ledger::{Counts, LedgerError, Trigger};
use roundtrip_engine::ports::PortError;
use roundtrip_store::Provider;
use std::process::ExitCode;
use std::sync::Arc;

/// Writes that are tried again within this time are waited for even without `--wait`.
const PATIENCE_SECONDS: i64 = 40;

/// The clock is said to be wrong from this difference on, as in the window.
const CLOCK_SECONDS: i64 = 300;

/// Keeps a trainer's appointments and their calendar in agreement.
#[derive(Debug, Parser)]
#[command(name = "roundtrip", version, about, long_about = None, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Start without a window (used at log-in).
    #[arg(long)]
    hidden: bool,
    /// A roundtrip:// link to follow.
    link: Option<String>,
}

/// A verb.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Sign in: prints or opens the page, and waits for the answer.
    Connect {
        /// Where.
        service: Service,
        /// Address of the platform (default: ROUNDTRIP_PLATFORM_URL).
        #[arg(long)]
        address: Option<String>,
        /// Print the address of the page on one line instead of opening the browser.
        #[arg(long)]
        print_url: bool,
        /// Take the account even if another one was connected before.
        #[arg(long)]
        other_account: bool,
        /// Take it even though moves would stay behind with the one before; they are lost.
        #[arg(long)]
        even_so: bool,
    },
    /// Sync once. Starts without asking; the guard against mass changes holds.
    Sync {
        /// Run one cycle.
        #[arg(long, required = true)]
        once: bool,
        /// Stay until nothing is waiting.
        #[arg(long)]
        wait: bool,
        /// Say what was done as JSON.
        #[arg(long)]
        json: bool,
        /// Make this laptop the one that writes, if another one is.
        #[arg(long)]
        take_over: bool,
    },
    /// Say how things stand.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check network, clock, sign-ins, rights, database and keychain one by one.
    Doctor,
    /// Disconnect a service. Events stay unless --delete-events.
    Disconnect {
        /// Which.
        service: Service,
        /// Delete the events that Roundtrip made, first.
        #[arg(long)]
        delete_events: bool,
        /// Keep the grant for other laptops of the same trainer.
        #[arg(long)]
        only_this_laptop: bool,
        /// Delete even though moves have not reached the platform yet; they are lost.
        #[arg(long)]
        even_so: bool,
    },
    /// Delete our events, take both sign-ins back and empty the data folder. Without --confirm it only says what would go.
    DeleteEverything {
        /// The number of events that goes, as said without it.
        #[arg(long)]
        confirm: Option<u32>,
        /// Go on even though moves have not reached the platform yet; they are lost.
        #[arg(long)]
        even_so: bool,
    },
    /// Write the TypeScript bindings of the window's commands (for developers).
    #[command(hide = true)]
    Bindings {
        /// File to write.
        path: std::path::PathBuf,
    },
}

/// A service that one signs in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// The booking platform.
    Platform,
    /// Google Calendar.
    Google,
}

impl From<Service> for Provider {
    fn from(service: Service) -> Self {
        match service {
            Service::Platform => Self::Platform,
            Service::Google => Self::Google,
        }
    }
}

/// What the arguments ask for.
pub enum Parsed {
    /// A verb.
    Verb(Verb),
    /// The window.
    Window,
    /// Help, version or wrong use were answered already.
    Said(ExitCode),
}

/// Reads the arguments. Links are no verbs; a hostile one is simply refused later.
pub fn parse(arguments: &[String]) -> Parsed {
    let all = std::iter::once("roundtrip".to_owned()).chain(arguments.iter().cloned());
    match Arguments::try_parse_from(all) {
        Ok(Arguments { verb: Some(verb), .. }) => Parsed::Verb(verb),
        Ok(Arguments { link: Some(link), .. }) if links::parse(&link).is_none() && !link.contains("://") => {
            eprintln!(
                "roundtrip: there is no verb '{}'; see roundtrip --help",
                clean(&link)
            );
            Parsed::Said(ExitCode::from(2))
        }
        Ok(_) => Parsed::Window,
        Err(error) => {
            let wrong = error.use_stderr();
            // Printing help to a closed pipe is nothing to stop at.
            let _ = error.print();
            Parsed::Said(if wrong {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

/// Without control characters, so that an argument cannot write into the terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// A problem, in one line.
struct Trouble(String);

impl From<StartError> for Trouble {
    fn from(error: StartError) -> Self {
        Self(error.to_string())
    }
}
impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self(error.to_string())
    }
}
impl From<crate::ipc::dto::AppError> for Trouble {
    fn from(error: crate::ipc::dto::AppError) -> Self {
        Self(words::of_code(&error.code, error.detail.as_deref()))
    }
}

/// Runs a verb to its end.
pub fn run(verb: Verb) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("roundtrip: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(carry_out(verb)) {
        Ok(code) => code,
        Err(Trouble(text)) => {
            // Names and words of a platform are printed, too: they must not write into the terminal.
            let line: String = text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            eprintln!("roundtrip: {line}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(verb: Verb) -> Result<ExitCode, Trouble> {
    match verb {
        Verb::Connect {
            service,
            address,
            print_url,
            other_account,
            even_so,
        } => connect(service, address, print_url, other_account, even_so).await,
        Verb::Sync {
            once: _,
            wait,
            json,
            take_over,
        } => sync(wait, json, take_over).await,
        Verb::Status { json } => status::say(json).await,
        Verb::Doctor => doctor().await,
        Verb::Disconnect {
            service,
            delete_events,
            only_this_laptop,
            even_so,
        } => disconnect(service, delete_events, only_this_laptop, even_so).await,
        Verb::DeleteEverything { confirm, even_so } => delete_everything(confirm, even_so).await,
        Verb::Bindings { path } => {
            crate::ipc::write_bindings(&path).map_err(Trouble)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn connect(
    service: Service,
    address: Option<String>,
    print_url: bool,
    other_account: bool,
    even_so: bool,
) -> Result<ExitCode, Trouble> {
    let host = Host::open(Purpose::Verb).await?;
    let address = address.or_else(|| std::env::var("ROUNDTRIP_PLATFORM_URL").ok());
    let begun = host.begin_sign_in(service.into(), address.as_deref()).await?;
    if print_url {
        println!("{}", begun.url);
    } else if browser::open(&begun.url).is_err() {
        eprintln!(
            "roundtrip: no browser could be started; open this page: {}",
            begun.url
        );
    }
    let mut view = begun
        .ended
        .await
        .map_err(|_| Trouble("sign-in ended without an answer".into()))?;
    if let (Some((before, now)), true) = (view.accounts.clone(), other_account) {
        tracing::debug!(
            before = before.len(),
            now = now.len(),
            "another account was asked for"
        );
        if let Some(kept) = host.confirm_other_account(true, even_so).await? {
            view = kept;
        }
    }
    host.close().await;
    match (view.state.as_str(), view.accounts) {
        ("done", _) => Ok(ExitCode::SUCCESS),
        (_, Some((before, now))) => Err(Trouble(format!(
            "you signed in as {now}, but {before} was connected before; use --other-account to change"
        ))),
        (_, None) => Err(Trouble(words::of_code(
            view.problem.as_deref().unwrap_or("cancelled"),
            None,
        ))),
    }
}

async fn connected(host: &Arc<Host>) -> Result<Running, Trouble> {
    match host.running().await {
        Some(running) => Ok(running),
        None => Err(Trouble(match host.database.put_aside().await? {
            Some(name) => words::of_code("database_rebuilt", Some(&name)),
            None => words::of_code("not_connected", None),
        })),
    }
}

async fn sync(wait: bool, json: bool, take_over: bool) -> Result<ExitCode, Trouble> {
    let host = Host::open(Purpose::Verb).await?;
    let running = connected(&host).await?;
    if take_over {
        running.engine.take_over();
    }
    running.engine.start_syncing().await?;
    let mut report = running.engine.cycle(Trigger::Manual).await?;
    let mut total = report.counts;
    while let Some(pause) = next_pause(&running, &report, wait) {
        tokio::time::sleep(pause).await;
        report = running.engine.cycle(Trigger::Due).await?;
        total = add(total, report.counts);
    }
    report.counts = total;
    host.tidy(&running).await;
    let code = say_report(&running, &report, json).await?;
    host.close().await;
    Ok(code)
}

/// How long until the next cycle is worth running: for a write that is tried again soon, or with `--wait` for anything
/// that waits.
fn next_pause(running: &Running, report: &CycleReport, wait: bool) -> Option<std::time::Duration> {
    let stuck = [&report.platform, &report.calendar]
        .into_iter()
        .flatten()
        .any(|error| {
            matches!(
                error,
                PortError::SignInExpired
                    | PortError::NotConnected
                    | PortError::RightMissing { .. }
                    | PortError::CalendarNotFound
                    | PortError::SyncDisabled { .. }
                    | PortError::QuotaGone
            )
        });
    let due = report.next_due_at.filter(|_| !stuck)?;
    let pause = due - running.engine.now();
    let settling_only = report.waiting > 0 && report.counts.problems == 0;
    let soon = pause.num_seconds() <= PATIENCE_SECONDS;
    let retries = running.engine.live().calendar.failures > 0 || running.engine.live().platform.failures > 0;
    let go_on = if wait {
        report.waiting > 0
    } else {
        soon && !settling_only && retries
    };
    go_on.then(|| {
        pause
            .to_std()
            .unwrap_or_default()
            .max(std::time::Duration::from_millis(200))
    })
}

fn add(a: Counts, b: Counts) -> Counts {
    Counts {
        added: a.added + b.added,
        changed: a.changed + b.changed,
        removed: a.removed + b.removed,
        moved_back: a.moved_back + b.moved_back,
        notes_back: a.notes_back + b.notes_back,
        created: a.created + b.created,
        conflicts: a.conflicts + b.conflicts,
        problems: a.problems + b.problems,
        platform_requests: a.platform_requests + b.platform_requests,
        calendar_requests: a.calendar_requests + b.calendar_requests,
    }
}

/// The code of what is wrong with a side after a cycle; the platform's first.
fn problem_of(report: &CycleReport) -> Option<&'static str> {
    let of = |side, error: &Option<PortError>| error.as_ref().map(|error| code_of(side, error));
    of(Side::Platform, &report.platform).or_else(|| of(Side::Calendar, &report.calendar))
}

async fn say_report(running: &Running, report: &CycleReport, json: bool) -> Result<ExitCode, Trouble> {
    let problem = problem_of(report);
    let counts = report.counts;
    let snapshot = running.engine.snapshot().await?;
    let questions: Vec<serde_json::Value> = snapshot
        .questions
        .iter()
        .map(|question| serde_json::json!({ "kind": question.kind, "count": question.appointments.len() }))
        .collect();
    if json {
        let value = serde_json::json!({
            "added": counts.added, "changed": counts.changed, "removed": counts.removed,
            "moved_back": counts.moved_back, "notes_back": counts.notes_back,
            "conflicts": report.conflicts, "conflicts_raised": counts.conflicts,
            "waiting": report.waiting, "next_due_at": report.next_due_at,
            "left_out": report.left_out, "questions": questions, "problems": counts.problems,
            "problem": problem, "held_back": snapshot.held_back,
            "requests": { "platform": counts.platform_requests, "google": counts.calendar_requests },
        });
        println!("{value}");
    } else {
        println!(
            "{} added, {} changed, {} removed, {} moved back, {} waiting, {} to decide",
            counts.added, counts.changed, counts.removed, counts.moved_back, report.waiting, report.conflicts
        );
    }
    for question in &snapshot.questions {
        let asked = words::of_question(question.kind, question.appointments.len());
        eprintln!("roundtrip: {asked}");
    }
    let off = running.engine.clock_offset().num_seconds();
    if off.abs() > CLOCK_SECONDS {
        let text = words::of_code("clock_wrong", Some(&format!("{off} s")));
        eprintln!("roundtrip: {text}; the services' time was used");
    }
    if let Some(writer) = running.engine.other_writer() {
        eprintln!(
            "roundtrip: \"{}\" is the laptop that writes, so nothing was written here; use --take-over to change that",
            clean(&writer.device)
        );
    }
    match problem {
        Some(code) => Err(Trouble(words::of_code(code, None))),
        None if counts.problems > 0 => Err(Trouble(words::of_code("writes_failed", None))),
        None => Ok(ExitCode::SUCCESS),
    }
}

async fn doctor() -> Result<ExitCode, Trouble> {
    let host = Host::open(Purpose::Look).await?;
    let checks = host.doctor().await;
    let mut problems = 0;
    for check in &checks {
        let sign = match check.result.as_str() {
            "ok" => "ok     ",
            "problem" => "PROBLEM",
            _ => "skipped",
        };
        let step = check
            .problem
            .as_deref()
            .map(|code| words::of_code(code, check.detail.as_deref()));
        println!("{sign}  {:<18} {}", check.check, step.unwrap_or_default());
        problems += u32::from(check.result == "problem");
    }
    host.close().await;
    if problems > 0 {
        Err(Trouble(format!(
            "{problems} of {} checks found a problem",
            checks.len()
        )))
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

async fn disconnect(
    service: Service,
    delete_events: bool,
    only_this_laptop: bool,
    even_so: bool,
) -> Result<ExitCode, Trouble> {
    let host = Host::open(Purpose::Verb).await?;
    let left = host
        .disconnect(service.into(), delete_events, only_this_laptop, even_so)
        .await?;
    host.close().await;
    let deleted = if delete_events {
        format!("{} events deleted, ", left.deleted)
    } else {
        "events left as they are, ".into()
    };
    println!(
        "disconnected: {deleted}grant {}",
        words::of_grant(service.into(), left.revoked, only_this_laptop)
    );
    Ok(ExitCode::SUCCESS)
}

async fn delete_everything(confirm: Option<u32>, even_so: bool) -> Result<ExitCode, Trouble> {
    let host = Host::open(Purpose::Verb).await?;
    let Some(confirmed) = confirm else {
        let plan = host.deletion_plan().await?;
        println!(
            "would delete {} events and all data here; {} events of past visits or made by yourself would stay; go on with --confirm {}",
            plan.events, plan.kept, plan.events
        );
        if plan.local_only {
            println!("not both accounts are signed in: events would not be looked at");
        }
        if plan.elsewhere > 0 {
            println!(
                "{} events in other calendars would not be deleted",
                plan.elsewhere
            );
        }
        if plan.unreported > 0 {
            println!(
                "{} moves have not reached the platform yet; sync first, or they are lost",
                plan.unreported
            );
        }
        return Ok(ExitCode::SUCCESS);
    };
    let report = host.delete_everything(confirmed, even_so).await?;
    print!("{}", host.delete_report().unwrap_or_default());
    host.close().await;
    match report.problem {
        Some(code) => Err(Trouble(words::of_code(&code, None))),
        None => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_sign_in_again_for_a_calendar_that_may_only_be_read() {
        let lacks = |right: &str| Some(PortError::RightMissing { right: right.into() });
        let said = |platform, calendar| {
            problem_of(&CycleReport {
                platform,
                calendar,
                ..CycleReport::default()
            })
        };
        assert_eq!(said(None, None), None);
        assert_eq!(said(None, lacks("writer")), Some("calendar_read_only"));
        assert_eq!(
            said(lacks("appointments"), lacks("writer")),
            Some("platform_right_missing")
        );
    }
}
