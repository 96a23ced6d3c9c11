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
//! The second one takes some twenty minutes a test on two CPUs. Without the feature the tests run with steps, and say so;
//! they then show no more than that all calls end. A call that is still on its way while neither side has run for a tenth
//! of a second is lost; on a machine so busy that a side is ready and does not run, nothing is concluded.

mod support;
#[path = "support/work.rs"]
mod work;

use std::time::{Duration, Instant};

use nearcall_testkit::tasks::{confined, cpus};
use work::{Job, Place, Worker, two_cpus};

/// Without progress for so long, and nobody runs: lost. Nothing here takes a thousandth of it.
const LOST: Duration = Duration::from_secs(1);

/// One job for each client process, all at once.
fn race(what: &str, place: &Place, workers: &mut [Worker], threads: usize) {
    let calls = u64::from(support::count("NEARCALL_TEST_CALLS", 20_000));
    let each = calls.div_ceil(u64::try_from(threads * workers.len()).unwrap());
    let job = Job { threads, transfer: None, pause_us: 60, spin_us: 60, ..Job::new(each) };
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
    race("one thread", &place, &mut [place.worker()], 1);
}

#[test]
fn four_threads_of_one_client() {
    let place = Place::new();
    race("four threads", &place, &mut [place.worker()], 4);
}

#[test]
fn one_thread_on_the_servers_only_cpu() {
    confined(&cpus()[..1], || {
        let place = Place::new();
        race("one thread, one CPU", &place, &mut [place.worker()], 1);
    });
}

#[test]
fn four_threads_on_the_servers_only_cpu() {
    confined(&cpus()[..1], || {
        let place = Place::new();
        race("four threads, one CPU", &place, &mut [place.worker()], 4);
    });
}

#[test]
fn a_client_on_each_of_two_cpus() {
    let Some(cpus) = two_cpus("a client on each of two CPUs") else { return };
    let place = Place::new();
    let mut workers = [0, 1].map(|i| confined(&[cpus[i]], || place.worker()));
    race("a client on each CPU", &place, &mut workers, 2);
}

/// Nine or more pairs do not fit the eight that one processor attends: some are always on their way out or in.
#[test]
fn more_clients_than_a_processor_attends() {
    let place = Place::new();
    let mut workers: Vec<_> = (0..10).map(|_| place.worker()).collect();
    race("ten clients", &place, &mut workers, 1);
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    work::play();
}
