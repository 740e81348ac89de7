//! What happened, as one number: the same seed gives the same one, on every machine.

use crate::executor::lock;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};
use std::sync::Mutex;

/// The trace of one seed: every decision of the scheduler, request, answer, commit, fault and step of an actor.
pub struct Trace {
    state: Mutex<State>,
    shown: bool,
}

struct State {
    hash: Fold,
    notes: u64,
    lines: Vec<String>,
}

/// Two independent 64-bit folds (FNV-1a and a rotating multiply): quick, and without a key of the machine's own.
struct Fold {
    one: u64,
    two: u64,
}

impl Fold {
    fn byte(&mut self, byte: u8) {
        self.one = (self.one ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        self.two = (self.two.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.byte(byte);
        }
    }
}

impl fmt::Write for Fold {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.byte(byte));
        Ok(())
    }
}

impl Trace {
    /// An empty trace; `shown` keeps it readable as well.
    pub fn new(shown: bool) -> Self {
        let hash = Fold {
            one: 0xCBF2_9CE4_8422_2325,
            two: 0x9E37_79B9_7F4A_7C15,
        };
        Self {
            state: Mutex::new(State {
                hash,
                notes: 0,
                lines: Vec::new(),
            }),
            shown,
        }
    }

    /// Notes something that happened at this time.
    pub fn note(&self, at: DateTime<Utc>, what: fmt::Arguments<'_>) {
        let mut state = lock(&self.state);
        state.notes += 1;
        state
            .hash
            .number(u64::try_from(at.timestamp_micros()).unwrap_or(0));
        // A fold never fails.
        let _ = state.hash.write_fmt(what);
        if self.shown {
            state
                .lines
                .push(format!("{} {what}", at.format("%m-%d %H:%M:%S%.3f")));
        }
    }

    /// Notes a choice by its number alone: it is not worth a line.
    pub fn number(&self, what: &'static str, number: u64) {
        let mut state = lock(&self.state);
        state.hash.number(number ^ what.len() as u64);
    }

    /// The hash so far: SHA-256 over the folds and the count of notes, in hex, 16 digits.
    pub fn hash(&self) -> String {
        let state = lock(&self.state);
        let mut sha = Sha256::new();
        sha.update(state.hash.one.to_le_bytes());
        sha.update(state.hash.two.to_le_bytes());
        sha.update(state.notes.to_le_bytes());
        sha.finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The lines, if they are kept.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.state).lines.clone()
    }
}
