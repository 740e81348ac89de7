//! The last hour of hints, in order, and the streams that are open. Both hubs hand out from here.
//!
//! A stream has a place (the number of the last hint it was given) and is woken when its mailbox changes; then it takes what
//! lies there beyond its place. Resuming is the same with an older place. So nothing is queued for a stream: one that reads
//! slowly costs nothing, and finds each thing that changed once.

use crate::channel::Mailbox;
use crate::hub::{Delivery, Hint, MEMORY, Opened};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use futures::future::select_all;
use futures::stream;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Different hints that are kept for one mailbox; a trainer has a handful of channels.
const MOST_EACH: usize = 64;
/// How often what is too old is looked for.
const SWEEP: TimeDelta = TimeDelta::minutes(1);

struct Kept {
    number: u64,
    at: DateTime<Utc>,
    hint: Arc<Hint>,
}

/// What lies in one mailbox. It stays when it is empty, so that a stream that was quiet for hours is known to have missed
/// nothing: there are no more of them than trainers.
#[derive(Default)]
struct Shelf {
    kept: VecDeque<Kept>,
    /// The highest number that is no longer here and of which no later one says the same.
    gone: u64,
    /// Wakes the streams; made by the first of them.
    changed: Option<watch::Sender<()>>,
}

struct State {
    /// Names this sequence of numbers: another one after all hints were lost.
    epoch: String,
    /// Counts the epochs and the starts over.
    turn: u64,
    last: u64,
    /// Nothing is known of what came up to here.
    unknown: u64,
    shelves: HashMap<Mailbox, Shelf>,
    swept: DateTime<Utc>,
    /// When a closed channel need not be remembered any longer.
    closed: HashMap<String, DateTime<Utc>>,
}

/// Shared by everything that hands out.
#[derive(Clone)]
pub(crate) struct Ring {
    state: Arc<Mutex<State>>,
}

/// Where a stream is.
struct Place {
    turn: u64,
    number: u64,
    /// It may have missed something: said first.
    resync: bool,
    changed: Vec<watch::Receiver<()>>,
    mailboxes: Vec<Mailbox>,
}

impl Ring {
    /// Empty; nothing is known of the numbers up to `unknown`.
    pub fn new(epoch: String, unknown: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                epoch,
                turn: 0,
                last: unknown,
                unknown,
                shelves: HashMap::new(),
                swept: DateTime::UNIX_EPOCH,
                closed: HashMap::new(),
            })),
        }
    }

    /// Adds a hint under the next number.
    pub fn push_next(&self, now: DateTime<Utc>, mailbox: Mailbox, hint: Hint) {
        let mut state = self.lock();
        let number = state.last + 1;
        state.push(number, now, now, mailbox, hint);
    }

    /// Adds a hint under its number. One that is already there is left out: the feed may repeat.
    pub fn push(&self, number: u64, at: DateTime<Utc>, now: DateTime<Utc>, mailbox: Mailbox, hint: Hint) {
        let mut state = self.lock();
        if number > state.last {
            state.push(number, at, now, mailbox, hint);
        }
    }

    /// Adds one of whose mailbox earlier ones may never have come: every stream that is not yet as far as this looks at
    /// everything.
    pub fn push_after_gap(
        &self,
        number: u64,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
        mailbox: Mailbox,
        hint: Hint,
    ) {
        let mut state = self.lock();
        if number > state.last {
            state.push(number, at, now, mailbox, hint);
            // Not just up to the first that came: an open stream may have taken that one, and is past the gap.
            state.shelves.entry(mailbox).or_default().gone = number;
        }
    }

    /// A number that carries no hint.
    pub fn skip(&self, number: u64) {
        let mut state = self.lock();
        state.last = state.last.max(number);
    }

    /// Ends every open stream, so that laptops go on at another node.
    pub fn end_streams(&self) {
        for shelf in self.lock().shelves.values_mut() {
            shelf.changed = None;
        }
    }

    /// The feed went on with another sequence, or lost hints: everybody looks at everything.
    pub fn start_over(&self, epoch: String, unknown: u64) {
        let mut state = self.lock();
        state.epoch = epoch;
        state.turn += 1;
        state.last = unknown;
        state.unknown = unknown;
        for shelf in state.shelves.values_mut() {
            shelf.kept.clear();
            shelf.gone = 0;
            shelf.wake();
        }
    }

    /// What came after `last_id`, and what comes. Taken together, so that no hint falls between.
    pub fn open(&self, now: DateTime<Utc>, mailboxes: &[Mailbox], last_id: Option<&str>) -> Opened {
        let mut state = self.lock();
        state.sweep(now);
        let known = last_id.map(|id| state.number_of(id));
        let mut place = Place {
            turn: state.turn,
            number: known.flatten().unwrap_or(state.last),
            resync: known == Some(None),
            changed: Vec::with_capacity(mailboxes.len()),
            mailboxes: mailboxes.to_vec(),
        };
        for mailbox in mailboxes {
            let shelf = state.shelves.entry(*mailbox).or_default();
            place.changed.push(
                shelf
                    .changed
                    .get_or_insert_with(|| watch::channel(()).0)
                    .subscribe(),
            );
        }
        let id = (!place.resync).then(|| state.id_of(place.number));
        drop(state);
        let ring = self.clone();
        let hints = stream::unfold((ring, place), |(ring, mut place)| async move {
            loop {
                let ready = ring.lock().take(&mut place);
                if !ready.is_empty() {
                    return Some((stream::iter(ready), (ring, place)));
                }
                let changes = place
                    .changed
                    .iter_mut()
                    .map(|changed| Box::pin(changed.changed()));
                // An error is a sender that is gone: the stream is to end.
                select_all(changes).await.0.ok()?;
            }
        })
        .flatten()
        .boxed();
        Opened { id, hints }
    }

    /// Notes that a channel was closed at that time, until it would have ended anyway.
    pub fn close_channel(&self, id: &str, at: DateTime<Utc>, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.closed.retain(|_, until| *until > now);
        state.closed.insert(id.to_owned(), at + crate::channel::LIFETIME);
    }

    /// Was it closed?
    pub fn is_closed(&self, id: &str) -> bool {
        self.lock().closed.contains_key(id)
    }

    /// The highest number so far.
    pub fn last(&self) -> u64 {
        self.lock().last
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The data is plain: a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn wake(&self) {
        if let Some(changed) = &self.changed {
            changed.send_replace(());
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.kept.pop_front() {
            self.gone = self.gone.max(first.number);
        }
    }
}

impl State {
    fn push(&mut self, number: u64, at: DateTime<Utc>, now: DateTime<Utc>, mailbox: Mailbox, hint: Hint) {
        self.last = number;
        let shelf = self.shelves.entry(mailbox).or_default();
        // "Look there" twice is once: only the later one is kept.
        shelf.kept.retain(|kept| *kept.hint != hint);
        let hint = Arc::new(hint);
        shelf.kept.push_back(Kept { number, at, hint });
        if shelf.kept.len() > MOST_EACH {
            shelf.drop_first();
        }
        shelf.wake();
        self.sweep(now);
    }

    fn sweep(&mut self, now: DateTime<Utc>) {
        if now - self.swept < SWEEP {
            return;
        }
        self.swept = now;
        let memory = TimeDelta::from_std(MEMORY).unwrap_or(TimeDelta::MAX);
        for shelf in self.shelves.values_mut() {
            while shelf.kept.front().is_some_and(|first| now - first.at >= memory) {
                shelf.drop_first();
            }
            if shelf
                .changed
                .as_ref()
                .is_some_and(|changed| changed.receiver_count() == 0)
            {
                shelf.changed = None;
            }
            shelf.kept.shrink_to(4);
        }
    }

    /// What a stream has not seen yet, in order; moves its place.
    fn take(&self, place: &mut Place) -> Vec<Delivery> {
        let shelves = || {
            place
                .mailboxes
                .iter()
                .filter_map(|mailbox| self.shelves.get(mailbox))
        };
        let missed = shelves().any(|shelf| shelf.gone > place.number);
        if place.resync || place.turn != self.turn || missed {
            place.resync = false;
            place.turn = self.turn;
            place.number = self.last;
            return vec![self.delivery(self.last, Hint::resync())];
        }
        let mut new: Vec<(u64, &Arc<Hint>)> = shelves()
            .flat_map(|shelf| shelf.kept.iter().rev())
            .map(|kept| (kept.number, &kept.hint))
            .filter(|(number, _)| *number > place.number)
            .collect();
        new.sort_unstable_by_key(|(number, _)| *number);
        place.number = new.last().map_or(place.number, |(number, _)| *number);
        new.into_iter()
            .map(|(number, hint)| self.delivery(number, Hint::clone(hint)))
            .collect()
    }

    fn delivery(&self, number: u64, hint: Hint) -> Delivery {
        Delivery {
            id: self.id_of(number),
            hint,
        }
    }

    fn id_of(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        let (epoch, number) = id.rsplit_once('-')?;
        let number = number.parse().ok()?;
        // One beyond our last comes from a node that is ahead of this one by a moment.
        (epoch == self.epoch && number >= self.unknown).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Keys;
    use crate::hub::Kind;
    use futures::FutureExt as _;
    use futures::stream::BoxStream;

    fn mailbox(trainer: &str) -> Mailbox {
        Keys::from_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .expect("a fit key")
            .mailbox(trainer)
    }

    fn hint(number: u64) -> Hint {
        Hint::calendar(&format!("chn-{number}"), "exists")
    }

    fn ready(stream: &mut BoxStream<'static, Delivery>) -> Vec<(String, Kind)> {
        let mut all = Vec::new();
        while let Some(Some(delivery)) = stream.next().now_or_never() {
            all.push((delivery.id, delivery.hint.kind));
        }
        all
    }

    #[test]
    fn a_stream_resumes_where_it_was_for_an_hour() {
        let start = DateTime::UNIX_EPOCH;
        let (mara, ben) = (mailbox("mara"), mailbox("ben"));
        let ring = Ring::new("e".into(), 0);
        ring.push_next(start, mara, hint(1));
        ring.push_next(start, mara, hint(2));
        ring.push_next(start, ben, hint(3));
        ring.push_next(start + TimeDelta::minutes(30), mara, hint(4));
        let later = start + TimeDelta::minutes(59);
        let open = |now, id: Option<&str>| ready(&mut ring.open(now, &[mara], id).hints);
        let calendar = |number: u64| (format!("e-{number}"), Kind::Calendar);
        assert_eq!(open(later, None), []);
        assert_eq!(open(later, Some("e-1")), [calendar(2), calendar(4)]);
        let too_late = start + TimeDelta::minutes(61);
        assert_eq!(
            open(too_late, Some("e-2")),
            [calendar(4)],
            "it saw all that is gone"
        );
        assert_eq!(open(too_late, Some("e-3")), [calendar(4)]);
        for lost in ["e-1", "other-3", "e-", "nonsense", ""] {
            assert_eq!(
                open(too_late, Some(lost)),
                [("e-4".into(), Kind::Resync)],
                "{lost}"
            );
        }
    }

    #[test]
    fn what_was_before_this_node_is_unknown() {
        let start = DateTime::UNIX_EPOCH;
        let mara = mailbox("mara");
        let ring = Ring::new("e".into(), 10);
        assert_eq!(
            ready(&mut ring.open(start, &[mara], Some("e-9")).hints),
            [("e-10".into(), Kind::Resync)]
        );
        assert_eq!(ready(&mut ring.open(start, &[mara], Some("e-10")).hints), []);
    }

    #[test]
    fn a_node_that_is_behind_repeats_nothing() {
        let start = DateTime::UNIX_EPOCH;
        let mara = mailbox("mara");
        let ring = Ring::new("e".into(), 0);
        let mut stream = ring.open(start, &[mara], Some("e-2")).hints;
        for number in 1..4 {
            ring.push(number, start, start, mara, hint(number));
        }
        assert_eq!(ready(&mut stream), [("e-3".into(), Kind::Calendar)]);
    }

    #[test]
    fn an_open_stream_gets_its_own_hints_once() {
        let start = DateTime::UNIX_EPOCH;
        let (mara, ben) = (mailbox("mara"), mailbox("ben"));
        let ring = Ring::new("e".into(), 10);
        let mut stream = ring.open(start, &[mara], None).hints;
        ring.push(11, start, start, mara, hint(11));
        ring.push(11, start, start, mara, hint(11));
        ring.push(12, start, start, ben, hint(12));
        assert_eq!(ready(&mut stream), [("e-11".into(), Kind::Calendar)]);
        ring.start_over("f".into(), 3);
        assert_eq!(ready(&mut stream), [("f-3".into(), Kind::Resync)]);
        ring.push(4, start, start, mara, hint(4));
        assert_eq!(ready(&mut stream), [("f-4".into(), Kind::Calendar)]);
        ring.end_streams();
        assert!(matches!(stream.next().now_or_never(), Some(None)));
    }

    #[test]
    fn a_stream_that_is_cut_at_once_goes_on_from_there() {
        let start = DateTime::UNIX_EPOCH;
        let mara = mailbox("mara");
        let ring = Ring::new("e".into(), 5);
        let opened = |last: Option<&str>| ring.open(start, &[mara], last);
        assert_eq!(opened(None).id.as_deref(), Some("e-5"));
        ring.push_next(start, mara, hint(1));
        assert_eq!(opened(Some("e-5")).id.as_deref(), Some("e-5"), "not yet given");
        assert_eq!(
            opened(Some("nonsense")).id,
            None,
            "or the resync would be skipped"
        );
        assert_eq!(ready(&mut opened(Some("e-5")).hints).len(), 1);
    }

    #[test]
    fn a_quiet_stream_goes_on_after_hours() {
        let start = DateTime::UNIX_EPOCH;
        let (mara, ben) = (mailbox("mara"), mailbox("ben"));
        let ring = Ring::new("e".into(), 0);
        let mut stream = ring.open(start, &[mara], None).hints;
        for hour in 1..10 {
            ring.push_next(start + TimeDelta::hours(hour), ben, hint(1));
        }
        ring.push_next(start + TimeDelta::hours(10), mara, hint(2));
        assert_eq!(ready(&mut stream), [("e-10".into(), Kind::Calendar)]);
    }

    #[test]
    fn after_a_gap_only_who_saw_the_last_goes_on() {
        let start = DateTime::UNIX_EPOCH;
        let (mara, ben) = (mailbox("mara"), mailbox("ben"));
        let ring = Ring::new("e".into(), 0);
        let mut stream = ring.open(start, &[mara], None).hints;
        ring.push(5, start, start, mara, hint(1));
        assert_eq!(
            ready(&mut stream),
            [("e-5".into(), Kind::Calendar)],
            "past the gap"
        );
        ring.push_after_gap(6, start, start, mara, hint(2));
        assert_eq!(ready(&mut stream), [("e-6".into(), Kind::Resync)], "once");
        ring.push(7, start, start, mara, hint(3));
        let open = |mailbox, id| ready(&mut ring.open(start, &[mailbox], Some(id)).hints);
        assert_eq!(ready(&mut stream), [("e-7".into(), Kind::Calendar)]);
        assert_eq!(open(mara, "e-6"), [("e-7".into(), Kind::Calendar)]);
        assert_eq!(open(mara, "e-3"), [("e-7".into(), Kind::Resync)]);
        assert_eq!(open(ben, "e-3"), []);
        // What goes later on, because it is old, is no reason to forget it.
        let later = start + TimeDelta::hours(2);
        assert_eq!(ready(&mut ring.open(later, &[mara], Some("e-5")).hints).len(), 1);
    }

    #[test]
    fn a_slow_stream_finds_each_thing_once_or_looks_at_everything() {
        let start = DateTime::UNIX_EPOCH;
        let mara = mailbox("mara");
        let ring = Ring::new("e".into(), 0);
        let mut stream = ring.open(start, &[mara], None).hints;
        for number in 0..200 {
            ring.push_next(start, mara, hint(number % 2));
        }
        let calendar = |number: u64| (format!("e-{number}"), Kind::Calendar);
        assert_eq!(ready(&mut stream), [calendar(199), calendar(200)]);
        for number in 0..200 {
            ring.push_next(start, mara, hint(number));
        }
        assert_eq!(ready(&mut stream), [("e-400".into(), Kind::Resync)]);
    }

    #[test]
    fn both_mailboxes_of_a_change_of_keys_are_one_stream() {
        let start = DateTime::UNIX_EPOCH;
        let (new, old) = (mailbox("new"), mailbox("old"));
        let ring = Ring::new("e".into(), 0);
        ring.push_next(start, new, hint(0));
        let mut stream = ring.open(start, &[new, old], Some("e-0")).hints;
        ring.push_next(start, old, hint(1));
        ring.push_next(start, new, hint(2));
        let numbers: Vec<String> = ready(&mut stream).into_iter().map(|(id, _)| id).collect();
        assert_eq!(numbers, ["e-1", "e-2", "e-3"]);
    }
}
