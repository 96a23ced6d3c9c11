//! Clients that die in their calls (LRPC 1990, section 5.3): the procedures run to their ends, their results are nobody's, other
//! clients are served all the time, and nothing is left of the dead ones.
//!
//! `NEARCALL_TEST_CLIENTS` says how many die.

#![allow(missing_docs, reason = "an interface of a test")]

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nearcall::Binder;
use nearcall_core::shm::copy;
use nearcall_testkit::board::Board;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::tasks;
use rustix::process::{Pid, Signal, kill_process};

/// Words of the board, all written by the server: procedures that were entered in which their caller dies, and how many of them
/// went on to their ends; clients that were killed in a call.
const ENTERED: usize = 0;
const OUTLIVED: usize = 1;
const KILLED: usize = 2;

/// Calls of a client that are under way beside the one in which it dies.
const BESIDE: u64 = 3;

#[nearcall::interface]
pub trait Mortal {
    #[call(concurrency = 8)]
    fn add(&self, a: u64, b: u64) -> u64;
    /// Returns when its caller is dead: arguments in the frame, results there, too.
    #[call(timeout = "1min", concurrency = 8)]
    fn wait_for_the_end(&self, words: &[u64], #[out(len = return)] out: &mut [u64]) -> u32;
    /// Kills its caller when the calls beside this one are all in their procedures, and goes on.
    #[call(timeout = "1min", concurrency = 8)]
    fn kill(&self, data: &[u8]) -> Vec<u8>;
}

struct Killer {
    board: Board,
    entered: AtomicU64,
    outlived: AtomicU64,
    killed: AtomicU64,
    /// Calls of each client that wait for its end.
    waiting: Mutex<HashMap<u64, u64>>,
}

impl Killer {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, u64>> {
        self.waiting.lock().unwrap()
    }

    fn note(&self, count: &AtomicU64, word: usize) {
        // Several processors: the board's words have one writer at a time.
        static WRITING: Mutex<()> = Mutex::new(());
        let _writing = WRITING.lock().unwrap();
        self.board.set(word, count.fetch_add(1, Ordering::Relaxed) + 1);
    }
}

impl Mortal for Killer {
    fn add(&self, a: u64, b: u64) -> u64 {
        // Kept in builds for tests: that of a processor would grow for ever.
        drop(copy::take_log());
        a.wrapping_add(b)
    }

    fn wait_for_the_end(&self, words: &[u64], out: &mut [u64]) -> u32 {
        self.note(&self.entered, ENTERED);
        let current = nearcall::current().unwrap();
        *self.waiting().entry(current.peer().id()).or_default() += 1;
        let start = Instant::now();
        while !current.is_cancelled() {
            assert!(start.elapsed() < Duration::from_secs(60), "its caller does not die");
            std::thread::sleep(Duration::from_micros(200));
        }
        out.iter_mut().zip(words).for_each(|(to, word)| *to = !word);
        self.note(&self.outlived, OUTLIVED);
        u32::try_from(words.len()).unwrap()
    }

    fn kill(&self, data: &[u8]) -> Vec<u8> {
        self.note(&self.entered, ENTERED);
        let current = nearcall::current().unwrap();
        let (start, id) = (Instant::now(), current.peer().id());
        while self.waiting().get(&id) != Some(&BESIDE) {
            assert!(start.elapsed() < Duration::from_secs(60), "{:?} of {BESIDE} calls", self.waiting().get(&id));
            std::thread::sleep(Duration::from_micros(200));
        }
        self.waiting().remove(&id);
        let pid = current.peer().pid().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        self.note(&self.killed, KILLED);
        let result = data.iter().rev().copied().collect();
        self.note(&self.outlived, OUTLIVED);
        result
    }
}

fn board(dir: &Path) -> Board {
    Board::open(&dir.with_extension("board"), 4)
}

fn bind(dir: &Path) -> MortalClient {
    Binder::new("mortal").dir(dir).wait(Duration::from_secs(10)).bind().unwrap()
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Descriptors, regions, kernel threads, memory in KiB.
fn holds(pid: u32) -> (usize, usize, usize, u64) {
    let threads = tasks::tasks(pid).len();
    (process::descriptors(pid).len(), process::regions(pid).len(), threads, process::resident_kib(pid))
}

#[test]
fn clients_that_die_in_their_calls_leave_nothing() {
    let count = u64::from(support::count("NEARCALL_TEST_CLIENTS", 200));
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("names");
    support::make_dir(&dir);
    let server = Peer::start("serve", &dir);
    let (pid, board) = (server.pid(), board(&dir));
    let steady = bind(&dir);
    let is_over = AtomicBool::new(false);
    let mut died = 0;
    let mut one = || {
        let mut client = Peer::start("die", &dir);
        assert_eq!(client.ends(Duration::from_secs(30)), Some(false), "it was to be killed");
        died += 1;
    };
    let settled = |base: Option<(usize, usize, usize, u64)>, died: u64| {
        let start = Instant::now();
        loop {
            let now = holds(pid);
            let ended = board.get(OUTLIVED) == board.get(ENTERED) && board.get(KILLED) == died;
            // The first look may be one at the last client's remains: fewer than there were then are no leak.
            if ended && base.is_none_or(|base| now.0 <= base.0 && now.1 <= base.1) {
                return now;
            }
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{base:?} {now:?}; {} entered, {} over, {} of {died} killed in a call",
                board.get(ENTERED),
                board.get(OUTLIVED),
                board.get(KILLED),
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    std::thread::scope(|scope| {
        // Nobody else notices.
        let other = scope.spawn(|| {
            let mut calls = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(steady.add(calls, 1), Ok(calls + 1));
                calls += 1;
                if calls.is_multiple_of(64) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            calls
        });
        // Or a failure would wait for the calls that wait for it.
        let over = Ends(&is_over);
        (0..20).for_each(|_| one());
        // As low as it gets.
        let looks = (0..20).map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            settled(None, 20)
        });
        let base = looks.min().expect("a look");
        let start = Instant::now();
        (0..count).for_each(|_| one());
        let took = start.elapsed();
        let after = settled(Some(base), 20 + count);
        drop(over);
        let calls = other.join().unwrap();
        println!(
            "{count} clients killed in their calls in {took:.1?}, {} calls outlived their callers, {calls} of another client; \
             descriptors {} -> {}, regions {} -> {}, kernel threads {} -> {}, memory {} -> {} KiB",
            board.get(OUTLIVED),
            base.0,
            after.0,
            base.1,
            after.1,
            base.2,
            after.2,
            base.3,
            after.3
        );
        // Standbys and spares come and go by what a machine has to do, within a bound.
        assert!(after.2 <= base.2 + 8, "{} -> {} kernel threads", base.2, after.2);
        // What those take, and the allocator; beyond that a few hundred bytes for each that died would be found.
        assert!(after.3 < base.3 + 1024 + count / 4, "{} -> {} KiB", base.3, after.3);
    });
    assert_eq!((died, board.get(ENTERED)), (20 + count, (1 + BESIDE) * (20 + count)));
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    match part.as_str() {
        "serve" => {
            let counts = [const { AtomicU64::new(0) }; 3];
            let [entered, outlived, killed] = counts;
            let killer = Killer { board: board(&dir), entered, outlived, killed, waiting: Mutex::default() };
            let export = nearcall::Exporter::new("mortal").dir(&dir).export(MortalServer::new(killer)).unwrap();
            process::ready();
            std::mem::forget(export);
            process::until_released();
        }
        "die" => {
            process::ready();
            let client = bind(&dir);
            std::thread::scope(|scope| {
                for number in 0..BESIDE {
                    let client = &client;
                    scope.spawn(move || {
                        let mut out = [0; 64];
                        let _ = client.wait_for_the_end(&[number; 64], &mut out);
                    });
                }
                let _ = client.kill(&[7; 900]);
            });
            panic!("it was not killed");
        }
        other => panic!("{other}"),
    }
}
