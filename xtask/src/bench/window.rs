//! Figures of the window: how soon it is there, what it takes, and what stays when it is closed.

use super::cli::Verbs;
use super::{Bench, Figure, memory};
use crate::app::TITLE;
use crate::desk::screen::{Screen, Window};
use crate::process::{self, Process};
use crate::wait;
use anyhow::Result;
use std::time::Instant;

/// Appointments of a large installation.
const APPOINTMENTS: usize = 10_000;

/// Starts the connected app some times, then looks at its memory with the window open and closed.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let starts = bench.times(bench.options.starts, 2).max(2);
    let rows = bench.times(APPOINTMENTS, 200);
    let verbs = Verbs::connected(&bench.folder, bench.profile, rows)?;
    verbs.read_only()?;
    let screen = verbs.desk.screen()?;
    let mut milliseconds = Vec::new();
    for number in 1..starts {
        let (mut app, _, took) = start(&verbs, &screen, number)?;
        milliseconds.push(took);
        app.stop();
        wait::until_true("the window gone", wait::seconds(20), || {
            Ok(screen.window(TITLE)?.is_none())
        })?;
    }
    let (app, window, took) = start(&verbs, &screen, starts)?;
    milliseconds.push(took);
    let open = settled(app.id())?;
    screen.close(&window)?;
    wait::until_true("the window gone", wait::seconds(20), || {
        Ok(screen.window(TITLE)?.is_none())
    })?;
    wait::until_true("the page's process gone", wait::seconds(20), || {
        Ok(!process::descendants(app.id())
            .into_iter()
            .any(|pid| process::name_of(pid).contains("WebKit")))
    })?;
    let closed = settled(app.id())?;
    let mut reopened = Vec::new();
    for number in 0..starts.max(3) {
        reopened.push(reopen(&verbs, &screen, number)?);
    }

    let first = milliseconds.remove(0);
    let tree = |state: &str, tree: &[(String, f64)]| {
        let name = format!("memory with the window {state}, {rows} rows (PSS of the process tree)");
        Figure::new(name, sum(tree), "MiB")
    };
    let mut figures = vec![
        Figure::new(
            format!("start to first painted window with data, {rows} rows: the very first"),
            first,
            "ms",
        ),
        Figure::of(
            format!("start to first painted window with data, {rows} rows: warm"),
            milliseconds,
            "ms",
        )
        .at_most(500.0)
        .note("all rows are read, nothing is written: the platform has turned the sync off")
        .anchor("400 ms (Tauri claims)"),
        Figure::of(
            "closed window to painted data (by a second start)",
            reopened,
            "ms",
        )
        .at_most(300.0),
        tree("open", &open)
            .at_most(180.0)
            .anchor("172 MB for six windows"),
    ];
    figures.extend(
        open.iter()
            .map(|(name, size)| Figure::new(format!("  window open: {name}"), *size, "MiB")),
    );
    figures.push(tree("closed", &closed).at_most(25.0));
    figures.extend(
        closed
            .iter()
            .map(|(name, size)| Figure::new(format!("  window closed: {name}"), *size, "MiB")),
    );
    Ok(figures)
}

/// Opens the window of the running app again, as a second start does, and closes it when it has shown data; the milliseconds
/// until then. The tray cannot be clicked on a virtual desk; its way is shorter by the start of a process.
fn reopen(verbs: &Verbs, screen: &Screen, number: usize) -> Result<f64> {
    let command = verbs.installation.command(&verbs.desk, &[])?;
    let log = verbs.desk.logs().join(format!("reopen-{number}.log"));
    let begin = Instant::now();
    let _second = Process::start("second start", command, &log)?;
    let window = wait::until("the window with data", wait::seconds(30), || {
        let window = screen.window(TITLE)?;
        Ok(match window {
            Some(window) if screen.shows_data(&window)? => Some(window),
            _ => None,
        })
    })?;
    let took = begin.elapsed().as_secs_f64() * 1000.0;
    screen.close(&window)?;
    wait::until_true("the window gone", wait::seconds(20), || {
        Ok(screen.window(TITLE)?.is_none())
    })?;
    Ok(took)
}

/// A start until the window shows data, in milliseconds.
fn start(verbs: &Verbs, screen: &Screen, number: usize) -> Result<(Process, Window, f64)> {
    let command = verbs.installation.command(&verbs.desk, &[])?;
    let log = verbs.desk.logs().join(format!("app-{number}.log"));
    let begin = Instant::now();
    let mut app = Process::start("roundtrip", command, &log)?;
    let window = wait::until("the window with data", wait::seconds(60), || {
        let window = screen.window(TITLE)?;
        Ok(match window {
            Some(window) if screen.shows_data(&window)? => Some(window),
            _ => None,
        })
    });
    let window = match window {
        Ok(window) => window,
        Err(error) => {
            app.expect_alive()?;
            return Err(error);
        }
    };
    Ok((app, window, begin.elapsed().as_secs_f64() * 1000.0))
}

/// The memory once it no longer moves: two looks in a row that differ by less than a hundredth.
fn settled(pid: u32) -> Result<Vec<(String, f64)>> {
    let mut last = (Instant::now(), memory::tree(pid));
    wait::until("the memory settling", wait::seconds(60), || {
        if last.0.elapsed().as_millis() < 1500 {
            return Ok(None);
        }
        let now = memory::tree(pid);
        let still = (sum(&now) - sum(&last.1)).abs() < sum(&now) / 100.0;
        last = (Instant::now(), now.clone());
        Ok(still.then_some(now))
    })
}

fn sum(tree: &[(String, f64)]) -> f64 {
    tree.iter().map(|(_, size)| size).sum()
}
