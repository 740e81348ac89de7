//! A single-threaded executor whose every choice is the seed's: which ready task is polled next, and when. Time is
//! virtual: it stands still while anything can go on, and jumps to the next timer when nothing can.

use crate::trace::Trace;
use chrono::{DateTime, TimeDelta, Utc};
use roundtrip_sandbox::shared::SeededRandom;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Number of a task, in the order of starting.
pub type TaskId = u64;
/// Tasks that can be stopped together: everything that runs on one laptop.
pub type Group = usize;

type Work = Pin<Box<dyn Future<Output = ()>>>;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Virtual time and who waits for it. Shared with everything that must be `Send`.
pub struct Time {
    state: Mutex<TimeState>,
    ready: Mutex<Vec<TaskId>>,
}

struct TimeState {
    now: DateTime<Utc>,
    timers: BinaryHeap<Reverse<Timer>>,
    numbers: u64,
}

struct Timer {
    at: DateTime<Utc>,
    number: u64,
    waker: Waker,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Timer {}
impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl Time {
    /// The services' time.
    pub fn now(&self) -> DateTime<Utc> {
        lock(&self.state).now
    }

    /// Waits until then.
    pub fn until(self: &Arc<Self>, at: DateTime<Utc>) -> Until {
        Until {
            time: self.clone(),
            at,
        }
    }

    fn wake_at(&self, at: DateTime<Utc>, waker: Waker) {
        let mut state = lock(&self.state);
        state.numbers += 1;
        let number = state.numbers;
        state.timers.push(Reverse(Timer { at, number, waker }));
    }

    /// Jumps to the next timer and wakes who waits for that moment. False if nobody waits.
    fn jump(&self) -> bool {
        let mut woken = Vec::new();
        {
            let mut state = lock(&self.state);
            let Some(Reverse(first)) = state.timers.pop() else {
                return false;
            };
            state.now = state.now.max(first.at);
            woken.push(first.waker);
            while state
                .timers
                .peek()
                .is_some_and(|Reverse(timer)| timer.at <= state.now)
            {
                if let Some(Reverse(timer)) = state.timers.pop() {
                    woken.push(timer.waker);
                }
            }
        }
        for waker in woken {
            waker.wake();
        }
        true
    }
}

impl roundtrip_sandbox::shared::Clock for TimeClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let at = self.0.now() + TimeDelta::from_std(duration).unwrap_or(TimeDelta::days(36_500));
        Box::pin(self.0.until(at))
    }
}

/// Virtual time as the sandbox's clock.
pub struct TimeClock(pub Arc<Time>);

/// Ends when a moment has come.
pub struct Until {
    time: Arc<Time>,
    at: DateTime<Utc>,
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now() >= self.at {
            return Poll::Ready(());
        }
        self.time.wake_at(self.at, context.waker().clone());
        Poll::Pending
    }
}

/// Lets others go first, so many times.
pub async fn step_aside(times: usize) {
    for _ in 0..times {
        let mut seen = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut seen, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

struct TaskWaker {
    id: TaskId,
    queued: AtomicBool,
    time: Arc<Time>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            lock(&self.time.ready).push(self.id);
        }
    }
}

struct Task {
    group: Group,
    work: Option<Work>,
    waker: Arc<TaskWaker>,
}

#[derive(Default)]
struct Orders {
    next: TaskId,
    start: Vec<(TaskId, Group, Work)>,
    end: Vec<TaskId>,
    frozen: Vec<Group>,
}

/// Starts and ends tasks, from inside tasks too.
#[derive(Clone)]
pub struct Handle {
    /// Virtual time.
    pub time: Arc<Time>,
    orders: Rc<RefCell<Orders>>,
}

impl Handle {
    /// Starts a task.
    pub fn start(&self, group: Group, work: impl Future<Output = ()> + 'static) -> TaskId {
        let mut orders = self.orders.borrow_mut();
        orders.next += 1;
        let id = orders.next;
        orders.start.push((id, group, Box::pin(work)));
        id
    }

    /// Drops a task at the await it is at; it is gone before anything else is polled. Not from within that task.
    pub fn end(&self, id: TaskId) {
        self.orders.borrow_mut().end.push(id);
    }

    /// Nothing of this group is polled until it is thawed.
    pub fn freeze(&self, group: Group) {
        self.orders.borrow_mut().frozen.push(group);
    }

    /// The group goes on.
    pub fn thaw(&self, group: Group) {
        self.orders.borrow_mut().frozen.retain(|known| *known != group);
    }
}

/// Why an executor stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The main task ended.
    Done,
    /// Nothing could ever go on again.
    Stuck,
    /// It took more polls than any sensible story.
    Endless,
}

/// The executor of one seed.
pub struct Executor {
    handle: Handle,
    tasks: BTreeMap<TaskId, Task>,
    random: SeededRandom,
    trace: Arc<Trace>,
    /// Polls so far.
    pub polls: u64,
}

impl Executor {
    /// An executor that begins at this time.
    pub fn new(now: DateTime<Utc>, seed: u64, trace: Arc<Trace>) -> Self {
        let time = Arc::new(Time {
            state: Mutex::new(TimeState {
                now,
                timers: BinaryHeap::new(),
                numbers: 0,
            }),
            ready: Mutex::default(),
        });
        let handle = Handle {
            time,
            orders: Rc::default(),
        };
        Self {
            handle,
            tasks: BTreeMap::new(),
            random: SeededRandom::new(seed),
            trace,
            polls: 0,
        }
    }

    /// For starting tasks.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs until this task has ended, for at most so many polls. All other tasks are dropped then.
    pub fn run(&mut self, main: impl Future<Output = ()> + 'static, most_polls: u64) -> Stopped {
        let main = self.handle.start(0, main);
        let stopped = loop {
            self.carry_out_orders();
            if !self.tasks.contains_key(&main) {
                break Stopped::Done;
            }
            let Some(id) = self.choose() else {
                if self.handle.time.jump() {
                    continue;
                }
                break Stopped::Stuck;
            };
            if self.polls >= most_polls {
                break Stopped::Endless;
            }
            self.polls += 1;
            self.poll(id);
        };
        self.tasks.clear();
        self.handle.orders.borrow_mut().start.clear();
        stopped
    }

    fn carry_out_orders(&mut self) {
        loop {
            let (start, end) = {
                let mut orders = self.handle.orders.borrow_mut();
                if orders.start.is_empty() && orders.end.is_empty() {
                    return;
                }
                (std::mem::take(&mut orders.start), std::mem::take(&mut orders.end))
            };
            for (id, group, work) in start {
                let waker = Arc::new(TaskWaker {
                    id,
                    queued: AtomicBool::new(false),
                    time: self.handle.time.clone(),
                });
                waker.wake_by_ref();
                let work = Some(work);
                self.tasks.insert(id, Task { group, work, waker });
            }
            for id in end {
                self.tasks.remove(&id);
            }
        }
    }

    /// One of the ready tasks, by the seed.
    fn choose(&mut self) -> Option<TaskId> {
        let orders = self.handle.orders.borrow();
        let mut ready = lock(&self.handle.time.ready);
        ready.retain(|id| self.tasks.contains_key(id));
        let may = |id: &TaskId| {
            self.tasks
                .get(id)
                .is_some_and(|task| !orders.frozen.contains(&task.group))
        };
        let free = ready.iter().filter(|id| may(id)).count();
        if free == 0 {
            return None;
        }
        let chosen = if free == 1 { 0 } else { self.random.below(free) };
        let at = ready
            .iter()
            .enumerate()
            .filter(|(_, id)| may(id))
            .nth(chosen)
            .map(|(at, _)| at)?;
        let id = ready.swap_remove(at);
        drop(ready);
        if free > 1 {
            self.trace.number("task", id);
        }
        Some(id)
    }

    fn poll(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        task.waker.queued.store(false, Ordering::Relaxed);
        let Some(mut work) = task.work.take() else { return };
        let waker = Waker::from(task.waker.clone());
        let ended = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        if ended {
            self.tasks.remove(&id);
        } else if let Some(task) = self.tasks.get_mut(&id) {
            task.work = Some(work);
        }
    }
}
