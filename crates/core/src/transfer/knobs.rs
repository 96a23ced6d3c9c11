//! What measurements may take away, to see what it is worth. Not for people: the policy needs no tuning.

use core::sync::atomic::{AtomicBool, Ordering};

static NO_YIELDS: AtomicBool = AtomicBool::new(false);

/// From now on no kernel thread of this process yields before it sleeps.
pub fn forbid_yields() {
    NO_YIELDS.store(true, Ordering::Relaxed);
}

pub(crate) fn may_yield() -> bool {
    !NO_YIELDS.load(Ordering::Relaxed)
}
