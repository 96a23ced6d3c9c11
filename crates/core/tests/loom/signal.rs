//! Replies, and callers that do not sleep on their reply words: the signal, the reply bell, and calls that are given up.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::sync::{Arc, Mutex};
use loom::thread;

use crate::futex::Futex;
use crate::{ALL, LOST, Slip, explore};

/// Wait words: nobody waits, or asks for the signal or the bell.
const SIGNAL: u32 = 1;
const BELL: u32 = 2;

/// The words of one pair with two A-stacks.
#[derive(Default)]
struct Pair {
    /// The server's.
    replies: [AtomicU32; 2],
    signals: AtomicU32,
    bell: AtomicU32,
    /// The server's, private: signals that were given.
    given: AtomicU32,
    /// The client's.
    waits: [AtomicU32; 2],
    heard: AtomicU32,
    /// The socket.
    messages: Mutex<u32>,
    /// The client's, private: who is to be woken, and who was.
    wakers: Mutex<[bool; 2]>,
    woken: Mutex<[bool; 2]>,
    /// Where a sleeper on the bell is.
    bed: Futex,
}

impl Pair {
    /// The server: reply; fence; look at the wait word; wake as that says.
    fn answer(&self, astack: usize, slip: Slip) {
        self.replies[astack].store(1, Ordering::Release);
        if slip != Slip::NoFenceAfterReply {
            fence(Ordering::SeqCst);
        }
        match self.waits[astack].load(Ordering::Relaxed) {
            SIGNAL => {
                let heard = self.heard.load(Ordering::Relaxed);
                let mine = self.given.compare_exchange(heard, heard + 1, Ordering::Relaxed, Ordering::Relaxed);
                if mine.is_ok() {
                    self.signals.store(heard + 1, Ordering::Release);
                    *self.messages.lock().unwrap() += 1;
                }
            }
            BELL => {
                self.bell.store(self.given.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Release);
                self.bed.wake();
            }
            _ => {}
        }
    }

    fn is_answered(&self, astack: usize) -> bool {
        let seen = self.replies[astack].load(Ordering::Relaxed) == 1;
        fence(Ordering::Acquire);
        seen
    }

    /// The watcher, if there is a message: says what it has heard; fence; wakes those whose replies it sees.
    fn hear(&self, slip: Slip) {
        if std::mem::take(&mut *self.messages.lock().unwrap()) == 0 {
            return;
        }
        let mut wakers = self.wakers.lock().unwrap();
        let signals = self.signals.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if slip != Slip::HeardAfterLook {
            self.heard.store(signals, Ordering::Release);
        }
        if slip != Slip::NoFenceAfterHeard {
            fence(Ordering::SeqCst);
        }
        for (astack, waker) in wakers.iter_mut().enumerate() {
            if *waker && self.is_answered(astack) {
                *waker = false;
                self.woken.lock().unwrap()[astack] = true;
            }
        }
        if slip == Slip::HeardAfterLook {
            self.heard.store(signals, Ordering::Release);
        }
    }

    /// Whoever polls: keeps a waker; announces; fence; looks. `true`: it is answered.
    fn poll(&self, astack: usize, slip: Slip) -> bool {
        if slip != Slip::AnnouncedBeforeWaker {
            self.wakers.lock().unwrap()[astack] = true;
        }
        self.waits[astack].store(SIGNAL, Ordering::Release);
        if slip != Slip::NoFenceBeforeWait {
            fence(Ordering::SeqCst);
        }
        let answered = self.is_answered(astack);
        if slip == Slip::AnnouncedBeforeWaker {
            self.wakers.lock().unwrap()[astack] = true;
        }
        answered
    }
}

/// One call that is polled once, while its reply comes and its signal is heard.
fn polled(slip: Slip) {
    explore(ALL, move || {
        let pair = Arc::new(Pair::default());
        let server = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                pair.answer(0, slip);
                pair.hear(slip);
            })
        };
        let answered = pair.poll(0, slip);
        server.join().unwrap();
        pair.hear(slip);
        assert!(answered || pair.woken.lock().unwrap()[0], "{LOST}");
    });
}

#[test]
fn a_waker_that_is_kept_is_woken_or_the_reply_is_seen() {
    polled(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_waker_that_comes_after_the_announcement_is_lost() {
    polled(Slip::AnnouncedBeforeWaker);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_polls_without_a_fence_loses_the_signal() {
    polled(Slip::NoFenceBeforeWait);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_server_that_looks_without_a_fence_gives_no_signal() {
    polled(Slip::NoFenceAfterReply);
}

/// Two calls that wait, answered by two processors, while the watcher hears the first signal.
fn one_signal_for_two(slip: Slip) {
    explore(ALL, move || {
        let pair = Arc::new(Pair::default());
        *pair.wakers.lock().unwrap() = [true; 2];
        pair.waits.iter().for_each(|wait| wait.store(SIGNAL, Ordering::Relaxed));
        let processors = [0, 1].map(|astack| {
            let pair = Arc::clone(&pair);
            thread::spawn(move || pair.answer(astack, slip))
        });
        pair.hear(slip);
        processors.into_iter().for_each(|processor| processor.join().unwrap());
        // Whatever was sent is heard in the end.
        pair.hear(slip);
        assert_eq!(*pair.woken.lock().unwrap(), [true; 2], "{LOST}");
    });
}

#[test]
fn one_signal_is_enough_for_two_replies() {
    one_signal_for_two(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_watcher_that_does_not_fence_after_what_it_heard_loses_a_reply() {
    one_signal_for_two(Slip::NoFenceAfterHeard);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_watcher_that_says_what_it_heard_after_its_look_loses_a_reply() {
    one_signal_for_two(Slip::HeardAfterLook);
}

/// A sleeper on the reply bell.
fn belled(slip: Slip) {
    explore(ALL, move || {
        let pair = Arc::new(Pair::default());
        let server = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || pair.answer(0, slip))
        };
        let mut rung = pair.bell.load(Ordering::Relaxed);
        pair.waits[0].store(BELL, Ordering::Release);
        if slip != Slip::NoFenceBeforeWait {
            fence(Ordering::SeqCst);
        }
        let answered = pair.is_answered(0);
        if slip == Slip::ReplyBellAfterLook {
            rung = pair.bell.load(Ordering::Relaxed);
        }
        let sleeps = !answered && pair.bed.sleeps(&[(&pair.bell, rung)]);
        server.join().unwrap();
        assert!(!sleeps || pair.bed.was_woken(), "{LOST}");
    });
}

#[test]
fn who_sleeps_on_the_reply_bell_sees_the_reply_or_is_woken() {
    belled(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_reply_bell_that_is_read_after_the_look_is_an_old_one() {
    belled(Slip::ReplyBellAfterLook);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_sleeps_on_the_reply_bell_without_a_fence_is_lost() {
    belled(Slip::NoFenceBeforeWait);
}

/// A call that is given up while its reply comes: its A-stack is used again only when the server is done with it.
fn given_up(slip: Slip) {
    explore(ALL, move || {
        let pair = Arc::new(Pair::default());
        let frame = Arc::new(UnsafeCell::new(0));
        let server = {
            let (pair, frame) = (Arc::clone(&pair), Arc::clone(&frame));
            thread::spawn(move || {
                frame.with_mut(|_| ());
                pair.answer(0, slip);
            })
        };
        let is_free = |pair: &Pair| slip == Slip::FreedUnanswered || pair.is_answered(0);
        let mut free = is_free(&pair);
        if !free {
            // Given up and quarantined; somebody who wants an A-stack looks once more.
            pair.waits[0].store(0, Ordering::Release);
            free = is_free(&pair);
        }
        if free {
            frame.with_mut(|_| ());
        }
        server.join().unwrap();
        assert!(is_free(&pair), "the A-stack does not come back");
    });
}

#[test]
fn an_astack_whose_call_was_given_up_comes_back_with_the_answer() {
    given_up(Slip::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_astack_that_comes_back_before_is_used_by_two() {
    given_up(Slip::FreedUnanswered);
}
