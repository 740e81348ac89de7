//! The platform's page for its admin, in a browser.

use crate::wait;
use crate::webdriver::{Element, Session};
use anyhow::{Context, Result, bail};

/// The page.
pub struct AdminPage<'a> {
    browser: &'a Session,
}

/// A row of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Shown title.
    pub title: String,
    /// Start, with offset.
    pub start: String,
    /// End, with offset; empty if open.
    pub end: String,
    /// Its version.
    pub version: u64,
    /// `scheduled`, `tentative`, `cancelled`.
    pub status: String,
}

impl<'a> AdminPage<'a> {
    /// Opens it with one trainer's coming appointments.
    pub fn open(browser: &'a Session, platform_url: &str, trainer: &str) -> Result<AdminPage<'a>> {
        browser.go(&format!("{platform_url}/admin"))?;
        let page = AdminPage { browser };
        browser.find(&format!("#filter-trainer option[value=\"{trainer}\"]"))?;
        browser.set_value("#filter-trainer", trainer)?;
        wait::until_true("the trainer's appointments", wait::seconds(20), || {
            let rows = browser.all("tr[data-appointment]")?;
            let others = browser.all(&format!(
                "tr[data-appointment]:not([data-assignee=\"{trainer}\"])"
            ))?;
            Ok(!rows.is_empty() && others.is_empty())
        })?;
        Ok(page)
    }

    /// All rows shown, by start.
    pub fn rows(&self) -> Result<Vec<Row>> {
        // One reading of the page, so that the rows belong together.
        let script = "return [...document.querySelectorAll('tr[data-appointment]')].map(row => [\
                      row.dataset.appointment, row.querySelector('[data-cell=title]').textContent, \
                      row.querySelector('[data-cell=start]').dataset.value, \
                      row.querySelector('[data-cell=end]').dataset.value, row.dataset.version, row.dataset.status])";
        let rows = self.browser.script(script, serde_json::json!([]))?;
        let rows = rows.as_array().context("no rows")?;
        rows.iter()
            .map(|row| {
                let text = |at: usize| row[at].as_str().unwrap_or_default().to_owned();
                Ok(Row {
                    id: text(0),
                    title: text(1),
                    start: text(2),
                    end: text(3),
                    version: text(4).parse().context("no version")?,
                    status: text(5),
                })
            })
            .collect()
    }

    /// Asks for more rows until all are shown.
    pub fn show_all(&self) -> Result<()> {
        wait::until_true("all rows of the admin's page", wait::seconds(60), || {
            let more = self.browser.find("#more")?;
            if self.browser.attribute(&more, "hidden")?.is_some() {
                return Ok(true);
            }
            self.browser.click_on(&more)?;
            Ok(false)
        })
    }

    /// Searches for an appointment if it is not among the rows listed.
    fn show(&self, id: &str) -> Result<()> {
        let row = format!("tr[data-appointment=\"{id}\"]");
        if !self.browser.has(&row)? {
            self.browser.fill("#search", id)?;
            self.browser.find(&row)?;
        }
        Ok(())
    }

    /// One row.
    pub fn row(&self, id: &str) -> Result<Row> {
        self.show(id)?;
        self.rows()?
            .into_iter()
            .find(|row| row.id == id)
            .with_context(|| format!("{id} is not on the admin's page"))
    }

    /// Moves an appointment by one of the dialog's buttons (-60, 60, 1440 or 10080 minutes).
    pub fn shift(&self, id: &str, minutes: i32) -> Result<()> {
        let before = self.row(id)?.version;
        self.act(id, "move")?;
        self.browser
            .click(&format!("#move-dialog [data-shift-minutes=\"{minutes}\"]"))?;
        self.save("#move-dialog")?;
        self.until_changed(id, before)
    }

    /// Gives an appointment another title.
    pub fn rename(&self, id: &str, title: &str) -> Result<()> {
        let before = self.row(id)?.version;
        self.act(id, "edit")?;
        self.browser.fill("#edit-dialog [name=title]", title)?;
        self.save("#edit-dialog")?;
        self.until_changed(id, before)
    }

    /// Cancels an appointment.
    pub fn cancel(&self, id: &str) -> Result<()> {
        self.act(id, "cancel")?;
        self.save("#confirm-dialog")?;
        wait::until_true("the row as cancelled", wait::seconds(20), || {
            Ok(self.row(id)?.status == "cancelled")
        })
    }

    /// Creates an appointment for a trainer; its id.
    pub fn create(&self, trainer: &str, title: &str, date: &str, start: &str, end: &str) -> Result<String> {
        self.browser.click("#create")?;
        self.browser
            .set_value("#create-dialog [name=assignee]", trainer)?;
        self.browser.fill("#create-dialog [name=title]", title)?;
        self.browser.set_value("#create-dialog [name=date]", date)?;
        self.browser.set_value("#create-dialog [name=start]", start)?;
        self.browser.set_value("#create-dialog [name=end]", end)?;
        self.save("#create-dialog")?;
        // With many appointments only the first are listed.
        self.browser.fill("#search", title)?;
        let begins = format!("{date}T{start}");
        wait::until("the new row", wait::seconds(20), || {
            let row = self
                .rows()?
                .into_iter()
                .find(|row| row.title == title && row.start.starts_with(&begins));
            Ok(row.map(|row| row.id))
        })
    }

    /// Turns calendar sync for a trainer off or on.
    pub fn toggle_sync(&self, trainer: &str) -> Result<()> {
        self.browser.click(&format!(
            "#people article[data-person=\"{trainer}\"] [data-action=sync-toggle]"
        ))
    }

    /// How many notifications about an appointment the admin has.
    pub fn told_about(&self, id: &str) -> Result<usize> {
        Ok(self
            .browser
            .all(&format!("#notifications li[data-about=\"{id}\"]"))?
            .len())
    }

    /// Waits for so many notifications about an appointment.
    pub fn until_told_about(&self, id: &str, count: usize, limit: std::time::Duration) -> Result<()> {
        wait::until_true(
            &format!("{count} notification(s) about {id} on the admin's page"),
            limit,
            || Ok(self.told_about(id)? == count),
        )
    }

    /// What the platform knows of the trainer's laptops: device, status.
    pub fn laptops(&self, trainer: &str) -> Result<Vec<(String, String)>> {
        let css = format!("#people article[data-person=\"{trainer}\"] [data-device]");
        self.browser
            .all(&css)?
            .iter()
            .map(|laptop| {
                Ok((
                    self.attribute(laptop, "data-device")?,
                    self.attribute(laptop, "data-status")?,
                ))
            })
            .collect()
    }

    fn attribute(&self, element: &Element, name: &str) -> Result<String> {
        Ok(self.browser.attribute(element, name)?.unwrap_or_default())
    }

    fn act(&self, id: &str, action: &str) -> Result<()> {
        self.browser
            .click(&format!("tr[data-appointment=\"{id}\"] [data-action={action}]"))
    }

    fn save(&self, dialog: &str) -> Result<()> {
        self.browser.click(&format!("{dialog} [data-action=save]"))?;
        let closed = wait::until_true("the dialog closing", wait::seconds(10), || {
            Ok(!self.browser.has(&format!("{dialog}[open]"))?)
        });
        if closed.is_err() {
            bail!(
                "the admin's page refused: {}",
                self.browser.text_at(&format!("{dialog} [data-error]"))?
            );
        }
        Ok(())
    }

    fn until_changed(&self, id: &str, before: u64) -> Result<()> {
        wait::until_true("the new version on the admin's page", wait::seconds(20), || {
            Ok(self.row(id)?.version > before)
        })
    }
}
