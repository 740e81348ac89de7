//! Below the quota, and as close to it as can be: whose turn is it, and when?
//!
//! A *limit* is so many requests in any window of time. A request holds its place in the window from the moment it may be
//! sent until one window after its **answer**: the service counted it at some moment in between, so that no window of the
//! service ever holds more than the limit, however long requests travel. A place costs the window and one journey; at 100 ms
//! that uses 99.8 % of what is allowed.
//!
//! Nothing is left free for others who share the account until others are seen: a refusal for speed while we are below the
//! limit. Then a tenth less than what went well is used, and the rest comes back over ten minutes.
//!
//! What somebody waits for comes before bulk, and a small reserve is kept for it. Among the accounts of one project the one
//! that used least is next; within an account, who asked first.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// So many requests in any window of so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests.
    pub requests: u32,
    /// In any window of this length.
    pub span: Duration,
}

impl Limit {
    /// So many in any minute.
    pub const fn a_minute(requests: u32) -> Self {
        Self {
            requests,
            span: Duration::from_secs(60),
        }
    }

    /// So many in any second.
    pub const fn a_second(requests: u32) -> Self {
        Self {
            requests,
            span: Duration::from_secs(1),
        }
    }
}

/// What a service publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one user.
    pub user: Limit,
    /// For all users of a project together, as far as they are on this machine.
    pub project: Option<Limit>,
    /// So many at once are no flood.
    pub burst: Limit,
}

/// Google Calendar: 600 a minute for a user, 10,000 for a project (quota page, 2026).
pub const GOOGLE: Limits = Limits {
    user: Limit::a_minute(600),
    project: Some(Limit::a_minute(10_000)),
    burst: Limit::a_second(50),
};
/// The booking platform's contract: 600 a minute for a user.
pub const PLATFORM: Limits = Limits {
    user: Limit::a_minute(600),
    project: None,
    burst: Limit::a_second(50),
};

/// A turn that is further off than this is none.
const LONGEST_TURN: Duration = Duration::from_secs(60);
/// Of the user's limit so many of 100 are kept for what somebody waits for.
const RESERVE: u32 = 2;
/// A refusal for speed is answered by at least so long a pause; doubled with each one in a row …
const FIRST_PAUSE: Duration = Duration::from_secs(4);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);
/// A quota that is gone for hours is asked about after this; doubled with each time …
const FIRST_GONE: Duration = Duration::from_secs(3_600);
/// … up to this.
const LONGEST_GONE: Duration = Duration::from_secs(6 * 3_600);
/// Over so long what was given up for others comes back.
const RECOVERY: Duration = Duration::from_secs(600);

/// An account of the project, by number.
pub type AccountNumber = u32;
/// A request that waits, is under way, or was withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// Who waits for it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Somebody, or a decision: readings, sign-ins, what a click asked for.
    Interactive,
    /// Nobody: one of many writes.
    Bulk,
}

/// What a request is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may be sent; [`Governor::answered`] follows.
    Go,
    /// Not yet. Ask again then, or when another was answered; with `None` only then.
    Wait(Option<Duration>),
    /// The service asked to be left alone for so long. The ticket is withdrawn.
    Held(Duration),
}

/// Why a service refused for speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This account was too fast: others use it, or the service counts otherwise.
    User,
    /// All of the project were, or the calendar is written too fast; nobody said that it was this account.
    Project,
}

/// What `RateLimit` headers told (IETF draft): so many are left until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The service's limit and window, if it told them.
    pub limit: Option<Limit>,
    /// Requests that are left.
    pub left: u32,
    /// When there are more.
    pub reset: Duration,
}

/// The places of one window.
#[derive(Clone, Debug)]
pub struct Window {
    limit: Limit,
    under_way: u32,
    /// When the last ones were answered, oldest first.
    answered: VecDeque<Duration>,
}

impl Window {
    /// An empty one.
    pub fn new(limit: Limit) -> Self {
        Self {
            limit,
            under_way: 0,
            answered: VecDeque::new(),
        }
    }

    /// Places taken.
    pub fn used(&mut self, now: Duration) -> u32 {
        while self
            .answered
            .front()
            .is_some_and(|at| *at + self.limit.span <= now)
        {
            self.answered.pop_front();
        }
        self.under_way + u32::try_from(self.answered.len()).unwrap_or(u32::MAX)
    }

    /// When fewer than `most` places are taken: `Ok` now, `Err` then, or once another was answered.
    pub fn free(&mut self, most: u32, now: Duration) -> Result<(), Option<Duration>> {
        let used = self.used(now);
        if used < most {
            return Ok(());
        }
        // So many of the oldest have to go first.
        let over = (used - most) as usize;
        Err(self.answered.get(over).map(|at| *at + self.limit.span))
    }

    /// Takes a place.
    pub fn take(&mut self) {
        self.under_way += 1;
    }

    /// Who took it was answered.
    pub fn answered(&mut self, now: Duration) {
        self.under_way = self.under_way.saturating_sub(1);
        self.answered.push_back(now);
    }
}

#[derive(Clone, Debug)]
struct Account {
    window: Window,
    burst: Window,
    waiting: [VecDeque<Ticket>; 2],
    /// Of the limit, so many are ours; since when.
    share: Option<(u32, Duration)>,
    told: Option<(u32, Duration)>,
    /// Until when the service asked to be left alone.
    held: Option<Duration>,
    refusals: u32,
}

impl Account {
    fn new(limits: &Limits) -> Self {
        Self {
            window: Window::new(limits.user),
            burst: Window::new(limits.burst),
            waiting: [VecDeque::new(), VecDeque::new()],
            share: None,
            told: None,
            held: None,
            refusals: 0,
        }
    }

    /// How many places are ours now.
    fn most(&mut self, now: Duration) -> u32 {
        let all = self.window.limit.requests.max(1);
        let Some((share, since)) = self.share else {
            return all;
        };
        let back = now.saturating_sub(since).as_secs_f64() / RECOVERY.as_secs_f64();
        let ours = share + (f64::from(all) * back) as u32;
        if ours >= all {
            self.share = None;
            return all;
        }
        ours.max(1)
    }

    /// May one be sent now?
    fn free(&mut self, urgency: Urgency, now: Duration) -> Result<(), Option<Duration>> {
        if let Some((left, until)) = self.told {
            if until <= now {
                self.told = None;
            } else if left == 0 {
                return Err(Some(until));
            }
        }
        let most = self.most(now);
        let most = match urgency {
            Urgency::Interactive => most,
            Urgency::Bulk => most - most * RESERVE / 100,
        };
        self.window.free(most, now)?;
        self.burst.free(self.burst.limit.requests, now)
    }

    fn first(&self, urgency: Urgency) -> Option<Ticket> {
        self.waiting[urgency as usize].front().copied()
    }
}

/// Gives the turns at one service, for all accounts of one project on this machine. Times are those of a running clock.
#[derive(Clone, Debug)]
pub struct Governor {
    limits: Limits,
    project: Option<Window>,
    accounts: BTreeMap<AccountNumber, Account>,
    tickets: BTreeMap<Ticket, (AccountNumber, Urgency, bool)>,
    last: u64,
}

impl Governor {
    /// Of a service that publishes these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            project: limits.project.map(Window::new),
            accounts: BTreeMap::new(),
            tickets: BTreeMap::new(),
            last: 0,
        }
    }

    fn account(&mut self, number: AccountNumber) -> &mut Account {
        let limits = self.limits;
        self.accounts
            .entry(number)
            .or_insert_with(|| Account::new(&limits))
    }

    /// A request wants to be sent.
    pub fn ask(&mut self, account: AccountNumber, urgency: Urgency) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.account(account).waiting[urgency as usize].push_back(ticket);
        self.tickets.insert(ticket, (account, urgency, false));
        ticket
    }

    /// Is it this one's turn? Gives turns to all who can have one now.
    pub fn turn(&mut self, ticket: Ticket, now: Duration) -> Turn {
        let Some((number, urgency, _)) = self.tickets.get(&ticket).copied() else {
            return Turn::Held(Duration::ZERO);
        };
        if let Some(left) = self.held(number, now) {
            self.withdraw(ticket, now);
            return Turn::Held(left);
        }
        if let Some((0, until)) = self.account(number).told
            && until.saturating_sub(now) > LONGEST_TURN
        {
            // What is decided now may be wrong by then: the caller comes again, with what is true then.
            self.withdraw(ticket, now);
            return Turn::Held(until - now);
        }
        let next = self.give(now);
        if self.tickets.get(&ticket).is_some_and(|(_, _, granted)| *granted) {
            return Turn::Go;
        }
        // Behind others of its account it is woken when they were answered; else when its own account is free again.
        let account = self.account(number).free(urgency, now).err().flatten();
        Turn::Wait(account.or(next).map(|at| at.saturating_sub(now)))
    }

    /// Is anybody allowed to go who has not asked since? They are to be woken.
    fn give(&mut self, now: Duration) -> Option<Duration> {
        let mut next: Option<Duration> = None;
        for urgency in [Urgency::Interactive, Urgency::Bulk] {
            loop {
                let mut waiting: Vec<(u32, Ticket, AccountNumber)> = Vec::new();
                for (number, account) in &mut self.accounts {
                    if let Some(first) = account.first(urgency)
                        && account.held.is_none_or(|until| until <= now)
                    {
                        waiting.push((account.window.used(now), first, *number));
                    }
                }
                waiting.sort_unstable();
                let Some((ticket, number)) = self.choose(&waiting, urgency, now, &mut next) else {
                    break;
                };
                self.start(ticket, number, urgency);
            }
        }
        next
    }

    fn choose(
        &mut self,
        waiting: &[(u32, Ticket, AccountNumber)],
        urgency: Urgency,
        now: Duration,
        next: &mut Option<Duration>,
    ) -> Option<(Ticket, AccountNumber)> {
        let sooner = |next: &mut Option<Duration>, at: Option<Duration>| {
            *next = match (*next, at) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        };
        if !waiting.is_empty()
            && let Some(project) = &mut self.project
            && let Err(at) = project.free(project.limit.requests, now)
        {
            sooner(next, at);
            return None;
        }
        for (_, ticket, number) in waiting {
            match self.account(*number).free(urgency, now) {
                Ok(()) => return Some((*ticket, *number)),
                Err(at) => sooner(next, at),
            }
        }
        None
    }

    fn start(&mut self, ticket: Ticket, number: AccountNumber, urgency: Urgency) {
        let account = self.account(number);
        account.waiting[urgency as usize].pop_front();
        account.window.take();
        account.burst.take();
        if let Some((left, _)) = &mut account.told {
            *left = left.saturating_sub(1);
        }
        if let Some(project) = &mut self.project {
            project.take();
        }
        if let Some(known) = self.tickets.get_mut(&ticket) {
            known.2 = true;
        }
    }

    /// It was answered, or given up after it was sent. Its place stays taken for one more window.
    pub fn answered(&mut self, ticket: Ticket, now: Duration) {
        let Some((number, _, true)) = self.tickets.remove(&ticket) else {
            return;
        };
        let account = self.account(number);
        account.window.answered(now);
        account.burst.answered(now);
        if let Some(project) = &mut self.project {
            project.answered(now);
        }
    }

    /// It does not wait any more, or was never sent.
    pub fn withdraw(&mut self, ticket: Ticket, now: Duration) {
        match self.tickets.get(&ticket).copied() {
            Some((_, _, true)) => self.answered(ticket, now),
            Some((number, urgency, false)) => {
                self.tickets.remove(&ticket);
                self.account(number).waiting[urgency as usize].retain(|known| *known != ticket);
            }
            None => {}
        }
    }

    /// The service answered and refused nothing.
    pub fn went_well(&mut self, account: AccountNumber, now: Duration) {
        // What had left before a refusal may still be answered after it.
        if self.held(account, now).is_none() {
            self.account(account).refusals = 0;
        }
    }

    /// The service said what is left.
    pub fn told(&mut self, account: AccountNumber, told: Told, now: Duration) {
        let ours = self.limits.user;
        let account = self.account(account);
        if let Some(limit) = told
            .limit
            .filter(|limit| limit.requests > 0 && !limit.span.is_zero())
        {
            // A service may allow less than it publishes; more is not believed.
            let slower = limit.requests as f64 / limit.span.as_secs_f64()
                <= ours.requests as f64 / ours.span.as_secs_f64();
            if slower && limit.span <= Duration::from_secs(24 * 3_600) {
                account.window.limit = limit;
            }
        }
        // Those under way may not be counted yet.
        let left = told.left.saturating_sub(account.window.under_way);
        account.told = Some((left, now + told.reset.min(Duration::from_secs(3_600))));
    }

    /// The service refused for speed. Answers how long to wait; nothing is sent until then.
    pub fn refused(
        &mut self,
        account: AccountNumber,
        why: Refusal,
        retry_after: Option<Duration>,
        now: Duration,
        random: u64,
    ) -> Duration {
        let known = self.account(account);
        // Those that were under way when the first refusal came are part of it.
        if let Some(until) = known.held.filter(|until| *until > now) {
            let wait = (until - now).max(retry_after.unwrap_or_default());
            known.held = Some(now + wait);
            return wait;
        }
        known.refusals = known.refusals.saturating_add(1);
        let wait = retry_after.unwrap_or_else(|| pause(known.refusals, why, random));
        known.held = Some(now + wait);
        if why == Refusal::User {
            let used = known.window.used(now).min(known.most(now));
            let least = (known.window.limit.requests / 10).max(1);
            known.share = Some(((used * 9 / 10).max(least), now));
        }
        wait
    }

    /// The service asked to be left alone for so long.
    pub fn hold(&mut self, account: AccountNumber, time: Duration, now: Duration) {
        let account = self.account(account);
        let until = now.saturating_add(time);
        account.held = Some(account.held.map_or(until, |known| known.max(until)));
    }

    /// It need not be left alone any more: the wall clock says that the time has passed.
    pub fn release(&mut self, account: AccountNumber) {
        self.account(account).held = None;
    }

    /// How long it is to be left alone.
    pub fn held(&mut self, account: AccountNumber, now: Duration) -> Option<Duration> {
        let account = self.account(account);
        let until = account.held?;
        if until <= now {
            account.held = None;
            return None;
        }
        Some(until - now)
    }
}

/// From 0 up to, but not including, 1.
fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1u64 << 53) as f64
}

fn doubled(first: Duration, most: Duration, times: u32) -> Duration {
    first
        .saturating_mul(1 << times.saturating_sub(1).min(16))
        .min(most)
}

/// How long to wait after so many refusals for speed in a row (this one included) without a `Retry-After`. Where a whole
/// project was too fast all of its laptops hear it in the same minute, so they spread over twice the time.
pub fn pause(refusals: u32, why: Refusal, random: u64) -> Duration {
    let base = doubled(FIRST_PAUSE, LONGEST_PAUSE, refusals);
    match why {
        Refusal::User => base.mul_f64(0.75 + fraction(random) / 2.0),
        Refusal::Project => base.mul_f64(1.0 + fraction(random)),
    }
}

/// How long a quota that does not come back within minutes is left alone, the `times`th time in a row.
pub fn gone(times: u32, random: u64) -> Duration {
    doubled(FIRST_GONE, LONGEST_GONE, times).mul_f64(0.75 + fraction(random) / 2.0)
}

#[cfg(test)]
#[path = "quota_tests.rs"]
mod tests;
