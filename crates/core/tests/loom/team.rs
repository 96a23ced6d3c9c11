//! The kernel threads of a host that receives (`crates/graph/src/reception/team.rs`): the lead is given to one with suspended stacks,
//! which goes to sleep on its bell, or wakes for one of these; and a lead that sleeps changes places with one when messages wait.

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::futex::Futex;
use crate::{ALL, LOST, Slip, explore};

/// Who has the lead at first, and a thread with suspended stacks.
const LEAD: u32 = 1;
const OCCUPIED: u32 = 2;

/// Under the team's lock.
#[derive(Default)]
struct State {
    /// Whether [`OCCUPIED`] waits.
    waits: bool,
    /// It was given the lead, and has not taken it yet.
    given: bool,
    backlog: u32,
}

struct Team {
    state: Mutex<State>,
    holder: AtomicU32,
    backlog: AtomicU32,
    /// Of the thread with suspended stacks, and where it sleeps.
    bell: AtomicU32,
    bed: Futex,
    /// Of the lead, on the wires: whether it is in the list of those that are roused; its descriptor.
    listed: Mutex<bool>,
    waker: AtomicU32,
    poll: Futex,
}

impl Team {
    fn new() -> Self {
        Self {
            state: Mutex::default(),
            holder: AtomicU32::new(LEAD),
            backlog: AtomicU32::new(0),
            bell: AtomicU32::new(0),
            bed: Futex::default(),
            listed: Mutex::default(),
            waker: AtomicU32::new(0),
            poll: Futex::default(),
        }
    }

    fn ring(&self) {
        self.bell.fetch_add(1, Ordering::Relaxed);
        self.bed.wake();
    }

    /// `Shared::hand_off`, by the lead.
    fn hand_off(&self, slip: Slip) -> bool {
        if slip == Slip::RingsFirst {
            self.ring();
        }
        {
            let mut state = self.state.lock().unwrap();
            if !state.waits {
                return false;
            }
            (state.waits, state.given) = (false, true);
            self.holder.store(OCCUPIED, Ordering::Relaxed);
        }
        if slip != Slip::RingsFirst {
            self.ring();
        }
        true
    }

    /// `Team::place`, for a message that only a thread without suspended stacks may start.
    fn place(&self) {
        let mut state = self.state.lock().unwrap();
        state.backlog += 1;
        self.backlog.store(state.backlog, Ordering::Relaxed);
    }

    /// `Team::next`: the bell's value, to sleep on; `None` with the lead.
    fn next(&self, slip: Slip) -> Option<u32> {
        let mut state = self.state.lock().unwrap();
        if std::mem::take(&mut state.given) {
            return None;
        }
        state.waits = true;
        if slip == Slip::BellAfterWaiting {
            drop(state);
        }
        Some(self.bell.load(Ordering::Relaxed))
    }

    /// `Team::leave`: whether it was given the lead by then.
    fn leave(&self, slip: Slip) -> bool {
        let mut state = self.state.lock().unwrap();
        state.waits = false;
        slip != Slip::LeavesUnasked && std::mem::take(&mut state.given)
    }

    fn rouse(&self) {
        if *self.listed.lock().unwrap() {
            self.waker.store(1, Ordering::Relaxed);
            self.poll.wake();
        }
    }

    fn is_stuck(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.backlog > 0 && state.waits
    }

    /// `Receiver::follow`, of the thread with suspended stacks, until it sleeps: says whether it does.
    fn follow(&self, slip: Slip) -> bool {
        if slip == Slip::RousesFirst && self.backlog.load(Ordering::Relaxed) > 0 {
            self.rouse();
        }
        let Some(bell) = self.next(slip) else { return false };
        if slip != Slip::RousesFirst && self.backlog.load(Ordering::Relaxed) > 0 {
            self.rouse();
        }
        self.bed.sleeps(&[(&self.bell, bell)])
    }

    /// `Receiver::relieve`, and `sleep` if it has not: says whether the lead sleeps.
    fn relieve_or_sleep(&self, slip: Slip) -> bool {
        if self.backlog.load(Ordering::Relaxed) > 0 && self.hand_off(slip) {
            return false;
        }
        let early = (slip == Slip::AsksBeforeItIsListed).then(|| self.is_stuck());
        *self.listed.lock().unwrap() = true;
        !early.unwrap_or_else(|| self.is_stuck()) && self.poll.sleeps(&[(&self.waker, 0)])
    }
}

/// The lead is given to a thread that goes to sleep.
fn give(slip: Slip) {
    explore(ALL, move || {
        let team = Arc::new(Team::new());
        let lead = Arc::clone(&team);
        let lead = thread::spawn(move || lead.hand_off(slip));
        let sleeps = team.follow(slip);
        let has_moved = lead.join().unwrap();
        // If the lead has moved, it is to this thread, which takes it when it is woken.
        assert!(!has_moved || !sleeps || team.bed.was_woken(), "{LOST}");
        assert_eq!(team.holder.load(Ordering::Relaxed) == OCCUPIED, has_moved);
    });
}

#[test]
fn who_is_given_the_lead_does_not_sleep() {
    give(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_reads_its_bell_after_it_is_known_to_wait_sleeps_with_the_lead() {
    give(Slip::BellAfterWaiting);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_is_rung_before_it_is_given_the_lead_sleeps_with_it() {
    give(Slip::RingsFirst);
}

/// A thread that waits is woken by one of its stacks, and is given the lead as it leaves.
fn wake_for_a_stack(slip: Slip) {
    explore(ALL, move || {
        let team = Arc::new(Team::new());
        let lead = Arc::clone(&team);
        let lead = thread::spawn(move || lead.hand_off(slip));
        let has_it = team.next(slip).is_none() || team.leave(slip);
        let has_moved = lead.join().unwrap();
        assert_eq!(has_it, has_moved, "nobody receives, or two do");
    });
}

#[test]
fn who_wakes_as_it_is_given_the_lead_has_it_or_leaves_it_where_it_is() {
    wake_for_a_stack(Slip::None);
}

#[test]
#[should_panic(expected = "nobody receives")]
fn who_does_not_ask_what_it_was_given_when_it_leaves_loses_the_lead() {
    wake_for_a_stack(Slip::LeavesUnasked);
}

/// The lead has queued a message that only a thread without suspended stacks may start, as all other ones have some by now; and
/// what one of those waits for may be that message.
fn change_places(slip: Slip) {
    explore(ALL, move || {
        let team = Arc::new(Team::new());
        let lead = Arc::clone(&team);
        let lead = thread::spawn(move || {
            lead.place();
            lead.relieve_or_sleep(slip)
        });
        let waits = team.follow(slip);
        let sleeps = lead.join().unwrap();
        assert!(!(waits && sleeps) || team.poll.was_woken() || team.bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_lead_and_who_has_suspended_stacks_do_not_both_sleep_beside_a_message() {
    change_places(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_rouses_the_lead_before_it_is_known_to_wait_leaves_a_message_there() {
    change_places(Slip::RousesFirst);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_looks_for_messages_before_it_can_be_roused_leaves_one_there() {
    change_places(Slip::AsksBeforeItIsListed);
}
