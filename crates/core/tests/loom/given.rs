//! A processor that sleeps for the replies of all its threads, and a standby that has its CPU: it puts the wake off until it has
//! answered whatever the client has asked.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;

use crate::futex::Futex;
use crate::{ALL, LOST, Slip, explore};

const COUNT: usize = 2;

/// The words of one pair, with a call of each of the client's threads.
#[derive(Default)]
struct Pair {
    /// The client's.
    requests: [AtomicU32; COUNT],
    waits: [AtomicU32; COUNT],
    /// The server's.
    replies: [AtomicU32; COUNT],
    stamps: [AtomicU32; COUNT],
    bell: AtomicU32,
    /// Where the client's processor sleeps.
    bed: Futex,
}

impl Pair {
    fn has_request(&self, call: usize) -> bool {
        self.requests.get(call).is_some_and(|request| request.load(Ordering::Relaxed) == 1)
    }

    fn is_answered(&self, call: usize) -> bool {
        let seen = self.replies[call].load(Ordering::Relaxed) == 1;
        fence(Ordering::Acquire);
        seen
    }

    fn ring(&self) {
        self.bell.store(self.bell.load(Ordering::Relaxed) + 1, Ordering::Release);
        self.bed.wake();
    }

    /// The standby, from its first request until a scan finds none: reply; fence; look at the wait word; ring, or owe it
    /// while there is another request.
    fn serve(&self, slip: Slip) {
        let (mut next, mut owes) = (0, false);
        while self.has_request(next) {
            self.replies[next].store(1, Ordering::Release);
            if slip != Slip::NoFenceAfterReply {
                fence(Ordering::SeqCst);
            }
            let waits = self.waits[next].load(Ordering::Relaxed) == 1;
            next += 1;
            if waits {
                owes = self.has_request(next) && slip != Slip::NeverPutsOff;
                if !owes {
                    self.ring();
                }
            }
            if slip == Slip::Endless {
                return;
            }
            if slip == Slip::SleepsInProcedure {
                // It says so.
                if owes {
                    self.ring();
                }
                return;
            }
        }
        if owes && slip != Slip::ForgetsAnswered {
            self.ring();
        }
    }

    /// The client's processor, when none of its threads can go on: it reads the bell; for each of the first `own` calls:
    /// announce, fence, look; it sleeps on the bell. Says whether it sleeps.
    fn sleep(&self, own: usize, slip: Slip) -> bool {
        let mut rung = self.bell.load(Ordering::Relaxed);
        for call in 0..own {
            self.waits[call].store(1, Ordering::Release);
            if slip != Slip::NoFenceBeforeWait {
                fence(Ordering::SeqCst);
            }
            if self.is_answered(call) {
                return false;
            }
        }
        if slip == Slip::ReplyBellAfterLook {
            rung = self.bell.load(Ordering::Relaxed);
        }
        self.bed.sleeps(&[(&self.bell, rung)])
    }
}

/// The second request may come while the standby answers the first. It is one of the processor's threads' if it has `own`
/// two calls, else that of a kernel thread of the client's, which waits for itself.
fn given(own: usize, slip: Slip) {
    explore(ALL, move || {
        let pair = Arc::new(Pair::default());
        pair.requests[0].store(1, Ordering::Release);
        let server = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || pair.serve(slip))
        };
        pair.requests[1].store(1, Ordering::Release);
        let sleeps = pair.sleep(own, slip);
        server.join().unwrap();
        // The first call is answered, whatever becomes of the second.
        assert!(!sleeps || pair.bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_processor_that_gave_its_cpu_is_woken_when_all_is_answered() {
    given(2, Slip::None);
}

#[test]
fn a_processor_that_gave_its_cpu_is_woken_when_others_are_answered_too() {
    given(1, Slip::None);
}

#[test]
fn a_processor_whose_wake_is_put_off_behind_a_procedure_that_sleeps_is_woken() {
    given(2, Slip::SleepsInProcedure);
}

#[test]
fn a_standby_need_not_put_the_wake_off() {
    given(2, Slip::NeverPutsOff);
}

/// The answer to the last of its own calls wakes the processor, or is seen; what was put off for the others is owed for
/// requests that are not its own, and for those that another processor of the server's has claimed.
#[test]
fn a_standby_owes_nothing_when_it_has_answered_all_calls_of_the_processor() {
    given(2, Slip::ForgetsAnswered);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_that_forgets_what_it_owes_loses_the_processor() {
    given(1, Slip::ForgetsAnswered);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_that_does_not_fence_after_its_replies_loses_the_processor() {
    given(2, Slip::NoFenceAfterReply);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_processor_that_does_not_fence_before_its_look_is_lost() {
    given(2, Slip::NoFenceBeforeWait);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_processor_that_reads_the_bell_after_its_look_is_lost() {
    given(2, Slip::ReplyBellAfterLook);
}

/// The time-out case: the wake was put off, and the next procedure blocks. It ends with that, or with the processor's step.
#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_processor_whose_wake_is_put_off_behind_an_endless_procedure_needs_its_step() {
    given(2, Slip::Endless);
}

/// One thread has rung the standby for the first call, and gives its CPU; another leaves out the ring for its own, because nobody has
/// taken the first. The standby does, says that it sleeps, and looks once more.
fn gift(slip: Slip) {
    explore(ALL, move || {
        let pair = Arc::new(Pair::default());
        pair.requests[0].store(1, Ordering::Release);
        let server = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                // It runs the call, or passes it on, which leaves a stamp as well.
                if slip != Slip::PassesOnUnstamped {
                    pair.stamps[0].store(1, Ordering::Release);
                }
                if slip != Slip::NoFenceBeforeSleep {
                    fence(Ordering::SeqCst);
                }
                if pair.has_request(1) {
                    pair.replies[1].store(1, Ordering::Release);
                }
            })
        };
        pair.requests[1].store(1, Ordering::Release);
        if slip != Slip::NoFenceInRing {
            fence(Ordering::SeqCst);
        }
        let is_taken = pair.stamps[0].load(Ordering::Relaxed) == 1;
        let rings = is_taken && slip != Slip::TrustsATakenCall;
        server.join().unwrap();
        assert!(rings || pair.is_answered(1), "{LOST}");
    });
}

#[test]
fn a_ring_for_a_call_that_nobody_has_taken_is_one_for_all() {
    gift(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_ring_for_a_call_that_is_taken_is_none_for_others() {
    gift(Slip::TrustsATakenCall);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_that_relies_on_a_ring_and_does_not_fence_is_lost() {
    gift(Slip::NoFenceInRing);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_that_does_not_fence_before_it_sleeps_loses_who_relied_on_a_ring() {
    gift(Slip::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_call_that_is_passed_on_without_a_stamp_loses_who_relied_on_a_ring() {
    gift(Slip::PassesOnUnstamped);
}
