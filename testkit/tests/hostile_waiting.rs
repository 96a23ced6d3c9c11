//! Peers that lie with the words about waiting: they ring for nothing, say that they look or sleep, take sleepers away,
//! stop. A call ends by its deadline, others are served, and the CPU that the lie costs is bounded.
//!
//! `NEARCALL_TEST_TIMES=1` adds the checks that need a quiet machine; `--nocapture` shows the figures.

mod support;
#[path = "support/work.rs"]
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nearcall::{CallError, Client as _, Transfer};
use nearcall_layout::pair::{BELL_COUNT, armed, client, poll, server, status};
use nearcall_testkit::busy::StopOnDrop;
use nearcall_testkit::client::{Client, Line};
use nearcall_testkit::lies::server::{WAITING, deceive};
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::random::Random;
use nearcall_testkit::server::Liar;
use nearcall_testkit::tasks::{Task, Used, confined, cpus};
use rustix::process::Signal;
use work::{ADD, Job, MODES, PATIENCE, PROCEDURES, Place, UNTIL_STOPPED, skip, times_count};

/// A client by hand whose calls came from each CPU, so that every standby attends it; and the line it calls with.
fn attended(place: &Place) -> (Client, Line) {
    let mut client = Client::new(&place.dir, "work");
    let line = Line::of(&client.bind(&PROCEDURES), ADD);
    for cpu in cpus() {
        client.cpu = u16::try_from(cpu).ok();
        for _ in 0..20 {
            assert_eq!(client.call(&line).status(), Some(status::OK));
        }
    }
    (client, line)
}

/// Whether the server neither polls this client's ring nor sleeps on one of its bells.
fn is_cold(client: &Client) -> bool {
    poll::state(client.peer.load(server::STATUS)) != poll::POLLED
        && (0..BELL_COUNT).all(|n| client.peer.load(server::armed(n)) == armed::AWAY)
}

/// Does `attack` again and again on a thread, and `meanwhile` beside it.
fn during<R>(attack: impl Fn() + Sync, meanwhile: impl FnOnce() -> R) -> R {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                attack();
            }
        });
        let _stop = StopOnDrop(&stop);
        meanwhile()
    })
}

/// Waits until the server uses less than a tenth of a CPU for half a second.
fn calms_down(what: &str, place: &Place) {
    let start = Instant::now();
    loop {
        let (before, window) = (Used::by_all(place.server.pid()), Instant::now());
        std::thread::sleep(Duration::from_millis(500));
        let used = Used::by_all(place.server.pid()).since(before).cpu_time;
        println!("{what}: after {:.1?} the server used {used:.1?} of {:.1?}", start.elapsed(), window.elapsed());
        if used < window.elapsed() / 10 {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: the server stays busy");
    }
}

#[test]
fn bells_without_requests_are_counted_and_heard_for_a_while_only() {
    let place = Place::new();
    let asker = place.bind();
    let mut innocent = place.worker();
    let (mut hostile, line) = attended(&place);
    let before = asker.counts().unwrap().empty_bells;
    let ring = || {
        for n in (0..BELL_COUNT).filter(|&n| hostile.peer.load(server::armed(n)) == armed::ASLEEP) {
            hostile.ring_bell(n);
        }
    };
    innocent.begin(Job { pause_us: 500, ..Job::new(UNTIL_STOPPED) });
    during(ring, || {
        innocent.goes_on(200, "beside a storm of bells");
        let report = innocent.stop();
        println!("innocent calls: p50 {:.1?}, the longest {:.1?}", report.threads[0].median, report.worst());
        let start = Instant::now();
        while !is_cold(&hostile) {
            assert!(start.elapsed() < PATIENCE, "a pair that rings for nothing is not left alone");
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("cold after {:.1?} more", start.elapsed());
        calms_down("a storm of bells", &place);
    });
    let empty = asker.counts().unwrap().empty_bells - before;
    println!("{empty} empty bells");
    assert!(empty > 0, "not counted");
    assert_eq!(hostile.call(&line).status(), Some(status::OK), "an honest call, by a message");
}

#[test]
fn bells_that_change_just_before_a_sleep_do_not_keep_the_server_awake() {
    let place = Place::new();
    let mut innocent = place.worker();
    let (hostile, _) = attended(&place);
    // No system call: as fast as a CPU can, so that the word has changed whenever the server looks.
    let bells: Vec<_> = cpus().into_iter().map(client::bell).collect();
    let bump = || bells.iter().for_each(|&bell| (0..1000).for_each(|_| hostile.own.bump(bell)));
    innocent.begin(Job { pause_us: 500, ..Job::new(UNTIL_STOPPED) });
    during(bump, || {
        innocent.goes_on(200, "beside bells that change");
        // Called again and again, the server goes to sleep again and again.
        let report = innocent.stop();
        println!("innocent calls: p50 {:.1?}, the longest {:.1?}", report.threads[0].median, report.worst());
        calms_down("bells that change", &place);
    });
}

#[test]
fn a_client_that_takes_sleepers_away_hurts_nobody_but_itself() {
    let place = Place::new();
    let mut innocents: Vec<_> = cpus().into_iter().take(2).map(|cpu| confined(&[cpu], || place.worker())).collect();
    let (mut hostile, line) = attended(&place);
    let taken = AtomicBool::new(false);
    let take = || {
        for n in 0..BELL_COUNT {
            // Where to: a word that nobody knows.
            if hostile.own.requeue(client::bell(n), client::RING - 8) > 0 {
                taken.store(true, Ordering::Relaxed);
            }
        }
    };
    // Long enough pauses for the server to go to sleep.
    innocents.iter_mut().for_each(|worker| worker.begin(Job { pause_us: 4000, ..Job::new(UNTIL_STOPPED) }));
    during(take, || {
        innocents.iter_mut().for_each(|worker| worker.goes_on(300, "beside one that takes sleepers away"));
    });
    for worker in &mut innocents {
        let report = worker.stop();
        println!("innocent calls: p50 {:.1?}, the longest {:.1?}", report.threads[0].median, report.worst());
    }
    assert!(taken.load(Ordering::Relaxed), "no sleeper was taken away: the attack is none");
    assert_eq!(hostile.call(&line).status(), Some(status::OK), "by a message");
}

#[test]
fn a_client_that_is_stopped_in_the_middle_of_calls_costs_nothing_and_goes_on() {
    let place = Place::new();
    let (mut stopped, mut other) = (place.worker(), place.worker());
    let job = Job { threads: 3, transfer: None, pause_us: 50, spin_us: 50, ..Job::new(UNTIL_STOPPED) };
    let mut random = Random::new(16);
    stopped.begin(job);
    for round in 0..10 {
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        stopped.peer.signal(Signal::STOP);
        if round % 5 == 0 {
            calms_down("a stopped client", &place);
        }
        other.run(Job { pause_us: 100, ..Job::new(200) });
        stopped.peer.signal(Signal::CONT);
        stopped.goes_on(50, "stopped, and continued");
    }
    println!("{} calls by the one that was stopped ten times", stopped.stop().calls());
}

/// Each lie, and how a client in each mode fares with it.
fn lied_to(answers: bool, call: impl Fn(&str, &work::WorkClient, Transfer)) {
    if cfg!(feature = "no-steps") {
        return skip("servers that lie", "built with the feature no-steps: steps are what helps against them");
    }
    for how in WAITING {
        let place = Place::with(&format!("liar {answers} {how}"));
        // Of one that says to poll on CPU 0, the client is there as well.
        let client = place.bind();
        confined(&cpus()[..1], || {
            for transfer in MODES {
                client.binding().set_transfer(transfer);
                call(how, &client, transfer);
            }
        });
    }
}

#[test]
fn a_server_that_lies_and_is_silent_costs_the_time_out() {
    lied_to(false, |how, client, transfer| {
        let (start, before) = (Instant::now(), Task::own().cpu_time);
        let result = client.quick();
        let (time, used) = (start.elapsed(), Task::own().cpu_time - before);
        println!("{how}, {transfer:?}: {result:?} after {time:.1?}, of which {used:.1?} on a CPU");
        assert!(matches!(result, Err(CallError::Timeout { .. })), "{how}, {transfer:?}: {result:?}");
        assert!(time < PATIENCE, "{how}, {transfer:?}: {time:?} instead of 100 ms");
        if times_count() && transfer != Transfer::Spin {
            assert!(used < time / 2, "{how}, {transfer:?}: {used:?}");
        }
    });
}

#[test]
fn a_server_that_lies_and_answers_is_no_worse_than_late() {
    lied_to(true, |how, client, transfer| {
        let start = Instant::now();
        for n in 0..100 {
            assert_eq!(client.add(2, 3), Ok(5), "{how}, {transfer:?}, call {n}");
        }
        println!("{how}, {transfer:?}: {:.1?} a call", start.elapsed() / 100);
    });
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    if let Some((part, dir)) = Peer::part() {
        let mut words = part.splitn(3, ' ');
        if let (Some("liar"), Some(answers), Some(how)) = (words.next(), words.next(), words.next()) {
            work::end_with_the_test();
            let (answers, how) = (answers == "true", how.to_owned());
            let _liar = Liar::start(&dir, "work", move |connection| {
                deceive(&how, answers, Duration::MAX, connection);
            });
            process::ready();
            process::until_released();
        }
    }
    work::play();
}
