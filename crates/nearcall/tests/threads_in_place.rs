//! A thread that is joined before it has started runs in the place of the one that joins it: nobody can tell, but by what it
//! costs. One worker, so that nothing is stolen.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearcall::sync::Semaphore;
use nearcall::thread::{self, JoinError, WaitError};

/// Longer than a test takes.
fn late() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Runs `test` on a thread of the only worker.
fn on_worker(test: impl FnOnce() + Send + 'static) {
    thread::set_workers(1);
    if let Err(JoinError::Panicked(payload)) = thread::spawn(test).join() {
        resume_unwind(payload);
    }
}

fn tree(depth: u32) -> u64 {
    if depth == 0 {
        return 1;
    }
    let forked = thread::spawn(move || tree(depth - 1));
    tree(depth - 1) + forked.join().unwrap()
}

#[test]
fn one_in_the_place_of_one_in_the_place_of_another() {
    fn chain(depth: u32) -> u64 {
        let suspends = depth.is_multiple_of(7);
        if suspends {
            thread::yield_now();
        }
        match depth {
            0 => 0,
            _ => 1 + thread::spawn(move || chain(depth - 1)).join().unwrap(),
        }
    }
    on_worker(|| {
        assert_eq!(tree(10), 1024);
        // Deeper than are run in place between two turns of the loop.
        assert_eq!(chain(500), 500);
    });
}

#[test]
fn one_that_suspends_is_waited_for() {
    on_worker(|| {
        let go = Arc::new(Semaphore::new(0));
        for _ in 0..200 {
            let (theirs, back) = (Arc::clone(&go), Arc::clone(&go));
            let waits = thread::spawn(move || {
                theirs.acquire().unwrap().forget();
                thread::yield_now();
                thread::sleep(Duration::from_micros(10)).unwrap();
                7
            });
            let releases = thread::spawn(move || back.release(1));
            assert_eq!(waits.join().unwrap(), 7);
            releases.join().unwrap();
        }
    });
}

#[test]
fn a_deadline_counts_from_where_it_suspends() {
    on_worker(|| {
        let mut parks = thread::spawn(|| thread::park_until(late()));
        let soon = Instant::now() + Duration::from_millis(5);
        assert_eq!(parks.wait_until(soon), Err(WaitError::TimedOut));
        assert!(!parks.is_finished());
        parks.thread().unpark();
        assert_eq!(parks.join().unwrap(), Ok(()));
        // Nobody asks any more, and it goes on by itself.
        let ended = Arc::new(Semaphore::new(0));
        let theirs = Arc::clone(&ended);
        let mut parks = thread::spawn(move || {
            let parked = thread::park_until(late());
            theirs.release(1);
            parked
        });
        assert_eq!(parks.wait_until(Instant::now()), Err(WaitError::TimedOut));
        let thread = parks.thread();
        drop(parks);
        thread.unpark();
        ended.acquire().unwrap().forget();
    });
}

#[test]
fn those_that_are_ready_or_due_get_their_turns() {
    on_worker(|| {
        let (over, turns) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
        let (seen, count) = (Rc::clone(&over), Rc::clone(&turns));
        let other = thread::spawn_local(move || {
            while !seen.get() {
                count.set(count.get() + 1);
                thread::yield_now();
            }
        });
        // As often as any of two that are always ready.
        for n in 0..1000 {
            assert_eq!(thread::spawn(move || n).join().unwrap(), n);
        }
        assert!(turns.get() >= 900, "{}", turns.get());
        over.set(true);
        other.join().unwrap();
        // With nothing ready, what is due comes in time.
        let rung = Rc::new(Cell::new(false));
        let theirs = Rc::clone(&rung);
        let sleeps = thread::spawn_local(move || {
            thread::sleep(Duration::from_millis(2)).unwrap();
            theirs.set(true);
        });
        let end = late();
        while !rung.get() {
            thread::spawn(|| ()).join().unwrap();
            assert!(Instant::now() < end, "it goes on for ever");
        }
        sleeps.join().unwrap();
    });
}

#[test]
fn what_one_makes_ready_goes_on_before_the_one_that_joins_it() {
    on_worker(|| {
        let (go, log) = (Arc::new(Semaphore::new(0)), Rc::new(RefCell::new(Vec::new())));
        let (theirs, notes) = (Arc::clone(&go), Rc::clone(&log));
        let waits = thread::spawn_local(move || {
            theirs.acquire().unwrap().forget();
            notes.borrow_mut().push("who was let go");
        });
        thread::yield_now();
        thread::spawn(move || go.release(1)).join().unwrap();
        log.borrow_mut().push("who joined");
        waits.join().unwrap();
        assert_eq!(*log.borrow(), ["who was let go", "who joined"]);
    });
}

#[test]
fn a_panic_is_its_own_and_the_order_is_that_of_the_joins() {
    on_worker(|| {
        let panics = thread::spawn(|| -> u32 { resume_unwind(Box::new("gone")) });
        match panics.join() {
            Err(JoinError::Panicked(payload)) => assert_eq!(payload.downcast_ref(), Some(&"gone")),
            other => panic!("{other:?}"),
        }
        // The second is not the next, so the first runs before it.
        let log = Arc::new(Mutex::new(Vec::new()));
        let fork = |who: u32| {
            let log = Arc::clone(&log);
            thread::spawn(move || log.lock().unwrap().push(who))
        };
        let (first, second) = (fork(1), fork(2));
        second.join().unwrap();
        first.join().unwrap();
        assert_eq!(*log.lock().unwrap(), [1, 2]);
    });
}

#[test]
fn who_was_cancelled_runs_nobody() {
    on_worker(|| {
        let cancelled = Rc::new(Cell::new(false));
        let seen = Rc::clone(&cancelled);
        let joins = thread::spawn_local(move || {
            while !seen.get() {
                thread::yield_now();
            }
            let (theirs, other) = (Rc::new(Cell::new(false)), thread::spawn(|| 1));
            let ran = Rc::clone(&theirs);
            let local = thread::spawn_local(move || theirs.set(true));
            (other.join(), local.join(), ran.get())
        });
        joins.cancel();
        cancelled.set(true);
        let ended = joins.join().unwrap();
        assert!(matches!(ended, (Err(JoinError::Cancelled), Err(JoinError::Cancelled), false)));
    });
}

#[test]
fn a_token_for_the_one_that_joins_is_kept() {
    on_worker(|| {
        let me = thread::current();
        thread::spawn(move || me.unpark()).join().unwrap();
        assert_eq!(thread::park_until(late()), Ok(()));
        let soon = Instant::now() + Duration::from_millis(2);
        assert_eq!(thread::park_until(soon), Err(WaitError::TimedOut));
    });
}
