//! I12: nothing is sent beyond the pace, nor while a service asked to wait.

use super::facts::Facts;
use crate::ended::{Violation, WireRecord};
use chrono::{DateTime, TimeDelta, Utc};

/// A `Retry-After` beyond this is not believed (`crates/http/src/pace.rs`).
const LONGEST_HOLD: TimeDelta = TimeDelta::hours(24);
/// Both services publish so many requests a minute for a user.
const PUBLISHED: usize = 600;
const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// So many requests of one laptop can be under way when the first of them is answered "wait".
const UNDER_WAY: usize = 8;

/// A sign-in whose end was not kept (the disk was full, the power went) is tried again, but not for ever.
const ENDED_TRIES: usize = 4;

pub(super) fn check(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for google in [false, true] {
        ended_sign_ins_rest(facts, google, found);
    }
    for (number, laptop) in facts.ended.laptops.iter().enumerate() {
        for google in [false, true] {
            let requests: Vec<&WireRecord> = facts
                .ended
                .requests
                .iter()
                .filter(|request| request.laptop == number && request.google == google && is_api(request))
                .collect();
            // What a lost database knew of a wait is lost with it.
            if !laptop.database_was_lost {
                waits_when_asked(number, &requests, found);
            }
            keeps_the_pace(number, &requests, found);
        }
    }
}

/// Sign-in has limits of its own.
fn is_api(request: &WireRecord) -> bool {
    request.path.contains("/calendar/v3/") || request.path.contains("/v1/")
}

/// After the service has said that a sign-in is over, it is not tried again until the trainer has signed in.
fn ended_sign_ins_rest(facts: &Facts<'_>, google: bool, found: &mut Vec<Violation>) {
    for laptop in 0..facts.ended.laptops.len() {
        let (mut refused, mut boot) = (0, 0);
        for (index, request) in facts.ended.requests.iter().enumerate() {
            let is_refresh = request.method == "POST" && request.path.contains("/token");
            if request.laptop != laptop || request.google != google || !is_refresh {
                continue;
            }
            let since = facts
                .ended
                .witnessed
                .sign_ins
                .iter()
                .filter(|(by, at)| *by == laptop && *at <= index)
                .count();
            let era = request.era / 1_000 * 10_000 + since as u64;
            if era != boot || request.status != Some(400) {
                refused = 0;
            }
            boot = era;
            // What was cut or spoiled on its way said nothing that could be read, so it may be asked again (seed 711349).
            let was_read = request.status == Some(400) && request.faults.is_empty();
            refused += usize::from(was_read);
            if refused > ENDED_TRIES {
                found.push(Violation {
                    invariant: "I12",
                    what: format!(
                        "laptop {laptop} tried an ended sign-in again and again, until {}",
                        request.at
                    ),
                });
                break;
            }
        }
    }
}

fn waits_when_asked(laptop: usize, requests: &[&WireRecord], found: &mut Vec<Violation>) {
    let mut until: Option<(DateTime<Utc>, usize)> = None;
    let mut era = None;
    for request in requests {
        if era.replace(request.era) != Some(request.era) {
            until = None;
        }
        if let Some((end, under_way)) = &mut until {
            if request.at >= *end {
                until = None;
            } else if *under_way == 0 {
                found.push(Violation {
                    invariant: "I12",
                    what: format!(
                        "laptop {laptop} sent {} {} at {} though it was asked to wait until {end}",
                        request.method, request.path, request.at
                    ),
                });
                until = None;
            } else {
                *under_way -= 1;
            }
        }
        if let (Some(429 | 503 | 403), Some(seconds)) = (request.status, request.retry_after) {
            let wait = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
            let wait = wait.unwrap_or(LONGEST_HOLD).min(LONGEST_HOLD);
            let end = request.at + wait;
            if until.is_none_or(|(known, _)| known < end) {
                until = Some((end, UNDER_WAY));
            }
        }
    }
}

fn keeps_the_pace(laptop: usize, requests: &[&WireRecord], found: &mut Vec<Violation>) {
    for (index, request) in requests.iter().enumerate() {
        let Some(first) = index.checked_sub(PUBLISHED).map(|first| requests[first]) else {
            continue;
        };
        if request.at >= first.at && request.at - first.at < MINUTE {
            found.push(Violation {
                invariant: "I12",
                what: format!(
                    "laptop {laptop} sent more than {PUBLISHED} requests within a minute, until {}",
                    request.at
                ),
            });
            return;
        }
    }
}
