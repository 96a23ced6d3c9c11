//! Counts allocations, so that "a call allocates nothing" is a number and not a hope.
//!
//! The counter is one relaxed addition per allocation and nothing per call, so it is always there.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Allocations and growths of this process so far, by all its threads.
pub(crate) fn allocations() -> u64 {
    // Relaxed: a thread that has answered us has made its allocations visible with its answer.
    ALLOCATIONS.load(Ordering::Relaxed)
}

struct Counting;

fn count() {
    // Relaxed: a count guards nothing.
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
}

// SAFETY: everything is left to `System`, which keeps the promises of an allocator; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise: the layout is not of size 0.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise: the layout is not of size 0.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise: `block` came from this allocator, so from `System`, with this layout, and
        // `size` is neither 0 nor too large.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise: `block` came from this allocator, so from `System`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}
