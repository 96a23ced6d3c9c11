//! What measurements may take away, to see what it is worth. Not for people: the policy needs no tuning.

#[cfg(feature = "knobs")]
use core::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "knobs")]
static NO_YIELDS: AtomicBool = AtomicBool::new(false);

/// From now on no kernel thread of this process yields before it sleeps.
#[cfg(feature = "knobs")]
pub fn forbid_yields() {
    NO_YIELDS.store(true, Ordering::Relaxed);
}

#[cfg(feature = "knobs")]
static NO_LEADS: AtomicBool = AtomicBool::new(false);

/// From now on no processor of this process polls for calls: it lives on those that callers give it.
#[cfg(feature = "knobs")]
pub fn forbid_leads() {
    NO_LEADS.store(true, Ordering::Relaxed);
}

/// Whether nobody has forbidden that.
pub(super) fn may_lead() -> bool {
    #[cfg(feature = "knobs")]
    return !NO_LEADS.load(Ordering::Relaxed);
    #[cfg(not(feature = "knobs"))]
    true
}

/// Whether nobody has forbidden it.
pub(super) fn may_yield() -> bool {
    #[cfg(feature = "knobs")]
    return !NO_YIELDS.load(Ordering::Relaxed);
    #[cfg(not(feature = "knobs"))]
    true
}
