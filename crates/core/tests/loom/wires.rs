//! Threads that sleep on the wires of one graph (`crates/graph/src/drive.rs`): several behind one announcement; the one that receives,
//! which sleeps until an event; and the next one that receives, while the last one is still there.

use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::futex::Futex;
use crate::{ALL, BOUNDED, LOST, Slip, explore};

/// Until when one sleeps for whom there is no event.
const NEVER: u32 = 9;

/// When the event is due that somebody schedules.
const SOON: u32 = 1;

/// `Asleep`, under its lock.
#[derive(Default)]
struct Sleeping {
    count: u32,
    is_quiet: bool,
    is_ending: bool,
}

/// A graph with one wire, on which two threads sleep.
#[derive(Default)]
struct Graph {
    sent: AtomicU32,
    asleep: AtomicU32,
    /// The wire's bell: readable for all who poll, until somebody takes it off.
    rings: AtomicU32,
    sleeping: Mutex<Sleeping>,
    /// `Sleepers`: who is woken when somebody rouses them, and how many there are.
    listed: Mutex<[bool; 2]>,
    count: AtomicU32,
    /// The descriptor of each.
    wakers: [AtomicU32; 2],
    poll: [Futex; 2],
    /// `Receivers`.
    bed: Mutex<bool>,
    until: AtomicU32,
    events: Mutex<u32>,
    /// Whether the first has the lead.
    leads: Mutex<bool>,
}

impl Graph {
    /// `Frames::send`.
    fn send(&self) {
        self.sent.store(1, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) == 1 {
            self.rings.fetch_add(1, Ordering::Relaxed);
            self.poll.iter().for_each(Futex::wake);
        }
    }

    /// `Frames::before_sleep`.
    fn announce(&self) -> bool {
        self.asleep.store(1, Ordering::Release);
        fence(Ordering::SeqCst);
        self.has_nothing()
    }

    fn has_nothing(&self) -> bool {
        self.sent.load(Ordering::Relaxed) == 0
    }

    /// `Frames::after_sleep`.
    fn take_back(&self) {
        self.asleep.store(0, Ordering::Relaxed);
        self.rings.store(0, Ordering::Relaxed);
    }

    fn enter(&self, me: usize) {
        self.listed.lock().unwrap()[me] = true;
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn exit(&self, me: usize) {
        self.listed.lock().unwrap()[me] = false;
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    fn rouse_all(&self) {
        let listed = self.listed.lock().unwrap();
        for (at, _) in listed.iter().enumerate().filter(|(_, is_listed)| **is_listed) {
            self.wakers[at].store(1, Ordering::Relaxed);
            self.poll[at].wake();
        }
    }

    /// `Asleep::come`.
    fn come(&self, slip: Slip) -> Option<bool> {
        if slip == Slip::AnnouncesForItself {
            return Some(self.announce());
        }
        let mut sleeping = self.sleeping.lock().unwrap();
        if sleeping.is_ending {
            return None;
        }
        if sleeping.count == 0 {
            sleeping.is_quiet = self.announce();
        }
        sleeping.count += 1;
        Some(sleeping.is_quiet)
    }

    /// `Asleep::leave`.
    fn leave(&self, slip: Slip) {
        if slip == Slip::AnnouncesForItself {
            return self.take_back();
        }
        let mut sleeping = self.sleeping.lock().unwrap();
        sleeping.count -= 1;
        if sleeping.count == 0 {
            sleeping.is_ending = false;
            self.take_back();
        } else if !sleeping.is_ending {
            sleeping.is_ending = true;
            self.rouse_all();
        }
    }

    /// `Asleep::watch` and `look_away`, by a lead of the runtime that has something else to do.
    fn watch_in_vain(&self, slip: Slip) {
        let watch = |graph: &Self| {
            let sleeping = graph.sleeping.lock().unwrap();
            if sleeping.count == 0 { graph.announce() } else { sleeping.is_quiet }
        };
        watch(self);
        let sleeping = self.sleeping.lock().unwrap();
        if sleeping.count == 0 || slip == Slip::TakesBackAnothers {
            self.take_back();
        }
    }

    /// `Graph::park`, up to the sleep: says whether `me` sleeps, and has not left then.
    fn park(&self, me: usize, is_ready: bool, slip: Slip) -> bool {
        if slip != Slip::ListedLate {
            self.enter(me);
        }
        let came = self.come(slip);
        if slip == Slip::ListedLate {
            self.enter(me);
        }
        if let Some(is_quiet) = came {
            if is_quiet && !is_ready && self.poll[me].sleeps(&[(&self.rings, 0), (&self.wakers[me], 0)]) {
                return true;
            }
            self.leave(slip);
        }
        self.exit(me);
        false
    }

    /// The first sleeps: nothing that was sent may stay there, nor anything that will be, nor may the others be kept out.
    fn assert_that_it_is_told(&self, was_seen: bool) {
        if !self.poll[0].was_woken() {
            assert!(was_seen && self.asleep.load(Ordering::Relaxed) == 1, "{LOST}");
            assert!(!self.sleeping.lock().unwrap().is_ending, "{LOST}");
        }
    }

    /// `Graph::sleep_on_wires`, up to the sleep. `leads` is asked after the sleep was announced.
    fn lie_down(&self, me: usize, leads: impl FnOnce() -> bool, slip: Slip) -> bool {
        self.enter(me);
        let due = |graph: &Self| *graph.events.lock().unwrap();
        let early = (slip == Slip::LooksBeforeUntil).then(|| due(self));
        self.until.store(NEVER, Ordering::Relaxed);
        early.unwrap_or_else(|| due(self)) == NEVER && leads() && self.poll[me].sleeps(&[(&self.wakers[me], 0)])
    }

    fn get_up(&self, me: usize) {
        self.until.store(0, Ordering::Relaxed);
        self.exit(me);
    }

    /// Whoever schedules something, and `Receivers::rouse_before`.
    fn schedule(&self) {
        *self.events.lock().unwrap() = SOON;
        if SOON < self.until.load(Ordering::Relaxed) && self.count.load(Ordering::Relaxed) > 0 {
            self.rouse_all();
        }
    }
}

/// One sleeps, and another comes and finds something else to do, while a frame is sent.
fn together(sends: bool, slip: Slip) {
    explore(BOUNDED, move || {
        let graph = Arc::new(Graph::default());
        let sender = sends.then(|| {
            let sender = Arc::clone(&graph);
            thread::spawn(move || sender.send())
        });
        let other = Arc::clone(&graph);
        let other = thread::spawn(move || {
            other.park(1, true, slip);
            !other.has_nothing()
        });
        let sleeps = graph.park(0, false, slip);
        sender.into_iter().for_each(|sender| sender.join().unwrap());
        let was_seen = other.join().unwrap();
        if sleeps {
            graph.assert_that_it_is_told(was_seen || !sends);
        }
    });
}

#[test]
fn who_leaves_a_wire_leaves_nobody_asleep_there() {
    together(true, Slip::None);
}

#[test]
fn who_leaves_a_wire_has_the_others_leave() {
    together(false, Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_announces_for_itself_takes_back_anothers_announcement() {
    together(true, Slip::AnnouncesForItself);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_comes_before_it_can_be_woken_keeps_all_others_out() {
    together(false, Slip::ListedLate);
}

/// One sleeps, and a lead of the runtime watches the same wire for a while.
fn beside_a_lead(slip: Slip) {
    explore(BOUNDED, move || {
        let graph = Arc::new(Graph::default());
        let sender = Arc::clone(&graph);
        let sender = thread::spawn(move || sender.send());
        let lead = Arc::clone(&graph);
        let lead = thread::spawn(move || {
            lead.watch_in_vain(slip);
            !lead.has_nothing()
        });
        let sleeps = graph.park(0, false, slip);
        sender.join().unwrap();
        let was_seen = lead.join().unwrap();
        if sleeps {
            graph.assert_that_it_is_told(was_seen);
        }
    });
}

#[test]
fn a_lead_that_looks_away_leaves_the_sleepers_announcement() {
    beside_a_lead(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_takes_back_anothers_announcement_leaves_it_asleep() {
    beside_a_lead(Slip::TakesBackAnothers);
}

/// The thread that receives sleeps, and something is scheduled.
fn until_an_event(slip: Slip) {
    explore(ALL, move || {
        let graph = Arc::new(Graph { events: Mutex::new(NEVER), ..Graph::default() });
        let other = Arc::clone(&graph);
        let other = thread::spawn(move || other.schedule());
        let sleeps = graph.lie_down(0, || true, slip);
        other.join().unwrap();
        assert!(!sleeps || graph.poll[0].was_woken(), "{LOST}");
    });
}

#[test]
fn who_receives_is_woken_for_an_earlier_event() {
    until_an_event(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_looks_at_the_events_before_it_says_until_when_it_sleeps_misses_one() {
    until_an_event(Slip::LooksBeforeUntil);
}

/// The lead is moved while the first goes to sleep; the second, which has it from then on, does so, too. Meanwhile something is
/// scheduled.
fn two_leads(schedules: bool, slip: Slip) {
    explore(BOUNDED, move || {
        let graph = Arc::new(Graph { events: Mutex::new(NEVER), leads: Mutex::new(true), ..Graph::default() });
        let scheduler = schedules.then(|| {
            let scheduler = Arc::clone(&graph);
            thread::spawn(move || scheduler.schedule())
        });
        let take_the_bed = move |graph: &Graph| {
            let was_taken = std::mem::replace(&mut *graph.bed.lock().unwrap(), true);
            !was_taken || slip == Slip::SharesTheBed
        };
        let first = Arc::clone(&graph);
        let first = thread::spawn(move || {
            if !take_the_bed(&first) {
                // It looks again whether it leads; or sleeps on the lock.
                return slip == Slip::WaitsForTheBed;
            }
            if first.lie_down(0, || *first.leads.lock().unwrap(), slip) {
                first.poll[0].sleep();
            }
            first.get_up(0);
            *first.bed.lock().unwrap() = false;
            false
        });
        // The alarm; then the second, which it has woken.
        *graph.leads.lock().unwrap() = false;
        graph.rouse_all();
        while !take_the_bed(&graph) {
            // The first gets up.
            thread::yield_now();
        }
        let sleeps = graph.lie_down(1, || true, slip);
        let waits = first.join().unwrap();
        scheduler.into_iter().for_each(|scheduler| scheduler.join().unwrap());
        assert!(!sleeps || graph.poll[1].was_woken() || !schedules && !waits, "{LOST}");
    });
}

#[test]
fn an_old_lead_gets_up_before_the_new_one_sleeps() {
    two_leads(true, Slip::None);
}

#[test]
fn an_old_lead_does_not_wait_for_the_new_one_to_get_up() {
    two_leads(false, Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn an_old_lead_that_gets_up_beside_the_new_one_takes_back_until_when_that_sleeps() {
    two_leads(true, Slip::SharesTheBed);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn an_old_lead_that_waits_for_the_bed_waits_as_long_as_the_new_one_sleeps() {
    two_leads(false, Slip::WaitsForTheBed);
}
