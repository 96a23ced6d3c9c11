//! A graph that the runtime drives: its wires are polled by the lead with the bindings, and the watcher sleeps on them.
//!
//! Threads of the program that wait for something of the graph drive it themselves meanwhile, which saves a wake-up for each
//! message; the watcher then only looks, every other millisecond, whether they still do.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use nearcall_core::transfer::wires::Wire;
use nearcall_graph::drive::{Keeper, Source as _};
use nearcall_graph::{Clock, Graph};
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::domain::{Domain, NoDomain, domain};
use crate::watcher::Command;

/// Why the runtime does not drive a graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The kernel refused something: descriptors, memory, a kernel thread.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// This process was forked from one that took part, and has none of its kernel threads.
    #[error("this process was forked from one that uses nearcall; exec a program")]
    Forked,
}

impl DriveError {
    fn io(what: &'static str) -> impl FnOnce(Errno) -> Self {
        move |errno| Self::Io { what, source: errno.into() }
    }
}

/// A graph that the runtime drives until this is dropped.
///
/// Whoever waits for something of the graph still may drive it ([`Graph::until`]), and need not.
#[derive(Debug)]
#[must_use = "dropping it ends the driving"]
pub struct Driven {
    driver: Arc<Driver>,
}

impl Driven {
    /// Begins to drive `graph`.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn new(graph: Arc<Graph>) -> Result<Self, DriveError> {
        let domain = domain().map_err(|error| match error {
            NoDomain::Forked => DriveError::Forked,
            NoDomain::Io(what, errno) => DriveError::io(what)(errno),
        })?;
        let nest = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(DriveError::io("make an epoll"))?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).map_err(DriveError::io("make a timer"))?;
        let listen = |fd: &dyn AsFd| epoll::add(&nest, fd.as_fd(), epoll::EventData::new_u64(0), epoll::EventFlags::IN);
        listen(&timer).map_err(DriveError::io("listen to a timer"))?;
        for fd in graph.descriptors(Clock::new().now()) {
            listen(&fd).map_err(DriveError::io("listen to a wire"))?;
        }
        let driver = Arc::new_cyclic(|me| Driver {
            me: Weak::clone(me),
            graph,
            clock: Clock::new(),
            nest,
            timer,
            key: AtomicU64::new(0),
            polled: AtomicBool::new(false),
            told: AtomicBool::new(false),
            turns: AtomicUsize::new(0),
            domain,
            arrival: Mutex::new(None),
        });
        let keeper: Weak<dyn Keeper> = Arc::downgrade(&(Arc::clone(&driver) as Arc<dyn Keeper>));
        driver.graph.keep(keeper);
        domain.watcher.command(Command::Drive(Arc::clone(&driver)));
        Ok(Self { driver })
    }

    /// Calls `wake` when something has arrived for the program while no thread of it drives the graph. It must not wait.
    pub(crate) fn on_arrival(&self, wake: impl Fn() + Send + Sync + 'static) {
        *self.driver.arrival.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(wake));
    }

    /// Whether this is not a forked child, in which the wires are its parent's.
    pub(crate) fn is_here(&self) -> bool {
        self.driver.domain.is_here()
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        &self.driver.graph
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        // Neither waits: a lead may poll the graph once more.
        let domain = self.driver.domain;
        if domain.is_here() {
            let wire: Arc<dyn Wire> = Arc::<Driver>::clone(&self.driver);
            domain.crew.remove_wire(&wire);
            domain.watcher.command(Command::Forget(Arc::clone(&self.driver)));
        }
    }
}

/// A graph, as the crew and the watcher see it.
pub(crate) struct Driver {
    me: Weak<Self>,
    graph: Arc<Graph>,
    clock: Clock,
    /// An epoll with all wires of the graph, and with `timer`: one descriptor for the watcher.
    nest: OwnedFd,
    /// When something is due while nobody polls.
    timer: OwnedFd,
    /// By which the watcher knows it.
    key: AtomicU64,
    /// A lead polls it.
    polled: AtomicBool,
    /// The watcher was told that it may have to listen, and has not looked yet.
    told: AtomicBool,
    /// How often somebody had begun to drive the graph when the watcher looked last.
    turns: AtomicUsize,
    domain: &'static Domain,
    arrival: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

impl core::fmt::Debug for Driver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Driver").field("graph", &self.graph).finish_non_exhaustive()
    }
}

impl Driver {
    pub(crate) fn nest(&self) -> &OwnedFd {
        &self.nest
    }

    pub(crate) fn key(&self) -> u64 {
        self.key.load(Ordering::Relaxed)
    }

    pub(crate) fn set_key(&self, key: u64) {
        self.key.store(key, Ordering::Relaxed);
    }

    /// Whether a thread of the program drives the graph now.
    pub(crate) fn is_attended(&self) -> bool {
        self.graph.attendance().0 > 0
    }

    /// Has the wires listened to, unless somebody polls them or did since this was asked last: then it says `true`, and is to be
    /// asked again.
    pub(crate) fn look(&self) -> bool {
        let (count, turns) = self.graph.attendance();
        if count > 0 || self.turns.swap(turns, Ordering::Relaxed) != turns {
            return true;
        }
        // Before listening: who leaves from here on tells again.
        self.told.store(false, Ordering::SeqCst);
        if !self.polled.load(Ordering::Relaxed) {
            self.rest();
        }
        self.is_attended()
    }

    /// Has the timer go off `at` nanoseconds of the monotonic clock; never at 0.
    fn set_timer(&self, at: u64) {
        let second = 1_000_000_000;
        let value = Timespec {
            tv_sec: i64::try_from(at / second).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(at % second).unwrap_or(0),
        };
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        // It fails for times that cannot be, which these are not.
        let _ = timerfd_settime(
            &self.timer,
            TimerfdTimerFlags::ABSTIME,
            &Itimerspec { it_interval: zero, it_value: value },
        );
    }
}

impl Wire for Driver {
    fn poll(&self) -> bool {
        self.graph.poll(self.clock.now())
    }

    fn begin(&self) {
        self.polled.store(true, Ordering::Relaxed);
        self.set_timer(0);
        self.graph.after_sleep(self.clock.now());
    }

    fn rest(&self) {
        self.polled.store(false, Ordering::Relaxed);
        let now = self.clock.now();
        let nothing = self.graph.before_sleep(now);
        for fd in self.graph.ended(now) {
            // Dropped before: it is not there any more.
            let _ = epoll::delete(&self.nest, fd);
        }
        // 1: long ago. A wire that has something already need not say so by its descriptor.
        self.set_timer(if nothing { self.graph.next_event().map_or(0, |next| next.0.max(1)) } else { 1 });
        self.watch();
    }

    fn watch(&self) {
        self.domain.watcher.listen_once(&self.nest, self.key());
    }
}

impl Keeper for Driver {
    fn arrived(&self) {
        let wake = self.arrival.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(wake) = wake {
            wake();
        }
    }

    fn left(&self) {
        if self.polled.load(Ordering::Relaxed) || self.told.load(Ordering::SeqCst) {
            return;
        }
        if let Some(me) = self.me.upgrade().filter(|_| !self.told.swap(true, Ordering::SeqCst)) {
            self.domain.watcher.command(Command::Left(me));
        }
    }
}
