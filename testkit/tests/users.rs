//! Several users of one server whose clients come and go, so that seats are made, handed over and dropped all the time: no
//! call of anybody may be lost.
//!
//! As in `races.rs`, it takes the feature `no-steps` to see a lost wake; without it the test shows that all calls end.
//!
//! ```console
//! NEARCALL_TEST_SECONDS=60 cargo test --release -p nearcall-testkit --features no-steps --test users -- --nocapture
//! ```
//!
//! Users take root. Without it all are one user, whose seats are dropped only when nobody is there.

mod support;
#[path = "support/work.rs"]
mod work;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nearcall::{BindError, Exporter, Limits};
use nearcall_testkit::autopsy::autopsy;
use nearcall_testkit::board::Board;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::random::Random;
use nearcall_testkit::tasks::{confined, cpus};
use nearcall_testkit::{busy, tasks};

/// Uids that nobody has.
const FIRST_UID: u32 = 61_001;
const USERS: u32 = 4;
const CLIENTS: usize = 7;

/// Without a call for so long: lost. It is far more than a busy machine takes to run everybody.
const LOST: Duration = Duration::from_secs(5);

#[nearcall::interface]
trait Open {
    #[call(timeout = "5s")]
    fn spin(&self, microseconds: u64) -> u64;
    #[call(timeout = "5s")]
    fn sleep(&self, microseconds: u64) -> u64;
    /// Calls taken, processors relieved.
    fn counts(&self) -> [u64; 2];
}

struct Hand;

impl Open for Hand {
    fn spin(&self, microseconds: u64) -> u64 {
        busy::spin(Duration::from_micros(microseconds));
        microseconds
    }
    fn sleep(&self, microseconds: u64) -> u64 {
        std::thread::sleep(Duration::from_micros(microseconds));
        microseconds
    }
    fn counts(&self) -> [u64; 2] {
        let now = nearcall::server_counts();
        [now.calls, now.relieved]
    }
}

fn bind(dir: &Path) -> OpenClient {
    let start = Instant::now();
    loop {
        match nearcall::Binder::new("open").dir(dir).wait(LOST).bind() {
            // A bind has two seconds, which a busy machine may take away.
            Err(BindError::Timeout(_)) if start.elapsed() < 6 * LOST => {}
            bound => return bound.unwrap(),
        }
    }
}

/// A client process for some 100 ms, its calls counted on the board.
fn come_and_go(dir: &Path, board: &Board, slot: usize, seed: u64) {
    let mut random = Random::new(seed);
    let end = Instant::now() + Duration::from_millis(10 + random.below(300));
    let threads = 1 + random.below(3);
    while Instant::now() < end {
        let client = bind(dir);
        let calls = 1 + random.below(200);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (client, seed) = (&client, random.below(u64::MAX));
                scope.spawn(move || call(client, board, slot, calls, Random::new(seed)));
            }
        });
        drop(client);
        // Long enough for the server to have forgotten this client, or not quite.
        std::thread::sleep(Duration::from_micros(random.below(2000)));
    }
}

fn call(client: &OpenClient, board: &Board, slot: usize, calls: u64, mut random: Random) {
    let longest = random.one_of(&[0, 5, 100, 300]);
    let pause = random.one_of(&[0, 60, 250]);
    for _ in 0..calls {
        let time = if longest == 0 { 0 } else { random.below(longest) };
        let answer = if random.below(8) == 0 { client.sleep(time) } else { client.spin(time) };
        assert_eq!(answer, Ok(time));
        // Two threads may count one call as one; what matters is that it changes.
        board.bump(slot);
        if pause > 0 {
            let pause = Duration::from_micros(random.below(pause));
            if random.below(4) == 0 { std::thread::sleep(pause) } else { busy::spin(pause) }
        }
    }
}

/// Whether nobody runs or is about to: on a busy machine a process may be ready for seconds, or take as long to end.
fn is_asleep(pids: [u32; 2]) -> bool {
    (0..20).all(|_| {
        std::thread::sleep(Duration::from_millis(5));
        pids.map(tasks::tasks).iter().flatten().all(|task| task.state == 'S')
    })
}

struct Visitor {
    peer: Peer,
    seen: u64,
    since: Instant,
}

impl Visitor {
    /// It has made this many calls, and is not stuck.
    fn goes_on(&mut self, what: &str, calls: u64, server: u32) {
        if calls != self.seen {
            (self.seen, self.since) = (calls, Instant::now());
        }
        let (late, pids) = (self.since.elapsed(), [self.peer.pid(), server]);
        let is_lost = late > LOST && (is_asleep(pids) || late > 12 * LOST);
        assert!(!is_lost, "{what}: no call for {late:?}\n{}", autopsy(pids[0], pids[1]));
    }
}

fn crowd(what: &str) {
    let (outer, dir) = support::names();
    for path in [outer.path(), &dir] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = dir.with_extension("board");
    let board = Board::open(&path, CLIENTS);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        work::skip("several users", "only root can be others");
    }
    if !cfg!(feature = "no-steps") {
        work::skip("lost wakes", "built without the feature no-steps: a time-out step would mend them");
    }
    let server = Peer::start("serve", &dir);
    let asker = bind(&dir);
    let mut random = Random::new(u64::from(server.pid()));
    let mut visit = |slot: usize| {
        let part = format!("visit {slot} {}", random.below(u64::MAX));
        // Few of the last one: it is gone, with its seats, again and again.
        let uid = FIRST_UID + u32::try_from(random.below(u64::from(USERS))).unwrap();
        let peer = if is_root { Peer::start_as(uid, &part, &dir) } else { Peer::start(&part, &dir) };
        Visitor { peer, seen: 0, since: Instant::now() }
    };
    let end = Instant::now() + Duration::from_secs(support::count("NEARCALL_TEST_SECONDS", 2).into());
    let mut visitors: Vec<_> = (0..CLIENTS).map(|slot| Some(visit(slot))).collect();
    let mut visits = CLIENTS;
    while visitors.iter().any(Option::is_some) {
        for (slot, place) in visitors.iter_mut().enumerate() {
            let Some(visitor) = place else { continue };
            match visitor.peer.ends(Duration::from_millis(1)) {
                Some(ended) => {
                    assert!(ended, "{what}: a visitor failed");
                    *place = (Instant::now() < end).then(|| visit(slot));
                    visits += usize::from(place.is_some());
                }
                None => visitor.goes_on(what, board.get(slot), server.pid()),
            }
        }
    }
    let [calls, relieved] = asker.counts().unwrap();
    println!("{what}: {calls} calls of {visits} visits by {USERS} users, {relieved} relieved");
    assert!(calls > 0 && tasks::tasks(server.pid()).len() < 64, "processors are spares again");
}

#[test]
fn users_that_come_and_go() {
    crowd("all CPUs");
}

#[test]
fn users_that_come_and_go_on_one_cpu() {
    confined(&cpus()[..1], || crowd("one CPU"));
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    work::end_with_the_test();
    let words: Vec<&str> = part.split(' ').collect();
    match words[..] {
        ["serve"] => {
            nearcall::set_limits(Limits::default().connects(100_000, 100_000));
            let export = Exporter::new("open").dir(&dir).mode(0o666).export(OpenServer::new(Hand)).unwrap();
            process::ready();
            std::mem::forget(export);
            process::until_released();
        }
        ["visit", slot, seed] => {
            let board = Board::open(&dir.with_extension("board"), CLIENTS);
            process::ready();
            come_and_go(&dir, &board, slot.parse().unwrap(), seed.parse().unwrap());
            std::process::exit(0);
        }
        _ => panic!("{part}"),
    }
}
