//! The window with a stand-in for the app, in the product's own engine: any screen in any state, at once.
//!
//! What is played is `ui/src/mock/`; what draws is WebKitGTK, as in the app on Linux. For pictures, and for tests of what
//! the real app reaches too slowly or not at all (2,000 appointments, each kind of problem).

use crate::browser::{Browser, free_port, wait_for_port};
use crate::building;
use crate::desk::Desk;
use crate::process::Process;
use crate::project;
use crate::setup;
use crate::wait;
use crate::webdriver::Session;
use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;

/// A desk with a browser that shows the window.
pub struct Gallery {
    browser: Browser,
    _server: Process,
    desk: Desk,
    address: String,
}

/// How a screen is to be seen.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What the stand-in plays, e.g. `healthy`.
    pub scenario: &'a str,
    /// `en`, `de` or `pseudo`.
    pub language: &'a str,
    /// `light` or `dark`.
    pub theme: &'a str,
    /// Right to left.
    pub rtl: bool,
    /// Text size in percent.
    pub text: u32,
    /// The place, e.g. `/history?result=problem`; `{next-week}` in it stands for the day a week from today.
    pub place: &'a str,
}

impl<'a> View<'a> {
    /// A place as most people see it: English, light, text as large as the system says.
    pub fn of(scenario: &'a str, place: &'a str) -> View<'a> {
        View {
            scenario,
            language: "en",
            theme: "light",
            rtl: false,
            text: 100,
            place,
        }
    }

    /// In German.
    pub fn german(mut self) -> Self {
        self.language = "de";
        self
    }

    /// In dark colours.
    pub fn dark(mut self) -> Self {
        self.theme = "dark";
        self
    }

    /// With larger text, in percent.
    pub fn text(mut self, percent: u32) -> Self {
        self.text = percent;
        self
    }

    /// In the language that lengthens and brackets every text.
    pub fn pseudo(mut self) -> Self {
        self.language = "pseudo";
        self
    }

    /// Right to left.
    pub fn rtl(mut self) -> Self {
        self.rtl = true;
        self
    }

    /// In words, for a message.
    pub fn name(&self) -> String {
        let rtl = if self.rtl { " rtl" } else { "" };
        format!(
            "{} [{} {} {}%{rtl}] {}",
            self.scenario, self.language, self.theme, self.text, self.place
        )
    }
}

impl Gallery {
    /// Builds the window with its stand-in, if that was not done yet, and opens a browser.
    pub fn open(logs: &Path) -> Result<Gallery> {
        building::stand_in_once()?;
        let desk = Desk::open(logs)?;
        let port = free_port()?;
        let mut command = desk.command("node");
        command
            .current_dir(project::ui())
            .env("PATH", setup::node::path_with_node())
            .arg("node_modules/vite/bin/vite.js")
            .args([
                "preview",
                "--outDir",
                "dist-mock",
                "--strictPort",
                "--host",
                "127.0.0.1",
            ])
            .args(["--port", &port.to_string()]);
        let mut server = desk.start("gallery-server", command)?;
        wait_for_port(port, &mut server)?;
        let browser = Browser::open(&desk)?;
        let screen = desk.screen()?;
        let window = screen.window("MiniBrowser")?.context("no browser on the desk")?;
        // There is no window manager that would give it the keyboard, and a page without it shows no focus.
        screen.focus(&window)?;
        Ok(Gallery {
            browser,
            _server: server,
            desk,
            address: format!("http://127.0.0.1:{port}/"),
        })
    }

    /// The page.
    pub fn session(&self) -> &Session {
        &self.browser.session
    }

    /// The desk's mark, to look for what is left of it.
    pub fn mark(&self) -> &str {
        self.desk.mark()
    }

    /// Shows a screen and waits until it is drawn.
    pub fn show(&self, view: &View<'_>) -> Result<()> {
        let rtl = if view.rtl { "&dir=rtl" } else { "" };
        let next_week = chrono::Local::now().date_naive() + chrono::Days::new(7);
        let place = view.place.replace("{next-week}", &next_week.to_string());
        let url = format!(
            "{}?scenario={}&lang={}&theme={}&slow=0{rtl}#{place}",
            self.address, view.scenario, view.language, view.theme
        );
        // Only another path or query loads the page anew, and each view begins from the start.
        self.session().go("about:blank")?;
        self.session().go(&url)?;
        self.session()
            .find("main[data-place]")
            .with_context(|| view.name())?;
        if view.text != 100 {
            self.session().script(
                "document.documentElement.style.fontSize = arguments[0] + '%';",
                json!([view.text]),
            )?;
        }
        self.drawn()
    }

    /// Waits until fonts are there, nothing moves and two frames have passed.
    pub fn drawn(&self) -> Result<()> {
        let script = "const done = arguments[0];
            const still = () => document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getTiming().iterations === Infinity);
            const look = (left) => left === 0 || still() ? requestAnimationFrame(() => requestAnimationFrame(() => done(true))) : setTimeout(() => look(left - 1), 30);
            document.fonts.ready.then(() => setTimeout(() => look(60), 60));";
        self.session().script_until_called(script, json!([])).map(drop)
    }

    /// Gives the page this size, in CSS pixels.
    pub fn size(&self, width: u32, height: u32) -> Result<()> {
        let screen = self.desk.screen()?;
        let mut last = json!(null);
        let reached = wait::until_true("the page's new size", wait::seconds(15), || {
            last = self
                .session()
                .script("return [innerWidth, innerHeight]", json!([]))?;
            if last == json!([width, height]) {
                return Ok(true);
            }
            // Asked for again: the bar above the page may have changed its height with the page's width.
            let window = screen.window("MiniBrowser")?.context("no browser on the desk")?;
            screen.place(&window, 0, 0, (width, height + self.bar()?))?;
            Ok(false)
        });
        reached.with_context(|| format!("the page has {last}"))
    }

    /// Height of what the browser draws above the page.
    fn bar(&self) -> Result<u32> {
        let screen = self.desk.screen()?;
        let window = screen.window("MiniBrowser")?.context("no browser on the desk")?;
        let page = self.session().script("return innerHeight", json!([]))?;
        let page = page.as_u64().context("the page has no height")?;
        Ok(u32::from(window.size.1).saturating_sub(u32::try_from(page)?))
    }

    /// Saves a picture of the page alone, without the browser around it; `width` pixels wide if given, and small on disk.
    pub fn picture(&self, file: &Path, width: Option<u32>) -> Result<()> {
        let screen = self.desk.screen()?;
        let window = screen.window("MiniBrowser")?.context("no browser on the desk")?;
        let whole = file.with_extension("whole.png");
        self.desk.screenshot_of(window.id, &whole)?;
        let mut command = self.desk.command("convert");
        command
            .arg(&whole)
            .args(["-crop", &format!("+0+{}", self.bar()?), "+repage"]);
        if let Some(width) = width {
            command.args(["-filter", "Lanczos", "-resize", &format!("{width}x")]);
        }
        command
            .args(["-dither", "None", "-colors", "128", "-strip"])
            .args(["-define", "png:compression-level=9"])
            .arg(file);
        crate::run::read(&mut command)?;
        std::fs::remove_file(whole)?;
        Ok(())
    }
}
