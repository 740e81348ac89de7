//! A small WebDriver client: what a person does in a page, and what can be read off it.
//!
//! Speaks to `WebKitWebDriver` (directly, or behind `tauri-driver`). Waiting is always for a condition and has an end.

mod actions;
mod wire;

pub use wire::WebDriverError;

use crate::wait;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::time::Duration;
use wire::Wire;

/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long something on a page may take unless said otherwise.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Keys that are no letters, as WebDriver writes them.
pub mod keys {
    /// Enter.
    pub const ENTER: &str = "\u{E007}";
    /// Escape.
    pub const ESCAPE: &str = "\u{E00C}";
    /// Tab.
    pub const TAB: &str = "\u{E004}";
    /// Shift, held until it comes again or the keys end.
    pub const SHIFT: &str = "\u{E008}";
    /// Control, held likewise.
    pub const CONTROL: &str = "\u{E009}";
    /// Arrow down.
    pub const DOWN: &str = "\u{E015}";
    /// Arrow right.
    pub const RIGHT: &str = "\u{E014}";
    /// Space.
    pub const SPACE: &str = " ";
}

/// One browser or app window under control. Ends with its value.
pub struct Session {
    wire: Wire,
    id: String,
    open: bool,
}

/// An element of the page; stale once the page has replaced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element(String);

impl Session {
    /// Opens a session at a driver.
    pub fn open(driver_url: &str, capabilities: Value) -> Result<Session> {
        let wire = Wire::new(driver_url);
        let answer = wire
            .post(
                "/session",
                &json!({"capabilities": {"alwaysMatch": capabilities}}),
            )
            .context("the driver opened no session")?;
        let id = answer["sessionId"]
            .as_str()
            .context("the driver sent no session id")?
            .to_owned();
        Ok(Session { wire, id, open: true })
    }

    fn path(&self, rest: &str) -> String {
        format!("/session/{}{rest}", self.id)
    }

    fn post(&self, rest: &str, body: Value) -> Result<Value> {
        self.wire.post(&self.path(rest), &body)
    }

    fn get(&self, rest: &str) -> Result<Value> {
        self.wire.get(&self.path(rest))
    }

    /// Opens an address.
    pub fn go(&self, url: &str) -> Result<()> {
        self.post("/url", json!({ "url": url })).map(drop)
    }

    /// Loads the page again.
    pub fn reload(&self) -> Result<()> {
        self.post("/refresh", json!({})).map(drop)
    }

    /// The address shown.
    pub fn url(&self) -> Result<String> {
        text_of(self.get("/url")?)
    }

    /// The page's title.
    pub fn title(&self) -> Result<String> {
        text_of(self.get("/title")?)
    }

    /// All that match, in the order of the page.
    pub fn all(&self, css: &str) -> Result<Vec<Element>> {
        elements(self.post("/elements", json!({"using": "css selector", "value": css}))?)
    }

    /// All below another element that match.
    pub fn all_in(&self, parent: &Element, css: &str) -> Result<Vec<Element>> {
        let rest = format!("/element/{}/elements", parent.0);
        elements(self.post(&rest, json!({"using": "css selector", "value": css}))?)
    }

    /// The first that matches now, if any.
    pub fn try_find(&self, css: &str) -> Result<Option<Element>> {
        Ok(self.all(css)?.into_iter().next())
    }

    /// True if at least one matches now.
    pub fn has(&self, css: &str) -> Result<bool> {
        Ok(self.try_find(css)?.is_some())
    }

    /// The first that matches, waiting for it.
    pub fn find(&self, css: &str) -> Result<Element> {
        self.find_within(css, PATIENCE)
    }

    /// The same with its own patience.
    pub fn find_within(&self, css: &str, limit: Duration) -> Result<Element> {
        wait::until(&format!("`{css}` on the page"), limit, || self.try_find(css))
    }

    /// The first that matches and whose text contains `part`, waiting for it.
    pub fn find_with_text(&self, css: &str, part: &str) -> Result<Element> {
        self.find_with_text_within(css, part, PATIENCE)
    }

    /// The same with its own patience.
    pub fn find_with_text_within(&self, css: &str, part: &str, limit: Duration) -> Result<Element> {
        wait::until(&format!("`{css}` with “{part}”"), limit, || {
            for element in self.all(css)? {
                if self.text(&element)?.contains(part) {
                    return Ok(Some(element));
                }
            }
            Ok(None)
        })
    }

    /// Waits until nothing matches any more.
    pub fn until_gone(&self, css: &str) -> Result<()> {
        wait::until_true(&format!("`{css}` gone from the page"), PATIENCE, || {
            Ok(!self.has(css)?)
        })
    }

    /// Waits for the element and clicks it; again if it was replaced or covered in between.
    pub fn click(&self, css: &str) -> Result<()> {
        wait::until(&format!("a click on `{css}`"), PATIENCE, || {
            let Some(element) = self.try_find(css)? else {
                return Ok(None);
            };
            self.click_on(&element)?;
            Ok(Some(()))
        })
    }

    /// Waits for the element with this text and clicks it.
    pub fn click_text(&self, css: &str, part: &str) -> Result<()> {
        wait::until(&format!("a click on `{css}` with “{part}”"), PATIENCE, || {
            for element in self.all(css)? {
                if self.text(&element)?.contains(part) {
                    self.click_on(&element)?;
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
    }

    /// Clicks an element, once it is enabled.
    pub fn click_on(&self, element: &Element) -> Result<()> {
        if !self.enabled(element)? {
            bail!("it is disabled");
        }
        self.post(&format!("/element/{}/click", element.0), json!({}))
            .map(drop)
    }

    /// Types into an element, in place of what it holds.
    pub fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css)?;
        self.post(&format!("/element/{}/clear", element.0), json!({}))?;
        self.type_into(&element, text)
    }

    /// Types into an element.
    pub fn type_into(&self, element: &Element, text: &str) -> Result<()> {
        self.post(&format!("/element/{}/value", element.0), json!({ "text": text }))
            .map(drop)
    }

    /// Sets an input that has its own editor (date, time, select), as its editor does: value, then input and change.
    pub fn set_value(&self, css: &str, value: &str) -> Result<()> {
        self.find(css)?;
        let script = "const e = document.querySelector(arguments[0]); e.focus(); e.value = arguments[1]; \
                      e.dispatchEvent(new Event('input', {bubbles: true})); \
                      e.dispatchEvent(new Event('change', {bubbles: true})); return e.value;";
        let set = self.script(script, json!([css, value]))?;
        if set.as_str() != Some(value) {
            bail!("`{css}` took “{set}” instead of “{value}”");
        }
        Ok(())
    }

    /// The text as shown.
    pub fn text(&self, element: &Element) -> Result<String> {
        text_of(self.get(&format!("/element/{}/text", element.0))?)
    }

    /// The text of the first that matches, waiting for it.
    pub fn text_at(&self, css: &str) -> Result<String> {
        let element = self.find(css)?;
        self.text(&element)
    }

    /// An attribute, if set.
    pub fn attribute(&self, element: &Element, name: &str) -> Result<Option<String>> {
        Ok(self
            .get(&format!("/element/{}/attribute/{name}", element.0))?
            .as_str()
            .map(str::to_owned))
    }

    /// True unless disabled.
    pub fn enabled(&self, element: &Element) -> Result<bool> {
        Ok(self
            .get(&format!("/element/{}/enabled", element.0))?
            .as_bool()
            .unwrap_or(false))
    }

    /// True if it is ticked.
    pub fn selected(&self, element: &Element) -> Result<bool> {
        Ok(self
            .get(&format!("/element/{}/selected", element.0))?
            .as_bool()
            .unwrap_or(false))
    }

    /// Position and size on the page: x, y, width, height.
    pub fn rect(&self, element: &Element) -> Result<[f64; 4]> {
        let rect = self.get(&format!("/element/{}/rect", element.0))?;
        Ok(["x", "y", "width", "height"].map(|key| rect[key].as_f64().unwrap_or_default()))
    }

    /// Runs a script in the page. For reading, and for what has no other way; never to act in a person's stead.
    pub fn script(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("/execute/sync", json!({"script": script, "args": arguments}))
    }

    /// Runs a script that ends later: it calls its last argument with the result.
    pub fn script_until_called(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("/execute/async", json!({"script": script, "args": arguments}))
    }

    /// Everything that the page shows as text.
    pub fn page_text(&self) -> Result<String> {
        text_of(self.script("return document.body ? document.body.innerText : ''", json!([]))?)
    }

    /// Ends the session, and with it the browser or app that the driver started.
    pub fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            let _ = self.wire.delete(&self.path(""));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

fn text_of(value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        other => bail!("expected text, got {other}"),
    }
}

fn elements(value: Value) -> Result<Vec<Element>> {
    let list = value.as_array().context("expected a list of elements")?;
    list.iter()
        .map(|entry| {
            Ok(Element(
                entry[ELEMENT].as_str().context("expected an element")?.to_owned(),
            ))
        })
        .collect()
}
