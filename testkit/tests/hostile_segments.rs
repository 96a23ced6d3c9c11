//! Memory out of band and A-stacks that are added, with a liar on either side: nobody is led to pay, to wait without end, or
//! to keep what is not used; whoever is beside it is served.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{CallError, Ran};
use nearcall_layout::pair::{SEGMENT_SIZE_MIN, reply, request, status};
use nearcall_testkit::client::{Client, Line, Outcome};
use nearcall_testkit::lies::client::Attack;
use nearcall_testkit::lies::server::Encounter;
use nearcall_testkit::lies::{self, Lie, Verdict};
use nearcall_testkit::message::{self, Grant, Message};
use nearcall_testkit::packet::Heard;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::random::Random;
use nearcall_testkit::raw::Raw;
use nearcall_testkit::server::{Liar, Memory, Server, Wish};
use support::{BYTES, FILL, NAP, PROCEDURES, TargetClient, World};

const SOON: Duration = Duration::from_secs(10);

/// One test at a time: what this process has open and mapped is counted.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Descriptors, and memory files that are mapped.
type Held = (usize, usize);

fn held(pid: u32) -> Held {
    (process::descriptors(pid).len(), process::regions(pid).len())
}

/// Waits until a process holds no more than it did.
fn is_given_back(pid: u32, base: Held, what: &str) {
    let start = Instant::now();
    loop {
        let now = held(pid);
        if now.0 <= base.0 && now.1 <= base.1 {
            return;
        }
        assert!(start.elapsed() < SOON, "{what}: {now:?} instead of {base:?}: {:?}", process::descriptors(pid));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_a_client_lies_about_segments_leaves_nothing_in_the_server() {
    let _alone = alone();
    let (rounds, seed) = (support::count("NEARCALL_TEST_ROUNDS", 3), support::count("NEARCALL_TEST_SEED", 7));
    println!("NEARCALL_TEST_SEED={seed}");
    let world = World::new();
    let pid = world.server.pid();
    // What sleeps for as long as it is told to keeps what its client had.
    let only = PROCEDURES.iter().filter(|name| !["nap", "revoke"].contains(name)).map(|&name| name.to_owned());
    let mut attack = Attack::new(world.dir.clone(), "target", &only.collect::<Vec<_>>(), Random::new(seed.into()));
    let innocent = world.bind();
    assert_eq!(innocent.add(1, 2), Ok(3));
    let large = vec![3; 70_000];
    assert_eq!(innocent.bytes(&large), Ok(210_000));
    is_given_back(pid, (usize::MAX, 3), "before");
    let base = held(pid);
    let names = ["segment", "out of band", "shows", "areas", "grows"];
    let all: Vec<_> = lies::client::all().filter(|lie| names.iter().any(|name| lie.name.contains(name))).collect();
    assert_eq!(all.len(), 11, "not all are told");
    let peak = process::resident_peak_kib(pid);
    for lie in all {
        let start = Instant::now();
        let (seen, verdict) = lies::tell(lie, &mut attack, rounds, || {
            assert_eq!(innocent.bytes(&large), Ok(210_000), "beside {}", lie.name);
            Ok(())
        });
        println!("{:12} {:16} {verdict} ({seen}) in {:.1?}", lie.row, lie.name, start.elapsed());
        assert!(!matches!(verdict, Verdict::Failed(_)), "{}: {verdict}", lie.name);
        is_given_back(pid, base, lie.name);
    }
    let grown = process::resident_peak_kib(pid) - peak;
    println!("the server's memory has grown by {grown} KiB at most");
    // Less than the one largest segment, of which it was asked for hundreds.
    assert!(grown < 48 * 1024, "{grown} KiB");
    assert_eq!(innocent.tally().unwrap().unchecked, 0);
}

/// A request for `nap` of so many milliseconds.
fn nap(grant: &Grant, milliseconds: u32) -> Line {
    Line::of(grant, NAP).with(&[&0u64.to_le_bytes()[..], &milliseconds.to_le_bytes()].concat())
}

#[test]
fn the_segment_of_a_call_under_way_is_not_replaced() {
    let _alone = alone();
    let world = World::new();
    let size = u32::try_from(SEGMENT_SIZE_MIN).unwrap();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let line = nap(&grant, 500);
    let _segment = client.segment(1, line.astack, size);
    let sequence = client.publish(&line);
    assert_eq!(client.answer(line.astack, sequence, Duration::from_millis(100), None), Outcome::Silence);
    let fd = client.offered(2, line.astack, size).unwrap();
    rustix::fs::fallocate(&fd, rustix::fs::FallocateFlags::empty(), 0, size.into()).unwrap();
    client.connection.say(&message::segment_mapped(2)).unwrap();
    assert!(client.connection.closes(SOON), "goes on");
    assert_eq!(world.bind().add(1, 2), Ok(3));
}

/// The message may be overtaken by the next call on the A-stack: a good client looks for calls before it says so, not after.
#[test]
fn a_segment_that_is_given_back_during_a_call_goes_after_it() {
    let _alone = alone();
    let world = World::new();
    let pid = world.server.pid();
    let size = u32::try_from(SEGMENT_SIZE_MIN).unwrap();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let line = nap(&grant, 500);
    let base = held(pid);
    let segment = client.segment(1, line.astack, size);
    let sequence = client.publish(&line);
    assert_eq!(client.answer(line.astack, sequence, Duration::from_millis(100), None), Outcome::Silence);
    client.connection.say(&message::segment_dropped(1, line.astack)).unwrap();
    assert!(matches!(client.answer(line.astack, sequence, SOON, None), Outcome::Answer { status: status::OK, .. }));
    drop(segment);
    is_given_back(pid, base, "a segment that is used no more");
    let large = Line { flags: request::OUT_OF_BAND, ..Line::of(&grant, BYTES).with(&5000u32.to_le_bytes()) };
    assert_eq!(client.call(&large).status(), Some(status::BAD_ARGUMENT));
    assert_eq!(world.bind().add(1, 2), Ok(3));
}

#[test]
fn a_segment_that_is_given_back_late_takes_no_other_with_it() {
    let _alone = alone();
    let world = World::new();
    let size = u32::try_from(SEGMENT_SIZE_MIN).unwrap();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let line = Line { flags: request::OUT_OF_BAND, ..Line::of(&grant, BYTES).with(&5000u32.to_le_bytes()) };
    let call = |client: &mut Client| match client.call(&line) {
        Outcome::Answer { status: status::OK, words, .. } => words[0],
        other => panic!("{other:?}"),
    };
    let mut last = None;
    for id in 5..8 {
        let segment = client.segment(id, line.astack, size);
        segment.write(0, &[2; 5000]);
        last = Some(segment);
        // Said of those before it, once or more often.
        (4..id).for_each(|id| client.connection.say(&message::segment_dropped(id, line.astack)).unwrap());
        assert_eq!(call(&mut client), 10_000, "{id} is still there");
    }
    // Even in the middle of a call.
    let slow = nap(&grant, 300);
    let _other = client.segment(8, slow.astack, size);
    let _third = client.segment(9, slow.astack, size);
    let sequence = client.publish(&slow);
    assert_eq!(client.answer(slow.astack, sequence, Duration::from_millis(100), None), Outcome::Silence);
    client.connection.say(&message::segment_dropped(8, slow.astack)).unwrap();
    assert!(matches!(client.answer(slow.astack, sequence, SOON, None), Outcome::Answer { status: status::OK, .. }));
    client.connection.say(&message::segment_dropped(7, line.astack)).unwrap();
    // The message is the watcher's, and the call a processor's: one that has begun before ends well.
    let deadline = Instant::now() + SOON;
    while client.call(&line).status() != Some(status::BAD_ARGUMENT) {
        assert!(Instant::now() < deadline, "its own is gone");
    }
    client.connection.say(&message::segment_dropped(7, line.astack)).unwrap();
    assert!(matches!(client.call(&line), Outcome::Answer { .. }), "twice is late, too");
    drop(last);
    client.connection.say(&message::segment_dropped(10, line.astack)).unwrap();
    assert!(client.connection.closes(SOON), "gave back what it was never given");
}

#[test]
fn lengths_beyond_a_segment_are_bad_arguments() {
    let _alone = alone();
    let world = World::new();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let size = u32::try_from(SEGMENT_SIZE_MIN).unwrap();
    let out_of_band =
        |len: u32| Line { flags: request::OUT_OF_BAND, ..Line::of(&grant, BYTES).with(&len.to_le_bytes()) };
    for len in [1, 100, size] {
        assert_eq!(client.call(&out_of_band(len)).status(), Some(status::BAD_ARGUMENT), "{len} bytes, no segment");
    }
    let segment = client.segment(1, out_of_band(0).astack, size);
    segment.write(0, &[2; 5000]);
    for len in [5000, size] {
        let Outcome::Answer { status: status::OK, words, .. } = client.call(&out_of_band(len)) else { panic!("{len}") };
        assert_eq!(words[0], 10_000, "{len} bytes");
    }
    for (len, status) in [
        (size + 1, status::BAD_ARGUMENT),
        (1 << 20, status::BAD_ARGUMENT),
        ((1 << 20) + 1, status::ARGUMENT_TOO_LARGE),
        (u32::MAX, status::ARGUMENT_TOO_LARGE),
    ] {
        let ended = client.call(&out_of_band(len)).status();
        assert!(ended == Some(status) || ended == Some(status::BAD_ARGUMENT), "{len} bytes: {ended:?}");
    }
}

/// Results of a mebibyte on every A-stack of `fill`, each mapped; the numbers of their segments.
fn filled(client: &mut Client, grant: &Grant, id: u32) -> (Vec<(u16, Raw)>, u32) {
    let class = Client::frame(grant, FILL);
    let (mut kept, mut refused) = (Vec::new(), 0);
    for astack in class.first..class.first + class.count {
        let head = [&9u64.to_le_bytes()[..], &(1u32 << 20).to_le_bytes()].concat();
        match client.call(&Line { astack, ..Line::of(grant, FILL).with(&head) }) {
            Outcome::Answer { status: status::OK, tail, .. } => {
                let (_, frame, _) = reply::placed(tail);
                let (fd, size) = client.shown(id + u32::from(astack), frame).unwrap();
                let map = Raw::map(&fd, usize::try_from(size).unwrap(), false).unwrap();
                assert_eq!(map.read((1 << 20) - 8, 8), [9; 8]);
                kept.push((frame, map));
            }
            Outcome::Answer { status: status::TOO_LARGE | status::OVERLOADED, .. } => refused += 1,
            other => panic!("A-stack {astack}: {other:?}"),
        }
    }
    (kept, refused)
}

/// Says of the next segment that is asked back, if there is one soon, that it is unmapped.
fn says_unmapped(client: &Client) -> Option<u16> {
    let Heard::Message(Message::Unmap(serial, _), _) = client.connection.hear(Duration::from_secs(1)) else {
        return None;
    };
    client.connection.say(&message::unmapped(serial)).unwrap();
    Some(serial)
}

#[test]
fn what_a_client_keeps_mapped_is_no_memory_of_the_servers() {
    let _alone = alone();
    // Room for the regions of two clients, and ten segments or so.
    let world = World::playing("serve bytes 12000000");
    let pid = world.server.pid();
    let asker = world.bind();
    let base = asker.tally().unwrap().bytes;
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let paired = asker.tally().unwrap().bytes;
    let (mut kept, mut most) = (Vec::new(), 0);
    for turn in 0..4_u32 {
        let (now, refused) = filled(&mut client, &grant, turn * 256);
        assert_eq!(refused, 0, "turn {turn}: what was given back is still counted");
        kept.extend(now.into_iter().map(|(_, map)| map));
        let bytes = asker.tally().unwrap().bytes;
        assert!(bytes <= 12_000_000, "{bytes} bytes are more than the limit");
        most = most.max(process::regions(pid).iter().map(|region| region.size).sum());
        // They are asked back when they were not used for two seconds; that they are unmapped is a lie.
        let start = Instant::now();
        while asker.tally().unwrap().bytes > paired {
            assert!(start.elapsed() < SOON, "{} of {paired}", asker.tally().unwrap().bytes);
            let _ = says_unmapped(&client);
        }
    }
    println!("{} segments kept, {most} bytes mapped by the server at most", kept.len());
    // Their pages went with what was said: what the liar still has of them reads as zeros.
    assert!(kept.iter().all(|map| map.read((1 << 20) - 8, 8) == [0; 8]), "memory that nobody counts");
    assert_eq!(asker.bytes(&[1; 100_000]), Ok(100_000), "others' arguments are their own affair");
    drop(client);
    let start = Instant::now();
    while asker.tally().unwrap().bytes > base {
        assert!(start.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Names of one liar.
struct Place {
    _outer: tempfile::TempDir,
    dir: PathBuf,
    _liar: Liar,
}

impl Place {
    /// A liar that tells the same lie to whoever connects, another variation each time.
    fn new(lie: &'static Lie<Encounter>, seed: u32) -> Self {
        let (outer, dir) = support::names();
        let count = AtomicU32::new(0);
        let liar = Liar::start(&dir, "target", move |connection| {
            let variation = u64::from(count.fetch_add(1, Ordering::Relaxed)) << 32 | u64::from(seed);
            let _ = (lie.tell)(&mut Encounter::new(connection, Random::new(variation), Duration::from_secs(60)));
        });
        Self { _outer: outer, dir, _liar: liar }
    }

    fn bind(&self) -> TargetClient {
        nearcall::Binder::new("target").dir(&self.dir).bind().unwrap()
    }
}

/// Calls with large arguments, areas and results; how each ended, by name.
fn large_calls(client: &TargetClient, n: u32, lie: &str) -> String {
    let start = Instant::now();
    let (mut seed, mut out) = (u64::from(n), vec![7; 5000]);
    let result = match n % 5 {
        0 => client.bytes(&[1; 9000]).map(drop),
        1 => client.fill(&mut seed, &mut out).map(drop),
        2 => client.name("x").map(drop),
        3 => client.fill(&mut seed, &mut out[..100]).map(drop),
        _ => client.name(&"x".repeat(4000)).map(drop),
    };
    drop(nearcall_core::shm::copy::take_log());
    assert!(start.elapsed() < Duration::from_secs(8), "{lie}: {:?}", start.elapsed());
    match result {
        Ok(()) => "value".to_owned(),
        Err(error) => {
            assert!(seed == u64::from(n) && out.iter().all(|&byte| byte == 7), "{lie}: {error:?} changed its targets");
            let is_named = matches!(
                error,
                CallError::PeerMisbehaved
                    | CallError::NoMemory
                    | CallError::ResultTooLarge
                    | CallError::Timeout { .. }
                    | CallError::PeerDied { .. }
                    | CallError::NoAStack
            );
            assert!(is_named, "{lie}: {error:?}");
            format!("{error:?}")
        }
    }
}

#[test]
fn what_a_server_lies_about_segments_leaves_nothing_in_the_client() {
    let _alone = alone();
    let (rounds, seed) = (support::count("NEARCALL_TEST_ROUNDS", 12), support::count("NEARCALL_TEST_SEED", 7));
    println!("NEARCALL_TEST_SEED={seed}");
    let world = World::new();
    let innocent = world.bind();
    assert_eq!(innocent.bytes(&[1; 9000]), Ok(9000));
    let pid = std::process::id();
    std::thread::sleep(Duration::from_millis(100));
    let base = held(pid);
    for lie in lies::server::SEGMENTS {
        let place = Place::new(lie, seed);
        let mut ends = BTreeMap::<String, u32>::new();
        let start = Instant::now();
        // Those that do not answer cost two seconds each.
        let rounds = if lie.name == "segment words" { rounds / 2 } else { rounds };
        for _ in 0..rounds {
            let client = place.bind();
            for n in 0..5 {
                let end = large_calls(&client, n, lie.name);
                let is_over = end.contains("PeerDied");
                *ends.entry(end).or_default() += 1;
                if is_over {
                    break;
                }
            }
        }
        println!("{} {}: {ends:?} in {:.1?}", lie.row, lie.name, start.elapsed());
        assert!(ends.len() > 1 || !ends.contains_key("value"), "{}: nothing was noticed: {ends:?}", lie.name);
        assert_eq!(innocent.bytes(&[1; 9000]), Ok(9000), "beside {}", lie.name);
        drop(place);
        // The liar is in this process as well, and what it had goes with its connections.
        is_given_back(pid, base, lie.name);
    }
}

#[test]
fn results_in_a_segment_may_have_as_many_bytes_as_the_interface_says() {
    const MAX: u32 = 1 << 20;
    let _alone = alone();
    for (len, is_fine) in [(5, true), (MAX, true), (MAX + 1, false), (4 * MAX, false), (u32::MAX, false)] {
        let (_outer, dir) = support::names();
        let _liar = Liar::start(&dir, "target", move |connection| {
            let mut server = Server::honest(connection);
            let (fd, map) = Memory::shown(4 << 20).make();
            map.write(0, &[b'a'; 1 << 20]);
            while let Some(wish) = server.wish(Duration::from_secs(60)) {
                match wish {
                    Wish::Request(request) => {
                        server.answer(&request, status::OK, reply::places(len, 0, 1), &len.to_le_bytes());
                    }
                    Wish::Question(Message::Show(id, 1), _) => {
                        server.connection.say_with(&message::shown(id, 4 << 20), &[fd.as_fd()]).unwrap();
                    }
                    Wish::Question(question, _) => server.deny(&question),
                }
            }
        });
        let client: TargetClient = nearcall::Binder::new("target").dir(&dir).bind().unwrap();
        for _ in 0..2 {
            match client.name("x") {
                Ok(name) => assert!(is_fine && name.len() == usize::try_from(len).unwrap(), "{len}: {}", name.len()),
                Err(error) => assert!(!is_fine && error == CallError::PeerMisbehaved, "{len} bytes: {error:?}"),
            }
        }
    }
}

#[test]
fn a_segment_that_never_comes_is_a_call_that_was_not_sent() {
    let _alone = alone();
    for offers in [false, true] {
        let (_outer, dir) = support::names();
        let _liar = Liar::start(&dir, "target", move |connection| {
            let mut server = Server::honest(connection);
            while let Some(wish) = server.wish(Duration::from_secs(60)) {
                match wish {
                    Wish::Request(request) => server.answer(&request, status::OK, 0, &[1]),
                    Wish::Question(Message::Segment(id, _, size), _) if offers => {
                        let (fd, _) = Memory::offered(usize::try_from(size).unwrap()).make();
                        server.connection.say_with(&message::segment_offered(id), &[fd.as_fd()]).unwrap();
                    }
                    Wish::Question(..) => {}
                }
            }
        });
        let client: TargetClient = nearcall::Binder::new("target").dir(&dir).bind().unwrap();
        assert_eq!(client.bytes(&[1; 9000]), Err(CallError::Timeout { ran: Ran::No }), "offers: {offers}");
        assert_eq!(client.quick(), Ok(1), "it goes on");
    }
}

#[test]
fn descriptors_that_come_while_one_is_asked_for_are_bounded() {
    let _alone = alone();
    let (_outer, dir) = support::names();
    let sent = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&sent);
    let _liar = Liar::start(&dir, "target", move |connection| {
        let mut server = Server::honest(connection);
        let (fd, _) = Memory::shown(4096).make();
        while let Some(wish) = server.wish(Duration::from_secs(60)) {
            let Wish::Question(Message::Segment(..), _) = wish else { continue };
            let word = message::revoked(900, 1);
            while count.load(Ordering::Relaxed) < 5000 && server.connection.say_with(&word, &[fd.as_fd()]).is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let client: TargetClient = nearcall::Binder::new("target").dir(&dir).bind().unwrap();
    let base = process::descriptors(std::process::id()).len();
    let end = client.bytes(&[1; 9000]);
    let kept = process::descriptors(std::process::id()).len().saturating_sub(base);
    println!("{} descriptors were sent, {kept} are open, and the call ended in {end:?}", sent.load(Ordering::Relaxed));
    assert_eq!(end, Err(CallError::PeerDied { ran: Ran::No }));
    assert!(sent.load(Ordering::Relaxed) < 5000, "the client took all of them");
    assert!(kept < 200, "{kept}");
}

#[nearcall::interface]
trait Growing {
    #[call(concurrency = 5, exhausted = "grow(9)", timeout = "700ms")]
    fn wait(&self) -> u32;
}

#[test]
fn astacks_that_are_not_the_next_are_not_used() {
    let _alone = alone();
    // The A-stacks that the server says are added, and those that are.
    let answers: [(&[u16], &[u16]); 6] = [
        (&[5], &[5]),
        // It may add more than was asked for: only in order, and each once.
        (&[5, 5, 6, 8], &[5, 6]),
        (&[6], &[]),
        (&[0, 4], &[]),
        (&[127, 128, u16::MAX], &[]),
        (&[], &[]),
    ];
    for (added, right) in answers {
        let used = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&used);
        let (_outer, dir) = support::names();
        let _liar = Liar::start(&dir, "growing", move |connection| {
            let mut server = Server::honest(connection);
            let mut asked = 0;
            while let Some(wish) = server.wish(Duration::from_secs(60)) {
                match wish {
                    // Never answered: all A-stacks are in use.
                    Wish::Request(request) => drop(seen.lock().unwrap().insert(request.astack)),
                    Wish::Question(Message::Grow(id, first), _) if asked == 0 => {
                        asked += 1;
                        for &astack in added {
                            let _ = server.connection.say(&message::grown(id, first, astack));
                        }
                        if added.is_empty() {
                            server.deny(&Message::Grow(id, first));
                        }
                    }
                    Wish::Question(question, _) => server.deny(&question),
                }
            }
        });
        let client: GrowingClient = nearcall::Binder::new("growing").dir(&dir).bind().unwrap();
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..7 {
                scope.spawn(|| {
                    let end = client.wait();
                    assert!(matches!(end, Err(CallError::Timeout { .. } | CallError::NoAStack)), "{added:?}: {end:?}");
                });
            }
        });
        assert!(start.elapsed() < SOON, "{added:?}: {:?}", start.elapsed());
        let used = used.lock().unwrap().clone();
        let beyond: Vec<u16> = used.into_iter().filter(|&astack| astack >= 5).collect();
        assert_eq!(beyond, right, "of {added:?}");
    }
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    if let Some((part, dir)) = Peer::part() {
        if let Some(bytes) = part.strip_prefix("serve bytes ") {
            let bytes = bytes.parse().unwrap();
            nearcall::set_limits(nearcall::Limits::default().bytes(bytes, bytes));
        }
        support::serve(&dir);
    }
}
