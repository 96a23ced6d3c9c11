//! A client that keeps no rules, against a real server: named answers, counted, nothing entered unchecked, and nobody
//! else notices.

mod support;

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nearcall_layout::pair::{RING_COUNT, VERSION, status};
use nearcall_testkit::busy::StopOnDrop;
use nearcall_testkit::client::{Client, Greeted, Line, Outcome};
use nearcall_testkit::lies::client::{Attack, soak};
use nearcall_testkit::lies::{self, Verdict};
use nearcall_testkit::message::{self, Message, Refused};
use nearcall_testkit::packet::{Connection, Heard};
use nearcall_testkit::process;
use nearcall_testkit::random::Random;
use support::{ADD, ARRAY, BYTES, Colour, FILL, FLAG, LETTER, NAME, NAP, PAINT, PROCEDURES, TEXT, TargetClient, World};

const SOON: Duration = Duration::from_secs(2);

/// Not `revoke`, which the client has the right to call as well, and which takes the service from everybody.
fn any_but_revoke(random: &mut Random) -> u16 {
    let any = u16::try_from(random.below(1 << 16)).unwrap();
    if PROCEDURES.get(usize::from(any)) == Some(&"revoke") { u16::MAX } else { any }
}

/// Calls in a thread for as long as `attack` runs; every answer has to be right.
fn beside_an_innocent(world: &World, attack: impl FnOnce()) -> u64 {
    let stop = AtomicBool::new(false);
    let innocent = world.bind();
    std::thread::scope(|scope| {
        let calls = scope.spawn(|| {
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                right_answers(&innocent, calls);
                calls += 1;
            }
            calls
        });
        let guard = StopOnDrop(&stop);
        attack();
        drop(guard);
        calls.join().unwrap()
    })
}

fn right_answers(client: &TargetClient, n: u64) {
    let n = u32::try_from(n).unwrap();
    assert_eq!(client.add(n, 3), Ok(n + 3));
    if n % 16 == 0 {
        assert_eq!(client.name("naïve"), Ok("naïve".to_owned()));
        drop(nearcall_core::shm::copy::take_log());
    }
    // One processor for three processes is too few to keep asking.
    std::thread::sleep(Duration::from_micros(100));
}

#[test]
fn an_honest_line_by_hand_is_answered() {
    let world = World::new();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    for n in 0..1000u32 {
        let line = Line::of(&grant, ADD).with(&[n.to_le_bytes(), 4u32.to_le_bytes()].concat());
        let Outcome::Answer { status: status::OK, words, .. } = client.call(&line) else { panic!("call {n}") };
        assert_eq!(words[0], u64::from(n) + 4);
    }
    let frame = Client::frame(&grant, TEXT);
    client.own.write(frame.frame(frame.first), "naïve".as_bytes());
    let line = Line::of(&grant, TEXT).with(&6u32.to_le_bytes());
    let Outcome::Answer { status: status::OK, words, .. } = client.call(&line) else { panic!("text") };
    assert_eq!(words[0], 6);
}

#[test]
fn every_lie_is_refused_or_survived_beside_an_innocent() {
    let (rounds, seed) = (support::count("NEARCALL_TEST_ROUNDS", 3), support::count("NEARCALL_TEST_SEED", 7));
    println!("NEARCALL_TEST_SEED={seed}");
    let world = World::new();
    let mut random = Random::new(seed.into());
    let mut attack = Attack::new(world.dir.clone(), "target", &[], Random::new(random.word()));
    assert_eq!(attack.targets.len(), PROCEDURES.len(), "not all procedures were found: {:?}", attack.targets);
    // One of them takes all bindings back, the innocent's too, and has done so.
    let asker = world.bind();
    attack.targets.retain(|target| target.is_fine && PROCEDURES[usize::from(target.procedure)] != "revoke");
    let mut failed = Vec::new();
    let innocent = beside_an_innocent(&world, || {
        for lie in lies::client::all() {
            let start = Instant::now();
            let (seen, verdict) = lies::tell(lie, &mut attack, rounds, || {
                right_answers(&world.bind(), 16);
                Ok(())
            });
            println!("{:12} {:12} {verdict} ({seen}) in {:.1?}", lie.row, lie.name, start.elapsed());
            if matches!(verdict, Verdict::Failed(_)) {
                failed.push(lie.name);
            }
        }
        let seen = soak(&attack, &mut random, 3, 4 * rounds).unwrap();
        println!("all at once: {seen}");
    });
    let tally = asker.tally().unwrap();
    println!("{} counted by the export, {innocent} innocent calls beside", tally.refused);
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(tally.unchecked, 0, "entered with something that is no value");
    assert!(tally.refused > 0 && innocent > 0);
    assert_eq!(tally.entered[NAP], NAP_PROBES, "only the probes");
}

/// How often an export is asked for the procedure that sleeps, before a liar knows that it does: to see whether it answers at
/// once, with zeros and with ones.
const NAP_PROBES: u64 = 2;

#[test]
fn astacks_that_are_not_the_procedures_end_the_pair() {
    let world = World::new();
    let calls = beside_an_innocent(&world, || {
        let honest = Client::new(&world.dir, "target").bind(&PROCEDURES);
        let (small, large) = (Client::frame(&honest, ADD), Client::frame(&honest, TEXT));
        assert_ne!(small, large);
        for astack in [large.first, small.first + small.count, 127, 128, u16::MAX] {
            if (small.first..small.first + small.count).contains(&astack) {
                continue;
            }
            let mut client = Client::new(&world.dir, "target");
            let grant = client.bind(&PROCEDURES);
            let line = Line { astack, ..Line::of(&grant, ADD) };
            assert_eq!(client.call(&line), Outcome::Closed, "A-stack {astack}");
        }
        // An A-stack whose procedure still runs.
        let mut client = Client::new(&world.dir, "target");
        let grant = client.bind(&PROCEDURES);
        let nap = Line::of(&grant, NAP).with(&[&0u64.to_le_bytes()[..], &300u32.to_le_bytes()].concat());
        let sequence = client.publish(&nap);
        assert_eq!(client.answer(nap.astack, sequence, Duration::from_millis(50), None), Outcome::Silence);
        assert_eq!(client.call(&nap), Outcome::Closed);
    });
    assert!(calls > 0);
    assert_eq!(world.bind().tally().unwrap().unchecked, 0);
}

#[test]
fn what_an_ended_pair_did_stays_counted() {
    let world = World::new();
    let client = world.bind();
    let before = client.tally().unwrap().refused;
    let mut hostile = Client::new(&world.dir, "target");
    let grant = hostile.bind(&PROCEDURES);
    assert_eq!(hostile.call(&Line { astack: 128, ..Line::of(&grant, ADD) }), Outcome::Closed);
    drop(hostile);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(client.tally().unwrap().refused, before + 1);
}

/// Requests that carry something illegal: what it is, the line, what lies in the frame.
fn illegal(grant: &message::Grant) -> Vec<(String, Line, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |what: String, procedure: usize, head: &[u8], frame: &[u8]| {
        all.push((what, Line::of(grant, procedure).with(head), frame.to_vec()));
    };
    for flag in [2u8, 3, 128, 255] {
        add(format!("bool {flag}"), FLAG, &[flag], &[]);
    }
    for letter in [0xd800u32, 0xdfff, 0x0011_0000, u32::MAX] {
        add(format!("char {letter:#x}"), LETTER, &letter.to_le_bytes(), &[]);
    }
    for colour in [0u8, 3, 6, 8, 255] {
        add(format!("enum {colour}"), PAINT, &[colour], &[]);
    }
    let bad: [&[u8]; 6] = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x80b", b"\xe2\x82"];
    for text in bad {
        for procedure in [TEXT, NAME] {
            add(format!("text {text:x?}"), procedure, &u32::try_from(text.len()).unwrap().to_le_bytes(), text);
        }
    }
    for len in [1537u32, 4096, 1 << 18, u32::MAX - 1, u32::MAX] {
        for procedure in [TEXT, BYTES] {
            add(format!("{len} bytes"), procedure, &len.to_le_bytes(), &[]);
        }
    }
    for at in 0..4 {
        let mut flags = [0u8; 4];
        flags[at] = 2;
        add(format!("flags {flags:?}"), ARRAY, &[], &flags);
    }
    all
}

#[test]
fn illegal_values_are_bad_arguments_and_never_enter() {
    let world = World::new();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let asker = world.bind();
    let before = asker.tally().unwrap();
    let attacks = illegal(&grant);
    beside_an_innocent(&world, || {
        for (what, line, bytes) in &attacks {
            let frame = nearcall_layout::pair::AstackClass::frame;
            let class =
                grant.classes.iter().find(|class| (class.first..class.first + class.count).contains(&line.astack));
            client.own.write(frame(class.unwrap(), line.astack), bytes);
            assert_eq!(client.call(line).status(), Some(status::BAD_ARGUMENT), "{what}");
        }
        for capacity in [(1 << 20) + 1, 1 << 30, u32::MAX] {
            let line = Line::of(&grant, FILL).with(&[&7u64.to_le_bytes()[..], &capacity.to_le_bytes()].concat());
            assert_eq!(client.call(&line).status(), Some(status::ARGUMENT_TOO_LARGE), "capacity {capacity}");
        }
    });
    let after = asker.tally().unwrap();
    for procedure in [FLAG, LETTER, PAINT, TEXT, BYTES, ARRAY, FILL] {
        assert_eq!(after.entered[procedure], before.entered[procedure], "{}", PROCEDURES[procedure]);
    }
    assert_eq!(after.unchecked, 0);
    println!("{} illegal values, none entered, counted {}", attacks.len() + 3, after.refused - before.refused);
}

#[test]
fn illegal_values_are_counted() {
    let world = World::new();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let asker = world.bind();
    let before = asker.tally().unwrap().refused;
    for flag in 2..12 {
        assert_eq!(client.call(&Line::of(&grant, FLAG).with(&[flag])).status(), Some(status::BAD_ARGUMENT));
    }
    assert_eq!(asker.tally().unwrap().refused, before + 10);
}

#[test]
fn replays_are_not_calls() {
    let world = World::new();
    let mut client = Client::new(&world.dir, "target");
    let grant = client.bind(&PROCEDURES);
    let asker = world.bind();
    let line = Line::of(&grant, FLAG).with(&[1]);
    let first = client.next;
    for _ in 0..RING_COUNT + 7 {
        assert_eq!(client.call(&line).status(), Some(status::OK));
    }
    let before = asker.tally().unwrap();
    // Every sequence number but the next, in every place.
    for back in 1..=2 * u32::try_from(RING_COUNT).unwrap() {
        client.publish_as(&line, client.next.wrapping_sub(back));
        client.publish_as(&line, client.next.wrapping_add(back));
        client.ring();
    }
    client.publish_as(&line, first);
    client.publish_as(&line, 0);
    std::thread::sleep(Duration::from_millis(50));
    let now = asker.tally().unwrap();
    // A line that was written ahead becomes the next call when its turn comes, once: that is publishing, not replaying.
    let ahead = now.entered[FLAG] - before.entered[FLAG];
    assert_eq!(ahead, 0, "old or early sequence numbers were called");
    assert_eq!(client.call(&line).status(), Some(status::OK));
    assert_eq!(now.unchecked, 0);
}

#[test]
fn random_bytes_everywhere_during_many_calls() {
    let calls = support::count("NEARCALL_TEST_CALLS", 50_000);
    let world = World::new();
    let asker = world.bind();
    let base = process::resident_kib(world.server.pid());
    let start = Instant::now();
    let mut statuses = [0u64; 16];
    let (mut closed, mut lost) = (0u64, 0u64);
    let innocent = beside_an_innocent(&world, || {
        let mut random = Random::new(4711);
        let mut client = Client::new(&world.dir, "target");
        let mut grant = client.bind(&PROCEDURES);
        for _ in 0..calls {
            let procedure = random.one_of(&[ADD, FLAG, LETTER, PAINT, TEXT, BYTES, ARRAY, FILL, NAME]);
            let mut line = Line::of(&grant, procedure);
            for word in &mut line.words {
                *word = match random.below(3) {
                    0 => random.below(8),
                    1 => random.below(1 << 12) | random.below(1 << 12) << 32,
                    _ => random.word(),
                };
            }
            match random.below(64) {
                0 => line.binding = u16::try_from(random.below(1 << 16)).unwrap(),
                1 => line.procedure = any_but_revoke(&mut random),
                2 => line.nonce ^= 1,
                3 => line.generation = line.generation.wrapping_add(1),
                4 if random.below(16) == 0 => line.astack = u16::try_from(random.below(1 << 16)).unwrap(),
                _ => {}
            }
            let sequence = client.publish(&line);
            let mut outcome = client.answer(line.astack, sequence, Duration::from_millis(20), Some((&mut random, 8)));
            if outcome == Outcome::Silence {
                // The scribbling has hit the very line before it was read. Written again it is either new to the server,
                // or was called with another A-stack and is old; the next line is answered in both cases. On an A-stack
                // of its own: another processor may still be about to answer the first.
                lost += 1;
                client.publish_as(&line, sequence);
                let mut probe = Line::of(&grant, FLAG).with(&[1]);
                probe.astack += 4;
                let sequence = client.publish(&probe);
                outcome = client.answer(probe.astack, sequence, Duration::from_secs(10), None);
            }
            match outcome {
                Outcome::Answer { status, .. } => statuses[usize::from(status)] += 1,
                Outcome::Closed => {
                    closed += 1;
                    client = Client::new(&world.dir, "target");
                    grant = client.bind(&PROCEDURES);
                }
                Outcome::Silence => panic!("the server does not answer any more"),
            }
        }
    });
    let tally = asker.tally().unwrap();
    println!(
        "{calls} calls with random bytes in {:.1?}: by status {statuses:?}, pairs ended {closed}, lines lost {lost}; \
         counted {}; innocent calls beside {innocent}; server {base} -> {} KiB",
        start.elapsed(),
        tally.refused,
        process::resident_kib(world.server.pid()),
    );
    assert_eq!(tally.unchecked, 0, "{tally:?}");
    assert!(innocent > 100, "{innocent}");
    assert!(statuses[usize::from(status::OK)] > 0 && statuses[usize::from(status::BAD_ARGUMENT)] > 0, "{statuses:?}");
    let refusals = [status::REVOKED, status::NO_PROCEDURE, status::BAD_ARGUMENT].map(|by| statuses[usize::from(by)]);
    assert!(tally.refused >= refusals.iter().sum::<u64>() + closed, "{} of {refusals:?} and {closed}", tally.refused);
    assert_eq!(statuses[10..], [0; 6], "statuses without a name");
    assert_eq!(statuses[usize::from(status::PANICKED)], 0);
}

#[test]
fn a_token_is_good_while_its_connection_is_open() {
    let world = World::new();
    let client = Client::new(&world.dir, "target");
    let other = Greeted::new(&world.dir, "second");
    // From another connection of the same process: that is how one pair carries two interfaces.
    client.connection.say(&message::bind(9, other.token, &[])).unwrap();
    assert!(matches!(client.connection.must_hear().0, Message::Bound(_)));
    let token = other.token;
    drop(other);
    std::thread::sleep(Duration::from_millis(50));
    client.connection.say(&message::bind(9, token, &[])).unwrap();
    assert_eq!(client.connection.must_hear().0, Message::Refused(9, Refused::Denied), "its connection is closed");
}

#[test]
fn descriptors_nobody_asked_for_do_not_stay() {
    let world = World::new();
    drop(world.bind());
    std::thread::sleep(Duration::from_millis(50));
    let base = process::descriptors(world.server.pid()).len();
    let file = tempfile::tempfile().unwrap();
    for fds in [1, 2, 3, 40] {
        let connection = Connection::connect(&world.dir, "target").unwrap();
        let fds = vec![file.as_fd(); fds];
        // Where the kernel refuses descriptors on request, this fails; elsewhere the server closes them.
        let refused = connection.say_with(&message::hello(VERSION, [1; 16]), &fds).is_err();
        if !refused {
            let _ = connection.hear(Duration::from_millis(200));
        }
        println!("{} descriptors: {}", fds.len(), if refused { "refused by the kernel" } else { "closed" });
    }
    let start = Instant::now();
    while process::descriptors(world.server.pid()).len() != base {
        assert!(start.elapsed() < SOON, "{:?}", process::descriptors(world.server.pid()));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn half_open_connections_end_while_others_bind() {
    let world = World::new();
    let half_open: Vec<_> = (0..50)
        .map(|i| {
            let connection = Connection::connect(&world.dir, "target").unwrap();
            if i % 3 > 0 {
                connection.say(&message::hello(VERSION, [1; 16])).unwrap();
            }
            if i % 3 > 1 {
                connection.say(message::PAIR).unwrap();
            }
            connection
        })
        .collect();
    let start = Instant::now();
    let mut binds = 0;
    while start.elapsed() < Duration::from_millis(700) {
        let bind = Instant::now();
        let client = world.bind();
        assert_eq!(client.add(1, 2), Ok(3));
        assert!(bind.elapsed() < Duration::from_millis(500), "{:?}", bind.elapsed());
        binds += 1;
    }
    assert!(half_open.iter().all(|connection| !matches!(connection.hear(Duration::ZERO), Heard::Closed)));
    for connection in &half_open {
        assert!(connection.closes(Duration::from_millis(2000).saturating_sub(start.elapsed())), "still open after 2 s");
    }
    println!("{binds} binds beside 50 half-open connections");
    assert!(binds > 5);
}

#[test]
fn a_flood_of_rings_does_not_keep_others_out() {
    let world = World::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood = StopOnDrop(&stop);
        for _ in 0..2 {
            scope.spawn(|| {
                let client = Client::new(&world.dir, "target");
                while !stop.load(Ordering::Relaxed) {
                    let _ = client.connection.say(message::RING);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(100));
        for _ in 0..5 {
            let start = Instant::now();
            let client = world.bind();
            assert_eq!(client.add(1, 2), Ok(3));
            println!("bound beside the flood in {:?}", start.elapsed());
            assert!(start.elapsed() < Duration::from_secs(1));
        }
        drop(flood);
    });
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    if let Some((part, dir)) = process::Peer::part() {
        match part.as_str() {
            "serve" => support::serve(&dir),
            other => panic!("{other}"),
        }
    }
    let _ = Colour::Red;
}
