//! Figures of the page itself: how soon it answers, how much it draws, how large it is.
//!
//! Measured in WebKitGTK on a display without a graphics card, with the stand-in for the app playing 2,000 appointments,
//! 10,000 history lines and a run that never ends. The real app's part (commands, SQLite) is not in these figures.

use super::figure::percentile;
use super::{Bench, Figure};
use crate::gallery::{Gallery, View};
use crate::project;
use crate::run::{npm, read};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;

/// How many interactions are measured.
const INTERACTIONS: usize = 500;
/// How many in one go.
const PART: usize = 40;

/// What the measuring scripts share: `paint` resolves once the frame after now is on its way to the screen.
const TOOLS: &str = r#"
const q = (name) => document.querySelector(`[data-test="${name}"]`);
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
const paint = () => new Promise((r) => requestAnimationFrame(() => {
  const c = new MessageChannel(); c.port1.onmessage = () => r(performance.now()); c.port2.postMessage(0);
}));
const until = async (f) => { for (let i = 0; i < 400; i++) { const v = f(); if (v) return v; await wait(10); } throw new Error('never: ' + f); };
const type = (text) => { const e = q('agenda-search'); e.focus(); e.value = text; e.dispatchEvent(new Event('input', { bubbles: true })); };
const key = (k) => (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key: k, bubbles: true, cancelable: true }));
const scroller = () => document.querySelector('[data-scroller]') ?? document.scrollingElement;
const done = arguments[arguments.length - 1];
const say = (promise) => promise.then((v) => done(v), (e) => done({ error: String(e) }));
"#;

const INTERACT: &str = r#"
say((async () => {
  const times = {};
  const act = async (name, f) => { await paint(); const t = performance.now(); f(); (times[name] ??= []).push(await paint() - t); };
  const words = ['a', 'ap', 'apo', 'apot', 'rosen', 'stern', 'li'];
  for (let i = 0, n = 0; n < arguments[0]; i++) {
    await act('nothing (the floor: one frame here)', () => {});
    await act('go to appointments', () => q('nav-appointments').click());
    await until(() => q('agenda-search') && q('appointment-row'));
    for (let k = 0; k < 3; k++) { const w = words[(i + k) % words.length]; await act('find as you type', () => type(w)); }
    await act('find as you type', () => type(''));
    await until(() => q('appointment-open'));
    await act('open a row', () => q('appointment-open').click());
    await act('close a row', () => q('appointment-open').click());
    await act('arrow down', () => key('ArrowDown'));
    await act('go to history', () => q('nav-history').click());
    await until(() => q('history-row') || q('run-row'));
    await act('filter history', () => (q('history-filter-problem') ?? q('history-filter-all')).click());
    await act('clear the filter', () => q('history-filter-all').click());
    await act('go to settings', () => q('nav-settings').click());
    await until(() => q('settings-section'));
    await act('go to today', () => q('nav-today').click());
    await until(() => q('headline'));
    n = Object.values(times).reduce((sum, t) => sum + t.length, 0);
  }
  return times;
})());
"#;

const SCROLL: &str = r#"
say((async () => {
  let last = performance.now(), beat = true, gaps = [];
  const tick = () => { const now = performance.now(); gaps.push(now - last); last = now; if (beat) setTimeout(tick, 0); };
  let most = 0;
  setTimeout(tick, 0);
  const s = scroller();
  for (let y = 0; y < 60; y++) {
    s.scrollTop += 900;
    await paint();
    most = Math.max(most, document.querySelectorAll(arguments[0]).length);
  }
  beat = false;
  return { most, longest: Math.max(...gaps), long: gaps.filter((g) => g > 54).length };
})());
"#;

/// All of them.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let gallery = Gallery::open(&bench.folder)?;
    let interactions = bench.times(INTERACTIONS, 2 * PART);
    gallery.show(&View::of("busy", "/"))?;
    gallery.size(1160, 800)?;
    let mut figures = Vec::new();

    let mut by_name: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    // In parts, because the driver gives a script no more than half a minute.
    while by_name.values().map(Vec::len).sum::<usize>() < interactions {
        let times = run(&gallery, INTERACT, json!([PART]))?;
        for (name, list) in times.as_object().context("no times")? {
            by_name.entry(name.clone()).or_default().extend(numbers(list));
        }
    }
    let all: Vec<f64> = by_name.values().flatten().copied().collect();
    let count = all.len();
    figures.push(
        Figure::new(
            format!("page: interaction to next paint, p98 of {count} (simulated app)"),
            percentile(&all, 0.98),
            "ms",
        )
        .at_most(50.0),
    );
    figures.push(Figure::new(
        format!("page: interaction to next paint, median of {count}"),
        percentile(&all, 0.5),
        "ms",
    ));
    for (name, list) in by_name {
        let figure = Figure::new(
            format!("  {name}, p98 of {}", list.len()),
            percentile(&list, 0.98),
            "ms",
        );
        figures.push(if name == "find as you type" {
            figure.at_most(30.0)
        } else {
            figure
        });
    }

    for (name, place, rows) in [
        ("appointments", "/appointments", "[data-test=appointment-row]"),
        ("history", "/history", "[data-test=history-row]"),
    ] {
        gallery.show(&View::of("busy", place))?;
        gallery.session().find(rows)?;
        let scrolled = run(&gallery, SCROLL, json!([rows]))?;
        let number = |key: &str| scrolled[key].as_f64().unwrap_or(f64::NAN);
        figures.push(
            Figure::new(
                format!("page: most row nodes while scrolling {name}"),
                number("most"),
                "",
            )
            .at_most(120.0),
        );
        figures.push(
            Figure::new(
                format!("page: tasks over 50 ms while scrolling {name}"),
                number("long"),
                "",
            )
            .at_most(0.0),
        );
        figures.push(Figure::new(
            format!("  longest of them in {name}"),
            number("longest"),
            "ms",
        ));
    }
    figures.extend(size()?);
    Ok(figures)
}

fn run(gallery: &Gallery, script: &str, arguments: Value) -> Result<Value> {
    let answer = gallery
        .session()
        .script_until_called(&format!("{TOOLS}{script}"), arguments)?;
    match answer["error"].as_str() {
        Some(error) => anyhow::bail!("the page said: {error}"),
        None => Ok(answer),
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect()
}

/// JavaScript as it is shipped, each file compressed by itself.
fn size() -> Result<Vec<Figure>> {
    crate::run::run(npm(&project::ui()).args(["run", "--silent", "build"]))?;
    let script = "const fs = require('fs'), zlib = require('zlib'); const dir = 'dist/assets/'; \
        const html = fs.readFileSync('dist/index.html', 'utf8'); let all = 0, first = 0; \
        for (const f of fs.readdirSync(dir).filter((f) => f.endsWith('.js'))) { \
          const size = zlib.gzipSync(fs.readFileSync(dir + f), { level: 9 }).length; all += size; if (html.includes(f)) first += size; } \
        console.log(JSON.stringify({ all, first }));";
    let mut node = Command::new("node");
    node.current_dir(project::ui())
        .env("PATH", crate::setup::node::path_with_node())
        .args(["-e", script]);
    let sizes: Value = serde_json::from_str(read(&mut node)?.trim())?;
    let kib = |key: &str| sizes[key].as_f64().unwrap_or(f64::NAN) / 1024.0;
    Ok(vec![
        Figure::new("page: JavaScript, all of it, gzip", kib("all"), "KiB").at_most(130.0),
        Figure::new(
            "page: JavaScript before the first paint, gzip",
            kib("first"),
            "KiB",
        ),
    ])
}
