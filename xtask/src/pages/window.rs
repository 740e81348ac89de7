//! The app's own window.

use crate::wait;
use crate::webdriver::Session;
use anyhow::{Context, Result, bail};
use std::time::Duration;

/// The window, whatever place it shows.
pub struct Window<'a> {
    session: &'a Session,
}

/// The selector of what has this name for tests in the window.
pub fn hook(name: &str) -> String {
    format!("[data-test=\"{name}\"]")
}

impl<'a> Window<'a> {
    /// Waits until the window shows its first place.
    pub fn ready(session: &'a Session) -> Result<Window<'a>> {
        session.find_within("main[data-place]", Duration::from_secs(40))?;
        session.until_gone(&hook("starting"))?;
        Ok(Window { session })
    }

    /// What can be done in it beyond this page object.
    pub fn session(&self) -> &Session {
        self.session
    }

    /// Types the platform's address and asks to sign in there; the browser opens.
    pub fn begin_platform_sign_in(&self, address: &str) -> Result<()> {
        self.session.fill(&hook("platform-address"), address)?;
        self.session.click(&hook("connect-platform"))
    }

    /// Asks to sign in at the calendar service; the browser opens.
    pub fn begin_google_sign_in(&self) -> Result<()> {
        self.session.click(&hook("connect-google"))
    }

    /// Waits for a step of the onboarding (1 to 3).
    pub fn until_step(&self, step: u32) -> Result<()> {
        let css = format!("[data-test=onboarding][data-step=\"{step}\"]");
        self.session.find_within(&css, Duration::from_secs(30)).map(drop)
    }

    /// The sentence at the top.
    pub fn headline(&self) -> Result<String> {
        self.session.text_at(&hook("headline"))
    }

    /// Opens the list of the preview; how many it says will be added.
    pub fn open_preview(&self) -> Result<u32> {
        self.session
            .find_within(&hook("start-syncing"), Duration::from_secs(60))?;
        self.session.click(&hook("preview-toggle"))?;
        let list = self.session.find(&hook("preview"))?;
        let added = self
            .session
            .attribute(&list, "data-added")?
            .context("the preview has no number")?;
        added.parse().with_context(|| format!("the preview says {added}"))
    }

    /// Presses "Start syncing".
    pub fn start_syncing(&self) -> Result<()> {
        self.session.click(&hook("start-syncing"))
    }

    /// The overall state, e.g. `up_to_date`; none while onboarding.
    pub fn state(&self) -> Result<Option<String>> {
        match self.session.try_find(&hook("overall-state"))? {
            Some(mark) => self.session.attribute(&mark, "data-state"),
            None => Ok(None),
        }
    }

    /// Waits for an overall state.
    pub fn until_state(&self, wanted: &str, limit: Duration) -> Result<()> {
        let mut last = None;
        let reached = wait::until_true(&format!("the state {wanted} in the window"), limit, || {
            last = self.state()?;
            Ok(last.as_deref() == Some(wanted))
        });
        reached.with_context(|| format!("the window shows {}", last.as_deref().unwrap_or("no state")))
    }

    /// Goes to a place by the navigation: `today`, `appointments`, `decisions`, `history`, `settings`.
    pub fn go(&self, place: &str) -> Result<()> {
        self.session.click(&hook(&format!("nav-{place}")))?;
        let shown = match place {
            "decisions" => "conflicts",
            other => other,
        };
        self.session
            .find(&format!("main[data-place=\"{shown}\"]"))
            .map(drop)
    }

    /// Presses "Sync now", once the window offers it.
    pub fn sync_now(&self) -> Result<()> {
        self.session.click(&hook("sync-now"))
    }

    /// All that the window shows as text.
    pub fn text(&self) -> Result<String> {
        self.session.page_text()
    }

    /// Waits for a text anywhere in the window.
    pub fn until_text(&self, part: &str, limit: Duration) -> Result<()> {
        wait::until_true(&format!("“{part}” in the window"), limit, || {
            Ok(self.text()?.contains(part))
        })
    }

    /// Looks an appointment up in the agenda by its title; its badge and the badge's reason.
    pub fn badge(&self, appointment: &str) -> Result<Option<(String, String)>> {
        let row = format!("[data-test=appointment-row][data-id=\"{appointment}\"] [data-test=badge]");
        let Some(badge) = self.session.try_find(&row)? else {
            return Ok(None);
        };
        let name = self.session.attribute(&badge, "data-badge")?.unwrap_or_default();
        let reason = self.session.attribute(&badge, "data-reason")?.unwrap_or_default();
        Ok(Some((name, reason)))
    }

    /// Searches the agenda, so that the row is among those drawn, and waits for its badge.
    pub fn until_badge(&self, appointment: &str, title: &str, wanted: &str, limit: Duration) -> Result<()> {
        self.go("appointments")?;
        self.session.fill(&hook("agenda-search"), title)?;
        let mut last = None;
        let reached = wait::until_true(&format!("the badge {wanted} for {title}"), limit, || {
            last = self.badge(appointment)?;
            Ok(last.as_ref().is_some_and(|(name, _)| name == wanted))
        });
        reached.with_context(|| format!("the window shows {last:?}"))
    }

    /// The conflict shown: its id and its kind.
    pub fn conflict(&self) -> Result<(String, String)> {
        let page = self.session.find(&hook("conflict"))?;
        let attribute =
            |name| Ok::<_, anyhow::Error>(self.session.attribute(&page, name)?.unwrap_or_default());
        Ok((attribute("data-id")?, attribute("data-kind")?))
    }

    /// Waits until the conflict shown is about this appointment.
    pub fn until_conflict_about(&self, title: &str) -> Result<()> {
        self.session.find(&hook("conflict"))?;
        self.until_text(title, Duration::from_secs(20))
    }

    /// Decides the conflict shown (`keep-platform`, `keep-calendar`, `most-recent`, …).
    pub fn decide(&self, choice: &str) -> Result<()> {
        let (id, _) = self.conflict()?;
        self.session.click(&hook(&format!("resolve-{choice}")))?;
        self.session.find(&hook("consequence"))?;
        self.session.click(&hook("resolve-apply"))?;
        self.session
            .until_gone(&format!("[data-test=conflict][data-id=\"{id}\"]"))
    }

    /// Fails if the window shows a problem nobody expects.
    pub fn expect_no_problem(&self) -> Result<()> {
        if let Some(card) = self.session.try_find(&hook("problem-card"))? {
            bail!("the window shows a problem: {}", self.session.text(&card)?);
        }
        Ok(())
    }
}
