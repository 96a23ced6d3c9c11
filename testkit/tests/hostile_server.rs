//! A server that lies, against a real client: each lie ends in a named error, and what the caller passed for results is
//! untouched.

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{BindError, CallError, Ran};
use nearcall_layout::pair::{stamp, status};
use nearcall_testkit::lies::server::Encounter;
use nearcall_testkit::lies::{self, Lie};
use nearcall_testkit::message;
use nearcall_testkit::packet::Connection;
use nearcall_testkit::process;
use nearcall_testkit::random::Random;
use nearcall_testkit::server::{self, FRAME_SIZE, Liar, Request, Server};
use support::{Colour, TargetClient};

/// One test at a time: liars that say nothing must not be what another test measures.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names of one liar.
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

    fn bind(&self) -> Result<TargetClient, BindError> {
        nearcall::Binder::new("target").dir(&self.dir).bind()
    }
}

/// Tells a lie to whoever connects, another variation each time.
fn told(lie: &'static Lie<Encounter>, seed: u32) -> Place {
    let count = AtomicU32::new(0);
    Place::new(move |connection| {
        let variation = u64::from(count.fetch_add(1, Ordering::Relaxed)) << 32 | u64::from(seed);
        let _ = (lie.tell)(&mut Encounter::new(connection, Random::new(variation), Duration::from_secs(60)));
    })
}

/// Binds to a liar `count` times; says how each ended, in words.
fn binds(lie: &'static Lie<Encounter>, count: u32, seed: u32) -> Vec<Option<BindError>> {
    let place = told(lie, seed);
    let ends = (0..count).map(|_| {
        let start = Instant::now();
        let end = place.bind().map(drop).err();
        assert!(start.elapsed() < Duration::from_secs(4), "{}: {:?}", lie.name, start.elapsed());
        end
    });
    let ends: Vec<_> = ends.collect();
    let mut words: Vec<_> =
        ends.iter().map(|end| end.as_ref().map_or("bound".to_owned(), |error| format!("{error:.60}"))).collect();
    words.sort();
    words.dedup();
    println!("{} {}: {count} binds, {words:?}", lie.row, lie.name);
    ends
}

#[test]
fn lies_in_the_handshake_are_misbehaviour() {
    let _alone = alone();
    let (rounds, seed) = (support::count("NEARCALL_TEST_ROUNDS", 30), support::count("NEARCALL_TEST_SEED", 7));
    println!("NEARCALL_TEST_SEED={seed}");
    for lie in lies::server::BINDS {
        for end in binds(lie, rounds, seed) {
            // Of what is no memory at all the kernel says that it cannot be paid for.
            let is_fine = match &end {
                Some(BindError::PeerMisbehaved(_)) => true,
                Some(BindError::Io { .. }) => lie.name == "your region",
                _ => false,
            };
            assert!(is_fine, "{}: {end:?}", lie.name);
        }
    }
}

#[test]
fn other_ends_of_a_handshake_have_names() {
    let _alone = alone();
    let (rounds, seed) = (support::count("NEARCALL_TEST_ROUNDS", 30), support::count("NEARCALL_TEST_SEED", 7));
    for lie in lies::server::REFUSALS {
        // Each of these takes the client its whole time-out.
        let rounds = if lie.name == "mute" { rounds.min(4) } else { rounds };
        for end in binds(lie, rounds, seed) {
            if let Some(end) = &end {
                let words = end.to_string();
                assert!(!words.contains(['\u{1b}', '\u{202e}']), "{}: {words:?} is no text for a terminal", lie.name);
            }
            let is_fine = match (lie.name, &end) {
                ("mute", Some(BindError::Timeout(_)))
                | ("gone", Some(BindError::Closed))
                | ("version", Some(BindError::Version { .. }))
                | (
                    "refuses",
                    Some(BindError::Denied { .. } | BindError::NoRoom { .. } | BindError::Incompatible { .. }),
                ) => true,
                ("refuses", Some(BindError::PeerMisbehaved(_))) | ("flipped", None) => true,
                ("flipped", Some(error)) => !matches!(error, BindError::Io { .. } | BindError::NotFound { .. }),
                _ => false,
            };
            assert!(is_fine, "{}: {end:?}", lie.name);
        }
    }
}

#[test]
fn lies_to_a_bound_client_end_each_call_once_by_name_and_in_time() {
    let _alone = alone();
    let (rounds, seed) = (support::count("NEARCALL_TEST_ROUNDS", 2), support::count("NEARCALL_TEST_SEED", 7));
    println!("NEARCALL_TEST_SEED={seed}");
    for lie in lies::server::CALLS.iter().chain(lies::server::WAITS) {
        let place = told(lie, seed);
        let mut ends = BTreeMap::<String, u32>::new();
        for _ in 0..rounds {
            let Ok(client) = place.bind() else { continue };
            for n in 0..6_u32 {
                let (mut seed, mut out) = (u64::from(n), [7; 100]);
                let start = Instant::now();
                // With time-outs of a second and less: some lies cost them.
                let result = match n % 2 {
                    0 => client.fill(&mut seed, &mut out).map(drop),
                    _ => client.quick().map(drop),
                };
                assert!(start.elapsed() < Duration::from_secs(15), "{}: {:?}", lie.name, start.elapsed());
                drop(nearcall_core::shm::copy::take_log());
                if let Err(error) = &result {
                    assert_eq!(
                        (seed, out),
                        (u64::from(n), [7; 100]),
                        "{}: targets are untouched by {error:?}",
                        lie.name
                    );
                }
                let name = result.map_or_else(|error| format!("{error:?}"), |()| "value".to_owned());
                *ends.entry(name).or_default() += 1;
            }
        }
        println!("{} {}: {ends:?}", lie.row, lie.name);
    }
}

#[test]
fn a_mute_server_does_not_hold_up_binds_to_others() {
    let _alone = alone();
    let mute = Place::new(|connection| {
        server::welcome(&connection);
        let _ = connection.closes(Duration::from_secs(10));
    });
    let good = Place::new(|connection| Server::honest(connection).until_closed());
    std::thread::scope(|scope| {
        scope.spawn(|| mute.bind().map(drop).unwrap_err());
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        let _client = good.bind().unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    });
}

/// A client bound to a server that answers every request with one lie.
fn lied_to(answer: impl Fn(&Server, &Request) + Send + Sync + 'static) -> (Place, TargetClient) {
    let place = Place::new(move |connection| Server::honest(connection).serve(&answer));
    let client = place.bind().unwrap();
    (place, client)
}

#[test]
fn results_that_are_no_values_are_misbehaviour() {
    let _alone = alone();
    for byte in [2u8, 255] {
        let (_place, client) = lied_to(move |server, request| server.answer(request, status::OK, 0, &[byte]));
        assert_eq!(client.flag(true), Err(CallError::PeerMisbehaved), "bool {byte}");
    }
    for letter in [0xd800u32, 0xdfff, 0x0011_0000, u32::MAX] {
        let head = letter.to_le_bytes();
        let (_place, client) = lied_to(move |server, request| server.answer(request, status::OK, 0, &head));
        assert_eq!(client.letter('x'), Err(CallError::PeerMisbehaved), "char {letter:#x}");
    }
    for colour in [0u8, 3, 255] {
        let (_place, client) = lied_to(move |server, request| server.answer(request, status::OK, 0, &[colour]));
        assert_eq!(client.paint(Colour::Red), Err(CallError::PeerMisbehaved), "enum {colour}");
        let (_place, client) = lied_to(move |server, request| server.answer(request, status::APP, 0, &[colour]));
        assert_eq!(client.fail(1), Err(CallError::PeerMisbehaved), "error enum {colour}");
    }
    for text in [&b"\xff\xff\xff"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        let (_place, client) = lied_to(move |server, request| {
            server.own.write(Server::half(request), text);
            let len = u32::try_from(text.len()).unwrap();
            server.answer(request, status::OK, len.into(), &len.to_le_bytes());
        });
        assert_eq!(client.name("x"), Err(CallError::PeerMisbehaved), "text {text:x?}");
    }
    let (_place, client) = lied_to(|server, request| server.answer(request, status::APP, 0, &[7]));
    assert_eq!(client.add(1, 2), Err(CallError::PeerMisbehaved), "an error of a procedure that has none");
    assert_eq!(client.nap(1, 2), Err(CallError::PeerMisbehaved), "an error of a procedure without results");
}

#[test]
fn lengths_beyond_the_frame_are_misbehaviour() {
    let _alone = alone();
    let frame = u64::from(FRAME_SIZE);
    for (tail, len) in [
        (frame + 1, FRAME_SIZE + 1),
        (u64::MAX, u32::MAX),
        (1 << 40, 5),
        (u64::MAX, 0),
        (3, 5),
        (0, u32::MAX),
        (frame, u32::MAX),
    ] {
        let (_place, client) =
            lied_to(move |server, request| server.answer(request, status::OK, tail, &len.to_le_bytes()));
        let end = client.name("x");
        // A segment is named, and the liar does not say what is in it, as a slow server, or says that it has no memory.
        let is_asked = [Err(CallError::Timeout { ran: Ran::Yes }), Err(CallError::ResultTooLarge)].contains(&end);
        assert!(
            (tail >> 32 != 0 && is_asked) || end == Err(CallError::PeerMisbehaved),
            "tail {tail}, length {len}: {end:?}"
        );
    }
    for len in [101u32, 1536, 1537, u32::MAX] {
        let (_place, client) = lied_to(move |server, request| {
            server.own.write(Server::half(request), &[9; 100]);
            server.answer(request, status::OK, 0, &[&77u64.to_le_bytes()[..], &len.to_le_bytes()].concat());
        });
        let (mut seed, mut out) = (5, [7; 100]);
        assert_eq!(client.fill(&mut seed, &mut out), Err(CallError::PeerMisbehaved), "{len} bytes of 100");
        assert_eq!((seed, out), (5, [7; 100]), "targets are untouched");
    }
}

#[test]
fn every_status_has_a_name_and_unknown_ones_are_misbehaviour() {
    let _alone = alone();
    let expected = [
        (status::REVOKED, CallError::Revoked),
        (status::NO_PROCEDURE, CallError::Unsupported),
        (status::BAD_ARGUMENT, CallError::BadArgument),
        (status::TOO_LARGE, CallError::ResultTooLarge),
        (status::ARGUMENT_TOO_LARGE, CallError::TooLarge { size: 0, limit: usize::MAX }),
        (status::PANICKED, CallError::Panicked),
        (status::OVERLOADED, CallError::Overloaded),
        (status::TOO_DEEP, CallError::TooDeep),
        (status::UNRETURNABLE, CallError::Unreturnable),
        (status::DENIED, CallError::Denied),
        (status::NOT_TAKEN, CallError::NotPassed { ran: Ran::No }),
        (status::NOT_GIVEN, CallError::NotPassed { ran: Ran::Yes }),
        (status::ABORTED, CallError::Aborted),
        (15, CallError::PeerMisbehaved),
        (99, CallError::PeerMisbehaved),
        (u16::MAX, CallError::PeerMisbehaved),
    ];
    for (status, error) in expected {
        let (_place, client) = lied_to(move |server, request| server.answer(request, status, u64::MAX, &[0xff; 40]));
        let (mut seed, mut out) = (5, [7; 100]);
        assert_eq!(client.fill(&mut seed, &mut out), Err(error), "status {status}");
        assert_eq!((seed, out), (5, [7; 100]), "targets are untouched");
    }
}

#[test]
fn answers_to_other_calls_are_none() {
    let _alone = alone();
    let (_place, client) = lied_to(|server, request| {
        for wrong in [request.sequence.wrapping_add(1), request.sequence.wrapping_sub(1), 0, u32::MAX] {
            server.answer_as(request, wrong, status::OK, 0, &[1, 0, 0, 0]);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let start = Instant::now();
    assert!(matches!(client.quick(), Err(CallError::Timeout { .. })));
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
    // The right number on another A-stack.
    let (_place, client) = lied_to(|server, request| {
        let other = Request { astack: (request.astack + 1) % 5, ..*request };
        server.answer(&other, status::OK, 0, &[1, 0, 0, 0]);
    });
    assert!(matches!(client.quick(), Err(CallError::Timeout { .. })));
}

#[test]
fn no_answers_cost_astacks_and_then_say_so() {
    let _alone = alone();
    let (_place, client) = lied_to(|_, _| {});
    for _ in 0..5 {
        assert!(matches!(client.quick(), Err(CallError::Timeout { .. })));
    }
    let start = Instant::now();
    assert_eq!(client.quick(), Err(CallError::NoAStack));
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
}

#[test]
fn how_far_a_call_got_is_what_the_server_wrote_down() {
    let _alone = alone();
    for (how_far, ran) in [(0, Ran::No), (stamp::STARTED, Ran::Maybe), (stamp::FINISHED, Ran::Yes), (9 << 40, Ran::No)]
    {
        let place = Place::new(move |connection| {
            let mut server = Server::honest(connection);
            let request = server.request(Duration::from_secs(5)).unwrap();
            server.stamp(&request, how_far);
        });
        let client = place.bind().unwrap();
        assert_eq!(client.add(1, 2), Err(CallError::PeerDied { ran }), "stamp {how_far:#x}");
    }
}

#[test]
fn nonsense_on_the_control_socket_ends_the_pair_by_name() {
    let _alone = alone();
    for wrong in [message::READY.to_vec(), vec![0], vec![1; 97 * 1024], message::regions(1, 1, 1)] {
        let place = Place::new(move |connection| {
            let mut server = Server::honest(connection);
            let _ = server.request(Duration::from_secs(5));
            server.connection.say(&wrong).unwrap();
            server.until_closed();
        });
        let client = place.bind().unwrap();
        // The server lives: what it has not started it still may.
        assert_eq!(client.add(1, 2), Err(CallError::PeerDied { ran: Ran::Maybe }));
    }
}

struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_flood_of_messages_does_not_hide_the_death_of_others() {
    let _alone = alone();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let _stop = Stop(stop);
    let flood = Place::new(move |connection| {
        let server = Server::honest(connection);
        let mut binding = 1000u16;
        while !stopped.load(Ordering::Relaxed) && server.connection.say(&message::revoked(binding, 1)).is_ok() {
            binding = binding.wrapping_add(1).max(1000);
        }
    });
    let _flooded = flood.bind().unwrap();
    for _ in 0..5 {
        let dies = Place::new(|connection| {
            let mut server = Server::honest(connection);
            let _ = server.request(Duration::from_secs(5));
        });
        let client = dies.bind().unwrap();
        let start = Instant::now();
        // It has closed the connection itself, as a process does after its last instruction.
        assert_eq!(client.add(1, 2), Err(CallError::PeerDied { ran: Ran::No }));
        println!("a death beside the flood was seen after {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn random_bytes_in_the_servers_region_are_values_or_named_errors() {
    let _alone = alone();
    let calls = support::count("NEARCALL_TEST_CALLS", 200_000) / 5;
    let scribble = lies::server::CALLS.iter().find(|lie| lie.name == "scribble").unwrap();
    let place = told(scribble, 31);
    let client = place.bind().unwrap();
    let (mut good, mut misbehaved, mut late, mut other) = (0u32, 0u32, 0u32, 0u32);
    let start = Instant::now();
    for n in 0..calls {
        let (mut seed, mut out) = (u64::from(n), [7; 100]);
        let result = match n % 4 {
            0 => client.fill(&mut seed, &mut out).map(drop),
            1 => client.flag(true).map(drop),
            2 => client.name("x").map(drop),
            _ => client.quick().map(drop),
        };
        match result {
            Ok(()) => good += 1,
            Err(error) => {
                assert_eq!((seed, out), (u64::from(n), [7; 100]), "targets are untouched by {error:?}");
                match error {
                    CallError::PeerMisbehaved => misbehaved += 1,
                    CallError::Timeout { .. } | CallError::NoAStack => late += 1,
                    CallError::Overloaded | CallError::ResultTooLarge => other += 1,
                    error => panic!("{error:?}"),
                }
            }
        }
        drop(nearcall_core::shm::copy::take_log());
    }
    println!(
        "{calls} calls in {:.1?}: good {good}, misbehaved {misbehaved}, late {late}, other {other}",
        start.elapsed()
    );
    assert!(good > 0 && misbehaved > 0);
}

/// Not a test: the parts of other processes. None here.
#[test]
fn play() {
    assert!(process::Peer::part().is_none());
}
