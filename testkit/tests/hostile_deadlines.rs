//! Every call ends by its deadline, whatever it waits for: an A-stack, the right to ask, memory, a full socket, its reply.

#![allow(missing_docs, unreachable_pub, reason = "an interface for these tests")]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nearcall::{BindError, CallError, Ran};
use nearcall_layout::pair::AstackClass;
use nearcall_testkit::message;
use nearcall_testkit::packet::Heard;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::server::{self, Liar, Memory, Server};
use rustix::process::Signal;

#[nearcall::interface]
pub trait Slow {
    /// Of one A-stack.
    #[call(timeout = "200ms", concurrency = 1)]
    fn one(&self) -> u32;
    #[call(timeout = "200ms", concurrency = 4, max = 4 MiB)]
    fn put(&self, data: &[u8]) -> u32;
    #[call(timeout = "200ms", concurrency = 1, exhausted = "grow(8)", astack = 3000)]
    fn grows(&self) -> u32;
    #[call(timeout = "10s", concurrency = 2, astack = 5000, max = 4 MiB)]
    fn patient(&self, data: &[u8]) -> u32;
}

struct Plain;

impl Slow for Plain {
    fn one(&self) -> u32 {
        1
    }
    fn put(&self, data: &[u8]) -> u32 {
        u32::try_from(data.len()).unwrap()
    }
    fn grows(&self) -> u32 {
        3
    }
    fn patient(&self, data: &[u8]) -> u32 {
        u32::try_from(data.len()).unwrap()
    }
}

/// The time-out of the calls here, and a bound on liveness.
const LATEST: Duration = Duration::from_millis(1200);

struct Place {
    _outer: tempfile::TempDir,
    dir: PathBuf,
}

impl Place {
    fn new() -> Self {
        let (outer, dir) = support::names();
        Self { _outer: outer, dir }
    }

    fn bind(&self) -> Result<SlowClient, BindError> {
        nearcall::Binder::new("slow").dir(&self.dir).bind()
    }
}

/// Makes a call on each of `count` kernel threads; each has to end in time.
fn all_end(count: usize, call: impl Fn() -> Result<u32, CallError> + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                let start = Instant::now();
                let end = call();
                let spent = start.elapsed();
                println!("{end:?} after {spent:.1?}");
                assert!(matches!(end, Err(CallError::Timeout { .. } | CallError::NoAStack)), "{end:?}");
                assert!(spent < LATEST, "{spent:?}");
            });
        }
    });
}

#[test]
fn calls_to_a_server_that_stands_still_end_in_time_whatever_they_wait_for() {
    let place = Place::new();
    let server = Peer::start("serve", &place.dir);
    let client = place.bind().unwrap();
    assert_eq!(client.put(&[1]), Ok(1));
    server.signal(Signal::STOP);
    let large = vec![1; 1 << 20];
    // The last of four would have waited for three others to ask.
    all_end(4, || client.put(&large));
    all_end(4, || client.one());
    all_end(4, || client.grows());
    server.signal(Signal::CONT);
    let start = Instant::now();
    loop {
        let end = client.put(&large);
        if end == Ok(1 << 20) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "the server is back, and no call succeeds: {end:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_call_waits_for_memory_as_long_as_it_may() {
    let place = Place::new();
    let server = Peer::start("serve", &place.dir);
    let client = place.bind().unwrap();
    server.signal(Signal::STOP);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| client.patient(&vec![1; 1 << 20]));
        std::thread::sleep(Duration::from_millis(2500));
        server.signal(Signal::CONT);
        assert_eq!(call.join().unwrap(), Ok(1 << 20));
    });
}

#[test]
fn astacks_that_are_none_do_not_keep_a_call() {
    let place = Place::new();
    let _liar = Liar::start(&place.dir, "slow", |connection| {
        let (server, id, _) = Server::pair(connection);
        let mut grant = Server::grant(id, 4);
        grant.classes[0].count = 1;
        let _ = server.connection.say(&message::bound(&grant));
        loop {
            match server.connection.hear(Duration::from_secs(20)) {
                Heard::Closed | Heard::Silence => return,
                Heard::Nonsense(bytes) if bytes.len() == 7 => {
                    // Grown, with an A-stack that is not the next one.
                    let grown = [&[75][..], &bytes[1..7], &900u16.to_le_bytes()].concat();
                    let _ = server.connection.say(&grown);
                }
                _ => {}
            }
        }
    });
    let client = place.bind().unwrap();
    all_end(3, || client.grows());
}

#[test]
fn classes_without_astacks_are_refused() {
    let place = Place::new();
    let _liar = Liar::start(&place.dir, "slow", |connection| {
        let (server, id, _) = Server::pair(connection);
        let mut grant = Server::grant(id, 4);
        let class = AstackClass { count: 0, first: 5, offset: grant.classes[0].offset, ..grant.classes[0] };
        grant.classes.extend(std::iter::repeat_n(class, 5000));
        let _ = server.connection.say(&message::bound(&grant));
        let _ = server.connection.closes(Duration::from_secs(5));
    });
    let end = place.bind().map(drop);
    assert!(matches!(end, Err(BindError::PeerMisbehaved(_))), "{end:?}");
}

#[test]
fn bindings_nobody_asked_for_end_the_pair() {
    let place = Place::new();
    let _liar = Liar::start(&place.dir, "slow", |connection| {
        let (server, id, _) = Server::pair(connection);
        let grant = Server::grant(id, 4);
        let _ = server.connection.say(&message::bound(&grant));
        for _ in 0..10 {
            let _ = server.connection.say(&message::bound(&grant));
        }
        let _ = server.connection.closes(Duration::from_secs(5));
    });
    let client = place.bind().unwrap();
    let start = Instant::now();
    while client.put(&vec![1; 1 << 20]) != Err(CallError::PeerDied { ran: Ran::No }) {
        assert!(start.elapsed() < Duration::from_secs(3), "such a server is gone on with");
    }
}

#[test]
fn a_server_that_gives_a_handshake_up_has_closed_it() {
    let place = Place::new();
    // What a server does that found its client late: it hangs up, and frees its region, before the client has looked at it.
    let _late = Liar::start(&place.dir, "slow", |connection| {
        server::welcome(&connection);
        let (client, _) = Memory::CLIENT.make();
        let (server, _) = Memory { allocated: false, ..Memory::SERVER }.make();
        server::offer(&connection, &[client, server]);
    });
    let end = place.bind().map(drop);
    assert!(matches!(end, Err(BindError::Closed | BindError::PeerMisbehaved(_))), "{end:?}");
    // The hang-up may come after the look: most of the time it does not.
    assert!((0..100).any(|_| matches!(place.bind(), Err(BindError::Closed))));
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    if let Some((_, dir)) = Peer::part() {
        let _export = nearcall::Exporter::new("slow").dir(&dir).export(SlowServer::new(Plain)).unwrap();
        process::ready();
        process::until_released();
    }
}
