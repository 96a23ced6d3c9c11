//! Calls that are started, and end later.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "support/block_on.rs"]
mod block_on;
mod support;

use std::time::{Duration, Instant};

use block_on::block_on;
use nearcall::{CallError, Exporter, Pending, Ran, wait_any};
use rustix::process::Signal;
use support::{ProbeCall, ProbeError, ProbeLocal, ProbeServer, Server, Shape, Tester, serve_if_asked_by};

#[test]
fn serve() {
    serve_if_asked_by(|dir| {
        let probe = Exporter::new("probe").dir(dir).export(ProbeServer::new(Tester)).unwrap();
        (probe, Exporter::new("large").dir(dir).export(LargeServer::new(Tester)).unwrap())
    });
}

/// What does not fit a frame.
#[nearcall::interface]
pub trait Large {
    fn make(&self, size: u32, byte: u8) -> Vec<u8>;
    fn sum(&self, bytes: &[u8]) -> u64;
    #[call(exhausted = "grow(9)")]
    fn grown(&self, milliseconds: u32);
}

impl Large for Tester {
    fn make(&self, size: u32, byte: u8) -> Vec<u8> {
        vec![byte; size as usize]
    }
    fn sum(&self, bytes: &[u8]) -> u64 {
        bytes.iter().map(|&byte| u64::from(byte)).sum()
    }
    fn grown(&self, milliseconds: u32) {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }
}

fn signal(server: &Server, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Stops all kernel threads of it.
fn stop(server: &Server) {
    signal(server, Signal::STOP);
    let is_stopped = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
        let mut stats = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
        stats.all(|stat| stat.contains(") T "))
    };
    while !is_stopped() {
        std::thread::yield_now();
    }
}

#[test]
fn a_started_call_ends_as_a_call_does_whatever_its_parameters() {
    let server = Server::start("forms");
    let probe = server.bind();
    for how in 0..3 {
        fn end<T, E>(pending: Pending<'_, T, E>, how: u32) -> Result<T, CallError<E>> {
            let mut pending = pending;
            match how {
                0 => pending.wait(),
                1 => block_on(pending),
                _ => loop {
                    if let Some(result) = pending.try_take() {
                        return result;
                    }
                    std::thread::yield_now();
                },
            }
        }
        assert_eq!(end(probe.start_add(2, 3).unwrap(), how).unwrap(), 5);
        assert_eq!(end(probe.start_text("a", 'b').unwrap(), how).unwrap(), "ab");
        let shape = Shape { id: 1, on: true, at: [1.0, 2.0] };
        let turned = Shape { id: 2, on: false, at: [2.0, 1.0] };
        assert_eq!(end(probe.start_turn(shape).unwrap(), how).unwrap(), turned);
        assert_eq!(end(probe.start_all(&vec![shape]).unwrap(), how).unwrap(), [shape, shape]);
        let (mut count, mut buffer) = (7, [0; 8]);
        assert_eq!(end(probe.start_fill(&mut count, 3, &mut buffer).unwrap(), how).unwrap(), 3);
        assert_eq!((count, buffer), (10, [3, 3, 3, 0, 0, 0, 0, 0]));
        let failed = end(probe.start_fill(&mut count, 9, &mut buffer).unwrap(), how);
        assert_eq!(failed, Err(CallError::App(ProbeError::Full)));
        assert_eq!((count, buffer), (10, [3, 3, 3, 0, 0, 0, 0, 0]));
        let mut bytes = *b"abc";
        end(probe.start_reverse(&mut bytes).unwrap(), how).unwrap();
        assert_eq!(&bytes, b"cba");
        assert_eq!(end(probe.start_fail(4).unwrap(), how).unwrap(), 2);
        assert_eq!(end(probe.start_fail(5).unwrap(), how), Err(CallError::App(ProbeError::Odd)));
        assert_eq!(end(probe.start_wide([9; 8]).unwrap(), how).unwrap(), [9; 8]);
        assert_eq!(end(probe.start_panic().unwrap(), how), Err(CallError::Panicked));
    }
}

#[test]
fn without_a_boundary_it_is_over_when_it_was_started() {
    let local = ProbeLocal(Tester);
    let mut pending = local.start_add(2, 3).unwrap();
    assert!(pending.is_done());
    assert_eq!(pending.try_take(), Some(Ok(5)));
    assert_eq!(pending.try_take(), Some(Err(CallError::Aborted)));
    let mut count = 1;
    assert_eq!(block_on(local.start_fill(&mut count, 2, &mut [0; 4]).unwrap()), Ok(2));
    assert_eq!(count, 3);
    assert_eq!(local.add(1, 1), Ok(2));
}

#[test]
fn many_at_once_run_beside_each_other_and_one_more_is_refused_at_once() {
    let server = Server::start("many");
    let probe = server.bind();
    let mut all: Vec<_> = (0..5).map(|_| probe.start_doze(200).unwrap()).collect();
    let begin = Instant::now();
    assert_eq!(probe.start_doze(0).map(drop), Err(CallError::NoAStack));
    assert!(begin.elapsed() < Duration::from_millis(100));
    assert!(all.iter().all(|pending| !pending.is_done()));
    assert_eq!(all[0].wait_timeout(Duration::from_millis(1)), None);
    assert_eq!(all[0].wait_until(Instant::now()), None);
    assert_eq!(all[0].try_take(), None);
    all.into_iter().for_each(|pending| pending.wait().unwrap());
    probe.start_doze(0).unwrap().wait().unwrap();
}

#[test]
fn a_dropped_call_is_given_up_and_its_astack_comes_back() {
    let server = Server::start("drop");
    let probe = server.bind();
    for _ in 0..200 {
        drop(probe.start_add(1, 2).unwrap_or_else(|_| {
            loop {
                if let Ok(pending) = probe.start_add(1, 2) {
                    break pending;
                }
            }
        }));
    }
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        // All five come back, as soon as the answers are there.
        let all: Vec<_> = (0..5).map(|_| probe.start_add(1, 2)).collect();
        let whole = all.iter().all(Result::is_ok);
        all.into_iter().flatten().for_each(|pending| assert_eq!(pending.wait(), Ok(3)));
        if whole {
            break;
        }
        assert!(Instant::now() < until, "lost");
    }
}

#[test]
fn the_time_out_ends_it_however_it_is_waited_for() {
    let server = Server::start("late");
    let probe = server.bind();
    let late = Err(CallError::Timeout { ran: Ran::Maybe });
    assert_eq!(probe.start_sleep(400).unwrap().wait(), late);
    assert_eq!(block_on(probe.start_sleep(400).unwrap()), late);
    let mut pending = probe.start_sleep(400).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    assert!(pending.is_done());
    assert_eq!(pending.try_take(), Some(late));
}

#[test]
fn the_server_s_death_ends_all_of_them() {
    let mut server = Server::start("death");
    let probe = server.bind();
    let all: Vec<_> = (0..5).map(|_| probe.start_doze(60_000).unwrap()).collect();
    std::thread::scope(|scope| {
        let waiters: Vec<_> = all
            .into_iter()
            .enumerate()
            .map(|(i, pending)| scope.spawn(move || if i % 2 == 0 { block_on(pending) } else { pending.wait() }))
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        server.kill();
        for waiter in waiters {
            assert!(matches!(waiter.join().unwrap(), Err(CallError::PeerDied { .. })));
        }
    });
    assert!(matches!(probe.start_add(1, 2).map(drop), Err(CallError::PeerDied { ran: Ran::No })));
}

#[test]
fn a_stopped_server_does_not_hold_up_who_starts() {
    let server = Server::start("stopped");
    let probe = server.bind();
    assert_eq!(probe.add(1, 2), Ok(3));
    stop(&server);
    let begin = Instant::now();
    let mut all: Vec<_> = (0..5).map(|i| probe.start_add(i, 1).unwrap()).collect();
    assert_eq!(probe.start_add(0, 0).map(drop), Err(CallError::NoAStack));
    assert!(all.iter_mut().all(|pending| pending.try_take().is_none()));
    // Far longer than it takes, and far less than the time-out.
    assert!(begin.elapsed() < Duration::from_secs(1));
    signal(&server, Signal::CONT);
    for (pending, i) in all.into_iter().zip(0..) {
        assert_eq!(block_on(pending), Ok(i + 1));
    }
}

#[test]
fn whichever_of_several_ends_first_is_found() {
    let (one, mut other) = (Server::start("one"), Server::start("other"));
    let (first, second) = (one.bind(), other.bind());
    assert_eq!(wait_any::<(), std::convert::Infallible>(&mut []), None);
    let mut all = vec![first.start_doze(500).unwrap(), second.start_doze(2).unwrap(), first.start_doze(500).unwrap()];
    assert_eq!(wait_any(&mut all), Some(1));
    assert_eq!(all.remove(1).wait(), Ok(()));
    all.into_iter().for_each(|pending| pending.wait().unwrap());
    let mut all: Vec<_> = (0..4).map(|i| first.start_add(i, i).unwrap()).collect();
    let mut sum = 0;
    while let Some(at) = wait_any(&mut all) {
        sum += all.swap_remove(at).wait().unwrap();
    }
    assert_eq!(sum, 12);
    // A time-out, and a death.
    let mut late = vec![first.start_sleep(400).unwrap(), second.start_doze(60_000).unwrap()];
    assert_eq!(wait_any(&mut late), Some(0));
    assert_eq!(late.remove(0).wait(), Err(CallError::Timeout { ran: Ran::Maybe }));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            other.kill();
        });
        assert_eq!(wait_any(&mut late), Some(0));
    });
    assert!(matches!(late.remove(0).wait(), Err(CallError::PeerDied { .. })));
}

#[test]
fn large_results_come_without_a_wait_in_between() {
    let server = Server::start("large");
    let large: LargeClient = server.bind_to("large");
    const SIZE: u32 = 1 << 17;
    for _ in 0..2 {
        let mut all: Vec<_> = (0..5).map(|byte| large.start_make(SIZE, byte).unwrap()).collect();
        let is = |result: Result<Vec<u8>, _>, byte: u8| result.is_ok_and(|bytes| bytes == vec![byte; SIZE as usize]);
        assert!(is(block_on(&mut all[3]), 3));
        assert!(is(all.remove(4).wait(), 4));
        let at = wait_any(&mut all[..3]).unwrap();
        assert!(is(all[at].try_take().unwrap(), u8::try_from(at).unwrap()));
        all.truncate(3);
        drop(all.remove(at));
        all.into_iter().for_each(|pending| assert!(pending.wait().is_ok()));
    }
    // Another server, whose segments nobody has mapped: it has answered, and is stopped before it is asked for the rest.
    let server = Server::start("large stopped");
    let large: LargeClient = server.bind_to("large");
    let mut pending = large.start_make(SIZE, 9).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    stop(&server);
    let begin = Instant::now();
    assert!(pending.try_take().is_none());
    assert!(!pending.is_done());
    assert!(pending.try_take().is_none());
    assert!(begin.elapsed() < Duration::from_millis(500));
    signal(&server, Signal::CONT);
    assert_eq!(block_on(pending).unwrap(), [9; SIZE as usize]);
}

#[test]
fn large_arguments_need_memory_that_is_there() {
    let server = Server::start("arguments");
    let large: LargeClient = server.bind_to("large");
    let bytes = vec![1; 8 << 10];
    assert_eq!(large.start_sum(&bytes).map(drop), Err(CallError::WouldBlock));
    assert_eq!(large.start_sum(&bytes[..1000]).unwrap().wait(), Ok(1000));
    assert_eq!(large.sum(&bytes), Ok(8 << 10));
    // The A-stack that this thread has leased has memory now.
    assert_eq!(large.start_sum(&bytes).unwrap().wait(), Ok(8 << 10));
}

#[test]
fn a_class_grows_meanwhile() {
    let server = Server::start("grows");
    let large: LargeClient = server.bind_to("large");
    let begin = Instant::now();
    let mut all = Vec::new();
    while all.len() < 9 {
        match large.start_grown(1000) {
            Ok(pending) => all.push(pending),
            Err(error) => assert_eq!(error, CallError::NoAStack),
        }
        assert!(begin.elapsed() < Duration::from_millis(900), "{}", all.len());
        std::thread::yield_now();
    }
    assert_eq!(large.start_grown(0).map(drop), Err(CallError::NoAStack));
    all.into_iter().for_each(|pending| pending.wait().unwrap());
}
