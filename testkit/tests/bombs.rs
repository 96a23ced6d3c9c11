//! Values that are too much: nested without end, of items without bytes, of lengths beyond every end; and values that
//! change while they are read. To a server, by a client made by hand; and to a client, in the answers of a server that
//! lies. Either is an error with a name, no memory is taken for what was only announced, and nobody's stack ends.
#![allow(clippy::cast_possible_truncation, clippy::as_conversions, reason = "small numbers")]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nearcall::{CallError, SharedBytes, Wire};
use nearcall_core::shm::copy;
use nearcall_layout::pair::status;
use nearcall_testkit::busy::StopOnDrop;
use nearcall_testkit::client::{Client, Line, Outcome};
use nearcall_testkit::message::Grant;
use nearcall_testkit::peak::{Measuring, peak_of};
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::random::Random;
use nearcall_testkit::server::{FRAME_SIZE, Liar, Server};

#[global_allocator]
static MEASURING: Measuring = Measuring;

#[derive(Debug, Clone, PartialEq, Wire)]
enum Tree {
    Leaf,
    Node(Vec<Self>),
    Boxed(Box<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Wire)]
struct Nothing;

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Value {
    Nothing,
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    Units(Vec<()>),
    Some(Option<Box<Self>>),
}

#[nearcall::interface]
trait Target {
    fn tree(&self, tree: Tree) -> Tree;
    fn units(&self, units: Vec<()>) -> Vec<()>;
    fn nothings(&self, nothings: Vec<Vec<Nothing>>) -> Vec<Nothing>;
    fn wide(&self, wide: Vec<[u128; 4]>, strings: Vec<String>) -> Vec<[u128; 4]>;
    #[serde(return)]
    fn value(&self, #[serde] value: Value, count: &mut u64) -> Value;
    #[serde(return)]
    fn list(&self, #[serde] list: Vec<()>) -> Vec<()>;
    fn slices(&self, wide: &[u128], out: &mut [u64]) -> u64;
    fn out(&self, #[out] wide: &mut [u128]) -> u64;
    fn look(&self, #[in_place] data: &[u8]) -> Vec<u8>;
}

/// In order.
const PROCEDURES: [&str; 9] = ["tree", "units", "nothings", "wide", "value", "list", "slices", "out", "look"];
const OUT: usize = 7;
const LOOK: usize = 8;

struct Hand;

fn forget_copies() {
    // What was copied is not the question here, and the log would grow for ever.
    drop(copy::take_log());
}

impl Target for Hand {
    fn tree(&self, tree: Tree) -> Tree {
        forget_copies();
        tree
    }
    fn units(&self, units: Vec<()>) -> Vec<()> {
        forget_copies();
        units
    }
    fn nothings(&self, nothings: Vec<Vec<Nothing>>) -> Vec<Nothing> {
        forget_copies();
        nothings.concat()
    }
    fn wide(&self, wide: Vec<[u128; 4]>, _: Vec<String>) -> Vec<[u128; 4]> {
        forget_copies();
        wide
    }
    fn value(&self, value: Value, count: &mut u64) -> Value {
        forget_copies();
        *count += 1;
        value
    }
    fn list(&self, list: Vec<()>) -> Vec<()> {
        forget_copies();
        list
    }
    fn slices(&self, wide: &[u128], out: &mut [u64]) -> u64 {
        forget_copies();
        (wide.len() + out.len()) as u64
    }
    fn out(&self, wide: &mut [u128]) -> u64 {
        forget_copies();
        wide.len() as u64
    }
    fn look(&self, data: SharedBytes<'_>) -> Vec<u8> {
        forget_copies();
        // Each byte alone, all at once, and in chunks: three readings, each of one moment or another.
        let mut seen: Vec<u8> = (0..data.len()).map(|at| data.read(at).expect("inside")).collect();
        assert_eq!(data.read(data.len()), None);
        seen.extend(data.to_vec());
        data.chunks(&mut [0; 40], |chunk| seen.extend(chunk));
        seen
    }
}

struct World {
    _outer: tempfile::TempDir,
    dir: PathBuf,
    server: Option<Peer>,
}

impl World {
    fn new(part: Option<&str>) -> Self {
        let (outer, dir) = support::names();
        let server = part.map(|part| Peer::start(part, &dir));
        Self { _outer: outer, dir, server }
    }

    fn bind(&self) -> TargetClient {
        nearcall::Binder::new("bombs").dir(&self.dir).wait(Duration::from_secs(10)).bind().unwrap()
    }
}

/// What one more level, or one more item, looks like to some decoder, again and again; and ends that there are not.
fn bombs(size: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let patterns: [&[u8]; 14] = [
        &[1, 0, 0, 0, 1, 0, 0, 0],
        &[2, 0, 0, 0],
        &[1, 0, 0, 0],
        &[0xff, 0xff, 0xff, 0xff],
        &[0xff, 0xff, 0xff, 0x7f],
        &[0xf0, 0xff, 0xff, 0xff, 0],
        &[0, 0, 0, 0x10],
        &[2, 1],
        &[5, 1],
        &[3, 1, 0],
        &[4, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[0],
        &[1],
    ];
    let long = |pattern: &[u8]| pattern.iter().copied().cycle().take(size).collect::<Vec<u8>>();
    let mut all: Vec<_> = patterns.into_iter().map(long).collect();
    all.extend((0..6).map(|_| (0..size).map(|_| random.word().to_le_bytes()[0] & 7).collect()));
    all
}

/// Calls with `bytes` in the frame and `words` in the head.
fn call(client: &mut Client, grant: &Grant, procedure: usize, words: [u64; 5], bytes: &[u8]) -> Outcome {
    let class = Client::frame(grant, procedure);
    let mut line = Line::of(grant, procedure);
    line.words = words;
    client.own.write(class.frame(class.first), bytes);
    client.call(&line)
}

/// `max` of a parameter, in bytes, unless the interface says another.
const AREA_SIZE_MAX: u32 = 1 << 20;

/// The one segment of that size, and its copy of nothing: areas are where the procedure writes them.
const GROWN_KIB_MAX: u64 = 6 * 1024;

#[test]
fn a_server_is_neither_led_deep_nor_to_allocate() {
    let world = World::new(Some("serve"));
    let server = world.server.as_ref().unwrap().pid();
    let mut random = Random::new(40);
    let mut client = Client::new(&world.dir, "bombs");
    let grant = client.bind(&PROCEDURES);
    assert_eq!(world.bind().units(vec![(); 9]), Ok(vec![(); 9]));
    let frame_size = Client::frame(&grant, 0).frame_size as usize;
    let before = process::resident_peak_kib(server);
    let mut statuses = BTreeMap::<Option<u16>, u32>::new();
    for (procedure, name) in PROCEDURES.iter().enumerate().take(LOOK) {
        for size in [frame_size, frame_size - 1, 1000, 64, 9, 4, 1, 0] {
            for bomb in bombs(size, &mut random) {
                // A size or a count in each half of a word; the second of two beyond the first.
                for second in [size as u64, 0, u64::from(u32::MAX)] {
                    let word = size as u64 | second << 32;
                    let outcome = call(&mut client, &grant, procedure, [word; 5], &bomb);
                    *statuses.entry(outcome.status()).or_default() += 1;
                    let is_named = matches!(
                        outcome.status(),
                        Some(
                            status::OK
                                | status::BAD_ARGUMENT
                                | status::ARGUMENT_TOO_LARGE
                                | status::TOO_LARGE
                                | status::UNRETURNABLE
                        )
                    );
                    assert!(is_named, "{name} of {size}, {second}: {outcome:?}: {bomb:x?}");
                }
            }
        }
    }
    // Counts whose bytes overflow, in 32 bits and in 64.
    for count in [u32::MAX, u32::MAX / 16 + 1, 1 << 28, 1 << 31, AREA_SIZE_MAX / 16 + 1] {
        let word = u64::from(count) << 32 | u64::from(count);
        let outcome = call(&mut client, &grant, OUT, [word; 5], &[]);
        assert_eq!(outcome.status(), Some(status::ARGUMENT_TOO_LARGE), "{count} items to fill: {outcome:?}");
        let outcome = call(&mut client, &grant, OUT - 1, [word; 5], &[]);
        let is_refused = matches!(outcome.status(), Some(status::BAD_ARGUMENT | status::ARGUMENT_TOO_LARGE));
        assert!(is_refused, "{count} items: {outcome:?}");
    }
    // As many as may be asked for lie out of band.
    let word = u64::from(AREA_SIZE_MAX / 16);
    let outcome = call(&mut client, &grant, OUT, [word; 5], &[]);
    let Outcome::Answer { status: status::OK, tail, .. } = outcome else { panic!("{outcome:?}") };
    assert_ne!(nearcall_layout::pair::reply::placed(tail).1, 0, "a segment instead of the frame");
    let grown = process::resident_peak_kib(server) - before;
    println!("by status {statuses:?}; the server's memory has grown by {grown} KiB at most");
    assert!(statuses[&Some(status::BAD_ARGUMENT)] > 1000);
    assert!(grown < GROWN_KIB_MAX, "{grown} KiB");
    assert_eq!(world.bind().tree(Tree::Leaf), Ok(Tree::Leaf), "it serves others");
}

/// Bytes that may be allocated for each byte of an answer, and however short it is: the largest item here has 64 bytes, its
/// smallest form one, a vector that grows has twice the room that it needs beside what it was, and the answer is copied.
const FACTOR: usize = 3 * 64 + 1;
const ALLOWANCE: usize = 16 * 1024;

#[test]
fn a_client_is_neither_led_deep_nor_to_allocate() {
    let rounds = support::count("NEARCALL_TEST_ROUNDS", 6);
    let world = World::new(None);
    let answers = std::sync::Mutex::new((Random::new(41), Vec::<Vec<u8>>::new()));
    let _liar = Liar::start(&world.dir, "bombs", move |connection| {
        Server::honest(connection).serve(|server, request| {
            let mut answers = answers.lock().unwrap();
            let (random, left) = &mut *answers;
            if left.is_empty() {
                let size = random.one_of(&[FRAME_SIZE - 16, 1000, 100, 20, 5, 1]) as usize;
                *left = bombs(size, random);
            }
            let bomb = left.pop().unwrap();
            // In-out values, and the areas of slices, come before; the tail begins where nothing else is.
            server.own.write(Server::half(request), &bomb);
            let size = bomb.len() as u64;
            let word = size | size << 32;
            let head: Vec<u8> = random.one_of(&[[word; 5], [size; 5], [u64::MAX; 5]]).map(u64::to_le_bytes).concat();
            let tail = random.one_of(&[size, size, size, size - 1, u64::from(u32::MAX), u64::MAX]);
            server.answer(request, status::OK, tail, &head);
        });
    });
    let client = world.bind();
    let (mut values, mut misbehaved, mut most) = (0_u32, 0_u32, 0);
    for n in 0..rounds * 400 {
        let mut count = 77;
        let mut out = [5; 3];
        let (result, peak) = peak_of(|| match n % 8 {
            0 => client.tree(Tree::Leaf).map(drop),
            1 => client.units(Vec::new()).map(drop),
            2 => client.nothings(Vec::new()).map(drop),
            3 => client.wide(Vec::new(), Vec::new()).map(drop),
            4 | 5 => client.value(Value::Nothing, &mut count).map(drop),
            6 => client.list(Vec::new()).map(drop),
            _ => client.slices(&[], &mut out).map(drop),
        });
        forget_copies();
        most = most.max(peak);
        assert!(
            peak <= FRAME_SIZE as usize * FACTOR + ALLOWANCE,
            "{peak} bytes for a frame of {FRAME_SIZE}: {result:?}"
        );
        match result {
            Ok(()) => values += 1,
            // `ResultTooLarge`: it named a segment, and said to the question for it that there is no memory.
            Err(CallError::PeerMisbehaved | CallError::ResultTooLarge) => {
                misbehaved += 1;
                assert_eq!((count, out), (77, [5; 3]), "targets are untouched");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    println!("{values} values, {misbehaved} times misbehaved; at most {most} bytes allocated in a call");
    assert!(values > 0 && misbehaved > rounds * 100);
}

#[test]
fn bytes_that_change_while_they_are_read_are_some_of_them() {
    let rounds = support::count("NEARCALL_TEST_CALLS", 4000) / 2;
    let world = World::new(Some("serve"));
    let mut client = Client::new(&world.dir, "bombs");
    let grant = client.bind(&PROCEDURES);
    let class = Client::frame(&grant, LOOK);
    let (frame, own) = (class.frame(class.first), std::sync::Arc::clone(&client.own));
    let (len, stop) = (400_u32, AtomicBool::new(false));
    let mut mixed = 0;
    own.write(frame, &[0x11; 400]);
    std::thread::scope(|scope| {
        let _stop = StopOnDrop(&stop);
        scope.spawn(|| {
            for n in 0_u64.. {
                let word = if n.is_multiple_of(2) { 0x1111_1111_1111_1111 } else { 0x2222_2222_2222_2222 };
                (0..len as usize / 8).for_each(|at| own.store(frame + at * 8, word));
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        for round in 0..rounds {
            let line = Line::of(&grant, LOOK).with(&len.to_le_bytes());
            let Outcome::Answer { status: status::OK, tail, words } = client.call(&line) else {
                panic!("call {round}")
            };
            assert_eq!((tail, words[0] & 0xffff_ffff), (1200, 1200), "three readings of {len} bytes");
            let seen = client.peer.read(frame, 1200);
            let first = seen.iter().filter(|&&byte| byte == 0x11).count();
            assert!(seen.iter().all(|byte| [0x11, 0x22].contains(byte)), "{seen:x?}");
            mixed += u32::from(first > 0 && first < seen.len());
        }
    });
    println!("{rounds} calls, {mixed} of which saw both");
    assert!(mixed > 0, "nothing has changed while it was read: the attack is none");
    // Beyond the frame.
    for len in [class.frame_size + 1, 1 << 20, u32::MAX] {
        let outcome = client.call(&Line::of(&grant, LOOK).with(&len.to_le_bytes()));
        assert_eq!(outcome.status(), Some(status::BAD_ARGUMENT), "{len} bytes");
    }
}

/// Not a test: the server.
#[test]
fn play() {
    if let Some((_, dir)) = Peer::part() {
        let _export = nearcall::Exporter::new("bombs").dir(&dir).export(TargetServer::new(Hand)).unwrap();
        process::ready();
        process::until_released();
    }
}
