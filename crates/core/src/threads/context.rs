//! What goes with whoever runs on a kernel thread, and is not the threads' own affair: which call it serves, and what is done
//! about a kernel thread that is about to be blocked.
//!
//! Both are set from above (`transfer`), because nothing here knows what a call is.

use core::cell::Cell;

use super::processor;

thread_local! {
    static BLOCKING: Cell<Option<Hook>> = const { Cell::new(None) };
}

/// Runs its argument, which blocks the kernel thread.
pub(crate) type Hook = fn(&mut dyn FnMut());

/// The word of whoever runs: a thread has its own, which is null when it begins.
#[inline(always)]
pub(crate) fn get() -> *const () {
    processor::context().get()
}

#[inline(always)]
pub(crate) fn set(word: *const ()) {
    processor::context().set(word);
}

/// From now on waits that block this kernel thread do so through `hook`.
pub(crate) fn on_block(hook: Hook) {
    BLOCKING.set(Some(hook));
}

/// Does what blocks the kernel thread.
pub(super) fn block<R>(f: impl FnOnce() -> R) -> R {
    let Some(hook) = BLOCKING.get() else { return f() };
    let (mut f, mut result) = (Some(f), None);
    hook(&mut || result = f.take().map(|f| f()));
    match (result, f) {
        (Some(result), _) => result,
        (None, Some(f)) => f(),
        (None, None) => unreachable!("what was run has a result"),
    }
}
