//! A seat: commands to its occupant, and its change of hands.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use crate::futex::Futex;
use crate::pair::{ASLEEP, AWAY, LOOKING, POLLED, Pair, UNPOLLED};
use crate::standby::{End, Seat, Standby, World};
use crate::{ALL, BOUNDED, LOST, Slip, explore};

impl Seat {
    /// The watcher, or a lead: put the command into the inbox; bump the kick word; wake.
    fn command(&self, slip: Slip) {
        if slip == Slip::KickBeforeCommand {
            self.kick.fetch_add(1, Ordering::Release);
        }
        *self.inbox.lock().unwrap() += 1;
        if slip != Slip::KickBeforeCommand && slip != Slip::NoKick {
            self.kick.fetch_add(1, Ordering::Release);
        }
        self.bed.wake();
    }
}

/// A standby is promoted while it goes to sleep.
fn command(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 1>::looking();
        let watcher = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.seats[0].command(slip))
        };
        let end = world.standby(0).attend(slip);
        watcher.join().unwrap();
        assert!(end == End::Commanded || world.seats[0].bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_standby_that_goes_to_sleep_gets_its_command_or_is_woken() {
    command(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_kick_word_that_is_read_after_the_inbox_loses_the_command() {
    command(Slip::KickAfterInbox);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_kick_before_its_command_loses_it() {
    command(Slip::KickBeforeCommand);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_wake_without_a_kick_loses_the_command() {
    command(Slip::NoKick);
}

/// The same while a caller rings: whichever comes first, the other is not forgotten.
#[test]
fn a_command_and_a_request_at_once_are_both_found() {
    explore(BOUNDED, || {
        let world = World::<1, 1>::looking();
        let [watcher, caller] = [0, 1].map(|part| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                if part == 0 {
                    return world.seats[0].command(Slip::None);
                }
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, Slip::None);
            })
        });
        let standby = world.standby(0);
        let mut ends = vec![standby.attend(Slip::None)];
        if ends[0] != End::Asleep {
            // Promoted, or answered: it polls, or looks, once more.
            standby.arm(LOOKING);
            ends.push(standby.attend(Slip::None));
        }
        watcher.join().unwrap();
        caller.join().unwrap();
        let is_woken = world.seats[0].bed.was_woken();
        assert!(is_woken || (ends.contains(&End::Commanded) && ends.contains(&End::Claimed)), "{LOST}");
    });
}

/// A pair that nobody looks at: its caller's message is given to the standby, which takes the pair on.
fn attached(slip: Slip) {
    explore(ALL, move || {
        let world = World::<1, 1>::of(Pair::default);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
                // The socket orders the watcher after the caller.
                if world.pairs[0].message.load(Ordering::Relaxed) == 1 {
                    world.seats[0].command(slip);
                }
            })
        };
        let standby = world.standby(0);
        let mut end = Standby { pairs: &[], ..world.standby(0) }.attend(slip);
        if end == End::Commanded {
            standby.arm(LOOKING);
            end = standby.attend(slip);
        }
        caller.join().unwrap();
        assert!(end == End::Claimed || world.seats[0].bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_message_brings_its_pair_to_a_standby() {
    attached(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_message_whose_command_comes_after_its_kick_is_lost() {
    attached(Slip::KickBeforeCommand);
}

/// A spare waits for a seat, on a word of its own.
fn spare(slip: Slip) {
    explore(ALL, move || {
        let post = Arc::new((AtomicU32::new(0), Futex::default()));
        let watcher = {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                let (seat, bed) = &*post;
                if slip == Slip::WakeBeforeSeat {
                    bed.wake();
                    seat.store(1, Ordering::Release);
                } else {
                    seat.store(1, Ordering::Release);
                    bed.wake();
                }
            })
        };
        let (seat, bed) = &*post;
        let has_seat = seat.load(Ordering::Acquire) == 1 || !bed.sleeps(&[(seat, 0)]);
        watcher.join().unwrap();
        assert!(has_seat || bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_spare_that_goes_to_sleep_gets_its_seat_or_is_woken() {
    spare(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_spare_that_is_woken_before_it_has_a_seat_sleeps_on() {
    spare(Slip::WakeBeforeSeat);
}

/// The occupant of the seat claims a request and is inside its procedure for a while; the watcher gives the seat to a
/// new one if it finds the old one inside; a caller of the same pair rings meanwhile. Then everybody goes to sleep.
fn relieved(slip: Slip) {
    explore(BOUNDED, move || {
        let world = World::<1, 1>::looking();
        let [caller, new] = [0, 1].map(|part| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                if part == 1 {
                    return relieve(&world, slip);
                }
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
                End::Left
            })
        });
        let old = be_inside(&world, slip);
        caller.join().unwrap();
        check(&world, [old, new.join().unwrap()]);
    });
}

/// The old occupant: AWAY; inside; the procedure; back, unless the seat is another's; LOOKING; and so on.
fn be_inside(world: &World<1, 1>, slip: Slip) -> End {
    let (standby, seat) = (world.standby(0), &world.seats[0]);
    if slip == Slip::InsideBeforeAway {
        seat.step(slip);
        standby.arm(AWAY);
    } else {
        standby.arm(AWAY);
        seat.step(slip);
    }
    // The procedure runs here.
    if slip == Slip::LookingBeforeExit {
        standby.arm(LOOKING);
    }
    if !seat.exit(slip) {
        return End::Left;
    }
    standby.arm(LOOKING);
    standby.attend(slip)
}

/// The watcher, and then the new occupant: take the seat from somebody inside; LOOKING; and so on.
fn relieve(world: &World<1, 1>, slip: Slip) -> End {
    let (standby, seat) = (world.standby(0), &world.seats[0]);
    if seat.inside.load(Ordering::Relaxed) != 1 {
        return End::Left;
    }
    if slip == Slip::LookingBeforeRelief {
        standby.arm(LOOKING);
    }
    if !seat.relieve(slip) {
        return End::Left;
    }
    if slip == Slip::NotInherited {
        // It waits for commands; the pair stays AWAY.
        return End::Commanded;
    }
    standby.arm(LOOKING);
    standby.attend(slip)
}

/// The request was claimed, or whoever has the seat is rung for it; and if that one sleeps, its word says so.
fn check(world: &World<1, 1>, ends: [End; 2]) {
    let (pair, bed) = (&world.pairs[0], &world.seats[0].bed);
    let is_rung = pair.message.load(Ordering::Acquire) == 1 || bed.was_woken();
    assert!(ends.contains(&End::Claimed) || is_rung, "{LOST}");
    assert!(ends.contains(&End::Left), "two occupants");
    let sleeps = ends.contains(&End::Asleep);
    assert!(!sleeps || pair.armed[0].load(Ordering::Relaxed) == ASLEEP, "a sleeper's word is another's");
}

#[test]
fn a_seat_that_changes_hands_loses_nothing() {
    relieved(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn an_occupant_that_looks_before_it_knows_that_it_is_one_hides_the_sleeper() {
    relieved(Slip::LookingBeforeExit);
}

#[test]
#[should_panic(expected = "two occupants")]
fn an_occupant_that_comes_back_unasked_is_a_second_one() {
    relieved(Slip::BackUnasked);
}

#[test]
#[should_panic(expected = "two occupants")]
fn an_occupant_that_comes_back_without_a_barrier_is_a_second_one() {
    relieved(Slip::NoLightBarrier);
}

#[test]
#[should_panic(expected = "two occupants")]
fn an_occupant_that_is_relieved_without_a_barrier_stays_one() {
    relieved(Slip::NoHeavyBarrier);
}

#[test]
#[should_panic(expected = "two occupants")]
fn an_occupant_that_overlooks_a_doubt_is_a_second_one() {
    relieved(Slip::DoubtOverlooked);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_doubt_that_is_taken_for_relief_leaves_the_seat_to_nobody() {
    relieved(Slip::DoubtTakenForRelief);
}

#[test]
#[should_panic(expected = "a sleeper's word is another's")]
fn an_occupant_that_is_inside_before_it_is_away_darkens_the_seat() {
    relieved(Slip::InsideBeforeAway);
}

#[test]
#[should_panic(expected = "a sleeper's word is another's")]
fn an_occupants_word_must_carry_its_away() {
    relieved(Slip::WordRelaxed);
}

#[test]
#[should_panic(expected = "a sleeper's word is another's")]
fn whoever_looks_before_the_seat_is_its_own_hides_the_sleeper() {
    relieved(Slip::LookingBeforeRelief);
}

/// The old occupant owes a scan to each caller that saw LOOKING before its procedure. With the seat it loses the debt,
/// and the new one must take it.
#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_new_occupant_that_does_not_scan_what_the_old_one_attended_loses_the_request() {
    relieved(Slip::NotInherited);
}

/// The lead is inside and is relieved, while a caller sees POLLED.
fn relieved_lead(slip: Slip) {
    explore(BOUNDED, move || {
        let world = World::<1, 1>::of(Pair::polled);
        world.seats[0].inside.store(1, Ordering::Relaxed);
        let [caller, new] = [0, 1].map(|part| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                if part == 1 {
                    return relieve_lead(&world, slip);
                }
                world.pairs[0].publish(0);
                world.pairs[0].ring(&world.seats, 0, false, slip);
                End::Left
            })
        });
        let lead = world.standby(0);
        // The procedure ends here.
        if slip == Slip::PolledBeforeExit {
            world.pairs[0].status.store(POLLED, Ordering::Release);
        }
        let old = if world.seats[0].exit(slip) { lead.leave_polled(slip) } else { End::Left };
        caller.join().unwrap();
        check(&world, [old, new.join().unwrap()]);
        let status = world.pairs[0].status.load(Ordering::Relaxed);
        assert_eq!(status, UNPOLLED, "nobody polls");
    });
}

/// The watcher takes the old lead's word out of the status of its pairs, and the new occupant looks at them.
fn relieve_lead(world: &World<1, 1>, slip: Slip) -> End {
    if !world.seats[0].relieve(slip) {
        return End::Left;
    }
    world.standby(0).leave_polled(if slip == Slip::LeavesPolled { Slip::StaysPolled } else { slip })
}

#[test]
fn a_lead_that_is_relieved_loses_nothing() {
    relieved_lead(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_new_occupant_that_leaves_the_old_leads_polled_is_not_rung() {
    relieved_lead(Slip::LeavesPolled);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_writes_its_status_before_it_knows_that_it_leads_hides_the_sleeper() {
    relieved_lead(Slip::PolledBeforeExit);
}
