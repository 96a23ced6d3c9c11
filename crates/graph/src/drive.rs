//! Driving a graph: polling its wires, running its events, and sleeping when there is neither.
//!
//! Any number of threads may drive one graph. One that sleeps has told so before it looked for the last time, and whoever
//! puts something where a sleeper looks for it (an inbox, an answer, an earlier event) looks for sleepers afterwards; both
//! under the lock of what is put, so that one of them sees the other.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Instant;

use nearcall_core::sys::futex::{self, Sleep};
use nearcall_core::sys::process;
use nearcall_core::threads::{self, On, Waited};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};

use crate::event::Time;
use crate::graph::{Graph, Part, StartError};
use crate::protocol::{Node, OpenError};

/// Turns without anything after which [`Graph::until`] sleeps, unless told otherwise.
pub const IDLE_TURNS: u32 = 200;

/// What a thread sleeps at most that cannot be woken, or not for everything.
const STEP: Duration = Duration::from_millis(1);

/// The clock of a graph that is driven in real time: the kernel's monotonic one. So two lives of a host never begin at the same
/// time, and what is counted from the time at the start (identifications, ports) does not begin where it did before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock(());

impl Clock {
    /// It is the same for all.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Time {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let (seconds, nanoseconds) = (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
        Time(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
    }

    /// When it was 0, in nanoseconds since 1970, as the system's time is set now.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(0).saturating_sub(self.now().0)
    }
}

/// The nodes that bring messages from outside, and what tells that they have one.
#[derive(Debug)]
pub(crate) struct Wires {
    wires: Vec<(Node, Option<OwnedFd>)>,
}

impl Wires {
    /// A wire whose descriptor is not to be had is none: whoever sleeps would not hear it.
    pub(crate) fn of(parts: &[Part]) -> Result<Self, StartError> {
        let wire = |(at, part): (usize, &Part)| {
            let node = Node(u16::try_from(at).ok()?);
            let error = |errno| StartError { node: part.name.clone(), error: OpenError::Descriptor(errno) };
            part.below.is_empty().then(|| Ok((node, part.core.descriptor().map_err(error)?)))
        };
        Ok(Self { wires: parts.iter().enumerate().filter_map(wire).collect::<Result<_, _>>()? })
    }

    pub(crate) fn node(&self, at: usize) -> Option<Node> {
        self.wires.get(at).map(|(node, _)| *node)
    }

    pub(crate) fn count(&self) -> usize {
        self.wires.len()
    }

    /// Whether each has a descriptor that tells of what it has.
    fn are_heard(&self) -> bool {
        self.wires.iter().all(|(_, descriptor)| descriptor.is_some())
    }
}

/// Threads that sleep, each by the descriptor that wakes it; and threads that wait and drive nothing, by one word.
#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    count: AtomicUsize,
    list: Mutex<Vec<Arc<OwnedFd>>>,
    waiting: AtomicUsize,
    bell: AtomicU32,
}

impl Sleepers {
    /// Wakes all that sleep. They look again.
    pub(crate) fn rouse(&self) {
        // Relaxed suffices: the lock of what was put orders this after the sleeper's announcement, if the sleeper did not
        // see what was put.
        if self.count.load(Ordering::Relaxed) > 0 {
            self.rouse_all();
        }
        self.ring();
    }

    /// Wakes those that drive nothing.
    fn ring(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.bell.fetch_add(1, Ordering::Relaxed);
            futex::wake_private(&self.bell);
        }
    }

    fn rouse_all(&self) {
        for sleeper in &*self.list() {
            // Full means that it is woken already.
            let _ = rustix::io::write(&**sleeper, &1_u64.to_ne_bytes());
        }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Arc<OwnedFd>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, waker: &Arc<OwnedFd>) {
        self.list().push(Arc::clone(waker));
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn leave(&self, waker: &Arc<OwnedFd>) {
        let mut list = self.list();
        if let Some(at) = list.iter().position(|other| Arc::ptr_eq(other, waker)) {
            list.swap_remove(at);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The thread that receives for a graph ([`reception`](crate::reception)), while it sleeps. It is woken for events only: what
/// reaches a program is no business of whoever brought it.
#[derive(Debug, Default)]
pub(crate) struct Receivers {
    sleepers: Sleepers,
    /// Until when it sleeps; 0 while it does not.
    until: AtomicU64,
    /// An event that was due then and is not there any more. It is slept for all the same: a protocol that sets and cancels
    /// a timer for each message would otherwise wake the receiver for each.
    was_due: AtomicU64,
    /// Held while one sleeps, and not waited for. The alarm may move the lead while the old one sleeps, or is about to; the new one
    /// announces nothing before the old one, which is woken then, has taken back what it announced. One that comes so late that the new one
    /// sleeps already would sleep as long, whatever its suspended stacks wait for.
    bed: Mutex<()>,
}

impl Receivers {
    /// There is an event at `at`, which is earlier than all others.
    pub(crate) fn rouse_before(&self, at: Time) {
        // Relaxed: the lock of the events, which both sides have had, shows one of them what the other has written.
        if at.0 < self.until.load(Ordering::Relaxed) {
            self.sleepers.rouse();
        }
    }
}

/// Threads that sleep on the wires' descriptors. A wire knows of one sleeper only: what one announces or takes off its bell would be
/// another's, who is then not rung for a frame that is there. So the first of them announces, the last one takes that back, and
/// once one leaves all do before anybody comes.
#[derive(Debug, Default)]
pub(crate) struct Asleep(Mutex<Sleeping>);

#[derive(Debug, Default)]
struct Sleeping {
    count: usize,
    /// What the first found: nothing.
    is_quiet: bool,
    /// One has left, and has woken the others.
    is_ending: bool,
}

impl Asleep {
    fn lock(&self) -> std::sync::MutexGuard<'_, Sleeping> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, if none leaves at the moment; `Some(false)`: there is something already. Who has come has to leave.
    fn come(&self, announce: impl FnOnce() -> bool) -> Option<bool> {
        let mut sleeping = self.lock();
        if sleeping.is_ending {
            return None;
        }
        if sleeping.count == 0 {
            sleeping.is_quiet = announce();
        }
        sleeping.count += 1;
        Some(sleeping.is_quiet)
    }

    /// Somebody else sleeps on the same descriptors: what those that sleep here have announced is announced for it, too.
    fn watch(&self, announce: impl FnOnce() -> bool) -> bool {
        let sleeping = self.lock();
        if sleeping.count == 0 { announce() } else { sleeping.is_quiet }
    }

    /// It does not any more. Theirs stays.
    fn look_away(&self, take_back: impl FnOnce()) {
        if self.lock().count == 0 {
            take_back();
        }
    }

    /// One less.
    fn leave(&self, take_back: impl FnOnce(), rouse: impl FnOnce()) {
        let mut sleeping = self.lock();
        sleeping.count -= 1;
        if sleeping.count == 0 {
            sleeping.is_ending = false;
            take_back();
        } else if !sleeping.is_ending {
            sleeping.is_ending = true;
            rouse();
        }
    }
}

thread_local! {
    /// What wakes this thread: made once, because a thread sleeps often.
    static WAKER: Option<Arc<OwnedFd>> =
        rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).ok().map(Arc::new);
}

/// Whoever polls a graph while no thread drives it.
pub trait Keeper: Send + Sync {
    /// Nobody drives the graph any more, or something is due earlier than was known while nobody does.
    fn left(&self);

    /// Something has arrived for the program, and nobody drives the graph.
    fn arrived(&self) {}
}

/// Threads that drive a graph, and who does when there is none.
#[derive(Default)]
pub(crate) struct Attendance {
    count: AtomicUsize,
    /// How often somebody began.
    turns: AtomicUsize,
    keeper: Mutex<Option<std::sync::Weak<dyn Keeper>>>,
    is_kept: AtomicBool,
}

impl Attendance {
    /// Tells the keeper, if nobody drives the graph.
    pub(crate) fn left(&self) {
        self.tell(|keeper| keeper.left());
    }

    /// The same, when something has arrived for the program.
    pub(crate) fn arrived(&self) {
        self.tell(|keeper| keeper.arrived());
    }

    fn tell(&self, what: impl FnOnce(&dyn Keeper)) {
        // Relaxed: the keeper looks at the graph after it was told, and whoever enters meanwhile tells it in leaving.
        if self.is_kept.load(Ordering::Relaxed) && self.count.load(Ordering::Relaxed) == 0 {
            let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(keeper) = keeper.and_then(|keeper| keeper.upgrade()) {
                what(&*keeper);
            }
        }
    }
}

/// A thread that drives the graph for as long as this is there.
struct Attending<'a>(&'a Attendance);

impl<'a> Attending<'a> {
    fn begin(attendance: &'a Attendance) -> Self {
        attendance.turns.fetch_add(1, Ordering::Relaxed);
        attendance.count.fetch_add(1, Ordering::Relaxed);
        Self(attendance)
    }
}

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.left();
    }
}

/// What a loop polls, and how it sleeps when there is nothing: all that whoever drives a graph has to know of it.
///
/// To sleep: [`before_sleep`](Self::before_sleep); look for what else is waited for; sleep on all of
/// [`descriptors`](Self::descriptors) until [`next`](Self::next); [`after_sleep`](Self::after_sleep).
pub trait Source {
    /// Takes what is there, carries it out, and runs what is due. `true` if there was something.
    fn poll(&self, now: Time) -> bool;

    /// When something is due next.
    fn next(&self) -> Option<Time>;

    /// Somebody is about to sleep. `false` if there is something already. Either way [`after_sleep`](Self::after_sleep)
    /// follows.
    fn before_sleep(&self, now: Time) -> bool;

    /// Descriptors that are readable when there is something, after [`before_sleep`](Self::before_sleep).
    fn descriptors(&self, now: Time) -> Vec<BorrowedFd<'_>>;

    /// Those that are readable for ever, because nothing will come: whoever listens to them drops them.
    fn ended(&self, now: Time) -> Vec<BorrowedFd<'_>>;

    /// It is polled again.
    fn after_sleep(&self, now: Time);
}

impl Source for Graph {
    fn poll(&self, now: Time) -> bool {
        Self::poll(self, now)
    }

    fn next(&self) -> Option<Time> {
        self.next_event()
    }

    fn before_sleep(&self, now: Time) -> bool {
        self.asleep.watch(|| self.announce(now))
    }

    fn descriptors(&self, now: Time) -> Vec<BorrowedFd<'_>> {
        self.wires_that(false, now)
    }

    fn ended(&self, now: Time) -> Vec<BorrowedFd<'_>> {
        self.wires_that(true, now)
    }

    fn after_sleep(&self, now: Time) {
        self.asleep.look_away(|| self.take_back(now));
    }
}

impl Graph {
    /// Descriptors of wires that are over, or are not.
    fn wires_that(&self, are_over: bool, now: Time) -> Vec<BorrowedFd<'_>> {
        let is_over = |node: &Node| self.with(*node, now, |core, _| core.is_over()).unwrap_or(true);
        let wires = self.wires.wires.iter().filter(|(node, _)| is_over(node) == are_over);
        wires.filter_map(|(_, fd)| fd.as_ref().map(AsFd::as_fd)).collect()
    }

    /// Tells all wires that somebody is about to sleep. `false` if one has something already.
    fn announce(&self, now: Time) -> bool {
        let may = |node: &Node| self.with(*node, now, |core, _| core.before_sleep()).unwrap_or(true);
        self.wires.wires.iter().fold(true, |all, (node, _)| may(node) && all)
    }

    /// Tells them that nobody sleeps any more.
    fn take_back(&self, now: Time) {
        for (node, _) in &self.wires.wires {
            self.with(*node, now, |core, _| core.after_sleep());
        }
    }

    /// Looks at each wire once, carries out what arrived, and runs the events that are due. `true` if there was something.
    pub fn poll(&self, now: Time) -> bool {
        let mut any = false;
        for (node, _) in &self.wires.wires {
            any |= self.with(*node, now, |core, cx| core.poll(cx)).unwrap_or(false);
        }
        if self.is_due(now) {
            any |= self.run_events(now);
        }
        any
    }

    /// Wakes every thread that sleeps in [`until`](Self::until) or [`park`](Self::park): what it waits for has changed
    /// outside the graph.
    pub fn wake(&self) {
        // A thread that is about to sleep has announced it before it looks for the last time, and both are under the lock.
        self.sleepers.rouse_all();
        self.sleepers.ring();
    }

    /// Has `keeper` told whenever nobody drives the graph any more. Without one, whoever wants something of it drives it.
    pub fn keep(&self, keeper: std::sync::Weak<dyn Keeper>) {
        *self.attendance.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
        self.attendance.is_kept.store(true, Ordering::Relaxed);
    }

    /// Threads that drive the graph now, in [`until`](Self::until), and how many ever began to.
    #[must_use]
    pub fn attendance(&self) -> (usize, usize) {
        let Attendance { count, turns, .. } = &self.attendance;
        (count.load(Ordering::Relaxed), turns.load(Ordering::Relaxed))
    }

    /// Drives the graph until `done` says something, or until `limit` has passed.
    pub fn until<T>(&self, clock: &Clock, limit: Duration, mut done: impl FnMut() -> Option<T>) -> Option<T> {
        let _attending = Attending::begin(&self.attendance);
        let deadline = clock.now().after(limit);
        let mut idle = 0;
        loop {
            let now = clock.now();
            if self.poll(now) {
                idle = 0;
            }
            if let Some(result) = done() {
                return Some(result);
            }
            if now >= deadline {
                return None;
            }
            idle += 1;
            if idle > IDLE_TURNS {
                let mut result = None;
                self.park(clock, deadline, || {
                    result = done();
                    result.is_some()
                });
                if result.is_some() {
                    return result;
                }
            }
        }
    }

    /// Waits until `done` says something, or until `limit` has passed, and leaves driving the graph to others: `done` is asked again
    /// when something has reached a program's end of the graph. A user-level thread is suspended meanwhile.
    pub fn wait<T>(&self, limit: Duration, mut done: impl FnMut() -> Option<T>) -> Option<T> {
        let Sleepers { waiting, bell, .. } = &self.sleepers;
        if let Some(result) = done() {
            return Some(result);
        }
        let deadline = Instant::now().checked_add(limit);
        // On the only CPU a spin would keep it from whoever is waited for.
        let is_given = process::allowed_cpus_lately().count_ones() == 1;
        // Before the looks: the lock of what is put orders this for whoever puts something that they do not find.
        waiting.fetch_add(1, Ordering::Relaxed);
        let result = loop {
            let value = bell.load(Ordering::Relaxed);
            if let Some(result) = done() {
                break Some(result);
            }
            let sleep = Sleep { word: bell, value, shared: false };
            let on = On { words: &[sleep], is_given, ..On::default() };
            match threads::wait_until_on(&mut |_| bell.load(Ordering::Relaxed) != value, deadline, &on) {
                Waited::Ready => {}
                Waited::TimedOut | Waited::Cancelled => break done(),
            }
        };
        waiting.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Sleeps until a wire has something or an event is due, at most until `deadline`: for the thread that receives. `ready` is
    /// asked after the sleep was announced. What reaches a program's end of the graph does not wake it. While another one sleeps, this
    /// one does not: it is to ask again whether it receives.
    pub(crate) fn sleep_on_wires(&self, clock: &Clock, deadline: Time, ready: impl FnMut() -> bool) {
        let Receivers { sleepers, until, was_due, bed } = &self.receivers;
        WAKER.with(|waker| {
            let Some(waker) = waker else { return std::thread::sleep(STEP) };
            let _own = match bed.try_lock() {
                Ok(own) => own,
                Err(TryLockError::Poisoned(own)) => own.into_inner(),
                // If it receives, the other one is getting up.
                Err(TryLockError::WouldBlock) => return process::yield_cpu(),
            };
            sleepers.enter(waker);
            let was = was_due.load(Ordering::Relaxed);
            let due = self.next_event().map_or(u64::MAX, |next| next.0);
            let was = if was > clock.now().0 { was } else { u64::MAX };
            until.store(due.min(was), Ordering::Relaxed);
            was_due.store(due.min(was), Ordering::Relaxed);
            // Once more, under the lock of the events: from here on whoever schedules an earlier one sees until when we sleep.
            let is_late = self.next_event().is_some_and(|next| next.0 < due.min(was));
            if !is_late {
                self.sleep(clock, deadline.min(Time(due.min(was))), waker, ready);
            }
            until.store(0, Ordering::Relaxed);
            sleepers.leave(waker);
            let mut count = [0; 8];
            let _ = rustix::io::read(&**waker, &mut count);
        });
    }

    /// Wakes the thread that receives.
    pub(crate) fn rouse_receiver(&self) {
        self.receivers.sleepers.rouse_all();
    }

    /// Sleeps until a wire has something, an event is due, something reached a program's end of the graph, or `deadline`.
    /// `ready` is asked after the sleep was announced; if it says `true`, nobody sleeps.
    pub fn park(&self, clock: &Clock, deadline: Time, ready: impl FnMut() -> bool) {
        WAKER.with(|waker| match waker {
            Some(waker) => {
                self.sleepers.enter(waker);
                self.sleep(clock, deadline, waker, ready);
                self.sleepers.leave(waker);
                let mut count = [0; 8];
                let _ = rustix::io::read(&**waker, &mut count);
            }
            // Without descriptors left nobody could wake it: short sleeps instead.
            None => std::thread::sleep(clock.now().until(deadline).min(STEP)),
        });
    }

    /// The caller is among the sleepers, and can be woken.
    fn sleep(&self, clock: &Clock, deadline: Time, waker: &Arc<OwnedFd>, mut ready: impl FnMut() -> bool) {
        let Some(is_quiet) = self.asleep.come(|| self.announce(clock.now())) else {
            // The others are awake already, and will not take long.
            return process::yield_cpu();
        };
        if is_quiet && !ready() {
            let until = self.next_event().map_or(deadline, |event| event.min(deadline));
            let until = if self.wires.are_heard() { until } else { until.min(clock.now().after(STEP)) };
            let descriptors = self.descriptors(clock.now());
            let all = core::iter::once(waker.as_fd()).chain(descriptors);
            let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
            let time = Timespec::try_from(clock.now().until(until)).ok();
            // Woken by a signal it looks again, as it does for everything.
            let _ = rustix::event::poll(&mut polled, time.as_ref());
        }
        let rouse = || {
            self.sleepers.rouse_all();
            self.receivers.sleepers.rouse_all();
        };
        self.asleep.leave(|| self.take_back(clock.now()), rouse);
    }
}

#[cfg(test)]
mod tests;
