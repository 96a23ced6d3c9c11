//! None or several of what is passed, as parameters and results.
#![allow(missing_docs, unreachable_pub, reason = "interfaces for these tests")]
#![allow(clippy::ptr_arg, clippy::ref_option, reason = "every form that there is")]

mod support;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{CallError, Exporter, Grant, Ran, SharedGrant};
use support::Server;

#[nearcall::interface]
pub trait Counter {
    // Objects go some time after the last client of theirs, and have A-stacks of a pair until then.
    #[call(concurrency = 1)]
    fn add(&self, amount: u32) -> u32;
}

#[nearcall::interface]
pub trait Taker {
    fn values(&self, maybe: Option<OwnedFd>, all: Vec<OwnedFd>) -> u64;
    fn lent(&self, maybe: Option<BorrowedFd<'_>>, all: &[BorrowedFd<'_>], more: Vec<BorrowedFd<'_>>) -> u64;
    fn refs(&self, maybe: &Option<OwnedFd>, inside: Option<&OwnedFd>, all: &[OwnedFd], more: &Vec<OwnedFd>) -> u64;
    fn mixed(&self, n: u64, all: Vec<OwnedFd>, one: OwnedFd, maybe: Option<OwnedFd>) -> u64;
    fn notify(&self, maybe: Option<&CounterClient>, all: &[CounterClient], amount: u32) -> Result<u32, u32>;
    fn memory(&self, all: Vec<Grant>, maybe: Option<SharedGrant>) -> u64;
    fn panic(&self, all: Vec<OwnedFd>, maybe: Option<OwnedFd>);
    #[call(concurrency = 64)]
    fn files(&self, sizes: &[u32]) -> Vec<OwnedFd>;
    fn file(&self, size: Option<u32>) -> Result<Option<OwnedFd>, u32>;
    fn counters(&self, count: u32) -> Result<Vec<CounterClient>, u32>;
    fn grants(&self, count: u32) -> Vec<Grant>;
    fn open_count(&self) -> u32;
    fn pending(&self) -> u32;
}

struct Tester;

#[derive(Default)]
struct Count(AtomicU32);

impl Counter for Count {
    fn add(&self, amount: u32) -> u32 {
        self.0.fetch_add(amount, Ordering::SeqCst) + amount
    }
}

/// Says what came in which order: each is as large as one digit of it.
fn number<'a>(fds: impl IntoIterator<Item = BorrowedFd<'a>>) -> u64 {
    let size = |fd: BorrowedFd<'_>| File::from(fd.try_clone_to_owned().unwrap()).metadata().unwrap().len();
    fds.into_iter().fold(0, |number, fd| number * 10 + size(fd))
}

fn sized(size: u32) -> OwnedFd {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![b'x'; usize::try_from(size).unwrap()]).unwrap();
    file.into()
}

fn many(count: usize) -> Vec<OwnedFd> {
    (0..count).map(|_| sized(1)).collect()
}

fn memory(byte: u8) -> Grant {
    Grant::new(1, |bytes| bytes.fill(byte)).unwrap()
}

fn open_count() -> u32 {
    u32::try_from(std::fs::read_dir("/proc/self/fd").unwrap().count()).unwrap()
}

impl Taker for Tester {
    fn values(&self, maybe: Option<OwnedFd>, all: Vec<OwnedFd>) -> u64 {
        number(maybe.iter().chain(&all).map(AsFd::as_fd))
    }
    fn lent(&self, maybe: Option<BorrowedFd<'_>>, all: &[BorrowedFd<'_>], more: Vec<BorrowedFd<'_>>) -> u64 {
        number(maybe.into_iter().chain(all.iter().copied()).chain(more))
    }
    fn refs(&self, maybe: &Option<OwnedFd>, inside: Option<&OwnedFd>, all: &[OwnedFd], more: &Vec<OwnedFd>) -> u64 {
        number(maybe.iter().chain(inside).chain(all).chain(more).map(AsFd::as_fd))
    }
    fn mixed(&self, n: u64, all: Vec<OwnedFd>, one: OwnedFd, maybe: Option<OwnedFd>) -> u64 {
        n + number(all.iter().chain([&one]).chain(&maybe).map(AsFd::as_fd))
    }
    fn notify(&self, maybe: Option<&CounterClient>, all: &[CounterClient], amount: u32) -> Result<u32, u32> {
        maybe.into_iter().chain(all).try_fold(0, |sum, counter| Ok(sum + counter.add(amount).map_err(|_| 1u32)?))
    }
    fn memory(&self, all: Vec<Grant>, maybe: Option<SharedGrant>) -> u64 {
        let shared = maybe.map(|grant| u64::from(grant.bytes().unwrap().to_vec()[0]));
        all.iter().map(|grant| u64::from(grant.bytes().unwrap()[0])).chain(shared).fold(0, |n, byte| n * 10 + byte)
    }
    fn panic(&self, _: Vec<OwnedFd>, _: Option<OwnedFd>) {
        panic!("asked to");
    }
    fn files(&self, sizes: &[u32]) -> Vec<OwnedFd> {
        sizes.iter().map(|&size| sized(size)).collect()
    }
    fn file(&self, size: Option<u32>) -> Result<Option<OwnedFd>, u32> {
        if size == Some(0) { Err(7) } else { Ok(size.map(sized)) }
    }
    fn counters(&self, count: u32) -> Result<Vec<CounterClient>, u32> {
        Ok((0..count).map(|start| CounterClient::serve(Count(start.into())).unwrap().leave()).collect())
    }
    fn grants(&self, count: u32) -> Vec<Grant> {
        (0..count).map(|byte| memory(u8::try_from(byte).unwrap())).collect()
    }
    fn open_count(&self) -> u32 {
        open_count()
    }
    fn pending(&self) -> u32 {
        u32::try_from(nearcall::usage().descriptors).unwrap()
    }
}

#[test]
fn serve() {
    support::serve_if_asked_by(|dir| Exporter::new("taker").dir(dir).export(TakerServer::new(Tester)).unwrap());
}

fn start(name: &str) -> (Server, TakerClient) {
    let server = Server::start(name);
    let taker = server.bind_to("taker");
    (server, taker)
}

/// One test at a time: they count what this process has open.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// No more than before, once what is closed later is closed.
fn settles(what: impl Fn() -> u32, before: u32) {
    let start = Instant::now();
    while what() > before {
        assert!(start.elapsed() < Duration::from_secs(30), "{} open, {before} before", what());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn none_one_and_several_arrive_in_order() {
    let _alone = alone();
    let (_server, taker) = start("several");
    assert_eq!(taker.values(None, vec![]), Ok(0));
    assert_eq!(taker.values(Some(sized(4)), vec![]), Ok(4));
    assert_eq!(taker.values(None, vec![sized(1), sized(2)]), Ok(12));
    assert_eq!(taker.values(Some(sized(1)), vec![sized(2), sized(3), sized(4)]), Ok(1234));
    assert_eq!(taker.values(None, many(16)), Ok(1_111_111_111_111_111));

    let kept: Vec<OwnedFd> = (1..=5).map(sized).collect();
    let lent: Vec<BorrowedFd<'_>> = kept.iter().map(AsFd::as_fd).collect();
    assert_eq!(taker.lent(Some(lent[4]), &lent[..2], lent[2..4].to_vec()), Ok(51_234));
    assert_eq!(taker.lent(None, &[], vec![]), Ok(0));
    assert_eq!(taker.lent(None, &lent, vec![]), Ok(12_345));
    assert_eq!(taker.refs(&Some(sized(9)), Some(&kept[0]), &kept[1..3], &vec![sized(8)]), Ok(91_238));
    assert_eq!(taker.refs(&None, None, &[], &vec![]), Ok(0));
    assert_eq!(taker.refs(&None, Some(&kept[1]), &kept, &vec![]), Ok(212_345));

    assert_eq!(taker.mixed(10_000, vec![sized(1), sized(2)], sized(3), Some(sized(4))), Ok(11_234));
    assert_eq!(taker.mixed(10_000, vec![], sized(3), None), Ok(10_003));
}

#[test]
fn several_come_back_in_order() {
    let _alone = alone();
    let (_server, taker) = start("back");
    for sizes in [vec![], vec![7], (1..=9).collect(), vec![1; 16]] {
        let files = taker.files(&sizes).unwrap();
        assert_eq!(files.len(), sizes.len());
        assert_eq!(number(files.iter().map(AsFd::as_fd)), sizes.iter().fold(0, |n, size| n * 10 + u64::from(*size)));
    }
    assert!(taker.file(None).unwrap().is_none());
    assert_eq!(number([taker.file(Some(3)).unwrap().unwrap().as_fd()]), 3);
    assert_eq!(taker.file(Some(0)).unwrap_err(), CallError::App(7));
}

/// However many calls were answered before the first of their callers looks: each has what it was passed.
#[test]
fn results_wait_for_their_callers() {
    let _alone = alone();
    let (_server, taker) = start("wait");
    let ours = open_count();
    for _ in 0..3 {
        let calls: Vec<_> = (0..30).map(|_| taker.start_files(&[1; 16]).unwrap()).collect();
        let start = Instant::now();
        while !calls.iter().all(nearcall::Pending::is_done) {
            assert!(start.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(1));
        }
        for call in calls {
            assert_eq!(call.wait().unwrap().len(), 16);
        }
        std::thread::scope(|scope| {
            let call = || scope.spawn(|| (0..20).all(|_| taker.files(&[1; 16]).unwrap().len() == 16));
            let callers: Vec<_> = (0..12).map(|_| call()).collect();
            assert!(callers.into_iter().all(|caller| caller.join().unwrap()));
        });
    }
    settles(open_count, ours);
}

#[test]
fn clients_and_grants_go_in_numbers_too() {
    let _alone = alone();
    let (_server, taker) = start("clients");
    let lent: Vec<_> = (0..3).map(|_| CounterClient::serve(Count::default()).unwrap()).collect();
    assert_eq!(taker.notify(Some(&lent[0]), &[], 5), Ok(5));
    assert_eq!(taker.notify(None, &[], 5), Ok(0));
    drop(lent);
    let theirs = taker.counters(5).unwrap();
    assert!(theirs.iter().zip(0..).all(|(counter, start)| counter.add(1) == Ok(start + 1)));
    assert!(taker.counters(0).unwrap().is_empty());
    // Some of this process, some of the server.
    let all: Vec<CounterClient> =
        theirs.into_iter().chain([CounterClient::serve(Count::default()).unwrap().leave()]).collect();
    assert_eq!(taker.notify(Some(&all[0]), &all[1..], 1), Ok(2 + 3 + 4 + 5 + 6 + 1));

    let grants: Vec<Grant> = (1..=3).map(memory).collect();
    let mut shared = SharedGrant::new(1).unwrap();
    shared.write(0, &[9]).unwrap();
    assert_eq!(taker.memory(grants, Some(shared)), Ok(1239));
    assert_eq!(taker.memory(vec![], None), Ok(0));
    let back = taker.grants(8).unwrap();
    assert!(back.iter().zip(0..).all(|(grant, byte)| grant.bytes().unwrap()[0] == byte));
}

#[test]
fn more_than_one_call_can_pass_are_refused_and_nothing_is_sent() {
    let _alone = alone();
    let (_server, taker) = start("many");
    taker.values(None, many(16)).unwrap();
    let count = 17;
    let ours = open_count();
    let too_many = CallError::TooManyDescriptors { count, limit: 16 };
    assert_eq!(taker.values(None, many(17)), Err(too_many));
    assert_eq!(taker.values(None, many(100)), Err(too_many));
    assert_eq!(taker.values(Some(sized(1)), many(16)), Err(too_many));
    assert_eq!(taker.mixed(0, many(16), sized(1), None), Err(too_many));
    let lent = many(17);
    let lent: Vec<BorrowedFd<'_>> = lent.iter().map(AsFd::as_fd).collect();
    assert_eq!(taker.lent(None, &lent, vec![]), Err(too_many));
    assert_eq!(too_many.ran(), Some(Ran::No));
    let grants = (0..9).map(memory).collect();
    assert_eq!(taker.memory(grants, None), Err(CallError::TooManyDescriptors { count: 18, limit: 16 }));
    drop(lent);
    settles(open_count, ours + 17);
    // The server's are lost with the call that made them.
    let theirs = taker.open_count().unwrap();
    for count in [17, 40] {
        assert_eq!(taker.files(&vec![1; count]).unwrap_err(), CallError::NotPassed { ran: Ran::Yes });
    }
    assert_eq!(taker.grants(9).unwrap_err(), CallError::NotPassed { ran: Ran::Yes });
    settles(|| taker.open_count().unwrap(), theirs);
    assert_eq!(taker.files(&[1, 2]).unwrap().len(), 2);
}

#[test]
fn nothing_of_several_is_left_open() {
    let _alone = alone();
    let (_server, taker) = start("leaks");
    // Once each, so that what is made once is there.
    let round = || {
        assert_eq!(taker.values(Some(sized(1)), many(7)), Ok(11_111_111));
        assert_eq!(taker.panic(many(5), Some(sized(1))), Err(CallError::Panicked));
        assert_eq!(taker.panic(vec![], None), Err(CallError::Panicked));
        drop(taker.files(&[1; 16]).unwrap());
        drop(taker.file(Some(1)).unwrap());
        // The third is of a server that does not answer any more: the first two are not sent, either.
        let mut counters: Vec<CounterClient> = taker.counters(2).unwrap();
        let gone = CounterClient::serve(Count::default()).unwrap();
        gone.revoke_all();
        counters.push(gone.leave());
        assert_eq!(taker.notify(None, &counters, 1), Err(CallError::Revoked));
    };
    round();
    // What was passed and is not a procedure's is closed: nothing of the baseline goes later.
    let nothing_is_pending = || settles(|| taker.pending().unwrap(), 0);
    nothing_is_pending();
    let (theirs, ours) = (taker.open_count().unwrap(), open_count());
    (0..10).for_each(|_| round());
    nothing_is_pending();
    settles(|| taker.open_count().unwrap(), theirs);
    settles(open_count, ours);
}

#[test]
fn without_a_boundary_they_are_handed_over() {
    let taker = TakerLocal(Tester);
    assert_eq!(taker.values(Some(sized(1)), vec![sized(2)]), Ok(12));
    let lent = [sized(3), sized(4)];
    let lent: Vec<BorrowedFd<'_>> = lent.iter().map(AsFd::as_fd).collect();
    assert_eq!(taker.lent(Some(lent[0]), &lent[1..], vec![]), Ok(34));
    assert_eq!(taker.files(&[1, 2, 3]).unwrap().len(), 3);
    assert!(taker.file(None).unwrap().is_none());
}
