//! Two processes: this test binary starts itself as the server.

mod support;

use std::time::{Duration, Instant};

use nearcall::{BindError, CallError, Ran};
use support::{Probe, ProbeClient, ProbeError, Server, Shape};

/// How often a test with a bound on a time may find that the machine was busy with something else.
const ATTEMPTS: usize = 5;

#[test]
fn every_kind_of_parameter_crosses() {
    let server = Server::start("every_kind");
    let probe = server.bind();
    assert_eq!(probe.add(2, 3), Ok(5));
    assert_eq!(probe.text("naïve", 'x'), Ok("naïvex".to_owned()));
    let shape = Shape { id: 7, on: true, at: [1.5, -2.5] };
    assert_eq!(probe.turn(shape), Ok(Shape { id: 8, on: false, at: [-2.5, 1.5] }));
    assert_eq!(probe.all(&vec![shape; 3]), Ok(vec![shape; 6]));
    let mut count = 5;
    let mut buffer = [0; 100];
    assert_eq!(probe.fill(&mut count, 9, &mut buffer), Ok(9));
    assert_eq!((count, &buffer[..9], buffer[9]), (14, &[9; 9][..], 0));
    let mut bytes = *b"abc";
    probe.reverse(&mut bytes).unwrap();
    assert_eq!(&bytes, b"cba");
    assert_eq!(probe.fail(3), Err(CallError::App(ProbeError::Odd)));
    assert_eq!(probe.fail(4), Ok(2));
    let eight = [1u64, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(probe.wide(eight), Ok(eight));
}

#[test]
fn in_out_targets_are_untouched_on_any_error() {
    let server = Server::start("untouched");
    let probe = server.bind();
    let mut count = 5;
    let mut buffer = [7; 2000];
    assert_eq!(
        probe.fill(&mut count, 3, &mut buffer).unwrap_err(),
        CallError::TooLarge { size: 2000, limit: 1536 },
        "the capacity is more than `max`"
    );
    assert!(probe.fill(&mut count, 101, &mut buffer[..100]).is_err());
    assert_eq!((count, buffer), (5, [7; 2000]));
    assert!(matches!(probe.text(&"x".repeat(1537), 'x'), Err(CallError::TooLarge { size: 1537, limit: 1536 })));
}

#[test]
fn a_panic_is_the_callers_error_and_the_server_goes_on() {
    let server = Server::start("panic");
    let probe = server.bind();
    assert_eq!(probe.panic(), Err(CallError::Panicked));
    assert_eq!(probe.add(1, 1), Ok(2));
}

#[test]
fn a_timeout_ends_the_call_and_a_late_answer_goes_nowhere() {
    let server = Server::start("timeout");
    let probe = server.bind();
    let late = || {
        let start = Instant::now();
        assert_eq!(probe.sleep(300), Err(CallError::Timeout { ran: Ran::Maybe }));
        start.elapsed()
    };
    assert!((0..ATTEMPTS).any(|_| late() < Duration::from_millis(280)));
    for i in 0..1000 {
        assert_eq!(probe.add(i, 1), Ok(i + 1));
    }
}

#[test]
fn a_slow_procedure_does_not_keep_others_waiting() {
    let server = Server::start("slow");
    let probe = server.bind();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(probe.doze(400), Ok(())));
        std::thread::sleep(Duration::from_millis(50));
        let start = Instant::now();
        assert_eq!(probe.add(1, 2), Ok(3));
        assert!(start.elapsed() < Duration::from_millis(300), "{:?}", start.elapsed());
    });
}

#[test]
fn many_threads_call_at_once() {
    let server = Server::start("threads");
    let probe = server.bind();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let probe = &probe;
            scope.spawn(move || {
                for i in 0..2000 {
                    assert_eq!(probe.add(thread * 10_000, i), Ok(thread * 10_000 + i));
                }
            });
        }
    });
}

/// How long after the kill the last of four calls in flight knew of it. The server is killed for good.
fn known_after(server: &mut Server) -> Duration {
    let probe = server.bind();
    assert_eq!(probe.add(1, 2), Ok(3));
    let late = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| (probe.doze(5000), Instant::now()))).collect();
        std::thread::sleep(Duration::from_millis(100));
        let killed = Instant::now();
        server.kill();
        let known = calls.into_iter().map(|call| {
            let (result, at) = call.join().unwrap();
            assert!(matches!(result, Err(CallError::PeerDied { .. })), "{result:?}");
            at - killed
        });
        known.max().unwrap()
    });
    assert_eq!(probe.add(1, 2), Err(CallError::PeerDied { ran: Ran::No }));
    late
}

#[test]
fn a_killed_server_is_an_error_at_once_and_a_new_one_is_bound_again() {
    let mut server = Server::start("killed");
    let mut late = Vec::new();
    // The machine may stand still meanwhile, but not each time. Nobody's nap may have ended before.
    while late.last().is_none_or(|&last| last >= Duration::from_millis(100)) {
        assert!(late.len() < ATTEMPTS, "{late:?}");
        late.push(known_after(&mut server));
        assert!(late.last() < Some(&Duration::from_secs(4)), "{late:?}");
        server.restart();
    }
    let again = server.bind();
    assert_eq!(again.add(1, 2), Ok(3));
}

#[test]
fn nobody_there_is_said_with_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let error = nearcall::Binder::new("nobody").dir(dir.path()).bind::<ProbeClient>().unwrap_err();
    assert!(matches!(&error, BindError::NotFound { name, dir: at } if name == "nobody" && at == dir.path()), "{error}");
}

#[test]
fn a_different_interface_is_refused_with_a_readable_difference() {
    let server = Server::start("different");
    let error = nearcall::Binder::new("probe").dir(server.dir()).bind::<support::other::ProbeClient>().unwrap_err();
    let BindError::Incompatible { difference } = error else { panic!("{error}") };
    assert!(difference.contains("client: add(a: u32, b: u64) -> u32"), "{difference}");
    assert!(difference.contains("server: add(a: u32, b: u32) -> u32"), "{difference}");
    assert!(difference.contains("has no such procedure"), "{difference}");
}

#[test]
fn revocation_is_seen_by_the_next_call() {
    let server = Server::start("revoked");
    let probe = server.bind();
    assert_eq!(probe.withdraw(), Ok(()));
    let start = Instant::now();
    while probe.add(1, 1).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(probe.add(1, 1), Err(CallError::Revoked));
}

#[test]
fn a_pair_has_more_bindings_than_places_from_the_beginning() {
    let server = Server::start("many");
    let mut probes: Vec<_> = (0..400).map(|_| server.bind()).collect();
    for _ in 0..2 {
        probes.iter().for_each(|probe| assert_eq!(probe.add(1, 2), Ok(3)));
        // Their places are used again, those that are left stay what they are.
        let half = probes.split_off(200);
        drop(half);
        probes.extend((0..200).map(|_| server.bind()));
    }
}

#[test]
fn a_local_implementation_serves_the_same_calls() {
    use support::{ProbeCall, ProbeLocal};
    fn generic(probe: &impl ProbeCall) {
        assert_eq!(probe.add(1, 2), Ok(3));
        assert_eq!(probe.fail(1), Err(CallError::App(ProbeError::Odd)));
    }
    generic(&ProbeLocal(support::Tester));
    let server = Server::start("local");
    generic(&server.bind());
}

/// Not a test: the server, when this binary is started as one.
#[test]
fn serve() {
    support::serve_if_asked();
    let _: Option<&dyn Probe> = None;
}
