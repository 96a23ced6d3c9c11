//! Orders inside one process.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::{ALL, LOST, Slip, explore};

/// `ShortLock`: taken by an exchange, released by a store. The exchange compares here, because loom does not know that
/// an exchange of what is there changes nothing.
fn lock(slip: Slip) {
    explore(ALL, move || {
        let lock = Arc::new((AtomicBool::new(false), UnsafeCell::new(0)));
        let section = move |(held, value): &(AtomicBool, UnsafeCell<u32>)| {
            while held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
                thread::yield_now();
            }
            // SAFETY: the lock is held; loom fails the model if another thread's access is not ordered with this one.
            value.with_mut(|value| unsafe { *value += 1 });
            held.store(false, if slip == Slip::UnlockedRelaxed { Ordering::Relaxed } else { Ordering::Release });
        };
        let other = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || section(&lock))
        };
        section(&lock);
        other.join().unwrap();
    });
}

#[test]
fn a_short_lock_excludes_and_hands_on() {
    lock(Slip::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_short_lock_that_is_released_relaxed_hands_on_nothing() {
    lock(Slip::UnlockedRelaxed);
}

/// A lease, and the list's mutex with what it guards: whether the waiter waits on the condition variable.
#[derive(Default)]
struct Astacks {
    lease: AtomicU32,
    waiters: AtomicU32,
    list: Mutex<Waiter>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Waiter {
    #[default]
    None,
    Waits,
    Notified,
}

/// One thread waits for an A-stack and another gives one back by its lease. `membarrier` and the compiler fence that it
/// makes a full one stand here as two fences.
fn lease(slip: Slip) {
    explore(ALL, move || {
        let all = Arc::new(Astacks::default());
        let giver = {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                all.lease.store(1, Ordering::Release);
                if slip != Slip::NoLightBarrier {
                    fence(Ordering::SeqCst);
                }
                if all.waiters.load(Ordering::Relaxed) != 0 {
                    let mut waiter = all.list.lock().unwrap();
                    if *waiter == Waiter::Waits {
                        *waiter = Waiter::Notified;
                    }
                }
            })
        };
        let found = {
            let mut list = all.list.lock().unwrap();
            all.waiters.fetch_add(1, Ordering::Relaxed);
            if slip != Slip::NoHeavyBarrier {
                fence(Ordering::SeqCst);
            }
            let found = all.lease.load(Ordering::Relaxed) == 1;
            if !found {
                *list = Waiter::Waits;
            }
            found
        };
        giver.join().unwrap();
        assert!(found || *all.list.lock().unwrap() == Waiter::Notified, "{LOST}");
    });
}

#[test]
fn who_waits_for_an_astack_finds_it_or_is_notified() {
    lease(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_gives_an_astack_back_without_a_barrier_does_not_see_the_waiter() {
    lease(Slip::NoLightBarrier);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_waits_for_an_astack_without_a_barrier_does_not_find_it() {
    lease(Slip::NoHeavyBarrier);
}

/// A call is refused, or whoever revoked its binding waits for it. The code has `SeqCst` accesses where fences are
/// here.
fn revoked(slip: Slip) {
    explore(ALL, move || {
        let words = Arc::new((AtomicU32::new(1), AtomicBool::new(false)));
        let processor = {
            let words = Arc::clone(&words);
            thread::spawn(move || {
                let (right, busy) = &*words;
                if slip == Slip::RightBeforeBusy {
                    let right = right.load(Ordering::Relaxed) == 1;
                    fence(Ordering::SeqCst);
                    busy.store(true, Ordering::Relaxed);
                    return right;
                }
                busy.store(true, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                right.load(Ordering::Relaxed) == 1
            })
        };
        let (right, busy) = &*words;
        right.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let waits = busy.load(Ordering::Relaxed);
        let runs = processor.join().unwrap();
        assert!(waits || !runs, "runs after its binding was revoked");
    });
}

#[test]
fn a_revoked_call_is_refused_or_waited_for() {
    revoked(Slip::None);
}

#[test]
#[should_panic(expected = "runs after its binding was revoked")]
fn a_right_that_is_read_before_the_astack_is_busy_is_read_too_soon() {
    revoked(Slip::RightBeforeBusy);
}

/// A service is taken out when its rights are taken back and nothing runs on it: `Grants::run` and
/// `Served::take`. The value is the service; loom fails the model if a use of it is not ordered with its end.
fn taken(slip: Slip) {
    explore(ALL, move || {
        let all = Arc::new((AtomicU32::new(1), AtomicBool::new(false), UnsafeCell::new(7)));
        let processor = {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                let (right, busy, value) = &*all;
                let early = right.load(Ordering::Relaxed) == 1;
                busy.store(true, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                let may = if slip == Slip::RightBeforeBusy { early } else { right.load(Ordering::Relaxed) == 1 };
                if may {
                    // SAFETY: what the model is about.
                    assert_eq!(value.with(|value| unsafe { *value }), 7, "used after its end");
                }
                busy.store(false, if slip == Slip::FreedRelaxed { Ordering::Relaxed } else { Ordering::Release });
            })
        };
        let (right, busy, value) = &*all;
        right.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !busy.load(Ordering::Acquire) {
            // SAFETY: what the model is about.
            value.with_mut(|value| unsafe { *value = 0 });
        }
        processor.join().unwrap();
    });
}

#[test]
fn a_service_is_taken_when_no_call_uses_it() {
    taken(Slip::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_service_whose_right_is_read_before_the_astack_is_busy_is_taken_too_soon() {
    taken(Slip::RightBeforeBusy);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_service_whose_astack_is_freed_without_release_is_taken_too_soon() {
    taken(Slip::FreedRelaxed);
}

/// The room of a service that was taken out is passed on: `Room::pass_on`, `Grants::grant` and `Grants::run`. Whoever has read
/// a right uses the service that it was given to.
fn passed_on(slip: Slip) {
    explore(ALL, move || {
        // The right, busy, which service is called there, and the two.
        let services = [1, 0].map(UnsafeCell::new);
        let all = Arc::new((AtomicU32::new(1), AtomicBool::new(false), AtomicU32::new(0), services));
        let processor = {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                let (right, busy, current, services) = &*all;
                busy.store(true, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                let early = current.load(Ordering::Relaxed);
                let granted = right.load(Ordering::Acquire);
                if granted != 0 {
                    let late = current.load(Ordering::Relaxed);
                    let at = if slip == Slip::RoomBeforeRight { early } else { late };
                    // SAFETY: what the model is about.
                    let found = services[usize::try_from(at).unwrap()].with(|service| unsafe { *service });
                    assert_eq!(found, granted, "another's service");
                }
                busy.store(false, Ordering::Release);
            })
        };
        let (right, busy, current, services) = &*all;
        right.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !busy.load(Ordering::Acquire) {
            // SAFETY: what the model is about.
            services[0].with_mut(|service| unsafe { *service = 0 });
            // SAFETY: the same.
            services[1].with_mut(|service| unsafe { *service = 2 });
            current.store(1, Ordering::Relaxed);
            right.store(2, if slip == Slip::GrantedRelaxed { Ordering::Relaxed } else { Ordering::Release });
        }
        processor.join().unwrap();
    });
}

#[test]
fn a_right_leads_to_the_service_that_it_was_given_to() {
    passed_on(Slip::None);
}

#[test]
#[should_panic(expected = "another's service")]
fn a_room_that_is_read_before_its_right_has_another_service() {
    passed_on(Slip::RoomBeforeRight);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_right_that_is_given_without_release_leads_anywhere() {
    passed_on(Slip::GrantedRelaxed);
}
