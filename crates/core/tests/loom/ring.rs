//! A request, who looks for it, and who is rung.

use loom::sync::Arc;
use loom::sync::atomic::Ordering;
use loom::thread;

use crate::pair::{ASLEEP, AWAY, LOOKING};
use crate::standby::{End, World};
use crate::{ALL, BOUNDED, LOST, Slip, explore};

/// A caller publishes and rings while the standby goes to sleep.
fn one_standby(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 1>::looking();
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
            })
        };
        let end = world.standby(0).attend(slip);
        caller.join().unwrap();
        assert!(end == End::Claimed || world.seats[0].bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_standby_that_goes_to_sleep_sees_the_request_or_is_woken() {
    one_standby(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_bell_that_is_read_after_the_scan_loses_the_wake() {
    one_standby(Slip::BellAfterScan);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_bell_that_the_scan_may_overtake_loses_the_wake() {
    one_standby(Slip::BellNotFenced);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_without_its_fence_loses_the_wake() {
    one_standby(Slip::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_that_does_not_scan_after_it_wrote_asleep_loses_the_wake() {
    one_standby(Slip::NoLastScan);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_that_sleeps_while_it_shows_looking_is_not_rung() {
    one_standby(Slip::SleepsWhileLooking);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_without_its_fence_does_not_ring() {
    one_standby(Slip::NoFenceInRing);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_wake_before_the_bump_is_lost() {
    one_standby(Slip::WakeBeforeBump);
}

/// A caller of pair 1 rings while the standby, which has claimed a request of pair 0, runs it and then goes to sleep.
/// Says whether the request is found without a time-out; after the step it must be.
fn beside_a_procedure(slip: Slip, with_step: bool) {
    explore(ALL, move || {
        let world = World::<2, 1>::looking();
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.pairs[1].publish(0);
                world.pairs[1].ring(&world.seats, 0, false, slip);
            })
        };
        let standby = world.standby(0);
        standby.arm(AWAY);
        // The procedure runs here.
        let end = if slip == Slip::Endless {
            None
        } else {
            standby.arm(LOOKING);
            Some(standby.attend(slip))
        };
        caller.join().unwrap();
        let pair = &world.pairs[1];
        if with_step {
            // Long after the first look.
            pair.ring(&world.seats, 0, true, slip);
        }
        let is_rung = pair.message.load(Ordering::Acquire) == 1 || world.seats[0].bed.was_woken();
        assert!(end == Some(End::Claimed) || is_rung, "{LOST}");
    });
}

#[test]
fn a_caller_that_saw_looking_before_a_procedure_is_found_after_it() {
    beside_a_procedure(Slip::None, false);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_that_saw_looking_before_an_endless_procedure_needs_its_step() {
    beside_a_procedure(Slip::Endless, false);
}

#[test]
fn a_caller_that_saw_looking_before_an_endless_procedure_rings_after_its_step() {
    beside_a_procedure(Slip::Endless, true);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_that_sleeps_after_its_procedure_without_a_scan_loses_the_request() {
    beside_a_procedure(Slip::NoLastScan, false);
}

/// Two standbys attend one pair; a caller on the CPU of the first rings one of them. Both go to sleep, or one runs the
/// request: never both.
fn two_standbys(slip: Slip) {
    explore(BOUNDED, move || {
        let world = World::<1, 2>::looking();
        let [caller, other] = [0, 1].map(|part| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                if part == 1 {
                    return Some(world.standby(1).attend(slip));
                }
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
                None
            })
        });
        let first = world.standby(0).attend(slip);
        caller.join().unwrap();
        let ends = [Some(first), other.join().unwrap()];
        let claims = ends.iter().filter(|end| **end == Some(End::Claimed)).count();
        assert!(claims <= 1, "run twice");
        assert!(claims == 1 || world.seats.iter().any(|seat| seat.bed.was_woken()), "{LOST}");
    });
}

#[test]
fn of_two_standbys_one_sees_the_request_or_is_woken() {
    two_standbys(Slip::None);
}

#[test]
#[should_panic(expected = "run twice")]
fn a_claim_in_two_steps_runs_a_request_twice() {
    two_standbys(Slip::ClaimNotAtomic);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn two_standbys_without_fences_lose_the_wake() {
    two_standbys(Slip::NoFenceBeforeSleep);
}

/// The standby of the caller's CPU is away; the other one sleeps, or is about to.
fn the_other_standby(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 2>::looking();
        world.pairs[0].armed[0].store(AWAY, Ordering::Relaxed);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
            })
        };
        let end = world.standby(1).attend(slip);
        caller.join().unwrap();
        assert!(end == End::Claimed || world.seats[1].bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_caller_rings_the_standby_of_another_cpu() {
    the_other_standby(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_bell_that_nobody_sleeps_on_wakes_nobody() {
    the_other_standby(Slip::WrongBell);
}

/// Threads of one client ring one standby. The requests of all but the last were served meanwhile, so that only the
/// last has one that must be found; all bump.
fn callers(count: usize, slip: Slip) {
    explore(BOUNDED, move || {
        let world = World::<1, 1>::looking();
        world.pairs[0].armed[0].store(ASLEEP, Ordering::Relaxed);
        let callers: Vec<_> = (1..=count)
            .map(|number| {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    if number == count {
                        world.pairs[0].publish(0);
                    }
                    world.pairs[0].ring(&world.seats, 0, false, slip);
                })
            })
            .collect();
        let end = world.standby(0).attend(slip);
        for caller in callers {
            caller.join().unwrap();
        }
        assert!(end == End::Claimed || world.seats[0].bed.was_woken(), "{LOST}");
    });
}

#[test]
fn two_callers_wake_one_standby() {
    callers(2, Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_fence_before_the_bells_does_not_see_behind_the_last_bump() {
    callers(2, Slip::FenceBeforeBells);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_value_that_a_bell_had_before_loses_a_wake() {
    callers(3, Slip::BumpNotAtomic);
}

/// A pair is displaced from its seat while its caller rings.
fn displaced(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 1>::looking();
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
            })
        };
        let found = world.standby(0).displace(slip);
        caller.join().unwrap();
        assert!(found || world.pairs[0].message.load(Ordering::Acquire) == 1, "{LOST}");
    });
}

#[test]
fn a_pair_that_leaves_its_seat_is_scanned_once_more_or_rung_for() {
    displaced(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_pair_that_leaves_its_seat_without_a_fence_is_forgotten() {
    displaced(Slip::NoFenceAfterAway);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_pair_that_leaves_its_seat_without_a_scan_is_forgotten() {
    displaced(Slip::NoScanAfterAway);
}
