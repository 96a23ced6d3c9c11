//! Bytes that are copied where they are, while their writer may change them.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;

use crate::{ALL, Slip, explore};

/// A stamp, and two words that are changed together.
#[derive(Default)]
struct Shown {
    stamp: AtomicU32,
    words: [AtomicU32; 2],
}

impl Shown {
    /// As `OwnWindow::write_word`, then `write`.
    fn change(&self, to: u32, slip: Slip) {
        let stamp = || self.stamp.store(to, Ordering::Relaxed);
        if slip != Slip::StampAfterBytes {
            stamp();
        }
        if slip != Slip::NoFenceAfterStamp {
            fence(Ordering::Release);
        }
        for word in &self.words {
            word.store(to, Ordering::Relaxed);
        }
        if slip == Slip::StampAfterBytes {
            stamp();
        }
    }

    /// As a copy, then `PeerBytes::word_after`: what was copied, if it was valid by the stamp that this thread was told.
    fn copy(&self, told: u32, slip: Slip) -> Option<[u32; 2]> {
        let bytes = [0, 1].map(|at: usize| self.words[at].load(Ordering::Relaxed));
        if slip != Slip::NoFenceBeforeStamp {
            fence(Ordering::Acquire);
        }
        (self.stamp.load(Ordering::Relaxed) == told).then_some(bytes)
    }
}

/// A reader that was told of stamp 0, beside two changes.
fn copy_beside_changes(slip: Slip) {
    explore(ALL, move || {
        let shown = Arc::new(Shown::default());
        let writer = {
            let shown = Arc::clone(&shown);
            thread::spawn(move || {
                shown.change(1, slip);
                shown.change(2, slip);
            })
        };
        if let Some(bytes) = shown.copy(0, slip) {
            assert_eq!(bytes, [0, 0], "bytes of another stamp");
        }
        writer.join().unwrap();
        assert_eq!(shown.copy(2, slip), Some([2, 2]));
    });
}

#[test]
fn a_copy_by_its_stamp_is_of_one_piece() {
    copy_beside_changes(Slip::None);
}

#[test]
#[should_panic(expected = "bytes of another stamp")]
fn a_stamp_that_is_not_fenced_from_the_bytes_comes_late() {
    copy_beside_changes(Slip::NoFenceAfterStamp);
}

#[test]
#[should_panic(expected = "bytes of another stamp")]
fn a_stamp_that_comes_after_the_bytes_comes_late() {
    copy_beside_changes(Slip::StampAfterBytes);
}

#[test]
#[should_panic(expected = "bytes of another stamp")]
fn a_stamp_that_is_not_fenced_from_the_copy_is_read_early() {
    copy_beside_changes(Slip::NoFenceBeforeStamp);
}
