//! A domain of a circle: its procedures call the next domain's.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by several test programs, each of which uses a part"
)]

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError, Rebinding, Wire};
use nearcall_testkit::board::Board;
use nearcall_testkit::process;
use nearcall_testkit::tasks::Task;
use rustix::time::{ClockId, clock_gettime};

/// In the order of the circle.
pub const NAMES: [&str; 3] = ["a", "b", "c"];

/// Procedures that may sleep at once in the test that has too many of them.
pub const DEPTHS: u16 = 64;

/// Microseconds that `hurried` has.
pub const HURRY: u64 = 250_000;

/// The word that says which round's last call was entered.
pub const PARKED: usize = 0;
/// The word that says up to which round calls need not wait any longer.
pub const RELEASED: usize = 1;

/// The word that says how a nested call ended at this depth, above the round; behind it, when.
pub fn level(depth: u16) -> usize {
    usize::from(depth) * 2
}

pub fn board(dir: &Path) -> Board {
    Board::open(&dir.with_extension("board"), 64)
}

/// Where `note` writes.
pub fn log(dir: &Path) -> PathBuf {
    dir.with_extension("log")
}

/// How many kernel threads a log names.
pub fn threads(log: &str) -> usize {
    log.lines().filter_map(|line| line.split(' ').nth(1)).collect::<BTreeSet<_>>().len()
}

pub fn binder(name: &str, dir: &Path) -> Binder {
    Binder::new(name).dir(dir).wait(Duration::from_secs(20))
}

/// The same clock in all processes, in nanoseconds.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// What broke a chain of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
#[repr(u8)]
pub enum What {
    Nothing = 1,
    TooDeep = 2,
    Died = 3,
    Timeout = 4,
    Else = 5,
}

/// What broke it, and how deep the procedure was that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Broken {
    pub what: What,
    pub depth: u16,
}

#[nearcall::interface]
pub trait Stage {
    /// Goes so many domains on and back again; what it returns names each with its depth, as it was entered and left.
    #[call(timeout = "60s")]
    fn visit(&self, to_go: u32, trail: &str) -> Result<String, Broken>;
    /// The same, and the last one stays until the board says that the round is over, or its caller is gone.
    #[call(timeout = "60s")]
    fn park(&self, round: u64, to_go: u32) -> Result<u32, Broken>;
    /// Stays in a nested call; its own kernel thread.
    #[call(timeout = "60s", concurrency = 64)]
    fn park_by(&self, round: u64) -> u32;
    /// Blocks until then and tells nobody; its own kernel thread.
    #[call(timeout = "60s")]
    fn block(&self, round: u64) -> u32;
    /// The same, and it says so.
    #[call(timeout = "60s")]
    fn block_announced(&self, round: u64) -> u32;
    /// The same, and the interface says so.
    #[call(timeout = "60s", handoff)]
    fn block_declared(&self, round: u64) -> u32;
    /// Kernel thread.
    #[call(timeout = "60s")]
    fn thread(&self) -> u32;
    /// The time that a nested call has, whose own time-out is a minute.
    #[call(timeout = "250ms")]
    fn hurried(&self) -> u64;
    /// Makes a nested call that is not answered, and writes on the board how that ended.
    #[call(timeout = "250ms")]
    fn hurried_in_vain(&self);
    #[call(timeout = "60s")]
    fn remaining(&self) -> u64;
    #[call(timeout = "60s")]
    fn until_cancelled(&self);
    /// Makes a nested call with a mutex of the process held; the sum.
    #[call(timeout = "60s", concurrency = 8)]
    fn locked(&self, a: u32, pause_us: u32) -> u32;
    /// Calls so far that held it.
    fn locked_count(&self) -> u32;
    #[call(timeout = "60s", concurrency = 8)]
    fn add(&self, a: u32, pause_us: u32) -> u32;
    /// Writes into the log that it begins and ends, and blocks in between for a millisecond, or not.
    #[call(timeout = "60s")]
    fn note(&self, id: u64, blocks: bool);
}

pub struct Domain {
    name: String,
    next: Rebinding<StageClient>,
    board: Board,
    log: File,
    locked: Mutex<u32>,
}

impl Domain {
    fn next(&self) -> std::sync::Arc<StageClient> {
        self.next.get().unwrap()
    }

    /// What becomes of a nested call's result at this depth.
    fn passed_on<T>(&self, depth: u16, result: Result<T, CallError<Broken>>) -> Result<T, Broken> {
        let what = match result {
            Ok(value) => return Ok(value),
            Err(CallError::App(broken)) => return Err(broken),
            Err(CallError::TooDeep) => What::TooDeep,
            Err(CallError::Timeout { .. }) => What::Timeout,
            Err(error) if error.needs_rebind() => What::Died,
            Err(_) => What::Else,
        };
        Err(Broken { what, depth })
    }

    fn wait(&self, round: u64) {
        let call = nearcall::current().unwrap();
        self.board.set(PARKED, round);
        while self.board.get(RELEASED) < round && !call.is_cancelled() {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

fn tid() -> u32 {
    Task::own().tid
}

fn depth() -> u16 {
    nearcall::current().unwrap().depth()
}

impl Stage for Domain {
    fn visit(&self, to_go: u32, trail: &str) -> Result<String, Broken> {
        let depth = depth();
        let there = format!("{trail} {depth}{}", self.name);
        let back = if to_go == 0 {
            format!("{there} |")
        } else {
            self.passed_on(depth, self.next().visit(to_go - 1, &there))?
        };
        assert_eq!(self::depth(), depth, "its own call is the current one again");
        Ok(format!("{back} {depth}{}", self.name))
    }

    fn park(&self, round: u64, to_go: u32) -> Result<u32, Broken> {
        let depth = depth();
        let result = if to_go == 0 {
            self.wait(round);
            Ok(tid())
        } else {
            self.passed_on(depth, self.next().park(round, to_go - 1))
        };
        let what = result.as_ref().map_or_else(|broken| broken.what, |_| What::Nothing);
        self.board.set(level(depth) + 1, now());
        self.board.set(level(depth), round << 8 | what as u64);
        result.map(|_| tid())
    }

    fn park_by(&self, round: u64) -> u32 {
        self.next().park(round, 0).unwrap();
        tid()
    }

    fn block(&self, round: u64) -> u32 {
        self.wait(round);
        tid()
    }

    fn block_announced(&self, round: u64) -> u32 {
        // One inside another is as good as one.
        nearcall::blocking(|| nearcall::blocking(|| self.wait(round)));
        tid()
    }

    fn block_declared(&self, round: u64) -> u32 {
        self.block(round)
    }

    fn thread(&self) -> u32 {
        tid()
    }

    fn hurried(&self) -> u64 {
        self.next().remaining().unwrap()
    }

    fn hurried_in_vain(&self) {
        let what = match self.next().until_cancelled() {
            Err(CallError::Timeout { .. }) => What::Timeout,
            _ => What::Else,
        };
        self.board.set(level(1), what as u64);
    }

    fn remaining(&self) -> u64 {
        nearcall::current().unwrap().remaining().map_or(u64::MAX, |left| u64::try_from(left.as_micros()).unwrap())
    }

    fn until_cancelled(&self) {
        let (call, start) = (nearcall::current().unwrap(), Instant::now());
        while !call.is_cancelled() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.board.set(level(2), 1);
    }

    fn locked(&self, a: u32, pause_us: u32) -> u32 {
        let mut count = self.locked.lock().unwrap();
        let sum = self.next().add(a, pause_us).unwrap();
        *count += 1;
        sum
    }

    fn locked_count(&self) -> u32 {
        *self.locked.lock().unwrap()
    }

    fn add(&self, a: u32, pause_us: u32) -> u32 {
        if pause_us > 0 {
            std::thread::sleep(Duration::from_micros(pause_us.into()));
        }
        a + pause_us
    }

    fn note(&self, id: u64, blocks: bool) {
        let tid = tid();
        // One write each to a file that is open for appending.
        (&self.log).write_all(format!("begin {tid} {id}\n").as_bytes()).unwrap();
        if blocks {
            std::thread::sleep(Duration::from_millis(1));
        }
        (&self.log).write_all(format!("end {tid} {id}\n").as_bytes()).unwrap();
    }
}

/// Plays the domain of this name until it is released.
pub fn serve(name: &str, dir: &Path) -> ! {
    let at = NAMES.iter().position(|other| *other == name).unwrap_or_else(|| panic!("{name}"));
    let domain = Domain {
        name: name.to_owned(),
        next: Rebinding::new(binder(NAMES[(at + 1) % NAMES.len()], dir)),
        board: board(dir),
        log: OpenOptions::new().create(true).append(true).open(log(dir)).unwrap(),
        locked: Mutex::new(0),
    };
    let export = nearcall::Exporter::new(name).dir(dir).export(StageServer::new(domain)).unwrap();
    process::ready();
    std::mem::forget(export);
    process::until_released();
}
