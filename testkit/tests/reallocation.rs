//! Who has which processor: a client's goes to a server when no thread of the client can run, serves all that the client waits
//! for, and comes back (URPC 1991, section 3.3); when asked, it goes at once; and a server that keeps one for ever has the
//! client's thread, but neither its processor nor its other calls.
//!
//! Client and server are processes that are confined to one CPU, so whoever runs there was given it. `--nocapture` shows the
//! figures. What a busy machine can upset is asked for in most cases only.

#![allow(missing_docs, reason = "an interface of a test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError, Client, ClientCounts, Ran, Transfer, thread};
use nearcall_testkit::board::Board;
use nearcall_testkit::busy;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::tasks::{self, confined, cpus};

/// Words of the board: turns of whoever else could run in the client; which calls may return; the last greedy procedure that was
/// entered; the CPUs that three of them are on, plus one, and which of these may return.
const TURNS: usize = 0;
const RELEASED: usize = 1;
const ENTERED: usize = 2;
const PLACES: [usize; 3] = [3, 4, 5];
const RETURNING: [usize; 3] = [6, 7, 8];
const WORDS: usize = 9;

/// What a mark in a trace of system calls begins with: the name of a file that there is not.
const MARK: &str = "/nearcall-window-";

#[nearcall::interface]
pub trait Trial {
    #[call(timeout = "1min", concurrency = 16)]
    fn add(&self, a: u64, b: u64) -> u64;
    /// The turns that others in the client had had when this procedure was entered.
    #[call(timeout = "1min", concurrency = 16)]
    fn turns(&self) -> u64;
    /// The same, and then blocks.
    #[call(timeout = "1min", concurrency = 16)]
    fn turns_then_sleep(&self, ms: u32) -> u64;
    /// Keeps its CPU busy until it is released, for longer than its caller waits.
    #[call(timeout = "200ms", concurrency = 4)]
    fn greedy(&self, value: u64);
    /// Keeps its CPU busy until it is released.
    #[call(timeout = "1min", concurrency = 4)]
    fn greedy_until_released(&self, value: u64);
    /// Says all the time on which CPU it is, until it may return.
    #[call(timeout = "1min", concurrency = 4)]
    fn greedy_in_public(&self, which: u64);
    /// Leaves a mark in the server's trace.
    #[call(timeout = "1min")]
    fn mark(&self, window: u32);
    /// Keeps its CPU busy, for long enough that its caller sleeps.
    #[call(timeout = "1min", concurrency = 16)]
    fn busy(&self, us: u32);
    /// Takes longer than it may.
    #[call(timeout = "20ms", concurrency = 16)]
    fn late(&self);
    /// Does not return before it is released. Its size gives it an A-stack that no other procedure uses.
    #[call(timeout = "200ms", concurrency = 1, astack = 512, exhausted = "fail")]
    fn captured(&self, value: u64) -> u64;
    /// The same, and its caller has time.
    #[call(timeout = "1min", concurrency = 1, astack = 1024, exhausted = "fail")]
    fn captured_for_long(&self, value: u64) -> u64;
}

struct Server {
    board: Board,
}

impl Trial for Server {
    fn add(&self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }

    fn turns(&self) -> u64 {
        self.board.get(TURNS)
    }

    fn turns_then_sleep(&self, ms: u32) -> u64 {
        let turns = self.board.get(TURNS);
        std::thread::sleep(Duration::from_millis(ms.into()));
        turns
    }

    fn greedy(&self, value: u64) {
        self.greedy_until_released(value);
    }

    fn greedy_until_released(&self, value: u64) {
        self.board.set(ENTERED, self.board.get(ENTERED).max(value));
        while self.board.get(RELEASED) < value {
            std::hint::spin_loop();
        }
    }

    fn greedy_in_public(&self, which: u64) {
        let which = usize::try_from(which).unwrap();
        while self.board.get(RETURNING[which]) == 0 {
            self.board.set(PLACES[which], u64::try_from(rustix::thread::sched_getcpu()).unwrap() + 1);
        }
    }

    fn busy(&self, us: u32) {
        busy::spin(Duration::from_micros(us.into()));
    }

    fn late(&self) {
        std::thread::sleep(Duration::from_millis(60));
    }

    fn mark(&self, window: u32) {
        leave_mark(window);
    }

    fn captured(&self, value: u64) -> u64 {
        while self.board.get(RELEASED) < value {
            std::thread::sleep(Duration::from_millis(2));
        }
        value
    }

    fn captured_for_long(&self, value: u64) -> u64 {
        self.captured(value)
    }
}

fn board(dir: &Path) -> Board {
    Board::open(&dir.with_extension("board"), WORDS)
}

fn bind(dir: &Path) -> TrialClient {
    Binder::new("trial").dir(dir).wait(Duration::from_secs(60)).bind().unwrap()
}

/// A server, confined to `server`, and a directory for it.
struct Scene {
    _server: Peer,
    dir: PathBuf,
    _outer: tempfile::TempDir,
}

impl Scene {
    fn new(server: usize) -> Self {
        Self::on(&[server])
    }

    fn on(server: &[usize]) -> Self {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("names");
        support::make_dir(&dir);
        let server = confined(server, || Peer::start("serve", &dir));
        Self { _server: server, dir, _outer: outer }
    }

    /// Plays the client's `part`, confined to `cpu`, to its end.
    fn play(&self, part: &str, cpu: usize) -> u32 {
        let mut client = confined(&[cpu], || Peer::start(part, &self.dir));
        assert_eq!(client.ends(Duration::from_secs(100)), Some(true), "{part}");
        client.pid()
    }
}

/// One test at a time: each asks who has a CPU, and some keep one busy.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two CPUs, or `None`, which it says.
fn two_cpus() -> Option<[usize; 2]> {
    let cpus = cpus();
    let two = cpus.first_chunk().copied();
    if two.is_none() {
        eprintln!("!!! SKIPPED: this needs two CPUs, {} is allowed", cpus.len());
    }
    two
}

/// Threads of the client's that call, and calls of each.
const THREADS: u64 = 8;
const CALLS: u64 = 4000;

fn call_from_threads(client: &TrialClient, threads: u64, calls: u64) {
    thread::scope(|scope| {
        for number in 0..threads {
            scope.spawn(move || (0..calls).for_each(|n| assert_eq!(client.add(number, n), Ok(number + n))));
        }
    });
}

#[test]
fn one_donation_answers_all_calls_that_are_outstanding() {
    let _alone = alone();
    let cpu = cpus()[0];
    Scene::new(cpu).play("threads on one CPU", cpu);
}

fn threads_on_one_cpu(dir: &Path) {
    let client = bind(dir);
    let share = |threads: u64| {
        let before = client.binding().counts();
        // Few: in each donation others that want this CPU may come between.
        call_from_threads(&client, threads, 5);
        let after = client.binding().counts();
        (after.donated - before.donated) as f64 / (after.calls - before.calls) as f64
    };
    // 1 / T, in the rounds in which nobody else uses the CPU: whoever gets it between two threads' calls divides them.
    let mut shares = [0.0_f64, 1.0, 1.0];
    let start = Instant::now();
    for round in 0.. {
        let once = [1, 2, THREADS].map(share);
        shares = [shares[0].max(once[0]), shares[1].min(once[1]), shares[2].min(once[2])];
        let are_seen = shares[1] < 0.8 && shares[2] < 0.4;
        if round >= 10 && are_seen || start.elapsed() > Duration::from_secs(60) {
            break;
        }
    }
    eprintln!("donations a call: {shares:?}");
    assert!(shares[0] > 0.9, "alone, each call is one: {shares:?}");
    assert!(shares[1] < 0.8 * shares[0] && shares[2] < 0.5 * shares[0], "{shares:?}");
}

/// Calls of the client whose CPU is not the server's.
const FAR_CALLS: u64 = 500;

#[test]
fn one_wake_gives_a_processor_for_all_calls_that_are_outstanding() {
    let _alone = alone();
    let cpu = cpus()[0];
    Scene::new(cpu).play("long calls on one CPU", cpu);
}

/// Calls that take so long that the client does not yield, but sleeps. The kernel has a choice: where it runs the server as soon as
/// that is woken, all are answered before the next thread looks; where it does not, the other threads find it asleep, as it seems.
fn long_calls_on_one_cpu(dir: &Path) {
    let client = bind(dir);
    let (mut shares, start) = (Vec::new(), Instant::now());
    // An eighth, and less where the server polls for a while; each for itself comes to a quarter and more. Who is preempted divides them.
    let is_seen = |shares: &[f64]| shares.iter().filter(|share| **share < 0.15).count() >= 5;
    while !is_seen(&shares) && start.elapsed() < Duration::from_secs(60) {
        let before = client.binding().counts();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| (0..20).for_each(|_| client.busy(30).unwrap()));
            }
        });
        let after = client.binding().counts();
        shares.push((after.bells - before.bells) as f64 / (after.calls - before.calls) as f64);
    }
    eprintln!("bells a call: {shares:?}");
    assert!(is_seen(&shares) || others_use_the_cpus(), "{shares:?}");
}

/// Who is woken on another CPU than the caller's has no processor of his.
#[test]
fn a_call_from_another_cpu_gives_nothing() {
    let _alone = alone();
    let [own, other, ..] = cpus()[..] else { return eprintln!("!!! SKIPPED: this takes two CPUs") };
    let scene = Scene::new(other);
    scene.play("paced", own);
    let start = Instant::now();
    // A standby adds its calls to the counters before it sleeps.
    let info = loop {
        let info = nearcall::info("trial", Some(&scene.dir)).unwrap();
        if info.calls >= PACED || start.elapsed() > Duration::from_secs(60) {
            break info;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(info.calls >= PACED && info.polled < info.calls, "{info:?}");
    assert_eq!(info.donations, 0, "{info:?}");
}

/// Calls with pauses, so that nobody polls for them.
const PACED: u64 = 100;

fn paced(dir: &Path) {
    let client = bind(dir);
    for n in 0..PACED {
        assert_eq!(client.add(n, 1), Ok(n + 1));
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A call of a thread that gives its processor away ends by its time-out, and not by that and what it gave.
#[test]
fn the_time_of_a_call_goes_on_while_the_processor_is_given() {
    let _alone = alone();
    let cpu = cpus()[0];
    Scene::new(cpu).play("late", cpu);
}

fn late(dir: &Path) {
    let client = bind(dir);
    call_from_threads(&client, 1, 200);
    client.binding().set_transfer(Transfer::Donate);
    let client = &client;
    // Where the processor was given, and the client was not held up until the procedure had ended.
    let once = || {
        let (begin, before) = (Instant::now(), client.binding().counts());
        let ended = client.late();
        let (took, after) = (begin.elapsed(), client.binding().counts());
        let is_given = after.sleeps > before.sleeps && after.messages == before.messages;
        (is_given && matches!(ended, Err(CallError::Timeout { .. }))).then_some(took)
    };
    let is_over = AtomicBool::new(false);
    let shortest = thread::scope(|scope| {
        // Somebody who could run.
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        });
        let caller = scope.spawn(|| {
            let begin = Instant::now();
            let mut shortest = Duration::MAX;
            while shortest > Duration::from_millis(23) && begin.elapsed() < Duration::from_secs(30) {
                shortest = shortest.min(once().unwrap_or(shortest));
                // Until the procedure has ended.
                thread::sleep(Duration::from_millis(80)).unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
            shortest
        });
        caller.join().unwrap()
    });
    assert!(shortest <= Duration::from_millis(23), "{shortest:?} of 20 ms");
}

/// The count is of calls on the CPU of whoever made them, and by whom, which nobody can say for somebody else.
#[test]
fn the_receiver_knows_whose_processor_it_has() {
    let _alone = alone();
    let cpus = cpus();
    let (cpu, elsewhere) = (cpus[0], cpus[cpus.len() - 1]);
    let scene = Scene::new(cpu);
    let start = |part: &str, on: usize| confined(&[on], || Peer::start(part, &scene.dir));
    let (idle, giver) = (start("idle", cpu), start("gives", cpu));
    let other = (elsewhere != cpu).then(|| start("calls from elsewhere", elsewhere));
    if other.is_none() {
        eprintln!("!!! SKIPPED: a client on another CPU needs two CPUs");
    }
    let given = |peer: &Peer| {
        let info = nearcall::info("trial", Some(&scene.dir)).unwrap();
        let client = info.clients.iter().find(|client| client.pid == i32::try_from(peer.pid()).ok());
        client.map(|client| client.donations).unwrap_or_else(|| panic!("{} in {info:?}", peer.pid()))
    };
    let before = given(&giver);
    assert!(before > CALLS / 2, "{before}");
    assert_eq!(given(&idle), 0);
    // It calls, and gives nothing: what the server has, it has of its own.
    if let Some(other) = &other {
        assert_eq!(given(other), 0, "of {FAR_CALLS} calls");
    }
    // One that says of its requests that they come from the giver's CPU says so of itself.
    let liar = start(&format!("{LIES}{cpu}"), elsewhere);
    let lied = given(&liar);
    eprintln!("donations: {before}, and {lied} by lies");
    assert!(lied > FAR_CALLS / 2, "{lied}");
    assert_eq!((given(&giver), given(&idle)), (before, 0), "after somebody's lies");
}

/// A part: a client that says that it is on the CPU whose number follows.
const LIES: &str = "says that it is on CPU ";

fn lie_about_the_cpu(dir: &Path, cpu: usize) {
    let mut client = nearcall_testkit::client::Client::new(dir, "trial");
    client.cpu = u16::try_from(cpu).ok();
    let line = nearcall_testkit::client::Line::of(&client.bind(&["add"]), 0);
    (0..FAR_CALLS).for_each(|_| assert_eq!(client.call(&line).status(), Some(nearcall_layout::pair::status::OK)));
    process::ready();
    // Its binding lasts as long as this.
    process::until_released();
}

#[test]
fn nobody_is_woken_and_nothing_donated_while_the_server_has_a_processor_of_its_own() {
    let _alone = alone();
    let Some([own, other]) = two_cpus() else { return };
    // It may use the client's CPU, too, so there is a standby to be given that.
    Scene::on(&[own, other]).play("threads beside a server", own);
}

/// Rounds of calls one after the other that nobody was woken for (URPC 1991, section 3.3: a client assumes that the server has a
/// processor, or will soon have one). Short ones, and any ten: whoever takes the server's processor for a while ends its polling.
const OPTIMISTIC: u32 = 10;

fn threads_beside_a_server(dir: &Path) {
    let client = bind(dir);
    let start = Instant::now();
    for threads in [2, THREADS] {
        let (mut optimistic, mut rounds, mut last) = (0, 0, None);
        while optimistic < OPTIMISTIC {
            if start.elapsed() > Duration::from_secs(60) {
                if others_use_the_cpus() {
                    return;
                }
                panic!("{optimistic} after {rounds} rounds; the last: {last:?}");
            }
            let before = client.binding().counts();
            call_from_threads(&client, threads, 400 / threads);
            let after = client.binding().counts();
            let used = |count: fn(&ClientCounts) -> u64| count(&after) - count(&before);
            let woken = used(|counts| counts.bells + counts.messages + counts.sleeps + counts.donated);
            optimistic = if woken <= used(|counts| counts.calls) / 50 { optimistic + 1 } else { 0 };
            rounds += 1;
            last = Some((before, after));
        }
        eprintln!("{threads} threads: nobody was woken in the last {optimistic} of {rounds} rounds");
    }
}

#[test]
fn a_client_with_a_reply_pending_has_its_processor_back_while_the_server_sleeps() {
    let _alone = alone();
    let cpu = cpus()[0];
    Scene::new(cpu).play("reply beside a sleep", cpu);
}

fn reply_beside_a_sleep(dir: &Path) {
    let client = bind(dir);
    call_from_threads(&client, 2, 100);
    let order = AtomicU64::new(0);
    let done = || order.fetch_add(1, Ordering::Relaxed);
    for round in 1..=10 {
        order.store(0, Ordering::Relaxed);
        let (quick, slow) = thread::scope(|scope| {
            let quick = scope.spawn(|| {
                assert_eq!(client.add(round, 1), Ok(round + 1));
                done()
            });
            let slow = scope.spawn(|| {
                client.turns_then_sleep(600).unwrap();
                done()
            });
            (quick.join().unwrap(), slow.join().unwrap())
        });
        assert_eq!((quick, slow), (0, 1), "round {round}");
    }
}

#[test]
fn a_greedy_server_costs_a_call_its_time_and_nobody_else_anything() {
    let _alone = alone();
    let cpu = cpus()[0];
    Scene::new(cpu).play("greedy server", cpu);
}

/// How long a greedy procedure may keep a donated CPU from the client's other threads, and a call last whose time-out is 200 ms. Others that want the CPU may keep it from both sides, so calls are made until some were within both.
const TAKEN_BACK: Duration = Duration::from_millis(50);
const ENDED: Duration = Duration::from_millis(300);
const IN_TIME: u32 = 3;

fn greedy_server(dir: &Path) {
    let (client, board) = (bind(dir), board(dir));
    call_from_threads(&client, 2, 100);
    let (start, mut value) = (Instant::now(), 0);
    for transfer in [Transfer::Auto, Transfer::Donate] {
        client.binding().set_transfer(transfer);
        let (mut bounded, mut rounds) = (0, 0);
        while bounded < IN_TIME {
            assert!(start.elapsed() < Duration::from_secs(80), "{transfer:?}: {bounded} of {rounds} calls in time");
            value += 1;
            let (gap, length) = beside_a_greedy_call(&client, &board, value);
            let was_entered = board.get(ENTERED) == value;
            eprintln!("{transfer:?}: {length:.1?}, at most {gap:.1?} without another thread; {was_entered}");
            bounded += u32::from(was_entered && gap < TAKEN_BACK && length < ENDED);
            rounds += 1;
        }
    }
}

/// Makes a call whose procedure does not return before the call has ended. The longest time that another thread of the same
/// processor, which always can, did not run meanwhile; and how long the call took.
fn beside_a_greedy_call(client: &TrialClient, board: &Board, value: u64) -> (Duration, Duration) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        // It has its first turn before the call is made.
        let other = scope.spawn(|| {
            let (mut longest, mut last) = (Duration::ZERO, Instant::now());
            while !is_over.load(Ordering::Relaxed) {
                thread::yield_now();
                let now = Instant::now();
                longest = longest.max(now - last);
                last = now;
            }
            // Another processor of the server's answers others.
            assert_eq!(client.add(value, 2), Ok(value + 2));
            board.set(RELEASED, value);
            longest
        });
        let caller = scope.spawn(|| {
            let start = Instant::now();
            let ended = client.greedy(value);
            let length = start.elapsed();
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(ended, Err(CallError::Timeout { ran: Ran::Maybe }));
            length
        });
        (other.join().unwrap(), caller.join().unwrap())
    })
}

/// No donor can make a server return what it was given (URPC 1991, section 3.3), but the kernel can: the server's procedure goes
/// on for as long as it likes, and the client's processor and the server's next call do not wait for it.
#[test]
fn a_processor_is_taken_by_force_from_a_server_that_does_not_return_it() {
    let _alone = alone();
    let cpu = cpus()[0];
    Scene::new(cpu).play("taken by force", cpu);
}

fn taken_by_force(dir: &Path) {
    let (client, board) = (bind(dir), board(dir));
    call_from_threads(&client, 2, 100);
    for (value, transfer) in [(1, Transfer::Auto), (2, Transfer::Donate)] {
        client.binding().set_transfer(transfer);
        thread::scope(|scope| {
            let caller = scope.spawn(|| client.greedy_until_released(value));
            let other = scope.spawn(|| {
                let start = Instant::now();
                while board.get(ENTERED) < value {
                    thread::yield_now();
                }
                let entered = start.elapsed();
                // It does not return before we say so, and there is one CPU: whatever happens here was taken from it.
                (0..500).for_each(|n| assert_eq!(client.add(value, n), Ok(value + n)));
                eprintln!("{transfer:?}: entered after {entered:.1?}, 500 calls beside it by {:.1?}", start.elapsed());
                board.set(RELEASED, value);
            });
            other.join().unwrap();
            assert_eq!(caller.join().unwrap(), Ok(()), "{transfer:?}: by force, not by its time-out");
        });
    }
}

/// Procedures that were relieved of their seat may run wherever the process may, so no CPU is idle while one waits for another's.
#[test]
fn no_processor_is_idle_while_procedures_wait_for_one() {
    let _alone = alone();
    let Some([own, other]) = two_cpus() else { return };
    let scene = Scene::on(&[own, other]);
    scene.play(&format!("{THREE}{other}"), own);
}

/// How long a CPU may be idle while two procedures of one server want another one.
const IDLE: Duration = Duration::from_millis(500);

/// Looks where two procedures are that are always busy, until they have been found apart some times, because the kernel may find
/// them in the middle of a move: how long one of `cpus` was idle while they shared the other one. None at all while other processes
/// use that, however long the kernel leaves the two together then.
fn idle_beside_two(cpus: [usize; 2], shared: impl Fn() -> Option<usize>) -> Duration {
    let (start, mut idle, mut apart) = (Instant::now(), Duration::ZERO, 0);
    while start.elapsed() < Duration::from_secs(10) && apart < 10 && idle < IDLE {
        let (at, before) = (shared(), cpus.map(tasks::idle));
        std::thread::sleep(Duration::from_millis(20));
        let after = cpus.map(tasks::idle);
        match at.filter(|_| shared() == at) {
            None => apart += 1,
            Some(at) => {
                let unused = usize::from(cpus[0] == at);
                idle += after[unused].saturating_sub(before[unused]);
            }
        }
    }
    if apart < 10 && idle < IDLE {
        eprintln!("!!! SKIPPED: others use these CPUs, and the kernel leaves the two together");
    }
    idle
}

/// A part: calls three procedures that are always busy. The server's other CPU follows.
const THREE: &str = "three that are greedy, beside CPU ";

fn three_that_are_greedy(dir: &Path, other: usize) {
    let (client, board) = (bind(dir), board(dir));
    (0..100).for_each(|n| assert_eq!(client.add(n, 1), Ok(n + 1)));
    let until = |what: &str, condition: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < Duration::from_secs(30), "{what}: {:?}", PLACES.map(|place| board.get(place)));
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    std::thread::scope(|scope| {
        let calls = [0, 1, 2].map(|which| {
            let call = scope.spawn({
                let client = &client;
                move || client.greedy_in_public(which)
            });
            // Each finds the seats of those before it taken by them, and the third the seats of both CPUs.
            until("entered", &|| board.get(PLACES[usize::try_from(which).unwrap()]) != 0);
            call
        });
        let places = PLACES.map(|place| board.get(place));
        let is_alone = |which: &usize| places.iter().filter(|place| **place == places[*which]).count() == 1;
        let first = (0..3).find(is_alone).unwrap_or(0);
        board.set(RETURNING[first], 1);
        let rest: Vec<usize> = (0..3).filter(|which| *which != first).collect();
        let own = cpus()[0];
        let idle = idle_beside_two([own, other], || {
            let places = [0, 1].map(|at| board.get(PLACES[rest[at]]));
            (places[0] == places[1]).then(|| usize::try_from(places[0] - 1).unwrap())
        });
        eprintln!("{idle:.1?} of a CPU unused while two procedures shared the other one");
        assert!(idle < IDLE, "{idle:.1?}");
        RETURNING.iter().for_each(|&word| board.set(word, 1));
        calls.into_iter().for_each(|call| assert_eq!(call.join().unwrap(), Ok(())));
    });
}

/// Callers of one pair share the lock of its ring, and pairs nothing (URPC 1991, section 4.3).
#[test]
fn tries_of_a_rings_lock_that_fail_are_counted() {
    let _alone = alone();
    if two_cpus().is_none() {
        return;
    }
    let outer = tempfile::tempdir().unwrap();
    let dirs = ["one", "other"].map(|name| outer.path().join(name));
    let _servers = dirs.each_ref().map(|dir| {
        support::make_dir(dir);
        Peer::start("serve", dir)
    });
    let [one, other] = dirs.map(|dir| bind(&dir));
    let tries = |client: &TrialClient| client.binding().counts().ring_tries;
    let calls = |client: &TrialClient| (0..CALLS).for_each(|n| assert_eq!(client.add(n, 1), Ok(n + 1)));
    // A caller each.
    std::thread::scope(|scope| [&one, &other].map(|client| scope.spawn(move || calls(client))).map(drop));
    assert_eq!([&one, &other].map(tries), [0, 0]);
    let start = Instant::now();
    while tries(&one) == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "two callers never met");
        std::thread::scope(|scope| [(); 2].map(|()| scope.spawn(|| calls(&one))).map(drop));
    }
    eprintln!("{} tries failed, in {} calls", tries(&one), one.binding().counts().calls);
    assert_eq!(tries(&other), 0);
}

/// Calls between two marks.
const WINDOW: u64 = 4000;

/// System calls between two marks of one side: those of the marks themselves, around which the other side waits longer than it
/// polls, and of whoever loses its CPU to somebody else once. One for each call would be 4,000.
const FEW: usize = 20;

/// Windows that are tried.
const WINDOWS: u32 = 400;

fn leave_mark(window: u32) {
    let _ = std::fs::metadata(format!("{MARK}{window}"));
}

/// With a processor on each side, calls of user-level threads go through memory alone (URPC 1991, section 3.1).
#[test]
fn threads_beside_a_server_with_a_processor_make_no_system_calls() {
    let _alone = alone();
    let Some([own, other]) = two_cpus() else { return };
    if !Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: there is no strace");
        return;
    }
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("names");
    support::make_dir(&dir);
    let traced = |side: &str, cpu: usize, part: &str| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o"]).arg(outer.path().join(side)).arg(std::env::current_exe().unwrap());
        confined(&[cpu], || Peer::start_by(strace, part, &dir))
    };
    let mut server = traced("server", other, "serve");
    let mut client = traced("client", own, "windows");
    assert_eq!(client.ends(Duration::from_secs(100)), Some(true));
    assert_eq!(server.ends(Duration::from_secs(20)), Some(true));
    let [client, server] = ["client", "server"].map(|side| system_calls_by_window(&outer.path().join(side)));
    let both = client.iter().zip(&server);
    let least = both.min_by_key(|(client, server)| **client + **server).unwrap();
    eprintln!("system calls in a window of {WINDOW} calls, at least: {least:?}, of {} windows", client.len());
    let is_quiet = *least.0 <= FEW && *least.1 <= FEW;
    assert!(is_quiet || others_use_the_cpus(), "{least:?}");
}

/// Whether it is no wonder that the two sides hardly ever ran at the same time: two polling processes are a load of two.
fn others_use_the_cpus() -> bool {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load: f64 = load.split(' ').next().unwrap().parse().unwrap();
    if load > 2.5 {
        eprintln!("!!! SKIPPED: others use these CPUs (load {load})");
    }
    load > 2.5
}

/// How many system calls a trace has between each mark and the next.
fn system_calls_by_window(trace: &Path) -> Vec<usize> {
    let text = std::fs::read_to_string(trace).unwrap();
    let marks: Vec<usize> =
        text.lines().enumerate().filter_map(|(at, line)| line.contains(MARK).then_some(at)).collect();
    marks.windows(2).map(|pair| pair[1] - pair[0] - 1).collect()
}

fn windows_of_calls(dir: &Path) {
    let (client, start) = (bind(dir), Instant::now());
    // In a thread, so that others are started without a system call.
    thread::scope(|scope| {
        let all = scope.spawn(|| {
            for window in 0..WINDOWS {
                client.mark(window).unwrap();
                leave_mark(window);
                call_from_threads(&client, THREADS, WINDOW / THREADS);
                if start.elapsed() > Duration::from_secs(20) {
                    break;
                }
            }
        });
        all.join().unwrap();
    });
}

/// Calls beside a load.
const ROUNDS: usize = 60;

/// Makes `rounds` calls beside threads of the same processor that never have nothing to do. In how many the procedure was
/// entered before any of these ran, and in how many one ran before it had returned.
fn under_load(dir: &Path, rounds: usize, call: impl Fn(&TrialClient) -> u64 + Sync) -> (usize, usize) {
    let (client, is_over) = (bind(dir), AtomicBool::new(false));
    let board = board(dir);
    call_from_threads(&client, 1, 200);
    client.binding().set_transfer(Transfer::Donate);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    board.bump(TURNS);
                    busy::spin(Duration::from_micros(300));
                    thread::yield_now();
                }
            });
        }
        let caller = scope.spawn(|| {
            let (mut at_once, mut beside) = (0, 0);
            for _ in 0..rounds {
                thread::yield_now();
                let before = board.get(TURNS);
                let entered = call(&client);
                at_once += usize::from(entered == before);
                beside += usize::from(board.get(TURNS) > entered);
            }
            is_over.store(true, Ordering::Relaxed);
            (at_once, beside)
        });
        caller.join().unwrap()
    })
}

#[test]
fn a_processor_that_is_asked_for_goes_at_once_although_other_threads_could_run() {
    let _alone = alone();
    let cpu = cpus()[0];
    let scene = Scene::new(cpu);
    scene.play("priority", cpu);
    scene.play("high latency", cpu);
    scene.play("single thread", cpu);
    if busy::can_fifo() {
        scene.play("real time", cpu);
    }
    drop(scene);
}

/// Ready threads that a caller with priority goes before, with the server's procedure.
fn priority(dir: &Path) {
    let (at_once, _) = under_load(dir, ROUNDS, |client| client.turns().unwrap());
    eprintln!("entered before any other thread ran: {at_once} of {ROUNDS}");
    assert!(at_once > ROUNDS / 2, "{at_once}");
}

/// A device is kept busy, and the processor is back while it works.
fn high_latency(dir: &Path) {
    let rounds = ROUNDS / 4;
    let (at_once, beside) = under_load(dir, rounds, |client| client.turns_then_sleep(60).unwrap());
    eprintln!("begun before any other thread ran: {at_once} of {rounds}; others ran while it slept: {beside}");
    assert!(at_once > rounds / 2 && beside > rounds / 2, "{at_once} {beside}");
}

/// One thread has nothing else to do with its processor, and need not ask.
fn single_thread(dir: &Path) {
    let client = bind(dir);
    let before = client.binding().counts();
    (0..CALLS).for_each(|n| assert_eq!(client.add(n, 1), Ok(n + 1)));
    let after = client.binding().counts();
    eprintln!("{after:?}");
    assert!(after.donated - before.donated > CALLS * 9 / 10, "{after:?}");
}

/// A real-time caller's processor is one that no ordinary server has, unless it is given.
fn real_time(dir: &Path) {
    let client = bind(dir);
    call_from_threads(&client, 1, 200);
    client.binding().set_transfer(Transfer::Donate);
    busy::fifo().unwrap();
    let before = client.binding().counts();
    (0..500).for_each(|n| assert_eq!(client.add(n, 1), Ok(n + 1)));
    let after = client.binding().counts();
    assert_eq!(
        after.yields_paid + after.yields_wasted,
        before.yields_paid + before.yields_wasted,
        "never in real time"
    );
    assert!(after.donated - before.donated > 450, "{after:?}");
}

#[test]
fn a_captured_call_is_given_up_and_its_late_answer_dropped() {
    let _alone = alone();
    let cpus = cpus();
    for (server, client) in [(cpus[0], cpus[0]), (cpus[0], cpus[cpus.len() - 1])] {
        Scene::new(server).play("captured", client);
    }
}

fn captured(dir: &Path) {
    let (client, board) = (bind(dir), board(dir));
    let mut expected = 0;
    let timeout = CallError::Timeout { ran: Ran::Maybe };
    // By a kernel thread, by a user-level thread, and by one that is cancelled, whose time is not over for long.
    let ways = [("kernel thread", timeout), ("thread", timeout), ("cancelled", CallError::Aborted)];
    for (how, (by, error)) in ways.into_iter().enumerate() {
        let value = u64::try_from(how).unwrap() + 1;
        let captured = |value| if by == "cancelled" { client.captured_for_long(value) } else { client.captured(value) };
        let ended = match by {
            "kernel thread" => captured(value),
            "thread" => thread::scope(|scope| scope.spawn(|| captured(value)).join().unwrap()),
            _ => thread::scope(|scope| {
                let call = scope.spawn(|| captured(value));
                let other = scope.spawn(|| {
                    let _ = thread::sleep(Duration::from_millis(50));
                    call.cancel();
                    call.join().unwrap()
                });
                other.join().unwrap()
            }),
        };
        assert_eq!(ended, Err(error), "{by}");
        // It goes on: other calls are answered.
        assert_eq!(client.add(value, 1), Ok(value + 1), "{by}");
        // Its only A-stack waits for the late answer.
        assert_eq!(captured(0), Err(CallError::NoAStack), "{by}");
        board.set(RELEASED, value);
        expected += 1;
        // It comes back with that; what it brings is nobody's answer.
        let start = Instant::now();
        loop {
            match captured(0) {
                Ok(answer) => break assert_eq!(answer, 0, "{by}: the late answer"),
                Err(error) => assert_eq!(error, CallError::NoAStack, "{by}"),
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{by}: the A-stack does not come back");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let counts = client.binding().counts();
    eprintln!("{counts:?}");
    assert_eq!(counts.unanswered, expected);
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    thread::set_workers(1);
    match part.as_str() {
        "serve" => {
            let server = Server { board: board(&dir) };
            let export = nearcall::Exporter::new("trial").dir(&dir).export(TrialServer::new(server)).unwrap();
            process::ready();
            std::mem::forget(export);
            process::until_released();
        }
        "idle" | "gives" | "calls from elsewhere" => {
            let client = bind(&dir);
            match part.as_str() {
                "gives" => call_from_threads(&client, 1, CALLS),
                // Slowly enough for the server to fall asleep.
                "calls from elsewhere" => (0..FAR_CALLS).for_each(|n| {
                    assert_eq!(client.add(n, 1), Ok(n + 1));
                    std::thread::sleep(Duration::from_micros(300));
                }),
                _ => {}
            }
            process::ready();
            process::until_released();
        }
        lies if lies.starts_with(LIES) => lie_about_the_cpu(&dir, lies[LIES.len()..].parse().unwrap()),
        _ => process::ready(),
    }
    match part.as_str() {
        "threads on one CPU" => threads_on_one_cpu(&dir),
        "threads beside a server" => threads_beside_a_server(&dir),
        "reply beside a sleep" => reply_beside_a_sleep(&dir),
        "greedy server" => greedy_server(&dir),
        "taken by force" => taken_by_force(&dir),
        three if three.starts_with(THREE) => three_that_are_greedy(&dir, three[THREE.len()..].parse().unwrap()),
        "long calls on one CPU" => long_calls_on_one_cpu(&dir),
        "late" => late(&dir),
        "paced" => paced(&dir),
        "windows" => windows_of_calls(&dir),
        "priority" => priority(&dir),
        "high latency" => high_latency(&dir),
        "single thread" => single_thread(&dir),
        "real time" => real_time(&dir),
        "captured" => captured(&dir),
        other => panic!("{other}"),
    }
}
