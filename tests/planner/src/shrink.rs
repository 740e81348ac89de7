//! Making a story that breaks a law as short as it can be told.

use crate::law::Law;
use crate::live::live;
use crate::steps::Story;

/// So many tries at most; a story is short, so this is seldom reached.
const TRIES_MAX: usize = 3_000;

/// The law that a story breaks first, if it breaks one.
pub fn broken_by(story: &Story) -> Option<Law> {
    live(story).violations.first().map(|(law, _)| *law)
}

/// The same story without what it does not take to break the same law.
pub fn shrink(story: &Story) -> Story {
    let Some(law) = broken_by(story) else {
        return story.clone();
    };
    let mut tries = 0;
    let mut still_breaks = |story: &Story| {
        tries += 1;
        tries <= TRIES_MAX && broken_by(story) == Some(law)
    };
    let mut best = story.clone();
    loop {
        let before = size(&best);
        let mut part = best.steps.len();
        while part > 0 {
            let mut at = 0;
            while at < best.steps.len() {
                let mut shorter = best.clone();
                shorter.steps.drain(at..(at + part).min(best.steps.len()));
                if still_breaks(&shorter) {
                    best = shorter;
                } else {
                    at += part;
                }
            }
            part /= 2;
        }
        for simpler in [
            Story {
                lost: vec![false],
                ..best.clone()
            },
            Story {
                at_last: None,
                ..best.clone()
            },
            Story {
                appointments: 1,
                ..best.clone()
            },
        ] {
            if size(&simpler) < size(&best) && still_breaks(&simpler) {
                best = simpler;
            }
        }
        if size(&best) == before {
            return best;
        }
    }
}

fn size(story: &Story) -> (usize, usize, bool, usize) {
    let lost = story.lost.iter().filter(|lost| **lost).count();
    (
        story.steps.len(),
        lost,
        story.at_last.is_some(),
        story.appointments,
    )
}
