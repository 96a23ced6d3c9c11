//! Either side dies at any moment: what the other side is told, how soon, and what is left.

mod support;

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError, Exporter, Ran};
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::random::Random;
use support::{Second, SecondClient, SecondServer, TargetClient, World};

#[test]
fn five_calls_in_flight_end_by_name_when_the_server_is_killed() {
    let rounds = support::count("NEARCALL_TEST_KILLS", 20);
    let mut random = Random::new(5);
    let mut world = World::new();
    let mut delays = Vec::new();
    let (mut no, mut maybe, mut yes, mut stamped_only) = (0, 0, 0, 0);
    let mut next = 0u64;
    for round in 0..rounds {
        let client = world.bind();
        assert_eq!(client.add(round, 1), Ok(round + 1));
        let ids: Vec<u64> = (next..next + 5).collect();
        next += 5;
        // Late: all were started. Early: some were not.
        let pause = if round % 2 == 0 { 60_000 } else { random.below(3000) };
        let (results, killed) = std::thread::scope(|scope| {
            let calls: Vec<_> = ids
                .iter()
                .map(|&id| {
                    let client = &client;
                    scope.spawn(move || (id, client.nap(id, 60_000), Instant::now()))
                })
                .collect();
            std::thread::sleep(Duration::from_micros(pause));
            let killed = Instant::now();
            world.server.kill();
            (calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>(), killed)
        });
        assert_eq!(world.server.ends(Duration::from_secs(5)), Some(false));
        let started = started(&world.dir);
        for (id, result, at) in results {
            let Err(CallError::PeerDied { ran }) = result else { panic!("call {id}: {result:?}") };
            delays.push(at.saturating_duration_since(killed));
            match (ran, started.contains(&id)) {
                (Ran::No, false) => no += 1,
                (Ran::Maybe, true) => maybe += 1,
                (Ran::Yes, true) => yes += 1,
                // Killed between the stamp and the first line of the procedure.
                (Ran::Maybe, false) => stamped_only += 1,
                (ran, started) => panic!("call {id}: the error says {ran:?}, the server's file {started}"),
            }
        }
        assert_eq!(client.add(1, 1), Err(CallError::PeerDied { ran: Ran::No }));
        world.server = Peer::start("serve", &world.dir);
        let again = world.bind();
        assert_eq!(again.add(1, 1), Ok(2), "bound again");
    }
    delays.sort();
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100];
    println!(
        "{rounds} kills with 5 calls in flight: seen after p50 {:.2?}, p99 {:.2?}, max {:.2?}; ran: no {no}, maybe {maybe}, \
         yes {yes}, stamped and not entered {stamped_only}",
        at(50),
        at(99),
        at(100)
    );
    // The machine may stand still during one kill in ten.
    assert!(at(90) <= Duration::from_millis(100) && at(100) <= Duration::from_secs(1), "{:?} {:?}", at(90), at(100));
    assert_eq!(yes, 0, "nobody wakes up from these naps");
    assert!(maybe >= 5 * rounds / 2 && stamped_only <= maybe / 10);
}

fn started(dir: &Path) -> HashSet<u64> {
    std::fs::read_to_string(support::started(dir)).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// Descriptors, regions, memory.
fn holds(pid: u32) -> (usize, usize, u64) {
    (process::descriptors(pid).len(), process::regions(pid).len(), process::resident_kib(pid))
}

#[test]
fn killed_clients_leave_nothing_in_the_server() {
    let clients = support::count("NEARCALL_TEST_CLIENTS", 1000);
    let world = World::new();
    let pid = world.server.pid();
    let mut random = Random::new(9);
    let start = Instant::now();
    let mut one = || {
        let mut client = Peer::start("call", &world.dir);
        std::thread::sleep(Duration::from_micros(random.below(4000)));
        client.kill();
        drop(client);
    };
    (0..20).for_each(|_| one());
    let settled = |base: Option<(usize, usize, u64)>| {
        let start = Instant::now();
        loop {
            let now = holds(pid);
            if now.1 == 0 && base.is_none_or(|base| base.0 == now.0) {
                return now;
            }
            assert!(start.elapsed() < Duration::from_secs(5), "{base:?} {now:?} {:?}", process::descriptors(pid));
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    std::thread::sleep(Duration::from_millis(200));
    let base = settled(None);
    (0..clients).for_each(|_| one());
    let after = settled(Some(base));
    println!(
        "{clients} clients killed in {:.1?}: descriptors {} -> {}, regions {} -> {}, memory {} -> {} KiB",
        start.elapsed(),
        base.0,
        after.0,
        base.1,
        after.1,
        base.2,
        after.2
    );
    // Processors and the allocator take some; beyond that a few hundred bytes for each that died would be found.
    assert!(after.2 < base.2 + 1024 + u64::from(clients) / 4, "{} -> {} KiB", base.2, after.2);
    assert_eq!(world.bind().add(1, 2), Ok(3));
}

#[test]
fn after_the_end_of_everybody_a_dead_socket_and_a_lock_file_are_left() {
    let ours = |dir: &str| {
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("nearcall")).collect::<HashSet<_>>()
    };
    let before = ours("/dev/shm");
    let mut world = World::new();
    let mut client = Peer::start("call", &world.dir);
    std::thread::sleep(Duration::from_millis(20));
    client.kill();
    world.server.kill();
    assert_eq!(world.server.ends(Duration::from_secs(5)), Some(false));
    assert_eq!(client.ends(Duration::from_secs(5)), Some(false));
    let mut left: Vec<_> =
        std::fs::read_dir(&world.dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, [".second.lock", ".target.lock", "second", "target"], "a socket and a lock file for each name");
    assert_eq!(ours("/dev/shm"), before);
    world.server = Peer::start("serve", &world.dir);
    assert_eq!(world.bind().add(1, 2), Ok(3), "no clean-up was needed");
}

#[test]
fn a_forked_child_is_told_so_and_its_parent_goes_on() {
    let world = World::new();
    let mut parent = Peer::start("fork", &world.dir);
    assert_eq!(parent.ends(Duration::from_secs(20)), Some(true));
}

fn fork_and_go_on(dir: &Path) {
    let mut client = Some(support::bind(dir));
    assert_eq!(client.as_ref().unwrap().add(1, 2), Ok(3));
    for round in 0..5 {
        let child = || {
            // No assertions: a panic would unwind into the parent's frames.
            let Some(client) = client.take() else { return 10 };
            if client.add(1, 2) != Err(CallError::Forked) || client.name("x") != Err(CallError::Forked) {
                return 11;
            }
            if client.nap(1, 1).is_ok() || Binder::new("target").dir(dir).bind::<TargetClient>().is_ok() {
                return 12;
            }
            if !process::regions(std::process::id()).is_empty() {
                return 13;
            }
            drop(client);
            42
        };
        // SAFETY: this thread is the only one here that uses more than the allocator: the watcher sleeps.
        let status = unsafe { process::in_forked_child(child) };
        assert_eq!(status, Some(42), "round {round}");
        let client = client.as_ref().unwrap();
        assert_eq!(client.add(round, 2), Ok(round + 2), "the parent goes on");
        assert_eq!(client.name("x"), Ok("x".to_owned()));
    }
}

#[test]
fn forked_children_take_part_where_their_parent_lets_them() {
    let world = World::new();
    let mut parent = Peer::start("fork on", &world.dir);
    assert_eq!(parent.ends(Duration::from_secs(60)), Some(true));
}

/// Forks while other kernel threads call, small and out of band, so that any lock of the library may be held. Each child is a client
/// and a server of its own, and its child again.
fn fork_on(dir: &Path) {
    let client = support::bind(dir);
    nearcall::let_children_take_part().unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let data = vec![1; 200_000];
                while !over.load(Ordering::Relaxed) {
                    assert_eq!((client.add(1, 2), client.bytes(&data)), (Ok(3), Ok(200_000)));
                    let another = support::bind(dir);
                    assert_eq!(another.name("x"), Ok("x".to_owned()));
                }
            });
        }
        let rounds = 0..support::count("NEARCALL_TEST_FORKS", 20);
        let ended = rounds.map(|round| {
            let mut kept = Some(support::bind(dir));
            // SAFETY: the other kernel threads use the allocator and this library, which both see to their locks.
            let status = unsafe { process::in_forked_child(|| child(dir, kept.take(), round, 0)) };
            (status, client.add(round, 2) == Ok(round + 2), round)
        });
        let failed: Vec<_> = ended.filter(|(status, goes_on, _)| (*status, *goes_on) != (Some(42), true)).collect();
        over.store(true, Ordering::Relaxed);
        assert_eq!(failed, [], "status of the child, and whether its parent went on, by round");
    });
}

/// No assertions: a panic would unwind into the parent's frames.
fn child(dir: &Path, theirs: Option<TargetClient>, round: u32, depth: u32) -> i32 {
    let Some(theirs) = theirs else { return 10 };
    let binder = |name: &str| Binder::new(name).dir(dir).wait(Duration::from_secs(5));
    let Ok(own) = binder("target").bind::<TargetClient>() else { return 11 };
    if theirs.add(1, 2) != Err(CallError::Forked) {
        return 12;
    }
    // The parent's socket and memory are not ended by it.
    drop(theirs);
    let data = vec![1; 100_000];
    for n in 0..20 {
        if own.add(n, 1) != Ok(n + 1) || own.bytes(&data) != Ok(100_000) {
            return 13;
        }
    }
    let name = format!("child-{round}-{depth}");
    let Ok(export) = Exporter::new(&name).dir(dir).export(SecondServer::new(Doubles)) else { return 14 };
    let Ok(second) = binder(&name).bind::<SecondClient>() else { return 15 };
    // By its own processors.
    let doubled = second.twice(4);
    if doubled != Ok(8) {
        eprintln!("{name}: {doubled:?}");
        return 16;
    }
    if depth == 0 {
        let mut own = Some(own);
        // SAFETY: as for this child.
        match unsafe { process::in_forked_child(|| child(dir, own.take(), round, 1)) } {
            Some(42) => {}
            Some(other) => return 20 + other,
            None => return 17,
        }
    }
    drop(export);
    42
}

struct Doubles;

impl Second for Doubles {
    fn twice(&self, a: u32) -> u32 {
        a * 2
    }
}

#[test]
fn exec_takes_no_descriptor_along() {
    let world = World::new();
    let client = Peer::start("hold", &world.dir);
    // What whoever started the tests left open is not ours; every process here has it.
    let inherited = process::descriptors(std::process::id());
    for pid in [world.server.pid(), client.pid()] {
        let stay: Vec<_> = process::descriptors(pid)
            .into_iter()
            .filter(|descriptor| descriptor.2 && descriptor.0 > 2 && !inherited.contains(descriptor))
            .collect();
        assert_eq!(stay, [], "of process {pid}");
    }
}

#[test]
fn two_interfaces_of_one_process_share_one_pair_of_regions_that_nobody_else_can_map() {
    let world = World::new();
    std::thread::sleep(Duration::from_millis(50));
    let alone = process::descriptors(world.server.pid()).len();
    let one = Peer::start("hold one", &world.dir);
    let with_one = settle(world.server.pid(), 2);
    drop(one);
    settle(world.server.pid(), 0);
    let client = Peer::start("hold", &world.dir);
    let with_two = settle(world.server.pid(), 2);
    assert_eq!(with_one, with_two, "descriptors do not grow with interfaces");
    let (ours, theirs) = (process::regions(client.pid()), process::regions(world.server.pid()));
    println!("client {ours:?}\nserver {theirs:?}\nthe server's descriptors: {alone}, with the pair {with_two}");
    let access = |regions: &[process::Mapped]| regions.iter().map(|r| r.access.clone()).collect::<Vec<_>>();
    assert_eq!(access(&ours), ["r--s", "rw-s"]);
    assert_eq!(access(&theirs), ["r--s", "rw-s"]);
    assert_eq!((ours[0].inode, ours[1].inode), (theirs[1].inode, theirs[0].inode), "each writes what the other reads");
    for pid in [client.pid(), world.server.pid()] {
        let memory: Vec<_> =
            process::descriptors(pid).into_iter().filter(|(_, what, _)| what.contains("memfd")).collect();
        assert_eq!(memory, [], "a descriptor of a region could be passed on");
    }
}

/// Waits until a process has so many regions; returns how many descriptors it has then.
fn settle(pid: u32, regions: usize) -> usize {
    let start = Instant::now();
    while process::regions(pid).len() != regions {
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", process::regions(pid));
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(20));
    process::descriptors(pid).len()
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    match part.as_str() {
        "serve" => support::serve(&dir),
        // Binds and calls until it is killed. It is ready before it binds, so that the kill can come at any moment.
        "call" => {
            process::ready();
            loop {
                let Ok(client) = Binder::new("target").dir(&dir).bind::<TargetClient>() else { continue };
                for n in 0..500 {
                    let _ = (client.add(n, 1), client.name("naïve"), client.bytes(&[1; 1000]));
                }
            }
        }
        "fork" => {
            process::ready();
            fork_and_go_on(&dir);
        }
        "fork on" => {
            process::ready();
            fork_on(&dir);
        }
        "hold" => {
            let first = support::bind(&dir);
            let second: SecondClient = Binder::new("second").dir(&dir).bind().unwrap();
            assert_eq!((first.add(1, 2), second.twice(4)), (Ok(3), Ok(8)));
            process::ready();
            process::until_released();
        }
        "hold one" => {
            let first = support::bind(&dir);
            assert_eq!(first.add(1, 2), Ok(3));
            process::ready();
            process::until_released();
        }
        other => panic!("{other}"),
    }
}
