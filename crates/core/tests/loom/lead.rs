//! The lead: leaving POLLED, what a promotion leaves behind, wakes that are put off.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;

use crate::pair::{POLLED, Pair, UNPOLLED};
use crate::reply::Call;
use crate::standby::{End, World};
use crate::{ALL, BOUNDED, LOST, Slip, explore};

/// The lead turns once more and becomes a standby that goes to sleep, while a caller publishes, spins as long as it
/// sees POLLED, a few turns at most, and rings.
fn leave(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 1>::of(Pair::polled);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let pair = &world.pairs[0];
                pair.publish(0);
                let _ = (0..2).all(|_| pair.status.load(Ordering::Relaxed) == POLLED);
                pair.ring(&world.seats, 0, false, slip);
            })
        };
        let lead = world.standby(0);
        let end = if lead.scan(slip) { End::Claimed } else { lead.leave_polled(slip) };
        caller.join().unwrap();
        let is_rung = world.pairs[0].message.load(Ordering::Acquire) == 1 || world.seats[0].bed.was_woken();
        assert!(end == End::Claimed || is_rung, "{LOST}");
    });
}

#[test]
fn a_lead_that_leaves_sees_the_request_or_is_woken() {
    leave(Slip::None);
}

#[test]
fn a_lead_that_leaves_needs_no_fence_but_that_before_its_sleep() {
    leave(Slip::NoFirstFence);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_sleeps_and_shows_polled_is_not_rung() {
    leave(Slip::StaysPolled);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_leaves_without_the_fence_before_its_sleep_loses_the_request() {
    leave(Slip::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_does_not_scan_before_its_sleep_loses_the_request() {
    leave(Slip::NoLastScan);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_that_does_not_fence_after_its_spin_does_not_ring() {
    leave(Slip::NoFenceInRing);
}

/// A pair that the lead polls is displaced from its seat while its caller rings.
fn displaced(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 1>::of(Pair::polled);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
            })
        };
        if slip != Slip::StaysPolled {
            world.pairs[0].status.store(UNPOLLED, Ordering::Release);
        }
        let found = world.standby(0).displace(slip);
        caller.join().unwrap();
        assert!(found || world.pairs[0].message.load(Ordering::Acquire) == 1, "{LOST}");
    });
}

#[test]
fn a_pair_that_leaves_the_lead_is_scanned_once_more_or_rung_for() {
    displaced(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_pair_that_leaves_the_lead_and_shows_polled_is_not_rung_for() {
    displaced(Slip::StaysPolled);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_pair_that_leaves_the_lead_without_a_fence_is_forgotten() {
    displaced(Slip::NoFenceAfterAway);
}

/// The lead at seat 0 gives up the lead, and seat 1 takes it. Both write the status of the pair.
fn handed_on(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 2>::of(Pair::polled);
        let lead = Arc::new(AtomicU32::new(1));
        let next = {
            let (world, lead) = (Arc::clone(&world), Arc::clone(&lead));
            thread::spawn(move || {
                let leads = lead.compare_exchange(0, 2, Ordering::AcqRel, Ordering::Relaxed).is_ok();
                if leads {
                    world.pairs[0].status.store(POLLED, Ordering::Release);
                }
                leads
            })
        };
        let give_up = || lead.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).unwrap();
        let status = &world.pairs[0].status;
        if slip == Slip::GivesUpFirst {
            give_up();
            status.store(UNPOLLED, Ordering::Release);
        } else {
            status.store(UNPOLLED, Ordering::Release);
            give_up();
        }
        let leads = next.join().unwrap();
        assert_eq!(status.load(Ordering::Relaxed) == POLLED, leads, "the status is not the lead's");
    });
}

#[test]
fn the_next_lead_writes_the_status_last() {
    handed_on(Slip::None);
}

/// Nothing is lost: whoever polls is not seen to, and is rung for nothing.
#[test]
#[should_panic(expected = "the status is not the lead's")]
fn a_lead_that_gives_up_before_it_has_written_hides_the_next_one() {
    handed_on(Slip::GivesUpFirst);
}

/// The lead answers two calls, looks at each wait word at once without a fence, and on its first idle turn fences and
/// looks at both again. Their callers go to sleep meanwhile.
fn put_off(slip: Slip) {
    explore(BOUNDED, move || {
        let calls = Arc::new([Call::default(), Call::default()]);
        let callers = [0, 1].map(|i| {
            let calls = Arc::clone(&calls);
            thread::spawn(move || calls[i].wait(1, slip))
        });
        for call in calls.iter() {
            call.reply.store(1, Ordering::Release);
            call.wake_if_waiting(1);
        }
        let answered = match slip {
            Slip::LooksAtTheLast => &calls[1..],
            Slip::ForgetsAnswered | Slip::Endless => &[],
            _ => &calls[..],
        };
        if slip == Slip::LooksBeforeFence {
            answered.iter().for_each(|call| call.wake_if_waiting(1));
        }
        if slip != Slip::NoFenceAfterReplies {
            fence(Ordering::SeqCst);
        }
        if slip != Slip::LooksBeforeFence {
            answered.iter().for_each(|call| call.wake_if_waiting(1));
        }
        let ends = callers.map(|caller| caller.join().unwrap());
        for (call, end) in calls.iter().zip(ends) {
            assert!(end != End::Asleep || call.bed.was_woken(), "{LOST}");
        }
    });
}

#[test]
fn callers_whose_wake_is_put_off_are_woken_on_the_first_idle_turn() {
    put_off(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_looks_without_a_fence_only_loses_a_caller() {
    put_off(Slip::NoFenceAfterReplies);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_looks_before_its_fence_loses_a_caller() {
    put_off(Slip::LooksBeforeFence);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_looks_at_the_last_call_only_loses_a_caller() {
    put_off(Slip::LooksAtTheLast);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_leaves_and_forgets_whom_it_answered_loses_a_caller() {
    put_off(Slip::ForgetsAnswered);
}

/// The time-out case: it ends with the procedure, or with the caller's step.
#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_whose_wake_is_put_off_behind_an_endless_procedure_needs_its_step() {
    put_off(Slip::Endless);
}
