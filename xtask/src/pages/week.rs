//! The calendar service's week page, in a browser: the trainer's own hand.

use super::Trainer;
use crate::wait;
use crate::webdriver::{Element, Session};
use anyhow::{Context, Result, bail};
use std::time::Duration;

/// The page.
pub struct WeekPage<'a> {
    browser: &'a Session,
}

/// A block on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The event's id.
    pub id: String,
    /// Shown title.
    pub title: String,
    /// Start by the calendar's clock, e.g. `2026-12-01T09:00`.
    pub start: String,
    /// End by the calendar's clock.
    pub end: String,
}

/// Minutes of a day: what the full height of a column stands for.
const DAY: f64 = 1440.0;

impl<'a> WeekPage<'a> {
    /// Opens the week that holds a date (`2026-12-01`).
    pub fn open(browser: &'a Session, google_url: &str, who: &Trainer, date: &str) -> Result<WeekPage<'a>> {
        browser.go(&format!(
            "{google_url}/?account={}&date={date}",
            who.google_account
        ))?;
        browser.find("[data-week][data-ready]")?;
        Ok(WeekPage { browser })
    }

    /// The blocks of the week shown.
    pub fn blocks(&self) -> Result<Vec<Block>> {
        let script = "return [...document.querySelectorAll('[data-event]')].map(e => \
                      [e.dataset.event, e.dataset.title, e.dataset.start, e.dataset.end])";
        let blocks = self.browser.script(script, serde_json::json!([]))?;
        let text = |block: &serde_json::Value, at: usize| block[at].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<Block> = blocks
            .as_array()
            .context("no blocks")?
            .iter()
            .map(|block| Block {
                id: text(block, 0),
                title: text(block, 1),
                start: text(block, 2),
                end: text(block, 3),
            })
            .collect();
        found.sort_by(|one, other| (&one.start, &one.id).cmp(&(&other.start, &other.id)));
        // A whole-day event has a block on each of its days.
        found.dedup_by(|one, other| one.id == other.id);
        Ok(found)
    }

    /// One block.
    pub fn block(&self, id: &str) -> Result<Option<Block>> {
        Ok(self.blocks()?.into_iter().find(|block| block.id == id))
    }

    /// Waits for the block of an appointment, known by its title and start.
    pub fn wait_for(&self, title: &str, start: &str) -> Result<Block> {
        let what = format!("“{title}” at {start} in the calendar");
        wait::until(&what, wait::seconds(30), || {
            Ok(self
                .blocks()?
                .into_iter()
                .find(|block| block.title == title && block.start == start))
        })
    }

    /// Waits until a block is where it should be.
    pub fn until_at(&self, id: &str, start: &str, limit: Duration) -> Result<()> {
        wait::until_true(&format!("the event at {start} in the calendar"), limit, || {
            Ok(self.block(id)?.is_some_and(|block| block.start == start))
        })
    }

    /// Waits until a block is gone.
    pub fn until_gone(&self, id: &str, limit: Duration) -> Result<()> {
        wait::until_true("the event gone from the calendar", limit, || {
            Ok(self.block(id)?.is_none())
        })
    }

    /// Drags a block by whole quarters of an hour and by days; the block where it landed.
    pub fn drag(&self, id: &str, minutes: i32, days: i32) -> Result<Block> {
        let before = self
            .block(id)?
            .with_context(|| format!("no block {id} in this week"))?;
        let block = self.bring_into_view(id)?;
        let column = self.browser.find("[data-day]")?;
        let [_, _, width, height] = self.browser.rect(&column)?;
        // Columns have a hair line between them: their distance counts, not their width.
        let columns = self.browser.all("[data-day]")?;
        let step = match (columns.first(), columns.get(1)) {
            (Some(first), Some(second)) => self.browser.rect(second)?[0] - self.browser.rect(first)?[0],
            _ => width,
        };
        let down = (f64::from(minutes) / DAY * height).round() as i64;
        let right = (f64::from(days) * step).round() as i64;
        self.browser.drag_by(&block, right, down)?;
        let moved = wait::until("the block in its new place", wait::seconds(10), || {
            Ok(self.block(id)?.filter(|block| block.start != before.start))
        })?;
        if let Some(problem) = self.problem()? {
            bail!("the calendar refused: {problem}");
        }
        Ok(moved)
    }

    /// Deletes an event through its dialog.
    pub fn delete(&self, id: &str) -> Result<()> {
        self.open_dialog(id)?;
        self.browser
            .click("dialog[data-dialog=event] [data-action=delete]")?;
        self.until_gone(id, wait::seconds(10))
    }

    /// Gives an event another title through its dialog.
    pub fn rename(&self, id: &str, title: &str) -> Result<()> {
        self.open_dialog(id)?;
        self.browser
            .fill("dialog[data-dialog=event] [data-field=title]", title)?;
        self.browser
            .click("dialog[data-dialog=event] [data-action=save]")?;
        wait::until_true("the new title in the calendar", wait::seconds(10), || {
            Ok(self.block(id)?.is_some_and(|block| block.title == title))
        })
    }

    fn open_dialog(&self, id: &str) -> Result<()> {
        let block = self.bring_into_view(id)?;
        self.browser.pointer_click(&block)?;
        self.browser.find("dialog[data-dialog=event][open]").map(drop)
    }

    /// Scrolls as a wheel would, and finds the block.
    fn bring_into_view(&self, id: &str) -> Result<Element> {
        let css = format!("[data-event=\"{id}\"]");
        let script = "document.querySelector(arguments[0]).scrollIntoView({block: 'center'})";
        self.browser.find(&css)?;
        self.browser.script(script, serde_json::json!([css]))?;
        self.browser.find(&css)
    }

    fn problem(&self) -> Result<Option<String>> {
        match self.browser.try_find("[data-problem]")? {
            Some(problem) => {
                let text = self.browser.text(&problem)?;
                Ok((!text.trim().is_empty()).then_some(text))
            }
            None => Ok(None),
        }
    }
}
