//! What keeps a flood cheap: a burst of notifications becomes two hints, who is refused too often is no longer read, and
//! nobody holds more streams than allowed.

use crate::channel::Mailbox;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Within this time of a hint, further ones of the same channel wait and become one.
pub(crate) const QUIET: Duration = Duration::from_millis(500);

/// Makes one hint of a burst. `W` is what those wait for whose hint is not sent yet.
pub(crate) struct Bursts<W> {
    recent: Mutex<Table<String, Recent<W>>>,
}

struct Recent<W> {
    passed_at: Instant,
    waiting: Option<W>,
}

impl<W: Clone> Bursts<W> {
    /// Nothing came yet.
    pub fn new() -> Self {
        Self {
            recent: Mutex::new(Table::new()),
        }
    }

    /// A notification of a channel came. `None`: pass it on now. Else one hint for all that come meanwhile waits, and this is
    /// it: `later` makes it, to be passed on after that time.
    pub fn pass(&self, channel: &str, now: Instant, later: impl FnOnce(Duration) -> W) -> Option<W> {
        let mut recent = lock(&self.recent);
        recent.make_room(|last| {
            last.waiting.is_some() || now.saturating_duration_since(last.passed_at) < QUIET
        });
        let Some(last) = recent.rows.get_mut(channel) else {
            let first = Recent {
                passed_at: now,
                waiting: None,
            };
            recent.rows.insert(channel.to_owned(), first);
            return None;
        };
        if last.waiting.is_some() {
            return last.waiting.clone();
        }
        let quiet = now.saturating_duration_since(last.passed_at);
        if quiet >= QUIET {
            last.passed_at = now;
            return None;
        }
        last.waiting = Some(later(QUIET - quiet));
        last.waiting.clone()
    }

    /// The waiting one is about to be passed on: what comes from now on is not covered by it.
    pub fn passing(&self, channel: &str, now: Instant) {
        if let Some(last) = lock(&self.recent).rows.get_mut(channel) {
            last.passed_at = now;
            last.waiting = None;
        }
    }
}

/// Allows each so many at once and so many in the long run.
pub(crate) struct Buckets<K> {
    rows: Mutex<Table<K, Bucket>>,
    burst: f64,
    per_second: f64,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash> Buckets<K> {
    /// All full.
    pub fn new(burst: u32, per_second: f64) -> Self {
        Self {
            rows: Mutex::new(Table::new()),
            burst: f64::from(burst),
            per_second,
        }
    }

    /// Takes one; false if there is none left.
    pub fn take(&self, key: K, now: Instant) -> bool {
        let mut rows = lock(&self.rows);
        rows.make_room(|bucket| self.left(bucket, now) < self.burst);
        let bucket = rows.rows.entry(key).or_insert(Bucket {
            left: self.burst,
            at: now,
        });
        bucket.left = self.left(bucket, now);
        bucket.at = now;
        let allowed = bucket.left >= 1.0;
        if allowed {
            bucket.left -= 1.0;
        }
        allowed
    }

    /// False if there is none left; takes none.
    pub fn has_left(&self, key: &K, now: Instant) -> bool {
        let rows = lock(&self.rows);
        rows.rows
            .get(key)
            .is_none_or(|bucket| self.left(bucket, now) >= 1.0)
    }

    fn left(&self, bucket: &Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + since * self.per_second).min(self.burst)
    }
}

/// What a stranger's address counts as: an IPv6 customer has a whole /64.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Rows that are looked through for old ones when their number has doubled, so that each costs little on average.
struct Table<K, V> {
    rows: HashMap<K, V>,
    room: usize,
}

impl<K: Eq + Hash, V> Table<K, V> {
    const ROOM: usize = 4096;
    /// More are not remembered: then everybody begins anew.
    const MOST: usize = 1 << 18;

    fn new() -> Self {
        Self {
            rows: HashMap::new(),
            room: Self::ROOM,
        }
    }

    fn make_room(&mut self, still_needed: impl Fn(&V) -> bool) {
        if self.rows.len() < self.room {
            return;
        }
        self.rows.retain(|_, row| still_needed(row));
        if self.rows.len() >= Self::MOST {
            self.rows.clear();
        }
        self.room = (self.rows.len() * 2).max(Self::ROOM);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data is plain: a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts open streams.
#[derive(Clone)]
pub(crate) struct Seats {
    state: Arc<Mutex<Taken>>,
    most: u32,
    most_each: u32,
    settled: Duration,
}

#[derive(Default)]
struct Taken {
    all: u32,
    /// Of each trainer, the oldest first.
    each: HashMap<Mailbox, VecDeque<Sitting>>,
    last: u64,
}

struct Sitting {
    number: u64,
    since: Instant,
    leave: CancellationToken,
}

/// A stream's place; free again when it is dropped.
pub(crate) struct Seat {
    /// The place went to a newer stream of the same trainer: this one is to end.
    pub leave: CancellationToken,
    seats: Seats,
    mailbox: Mailbox,
    number: u64,
}

impl Seats {
    /// All free. A stream that is open for `settled` gives way to a newer one of its trainer.
    pub fn new(most: u32, most_each: u32, settled: Duration) -> Self {
        Self {
            state: Arc::default(),
            most,
            most_each,
            settled,
        }
    }

    /// Takes a place, if there is one. Whoever has all of theirs loses the oldest: that may be of a laptop that went to another
    /// network, of which nobody hears for a long time that it is gone. A young one stays, or too many laptops would drive each
    /// other out for ever.
    pub fn take(&self, mailbox: Mailbox, now: Instant) -> Option<Seat> {
        let mut taken = lock(&self.state);
        let taken = &mut *taken;
        let own = taken.each.get_mut(&mailbox).filter(|own| !own.is_empty());
        if let Some(own) = own
            && own.len() >= self.most_each as usize
        {
            let old = |oldest: &mut Sitting| now.saturating_duration_since(oldest.since) >= self.settled;
            own.pop_front_if(old)?.leave.cancel();
            taken.all = taken.all.saturating_sub(1);
        } else if taken.all >= self.most {
            return None;
        }
        taken.all += 1;
        taken.last += 1;
        let leave = CancellationToken::new();
        taken.each.entry(mailbox).or_default().push_back(Sitting {
            number: taken.last,
            since: now,
            leave: leave.clone(),
        });
        Some(Seat {
            leave,
            seats: self.clone(),
            mailbox,
            number: taken.last,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.seats.state);
        let taken = &mut *taken;
        let Some(own) = taken.each.get_mut(&self.mailbox) else {
            return;
        };
        // One that had to leave has been taken off already.
        if let Some(place) = own.iter().position(|sitting| sitting.number == self.number) {
            own.remove(place);
            taken.all = taken.all.saturating_sub(1);
        }
        if own.is_empty() {
            taken.each.remove(&self.mailbox);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Keys;

    #[test]
    fn a_burst_becomes_one_hint_at_once_and_one_after_it() {
        let bursts = Bursts::new();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let pass = |channel, millis| bursts.pass(channel, at(millis), |wait| wait.as_millis());
        assert_eq!(pass("a", 0), None);
        assert_eq!(pass("b", 1), None);
        assert_eq!(pass("a", 100), Some(400));
        assert_eq!(pass("a", 200), Some(400), "waits for the same");
        bursts.passing("a", at(500));
        assert_eq!(pass("a", 700), Some(300), "is not covered by what went before it");
        bursts.passing("a", at(1000));
        assert_eq!(pass("a", 1500), None);
    }

    #[test]
    fn who_asks_too_often_waits_and_nobody_else() {
        let buckets = Buckets::new(3, 0.5);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let taken: Vec<bool> = (0..5).map(|_| buckets.take("a", at(0))).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(!buckets.has_left(&"a", at(1)) && buckets.has_left(&"b", at(1)));
        assert!(buckets.take("a", at(2)) && !buckets.take("a", at(2)));
        assert!(buckets.take("a", at(1000)));
    }

    #[test]
    fn what_is_remembered_of_strangers_is_bounded() {
        let buckets = Buckets::new(3, 1.0);
        let start = Instant::now();
        for number in 0..100_000_u64 {
            // A hundred a millisecond: each is forgotten a second later.
            buckets.take(number, start + Duration::from_micros(number * 10));
        }
        assert!(lock(&buckets.rows).rows.len() <= 100_000);
        for number in 100_000..300_000_u64 {
            buckets.take(number, start + Duration::from_secs(number));
        }
        assert!(lock(&buckets.rows).rows.len() <= 2 * Table::<u64, Bucket>::ROOM);
    }

    #[test]
    fn a_neighbourhood_is_one_address_or_one_customer() {
        let of = |text: &str| neighbourhood(text.parse().expect("an address")).to_string();
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    #[test]
    fn places_are_limited_and_come_free() {
        let keys = Keys::from_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("a fit key");
        let (mara, ben) = (keys.mailbox("mara"), keys.mailbox("ben"));
        let now = Instant::now();
        let seats = Seats::new(3, 2, Duration::from_secs(60));
        let first = seats.take(mara, now);
        let second = seats.take(mara, now);
        assert!(first.is_some() && second.is_some() && seats.take(mara, now).is_none());
        let third = seats.take(ben, now);
        assert!(third.is_some() && seats.take(ben, now).is_none());
        drop(first);
        assert!(seats.take(mara, now).is_some());
    }

    #[test]
    fn the_oldest_stream_of_a_trainer_gives_way_once_it_is_settled() {
        let keys = Keys::from_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("a fit key");
        let (mara, ben) = (keys.mailbox("mara"), keys.mailbox("ben"));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let seats = Seats::new(3, 2, Duration::from_secs(60));
        let first = seats.take(mara, at(0)).expect("a place");
        let second = seats.take(mara, at(10)).expect("a place");
        let bens = seats.take(ben, at(10)).expect("a place");
        assert!(seats.take(mara, at(59)).is_none(), "too young");
        // Also where the node is full: it does not become fuller by that.
        let third = seats.take(mara, at(60)).expect("the first one's place");
        let left = |seat: &Seat| seat.leave.is_cancelled();
        assert!(left(&first) && !left(&second) && !left(&third) && !left(&bens));
        assert!(seats.take(mara, at(69)).is_none() && seats.take(ben, at(100)).is_none());
        // The end of the one that had to leave frees nothing once more.
        drop(first);
        assert!(seats.take(ben, at(100)).is_none());
        drop((second, third, bens));
        assert_eq!(lock(&seats.state).all, 0);
        assert!(lock(&seats.state).each.is_empty());
    }
}
