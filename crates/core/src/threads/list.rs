//! Threads in a row, linked through themselves: a thread is in one list at a time, or in none.

use core::cell::Cell;
use core::ptr;

use super::record::Record;

/// First in, first out. Whoever has a list has the run references of what is in it (`record`).
#[derive(Debug)]
pub(super) struct List {
    head: Cell<*const Record>,
    tail: Cell<*const Record>,
}

// SAFETY: the records are shared between kernel threads by their own contract; the links of those in a list are touched
// by the list's holder only.
unsafe impl Send for List {}

impl List {
    pub(super) const fn new() -> Self {
        Self { head: Cell::new(ptr::null()), tail: Cell::new(ptr::null()) }
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// The first, which stays.
    #[inline(always)]
    pub(super) fn first(&self) -> *const Record {
        self.head.get()
    }

    /// Adds `record` at the end.
    ///
    /// # Safety
    /// It is alive, in no list, and its run reference passes to this one.
    #[inline(always)]
    pub(super) unsafe fn push(&self, record: *const Record) {
        // SAFETY: alive, by contract.
        let new = unsafe { &*record };
        new.set_next(ptr::null());
        let tail = self.tail.replace(record);
        if tail.is_null() {
            self.head.set(record);
        } else {
            // SAFETY: what is in the list is alive, because the list has its run reference.
            let last = unsafe { &*tail };
            last.set_next(record);
        }
    }

    /// Takes the first, with its run reference; null if there is none.
    #[inline(always)]
    pub(super) fn pop(&self) -> *const Record {
        let head = self.head.get();
        if !head.is_null() {
            // SAFETY: what is in the list is alive, because the list has its run reference.
            let first = unsafe { &*head };
            let next = first.next();
            self.head.set(next);
            if next.is_null() {
                self.tail.set(ptr::null());
            }
        }
        head
    }
}
