//! Everything on the stage at once: desk, sandbox, browser and app; and what a trainer does first.

use crate::app::{AppWindow, Installation, TITLE};
use crate::browse;
use crate::browser::Browser;
use crate::desk::Desk;
use crate::pages::admin::{AdminPage, Row};
use crate::pages::week::WeekPage;
use crate::pages::window::Window;
use crate::pages::{TRAINER, sign_in};
use crate::sandbox::{self, Sandbox};
use crate::wait;
use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How sign-in pages are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// By clicks in the browser.
    ByClicks,
    /// By following the redirects of a sandbox that consents by itself.
    ByItself,
}

/// How long a first sync of the usual few appointments may take.
const FIRST_SYNC: Duration = Duration::from_secs(90);

/// All that a play needs. Ends in the right order with its value.
pub struct Stage {
    /// The app's window, while it is open under WebDriver.
    pub app: Option<AppWindow>,
    /// The system browser.
    pub browser: Browser,
    /// The app's data and what it asked to open.
    pub installation: Installation,
    /// The services.
    pub sandbox: Sandbox,
    /// The virtual desktop.
    pub desk: Desk,
    sign_in: SignIn,
    starts: u32,
}

impl Stage {
    /// Starts everything but the app.
    pub fn open(logs: &Path, appointments: usize, sign_in: SignIn) -> Result<Stage> {
        let desk = Desk::open(logs)?;
        let auto_consent = sign_in == SignIn::ByItself;
        let options = sandbox::Options {
            appointments,
            auto_consent,
            ..sandbox::Options::default()
        };
        let sandbox = Sandbox::start(&options, &logs.join("sandbox.log"), |binary| desk.command(binary))?;
        let installation = Installation::new(&desk, &sandbox, "laptop")?;
        let browser = Browser::open(&desk)?;
        Ok(Stage {
            app: None,
            browser,
            installation,
            sandbox,
            desk,
            sign_in,
            starts: 0,
        })
    }

    /// Starts the app with its window.
    pub fn open_app(&mut self) -> Result<()> {
        self.starts += 1;
        self.app = Some(AppWindow::open(
            &self.desk,
            &self.installation,
            &format!("app-{}", self.starts),
        )?);
        Ok(())
    }

    /// The app's window.
    pub fn window(&self) -> Result<Window<'_>> {
        Window::ready(&self.app.as_ref().context("the app is not open")?.session)
    }

    /// The admin's page, in the browser.
    pub fn admin(&self) -> Result<AdminPage<'_>> {
        AdminPage::open(&self.browser.session, self.sandbox.platform_url()?, TRAINER.user)
    }

    /// The week that holds this date, in the browser.
    pub fn week(&self, date: &str) -> Result<WeekPage<'_>> {
        WeekPage::open(&self.browser.session, self.sandbox.google_url()?, &TRAINER, date)
    }

    /// Signs in at the platform from the first step of the onboarding.
    pub fn connect_platform(&mut self) -> Result<()> {
        let address = self.sandbox.platform_url()?.to_owned();
        let window = self.window()?;
        window.until_step(1)?;
        window.begin_platform_sign_in(&address)?;
        let url = self.installation.opened.take_next()?;
        match self.sign_in {
            SignIn::ByClicks => sign_in::at_platform(&self.browser.session, &url, &TRAINER)?,
            SignIn::ByItself => browse::follow(&url).map(drop)?,
        }
        self.window()?.until_step(2)
    }

    /// Signs in at the calendar service from the second step.
    pub fn connect_google(&mut self) -> Result<()> {
        self.window()?.begin_google_sign_in()?;
        self.finish_google_sign_in()?;
        self.window()?.until_step(3)
    }

    /// Answers a calendar sign-in that the app has asked the browser to open.
    pub fn finish_google_sign_in(&mut self) -> Result<()> {
        let url = self.installation.opened.take_next()?;
        match self.sign_in {
            SignIn::ByClicks => sign_in::at_google(&self.browser.session, &url, &TRAINER),
            SignIn::ByItself => browse::follow(&url).map(drop),
        }
    }

    /// The whole onboarding, to the end of the first sync; how many events the preview announced.
    pub fn onboard(&mut self) -> Result<u32> {
        self.open_app()?;
        self.connect_platform()?;
        self.connect_google()?;
        let window = self.window()?;
        let announced = window.open_preview()?;
        let mark = self.mark()?;
        window.start_syncing()?;
        wait::until_true("the announced events written", FIRST_SYNC, || {
            let written = self.requests_since(mark)?.count("google", "POST", "/events");
            Ok(written >= u64::from(announced))
        })?;
        window.until_state("up_to_date", FIRST_SYNC)?;
        Ok(announced)
    }

    /// Presses "Sync now" and waits until both sides were read and the run is over.
    pub fn sync_now(&self) -> Result<()> {
        let window = self.window()?;
        window.go("today")?;
        let mark = self.mark()?;
        window.sync_now()?;
        wait::until_true("both sides read again", FIRST_SYNC, || {
            let requests = self.requests_since(mark)?;
            let read = |service, route| requests.count(service, "GET", route) > 0;
            Ok(read("platform", "/v1/appointments") && read("google", "/events"))
        })?;
        wait::until_true("the end of the run", FIRST_SYNC, || {
            Ok(window.state()?.as_deref() != Some("syncing"))
        })
    }

    /// The number of the last request, to count from.
    pub fn mark(&self) -> Result<u64> {
        Requests::mark(&self.sandbox)
    }

    /// The requests since a mark.
    pub fn requests_since(&self, mark: u64) -> Result<Requests> {
        Requests::since(&self.sandbox, mark)
    }

    /// Keeps the app's own log and the services' one, which would go with the desk.
    pub fn keep_logs(&self, folder: &Path) {
        if let Ok(requests) = self.sandbox.get("/requests?since=0") {
            let _ = std::fs::write(folder.join("requests.txt"), Requests::story(&requests));
        }
        let Ok(entries) = std::fs::read_dir(self.installation.data.join("logs")) else {
            return;
        };
        for entry in entries.flatten() {
            let name = format!("app-log-{}", entry.file_name().to_string_lossy());
            // Only for whoever looks into a failure; that failure is the news, not a missing copy.
            let _ = std::fs::copy(entry.path(), folder.join(name));
        }
    }

    /// Saves pictures of the window and of the whole desk.
    pub fn pictures(&self, folder: &Path, name: &str) -> Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join(format!("{name}.png"));
        // Pictures are taken from the display: the web view's own screenshot call was seen to hang.
        if let Some(window) = self.desk.screen()?.window(TITLE)? {
            self.desk.screenshot_of(window.id, &file)?;
        }
        self.desk.screenshot(&folder.join(format!("{name}-desk.png")))?;
        Ok(file)
    }
}

/// Counts by service, method and route.
pub struct Requests(Vec<Value>);

impl Requests {
    /// The number of the last request, to count from.
    pub fn mark(sandbox: &Sandbox) -> Result<u64> {
        // Nothing is newer than the highest number, so that only the number comes back.
        sandbox.get(&format!("/requests?since={}", u64::MAX))?["last_seq"]
            .as_u64()
            .context("no request number")
    }

    /// The requests since a mark.
    pub fn since(sandbox: &Sandbox, mark: u64) -> Result<Requests> {
        let counts = sandbox.get(&format!("/requests/counts?since={mark}"))?;
        Ok(Requests(counts.as_array().context("no counts")?.clone()))
    }

    /// The request log, one line each.
    fn story(log: &Value) -> String {
        let lines = log["requests"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| !is_page(one))
            .map(|one| {
                let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
                let query = text("query");
                let mark = if query.is_empty() { "" } else { "?" };
                let (at, service, method, path) = (text("at"), text("service"), text("method"), text("path"));
                format!(
                    "{at} {service} {method} {path}{mark}{query} → {} ({} ms)\n",
                    one["status"], one["duration_ms"]
                )
            });
        lines.collect()
    }

    /// How many of a service; `""` for any method or route part.
    pub fn count(&self, service: &str, method: &str, route_part: &str) -> u64 {
        self.0
            .iter()
            .filter(|one| one["service"] == service)
            .filter(|one| method.is_empty() || one["method"] == method)
            .filter(|one| one["route"].as_str().unwrap_or_default().contains(route_part))
            .filter(|one| !is_page(one))
            .filter_map(|one| one["count"].as_u64())
            .sum()
    }

    /// Writes to events in calendars.
    pub fn event_writes(&self) -> u64 {
        ["POST", "PATCH", "PUT", "DELETE"]
            .iter()
            .map(|method| self.count("google", method, "/events"))
            .sum()
    }

    /// One line per route.
    pub fn lines(&self) -> Vec<String> {
        self.0
            .iter()
            .filter(|one| !is_page(one))
            .map(|one| {
                let text = |key: &str| one[key].as_str().unwrap_or_default();
                format!(
                    "{:>5} × {} {} {}",
                    one["count"],
                    text("service"),
                    text("method"),
                    text("route")
                )
            })
            .collect()
    }
}

/// True for what the pages in the browser ask for; only the app's own requests are of interest.
fn is_page(one: &Value) -> bool {
    let route = one["route"].as_str().unwrap_or_default();
    [
        "/ui/",
        "/admin",
        "/o/oauth2",
        "/oauth/authorize",
        "/authorize",
        "/favicon",
    ]
    .iter()
    .any(|part| route.starts_with(part))
        || route == "/"
        || route == "/event"
}

/// A time by the trainer's clock, as the calendar's page writes it: `2026-12-01T09:00`.
pub fn wall(date: NaiveDate, hour: u32, minute: u32) -> String {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
    NaiveDateTime::new(date, time)
        .format("%Y-%m-%dT%H:%M")
        .to_string()
}

/// The evening (17 to 21 o'clock) of a Tuesday or Wednesday from next week on that has no appointment yet, so that moves
/// on it are never refused. Holidays that fall on these days are left out.
pub fn free_evenings(rows: &[Row], count: usize) -> Result<Vec<NaiveDate>> {
    let first = rows.first().context("the trainer has no appointment")?;
    let today = DateTime::parse_from_rfc3339(&first.start)?.date_naive();
    let mut found = Vec::new();
    let mut day = today;
    // However full the next months are: after the last appointment everything is free.
    for _ in 0..5000 {
        day = day.checked_add_days(Days::new(1)).context("the calendar ends")?;
        let holiday = matches!(
            (day.month(), day.day()),
            (12, 24..=31) | (1, 1) | (3, 8) | (5, 1) | (10, 3)
        );
        if matches!(day.weekday(), Weekday::Tue | Weekday::Wed) && !holiday && is_free(rows, day) {
            found.push(day);
            if found.len() == count {
                return Ok(found);
            }
        }
    }
    anyhow::bail!("no {count} free evenings among the trainer's appointments")
}

fn is_free(rows: &[Row], day: NaiveDate) -> bool {
    let evening = wall(day, 16, 0);
    rows.iter().filter(|row| row.status != "cancelled").all(|row| {
        let end = if row.end.is_empty() { &row.start } else { &row.end };
        !row.start.starts_with(&day.to_string()) || end.get(..16).is_some_and(|end| end < evening.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(start: &str, end: &str) -> Row {
        Row {
            id: "apt_1".into(),
            title: String::new(),
            start: start.into(),
            end: end.into(),
            version: 1,
            status: "scheduled".into(),
        }
    }

    #[test]
    fn an_evening_with_an_appointment_is_not_free() -> Result<()> {
        // Monday; then Tuesday evening is taken, Wednesday has a morning only.
        let rows = [
            row("2026-11-23T09:00:00+01:00", "2026-11-23T10:00:00+01:00"),
            row("2026-11-24T17:30:00+01:00", "2026-11-24T19:00:00+01:00"),
            row("2026-11-25T09:00:00+01:00", ""),
        ];
        let days: Vec<String> = free_evenings(&rows, 2)?
            .iter()
            .map(NaiveDate::to_string)
            .collect();
        assert_eq!(days, ["2026-11-25", "2026-12-01"]);
        Ok(())
    }

    #[test]
    fn the_pages_own_requests_are_not_counted() {
        let counts = Requests(vec![
            serde_json::json!({"service": "google", "method": "GET", "route": "/ui/state", "count": 40}),
            serde_json::json!({"service": "google", "method": "POST", "route": "/calendar/v3/calendars/{calendar}/events", "count": 3}),
        ]);
        assert_eq!(counts.count("google", "", ""), 3);
        assert_eq!(counts.event_writes(), 3);
    }
}
