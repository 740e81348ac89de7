//! The real program against the sandbox over real HTTP, killed at every point and run on what is broken.
//!
//! # Key concepts
//! - A *stage* is a sandbox on a clock of its own, a data folder and the program (`roundtrip-crash`: the app as it ships, plus the
//!   right to be killed). It can be put back to an earlier *scene* as often as wanted.
//! - A *moment* is a point between two things that must both happen: before and after each commit, each request, each file
//!   that is put in another place. The program counts them; it dies at the one it is told.
//! - A *story* is a scene and the verb that runs in it. Its *ending* is what both services, the ledger and the admins know
//!   when nothing is left to do. It must be the same wherever the program died.
//! - A *leak* is a secret of a sign-in that lies readable in the data folder, or was said aloud. There is none at any moment.
//!
//! # What it must not do
//! It asks the engine for no opinion: an ending is read from the services themselves and from the database's rows.
#![forbid(unsafe_code)]

pub mod breakage;
pub mod campaign;
pub mod ending;
mod leaks;
pub mod stage;
pub mod stories;
