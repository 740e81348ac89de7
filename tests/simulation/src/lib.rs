//! The whole engine under seeded faults: the real engine, the real database and the real clients against the sandbox in the
//! same process, on a virtual clock and a seeded scheduler. One seed is one story, every time the same.
//!
//! # What it must not do
//! Nothing here waits in real time, reads the machine's clock or draws a random number that is not the seed's.
#![forbid(unsafe_code)]

pub mod checker;
pub mod ended;
