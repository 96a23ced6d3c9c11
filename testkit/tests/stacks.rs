//! What procedures run on, and what others do meanwhile: E-stacks of the pool, made when they are first needed; cooperative
//! services, whose procedures wait on one kernel thread, several at a time; threads of a client that call side by side.

#![allow(missing_docs, reason = "an interface of a test")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearcall::{CallError, Ran, sync, thread};
use nearcall_core::threads::stack;
use nearcall_testkit::board::Board;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::tasks::Task;

/// Words of a domain's board: E-stacks that were made, those that are idle, reports of the watchdog.
const MADE: usize = 0;
const IDLE: usize = 1;
const REPORTS: usize = 2;
/// Calls that another processor ran than the one that took them.
const PASSED_ON: usize = 3;

#[nearcall::interface]
pub trait Stage {
    /// Kernel thread.
    #[call(timeout = "20s", concurrency = 16)]
    fn quick(&self) -> u32;
    /// Blocks the kernel thread; which one.
    #[call(timeout = "20s", concurrency = 16)]
    fn block(&self, ms: u32) -> u32;
    /// Waits as threads do; kernel thread before and after, and the address of a local.
    #[call(timeout = "20s", concurrency = 16)]
    fn nap(&self, ms: u32) -> (u32, u32, u64);
    /// The same, which says twice that it may block.
    #[call(timeout = "20s", concurrency = 64, handoff)]
    fn nap_declared(&self, ms: u32) -> u32;
    /// Has the one behind nap; what it was given, kernel thread, depth before and after.
    #[call(timeout = "20s", concurrency = 16)]
    fn nested(&self, token: u64, ms: u32) -> (u64, u32, u16, u16);
    /// Holds a mutex of nearcall's over a nap; how many were inside at once.
    #[call(timeout = "20s", concurrency = 16)]
    fn locked(&self, ms: u32) -> u64;
    /// Holds a mutex of std's over a nested call, as cooperative code must not.
    #[call(timeout = "1s", concurrency = 16)]
    fn locked_in_bad_faith(&self, ms: u32);
    /// Starts threads on its own kernel thread; whether it may, and whether they ran there.
    #[call(timeout = "20s")]
    fn spawns_here(&self) -> bool;
    /// Starts threads anywhere and joins them; their sum.
    #[call(timeout = "20s", concurrency = 16)]
    fn spawns(&self, count: u32) -> u64;
    /// Panics after a nap.
    #[call(timeout = "20s")]
    fn panics(&self);
    /// Uses up its stack.
    #[call(timeout = "20s")]
    fn recurses(&self, to_go: u64) -> u64;
}

struct Domain {
    behind: Option<StageClient>,
    std: Mutex<()>,
    own: sync::Mutex<u64>,
    inside: AtomicU64,
}

fn tid() -> u32 {
    Task::own().tid
}

fn ms(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

impl Stage for Domain {
    fn quick(&self) -> u32 {
        tid()
    }

    fn block(&self, length: u32) -> u32 {
        std::thread::sleep(ms(length));
        tid()
    }

    fn nap(&self, length: u32) -> (u32, u32, u64) {
        let (before, local) = (tid(), 0_u8);
        thread::sleep(ms(length)).unwrap();
        let address = std::ptr::from_ref(std::hint::black_box(&local)).addr();
        (before, tid(), u64::try_from(address).unwrap())
    }

    fn nap_declared(&self, length: u32) -> u32 {
        nearcall::blocking(|| thread::sleep(ms(length))).unwrap();
        tid()
    }

    fn nested(&self, token: u64, length: u32) -> (u64, u32, u16, u16) {
        let depth = || nearcall::current().unwrap().depth();
        let before = depth();
        self.behind.as_ref().unwrap().nap(length).unwrap();
        (token, tid(), before, depth())
    }

    fn locked(&self, length: u32) -> u64 {
        let mut count = self.own.lock().unwrap();
        let inside = self.inside.fetch_add(1, Ordering::Relaxed) + 1;
        thread::sleep(ms(length)).unwrap();
        self.inside.fetch_sub(1, Ordering::Relaxed);
        *count += 1;
        inside
    }

    fn locked_in_bad_faith(&self, length: u32) {
        let _held = self.std.lock().unwrap();
        let _ = self.behind.as_ref().unwrap().nap(length);
    }

    fn spawns_here(&self) -> bool {
        let own = tid();
        match thread::Builder::new().spawn_local(tid) {
            Ok(handle) => handle.join().unwrap() == own,
            Err(_) => false,
        }
    }

    fn spawns(&self, count: u32) -> u64 {
        let handles: Vec<_> = (0..u64::from(count)).map(|n| thread::spawn(move || n)).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    }

    fn panics(&self) {
        thread::sleep(ms(1)).unwrap();
        panic!("as asked");
    }

    fn recurses(&self, to_go: u64) -> u64 {
        let frame = std::hint::black_box([to_go; 512]);
        if to_go == 0 { frame[0] } else { self.recurses(to_go - 1) + frame[511] }
    }
}

fn board(name: &str, dir: &Path) -> Board {
    Board::open(&dir.with_extension(name), 8)
}

fn bind(name: &str, dir: &Path) -> StageClient {
    nearcall::Binder::new(name).dir(dir).wait(Duration::from_secs(20)).bind().unwrap()
}

/// A place of its own, and processes there.
struct Place {
    _outer: tempfile::TempDir,
    dir: PathBuf,
}

impl Place {
    fn new() -> Self {
        let (outer, dir) = support::names();
        Self { _outer: outer, dir }
    }

    fn start(&self, name: &str) -> Peer {
        board(name, &self.dir);
        Peer::start(name, &self.dir)
    }
}

/// Waits until it is so.
fn until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// So many calls at once, each by a kernel thread of its own.
fn at_once<T: Send>(count: u64, call: impl Fn(u64) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let call = &call;
        let calls: Vec<_> = (0..count).map(|n| scope.spawn(move || call(n))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn e_stacks_are_made_when_calls_first_overlap_and_come_back() {
    let place = Place::new();
    let _server = place.start("plain");
    let (client, board) = (bind("plain", &place.dir), board("plain", &place.dir));
    assert_eq!(board.get(MADE), 0, "nothing has run");
    let first = client.quick().unwrap();
    until("an E-stack for the first call", || board.get(MADE) >= 1);
    for _ in 0..1000 {
        client.quick().unwrap();
    }
    // Another CPU may have called, or had the lead; no more than that.
    let few = 1 + u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
    assert!(board.get(MADE) <= few, "{}", board.get(MADE));
    let threads: BTreeSet<u32> = at_once(8, |_| client.block(300).unwrap()).into_iter().collect();
    println!("eight that block: {} kernel threads, {} E-stacks; first {first}", threads.len(), board.get(MADE));
    assert!(threads.len() >= 4, "each that blocks has its own: {threads:?}");
    until("as many E-stacks", || board.get(MADE) >= u64::try_from(threads.len()).unwrap());
    // Those without a seat have given theirs back.
    until("most E-stacks in the pool", || board.get(MADE) - board.get(IDLE) <= few);
    let made = board.get(MADE);
    at_once(8, |_| client.block(100).unwrap());
    assert!(board.get(MADE) <= made + few, "they are used again");
}

#[test]
fn a_procedure_that_uses_up_its_stack_takes_its_own_process_with_it_and_no_other() {
    let place = Place::new();
    let (mut dies, _lives) = (place.start("plain"), place.start("behind"));
    let (client, other) = (bind("plain", &place.dir), bind("behind", &place.dir));
    assert_eq!(client.recurses(100).unwrap(), (1..=100).sum::<u64>());
    assert_eq!(client.recurses(1 << 40), Err(CallError::PeerDied { ran: Ran::Maybe }));
    assert_eq!(dies.ends(Duration::from_secs(20)), Some(false));
    assert!(other.quick().is_ok());
}

#[test]
fn procedures_that_are_not_cooperative_have_a_kernel_thread_each_while_they_wait() {
    let place = Place::new();
    let (_behind, _server) = (place.start("behind"), place.start("plain"));
    let client = bind("plain", &place.dir);
    let napped = at_once(6, |_| client.nap(300).unwrap());
    let threads: BTreeSet<u32> = napped.iter().map(|&(before, ..)| before).collect();
    assert!(napped.iter().all(|(before, after, _)| before == after));
    assert!(threads.len() >= 3, "{threads:?}");
    let nested = at_once(6, |n| client.nested(n, 300).unwrap());
    let threads: BTreeSet<u32> = nested.iter().map(|&(_, tid, ..)| tid).collect();
    assert!(threads.len() >= 3, "{threads:?}");
    // The lock is nearcall's, and is one for all kernel threads.
    assert!(at_once(6, |_| client.locked(5).unwrap()).iter().all(|&inside| inside == 1));
    // Eight that hold a std mutex over a nested call wait for each other, and for nothing else.
    let ends = at_once(8, |_| client.locked_in_bad_faith(20));
    assert!(ends.iter().all(Result::is_ok), "{ends:?}");
    assert!(!client.spawns_here().unwrap(), "its kernel thread is no place for threads");
    assert_eq!(client.spawns(100).unwrap(), (0..100).sum::<u64>());
    assert_eq!(client.panics(), Err(CallError::Panicked));
}

#[test]
fn cooperative_procedures_wait_on_one_kernel_thread_on_a_stack_each() {
    let place = Place::new();
    let (_behind, _server) = (place.start("behind"), place.start("coop"));
    let client = bind("coop", &place.dir);
    for round in 0..5 {
        let start = Instant::now();
        let napped = at_once(16, |_| client.nap(100).unwrap());
        let threads: BTreeSet<u32> = napped.iter().map(|&(before, ..)| before).collect();
        let stacks: BTreeSet<u64> = napped.iter().map(|&(_, _, address)| address >> 21).collect();
        println!("round {round}: 16 naps of 100 ms in {:?}, {} kernel threads", start.elapsed(), threads.len());
        assert!(napped.iter().all(|(before, after, _)| before == after), "a started stack stays where it is");
        // One for each CPU that calls come from; a machine that stands still may have some relieved.
        assert!(threads.len() <= 8, "{threads:?}");
        assert!(stacks.len() >= 16 / threads.len() / 2, "{stacks:?}");
        // Others are answered meanwhile.
        let nested =
            at_once(12, |n| if n == 0 { (0, client.quick().unwrap(), 1, 1) } else { client.nested(n, 50).unwrap() });
        for (n, (token, _, before, after)) in nested.into_iter().enumerate() {
            assert_eq!((token, before, after), (u64::try_from(n).unwrap(), 1, 1), "each has its own call");
        }
        assert!(at_once(8, |_| client.locked(2).unwrap()).iter().all(|&inside| inside == 1));
        assert!(client.spawns_here().unwrap());
        assert_eq!(at_once(4, |_| client.spawns(50).unwrap()), [(0..50).sum::<u64>(); 4]);
        assert_eq!(client.panics(), Err(CallError::Panicked));
    }
}

#[test]
fn a_cooperative_procedure_that_says_that_it_may_block_costs_no_kernel_thread_while_it_is_suspended() {
    let place = Place::new();
    let (_behind, _server) = (place.start("behind"), place.start("coop"));
    let client = bind("coop", &place.dir);
    for _ in 0..3 {
        let threads: BTreeSet<u32> = at_once(48, |_| client.nap_declared(100).unwrap()).into_iter().collect();
        assert!(threads.len() <= 16, "{threads:?}");
    }
}

#[test]
fn a_service_that_is_not_cooperative_does_not_run_where_somebody_is_suspended() {
    let place = Place::new();
    let (_behind, _server) = (place.start("behind"), place.start("coop"));
    let (client, other) = (bind("coop", &place.dir), bind("mixed", &place.dir));
    // Both hold the same mutex while they nap: blocked on it, the other one would wait for what is beneath it.
    for _ in 0..10 {
        let held = at_once(12, |n| if n % 2 == 0 { client.locked(10) } else { other.locked(2) });
        assert!(held.iter().all(|inside| *inside == Ok(1)), "{held:?}");
        let both = at_once(12, |n| if n % 2 == 0 { client.nap(20).map(|_| 0) } else { other.quick() });
        assert!(both.iter().all(Result::is_ok), "{both:?}");
    }
    let passed_on = board("coop", &place.dir).get(PASSED_ON);
    println!("{passed_on} calls were passed on");
    assert!(passed_on > 0);
}

#[test]
fn a_std_mutex_over_a_nested_call_of_a_cooperative_service_is_reported_and_ends_by_the_time_out() {
    let place = Place::new();
    let (_behind, _server) = (place.start("behind"), place.start("coop"));
    let (client, board) = (bind("coop", &place.dir), board("coop", &place.dir));
    client.quick().unwrap();
    // Those that different kernel threads take wait for each other and for nothing else.
    let deadlocked = (0..20).any(|_| {
        let ends = at_once(8, |_| client.locked_in_bad_faith(100));
        ends.iter().any(|end| matches!(end, Err(CallError::Timeout { .. })))
    });
    assert!(deadlocked, "two of them never met on one kernel thread");
    until("a report", || board.get(REPORTS) > 0);
}

#[test]
fn threads_of_a_client_call_side_by_side() {
    let place = Place::new();
    let _server = place.start("plain");
    let client = Arc::new(bind("plain", &place.dir));
    // More than there are A-stacks, on two kernel threads at most; some are cancelled.
    let start = Instant::now();
    let calls: Vec<_> = (0..64_u32)
        .map(|n| {
            let client = Arc::clone(&client);
            thread::spawn(move || if n.is_multiple_of(4) { client.block(5) } else { client.quick() })
        })
        .collect();
    for call in calls {
        call.join().unwrap().unwrap();
    }
    println!("64 calls of 64 threads in {:?}", start.elapsed());
    let long: Vec<_> = (0..4)
        .map(|_| {
            let client = Arc::clone(&client);
            thread::spawn(move || client.block(2000))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    long.iter().for_each(thread::JoinHandle::cancel);
    for call in long {
        assert_eq!(call.join().unwrap(), Err(CallError::Aborted));
    }
    assert!(start.elapsed() < Duration::from_millis(1500), "given up when it was cancelled");
    // Their A-stacks come back with the late answers.
    until("all A-stacks", || at_once(16, |_| client.quick().is_ok()).into_iter().all(|ok| ok));
}

#[test]
fn threads_wait_for_calls_that_they_started() {
    let place = Place::new();
    let _server = place.start("plain");
    let client = Arc::new(bind("plain", &place.dir));
    // Eight threads with two calls each are as many as there are A-stacks.
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let client = Arc::clone(&client);
            thread::spawn(move || {
                let mut calls = [client.start_block(30).unwrap(), client.start_quick().unwrap()];
                let first = nearcall::wait_any(&mut calls).unwrap();
                let taken = calls[first].try_take().unwrap();
                let [slow, quick] = calls;
                let other = if first == 0 { quick.wait() } else { slow.wait() };
                (taken.unwrap(), other.unwrap())
            })
        })
        .collect();
    for thread in threads {
        let (taken, other) = thread.join().unwrap();
        assert!(taken > 0 && other > 0);
    }
}

#[test]
fn threads_learn_of_a_death_and_of_a_time_out() {
    let place = Place::new();
    let mut server = place.start("plain");
    let client = Arc::new(bind("plain", &place.dir));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = Arc::clone(&client);
            thread::spawn(move || (client.block(10_000), Instant::now()))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(100));
    let killed = Instant::now();
    server.kill();
    for call in calls {
        let (end, at) = call.join().unwrap();
        assert!(matches!(end, Err(CallError::PeerDied { .. })), "{end:?}");
        assert!(at - killed < Duration::from_secs(2));
    }
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    let board = board(&part, &dir);
    let behind = (part != "behind").then(|| dir.join("behind").exists().then(|| bind("behind", &dir))).flatten();
    let domain = Domain { behind, std: Mutex::new(()), own: sync::Mutex::new(0), inside: AtomicU64::new(0) };
    let domain: Arc<dyn Stage + Send + Sync> = Arc::new(domain);
    let exporter = |name: &str| nearcall::Exporter::new(name).dir(&dir);
    let export = |exporter: nearcall::Exporter| exporter.export(StageServer::new(Arc::clone(&domain))).unwrap();
    if part == "coop" {
        std::mem::forget((export(exporter(&part).cooperative()), export(exporter("mixed"))));
    } else {
        std::mem::forget(export(exporter(&part)));
    }
    let reports = Board::open(&dir.with_extension(&part), 8);
    let count = AtomicU64::new(0);
    thread::watchdog::on_report(move |report| {
        eprintln!("{report}");
        reports.set(REPORTS, count.fetch_add(1, Ordering::Relaxed) + 1);
    });
    std::thread::spawn(move || {
        loop {
            let counts = stack::counts();
            board.set(IDLE, counts.idle as u64);
            board.set(MADE, counts.made as u64);
            board.set(PASSED_ON, nearcall::server_counts().passed_on);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    process::ready();
    process::until_released();
}
