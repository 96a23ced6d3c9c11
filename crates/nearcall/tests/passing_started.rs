//! Calls that pass something and are started, not waited for; and what becomes of it when they are given up.
#![allow(missing_docs, unreachable_pub, reason = "interfaces for these tests")]

#[path = "support/block_on.rs"]
mod block_on;
mod support;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use block_on::block_on;
use nearcall::{CallError, Exporter, Grant, Ran, wait_any};
use rustix::process::{Pid, Signal, kill_process};
use support::Server;

#[nearcall::interface]
pub trait Counter {
    fn add(&self, amount: u32) -> u32;
}

#[nearcall::interface]
pub trait Taker {
    #[call(concurrency = 64)]
    fn size(&self, file: OwnedFd) -> u64;
    fn sizes(&self, lent: BorrowedFd<'_>, all: Vec<OwnedFd>, milliseconds: u32, #[out] count: &mut u32) -> u64;
    fn made(&self, size: u32) -> Result<OwnedFd, u32>;
    fn several(&self, count: u32) -> Vec<OwnedFd>;
    fn notify(&self, counter: &CounterClient, by: u32) -> Result<u32, u32>;
    fn counter(&self, start: u32) -> CounterClient;
    fn memory(&self, grant: Grant) -> Option<Grant>;
    #[call(timeout = "100ms")]
    fn late(&self, file: OwnedFd);
    fn release(&self);
    fn entered(&self) -> u32;
    fn open_count(&self) -> u32;
    fn usage(&self) -> u64;
}

#[derive(Default)]
struct Tester(AtomicU32, AtomicBool);

struct Count(AtomicU32);

impl Counter for Count {
    fn add(&self, amount: u32) -> u32 {
        self.0.fetch_add(amount, Ordering::SeqCst) + amount
    }
}

fn sized(size: u32) -> OwnedFd {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![b'x'; usize::try_from(size).unwrap()]).unwrap();
    file.into()
}

fn size(fd: BorrowedFd<'_>) -> u64 {
    File::from(fd.try_clone_to_owned().unwrap()).metadata().unwrap().len()
}

fn open_count() -> u32 {
    u32::try_from(std::fs::read_dir("/proc/self/fd").unwrap().count()).unwrap()
}

impl Taker for Tester {
    fn size(&self, file: OwnedFd) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst);
        size(file.as_fd())
    }
    fn sizes(&self, lent: BorrowedFd<'_>, all: Vec<OwnedFd>, milliseconds: u32, count: &mut u32) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
        *count = u32::try_from(all.len()).unwrap();
        size(lent) + all.iter().map(|fd| size(fd.as_fd())).sum::<u64>()
    }
    fn made(&self, size: u32) -> Result<OwnedFd, u32> {
        if size == 0 { Err(7) } else { Ok(sized(size)) }
    }
    fn several(&self, count: u32) -> Vec<OwnedFd> {
        (0..count).map(sized).collect()
    }
    fn notify(&self, counter: &CounterClient, by: u32) -> Result<u32, u32> {
        counter.add(by).map_err(|_| 1)
    }
    fn counter(&self, start: u32) -> CounterClient {
        CounterClient::serve(Count(start.into())).unwrap().leave()
    }
    fn memory(&self, grant: Grant) -> Option<Grant> {
        (grant.bytes().unwrap()[0] > 0).then_some(grant)
    }
    fn late(&self, _: OwnedFd) {
        until(|| self.1.load(Ordering::SeqCst));
    }
    fn release(&self) {
        self.1.store(true, Ordering::SeqCst);
    }
    fn entered(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
    fn open_count(&self) -> u32 {
        open_count()
    }
    fn usage(&self) -> u64 {
        nearcall::usage().descriptors
    }
}

#[test]
fn serve() {
    support::serve_if_asked_by(|dir| {
        Exporter::new("taker").dir(dir).export(TakerServer::new(Tester::default())).unwrap()
    });
}

fn start(name: &str) -> (Server, TakerClient) {
    let server = Server::start(name);
    let taker: TakerClient = server.bind_to("taker");
    // So that what is made once is there.
    taker.size(sized(1)).unwrap();
    drop(taker.several(1).unwrap());
    (server, taker)
}

/// One test at a time: they count what this process has open.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until it is so.
fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never is");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The server, standing still until this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn new(server: &Server) -> Self {
        let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
        until(|| state().rsplit(')').next().unwrap().starts_with(" T"));
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).unwrap();
    }
}

#[test]
fn what_is_passed_goes_with_calls_that_are_started() {
    let _alone = alone();
    let (_server, taker) = start("started");
    let mut calls: Vec<_> = (1..=8).map(|size| taker.start_size(sized(size)).unwrap()).collect();
    let mut total = 0;
    while let Some(at) = wait_any(&mut calls) {
        total += calls[at].try_take().unwrap().unwrap();
        drop(calls.swap_remove(at));
    }
    assert_eq!(total, 36);
    let (lent, mut count) = (sized(5), 0);
    let call = taker.start_sizes(lent.as_fd(), vec![sized(1), sized(2)], 0, &mut count).unwrap();
    assert_eq!(block_on(call), Ok(8));
    assert_eq!(count, 2);
    assert_eq!(size(block_on(taker.start_made(3).unwrap()).unwrap().as_fd()), 3);
    assert_eq!(taker.start_made(0).unwrap().wait().unwrap_err(), CallError::App(7));
    for count in [0, 1, 16] {
        let files = block_on(taker.start_several(count).unwrap()).unwrap();
        assert!(files.iter().zip(0..).all(|(file, expected)| size(file.as_fd()) == expected));
        assert_eq!(files.len(), usize::try_from(count).unwrap());
    }
    // Whichever is there first when it is polled: the answer, or what was sent ahead of it.
    for round in 0..400 {
        assert_eq!(block_on(taker.start_several(round % 5).unwrap()).unwrap().len(), (round % 5) as usize);
        let mut call = taker.start_made(1).unwrap();
        let made = loop {
            match call.try_take() {
                Some(made) => break made,
                None => std::hint::spin_loop(),
            }
        };
        assert_eq!(size(made.unwrap().as_fd()), 1);
    }
    let grant = |byte: u8| Grant::new(1, |bytes| bytes.fill(byte)).unwrap();
    assert_eq!(taker.start_memory(grant(9)).unwrap().wait().unwrap().unwrap().bytes().unwrap()[0], 9);
    assert!(block_on(taker.start_memory(grant(0)).unwrap()).unwrap().is_none());
}

#[test]
fn clients_go_with_calls_that_are_started() {
    let _alone = alone();
    let (_server, taker) = start("clients");
    let counter = CounterClient::serve(Count(AtomicU32::new(0))).unwrap();
    let calls: Vec<_> = (0..4).map(|_| taker.start_notify(&counter, 2).unwrap()).collect();
    assert_eq!(calls.into_iter().map(|call| call.wait().unwrap()).max(), Some(8));
    let theirs = block_on(taker.start_counter(4).unwrap()).unwrap();
    assert_eq!(theirs.add(1), Ok(5));
    // The borrow ends when it has started: the right to come is the server's.
    let call = taker.start_notify(&theirs, 1).unwrap();
    drop(theirs);
    assert_eq!(call.wait(), Ok(6));
    counter.revoke_all();
    assert_eq!(taker.start_notify(&counter, 1).unwrap_err(), CallError::Revoked);
}

#[test]
fn a_call_that_is_given_up_before_it_runs_takes_back_what_it_passed() {
    let _alone = alone();
    let (server, taker) = start("back");
    let (before, ours) = ((taker.entered().unwrap(), taker.open_count().unwrap()), open_count());
    let stopped = Stopped::new(&server);
    for _ in 0..4 {
        let mut count = 77;
        let lent = sized(1);
        let call = taker.start_sizes(lent.as_fd(), vec![sized(1), sized(1)], 0, &mut count).unwrap();
        drop(call);
        assert_eq!(count, 77);
    }
    assert_eq!(open_count(), ours, "what is under way is nobody's descriptor here");
    drop(stopped);
    // The server hears of the parcels, and that they are called back, before or after it looks at the calls.
    until(|| taker.usage().unwrap() == 0);
    until(|| taker.open_count().unwrap() <= before.1);
    let entered = taker.entered().unwrap() - before.0;
    assert!(entered <= 4, "{entered}");
    assert_eq!(taker.size(sized(3)), Ok(3));
}

#[test]
fn what_a_procedure_has_is_closed_by_it_whoever_has_given_up() {
    let _alone = alone();
    let (_server, taker) = start("has");
    let (before, theirs) = (taker.entered().unwrap(), taker.open_count().unwrap());
    let lent = sized(1);
    for round in 1..=3 {
        let mut count = 0;
        let call = taker.start_sizes(lent.as_fd(), vec![sized(1)], 50, &mut count).unwrap();
        until(|| taker.entered().unwrap() == before + round);
        drop(call);
    }
    let end = taker.start_late(sized(1)).unwrap().wait();
    assert!(matches!(end, Err(CallError::Timeout { .. })), "{end:?}");
    taker.release().unwrap();
    until(|| taker.open_count().unwrap() <= theirs);
    until(|| taker.usage().unwrap() == 0);
}

#[test]
fn results_of_calls_that_were_given_up_are_closed() {
    let _alone = alone();
    let (_server, taker) = start("results");
    let ours = open_count();
    for _ in 0..4 {
        let call = taker.start_several(16).unwrap();
        until(|| call.is_done());
        drop(call);
    }
    until(|| open_count() <= ours);
    assert_eq!(taker.several(16).unwrap().len(), 16);
}

#[test]
fn a_server_that_reads_nothing_is_not_waited_for() {
    let _alone = alone();
    let (server, taker) = start("full");
    let theirs = taker.open_count().unwrap();
    let ours = open_count();
    let stopped = Stopped::new(&server);
    // Until the socket is full, or there is no A-stack; either way at once.
    let mut calls = Vec::new();
    let file = sized(1);
    let why = loop {
        match taker.start_size(file.try_clone().unwrap()) {
            Ok(call) => calls.push(call),
            Err(why) => break why,
        }
        assert!(calls.len() <= 64);
    };
    assert!(matches!(why, CallError::WouldBlock | CallError::NoAStack), "{why:?}");
    assert!(why.ran() == Some(Ran::No) && !calls.is_empty());
    drop(stopped);
    assert!(calls.into_iter().all(|call| call.wait() == Ok(1)));
    drop(file);
    until(|| open_count() <= ours && taker.open_count().unwrap() <= theirs);
    assert_eq!(taker.usage(), Ok(0));
}
