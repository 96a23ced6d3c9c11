//! Either side is killed in the middle of calls that go out of band: what the other side is told, and that nothing of the
//! dead one's memory is left in it.

mod support;

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError, Exporter, Ran};
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::random::Random;

const SOON: Duration = Duration::from_secs(10);

/// One test at a time: what this process holds is counted.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the regions of one pair may come to, in KiB: their pages are touched little by little.
const REGIONS_KIB: u64 = 512;

#[nearcall::interface]
trait Large {
    #[call(max = 2 MiB)]
    fn put(&self, id: u64, data: &[u8]) -> u64;
    #[call(max = 2 MiB)]
    fn get(&self, id: u64, #[out] data: &mut [u8]);
    #[call(max = 2 MiB)]
    fn made(&self, id: u64, len: u32) -> Vec<u8>;
    #[call(max = 2 MiB)]
    fn turn(&self, id: u64, data: &mut [u8]) -> Vec<u8>;
    fn bytes(&self) -> u64;
}

struct Hand;

static STARTED: OnceLock<File> = OnceLock::new();

/// Writes down that a call was entered: what is there after a kill is whole.
fn enter(id: u64) {
    drop(nearcall_core::shm::copy::take_log());
    if let Some(mut file) = STARTED.get() {
        file.write_all(format!("{id}\n").as_bytes()).unwrap();
    }
}

impl Large for Hand {
    fn put(&self, id: u64, data: &[u8]) -> u64 {
        enter(id);
        data.len() as u64
    }
    fn get(&self, id: u64, data: &mut [u8]) {
        enter(id);
        data.fill(3);
    }
    fn made(&self, id: u64, len: u32) -> Vec<u8> {
        enter(id);
        vec![4; usize::try_from(len).unwrap()]
    }
    fn turn(&self, id: u64, data: &mut [u8]) -> Vec<u8> {
        enter(id);
        data.reverse();
        data.to_vec()
    }
    fn bytes(&self) -> u64 {
        nearcall::usage().bytes
    }
}

fn started(dir: &Path) -> HashSet<u64> {
    std::fs::read_to_string(support::started(dir)).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// One call of one kind; `Ok` if its results are right.
fn call(client: &LargeClient, id: u64, size: usize) -> Result<(), CallError<std::convert::Infallible>> {
    let mut data = vec![1; size];
    let result = match id % 4 {
        0 => client.put(id, &data).map(|len| assert_eq!(len, size as u64)),
        1 => client.get(id, &mut data).map(|()| assert!(data.iter().all(|&byte| byte == 3))),
        2 => client.made(id, u32::try_from(size).unwrap()).map(|made| assert_eq!(made, vec![4; size])),
        _ => client.turn(id, &mut data).map(|turned| assert_eq!(turned, data)),
    };
    drop(nearcall_core::shm::copy::take_log());
    if result.is_err() && id % 4 != 1 {
        assert!(data.iter().all(|&byte| byte == 1), "targets are untouched");
    }
    result
}

/// Descriptors, memory files that are mapped, shared memory that was touched.
fn held(pid: u32) -> (usize, usize, u64) {
    (process::descriptors(pid).len(), process::regions(pid).len(), process::shared_kib(pid))
}

/// Waits until a process holds no more than it did.
fn is_given_back(pid: u32, base: (usize, usize, u64), what: &str) {
    let start = Instant::now();
    loop {
        let now = held(pid);
        if now.0 <= base.0 && now.1 <= base.1 && now.2 <= base.2 {
            return;
        }
        assert!(start.elapsed() < SOON, "{what}: {now:?} instead of {base:?}: {:?}", process::descriptors(pid));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_killed_in_large_calls_is_named_and_leaves_nothing() {
    let _alone = alone();
    let rounds = support::count("NEARCALL_TEST_KILLS", 64);
    let (_outer, dir) = support::names();
    let mut random = Random::new(64);
    let next = AtomicU64::new(0);
    let (mut no, mut maybe, mut yes, mut fine) = (0_u32, 0_u32, 0_u32, 0_u64);
    let mut base = None;
    for round in 0..rounds {
        let mut server = Peer::start("serve", &dir);
        let client: LargeClient = Binder::new("large").dir(&dir).wait(SOON).bind().unwrap();
        let size = random.one_of(&[5000, 100_000, 1 << 20, 2 << 20]);
        // Early: segments are being made. Late: they are there.
        let pause = if round % 2 == 0 { random.below(3000) } else { random.below(30_000) };
        let ends = std::thread::scope(|scope| {
            let calls: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let mut count = 0;
                        loop {
                            let id = next.fetch_add(1, Ordering::Relaxed);
                            match call(&client, id, size) {
                                Ok(()) => count += 1,
                                Err(error) => return (id, error, count),
                            }
                        }
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_micros(pause));
            server.kill();
            calls.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(server.ends(SOON), Some(false));
        let entered = started(&dir);
        for (id, error, count) in ends {
            fine += count;
            let CallError::PeerDied { ran } = error else { panic!("round {round}, call {id} of {size}: {error:?}") };
            match (ran, entered.contains(&id)) {
                (Ran::No, false) => no += 1,
                (Ran::Maybe, _) => maybe += 1,
                (Ran::Yes, true) => yes += 1,
                (ran, entered) => panic!("call {id}: the error says {ran:?}, the server's file {entered}"),
            }
        }
        drop(client);
        // The first has started this process's own threads.
        let pid = std::process::id();
        let base = *base.get_or_insert_with(|| {
            is_given_back(pid, (usize::MAX, 0, 0), "the first round");
            std::thread::sleep(Duration::from_millis(100));
            held(pid)
        });
        is_given_back(pid, base, &format!("round {round}"));
    }
    println!("{rounds} kills in large calls, {fine} of which had ended well; ran: no {no}, maybe {maybe}, yes {yes}");
    assert!(fine > 0 && maybe + yes > 0 && no > 0, "kills came too early or too late");
}

#[test]
fn clients_killed_in_large_calls_leave_nothing_in_the_server() {
    let _alone = alone();
    let rounds = support::count("NEARCALL_TEST_KILLS", 64);
    let (_outer, dir) = support::names();
    let server = Peer::start("serve", &dir);
    let pid = server.pid();
    let mut random = Random::new(65);
    let asker: LargeClient = Binder::new("large").dir(&dir).wait(SOON).bind().unwrap();
    let mut one = || {
        let mut client = Peer::start("call", &dir);
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        client.kill();
        drop(client);
    };
    let settled = |base: Option<((usize, usize, u64), u64)>| {
        let start = Instant::now();
        loop {
            let now = (held(pid), asker.bytes().unwrap());
            // Its own pair's regions only.
            let is_alone = now.0.1 == 2;
            if is_alone
                && base
                    .is_none_or(|(base, bytes)| now.0.0 <= base.0 && now.0.2 <= base.2 + REGIONS_KIB && now.1 <= bytes)
            {
                return now;
            }
            assert!(start.elapsed() < SOON, "{base:?} {now:?} {:?}", process::descriptors(pid));
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    (0..8).for_each(|_| one());
    std::thread::sleep(Duration::from_millis(200));
    let base = settled(None);
    let start = Instant::now();
    (0..rounds).for_each(|_| one());
    let after = settled(Some(base));
    println!("{rounds} clients killed in large calls in {:.1?}: {base:?} -> {after:?}", start.elapsed());
    assert!(!started(&dir).is_empty(), "no call was ever entered");
    assert_eq!(call(&asker, 3, 2 << 20), Ok(()));
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    match part.as_str() {
        "serve" => {
            let file = OpenOptions::new().create(true).append(true).open(support::started(&dir)).unwrap();
            STARTED.set(file).unwrap();
            let export = Exporter::new("large").dir(&dir).export(LargeServer::new(Hand)).unwrap();
            process::ready();
            std::mem::forget(export);
            process::until_released();
        }
        "call" => {
            let client: LargeClient = Binder::new("large").dir(&dir).bind().unwrap();
            process::ready();
            std::thread::scope(|scope| {
                for first in 0..3 {
                    let client = &client;
                    scope.spawn(move || {
                        for id in (first..).step_by(3) {
                            let _ = call(
                                client,
                                id,
                                [5000, 100_000, 1 << 20, 2 << 20][usize::try_from(id % 7 % 4).unwrap()],
                            );
                        }
                    });
                }
            });
        }
        other => panic!("{other}"),
    }
}
