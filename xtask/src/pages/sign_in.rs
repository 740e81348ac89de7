//! The sign-in pages of platform and calendar service, in the system browser.

use super::Trainer;
use crate::wait;
use crate::webdriver::Session;
use anyhow::{Result, bail};

/// Opens the platform's sign-in address and signs in by clicks.
pub fn at_platform(browser: &Session, url: &str, who: &Trainer) -> Result<()> {
    browser.go(url)?;
    browser.click(&format!("button[data-person=\"{}\"]", who.user))?;
    ends_in_the_app(browser)
}

/// Opens the calendar service's sign-in address, picks the account and allows everything asked, by clicks.
pub fn at_google(browser: &Session, url: &str, who: &Trainer) -> Result<()> {
    at_google_with(browser, url, who, |_| Ok(()))
}

/// The same, with a look at the consent page before it is allowed.
pub fn at_google_with(
    browser: &Session,
    url: &str,
    who: &Trainer,
    on_consent: impl FnOnce(&Session) -> Result<()>,
) -> Result<()> {
    browser.go(url)?;
    let account = format!("[data-account=\"{}\"]", who.google_account);
    let allow = "[data-action=allow]";
    // An account that is asked for by name skips the picker.
    wait::until_true("the account or the consent page", wait::seconds(20), || {
        Ok(browser.has(&account)? || browser.has(allow)?)
    })?;
    if !browser.has(allow)? {
        browser.click(&account)?;
    }
    browser.find(allow)?;
    on_consent(browser)?;
    browser.click(allow)?;
    ends_in_the_app(browser)
}

/// Both end at the app's own small page on this machine: the last thing a person sees in the browser.
fn ends_in_the_app(browser: &Session) -> Result<()> {
    let text = wait::until("the end of the sign-in", wait::seconds(30), || {
        let url = browser.url()?;
        let arrived =
            url.starts_with("http://127.0.0.1:") && !url.contains("/authorize") && !url.contains("/oauth2/");
        let text = browser.page_text()?;
        Ok((arrived && !text.trim().is_empty() && text.contains("close this")).then_some(text))
    });
    match text {
        Ok(_) => Ok(()),
        Err(error) => bail!(
            "{error:#}; the page says: {}",
            browser.page_text().unwrap_or_default().trim()
        ),
    }
}
