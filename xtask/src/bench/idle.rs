//! What an idle laptop costs: wake-ups, processor time, memory and writes, with the window closed.

use super::cli::Verbs;
use super::figure::percentile;
use super::{Bench, Figure, memory};
use crate::app::TITLE;
use crate::process::{self, Process};
use crate::run::say;
use crate::wait;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Appointments of a laptop as most are.
const APPOINTMENTS: usize = 200;
/// So long it is watched.
const WATCHED: Duration = Duration::from_secs(600);
/// The window is closed and everything that follows from it has settled.
const SETTLING: Duration = Duration::from_secs(20);

/// What the system counts of a process tree.
#[derive(Clone, Copy, Default)]
struct Spent {
    /// Times that a thread was put on a processor after it had waited.
    wakeups: u64,
    /// Clock ticks of processor time.
    ticks: u64,
    /// Bytes that reached the disk.
    written: u64,
}

/// Starts the app hidden, as at log-in, watches it, then opens and closes its window and watches again.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let verbs = Verbs::connected(&bench.folder, bench.profile, bench.times(APPOINTMENTS, 24))?;
    verbs.sync()?;
    let log = bench.folder.join("app.log");
    let mut command = verbs.installation.command(&verbs.desk, &["--hidden"])?;
    // As shipped: what the log costs counts, too.
    command.env("ROUNDTRIP_LOG", "info,sqlx=warn");
    let mut app = Process::start("roundtrip", command, &log)?;
    let never = settle(&mut app)?;
    let mut figures = vec![tree(&never, "never opened")];
    let watched = match bench.options.quick {
        true => WATCHED / 10,
        false => WATCHED,
    };
    figures.extend(watch(&mut app, &verbs.installation.data, watched)?);
    figures.extend(after_the_window(&verbs, &mut app)?);
    Ok(figures)
}

/// The window opened and closed again: what stays of it.
fn after_the_window(verbs: &Verbs, app: &mut Process) -> Result<Vec<Figure>> {
    let screen = verbs.desk.screen()?;
    let command = verbs.installation.command(&verbs.desk, &[])?;
    let _second = Process::start("second start", command, &verbs.desk.logs().join("second.log"))?;
    let window = wait::until("the window with data", wait::seconds(60), || {
        let window = screen.window(TITLE)?;
        Ok(match window {
            Some(window) if screen.shows_data(&window)? => Some(window),
            _ => None,
        })
    })?;
    let open = settle(app)?;
    screen.close(&window)?;
    wait::until_true("the page's process gone", wait::seconds(30), || {
        Ok(!names(app.id()).iter().any(|name| name.contains("WebKitWeb")))
    })?;
    let closed = settle(app)?;
    let mut figures = vec![
        tree(&open, "open"),
        tree(&closed, "closed again")
            .at_most(25.0)
            .anchor("172 MB for six windows"),
    ];
    figures.extend(
        closed
            .iter()
            .map(|(name, size)| Figure::new(format!("  closed again: {name}"), *size, "MiB")),
    );
    Ok(figures)
}

fn names(root: u32) -> Vec<String> {
    process::descendants(root)
        .into_iter()
        .map(process::name_of)
        .collect()
}

fn tree(tree: &[(String, f64)], what: &str) -> Figure {
    Figure::new(
        format!(
            "memory, window {what} (PSS of the tree, {} processes)",
            tree.len()
        ),
        tree.iter().map(|(_, size)| size).sum(),
        "MiB",
    )
}

/// Memory once nothing that was started goes on.
fn settle(app: &mut Process) -> Result<Vec<(String, f64)>> {
    let until = Instant::now() + SETTLING;
    while Instant::now() < until {
        app.expect_alive()?;
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(memory::tree(app.id()))
}

/// Counts what the tree spends in a minute, minute by minute.
fn watch(app: &mut Process, data: &Path, watched: Duration) -> Result<Vec<Figure>> {
    let parts = 10;
    let part = watched / parts;
    say(&format!("watching an idle app for {} s", watched.as_secs()));
    let (mut wakeups, mut ticks, mut written) = (Vec::new(), 0, 0);
    let threads = threads(app.id());
    let mut before = spent(app.id())?;
    let first = files(data)?;
    for _ in 0..parts {
        std::thread::sleep(part);
        app.expect_alive()?;
        let now = spent(app.id())?;
        // A thread that ended takes its count along.
        wakeups.push(now.wakeups.saturating_sub(before.wakeups) as f64 / part.as_secs_f64());
        ticks += now.ticks.saturating_sub(before.ticks);
        written += now.written.saturating_sub(before.written);
        before = now;
    }
    for (name, woken) in threads_since(app.id(), &threads) {
        println!("        {woken:>5} wake-ups of {name}");
    }
    let mean = wakeups.iter().sum::<f64>() / wakeups.len() as f64;
    let seconds = watched.as_secs_f64();
    // Linux counts processor time in hundredths of a second.
    let share = ticks as f64 / 100.0 / seconds * 100.0;
    let changed = files(data)?
        .iter()
        .filter(|(name, at)| first.get(*name) != Some(at))
        .count();
    Ok(vec![
        Figure::new(
            format!("wake-ups in the tray, mean over {seconds:.0} s"),
            mean,
            "/s",
        )
        .at_most(0.1)
        .anchor("1/min (hidden browser tab)")
        .simulated(),
        Figure::new("  median of its tenths", percentile(&wakeups, 0.5), "/s").simulated(),
        Figure::new(format!("processor in the tray, over {seconds:.0} s"), share, "%")
            .at_most(0.02)
            .simulated(),
        Figure::new("bytes written to the disk meanwhile", written as f64, "B").simulated(),
        Figure::new("files of the data folder written meanwhile", changed as f64, "").simulated(),
    ])
}

/// Of the whole tree.
fn spent(root: u32) -> Result<Spent> {
    let mut sum = Spent::default();
    for pid in std::iter::once(root).chain(process::descendants(root)) {
        for switches in thread_switches(pid).into_values() {
            sum.wakeups += switches.1;
        }
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name in brackets may hold blanks; after it come state and numbers.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let number = |at: usize| rest.split_whitespace().nth(at).and_then(|text| text.parse().ok());
        sum.ticks += number(11).unwrap_or(0_u64) + number(12).unwrap_or(0);
        let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:"));
        sum.written += line.and_then(|text| text.trim().parse().ok()).unwrap_or(0_u64);
    }
    ensure!(sum.ticks > 0, "nothing is known of process {root}");
    Ok(sum)
}

/// Threads of a process: name and how often each waited by itself and was woken again.
fn thread_switches(pid: u32) -> BTreeMap<String, (String, u64)> {
    let mut all = BTreeMap::new();
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return all;
    };
    for task in tasks.flatten() {
        let text = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        let woken = field("voluntary_ctxt_switches:").and_then(|count| count.parse().ok());
        let id = format!("{pid}/{}", task.file_name().to_string_lossy());
        all.insert(id, (field("Name:").unwrap_or_default(), woken.unwrap_or(0)));
    }
    all
}

fn threads(root: u32) -> BTreeMap<String, (String, u64)> {
    let pids = std::iter::once(root).chain(process::descendants(root));
    pids.flat_map(thread_switches).collect()
}

/// Which threads were woken since, most often first.
fn threads_since(root: u32, before: &BTreeMap<String, (String, u64)>) -> Vec<(String, u64)> {
    let mut woken: BTreeMap<String, u64> = BTreeMap::new();
    for (id, (name, count)) in threads(root) {
        let known = before.get(&id).map_or(0, |(_, known)| *known);
        *woken.entry(name).or_default() += count.saturating_sub(known);
    }
    let mut list: Vec<_> = woken.into_iter().filter(|(_, count)| *count > 0).collect();
    list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    list
}

/// When each file of the data folder was last written. The log is looked at apart: it is no part of the sync.
fn files(data: &Path) -> Result<BTreeMap<String, std::time::SystemTime>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(data).context("the data folder")? {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_file() && !entry.file_name().to_string_lossy().ends_with("-shm") {
            files.insert(
                entry.file_name().to_string_lossy().into_owned(),
                about.modified()?,
            );
        }
    }
    Ok(files)
}
