use super::*;
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

/// A day in winter, by the clocks of Berlin.
fn at(hour: i64, minute: i64) -> DateTime<Utc> {
    "2026-11-22T23:00:00Z"
        .parse::<DateTime<Utc>>()
        .expect("a test's own time")
        + TimeDelta::hours(hour)
        + TimeDelta::minutes(minute)
}

fn read(tried_at: DateTime<Utc>) -> Known {
    Known {
        tried_at: Some(tried_at),
        ..Known::default()
    }
}

/// Both sides read just now, and a full reconcile last night.
fn just_read(now: DateTime<Utc>) -> Situation {
    Situation {
        now,
        zone: Berlin,
        every_minutes: 15,
        min_poll_seconds: 60,
        in_use: false,
        edited_at: None,
        sides: Sides {
            platform: read(now),
            calendar: read(now),
        },
        full_at: Some(now - TimeDelta::minutes(1)),
        full_tried_at: None,
        awake_since: None,
        allowance: Allowance::default(),
    }
}

/// The middle of every range: no jitter.
const MIDDLE: Chance = Chance { random: 0, device: 0 };

fn minutes_to(check: Check, now: DateTime<Utc>) -> f64 {
    (check.at - now).as_seconds_f64() / 60.0
}

fn near(check: Check, now: DateTime<Utc>, minutes: f64) {
    let found = minutes_to(check, now);
    assert!(
        found >= minutes * 0.75 && found < minutes * 1.25,
        "{found} for {minutes}"
    );
}

#[test]
fn a_network_that_is_back_is_tried_at_once_and_one_that_flickers_is_not_asked_all_the_time() {
    let now = at(10, 0);
    let mut situation = just_read(now);
    situation.min_poll_seconds = 0;
    let lost = |tried: TimeDelta, back: TimeDelta| Known {
        tried_at: Some(now - tried),
        lost_since: Some(now - TimeDelta::hours(2)),
        network_back_at: Some(now - back),
        ..Known::default()
    };
    // Gone for two hours and tried ten minutes ago: at once, and only the side that was lost.
    situation.sides.calendar = lost(TimeDelta::minutes(10), TimeDelta::zero());
    let check = next(&situation, MIDDLE);
    assert!(check.at <= now);
    assert_eq!((check.sides.platform, check.sides.calendar), (false, true));
    // Tried five seconds ago, and said again since: not before the soonest retry.
    situation.sides.calendar = lost(TimeDelta::seconds(5), TimeDelta::zero());
    assert_eq!(next(&situation, MIDDLE).at, now + TimeDelta::seconds(15));
    // It was tried since, and a network is often said to be there before it carries anything: once more …
    situation.sides.calendar = lost(TimeDelta::seconds(5), TimeDelta::seconds(6));
    assert_eq!(next(&situation, MIDDLE).at, now + TimeDelta::seconds(15));
    // … and then as seldom as before.
    situation.sides.calendar = lost(TimeDelta::seconds(5), TimeDelta::seconds(25));
    assert!(next(&situation, MIDDLE).at > now + TimeDelta::minutes(10));
}

#[test]
fn whoever_came_back_counts_as_looking_for_a_moment() {
    let now = at(10, 0);
    let back = |seconds: i64| counts_as_looking(Some(now - TimeDelta::seconds(seconds)), now);
    assert!(back(0) && back(75));
    assert!(!back(76) && !back(-1));
    assert!(!counts_as_looking(None, now));
}

#[test]
fn in_working_hours_the_setting_counts_and_outside_of_them_an_hour() {
    let now = at(10, 0);
    near(next(&just_read(now), MIDDLE), now, 15.0);
    for (minutes, expected) in [(5, 5.0), (60, 60.0), (1, 5.0), (600, 60.0)] {
        let situation = Situation {
            every_minutes: minutes,
            ..just_read(now)
        };
        near(next(&situation, MIDDLE), now, expected);
    }
    for night in [at(19, 0), at(23, 30), at(5, 30)] {
        near(next(&just_read(night), MIDDLE), night, 60.0);
    }
}

/// Checks of many laptops from 5:00 on, per ten minutes.
fn checks_in_tens(laptops: u64, hours: i64) -> Vec<u32> {
    let begin = at(5, 0);
    let mut tens = vec![0; usize::try_from(hours * 6).expect("some hours")];
    for device in 0..laptops {
        let mut situation =
            just_read(begin - TimeDelta::seconds(i64::try_from(device * 2_700 / laptops).expect("small")));
        for round in 0..100u64 {
            let random = (device << 20 ^ round).wrapping_mul(0x2545_F491_4F6C_DD1D);
            let check = next(&situation, Chance { random, device });
            let ten = (check.at - begin).num_minutes() / 10;
            let Some(count) = usize::try_from(ten).ok().and_then(|ten| tens.get_mut(ten)) else {
                break;
            };
            *count += 1;
            situation = just_read(check.at);
        }
    }
    tens
}

#[test]
fn the_working_hours_do_not_begin_for_all_at_once_nor_are_their_first_minutes_the_busiest() {
    let tens = checks_in_tens(3_000, 7);
    let (begin, later) = (&tens[12..24], &tens[24..]);
    let most = *later.iter().max().expect("some");
    assert!(begin.iter().all(|count| *count <= most + most / 20), "{tens:?}");
    // From 7:30 on they become more, and at 8:10 all are there.
    assert!(tens[1..15].iter().all(|count| *count < 700), "{tens:?}");
    assert!(tens[15] < tens[16] && tens[16] < tens[17], "{tens:?}");
    assert!(
        tens[19..].iter().all(|count| *count > most - most / 20),
        "{tens:?}"
    );
}

#[test]
fn while_the_window_is_in_use_it_is_a_minute_and_just_after_an_own_edit_two() {
    let now = at(10, 0);
    let in_use = Situation {
        in_use: true,
        ..just_read(now)
    };
    let check = next(&in_use, MIDDLE);
    near(check, now, 1.0);
    assert!(check.fast);
    let edited = |ago| Situation {
        edited_at: Some(now - TimeDelta::minutes(ago)),
        ..just_read(now)
    };
    for (ago, minutes) in [(0, 2.0), (1, 2.0), (2, 15.0), (4, 15.0)] {
        near(next(&edited(ago), MIDDLE), now, minutes);
    }
    // Whenever it is asked, it is the same check.
    let later = Situation {
        now: now + TimeDelta::minutes(1),
        ..edited(1)
    };
    assert_eq!(next(&later, MIDDLE), next(&edited(1), MIDDLE));
}

#[test]
fn the_platform_is_never_read_more_often_than_it_wants() {
    let now = at(10, 0);
    let situation = Situation {
        in_use: true,
        min_poll_seconds: 300,
        ..just_read(now)
    };
    let check = next(&situation, MIDDLE);
    near(check, now, 1.0);
    assert_eq!((check.sides.platform, check.sides.calendar), (false, true));
}

#[test]
fn a_side_in_trouble_waits_for_no_hint() {
    let now = at(10, 0);
    assert!(is_left_to_hints(true, false));
    for (hinted_at, in_trouble) in [(true, true), (false, false), (false, true)] {
        assert!(!is_left_to_hints(hinted_at, in_trouble));
    }
    // A write that failed there is tried again within the interval, not within hours.
    let mut situation = just_read(now);
    situation.sides.platform.pushed = true;
    situation.sides.calendar.pushed = is_left_to_hints(true, true);
    near(next(&situation, MIDDLE), now, 15.0);
}

#[test]
fn fast_checks_become_slower_and_come_back() {
    let mut now = at(10, 0);
    let mut allowance = Allowance::default();
    let mut intervals = Vec::new();
    while let Some(interval) = allowance.interval(now) {
        intervals.push(interval.num_minutes());
        allowance = allowance.after_one(now);
    }
    assert_eq!(intervals, [1, 1, 2, 2, 4, 4, 8, 8]);
    now += TimeDelta::hours(3) + TimeDelta::seconds(1);
    assert_eq!(allowance.interval(now), Some(TimeDelta::minutes(8)));
    assert_eq!(allowance.interval(now + DAY), Some(FAST));
    assert_eq!(
        allowance.interval(now - TimeDelta::days(40)),
        Some(FAST),
        "a clock that was set back"
    );
}

#[test]
fn a_side_that_tells_by_itself_is_left_alone() {
    let now = at(10, 0);
    let mut situation = Situation {
        in_use: true,
        ..just_read(now)
    };
    situation.sides.platform.pushed = true;
    let check = next(&situation, MIDDLE);
    assert_eq!((check.sides.platform, check.sides.calendar), (false, true));
    situation.sides.calendar.pushed = true;
    let check = next(&situation, MIDDLE);
    near(check, now, 480.0);
}

#[test]
fn what_could_not_be_reached_is_tried_after_a_third_of_the_time_lost() {
    let now = at(10, 0);
    let lost = |minutes| {
        let mut situation = just_read(now);
        situation.sides.platform.pushed = true;
        situation.sides.calendar.lost_since = Some(now - TimeDelta::minutes(minutes));
        next(&situation, MIDDLE)
    };
    near(lost(0), now, 1.0 / 3.0);
    near(lost(9), now, 3.0);
    near(lost(300), now, 20.0);
    assert!(!lost(0).sides.platform);
}

#[test]
fn a_side_that_was_never_read_or_by_a_wrong_clock_is_read_at_once() {
    let now = at(10, 0);
    for tried_at in [None, Some(now + TimeDelta::days(30))] {
        let mut situation = just_read(now);
        situation.sides.calendar.tried_at = tried_at;
        assert_eq!(next(&situation, MIDDLE).at, now);
    }
}

#[test]
fn a_start_looks_at_once_unless_nothing_is_owed_and_it_looked_just_before() {
    let now = at(10, 0);
    let fresh = just_read(now);
    let chance = Chance {
        random: 0x1234_5678_9abc_def0,
        device: 7,
    };
    let spread = first(&fresh, false, chance) - now;
    assert!(
        spread > TimeDelta::zero() && spread < TimeDelta::minutes(10),
        "{spread}"
    );
    assert_eq!(first(&fresh, true, chance), now);
    assert_eq!(
        first(
            &Situation {
                in_use: true,
                ..fresh
            },
            false,
            chance
        ),
        now
    );
    let mut old = fresh;
    old.sides.calendar = read(now - TimeDelta::hours(11));
    assert!(first(&old, false, chance) > now, "it told its changes by itself");
    old.sides.platform = old.sides.calendar;
    assert_eq!(first(&old, false, chance), now);
    let mut never = fresh;
    never.sides.calendar.tried_at = None;
    assert_eq!(first(&never, false, chance), now);
}

#[test]
fn a_full_reconcile_each_night_at_the_devices_own_time() {
    let midday = at(12, 0);
    for device in 0..100 {
        let chance = Chance {
            random: device,
            device,
        };
        let due = |now, awake| full_is_due(Some(midday), now, Berlin, awake, chance);
        let mut now = midday;
        while !due(now, None) {
            now += TimeDelta::minutes(1);
        }
        assert!(now >= at(25, 0) && now <= at(29, 1), "{now}");
        // Slept through: within an hour after waking up.
        let woke = at(31, 0);
        now = woke;
        while !due(now, Some(woke)) {
            now += TimeDelta::minutes(1);
        }
        assert!(now <= at(32, 1), "{now}");
    }
    assert!(full_is_due(None, midday, Berlin, None, MIDDLE));
    assert!(full_is_due(
        Some(midday + TimeDelta::days(3650)),
        midday,
        Berlin,
        None,
        MIDDLE
    ));
    assert!(full_is_due(
        Some(midday),
        at(12 + 37, 0),
        Berlin,
        Some(at(12 + 37, 0)),
        MIDDLE
    ));
}

#[test]
fn a_full_reconcile_that_did_not_work_is_tried_again_no_sooner_than_any_check() {
    let now = at(10, 0);
    for lost in [false, true] {
        for pushed in [false, true] {
            let mut situation = Situation {
                full_at: None,
                full_tried_at: Some(now),
                ..just_read(now)
            };
            situation.sides.platform.pushed = pushed;
            situation.sides.calendar.pushed = pushed;
            situation.sides.calendar.lost_since = lost.then_some(now);
            let minutes = if lost { 1.0 / 3.0 } else { 15.0 };
            near(next(&situation, MIDDLE), now, minutes);
        }
    }
}

#[test]
fn nights_are_spread_by_the_device() {
    let mut an_hour = [0; 6];
    for device in 0..400 {
        let chance = Chance { random: 1, device };
        let situation = just_read(at(20, 0));
        let night = next_night(&situation, chance);
        let hour = (night - at(24, 0)).num_hours();
        an_hour[usize::try_from(hour).expect("after midnight")] += 1;
    }
    assert_eq!(an_hour[0] + an_hour[5], 0, "{an_hour:?}");
    assert!(
        an_hour[1..5].iter().all(|count| (60..140).contains(count)),
        "{an_hour:?}"
    );
}

#[test]
fn a_burst_ends_when_it_is_quiet_and_never_lasts_longer_than_ten_seconds() {
    let second = std::time::Duration::from_secs(1);
    let mut burst = Burst::begin(second * 100);
    assert_eq!(burst.ends_at(), second * 102);
    for now in 101..=120 {
        burst.more(second * now);
    }
    assert_eq!(burst.ends_at(), second * 110);
}

/// What one trainer's day costs at Google.
struct Day {
    checks: u32,
    fast: u32,
    requests: u32,
}

/// A laptop that is never off. 20 changes from 8:00 to 20:00, half of them made on the platform, half in the calendar; the
/// window is in use for half an hour in the morning and in the evening. What is made on the platform is one write to Google, and with
/// notices one look that is put off, unless another one comes before; an
/// edit in the calendar is one more look when it has settled, or the one look that its notice leads to, and no write, for the
/// event says it already (`what_a_change_costs_at_google`). A second calendar is read with every check but fast ones.
fn a_day(pushed: bool, seed: u64) -> Day {
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let begin = at(0, 0);
    let mut edits: Vec<DateTime<Utc>> = (0..10)
        .map(|_| at(8, 0) + TimeDelta::seconds(i64::try_from(draw() % 43_200).expect("small")))
        .collect();
    edits.sort_unstable();
    // Each write has its notice, and the look that it asks for is put off.
    let mut writes: Vec<DateTime<Utc>> = (0..10)
        .map(|_| at(8, 0) + TimeDelta::seconds(i64::try_from(draw() % 43_200).expect("small")))
        .collect();
    writes.sort_unstable();
    let put_off = TimeDelta::from_std(crate::echo::PUT_OFF).expect("minutes");
    let mut situation = Situation {
        full_at: Some(begin - TimeDelta::hours(21)),
        ..just_read(begin)
    };
    situation.sides.calendar.pushed = pushed;
    situation.sides.platform.pushed = pushed;
    // What was made on the platform is written.
    let mut day = Day {
        checks: 0,
        fast: 0,
        requests: 10,
    };
    let mut edits = edits.into_iter().peekable();
    let mut writes = writes.into_iter().peekable();
    let mut settled = None;
    for _ in 0..10_000 {
        let chance = Chance {
            random: draw(),
            device: seed,
        };
        let passed = (situation.now - begin).num_minutes();
        situation.in_use = (540..570).contains(&passed) || (1_140..1_170).contains(&passed);
        let mut check = next(&situation, chance);
        check.at = check.at.max(situation.now);
        // A window that is opened is a reason to think again.
        let opened = [at(9, 0), at(19, 0)]
            .into_iter()
            .find(|at| *at > situation.now && *at < check.at);
        let hinted = edits.peek().copied().filter(|_| pushed);
        let echo = writes.peek().map(|at| *at + put_off).filter(|_| pushed);
        let event = [opened, settled, hinted, echo]
            .into_iter()
            .flatten()
            .min()
            .filter(|at| *at < check.at);
        if let Some(event) = event {
            situation.now = event;
            if Some(event) == opened {
                continue;
            }
            check = Check {
                at: event,
                sides: Sides {
                    platform: false,
                    calendar: true,
                },
                fast: true,
            };
        }
        if check.at >= begin + DAY {
            return day;
        }
        situation.now = check.at;
        if check.sides.calendar {
            let by_event = event.is_some();
            day.checks += 1;
            day.fast += u32::from(check.fast && !by_event);
            day.requests += if check.fast { 1 } else { 2 };
            situation.sides.calendar.tried_at = Some(check.at);
            if check.fast && !by_event {
                situation.allowance = situation.allowance.after_one(check.at);
            }
            settled = settled.filter(|at| *at > check.at);
            while writes.next_if(|write| *write <= check.at).is_some() {}
            while edits.next_if(|edit| *edit <= check.at).is_some() {
                // What settles needs no further look where further changes tell themselves.
                settled = (!pushed).then_some(check.at + TimeDelta::seconds(20));
                situation.edited_at = Some(check.at);
            }
        }
        if check.sides.platform {
            situation.sides.platform.tried_at = Some(check.at);
        }
        let chance = Chance {
            random: 0,
            device: seed,
        };
        if check.sides == Sides::BOTH && full_is_due(situation.full_at, check.at, Berlin, None, chance) {
            situation.full_at = Some(check.at);
        }
    }
    panic!("the day of seed {seed} does not end: {situation:?}");
}

#[test]
fn a_day_costs_no_more_than_its_budget() {
    let (mut most, mut pushed_sum) = ((0, 0), 0);
    for seed in 1..=200 {
        let polling = a_day(false, seed);
        assert!(polling.requests <= 160, "seed {seed}: {}", polling.requests);
        assert!(
            polling.checks >= 50 && polling.fast <= 17,
            "{} {}",
            polling.checks,
            polling.fast
        );
        let pushed = a_day(true, seed);
        // A day on which nothing comes together with anything else.
        assert!(pushed.requests <= 36, "seed {seed}: {}", pushed.requests);
        pushed_sum += pushed.requests;
        most = (most.0.max(polling.requests), most.1.max(pushed.requests));
    }
    assert!(pushed_sum <= 200 * 30, "{} a day", pushed_sum / 200);
    println!("pushed, a day: {}", f64::from(pushed_sum) / 200.0);
    println!("most requests of a day: polling {}, pushed {}", most.0, most.1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the situation: never earlier than a quarter below what applies, never later than a quarter above the net,
    /// and something is read.
    #[test]
    fn the_next_check_is_within_its_bounds(
        hour in 0i64..48, minute in 0i64..60, every in 0u32..100, min_poll in 0u32..600,
        in_use: bool, pushed: (bool, bool), lost in proptest::option::of(0i64..3_000),
        ago in (0i64..20_000, 0i64..20_000), random: u64, device: u64,
    ) {
        let now = at(hour, minute);
        let mut situation = Situation {
            every_minutes: every, min_poll_seconds: min_poll, in_use,
            ..just_read(now)
        };
        let tried = (now - TimeDelta::seconds(ago.0), now - TimeDelta::seconds(ago.1));
        situation.sides = Sides {
            platform: Known { tried_at: Some(tried.0), lost_since: None, pushed: pushed.0, ..Known::default() },
            calendar: Known {
                tried_at: Some(tried.1),
                lost_since: lost.map(|minutes| tried.1 - TimeDelta::minutes(minutes)),
                pushed: pushed.1,
                ..Known::default()
            },
        };
        let chance = Chance { random, device };
        let check = next(&situation, chance);
        let night = next_night(&situation, chance);
        prop_assert!(check.sides.platform || check.sides.calendar);
        if check.sides.platform {
            prop_assert!(check.at >= tried.0 + TimeDelta::seconds(i64::from(min_poll)) || check.sides.calendar);
        }
        prop_assert!(check.at <= now.max(tried.0.min(tried.1) + TimeDelta::hours(10)));
        let soonest = tried.0.min(tried.1) + TimeDelta::seconds(15);
        prop_assert!(check.at >= soonest.min(night.max(now)));
    }

    /// Laptops that checked in the same moment are spread after one round, and evenly after a few.
    #[test]
    fn nobody_stays_in_step(seed: u64) {
        let mut minutes = std::collections::BTreeMap::new();
        for device in 0..300u64 {
            let mut situation = just_read(at(10, 0));
            for round in 0..8u64 {
                let random = (seed ^ (device << 20) ^ round).wrapping_mul(0x2545_F491_4F6C_DD1D);
                let check = next(&situation, Chance { random, device });
                situation = Situation { full_at: situation.full_at, ..just_read(check.at) };
            }
            *minutes.entry((situation.now - at(10, 0)).num_minutes()).or_insert(0) += 1;
        }
        prop_assert!(minutes.values().all(|count| *count < 60), "{:?}", minutes);
    }

    /// Two checks of a laptop that is on are never as far apart as two that were missed, at whatever time of the day.
    #[test]
    fn a_laptop_that_is_on_never_seems_to_have_missed_checks(
        random in any::<[u64; 2]>(), device in any::<u64>(), minute in 0i64..2_880, every in 5u32..=60,
    ) {
        let begin = at(0, minute);
        let mut now = begin;
        for random in random {
            let situation = Situation { every_minutes: every, ..just_read(now) };
            now = next(&situation, Chance { random, device }).at;
        }
        prop_assert!(now <= missed_after(begin, Berlin, every, device), "{now} after {begin}");
    }

    /// However changes come: what is waited for is at most two seconds of quiet, and ten in all.
    #[test]
    fn a_burst_is_never_cut_early_nor_late(gaps in proptest::collection::vec(0u64..4_000, 0..40)) {
        let ms = std::time::Duration::from_millis;
        let mut burst = Burst::begin(ms(0));
        let mut now = ms(0);
        for gap in gaps {
            if now + ms(gap) >= burst.ends_at() {
                break;
            }
            now += ms(gap);
            burst.more(now);
        }
        prop_assert!(burst.ends_at() <= Burst::MOST);
        prop_assert!(burst.ends_at() == Burst::MOST || burst.ends_at() == now + Burst::QUIET);
        prop_assert!(burst.ends_at() > now);
    }
}

#[test]
fn checks_are_missed_sooner_in_working_hours_than_in_the_evening() {
    let minutes = |after, every| (missed_after(after, Berlin, every, 0) - after).as_seconds_f64() / 60.0;
    assert_eq!(minutes(at(10, 0), 15), 37.5);
    assert_eq!(minutes(at(20, 0), 15), 150.0, "hourly in the evening");
    assert_eq!(minutes(at(20, 0), 60), 150.0);
    // The working hours of this device begin at 8:00, whenever it looked last.
    assert_eq!(minutes(at(7, 50), 15), 10.0 + 37.5);
    // Its last check of the day is followed by one of the evening.
    assert_eq!(minutes(at(17, 50), 15), 18.75 + 75.0);
}

#[test]
fn sides_that_cease_to_tell_are_read_within_the_interval_and_not_at_once() {
    let now = at(10, 0);
    let mut situation = just_read(now);
    situation.sides.calendar = Known {
        tried_at: Some(now - TimeDelta::hours(5)),
        unpushed_at: Some(now),
        ..Known::default()
    };
    let mut times: Vec<i64> = (0..1_000u64)
        .map(|random| {
            let chance = Chance {
                random: random.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                device: random,
            };
            (next(&situation, chance).at - now).num_seconds()
        })
        .collect();
    times.sort_unstable();
    assert!(
        times[0] >= 0 && times[999] <= 15 * 60,
        "{} {}",
        times[0],
        times[999]
    );
    let first_minute = times.iter().filter(|at| **at < 60).count();
    assert!(first_minute < 130, "{first_minute} of 1,000 in the first minute");
    // Who looks at the window does not wait for it.
    situation.in_use = true;
    assert!(next(&situation, MIDDLE).at <= now);
}

#[test]
fn checks_that_hints_lead_to_do_not_put_the_full_reconcile_off() {
    let now = at(10, 0);
    let mut situation = just_read(now);
    situation.full_at = Some(now - TimeDelta::hours(40));
    assert!(
        next(&situation, MIDDLE).at <= now,
        "though both sides were read just now"
    );
    situation.full_tried_at = Some(now);
    assert!(
        next(&situation, MIDDLE).at > now + TimeDelta::minutes(5),
        "it was tried just now"
    );
}

#[test]
fn just_after_a_wake_up_a_lost_side_is_tried_often() {
    let now = at(10, 0);
    let mut situation = just_read(now);
    for known in [&mut situation.sides.platform, &mut situation.sides.calendar] {
        known.lost_since = Some(now - TimeDelta::days(7));
    }
    near(next(&situation, MIDDLE), now, 20.0);
    situation.awake_since = Some(now - TimeDelta::minutes(4));
    near(next(&situation, MIDDLE), now, 0.5);
}
