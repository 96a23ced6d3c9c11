//! How calls wait, checked against what the kernel counts: sleeps, yields, donations, idleness, and who attends whom.
//!
//! `NEARCALL_TEST_TIMES=1` adds the checks that need a quiet machine.

mod support;
#[path = "support/work.rs"]
mod work;

use std::time::{Duration, Instant};

use nearcall::{Client as _, Transfer};
use nearcall_layout::pair::status;
use nearcall_testkit::client::{Client, Line, Outcome};
use nearcall_testkit::tasks::{Used, confined, cpus};
use work::{ADD, Counts, Job, MODES, PROCEDURES, Place, Report, Worker, two_cpus};

/// The server's processors; not its watcher, and not the threads of the test harness.
fn is_processor(name: &str) -> bool {
    name.starts_with("nearcall-") && name != "nearcall-watch"
}

/// A job, the server's counts before and after it, and what its processors used meanwhile.
fn observed(place: &Place, worker: &mut Worker, job: Job) -> (Report, Counts, Counts, Used) {
    let (asker, pid) = (place.bind(), place.server.pid());
    let before = asker.counts().unwrap();
    let used = Used::by(pid, is_processor);
    let report = worker.run(job);
    let used = Used::by(pid, is_processor).since(used);
    // A processor adds what it has taken when it has nothing else to do; one that has just lost its CPU does so later.
    let deadline = Instant::now() + Duration::from_secs(1);
    let after = loop {
        let after = asker.counts().unwrap();
        if after.calls - before.calls >= report.counts.calls || Instant::now() > deadline {
            break after;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    (report, before, after, used)
}

/// A futex wait that is woken after it was queued and before the switch is counted by us and is none for the kernel: that
/// happens to callers that sleep although a lead polls, so to as many of them as it took calls. A contended lock, a page
/// fault or a thread's start is one for the kernel alone, and is not frequent.
fn agree(what: &str, ours: u64, yields: u64, kernel: u64, (calls, polled): (u64, u64)) {
    let few = 30 + calls / 50;
    println!("{what}: {ours} sleeps and {yields} yields counted, {kernel} by the kernel, {calls} calls");
    assert!(kernel + polled + few >= ours, "{what}: more sleeps counted than there were");
    assert!(kernel <= ours + yields + few, "{what}: sleeps that were not counted");
}

#[test]
fn sleeps_are_those_that_the_kernel_counts() {
    let place = Place::new();
    let mut worker = place.worker();
    for transfer in MODES {
        for (pause_us, calls) in [(0, 2000), (400, 1000), (4000, 100)] {
            let job = Job { transfer: Some(transfer), pause_us, ..Job::new(calls) };
            let (report, before, after, used) = observed(&place, &mut worker, job);
            let what = format!("{transfer:?}, pauses below {pause_us} us");
            println!("{what}: {:?}", report.counts);
            let counts = report.counts;
            let polled = after.polled - before.polled;
            assert_eq!(counts.calls, calls, "{what}");
            assert_eq!(counts.spun + counts.donated + counts.slept, calls, "{what}: each call travelled in one way");
            let yields = counts.yields_paid + counts.yields_wasted;
            agree(&format!("{what}: client"), counts.sleeps, yields, report.threads[0].voluntary, (calls, polled));
            let (sleeps, yields) = (after.sleeps - before.sleeps, after.yields - before.yields);
            agree(&format!("{what}: server"), sleeps, yields, used.voluntary, (calls, 0));
            assert!(after.calls - before.calls >= calls, "{what}: {before:?} {after:?}");
            assert!(after.polled + after.donations <= after.calls, "{what}: {after:?}");
        }
    }
}

#[test]
fn spin_never_sleeps_donate_donates_block_never_yields() {
    let Some(cpus) = two_cpus("the effect of each Transfer") else { return };
    let place = Place::new();
    let asker = place.bind();
    // The server finds a CPU of its own, and spinning one.
    let mut worker = confined(&cpus[..1], || place.worker());
    let with = |transfer| Job { transfer: Some(transfer), ..Job::new(1000) };
    let start = Instant::now();
    loop {
        let before = asker.counts().unwrap().polled;
        let report = worker.run(with(Transfer::Spin));
        let polled = asker.counts().unwrap().polled - before;
        assert_eq!(report.counts.sleeps, 0, "{:?}", report.counts);
        assert_eq!(report.counts.yields_paid + report.counts.yields_wasted, 0, "{:?}", report.counts);
        if polled > 500 {
            println!("spin: {polled} of 1000 polled, {:?}", report.counts);
            break;
        }
        assert!(start.elapsed() < work::PATIENCE, "the server does not come to poll for a caller that spins");
    }
    let donated = worker.run(with(Transfer::Donate)).counts;
    println!("donate: {donated:?}");
    assert!(donated.donated > 500, "{donated:?}");
    let blocked = worker.run(with(Transfer::Block)).counts;
    println!("block: {blocked:?}");
    assert!(blocked.donated + blocked.slept > 500 && blocked.sleeps > 0, "{blocked:?}");
    assert_eq!(blocked.yields_paid + blocked.yields_wasted, 0, "{blocked:?}");
}

#[test]
fn the_mode_of_a_binding_is_its_own() {
    let place = Place::new();
    let blocks: work::WorkClient =
        nearcall::Binder::new("work").dir(&place.dir).transfer(Transfer::Block).bind().unwrap();
    let other = place.bind();
    assert_eq!((blocks.binding().transfer(), other.binding().transfer()), (Transfer::Block, Transfer::Auto));
    other.binding().set_transfer(Transfer::Donate);
    assert_eq!((blocks.binding().transfer(), other.binding().transfer()), (Transfer::Block, Transfer::Donate));
    assert_eq!((blocks.add(1, 2), other.add(3, 4)), (Ok(3), Ok(7)));
}

#[test]
fn on_one_cpu_calls_end_nobody_waits_busily_and_idle_is_idle() {
    confined(&cpus()[..1], || {
        let place = Place::new();
        let mut worker = place.worker();
        let pids = [place.server.pid(), worker.pid()];
        let used = || pids.map(Used::by_all);
        for transfer in MODES {
            // One that spins keeps the server from answering until its share of the CPU is used up.
            let calls = if transfer == Transfer::Spin { 20 } else { 5000 };
            let report = worker.run(Job { transfer: Some(transfer), ..Job::new(calls) });
            println!("{transfer:?}: p50 {:.1?}, the longest {:.1?}", report.threads[0].median, report.worst());
        }
        for transfer in MODES.into_iter().filter(|&mode| mode != Transfer::Spin) {
            let before = used();
            worker.run(Job { transfer: Some(transfer), sleep_us: 1_000_000, ..Job::new(1) });
            let used = [0, 1].map(|i| used()[i].since(before[i]).cpu_time);
            println!("{transfer:?}: a call of 1 s used {used:.1?}");
            assert!(used.iter().all(|time| *time < Duration::from_millis(50)), "{transfer:?}: {used:?}");
        }
        std::thread::sleep(Duration::from_secs(1));
        let before = used();
        std::thread::sleep(Duration::from_secs(2));
        let used = [0, 1].map(|i| used()[i].since(before[i]));
        println!("idle for 2 s: server {:?}, client {:?}", used[0], used[1]);
        for used in used {
            assert_eq!(used.voluntary, 0, "somebody woke up");
            assert!(used.cpu_time < Duration::from_millis(5), "{used:?}");
        }
    });
}

#[test]
fn a_call_that_takes_long_costs_its_caller_nothing_on_two_cpus() {
    let place = Place::new();
    let mut worker = place.worker();
    worker.run(Job::new(2000));
    let used = || [place.server.pid(), worker.pid()].map(Used::by_all);
    let before = used();
    let client = place.bind();
    assert_eq!(client.sleep(1_000_000), Ok(1_000_000));
    let used = [0, 1].map(|i| used()[i].since(before[i]).cpu_time);
    println!("a call of 1 s, and a client that is idle: {used:.1?}");
    assert!(used.iter().all(|time| *time < Duration::from_millis(50)), "{used:?}");
}

#[test]
fn idle_pairs_and_bindings_are_neither_in_the_way_nor_forgotten() {
    const IDLE: usize = 64;
    let place = Place::new();
    let mut hot = place.worker();
    let alone = hot.run(Job::new(20_000)).threads[0].median;
    let line = |client: &Client| Line::of(&client.bind(&PROCEDURES), ADD).with(&[[3; 8], [4; 8]].concat());
    let right = u64::from_le_bytes([7; 8]);
    let call = |what: &str, client: &mut Client, line: &Line| match client.call(line) {
        Outcome::Answer { status: status::OK, words, .. } => assert_eq!(words[0], right, "{what}"),
        other => panic!("{what}: {other:?}"),
    };
    // Pairs of their own: each of these is another process to the server. They say that they call from CPUs
    // that are there, and from others.
    let mut idle = Vec::new();
    for i in 0..IDLE {
        let mut client = Client::new(&place.dir, "work");
        client.cpu = [Some(0), Some(1), Some(63), Some(64), Some(u16::MAX), None][i % 6];
        let line = line(&client);
        call("a new one", &mut client, &line);
        idle.push((client, line));
    }
    // Bindings over one pair.
    let bindings: Vec<_> = (0..IDLE).map(|_| place.bind()).collect();
    for binding in &bindings {
        assert_eq!(binding.add(1, 2), Ok(3));
    }
    let beside = hot.run(Job::new(20_000)).threads[0].median;
    println!("p50 alone {alone:.2?}, beside {IDLE} idle pairs and {IDLE} idle bindings {beside:.2?}");
    hot.begin(Job::new(work::UNTIL_STOPPED));
    for round in 0..3 {
        for (i, (client, line)) in idle.iter_mut().enumerate() {
            call(&format!("round {round}, idle pair {i}"), client, line);
        }
        for (i, binding) in bindings.iter().enumerate() {
            assert_eq!(binding.add(1, 2), Ok(3), "round {round}, idle binding {i}");
        }
        hot.goes_on(10, "the hot one");
    }
    assert!(hot.stop().calls() > 30);
    if work::times_count() {
        assert!(beside < alone * 3 / 2 + Duration::from_micros(1), "{alone:?} {beside:?}");
    }
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    work::play();
}
