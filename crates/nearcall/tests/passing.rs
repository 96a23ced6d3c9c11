//! Descriptors, clients and several strings as parameters and results.
#![allow(missing_docs, unreachable_pub, reason = "interfaces for these tests")]

mod support;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{BindError, CallError, Client, Exporter, Ran};
use support::Server;

#[nearcall::interface]
pub trait Counter {
    fn add(&self, amount: u32) -> u32;
}

#[nearcall::interface]
pub trait Keeper {
    fn write(&self, file: BorrowedFd<'_>, text: &str) -> u32;
    fn keep(&self, file: OwnedFd, also: &OwnedFd) -> u64;
    fn kept(&self) -> Result<OwnedFd, u32>;
    fn many(&self, n: u32, a: OwnedFd, b: BorrowedFd<'_>, c: &OwnedFd, d: OwnedFd) -> u32;
    fn panic(&self, file: OwnedFd);
    #[call(timeout = "100ms")]
    fn slow(&self, file: OwnedFd);
    fn open_count(&self) -> u32;
    /// Descriptors that were passed and neither closed nor a procedure's; procedures of `slow` that run.
    fn pending(&self) -> u64;
    fn notify(&self, counter: &CounterClient, times: u32) -> Result<u32, u32>;
    fn hold(&self, counter: CounterClient);
    fn held(&self) -> Result<CounterClient, u32>;
    fn use_held(&self) -> Result<u32, u32>;
    fn make(&self, start: u32) -> CounterClient;
    fn made(&self) -> u32;
    fn join(&self, strings: &[&[u8]]) -> Vec<u8>;
    fn fan(&self, seed: u8, #[out] places: &mut [&mut [u8]], #[out] after: &mut [u16]) -> u32;
    fn none(&self) -> u32;
}

#[derive(Default)]
struct Tester {
    file: Mutex<Option<OwnedFd>>,
    counter: Mutex<Option<CounterClient>>,
    made: Arc<AtomicU32>,
    running: AtomicU32,
}

struct Count {
    value: AtomicU32,
    alive: Arc<AtomicU32>,
}

impl Count {
    fn new(start: u32, alive: &Arc<AtomicU32>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self { value: AtomicU32::new(start), alive: Arc::clone(alive) }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counter for Count {
    fn add(&self, amount: u32) -> u32 {
        self.value.fetch_add(amount, Ordering::SeqCst) + amount
    }
}

fn open_count() -> u32 {
    u32::try_from(std::fs::read_dir("/proc/self/fd").unwrap().count()).unwrap()
}

impl Keeper for Tester {
    fn write(&self, file: BorrowedFd<'_>, text: &str) -> u32 {
        let mut file = File::from(file.try_clone_to_owned().unwrap());
        file.write_all(text.as_bytes()).unwrap();
        u32::try_from(text.len()).unwrap()
    }
    fn keep(&self, file: OwnedFd, also: &OwnedFd) -> u64 {
        *self.file.lock().unwrap() = Some(file);
        File::from(also.try_clone().unwrap()).metadata().unwrap().len()
    }
    fn kept(&self) -> Result<OwnedFd, u32> {
        self.file.lock().unwrap().take().ok_or(7)
    }
    fn many(&self, n: u32, a: OwnedFd, b: BorrowedFd<'_>, c: &OwnedFd, d: OwnedFd) -> u32 {
        let size = |fd: BorrowedFd<'_>| {
            u32::try_from(File::from(fd.try_clone_to_owned().unwrap()).metadata().unwrap().len()).unwrap()
        };
        n + size(a.as_fd()) + 10 * size(b) + 100 * size(c.as_fd()) + 1000 * size(d.as_fd())
    }
    fn panic(&self, _file: OwnedFd) {
        panic!("asked to");
    }
    fn slow(&self, file: OwnedFd) {
        self.running.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        drop(file);
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
    fn pending(&self) -> u64 {
        nearcall::usage().descriptors + u64::from(self.running.load(Ordering::SeqCst))
    }
    fn open_count(&self) -> u32 {
        open_count()
    }
    fn notify(&self, counter: &CounterClient, times: u32) -> Result<u32, u32> {
        let mut last = 0;
        for _ in 0..times {
            last = counter.add(1).map_err(|_| 1u32)?;
        }
        Ok(last)
    }
    fn hold(&self, counter: CounterClient) {
        *self.counter.lock().unwrap() = Some(counter);
    }
    fn held(&self) -> Result<CounterClient, u32> {
        self.counter.lock().unwrap().take().ok_or(7)
    }
    fn use_held(&self) -> Result<u32, u32> {
        let held = self.counter.lock().unwrap();
        held.as_ref().ok_or(7u32)?.add(1).map_err(|error| if error.needs_rebind() { 8 } else { 9 })
    }
    fn make(&self, start: u32) -> CounterClient {
        CounterClient::serve(Count::new(start, &self.made)).unwrap().leave()
    }
    fn made(&self) -> u32 {
        self.made.load(Ordering::SeqCst)
    }
    fn join(&self, strings: &[&[u8]]) -> Vec<u8> {
        let lengths: Vec<u8> = strings.iter().map(|string| string.len() as u8).collect();
        [lengths, strings.concat()].concat()
    }
    fn fan(&self, seed: u8, places: &mut [&mut [u8]], after: &mut [u16]) -> u32 {
        let mut next = seed;
        for byte in places.iter_mut().flat_map(|place| place.iter_mut()) {
            *byte = next;
            next = next.wrapping_add(1);
        }
        after.fill(next.into());
        u32::try_from(places.len()).unwrap()
    }
    fn none(&self) -> u32 {
        0
    }
}

#[test]
fn serve() {
    support::serve_if_asked_by(|dir| {
        Exporter::new("keeper").dir(dir).export(KeeperServer::new(Tester::default())).unwrap()
    });
}

fn start(name: &str) -> (Server, KeeperClient) {
    let server = Server::start(name);
    let keeper = server.bind_to("keeper");
    (server, keeper)
}

fn file(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn contents(fd: OwnedFd) -> String {
    let mut file = File::from(fd);
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

/// One test at a time: some count what this process has open.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// No more than before, once what is closed later is closed.
fn settles(what: impl Fn() -> u32, before: u32) {
    let start = Instant::now();
    while what() > before {
        assert!(start.elapsed() < Duration::from_secs(60), "{} open, {before} before", what());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn descriptors_go_there_and_back() {
    let _alone = alone();
    let (_server, keeper) = start("fds");
    let lent = file("");
    assert_eq!(keeper.write(lent.as_fd(), "hello"), Ok(5));
    assert_eq!(keeper.write(lent.as_fd(), " world"), Ok(6));
    assert_eq!(contents(lent.into()), "hello world");
    assert_eq!(keeper.keep(file("kept").into(), &file("12345").into()), Ok(5));
    assert_eq!(contents(keeper.kept().unwrap()), "kept");
    assert_eq!(keeper.kept().unwrap_err(), CallError::App(7));
    let sized = |size: usize| OwnedFd::from(file(&"x".repeat(size)));
    assert_eq!(keeper.many(50_000, sized(1), sized(2).as_fd(), &sized(3), sized(4)), Ok(54_321));
}

#[test]
fn nothing_is_left_open_after_errors_time_outs_and_panics() {
    let _alone = alone();
    let (_server, keeper) = start("leaks");
    keeper.panic(file("x").into()).unwrap_err();
    let nothing_is_pending = || settles(|| u32::try_from(keeper.pending().unwrap()).unwrap(), 0);
    nothing_is_pending();
    let (theirs, ours) = (keeper.open_count().unwrap(), open_count());
    for _ in 0..20 {
        assert_eq!(keeper.panic(file("x").into()), Err(CallError::Panicked));
        keeper.write(file("").as_fd(), "x").unwrap();
    }
    for _ in 0..2 {
        assert!(matches!(keeper.slow(file("x").into()), Err(CallError::Timeout { .. })));
    }
    nothing_is_pending();
    settles(|| keeper.open_count().unwrap(), theirs);
    settles(open_count, ours);
}

#[test]
fn a_callback_is_called_by_its_receiver() {
    let _alone = alone();
    let (_server, keeper) = start("callback");
    let alive = Arc::new(AtomicU32::new(0));
    let counter = CounterClient::serve(Count::new(10, &alive)).unwrap();
    assert_eq!(keeper.notify(&counter, 5), Ok(15));
    assert_eq!(keeper.notify(&counter, 5), Ok(20));
    assert_eq!(counter.add(1), Ok(21), "and by whoever made it");
    assert_eq!(keeper.use_held(), Err(CallError::App(7)), "it was lent");
    drop(counter);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn a_callback_that_is_taken_back_fails_at_once() {
    let _alone = alone();
    let (_server, keeper) = start("revoke");
    let alive = Arc::new(AtomicU32::new(0));
    for all in [false, true] {
        let counter = CounterClient::serve(Count::new(0, &alive)).unwrap();
        let again = CounterClient::serve(Count::new(0, &alive)).unwrap();
        keeper.notify(&again, 1).unwrap();
        // By value: the receiver has it for good.
        let by_value = keeper.make(0).unwrap();
        keeper.hold(by_value).unwrap();
        assert_eq!(keeper.use_held(), Ok(1));
        if all {
            counter.revoke_all();
            assert_eq!(keeper.notify(&counter, 1), Err(CallError::Revoked));
            assert_eq!(counter.add(1), Err(CallError::Revoked));
        }
        counter.revoke(Duration::from_secs(1)).unwrap();
        assert_eq!(keeper.notify(&again, 1), Ok(2));
    }
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn what_was_taken_back_is_of_no_use_to_who_holds_it() {
    let _alone = alone();
    let (server, keeper) = start("holder");
    let other: KeeperClient = server.bind_to("keeper");
    let alive = Arc::new(AtomicU32::new(0));
    let dir = tempfile::tempdir().unwrap();
    let export = Exporter::new("counter").dir(dir.path()).export(CounterServer::new(Count::new(0, &alive))).unwrap();
    let counter: CounterClient = nearcall::Binder::new("counter").dir(dir.path()).bind().unwrap();
    keeper.hold(counter).unwrap();
    assert_eq!((other.use_held(), other.use_held()), (Ok(1), Ok(2)));
    export.revoke_all();
    assert_eq!(other.use_held(), Err(CallError::App(8)));
    assert_eq!(keeper.held().unwrap_err(), CallError::NotPassed { ran: Ran::Yes }, "nor can it be passed on");
}

#[test]
fn a_client_is_passed_on_and_binds_itself() {
    let _alone = alone();
    let ((first_server, first), (mut second_server, second)) = (start("first"), start("second"));
    // From the first server, through here, to the second: which calls the first, that this process never calls again.
    let counter = first.make(100).unwrap();
    assert_ne!(counter.binding().server_pid(), second.binding().server_pid());
    second.hold(counter).unwrap();
    assert_eq!((second.use_held(), second.use_held()), (Ok(101), Ok(102)));
    // And back from there.
    let back = second.held().unwrap();
    assert_eq!(back.binding().server_pid(), i32::try_from(first_server.pid()).ok());
    assert_eq!(back.add(1), Ok(103));
    second_server.kill();
    assert_eq!(back.add(1), Ok(104), "who passed it on is on no call's path");
    assert_eq!(first.made(), Ok(1));
    drop(back);
    settles(|| first.made().unwrap(), 0);
}

#[test]
fn objects_go_when_nobody_has_them() {
    let _alone = alone();
    let (_server, keeper) = start("objects");
    let counters: Vec<_> = (0..20).map(|i| keeper.make(i).unwrap()).collect();
    assert!(counters.iter().zip(0..).all(|(counter, i)| counter.add(1) == Ok(i + 1)));
    assert_eq!(keeper.made(), Ok(20));
    drop(counters);
    settles(|| keeper.made().unwrap(), 0);
}

#[test]
fn a_client_whose_server_has_gone_cannot_be_passed() {
    let _alone = alone();
    let ((mut first_server, first), (_second_server, second)) = (start("gone"), start("there"));
    let counter = first.make(1).unwrap();
    first_server.kill();
    while counter.add(1).is_ok() {}
    assert!(matches!(second.notify(&counter, 1), Err(CallError::PeerDied { ran: Ran::No })));
    assert_eq!(second.none(), Ok(0));
}

#[test]
fn thirty_one_strings_pass_and_thirty_two_are_refused() {
    let _alone = alone();
    let (_server, keeper) = start("strings");
    let words: Vec<Vec<u8>> = (0..32u8).map(|i| vec![i; usize::from(i) * 3 % 50]).collect();
    let strings: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    for count in [0, 1, 5, 31] {
        let lengths: Vec<u8> = strings[..count].iter().map(|string| string.len() as u8).collect();
        assert_eq!(keeper.join(&strings[..count]).unwrap(), [lengths, strings[..count].concat()].concat());
    }
    assert_eq!(keeper.join(&strings), Err(CallError::TooManyStrings { count: 32, limit: 31 }));
    let large = vec![7; 500_000];
    assert_eq!(keeper.join(&[&large, b"x"]).unwrap().len(), 500_003);
    assert_eq!(keeper.join(&[&large, &large, &large]), Err(CallError::TooLarge { size: 1_500_000, limit: 1 << 20 }));
}

#[test]
fn one_reply_is_scattered() {
    let _alone = alone();
    let (_server, keeper) = start("scatter");
    for (sizes, first) in
        [(vec![3usize, 0, 5, 1, 40], 1u8), (vec![], 9), (vec![100_000, 1, 100_000], 3), (vec![2; 31], 0)]
    {
        let mut places: Vec<Vec<u8>> = sizes.iter().map(|&size| vec![0; size]).collect();
        let mut lent: Vec<&mut [u8]> = places.iter_mut().map(Vec::as_mut_slice).collect();
        let mut after = [0u16; 3];
        assert_eq!(keeper.fan(first, &mut lent, &mut after), Ok(u32::try_from(sizes.len()).unwrap()));
        let all = places.concat();
        assert!(all.iter().enumerate().all(|(i, &byte)| byte == first.wrapping_add(i as u8)));
        assert_eq!(after, [u16::from(first.wrapping_add(all.len() as u8)); 3]);
    }
    let mut places: Vec<[u8; 1]> = vec![[5]; 32];
    let mut lent: Vec<&mut [u8]> = places.iter_mut().map(|place| &mut place[..]).collect();
    assert_eq!(keeper.fan(0, &mut lent, &mut [0; 3]), Err(CallError::TooManyStrings { count: 32, limit: 31 }));
    assert!(places.iter().all(|place| place == &[5]));
}

#[test]
fn a_client_of_another_interface_is_refused() {
    let _alone = alone();
    // The same name for another interface, so that the stubs let it pass.
    mod other {
        #[nearcall::interface]
        pub trait Counter {
            fn add(&self, amount: u64) -> u64;
        }
        #[nearcall::interface]
        pub trait Keeper {
            fn hold(&self, counter: CounterClient);
        }
        pub struct Wide;
        impl Counter for Wide {
            fn add(&self, amount: u64) -> u64 {
                amount
            }
        }
    }
    let (server, keeper) = start("foreign");
    let stranger: other::KeeperClient = server.bind_to("keeper");
    let wide = other::CounterClient::serve(other::Wide).unwrap().leave();
    assert_eq!(stranger.hold(wide), Err(CallError::NotPassed { ran: Ran::No }));
    assert_eq!(keeper.use_held(), Err(CallError::App(7)));
    let error = nearcall::Binder::new("keeper").dir(server.dir()).bind::<CounterClient>().unwrap_err();
    assert!(matches!(error, BindError::Incompatible { .. }));
}

#[test]
fn a_server_that_dies_leaves_nothing_of_what_it_was_passed() {
    let _alone = alone();
    let alive = Arc::new(AtomicU32::new(0));
    // So that what this process makes once is there.
    drop(CounterClient::serve(Count::new(0, &alive)).unwrap());
    let ours = open_count();
    for _ in 0..3 {
        let (mut server, keeper) = start("dies");
        let lent = CounterClient::serve(Count::new(0, &alive)).unwrap();
        assert_eq!(keeper.notify(&lent, 1), Ok(1));
        let left = CounterClient::serve(Count::new(0, &alive)).unwrap().leave();
        keeper.hold(left).unwrap();
        assert_eq!(keeper.use_held(), Ok(1));
        keeper.keep(file("x").into(), &file("y").into()).unwrap();
        let made = keeper.make(1).unwrap();
        server.kill();
        assert!(matches!(keeper.use_held(), Err(CallError::PeerDied { .. })));
        let start = Instant::now();
        while !matches!(made.add(1), Err(CallError::PeerDied { .. })) {
            assert!(start.elapsed() < Duration::from_secs(5), "its objects outlive it");
        }
    }
    settles(open_count, ours);
    // What was left to it goes when nobody has it any more.
    settles(|| alive.load(Ordering::SeqCst), 0);
}
