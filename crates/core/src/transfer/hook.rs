//! A function that runs between publication and the caller's first look at the reply, so that one kernel thread can be
//! client and server in turn: instructions are counted that way, on the real generated code, without anything waiting.

use core::sync::atomic::{AtomicPtr, Ordering};

static HOOK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// Sets the hook of this process.
pub fn set(hook: fn()) {
    // Release: pairs with the Acquire in `run`.
    HOOK.store(hook as *mut (), Ordering::Release);
}

#[inline(always)]
pub(crate) fn run() {
    let hook = HOOK.load(Ordering::Acquire);
    if !hook.is_null() {
        // SAFETY: the only values ever stored are null and a `fn()`.
        let hook = unsafe { core::mem::transmute::<*mut (), fn()>(hook) };
        hook();
    }
}
