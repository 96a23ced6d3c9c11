//! Processes that call and processes that are called, and what both are told to do: for tests about waiting.
//!
//! ```text
//! test --lines on stdin--> Worker (client process) --calls--> Place::server (server process)
//!   ^------ the board: progress, errors, times -------'
//! ```
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "shared by several test programs, each of which uses a part"
)]

mod worker;

use std::cell::Cell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nearcall::Wire;
use nearcall_core::shm::copy;
use nearcall_testkit::board::Board;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::{busy, tasks};
pub use worker::{Job, MODES, PATIENCE, Report, UNTIL_STOPPED, Worker};

/// [`nearcall::ServerCounts`], as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Counts {
    pub calls: u64,
    pub polled: u64,
    pub donations: u64,
    pub sleeps: u64,
    pub yields: u64,
    pub empty_bells: u64,
    pub tenures: u64,
    pub relieved: u64,
}

#[nearcall::interface]
pub trait Work {
    #[call(timeout = "2min")]
    fn add(&self, a: u64, b: u64) -> u64;
    /// Keeps the CPU busy, and returns for how long.
    #[call(timeout = "2min")]
    fn spin(&self, microseconds: u64) -> u64;
    #[call(timeout = "2min")]
    fn sleep(&self, microseconds: u64) -> u64;
    fn counts(&self) -> Counts;
    /// For servers that do not answer.
    #[call(timeout = "100ms")]
    fn quick(&self) -> u32;
}

/// Every procedure by name, in order, for clients made by hand.
pub const PROCEDURES: [&str; 5] = ["add", "spin", "sleep", "counts", "quick"];
pub const ADD: usize = 0;
pub const SLEEP: usize = 2;

struct Hand;

impl Work for Hand {
    fn add(&self, a: u64, b: u64) -> u64 {
        // What was copied is not the question here, and the log of a processor would grow for ever.
        drop(copy::take_log());
        a.wrapping_add(b)
    }
    fn spin(&self, microseconds: u64) -> u64 {
        drop(copy::take_log());
        busy::spin(Duration::from_micros(microseconds));
        microseconds
    }
    fn sleep(&self, microseconds: u64) -> u64 {
        drop(copy::take_log());
        std::thread::sleep(Duration::from_micros(microseconds));
        microseconds
    }
    fn counts(&self) -> Counts {
        let now = nearcall::server_counts();
        Counts {
            calls: now.calls,
            polled: now.polled,
            donations: now.donations,
            sleeps: now.sleeps,
            yields: now.yields_paid + now.yields_wasted,
            empty_bells: now.empty_bells,
            tenures: now.tenures,
            relieved: now.relieved,
        }
    }
    fn quick(&self) -> u32 {
        1
    }
}

/// A directory of names, a server process in it, and a board. No two at a time in one test program: tests about waiting
/// disturb each other.
pub struct Place {
    pub server: Peer,
    pub dir: PathBuf,
    board: Arc<Board>,
    workers: Cell<usize>,
    _outer: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    pub fn new() -> Self {
        Self::with("work")
    }

    /// With another part of the test program as the server.
    pub fn with(part: &str) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (outer, dir) = crate::support::names();
        let board = Arc::new(worker::board(&dir));
        let server = Peer::start(part, &dir);
        Self { server, dir, board, workers: Cell::new(0), _outer: outer, _alone: alone }
    }

    pub fn bind(&self) -> WorkClient {
        bind(&self.dir)
    }

    pub fn worker(&self) -> Worker {
        let slot = self.workers.replace(self.workers.get() + 1);
        Worker::start(&self.dir, self.server.pid(), Arc::clone(&self.board), slot)
    }
}

pub fn bind(dir: &Path) -> WorkClient {
    nearcall::Binder::new("work").dir(dir).wait(Duration::from_secs(10)).bind().unwrap()
}

/// Plays a part that tests about waiting have in common, if this process was started for one.
pub fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    end_with_the_test();
    match part.split_once(' ') {
        None if part == "work" => {
            let export = nearcall::Exporter::new("work").dir(&dir).export(WorkServer::new(Hand)).unwrap();
            process::ready();
            std::mem::forget(export);
            process::until_released();
        }
        Some(("worker", slot)) => worker::play(&dir, slot.parse().unwrap()),
        _ => {}
    }
}

/// A process that calls until it is stopped must not outlive a test that was killed.
pub fn end_with_the_test() {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
}

/// Says, past the test harness's capture, what was not tested and why.
pub fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
}

/// The CPUs there are, if there are two or more; otherwise says that `what` is skipped.
pub fn two_cpus(what: &str) -> Option<Vec<usize>> {
    let cpus = tasks::cpus();
    if cpus.len() < 2 {
        skip(what, "one CPU only");
    }
    (cpus.len() >= 2).then_some(cpus)
}

/// Whether limits of time are checked that a busy machine cannot keep: set `NEARCALL_TEST_TIMES` on a quiet one.
pub fn times_count() -> bool {
    std::env::var_os("NEARCALL_TEST_TIMES").is_some()
}
