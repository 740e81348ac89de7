//! The deliberate bug that no history of both sides can show: nothing is written wrongly, it is only never said.
#![cfg(feature = "deliberate-bugs")]

use chrono::{DateTime, TimeDelta};
use roundtrip_core::bug::{self, Bug};
use roundtrip_core::silence::{Passed, SILENT_AFTER, Watch};

/// Whether three awake hours without a success are said, and after how long.
fn said_after() -> Option<TimeDelta> {
    let look = TimeDelta::seconds(30);
    let passed = Passed {
        wall: look,
        running: look,
    };
    let mut watch = Watch::default();
    let mut awake = TimeDelta::zero();
    while awake < TimeDelta::hours(3) {
        awake += look;
        if !watch.look(passed, true, DateTime::UNIX_EPOCH + awake).is_empty() {
            return Some(awake);
        }
    }
    None
}

#[test]
fn a_silence_that_nobody_tells_is_noticed() {
    assert_eq!(said_after(), Some(SILENT_AFTER));
    bug::switch_on(Some(Bug::SilenceIsKept));
    assert_eq!(said_after(), None, "the switch does what it says");
    bug::switch_on(None);
}
