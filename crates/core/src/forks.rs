//! Forked children that are to take part themselves.
//!
//! A child is one kernel thread with a copy of everything. What its parent shares with other domains is not in the copy
//! ([`crate::sys::memory`]); what is left are locks of the process that other kernel threads held at that moment, and what is
//! noted of kernel threads that did not come along. So these locks are held across the fork by whoever forks
//! (`pthread_atfork`), and the child forgets those notes.
//!
//! **Order of the locks:** that in which they are nested anywhere: those of above, large buffers before what is spent on them
//! (`channel/memory.rs` drops a buffer under its lock), all others alone.
//!
//! **Not done here:** user-level threads stay with the parent (`NoWorker::Forked`); accounts of what the parent has of others
//! stay as they are in the child, which has less room then.

use core::any::Any;
use core::cell::RefCell;
use std::sync::OnceLock;

use rustix::io::Errno;

use crate::channel::memory;
use crate::sys::{foreign, forked};
use crate::threads::{processor, stack, watchdog};
use crate::{budget, sync};

/// Locks of a module, until this is dropped.
pub type Held = Box<dyn Any>;

/// Takes the locks of whoever stands above this crate.
static ABOVE: OnceLock<fn() -> Held> = OnceLock::new();

thread_local! {
    /// What the calling kernel thread holds while it forks.
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// Has children that are forked from now on find nothing locked. `above` takes the locks of whoever calls this, before all others;
/// it is called by whoever forks. Only the first call counts.
///
/// # Errors
/// What the C library says: it has no memory.
pub fn hold_locks(above: fn() -> Held) -> Result<(), Errno> {
    let mut is_new = false;
    let before = ABOVE.get_or_init(|| {
        is_new = true;
        above
    });
    // A second crate above would need a second place.
    debug_assert!(core::ptr::fn_addr_eq(*before, above));
    if !is_new {
        return Ok(());
    }
    // SAFETY: the handlers are functions of a program, or of a library that is never unloaded: it has kernel threads.
    let failed = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    if failed == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(failed)) }
}

/// Whether children that are forked now can take part: [`hold_locks`] was called.
#[must_use]
pub fn are_locks_held() -> bool {
    ABOVE.get().is_some()
}

extern "C" fn prepare() {
    let Some(above) = ABOVE.get() else { return };
    let held = [above(), memory::hold(), budget::hold(), foreign::hold(), watchdog::hold(), processor::hold()];
    // A kernel thread that is ending has nowhere to keep them, and then its child finds what it finds.
    let _ = HELD.try_with(|all| {
        let mut all = all.borrow_mut();
        all.extend(held);
        all.push(stack::hold());
        all.push(forked::hold());
    });
}

extern "C" fn parent() {
    let _ = HELD.try_with(|all| all.borrow_mut().clear());
}

extern "C" fn child() {
    parent();
    // Nobody else is here yet.
    sync::forget_other_threads();
    foreign::forget_threads();
    watchdog::forget();
    processor::forget_others();
}
