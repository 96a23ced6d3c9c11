//! A server that lies, against a real client: each lie ends in a named error, and what the caller passed for results is
//! untouched.

mod support;

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{BindError, CallError, Ran};
use nearcall_layout::pair::{self, FRAMES, REGION_SIZE, VERSION, stamp, status};
use nearcall_testkit::message::{self, Message};
use nearcall_testkit::packet::Connection;
use nearcall_testkit::process;
use nearcall_testkit::random::Random;
use nearcall_testkit::server::{self, FRAME_SIZE, Liar, Memory, READ_SEALS, Request, Server, WRITE_SEALS};
use rustix::fs::SealFlags;
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
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("names");
        support::make_dir(&dir);
        let liar = Liar::start(&dir, "target", lie);
        Self { _outer: outer, dir, _liar: liar }
    }

    fn bind(&self) -> Result<TargetClient, BindError> {
        nearcall::Binder::new("target").dir(&self.dir).bind()
    }
}

/// How a bind to this liar ends.
fn refused(what: &str, lie: impl Fn(Connection) + Send + Sync + 'static) -> BindError {
    let place = Place::new(lie);
    let start = Instant::now();
    let error = place.bind().map(drop).expect_err(what);
    assert!(start.elapsed() < Duration::from_secs(4), "{what}: {:?}", start.elapsed());
    println!("{what}: {error}");
    error
}

fn misbehaved(what: &str, lie: impl Fn(Connection) + Send + Sync + 'static) {
    let error = refused(what, lie);
    assert!(matches!(error, BindError::PeerMisbehaved(_)), "{what}: {error:?}");
}

#[test]
fn words_out_of_order_are_misbehaviour() {
    let _alone = alone();
    let firsts: Vec<(&str, Vec<u8>)> = vec![
        ("ready first", message::READY.to_vec()),
        ("regions first", message::regions(1, 1, 1)),
        ("a client's word", message::hello(VERSION, [0; 16])),
        ("nonsense", vec![200; 40]),
        ("half a welcome", message::welcome(VERSION, [0; 16], 1)[..20].to_vec()),
        ("a welcome and a byte", [&message::welcome(VERSION, [0; 16], 1)[..], &[0]].concat()),
        ("a long message", vec![65; 100 * 1024]),
    ];
    for (what, first) in firsts {
        misbehaved(what, move |connection| {
            let _ = connection.hear(Duration::from_secs(1));
            connection.say(&first).unwrap();
            assert!(connection.closes(Duration::from_secs(5)));
        });
    }
    let other = refused("another version", |connection| {
        let _ = connection.hear(Duration::from_secs(1));
        connection.say(&message::welcome(VERSION + 1, [0; 16], 1)).unwrap();
    });
    assert!(matches!(other, BindError::Version { server, .. } if server == VERSION + 1), "{other:?}");
    misbehaved("ready instead of regions", |connection| {
        server::welcome(&connection);
        connection.say(message::READY).unwrap();
        let _ = connection.closes(Duration::from_secs(5));
    });
}

#[test]
fn silence_and_hanging_up_have_names() {
    let _alone = alone();
    let mute = refused("mute", |connection| {
        let _ = connection.closes(Duration::from_secs(10));
    });
    assert!(matches!(mute, BindError::Timeout(_)), "{mute:?}");
    let gone = refused("hangs up", |connection| drop(connection.hear(Duration::from_secs(1))));
    assert!(matches!(gone, BindError::Closed), "{gone:?}");
    let late = refused("hangs up instead of regions", |connection| {
        server::welcome(&connection);
        let _ = connection.must_hear();
    });
    assert!(matches!(late, BindError::Closed), "{late:?}");
    let mute = refused("never grants", |connection| {
        let (server, ..) = Server::pair(connection);
        server.until_closed();
    });
    assert!(matches!(mute, BindError::Timeout(_)), "{mute:?}");
    let denied = refused("denies", |connection| {
        let (server, id, _) = Server::pair(connection);
        server.connection.say(&message::denied(id)).unwrap();
        server.until_closed();
    });
    assert!(matches!(denied, BindError::Denied { .. }), "{denied:?}");
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

/// Descriptors that are no region: what they are, and how to make one.
type Wrong = (&'static str, fn() -> OwnedFd);

const NO_REGIONS: [Wrong; 4] = [
    ("a pipe", || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap().0),
    ("/dev/zero", || File::options().read(true).write(true).open("/dev/zero").unwrap().into()),
    ("a file", || {
        let file = tempfile::tempfile().unwrap();
        file.set_len(REGION_SIZE.try_into().unwrap()).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, REGION_SIZE.try_into().unwrap()).unwrap();
        file.into()
    }),
    ("a directory", || File::open("/").unwrap().into()),
];

fn memory(memory: Memory) -> OwnedFd {
    memory.make().0
}

#[test]
fn a_server_region_that_could_hurt_its_reader_is_misbehaviour() {
    let _alone = alone();
    let client = || memory(Memory::CLIENT);
    for (what, wrong) in NO_REGIONS {
        misbehaved(&format!("server region: {what}"), move |connection| {
            server::welcome(&connection);
            server::offer(&connection, &[client(), wrong()]);
            let _ = connection.closes(Duration::from_secs(5));
        });
    }
    let seals = [SealFlags::SHRINK, SealFlags::GROW, SealFlags::FUTURE_WRITE, SealFlags::SEAL];
    let without = seals.map(|seal| Memory { seals: READ_SEALS.difference(seal), ..Memory::SERVER });
    let other = [
        Memory { seals: SealFlags::empty(), ..Memory::SERVER },
        Memory { allocated: false, ..Memory::SERVER },
        Memory { size: REGION_SIZE / 2, ..Memory::SERVER },
        Memory { size: REGION_SIZE * 2, ..Memory::SERVER },
        Memory { size: 4096, ..Memory::SERVER },
    ];
    for wrong in without.into_iter().chain(other) {
        misbehaved(&format!("server region: {wrong:?}"), move |connection| {
            server::welcome(&connection);
            server::offer(&connection, &[client(), memory(wrong)]);
            let _ = connection.closes(Duration::from_secs(5));
        });
    }
}

#[test]
fn a_client_region_that_is_none_is_refused() {
    let _alone = alone();
    for (what, wrong) in NO_REGIONS {
        if what == "a file" {
            continue;
        }
        let error = refused(&format!("client region: {what}"), move |connection| {
            server::welcome(&connection);
            server::offer(&connection, &[wrong(), memory(Memory::SERVER)]);
            let _ = connection.closes(Duration::from_secs(5));
        });
        assert!(matches!(error, BindError::PeerMisbehaved(_) | BindError::Io { .. }), "{error:?}");
    }
}

#[test]
fn a_client_region_that_its_server_can_shorten_is_misbehaviour() {
    let _alone = alone();
    let file = ("a file", NO_REGIONS[2].1);
    misbehaved(&format!("client region: {}", file.0), move |connection| {
        server::welcome(&connection);
        server::offer(&connection, &[file.1(), memory(Memory::SERVER)]);
        let _ = connection.closes(Duration::from_secs(5));
    });
    for wrong in [
        Memory { seals: SealFlags::empty(), ..Memory::CLIENT },
        Memory { seals: WRITE_SEALS.difference(SealFlags::SHRINK), ..Memory::CLIENT },
        Memory { size: REGION_SIZE / 2, ..Memory::CLIENT },
        Memory { size: REGION_SIZE * 2, ..Memory::CLIENT },
    ] {
        misbehaved(&format!("client region: {wrong:?}"), move |connection| {
            server::welcome(&connection);
            server::offer(&connection, &[memory(wrong), memory(Memory::SERVER)]);
            let _ = connection.closes(Duration::from_secs(5));
        });
    }
}

#[test]
fn regions_in_wrong_number_or_of_impossible_sizes_are_misbehaviour() {
    let _alone = alone();
    for count in [0, 1, 3, 30] {
        misbehaved(&format!("{count} descriptors"), move |connection| {
            server::welcome(&connection);
            let fds: Vec<_> = (0..count).map(|_| memory(Memory::SERVER)).collect();
            server::offer(&connection, &fds);
            let _ = connection.closes(Duration::from_secs(5));
        });
    }
    let size = u32::try_from(REGION_SIZE).unwrap();
    let small = u32::try_from(FRAMES).unwrap() - 1;
    for (client, server, first) in [
        (0, 0, 1),
        (100, 100, 1),
        (small, small, 1),
        (size, size * 2, 1),
        (u32::MAX, u32::MAX, 1),
        (1 << 31, 1 << 31, 1),
        (size, size, 0),
    ] {
        misbehaved(&format!("sizes {client}, {server}, first {first}"), move |connection| {
            server::welcome(&connection);
            assert_eq!(connection.must_hear().0, Message::Pair);
            let (own, peer) = (memory(Memory::CLIENT), memory(Memory::SERVER));
            connection.say_with(&message::regions(client, server, first), &[own.as_fd(), peer.as_fd()]).unwrap();
            let _ = connection.closes(Duration::from_secs(5));
        });
    }
}

#[test]
fn grants_that_do_not_fit_are_misbehaviour() {
    let _alone = alone();
    type Lie = fn(&mut message::Grant);
    let lies: [(&str, Lie); 8] = [
        ("A-stacks over the lines", |grant| grant.classes[0].offset = 0),
        ("A-stacks further back", |grant| grant.classes[0].offset += 128),
        ("another first A-stack", |grant| grant.classes[0].first = 5),
        ("too many A-stacks", |grant| grant.classes[0].count = 129),
        ("frames beyond the region", |grant| grant.classes[0].frame_size = 1 << 20),
        ("frames beyond everything", |grant| grant.classes[0].frame_size = u32::MAX),
        ("a class over another", |grant| grant.classes.push(grant.classes[0])),
        ("too few procedures", |grant| grant.procedures.truncate(3)),
    ];
    for (what, lie) in lies {
        misbehaved(what, move |connection| {
            let (server, id, procedures) = Server::pair(connection);
            let mut grant = Server::grant(id, procedures);
            lie(&mut grant);
            server.connection.say(&message::bound(&grant)).unwrap();
            server.until_closed();
        });
    }
}

#[test]
fn a_grant_with_a_class_that_is_none_is_never_a_call() {
    let _alone = alone();
    let place = Place::new(|connection| {
        let (server, id, procedures) = Server::pair(connection);
        let mut grant = Server::grant(id, procedures);
        grant.procedures[0].1 = 9;
        server.connection.say(&message::bound(&grant)).unwrap();
        server.until_closed();
    });
    match place.bind() {
        Err(BindError::PeerMisbehaved(_)) => {}
        Ok(client) => assert_eq!(client.add(1, 2), Err(CallError::Unsupported)),
        Err(error) => panic!("{error}"),
    }
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
        assert_eq!(client.name("x"), Err(CallError::PeerMisbehaved), "tail {tail}, length {len}");
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
        (status::UNRETURNABLE, CallError::Unreturnable),
        (10, CallError::PeerMisbehaved),
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

/// Answers with values, lies and random bytes, and stores random words everywhere all the time.
fn scribbler(connection: Connection) {
    let mut server = Server::honest(connection);
    let mut random = Random::new(31);
    let mut last: Option<Request> = None;
    let mut turn = 0u32;
    loop {
        let at = pair::client::line(server.next);
        if pair::sequence(server.peer.load(at)) != server.next {
            server.own.scribble(&mut random, 4);
            turn += 1;
            if turn.is_multiple_of(256) {
                // The answer may have been scribbled over before it was read.
                if let Some(request) = &last {
                    server.answer(request, status::OK, 0, &[1]);
                }
                if server.connection.is_closed() {
                    return;
                }
            }
            continue;
        }
        let Some(request) = server.request(Duration::ZERO) else { return };
        server.own.scribble(&mut random, 16);
        let status = random.one_of(&[status::OK, status::OK, status::OK, status::APP, 7, 200]);
        let len = random.one_of(&[0u64, 1, 100, 101, 1536, u64::from(u32::MAX), 1 << 40]);
        let head: Vec<u8> = match random.below(3) {
            0 => (0..5).flat_map(|_| random.word().to_le_bytes()).collect(),
            1 => [&random.word().to_le_bytes()[..], &len.to_le_bytes()[..4]].concat(),
            _ => vec![1],
        };
        server.answer(&request, status, len, &head);
        server.own.scribble(&mut random, 4);
        last = Some(request);
    }
}

#[test]
fn random_bytes_in_the_servers_region_are_values_or_named_errors() {
    let _alone = alone();
    let calls = support::count("NEARCALL_TEST_CALLS", 200_000) / 5;
    let place = Place::new(scribbler);
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
                    CallError::Overloaded => other += 1,
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
