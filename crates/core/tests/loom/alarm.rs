//! The alarm of a host that receives (`crates/graph/src/reception/alarm.rs`): it sleeps when no message comes; it takes the lead from a
//! message that may end at that moment; it demotes what that has reached.

use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::futex::Futex;
use crate::{ALL, LOST, Slip, explore};

/// The first message of the thread that receives, and the next one.
const MESSAGE: u32 = 1;
const NEXT: u32 = 2;

/// What the thread that receives shows, and the alarm.
#[derive(Default)]
struct Shown {
    message: AtomicU32,
    node: AtomicU32,
    taken: AtomicU32,
    alarm_sleeps: AtomicU32,
    bed: Futex,
}

impl Shown {
    /// `Receiver::open_turn`. The accesses that are SeqCst there are fences here.
    fn open_turn(&self, message: u32, slip: Slip) {
        self.message.store(message, Ordering::Release);
        if slip != Slip::NoFenceAfterMessage {
            fence(Ordering::SeqCst);
        }
        if self.alarm_sleeps.load(Ordering::Relaxed) == 1 && self.alarm_sleeps.swap(0, Ordering::Relaxed) == 1 {
            self.bed.wake();
        }
    }

    fn close_turn(&self) {
        self.message.store(0, Ordering::Relaxed);
        self.taken.store(self.taken.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// `alarm::sleep`: says whether it sleeps.
    fn sleep(&self, taken: u32, slip: Slip) -> bool {
        self.alarm_sleeps.store(1, Ordering::Release);
        if slip != Slip::NoFenceBeforeSleep {
            fence(Ordering::SeqCst);
        }
        if self.taken.load(Ordering::Relaxed) != taken || self.message.load(Ordering::Relaxed) != 0 {
            self.alarm_sleeps.store(0, Ordering::Relaxed);
            return false;
        }
        self.bed.sleeps(&[(&self.alarm_sleeps, 1)])
    }
}

fn quiet(slip: Slip) {
    explore(ALL, move || {
        let shown = Arc::new(Shown::default());
        let receiver = {
            let shown = Arc::clone(&shown);
            thread::spawn(move || {
                shown.open_turn(MESSAGE, slip);
                shown.close_turn();
                // This one does not end.
                shown.open_turn(NEXT, slip);
            })
        };
        let sleeps = shown.sleep(0, slip);
        receiver.join().unwrap();
        assert!(!sleeps || shown.bed.was_woken(), "{LOST}");
    });
}

#[test]
fn an_alarm_that_sleeps_is_woken_by_a_message() {
    quiet(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn an_alarm_that_does_not_fence_before_its_look_is_lost() {
    quiet(Slip::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_message_that_is_not_fenced_from_the_look_does_not_wake_the_alarm() {
    quiet(Slip::NoFenceAfterMessage);
}

/// The alarm has found the message often enough, and demotes what it has reached (`Shown::node_of`), while it ends and the next one
/// begins.
fn demote(slip: Slip) {
    explore(ALL, move || {
        let shown = Arc::new(Shown::default());
        shown.message.store(MESSAGE, Ordering::Relaxed);
        shown.node.store(MESSAGE, Ordering::Relaxed);
        let receiver = {
            let shown = Arc::clone(&shown);
            thread::spawn(move || {
                shown.close_turn();
                shown.node.store(0, Ordering::Relaxed);
                // Not `open_turn`, whose fence stands for an access that is SeqCst, and is no fence to this.
                shown.message.store(NEXT, Ordering::Release);
                let order = if slip == Slip::NodeNotReleased { Ordering::Relaxed } else { Ordering::Release };
                shown.node.store(NEXT, order);
            })
        };
        if shown.message.load(Ordering::Relaxed) == MESSAGE {
            let node = shown.node.load(Ordering::Acquire);
            if slip == Slip::NoSecondLook || shown.message.load(Ordering::Relaxed) == MESSAGE {
                assert_ne!(node, NEXT, "it names another message's");
            }
        }
        receiver.join().unwrap();
    });
}

#[test]
fn what_is_demoted_was_reached_by_that_message() {
    demote(Slip::None);
}

#[test]
#[should_panic(expected = "it names another")]
fn an_alarm_that_does_not_look_again_names_another_messages() {
    demote(Slip::NoSecondLook);
}

#[test]
#[should_panic(expected = "it names another")]
fn what_a_message_reaches_is_released() {
    demote(Slip::NodeNotReleased);
}

/// Two threads, one of which receives and one of which waits; and the alarm, which gives the lead of the first to the second.
struct Host {
    /// Under the team's lock: whether the second one waits.
    waiting: Mutex<bool>,
    holder: AtomicU32,
    /// Who is woken when the lead is moved: the first, once it has said that it sleeps on the wires.
    sleepers: Mutex<bool>,
    waker: AtomicU32,
    bed: Futex,
}

const FIRST: u32 = 1;
const SECOND: u32 = 2;

impl Host {
    fn new() -> Self {
        Self {
            waiting: Mutex::new(true),
            holder: AtomicU32::new(FIRST),
            sleepers: Mutex::default(),
            waker: AtomicU32::new(0),
            bed: Futex::default(),
        }
    }

    /// `Team::give_lead`, by the first or for it.
    fn give_lead(&self) -> bool {
        let mut waiting = self.waiting.lock().unwrap();
        if self.holder.load(Ordering::Relaxed) != FIRST || !*waiting {
            return false;
        }
        *waiting = false;
        self.holder.store(SECOND, Ordering::Relaxed);
        true
    }

    fn rouse(&self) {
        if *self.sleepers.lock().unwrap() {
            self.waker.store(1, Ordering::Relaxed);
            self.bed.wake();
        }
    }

    /// The message has ended, or is handed off: the first receives on, and sleeps. Says whether it does, and who has moved the lead.
    fn receive(&self, hands_off: bool, slip: Slip) -> (bool, bool) {
        let has_moved = hands_off && self.give_lead();
        if self.holder.load(Ordering::Relaxed) != FIRST {
            return (false, has_moved);
        }
        if slip != Slip::AsksBeforeItIsListed {
            *self.sleepers.lock().unwrap() = true;
        }
        let leads = self.holder.load(Ordering::Relaxed) == FIRST;
        if slip == Slip::AsksBeforeItIsListed {
            *self.sleepers.lock().unwrap() = true;
        }
        (leads && self.bed.sleeps(&[(&self.waker, 0)]), has_moved)
    }
}

fn take_away(hands_off: bool, slip: Slip) {
    explore(ALL, move || {
        let host = Arc::new(Host::new());
        let alarm = {
            let host = Arc::clone(&host);
            thread::spawn(move || {
                if slip == Slip::RousesFirst {
                    host.rouse();
                }
                let has_moved = host.give_lead();
                if has_moved && slip != Slip::RousesFirst {
                    host.rouse();
                }
                has_moved
            })
        };
        let (sleeps, by_itself) = host.receive(hands_off, slip);
        let by_the_alarm = alarm.join().unwrap();
        assert!(by_itself != by_the_alarm, "the lead moves once");
        // The second one has it. It cannot sleep on the wires before the first has left them.
        assert!(!sleeps || host.bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_message_that_ends_as_the_alarm_takes_the_lead_leaves_nobody_asleep() {
    take_away(false, Slip::None);
}

#[test]
fn a_message_that_is_handed_off_as_the_alarm_takes_the_lead_moves_it_once() {
    take_away(true, Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn an_alarm_that_rouses_before_it_moves_the_lead_leaves_the_old_one_asleep() {
    take_away(false, Slip::RousesFirst);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_asks_whether_it_leads_before_it_can_be_woken_sleeps_on() {
    take_away(false, Slip::AsksBeforeItIsListed);
}
