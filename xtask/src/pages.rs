//! What a person can do on each page, written once: the sandbox's pages in the browser, and the app's window.
//!
//! The hooks are named at the top of the pages' sources (`crates/sandbox/src/pages/*.html`) and in `ui/TESTING.md`.

pub mod admin;
pub mod sign_in;
pub mod week;
pub mod window;

/// The trainer that everything is played with.
pub const TRAINER: Trainer = Trainer {
    name: "Mara Vogt",
    user: "usr_7",
    google_account: "mara.vogt@gmail.example",
};

/// A person of the sandbox.
pub struct Trainer {
    /// Shown name.
    pub name: &'static str,
    /// Id on the platform.
    pub user: &'static str,
    /// Address of the calendar account, and id of its primary calendar.
    pub google_account: &'static str,
}
