//! An allocator that says how much memory something took: for tests of what a peer can make a decoder allocate.

#![allow(clippy::cast_possible_wrap, clippy::as_conversions, reason = "sizes of allocations are less than half of all")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, measuring; for `#[global_allocator]`.
#[derive(Debug)]
pub struct Measuring;

/// What `run` returns, and the most bytes that this thread had allocated meanwhile. Needs [`Measuring`] as the
/// allocator.
pub fn peak_of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.get();
    PEAK.set(before);
    let value = run();
    (value, PEAK.get().saturating_sub(before).unsigned_abs())
}

thread_local! {
    /// Bytes allocated by this thread and not freed by it; less than 0 if it frees what others allocated.
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn add(size: usize) {
    let now = NOW.get() + size as isize;
    NOW.set(now);
    PEAK.set(PEAK.get().max(now));
}

fn subtract(size: usize) {
    NOW.set(NOW.get() - size as isize);
}

// SAFETY: everything is left to `System`, which keeps the promises of an allocator; measuring does not allocate, as the
// thread's counters have constant initial values and no destructors.
unsafe impl GlobalAlloc for Measuring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise: the layout is not of size 0.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promise: the layout is not of size 0.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both exist for a moment.
        add(size);
        subtract(layout.size());
        // SAFETY: the caller's promise: `block` came from this allocator, so from `System`, with this layout, and
        // `size` is neither 0 nor too large.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        subtract(layout.size());
        // SAFETY: the caller's promise: `block` came from this allocator, so from `System`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}
