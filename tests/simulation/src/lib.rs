//! The whole engine under seeded faults: the real engine, the real database and the real clients against the sandbox in the
//! same process, on a virtual clock and a seeded scheduler. One seed is one story, every time the same.
//!
//! # Words
//! - A *seed* is a number from which everything is drawn: the scheduler's choices, times, faults, what people do.
//! - The *stage* is what everything in a seed shares; the *weather* is how rough it gets.
//! - A *crowd* is a seed with so many appointments that many can change at once, and do.
//! - *Fate* is what nobody chose: crashes, sleep, clocks, lost databases.
//! - The *calm* is when faults have stopped; *quiet rounds* follow, and then the [`checker`] asks.
//! - A *trace* is everything that happened, as one hash.
//!
//! # What it must not do
//! Nothing here waits in real time, reads the machine's clock or draws a random number that is not the seed's. (The
//! store's seals have nonces of the system's own; nothing that is traced depends on them.)
#![forbid(unsafe_code)]

pub mod checker;
pub mod clock;
pub mod crowd;
pub mod desk;
pub mod disk;
pub mod ended;
pub mod executor;
pub mod faults;
pub mod laptop;
pub mod life;
pub mod people;
pub mod quiet;
pub mod stage;
pub mod trace;
pub mod wire;
pub mod witness;
pub mod world;
