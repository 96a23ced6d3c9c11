//! A seat whose occupant's procedure sleeps: open, taken back, or another's.

use loom::sync::Arc;
use loom::sync::atomic::{Ordering, fence};
use loom::thread;

use crate::pair::{AWAY, LOOKING, POLLED, Pair, UNPOLLED};
use crate::standby::{DOUBTED, End, NEW, OLD, OPEN, Standby, World};
use crate::{ALL, BOUNDED, LOST, Slip, explore};

impl Standby<'_> {
    /// The procedure is about to sleep: out of POLLED, if this is the lead; OPEN; fence; scan once, and ask the watcher to
    /// bring to a seat what was found.
    fn open(&self, leads: bool, slip: Slip) {
        let _books = (slip != Slip::OpenUnlocked).then(|| self.seat.books.lock().unwrap());
        if self.seat.occupant.load(Ordering::Relaxed) & !DOUBTED != OLD {
            return;
        }
        if leads && slip != Slip::StaysPolled {
            self.pairs.iter().for_each(|pair| pair.status.store(UNPOLLED, Ordering::Release));
        }
        self.seat.occupant.store(OLD | OPEN, Ordering::Release);
        if slip != Slip::NoFenceAfterOpen {
            fence(Ordering::SeqCst);
        }
        if slip == Slip::NoScanAfterOpen {
            return;
        }
        for pair in self.pairs.iter().filter(|pair| pair.has_request()) {
            pair.message.store(1, Ordering::Release);
        }
    }

    /// The procedure is awake. Says whether the seat is still its own.
    fn take_back(&self, slip: Slip) -> bool {
        if slip == Slip::BackByStore {
            self.seat.occupant.store(OLD, Ordering::Release);
            return true;
        }
        self.seat.occupant.compare_exchange(OLD | OPEN, OLD, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The watcher gives the seat to a new one, who looks at what the old one attended: if it is open.
    fn follow(&self, leads: bool, slip: Slip) -> End {
        if self.seat.occupant.compare_exchange(OLD | OPEN, NEW, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return End::Left;
        }
        if leads {
            return self.leave_polled(slip);
        }
        self.arm(LOOKING);
        self.attend(slip)
    }
}

/// An occupant enters a procedure that sleeps for ever, while a caller of the same pair rings. There are no steps.
fn sleeps(leads: bool, slip: Slip) {
    explore(ALL, move || {
        let world = if leads { World::<1, 1>::of(Pair::polled) } else { World::looking() };
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
            })
        };
        let old = world.standby(0);
        old.arm(AWAY);
        old.seat.step(slip);
        old.open(leads, slip);
        caller.join().unwrap();
        let is_rung = world.pairs[0].message.load(Ordering::Acquire) == 1;
        assert!(is_rung && old.follow(leads, slip) == End::Claimed, "{LOST}");
    });
}

#[test]
fn a_request_beside_a_procedure_that_sleeps_is_found_at_once() {
    sleeps(false, Slip::None);
}

#[test]
fn a_request_to_a_lead_whose_procedure_sleeps_is_found_at_once() {
    sleeps(true, Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn an_occupant_that_opens_without_a_fence_leaves_who_saw_it_looking() {
    sleeps(false, Slip::NoFenceAfterOpen);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn an_occupant_that_opens_without_a_look_leaves_who_saw_it_looking() {
    sleeps(false, Slip::NoScanAfterOpen);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_opens_without_a_fence_leaves_who_saw_it_polling() {
    sleeps(true, Slip::NoFenceAfterOpen);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_opens_and_shows_polled_is_not_rung() {
    sleeps(true, Slip::StaysPolled);
}

/// The same, and the sleep ends while the watcher gives the seat away. Then everybody goes to sleep.
fn wakes(slip: Slip) {
    explore(BOUNDED, move || {
        let world = World::<1, 1>::looking();
        let [caller, new] = [0, 1].map(|part| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                if part == 1 {
                    return world.standby(0).follow(false, slip);
                }
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
                End::Left
            })
        });
        let old = be_inside(&world, slip);
        caller.join().unwrap();
        let ends = [old, new.join().unwrap()];
        let (pair, bed) = (&world.pairs[0], &world.seats[0].bed);
        let is_rung = pair.message.load(Ordering::Acquire) == 1 || bed.was_woken();
        assert!(ends.contains(&End::Claimed) || is_rung, "{LOST}");
        assert!(ends.contains(&End::Left), "two occupants");
    });
}

/// AWAY; inside; open; taken back; out; LOOKING; and so on.
fn be_inside(world: &World<1, 1>, slip: Slip) -> End {
    let old = world.standby(0);
    old.arm(AWAY);
    old.seat.step(slip);
    old.open(false, slip);
    let kept = old.take_back(slip);
    let out = old.seat.exit(slip);
    assert!(slip != Slip::None || kept == out, "it has come out of a seat that it did not take back");
    if !out {
        return End::Left;
    }
    old.arm(LOOKING);
    old.attend(slip)
}

#[test]
fn a_seat_that_is_taken_back_loses_nothing() {
    wakes(Slip::None);
}

#[test]
#[should_panic(expected = "two occupants")]
fn an_occupant_that_takes_the_seat_back_by_a_store_is_a_second_one() {
    wakes(Slip::BackByStore);
}

/// The lead's procedure wakes while the watcher gives the seat, and the lead with it, away.
fn leads_again(slip: Slip) {
    explore(BOUNDED, move || {
        let world = World::<1, 1>::of(Pair::default);
        world.seats[0].occupant.store(OLD | OPEN, Ordering::Relaxed);
        world.seats[0].inside.store(1, Ordering::Relaxed);
        let [caller, new] = [0, 1].map(|part| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                if part == 1 {
                    return world.standby(0).follow(true, slip);
                }
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
                End::Left
            })
        });
        let lead = world.standby(0);
        let polls = || world.pairs[0].status.store(POLLED, Ordering::Release);
        if slip == Slip::PolledBeforeExit {
            polls();
        }
        let old = if lead.take_back(slip) {
            // Out of the procedure, and it polls again until it leaves.
            polls();
            lead.leave_polled(slip)
        } else {
            End::Left
        };
        caller.join().unwrap();
        let ends = [old, new.join().unwrap()];
        let is_rung = world.pairs[0].message.load(Ordering::Acquire) == 1 || world.seats[0].bed.was_woken();
        assert!(ends.contains(&End::Claimed) || is_rung, "{LOST}");
        assert_eq!(world.pairs[0].status.load(Ordering::Relaxed), UNPOLLED, "nobody polls");
    });
}

#[test]
fn a_lead_that_takes_its_seat_back_polls_again_and_loses_nothing() {
    leads_again(Slip::None);
}

#[test]
#[should_panic(expected = "nobody")]
fn a_lead_that_polls_before_the_seat_is_its_own_again_hides_the_sleeper() {
    leads_again(Slip::PolledBeforeExit);
}

/// The watcher finds the procedure stuck just when it opens the seat.
fn stuck(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 1>::looking();
        world.seats[0].inside.store(1, Ordering::Relaxed);
        let watcher = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.seats[0].relieve(slip))
        };
        let old = world.standby(0);
        old.open(false, slip);
        old.take_back(slip);
        let out = old.seat.exit(slip);
        assert_eq!(watcher.join().unwrap(), !out, "two occupants");
    });
}

#[test]
fn a_seat_that_is_relieved_is_not_opened() {
    stuck(Slip::None);
}

#[test]
#[should_panic(expected = "two occupants")]
fn a_seat_that_is_opened_without_the_lock_has_two_occupants() {
    stuck(Slip::OpenUnlocked);
}
