//! A frame's sender and a receiver that goes to sleep ("Frames" in `docs/orderings.md`); a slot that goes to and fro between the kernel
//! and whoever has a packet socket.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
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

#[derive(Clone, Copy, PartialEq)]
enum Handed {
    Rightly,
    /// Ours to the kernel, without Release.
    BackRelaxed,
    /// The kernel's to us, without Acquire.
    TakenRelaxed,
}

/// A packet ring of one slot, used twice: its status says whose it is.
fn slot_of_the_kernel(handed: Handed) {
    explore(ALL, move || {
        let slot = Arc::new((AtomicU32::new(0), UnsafeCell::new(0)));
        let kernel = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || {
                let (status, frame) = &*slot;
                for n in 1..=2 {
                    while status.load(Ordering::Acquire) != 0 {
                        thread::yield_now();
                    }
                    // SAFETY: the slot is the kernel's; loom fails the model if a read is not ordered with this.
                    frame.with_mut(|frame| unsafe { *frame = n });
                    status.store(1, Ordering::Release);
                }
            })
        };
        let (status, frame) = &*slot;
        for n in 1..=2 {
            let order = if handed == Handed::TakenRelaxed { Ordering::Relaxed } else { Ordering::Acquire };
            while status.load(order) == 0 {
                thread::yield_now();
            }
            // SAFETY: the slot is ours; loom fails the model if a write is not ordered with this.
            assert_eq!(frame.with(|frame| unsafe { *frame }), n, "misread");
            status.store(0, if handed == Handed::BackRelaxed { Ordering::Relaxed } else { Ordering::Release });
        }
        kernel.join().unwrap();
    });
}

#[test]
fn a_slot_of_the_kernel_is_whoever_s_the_status_says() {
    slot_of_the_kernel(Handed::Rightly);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_slot_that_is_given_back_relaxed_is_written_while_it_is_read() {
    slot_of_the_kernel(Handed::BackRelaxed);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_slot_that_is_taken_relaxed_is_read_while_it_is_written() {
    slot_of_the_kernel(Handed::TakenRelaxed);
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
