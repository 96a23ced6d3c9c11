//! Calls that procedures make: through three processes in a circle, sixteen deep, whose processes are killed at any place of
//! the chain; what a procedure that sleeps in one keeps from others.
//!
//! `NEARCALL_TEST_ROUNDS` says how many kills; `NEARCALL_TEST_CALLS` how many calls where 1 % of them block.

#[path = "support/stage.rs"]
mod stage;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nearcall::{CallError, Ran};
use nearcall_testkit::board::Board;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::tasks;
use stage::{Broken, DEPTHS, NAMES, PARKED, RELEASED, StageClient, What, level};

/// Three processes that call each other in a circle, and this one, which calls the first.
struct Circle {
    _outer: tempfile::TempDir,
    dir: std::path::PathBuf,
    board: Board,
    domains: Vec<Peer>,
    first: nearcall::Rebinding<StageClient>,
}

impl Circle {
    fn new() -> Self {
        let (outer, dir) = support::names();
        let board = stage::board(&dir);
        let domains = NAMES.iter().map(|name| Peer::start(name, &dir)).collect();
        let first = nearcall::Rebinding::new(stage::binder(NAMES[0], &dir));
        Self { _outer: outer, dir, board, domains, first }
    }

    /// The client of the first domain, which is there.
    fn client(&self) -> std::sync::Arc<StageClient> {
        self.first.get().unwrap()
    }

    /// What a visit of so many domains returns: each in order, and each again on the way back.
    fn visited(count: u16) -> String {
        let place = |depth: u16| format!(" {depth}{}", NAMES[usize::from(depth - 1) % NAMES.len()]);
        let there: String = (1..=count).map(place).collect();
        let back: String = (1..=count).rev().map(place).collect();
        format!("{there} |{back}")
    }

    /// A visit, by new bindings where one has ended.
    fn visit(&self, count: u16) -> Result<String, CallError<Broken>> {
        loop {
            let client = self.client();
            match client.visit(u32::from(count) - 1, "") {
                Err(error) if error.needs_rebind() => drop(self.first.renew(&client)),
                // One on the way had to learn that the next had ended; now it has.
                Err(CallError::App(Broken { what: What::Died, .. })) => {}
                other => return other,
            }
        }
    }
}

#[test]
fn calls_return_in_order_from_sixteen_deep_and_the_seventeenth_is_not_made() {
    let circle = Circle::new();
    for _ in 0..3 {
        for count in 1..=16 {
            assert_eq!(circle.visit(count).unwrap(), Circle::visited(count));
        }
        let too_deep = circle.visit(17);
        let Err(CallError::App(broken)) = too_deep else { panic!("{too_deep:?}") };
        assert_eq!(broken, Broken { what: What::TooDeep, depth: 16 }, "by whoever would have made it");
    }
    // Side by side, and each has its own depth.
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let circle = &circle;
            scope.spawn(move || {
                for round in 0..50 {
                    let count = 1 + (thread * 5 + round) % 16;
                    assert_eq!(circle.visit(count).unwrap(), Circle::visited(count));
                }
            });
        }
    });
}

#[test]
fn a_call_in_a_procedure_ends_with_the_time_of_its_caller() {
    if cfg!(feature = "no-steps") {
        return println!("SKIPPED: without steps nobody sleeps for a time");
    }
    let circle = Circle::new();
    let client = circle.client();
    let left = client.hurried().unwrap();
    assert!(left <= stage::HURRY, "the second has {left:?} us");
    let start = Instant::now();
    // The nested call's own time-out is a minute. It gives up a little before its caller, who may just get the answer.
    let ended = client.hurried_in_vain();
    assert!(matches!(ended, Ok(()) | Err(CallError::Timeout { .. })), "{ended:?}");
    let deadline = start + Duration::from_secs(20);
    while circle.board.get(level(1)) == 0 {
        assert!(Instant::now() < deadline, "the procedure still waits");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(circle.board.get(level(1)), What::Timeout as u64, "how the nested call ended");
    // It saw that it was given up.
    while circle.board.get(level(2)) == 0 {
        assert!(Instant::now() < deadline, "the one that nobody waits for still runs");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What a process has: descriptors, regions.
fn holds(pid: u32) -> (usize, usize) {
    (process::descriptors(pid).len(), process::regions(pid).len())
}

/// Kills one process of the circle while as many calls as `length` are under way in each other; returns how long each that
/// could know it took to.
fn kill(circle: &mut Circle, round: u64, length: u16, victim: usize) -> Vec<Duration> {
    let dead = |depth: u16| usize::from(depth - 1) % NAMES.len() == victim;
    let client = circle.client();
    let (pid_of_victim, board) = (circle.domains[victim].pid(), &circle.board);
    let (result, ended, killed) = std::thread::scope(|scope| {
        let call = scope.spawn(move || (client.park(round, u32::from(length) - 1), stage::now()));
        let deadline = Instant::now() + Duration::from_secs(20);
        while board.get(PARKED) != round {
            assert!(Instant::now() < deadline && !call.is_finished(), "{length} calls do not come to be");
            std::thread::sleep(Duration::from_micros(50));
        }
        let killed = stage::now();
        let pid = rustix::process::Pid::from_raw(pid_of_victim.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        // Whoever waits for the dead one, in however many steps, hears of it; the rest goes on.
        let hears = |depth: &u16| !dead(*depth) && (*depth + 1..=length).any(dead);
        let heard = || (1..=length).filter(hears).all(|depth| board.get(level(depth)) >> 8 == round);
        let deadline = Instant::now() + Duration::from_secs(20);
        while !heard() {
            let said: Vec<_> = (1..=length).map(|depth| board.get(level(depth))).collect();
            assert!(Instant::now() < deadline, "{length} deep, {victim} killed, round {round}: {said:x?}");
            std::thread::sleep(Duration::from_micros(50));
        }
        board.set(RELEASED, round);
        let (result, ended) = call.join().unwrap();
        (result, ended, killed)
    });
    let mut delays = vec![Duration::from_nanos(ended.saturating_sub(killed))];
    match result {
        Err(CallError::PeerDied { ran }) => assert!(dead(1) && ran == Ran::Maybe, "{ran:?}"),
        Err(CallError::App(broken)) => {
            let first = (1..=length).find(|&depth| dead(depth)).unwrap();
            assert_eq!(broken, Broken { what: What::Died, depth: first - 1 });
        }
        other => panic!("{length} deep, {victim} killed: {other:?}"),
    }
    for depth in (1..=length).filter(|&depth| !dead(depth)) {
        // Those that nobody waits for end, too.
        let deadline = Instant::now() + Duration::from_secs(20);
        while board.get(level(depth)) >> 8 != round {
            assert!(Instant::now() < deadline, "level {depth} of {length} never ended");
            std::thread::sleep(Duration::from_micros(50));
        }
        let what = board.get(level(depth)) & 0xff;
        let next = (depth + 1..=length).find(|&depth| dead(depth));
        assert_eq!(what, if next.is_some() { What::Died } else { What::Nothing } as u64, "level {depth} of {length}");
        if next.is_some() {
            delays.push(Duration::from_nanos(board.get(level(depth) + 1).saturating_sub(killed)));
        }
    }
    circle.domains[victim] = Peer::start(NAMES[victim], &circle.dir);
    delays
}

#[test]
fn everybody_hears_of_a_death_at_any_place_of_the_chain_and_nothing_is_left() {
    let rounds = u64::from(support::count("NEARCALL_TEST_ROUNDS", 30));
    let mut circle = Circle::new();
    let lengths = (1..=6).chain([15, 16]);
    let places: Vec<(u16, usize)> =
        lengths.flat_map(|length| (0..NAMES.len().min(length.into())).map(move |victim| (length, victim))).collect();
    assert_eq!(circle.visit(6).unwrap(), Circle::visited(6));
    let mut base: Option<Vec<(usize, usize)>> = None;
    let mut best: BTreeMap<(u16, usize), Duration> = BTreeMap::new();
    let mut delays = Vec::new();
    let mut threads = Vec::new();
    for (round, &place) in (1..).zip(places.iter().cycle()) {
        // A machine may stall while everybody is to hear of it; not each time.
        let is_late = best.get(&place).is_some_and(|&best| best > Duration::from_millis(100));
        if round > rounds.max(places.len() as u64) && !is_late {
            if best.values().all(|&best| best <= Duration::from_millis(100)) {
                break;
            }
            continue;
        }
        assert!(round <= 4 * rounds.max(places.len() as u64), "late every time: {best:?}");
        let these = kill(&mut circle, round, place.0, place.1);
        let worst = *these.iter().max().unwrap();
        best.entry(place).and_modify(|best| *best = worst.min(*best)).or_insert(worst);
        delays.extend(these);
        assert_eq!(circle.visit(6).unwrap(), Circle::visited(6), "bound again");
        let now = || circle.domains.iter().map(|domain| holds(domain.pid())).collect::<Vec<_>>();
        let base = base.get_or_insert_with(|| {
            std::thread::sleep(Duration::from_millis(300));
            now()
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        while now() != *base {
            assert!(Instant::now() < deadline, "round {round}: {base:?} {:?}", now());
            std::thread::sleep(Duration::from_millis(2));
        }
        threads.push(circle.domains.iter().map(|domain| tasks::tasks(domain.pid()).len()).max().unwrap());
    }
    delays.sort();
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100];
    let most = threads.iter().max().unwrap();
    println!(
        "{} kills, {} who heard: p50 {:.2?}, p99 {:.2?}, max {:.2?}; at most {most} threads in a process",
        threads.len(),
        delays.len(),
        at(50),
        at(99),
        at(100)
    );
    // Six procedures that sleep, as many that nobody waits for any more, the watcher, the main thread and its harness.
    assert!(*most <= 24, "{threads:?}");
    // No A-stack is missing.
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| assert_eq!(circle.visit(6).unwrap(), Circle::visited(6)));
        }
    });
}

#[test]
fn a_mutex_held_over_a_nested_call_does_not_deadlock() {
    let rounds = support::count("NEARCALL_TEST_ROUNDS", 30);
    let circle = Circle::new();
    let client = circle.client();
    std::thread::scope(|scope| {
        for caller in 0..8_u32 {
            let client = &client;
            scope.spawn(move || {
                for round in 0..rounds {
                    // Some are answered within the spin, others sleep.
                    let pause = (caller + round) % 3 * 400;
                    assert_eq!(client.locked(caller, pause), Ok(caller + pause));
                }
            });
        }
    });
    assert_eq!(client.locked_count(), Ok(8 * rounds));
}

/// One caller's procedure sleeps, or blocks, in one of the ways there are; another's calls go on meanwhile, on another kernel
/// thread. Returns how long each of those took.
fn beside(what: &str, sleep: impl Fn(&StageClient, u64) -> u32 + Sync) -> Vec<Duration> {
    let circle = Circle::new();
    let (client, board) = (circle.client(), &circle.board);
    // The server polls, or knows this caller's pace.
    for _ in 0..2000 {
        client.thread().unwrap();
    }
    let mut times = Vec::new();
    for round in 1..=20_u64 {
        let begin = Instant::now();
        let (slept, seen) = std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| sleep(&client, round));
            while board.get(PARKED) != round {
                assert!(begin.elapsed() < Duration::from_secs(20));
                std::hint::spin_loop();
            }
            let mut seen = BTreeSet::new();
            for _ in 0..20 {
                let start = Instant::now();
                seen.insert(client.thread().unwrap());
                times.push(start.elapsed());
            }
            board.set(RELEASED, round);
            (sleeper.join().unwrap(), seen)
        });
        assert!(!seen.contains(&slept), "{what}: a kernel thread began a call inside another's procedure");
    }
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what}: calls beside it: p50 {:.2?}, p95 {:.2?}, max {:.2?}", at(50), at(95), at(100));
    times
}

#[test]
fn others_are_served_while_a_procedure_waits_for_a_nested_call() {
    beside("nested call", |client, round| client.park_by(round).unwrap());
}

#[test]
fn others_are_served_while_a_procedure_blocks_unannounced() {
    beside("unannounced", |client, round| client.block(round).unwrap());
}

#[test]
fn others_are_served_while_a_procedure_blocks_and_says_so() {
    beside("announced", |client, round| client.block_announced(round).unwrap());
}

#[test]
fn others_are_served_while_a_procedure_blocks_whose_interface_says_so() {
    beside("declared", |client, round| client.block_declared(round).unwrap());
    assert_eq!(nearcall::blocking(|| 5), 5, "outside of procedures it means nothing");
}

#[test]
fn of_calls_of_which_some_block_unannounced_each_runs_once_and_the_next_elsewhere() {
    let calls = u64::from(support::count("NEARCALL_TEST_CALLS", 2000));
    let circle = Circle::new();
    let client = circle.client();
    // Of each caller's calls one in a hundred, not all at the same time.
    let blocks = |id: u64| id / 4 % 100 == id % 4 * 25;
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let client = &client;
            scope.spawn(move || {
                (0..calls / 4).map(|n| n * 4 + caller).for_each(|id| client.note(id, blocks(id)).unwrap())
            });
        }
    });
    let log = std::fs::read_to_string(stage::log(&circle.dir)).unwrap();
    let mut ids = BTreeMap::new();
    // Which call each kernel thread is inside, as the log has it: one line when it begins, one when it ends.
    let mut inside = BTreeMap::<&str, u64>::new();
    let mut beside = 0;
    for line in log.lines() {
        let [what, tid, id] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let id = id.parse().unwrap();
        if what == "begin" {
            *ids.entry(id).or_insert(0) += 1;
            beside += u64::from(inside.values().any(|&other| blocks(other)));
            assert_eq!(inside.insert(tid, id), None, "thread {tid} began call {id} inside another");
        } else {
            assert_eq!(inside.remove(tid), Some(id), "call {id} has moved");
        }
    }
    println!("{calls} calls, {beside} began while one blocked, on {} kernel threads", stage::threads(&log));
    assert_eq!(ids.len() as u64, calls);
    assert!(ids.values().all(|&times| times == 1), "a call ran twice");
    assert!(beside > 0, "nothing was received while a call blocked");
}

#[test]
fn more_procedures_that_sleep_than_a_user_may_have_are_refused_by_name() {
    let circle = Circle::new();
    let client = circle.client();
    let overloaded = std::thread::scope(|scope| {
        let sleepers: Vec<_> = (0..usize::from(DEPTHS)).map(|_| scope.spawn(|| client.park_by(1))).collect();
        let deadline = Instant::now() + Duration::from_secs(20);
        // As soon as so many sleep that calls of this user are refused, they may go on.
        while client.thread() != Err(CallError::Overloaded) {
            assert!(Instant::now() < deadline, "64 procedures sleep, and no call is refused");
        }
        circle.board.set(RELEASED, 1);
        let results: Vec<_> = sleepers.into_iter().map(|sleeper| sleeper.join().unwrap()).collect();
        results.into_iter().filter(|result| *result == Err(CallError::Overloaded)).count()
    });
    println!("{overloaded} of {DEPTHS} were refused");
    assert!(overloaded < usize::from(DEPTHS));
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.thread() == Err(CallError::Overloaded) {
        assert!(Instant::now() < deadline, "nobody sleeps any more, and calls are refused");
    }
    assert_eq!(circle.visit(16).unwrap(), Circle::visited(16));
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    stage::serve(&part, &dir);
}
