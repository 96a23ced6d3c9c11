//! Publish against sleep, reply against sleep, and every change of the one who looks: a race in each call.
//!
//! Both sides wait for random times about as long as their spins and wake-ups take, so that either goes to sleep just as
//! the other one acts. With time-out steps a lost wake would only be a late call. Without them it hangs, and the test
//! says after a second who waits for what:
//!
//! ```console
//! cargo test -p nearcall-testkit --features no-steps --test races                                # 20,000 calls a test
//! NEARCALL_TEST_CALLS=10000000 cargo test --release -p nearcall-testkit --features no-steps --test races -- --nocapture
//! ```
//!
//! The second one takes from five to fifteen minutes a test on two CPUs. Without the feature the tests run with steps, and
//! say so; they then show no more than that all calls end. A call that is still on its way while neither side has run for
//! a tenth of a second is lost; on a machine so busy that a side is ready and does not run, nothing is concluded.
//!
//! Seen to fail, within 25,000 calls: a standby that does not scan before it sleeps, or reads its bells after the scan; a
//! displaced pair whose request is not looked for. Not seen to fail: a fence left out, whose window is a few nanoseconds;
//! that is what the loom models are for.

mod support;
#[path = "support/work.rs"]
mod work;

use std::slice;
use std::time::{Duration, Instant};

use nearcall_testkit::tasks::{confined, cpus};
use work::{Job, Place, Worker, two_cpus};

/// Without progress for so long, and nobody runs: lost. Nothing here takes a thousandth of it.
const LOST: Duration = Duration::from_secs(1);

/// Either side waits about as long as spins and wake-ups take, in one mode after the other.
const RANDOM: Job = Job { transfer: None, pause_us: 60, spin_us: 60, ..Job::new(0) };

/// Calls that are worth a lead, then a pause in which it leaves.
const BURSTS: Job = Job { pause_us: 250, burst: 60, ..Job::new(0) };

/// One job for each client process, all at once.
fn race(what: &str, place: &Place, workers: &mut [Worker], threads: usize, job: Job) {
    let calls = u64::from(support::count("NEARCALL_TEST_CALLS", 20_000));
    let each = calls.div_ceil(u64::try_from(threads * workers.len()).unwrap());
    let job = Job { threads, calls: each, ..job };
    let start = Instant::now();
    workers.iter_mut().for_each(|worker| worker.begin(job));
    let reports: Vec<_> = workers.iter_mut().map(|worker| worker.finish(LOST)).collect();
    let time = start.elapsed();
    if !cfg!(feature = "no-steps") {
        work::skip("lost wakes", "built without the feature no-steps: a time-out step would mend them");
    }
    let worst = reports.iter().map(work::Report::worst).max().unwrap();
    println!("{what}: {} calls in {time:.1?}, the longest {worst:.1?}", each * u64::try_from(threads).unwrap());
    reports.iter().for_each(|report| println!("  {:?}", report.counts));
    println!("  {:?}", place.bind().counts().unwrap());
    let answered: u64 = reports.iter().map(work::Report::calls).sum();
    assert_eq!(answered, each * u64::try_from(threads * workers.len()).unwrap());
}

#[test]
fn one_thread() {
    let place = Place::new();
    race("one thread", &place, &mut [place.worker()], 1, RANDOM);
}

#[test]
fn four_threads_of_one_client() {
    let place = Place::new();
    race("four threads", &place, &mut [place.worker()], 4, RANDOM);
}

#[test]
fn a_lead_that_comes_and_goes() {
    let Some(cpus) = two_cpus("a lead that comes and goes") else { return };
    let place = Place::new();
    let mut worker = confined(&cpus[..1], || place.worker());
    race("bursts", &place, slice::from_mut(&mut worker), 1, BURSTS);
    let server = place.bind().counts().unwrap();
    assert!(server.tenures > 0, "no lead came and went: {server:?}");
}

#[test]
fn a_lead_that_comes_and_goes_for_four_threads_anywhere() {
    let place = Place::new();
    race("bursts of four threads", &place, &mut [place.worker()], 4, BURSTS);
}

#[test]
fn one_thread_on_the_servers_only_cpu() {
    confined(&cpus()[..1], || {
        let place = Place::new();
        race("one thread, one CPU", &place, &mut [place.worker()], 1, RANDOM);
    });
}

#[test]
fn four_threads_on_the_servers_only_cpu() {
    confined(&cpus()[..1], || {
        let place = Place::new();
        race("four threads, one CPU", &place, &mut [place.worker()], 4, RANDOM);
    });
}

#[test]
fn a_client_on_each_of_two_cpus() {
    let Some(cpus) = two_cpus("a client on each of two CPUs") else { return };
    let place = Place::new();
    let mut workers = [0, 1].map(|i| confined(&[cpus[i]], || place.worker()));
    race("a client on each CPU", &place, &mut workers, 2, RANDOM);
}

/// Nine or more pairs do not fit the eight that one processor attends: some are always on their way out or in.
#[test]
fn more_clients_than_a_processor_attends() {
    let place = Place::new();
    let mut workers: Vec<_> = (0..10).map(|_| place.worker()).collect();
    race("ten clients", &place, &mut workers, 1, RANDOM);
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    work::play();
}
