//! Names of threads, as the watchdog and the overflow handler read them from other kernel threads.
//!
//! A processor stores a pointer to the name of the thread that it resumes: one plain store. Who reads it holds [`lock`]
//! meanwhile, and so does who frees a name: a pointer that is read under the lock is one of a name that is not freed before
//! the lock is released, because a thread's name is freed only after its processor has stored another pointer.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::watchdog;

static FREEING: Mutex<()> = Mutex::new(());

/// Proof that no name is freed meanwhile.
pub(super) fn lock() -> MutexGuard<'static, ()> {
    FREEING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of a thread, or none.
#[derive(Debug)]
pub(super) struct Name(*mut String);

// SAFETY: it owns a string, which nobody changes.
unsafe impl Send for Name {}
// SAFETY: as above.
unsafe impl Sync for Name {}

impl Name {
    /// Of a thread that processors run: they show names from then on.
    #[inline(always)]
    pub(super) fn new(name: Option<String>) -> Self {
        if name.is_some() {
            watchdog::note_name();
        }
        Self::of_foreign(name)
    }

    /// Of a kernel thread, which no processor shows. (Nearly every process has one with a name: its first.)
    #[inline(always)]
    pub(super) fn of_foreign(name: Option<String>) -> Self {
        Self(name.map_or(ptr::null_mut(), |name| Box::into_raw(Box::new(name))))
    }

    pub(super) const fn none() -> Self {
        Self(ptr::null_mut())
    }

    pub(super) fn is_some(&self) -> bool {
        !self.0.is_null()
    }

    pub(super) fn get(&self) -> Option<&str> {
        // SAFETY: null, or from a box that is freed in `drop` only.
        unsafe { self.0.as_ref() }.map(String::as_str)
    }
}

impl Drop for Name {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.0.is_null() {
            free(self.0);
        }
    }
}

#[cold]
fn free(name: *mut String) {
    let _held = lock();
    // SAFETY: from a box; the only owner is going, and whoever reads it through a cell has the lock.
    drop(unsafe { Box::from_raw(name) });
}

/// Where a processor shows a name.
#[derive(Debug)]
pub(super) struct NameCell(AtomicPtr<String>);

impl NameCell {
    pub(super) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Shows a name until something else is shown; before it is freed, something else must be.
    #[inline(always)]
    pub(super) fn show(&self, name: &Name) {
        // Release: pairs with the Acquire in `read`, and carries the string.
        self.0.store(name.0, Ordering::Release);
    }

    #[inline(always)]
    pub(super) fn clear(&self) {
        self.0.store(ptr::null_mut(), Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn is_clear(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null()
    }

    pub(super) fn read(&self, _held: &MutexGuard<'static, ()>) -> Option<String> {
        let name = self.0.load(Ordering::Acquire);
        // SAFETY: null, or a name that cannot be freed before the lock is released (above).
        unsafe { name.as_ref() }.cloned()
    }
}
