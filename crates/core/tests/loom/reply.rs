//! A reply, and the caller that sleeps for it.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;

use crate::futex::Futex;
use crate::pair::{AWAY, LOOKING};
use crate::standby::{End, World};
use crate::{ALL, BOUNDED, LOST, Slip, explore};

/// The words of one A-stack.
#[derive(Default)]
pub(crate) struct Call {
    /// The server's: the sequence number of the last reply.
    pub(crate) reply: AtomicU32,
    /// The client's: the sequence number whose caller sleeps.
    wait: AtomicU32,
    /// The client's, private: the pair has ended.
    ended: AtomicU32,
    /// Where the caller sleeps.
    pub(crate) bed: Futex,
}

impl Call {
    /// The caller: announce the wait; fence; look at the reply and at the end; sleep on what was seen.
    pub(crate) fn wait(&self, sequence: u32, slip: Slip) -> End {
        loop {
            self.wait.store(sequence, Ordering::Release);
            if slip != Slip::NoFenceBeforeWait {
                fence(Ordering::SeqCst);
            }
            let seen = self.reply.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            if seen == sequence {
                return End::Claimed;
            }
            if self.ended.load(Ordering::Relaxed) == 1 {
                return End::Left;
            }
            let words = [(&self.reply, seen), (&self.ended, 0)];
            let count = if slip == Slip::SleepsOnReplyAlone { 1 } else { 2 };
            if self.bed.sleeps(&words[..count]) {
                return End::Asleep;
            }
        }
    }

    pub(crate) fn wake_if_waiting(&self, sequence: u32) {
        if self.wait.load(Ordering::Relaxed) == sequence {
            self.bed.wake();
        }
    }

    /// A standby: reply; fence; look at the wait word.
    fn answer(&self, sequence: u32, slip: Slip) {
        self.reply.store(sequence, Ordering::Release);
        if slip != Slip::NoFenceAfterReply {
            fence(Ordering::SeqCst);
        }
        self.wake_if_waiting(sequence);
    }

    /// The watcher of the client: the server is gone.
    fn end(&self) {
        self.ended.store(1, Ordering::Release);
        self.bed.wake();
    }
}

fn sleeper(slip: Slip, server: impl Fn(&Call) + Send + Sync + Clone + 'static) {
    explore(ALL, move || {
        let call = Arc::new(Call::default());
        let server = {
            let (call, server) = (Arc::clone(&call), server.clone());
            thread::spawn(move || server(&call))
        };
        let end = call.wait(1, slip);
        server.join().unwrap();
        assert!(end != End::Asleep || call.bed.was_woken(), "{LOST}");
    });
}

#[test]
fn a_caller_that_goes_to_sleep_sees_the_reply_or_is_woken() {
    sleeper(Slip::None, |call| call.answer(1, Slip::None));
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_without_its_fence_loses_the_wake() {
    sleeper(Slip::NoFenceBeforeWait, |call| call.answer(1, Slip::None));
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_standby_that_looks_without_a_fence_loses_the_caller() {
    sleeper(Slip::None, |call| call.answer(1, Slip::NoFenceAfterReply));
}

#[test]
fn a_caller_that_sleeps_on_two_words_sees_the_end() {
    sleeper(Slip::None, Call::end);
}

/// The time-out case: no word that a client may write changes when its server dies, so that nothing but the step bounds
/// a sleep on the reply word alone.
#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_that_sleeps_on_the_reply_alone_needs_its_step_to_see_the_end() {
    sleeper(Slip::SleepsOnReplyAlone, Call::end);
}

/// Two whole calls: each side asleep for the other and woken by it.
#[test]
fn calls_between_two_sleepers_end() {
    explore(BOUNDED, || {
        let world = World::<1, 1>::looking();
        let call = Arc::new(Call::default());
        let caller = {
            let (world, call) = (Arc::clone(&world), Arc::clone(&call));
            thread::spawn(move || {
                for (line, sequence) in [(0, 1), (1, 2)] {
                    world.pairs[0].publish(line);
                    world.pairs[0].ring(&world.seats, 0, false, Slip::None);
                    while call.wait(sequence, Slip::None) == End::Asleep {
                        call.bed.sleep();
                    }
                }
            })
        };
        let standby = world.standby(0);
        for sequence in [1, 2] {
            while standby.attend(Slip::None) == End::Asleep {
                world.seats[0].bed.sleep();
                standby.arm(LOOKING);
            }
            standby.arm(AWAY);
            call.answer(sequence, Slip::None);
            standby.arm(LOOKING);
        }
        caller.join().unwrap();
    });
}
