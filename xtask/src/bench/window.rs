//! Figures of the window: how soon it is there, and what stays when it is closed.

use super::cli::Verbs;
use super::{Bench, Figure, memory};
use crate::app::TITLE;
use crate::desk::screen::{Screen, Window};
use crate::process::{self, Process};
use crate::wait;
use anyhow::{Context, Result};
use std::time::Instant;

/// Starts the connected app some times, then looks at its memory with the window open and closed.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let starts = bench.times(bench.options.starts, 2);
    let verbs = Verbs::connected(&bench.folder, bench.profile, 24)?;
    let screen = verbs.desk.screen()?;
    let mut seconds = Vec::new();
    for number in 1..starts.max(1) {
        let (mut app, _, took) = start(&verbs, &screen, number)?;
        seconds.push(took);
        app.stop();
        wait::until_true("the window gone", wait::seconds(20), || {
            Ok(screen.window(TITLE)?.is_none())
        })?;
    }
    let (app, window, took) = start(&verbs, &screen, starts.max(1))?;
    seconds.push(took);
    let open = settled(app.id())?;
    screen.close(&window)?;
    wait::until_true("the window gone", wait::seconds(20), || {
        Ok(screen.window(TITLE)?.is_none())
    })?;
    wait::until_true("the page's process gone", wait::seconds(20), || {
        Ok(!process::descendants(app.id())
            .into_iter()
            .any(|pid| process::name_of(pid).contains("WebKitWeb")))
    })?;
    let closed = settled(app.id())?;
    let mut reopened = Vec::new();
    for number in 0..starts.max(3) {
        reopened.push(reopen(&verbs, &screen, number)?);
    }
    reopened.sort_by(f64::total_cmp);

    let first = seconds.first().copied().context("no start")?;
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    let mut figures = vec![
        Figure::new("start to first painted window: the very first", first, "s"),
        Figure::new(
            format!("start to first painted window: median of {}", seconds.len()),
            median,
            "s",
        ),
        Figure::new(
            "memory with the window open (PSS of the process tree)",
            sum(&open),
            "MB",
        ),
        Figure::new(
            "memory with the window closed (PSS of the process tree)",
            sum(&closed),
            "MB",
        ),
    ];
    figures.push(
        Figure::new(
            format!(
                "closed window to painted data (by a second start), median of {}",
                reopened.len()
            ),
            reopened[reopened.len() / 2] * 1000.0,
            "ms",
        )
        .goal("≤ 300"),
    );
    figures.extend(
        closed
            .iter()
            .map(|(name, size)| Figure::new(format!("  window closed: {name}"), *size, "MB")),
    );
    Ok(figures)
}

/// Opens the window of the running app again, as a second start does, and closes it when it has shown data; the seconds
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
    let took = begin.elapsed().as_secs_f64();
    screen.close(&window)?;
    wait::until_true("the window gone", wait::seconds(20), || {
        Ok(screen.window(TITLE)?.is_none())
    })?;
    Ok(took)
}

fn start(verbs: &Verbs, screen: &Screen, number: usize) -> Result<(Process, Window, f64)> {
    let command = verbs.installation.command(&verbs.desk, &[])?;
    let log = verbs.desk.logs().join(format!("app-{number}.log"));
    let begin = Instant::now();
    let mut app = Process::start("roundtrip", command, &log)?;
    let window = wait::until("the painted window", wait::seconds(60), || {
        let window = screen.window(TITLE)?;
        Ok(match window {
            Some(window) if screen.has_painted(&window)? => Some(window),
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
    Ok((app, window, begin.elapsed().as_secs_f64()))
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
