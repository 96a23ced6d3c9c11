//! Calls go on wherever either side may run, whoever else uses the CPUs, and while both change.
//!
//! `NEARCALL_TEST_TIMES=1` adds the checks that need a quiet machine; `--nocapture` shows the figures.

mod support;
#[path = "support/work.rs"]
mod work;

use std::time::{Duration, Instant};

use nearcall::Transfer;
use nearcall_testkit::busy;
use nearcall_testkit::cpuset::Cpuset;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::tasks::{confine, confined};
use work::{Job, PATIENCE, Place, UNTIL_STOPPED, Worker, skip, times_count, two_cpus};

/// Takes CPUs away from either side and gives them back, while three threads call.
fn moved_about(what: &str, cpus: &[usize], place: &Place, worker: &mut Worker, allow: impl Fn(bool, &[usize])) {
    let (first, second) = (&cpus[..1], &cpus[1..2]);
    let steps = [
        (first, second),
        (first, first),
        (second, second),
        (second, first),
        (cpus, first),
        (first, cpus),
        (cpus, cpus),
    ];
    let job = Job { threads: 3, transfer: None, pause_us: 40, spin_us: 40, ..Job::new(UNTIL_STOPPED) };
    worker.begin(job);
    let start = Instant::now();
    for round in 0..5 {
        for (server, client) in steps {
            allow(true, server);
            allow(false, client);
            // More calls than the evidence that a change of places needs, and time for it.
            worker.goes_on(50, &format!("{what}, round {round}: server on {server:?}, client on {client:?}"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let report = worker.stop();
    println!(
        "{what}: {} moves in {:.1?}, {} calls, the longest {:.1?}; {:?} {:?}",
        5 * steps.len() * 2,
        start.elapsed(),
        report.calls(),
        report.worst(),
        report.counts,
        place.bind().counts().unwrap()
    );
}

#[test]
fn affinity_is_taken_away_and_given_back() {
    let Some(cpus) = two_cpus("changes of affinity") else { return };
    let place = Place::new();
    let mut worker = place.worker();
    let pids = [place.server.pid(), worker.pid()];
    moved_about("affinity", &cpus, &place, &mut worker, |server, cpus| confine(pids[usize::from(!server)], cpus));
}

#[test]
fn cpusets_shrink_and_grow() {
    let Some(cpus) = two_cpus("changes of cpusets") else { return };
    let groups =
        Cpuset::new("nearcall-server", &cpus).and_then(|server| Ok((server, Cpuset::new("nearcall-client", &cpus)?)));
    let (server, client) = match groups {
        Ok(groups) => groups,
        Err(error) => return skip("cpusets that shrink and grow (changes of affinity are tested)", &error.to_string()),
    };
    // Dropped before the groups, which have to be empty then.
    let place = Place::new();
    let mut worker = place.worker();
    server.take(place.server.pid()).unwrap();
    client.take(worker.pid()).unwrap();
    let of = |is_server| if is_server { &server } else { &client };
    moved_about("cpusets", &cpus, &place, &mut worker, |server, cpus| of(server).allow(cpus).unwrap());
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// p50 of one client's null calls alone, and beside another client on its CPU each of whose calls is blocked for 3 ms.
fn beside(what: &str, cpu: usize, transfer: Transfer) -> (Duration, Duration) {
    const ROUNDS: usize = 7;
    let null = Job { transfer: Some(transfer), ..Job::new(5000) };
    let blocked = Job { sleep_us: 3000, calls: UNTIL_STOPPED, ..null };
    let place = Place::new();
    let (mut one, mut other) = confined(&[cpu], || (place.worker(), place.worker()));
    let (mut alone, mut disturbed, mut longest) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(one.run(null).threads[0].median);
        other.begin(blocked);
        let report = one.run(null);
        let calls = other.stop().calls();
        assert!(calls > 0, "{what}: the other one makes no progress");
        disturbed.push(report.threads[0].median);
        longest.push(report.worst());
    }
    let (alone, disturbed) = (median(&mut alone), median(&mut disturbed));
    // In most rounds, because the machine may be busy with something else in one.
    let usual = median(&mut longest);
    println!("{what}: p50 alone {alone:.2?}, beside it {disturbed:.2?}, the longest of each round {longest:.1?}");
    assert!(usual < Duration::from_millis(100), "{what}: {longest:?}");
    assert!(longest.last() < Some(&Duration::from_secs(1)), "{what}: {longest:?}");
    (alone, disturbed)
}

#[test]
fn a_blocking_procedure_of_one_client_is_not_in_the_way_of_another_on_its_cpu() {
    let Some(cpus) = two_cpus("a blocking procedure beside null calls") else { return };
    for cpu in &cpus[..2] {
        for transfer in [Transfer::Auto, Transfer::Donate] {
            let what = format!("blocked for 3 ms on CPU {cpu}, {transfer:?}");
            let (alone, disturbed) = beside(&what, *cpu, transfer);
            if times_count() {
                assert!(disturbed <= alone * 3, "{what}: {alone:?} {disturbed:?}");
            }
        }
    }
}

#[test]
fn a_busy_procedure_of_one_client_delays_another_on_its_cpu_for_a_while_only() {
    let Some(cpus) = two_cpus("a busy procedure beside null calls") else { return };
    let place = Place::new();
    let (mut one, mut other) = confined(&cpus[..1], || (place.worker(), place.worker()));
    other.begin(Job { spin_us: 20_000, ..Job::new(UNTIL_STOPPED) });
    let report = one.run(Job::new(2000));
    println!("p50 {:.1?}, the longest {:.1?}", report.threads[0].median, report.worst());
    assert!(other.stop().calls() > 0);
    assert!(report.worst() < Duration::from_secs(1), "{:?}", report.worst());
}

#[test]
fn a_real_time_process_on_the_standbys_cpu_does_not_stop_calls() {
    let what = "a SCHED_FIFO process on a standby's CPU";
    let Some(cpus) = two_cpus(what) else { return };
    if !busy::can_fifo() {
        return skip(what, "not allowed to set SCHED_FIFO (needs CAP_SYS_NICE)");
    }
    let place = Place::new();
    for (taken, left) in [(cpus[0], cpus[1]), (cpus[1], cpus[0])] {
        // There are standbys on both CPUs; then one client may go where it likes, and one only where it can.
        let mut free = confined(&[taken], || place.worker());
        let mut pinned = confined(&[left], || place.worker());
        free.run(Job { transfer: Some(Transfer::Donate), ..Job::new(200) });
        pinned.run(Job { transfer: Some(Transfer::Donate), ..Job::new(200) });
        confine(free.pid(), &cpus);
        let job = Job { threads: 2, transfer: None, pause_us: 100, spin_us: 40, ..Job::new(UNTIL_STOPPED) };
        free.begin(job);
        pinned.begin(job);
        let mut hog = Peer::start(&format!("hog {taken}"), &place.dir);
        assert_eq!(hog.ends(PATIENCE), Some(true), "the busy process itself");
        for (who, worker) in [("free", &mut free), ("pinned elsewhere", &mut pinned)] {
            let report = worker.stop();
            println!("CPU {taken} taken, {who}: {} calls, the longest {:.1?}", report.calls(), report.worst());
            assert!(report.worst() < Duration::from_secs(1), "{who}: {:?}", report.worst());
        }
    }
}

/// Takes a CPU away from everybody: three bursts of 300 ms.
fn hog(cpu: usize) -> ! {
    let taken = std::thread::spawn(move || {
        confined(&[cpu], || {
            process::ready();
            busy::fifo().expect("allowed a moment ago");
            for _ in 0..3 {
                busy::spin(Duration::from_millis(300));
                std::thread::sleep(Duration::from_millis(150));
            }
        });
    });
    std::process::exit(i32::from(taken.join().is_err()));
}

#[test]
fn twelve_clients_all_make_progress() {
    let place = Place::new();
    let mut workers: Vec<_> = (0..12).map(|_| place.worker()).collect();
    for transfer in [Some(Transfer::Auto), None] {
        workers.iter_mut().for_each(|worker| worker.begin(Job { transfer, ..Job::new(UNTIL_STOPPED) }));
        std::thread::sleep(Duration::from_secs(1));
        // The slowest may need longer on a machine that is busy with something else: that is no fault of the calls.
        workers.iter_mut().for_each(|worker| worker.goes_on(1, "one of twelve"));
        let reports: Vec<_> = workers.iter_mut().map(Worker::stop).collect();
        let mut calls: Vec<_> = reports.iter().map(work::Report::calls).collect();
        calls.sort_unstable();
        let worst = reports.iter().map(work::Report::worst).max();
        println!("{transfer:?}: calls in 1 s {calls:?}, the longest {worst:.1?}, {:?}", place.bind().counts().unwrap());
        assert!(calls[0] >= 10, "{calls:?}");
    }
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let part = Peer::part().map(|(part, _)| part).unwrap_or_default();
    if let Some(cpu) = part.strip_prefix("hog ") {
        hog(cpu.parse().unwrap());
    }
    work::play();
}
