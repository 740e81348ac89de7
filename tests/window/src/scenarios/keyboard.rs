//! The window by keyboard alone: every stop can be seen, and the main flows need no pointer.

use super::mocked::{nothing, views};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use xtask::gallery::{Gallery, View};
use xtask::pages::window::hook;
use xtask::wait;
use xtask::webdriver::keys;

/// More stops than any screen needs from its top to what somebody wants.
const MOST_STOPS: usize = 90;

/// What is wrong with the place of the keyboard now, and which it is.
const STOP: &str = r"
const e = document.activeElement;
if (!e || e === document.body) return { id: '', wrong: [] };
const stops = [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex]')].filter((c) => c.tabIndex >= 0 && !c.disabled && c.checkVisibility());
const last = stops.at(-1) === e;
// The first frame after a jump may still be scrolling.
e.scrollIntoView({ block: 'nearest', behavior: 'instant' });
const r = e.getBoundingClientRect(), line = e.getClientRects()[0] ?? r, s = getComputedStyle(e), wrong = [];
const name = (e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.labels?.[0]?.innerText || e.innerText || e.title || e.placeholder || '').trim();
const ring = (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1.5) || s.boxShadow !== 'none';
const inner = e.closest(':focus-within') && [...e.querySelectorAll('*')].some((c) => getComputedStyle(c).outlineStyle !== 'none');
const around = e.parentElement && (() => { const p = getComputedStyle(e.parentElement); return (p.outlineStyle !== 'none' && parseFloat(p.outlineWidth) >= 1.5) || p.boxShadow !== 'none'; })();
if (!ring && !inner && !around) wrong.push('no visible focus');
if (!name) wrong.push('no name');
const inline = s.display === 'inline' && e.tagName === 'A';
if (!inline && (r.width < 23.5 || r.height < 23.5)) {
  const label = e.closest('label')?.getBoundingClientRect();
  if (!label || label.width < 23.5 || label.height < 23.5) wrong.push(`only ${Math.round(r.width)}×${Math.round(r.height)}`);
}
const x = Math.min(Math.max(line.left + Math.min(line.width / 2, 40), 1), innerWidth - 2);
// Not entirely hidden is what is asked for: one of three points that are in sight is enough.
const points = [line.top + Math.min(line.height / 2, 12), line.top + line.height / 2, line.bottom - Math.min(line.height / 2, 12)].filter((y) => y > 0 && y < innerHeight);
// A tip closes with the scrolling above, a frame later.
const over = points.map((y) => document.elementFromPoint(x, y)).filter((top) => top && top.role !== 'tooltip' && !e.contains(top) && !top.contains(e) && !top.closest('label')?.contains(e));
if (r.bottom < 0 || r.top > innerHeight) wrong.push('outside of what is seen');
else if (over.length > 0 && over.length === points.length) wrong.push(`hidden by ${over[0].tagName}.${over[0].className}`);
return { id: `${e.tagName.toLowerCase()} ${e.dataset.test ?? e.id ?? ''} ${name.slice(0, 30)}`, wrong, last };
";

/// On every screen each stop of the Tab key has a name, a visible focus, a target of 24 pixels, and nothing lies over it.
pub fn every_stop(gallery: &Gallery) -> Result<()> {
    gallery.size(1160, 800)?;
    let mut found = Vec::new();
    for view in views() {
        gallery.show(&view)?;
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..MOST_STOPS {
            gallery
                .session()
                .press(keys::TAB)
                .with_context(|| format!("{} after {:?}", view.name(), seen.last()))?;
            let stop = gallery.session().script(STOP, json!([]))?;
            let id = stop["id"].as_str().unwrap_or_default().to_owned();
            if id.is_empty() || seen.first() == Some(&id) {
                break;
            }
            for wrong in stop["wrong"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                found.push(format!("{}: {id}: {wrong}", view.name()));
            }
            seen.push(id);
            if stop["last"] == true {
                // One more would leave the page for the browser's own buttons.
                break;
            }
        }
        ensure!(
            seen.len() >= 2,
            "{}: the Tab key reaches only {seen:?}",
            view.name()
        );
    }
    found.dedup();
    nothing(&found)
}

/// Presses Tab until the keyboard is there.
fn tab_to(gallery: &Gallery, css: &str) -> Result<()> {
    gallery.session().find(css)?;
    for _ in 0..MOST_STOPS {
        let there = gallery.session().script(
            "return !!document.activeElement?.matches(arguments[0])",
            json!([css]),
        )?;
        if there == json!(true) {
            return Ok(());
        }
        gallery.session().press(keys::TAB)?;
    }
    bail!("the Tab key never reaches `{css}`")
}

fn press_at(gallery: &Gallery, css: &str, key: &str) -> Result<()> {
    tab_to(gallery, css)?;
    gallery.session().press(key)
}

fn state(gallery: &Gallery, wanted: &str) -> Result<()> {
    gallery
        .session()
        .find(&format!("[data-test=overall-state][data-state={wanted}]"))
        .map(drop)
}

/// Sign in at both, preview, start: without a pointer.
pub fn first_start(gallery: &Gallery) -> Result<()> {
    gallery.size(1160, 800)?;
    gallery.show(&View::of("fresh", "/"))?;
    let page = gallery.session();
    tab_to(gallery, &hook("platform-address"))?;
    page.press("https://linden.example")?;
    page.press(keys::ENTER)?;
    page.find("[data-test=onboarding][data-step=\"2\"]")?;
    press_at(gallery, &hook("connect-google"), keys::ENTER)?;
    page.find_within(&hook("start-syncing"), Duration::from_secs(30))?;
    press_at(gallery, &hook("start-syncing"), keys::ENTER)?;
    state(gallery, "up_to_date")
}

/// Sync now, pause, resume, find an appointment, leave it out, decide a conflict, look at the history, change a setting.
pub fn every_day(gallery: &Gallery) -> Result<()> {
    gallery.size(1160, 800)?;
    let page = gallery.session();

    gallery.show(&View::of("healthy", "/"))?;
    press_at(gallery, &hook("sync-now"), keys::ENTER)?;
    state(gallery, "syncing")?;
    wait::until_true("the end of the run", Duration::from_secs(30), || {
        page.has("[data-test=overall-state][data-state=up_to_date]")
    })?;
    press_at(gallery, &hook("pause-menu"), keys::ENTER)?;
    page.find(&hook("pause-30"))?;
    page.press(keys::DOWN)?;
    page.press(keys::ENTER)?;
    state(gallery, "paused")?;
    press_at(gallery, &hook("resume"), keys::ENTER)?;
    wait::until_true("no longer paused", Duration::from_secs(30), || {
        Ok(!page.has("[data-test=overall-state][data-state=paused]")?)
    })?;

    press_at(gallery, &hook("nav-appointments"), keys::ENTER)?;
    tab_to(gallery, &hook("agenda-search"))?;
    page.press("rosen")?;
    page.find(&hook("appointment-row"))?;
    press_at(gallery, &hook("appointment-open"), keys::ENTER)?;
    page.find(&hook("inspector"))?;

    gallery.show(&View::of("conflicts", "/"))?;
    press_at(gallery, &hook("nav-decisions"), keys::ENTER)?;
    press_at(gallery, &hook("open-conflict"), keys::ENTER)?;
    let conflict = page.find(&hook("conflict"))?;
    let id = page
        .attribute(&conflict, "data-id")?
        .context("a conflict without id")?;
    page.press("1")?;
    page.find(&hook("consequence"))?;
    page.press_with(&[keys::CONTROL], keys::ENTER)?;
    page.until_gone(&format!("[data-test=conflict][data-id=\"{id}\"]"))?;

    press_at(gallery, &hook("nav-history"), keys::ENTER)?;
    press_at(gallery, &hook("history-open"), keys::ENTER)?;
    page.press_with(&[keys::CONTROL], ",")?;
    page.find(&hook("settings-section")).map(drop)
}
