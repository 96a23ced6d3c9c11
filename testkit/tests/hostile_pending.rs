//! Calls that were started, with a peer that breaks the rules of the signal: the calls end by their deadline, and nobody is
//! kept busy or held up.

mod support;

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use nearcall::{CallError, Client as _};
use nearcall_layout::pair::{client, server, stamp, status, wake};
use nearcall_testkit::client::{self as by_hand, Line, Outcome};
use nearcall_testkit::message;
use nearcall_testkit::packet::Connection;
use nearcall_testkit::process;
use nearcall_testkit::server::{Liar, Server};
use nearcall_testkit::tasks::Used;
use support::{ADD, PROCEDURES, TargetClient, World};

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

struct Place {
    _outer: tempfile::TempDir,
    dir: PathBuf,
    _liar: Liar,
}

impl Place {
    fn new(lie: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        let (outer, dir) = support::names();
        let liar = Liar::start(&dir, "target", lie);
        Self { _outer: outer, dir, _liar: liar }
    }

    fn bind(&self) -> TargetClient {
        nearcall::Binder::new("target").dir(&self.dir).bind().unwrap()
    }
}

/// One test at a time: they look at what this process's watcher does.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watcher() -> Used {
    Used::by(std::process::id(), |name| name == "nearcall-watch")
}

/// As the server says that it polls, nobody has to be rung: a started call is stores to memory.
#[test]
fn to_start_rings_nobody_while_the_server_polls() {
    let _alone = alone();
    let place = Place::new(|connection| {
        Server::honest(connection).serve(|server, request| server.answer(request, status::OK, 0, &5u64.to_le_bytes()));
    });
    let target = place.bind();
    let before = target.binding().counts();
    for _ in 0..1000 {
        let mut all: Vec<_> = (0..5).map(|_| target.start_add(1, 2).unwrap()).collect();
        for pending in &mut all {
            let end = loop {
                if let Some(end) = pending.try_take() {
                    break end;
                }
                std::hint::spin_loop();
            };
            assert_eq!(end, Ok(5));
        }
    }
    let counts = target.binding().counts();
    assert_eq!(counts.calls - before.calls, 5000);
    assert_eq!((counts.sleeps, counts.unanswered), (before.sleeps, before.unanswered));
    // A reply may be later than a step on a busy machine, after which somebody is rung; not each time.
    assert!(counts.bells + counts.messages - before.bells - before.messages < 100, "{counts:?}");
}

#[test]
fn a_server_that_signals_without_being_asked_is_none() {
    let _alone = alone();
    let place = Place::new(|connection| {
        let server = Server::honest(connection);
        while server.connection.try_say(message::SIGNAL).is_ok() && !server.connection.is_closed() {}
    });
    let target = place.bind();
    let start = Instant::now();
    // The pair may have ended before it is begun, and then says so at once.
    let end = target.start_nap(1, 0).and_then(block_on);
    assert!(matches!(end, Err(CallError::PeerDied { .. })), "{end:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn signals_for_nothing_are_heard_now_and_then_only() {
    let _alone = alone();
    static SIGNALS: AtomicU64 = AtomicU64::new(0);
    // As often as the rules allow: whenever the client says that it has heard the last one.
    let place = Place::new(|connection| {
        let mut server = Server::honest(connection);
        let request = server.request(Duration::from_secs(60)).unwrap();
        server.stamp(&request, stamp::STARTED);
        let mut given = 0;
        while !server.connection.is_closed() {
            if server.peer.load(client::HEARD) == given {
                given += 1;
                server.own.store(server::SIGNALS, given);
                let _ = server.connection.try_say(message::SIGNAL);
                SIGNALS.store(given, Ordering::Relaxed);
            }
        }
    });
    let target = place.bind();
    let mut seed = 0;
    let mut pending = target.start_fill(&mut seed, &mut []).unwrap();
    let (start, before) = (Instant::now(), watcher());
    // Its time-out, a second, ends it all the same.
    let end = block_on(&mut pending);
    assert!(matches!(end, Err(CallError::Timeout { .. })), "{end:?}");
    let (took, used) = (start.elapsed(), watcher().since(before));
    let signals = SIGNALS.load(Ordering::Relaxed);
    println!("{signals} signals in {took:.1?}, {used:?}");
    assert!(took < Duration::from_secs(5));
    // 64 at once, then one a millisecond.
    assert!(u128::from(signals) <= 80 + 2 * took.as_millis(), "{signals} in {took:?}");
}

#[test]
fn a_reply_without_a_signal_is_found_in_the_end() {
    let _alone = alone();
    let place = Place::new(|connection| {
        Server::honest(connection).serve(|server, request| {
            std::thread::sleep(Duration::from_millis(2));
            server.answer(request, status::OK, 0, &5u64.to_le_bytes());
        })
    });
    let target = place.bind();
    // `quick` has 200 ms.
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(block_on(target.start_quick().unwrap()), Ok(5));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_signal_before_its_reply_wakes_nobody_for_good() {
    let _alone = alone();
    let place = Place::new(|connection| {
        let mut given = 0;
        Server::honest(connection).serve(move |server, request| {
            given += 1;
            server.own.store(server::SIGNALS, given);
            let _ = server.connection.try_say(message::SIGNAL);
            std::thread::sleep(Duration::from_millis(3));
            server.answer(request, status::OK, 0, &5u64.to_le_bytes());
        });
    });
    let target = place.bind();
    for _ in 0..20 {
        assert_eq!(block_on(target.start_quick().unwrap()), Ok(5));
    }
}

#[test]
fn a_client_that_hears_everything_and_reads_nothing_holds_up_nobody() {
    let _alone = alone();
    let world = World::new();
    let innocent = world.bind();
    let mut hostile = by_hand::Client::new(&world.dir, "target");
    let grant = hostile.bind(&PROCEDURES);
    let line = Line::of(&grant, ADD);
    let wait = client::wait(usize::from(line.astack));
    for n in 0..3000u32 {
        let sequence = hostile.next;
        hostile.own.store(wait, u64::from(sequence) | wake::SIGNAL);
        hostile.own.store(client::HEARD, hostile.peer.load(server::SIGNALS));
        let Outcome::Answer { status: status::OK, .. } = hostile.call(&line) else { panic!("call {n}") };
        if n.is_multiple_of(100) {
            assert_eq!(innocent.add(n, 1), Ok(n + 1));
        }
    }
    assert!(hostile.peer.load(server::SIGNALS) > 100, "no signals");
    // Words that mean nothing, and ways of waiting that there are not.
    for how in [wake::BELL, wake::MASK, 1 << 40, u64::MAX << 32] {
        let sequence = hostile.next;
        hostile.own.store(wait, u64::from(sequence) | how);
        hostile.own.store(client::HEARD, u64::MAX);
        assert_eq!(hostile.call(&line).status(), Some(status::OK));
    }
    assert_eq!(innocent.add(1, 1), Ok(2));
}

#[test]
fn while_nobody_polls_nothing_wakes() {
    let _alone = alone();
    let world = World::new();
    let target = world.bind();
    assert_eq!(block_on(target.start_add(1, 2).unwrap()), Ok(3));
    let pending = target.start_nap(1, 1500).unwrap();
    // What was noted for the call before is looked at once more.
    std::thread::sleep(Duration::from_millis(100));
    let before = watcher();
    std::thread::sleep(Duration::from_secs(1));
    let woken = watcher().since(before).voluntary;
    assert!(woken <= 2, "the watcher woke {woken} times");
    assert_eq!(pending.wait(), Ok(()));
}

/// Not a test: the server.
#[test]
fn play() {
    if let Some((_, dir)) = process::Peer::part() {
        support::serve(&dir);
    }
}
