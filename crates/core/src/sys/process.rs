//! What a domain asks of the kernel for its own threads.

use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};

/// Blocks every signal in the calling kernel thread, so that a user's handlers never run on a hidden one.
pub fn block_all_signals() {
    // SAFETY: sigset_t is an array of integers; zero is a value of it.
    let mut all: libc::sigset_t = unsafe { core::mem::zeroed() };
    // SAFETY: `all` is ours and initialised.
    unsafe { libc::sigfillset(&raw mut all) };
    // SAFETY: `all` is initialised; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, core::ptr::null_mut()) };
}

/// Registers the process for [`barrier`]. `false` where the kernel has no expedited barriers.
#[must_use]
pub fn register_barrier() -> bool {
    membarrier_query().contains_command(MembarrierCommand::PrivateExpedited)
        && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
}

/// A full fence in every running kernel thread of this process. `false` if it was not registered.
#[must_use]
pub fn barrier() -> bool {
    membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}

/// The CPU this kernel thread runs on now, or just did; a hint.
#[must_use]
pub fn cpu() -> u16 {
    u16::try_from(rustix::thread::sched_getcpu()).unwrap_or(u16::MAX)
}
