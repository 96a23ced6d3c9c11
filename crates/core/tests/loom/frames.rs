//! A frame's sender and a receiver that goes to sleep ("Frames" in `docs/orderings.md`).

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering, fence};
use loom::thread;

use crate::{ALL, LOST, explore};

#[derive(Default)]
struct Words {
    sent: AtomicU64,
    taken: AtomicU64,
    asleep: AtomicU64,
    slot: AtomicU64,
    /// The bell: a socket, which keeps what was sent.
    rings: AtomicU64,
}

#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    SenderDoesNotFence,
    SleeperDoesNotFence,
    SleeperLooksFirst,
    TakenTooEarly,
}

fn sleep(wrong: Wrong) {
    explore(ALL, move || {
        let words = Arc::new(Words::default());
        let sender = Arc::clone(&words);
        let other = thread::spawn(move || {
            sender.slot.store(7, Ordering::Relaxed);
            sender.sent.store(1, Ordering::Release);
            if wrong != Wrong::SenderDoesNotFence {
                fence(Ordering::SeqCst);
            }
            if sender.asleep.load(Ordering::Relaxed) != 0 {
                sender.rings.fetch_add(1, Ordering::Relaxed);
            }
        });
        let ready = || words.sent.load(Ordering::Relaxed) != 0;
        let looked = wrong == Wrong::SleeperLooksFirst && ready();
        words.asleep.store(1, Ordering::Release);
        if wrong != Wrong::SleeperDoesNotFence {
            fence(Ordering::SeqCst);
        }
        let sees = if wrong == Wrong::SleeperLooksFirst { looked } else { ready() };
        if sees {
            fence(Ordering::Acquire);
            assert_eq!(words.slot.load(Ordering::Relaxed), 7, "misread");
        }
        other.join().unwrap();
        assert!(sees || words.rings.load(Ordering::Relaxed) > 0, "{LOST}");
    });
}

/// A ring of one slot, used twice.
fn again(wrong: Wrong) {
    explore(ALL, move || {
        let words = Arc::new(Words::default());
        words.slot.store(1, Ordering::Relaxed);
        words.sent.store(1, Ordering::Release);
        let sender = Arc::clone(&words);
        let other = thread::spawn(move || {
            if sender.taken.load(Ordering::Relaxed) == 1 {
                fence(Ordering::Acquire);
                sender.slot.store(2, Ordering::Relaxed);
                sender.sent.store(2, Ordering::Release);
            }
        });
        if words.sent.load(Ordering::Relaxed) == 1 {
            fence(Ordering::Acquire);
            if wrong == Wrong::TakenTooEarly {
                words.taken.store(1, Ordering::Release);
            }
            assert_eq!(words.slot.load(Ordering::Relaxed), 1, "misread");
            if wrong != Wrong::TakenTooEarly {
                words.taken.store(1, Ordering::Release);
            }
        }
        other.join().unwrap();
    });
}

#[test]
fn a_receiver_that_sleeps_is_rung_or_sees_the_frame() {
    sleep(Wrong::Nothing);
}

#[test]
fn a_slot_is_used_again_after_it_was_read() {
    again(Wrong::Nothing);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_sender_that_does_not_fence_loses_the_ring() {
    sleep(Wrong::SenderDoesNotFence);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_sleeper_that_does_not_fence_misses_the_frame() {
    sleep(Wrong::SleeperDoesNotFence);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_sleeper_that_looks_before_it_announces_misses_the_frame() {
    sleep(Wrong::SleeperLooksFirst);
}

#[test]
#[should_panic(expected = "misread")]
fn a_slot_that_is_given_back_too_early_is_misread() {
    again(Wrong::TakenTooEarly);
}
