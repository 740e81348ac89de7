//! Systems on which the real window can't be driven from outside.

use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// Not to be had here.
#[derive(Debug)]
pub enum Desk {}

impl Desk {
    /// Says what is needed.
    pub fn open(_logs: &Path) -> Result<Desk> {
        bail!(
            "a virtual desktop with WebDriver for the app's window is only to be had on Linux (WebKitGTK). \
             Run `cargo xtask demo` without --headless here, or use Debian or Ubuntu."
        )
    }

    /// A command on this desk.
    pub fn command(&self, _program: impl AsRef<std::ffi::OsStr>) -> Command {
        match *self {}
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        match *self {}
    }

    /// Its logs.
    pub fn logs(&self) -> &Path {
        match *self {}
    }

    /// Its mark.
    pub fn mark(&self) -> &str {
        match *self {}
    }

    /// Its screen.
    pub fn screen(&self) -> Result<super::screen::Screen> {
        match *self {}
    }

    /// A picture of one window.
    pub fn screenshot_of(&self, _window: u32, _file: &Path) -> Result<()> {
        match *self {}
    }

    /// Starts something on it.
    pub fn start(&self, _name: &str, _command: Command) -> Result<crate::process::Process> {
        match *self {}
    }

    /// A picture of it.
    pub fn screenshot(&self, _file: &Path) -> Result<()> {
        match *self {}
    }
}
