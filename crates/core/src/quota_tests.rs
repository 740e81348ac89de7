use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn ms(of: u64) -> Duration {
    Duration::from_millis(of)
}

/// A service with the same limits, which counts a request at some moment of its journey and refuses what is too much.
struct Service {
    user: Limit,
    counted: Vec<Duration>,
    refused: u32,
}

impl Service {
    fn new(user: Limit) -> Self {
        Self {
            user,
            counted: Vec::new(),
            refused: 0,
        }
    }

    fn count(&mut self, at: Duration) {
        let within = self
            .counted
            .iter()
            .filter(|known| **known + self.user.span > at)
            .count();
        if within as u32 >= self.user.requests {
            self.refused += 1;
        } else {
            self.counted.push(at);
        }
    }

    fn most_within(&self, span: Duration) -> usize {
        let mut sorted = self.counted.clone();
        sorted.sort_unstable();
        (0..sorted.len())
            .map(|from| {
                sorted[from..]
                    .iter()
                    .take_while(|at| **at < sorted[from] + span)
                    .count()
            })
            .max()
            .unwrap_or(0)
    }
}

/// A queue of `requests`, `side_by_side` of them at a time, each travelling `journeys[i]` ms and counted after a share of it.
/// Answers when each was sent.
fn drain(
    limits: Limits,
    requests: usize,
    side_by_side: usize,
    journeys: &[(u64, u8)],
    service: &mut Service,
) -> Vec<Duration> {
    let mut governor = Governor::new(limits);
    let mut now = Duration::ZERO;
    let mut under_way: Vec<(Duration, Ticket)> = Vec::new();
    let mut arriving: Vec<Duration> = Vec::new();
    let (mut sent, mut waiting) = (Vec::new(), VecDeque::new());
    while sent.len() < requests || !under_way.is_empty() {
        while under_way.len() + waiting.len() < side_by_side && sent.len() + waiting.len() < requests {
            waiting.push_back(governor.ask(0, Urgency::Bulk));
        }
        let mut again = None;
        while let Some(ticket) = waiting.front().copied() {
            match governor.turn(ticket, now) {
                Turn::Go => {
                    waiting.pop_front();
                    let (journey, share) = journeys[sent.len() % journeys.len()];
                    arriving.push(now + ms(journey) * u32::from(share) / 255);
                    under_way.push((now + ms(journey), ticket));
                    sent.push(now);
                }
                Turn::Wait(wait) => {
                    again = wait.map(|wait| now + wait);
                    break;
                }
                Turn::Held(_) => panic!("nobody asked to wait"),
            }
        }
        under_way.sort_unstable();
        let next = under_way.first().map(|(at, _)| *at);
        now = match (next, again) {
            (Some(one), Some(other)) => one.min(other),
            (one, other) => one.or(other).expect("something goes on"),
        };
        while under_way.first().is_some_and(|(at, _)| *at <= now) {
            let (_, ticket) = under_way.remove(0);
            governor.answered(ticket, now);
        }
    }
    arriving.sort_unstable();
    for at in arriving {
        service.count(at);
    }
    sent
}

#[test]
fn a_first_sync_of_a_thousand_is_done_in_105_seconds_without_a_refusal() {
    let mut service = Service::new(Limit::a_minute(600));
    let sent = drain(GOOGLE, 1_000, 8, &[(100, 128)], &mut service);
    assert_eq!(service.refused, 0);
    assert!(sent[999] < SECOND * 105, "{:?}", sent[999]);
    assert!(sent[149] < SECOND * 5, "the coming week: {:?}", sent[149]);
    assert!(
        service.most_within(SECOND) <= 50,
        "{}",
        service.most_within(SECOND)
    );
}

#[test]
fn while_a_queue_waits_95_of_100_allowed_requests_are_used() {
    for journey in [20, 100, 500] {
        let mut service = Service::new(Limit::a_minute(600));
        let sent = drain(GOOGLE, 6_000, 8, &[(journey, 200)], &mut service);
        assert_eq!(service.refused, 0);
        // The first minute may use a whole window at once; from then on the window slides.
        let used = 6_000.0 / (sent[5_999].as_secs_f64() / 60.0) / 600.0;
        assert!(used >= 0.95, "{journey} ms: {used}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However long requests travel and wherever on their journey they are counted: no window of the service holds more
    /// than its limit, and no second more than the burst.
    #[test]
    fn the_service_never_counts_more_than_it_allows(
        journeys in proptest::collection::vec((0u64..8_000, any::<u8>()), 1..40),
        side_by_side in 1usize..40,
        user in 2u32..80,
        burst in 1u32..20,
    ) {
        let limits = Limits { user: Limit::a_minute(user), project: None, burst: Limit::a_second(burst) };
        let mut service = Service::new(limits.user);
        let sent = drain(limits, 300, side_by_side, &journeys, &mut service);
        prop_assert_eq!(sent.len(), 300);
        prop_assert_eq!(service.refused, 0);
        prop_assert!(service.most_within(SECOND) <= burst as usize);
    }

    /// Of accounts that all have a queue, none gets more than one turn more than another.
    #[test]
    fn accounts_that_wait_share_the_project_alike(accounts in 2u32..6, project in 12u32..60) {
        let limits = Limits {
            user: Limit::a_minute(600),
            project: Some(Limit::a_minute(project)),
            burst: Limit::a_second(600),
        };
        let mut governor = Governor::new(limits);
        let mut tickets = Vec::new();
        // The first account asks for everything before the others ask at all.
        for account in 0..accounts {
            for _ in 0..project {
                tickets.push((account, governor.ask(account, Urgency::Bulk)));
            }
        }
        let mut turns = BTreeMap::new();
        for (account, ticket) in tickets {
            if governor.turn(ticket, Duration::ZERO) == Turn::Go {
                *turns.entry(account).or_insert(0u32) += 1;
            }
        }
        prop_assert_eq!(turns.values().sum::<u32>(), project);
        let (least, most) = (turns.values().min(), turns.values().max());
        prop_assert!(turns.len() == accounts as usize && most.zip(least).is_some_and(|(a, b)| a - b <= 1));
    }

    /// Pauses grow, stay within their bounds, and differ from laptop to laptop.
    #[test]
    fn pauses_grow_up_to_their_bound(times in 1u32..40, random: u64) {
        let user = pause(times, Refusal::User, random);
        let project = pause(times, Refusal::Project, random);
        prop_assert!(user >= SECOND * 3 && user <= SECOND * 80);
        prop_assert!(project >= SECOND * 4 && project <= SECOND * 128);
        prop_assert!(pause(times + 2, Refusal::User, random) >= user);
        prop_assert!(gone(times, random) >= SECOND * 2_700 && gone(times, random) <= SECOND * 27_000);
    }
}

fn used_up() -> (Governor, Vec<Ticket>) {
    let limits = Limits {
        user: Limit::a_minute(100),
        project: None,
        burst: Limit::a_second(100),
    };
    let mut governor = Governor::new(limits);
    let bulk: Vec<Ticket> = (0..100).map(|_| governor.ask(0, Urgency::Bulk)).collect();
    for ticket in &bulk[..98] {
        assert_eq!(governor.turn(*ticket, Duration::ZERO), Turn::Go);
        governor.answered(*ticket, Duration::ZERO);
    }
    (governor, bulk)
}

#[test]
fn what_somebody_waits_for_goes_before_bulk() {
    let (mut governor, bulk) = used_up();
    assert_eq!(governor.turn(bulk[98], SECOND), Turn::Wait(Some(SECOND * 59)));
    let click = governor.ask(0, Urgency::Interactive);
    assert_eq!(governor.turn(click, SECOND), Turn::Go);

    // Also where both may go.
    let click = governor.ask(0, Urgency::Interactive);
    assert_eq!(governor.turn(bulk[98], MINUTE), Turn::Go);
    assert_eq!(governor.tickets.get(&click).map(|known| known.2), Some(true));
}

#[test]
fn who_does_not_wait_any_more_blocks_nobody() {
    let (mut governor, bulk) = used_up();
    governor.withdraw(bulk[98], SECOND);
    assert_eq!(governor.turn(bulk[99], MINUTE), Turn::Go);
    governor.withdraw(bulk[99], MINUTE);
    assert_eq!(
        governor.account(0).window.under_way,
        0,
        "a place that was given back"
    );
}

#[test]
fn a_tenth_is_left_for_others_only_once_they_are_seen() {
    let (mut governor, _) = used_up();
    assert_eq!(governor.account(0).most(SECOND), 100);
    // Refused at 98: somebody else uses the account.
    let wait = governor.refused(0, Refusal::User, None, SECOND, 0);
    assert_eq!(wait, SECOND * 3);
    assert_eq!(governor.account(0).most(SECOND), 88);
    assert_eq!(governor.account(0).most(SECOND * 61), 98);
    assert_eq!(governor.account(0).most(SECOND * 121), 100);
}

#[test]
fn refusals_of_one_moment_are_one_and_retry_after_wins() {
    let (mut governor, bulk) = used_up();
    let first = governor.refused(0, Refusal::User, None, SECOND, 0);
    let second = governor.refused(0, Refusal::User, None, SECOND + ms(10), u64::MAX);
    assert_eq!(second, first - ms(10), "the same pause goes on");
    assert_eq!(
        governor.refused(0, Refusal::User, Some(SECOND * 40), SECOND * 2, 0),
        SECOND * 40
    );
    assert_eq!(governor.turn(bulk[98], SECOND * 12), Turn::Held(SECOND * 30));

    let ticket = governor.ask(0, Urgency::Bulk);
    assert_eq!(governor.turn(ticket, SECOND * 61), Turn::Go);
    assert_eq!(
        governor.refused(0, Refusal::User, None, SECOND * 62, 0),
        SECOND * 6,
        "the second in a row"
    );
    governor.went_well(0, SECOND * 63);
    assert_eq!(governor.account(0).refusals, 2, "it is still left alone");
    governor.went_well(0, SECOND * 70);
    assert_eq!(
        governor.refused(0, Refusal::User, None, SECOND * 90, 0),
        SECOND * 3,
        "it had gone well"
    );
}

#[test]
fn other_accounts_go_on_while_one_is_held() {
    let mut governor = Governor::new(GOOGLE);
    governor.refused(1, Refusal::User, None, Duration::ZERO, 0);
    let (held, free) = (governor.ask(1, Urgency::Bulk), governor.ask(2, Urgency::Bulk));
    assert!(matches!(governor.turn(held, Duration::ZERO), Turn::Held(_)));
    assert_eq!(governor.turn(free, Duration::ZERO), Turn::Go);
}

#[test]
fn what_the_service_says_is_left_is_all_that_is_used() {
    let mut governor = Governor::new(PLATFORM);
    let told = Told {
        limit: Some(Limit::a_minute(600)),
        left: 2,
        reset: SECOND * 20,
    };
    governor.told(0, told, Duration::ZERO);
    let tickets: Vec<Ticket> = (0..3).map(|_| governor.ask(0, Urgency::Bulk)).collect();
    assert_eq!(governor.turn(tickets[0], SECOND), Turn::Go);
    assert_eq!(governor.turn(tickets[1], SECOND), Turn::Go);
    assert_eq!(governor.turn(tickets[2], SECOND), Turn::Wait(Some(SECOND * 19)));
    assert_eq!(governor.turn(tickets[2], SECOND * 20), Turn::Go);
}

#[test]
fn a_service_may_allow_less_than_it_publishes_but_not_more() {
    let mut governor = Governor::new(PLATFORM);
    let mut told = |requests| {
        let told = Told {
            limit: Some(Limit::a_minute(requests)),
            left: 10,
            reset: SECOND,
        };
        governor.told(0, told, Duration::ZERO);
        governor.account(0).window.limit.requests
    };
    assert_eq!(
        [told(100), told(1_000_000), told(0), told(600)],
        [100, 100, 100, 600]
    );
}

#[test]
fn a_limit_that_is_used_up_for_long_is_no_turn_to_wait_for() {
    let mut governor = Governor::new(PLATFORM);
    let told = Told {
        limit: None,
        left: 1,
        reset: SECOND * 3_000,
    };
    governor.told(0, told, Duration::ZERO);
    let tickets: Vec<Ticket> = (0..2).map(|_| governor.ask(0, Urgency::Bulk)).collect();
    assert_eq!(governor.turn(tickets[0], SECOND), Turn::Go);
    assert_eq!(governor.turn(tickets[1], SECOND), Turn::Held(SECOND * 2_999));
}
